//! `fix`: what is mended, what is printed, and that it is what Debian's packer prints.

use crate::corpus::corpus;
use crate::forge::Forge;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::source::{Origin, Sources};
use imgforge_template::{fix, json};
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

const OLD: &str = r#"{
  "variables": {"sum": "abc"},
  "builders": [{
    "type": "virtualbox", "name": "a", "iso_url": "x<y>.iso",
    "iso_checksum": "{{user `sum`}}", "iso_checksum_type": "sha256", "ssh_wait_timeout": "5m"
  }],
  "push": {"name": "kept"}
}
"#;

const NEW: &str = r#"{
  "builders": [
    {
      "iso_checksum": "sha256:{{user `sum`}}",
      "iso_url": "x<y>.iso",
      "name": "a",
      "ssh_timeout": "5m",
      "type": "virtualbox-iso"
    }
  ],
  "push": {
    "name": "kept"
  },
  "variables": {
    "sum": "abc"
  }
}

"#;

#[test]
fn what_is_old_is_replaced_and_the_rest_put_in_order() {
    let forge = Forge::new().file("old.json", OLD);
    let ended = forge.run(&["fix", "old.json"]);
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), NEW, ""));
    assert_eq!(forge.feed(&["fix", "-validate=false", "-"], OLD).stdout, NEW);
    assert_eq!(forge.feed(&["fix", "-"], NEW).stdout, NEW);
    assert_eq!(forge.read("old.json"), OLD);
}

#[test]
fn a_template_that_is_wrong_is_printed_and_told_where() {
    let text = r#"{"hello": 1, "builders": [{"type": "null"}], "provisioners": [{"type": "shell", "only": ["nul"]}]}"#;
    let forge = Forge::new().file("wrong.json", text);
    let ended = forge.run(&["fix", "wrong.json"]);
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.stderr,
        "\
error[unknown-key]: a template has no key `hello`
 --> wrong.json:1:2
  |
1 | {\"hello\": 1, \"builders\": [{\"type\": \"null\"}], \"provisioners\": [{\"type\": \"shell\", \"only\": [\"nul\"]}]}
  |  ^^^^^^^
  |
  = help: keys that start with `_` are comments

error[unknown-source]: `only` names a builder that is not there: `nul`
 --> wrong.json:1:90
  |
1 | {\"hello\": 1, \"builders\": [{\"type\": \"null\"}], \"provisioners\": [{\"type\": \"shell\", \"only\": [\"nul\"]}]}
  |                                                                                          ^^^^^
  |
  = help: did you mean `null`?

"
    );
    let unchecked = forge.run(&["fix", "-validate=false", "wrong.json"]);
    assert_eq!((unchecked.code, unchecked.stderr.as_str()), (Some(0), ""));
    assert_eq!(unchecked.stdout, ended.stdout);
    assert!(unchecked.stdout.contains("\"hello\": 1"));
}

#[test]
fn what_is_no_legacy_json_is_not_fixed() {
    let forge = Forge::new().file("broken.json", "{\"a\": }").file("a.pkr.hcl", "");
    let broken = forge.run(&["fix", "broken.json"]);
    assert_eq!((broken.code, broken.stdout.as_str()), (Some(1), ""));
    assert!(broken.stderr.contains(" --> broken.json:1:7\n"), "{}", broken.stderr);
    for (name, message) in [
        ("a.pkr.hcl", "error: `a.pkr.hcl` is HCL2: there is nothing to fix but in legacy JSON\n"),
        (".", "error: `.` is HCL2: there is nothing to fix but in legacy JSON\n"),
    ] {
        let ended = forge.run(&["fix", name]);
        assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(1), "", message));
    }
    let absent = forge.run(&["fix", "absent.json"]);
    assert_eq!((absent.code, absent.stdout.as_str()), (Some(1), ""));
    assert!(absent.stderr.contains("absent.json"), "{}", absent.stderr);
    // Packer says everything on standard output.
    let absent = forge.packer(&["fix", "absent.json"]);
    assert_eq!((absent.code, absent.stderr.as_str()), (Some(1), ""));
    assert!(absent.stdout.contains("absent.json"), "{}", absent.stdout);
}

