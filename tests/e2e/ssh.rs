//! The SSH communicator against OpenSSH.

use crate::sshd::{Build, PASSWORD, Sshd, USER, Written, arguments, body, connected, free_port, shown, silent, tree};
use imgforge::builders::BUILDERS;
use imgforge::communicators::ssh::{Ssh, TemporaryKey};
use imgforge::communicators::{Communicator, ExitStatus, RemoteScript};
use imgforge::component::find;
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::value::Value;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

#[tokio::test]
async fn a_command_runs_and_says_how_it_ended() {
    let (_sshd, ssh) = connected("", &[]).await;
    assert_eq!(shown(&ssh, "echo out; echo err >&2; exit 3").await, "out\n|err\n|3");
    assert_eq!(shown(&ssh, "cat; id -un").await, format!("{USER}\n||0"));
    assert_eq!(shown(&ssh, "kill -TERM $$").await, "||143");
    assert_eq!(shown(&ssh, "no-such-command 2>/dev/null").await, "||127");
    let (first, second) = tokio::join!(shown(&ssh, "sleep 0.1; echo 1"), shown(&ssh, "echo 2"));
    assert_eq!((first.as_str(), second.as_str()), ("1\n||0", "2\n||0"));
}

#[tokio::test]
async fn more_output_than_any_buffer_comes_whole() {
    let (_sshd, ssh) = connected("", &[]).await;
    let mut written = Written::default();
    let status = ssh.run("head -c 30000000 /dev/zero | tr '\\0' x; echo end >&2", &mut written).await.unwrap();
    assert_eq!((status, written.stdout.len(), written.stderr.as_str()), (ExitStatus::Code(0), 30_000_000, "end\n"));
}

#[tokio::test]
async fn a_dropped_command_is_told_to_stop() {
    let (sshd, ssh) = connected("", &[]).await;
    let mark = sshd.work("mark");
    let command = format!("touch {0}; while echo .; do sleep 0.01; done 2>/dev/null; rm {0}", mark.display());
    let mut written = Written::default();
    let run = tokio::time::timeout(Duration::from_millis(500), ssh.run(&command, &mut written));
    run.await.unwrap_err();
    assert!(written.stdout.starts_with('.'));
    let deadline = Instant::now() + Duration::from_secs(5);
    while mark.exists() && shown(&ssh, "pgrep -u $(id -u) -x sleep").await.ends_with("|0") {
        assert!(Instant::now() < deadline, "the command still runs");
    }
}

#[tokio::test]
async fn a_terminal_joins_what_a_command_says() {
    let (sshd, ssh) = connected("", &[("ssh_pty", "true")]).await;
    assert_eq!(shown(&ssh, "test -t 1 && echo out; echo err >&2; stty size").await, "out\r\nerr\r\n40 80\r\n||0");
    let path = sshd.work("script.sh").display().to_string();
    let script = RemoteScript {
        command: path.clone(),
        path,
        content: b"#!/bin/sh\ntest -t 1 && echo terminal\n".to_vec(),
        variables: None,
        keep: false,
    };
    let mut written = Written::default();
    assert_eq!(ssh.run_script(&script, &mut written).await.unwrap(), ExitStatus::Code(0));
    assert_eq!(written.stdout, "terminal\r\n");
}

#[tokio::test]
async fn passwords_key_files_and_keyboard_interactive_let_in() {
    let key = TemporaryKey::generate("unknown to the server").unwrap();
    for (settings, kind) in
        [("KbdInteractiveAuthentication no", "password"), ("PasswordAuthentication no", "publickey")]
    {
        let sshd = Sshd::start(None, settings);
        let file = sshd.folder.path().join("user_key");
        let path = file.to_str().unwrap();
        let made = std::process::Command::new("ssh-keygen")
            .args(["-q", "-t", "rsa", "-b", "2048", "-N", "", "-f", path])
            .status()
            .unwrap();
        assert!(made.success());
        if kind == "publickey" {
            fs::copy(format!("{path}.pub"), sshd.folder.path().join("authorized_keys")).unwrap();
        }
        let more = [("ssh_password", PASSWORD), ("ssh_private_key_file", path)];
        let build = Build::new();
        let ssh = Ssh::connect(&arguments(&more), "127.0.0.1", sshd.port, Some(&key), &build.context).await.unwrap();
        assert_eq!(shown(&ssh, "echo in").await, "in\n||0");
        assert!(sshd.log().contains(&format!("Accepted {kind} for {USER}")), "{}", sshd.log());
        let values = ssh.values();
        assert_eq!(
            values.keys().map(|name| name.as_str()).collect::<Vec<_>>(),
            ["ConnType", "Host", "Password", "Port", "SSHPrivateKeyFile", "SSHPublicKey", "User"]
        );
        assert_eq!(values["SSHPublicKey"], key.public());
        assert_eq!(values["Port"], sshd.port.to_string());
    }
}

