//! `imgforge run`: the CI job, with real git repositories and the environment of CI systems.

use crate::cleanup::{signal, wait_until};
use crate::forge::Forge;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};

const TEMPLATE: &str = r#"variable "text" {
  default = "hello"
}
source "file" "web" {
  target  = "web.txt"
  content = var.text
}
build {
  sources = ["file.web"]
}
"#;

const PIPELINE: &str = "version: 1\nimages:\n  web:\n    template: web.pkr.hcl\n    vars: {text: from the pipeline}\n";

fn git(forge: &Forge, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(forge.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A repository with a bare origin, ignored output and one commit.
fn repository() -> Forge {
    let forge = Forge::new()
        .file("web.pkr.hcl", TEMPLATE)
        .file("imgforge.yml", PIPELINE)
        .file(".gitignore", "out/\nweb.txt\norigin.git/\nevent.json\noutput\n");
    git(&forge, &["init", "-q"]);
    git(&forge, &["init", "-q", "--bare", "origin.git"]);
    git(&forge, &["remote", "add", "origin", "./origin.git"]);
    git(&forge, &["add", "."]);
    git(&forge, &["commit", "-q", "-m", "first"]);
    git(&forge, &["push", "-q", "origin", "HEAD:main"]);
    forge
}

/// The environment of a GitHub job.
fn github(forge: Forge, event: &str, reference: &str, kind: &str, payload: &str) -> Forge {
    let forge = forge.file("event.json", payload).file("output", "");
    let (folder, path) = (forge.path().to_owned(), |name: &str| forge.path().join(name).to_str().unwrap().to_owned());
    let (event_path, output) = (path("event.json"), path("output"));
    forge
        .env("CI", "true")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_EVENT_NAME", event)
        .env("GITHUB_EVENT_PATH", &event_path)
        .env("GITHUB_OUTPUT", &output)
        .env("GITHUB_REF_NAME", reference)
        .env("GITHUB_REF_TYPE", kind)
        .env("GITHUB_WORKSPACE", folder.to_str().unwrap())
        .env("GITHUB_SERVER_URL", "https://example.org")
        .env("GITHUB_REPOSITORY", "org/images")
        .env("GITHUB_RUN_ID", "7")
        .env("GITHUB_RUN_ATTEMPT", "1")
}

const MAIN: &str = r#"{"repository": {"default_branch": "main"}}"#;

#[test]
fn a_push_to_the_default_branch_builds_publishes_and_tags() {
    let forge = github(repository(), "push", "main", "branch", MAIN);
    let ended = forge.run(&["run"]);
    ended.expect(
        0,
        "\
imgforge 0.1.0: push on github
1 image(s) validated
Build 'file.web' finished after @TIME@.

==> Wait completed after @TIME@

==> Builds finished. The artifacts of successful builds are:
--> file.web: Stored file: web.txt
The manifest of web is out/web/manifest.json
web is images/web/v0.1.0, pushed to origin",
    );
    assert_eq!(forge.read("web.txt"), "from the pipeline");
    assert!(forge.read("out/web/manifest.json").contains("\"artifact_id\": \"File\""));
    let message = git(&forge, &["for-each-ref", "--format=%(contents)", "refs/tags/images/web/v0.1.0"]);
    let lines: Vec<&str> = message.lines().collect();
    assert_eq!(lines[0], "web 0.1.0");
    assert!(lines[2].starts_with("Imgforge-Manifest: sha256:"), "{message}");
    assert_eq!(lines[3], "Imgforge-Run: https://example.org/org/images/actions/runs/7/attempts/1");
    assert_eq!(lines[4], "Imgforge-Image: file.web Stored file: web.txt");
    assert_eq!(git(&forge, &["ls-remote", "--tags", "--refs", "origin"]).lines().count(), 1);
    let output = forge.read("output");
    for wanted in ["\nimages/web/v0.1.0\n", "\n0.1.0\n", "\nout/web/manifest.json\n", "\n[\"web\"]\n", "\nsuccess\n"] {
        assert!(output.contains(wanted), "{output}");
    }
    forge.run(&["run"]).code(0);
    assert_eq!(git(&forge, &["tag", "-l"]), "images/web/v0.1.0\nimages/web/v0.1.1");
}

#[test]
fn other_branches_build_without_a_tag_and_pull_requests_only_validate() {
    let forge = github(repository(), "push", "feature", "branch", MAIN);
    let ended = forge.run(&["run"]);
    assert!(ended.code(0).stdout.contains("web is not tagged: this is feature, the default branch is main"));
    assert_eq!(git(&forge, &["tag", "-l"]), "");
    let forge = github(repository(), "pull_request", "7/merge", "branch", FORK);
    let ended = forge.run(&["run"]);
    assert!(ended.code(0).stdout.contains("Nothing is built: a pull request from a fork is only validated"));
    assert!(!forge.exists("web.txt"));
}

const FORK: &str = r#"{"pull_request": {"head": {"repo": null}, "base": {"repo": {"full_name": "org/images"}}}}"#;

/// Puts a link in place of what is there.
fn link(forge: &Forge, name: &str, to: &Path) {
    let path = forge.path().join(name);
    let _absent = std::fs::remove_file(&path);
    std::os::unix::fs::symlink(to, path).unwrap();
}

#[test]
fn what_a_stranger_may_have_written_shows_no_file_from_outside_and_no_variable() {
    for (event, payload) in [("pull_request", FORK), ("pull_request_target", FORK), ("issue_comment", MAIN)] {
        let forge = github(repository(), event, "main", "branch", payload);
        let secret = forge.state().join("secret");
        std::fs::write(&secret, "TOKEN: hunter2\n").unwrap();
        let denied = "what a stranger may have written sees the files of the repository alone, without `.git`";
        for target in [secret.as_path(), Path::new("/proc/self/environ"), Path::new("/dev/zero")] {
            link(&forge, "imgforge.yml", target);
            let ended = forge.run(&["run"]);
            let message = format!("the pipeline `imgforge.yml` can't be read: {denied}\n");
            assert!(ended.code(1).stdout.contains(&message), "{event}: {}", ended.stdout);
            assert!(!ended.stdout.contains("hunter2") && !ended.stdout.contains("GITHUB_"), "{}", ended.stdout);
        }
        std::fs::remove_file(forge.path().join("imgforge.yml")).unwrap();
        let template = TEMPLATE.replace("\"hello\"", "env(\"TOKEN\")");
        let pipeline = PIPELINE.replace("vars: {text: from the pipeline}", "var_files: [.git/config]");
        let forge = forge.file("imgforge.yml", &pipeline).file("web.pkr.hcl", &template).env("TOKEN", "hunter2");
        let ended = forge.run(&["run"]);
        let message = format!("the var file `.git/config` can't be read: {denied}\n");
        assert!(ended.code(1).stdout.contains(&message), "{event}: {}", ended.stdout);
        assert!(!ended.stdout.contains("hunter2"), "{}", ended.stdout);
    }
}

#[test]
fn an_event_that_is_not_known_is_validated_as_a_strangers_and_builds_nothing() {
    let ended = github(repository(), "issue_comment", "main", "branch", MAIN).run(&["run"]);
    ended.expect(
        0,
        "\
imgforge 0.1.0: unknown event on github
1 image(s) validated
Nothing is built: an event of this kind is only validated, as a stranger's pull request is",
    );
}

#[test]
fn a_pipeline_that_is_no_text_is_a_mistake_at_its_place() {
    let forge = repository();
    std::fs::write(forge.path().join("imgforge.yml"), b"version: \xff\n").unwrap();
    forge.run(&["run"]).expect(
        1,
        "\
imgforge 0.1.0: manual on local
error[not-utf-8]: the file is not valid UTF-8 here
 --> imgforge.yml:1:10
  |
1 | version: \u{fffd}
  |          ^",
    );
}

#[test]
fn secrets_are_told_the_runner_and_no_file() {
    let template = TEMPLATE.replace("default", "sensitive = true\n  default");
    let forge = repository().file("web.pkr.hcl", &template);
    let forge = github(forge, "push", "feature", "branch", MAIN);
    let ended = forge.run(&["run"]);
    assert!(ended.code(0).stdout.contains("::add-mask::from the pipeline\n"), "{}", ended.stdout);
    let log = forge.state().join("log.txt");
    let status = forge.command(&["run"]).stdout(std::fs::File::create(&log).unwrap()).status().unwrap();
    let log = std::fs::read_to_string(log).unwrap();
    assert!(status.success() && log.contains("1 image(s) validated"), "{log}");
    assert!(!log.contains("add-mask") && !log.contains("from the pipeline"), "{log}");
}

#[test]
fn without_a_default_branch_it_is_said_where_to_name_it() {
    let forge = repository();
    git(&forge, &["branch", "-m", "trunk"]);
    git(&forge, &["update-ref", "-d", "refs/remotes/origin/main"]);
    let ended = github(forge, "push", "trunk", "branch", "{}").run(&["run"]);
    let said = "web is not tagged: this is trunk, the default branch is unknown (set `default_branch` in imgforge.yml)";
    assert!(ended.code(0).stdout.contains(said), "{}", ended.stdout);
}

#[test]
fn a_link_in_the_checkout_leads_no_manifest_out_of_it() {
    let forge = github(repository(), "push", "main", "branch", MAIN);
    let outside = forge.state().join("outside");
    std::fs::write(&outside, "untouched").unwrap();
    std::fs::create_dir_all(forge.path().join("out/web")).unwrap();
    link(&forge, "out/web/manifest.json", &outside);
    forge.run(&["run"]).code(0);
    assert!(forge.read("out/web/manifest.json").contains("\"artifact_id\": \"File\""));
    assert_eq!(std::fs::read(&outside).unwrap(), b"untouched");
    std::fs::remove_dir_all(forge.path().join("out")).unwrap();
    link(&forge, "out", forge.state());
    let ended = forge.run(&["run"]);
    let said = "error: web is built, but it has no manifest and no tag: @FOLDER@/out leads out of the \
                repository by a link, which is not followed: name the place it leads to";
    assert!(ended.code(1).stdout.contains(said), "{}", ended.stdout);
    assert!(!forge.state().join("web").exists());
}

#[test]
fn a_version_tag_builds_nothing_and_another_tag_builds() {
    let forge = github(repository(), "push", "images/web/v0.1.0", "tag", MAIN);
    let ended = forge.run(&["run"]);
    assert!(
        ended.code(0).stdout.contains("Nothing is built: images/web/v0.1.0 is a version of web"),
        "{}",
        ended.stdout
    );
    let forge = github(repository(), "push", "release-1", "tag", MAIN);
    forge.run(&["run"]).code(0);
    assert_eq!(forge.read("web.txt"), "from the pipeline");
}

#[test]
fn mistakes_of_template_and_pipeline_are_annotated_from_the_root_of_the_repository() {
    let forge = github(
        Forge::new()
            .file("images/web.pkr.hcl", &TEMPLATE.replace("var.text", "var.txet"))
            .file("images/imgforge.yml", &PIPELINE.replace("web.pkr.hcl", "./web.pkr.hcl")),
        "pull_request",
        "7/merge",
        "branch",
        "{}",
    );
    let ended = forge.run(&["run", "--config", "images/imgforge.yml"]);
    let commands: Vec<&str> = ended.code(1).stdout.lines().filter(|line| line.starts_with("::")).collect();
    assert_eq!(
        commands,
        ["::error title=undefined-variable,file=images/web.pkr.hcl,line=6,endLine=6,col=17,endColumn=21\
          ::there is no variable `txet`%0Ahelp: did you mean `text`?"]
    );
    assert!(ended.stdout.contains("6 |   content = var.txet"), "{}", ended.stdout);
}

#[test]
fn by_hand_without_a_remote_the_tag_is_local_and_uncommitted_changes_are_not_tagged() {
    let forge = repository();
    git(&forge, &["remote", "remove", "origin"]);
    let ended = forge.run(&["run"]);
    assert!(
        ended.code(0).stdout.contains("web is images/web/v0.1.0, in this repository alone: there is no origin"),
        "{}",
        ended.stdout
    );
    let forge = forge.file("web.pkr.hcl", &format!("{TEMPLATE}\n"));
    let ended = forge.run(&["run"]);
    assert!(ended.code(0).stdout.contains("web is not tagged: it was built from changes that are not committed"));
}

#[test]
fn a_refused_tag_is_76() {
    let forge = repository().file("origin.git/hooks/update", "#!/bin/sh\necho protected >&2\nexit 1\n");
    let hook = forge.path().join("origin.git/hooks/update");
    std::fs::set_permissions(hook, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let forge = github(forge, "push", "main", "branch", MAIN);
    let ended = forge.run(&["run"]);
    assert!(ended.code(76).stdout.contains("it has no tag: the tag could not be pushed"), "{}", ended.stdout);
    assert!(forge.exists("out/web/manifest.json"));
}

/// A pipeline of three images, each with a template and a target of its own.
fn three(forge: Forge) -> Forge {
    let mut pipeline = "version: 1\nimages:\n".to_owned();
    let mut forge = forge;
    for name in ["a", "b", "c"] {
        pipeline.push_str(&format!("  {name}:\n    template: {name}.pkr.hcl\n"));
        forge = forge.file(&format!("{name}.pkr.hcl"), &TEMPLATE.replace("web", name));
    }
    let forge =
        forge.file("imgforge.yml", &pipeline).file(".gitignore", "out/\n*.txt\norigin.git/\nevent.json\noutput\n");
    git(&forge, &["add", "."]);
    git(&forge, &["commit", "-q", "-m", "three"]);
    github(forge, "push", "main", "branch", MAIN)
}

/// A hook of `origin` that is asked before it takes anything.
fn with_hook(forge: Forge, name: &str, text: &str) -> Forge {
    let path = format!("origin.git/hooks/{name}");
    let forge = forge.file(&path, text);
    std::fs::set_permissions(forge.path().join(path), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    forge
}

/// What the step says to those that follow.
fn output(forge: &Forge, name: &str) -> String {
    let text = forge.read("output");
    let (_, rest) = text.split_once(&format!("{name}<<")).unwrap_or_else(|| panic!("no {name}: {text}"));
    rest.lines().nth(1).unwrap().to_owned()
}

#[test]
fn a_manifest_that_can_not_be_written_fails_its_image_alone() {
    let forge = three(repository()).file("out/b", "a file where a folder should be");
    let ended = forge.run(&["run"]);
    let said: Vec<&str> = ended.code(1).stdout.lines().filter(|line| line.contains(" is ")).collect();
    assert_eq!(
        said,
        [
            "The manifest of a is out/a/manifest.json",
            "a is images/a/v0.1.0, pushed to origin",
            "error: b is built, but it has no manifest and no tag: make the folder @FOLDER@/out/b: File exists (os error 17)",
            "The manifest of c is out/c/manifest.json",
            "c is images/c/v0.1.0, pushed to origin",
        ]
    );
    assert_eq!(git(&forge, &["tag", "-l"]), "images/a/v0.1.0\nimages/c/v0.1.0");
    assert_eq!(output(&forge, "images-json"), r#"["a","c"]"#);
    assert_eq!(output(&forge, "conclusion"), "failure");
}

#[test]
fn an_image_without_a_tag_is_told_to_later_steps_and_so_is_that_there_is_none() {
    let forge = three(with_hook(repository(), "update", "#!/bin/sh\ncase $1 in */b/*) exit 1;; esac\n"));
    forge.run(&["run"]).code(76);
    assert_eq!(output(&forge, "images-json"), r#"["a","b","c"]"#);
    let forge = github(repository().file("web.pkr.hcl", "nonsense"), "push", "main", "branch", MAIN);
    forge.run(&["run"]).code(1);
    assert_eq!(output(&forge, "images-json"), "[]");
}

#[test]
fn a_signal_during_a_push_lets_it_end_and_begins_with_no_further_image() {
    let hook = "#!/bin/sh\n: > ../ready\nwhile [ ! -e ../go ]; do sleep 0.05; done\n";
    let forge = three(with_hook(repository(), "pre-receive", hook));
    let mut command = forge.command(&["run"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    wait_until(|| forge.exists("ready"));
    signal(&child, "-TERM");
    // The push ends only when the signal has been heard.
    let mut said = String::new();
    while !said.contains("Cancelling build") {
        assert_ne!(lines.read_line(&mut said).unwrap(), 0, "{said}");
    }
    let forge = forge.file("go", "");
    lines.read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said}");
    let (_, end) = said.split_once("The manifest of a is").unwrap();
    assert!(end.contains("Cancelling build after receiving terminated"), "{end}");
    assert!(end.trim_end().ends_with("a is images/a/v0.1.0, pushed to origin"), "{end}");
    assert!(!forge.exists("b.txt"));
    assert_eq!(output(&forge, "images-json"), r#"["a"]"#);
}

#[test]
fn a_signal_before_a_push_leaves_the_image_without_a_tag() {
    let forge = repository();
    let (folder, program) = (forge.path().display().to_string(), "tags");
    // `git ls-remote` asks this program for the tags of `origin`, and it never answers.
    let asked = format!("#!/bin/sh\n: > {folder}/ready\nexec sleep 761\n");
    let forge = forge.file(program, &asked);
    std::fs::set_permissions(forge.path().join(program), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    git(&forge, &["config", "remote.origin.uploadpack", &format!("{folder}/{program}")]);
    let forge = github(forge, "push", "main", "branch", MAIN);
    let mut command = forge.command(&["run"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_until(|| forge.exists("ready"));
    signal(&child, "-TERM");
    let ended = forge.ended(child.wait_with_output().unwrap());
    let last = ended.code(130).stdout.lines().last().unwrap();
    assert_eq!(last, "error: web is built and its manifest written, but it has no tag: the run was interrupted");
    assert_eq!(output(&forge, "images-json"), r#"["web"]"#);
    assert_eq!(git(&forge, &["tag", "-l"]), "");
}

#[test]
fn gitlab_gets_its_values_in_a_dotenv_report() {
    let forge = repository();
    let folder = forge.path().to_str().unwrap().to_owned();
    let forge = forge
        .env("GITLAB_CI", "true")
        .env("CI_PIPELINE_SOURCE", "push")
        .env("CI_COMMIT_BRANCH", "main")
        .env("CI_DEFAULT_BRANCH", "main")
        .env("CI_PROJECT_DIR", &folder);
    forge.run(&["run"]).code(0);
    let report = forge.read("out/imgforge.env");
    assert!(report.contains("IMGFORGE_TAG=images/web/v0.1.0\nIMGFORGE_VERSION=0.1.0\n"), "{report}");
}

/// What the job of `.gitlab-ci-template.yml` says, run as GitLab's runner does it.
#[test]
fn the_gitlab_template_leaves_every_report_that_it_names() {
    let template = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(".gitlab-ci-template.yml");
    let template: serde_json::Value = serde_saphyr::from_str(&std::fs::read_to_string(template).unwrap()).unwrap();
    let job = &template["imgforge"];
    let script: Vec<&str> = job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let forge = repository();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_imgforge"), forge.state().join("imgforge")).unwrap();
    let path = format!("{}:{}", forge.state().display(), std::env::var("PATH").unwrap());
    let folder = forge.path().to_str().unwrap().to_owned();
    let forge = forge
        .file("web.pkr.hcl", &TEMPLATE.replace("var.text", "var.txet"))
        .env("PATH", &path)
        .env("IMGFORGE_CONFIG", job["variables"]["IMGFORGE_CONFIG"].as_str().unwrap())
        .env("GITLAB_CI", "true")
        .env("CI_PIPELINE_SOURCE", "merge_request_event")
        .env("CI_PROJECT_DIR", &folder);
    let ended = forge.program("bash", &["-e", "-c", &script.join("\n")]);
    ended.code(1);
    for (kind, file) in job["artifacts"]["reports"].as_object().unwrap() {
        assert!(forge.exists(file.as_str().unwrap()), "{kind}: {file} is not there\n{}", ended.stdout);
    }
    let findings = forge.read("out/gl-code-quality-report.json");
    assert!(findings.contains(r#""check_name": "undefined-variable""#), "{findings}");
}

/// Two builds of one image, of which the second fails.
const PAIR: &str = r#"source "file" "web" {
  target  = "web.txt"
  content = "hello"
}
source "null" "db" {
  communicator = "none"
}
build {
  sources = ["file.web", "null.db"]
  post-processor "shell-local" {
    only   = ["null.db"]
    inline = ["echo the disk is full >&2; exit 1"]
  }
}
"#;

/// A repository with this template and a pipeline that says this much more of it, as a push to the default branch.
fn pair(template: &str, more: &str) -> Forge {
    let pipeline = format!("version: 1\nimages:\n  web:\n    template: web.pkr.hcl\n{more}");
    let forge = repository().file("web.pkr.hcl", template).file("imgforge.yml", &pipeline);
    git(&forge, &["commit", "-qam", "a pair"]);
    github(forge, "push", "main", "branch", MAIN)
}

/// What a run ends with, after its builds.
fn end(stdout: &str) -> &str {
    stdout.find("\n==> Wait").map_or("", |at| stdout[at..].trim_start().split_once('\n').unwrap().1)
}

const NOTHING_ELSE: &str = "
==> Some builds didn't complete successfully and had errors:
--> null.db: 1 error(s) occurred:

* Post-processor failed: post-process with shell-local: Script exited with non-zero exit status: 1. Allowed exit codes \
are: [0]
";

#[test]
fn of_an_image_whose_builds_do_not_all_succeed_nothing_stays() {
    for more in ["", "    on_failure: cleanup\n", "defaults: { on_failure: cleanup }\n"] {
        let forge = pair(PAIR, more);
        let ended = forge.run(&["run"]);
        assert_eq!(
            end(&ended.code(1).stdout),
            format!(
                "{NOTHING_ELSE}
==> Removed, since not all builds succeeded:
--> file.web: Stored file: web.txt

==> Builds finished but no artifacts were created.
"
            )
        );
        assert!(!forge.exists("web.txt"));
        assert!(!forge.exists("out/web/manifest.json"));
        assert_eq!(git(&forge, &["tag", "-l"]), "");
    }
}

#[test]
fn the_manifest_of_a_template_lists_nothing_that_is_gone() {
    let template = PAIR.replace(
        "  post-processor",
        "  post-processor \"manifest\" {\n    only = [\"file.web\"]\n  }\n  post-processor",
    );
    let forge = pair(&template, "");
    forge.run(&["run"]).code(1);
    assert!(!forge.exists("web.txt"));
    assert!(!forge.exists("packer-manifest.json"));
    let forge = pair(&template, "    on_failure: keep\n");
    let ended = forge.run(&["run"]);
    assert_eq!(ended.code(1).stdout.matches("--> file.web: Stored file: web.txt").count(), 1, "{}", ended.stdout);
    let manifest = forge.read("packer-manifest.json");
    assert_eq!(manifest.matches("\"name\": \"web.txt\"").count(), 1, "{manifest}");
    forge.run(&["cleanup"]).expect(0, "nothing to clean up");
    assert_eq!(forge.read("packer-manifest.json"), manifest);
}

#[test]
fn a_manifest_keeps_its_entry_where_a_later_step_fails_and_the_artifact_stays() {
    let steps = "post-processors {\n    post-processor \"manifest\" {}\n    post-processor \"shell-local\" {\n      inline = [\"exit 1\"]\n    }\n  }\n}\n";
    let template = TEMPLATE.replace("[\"file.web\"]\n}", &format!("[\"file.web\"]\n  {steps}"));
    let forge = Forge::new().file("web.pkr.hcl", &template);
    forge.run(&["build", "web.pkr.hcl"]).code(1);
    assert_eq!(forge.read("web.txt"), "hello");
    assert!(forge.read("packer-manifest.json").contains("\"name\": \"web.txt\""));
}

#[test]
fn with_keep_the_artifact_of_the_other_build_stays_and_is_listed_without_a_tag() {
    for more in ["    on_failure: keep\n", "defaults: { on_failure: keep }\n"] {
        let forge = pair(PAIR, more);
        let ended = forge.run(&["run"]);
        assert_eq!(
            end(&ended.code(1).stdout),
            format!(
                "{NOTHING_ELSE}
==> Builds finished. The artifacts of successful builds are:
--> file.web: Stored file: web.txt
"
            )
        );
        assert_eq!(forge.read("web.txt"), "hello");
        assert!(!forge.exists("out/web/manifest.json"));
        assert_eq!(git(&forge, &["tag", "-l"]), "");
    }
}

#[test]
fn two_builds_of_an_image_have_one_version_one_manifest_and_one_tag() {
    let forge = pair(&PAIR.replace("exit 1", "exit 0"), "");
    forge.run(&["run"]).code(0);
    let manifest = forge.read("out/web/manifest.json");
    assert_eq!(manifest.matches("\"artifact_id\"").count(), 2, "{manifest}");
    assert_eq!(git(&forge, &["tag", "-l"]), "images/web/v0.1.0");
}

#[test]
fn builds_of_a_template_are_each_for_themselves() {
    let forge = Forge::new().file("web.pkr.hcl", PAIR);
    let ended = forge.run(&["build", "web.pkr.hcl"]);
    assert!(ended.code(1).stdout.contains("--> file.web: Stored file: web.txt"), "{}", ended.stdout);
    assert_eq!(forge.read("web.txt"), "hello");
}
