//! Components that are only known: their arguments, by name and type; and the tables of all components.

use crate::forge::Forge;
use serde_json::Value;

/// What is told of a file, a line each: place, code and message.
#[track_caller]
fn told(name: &str, text: &str) -> Vec<String> {
    let ended = Forge::new().file(name, text).run(&["validate", name]);
    let mut told = Vec::new();
    for line in ended.stdout.lines() {
        if let Some(place) = line.trim_start().strip_prefix(&format!("--> {name}:"))
            && let Some(last) = told.last_mut()
        {
            *last = format!("{place} {last}");
        } else if let Some(error) = line.strip_prefix("error[") {
            told.push(error.replacen("]:", "", 1));
        } else if line.starts_with("warning[") {
            told.push("warning".to_owned());
        } else if let (Some(help), Some(last)) = (line.trim_start().strip_prefix("= help: "), told.last_mut()) {
            *last = format!("{last}; {help}");
        }
    }
    told.retain(|line| !line.contains(" warning"));
    assert_eq!(ended.code, Some(i32::from(!told.is_empty())), "{}{}", ended.stdout, ended.stderr);
    told
}

const REQUIRED: &str = r#"
  ami_name      = "web"
  instance_type = "t3.micro"
  source_ami    = "ami-1"
  ssh_username  = "admin"
"#;

fn source(arguments: &str) -> String {
    format!(
        "source \"amazon-ebs\" \"web\" {{{REQUIRED}{arguments}\n}}\nbuild {{\n  sources = [\"amazon-ebs.web\"]\n}}\n"
    )
}

#[test]
fn a_misspelt_argument_is_found_at_its_name() {
    let forge = Forge::new().file(
        "image.pkr.hcl",
        r#"source "amazon-ebs" "web" {
  ami_nam       = "web"
  instance_type = "t3.micro"
  source_ami_filter {
    filtres = { name = "debian-*" }
  }
}
build {
  sources = ["amazon-ebs.web"]
}
"#,
    );
    forge.run(&["validate", "image.pkr.hcl"]).expect(
        1,
        "\
error[missing-argument]: the argument `ssh_username` is required
 --> image.pkr.hcl:1:1
  |
1 | source \"amazon-ebs\" \"web\" {
  | ^^^^^^^^^^^^^^^^^^^^^^^^^
  |
  = help: add `ssh_username`; it is not needed with `communicator`

warning[not-supported-yet]: the builder `amazon-ebs` can be checked, but not run yet
 --> image.pkr.hcl:1:8
  |
1 | source \"amazon-ebs\" \"web\" {
  |        ^^^^^^^^^^^^

error[unknown-argument]: amazon-ebs has no argument `ami_nam`
 --> image.pkr.hcl:2:3
  |
2 |   ami_nam       = \"web\"
  |   ^^^^^^^
  |
  = help: did you mean `ami_name`?

error[unknown-argument]: `source_ami_filter` has no argument `filtres`
 --> image.pkr.hcl:5:5
  |
5 |     filtres = { name = \"debian-*\" }
  |     ^^^^^^^
  |
  = help: did you mean `filters`?",
    );
}

#[test]
fn values_have_the_types_that_hcl_can_make_of_them() {
    let text = source(
        r#"
  ebs_optimized   = "true"
  ena_support     = "often"
  ssh_port        = "22"
  max_retries     = "many"
  ami_users       = ["1", 2]
  ami_groups      = "all"
  ami_regions     = [["eu-west-1"]]
  tags            = { team = "web", size = 3 }
  run_tags        = { team = ["web"] }
  ami_description = ["web"]
  subnet_id       = null
  region          = var.region
  packer_debug    = true"#,
    );
    assert_eq!(
        told("image.pkr.hcl", &format!("{text}variable \"region\" {{\n  default = \"eu-west-1\"\n}}\n")),
        [
            "8:21 wrong-type `ena_support` takes a bool, not the string \"often\"",
            "10:21 wrong-type `max_retries` takes a number, not the string \"many\"",
            "12:21 wrong-type `ami_groups` takes a list(string), not the string \"all\"",
            "13:22 wrong-type `ami_regions` takes a string, not a list",
            "15:30 wrong-type `run_tags` takes a string, not a list",
            "16:21 wrong-type `ami_description` takes a string, not a list",
        ]
    );
}

