//! What templates read of Google Cloud before anything is built.

use super::fake::{Fake, TOKEN};
use super::forge::{Ended, Place};
use serde_json::{Value, json};

/// A template that reads `block` and writes `content` into `out.txt`, run on a fake with these resources.
fn read(seed: Value, block: &str, content: &str) -> (Fake, Place, Ended) {
    read_with(json!([]), seed, block, content)
}

/// The same on a fake with faults.
fn read_with(faults: Value, seed: Value, block: &str, content: &str) -> (Fake, Place, Ended) {
    let fake = Fake::start(json!({}));
    fake.seed(seed);
    fake.faults(faults);
    let place = Place::new(&json!({}));
    let endpoints: Vec<String> =
        fake.endpoints().iter().map(|(key, address)| format!("    {key} = {address:?}\n")).collect();
    let account = format!("access_token = {TOKEN:?}\n  custom_endpoints = {{\n{}  }}", endpoints.concat());
    let template = format!(
        "{}\nsource \"file\" \"out\" {{\n  content = {content}\n  target  = \"out.txt\"\n}}\nbuild {{\n  sources = \
         [\"file.out\"]\n  post-processor \"shell-local\" {{\n    inline = [\"cat out.txt\"]\n  }}\n}}\n",
        block.replace("ACCOUNT", &account)
    );
    place.write("image.pkr.hcl", &template);
    let ended = place.run(&["build", "image.pkr.hcl"]);
    assert_eq!(fake.violations(), Vec::<String>::new());
    (fake, place, ended)
}

fn written(place: &Place) -> String {
    std::fs::read_to_string(place.path().join("out.txt")).unwrap()
}

fn images() -> Value {
    let image = |id: u32, day: u32| {
        json!({
            "id": id.to_string(),
            "family": "web",
            "labels": {"day": day.to_string()},
            "creationTimestamp": format!("2026-01-0{day}T10:00:00.000-08:00"),
        })
    };
    json!({
        "projects/demo/global/images/web-1": image(101, 1),
        "projects/demo/global/images/web-3": image(103, 3),
        "projects/demo/global/images/web-2": image(102, 2),
    })
}

fn image_by(most_recent: bool) -> String {
    format!(
        "data \"googlecompute-image\" \"web\" {{\n  project_id = \"demo\"\n  filters = \"family = web\"\n  most_recent = \
         {most_recent}\n  ACCOUNT\n}}"
    )
}

#[test]
fn the_newest_image_that_matches_is_found() {
    let content = "jsonencode(data.googlecompute-image.web)";
    let (_fake, place, ended) = read(images(), &image_by(true), content);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    let found: Value = serde_json::from_str(&written(&place)).unwrap();
    assert_eq!(
        found,
        json!({
            "id": "103",
            "name": "web-3",
            "creation_date": "2026-01-03T10:00:00.000-08:00",
            "labels": {"day": "3"},
        })
    );
}

#[test]
fn several_images_are_a_mistake_unless_the_newest_is_meant() {
    let (_fake, _place, ended) = read(images(), &image_by(false), "data.googlecompute-image.web.name");
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    let why = "`data.googlecompute-image.web` could not be read: images of demo by `family = web`: 3 match: web-3, web-2, \
               web-1; make the filter narrower, or set `most_recent = true`";
    assert!(ended.output.contains(why), "{}", ended.output);
}

#[test]
fn a_secret_is_read_and_shown_nowhere() {
    let block = "data \"googlecompute-secretsmanager\" \"db\" {\n  project_id = \"demo\"\n  name = \"db\"\n  key = \
                 \"password\"\n  ACCOUNT\n}";
    let text = r#"{"user": "postgres", "password": "hunter2!"}"#;
    let data = "data.googlecompute-secretsmanager.db";
    let content = format!("\"${{{data}.value}} ${{jsondecode({data}.payload).user}} ${{{data}.checksum}}\"");
    let seed = json!({"secrets": {"projects/demo/secrets/db": {"1": "old", "2": text}}});
    let (_fake, place, ended) = read(seed, block, &content);
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    let written = written(&place);
    let (secrets, checksum) = written.rsplit_once(' ').unwrap();
    assert_eq!(secrets, "hunter2! postgres");
    assert!(checksum.parse::<u32>().is_ok(), "{checksum}");
    assert!(ended.output.contains("<sensitive> <sensitive>"), "{}", ended.output);
    assert!(!ended.output.contains("hunter2") && !ended.output.contains("postgres"), "{}", ended.output);
}

#[test]
fn a_parameter_is_read_with_the_secrets_in_it() {
    let block = "data \"googlecompute-parametermanager\" \"app\" {\n  project_id = \"demo\"\n  name = \"app\"\n  version = \
                 \"v1\"\n  ACCOUNT\n}";
    let reference = r#"__REF__("//secretmanager.googleapis.com/projects/demo/secrets/db/versions/1")"#;
    let seed = json!({
        "secrets": {"projects/demo/secrets/db": {"1": "hunter2!"}},
        "parameters": {"projects/demo/locations/global/parameters/app": {"v1": format!("password={reference}")}},
    });
    let (_fake, place, ended) = read(seed, block, "data.googlecompute-parametermanager.app.value");
    assert_eq!(ended.code, Some(0), "{}", ended.output);
    assert_eq!(written(&place), "password=hunter2!");
    assert!(!ended.output.contains("hunter2"), "{}", ended.output);
}

#[test]
fn a_secret_that_is_not_there_is_told_at_its_place() {
    let block =
        "data \"googlecompute-secretsmanager\" \"db\" {\n  project_id = \"demo\"\n  name = \"db\"\n  ACCOUNT\n}";
    let (_fake, _place, ended) = read(json!({}), block, "data.googlecompute-secretsmanager.db.value");
    assert_eq!(ended.code, Some(1), "{}", ended.output);
    assert!(ended.output.contains("image.pkr.hcl:1:"), "{}", ended.output);
    assert!(ended.output.contains("read the secret db of demo: "), "{}", ended.output);
}

#[test]
fn what_google_is_too_busy_for_may_be_read_later() {
    let busy = json!([{"method": "compute.images.list", "fault": {"http": 429, "reason": "rateLimitExceeded"}}]);
    let (_fake, _place, ended) = read_with(busy, images(), &image_by(true), "data.googlecompute-image.web.name");
    assert_eq!(ended.code, Some(75), "{}", ended.output);
    assert!(ended.output.contains("error[unreadable-data-source]"), "{}", ended.output);
}
