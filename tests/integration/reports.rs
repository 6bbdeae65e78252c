//! Reports of the program as their readers see them: by published schemas, by an independent parser of XML, by the
//! rules of GitHub's runner. `script/bootstrap test` installs what this needs.

use crate::forge::{Ended, Forge};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What formats stumble over: characters of two and four bytes, tabs, CRLF, markup, line ends and commands in messages,
/// a secret.
const TEMPLATE: &str = concat!(
    "variable \"token\" {\n  sensitive = true\n  default   = env(\"TOKEN\")\n}\n",
    "source \"null\" \"web\" {\r\n\tcommunicator = \"none\"\r\n\tssh_hots = \"x\"\r\n}\r\n",
    "build {\n  sources = [\"null.web\"]\n",
    "  provisioner \"shell-local\" {\n    inline = [\"ünïcödé 😀 ${var.rgion}\"]\n  }\n",
    "  provisioner \"shell-local\" {\n    script = \"<&\\\"']]>\\n::error::100%\"\n  }\n",
    "  provisioner \"shell-local\" {\n    script = \"hunter2-token\"\n  }\n",
    "}\n",
);

const NAME: &str = "images/wéb & <db>.pkr.hcl";

fn forge() -> Forge {
    Forge::new().file(NAME, TEMPLATE).file(".git/HEAD", "ref: refs/heads/main\n").env("TOKEN", "hunter2-token")
}

