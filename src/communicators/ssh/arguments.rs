//! What templates say about the communicator, and the checks on it before a build.

use super::key;
use imgforge_template::arguments;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::duration;
use imgforge_template::source::{Span, Spanned};
use russh::{cipher, kex};
use std::path::PathBuf;
use std::time::Duration;

arguments! {
    /// What every builder that speaks SSH takes.
    pub struct SshArguments {
        /// How to talk to the machine: `ssh`, or `none` for a machine that nobody talks to. The default is `ssh`.
        communicator: Option<Spanned<String>>,
        /// Wait this long after the first connection, then connect again.
        pause_before_connecting: Option<Duration>,

        /// The machine's address, where the builder does not know it.
        ssh_host: Option<String>,
        /// The port that sshd listens on.
        ssh_port: u16 = "22",
        /// The user to log in as.
        ssh_username: Option<String>,
        /// Its password, also given to every question of `keyboard-interactive`.
        ssh_password: Option<String>,
        /// An existing key pair of the cloud.
        ssh_keypair_name: Option<Spanned<String>>,
        /// The name of the key pair that is made for the build, which is also its comment.
        temporary_key_pair_name: Option<String>,
        /// The kind of key made for the build; it is always `ed25519`.
        temporary_key_pair_type: Option<Spanned<String>>,
        /// Its length. An `ed25519` key has only one.
        temporary_key_pair_bits: Option<u32>,
        /// A private key without a passphrase.
        ssh_private_key_file: Option<Spanned<PathBuf>>,
        /// A certificate for the private key.
        ssh_certificate_file: Option<Spanned<PathBuf>>,
        /// Log in with the keys of the agent at `SSH_AUTH_SOCK`.
        ssh_agent_auth: Option<Spanned<bool>>,
        /// Don't let the machine use the local agent; it never may.
        ssh_disable_agent_forwarding: Option<bool>,
        /// The ciphers to offer, the best one first.
        ssh_ciphers: Vec<Spanned<String>>,
        /// The key exchange algorithms to offer, the best one first.
        ssh_key_exchange_algorithms: Vec<Spanned<String>>,
        /// Remove the temporary key from `authorized_keys` in the end.
        ssh_clear_authorized_keys: Option<Spanned<bool>>,
        /// Run commands on a terminal, which joins their output and errors.
        ssh_pty: Option<bool>,
        /// How long to wait for the first connection. The default is 5 minutes.
        ssh_timeout: Option<Duration>,
        /// The same under its older name, which wins.
        ssh_wait_timeout: Option<Duration>,
        /// How often the machine may refuse the user before the build fails. The default is 10 where no
        /// `ssh_timeout` is given, else without end.
        ssh_handshake_attempts: Option<u32>,
        /// How often to make sure that a silent machine is still there. The default is 5 seconds; negative is never.
        ssh_keep_alive_interval: Option<Spanned<String>>,
        /// Give a connection up on which nothing came for so long.
        ssh_read_write_timeout: Option<Duration>,
        /// `scp` or `sftp`; the fastest way that the machine knows is taken either way.
        ssh_file_transfer_method: Option<Spanned<String>>,

        /// A machine to connect through.
        ssh_bastion_host: Option<Spanned<String>>,
        /// Its port.
        ssh_bastion_port: Option<u16>,
        /// The user to log in as there.
        ssh_bastion_username: Option<String>,
        /// Its password.
        ssh_bastion_password: Option<String>,
        /// Ask for the password on the terminal.
        ssh_bastion_interactive: Option<bool>,
        /// A private key for it.
        ssh_bastion_private_key_file: Option<PathBuf>,
        /// A certificate for that key.
        ssh_bastion_certificate_file: Option<PathBuf>,
        /// Log in there with the keys of the local agent.
        ssh_bastion_agent_auth: Option<bool>,
        /// A SOCKS5 proxy to connect through.
        ssh_proxy_host: Option<Spanned<String>>,
        /// Its port.
        ssh_proxy_port: Option<u16>,
        /// The user to log in as there.
        ssh_proxy_username: Option<String>,
        /// Its password.
        ssh_proxy_password: Option<String>,
        /// Ports of the machine's network to open here: `port:host:hostport`.
        ssh_local_tunnels: Vec<Spanned<String>>,
        /// Ports of our network to open on the machine: `port:host:hostport`.
        ssh_remote_tunnels: Vec<Spanned<String>>,

        /// The user of WinRM.
        winrm_username: Option<String>,
        /// Its password.
        winrm_password: Option<String>,
        /// The address of WinRM.
        winrm_host: Option<String>,
        /// Its port.
        winrm_port: Option<u16>,
        /// How long to wait for WinRM.
        winrm_timeout: Option<Duration>,
        /// Use HTTPS.
        winrm_use_ssl: Option<bool>,
        /// Don't check the certificate.
        winrm_insecure: Option<bool>,
        /// Use NTLM.
        winrm_use_ntlm: Option<bool>,
        /// Don't use the proxy of the environment.
        winrm_no_proxy: Option<bool>,
    }
}

