//! Rows 76 to 109: what is filled in when, and which steps of a build run.

use super::build::{build, makes, texts};
use super::{Row, row};
use crate::forge::{Ended, Forge};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = filled_in();
    rows.extend(one_mistake());
    rows.extend(overrides());
    rows.extend(post_processors());
    rows.extend(shared_values());
    rows.extend(only_and_except());
    rows.extend(failures());
    rows
}

const NULL: &str = "source \"null\" \"x\" {\n  communicator = \"none\"\n}\n";

/// A template with the source `null.x` in front of it.
fn with_null(rest: &str) -> Forge {
    Forge::new().file("image.pkr.hcl", &format!("{NULL}{rest}"))
}

/// What scripts said, each line with the build's name.
fn said(ended: &Ended) -> Vec<&str> {
    let lines = ended.stdout.lines().filter_map(|line| line.strip_prefix("==> "));
    lines
        .filter(|line| !line.contains(": Running ") && !line.starts_with("Wait ") && !line.starts_with("Builds "))
        .collect()
}

fn filled_in() -> Vec<Row> {
    vec![
        row("76", "the value of a data source", || {
            let forge = Forge::new().file(
                "image.pkr.hcl",
                r#"
data "null" "taste" {
  input = "sweet"
}
source "file" "x" {
  target  = "chocolate.txt"
  content = data.null.taste.output
}
build {
  sources = ["file.x"]
}
"#,
            );
            build(&forge, &[], "image.pkr.hcl", 0);
            assert_eq!(forge.read("chocolate.txt"), "sweet");
        }),
        row("77", "`dynamic` sources and provisioners", || {
            let forge = Forge::new().file(
                "image.pkr.hcl",
                r#"
variable "versions" {
  default = { dummy = [], postgres = ["13", "14"] }
}
source "file" "base" {
  content = "base"
}
build {
  dynamic "source" {
    for_each = var.versions
    labels   = ["file.base"]
    content {
      name   = source.key
      target = "${source.key}.txt"
    }
  }
  dynamic "provisioner" {
    for_each = var.versions.postgres
    iterator = version
    labels   = ["shell-local"]
    content {
      inline = ["echo ${version.value} > ${source.name}-${version.value}.txt"]
    }
  }
}
"#,
            );
            makes(forge, &[], ".", "dummy-13 dummy-14 dummy postgres-13 postgres-14 postgres");
        }),
        row("78", "variables in `name`, `only` and `except` of post-processors", || {
            let forge = Forge::new().file(
                "image.pkr.hcl",
                r#"
variable "kind" {
  default = "null"
}
source "null" "one" {
  communicator = "none"
}
source "null" "two" {
  communicator = "none"
}
build {
  sources = ["null.one", "null.two"]
  post-processor "shell-local" {
    name   = "${var.kind}.first"
    only   = ["${var.kind}.one"]
    inline = ["touch ${source.name}.1.txt"]
  }
  post-processor "shell-local" {
    name   = "${var.kind}.second"
    except = ["${var.kind}.one"]
    inline = ["touch ${source.name}.2.txt"]
  }
}
"#,
            );
            makes(forge, &[], ".", "one.1 two.2");
        }),
        row("79", "the build's name in what post-processors are only for", || {
            let rest = r#"
build {
  name    = "example"
  sources = ["null.x"]
  post-processor "shell-local" {
    name   = "${build.name}.1"
    only   = ["null.${build.name}"]
    inline = ["touch ${build.name}.1.txt"]
  }
  post-processor "shell-local" {
    name   = "${build.name}.2"
    except = ["null.${build.name}"]
    inline = ["touch ${build.name}.2.txt"]
  }
}
"#;
            makes(with_null(rest), &[], ".", "example.2");
        }),
        row("81", "a variable in a build's name", || {
            let rest = r#"
variable "name" {
  default = "fruit"
}
build {
  name        = "my-${var.name}"
  description = "For ${var.name}"
  sources     = ["null.x"]
}
"#;
            let ended = build(&with_null(rest), &[], ".", 0);
            assert!(ended.stdout.starts_with("Build 'my-fruit.null.x' finished after"), "{ended:?}");
        }),
        row("82", "a local of a local of a variable", || {
            let rest = r#"
variable "greeting" {
  default = "hello"
}
locals {
  again = local.greeting
  greeting = var.greeting
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    inline = ["printf '${local.again}' > hey.txt"]
  }
}
"#;
            let forge = with_null(rest);
            build(&forge, &[], ".", 0);
            assert_eq!(forge.read("hey.txt"), "hello");
        }),
        row("83", "a local of a variable that is not set", || {
            let rest = "variable \"v\" {}\nlocal \"l\" {\n  expression = var.v\n}\nbuild {\n  name = local.l\n  sources = [\"null.x\"]\n}\n";
            let ended = build(&with_null(rest), &[], ".", 1);
            assert!(ended.stdout.starts_with("error[unset-variable]"), "{ended:?}");
            assert_eq!(ended.stdout.matches("error[").count(), 1, "{ended:?}");
        }),
        row("84", "a variable whose default is empty takes values of any type", || {
            let rest = r#"
variable "list" {
  default = []
}
variable "map" {
  default = {}
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    inline = ["printf '${var.map.word}${var.list[0]}' > foo.txt"]
  }
}
"#;
            let forge = with_null(rest).file("v.pkrvars.hcl", "list = [1]\nmap = { word = \"yo\" }\n");
            build(&forge, &["-var-file=v.pkrvars.hcl"], "image.pkr.hcl", 0);
            assert_eq!(forge.read("foo.txt"), "yo1");
        }),
        row("85", "the value of a data source in a script's environment", || {
            let rest = r#"
data "null" "secret" {
  input = "s3cr3t"
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    env    = { NAME = data.null.secret.output }
    inline = ["printf here > $NAME.txt"]
  }
}
"#;
            let forge = with_null(rest);
            build(&forge, &[], ".", 0);
            assert_eq!(forge.read("s3cr3t.txt"), "here");
        }),
        row("86", "values of the machine in a provisioner, known once it is there", || {
            let rest = r#"
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    inline = ["echo hello from the ${upper(build.ID)} builder"]
  }
}
"#;
            let ended = build(&with_null(rest), &["--color=false"], ".", 0);
            assert!(ended.stdout.contains("null.x: hello from the NULL builder\n"), "{ended:?}");
            assert!(ended.stdout.contains("Build 'null.x' finished after "), "{ended:?}");
        }),
        row("104", "a var file may have more than the template declares", || {
            let forge = with_null("build {\n  sources = [\"null.x\"]\n}\n").file("more.pkrvars.hcl", "more = \"x\"\n");
            let ended = build(&forge, &["-var-file=more.pkrvars.hcl"], "image.pkr.hcl", 0);
            // That no variable takes anything of it is another matter.
            assert!(!ended.stdout.contains("undeclared-variable"), "{ended:?}");
        }),
        row("109", "no line of a secret is shown", || {
            let rest = r#"
variable "password" {
  sensitive = true
  default   = "first line\nsecond line\n"
}
build {
  sources = ["null.x"]
  provisioner "shell-local" {
    env    = { PASSWORD = var.password }
    inline = ["echo \"it is $PASSWORD\""]
  }
}
"#;
            let ended = build(&with_null(rest), &[], ".", 0);
            assert_eq!(said(&ended)[0], "null.x: it is <sensitive>", "{ended:?}");
            assert!(!ended.stdout.contains("first line") && !ended.stdout.contains("second line"), "{ended:?}");
        }),
    ]
}

