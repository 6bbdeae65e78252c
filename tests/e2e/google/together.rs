//! `imgforge run` with a build on QEMU and one on Google Cloud: one version, one manifest, one tag, or none of them.

use super::fake::Fake;
use super::forge::{Ended, Place, builder};
use crate::qemu::guest;
use serde_json::{Value, json};
use std::process::Command;

/// A repository with one image of two builds.
struct Repository {
    fake: Fake,
    place: Place,
}

pub(super) fn git(place: &Place, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Repository {
    fn new(on_failure: &str) -> Self {
        let fake = Fake::start(json!({}));
        let qemu = json!({
            "type": "qemu", "disk_image": true, "skip_resize_disk": true, "accelerator": "tcg", "machine_type": "q35",
            "cpu_model": "max", "memory": 256, "output_directory": "disk", "vm_name": "web.qcow2",
            "iso_url": guest().join("disk.qcow2"), "iso_checksum": "none",
            "ssh_username": "root", "ssh_password": "imgforge", "shutdown_command": "sync; poweroff -f",
        });
        let place = Place::new(&json!({
            "builders": [qemu, builder(&fake, "web", &json!({}))],
            "provisioners": [{"type": "shell", "inline": ["true"]}],
        }));
        place.write(
            "imgforge.yml",
            &format!(
                "version: 1\ndefaults:\n  on_failure: {on_failure}\nimages:\n  web:\n    template: template.json\n"
            ),
        );
        place.write(".gitignore", "state/\nout/\ndisk/\n");
        git(&place, &["init", "-q"]);
        git(&place, &["add", "."]);
        git(&place, &["commit", "-q", "-m", "first"]);
        Self { fake, place }
    }

    fn run(&self) -> Ended {
        self.place.run(&["run"])
    }

    fn image(&self) -> Value {
        self.fake.state().get("projects/demo/global/images/web").cloned().unwrap_or_default()
    }

    fn tags(&self) -> String {
        git(&self.place, &["tag", "-l"])
    }
}

#[test]
fn both_are_one_version() {
    let repository = Repository::new("cleanup");
    let ended = repository.run();
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(repository.tags(), "images/web/v0.1.0");
    assert_eq!(repository.image()["labels"]["imgforge-role"], "artifact");
    let manifest = std::fs::read_to_string(repository.place.path().join("out/web/manifest.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let builds: Vec<(&str, &str)> = manifest["builds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|build| (build["builder_type"].as_str().unwrap(), build["artifact_id"].as_str().unwrap()))
        .collect();
    assert_eq!(builds, [("googlecompute", "web"), ("qemu", "VM")]);
    assert_eq!(repository.fake.violations(), [""; 0]);
}

#[test]
fn when_one_fails_the_other_goes_or_stays_as_on_failure_says() {
    for (on_failure, stays) in [("cleanup", false), ("keep", true)] {
        let repository = Repository::new(on_failure);
        let no = json!({"http": 400, "reason": "invalid", "message": "no images today"});
        repository.fake.faults(json!([{"method": "compute.images.insert", "fault": no}]));
        let ended = repository.run();
        assert_eq!(ended.code, Some(1), "{}", ended.output);
        assert_eq!(repository.tags(), "");
        assert!(repository.image().is_null());
        assert_eq!(repository.place.path().join("disk/web.qcow2").exists(), stays, "{on_failure}\n{}", ended.output);
        let (made, removed) =
            ended.output.split_once("\n==> Removed, since not all builds succeeded:\n").unwrap_or((&ended.output, ""));
        assert_eq!(made.contains("--> qemu: VM files in directory: disk"), stays, "{}", ended.output);
        assert_eq!(removed.contains("--> qemu: VM files in directory: disk"), !stays, "{}", ended.output);
        assert!(!repository.place.path().join("out/web/manifest.json").exists());
    }
}