#[test]
fn validate_points_to_fix() {
    let text = r#"{
  "builders": [
    {"type": "null", "communicator": "none", "ssh_disable_agent": true},
    {"type": "null", "name": "other", "communicator": "none", "ssh_wait_timeout": "5m"}
  ]
}
"#;
    let ended = Forge::new().file("old.json", text).run(&["validate", "old.json"]);
    assert!(
        ended.stdout.contains("it is called `ssh_disable_agent_forwarding` now; `imgforge fix` mends it"),
        "{}",
        ended.stdout
    );
    assert!(ended.stdout.contains("`ssh_wait_timeout` is called `ssh_timeout` now"), "{}", ended.stdout);
}

/// Nothing mends HCL2: it is told what to write.
#[test]
fn old_options_of_hcl2_are_told_once() {
    let text = r#"source "null" "a" {
  communicator      = "none"
  ssh_disable_agent = true
  ssh_wait_timeout  = "5m"
}
source "amazon-ebs" "b" {
  ami_name      = "web {{clean_ami_name `${var.name}`}}"
  instance_type = "t3.micro"
  region        = "eu-central-1"
  source_ami    = "ami-1"
  ssh_username  = "admin"
}
variable "name" {
  default = "one"
}
build {
  sources = ["null.a", "amazon-ebs.b"]
}
"#;
    Forge::new().file("a.pkr.hcl", text).run(&["validate", "a.pkr.hcl"]).expect(
        1,
        r#"error[unknown-argument]: the builder `null` has no argument `ssh_disable_agent`
 --> a.pkr.hcl:3:3
  |
3 |   ssh_disable_agent = true
  |   ^^^^^^^^^^^^^^^^^
  |
  = help: it is called `ssh_disable_agent_forwarding` now

warning[fixable-argument]: `ssh_wait_timeout` is called `ssh_timeout` now
 --> a.pkr.hcl:4:3
  |
4 |   ssh_wait_timeout  = "5m"
  |   ^^^^^^^^^^^^^^^^
  |
  = help: write `ssh_timeout`

warning[not-supported-yet]: the builder `amazon-ebs` can be checked, but not run yet
 --> a.pkr.hcl:6:8
  |
6 | source "amazon-ebs" "b" {
  |        ^^^^^^^^^^^^

warning[fixable-argument]: `clean_image_name` and `clean_ami_name` are called `clean_resource_name` now
 --> a.pkr.hcl:7:19
  |
7 |   ami_name      = "web {{clean_ami_name `${var.name}`}}"
  |                   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: write `clean_resource_name`"#,
    );
}

