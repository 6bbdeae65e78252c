//! `Forge`: a folder with files, a run of the program in it, and what came of it.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// A story about one folder. The environment has nothing in it but what the story says.
pub(crate) struct Forge {
    folder: TempDir,
    state: TempDir,
    environment: BTreeMap<String, String>,
}

impl Forge {
    pub(crate) fn new() -> Self {
        let (folder, state) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        Self { folder, state, environment: BTreeMap::new() }
    }

    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn state(&self) -> &Path {
        self.state.path()
    }

    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path().join(name).exists()
    }

    /// The program with these arguments, not started yet.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        self.command_as(Path::new(env!("CARGO_BIN_EXE_imgforge")), arguments)
    }

    fn command_as(&self, program: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.state())
            .env("IMGFORGE_STATE_DIR", self.state().join("state"))
            .envs(&self.environment)
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ended {
        self.ended(self.command(arguments).output().unwrap())
    }

    /// The same, with this on standard input.
    pub(crate) fn feed(&self, arguments: &[&str], input: &str) -> Ended {
        let mut command = self.command(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It may end without having read all of it, which is for the story to judge.
        let _unread = child.stdin.take().unwrap().write_all(input.as_bytes());
        self.ended(child.wait_with_output().unwrap())
    }

    /// Another program, in the same place and environment.
    pub(crate) fn program(&self, program: &str, arguments: &[&str]) -> Ended {
        self.ended(self.command_as(Path::new(program), arguments).output().unwrap())
    }

    /// The same, called by the name `packer`.
    pub(crate) fn packer(&self, arguments: &[&str]) -> Ended {
        let link: PathBuf = self.state().join("packer");
        if !link.exists() {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_imgforge"), &link).unwrap();
        }
        self.ended(self.command_as(&link, arguments).output().unwrap())
    }

    pub(crate) fn ended(&self, output: Output) -> Ended {
        let text = |bytes: Vec<u8>| {
            // The folder's name differs each time.
            let folder = self.path().canonicalize().unwrap();
            let text = String::from_utf8(bytes).unwrap();
            text.replace(folder.to_str().unwrap(), "@FOLDER@").replace(self.state().to_str().unwrap(), "@STATE@")
        };
        Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Expects this exit code, and this on standard output, to the letter but for durations and scratch paths.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32, stdout: &str) {
        let shown = redact(&self.stdout);
        assert_eq!(shown.trim_end(), stdout.trim_end(), "code {:?}, stderr: {}", self.code, self.stderr);
        assert_eq!(self.code, Some(code), "stderr: {}", self.stderr);
        assert_eq!(self.stderr, "");
    }

    /// Expects this exit code.
    #[track_caller]
    pub(crate) fn code(&self, code: i32) -> &Self {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        self
    }
}

/// Takes out what differs from run to run: durations and the names of temporary scripts.
fn redact(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let line = match line.find(" after ") {
            Some(at) if line.starts_with("Build '") || line.starts_with("==> Wait completed") => {
                let rest = &line[at + " after ".len()..];
                let tail = rest.find([':', '.']).map_or("", |end| &rest[end..]);
                format!("{} after @TIME@{tail}", &line[..at])
            }
            _ => line.to_owned(),
        };
        let line = match line.find("@STATE@/state/runs/") {
            Some(at) => {
                let end = line[at..].find(' ').map_or(line.len(), |length| at + length);
                format!("{}@SCRIPT@{}", &line[..at], &line[end..])
            }
            None => line,
        };
        lines.push(line);
    }
    lines.join("\n")
}
