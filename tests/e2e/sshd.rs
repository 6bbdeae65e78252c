//! A real sshd with a configuration of its own, and what a communicator needs to talk to it.

use imgforge::clients::Clients;
use imgforge::communicators::ssh::{Ssh, SshArguments, TemporaryKey};
use imgforge::communicators::{Communicator, OutputSink};
use imgforge::context::BuildContext;
use imgforge::event::{Event, Events, Reporter};
use imgforge::host::LocalHost;
use imgforge::secret::Redactor;
use imgforge_ledger::Ledger;
use imgforge_template::body::{Body, Entry};
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::gotemplate::{BuildValues, GoContext, User};
use imgforge_template::source::{Origin, Sources, Span};
use imgforge_template::value::Value;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

/// The user that tests log in as: nobody's account, with `/bin/sh`.
pub(crate) const USER: &str = "imgforge-test";
pub(crate) const PASSWORD: &str = "imgforge test password";

/// One sshd; dropping it ends it and all its connections.
pub(crate) struct Sshd {
    pub(crate) port: u16,
    /// Holds the configuration; also a place for files of the test, which the user can write to.
    pub(crate) folder: TempDir,
    server: Child,
}

impl Sshd {
    /// Starts one that lets `key` and the password in. `settings` are further lines of `sshd_config`.
    pub(crate) fn start(key: Option<&TemporaryKey>, settings: &str) -> Self {
        let program = ["/usr/sbin/sshd", "/usr/local/sbin/sshd"].into_iter().find(|path| Path::new(path).exists());
        let program = program.expect("these tests need sshd: install `openssh-server`");
        make_user();
        // Where sshd puts its unprivileged half; a system that never ran one has no such folder.
        std::fs::create_dir_all("/run/sshd").unwrap();
        let folder = tempfile::Builder::new().prefix("imgforge-sshd-").tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        run("chmod", &["0755", folder.path().to_str().unwrap()]);
        run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", path("host_key").to_str().unwrap()]);
        std::fs::write(path("authorized_keys"), key.map_or("", TemporaryKey::public)).unwrap();
        std::fs::create_dir(path("work")).unwrap();
        run("chown", &[USER, path("work").to_str().unwrap()]);
        let port = free_port();
        let configuration = format!(
            "Port {port}\nListenAddress 127.0.0.1\nHostKey {host_key}\nPidFile none\nUsePAM no\nStrictModes no\n\
             AuthorizedKeysFile {authorized_keys}\nMaxStartups 100\nSubsystem sftp internal-sftp\n{settings}\n",
            host_key = path("host_key").display(),
            authorized_keys = path("authorized_keys").display(),
        );
        std::fs::write(path("sshd_config"), configuration).unwrap();
        let server = Command::new(program)
            .arg("-D")
            .args(["-E", path("log").to_str().unwrap(), "-f", path("sshd_config").to_str().unwrap()])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let sshd = Self { port, folder, server };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "sshd does not start: {}", sshd.log());
            std::thread::sleep(Duration::from_millis(5));
        }
        sshd
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A path in the folder that the user can write to.
    pub(crate) fn work(&self, name: &str) -> PathBuf {
        self.folder.path().join("work").join(name)
    }

    /// Ends every connection and what runs on it, but not the server.
    pub(crate) fn kill_connections(&self) {
        for process in children(&self.server.id().to_string()) {
            // Gone already is as good.
            Command::new("kill").args(["-KILL", &process]).stderr(Stdio::null()).status().unwrap();
        }
    }
}

