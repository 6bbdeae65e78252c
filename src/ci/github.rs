//! GitHub Actions: annotations by workflow commands, and values by files.

use super::{CiPlatform, Environment, Job, Outputs, Trigger, branch_of, default_branch, in_workspace};
use crate::event::{Event, Reporter};
use crate::git::Git;
use crate::reports::Lines;
use crate::reports::terminal::{Look, Terminal};
use anyhow::{Context as _, Result};
use async_trait::async_trait;
use imgforge_template::diagnostic::{Diagnostic, Severity};
use imgforge_template::source::{Origin, Sources};
use serde_json::Value;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

pub(super) struct GitHub;

#[async_trait]
impl CiPlatform for GitHub {
    fn name(&self) -> &'static str {
        "github"
    }

    /// Forgejo and Gitea run the same actions and say the same, so they are served the same.
    fn detect(&self, environment: &Environment) -> bool {
        environment.get("GITHUB_ACTIONS") == Some("true")
    }

    async fn job(&self, environment: &Environment, git: &Git) -> Result<Job> {
        let payload = environment.get("GITHUB_EVENT_PATH").and_then(|path| {
            let bytes = std::fs::read(path).ok()?;
            serde_json::from_slice::<Value>(&bytes).ok()
        });
        let payload = payload.unwrap_or(Value::Null);
        let is_tag = environment.get("GITHUB_REF_TYPE") == Some("tag");
        let trigger = match environment.get("GITHUB_EVENT_NAME").unwrap_or_default() {
            "pull_request" | "pull_request_target" | "merge_group" => Trigger::PullRequest,
            "push" | "release" | "create" if is_tag => Trigger::Tag,
            "push" => Trigger::Push,
            "schedule" => Trigger::Schedule,
            "workflow_dispatch" | "repository_dispatch" => Trigger::Manual,
            _ => Trigger::Other,
        };
        let name = environment.owned("GITHUB_REF_NAME");
        let text = |pointer: &str| payload.pointer(pointer).and_then(Value::as_str);
        // The head repository is null when the fork is gone; with no payload at all the safe answer is yes.
        let is_fork = trigger == Trigger::PullRequest
            && environment.get("GITHUB_EVENT_NAME") != Some("merge_group")
            && (text("/pull_request/head/repo/full_name").is_none()
                || text("/pull_request/head/repo/full_name") != text("/pull_request/base/repo/full_name"));
        let default_branch = match text("/repository/default_branch") {
            Some(branch) => Some(branch.to_owned()),
            // Schedules run on the default branch only, and their payload may say nothing else.
            None if trigger == Trigger::Schedule => name.clone().filter(|_| !is_tag),
            None => default_branch(git).await,
        };
        let branch = name.clone().filter(|_| trigger != Trigger::PullRequest && !is_tag);
        // Annotations are told from the repository, which is not the workspace if it was checked out into a folder.
        // A link may lead from there to a repository that is none of this job's.
        let workspace = environment.owned("GITHUB_WORKSPACE").map(PathBuf::from);
        let real = workspace.as_ref().and_then(|workspace| workspace.canonicalize().ok());
        let root = git.try_run(&["rev-parse", "--show-toplevel"]).await.map(PathBuf::from);
        let root = root.filter(|root| real.is_none_or(|real| root.starts_with(real)));
        let parts = ["GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID", "GITHUB_RUN_ATTEMPT"];
        let parts: Option<Vec<&str>> = parts.iter().map(|part| environment.get(part)).collect();
        let url = parts.map(|parts| match parts.as_slice() {
            [server, repository, run, attempt] => {
                format!("{server}/{repository}/actions/runs/{run}/attempts/{attempt}")
            }
            _ => String::new(),
        });
        Ok(Job {
            trigger,
            branch: branch_of(branch, environment.get("GITHUB_SHA"), git).await,
            tag: name.filter(|_| is_tag),
            default_branch,
            is_fork,
            url,
            workspace: root.or(workspace),
        })
    }

    fn reporter(&self, job: &Job, lines: Lines) -> Box<dyn Reporter> {
        let out = Shared(Arc::new(Mutex::new(lines.out)));
        let terminal = Terminal::new(Box::new(Neutral { out: out.clone(), line: Vec::new() }), Look::default());
        let working_directory = std::env::current_dir().unwrap_or_default();
        Box::new(Annotations {
            out,
            terminal,
            workspace: job.workspace.clone(),
            working_directory,
            errors: Count::default(),
            warnings: Count::default(),
            masked: BTreeSet::new(),
            is_masking: !lines.is_file,
        })
    }

    fn outputs(&self, environment: &Environment, outputs: &Outputs) -> Result<()> {
        for (variable, text) in [("GITHUB_OUTPUT", file_commands(outputs)?), ("GITHUB_STEP_SUMMARY", summary(outputs))]
        {
            let Some(path) = environment.get(variable) else { continue };
            let mut file = OpenOptions::new().append(true).create(true).open(path);
            let file = file.as_mut().map_err(|error| anyhow::anyhow!("open {variable}: {error}"))?;
            file.write_all(text.as_bytes()).with_context(|| format!("write {variable}"))?;
        }
        Ok(())
    }
}

