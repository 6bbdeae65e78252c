//! What a failing cloud leaves, and what it makes us say: every call of a build fails once in each of the ways in which it can.

use super::fake::{Fake, TOKEN};
use super::forge::{Place, builder};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One trouble: the rule for the fake, and what the table calls it.
struct Trouble {
    method: String,
    /// The call that fails, from 1; 0 is each of them.
    call: usize,
    what: &'static str,
    fault: Value,
    /// What the template has for it.
    more: Value,
}

fn template(fake: &Fake, image: &str, more: &Value) -> Value {
    let inline = more.get("inline").cloned().unwrap_or_else(|| json!(["true"]));
    let mut more = more.clone();
    more.as_object_mut().unwrap().remove("inline");
    // One project alone, so that the calls of all builds are the same.
    more["source_image_project_id"] = json!(["debian-cloud"]);
    json!({
        "builders": [builder(fake, image, &more)],
        "provisioners": [{"type": "shell", "inline": inline}],
    })
}

/// Instances, disks, images, keys and objects: all that a build could leave.
fn things(fake: &Fake) -> BTreeMap<String, Value> {
    let state = fake.state();
    let is_thing = |path: &str| ["/instances/", "/disks/", "/images/"].iter().any(|kind| path.contains(kind));
    state.into_iter().filter(|(path, _)| is_thing(path)).collect()
}

/// What the user reads of it: the build's end, or the first mistake.
fn told(output: &str) -> String {
    let mut lines = output.lines();
    let line =
        lines.clone().find(|line| line.starts_with("--> ")).or_else(|| lines.find(|line| line.starts_with("error")));
    let line = line.unwrap_or(output.lines().last().unwrap_or_default());
    line.trim_start_matches("--> googlecompute: ").to_owned()
}

/// The number of a run, and what is named after it, is another one each time.
fn plain(text: &str, image: &str) -> String {
    let text = text.replace(image, "IMAGE");
    let mut parts = text.split("imgforge-");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let rest = part.trim_start_matches(|c: char| c.is_ascii_hexdigit() || c == '-');
        plain += if rest.len() < part.len() { "imgforge-RUN" } else { "imgforge-" };
        plain += rest;
    }
    plain
}

/// One build with one trouble: its row of the table, and what is wrong with its end.
fn suffer(fake: &Fake, trouble: &Trouble, number: usize) -> (String, Option<String>) {
    let image = format!("image-{number}");
    let before = things(fake);
    let mut rule = json!({"method": trouble.method, "fault": trouble.fault});
    if trouble.call > 0 {
        rule["call"] = json!(trouble.call);
    }
    fake.faults(json!([rule]));
    let place = Place::new(&template(fake, &image, &trouble.more));
    let ended = place.run(&["build", "template.json"]);
    fake.faults(json!([]));
    let mut after = things(fake);
    let artifact = after.remove(&format!("projects/demo/global/images/{image}"));
    let mut wrong = Vec::new();
    for path in after.keys().filter(|path| !before.contains_key(*path)) {
        wrong.push(format!("left {path}"));
    }
    match (&artifact, ended.code) {
        (Some(artifact), Some(0)) if artifact["labels"]["imgforge-role"] == "artifact" => {}
        (None, Some(1 | 75)) => {}
        (artifact, code) => wrong.push(format!("ended with {code:?}, and the image is {artifact:?}")),
    }
    if std::fs::read_dir(place.path().join("state/runs")).is_ok_and(|mut runs| runs.next().is_some()) {
        wrong.push("left a journal".to_owned());
    }
    let code = ended.code.unwrap_or(-1);
    let method = trouble.method.trim_start_matches("compute.");
    let row = format!("{method} {} {}: {code} {}", trouble.call, trouble.what, plain(&told(&ended.output), &image));
    let wrong = (!wrong.is_empty()).then(|| format!("{row}\n  {}\n{}", wrong.join("\n  "), ended.output));
    (row, wrong)
}

/// Runs them on several fakes at once; the rows come in order.
fn table(troubles: &[Trouble]) -> String {
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(BTreeMap::new());
    let wrong = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let fake = Fake::start(json!({}));
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(trouble) = troubles.get(number) else { break };
                    let (row, is_wrong) = suffer(&fake, trouble, number);
                    rows.lock().unwrap().insert(number, row);
                    wrong.lock().unwrap().extend(is_wrong);
                }
                assert_eq!(fake.violations(), [""; 0]);
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{} of {} went wrong:\n\n{}", wrong.len(), troubles.len(), wrong.join("\n\n"));
    let mut table = String::new();
    for row in rows.into_inner().unwrap().values() {
        writeln!(table, "{row}").unwrap();
    }
    table
}

