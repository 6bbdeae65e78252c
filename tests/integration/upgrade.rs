//! `hcl2_upgrade`: what is written, when nothing is, and that it is the same template.

use crate::corpus::corpus;
use crate::forge::Forge;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::document::{self, Document};
use imgforge_template::hcl;
use imgforge_template::source::{Origin, Sources};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

const LEGACY: &str = r#"{
  "min_packer_version": "1.6.0",
  "variables": {
    "key": "{{env `KEY`}}",
    "name": "{{user `region`}}-{{isotime \"2006\"}}",
    "region": "eu",
    "size": null
  },
  "sensitive-variables": ["key"],
  "builders": [
    {"type": "null", "communicator": "none"},
    {"type": "file", "name": "web 1", "content": "a\n${b}\n\"{{user `key`}}\"\n", "target": "{{build_name}}-{{user `name` | upper}}"},
    {"type": "digitalocean", "api_token": "{{user `key`}}", "image": "i", "region": "{{user `region`}}", "size": "s",
     "ssh_username": "root", "snapshot_name": "{{user `name` | clean_resource_name}}-{{timestamp}}", "snapshot_regions": "a,b", "ipv6": "1"}
  ],
  "provisioners": [
    {"type": "shell-local", "inline": "echo {{ split (user `name`) \"-\" 0 }}", "only": ["web 1"], "pause_before": 5},
    {"type": "shell", "inline": ["{{if eq (user `size`) `s`}}small{{else}}{{.}}{{end}}"], "execute_command": "{{.Vars}} {{user `size`}} {{.Path}}",
     "override": {"web 1": {"inline": ["{{template_dir}} {{build `ID`}}"]}}}
  ],
  "post-processors": ["manifest", [{"type": "manifest", "output": "m"}, {"type": "shell-local", "inline": ["true"]}]]
}
"#;

const HCL2: &str = r#"packer {
  required_version = ">= 1.6.0"
  required_plugins {
    digitalocean = {
      source  = "github.com/digitalocean/digitalocean"
      version = ">= 1.0.0"
    }
  }
}

variable "key" {
  type      = string
  default   = env("KEY")
  sensitive = true
}

variable "name" {
  type    = string
  default = null
}

variable "region" {
  type    = string
  default = "eu"
}

variable "size" {
  type = string
}

locals {
  name = var.name != null ? var.name : "${var.region}-${legacy_isotime("2006")}"
}

source "null" "null" {
  communicator = "none"
}

source "file" "web_1" {
  content = <<EOF
a
$${b}
"${var.key}"
EOF
  target  = "${source.name}-${upper(local.name)}"
}

source "digitalocean" "digitalocean" {
  api_token        = var.key
  image            = "i"
  region           = var.region
  size             = "s"
  ssh_username     = "root"
  snapshot_name    = "{{`${local.name}` | clean_resource_name}}-{{timestamp}}"
  snapshot_regions = ["a", "b"]
  ipv6             = true
}

build {
  sources = ["source.null.null", "source.digitalocean.digitalocean"]

  source "source.file.web_1" {
    name = "web 1"
  }

  provisioner "shell-local" {
    inline       = split(",", "echo ${split("-", local.name)[0]}")
    only         = ["file.web 1"]
    pause_before = "5ns"
  }

  provisioner "shell" {
    inline          = ["%{if(var.size == "s")}small%{else}{{.}}%{endif}"]
    execute_command = "{{.Vars}} ${var.size} {{.Path}}"
    override = {
      "web 1" = {
        inline = ["${abspath(path.root)} ${build.ID}"]
      }
    }
  }

  post-processor "manifest" {
  }

  post-processors {
    post-processor "manifest" {
      output = "m"
    }

    post-processor "shell-local" {
      inline = ["true"]
    }
  }
}
"#;