#[tokio::test]
async fn the_keys_of_an_agent_let_in() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("agent").display().to_string();
    let file = folder.path().join("key").display().to_string();
    let run = |program: &str, arguments: &[&str]| {
        let status =
            std::process::Command::new(program).args(arguments).env("SSH_AUTH_SOCK", &socket).status().unwrap();
        assert!(status.success(), "{program}");
    };
    let mut agent = std::process::Command::new("ssh-agent").args(["-D", "-a", &socket]).spawn().unwrap();
    run("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &file]);
    while !Path::new(&socket).exists() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    run("ssh-add", &["-q", &file]);
    let sshd = Sshd::start(None, "");
    fs::copy(format!("{file}.pub"), sshd.folder.path().join("authorized_keys")).unwrap();
    // The environment of a test can't be changed; another run of this program has its own.
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ssh::logs_in_with_the_agent_of_its_environment", "--ignored"])
        .env("SSH_AUTH_SOCK", &socket)
        .env("IMGFORGE_TEST_PORT", sshd.port.to_string())
        .output()
        .unwrap();
    drop(agent.kill());
    drop(agent.wait());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(sshd.log().contains("Accepted publickey"), "{}", sshd.log());
}

#[tokio::test]
#[ignore = "run by the_keys_of_an_agent_let_in, which starts the agent"]
async fn logs_in_with_the_agent_of_its_environment() {
    let port = std::env::var("IMGFORGE_TEST_PORT").unwrap().parse().unwrap();
    let build = Build::new();
    let arguments = arguments(&[("ssh_agent_auth", "true"), ("ssh_timeout", "10s")]);
    let ssh = Ssh::connect(&arguments, "127.0.0.1", port, None, &build.context).await.unwrap();
    assert_eq!(shown(&ssh, "echo in").await, "in\n||0");
}

#[tokio::test]
async fn a_failed_connection_says_what_the_last_try_met() {
    let build = Build::new();
    let key = TemporaryKey::generate("").unwrap();
    let fail = async |port: u16, more: &[(&str, &str)]| {
        let arguments = arguments(more);
        let connect = Ssh::connect(&arguments, "127.0.0.1", port, Some(&key), &build.context);
        let Err(error) = connect.await else { panic!("it connected") };
        format!("{error:#}").replace(&port.to_string(), "PORT")
    };
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging_port = hanging.local_addr().unwrap().port();
    let sshd = Sshd::start(None, "KbdInteractiveAuthentication no");
    let started = Instant::now();
    let (closed, silent, refused, attempts) = tokio::join!(
        fail(free_port(), &[("ssh_timeout", "1s")]),
        fail(hanging_port, &[("ssh_timeout", "4s")]),
        fail(sshd.port, &[("ssh_timeout", "5s"), ("ssh_password", "wrong")]),
        fail(sshd.port, &[("ssh_handshake_attempts", "1")]),
    );
    assert_eq!(
        closed,
        "Timeout waiting for SSH: no connection to 127.0.0.1:PORT within 1s; the last try met: connection refused"
    );
    assert_eq!(
        silent,
        "Timeout waiting for SSH: no connection to 127.0.0.1:PORT within 4s; the last try met: no SSH banner on an open connection"
    );
    assert_eq!(
        refused,
        "Timeout waiting for SSH: no connection to 127.0.0.1:PORT within 5s; the last try met: the machine refused the user \
         `imgforge-test` with the temporary key, the password"
    );
    assert_eq!(
        attempts.split(", ").next(),
        Some("127.0.0.1:PORT refused the user `imgforge-test` with the temporary key")
    );
    assert!(started.elapsed() > Duration::from_secs(6), "given attempts last as long as they would in Packer");
}

/// Answers like QEMU while the guest boots: the first connections are reset, then some hang, then it is sshd.
async fn booting(sshd: u16, resets: u64, hangs: u64) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(tokio::spawn(async move {
        let mut kept = Vec::new();
        for number in 0.. {
            let (mut stream, _) = listener.accept().await.unwrap();
            if number < resets {
                drop(stream);
            } else if number < resets + hangs {
                kept.push(stream);
            } else {
                drop(tokio::spawn(async move {
                    let mut server = TcpStream::connect(("127.0.0.1", sshd)).await.unwrap();
                    drop(copy_bidirectional(&mut stream, &mut server).await);
                }));
            }
        }
    }));
    port
}