fn one_mistake() -> Vec<Row> {
    let finds = |forge: Forge, code: &str, place: &str| {
        let ended = build(&forge, &[], "image.pkr.hcl", 1);
        assert!(ended.stdout.starts_with(&format!("error[{code}]")), "{ended:?}");
        assert!(ended.stdout.contains(place), "{ended:?}");
        assert_eq!(ended.stdout.matches("error[").count(), 1, "{ended:?}");
    };
    vec![
        row("80", "a provisioner that does not exist", move || {
            let rest = "build {\n  sources = [\"null.x\"]\n  provisioner \"foo\" {}\n}\n";
            finds(with_null(rest), "unknown-provisioner", " --> image.pkr.hcl:6:15");
        }),
        row("98", "a builder that does not exist beside one that does", || {
            let forge = Forge::new().file(
                "image.json",
                r#"{"builders": [
  {"type": "file", "name": "chocolate", "target": "chocolate.txt", "content": ""},
  {"type": "not-found", "name": "vanilla"}
]}
"#,
            );
            build(&forge, &["-except="], "image.json", 1);
            assert_eq!(texts(&forge), "");
        })
        .unlike_packer("nothing is built while an error stands"),
        row("103", "no build at all is one mistake", move || finds(with_null(""), "missing-build", "")),
        row("105", "a build without a source is one mistake", move || {
            let forge = Forge::new().file("image.pkr.hcl", "build {\n}\n");
            finds(forge, "missing-source", " --> image.pkr.hcl:1:1");
        }),
    ]
}