/// All processes below one, the nearest first.
fn children(parent: &str) -> Vec<String> {
    let output = Command::new("pgrep").args(["-P", parent]).output().expect("these tests need pgrep: install `procps`");
    let mut found: Vec<String> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    let below: Vec<_> = found.iter().flat_map(|child| children(child)).collect();
    found.extend(below);
    found
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill_connections();
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

fn make_user() {
    static MADE: OnceLock<()> = OnceLock::new();
    MADE.get_or_init(|| {
        if !Command::new("id").arg(USER).output().unwrap().status.success() {
            run("useradd", &["--create-home", "--shell", "/bin/sh", USER]);
        }
        let mut child = Command::new("chpasswd").stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(format!("{USER}:{PASSWORD}\n").as_bytes()).unwrap();
        assert!(child.wait().unwrap().success(), "chpasswd");
    });
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A body as if these arguments had been written in a template, each in a line of its own.
pub(crate) fn body(arguments: &[(&str, Value)]) -> (Body, Sources) {
    let mut text = "source \"null\" \"test\" {\n".to_owned();
    let mut places = Vec::new();
    for (name, value) in arguments {
        let start = text.len() + 2;
        text += &format!("  {name} = {:?}\n", value.kind);
        places.push((start, text.len() - 1));
    }
    text.push_str("}\n");
    let sources = Sources::default();
    let file = sources.add("test.pkr.hcl", Origin::File, text);
    let entries = arguments.iter().zip(places).map(|((name, value), (start, end))| {
        let key = Span::new(file, start..start + name.len());
        let span = Span::new(file, start + name.len() + 3..end);
        ((*name).to_owned(), Entry { key, value: value.clone(), expression: None, span })
    });
    let context = GoContext {
        host: Arc::new(LocalHost::new().unwrap()),
        user: User::Forbidden,
        environment_allowed: false,
        secrets: None,
        build_name: None,
        build_type: None,
        template_dir: None,
        resource_names: None,
        build_values: BuildValues::Forbidden,
    };
    let body = Body::new(entries.collect(), Span::new(file, 0..20), Arc::new(context), false);
    (body, sources)
}

/// The arguments for logging in as [`USER`], and `more`. They have to pass the checks.
pub(crate) fn arguments(more: &[(&str, &str)]) -> SshArguments {
    let mut arguments = vec![("ssh_username", Value::string(USER))];
    arguments.extend(more.iter().map(|(name, value)| (*name, Value::string(*value))));
    let (body, _sources) = body(&arguments);
    let mut diagnostics = Diagnostics::default();
    let arguments: SshArguments = body.read(&mut diagnostics);
    arguments.check(&body, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    arguments
}

/// A build to connect in, and what it says.
pub(crate) struct Build {
    pub(crate) context: BuildContext,
    lines: Arc<Mutex<Vec<String>>>,
    _state: TempDir,
}

struct Lines(Arc<Mutex<Vec<String>>>);

impl Reporter for Lines {
    fn event(&mut self, event: &Event) {
        if let Event::BuildLine { text, .. } = event {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

impl Build {
    pub(crate) fn new() -> Self {
        let state = tempfile::tempdir().unwrap();
        let lines = Arc::new(Mutex::new(Vec::new()));
        let ledger = Ledger::open(state.path()).unwrap();
        let context = BuildContext {
            name: "null.test".to_owned(),
            label: "test".to_owned(),
            builder_type: "null".to_owned(),
            run_uuid: String::new(),
            ledger: ledger.build("null.test"),
            clients: Clients::default(),
            cancel: CancellationToken::new(),
            force: false,
            debug: false,
            source: None,
            events: Events::new(vec![Box::new(Lines(lines.clone()))], Redactor::default()),
        };
        Self { context, lines, _state: state }
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }
}

/// What a command wrote.
#[derive(Default)]
pub(crate) struct Written {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl OutputSink for Written {
    fn stdout(&mut self, bytes: &[u8]) {
        self.stdout += &String::from_utf8_lossy(bytes);
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.stderr += &String::from_utf8_lossy(bytes);
    }
}

/// Runs a command, and shows all that came of it: output, errors, code.
pub(crate) async fn shown(communicator: &dyn Communicator, command: &str) -> String {
    let mut written = Written::default();
    let status = communicator.run(command, &mut written).await.unwrap();
    format!("{}|{}|{}", written.stdout, written.stderr, status.code())
}

/// A server and a connection to it by a temporary key.
pub(crate) async fn connected(settings: &str, more: &[(&str, &str)]) -> (Sshd, Ssh) {
    let key = TemporaryKey::generate("imgforge test").unwrap();
    let sshd = Sshd::start(Some(&key), settings);
    let build = Build::new();
    let ssh = Ssh::connect(&arguments(more), "127.0.0.1", sshd.port, Some(&key), &build.context).await;
    let ssh = ssh.unwrap_or_else(|error| panic!("{error:#}\n{}", sshd.log()));
    assert_eq!(
        build.lines(),
        ["Using SSH communicator to connect: 127.0.0.1", "Waiting for SSH to become available...", "Connected to SSH!"]
    );
    (sshd, ssh)
}

/// Nobody watches a transfer.
pub(crate) fn silent(_done: u64, _total: u64) {}

/// Files below a folder with their modes and sizes, links shown as such.
pub(crate) fn tree(folder: &Path) -> String {
    let output = std::process::Command::new("find")
        .args([".", "-mindepth", "1", "-printf", "%P %y %m %s\n"])
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    // Sizes of folders depend on the file system.
    let mut lines: Vec<_> =
        text.lines().map(|line| if line.contains(" d ") { line.rsplit_once(' ').unwrap().0 } else { line }).collect();
    lines.sort_unstable();
    lines.join("\n")
}