#[test]
fn secrets_of_the_wrong_type_are_not_shown() {
    let variable = "variable \"secrets\" {\n  default   = [\"hunter2-token\"]\n  sensitive = true\n}\n";
    assert_eq!(
        told("image.pkr.hcl", &format!("{}{variable}", source("\n  ssh_public_key = var.secrets"))),
        ["7:20 wrong-type `ssh_public_key` takes a number, not a string"]
    );
}

#[test]
fn blocks_are_blocks_or_objects_and_stand_there_as_often_as_they_may() {
    let text = source(
        r#"
  run_tags {
    team = "web"
  }
  run_tag {
    key   = "team"
    value = "web"
  }
  run_tag {
    name = "size"
  }
  metadata_options = [{ http_tokens = "required", http_endpint = "enabled" }]
  aws_polling {
    max_attempts = 3
  }
  aws_polling "often" {
    delay_seconds = "x"
  }
  assume_role     = "x"
  placement       = [{ tenancy = "default" }, {}]
  ami_block_device_mappings = [{ device_name = "/dev/sda" }, "x"]"#,
    );
    assert_eq!(
        told("image.pkr.hcl", &text),
        [
            "7:3 wrong-type `run_tags` takes a map(string), not a block; write it as `run_tags = …`",
            "15:5 unknown-argument `run_tag` has no argument `name`; remove it; `imgforge schema component amazon-ebs` \
             lists what there is",
            "17:51 unknown-argument `metadata_options` has no argument `http_endpint`; did you mean `http_endpoint`?",
            "21:3 duplicate-declaration there is one `aws_polling` block at most; keep one of the two",
            "21:15 wrong-labels the block `aws_polling` has no label; remove it",
            "22:21 wrong-type `delay_seconds` takes a number, not the string \"x\"",
            "24:21 wrong-type `assume_role` takes a block, not the string \"x\"; write its arguments in braces",
            "25:47 duplicate-declaration there is one `placement` block at most; keep one of the two",
            "26:62 wrong-type `ami_block_device_mappings` takes blocks, not the string \"x\"",
        ]
    );
}

#[test]
fn dynamic_blocks_are_looked_into_and_what_is_unknown_is_not_judged() {
    let text = source(
        r#"
  dynamic "launch_block_device_mappings" {
    for_each = ["/dev/sda", "/dev/sdb"]
    content {
      device_name = launch_block_device_mappings.value
      volume_siz  = 8
    }
  }
  dynamic "run_tga" {
    for_each = { team = "web" }
    content {
      key = run_tga.key
    }
  }
  dynamic "aws_polling" {
    for_each = [1, 2]
    content {
      max_attempts = aws_polling.value
    }
  }
  dynamic "metadata_options" {
    for_each = data.amazon-ami.base.tags
    content {
      http_put_response_hop_limit = metadata_options.value
    }
  }
  ssh_port = data.amazon-ami.base.id"#,
    );
    assert_eq!(
        told("image.pkr.hcl", &format!("{text}data \"amazon-ami\" \"base\" {{}}\n")),
        [
            "11:7 unknown-argument `launch_block_device_mappings` has no argument `volume_siz`; did you mean \
             `volume_size`?",
            "14:11 unknown-argument amazon-ebs has no argument `run_tga`; did you mean `run_tag`?",
            "20:3 duplicate-declaration there is one `aws_polling` block at most; `dynamic` makes one for each element",
        ]
    );
}

#[test]
fn legacy_json_is_read_weakly() {
    let text = r#"{
  "variables": {"port": "22", "size": "large"},
  "builders": [{
    "type": "amazon-ebs",
    "AMI_Name": "web",
    "instance_type": "t3.micro",
    "source_ami": true,
    "ssh_username": 5,
    "ssh_port": "{{user `port`}}",
    "session_manager_port": "{{user `size`}}",
    "ebs_optimized": "1",
    "ena_support": "yes",
    "ami_users": "a,b",
    "ami_groups": {"a": 1},
    "tags": [{"a": 1}, {"b": "x"}],
    "run_tags": "x",
    "launch_block_device_mappings": {"Device_Name": "/dev/sda", "volume_sze": 8},
    "source_ami_filter": [{}],
    "user_data": [],
    "_comment": "x",
    "packer_x": 1
  }]
}
"#;
    assert_eq!(
        told("image.json", text),
        [
            "10:29 wrong-type `session_manager_port` takes a number, not the string \"{{user `size`}}\"",
            "12:20 wrong-type `ena_support` takes a bool, not the string \"yes\"",
            "14:19 wrong-type `ami_groups` takes a list(string), not an object",
            "16:17 wrong-type `run_tags` takes a map(string), not the string \"x\"",
            "17:65 unknown-argument `launch_block_device_mappings` has no argument `volume_sze`; did you mean \
             `volume_size`?",
            "18:26 wrong-type `source_ami_filter` takes a block, not a list; write its arguments in braces",
            "19:18 wrong-type `user_data` takes a string, not a list",
            "20:5 unknown-argument amazon-ebs has no argument `_comment`; remove it; `imgforge schema component \
             amazon-ebs` lists what there is",
        ]
    );
}