fn overrides() -> Vec<Row> {
    let said_by_two = |ended: &Ended| {
        let mut said: Vec<String> = said(ended).into_iter().map(str::to_owned).collect();
        said.sort();
        said
    };
    vec![
        row("87", "`override` in HCL2", move || {
            let forge = Forge::new().file(
                "image.pkr.hcl",
                r#"
source "null" "one" {
  communicator = "none"
}
source "null" "two" {
  communicator = "none"
}
build {
  sources = ["null.one", "null.two"]
  provisioner "shell-local" {
    inline   = ["echo general"]
    override = { one = { inline = ["echo special"] } }
  }
}
"#,
            );
            let ended = build(&forge, &["--color=false"], ".", 0);
            assert_eq!(said_by_two(&ended), ["null.one: special", "null.two: general"]);
        }),
        row("88", "`override` in JSON", move || {
            let forge = Forge::new().file(
                "image.json",
                r#"{
  "builders": [
    {"type": "null", "name": "one", "communicator": "none"},
    {"type": "null", "name": "two", "communicator": "none"}
  ],
  "provisioners": [
    {"type": "shell-local", "inline": ["echo general"], "override": {"one": {"inline": ["echo special"]}}}
  ]
}
"#,
            );
            let ended = build(&forge, &["--color=false"], "image.json", 0);
            assert_eq!(said_by_two(&ended), ["null.one: special", "null.two: general"]);
        }),
    ]
}

/// Sequences of post-processors, each of which makes a file named after it.
const SEQUENCES_IN_JSON: &str = r#"{
  "builders": [
    {"type": "file", "name": "chocolate", "target": "chocolate.txt", "content": ""},
    {"type": "file", "name": "vanilla", "target": "vanilla.txt", "content": ""},
    {"type": "file", "name": "cherry", "target": "cherry.txt", "content": ""}
  ],
  "post-processors": [
    [
      {"type": "shell-local", "name": "apple", "inline": ["touch apple.txt"]},
      {"type": "shell-local", "name": "peach", "inline": ["touch peach.txt"]}
    ],
    {"type": "shell-local", "name": "pear", "inline": ["touch pear.txt"]},
    {"type": "shell-local", "name": "banana", "only": ["cherry"], "inline": ["touch banana.txt"]},
    [
      {"type": "shell-local", "name": "tomato", "only": ["vanilla"], "inline": ["touch tomato.txt"]},
      {"type": "shell-local", "only": ["vanilla"], "inline": ["touch unnamed.txt"]}
    ]
  ]
}
"#;

const SEQUENCES_IN_HCL: &str = r#"
source "file" "chocolate" {
  target  = "chocolate.txt"
  content = ""
}
source "file" "vanilla" {
  target  = "vanilla.txt"
  content = ""
}
source "file" "cherry" {
  target  = "cherry.txt"
  content = ""
}
build {
  sources = ["file.chocolate", "file.vanilla", "file.cherry"]
  post-processors {
    post-processor "shell-local" {
      name   = "apple"
      inline = ["touch apple.txt"]
    }
    post-processor "shell-local" {
      name   = "peach"
      inline = ["touch peach.txt"]
    }
  }
  post-processor "shell-local" {
    name   = "pear"
    inline = ["touch pear.txt"]
  }
  post-processor "shell-local" {
    name   = "banana"
    only   = ["file.cherry"]
    inline = ["touch banana.txt"]
  }
  post-processors {
    post-processor "shell-local" {
      name   = "tomato"
      only   = ["file.vanilla"]
      inline = ["touch tomato.txt"]
    }
    post-processor "shell-local" {
      only   = ["file.vanilla"]
      inline = ["touch unnamed.txt"]
    }
  }
}
"#;