/// What the run has come to, for its page.
fn summary(outputs: &Outputs) -> String {
    let cell = |text: &str| text.replace(['\n', '\r'], " ").replace('|', "\\|").replace('<', "&lt;");
    let rows = outputs.iter().map(|(name, value)| format!("| {name} | {} |\n", cell(value)));
    format!("### imgforge\n\n| output | value |\n| --- | --- |\n{}\n", rows.collect::<String>())
}

/// The heredoc form, with a delimiter that nobody can guess: a value can't end itself and set others.
fn file_commands(outputs: &Outputs) -> Result<String> {
    let delimiter = format!("imgforge_{:032x}", rand::random::<u128>());
    let mut text = String::new();
    for (name, value) in outputs.iter() {
        anyhow::ensure!(!value.contains(&delimiter), "the output `{name}` can't be written");
        text.push_str(&format!("{name}<<{delimiter}\n{value}\n{delimiter}\n"));
    }
    Ok(text)
}

/// One stream for commands and lines.
#[derive(Clone)]
struct Shared(Arc<Mutex<Box<dyn Write + Send>>>);

impl Shared {
    fn write_line(&self, line: &str) {
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A closed log ends nothing: the result of the run counts.
        let _written = out.write_all(format!("{line}\n").as_bytes()).and_then(|()| out.flush());
    }
}

/// Lines of commands that ran in a build, in which no text may become a command of the runner: one that starts with
/// `::`, or has `##[` anywhere. A space in front or between is enough for the runner and hardly seen by people.
struct Neutral {
    out: Shared,
    line: Vec<u8>,
}