#[test]
fn a_template_is_written_with_what_hcl2_has() {
    let forge = Forge::new().file("t.json", LEGACY);
    let ended = forge.run(&["hcl2_upgrade", "t.json"]);
    assert!(ended.stdout.ends_with("t.json.pkr.hcl is written.\n"), "{}", ended.stdout);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(forge.read("t.json.pkr.hcl"), HCL2);
    forge.run(&["fmt", "-check", "t.json.pkr.hcl"]).expect(0, "");
    forge.run(&["hcl2_upgrade", "-with-annotations", "-output-file=other.pkr.hcl", "t.json"]).code(0);
    let annotated = forge.read("other.pkr.hcl");
    assert!(annotated.starts_with("# What this template needs.\npacker {\n"), "{annotated}");
    let plain: Vec<&str> = annotated.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(plain, HCL2.lines().collect::<Vec<_>>());
    forge.run(&["fmt", "-check", "other.pkr.hcl"]).expect(0, "");
}

#[test]
fn both_build_the_same() {
    let text = r#"{
  "variables": {"fruit": "Fig", "home": "{{env `HOME`}}", "both": "{{user `fruit`}} in {{user `home`}}", "none": ""},
  "builders": [{"type": "file", "name": "a tree", "target": "out.txt",
    "content": "{{user `both` | upper}} ${x} $${y} %{z} ${{user `fruit`}}\n{{build_name}} {{build_type}} {{template_dir}} {{pwd}}\n{{ split (user `both`) \" \" 1 }} {{user `both` | replace_all `i` `o`}} {{user `both` | replace `i` `o` 1}}\n{{if user `none`}}some{{else}}none{{end}} {{if eq (user `fruit`) `Fig`}}fig{{end}} {{user `nothing`}}|{{lower (user `fruit`)}} {{printf `%s-%d` (user `fruit`) 5}}\n"}]
}"#;
    let forge = Forge::new().file("t.json", text);
    let built = |template: &str| {
        forge.run(&["build", template]).code(0);
        let built = forge.read("out.txt");
        std::fs::remove_file(forge.path().join("out.txt")).unwrap();
        built
    };
    let legacy = built("t.json");
    assert!(legacy.starts_with("FIG IN /") && legacy.contains("none fig |fig Fig-5\n"), "{legacy}");
    forge.run(&["hcl2_upgrade", "t.json"]).code(0);
    assert_eq!(built("t.json.pkr.hcl"), legacy, "{}", forge.read("t.json.pkr.hcl"));
}

