//! Rows 38 to 75: values of variables, names of builds, and which of them are chosen.

use super::{Row, files, row};
use crate::forge::{Ended, Forge};

pub(super) fn rows() -> Vec<Row> {
    let mut rows = variables_of_json();
    rows.extend(variables_of_hcl());
    rows.extend(names());
    rows.extend(patterns());
    rows.extend(recipes());
    rows.extend(checked_values());
    rows
}

/// Builds a template as `packer` does, and expects this exit code.
#[track_caller]
pub(super) fn build(forge: &Forge, flags: &[&str], template: &str, code: i32) -> Ended {
    let ended = forge.packer(&[&["build"], flags, &[template]].concat());
    ended.code(code);
    ended
}

/// The same, and the names of the `.txt` files that are there then, without the ending.
#[track_caller]
pub(super) fn makes(forge: Forge, flags: &[&str], template: &str, expected: &str) {
    build(&forge, flags, template, 0);
    assert_eq!(texts(&forge), expected);
}

pub(super) fn texts(forge: &Forge) -> String {
    files(forge, ".txt").iter().map(|name| name.trim_end_matches(".txt")).collect::<Vec<_>>().join(" ")
}

/// A legacy template that makes a file named after a fruit.
fn fruit_in_json() -> Forge {
    let template = r#"{
  "variables": {"fruit": null},
  "builders": [{"type": "file", "target": "{{user `fruit`}}.txt", "content": "{{user `fruit`}}"}]
}
"#;
    Forge::new().file("fruit.json", template).file("apple.json", "{\"fruit\": \"apple\"}")
}

fn variables_of_json() -> Vec<Row> {
    vec![
        row("38", "a variable from a var file", || {
            makes(fruit_in_json(), &["-var-file=apple.json"], "fruit.json", "apple");
        }),
        row("39", "`-var` wins over a var file", || {
            makes(fruit_in_json(), &["-var", "fruit=banana", "-var-file=apple.json"], "fruit.json", "banana");
        }),
        row("40", "a variable from `-var=`", || makes(fruit_in_json(), &["-var=fruit=pear"], "fruit.json", "pear")),
        row("41", "a var file that is not there", || {
            let forge = fruit_in_json();
            build(&forge, &["-var-file=potato.json"], "fruit.json", 1);
            assert_eq!(texts(&forge), "");
        }),
    ]
}

const FRUIT_IN_HCL: &str = r#"
variable "fruit" {
  type = string
}
source "file" "fruit" {
  target  = "${var.fruit}.txt"
  content = var.fruit
}
build {
  sources = ["file.fruit"]
}
"#;

/// The same in HCL2, in a folder with a file of values that is read by itself.
fn fruit_in_hcl() -> Forge {
    Forge::new()
        .file("fruit.pkr.hcl", FRUIT_IN_HCL)
        .file("fruit.auto.pkrvars.hcl", "fruit = \"chocolate\"\n")
        .file("apple.hcl", "fruit = \"apple\"\n")
        .file("apple.json", "{\"fruit\": \"apple\"}")
        .file("banana.json", "{\"fruit\": \"banana\"}")
}

fn variables_of_hcl() -> Vec<Row> {
    let missing = |name: &'static str| {
        move || {
            let forge = fruit_in_hcl();
            let ended = build(&forge, &[&format!("-var-file={name}")], ".", 1);
            assert!(ended.stdout.starts_with(&format!("error[unreadable-file]: the var file `{name}`")), "{ended:?}");
            assert_eq!(texts(&forge), "");
        }
    };
    vec![
        row("42", "a var file of JSON that is not there", missing("potato.json")),
        row("43", "a var file of HCL that is not there", missing("potato.hcl")),
        row("44", "a folder reads its `.auto.pkrvars.hcl`", || makes(fruit_in_hcl(), &[], ".", "chocolate")),
        row("45", "and its `.auto.pkrvars.json`", || {
            let forge = Forge::new()
                .file("fruit.pkr.hcl", FRUIT_IN_HCL)
                .file("fruit.auto.pkrvars.json", "{\"fruit\": \"peanut\"}");
            makes(forge, &[], ".", "peanut");
        }),
        row("46", "that of JSON comes later, whatever the names; a misspelt one is none", || {
            let forge = Forge::new()
                .file("fruit.pkr.hcl", FRUIT_IN_HCL)
                .file("a.auto.pkrvars.json", "{\"fruit\": \"peanut\"}")
                .file("z.auto.pkrvars.hcl", "fruit = \"almond\"\n")
                .file("zz.auto.pkrvrs.hcl", "fruit = \"walnut\"\n");
            makes(forge, &[], ".", "peanut");
        }),
        row("47", "a var file of HCL wins over what is read by itself", || {
            makes(fruit_in_hcl(), &["-var-file=apple.hcl"], ".", "apple");
        }),
        row("48", "so does one of JSON", || makes(fruit_in_hcl(), &["-var-file=apple.json"], ".", "apple")),
        row("49", "of two var files the last wins: HCL after JSON", || {
            makes(fruit_in_hcl(), &["-var-file=banana.json", "-var-file=apple.hcl"], ".", "apple");
        }),
        row("50", "and JSON after HCL", || {
            makes(fruit_in_hcl(), &["-var-file=apple.hcl", "-var-file=banana.json"], ".", "banana");
        }),
        row("51", "`-var` wins over all", || makes(fruit_in_hcl(), &["-var=fruit=tomato"], ".", "tomato")),
    ]
}

