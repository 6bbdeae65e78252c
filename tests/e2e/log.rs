//! The log of a build over SSH: how the connection came about, and nothing secret.

use crate::sshd::{PASSWORD, Sshd, USER};
use std::process::Command;

const TEMPLATE: &str = r#"variable "password" {
  sensitive = true
}
variable "port" {
  type = number
}
source "null" "machine" {
  ssh_host     = "127.0.0.1"
  ssh_port     = var.port
  ssh_username = "USER"
  ssh_password = var.password
  ssh_timeout  = "TIMEOUT"
}
build {
  sources = ["source.null.machine"]
  provisioner "shell" {
    inline = ["echo in"]
  }
}
"#;

/// The log of a build that gives up after so long.
fn log(password: &str, port: u16, timeout: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let template = TEMPLATE.replace("USER", USER).replace("TIMEOUT", timeout);
    std::fs::write(folder.path().join("image.pkr.hcl"), template).unwrap();
    let ended = Command::new(env!("CARGO_BIN_EXE_imgforge"))
        .args(["build", "-var", &format!("password={password}"), "-var", &format!("port={port}"), "image.pkr.hcl"])
        .current_dir(folder.path())
        .env("IMGFORGE_STATE_DIR", folder.path().join("state"))
        .env("PACKER_LOG", "1")
        .output()
        .unwrap();
    String::from_utf8(ended.stderr).unwrap()
}

#[test]
fn the_log_tells_how_the_connection_came_about() {
    let sshd = Sshd::start(None, "");
    let log = log(PASSWORD, sshd.port, "1m");
    let at = |text: &str| log.find(text).unwrap_or_else(|| panic!("{text}: {log}"));
    assert!(at("sshd answers") < at("logged in"), "{log}");
    assert!(at("logged in") < at("step=\"provision with shell\""), "{log}");
    assert!(!log.contains(PASSWORD), "{log}");
}

#[test]
fn the_log_tells_why_nobody_is_let_in() {
    let sshd = Sshd::start(None, "");
    let log = log("a wrong one", sshd.port, "3s");
    assert!(log.contains("login refused") && log.contains("build failed"), "{log}");
    assert!(!log.contains("a wrong one"), "{log}");
}