#[test]
fn a_link_in_place_of_the_file_is_replaced() {
    let forge = Forge::new().file("t.json", r#"{"builders": [{"type": "null", "communicator": "none"}]}"#);
    let outside = forge.state().join("outside");
    std::fs::write(&outside, "untouched").unwrap();
    std::os::unix::fs::symlink(&outside, forge.path().join("t.json.pkr.hcl")).unwrap();
    forge.run(&["hcl2_upgrade", "t.json"]).code(0);
    assert!(forge.read("t.json.pkr.hcl").contains("source \"null\""));
    assert_eq!(std::fs::read(&outside).unwrap(), b"untouched");
}

#[test]
fn what_is_read_and_not_declared_is_told_until_it_has_a_value() {
    let text = r#"{
  "variables": {"region": "eu", "spare": ""},
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["echo {{user `regoin`}} {{user `zone`}}"]}]
}
"#;
    let forge = Forge::new().file("t.json", text);
    let codes = |arguments: &[&str]| said(&forge, forge.path(), &arguments[1..], arguments[0]);
    forge.run(&["hcl2_upgrade", "t.json"]).code(0);
    let legacy = codes(&["t.json"]);
    assert_eq!(
        legacy,
        [
            "undefined-variable: nothing gives the variable `regoin` a value, which leaves this empty",
            "undefined-variable: nothing gives the variable `zone` a value, which leaves this empty",
            "unused-variable: nothing reads the variable `spare`",
        ]
    );
    assert_eq!(codes(&["t.json.pkr.hcl"]), legacy);
    let written = forge.read("t.json.pkr.hcl");
    forge.run(&["validate", "t.json.pkr.hcl"]).expect(
        0,
        r#"warning[unused-variable]: nothing reads the variable `spare`
 --> t.json.pkr.hcl:6:10
  |
6 | variable "spare" {
  |          ^^^^^^^
  |
  = help: delete it, or read it by `var.NAME`

warning[undefined-variable]: nothing gives the variable `regoin` a value, which leaves this empty
  --> t.json.pkr.hcl:31:27
   |
12 | variable "regoin" {
   |          -------- it stands here for one that was not declared
...
31 |     inline = ["echo ${var.regoin} ${var.zone}"]
   |                           ^^^^^^
   |
   = help: did you mean `region`?

warning[undefined-variable]: nothing gives the variable `zone` a value, which leaves this empty
  --> t.json.pkr.hcl:31:41
   |
18 | variable "zone" {
   |          ------ it stands here for one that was not declared
...
31 |     inline = ["echo ${var.regoin} ${var.zone}"]
   |                                         ^^^^
   |
   = help: give `zone` a default and delete the comment before it

The configuration is valid."#,
    );
    let unused = &legacy[2..];
    assert_eq!(codes(&["t.json.pkr.hcl", "-var=zone=a", "-var=regoin=eu"]), unused);
    let forge = forge.file("meant.pkr.hcl", &written.replace("# imgforge: undeclared\n", ""));
    assert_eq!(
        said(&forge, forge.path(), &[], "meant.pkr.hcl"),
        ["unused-variable: nothing reads the variable `region`", unused[0].as_str()]
    );
}

#[test]
fn what_the_name_of_a_builder_reads_and_nobody_declares_is_told_too() {
    let text = r#"{"builders": [{"type": "null", "communicator": "none", "name": "web-{{user `zone`}}"}]}"#;
    let forge = Forge::new().file("t.json", text);
    forge.run(&["hcl2_upgrade", "t.json"]).code(0);
    assert_eq!(said(&forge, forge.path(), &[], "t.json"), said(&forge, forge.path(), &[], "t.json.pkr.hcl"));
    forge.run(&["validate", "t.json.pkr.hcl"]).expect(
        0,
        r#"warning[undefined-variable]: nothing gives the variable `zone` a value, which leaves this empty
 --> t.json.pkr.hcl:2:10
  |
2 | variable "zone" {
  |          ^^^^^^
  |
  = help: give `zone` a default and delete the comment before it

The configuration is valid."#,
    );
}

#[test]
fn what_vagrant_is_told_of_a_provider_is_told_for_its_sources() {
    let upgraded = |builders: &[&str]| {
        let builders: Vec<String> = builders.iter().map(|kind| format!("{{\"type\": \"{kind}\"}}")).collect();
        let vagrant =
            r#"{"type": "vagrant", "output": "o", "include": ["a"], "override": {"virtualbox": {"output": "v"}}}"#;
        let text = format!("{{\"builders\": [{}], \"post-processors\": [{vagrant}]}}", builders.join(", "));
        let forge = Forge::new().file("t.json", &text);
        let ended = forge.run(&["hcl2_upgrade", "t.json"]);
        let is_left = ended.code(0).stdout.contains("warning[not-translated]");
        (is_left, forge.read("t.json.pkr.hcl").split_once("\nbuild {\n").unwrap().1.to_owned())
    };
    let one = r#"  sources = ["source.virtualbox-iso.virtualbox-iso"]

  post-processor "vagrant" {
    output  = "v"
    include = ["a"]
  }
}
"#;
    assert_eq!(upgraded(&["virtualbox-iso"]), (false, one.to_owned()));
    let two = r#"  sources = ["source.virtualbox-iso.virtualbox-iso", "source.qemu.qemu"]

  post-processors {
    post-processor "vagrant" {
      output  = "v"
      include = ["a"]
      only    = ["virtualbox-iso.virtualbox-iso"]
    }

    post-processor "vagrant" {
      output  = "o"
      include = ["a"]
      only    = ["qemu.qemu"]
    }
  }
}
"#;
    assert_eq!(upgraded(&["virtualbox-iso", "qemu"]), (false, two.to_owned()));
    let (is_left, unknown) = upgraded(&["virtualbox-iso", "lxd"]);
    assert!(is_left && unknown.contains("    override = {\n      virtualbox = {\n"), "{unknown}");
}

/// Packer refuses a variable that it can't fill in, but not beside one that is made of another.
#[test]
fn a_variable_that_is_not_there_is_refused_where_packer_refuses_it() {
    let template = |rest: &str| {
        format!(
            "{{\"variables\": {{\"a\": \"{{{{user `nope`}}}}\", \"b\": \"x\"{rest}}},\n \
             \"builders\": [{{\"type\": \"null\", \"communicator\": \"none\"}}]}}\n"
        )
    };
    let forge =
        Forge::new().file("refused.json", &template("")).file("taken.json", &template(", \"c\": \"{{user `b`}}\""));
    let refused = forge.run(&["hcl2_upgrade", "refused.json"]);
    assert!(
        refused.code(1).stdout.contains("error[undefined-variable]: there is no variable `nope`\n --> refused.json:1:")
    );
    assert!(!forge.exists("refused.json.pkr.hcl"));
    forge.run(&["hcl2_upgrade", "taken.json"]).code(0);
    let packer = |name| Command::new("/usr/bin/packer").args(["validate", name]).current_dir(forge.path()).output();
    assert_eq!(packer("refused.json").unwrap().status.code(), Some(1));
    assert_eq!(packer("taken.json").unwrap().status.code(), Some(0));
}

#[test]
fn of_a_template_that_is_wrong_nothing_is_written() {
    let forge = Forge::new()
        .file("wrong.json", "{\"builders\": [{\"type\": \"null\", \"ssh_hots\": \"h\", \"communicator\": \"none\"}]}")
        .file("a.pkr.hcl", "");
    forge.run(&["hcl2_upgrade", "wrong.json"]).expect(
        1,
        r#"error[unknown-argument]: the builder `null` has no argument `ssh_hots`
 --> wrong.json:1:32
  |
1 | {"builders": [{"type": "null", "ssh_hots": "h", "communicator": "none"}]}
  |                                ^^^^^^^^^^
  |
  = help: did you mean `ssh_host`?
"#,
    );
    assert!(!forge.exists("wrong.json.pkr.hcl"));
    let forge = forge.file("sound.json", "{\"builders\": [{\"type\": \"null\", \"communicator\": \"none\"}]}");
    let itself = forge.run(&["hcl2_upgrade", "-output-file=./sound.json", "sound.json"]);
    itself.expect(1, "error: `./sound.json` is the template itself: name another file to write");
    assert!(forge.read("sound.json").starts_with("{\"builders\""));
    forge.run(&["hcl2_upgrade", "absent.json"]).code(1);
    forge.run(&["hcl2_upgrade", "a.pkr.hcl"]).expect(1, "error: `a.pkr.hcl` is HCL2 already");
    assert!(!forge.exists("absent.json.pkr.hcl") && !forge.exists("a.pkr.hcl.pkr.hcl"));
}

/// A repository of the corpus with a file for each path that it has.
fn checked_out(forge: &Forge, from: &Path, name: &str) -> PathBuf {
    let folder = forge.path().join(name);
    for path in std::fs::read_to_string(from.join("paths.txt")).unwrap().lines() {
        let (source, target) = (from.join(path), folder.join(path));
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::write(&target, std::fs::read(source).unwrap_or_default()).unwrap();
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&target, mode).unwrap();
    }
    folder
}