#[tokio::test]
async fn a_machine_that_boots_is_waited_for_without_losing_time() {
    let key = TemporaryKey::generate("").unwrap();
    let sshd = Sshd::start(Some(&key), "");
    let port = booting(sshd.port, 20, 2).await;
    let build = Build::new();
    let started = Instant::now();
    let ssh = Ssh::connect(&arguments(&[]), "127.0.0.1", port, Some(&key), &build.context).await.unwrap();
    let took = started.elapsed();
    // 20 resets 20 ms apart, two hangs of a fifth of a second.
    assert!(took > Duration::from_millis(750) && took < Duration::from_millis(2400), "{took:?}");
    assert_eq!(shown(&ssh, "echo up").await, "up\n||0");
}

#[tokio::test]
async fn cancelling_ends_the_waiting() {
    let build = Build::new();
    let cancel = build.context.cancel.clone();
    let arguments = arguments(&[]);
    let connect = Ssh::connect(&arguments, "127.0.0.1", free_port(), None, &build.context);
    let (result, ()) = tokio::join!(connect, async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        cancel.cancel();
    });
    assert_eq!(result.err().unwrap().to_string(), "cancelled");
}

pub(crate) fn script(sshd: &Sshd, content: &str, variables: Option<&str>, keep: bool) -> RemoteScript {
    let path = sshd.work("it's a script.sh").display().to_string();
    let variables = variables.map(|text| (sshd.work("variables.sh").display().to_string(), text.as_bytes().to_vec()));
    let quoted = path.replace('\'', r"'\''");
    let command = match &variables {
        Some((variables, _)) => format!(". {variables} && chmod +x '{quoted}'; '{quoted}'"),
        None => format!("chmod +x '{quoted}'; A='b c' '{quoted}'"),
    };
    RemoteScript { path, content: content.as_bytes().to_vec(), variables, command, keep }
}

/// Output, errors, code, and what is left on the machine.
pub(crate) async fn run_script(sshd: &Sshd, ssh: &Ssh, script: &RemoteScript) -> String {
    let mut written = Written::default();
    let status = ssh.run_script(script, &mut written).await.unwrap();
    format!("{}|{}|{}|{}", written.stdout, written.stderr, status.code(), tree(&sshd.work("")))
}

pub(crate) const SCRIPT: &str = "#!/bin/sh -e\nprintf '<%s>\\n' \"$A\"\ncat\necho err >&2\nexit 9\n";

#[tokio::test]
async fn a_script_runs_in_one_channel_and_leaves_nothing() {
    let (sshd, ssh) = connected("LogLevel VERBOSE", &[]).await;
    assert_eq!(run_script(&sshd, &ssh, &script(&sshd, SCRIPT, None, false)).await, "<b c>\n|err\n|9|");
    assert_eq!(sshd.log().matches("Starting session: command").count(), 1, "{}", sshd.log());
    let plain = script(&sshd, SCRIPT, Some("export A='x\n \\n y'\n"), false);
    assert_eq!(run_script(&sshd, &ssh, &plain).await, "<x\n \\n y>\n|err\n|9|");
    assert_eq!(sshd.log().matches("Starting session: command").count(), 2, "{}", sshd.log());
    // What the shell may not read back goes by a channel of its own.
    let odd = script(&sshd, SCRIPT, Some("export A='\u{c1}'"), true);
    assert_eq!(
        run_script(&sshd, &ssh, &odd).await,
        format!("<\u{c1}>\n|err\n|9|it's a script.sh f 755 {}\nvariables.sh f 600 13", SCRIPT.len())
    );
    let long = format!("#!/bin/sh\n: '{}'\necho end\n", "x".repeat(5 << 20));
    assert_eq!(run_script(&sshd, &ssh, &script(&sshd, &long, None, false)).await, "end\n||0|variables.sh f 600 13");
}