/// One option for each fixer, and what becomes of it.
const FIXERS: [(&str, &str, &str, &str); 37] = [
    ("iso-md5", "builders", r#"{"type": "x", "iso_md5": "a"}"#, r#"{"type": "x", "iso_checksum": "md5:a"}"#),
    (
        "createtime",
        "builders",
        r#"{"type": "x", "ami_name": "a {{ .CreateTime }}"}"#,
        r#"{"type": "x", "ami_name": "a {{timestamp}}"}"#,
    ),
    (
        "virtualbox-gaattach",
        "builders",
        r#"{"type": "virtualbox", "guest_additions_attach": true}"#,
        r#"{"type": "virtualbox-iso", "guest_additions_mode": "attach"}"#,
    ),
    (
        "pp-vagrant-override",
        "post-processors",
        r#"[{"type": "vagrant", "aws": {"a": 1}, "override": {"b": {}}}]"#,
        r#"[{"type": "vagrant", "override": {"aws": {"a": 1}, "b": {}}}]"#,
    ),
    ("virtualbox-rename", "builders", r#"{"type": "virtualbox"}"#, r#"{"type": "virtualbox-iso"}"#),
    ("vmware-rename", "builders", r#"{"type": "vmware"}"#, r#"{"type": "vmware-iso"}"#),
    (
        "parallels-headless",
        "builders",
        r#"{"type": "parallels-iso", "headless": true}"#,
        r#"{"type": "parallels-iso"}"#,
    ),
    (
        "parallels-deprecations",
        "builders",
        r#"{"type": "parallels-pvm", "parallels_tools_host_path": "x", "guest_os_distribution": "y"}"#,
        r#"{"type": "parallels-pvm", "guest_os_type": "y"}"#,
    ),
    (
        "sshkeypath",
        "builders",
        r#"{"type": "x", "ssh_key_path": "k"}"#,
        r#"{"type": "x", "ssh_private_key_file": "k"}"#,
    ),
    (
        "sshdisableagent",
        "builders",
        r#"{"type": "x", "ssh_disable_agent": true}"#,
        r#"{"type": "x", "ssh_disable_agent_forwarding": true}"#,
    ),
    (
        "scaleway-access-key",
        "builders",
        r#"{"type": "scaleway", "access_key": "k"}"#,
        r#"{"type": "scaleway", "organization_id": "k"}"#,
    ),
    (
        "manifest-filename",
        "post-processors",
        r#"{"type": "manifest", "filename": "m"}"#,
        r#"{"type": "manifest", "output": "m"}"#,
    ),
    (
        "amazon-shutdown_behavior",
        "builders",
        r#"{"type": "amazon-ebs", "shutdown_behaviour": "stop"}"#,
        r#"{"type": "amazon-ebs", "shutdown_behavior": "stop"}"#,
    ),
    (
        "amazon-enhanced-networking",
        "builders",
        r#"{"type": "amazon-ebs", "enhanced_networking": true}"#,
        r#"{"type": "amazon-ebs", "ena_support": true}"#,
    ),
    (
        "amazon-private-ip",
        "builders",
        r#"{"type": "amazon-ebs", "ssh_private_ip": "false"}"#,
        r#"{"type": "amazon-ebs", "ssh_interface": "public_ip"}"#,
    ),
    (
        "amazon-temp-sec-cidrs",
        "builders",
        r#"{"type": "amazon-ebs", "temporary_security_group_source_cidr": "10.0.0.0/8"}"#,
        r#"{"type": "amazon-ebs", "temporary_security_group_source_cidrs": ["10.0.0.0/8"]}"#,
    ),
    ("docker-email", "builders", r#"{"type": "docker", "login_email": "a@b"}"#, r#"{"type": "docker"}"#),
    (
        "docker-email",
        "post-processors",
        r#"{"type": "docker-push", "login_email": "a@b"}"#,
        r#"{"type": "docker-push"}"#,
    ),
    (
        "docker-tag-tags",
        "post-processors",
        r#"{"type": "docker-tag", "tag": "a, b"}"#,
        r#"{"type": "docker-tag", "tags": ["a", "b"]}"#,
    ),
    (
        "docker-tag-tags",
        "post-processors",
        r#"{"type": "docker-tag", "tag": ["a"], "tags": ["b"]}"#,
        r#"{"type": "docker-tag", "tags": ["a", "b"]}"#,
    ),
    (
        "powershell-escapes",
        "provisioners",
        r#"{"type": "powershell", "environment_vars": ["A=`$b``"], "elevated_password": "`%`'"}"#,
        r#"{"type": "powershell", "environment_vars": ["A=$b`"], "elevated_password": "`%'"}"#,
    ),
    (
        "vmware-compaction",
        "builders",
        r#"{"type": "vmware-iso", "remote_type": "esx5"}"#,
        r#"{"type": "vmware-iso", "remote_type": "esx5", "disk_type_id": "zeroedthick", "skip_compaction": true}"#,
    ),
    (
        "vmware-compaction",
        "builders",
        r#"{"type": "vmware-iso", "remote_type": "esx5", "disk_type_id": "thin"}"#,
        r#"{"type": "vmware-iso", "remote_type": "esx5", "disk_type_id": "thin"}"#,
    ),
    ("hyperv-deprecations", "builders", r#"{"type": "hyperv-iso", "vhd_temp_path": "x"}"#, r#"{"type": "hyperv-iso"}"#),
    (
        "hyperv-vmxc-typo",
        "builders",
        r#"{"type": "hyperv-vmcx", "clone_from_vmxc_path": "x"}"#,
        r#"{"type": "hyperv-vmcx", "clone_from_vmcx_path": "x"}"#,
    ),
    (
        "hyperv-cpu-and-ram",
        "builders",
        r#"{"type": "hyperv-vmcx", "cpu": 2, "ram_size": 512}"#,
        r#"{"type": "hyperv-vmcx", "cpus": 2, "memory": 512}"#,
    ),
    (
        "clean-image-name",
        "builders",
        r#"{"type": "x", "n": "{{clean_ami_name `a`}}", "m": {"k": "{{clean_image_name `a`}}"}}"#,
        r#"{"type": "x", "n": "{{clean_resource_name `a`}}", "m": {"k": "{{clean_resource_name `a`}}"}}"#,
    ),
    (
        "spot-price-auto-product",
        "builders",
        r#"{"type": "amazon-ebs", "spot_price_auto_product": "x"}"#,
        r#"{"type": "amazon-ebs"}"#,
    ),
    (
        "qemu-disk-size",
        "builders",
        r#"{"type": "qemu", "disk_size": 40000}"#,
        r#"{"type": "qemu", "disk_size": "40000M"}"#,
    ),
    (
        "galaxy-command",
        "provisioners",
        r#"{"type": "ansible-local", "galaxycommand": "x"}"#,
        r#"{"type": "ansible-local", "galaxy_command": "x"}"#,
    ),
    (
        "comm-config",
        "builders",
        r#"{"type": "virtualbox-ovf", "ssh_host_port_min": 1, "ssh_host_port_max": 2, "ssh_skip_nat_mapping": true}"#,
        r#"{"type": "virtualbox-ovf", "host_port_min": 1, "host_port_max": 2, "skip_nat_mapping": true}"#,
    ),
    (
        "ssh-wait-timeout",
        "builders",
        r#"{"type": "x", "ssh_wait_timeout": "1m"}"#,
        r#"{"type": "x", "ssh_timeout": "1m"}"#,
    ),
    (
        "vsphere-iso-net-disk",
        "builders",
        r#"{"type": "vsphere-iso", "network": "n", "network_card": "c", "disk_size": 1, "storage": [{"disk_size": 2}]}"#,
        r#"{"type": "vsphere-iso", "network_adapters": [{"network": "n", "network_card": "c"}], "storage": [{"disk_size": 1}, {"disk_size": 2}]}"#,
    ),
    (
        "iso-checksum-type-and-url",
        "builders",
        r#"{"type": "x", "iso_checksum": "a", "iso_checksum_type": "md5", "iso_checksum_url": "u"}"#,
        r#"{"type": "x", "iso_checksum": "file:u"}"#,
    ),
    (
        "qemu-host-port",
        "builders",
        r#"{"type": "qemu", "ssh_host_port_min": 1, "ssh_host_port_max": 2}"#,
        r#"{"type": "qemu", "host_port_min": 1, "host_port_max": 2}"#,
    ),
    (
        "azure-exclude_from_latest",
        "builders",
        r#"{"type": "azure-chroot", "shared_image_destination": {"exlude_from_latest": true}}"#,
        r#"{"type": "azure-chroot", "shared_image_destination": {"exclude_from_latest": true}}"#,
    ),
    ("proxmox-type", "builders", r#"{"type": "proxmox"}"#, r#"{"type": "proxmox-iso"}"#),
];

/// Where Packer does otherwise, and why we don't.
const BETTER: [(&str, &str, &str); 2] = [
    ("pp-vagrant-override", "post-processors", "an `override` that is there already would be lost"),
    ("docker-email", "builders", "the builder would be mended only in a template with post-processors"),
];

#[test]
fn every_fixer_does_what_packer_does() {
    let names: BTreeSet<&str> = fix::FIXERS.iter().map(|fixer| fixer.name).collect();
    assert_eq!(names.len(), 34);
    assert_eq!(names, FIXERS.iter().map(|(name, ..)| *name).collect());
    let forge = Forge::new();
    for (name, list, old, new) in FIXERS {
        let template = |component: &str| match list {
            "builders" => format!(r#"{{"builders": [{component}]}}"#),
            list => format!(r#"{{"builders": [], "{list}": [{component}]}}"#),
        };
        let printed = fixed(&template(old)).unwrap();
        let expected: serde_json::Value = serde_json::from_str(&template(new)).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), expected, "{name}");
        if !BETTER.iter().any(|(better, better_list, _)| (*better, *better_list) == (name, list)) {
            assert_eq!(printed, packer_fix(&forge, &template(old)).unwrap(), "{name}");
        }
    }
}

fn fixed(text: &str) -> Option<String> {
    let mut diagnostics = Diagnostics::default();
    let mut root = json::parse(Sources::default().add("t.json", Origin::File, text), text, &mut diagnostics);
    fix::fix(&mut root);
    (!diagnostics.has_errors()).then(|| format!("{}\n\n", json::print(&root)))
}

/// What Debian's packer prints; `None` where it fails.
fn packer_fix(forge: &Forge, text: &str) -> Option<String> {
    std::fs::write(forge.path().join("packer.json"), text).unwrap();
    let mut command = Command::new("/usr/bin/packer");
    command.args(["fix", "-validate=false", "packer.json"]).current_dir(forge.path()).env("CHECKPOINT_DISABLE", "1");
    let output = command.env("HOME", forge.state()).output().unwrap();
    output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
}

/// Why we print something else for a template of the corpus.
fn difference(ours: &str, packers: &str) -> Option<&'static str> {
    let value = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
    let (mut ours, mut packers) = (value(ours), value(packers));
    if packers["builders"].is_null() {
        packers.as_object_mut().unwrap().remove("builders");
        return (ours == packers).then_some("Packer adds `builders` where there are none");
    }
    // `"iso_checksum_type": "none"` alone means what `"iso_checksum": "none"` means now, which must be there.
    let reason = "a checksum of the type `none` is `none`";
    for value in [&mut ours, &mut packers] {
        for builder in value["builders"].as_array_mut().unwrap() {
            let checksum = builder["iso_checksum"].as_str().unwrap_or_default();
            if checksum.is_empty() || checksum.to_lowercase().starts_with("none") {
                builder.as_object_mut().unwrap().remove("iso_checksum");
            }
        }
    }
    (ours == packers).then_some(reason)
}

#[test]
fn public_templates_become_the_bytes_of_packer() {
    let Some(folder) = corpus() else {
        eprintln!("the corpus is not there: nothing was compared");
        return;
    };
    let forge = Forge::new();
    let (mut same, mut unreadable, mut reasons, mut wrong) = (0, 0, std::collections::BTreeMap::new(), Vec::new());
    let table = std::fs::read_to_string(folder.join("expected.tsv")).unwrap();
    let rows = table.lines().filter(|line| !line.starts_with('#')).filter_map(|line| {
        let mut columns = line.split('\t');
        let (repository, path) = (columns.next()?, columns.next()?);
        let is_json = Path::new(path).extension().is_some_and(|extension| extension == "json");
        (is_json && !path.ends_with(".pkr.json")).then(|| format!("{repository}/{path}"))
    });
    for path in rows.collect::<BTreeSet<String>>() {
        let text = std::fs::read_to_string(folder.join(&path)).unwrap();
        match (fixed(&text), packer_fix(&forge, &text)) {
            (Some(ours), Some(packers)) if ours == packers => same += 1,
            (None, None) => unreadable += 1,
            (Some(ours), Some(packers)) => match difference(&ours, &packers) {
                Some(reason) => *reasons.entry(reason).or_insert(0) += 1,
                None => wrong.push(path),
            },
            (None, Some(_)) => *reasons.entry("a key that is there twice is a mistake").or_insert(0) += 1,
            (Some(_), None) => wrong.push(path),
        }
    }
    println!(
        "fix: {same} the same bytes, {unreadable} that neither can read, {reasons:?} otherwise, {} differ",
        wrong.len()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