/// Two builds whose names go into a manifest, in both languages.
fn named() -> Forge {
    Forge::new()
        .file(
            "all.json",
            r#"{
  "builders": [
    {"type": "null", "name": "test", "communicator": "none"},
    {"type": "null", "name": "potato", "communicator": "none"}
  ],
  "post-processors": [{"type": "manifest", "output": "manifest.json", "strip_time": true}]
}
"#,
        )
        .file(
            "all.pkr.hcl",
            r#"
source "null" "test" {
  communicator = "none"
}
source "null" "potato" {
  communicator = "none"
}
build {
  sources = ["null.test", "null.potato"]
  post-processor "manifest" {
    output     = "manifest.json"
    strip_time = true
  }
}
"#,
        )
}

/// The names of a manifest's entries, none of which has a time.
fn entries(forge: &Forge) -> Vec<String> {
    let manifest: serde_json::Value = serde_json::from_str(&forge.read("manifest.json")).unwrap();
    let builds = manifest["builds"].as_array().unwrap();
    assert!(builds.iter().all(|build| build.get("build_time").is_none()), "{manifest}");
    builds.iter().map(|build| build["name"].as_str().unwrap().to_owned()).collect()
}

fn names() -> Vec<Row> {
    vec![
        row("52", "one build after the other, each an entry of the manifest", || {
            let forge = named();
            build(&forge, &["-parallel-builds=1"], ".", 0);
            assert_eq!(entries(&forge), ["test", "potato"]);
        }),
        row("53", "`-except` by a name of JSON", || {
            let forge = named();
            build(&forge, &["-except=potato", "-parallel-builds=1"], "all.json", 0);
            assert_eq!(entries(&forge), ["test"]);
        }),
        row("54", "`-only` by a name of JSON", || {
            let forge = named();
            build(&forge, &["-only=potato", "-parallel-builds=1"], "all.json", 0);
            assert_eq!(entries(&forge), ["potato"]);
        }),
        row("55", "`build.name` is the name of the build's source", || {
            let forge = Forge::new().file(
                "image.pkr.hcl",
                r#"
source "null" "pizza" {
  communicator = "none"
}
build {
  name = "pineapple"
  sources = ["null.pizza"]
  provisioner "shell-local" {
    inline = ["touch ${build.name}.${source.name}.txt"]
  }
}
"#,
            );
            makes(forge, &[], "image.pkr.hcl", "pineapple.pizza");
        }),
    ]
}

/// A build that has a name, and one that has none.
fn selection() -> Forge {
    Forge::new().file(
        "image.pkr.hcl",
        r#"
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
  name    = "my_build"
  sources = ["file.chocolate", "file.vanilla"]
}
build {
  sources = ["file.cherry"]
}
"#,
    )
}

fn patterns() -> Vec<Row> {
    let table: [(&str, &str, &'static [&'static str], &str); 10] = [
        ("56", "`-except` of all of a build by its name", &["-except=my_build.*"], "cherry"),
        ("57", "`-only` of them", &["-only=my_build.*"], "chocolate vanilla"),
        ("59", "a star in `-only` goes over dots", &["-only=*chocolate*"], "chocolate"),
        ("60", "and in `-except`", &["-except=*chocolate*"], "cherry vanilla"),
        ("61", "a pattern that matches many", &["-except=*ch*"], "vanilla"),
        ("62", "two patterns of `-only`", &["-only=*chocolate*", "-only=*vanilla*"], "chocolate vanilla"),
        ("63", "two patterns of `-except`", &["-except=*chocolate*", "-except=*vanilla*"], "cherry"),
        ("64", "`-only` by a full name", &["-only=my_build.file.chocolate"], "chocolate"),
        ("65", "`-except` by a full name", &["-except=my_build.file.chocolate"], "cherry vanilla"),
        ("66", "the full name where the build has none", &["-only=file.cherry"], "cherry"),
    ];
    let mut rows: Vec<Row> = table
        .map(|(number, what, flags, expected)| {
            row(number, what, move || makes(selection(), flags, "image.pkr.hcl", expected))
        })
        .into_iter()
        .collect();
    rows.push(row("58", "`-only` that matches nothing: no builds", || {
        for name in ["chocolate", ""] {
            let forge = selection();
            let ended = build(&forge, &[&format!("-only={name}")], ".", 1);
            let warning = format!("warning[unused-pattern]: `-only={name}` matches nothing");
            assert!(ended.stdout.contains(&warning), "{ended:?}");
            assert!(ended.stdout.ends_with("No builds to run\n"), "{ended:?}");
            assert_eq!(texts(&forge), "");
        }
    }));
    rows
}

