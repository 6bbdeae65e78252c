//! Builds of `googlecompute` on the fake: the plain one, and one for each way to reach, to take and to replace a machine.

use super::fake::Fake;
use super::forge::{Ended, Place, builder, calls};
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};

/// A source with these members, and a script that says where it runs.
fn template(fake: &Fake, more: &Value) -> Value {
    let script = json!({"type": "shell", "inline": ["echo on $FAKE_INSTANCE"]});
    json!({"builders": [builder(fake, "web-1", more)], "provisioners": [script]})
}

fn build(fake: &Fake, more: &Value, flags: &[&str]) -> (Place, Ended) {
    let place = Place::new(&template(fake, more));
    let ended = place.run(&[&["build"], flags, &["template.json"]].concat());
    (place, ended)
}

/// What the user reads, without what is another one each time: numbers of runs, folders, addresses and durations.
fn lines(ended: &Ended) -> String {
    let plain = |line: &str| {
        let mut words = Vec::new();
        for word in line.split(' ') {
            words.push(match word {
                word if word.starts_with("imgforge-") && word.len() > 20 => "imgforge-RUN".to_owned(),
                word if word.starts_with("127.") => "ADDRESS".to_owned(),
                word if word.starts_with('/') => "FILE".to_owned(),
                word => word.to_owned(),
            });
        }
        let line = words.join(" ");
        line.split(" after ").next().unwrap_or_default().to_owned()
    };
    ended.output.lines().map(plain).collect::<Vec<_>>().join("\n")
}

/// All that is in the project, and that nothing broke Google's documents.
fn left(fake: &Fake) -> Vec<String> {
    assert_eq!(fake.violations(), Vec::<String>::new());
    fake.state().into_iter().map(|(path, _)| path).filter(|path| path.starts_with("projects/demo/")).collect()
}

const IMAGE: &str = "projects/demo/global/images/web-1";

fn request(fake: &Fake, method: &str, number: usize) -> Value {
    let calls = calls(fake);
    let mut of_method = calls.iter().filter(|call| call["method"] == method);
    of_method.nth(number).unwrap_or_else(|| panic!("no {method} number {number}"))["request"].clone()
}