/// What `validate` says of a file: codes and messages, which name component and argument, without the places.
fn said(forge: &Forge, folder: &Path, arguments: &[&str], file: &str) -> Vec<String> {
    let report = forge.state().join("report.json");
    let kind = format!("--report=json={}", report.display());
    let all: Vec<&str> =
        ["validate", kind.as_str()].into_iter().chain(arguments.iter().copied()).chain([file]).collect();
    forge.command(&all).current_dir(folder).output().unwrap();
    let value: serde_json::Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    let mut said: Vec<String> = value["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| {
            // Names are made of the time.
            let digits = |character: char| if character.is_ascii_digit() { '0' } else { character };
            let message: String = found["message"].as_str().unwrap().chars().map(digits).collect();
            format!("{}: {message}", found["code"].as_str().unwrap())
        })
        .collect();
    said.sort();
    said
}

/// The messages of one side that the other does not have, or not so often.
fn without(these: &[String], those: &[String]) -> Vec<String> {
    let mut left = those.to_vec();
    let mut is_alone = |one: &&String| match left.iter().position(|other| other == *one) {
        Some(at) => {
            left.swap_remove(at);
            false
        }
        None => true,
    };
    these.iter().filter(|one| is_alone(one)).cloned().collect()
}

/// Sources, provisioners and post-processors in their order.
fn parts(document: &Document) -> Vec<String> {
    let mut parts: Vec<String> = document.sources.iter().map(|source| format!("source {}", *source.kind)).collect();
    for build in &document.builds {
        parts.extend(build.provisioners.iter().map(|step| format!("provisioner {}", *step.kind)));
        parts.extend(build.error_cleanup_provisioner.iter().map(|step| format!("cleanup {}", *step.kind)));
        for sequence in &build.post_processors {
            let kinds: Vec<&str> = sequence.steps.iter().map(|step| step.kind.as_str()).collect();
            parts.push(format!("post-processors {}", kinds.join(" ")));
        }
    }
    parts
}