/// Three dishes; what is done to them and after them is in order.
fn kitchen() -> Forge {
    Forge::new().file(
        "kitchen.pkr.hcl",
        r#"
source "null" "carbonara" {
  communicator = "none"
}
source "null" "lasagna" {
  communicator = "none"
}
source "null" "tiramisu" {
  communicator = "none"
}
build {
  name    = "recipes"
  sources = ["null.carbonara", "null.lasagna"]
  provisioner "shell-local" {
    inline = ["echo boil >> ${source.name}.txt"]
  }
  provisioner "shell-local" {
    only   = ["null.lasagna"]
    inline = ["echo stack >> ${source.name}.txt"]
  }
  post-processor "shell-local" {
    inline = ["echo plate >> ${source.name}.txt"]
  }
  post-processors {
    post-processor "shell-local" {
      inline = ["echo cheese >> ${source.name}.txt"]
    }
    post-processor "shell-local" {
      except = ["null.lasagna"]
      inline = ["echo pepper >> ${source.name}.txt"]
    }
  }
}
build {
  sources = ["null.tiramisu"]
  post-processor "shell-local" {
    inline = ["echo cocoa >> ${source.name}.txt"]
  }
}
"#,
    )
}

fn recipes() -> Vec<Row> {
    vec![
        row("67", "provisioners and post-processors go in order", || {
            let forge = kitchen();
            build(&forge, &[], ".", 0);
            assert_eq!(forge.read("carbonara.txt"), "boil\nplate\ncheese\npepper\n");
            assert_eq!(forge.read("lasagna.txt"), "boil\nstack\nplate\ncheese\n");
            assert_eq!(forge.read("tiramisu.txt"), "cocoa\n");
        }),
        row("68", "without one by its full name", || {
            makes(kitchen(), &["-except", "recipes.null.carbonara"], ".", "lasagna tiramisu");
        }),
        row("69", "one by the end of its name", || makes(kitchen(), &["-only", "*lasagna"], ".", "lasagna")),
        row("70", "those of one build", || makes(kitchen(), &["-only", "recipes.*"], ".", "carbonara lasagna")),
    ]
}

/// A variable of a map whose values are checked.
fn checked() -> Forge {
    Forge::new()
        .file(
            "map.pkr.hcl",
            r#"
variable "labels" {
  type = object({ key = string, more = map(string) })
  default = {
    key  = "good"
    more = { a = "b" }
  }
  validation {
    condition     = length(var.labels.key) > 3
    error_message = "The key is too short for anyone to know it."
  }
}
source "null" "x" {
  communicator = "none"
}
build {
  sources = ["null.x"]
}
"#,
        )
        .file("good.pkrvars.hcl", "labels = {\n  key  = \"better\"\n  more = {}\n}\n")
        .file("bad.pkrvars.hcl", "labels = {\n  key  = \"?\"\n  more = {}\n}\n")
}

fn checked_values() -> Vec<Row> {
    const SAYS: &str = "The key is too short for anyone to know it.";
    vec![
        row("71", "a default that is good", || {
            build(&checked(), &[], ".", 0);
        }),
        row("72", "a var file's value that is good", || {
            build(&checked(), &["-var-file", "good.pkrvars.hcl"], ".", 0);
        }),
        row("73", "a var file's value that is not, at its place", || {
            let ended = build(&checked(), &["-var-file", "bad.pkrvars.hcl"], ".", 1);
            assert!(ended.stdout.contains(SAYS) && ended.stdout.contains("bad.pkrvars.hcl:1:"), "{ended:?}");
        }),
        row("74", "only the value that wins is checked", || {
            let flags = ["-var-file", "bad.pkrvars.hcl", "-var", "labels={key=\"better\", more={foo=\"bar\"}}"];
            build(&checked(), &flags, ".", 0);
        }),
        row("75", "a flag's value that is not good, at the flag", || {
            let flags = ["-var-file", "good.pkrvars.hcl", "-var", "labels={key=\"?\", more={foo=\"bar\"}}"];
            let ended = build(&checked(), &flags, ".", 1);
            assert!(ended.stdout.contains(SAYS) && ended.stdout.contains(" --> -var labels:"), "{ended:?}");
        }),
    ]
}