#[test]
fn what_the_engine_takes_is_the_engines_and_overrides_are_checked() {
    let text = source("").trim_end().trim_end_matches('}').to_owned()
        + r#"  provisioner "ansible" {
    pause_before  = "1s"
    only          = ["amazon-ebs.web"]
    playbook_file = "a.yml"
    groups        = "web"
    override = {
      web   = { user = "admin", use_prox = "x" }
      other = { anything = 1 }
    }
  }
  provisioner "windows-restart" {
    restart_timout = "5m"
  }
  post-processor "compress" {
    keep_input_artifact = true
    output              = "x.gz"
    override            = {}
  }
}
"#;
    assert_eq!(
        told("image.pkr.hcl", &text),
        [
            "13:21 missing-file the file `a.yml` is not there; the path is relative to the working directory, `@FOLDER@`",
            "14:21 wrong-type `groups` takes a list(string), not the string \"web\"",
            "16:33 unknown-argument ansible has no argument `use_prox`; did you mean `use_proxy`?",
            "21:5 unknown-argument windows-restart has no argument `restart_timout`; did you mean `restart_timeout`?",
            "26:5 unknown-argument compress has no argument `override`; remove it; `imgforge schema component \
             compress` lists what there is",
        ]
    );
}

#[test]
fn legacy_components_have_what_hcl2_has_no_types_for() {
    let text = r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [
    {"type": "chef-solo", "json": {"web": {"port": [80]}}, "run_lst": ["web"]},
    {"type": "shell-local", "inline": ["true"]}
  ],
  "post-processors": [{"type": "vagrant", "override": {"virtualbox": {"output": "x.box"}}}]
}
"#;
    assert_eq!(
        told("image.json", text),
        [
            "4:14 no-machine `chef-solo` runs on the machine, to which `null` has no connection; use `shell-local` for \
             what is done here, or leave it out for this source by `except`",
            "4:60 unknown-argument chef-solo has no argument `run_lst`; did you mean `run_list`?",
        ]
    );
    let text = r#"source "null" "a" {
  communicator = "none"
}
build {
  sources = ["null.a"]
  provisioner "chef-solo" {
    json = {}
  }
  post-processor "vagrant" {
    override = { virtualbox = { output = "x.box" } }
  }
}
"#;
    assert_eq!(
        told("image.pkr.hcl", text),
        [
            "6:15 no-machine `chef-solo` runs on the machine, to which `null.a` has no connection; use `shell-local` for \
             what is done here, or leave it out for this source by `except`",
            "7:5 unknown-argument chef-solo has no argument `json`; remove it; `imgforge schema component chef-solo` \
             lists what there is",
            "10:31 wrong-type `override` takes a string, not an object",
        ]
    );
}

#[test]
fn of_a_data_source_the_outputs_are_known_too() {
    let text = source("").replace("\"web\"\n  instance", "data.amazon-ami.base.nam\n  instance")
        + "data \"amazon-ami\" \"base\" {\n  owner = [\"self\"]\n  most_recent = \"yes\"\n}\n";
    assert_eq!(
        told("image.pkr.hcl", &text),
        [
            "2:40 unknown-attribute this object has no attribute `nam`; did you mean `name`?",
            "12:3 unknown-argument amazon-ami has no argument `owner`; did you mean `owners`?",
            "13:17 wrong-type `most_recent` takes a bool, not the string \"yes\"",
        ]
    );
}