/// The methods that a plain build calls, each with how often; waiting counts once, since how often is up to the time.
fn methods() -> Vec<(String, usize)> {
    let fake = Fake::start(json!({}));
    let place = Place::new(&template(&fake, "whole", &json!({})));
    let ended = place.run(&["build", "template.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(fake.violations(), [""; 0]);
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for method in fake.methods() {
        *counts.entry(method).or_default() += 1;
    }
    counts.into_iter().collect()
}

fn is_change(method: &str) -> bool {
    let verb = method.rsplit('.').next().unwrap_or_default();
    ["insert", "stop", "delete", "setLabels", "setMetadata"].contains(&verb)
}

#[test]
fn a_call_that_is_refused_leaves_nothing() {
    let mut troubles = Vec::new();
    for (method, count) in methods() {
        for call in 1..=count {
            let fault = json!({"http": 403, "reason": "forbidden", "message": "the administrator says no"});
            troubles.push(Trouble { method: method.clone(), call, what: "refused", fault, more: json!({}) });
        }
    }
    let table = table(&troubles);
    println!("{table}");
    insta::assert_snapshot!(table, @r#"
    cloudresourcemanager.projects.testIamPermissions 1 refused: 0 A disk image was created in the 'demo' project: IMAGE
    disks.delete 1 refused: 0 A disk image was created in the 'demo' project: IMAGE
    disks.delete 2 refused: 0 A disk image was created in the 'demo' project: IMAGE
    globalOperations.wait 1 refused: 1 make the image: create the image: globalOperations.wait of the operation of images.insert of image IMAGE in project demo failed with 403 forbidden: the administrator says no; see which roles the account of these credentials has in project demo
    globalOperations.wait 2 refused: 1 keep the image IMAGE: globalOperations.wait of the operation of images.setLabels of image IMAGE in project demo failed with 403 forbidden: the administrator says no; see which roles the account of these credentials has in project demo
    images.get 1 refused: 0 A disk image was created in the 'demo' project: IMAGE
    images.get 2 refused: 1 make the image: look at the image: images.get of image IMAGE in project demo failed with 403 forbidden: the administrator says no; see which roles the account of these credentials has in project demo
    images.get 3 refused: 1 keep the image IMAGE: images.get of image IMAGE in project demo failed with 403 forbidden: the administrator says no; see which roles the account of these credentials has in project demo
    images.getFromFamily 1 refused: 1 the family `debian-12` could not be looked at: the administrator says no
    images.insert 1 refused: 1 make the image: create the image: images.insert of image IMAGE in project demo failed with 403 forbidden: the administrator says no; see which roles the account of these credentials has in project demo
    images.setLabels 1 refused: 1 keep the image IMAGE: images.setLabels of image IMAGE in project demo failed with 403 forbidden: the administrator says no; see which roles the account of these credentials has in project demo
    instances.delete 1 refused: 0 A disk image was created in the 'demo' project: IMAGE
    instances.get 1 refused: 1 connect: look at the instance: instances.get of instance imgforge-RUN in europe-west1-b failed with 403 forbidden: the administrator says no; see which roles the account of these credentials has in project demo
    instances.insert 1 refused: 1 start the machine: create the instance: instances.insert of instance imgforge-RUN in europe-west1-b failed with 403 forbidden: the administrator says no; see which roles the account of these credentials has in project demo
    instances.stop 1 refused: 1 stop the machine: stop the instance: instances.stop of instance imgforge-RUN in europe-west1-b failed with 403 forbidden: the administrator says no; see which roles the account of these credentials has in project demo
    machineTypes.get 1 refused: 0 A disk image was created in the 'demo' project: IMAGE
    networks.get 1 refused: 0 A disk image was created in the 'demo' project: IMAGE
    projects.get 1 refused: 0 A disk image was created in the 'demo' project: IMAGE
    regions.get 1 refused: 0 A disk image was created in the 'demo' project: IMAGE
    zoneOperations.wait 1 refused: 1 start the machine: create the instance: zoneOperations.wait of the operation of instances.insert of instance imgforge-RUN in europe-west1-b failed with 403 forbidden: the administrator says no; see which roles the account of these credentials has in project demo
    zoneOperations.wait 2 refused: 1 stop the machine: stop the instance: zoneOperations.wait of the operation of instances.stop of instance imgforge-RUN in europe-west1-b failed with 403 forbidden: the administrator says no; see which roles the account of these credentials has in project demo
    zoneOperations.wait 3 refused: 0 A disk image was created in the 'demo' project: IMAGE
    zones.get 1 refused: 0 A disk image was created in the 'demo' project: IMAGE
    serviceusage.services.batchGet 1 refused: 0 A disk image was created in the 'demo' project: IMAGE
    "#);
}

#[test]
fn an_operation_that_fails_or_never_ends_leaves_nothing() {
    let mut troubles = Vec::new();
    for (method, count) in methods().into_iter().filter(|(method, _)| is_change(method)) {
        for call in 1..=count {
            let mut add =
                |what, fault, more| troubles.push(Trouble { method: method.clone(), call, what, fault, more });
            let exhausted = json!({"code": "ZONE_RESOURCE_POOL_EXHAUSTED", "message": "the zone is full"});
            let quota = json!({"code": "QUOTA_EXCEEDED", "message": "Quota 'CPUS' exceeded. Limit: 24.0"});
            add("no capacity", json!({"operation": exhausted}), json!({}));
            add("no quota", json!({"operation": quota}), json!({}));
            add("never ends", json!({"never_done": true}), json!({"state_timeout": "2s"}));
        }
    }
    let table = table(&troubles);
    println!("{table}");
    insta::assert_snapshot!(table, @r#"
    disks.delete 1 no capacity: 0 A disk image was created in the 'demo' project: IMAGE
    disks.delete 1 no quota: 0 A disk image was created in the 'demo' project: IMAGE
    disks.delete 1 never ends: 0 A disk image was created in the 'demo' project: IMAGE
    disks.delete 2 no capacity: 0 A disk image was created in the 'demo' project: IMAGE
    disks.delete 2 no quota: 0 A disk image was created in the 'demo' project: IMAGE
    disks.delete 2 never ends: 0 A disk image was created in the 'demo' project: IMAGE
    images.insert 1 no capacity: 75 make the image: create the image: images.insert of image IMAGE in project demo failed with 503 ZONE_RESOURCE_POOL_EXHAUSTED: the zone is full; try another zone, another machine type, or the same later
    images.insert 1 no quota: 1 make the image: create the image: images.insert of image IMAGE in project demo failed with 403 QUOTA_EXCEEDED: Quota 'CPUS' exceeded. Limit: 24.0; delete what is no longer needed, or have the quota `CPUS` of 24 raised at https://console.cloud.google.com/iam-admin/quotas?project=demo
    images.insert 1 never ends: 1 make the image: create the image: images.insert of image IMAGE in project demo: it did not come to its end within 2 s, and goes on
    images.setLabels 1 no capacity: 75 keep the image IMAGE: images.setLabels of image IMAGE in project demo failed with 503 ZONE_RESOURCE_POOL_EXHAUSTED: the zone is full; try another zone, another machine type, or the same later
    images.setLabels 1 no quota: 1 keep the image IMAGE: images.setLabels of image IMAGE in project demo failed with 403 QUOTA_EXCEEDED: Quota 'CPUS' exceeded. Limit: 24.0; delete what is no longer needed, or have the quota `CPUS` of 24 raised at https://console.cloud.google.com/iam-admin/quotas?project=demo
    images.setLabels 1 never ends: 1 keep the image IMAGE: images.setLabels of image IMAGE in project demo: it did not come to its end within 2 s, and goes on
    instances.delete 1 no capacity: 0 A disk image was created in the 'demo' project: IMAGE
    instances.delete 1 no quota: 0 A disk image was created in the 'demo' project: IMAGE
    instances.delete 1 never ends: 0 A disk image was created in the 'demo' project: IMAGE
    instances.insert 1 no capacity: 75 start the machine: create the instance: instances.insert of instance imgforge-RUN in europe-west1-b failed with 503 ZONE_RESOURCE_POOL_EXHAUSTED: the zone is full; try another zone, another machine type, or the same later
    instances.insert 1 no quota: 1 start the machine: create the instance: instances.insert of instance imgforge-RUN in europe-west1-b failed with 403 QUOTA_EXCEEDED: Quota 'CPUS' exceeded. Limit: 24.0; delete what is no longer needed, or have the quota `CPUS` of 24 raised at https://console.cloud.google.com/iam-admin/quotas?project=demo
    instances.insert 1 never ends: 1 start the machine: create the instance: instances.insert of instance imgforge-RUN in europe-west1-b: it did not come to its end within 2 s, and goes on
    instances.stop 1 no capacity: 75 stop the machine: stop the instance: instances.stop of instance imgforge-RUN in europe-west1-b failed with 503 ZONE_RESOURCE_POOL_EXHAUSTED: the zone is full; try another zone, another machine type, or the same later
    instances.stop 1 no quota: 1 stop the machine: stop the instance: instances.stop of instance imgforge-RUN in europe-west1-b failed with 403 QUOTA_EXCEEDED: Quota 'CPUS' exceeded. Limit: 24.0; delete what is no longer needed, or have the quota `CPUS` of 24 raised at https://console.cloud.google.com/iam-admin/quotas?project=demo
    instances.stop 1 never ends: 1 stop the machine: stop the instance: instances.stop of instance imgforge-RUN in europe-west1-b: it did not come to its end within 2 s, and goes on
    "#);
}

#[test]
fn what_can_not_be_deleted_is_told_and_left_to_a_cleanup() {
    let fake = Fake::start(json!({}));
    let before = things(&fake);
    let place = Place::new(&template(&fake, "whole", &json!({"state_timeout": "1s"})));
    fake.faults(json!([
        {"method": "compute.instances.delete", "fault": {"never_done": true}},
        {"method": "compute.disks.delete", "fault": {"never_done": true}},
    ]));
    let ended = place.run(&["build", "template.json"]);
    assert_eq!(ended.code, Some(5), "{}", ended.output);
    let told = ended.output.lines().filter(|line| line.contains("removed")).map(|line| plain(line, "whole"));
    let told: BTreeSet<String> = told.collect();
    insta::assert_snapshot!(told.into_iter().collect::<Vec<_>>().join("\n"), @r"
    ==> googlecompute: the disk imgforge-RUN could not be removed: disks.delete of disk imgforge-RUN in europe-west1-b failed with 400 resourceInUseByAnotherResource: The disk resource 'projects/demo/zones/europe-west1-b/disks/imgforge-RUN' is already being used by 'projects/demo/zones/europe-west1-b/instances/imgforge-RUN'; detach or delete first what uses it
    ==> googlecompute: the instance imgforge-RUN could not be removed: instances.delete of instance imgforge-RUN in europe-west1-b: it did not come to its end within 1 s, and goes on
    error: some things could not be removed: run `imgforge cleanup`
    ");
    fake.faults(json!([]));
    // A token in a template is nowhere in the journal.
    let ended = place.command(&["cleanup"]).env("GOOGLE_OAUTH_ACCESS_TOKEN", TOKEN).output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    let mut after = things(&fake);
    assert!(after.remove("projects/demo/global/images/whole").is_some());
    assert_eq!(after.keys().collect::<Vec<_>>(), before.keys().collect::<Vec<_>>());
    assert_eq!(fake.violations(), [""; 0]);
}

#[test]
fn what_passes_by_itself_is_not_told() {
    let mut troubles = Vec::new();
    for (method, count) in methods() {
        for call in 1..=count {
            let mut add =
                |what, fault| troubles.push(Trouble { method: method.clone(), call, what, fault, more: json!({}) });
            add("busy", json!({"http": 503, "reason": "backendError"}));
            add("cut", json!({"cut": true}));
            if is_change(&method) {
                add("lost answer", json!({"lost_answer": true}));
                add("not found yet", json!({"not_found_reads": 3}));
            }
        }
    }
    let table = table(&troubles);
    println!("{table}");
    let others: Vec<&str> = table.lines().filter(|line| !line.contains(": 0 ")).collect();
    assert_eq!(others, [""; 0]);
}

#[test]
fn what_may_work_later_is_exit_code_75() {
    let trouble =
        |method: &str, what, fault| Trouble { method: method.to_owned(), call: 1, what, fault, more: json!({}) };
    let always = json!({"http": 429, "reason": "rateLimitExceeded", "message": "too many requests"});
    let mut refused = trouble("compute.instances.insert", "too many requests, always", always);
    refused.call = 0;
    let mut lost = trouble("no.method", "the machine ends the connection", json!({"cut": true}));
    // The sshd of this session: ours by its user, and the nearest above the script.
    let find = "p=$$; while [ \"$(cat /proc/$p/comm)\" != sshd ]; do p=$(cut -d' ' -f4 /proc/$p/stat); done";
    lost.more = json!({"inline": [find, "kill -KILL $p"]});
    let table = table(&[refused, lost]);
    println!("{table}");
    insta::assert_snapshot!(table, @r#"
    instances.insert 0 too many requests, always: 75 start the machine: create the instance: instances.insert of instance imgforge-RUN in europe-west1-b failed with 429 rateLimitExceeded: too many requests; try again later; fewer builds at once ask Google less often
    no.method 1 the machine ends the connection: 1 the machine went away while the script ran; if the script restarts it, set `expect_disconnect = true`, or add 2300218 to `valid_exit_codes`
    "#);
}
