//! The example of the first page: a template of either language that builds in Google Cloud, writes a manifest and exports the
//! image, by `packer build` and as the CI job that tags it.

use super::export::{assert_is_the_provisioned_disk, fake, left, object, template_of};
use super::fake::{Fake, TOKEN};
use super::forge::{Place, ZONE};
use super::together::git;
use serde_json::{Value, json};
use std::process::Stdio;

fn json_template(fake: &Fake) -> Value {
    template_of(
        fake,
        json!({
            "image_name": "packer-demo-{{timestamp}}",
            "source_image": "debian-12-bookworm-v20261101",
            "source_image_family": null,
        }),
        json!([
            {"type": "manifest", "output": "packer-manifest.json"},
            {"type": "googlecompute", "destination_image": "gs://images/packer-demo-{{timestamp}}.tar.gz"},
        ]),
    )
}

fn hcl2_template(fake: &Fake) -> String {
    let json = json_template(fake);
    let endpoints = serde_json::to_string_pretty(&fake.endpoints()).unwrap();
    let script = json["provisioners"][0]["inline"][0].as_str().unwrap();
    let user = crate::sshd::USER;
    format!(
        r#"source "googlecompute" "demo" {{
  project_id       = "demo"
  zone             = "{ZONE}"
  source_image     = "debian-12-bookworm-v20261101"
  image_name       = "packer-demo-{{{{timestamp}}}}"
  ssh_username     = "{user}"
  access_token     = "{TOKEN}"
  custom_endpoints = {endpoints}
}}

build {{
  sources = ["source.googlecompute.demo"]

  provisioner "shell" {{
    inline = [<<-EOT
{script}
    EOT
    ]
  }}

  post-processor "manifest" {{
    output = "packer-manifest.json"
  }}

  post-processor "googlecompute" {{
    destination_image = "gs://images/packer-demo-{{{{timestamp}}}}.tar.gz"
  }}
}}
"#
    )
}

/// A file of the place, as JSON.
fn read(place: &Place, name: &str) -> Value {
    serde_json::from_slice(&std::fs::read(place.path().join(name)).unwrap()).unwrap()
}

/// The image and the object that there are, and nothing else; the object is the machine's disk. Returns the image's name.
#[track_caller]
fn assert_image_and_object(fake: &Fake, place: &Place) -> String {
    let left = left(fake);
    let [image, exported] = left.as_slice() else { panic!("{left:?}") };
    let image = image.strip_prefix("projects/demo/global/images/").unwrap();
    let time = image.strip_prefix("packer-demo-").unwrap();
    assert!(time.parse::<u64>().is_ok(), "{image}");
    assert_eq!(*exported, format!("images/{image}.tar.gz"));
    assert_is_the_provisioned_disk(place, &object(fake, "images", &format!("{image}.tar.gz")));
    image.to_owned()
}

/// The template's own manifest: the image is what was built, whatever is exported afterwards.
#[track_caller]
fn assert_manifest(place: &Place, build: &str, image: &str) {
    let manifest = read(place, "packer-manifest.json");
    let builds = manifest["builds"].as_array().unwrap();
    assert_eq!(builds.len(), 1);
    assert_eq!(builds[0]["name"], build);
    assert_eq!(builds[0]["builder_type"], "googlecompute");
    assert_eq!(builds[0]["artifact_id"], image);
    assert_eq!(builds[0]["packer_run_uuid"], manifest["last_run_uuid"]);
}

/// A template's name and text, and what its build is called.
fn templates(fake: &Fake) -> [(&'static str, String, &'static str); 2] {
    [
        ("template.json", json_template(fake).to_string(), "googlecompute"),
        ("template.pkr.hcl", hcl2_template(fake), "demo"),
    ]
}

#[test]
fn packer_build_makes_image_object_and_manifest() {
    for index in 0..2 {
        let fake = fake();
        let (file, text, build) = templates(&fake)[index].clone();
        let place = Place::new(&json!({}));
        place.write(file, &text);
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_imgforge"), place.path().join("packer")).unwrap();
        let ended = std::process::Command::new(place.path().join("packer"))
            .args(["build", file])
            .current_dir(place.path())
            .env("IMGFORGE_STATE_DIR", place.path().join("state"))
            .stdin(Stdio::null())
            .output()
            .unwrap();
        assert!(ended.status.success(), "{file}: {ended:?}");
        let image = assert_image_and_object(&fake, &place);
        assert_manifest(&place, build, &image);
        assert_eq!(fake.violations(), [""; 0]);
    }
}

#[test]
fn the_ci_job_makes_the_same_and_tags_it() {
    for index in 0..2 {
        let fake = fake();
        let (file, text, build) = templates(&fake)[index].clone();
        let place = Place::new(&json!({}));
        std::fs::remove_file(place.path().join("template.json")).unwrap();
        place.write(file, &text);
        place.write("imgforge.yml", &format!("version: 1\nimages:\n  packer-demo:\n    template: {file}\n"));
        place.write(".gitignore", "state/\nout/\npacker-manifest.json\n");
        git(&place, &["init", "-q"]);
        git(&place, &["add", "."]);
        git(&place, &["commit", "-q", "-m", "first"]);
        let ended = place.run(&["run"]);
        assert_eq!(ended.code, Some(0), "{file}\n{}", ended.output);
        let image = assert_image_and_object(&fake, &place);
        assert_manifest(&place, build, &image);
        assert_eq!(git(&place, &["tag", "-l"]), "images/packer-demo/v0.1.0");
        let manifest = read(&place, "out/packer-demo/manifest.json");
        let builds = manifest["builds"].as_array().unwrap();
        let artifacts: Vec<&str> = builds.iter().map(|build| build["artifact_id"].as_str().unwrap()).collect();
        assert_eq!(artifacts, [image.clone(), format!("gs://images/{image}.tar.gz")]);
        assert_eq!(fake.violations(), [""; 0]);
    }
}
