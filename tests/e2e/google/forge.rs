//! Builds on the fake: the program itself, with a template that is all variables of a test.

use super::fake::{Fake, TOKEN};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::{Command, Stdio};
use tempfile::TempDir;

pub(crate) const PROJECT: &str = "demo";
pub(crate) const ZONE: &str = "europe-west1-b";

/// A folder with a template and a state folder of its own.
pub(crate) struct Place {
    folder: TempDir,
}

/// How the program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    /// Both streams, one after the other.
    pub(crate) output: String,
}

/// The builder of the plain build, with members that a test adds or replaces; `null` takes one away.
pub(crate) fn builder(fake: &Fake, image: &str, more: &Value) -> Value {
    let mut builder = json!({
        "type": "googlecompute",
        "project_id": PROJECT,
        "zone": ZONE,
        "source_image_family": "debian-12",
        "image_name": image,
        "ssh_username": crate::sshd::USER,
        "access_token": TOKEN,
        "custom_endpoints": fake.endpoints(),
    });
    let members = builder.as_object_mut().unwrap();
    members.extend(more.as_object().unwrap().clone());
    members.retain(|_, value| !value.is_null());
    builder
}

impl Place {
    pub(crate) fn new(template: &Value) -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.write("template.json", &serde_json::to_string_pretty(template).unwrap());
        place
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder.path().join(name), text).unwrap();
    }

    /// The program in this folder, with this folder's state.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_imgforge"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("IMGFORGE_STATE_DIR", self.folder.path().join("state"))
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        let ended = self.command(arguments).output().unwrap();
        let output = String::from_utf8([ended.stdout, ended.stderr].concat()).unwrap();
        Ended { code: ended.status.code(), output }
    }
}

/// The calls that matter to a test: without those that only wait.
pub(crate) fn calls(fake: &Fake) -> Vec<Map<String, Value>> {
    let waits = |method: &str| method.ends_with("Operations.wait") || method.ends_with("Operations.get");
    let log = fake.log().into_iter().filter_map(|call| call.as_object().cloned());
    log.filter(|call| !waits(call["method"].as_str().unwrap_or_default())).collect()
}