impl Write for Neutral {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for byte in bytes {
            if *byte == b'\n' {
                let line = std::mem::take(&mut self.line);
                self.out.write_line(&neutral(&String::from_utf8_lossy(&line)));
            } else {
                self.line.push(*byte);
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a runner reads what this process prints.
pub(crate) fn is_read_by_runner() -> bool {
    std::env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// A stream on which no line is a command of the runner.
pub(crate) fn without_commands(out: Box<dyn Write + Send>) -> Box<dyn Write + Send> {
    Box::new(Neutral { out: Shared(Arc::new(Mutex::new(out))), line: Vec::new() })
}

fn neutral(line: &str) -> String {
    let line = line.replace('\r', " ").replace("##[", "## [");
    match line.trim_start().strip_prefix("::") {
        Some(rest) => format!(": :{rest}"),
        None => line,
    }
}

/// The runner shows this many annotations of a kind for a step; the last one says how many more there are.
const LIMIT: usize = 10;

/// Characters of a message that the runner keeps.
const MESSAGE_LIMIT: usize = 4096;

struct Annotations {
    out: Shared,
    terminal: Terminal,
    workspace: Option<PathBuf>,
    working_directory: PathBuf,
    errors: Count,
    warnings: Count,
    masked: BTreeSet<String>,
    /// A file is read by no runner, and is often uploaded with the secrets in it. Our own lines have none anyway.
    is_masking: bool,
}

/// Annotations of one kind so far.
#[derive(Default)]
pub(crate) struct Count {
    told: usize,
    /// The tenth, held back until it is known whether it is the last.
    tenth: Option<String>,
}

impl Count {
    /// Counts one more. The line, where it is to be written at once.
    pub(crate) fn next(&mut self, line: String) -> Option<String> {
        self.told += 1;
        match self.told.cmp(&LIMIT) {
            Ordering::Less => Some(line),
            Ordering::Equal => {
                self.tenth = Some(line);
                None
            }
            Ordering::Greater => None,
        }
    }

    /// What is to be written when there are no more: the tenth, or how many there are besides those written.
    pub(crate) fn last(&mut self, kind: &str) -> Option<String> {
        let tenth = self.tenth.take()?;
        Some(match self.told + 1 - LIMIT {
            1 => tenth,
            more => format!("::{kind} title=imgforge::{more} more {kind}s are in the log of this step"),
        })
    }
}

impl Reporter for Annotations {
    fn event(&mut self, event: &Event) {
        // The text with its lines of source is for the log; the annotation stands at the file.
        self.terminal.event(event);
        if let Event::Diagnostics { sources, list } = event {
            let mut sorted: Vec<&Diagnostic> = list.iter().collect();
            sorted.sort_by_key(|diagnostic| diagnostic.severity);
            for diagnostic in sorted {
                self.annotate(diagnostic, sources);
            }
        }
    }

    fn secrets(&mut self, secrets: &[String]) {
        for secret in secrets.iter().filter(|secret| self.is_masking && is_maskable(secret)) {
            if self.masked.insert(secret.clone()) {
                self.out.write_line(&format!("::add-mask::{}", data(secret)));
            }
        }
    }

    fn finish(&mut self) -> Result<()> {
        for (kind, count) in [("error", &mut self.errors), ("warning", &mut self.warnings)] {
            if let Some(line) = count.last(kind) {
                self.out.write_line(&line);
            }
        }
        Ok(())
    }
}

/// The runner replaces a masked text in every line of the job: short texts and plain words would shred the log.
fn is_maskable(secret: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "null", "none", "default", "enabled", "disabled", "root", "test"];
    let secret = secret.trim();
    secret.chars().count() >= 4 && !WORDS.iter().any(|word| secret.eq_ignore_ascii_case(word))
}

impl Annotations {
    fn annotate(&mut self, diagnostic: &Diagnostic, sources: &Sources) {
        let count = match diagnostic.severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        let line = command(diagnostic, sources, self.workspace.as_deref(), &self.working_directory);
        if let Some(line) = count.next(line) {
            self.out.write_line(&line);
        }
    }
}

/// `::error title=…,file=…,line=…,endLine=…,col=…,endColumn=…::message`
pub(crate) fn command(
    diagnostic: &Diagnostic,
    sources: &Sources,
    workspace: Option<&Path>,
    working_directory: &Path,
) -> String {
    let kind = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    // In the order of GitHub's own toolkit.
    let mut properties = vec![format!("title={}", property(diagnostic.code))];
    let primary = diagnostic.primary.as_ref().filter(|label| sources.origin(label.span.file) == Origin::File);
    let file = primary.and_then(|label| in_workspace(&sources.name(label.span.file), workspace, working_directory));
    if let (Some(label), Some(file)) = (primary, file) {
        let (start, end) = sources.range(label.span);
        properties.push(format!("file={}", property(&file)));
        properties.push(format!("line={},endLine={}", start.line, end.line));
        // Columns of a range over several lines are dropped by the runner, with a warning in some versions.
        if start.line == end.line {
            properties.push(format!("col={},endColumn={}", start.column, end.column.max(start.column + 1)));
        }
    }
    let mut message = diagnostic.message.clone();
    for label in diagnostic.related.iter().filter(|label| !label.message.is_empty()) {
        let place = sources.position(label.span.file, label.span.start);
        message.push_str(&format!("\n{}: {}:{}", label.message, sources.name(label.span.file), place.line));
    }
    if let Some(help) = &diagnostic.help {
        message.push_str(&format!("\nhelp: {help}"));
    }
    // The runner cuts longer ones off, in the middle of what may be an escape.
    let message: String = message.chars().take(MESSAGE_LIMIT).collect();
    format!("::{kind} {}::{}", properties.join(","), data(&message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use imgforge_template::source::Span;

    #[test]
    fn a_diagnostic_is_a_command_with_exact_escapes() {
        let sources = Sources::default();
        let file = sources.add("images/a:b,c%.hcl", Origin::File, "one\nx = rgion\n");
        let diagnostic = Diagnostic::error("undefined-variable", "bad, 100%\nnext")
            .at(Span::new(file, 8..13))
            .related(Span::new(file, 0..3), "declared here")
            .help("did you mean `region`?");
        assert_eq!(
            command(&diagnostic, &sources, Some(Path::new("/w")), Path::new("/w")),
            "::error title=undefined-variable,file=images/a%3Ab%2Cc%25.hcl,line=2,endLine=2,col=5,endColumn=10\
             ::bad, 100%25%0Anext%0Adeclared here: images/a:b,c%25.hcl:1%0Ahelp: did you mean `region`?"
        );
        let diagnostic = Diagnostic::warning("x", "over lines").at(Span::new(file, 0..7));
        assert_eq!(
            command(&diagnostic, &sources, None, Path::new("/w")),
            "::warning title=x,file=images/a%3Ab%2Cc%25.hcl,line=1,endLine=2::over lines"
        );
        let flag = sources.add("-var x", Origin::Argument, "y");
        let diagnostic = Diagnostic::error("x", "wrong").at(Span::new(flag, 0..1));
        assert_eq!(command(&diagnostic, &sources, None, Path::new("/w")), "::error title=x::wrong");
    }

    #[test]
    fn what_a_build_prints_is_never_a_command() {
        for (line, expected) in [
            ("::error::x", ": :error::x"),
            ("  ::add-mask::x", ": :add-mask::x"),
            ("==> a: ::error::x", "==> a: ::error::x"),
            ("==> a: ##[error]x", "==> a: ## [error]x"),
            ("a\r::error::x", "a ::error::x"),
        ] {
            assert_eq!(neutral(line), expected);
        }
    }

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn commands(errors: usize, secrets: &[String], is_file: bool) -> Vec<String> {
        let log = Log::default();
        let job = Job {
            trigger: Trigger::Push,
            branch: None,
            tag: None,
            default_branch: None,
            is_fork: false,
            url: None,
            workspace: None,
        };
        let lines = Lines { out: Box::new(log.clone()), is_terminal: false, is_file };
        let mut reporter = GitHub.reporter(&job, lines);
        reporter.secrets(secrets);
        reporter.secrets(secrets);
        let list = (0..errors).map(|index| Diagnostic::error("x", format!("mistake {index}"))).collect();
        reporter.event(&Event::Diagnostics { sources: Arc::default(), list });
        reporter.finish().unwrap();
        let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        text.lines().filter(|line| line.starts_with("::")).map(str::to_owned).collect()
    }

    #[test]
    fn ten_annotations_are_shown_and_of_more_their_number() {
        let ten = commands(10, &[], false);
        assert_eq!((ten.len(), ten[9].as_str()), (10, "::error title=x::mistake 9"));
        let twelve = commands(12, &[], false);
        assert_eq!(twelve.len(), 10);
        assert_eq!(twelve[9], "::error title=imgforge::3 more errors are in the log of this step");
    }

    #[test]
    fn secrets_are_masked_once_but_not_plain_words() {
        let secrets = ["s3cret%".to_owned(), "true".to_owned(), "abc".to_owned()];
        assert_eq!(commands(0, &secrets, false), ["::add-mask::s3cret%25"]);
        assert_eq!(commands(0, &secrets, true), [""; 0], "a file would keep it");
    }

    #[test]
    fn an_output_can_not_set_others() {
        let mut outputs = Outputs::default();
        outputs.set("tag", "v1\ntag<<x\nevil\nx");
        let text = file_commands(&outputs).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let delimiter = lines[0].strip_prefix("tag<<").unwrap();
        assert_eq!(lines[1..], ["v1", "tag<<x", "evil", "x", delimiter]);
    }

    #[tokio::test]
    async fn events_and_forks_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("event.json");
        let job = async |event: &str, kind: &str, payload: &str| {
            std::fs::write(&path, payload).unwrap();
            let environment = Environment::from([
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_EVENT_NAME", event),
                ("GITHUB_EVENT_PATH", path.to_str().unwrap()),
                ("GITHUB_REF_NAME", "x"),
                ("GITHUB_REF_TYPE", kind),
            ]);
            GitHub.job(&environment, &Git::new(folder.path())).await.unwrap()
        };
        let push = job("push", "branch", r#"{"repository":{"default_branch":"x"}}"#).await;
        assert_eq!(
            (push.trigger, push.branch.as_deref(), push.default_branch.as_deref(), push.is_fork),
            (Trigger::Push, Some("x"), Some("x"), false)
        );
        let tag = job("push", "tag", "{}").await;
        assert_eq!((tag.trigger, tag.branch, tag.tag.as_deref()), (Trigger::Tag, None, Some("x")));
        let repos = |head: &str| {
            format!(r#"{{"pull_request":{{"head":{{"repo":{head}}},"base":{{"repo":{{"full_name":"a/b"}}}}}}}}"#)
        };
        for (payload, is_fork) in [
            (repos(r#"{"full_name":"a/b"}"#), false),
            (repos(r#"{"full_name":"x/b"}"#), true),
            (repos("null"), true),
            ("not json".to_owned(), true),
        ] {
            let pull = job("pull_request", "branch", &payload).await;
            assert_eq!((pull.trigger, pull.is_fork), (Trigger::PullRequest, is_fork), "{payload}");
        }
        assert_eq!(job("issue_comment", "branch", "{}").await.trigger, Trigger::Other);
        // A schedule runs on the default branch, and its payload may say nothing else.
        let schedule = job("schedule", "branch", r#"{"schedule": "0 3 * * 1"}"#).await;
        assert_eq!((schedule.trigger, schedule.default_branch.as_deref()), (Trigger::Schedule, Some("x")));
    }

    #[test]
    fn the_summary_is_a_short_table() {
        let mut outputs = Outputs::default();
        outputs.set("conclusion", "success");
        outputs.set("tag", "a|b\n<x>");
        assert_eq!(
            summary(&outputs),
            "### imgforge\n\n| output | value |\n| --- | --- |\n| conclusion | success |\n| tag | a\\|b &lt;x> |\n\n"
        );
    }

    #[tokio::test]
    async fn a_checkout_in_a_folder_or_of_another_commit_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let checkout = root.join("checkout");
        let git = |arguments: &[&str]| {
            let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
            let output = std::process::Command::new("git").arg("-C").arg(&root).args(identity).args(arguments).output();
            let output = output.unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        git(&["init", "-q", "-b", "main", "checkout"]);
        git(&["-C", "checkout", "commit", "-q", "--allow-empty", "-m", "first"]);
        let head = git(&["-C", "checkout", "rev-parse", "HEAD"]);
        let job = async |commit: &str| {
            let environment = Environment::from([
                ("GITHUB_EVENT_NAME", "push"),
                ("GITHUB_REF_NAME", "main"),
                ("GITHUB_SHA", commit),
                ("GITHUB_WORKSPACE", root.to_str().unwrap()),
            ]);
            GitHub.job(&environment, &Git::new(&checkout)).await.unwrap()
        };
        let same = job(&head).await;
        assert_eq!((same.branch.as_deref(), same.workspace.as_deref()), (Some("main"), Some(checkout.as_path())));
        assert_eq!(job("1234567890123456789012345678901234567890").await.branch, None);
        // The folder of the pipeline may be a link to another checkout on the same machine.
        let other = tempfile::tempdir().unwrap();
        git(&["init", "-q", other.path().to_str().unwrap()]);
        let environment = Environment::from([("GITHUB_WORKSPACE", root.to_str().unwrap())]);
        let job = GitHub.job(&environment, &Git::new(other.path())).await.unwrap();
        assert_eq!(job.workspace.as_deref(), Some(root.as_path()));
    }
}