/// The report of one kind on the template above.
fn report(kind: &str) -> String {
    let forge = forge();
    let ended = forge.run(&["validate", "-only=null.web,nothing", "--report", &format!("{kind}=report"), NAME]);
    ended.code(1);
    let text = forge.read("report");
    assert!(!text.contains("hunter2"), "{text}");
    text.replace(forge.path().canonicalize().unwrap().to_str().unwrap(), "@FOLDER@")
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A file of a package that `script/bootstrap test` has installed.
fn node(file: &str) -> PathBuf {
    let path = root().join(".cache/node/node_modules").join(file);
    assert!(path.is_file(), "{} is not there: run `script/bootstrap test`", path.display());
    path
}

/// A published schema (from `IMGFORGE_SCHEMAS`, or beside the repository); it is said where there is none.
#[expect(clippy::print_stderr, reason = "a test says what it could not do")]
fn shared(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("IMGFORGE_SCHEMAS").map_or_else(|| root().join("../shared/schemas"), PathBuf::from);
    let path = folder.join(name);
    if !path.is_file() {
        eprintln!("not checked by {name}: there is no {}", path.display());
    }
    path.is_file().then_some(path)
}

#[track_caller]
fn check(schema: &Path, report: &str) {
    let wrong = mistakes(schema, report);
    assert!(wrong.is_empty(), "{}\n{report}", wrong.join("\n"));
}

fn mistakes(schema: &Path, report: &str) -> Vec<String> {
    // A pattern in the schema of SARIF, for a property that we don't write, has a bracket too many.
    let schema = std::fs::read_to_string(schema).unwrap().replace("{2}]?$", "{2}$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let report: Value = serde_json::from_str(report).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn sarif_is_as_its_schema_says() {
    let schema = node("@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json");
    let text = report("sarif");
    check(&schema, &text);
    assert!(!mistakes(&schema, &text.replace("\"error\"", "\"fatal\"")).is_empty(), "the schema is looked at");
    let report: Value = serde_json::from_str(&text).unwrap();
    let run = &report["runs"][0];
    assert_eq!(
        (&run["columnKind"], &run["invocations"][0]["executionSuccessful"]),
        (&json!("unicodeCodePoints"), &json!(true))
    );
    let variable = run["results"].as_array().unwrap().iter().find(|it| it["ruleId"] == "undefined-variable").unwrap();
    let place = &variable["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "images/w%C3%A9b%20%26%20%3Cdb%3E.pkr.hcl");
    assert_eq!((&place["region"]["startLine"], &place["region"]["startColumn"]), (&json!(12), &json!(32)));
    let rule = &run["tool"]["driver"]["rules"][variable["ruleIndex"].as_u64().unwrap() as usize];
    assert_eq!(rule["id"], "undefined-variable");
    assert!(rule["help"]["text"].as_str().unwrap().ends_with("Declare it, or mend the name."));
    // A clean run and one that could not begin are SARIF too.
    let clean = Forge::new().file("a.json", r#"{"builders": [{"type": "null", "communicator": "none"}]}"#);
    clean.run(&["validate", "--report=sarif=report", "a.json"]).code(0);
    check(&schema, &clean.read("report"));
    Forge::new().run(&["run", "--report", "sarif"]).code(1).check_standard_output(&schema);
}

impl Ended {
    #[track_caller]
    fn check_standard_output(&self, schema: &Path) {
        check(schema, &self.stdout);
    }
}

#[test]
fn our_own_report_and_code_quality_are_as_our_schemas_say() {
    let schema = root().join("docs/report.schema.json");
    check(&schema, &report("json"));
    let page = std::fs::read_to_string(root().join("docs/reports.md")).unwrap();
    check(&schema, page.split("```json\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap());
    check(&root().join("tests/integration/code_quality.schema.json"), &report("code-quality"));
    // Builds and failures too.
    let forge = Forge::new().file(
        "a.json",
        r#"{"builders": [{"type": "null", "communicator": "none"}], "provisioners": [{"type": "shell-local", "inline": ["exit 3"]}]}"#,
    );
    let ended = forge.run(&["build", "--report", "json", "--report", "junit=junit.xml", "a.json"]);
    ended.code(1).check_standard_output(&schema);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    let build = &report["builds"][0];
    assert_eq!(
        (&report["result"], &build["name"], &build["result"]),
        (&json!("failed"), &json!("null"), &json!("failed"))
    );
    assert!(ended.stderr.contains("Build 'null' errored after"), "the lines for people: {}", ended.stderr);
    assert!(forge.read("junit.xml").contains("<testcase classname=\"imgforge.build\" name=\"null\""));
    let ended = Forge::new().run(&["run", "--report", "json"]);
    ended.code(1).check_standard_output(&schema);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(report["failures"][0].as_str().unwrap().starts_with("there is no pipeline here"), "{report}");
}

#[test]
fn rdjson_is_as_reviewdog_says() {
    let text = report("rdjson");
    if let Some(schema) = shared("rdjson.schema.json") {
        check(&schema, &text);
        assert!(!mistakes(&schema, &text.replace("\"message\": \"", "\"message\": [], \"it\": \"")).is_empty());
    }
    let report: Value = serde_json::from_str(&text).unwrap();
    let variable = report["diagnostics"].as_array().unwrap().iter();
    let variable = variable.clone().find(|it| it["code"]["value"] == "undefined-variable").unwrap();
    assert_eq!(variable["location"]["range"]["start"], json!({"line": 12, "column": 39}), "bytes");
}

#[test]
fn junit_and_checkstyle_are_read_by_another_parser() {
    let text = report("junit");
    let document = roxmltree::Document::parse(&text).unwrap();
    let cases: Vec<_> = document.descendants().filter(|node| node.has_tag_name("testcase")).collect();
    let named = |name| cases.iter().find(|case| case.attribute("name") == Some(name)).unwrap();
    let script = named("missing-file");
    assert_eq!(script.attribute("file"), Some(NAME));
    let failure = script.first_element_child().unwrap();
    assert!(failure.text().unwrap().contains("<&\"']]>\n::error::100%"), "{text}");
    assert!(named("unused-pattern").first_element_child().unwrap().has_tag_name("system-out"));
    if let Some(schema) = shared("junit-10.xsd") {
        let forge = Forge::new().file("report.xml", &without_files(&text)).file("with_files.xml", &text);
        let lint = |name: &str| {
            let mut xmllint = Command::new("xmllint");
            xmllint.args(["--noout", "--schema"]).arg(&schema).arg(name).current_dir(forge.path());
            xmllint.output().expect("xmllint: run `script/bootstrap test`")
        };
        let judged = lint("report.xml");
        assert!(judged.status.success(), "{}", String::from_utf8_lossy(&judged.stderr));
        assert!(!lint("with_files.xml").status.success(), "the schema is looked at");
    }
    let text = report("checkstyle");
    let document = roxmltree::Document::parse(&text).unwrap();
    let file = document.descendants().find(|node| node.attribute("name") == Some(NAME)).unwrap();
    let places: Vec<_> =
        file.children().filter_map(|it| Some((it.attribute("line")?, it.attribute("column")?))).collect();
    assert_eq!(places, [("7", "2"), ("12", "32"), ("15", "14"), ("18", "14")]);
}

/// Without the attribute that GitLab reads and the schema does not know.
fn without_files(xml: &str) -> String {
    let mut pieces = xml.split(" file=\"");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| text + piece.split_once('"').map_or("", |(_, rest)| rest))
}

/// A command as the runner reads it: kind, properties, message.
fn read_command(line: &str) -> (String, BTreeMap<String, String>, String) {
    let (head, data) = line.strip_prefix("::").unwrap().split_once("::").unwrap();
    let (kind, properties) = head.split_once(' ').unwrap();
    let unescape = |text: &str| text.replace("%0D", "\r").replace("%0A", "\n");
    let property = |text: &str| unescape(text).replace("%3A", ":").replace("%2C", ",").replace("%25", "%");
    let properties = properties.split(',').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap();
        (name.to_owned(), property(value))
    });
    (kind.to_owned(), properties.collect(), unescape(data).replace("%25", "%"))
}

#[test]
fn github_reads_what_was_meant_and_writes_the_same_bytes() {
    let text = report("github");
    let commands: Vec<_> = text.lines().map(read_command).collect();
    let codes: Vec<&str> = commands.iter().map(|(_, properties, _)| properties["title"].as_str()).collect();
    assert_eq!(codes, ["unknown-argument", "undefined-variable", "missing-file", "missing-file", "unused-pattern"]);
    let (kind, properties, message) = &commands[2];
    assert_eq!((kind.as_str(), properties["file"].as_str(), properties["line"].as_str()), ("error", NAME, "15"));
    assert!(message.contains("<&\"']]>\n::error::100%"), "{message}");
    let annotations: Vec<Value> = commands
        .iter()
        .map(|(kind, properties, message)| {
            let names = [("title", "title"), ("file", "file"), ("line", "startLine"), ("endLine", "endLine")];
            let names = names.into_iter().chain([("col", "startColumn"), ("endColumn", "endColumn")]);
            let properties: BTreeMap<_, _> =
                names.filter_map(|(ours, theirs)| Some((theirs, properties.get(ours)?))).collect();
            json!({"kind": kind, "message": message, "properties": properties})
        })
        .collect();
    let theirs = Command::new("node")
        .arg(root().join("tests/integration/actions_core.mjs"))
        .arg(node("@actions/core/lib/core.js"))
        .arg(serde_json::to_string(&annotations).unwrap())
        .output()
        .expect("node: run `script/bootstrap test`");
    assert_eq!(text, String::from_utf8(theirs.stdout).unwrap(), "{}", String::from_utf8_lossy(&theirs.stderr));
}

#[test]
fn a_fingerprint_outlives_lines_that_move() {
    let prints = |template: &str| {
        let forge = Forge::new().file("a.pkr.hcl", template);
        forge.run(&["validate", "--report", "code-quality=report", "a.pkr.hcl"]).code(1);
        let report: Value = serde_json::from_str(&forge.read("report")).unwrap();
        let prints: Vec<String> =
            report.as_array().unwrap().iter().map(|entry| entry["fingerprint"].as_str().unwrap().to_owned()).collect();
        prints
    };
    let template = "locals {\n  a = var.b\n  c = var.b\n}\n";
    let before = prints(template);
    assert_eq!(before, prints(&format!("# a comment\n\n{}", template.replace("  a", "\t\ta"))));
    let other = prints(&template.replace("a =", "z ="));
    assert_ne!(before, other);
    let mut unique = before.clone();
    unique.dedup();
    assert_eq!(unique, before, "each has its own");
}

#[test]
fn many_reports_are_written_at_once_and_people_see_theirs() {
    let forge = forge();
    let ended = forge.run(&[
        "validate",
        "--report",
        "json=a.json",
        "--report",
        "sarif=b.sarif",
        "--report",
        "terminal=c.txt",
        "--report",
        "github",
        NAME,
    ]);
    ended.code(1);
    assert_eq!(ended.stdout.lines().filter(|line| line.starts_with("::error title=")).count(), 4, "{}", ended.stdout);
    assert!(ended.stderr.contains("error[undefined-variable]: there is no variable `rgion`"), "{}", ended.stderr);
    // The runner reads standard error too.
    assert!(!ended.stderr.lines().any(|line| line.starts_with("::")), "{}", ended.stderr);
    assert!(forge.read("c.txt").contains("error[undefined-variable]: there is no variable `rgion`"));
    assert!(forge.exists("a.json") && forge.exists("b.sarif"));
}

#[test]
fn a_run_has_its_report_where_it_was_started_and_annotations_once() {
    let forge = Forge::new()
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file("images/imgforge.yml", "version: 1\nimages:\n  web:\n    template: web.json\n")
        .file("images/web.json", r#"{"builders": [{"type": "null", "communicator": "none", "ssh_hots": "x"}]}"#)
        .env("GITHUB_ACTIONS", "true");
    let config = ["run", "--config", "images/imgforge.yml", "--report", "json=report", "--report", "github"];
    let ended = forge.run(&config);
    let report: Value = serde_json::from_str(&forge.read("report")).unwrap();
    assert_eq!(report["diagnostics"][0]["place"]["path"], "images/web.json", "{report:#}");
    let annotations = ended.code(1).stdout.lines().filter(|line| line.starts_with("::error ")).count();
    assert_eq!((annotations, ended.stderr.as_str()), (1, ""), "{}", ended.stdout);
}

#[test]
fn a_link_in_the_checkout_leads_no_report_and_no_log_out_of_it() {
    let forge = Forge::new().file("a.json", r#"{"builders": [{"type": "file", "target": "x", "content": "y"}]}"#);
    let outside = forge.state().join("outside");
    let untouched = |name: &str| {
        assert_eq!(std::fs::read(&outside).unwrap(), b"untouched");
        assert!(std::fs::symlink_metadata(forge.path().join(name)).unwrap().is_file(), "{name}");
    };
    std::fs::write(&outside, "untouched").unwrap();
    for name in ["r.xml", "r.txt", "log"] {
        std::os::unix::fs::symlink(&outside, forge.path().join(name)).unwrap();
    }
    std::os::unix::fs::symlink(forge.state(), forge.path().join("out")).unwrap();
    let ended = forge.run(&["validate", "--report", "junit=r.xml", "--report", "terminal=r.txt", "a.json"]);
    ended.code(0);
    untouched("r.xml");
    untouched("r.txt");
    forge.run(&["build", "--report", "junit=out/outside", "a.json"]).expect(
        2,
        "error: @FOLDER@/out leads out of the repository by a link, which is not followed: name the place it leads to",
    );
    assert!(!forge.exists("x"), "nothing was built");
    // What the user says is another matter.
    let given = forge.state().join("given.xml");
    forge.run(&["validate", "--report", &format!("junit={}", given.display()), "a.json"]).code(0);
    assert!(std::fs::read_to_string(given).unwrap().contains("<testsuites"));
    let ended = forge.run(&["validate", "--report", "junit=/dev/stdout", "a.json"]);
    assert!(ended.code(0).stdout.contains("<testsuites"), "{}", ended.stdout);
    let forge = forge.env("IMGFORGE_LOG_PATH", "log");
    forge.run(&["validate", "a.json"]).code(0);
    assert!(std::fs::symlink_metadata(forge.path().join("log")).unwrap().is_file());
    assert_eq!(std::fs::read(&outside).unwrap(), b"untouched");
}

#[test]
fn no_text_of_a_report_is_a_command_of_githubs_runner() {
    let forge = Forge::new().file("a.pkr.hcl", "source \"##[add-mask]x\" \"b\" {\n}\n##[error]\n");
    for kind in ["json", "sarif", "junit", "code-quality", "checkstyle", "rdjson"] {
        let ended = forge.run(&["validate", "--report", kind, "a.pkr.hcl"]);
        assert!(ended.code(1).stdout.contains("add-mask"), "{kind}: {}", ended.stdout);
        assert!(!ended.stdout.contains("##["), "{kind}: {}", ended.stdout);
        assert!(!ended.stdout.lines().any(|line| line.trim_start().starts_with("::")), "{kind}: {}", ended.stdout);
    }
}

#[test]
fn what_can_not_be_written_is_told_before_anything_is_done() {
    let forge = Forge::new().file("a.json", r#"{"builders": [{"type": "file", "target": "x", "content": "y"}]}"#);
    let table: [(&[&str], &str); 4] = [
        (
            &["--report", "json=out/a.json"],
            "error: there is no folder @FOLDER@/out: make it before a report goes there",
        ),
        (
            &["--report", "json", "--report", "sarif"],
            "error: two reports go to standard output: write `--report sarif=FILE`",
        ),
        (
            &["--report", "json=a", "--report", "sarif=a"],
            "error: two reports go to @FOLDER@/a: give each a file of its own",
        ),
        (&["--report", "junit=."], "error: @FOLDER@/. is a folder: a report needs the name of a file"),
    ];
    for (flags, expected) in table {
        let ended = forge.run(&[&["build"], flags, &["a.json"]].concat());
        ended.expect(2, expected);
    }
    let ended = forge.run(&["build", "--report", "xml", "a.json"]);
    assert!(ended.code(2).stderr.contains("there is no report of this kind; there are terminal, json, sarif"));
    assert!(!forge.exists("x"), "nothing was built");
}

#[test]
fn a_report_that_could_not_be_written_is_no_success() {
    let forge = Forge::new().file("a.json", r#"{"builders": [{"type": "null", "communicator": "none"}]}"#);
    forge.run(&["validate", "--report", "json=/dev/full", "a.json"]).expect(
        1,
        "The configuration is valid.\n\
         error: write the report `json`: write /dev/full: No space left on device (os error 28)",
    );
}