#[test]
fn a_plain_build_makes_an_image_and_leaves_nothing_else() {
    let fake = Fake::start(json!({}));
    let (_place, ended) = build(&fake, &json!({}), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_snapshot!(
        lines(&ended),
        @r"
        ==> googlecompute: Checking image does not exist...
        ==> googlecompute: Creating temporary SSH key for instance...
        ==> googlecompute: Using image: debian-12-bookworm-v20261101
        ==> googlecompute: Creating instance...
        ==> googlecompute: Loading zone: europe-west1-b
        ==> googlecompute: Loading machine type: e2-standard-2
        ==> googlecompute: Requesting instance creation...
        ==> googlecompute: Waiting for creation operation to complete...
        ==> googlecompute: Instance has been created!
        ==> googlecompute: Waiting for the instance to become running...
        ==> googlecompute: IP: ADDRESS
        ==> googlecompute: Using SSH communicator to connect: ADDRESS
        ==> googlecompute: Waiting for SSH to become available...
        ==> googlecompute: Connected to SSH!
        ==> googlecompute: Provisioning with shell script: FILE
        ==> googlecompute: on imgforge-RUN
        ==> googlecompute: Stopping instance...
        ==> googlecompute: Creating image...
        ==> googlecompute: Deleting instance...
        Build 'googlecompute' finished

        ==> Wait completed

        ==> Builds finished. The artifacts of successful builds are:
        --> googlecompute: A disk image was created in the 'demo' project: web-1
        "
    );
    assert_eq!(left(&fake), [IMAGE]);
    let image = &fake.state()[IMAGE];
    assert_eq!(image["labels"]["imgforge-role"], "artifact");
    let methods = fake.methods();
    println!("{} calls of a plain build:\n{}", methods.len(), methods.join("\n"));
    // Packer's plugin makes 21, without a look at quotas, permissions and the rest before, and without labels.
    assert!(methods.len() <= 26, "{}: {methods:?}", methods.len());
}

#[test]
fn a_plain_build_in_hcl2_is_the_same() {
    let fake = Fake::start(json!({}));
    let place = Place::new(&json!({}));
    let endpoints: Vec<String> =
        fake.endpoints().iter().map(|(key, address)| format!("    {key} = \"{address}\"")).collect();
    place.write(
        "web.pkr.hcl",
        &format!(
            r#"
source "googlecompute" "web" {{
  project_id          = "demo"
  zone                = "europe-west1-b"
  source_image_family = "debian-12"
  image_name          = "web-1"
  ssh_username        = "{}"
  access_token        = "{}"
  custom_endpoints = {{
{}
  }}
  disk_attachment {{
    volume_type = "pd-ssd"
    volume_size = 10
    device_name = "data"
  }}
}}

build {{
  sources = ["source.googlecompute.web"]
  provisioner "shell" {{
    inline = ["ls $FAKE_DISKS", "echo from ${{build.SourceImageName}} on ${{build.ID}}"]
  }}
}}
"#,
            crate::sshd::USER,
            super::fake::TOKEN,
            endpoints.join("\n"),
        ),
    );
    let ended = place.run(&["build", "web.pkr.hcl"]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert!(ended.output.contains("google-data"), "{}", ended.output);
    assert!(ended.output.contains(": from debian-12-bookworm"), "{}", ended.output);
    assert_eq!(left(&fake), [IMAGE]);
}

#[test]
fn a_machine_without_an_address_is_reached_through_iap() {
    let fake = Fake::start(json!({}));
    let more = json!({"use_iap": true, "omit_external_ip": true, "use_internal_ip": true});
    let (_place, ended) = build(&fake, &more, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert!(ended.output.contains("Step Launch IAP Tunnel..."), "{}", ended.output);
    assert!(ended.output.contains("on imgforge-"), "{}", ended.output);
    assert_eq!(left(&fake), [IMAGE]);
}

#[test]
fn whoever_may_not_go_through_iap_is_told_at_once_what_is_missing() {
    let fake = Fake::start(json!({"denied_permissions": ["iap.tunnelInstances.accessViaIAP"]}));
    let more = json!({"use_iap": true, "ssh_timeout": "10m"});
    let begun = Instant::now();
    let (_place, ended) = build(&fake, &more, &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    let advice = "grant the permission `iap.tunnelInstances.accessViaIAP` in project demo";
    assert!(ended.output.contains(advice), "{}", ended.output);
    assert!(begun.elapsed() < Duration::from_secs(120), "it was waited for");
    assert_eq!(left(&fake), Vec::<String>::new());
}

#[test]
fn keys_of_the_user_s_stay_beside_ours_wherever_they_come_from() {
    let fake = Fake::start(json!({}));
    let key = "team:ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE9uZUtleU9mQVRlc3RBbmROb01vcmVUaGFuVGhh team";
    for more in [
        json!({"metadata": {"ssh-keys": key}}),
        json!({"metadata_files": {"ssh-keys": "keys"}}),
        json!({"metadata_files": {"ssh-keys": "keys"}, "wait_to_add_ssh_keys": "10ms"}),
    ] {
        let place = Place::new(&template(&fake, &more));
        place.write("keys", key);
        let ended = place.run(&["build", "-force", "template.json"]);
        assert_eq!(ended.code, Some(0), "{}", ended.output);
        let of = |method: &str| {
            let calls = calls(&fake);
            let last = calls.iter().rfind(|call| call["method"] == method).map(|call| call["request"].clone());
            last.unwrap_or_default()
        };
        let keys = |request: &Value| {
            let items = request["items"].as_array().or(request["metadata"]["items"].as_array()).unwrap();
            items.iter().find(|item| item["key"] == "ssh-keys").unwrap()["value"].as_str().unwrap().to_owned()
        };
        let request = if more.get("wait_to_add_ssh_keys").is_some() {
            of("compute.instances.setMetadata")
        } else {
            of("compute.instances.insert")
        };
        let keys = keys(&request);
        assert!(keys.contains(" imgforge-") || keys.lines().count() == 2, "{keys}");
        assert!(keys.ends_with(key), "{keys}");
    }
}

#[test]
fn a_regional_disk_is_where_the_machine_is() {
    let fake = Fake::start(json!({}));
    let disk = json!({
        "volume_type": "pd-ssd", "volume_size": 10, "replica_zones": ["europe-west1-b", "europe-west1-c"],
    });
    let more = json!({"region": "europe-west3", "disk_attachment": disk});
    let (_place, ended) = build(&fake, &more, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(left(&fake), [IMAGE]);
}

#[test]
fn an_image_of_a_disk_that_was_there_has_the_time_that_its_size_takes() {
    let fake = Fake::start(json!({}));
    let data = "projects/demo/zones/europe-west1-b/disks/data";
    fake.seed(json!({data: {"sizeGb": "2000"}}));
    let disk = json!({"source_volume": "zones/europe-west1-b/disks/data", "create_image": true});
    let (_place, ended) = build(&fake, &json!({"disk_attachment": disk}), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    let gets = calls(&fake).into_iter().filter(|call| call["method"] == "compute.disks.get");
    assert_eq!(gets.map(|call| call["path"].clone()).collect::<Vec<_>>(), [format!("/compute/v1/{data}")]);
    assert_eq!(left(&fake), [IMAGE, data]);
}

#[test]
fn two_builds_of_one_run_can_not_make_the_same_image() {
    let fake = Fake::start(json!({}));
    let named = |name: &str| {
        let mut builder = builder(&fake, "web-1", &json!({"communicator": "none", "ssh_username": null}));
        builder["name"] = json!(name);
        builder
    };
    let place = Place::new(&json!({"builders": [named("a"), named("b")]}));
    let ended = place.run(&["build", "template.json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    let told = ended.output.lines().filter(|line| line.starts_with("error["));
    assert_eq!(
        told.collect::<Vec<_>>(),
        ["error[name-taken]: the build `googlecompute.a` makes the image web-1 of the project demo, too"],
        "{}",
        ended.output
    );
    assert_eq!(left(&fake), [IMAGE]);
}

#[test]
fn a_key_of_os_login_is_there_for_the_build_alone() {
    let fake = Fake::start(json!({}));
    let (_place, ended) = build(&fake, &json!({"use_os_login": true, "ssh_username": null}), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(left(&fake), [IMAGE]);
    let import = request(&fake, "oslogin.users.importSshPublicKey", 0);
    assert!(import["key"].as_str().unwrap().contains(" imgforge-"), "{import}");
    assert!(import["expirationTimeUsec"].is_string(), "{import}");
    let profiles = &fake.state()["oslogin"];
    let keys: Vec<&Value> = profiles.as_object().unwrap().values().map(|profile| &profile["sshPublicKeys"]).collect();
    assert_eq!(keys, [&json!({})], "{profiles}");
}

#[test]
fn a_startup_script_is_waited_for_and_its_failure_is_the_build_s() {
    let fake = Fake::start(json!({}));
    let script = |script: &str| json!({"metadata": {"startup-script": script}});
    let (_place, ended) = build(&fake, &script("#!/bin/sh\nsleep 1\necho \"it's $(uname) done\"\n"), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert!(ended.output.contains("Startup script, if any, has finished running."), "{}", ended.output);

    let (_place, ended) = build(&fake, &script("echo no disk here\nexit 3"), &["-force"]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    let expected = "wait for the startup script: the startup script ended with the exit code 3:";
    assert!(ended.output.contains(expected) && ended.output.contains("no disk here"), "{}", ended.output);
    assert_eq!(left(&fake), [IMAGE]);
}

#[test]
fn a_build_begins_again_when_google_takes_the_machine_away() {
    let fake = Fake::start(json!({}));
    let mut template = template(&fake, &json!({"preemptible": true}));
    template["provisioners"][0]["inline"] = json!(["test -e /tmp/imgforge-preempted || sleep 600"]);
    let mark = Path::new("/tmp/imgforge-preempted");
    let _gone = std::fs::remove_file(mark);
    let place = Place::new(&template);
    let mut command = place.command(&["build", "template.json"]);
    let running = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    let machine = loop {
        assert!(Instant::now() < deadline, "no machine is running");
        let state = fake.state();
        let found = state.iter().find(|(path, is)| path.contains("/instances/") && is["status"] == "RUNNING");
        if let Some((path, _)) = found {
            break path.rsplit('/').next().unwrap().to_owned();
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    std::fs::write(mark, "").unwrap();
    fake.preempt(&machine);
    let ended = running.wait_with_output().unwrap();
    std::fs::remove_file(mark).unwrap();
    let output = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success(), "{output}");
    let said = format!("Google has taken the machine {machine} away: the build begins again");
    assert!(output.contains(&said), "{output}");
    assert_eq!(output.matches("Requesting instance creation...").count(), 2, "{output}");
    assert_eq!(left(&fake), [IMAGE]);
    let scheduling = &request(&fake, "compute.instances.insert", 1)["scheduling"];
    assert_eq!((&scheduling["provisioningModel"], &scheduling["preemptible"]), (&json!("SPOT"), &json!(true)));
}

#[test]
fn force_replaces_an_image_only_by_one_that_stands() {
    let fake = Fake::start(json!({}));
    let (_place, ended) = build(&fake, &json!({}), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    let old = fake.state()[IMAGE]["id"].clone();

    let (_place, ended) = build(&fake, &json!({}), &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    assert!(ended.output.contains("error[name-taken]: Image web-1 already exists in project demo"), "{}", ended.output);

    fake.faults(json!([{"method": "compute.images.insert", "fault": {"operation": {
        "code": "INTERNAL_ERROR", "message": "Internal error. Please try again or contact Google Support.",
    }}}]));
    let (_place, ended) = build(&fake, &json!({"image_family": "web"}), &["-force"]);
    assert!(matches!(ended.code, Some(1 | 75)), "{}", ended.output);
    assert_eq!(left(&fake), [IMAGE]);
    assert_eq!(fake.state()[IMAGE]["id"], old);

    fake.faults(json!([]));
    let (_place, ended) = build(&fake, &json!({"image_family": "web"}), &["-force"]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(left(&fake), [IMAGE]);
    assert_ne!(fake.state()[IMAGE]["id"], old);
    assert_eq!(fake.state()[IMAGE]["family"], "web");

    // What fails when the old one is gone does not take the new one along.
    let new = fake.state()[IMAGE]["id"].clone();
    fake.faults(json!([{"method": "compute.images.deprecate", "fault": {"http": 403, "reason": "forbidden"}}]));
    let (_place, ended) = build(&fake, &json!({"deprecate_at": "2100-01-01T00:00:00Z"}), &["-force"]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    assert_eq!(left(&fake), [IMAGE]);
    assert_ne!(fake.state()[IMAGE]["id"], new);

    // The old one can't be deleted: it stays, and nothing beside it.
    let old = fake.state()[IMAGE]["id"].clone();
    let refused = json!({"http": 403, "reason": "forbidden", "message": "the old one is locked"});
    fake.faults(json!([{"method": "compute.images.delete", "call": 1, "fault": refused}]));
    let (_place, ended) = build(&fake, &json!({}), &["-force"]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    assert!(ended.output.contains("delete the previous image: "), "{}", ended.output);
    assert_eq!(left(&fake), [IMAGE]);
    assert_eq!(fake.state()[IMAGE]["id"], old);

    // Nobody knows whether it goes: the new one stays beside it, and is told of.
    fake.faults(json!([{"method": "compute.images.delete", "call": 1, "fault": {"never_done": true}}]));
    let (_place, ended) = build(&fake, &json!({"state_timeout": "1s"}), &["-force"]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    assert!(ended.output.contains("the new image stays under the name imgforge-"), "{}", ended.output);
    let mut stand_in = left(&fake);
    stand_in.retain(|path| path != IMAGE);
    assert_eq!(stand_in.len(), 1);
    assert_eq!(fake.state()[&stand_in[0]]["labels"]["imgforge-role"], "artifact");
}

#[test]
fn what_stood_in_for_an_image_is_no_artifact_when_it_can_not_be_deleted() {
    let fake = Fake::start(json!({}));
    fake.seed(json!({IMAGE: {}}));
    // The first is the previous image's.
    let stuck =
        |call| json!({"method": "compute.images.delete", "call": call, "fault": {"http": 403, "reason": "forbidden"}});
    fake.faults(json!([stuck(2), stuck(3), stuck(4), stuck(5), stuck(6), stuck(7)]));
    let (place, ended) = build(&fake, &json!({}), &["-force"]);
    assert_eq!(ended.code, Some(5), "{}", ended.output);
    assert_eq!(left(&fake).len(), 2);
    fake.faults(json!([]));
    let cleaned = place.command(&["cleanup"]).env("GOOGLE_OAUTH_ACCESS_TOKEN", super::fake::TOKEN).output().unwrap();
    assert!(cleaned.status.success(), "{cleaned:?}");
    assert_eq!(left(&fake), [IMAGE]);
}

#[test]
fn without_an_image_everything_else_is_done() {
    let fake = Fake::start(json!({}));
    let (_place, ended) = build(&fake, &json!({"skip_create_image": true}), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert!(ended.output.contains("Skipping image creation..."), "{}", ended.output);
    assert!(ended.output.contains("--> googlecompute: <nothing>"), "{}", ended.output);
    assert_eq!(left(&fake), Vec::<String>::new());

    let disk = json!({"volume_type": "pd-ssd", "volume_size": 10, "disk_name": "data-1", "keep_device": true});
    let (_place, ended) = build(&fake, &json!({"skip_create_image": true, "disk_attachment": disk}), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    // The labels by which a cleanup without a journal would find it.
    let labels = &fake.state()["projects/demo/zones/europe-west1-b/disks/data-1"]["labels"];
    assert_eq!((&labels["imgforge-role"], &labels["imgforge-expires"]), (&json!("artifact"), &json!(null)));
}

#[test]
fn keys_of_one_s_own_reach_disk_and_image_and_nothing_else() {
    const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let fake = Fake::start(json!({}));
    let more = json!({
        "disk_encryption_key": {"rawKey": KEY},
        "image_encryption_key": {"kmsKeyName": "projects/demo/locations/global/keyRings/r/cryptoKeys/k"},
    });
    let (place, ended) = build(&fake, &more, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert!(!ended.output.contains(KEY), "{}", ended.output);
    let disk = &request(&fake, "compute.instances.insert", 0)["disks"][0];
    assert_eq!(disk["diskEncryptionKey"]["rawKey"], KEY);
    let image = request(&fake, "compute.images.insert", 0);
    assert_eq!(image["sourceDiskEncryptionKey"]["rawKey"], KEY);
    assert_eq!(image["imageEncryptionKey"]["kmsKeyName"], "projects/demo/locations/global/keyRings/r/cryptoKeys/k");
    let runs = std::fs::read_dir(place.path().join("state/runs")).unwrap();
    assert_eq!(runs.count(), 0, "a journal is left");
    assert_eq!(left(&fake), [IMAGE]);
}

#[test]
fn what_is_missing_is_told_before_anything_is_made() {
    let fake = Fake::start(json!({"denied_permissions": ["compute.images.create"]}));
    let more = json!({
        "machine_type": "e2-standard-3",
        "network": "nowhere",
        "source_image_family": "debian-99",
        "custom_endpoints": fake.endpoints(),
        "access_token": super::fake::TOKEN,
    });
    let (_place, ended) = build(&fake, &more, &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    let told: Vec<&str> = ended.output.lines().filter(|line| line.starts_with("error[")).collect();
    assert_eq!(
        told,
        [
            "error[not-in-cloud]: there is no machine type `e2-standard-3` in `europe-west1-b`",
            "error[not-in-cloud]: there is no network `nowhere`",
            "error[missing-permission]: these credentials lack compute.images.create in the project `demo`",
            "error[not-in-cloud]: there is no family `debian-99` in the project `demo`, nor in Google's public ones",
        ],
        "{}",
        ended.output
    );
    assert_eq!(left(&fake), Vec::<String>::new());
    assert!(fake.methods().iter().all(|method| !method.ends_with("insert")), "{:?}", fake.methods());
}

#[test]
fn a_source_that_nobody_has_filled_in_is_none() {
    let fake = Fake::start(json!({}));
    let (_place, ended) = build(&fake, &json!({"source_image": "", "source_image_family": ""}), &[]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    let told = "error[missing-argument]: one of `source_image` and `source_image_family` is required";
    assert!(ended.output.contains(told), "{}", ended.output);
    assert_eq!(left(&fake), Vec::<String>::new());
}

#[test]
fn a_check_that_may_not_be_made_is_left_out() {
    let fake = Fake::start(json!({}));
    let forbidden = json!({"http": 403, "reason": "forbidden"});
    fake.faults(json!([
        {"method": "serviceusage.services.batchGet", "fault": forbidden},
        {"method": "compute.regions.get", "fault": forbidden},
    ]));
    let (_place, ended) = build(&fake, &json!({}), &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    let warned = ended.output.lines().filter(|line| line.starts_with("warning[not-checked]"));
    let told: Vec<&str> = warned.map(|line| line.split(" could ").next().unwrap_or_default()).collect();
    assert_eq!(
        told,
        ["warning[not-checked]: whether the APIs are enabled", "warning[not-checked]: the region `europe-west1`"]
    );
    assert_eq!(left(&fake), [IMAGE]);
}

#[test]
fn an_image_of_a_further_disk_which_stays() {
    let fake = Fake::start(json!({}));
    let disk = json!({
        "volume_type": "pd-ssd", "volume_size": 10, "disk_name": "data-1", "device_name": "data",
        "create_image": true, "keep_device": true,
    });
    let more = json!({"disk_attachment": disk, "wait_to_add_ssh_keys": "1s"});
    let (_place, ended) = build(&fake, &more, &[]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    let image = request(&fake, "compute.images.insert", 0);
    assert_eq!(image["sourceDisk"], "projects/demo/zones/europe-west1-b/disks/data-1");
    let mut left = left(&fake);
    left.sort();
    assert_eq!(left, [IMAGE, "projects/demo/zones/europe-west1-b/disks/data-1"]);
    let keys = request(&fake, "compute.instances.setMetadata", 0);
    assert!(keys.to_string().contains("ssh-ed25519"), "{keys}");
}
