//! `script/test-live`, which builds in the real cloud, as far as it goes without one.

use crate::google::fake::{Fake, TOKEN};
use serde_json::json;
use std::process::{Command, Output};

fn test_live(arguments: &[&str]) -> Output {
    let mut command = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/script/test-live"));
    // An imgforge that says how it was called.
    command.args(arguments).env("IMGFORGE_BIN", "/bin/echo");
    for name in ["GOOGLE_CLOUD_PROJECT", "IMGFORGE_LIVE_BUCKET", "IMGFORGE_LIVE_ZONE", "IMGFORGE_LIVE_TOKEN"] {
        command.env_remove(name);
    }
    command.output().unwrap()
}

#[test]
fn a_dry_run_says_what_would_be_run() {
    let output = test_live(&["gcp", "--dry-run"]);
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let text = text.replace(std::fs::canonicalize("/bin/echo").unwrap().to_str().unwrap(), "imgforge");
    // `[  3 s] ==== validate`: how long it takes is another matter.
    let lines = text.lines().map(|line| line.split_once("] ==== ").map_or(line, |(_, heading)| heading));
    assert_eq!(
        lines.collect::<Vec<_>>().join("\n"),
        r"
the image to start from: Debian's newest
+ curl --config ../token --silent --show-error --fail-with-body --output ../source.json https://compute.googleapis.com/compute/v1/projects/debian-cloud/global/images/family/debian-12

validate
+ imgforge validate -var project=my-project -var zone=us-central1-a -var bucket=my-bucket -var source_image=debian-12-newest -var image_name=packer-demo-random-\{\{timestamp\}\} packer-demo.pkr.hcl
validate -var project=my-project -var zone=us-central1-a -var bucket=my-bucket -var source_image=debian-12-newest -var image_name=packer-demo-random-{{timestamp}} packer-demo.pkr.hcl
+ imgforge validate -var project=my-project -var zone=us-central1-a -var bucket=my-bucket -var source_image=debian-12-newest packer-demo.json
validate -var project=my-project -var zone=us-central1-a -var bucket=my-bucket -var source_image=debian-12-newest packer-demo.json

build
+ imgforge build -timestamp-ui -var project=my-project -var zone=us-central1-a -var bucket=my-bucket -var source_image=debian-12-newest -var image_name=packer-demo-random-\{\{timestamp\}\} packer-demo.pkr.hcl

the image packer-demo-random-time
+ curl --config ../token --silent --show-error --fail-with-body --output ../image.json https://compute.googleapis.com/compute/v1/projects/my-project/global/images/packer-demo-random-time
+ imgforge build -var project=my-project -var name=packer-demo-random-time -var target=../found ../look.pkr.hcl

the object gs://my-bucket/packer-demo-random-time.tar.gz
+ curl --config ../token --silent --show-error --fail-with-body --output ../object.json https://storage.googleapis.com/storage/v1/b/my-bucket/o/packer-demo-random-time.tar.gz
+ curl --config ../token --silent --show-error --fail-with-body --range 0-1048575 --output ../archive https://storage.googleapis.com/storage/v1/b/my-bucket/o/packer-demo-random-time.tar.gz\?alt=media

what else the run has left: nothing
+ curl --config ../token --silent --show-error --fail-with-body --output ../instances.json https://compute.googleapis.com/compute/v1/projects/my-project/aggregated/instances\?filter=labels.imgforge-run%3Dthe-run
+ curl --config ../token --silent --show-error --fail-with-body --output ../disks.json https://compute.googleapis.com/compute/v1/projects/my-project/aggregated/disks\?filter=labels.imgforge-run%3Dthe-run
+ imgforge cleanup

deleting what was built
+ curl --config ../token --silent --show-error --fail-with-body --output ../images.json https://compute.googleapis.com/compute/v1/projects/my-project/global/images\?filter=name%20eq%20packer-demo-random-.%2A
+ curl --config ../token --silent --show-error --fail-with-body --output ../objects.json https://storage.googleapis.com/storage/v1/b/my-bucket/o\?prefix=packer-demo-random-
+ curl --config ../token --silent --show-error --fail-with-body --request DELETE --output ../deleted.json https://compute.googleapis.com/compute/v1/projects/my-project/global/images/packer-demo-random-time
+ curl --config ../token --silent --show-error --fail-with-body --request DELETE --output ../deleted.json https://storage.googleapis.com/storage/v1/b/my-bucket/o/packer-demo-random-time.tar.gz

done: the templates are valid, and nothing was asked of Google"
    );
}

#[test]
fn what_is_missing_is_told_before_anything_is_built() {
    for (arguments, message) in [
        (&[][..], "test-live: it is not said which cloud; see script/test-live --help\n"),
        (&["aws"], "test-live: there is no `aws`; see script/test-live --help\n"),
        (&["gcp"], "test-live: GOOGLE_CLOUD_PROJECT is not set; see script/test-live --help\n"),
    ] {
        let output = test_live(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(String::from_utf8(output.stderr).unwrap(), message);
        assert!(output.stdout.is_empty());
    }
}

/// The whole of it, with the fake in place of the real cloud.
#[test]
fn the_example_is_built_exported_found_and_deleted() {
    let fake = Fake::start(json!({}));
    fake.seed(json!({"buckets": {"images": {}}}));
    let output = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/script/test-live"))
        .args(["gcp", "--endpoint", &fake.url])
        .env("IMGFORGE_BIN", env!("CARGO_BIN_EXE_imgforge"))
        .env("GOOGLE_CLOUD_PROJECT", "demo")
        .env("IMGFORGE_LIVE_BUCKET", "images")
        .env("IMGFORGE_LIVE_TOKEN", TOKEN)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.ends_with("] ==== done: built, exported, found, deleted\n"), "{text}");
    let state = fake.state();
    assert_eq!(state["buckets"], json!({"images": {}}));
    assert_eq!(state.keys().filter(|path| path.starts_with("projects/demo/")).count(), 0);
    assert_eq!(fake.violations(), Vec::<String>::new());
    let made = fake.methods();
    for method in ["compute.images.insert", "storage.objects.insert", "uploads.chunk", "compute.images.list"] {
        assert!(made.iter().any(|one| one == method), "{method}");
    }
}