#[test]
fn json_of_hcl2_has_the_types_of_hcl2() {
    let text = r#"{
  "source": {"amazon-ebs": {"web": {
    "ami_name": "web",
    "instance_type": "t3.micro",
    "ssh_username": "admin",
    "source_ami_filter": [{"//": "the newest", "owners": ["self"]}, {"most_recent": true}],
    "ami_users": "a,b",
    "run_tag": [{"key": "a", "valu": "b"}],
    "run_tags": {"team": "web"}
  }}},
  "build": {"sources": ["amazon-ebs.web"]}
}
"#;
    assert_eq!(
        told("image.pkr.json", text),
        [
            "6:69 duplicate-declaration there is one `source_ami_filter` block at most; keep one of the two",
            "7:18 wrong-type `ami_users` takes a list(string), not the string \"a,b\"",
            "8:30 unknown-argument `run_tag` has no argument `valu`; did you mean `value`?",
        ]
    );
}

#[test]
fn components_of_other_plugins_are_known_by_name_and_said_so_once() {
    let forge = Forge::new().file(
        "image.json",
        r#"{
  "builders": [
    {"type": "tart-cli", "name": "a", "vm_name": "a"},
    {"type": "tart-cli", "name": "b", "vm_name": "{{user `nothing`}}"}
  ]
}
"#,
    );
    forge.run(&["validate", "image.json"]).expect(
        0,
        "\
warning[unchecked-component]: the builder `tart-cli` comes from a plugin that imgforge does not know: github.com/cirruslabs/tart
 --> image.json:3:14
  |
3 |     {\"type\": \"tart-cli\", \"name\": \"a\", \"vm_name\": \"a\"},
  |              ^^^^^^^^^^
  |
  = help: its arguments are not checked, and it can't be run

warning[undefined-variable]: nothing gives the variable `nothing` a value, which leaves this empty
 --> image.json:4:59
  |
4 |     {\"type\": \"tart-cli\", \"name\": \"b\", \"vm_name\": \"{{user `nothing`}}\"}
  |                                                           ^^^^^^^
  |
  = help: declare it: `\"nothing\": \"…\"` in `variables`

The configuration is valid.",
    );
}

#[test]
fn tables_are_shown_by_name() {
    let forge = Forge::new();
    forge.run(&["schema", "component", "file"]).expect(
        0,
        "\
builder file
  content  string  The text of the file. Not beside source.
  source   string  A file to copy. Not beside content.
  target   string  required The file to make.

provisioner file
  content      string        The text of the file, in place of a source. Not beside source, sources. Rendered when it runs.
  destination  string        required Where the copy goes; with a slash at the end, below it.
  direction    string        `upload` to the machine, or `download` from it.
  generated    bool          [false] The sources come to be while the build runs, so they need not be there before.
  source       string        A file or folder. A folder with a slash at the end gives its contents, one without itself. Not beside content.
  sources      list(string)  Several files or folders. Not beside content.
  as every provisioner:
    continue_on_error  bool          [false] Go on with the build when it fails.
    except             list(string)  Not for these sources.
    max_retries        number        [0] How often to try again.
    name               string        A name for messages.
    only               list(string)  Only for these sources.
    override           object        Arguments for one source alone, by its name.
    pause_before       string        [0s] Wait this long first.
    timeout            string        [0s] Give up after this long.",
    );
    forge.run(&["schema", "component", "lxd"]).expect(
        0,
        "\
builder lxd (checked, not built here)
  command_wrapper      string
  container_name       string
  image                string       required
  init_sleep           string
  launch_config        map(string)
  output_image         string
  profile              string
  publish_properties   map(string)
  publish_remote_name  string
  skip_publish         bool
  virtual_machine      bool",
    );
    forge.run(&["schema", "component", "compress"]).expect(
        0,
        "\
post-processor compress (checked, not run here)
  algorithm          string
  archive            string
  compression_level  number
  format             string
  output             string
  as every post-processor:
    except               list(string)  Not for these sources.
    keep_input_artifact  bool          Whether the artifact it was given stays.
    name                 string        What `-except` and messages call it.
    only                 list(string)  Only for these sources.",
    );
    forge.run(&["schema", "component", "azure-keyvaultsecret"]).expect(
        0,
        "\
data source azure-keyvaultsecret (checked, not read here)
  client_cert_password    string
  client_cert_path        string
  client_id               string
  client_jwt              string
  client_secret           string
  cloud_environment_name  string
  metadata_host           string
  object_id               string
  oidc_request_token      string
  oidc_request_url        string
  secret_name             string
  subscription_id         string
  tenant_id               string
  use_azure_cli_auth      bool
  vault_name              string
  version                 string
  gives:
    response  string
    value     string",
    );
    let qemu = forge.run(&["schema", "component", "qemu"]).stdout;
    let discard = "\n  disk_discard                  string              [ignore] One of ignore, unmap.\n";
    assert!(qemu.contains(discard), "{qemu}");
    let clone = forge.run(&["schema", "component", "vsphere-clone"]).stdout;
    let needed = "\n  needed: host or cluster\n  needed: ssh_username, unless there is communicator\n";
    assert!(clone.ends_with(needed), "{clone}");
    let ended = forge.run(&["schema", "component", "amazon-ebss"]);
    ended.code(1);
    assert_eq!(ended.stdout.trim(), "error: there is no component `amazon-ebss`: did you mean `amazon-ebs`?");
    let list = forge.run(&["schema"]).stdout;
    let kinds: Vec<&str> = list.lines().filter(|line| !line.starts_with(' ')).collect();
    assert_eq!(kinds, ["builders", "provisioners", "post-processors", "data sources"]);
    assert!(list.contains("\n  qemu\n") && list.contains("\n  vmware-iso (checked, not built here)\n"), "{list}");
}

/// What the schema for editors says of a template.
fn mistakes(validator: &jsonschema::Validator, template: &str) -> Vec<String> {
    let template: Value = serde_json::from_str(template).unwrap();
    let flags = validator.iter_errors(&template);
    flags.map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn editors_get_a_schema_of_templates_in_json() {
    let schema: Value = serde_json::from_str(&Forge::new().run(&["schema", "json"]).stdout).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let template = r#"{
  "//": "two builders",
  "packer": {"required_plugins": {"amazon": {"version": ">= 1.0", "source": "github.com/hashicorp/amazon"}}},
  "variable": {"region": {"type": "string", "default": "eu-west-1"}},
  "locals": {"a": 1},
  "data": {"amazon-ami": {"base": {"filters": {"name": "debian-*"}, "most_recent": "${true}"}}},
  "source": {
    "amazon-ebs": {"web": {
      "region": "${var.region}",
      "ami_name": "web",
      "ssh_port": "22",
      "ebs_optimized": true,
      "source_ami_filter": {"owners": ["self"], "//": "ours"},
      "run_tag": [{"key": "a", "value": "b"}],
      "dynamic": {"tag": {"for_each": [1], "content": {"key": "a"}}}
    }},
    "qemu": {"a": [{"iso_url": "x", "format": "raw", "qemu_img_args": {"convert": ["-o"]}}]},
    "tart-cli": {"mac": {"anything": 1}}
  },
  "build": [{
    "sources": ["source.amazon-ebs.web"],
    "source": {"qemu.a": {"name": "b"}},
    "provisioner": [
      {"shell": {"inline": ["true"], "pause_before": "1s", "override": {"web": {"execute_command": "x"}}}},
      {"ansible": {"playbook_file": "a.yml"}}
    ],
    "post-processors": [{"post-processor": [{"checksum": {"output": "x"}}, {"manifest": {"strip_path": true}}]}]
  }]
}"#;
    assert_eq!(mistakes(&validator, template), Vec::<String>::new());
    for (right, wrong, place) in [
        ("ebs_optimized", "ebs_optimised", "/source/amazon-ebs/web"),
        ("\"owners\"", "\"owner\"", "/source/amazon-ebs/web/source_ami_filter"),
        ("\"raw\"", "\"vdi\"", "/source/qemu/a/0/format"),
        ("\"22\"", "\"many\"", "/source/amazon-ebs/web/ssh_port"),
        ("[\"-o\"]", "[[\"-o\"]]", "/source/qemu/a/0/qemu_img_args"),
        ("most_recent", "most_recnt", "/data/amazon-ami/base"),
        ("pause_before", "pause_befor", "/build/0/provisioner/0/shell"),
        ("strip_path", "strip_paht", "/build/0/post-processors/0/post-processor/1/manifest"),
        ("\"locals\"", "\"local_values\"", ""),
    ] {
        assert!(template.contains(right), "{right}");
        let told = mistakes(&validator, &template.replacen(right, wrong, 1));
        assert!(told.iter().any(|told| told.starts_with(&format!("{place}: "))), "{wrong}: {told:?}");
    }
}