#[tokio::test]
async fn a_login_shell_of_another_kind_gets_single_steps() {
    let shell = tempfile::tempdir().unwrap();
    fs::set_permissions(&shell, fs::Permissions::from_mode(0o755)).unwrap();
    let path = shell.path().join("odd");
    // Knows no parentheses and no assignments, as fish does not; greets, as some do.
    let text = "#!/bin/sh\necho hello\ncase \"$SSH_ORIGINAL_COMMAND\" in\n\
                *'('*) echo 'odd: syntax error' >&2; exit 127;;\n*) exec sh -c \"$SSH_ORIGINAL_COMMAND\";;\nesac\n";
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    let (sshd, ssh) = connected(&format!("LogLevel VERBOSE\nForceCommand {}", path.display()), &[]).await;
    let variables = script(&sshd, SCRIPT, Some("export A='x'\n"), false);
    assert_eq!(run_script(&sshd, &ssh, &variables).await, "hello\n<x>\n|err\n|9|");
    let before = sshd.log().matches("Starting session").count();
    assert_eq!(run_script(&sshd, &ssh, &script(&sshd, SCRIPT, None, false)).await, "hello\n<b c>\n|err\n|9|");
    assert_eq!(sshd.log().matches("Starting session").count() - before, 3, "{}", sshd.log());
    // Greetings get into no file.
    fs::write(sshd.work("file"), "content").unwrap();
    let to = shell.path().join("file");
    ssh.download(sshd.work("file").to_str().unwrap(), &to, &silent).await.unwrap();
    assert_eq!(fs::read_to_string(to).unwrap(), "content");
}

#[tokio::test]
async fn a_script_that_can_not_be_stored_is_an_error() {
    let (_sshd, ssh) = connected("", &[]).await;
    let script = RemoteScript {
        path: "/no/such/folder/x.sh".to_owned(),
        content: b"#!/bin/sh\n".to_vec(),
        variables: None,
        command: "echo ran".to_owned(),
        keep: false,
    };
    let mut written = Written::default();
    let error = ssh.run_script(&script, &mut written).await.unwrap_err();
    let message = format!("{error:#}");
    assert!(message.starts_with("upload to `/no/such/folder/x.sh`: "), "{message}");
    assert!(message.contains("/no/such/folder/x.sh"), "{message}");
    assert_eq!((written.stdout.as_str(), written.stderr.as_str()), ("", ""));
}

#[tokio::test]
async fn a_lost_connection_is_made_again() {
    let (sshd, ssh) = connected("", &[]).await;
    assert_eq!(shown(&ssh, "echo 1").await, "1\n||0");
    sshd.kill_connections();
    assert_eq!(shown(&ssh, "echo 2").await, "2\n||0");
    sshd.kill_connections();
    ssh.upload_bytes(b"3", sshd.work("x").to_str().unwrap(), 0o600).await.unwrap();
    sshd.kill_connections();
    let whole = script(&sshd, "echo $A\n", None, true);
    assert!(run_script(&sshd, &ssh, &whole).await.starts_with("b c\n||0|"));
    // A command that runs meanwhile says so.
    let (status, ()) = tokio::join!(shown(&ssh, "echo on; sleep 20"), async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        sshd.kill_connections();
    });
    assert_eq!(status, format!("on\n||{}", ExitStatus::DISCONNECTED));
    drop(sshd);
    let error = ssh.run("echo", &mut Written::default()).await.unwrap_err();
    assert!(format!("{error:#}").contains("connection refused"), "{error:#}");
}

#[tokio::test]
async fn a_banner_that_is_none_is_shown() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            tokio::io::AsyncWriteExt::shutdown(&mut stream).await.unwrap();
            drop(stream.read(&mut [0; 64]).await);
        }
    }));
    let build = Build::new();
    let arguments = arguments(&[("ssh_timeout", "1s")]);
    let Err(error) = Ssh::connect(&arguments, "127.0.0.1", port, None, &build.context).await else {
        panic!("it connected")
    };
    assert_eq!(
        error.to_string().replace(&port.to_string(), "PORT"),
        "Timeout waiting for SSH: no connection to 127.0.0.1:PORT within 1s; the last try met: an answer that is no SSH banner: \
         \"HTTP/1.1 400 Bad Request\""
    );
}

#[tokio::test]
async fn the_null_builder_hands_out_a_connection_and_exports_nothing() {
    let sshd = Sshd::start(None, "");
    let component = find(BUILDERS, "null").unwrap();
    let (body, _sources) = body(&[
        ("ssh_host", Value::string("127.0.0.1")),
        ("ssh_port", Value::number(i64::from(sshd.port))),
        ("ssh_username", Value::string(USER)),
        ("ssh_password", Value::string(PASSWORD)),
    ]);
    let mut diagnostics = Diagnostics::default();
    let builder = (component.new)(&body, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let build = Build::new();
    let machine = builder.launch(&build.context).await.unwrap();
    assert_eq!(shown(machine.communicator(), "echo here").await, "here\n||0");
    let artifact = machine.capture(&build.context).await.unwrap().unwrap();
    assert_eq!((artifact.builder_id.as_str(), artifact.id.as_str()), ("fnoeding.null", "Null"));
    assert_eq!(artifact.description, "Did not export anything. This is the null builder");
    assert_eq!(artifact.files, Vec::<std::path::PathBuf>::new());
}