fn document_of(path: &Path) -> Document {
    let text = std::fs::read_to_string(path).unwrap();
    let mut ignored = Diagnostics::default();
    let file = Sources::default().add("template", Origin::File, text.as_str());
    match path.to_string_lossy().ends_with(".pkr.hcl") {
        true => document::hcl2::document(vec![hcl::parse(file, &text, &mut ignored)], &mut ignored),
        false => document::legacy::document(&imgforge_template::json::parse(file, &text, &mut ignored), &mut ignored),
    }
}

#[test]
fn public_templates_are_the_same_in_hcl2() {
    let Some(corpus) = corpus() else {
        eprintln!("the corpus is not there: nothing was compared");
        return;
    };
    let forge = Forge::new();
    let mut folders: BTreeMap<String, PathBuf> = BTreeMap::new();
    let (mut written, mut refused, mut same, mut wrong) = (0, 0, 0, Vec::new());
    for line in std::fs::read_to_string(corpus.join("expected.tsv")).unwrap().lines() {
        let columns: Vec<&str> = line.split('\t').collect();
        let [repository, path, "file", given, verdict, ..] = columns.as_slice() else { continue };
        if !path.ends_with(".json") || path.ends_with(".pkr.json") || *verdict == "plugin" {
            continue;
        }
        let root = folders
            .entry((*repository).to_owned())
            .or_insert_with(|| checked_out(&forge, &corpus.join(repository), repository));
        let json = root.join(path);
        let (folder, name) = (json.parent().unwrap(), json.file_name().unwrap().to_str().unwrap());
        let given: Vec<String> = serde_json::from_str(given).unwrap();
        let given: Vec<&str> = given.iter().flat_map(|value| ["-var", value.as_str()]).collect();
        let target = format!("{name}.pkr.hcl");
        let all: Vec<&str> = ["hcl2_upgrade"].into_iter().chain(given.iter().copied()).chain([name]).collect();
        let ended = forge.ended(forge.command(&all).current_dir(folder).output().unwrap());
        let is_written = folder.join(&target).exists();
        let mut differs = |what: String| wrong.push(format!("{repository}/{path}: {what}"));
        if *verdict == "invalid" {
            refused += 1;
            if is_written || ended.code != Some(1) || !ended.stdout.contains(&format!("--> {name}:")) {
                differs(format!("is wrong, and is written: {is_written}\n{}", ended.stdout));
            }
            continue;
        } else {
            written += 1;
        }
        if !is_written || ended.code != Some(0) {
            differs(format!("is not written\n{}", ended.stdout));
            continue;
        }
        let (old, new) = (parts(&document_of(&json)), parts(&document_of(&folder.join(&target))));
        if old != new {
            differs(format!("{old:?} have become {new:?}"));
        }
        if forge.command(&["fmt", "-check", &target]).current_dir(folder).status().unwrap().code() != Some(0) {
            differs("is not formatted".to_owned());
        }
        let (old, new) = (said(&forge, folder, &given, name), said(&forge, folder, &given, &target));
        let (old_alone, new_alone) = (without(&old, &new), without(&new, &old));
        if !old_alone.is_empty() || !new_alone.is_empty() {
            differs(format!("of JSON alone it is said {old_alone:#?}, of HCL2 alone {new_alone:#?}"));
        }
        same += usize::from(old == new);
    }
    println!(
        "hcl2_upgrade: {written} are the same builds and steps in HCL2, {same} with the very same messages; {refused} are \
         refused; {} differ",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!((same, refused > 0), (written, true));
}