/// Packer's default for `ssh_timeout`.
const TIMEOUT: Duration = Duration::from_secs(300);
/// And for `ssh_handshake_attempts`.
const ATTEMPTS: u32 = 10;
/// And for `ssh_keep_alive_interval`.
const KEEP_ALIVE: Duration = Duration::from_secs(5);
/// How long Packer waits between two logins.
const PATIENCE: Duration = Duration::from_secs(7);

/// How many refused logins are too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attempts {
    pub(super) count: u32,
    /// They have to span this time, too: a number given for Packer's pace must not run out sooner at ours.
    pub(super) span: Duration,
}

impl SshArguments {
    /// Checks what can be checked before a build.
    pub fn check(&self, body: &Body, diagnostics: &mut Diagnostics) {
        if self.is_ssh() && !self.given.has("ssh_username") {
            diagnostics.push(
                Diagnostic::error("missing-argument", "the argument `ssh_username` is required to connect by SSH")
                    .at(body.header())
                    .help("add `ssh_username`, or `communicator = \"none\"` if nothing has to run on the machine"),
            );
        }
        self.check_without_user(body, diagnostics);
    }

    /// The same where the builder may know the user.
    pub fn check_without_user(&self, body: &Body, diagnostics: &mut Diagnostics) {
        if !self.check_communicator(diagnostics) {
            return;
        }
        self.check_login(body, diagnostics);
        self.check_algorithms(diagnostics);
        self.check_unsupported(diagnostics);
        if let (0, Some(span)) = (self.ssh_port, self.given.span("ssh_port")) {
            diagnostics.push(invalid("`ssh_port` must be from 1 to 65535, not 0", span));
        }
        if let Some(Err(why)) = self.parse_keep_alive()
            && let Some(span) = self.given.span("ssh_keep_alive_interval")
        {
            diagnostics.push(
                invalid(format!("`ssh_keep_alive_interval` is not a duration: {why}"), span)
                    .help("write it like `5s`, or `-1s` for never"),
            );
        }
        if let Some(method) = given(self.ssh_file_transfer_method.as_ref())
            && !matches!(method.as_str(), "scp" | "sftp")
        {
            diagnostics.push(
                invalid("`ssh_file_transfer_method` must be `scp` or `sftp`", method.span)
                    .help("leave it out: the fastest way that the machine knows is taken either way"),
            );
        }
    }

    /// Whether there is no communicator at all.
    pub fn is_none(&self) -> bool {
        self.communicator.as_ref().is_some_and(|kind| kind.value == "none")
    }

    /// Whether SSH is what it is, for all that is known, and other checks are of use.
    pub fn is_ssh(&self) -> bool {
        match given(self.communicator.as_ref()) {
            Some(kind) => kind.as_str() == "ssh",
            // Given but not there is unknown, and then nothing can be said of the rest.
            None => self.communicator.is_some() || !self.given.has("communicator"),
        }
    }

    fn check_communicator(&self, diagnostics: &mut Diagnostics) -> bool {
        let Some(kind) = given(self.communicator.as_ref()) else { return self.is_ssh() };
        match kind.as_str() {
            "ssh" | "none" => {}
            "winrm" => diagnostics
                .push(unsupported("the communicator `winrm`", kind.span).help("use `ssh`: Windows has OpenSSH, too")),
            other => diagnostics.push(invalid(
                format!("there is no communicator `{other}` for this builder: it is `ssh` or `none`"),
                kind.span,
            )),
        }
        self.is_ssh()
    }