const SEQUENCES_IN_HCL_JSON: &str = r#"{
  "source": {"file": {
    "chocolate": {"target": "chocolate.txt", "content": ""},
    "vanilla": {"target": "vanilla.txt", "content": ""},
    "cherry": {"target": "cherry.txt", "content": ""}
  }},
  "build": [{
    "sources": ["file.chocolate", "file.vanilla", "file.cherry"],
    "post-processors": [
      {"post-processor": [
        {"shell-local": {"name": "apple", "inline": ["touch apple.txt"]}},
        {"shell-local": {"name": "peach", "inline": ["touch peach.txt"]}}
      ]},
      {"post-processor": {"shell-local": {"name": "pear", "inline": ["touch pear.txt"]}}},
      {"post-processor": {"shell-local": {"name": "banana", "only": ["file.cherry"], "inline": ["touch banana.txt"]}}},
      {"post-processor": [
        {"shell-local": {"name": "tomato", "only": ["file.vanilla"], "inline": ["touch tomato.txt"]}},
        {"shell-local": {"only": ["file.vanilla"], "inline": ["touch unnamed.txt"]}}
      ]}
    ]
  }]
}
"#;

fn post_processors() -> Vec<Row> {
    let json = || Forge::new().file("image.json", SEQUENCES_IN_JSON);
    let all = "apple banana cherry chocolate peach pear tomato unnamed vanilla";
    let rest = "apple banana cherry peach pear";
    vec![
        row("89", "`-only` of two builds of JSON", move || {
            let expected = "apple chocolate peach pear tomato unnamed vanilla";
            makes(json(), &["-only=chocolate,vanilla"], "image.json", expected);
        }),
        row("90", "a template on standard input", move || {
            let forge = json();
            forge.feed(&["build", "-"], SEQUENCES_IN_JSON).code(0);
            assert_eq!(texts(&forge), all);
        }),
        row("91", "`-only` many times, which post-processors don't mind", move || {
            let flags = ["-only=chocolate", "-only=cherry", "-only=apple", "-only=peach", "-only=pear"];
            makes(json(), &flags, "image.json", "apple banana cherry chocolate peach pear");
        }),
        row("93", "`-except=` of nothing", move || makes(json(), &["-except="], "image.json", all)),
        row("94", "`-except` of a post-processor is of all after it too", move || {
            makes(json(), &["-except=chocolate,vanilla,tomato"], "image.json", rest);
        }),
        row("95", "the same in HCL2", move || {
            let forge = Forge::new().file("image.pkr.hcl", SEQUENCES_IN_HCL);
            makes(forge, &["-except=file.chocolate,file.vanilla,tomato"], "image.pkr.hcl", rest);
        }),
        row("96", "the same in HCL2 written in JSON", move || {
            let forge = Forge::new().file("image.pkr.json", SEQUENCES_IN_HCL_JSON);
            makes(forge, &["-except=file.chocolate,file.vanilla,tomato"], "image.pkr.json", rest);
        }),
        row("97", "`-force` begins a new manifest", || {
            let rest = "build {\n  sources = [\"null.x\"]\n  post-processor \"manifest\" {}\n}\n";
            let forge = with_null(rest);
            let entries = |flags: &[&str]| {
                build(&forge, flags, "image.pkr.hcl", 0);
                forge.read("packer-manifest.json").matches("\"packer_run_uuid\"").count()
            };
            assert_eq!((entries(&[]), entries(&[]), entries(&["-force"])), (1, 2, 1));
        }),
        row("106", "`-except` of a post-processor by its type", || {
            let rest = "build {\n  sources = [\"null.x\"]\n  post-processor \"manifest\" {}\n}\n";
            let ended = build(&with_null(rest), &["-except", "manifest"], "image.pkr.hcl", 0);
            assert!(!ended.stdout.contains("warning") && !ended.stdout.contains("Running"), "{ended:?}");
        }),
    ]
}

