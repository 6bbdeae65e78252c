//! Images on their way to buckets and back: googlecompute-export, in short googlecompute, and googlecompute-import.

use super::fake::Fake;
use super::forge::{Place, builder};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::process::Command;

/// Writes into the machine's disk, so that the image has something of its own.
const PROVISIONER: &str = r#"for disk in "$FAKE_DISKS"/google-*; do
  printf 'provisioned' | dd of="$disk" bs=1024 seek=512 conv=notrunc 2>/dev/null
done"#;

fn template(fake: &Fake, post_processors: Value) -> Value {
    template_of(fake, json!({}), post_processors)
}

/// The same with other arguments of the builder.
pub(super) fn template_of(fake: &Fake, more: Value, post_processors: Value) -> Value {
    json!({
        "builders": [builder(fake, "web-1", &more)],
        "provisioners": [{"type": "shell", "inline": [PROVISIONER]}],
        "post-processors": post_processors,
    })
}

pub(super) fn fake() -> Fake {
    let fake = Fake::start(json!({}));
    fake.seed(json!({"buckets": {"images": {}}}));
    fake
}

/// All there is of ours, by its path; objects by `BUCKET/OBJECT`.
pub(super) fn left(fake: &Fake) -> Vec<String> {
    let state = fake.state();
    let resources = state.keys().filter(|path| path.starts_with("projects/demo/")).cloned();
    let buckets = state["buckets"].as_object().unwrap();
    let objects = buckets.iter().flat_map(|(bucket, objects)| {
        objects.as_object().unwrap().keys().map(move |object| format!("{bucket}/{object}"))
    });
    resources.chain(objects).collect()
}

/// The bytes of an object.
pub(super) fn object(fake: &Fake, bucket: &str, name: &str) -> Vec<u8> {
    let host = fake.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "GET /storage/v1/b/{bucket}/o/{name}?alt=media HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\
         Authorization: Bearer {}\r\n\r\n",
        super::fake::TOKEN
    )
    .unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    assert!(answer.starts_with(b"HTTP/1.") && answer[9..12] == *b"200", "{}", String::from_utf8_lossy(&answer[..end]));
    answer.split_off(end + 4)
}