    fn check_login(&self, body: &Body, diagnostics: &mut Diagnostics) {
        if let (Some(""), Some(span)) = (self.ssh_username.as_deref(), self.given.span("ssh_username")) {
            diagnostics.push(invalid("`ssh_username` must not be empty", span));
        }
        if let Some(file) = self.key_file() {
            key::check_file(file, body, diagnostics);
        }
        if let Some(kind) = given(self.temporary_key_pair_type.as_ref()) {
            match kind.as_str() {
                "ed25519" => {}
                "rsa" | "ecdsa" | "dsa" => diagnostics.push(
                    Diagnostic::warning("ed25519-key-instead", "the key made for the build is an `ed25519` key")
                        .at(kind.span)
                        .help("remove it, or write `ed25519`; OpenSSH knows these keys since 6.5 of 2014"),
                ),
                other => diagnostics.push(invalid(format!("there is no key type `{other}`"), kind.span)),
            }
        }
    }

    fn check_algorithms(&self, diagnostics: &mut Diagnostics) {
        for name in &self.ssh_ciphers {
            if cipher::Name::try_from(name.as_str()).is_err() {
                diagnostics.push(unknown_algorithm(
                    "cipher",
                    name,
                    cipher::ALL_CIPHERS.iter().map(|name| name.as_ref()),
                ));
            }
        }
        for name in &self.ssh_key_exchange_algorithms {
            if kex::Name::try_from(name.as_str()).is_err() {
                let known = kex::ALL_KEX_ALGORITHMS.iter().map(|name| name.as_ref());
                diagnostics.push(unknown_algorithm("key exchange algorithm", name, known));
            }
        }
    }

    fn check_unsupported(&self, diagnostics: &mut Diagnostics) {
        let mut refuse = |name: &str, span: Span| diagnostics.push(unsupported(&format!("`{name}`"), span));
        if let Some(host) = given(self.ssh_bastion_host.as_ref()) {
            refuse("ssh_bastion_host", host.span);
        }
        if let Some(host) = given(self.ssh_proxy_host.as_ref()) {
            refuse("ssh_proxy_host", host.span);
        }
        if let Some(file) = self.ssh_certificate_file.as_ref().filter(|file| !file.as_os_str().is_empty()) {
            refuse("ssh_certificate_file", file.span);
        }
        if let Some(clear) = self.ssh_clear_authorized_keys.as_ref().filter(|clear| clear.value) {
            refuse("ssh_clear_authorized_keys", clear.span);
        }
        for (name, tunnels) in
            [("ssh_local_tunnels", &self.ssh_local_tunnels), ("ssh_remote_tunnels", &self.ssh_remote_tunnels)]
        {
            if let Some(tunnel) = tunnels.first() {
                refuse(name, tunnel.span);
            }
        }
    }

    /// The private key's file, if one is named; templates pass empty strings through for "none".
    pub(crate) fn key_file(&self) -> Option<&Spanned<PathBuf>> {
        self.ssh_private_key_file.as_ref().filter(|file| !file.as_os_str().is_empty())
    }

    /// The password, if there is one.
    pub(crate) fn password(&self) -> Option<&str> {
        self.ssh_password.as_deref().filter(|password| !password.is_empty())
    }

    /// Whether the local agent's keys are used.
    pub(crate) fn uses_agent(&self) -> bool {
        self.ssh_agent_auth.as_ref().is_some_and(|agent| agent.value)
    }

    /// How long to wait for the first connection; 0 counts as not given. With `ssh_handshake_attempts` alone, Packer
    /// waits without end.
    pub(super) fn timeout(&self) -> Option<Duration> {
        let some = |timeout: Option<Duration>| timeout.filter(|timeout| !timeout.is_zero());
        let given = some(self.ssh_wait_timeout).or(some(self.ssh_timeout));
        if given.is_none() && self.handshake_attempts().is_some() { None } else { Some(given.unwrap_or(TIMEOUT)) }
    }