fn shared_values() -> Vec<Row> {
    vec![row("92", "provisioners and post-processors know the machine's values", || {
        let forge = Forge::new().file(
            "image.json",
            r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["touch provisioner.{{build `ID`}}.txt"]}],
  "post-processors": [{"type": "shell-local", "inline": ["touch post-processor.{{build `ID`}}.txt"]}]
}
"#,
        );
        makes(forge, &[], "image.json", "post-processor.Null provisioner.Null");
    })]
}

fn only_and_except() -> Vec<Row> {
    let json = || {
        Forge::new().file(
            "image.json",
            r#"{
  "builders": [
    {"type": "null", "name": "one", "communicator": "none"},
    {"type": "null", "name": "two", "communicator": "none"}
  ],
  "provisioners": [
    {"type": "shell-local", "only": ["one"], "inline": ["echo provisioner only"]},
    {"type": "shell-local", "except": ["one"], "inline": ["echo provisioner except"]}
  ],
  "post-processors": [
    {"type": "shell-local", "only": ["one"], "inline": ["echo post-processor only"]},
    {"type": "shell-local", "except": ["one"], "inline": ["echo post-processor except"]}
  ]
}
"#,
        )
    };
    let hcl = || {
        Forge::new().file(
            "image.pkr.hcl",
            r#"
source "null" "one" {
  communicator = "none"
}
source "null" "two" {
  communicator = "none"
}
build {
  sources = ["null.one", "null.two"]
  provisioner "shell-local" {
    only   = ["null.one"]
    inline = ["echo provisioner only"]
  }
  provisioner "shell-local" {
    except = ["null.one"]
    inline = ["echo provisioner except"]
  }
  post-processor "shell-local" {
    only   = ["null.one"]
    inline = ["echo post-processor only"]
  }
  post-processor "shell-local" {
    except = ["null.one"]
    inline = ["echo post-processor except"]
  }
}
"#,
        )
    };
    vec![
        row("99", "`only` and `except` of JSON, the one build", move || {
            let ended = build(&json(), &["-only", "one"], "image.json", 0);
            assert_eq!(said(&ended), ["null.one: provisioner only", "null.one (shell-local): post-processor only"]);
        }),
        row("100", "and the other", move || {
            let ended = build(&json(), &["-only", "two"], "image.json", 0);
            let expected = ["null.two: provisioner except", "null.two (shell-local): post-processor except"];
            assert_eq!(said(&ended), expected);
        }),
        row("101", "`only` and `except` of HCL2, the one build", move || {
            let ended = build(&hcl(), &["-only", "null.one"], ".", 0);
            assert_eq!(said(&ended), ["null.one: provisioner only", "null.one (shell-local): post-processor only"]);
        }),
        row("102", "and the other", move || {
            let ended = build(&hcl(), &["-only", "null.two"], ".", 0);
            let expected = ["null.two: provisioner except", "null.two (shell-local): post-processor except"];
            assert_eq!(said(&ended), expected);
        }),
    ]
}

fn failures() -> Vec<Row> {
    vec![
        row("107", "the error-cleanup-provisioner of JSON", || {
            let forge = Forge::new().file(
                "image.json",
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [{"type": "shell-local", "inline": ["exit 2"]}],
  "error-cleanup-provisioner": {"type": "shell-local", "inline": ["touch ducky.txt"]}
}
"#,
            );
            build(&forge, &[], "image.json", 1);
            assert_eq!(texts(&forge), "ducky");
        }),
        row("108", "a timeout ends the build at its provisioner", || {
            let forge = Forge::new().file(
                "image.json",
                r#"{
  "builders": [{"type": "null", "communicator": "none"}],
  "provisioners": [
    {"type": "shell-local", "inline": ["touch roses.txt"]},
    {"type": "shell-local", "inline": ["touch lilas.txt"], "timeout": "5m"},
    {"type": "shell-local", "inline": ["sleep 77"], "timeout": "1ms"},
    {"type": "shell-local", "inline": ["touch campanules.txt"]}
  ]
}
"#,
            );
            build(&forge, &[], "image.json", 1);
            assert_eq!(texts(&forge), "lilas roses");
        }),
    ]
}