/// What `tar` says of an archive, and its `disk.raw`.
fn unpacked(place: &Place, archive: &[u8]) -> (String, Vec<u8>) {
    let path = place.path().join("archive.tar.gz");
    std::fs::write(&path, archive).unwrap();
    let tar = |switches: &str, more: &[&str]| {
        let output = Command::new("tar").arg("--utc").arg(switches).arg(&path).args(more).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    (String::from_utf8(tar("-tzvf", &[])).unwrap(), tar("-xzOf", &["disk.raw"]))
}

#[track_caller]
pub(super) fn assert_is_the_provisioned_disk(place: &Place, archive: &[u8]) {
    let (listed, disk) = unpacked(place, archive);
    assert_eq!(listed, "-rw-r--r-- 0/0        20971520 1970-01-01 00:00 disk.raw\n");
    assert!(disk.starts_with(b"fake disk of the image debian-12-"), "{:?}", String::from_utf8_lossy(&disk[..60]));
    let written = 512 * 1024..512 * 1024 + 11;
    assert_eq!(disk[written.clone()], *b"provisioned");
    let rest = disk.iter().enumerate().filter(|(at, byte)| *at > 200 && !written.contains(at) && **byte != 0);
    assert_eq!(rest.count(), 0, "the rest is empty");
}

/// The requests of a method.
fn requests(fake: &Fake, method: &str) -> Vec<Value> {
    fake.log().into_iter().filter(|call| call["method"] == method).map(|call| call["request"].clone()).collect()
}

#[test]
fn an_image_is_exported_whatever_happens_to_the_connection_and_nothing_else_stays() {
    let fake = fake();
    fake.faults(json!([{"method": "uploads.chunk", "call": 1, "fault": {"cut": true}}]));
    let paths = ["gs://images/web-1.tar.gz", "gs://images/by-day/web.tar.gz"];
    let place = Place::new(&template(
        &fake,
        json!([[
            {"type": "googlecompute-export", "paths": paths},
            {"type": "manifest", "output": "manifest.json"},
        ]]),
    ));
    let ended = place.run(&["build", "template.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(fake.violations(), Vec::<String>::new());
    assert_eq!(
        left(&fake),
        ["projects/demo/global/images/web-1", "images/by-day/web.tar.gz", "images/web-1.tar.gz"],
        "{}",
        ended.output
    );
    let archive = object(&fake, "images", "web-1.tar.gz");
    assert_is_the_provisioned_disk(&place, &archive);
    assert!(archive == object(&fake, "images", "by-day%2Fweb.tar.gz"), "both are the same");
    let metadata = &fake.state()["buckets"]["images"]["web-1.tar.gz"]["metadata"];
    assert_eq!((&metadata["imgforge-role"], &metadata["imgforge-expires"]), (&json!("artifact"), &Value::Null));

    let manifest: Value = serde_json::from_slice(&std::fs::read(place.path().join("manifest.json")).unwrap()).unwrap();
    let build = &manifest["builds"][0];
    assert_eq!(build["artifact_id"], paths.join(","));
    assert_eq!(build["files"], json!([{"name": paths[0], "size": 0}, {"name": paths[1], "size": 0}]));

    let worker = &requests(&fake, "compute.instances.insert")[1];
    assert_eq!(worker["serviceAccounts"], Value::Null);
    assert_eq!(worker["scheduling"]["instanceTerminationAction"], "DELETE");
    assert_eq!(worker["labels"]["imgforge-role"], "temp");
    assert_eq!((&worker["disks"][1]["mode"], &worker["disks"][1]["autoDelete"]), (&json!("READ_ONLY"), &json!(true)));
    assert!(!ended.output.contains("upload_id"), "the addresses of uploads are secret: {}", ended.output);
}

#[test]
fn the_short_name_takes_one_destination() {
    let fake = fake();
    let place = Place::new(&template(
        &fake,
        json!([{"type": "googlecompute", "destination_image": "gs://images/name-{{timestamp}}.tar.gz"}]),
    ));
    let ended = place.run(&["build", "template.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(fake.violations(), Vec::<String>::new());
    let left = left(&fake);
    let object_name = left.last().unwrap().strip_prefix("images/").unwrap();
    let time = object_name.strip_prefix("name-").and_then(|rest| rest.strip_suffix(".tar.gz")).unwrap();
    assert!(time.parse::<u64>().is_ok(), "{object_name}");
    assert_eq!((left.len(), left[0].as_str()), (2, "projects/demo/global/images/web-1"));
    assert_is_the_provisioned_disk(&place, &object(&fake, "images", object_name));
    let last = ended.output.lines().last().unwrap();
    assert_eq!(last, format!("--> googlecompute: The image was exported to: gs://images/{object_name}"));
}

/// Builds with an export that fails: what the user reads of it. Nothing stays; an image that nobody keeps goes, too.
fn failure(fault: Value) -> String {
    let fake = fake();
    fake.faults(json!([fault]));
    let post_processors = json!([{"type": "googlecompute", "destination_image": "gs://images/web-1.tar.gz"}]);
    let place = Place::new(&template(&fake, post_processors));
    let ended = place.run(&["build", "template.json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    assert_eq!(left(&fake), Vec::<String>::new(), "{}", ended.output);
    assert_eq!(fake.violations(), Vec::<String>::new());
    let told = ended.output.lines().find_map(|line| line.split_once("Post-processor failed: "));
    told.unwrap_or_else(|| panic!("{}", ended.output)).1.to_owned()
}

#[test]
fn an_export_that_fails_leaves_nothing() {
    let told = failure(json!({"method": "storage.objects.insert", "fault": {"http": 403, "message": "You may not."}}));
    let start =
        "post-process with googlecompute: begin the upload to gs://images/web-1.tar.gz: objects.insert of object ";
    assert!(told.starts_with(start) && told.contains("403 forbidden: You may not"), "{told}");
    let error = json!({"code": "QUOTA_EXCEEDED", "message": "Quota 'CPUS' exceeded."});
    let told = failure(json!({"method": "compute.instances.insert", "call": 2, "fault": {"operation": error}}));
    assert!(told.starts_with("post-process with googlecompute: start the worker: create the worker: "), "{told}");
    assert!(told.contains("Quota 'CPUS' exceeded"), "{told}");
    let gone = json!({"http": 404, "message": "There is no such upload."});
    let told = failure(json!({"method": "uploads.chunk", "fault": gone}));
    let start =
        "post-process with googlecompute: export the image: the worker failed: the server answered 404 Not Found:";
    assert!(told.starts_with(start) && told.contains("There is no such upload."), "{told}");
}

/// A tar.gz with a `disk.raw` of one fake gigabyte.
fn archive(place: &Place) {
    std::fs::write(place.path().join("disk.raw"), [&b"imported"[..], &vec![0; (1 << 20) - 8]].concat()).unwrap();
    let status = Command::new("tar")
        .args(["--format=oldgnu", "-czf", "disk.tar.gz", "disk.raw"])
        .current_dir(place.path())
        .status()
        .unwrap();
    assert!(status.success());
}

fn importing(fake: &Fake, more: Value) -> Place {
    let mut import = json!({
        "type": "googlecompute-import",
        "project_id": "demo",
        "bucket": "images",
        "image_name": "imported-1",
        "image_family": "imported",
        "image_labels": {"team": "web"},
        "access_token": super::fake::TOKEN,
        "custom_endpoints": fake.endpoints(),
    });
    import.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let place = Place::new(&json!({
        "builders": [{"type": "file", "source": "disk.tar.gz", "target": "out.tar.gz"}],
        "post-processors": [import],
    }));
    archive(&place);
    place
}

#[test]
fn a_local_archive_becomes_an_image() {
    let fake = fake();
    let ended = importing(&fake, json!({})).run(&["build", "template.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(fake.violations(), Vec::<String>::new());
    assert_eq!(left(&fake), ["projects/demo/global/images/imported-1"]);
    let image = &fake.state()["projects/demo/global/images/imported-1"];
    assert_eq!((&image["family"], &image["labels"]["team"]), (&json!("imported"), &json!("web")));
    assert_eq!(
        (&image["labels"]["imgforge-role"], &image["labels"]["imgforge-expires"]),
        (&json!("artifact"), &Value::Null)
    );
    assert!(
        ended.output.ends_with("A disk image was imported into the 'demo' project: imported-1\n"),
        "{}",
        ended.output
    );
}

#[test]
fn the_object_stays_where_it_is_wanted() {
    let fake = fake();
    let more = json!({"skip_clean": true, "gcs_object_name": "kept.tar.gz"});
    let ended = importing(&fake, more).run(&["build", "template.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(left(&fake), ["projects/demo/global/images/imported-1", "images/kept.tar.gz"]);
    let metadata = &fake.state()["buckets"]["images"]["kept.tar.gz"]["metadata"];
    assert_eq!(metadata["imgforge-role"], "artifact");
}

#[test]
fn an_object_of_others_is_not_taken_for_the_import() {
    let fake = fake();
    fake.seed(json!({"buckets": {"images": {"disk #1.tar.gz": "theirs"}}}));
    let more = json!({"gcs_object_name": "disk #1.tar.gz"});
    let ended = importing(&fake, more).run(&["build", "template.json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    let why = "there is an object gs://images/disk #1.tar.gz already, which would be gone after the import: choose another \
               `gcs_object_name`, or delete it (`imgforge cleanup` does, if a killed run left it)";
    assert!(ended.output.contains(why), "{}", ended.output);
    assert_eq!(object(&fake, "images", "disk%20%231.tar.gz"), b"theirs");

    let ended = importing(&fake, json!({"gcs_object_name": "disk #1.tar.gz", "skip_clean": true}));
    let ended = ended.run(&["build", "template.json"]);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(left(&fake), ["projects/demo/global/images/imported-1", "images/disk #1.tar.gz"]);
}

#[test]
fn an_import_that_fails_leaves_nothing_and_touches_no_image_of_others() {
    let fake = fake();
    let error = json!({"code": "INVALID_ARGUMENT", "message": "The tar archive has no disk.raw."});
    fake.faults(json!([{"method": "compute.images.insert", "fault": {"operation": error}}]));
    let ended = importing(&fake, json!({})).run(&["build", "template.json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    assert!(ended.output.contains("import the image imported-1: "), "{}", ended.output);
    assert!(ended.output.contains("The tar archive has no disk.raw"), "{}", ended.output);
    assert_eq!(left(&fake), Vec::<String>::new());

    fake.faults(json!([]));
    fake.seed(json!({"projects/demo/global/images/imported-1": {}}));
    let ended = importing(&fake, json!({})).run(&["build", "template.json"]);
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    let why = "the project demo has an image imported-1 already: choose another `image_name`, or remove it";
    assert!(ended.output.contains(why), "{}", ended.output);
    assert_eq!(left(&fake), ["projects/demo/global/images/imported-1"]);
}