    fn handshake_attempts(&self) -> Option<u32> {
        self.ssh_handshake_attempts.filter(|attempts| *attempts > 0)
    }

    /// How many refused logins are too many; `None` if only the time counts, as in Packer where only it is given:
    /// installers have an sshd of their own, which refuses for as long as the installation takes.
    pub(super) fn attempts(&self) -> Option<Attempts> {
        match self.handshake_attempts() {
            Some(count) => Some(Attempts { count, span: PATIENCE.saturating_mul(count) }),
            None if self.ssh_timeout.is_some() || self.ssh_wait_timeout.is_some() => None,
            None => Some(Attempts { count: ATTEMPTS, span: Duration::ZERO }),
        }
    }

    /// How often to ask a silent machine whether it is there.
    pub(super) fn keep_alive(&self) -> Option<Duration> {
        match self.parse_keep_alive() {
            Some(Ok(interval)) => interval,
            Some(Err(_)) | None => Some(KEEP_ALIVE),
        }
    }

    fn parse_keep_alive(&self) -> Option<Result<Option<Duration>, String>> {
        let text = given(self.ssh_keep_alive_interval.as_ref())?;
        // Legacy JSON also has bare numbers, which are nanoseconds.
        let nanoseconds = text.parse().map_or_else(|_| duration::parse(text).map_err(|why| why.to_string()), Ok);
        Some(nanoseconds.map(|nanoseconds| match u64::try_from(nanoseconds) {
            Ok(0) => Some(KEEP_ALIVE),
            Ok(nanoseconds) => Some(Duration::from_nanos(nanoseconds)),
            Err(_) => None,
        }))
    }
}

/// The argument unless it is an empty string, which templates pass through for "not set".
fn given(argument: Option<&Spanned<String>>) -> Option<&Spanned<String>> {
    argument.filter(|text| !text.is_empty())
}

fn invalid(message: impl Into<String>, span: Span) -> Diagnostic {
    Diagnostic::error("invalid-value", message).at(span)
}

fn unsupported(what: &str, span: Span) -> Diagnostic {
    Diagnostic::error("not-supported-yet", format!("{what} is not supported yet"))
        .at(span)
        .help("remove it, or connect in another way")
}

fn unknown_algorithm<'a>(kind: &str, name: &Spanned<String>, known: impl Iterator<Item = &'a str>) -> Diagnostic {
    let known: Vec<_> = known.filter(|name| *name != "none" && *name != "clear").collect();
    invalid(format!("there is no {kind} `{}`", name.value), name.span).help(format!("known are {}", known.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use imgforge_template::body::Entry;
    use imgforge_template::gotemplate::{BuildValues, GoContext, User};
    use imgforge_template::host::{FileStatus, Host};
    use imgforge_template::source::{Origin, Sources};
    use imgforge_template::value::Value;
    use std::collections::BTreeMap;
    use std::io;
    use std::path::Path;
    use std::sync::{Arc, LazyLock};

    /// A world of some files in the home folder `/home/me`.
    struct Files;

    /// Making them takes a while.
    static FILES: LazyLock<BTreeMap<&str, Vec<u8>>> = LazyLock::new(|| {
        BTreeMap::from([
            ("/home/me/key", make_key(&["-t", "ed25519", "-N", ""])),
            ("rsa", make_key(&["-t", "rsa", "-b", "1024", "-m", "PEM", "-N", ""])),
            ("sealed", make_key(&["-t", "ed25519", "-N", "secret"])),
            ("sealed-pem", make_key(&["-t", "rsa", "-b", "1024", "-m", "PEM", "-N", "secret"])),
            ("sealed-pkcs8", make_key(&["-t", "ecdsa", "-m", "PKCS8", "-N", "secret"])),
            ("public", b"ssh-ed25519 AAAA me".to_vec()),
            ("junk", b"junk".to_vec()),
        ])
    });

    impl Host for Files {
        fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
            let content = path.to_str().and_then(|path| FILES.get(path));
            content.cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
        }
        fn status(&self, path: &Path) -> io::Result<FileStatus> {
            if path == Path::new("/home/me") {
                return Ok(FileStatus { is_directory: true, is_executable: true, size: 0 });
            }
            self.read(path).map(|text| FileStatus {
                is_directory: false,
                is_executable: false,
                size: text.len() as u64,
            })
        }
        fn list(&self, _directory: &Path) -> io::Result<Vec<String>> {
            Ok(Vec::new())
        }
        fn environment(&self, name: &str) -> Option<String> {
            (name == "HOME").then(|| "/home/me".to_owned())
        }
        fn started(&self) -> i64 {
            0
        }
        fn now(&self) -> i64 {
            0
        }
        fn working_directory(&self) -> PathBuf {
            PathBuf::from("/work")
        }
        fn uuid(&self) -> String {
            String::new()
        }
    }

    fn make_key(arguments: &[&str]) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let made = std::process::Command::new("ssh-keygen").arg("-q").arg("-f").arg(&file).args(arguments).status();
        assert!(made.expect("this test needs ssh-keygen: install `openssh-client`").success());
        std::fs::read(file).unwrap()
    }

    /// The arguments as read, and what the checks say: place, code, message.
    fn check(text: &[(&str, Value)]) -> (SshArguments, String) {
        let mut written = String::new();
        let sources = Sources::default();
        let file = sources.add("t.pkr.hcl", Origin::File, "");
        let mut entries = BTreeMap::new();
        for (name, value) in text {
            let key = Span::new(file, written.len()..written.len() + name.len());
            written += name;
            let span = Span::new(file, written.len()..written.len() + 1);
            written.push('=');
            entries.insert((*name).to_owned(), Entry { key, value: value.clone(), expression: None, span });
        }
        let context = GoContext {
            host: Arc::new(Files),
            user: User::Forbidden,
            environment_allowed: false,
            secrets: None,
            build_name: None,
            build_type: None,
            template_dir: None,
            resource_names: None,
            build_values: BuildValues::Forbidden,
        };
        let body = Body::new(entries, Span::new(file, 0..0), Arc::new(context), false);
        let mut diagnostics = Diagnostics::default();
        let arguments: SshArguments = body.read(&mut diagnostics);
        arguments.check(&body, &mut diagnostics);
        let lines: Vec<_> =
            diagnostics.iter().map(|diagnostic| format!("{}: {}", diagnostic.code, diagnostic.message)).collect();
        (arguments, lines.join("\n"))
    }

    fn said(arguments: &[(&str, &str)]) -> String {
        let mut all = vec![("ssh_username", Value::string("me"))];
        all.extend(arguments.iter().map(|(name, value)| (*name, Value::string(*value))));
        check(&all).1
    }

    #[test]
    fn a_user_is_needed_unless_nobody_connects() {
        assert_eq!(check(&[]).1, "missing-argument: the argument `ssh_username` is required to connect by SSH");
        assert_eq!(check(&[("communicator", Value::string("none"))]).1, "");
        assert_eq!(check(&[("ssh_username", Value::unknown())]).1, "");
        assert_eq!(check(&[("communicator", Value::unknown())]).1, "");
        assert_eq!(said(&[("ssh_username", "")]), "invalid-value: `ssh_username` must not be empty");
    }

    #[test]
    fn key_files_are_read_before_a_build() {
        let file = |path: &str| said(&[("ssh_private_key_file", path)]);
        assert_eq!(file("~/key"), "");
        assert_eq!(file("rsa"), "");
        assert_eq!(file(""), "");
        assert_eq!(file("~/none"), "missing-file: the key file `~/none` does not exist");
        assert_eq!(file("~"), "invalid-key: the key file `~` is a folder");
        for sealed in ["sealed", "sealed-pem", "sealed-pkcs8"] {
            assert_eq!(file(sealed), format!("invalid-key: the key file `{sealed}` is protected by a passphrase"));
        }
        assert_eq!(file("public"), "invalid-key: the key file `public` is a public key, not a private one");
        assert_eq!(
            file("junk"),
            "invalid-key: the key file `junk` is not a private key that we can read: Could not read key"
        );
    }

    #[test]
    fn what_is_not_there_yet_is_said_and_never_skipped() {
        let list = |text: &str| Value::from(imgforge_template::value::Kind::Tuple([Value::string(text)].into()));
        let said = check(&[
            ("ssh_username", Value::string("me")),
            ("ssh_bastion_host", Value::string("bastion")),
            ("ssh_bastion_port", Value::number(2222)),
            ("ssh_proxy_host", Value::string("")),
            ("ssh_certificate_file", Value::string("c")),
            ("ssh_clear_authorized_keys", Value::bool(true)),
            ("ssh_disable_agent_forwarding", Value::bool(true)),
            ("ssh_local_tunnels", list("1:a:2")),
        ]);
        assert_eq!(
            said.1,
            "not-supported-yet: `ssh_bastion_host` is not supported yet\n\
             not-supported-yet: `ssh_certificate_file` is not supported yet\n\
             not-supported-yet: `ssh_clear_authorized_keys` is not supported yet\n\
             not-supported-yet: `ssh_local_tunnels` is not supported yet"
        );
        let winrm = check(&[("communicator", Value::string("winrm")), ("winrm_username", Value::string("me"))]);
        assert_eq!(winrm.1, "not-supported-yet: the communicator `winrm` is not supported yet");
    }

    #[test]
    fn wrong_values_are_all_said_at_once() {
        let list = |text: &str| Value::from(imgforge_template::value::Kind::Tuple([Value::string(text)].into()));
        let said = check(&[
            ("ssh_username", Value::string("me")),
            ("ssh_port", Value::number(0)),
            ("ssh_ciphers", list("rot13")),
            ("ssh_key_exchange_algorithms", list("curve25519-sha256")),
            ("ssh_keep_alive_interval", Value::string("often")),
            ("ssh_file_transfer_method", Value::string("ftp")),
            ("temporary_key_pair_type", Value::string("rsa")),
        ]);
        assert_eq!(
            said.1.lines().map(|line| line.chars().take(60).collect::<String>()).collect::<Vec<_>>(),
            [
                "ed25519-key-instead: the key made for the build is an `ed255",
                "invalid-value: there is no cipher `rot13`",
                "invalid-value: `ssh_port` must be from 1 to 65535, not 0",
                "invalid-value: `ssh_keep_alive_interval` is not a duration: ",
                "invalid-value: `ssh_file_transfer_method` must be `scp` or `"
            ]
        );
        let other = check(&[("communicator", Value::string("telnet"))]);
        assert_eq!(other.1, "invalid-value: there is no communicator `telnet` for this builder: it is `ssh` or `none`");
    }

    #[test]
    fn time_and_attempts_limit_each_other_as_in_packer() {
        let limits = |arguments: &[(&'static str, &str)]| {
            let arguments: Vec<_> = arguments.iter().map(|(name, value)| (*name, Value::string(*value))).collect();
            let arguments = check(&arguments).0;
            let seconds = arguments.timeout().map(|timeout| timeout.as_secs());
            (seconds, arguments.attempts().map(|attempts| (attempts.count, attempts.span.as_secs())))
        };
        assert_eq!(limits(&[]), (Some(300), Some((10, 0))));
        assert_eq!(limits(&[("ssh_timeout", "60s")]), (Some(60), None));
        assert_eq!(limits(&[("ssh_timeout", "60s"), ("ssh_wait_timeout", "20s")]), (Some(20), None));
        assert_eq!(limits(&[("ssh_handshake_attempts", "100")]), (None, Some((100, 700))));
        assert_eq!(limits(&[("ssh_handshake_attempts", "3"), ("ssh_timeout", "9s")]), (Some(9), Some((3, 21))));
    }

    #[test]
    fn keeping_alive_can_be_turned_off() {
        let interval = |text: &str| check(&[("ssh_keep_alive_interval", Value::string(text))]).0.keep_alive();
        assert_eq!(check(&[]).0.keep_alive(), Some(Duration::from_secs(5)));
        assert_eq!(interval("7s"), Some(Duration::from_secs(7)));
        assert_eq!(interval("-1s"), None);
        assert_eq!(interval("2000000000"), Some(Duration::from_secs(2)));
    }
}
