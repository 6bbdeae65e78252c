//! Builder `qemu` with a real QEMU and the tiny guest, under TCG.

use imgforge::artifact::Artifact;
use imgforge::builders::{BUILDERS, Builder, Machine};
use imgforge::cleaners::CLEANERS;
use imgforge::clients::Clients;
use imgforge::communicators::{ExitStatus, NoMachine, OutputSink, RemoteScript};
use imgforge::component;
use imgforge::context::BuildContext;
use imgforge::event::{Event, Events, Reporter};
use imgforge::host::LocalHost;
use imgforge::secret::Redactor;
use imgforge_ledger::Ledger;
use imgforge_template::body::{Body, Entry};
use imgforge_template::diagnostic::Diagnostics;
use imgforge_template::gotemplate::{BuildValues, GoContext, User};
use imgforge_template::source::Span;
use imgforge_template::value::{Kind, Value};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, Once};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// The folder of the tiny guest; it is made when it is not there.
pub(crate) fn guest() -> PathBuf {
    static MADE: Once = Once::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("IMGFORGE_GUEST").map_or_else(|| root.join(".cache/guest"), PathBuf::from);
    MADE.call_once(|| {
        let version = Command::new("qemu-system-x86_64").arg("--version").output();
        assert!(version.is_ok(), "these tests need QEMU: install the package qemu-system-x86");
        let made = Command::new(root.join("script/tiny-guest")).arg(&folder).output().unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    });
    folder
}

/// Keeps the lines of a build.
struct Lines(Arc<Mutex<Vec<String>>>);

impl Reporter for Lines {
    fn event(&mut self, event: &Event) {
        if let Event::BuildLine { text, .. } = event {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

/// One build in a folder of its own, with a ledger of its own.
struct World {
    folder: tempfile::TempDir,
    ledger: Arc<Ledger>,
    context: BuildContext,
    lines: Arc<Mutex<Vec<String>>>,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(&folder.path().join("state")).unwrap();
        let lines = Arc::default();
        let context = BuildContext {
            name: "qemu.tiny".to_owned(),
            label: "tiny".to_owned(),
            builder_type: "qemu".to_owned(),
            run_uuid: String::new(),
            ledger: ledger.build("qemu.tiny"),
            clients: Clients::default(),
            cancel: CancellationToken::new(),
            force: false,
            debug: false,
            source: None,
            events: Events::new(vec![Box::new(Lines(Arc::clone(&lines)))], Redactor::default()),
        };
        Self { folder, ledger, context, lines }
    }

    fn output(&self) -> PathBuf {
        self.folder.path().join("out")
    }

    /// The builder of a source on the tiny guest's disk, or another one, and these arguments besides.
    fn builder(&self, disk: &Path, more: &[(&str, Value)]) -> Box<dyn Builder> {
        let mut arguments = vec![
            ("iso_url", text(disk)),
            ("iso_checksum", Value::string("none")),
            ("disk_image", Value::bool(true)),
            ("skip_resize_disk", Value::bool(true)),
            ("output_directory", text(self.output())),
            ("vm_name", Value::string("tiny.qcow2")),
            ("accelerator", Value::string("tcg")),
            ("machine_type", Value::string("q35")),
            ("cpu_model", Value::string("max")),
            ("memory", Value::number(256)),
            ("cpus", Value::number(2)),
        ];
        arguments.extend_from_slice(more);
        let span = Span::nowhere();
        let entry = |value: Value| Entry { key: span, value, expression: None, span };
        let entries = arguments.into_iter().map(|(name, value)| (name.to_owned(), entry(value))).collect();
        let context = GoContext {
            host: Arc::new(LocalHost::new().unwrap()),
            user: User::Forbidden,
            environment_allowed: false,
            secrets: None,
            build_name: Some("tiny".to_owned()),
            build_type: Some("qemu".to_owned()),
            template_dir: None,
            build_values: BuildValues::Forbidden,
            resource_names: Default::default(),
        };
        let mut diagnostics = Diagnostics::default();
        let body = Body::new(entries, span, Arc::new(context), false);
        let builder = (component::find(BUILDERS, "qemu").unwrap().new)(&body, &mut diagnostics);
        assert!(!diagnostics.has_errors(), "{diagnostics:?}");
        builder
    }

    async fn launch(&self, disk: &Path, more: &[(&str, Value)]) -> anyhow::Result<Box<dyn Machine>> {
        self.builder(disk, more).launch(&self.context).await
    }

    /// What the engine does at the end of a build, and what must be true then.
    async fn clean_up(&self, artifact: Option<&Artifact>) {
        self.context.ledger.close();
        for resource in self.ledger.remaining() {
            if artifact.is_some_and(|artifact| artifact.claims.contains(&resource)) {
                continue;
            }
            CLEANERS.destroy(&resource, &self.context.clients).await.unwrap();
            self.context.ledger.released(&resource).unwrap();
            let mark = format!("IMGFORGE_CLAIM={}", resource.name);
            assert!(!Path::new(&resource.name).exists(), "{} is still there", resource.name);
            assert_eq!(processes_with(&mark), 0, "{} still runs", resource.kind);
        }
        assert_eq!(self.output().exists(), artifact.is_some());
    }

    fn said(&self) -> String {
        self.lines.lock().unwrap().join("\n")
    }
}

impl Drop for World {
    /// A failed test leaves nothing behind either.
    fn drop(&mut self) {
        let remaining = self.ledger.remaining();
        let clean_up = move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            for resource in remaining {
                runtime.block_on(CLEANERS.destroy(&resource, &Clients::default())).unwrap();
            }
        };
        // Not in this thread, which runs a test's own runtime.
        std::thread::spawn(clean_up).join().unwrap();
    }
}

fn text(path: impl AsRef<Path>) -> Value {
    Value::string(path.as_ref().to_str().unwrap())
}

fn list(values: &[Value]) -> Value {
    Kind::Tuple(values.into()).into()
}

fn processes_with(variable: &str) -> usize {
    let environments = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let environment = std::fs::read(entry.ok()?.path().join("environ")).ok()?;
        environment.split(|byte| *byte == 0).any(|entry| entry == variable.as_bytes()).then_some(())
    });
    environments.count()
}

#[derive(Default)]
struct Output(String);

impl OutputSink for Output {
    fn stdout(&mut self, bytes: &[u8]) {
        self.0.push_str(&String::from_utf8_lossy(bytes));
    }

    fn stderr(&mut self, bytes: &[u8]) {
        self.stdout(bytes);
    }
}

fn login() -> Vec<(&'static str, Value)> {
    vec![
        ("ssh_username", Value::string("root")),
        ("ssh_password", Value::string("imgforge")),
        ("ssh_timeout", Value::string("2m")),
        ("shutdown_command", Value::string("sync; poweroff -f")),
    ]
}

/// A direct boot that does nothing but run this command of busybox.
fn kernel(world: &World, command: &str) -> (&'static str, Value) {
    let guest = guest();
    let argument = |name: &str, value: Value| list(&[Value::string(name), value]);
    let line = format!("console=ttyS0 panic=-1 rdinit=/bin/busybox -- {command}");
    let arguments = [
        argument("-kernel", text(guest.join("vmlinuz"))),
        argument("-initrd", text(guest.join("initrd.gz"))),
        argument("-append", Value::string(line)),
        argument("-serial", text(format!("file:{}", world.output().join("serial.log").display()))),
        list(&[Value::string("-no-reboot")]),
    ];
    ("qemuargs", list(&arguments))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_is_provisioned_captured_and_boots_again() {
    let world = World::new();
    let machine = world.launch(&guest().join("disk.qcow2"), &login()).await.unwrap();
    let (guest, mut output) = (machine.communicator(), Output::default());
    let script = RemoteScript {
        path: "/tmp/script_1.sh".to_owned(),
        content: b"#!/bin/sh -e\necho \"$GREETING from $(hostname)\" | tee /root/greeting\n".to_vec(),
        variables: None,
        command: "chmod +x /tmp/script_1.sh; GREETING='hello'  /tmp/script_1.sh".to_owned(),
        keep: false,
    };
    assert_eq!(guest.run_script(&script, &mut output).await.unwrap(), ExitStatus::Code(0));
    assert_eq!(output.0, "hello from tiny\n");
    let uploaded = world.folder.path().join("upload");
    std::fs::write(&uploaded, "uploaded\n").unwrap();
    guest.upload(&uploaded, "/root/uploaded", &|_, _| {}).await.unwrap();
    let artifact = machine.capture(&world.context).await.unwrap();
    world.clean_up(Some(&artifact)).await;

    let disk = world.output().join("tiny.qcow2");
    assert_eq!(artifact.files, std::slice::from_ref(&disk));
    let claims = artifact.claims.iter().map(|resource| Path::new(&resource.name));
    assert_eq!(claims.collect::<Vec<_>>(), [world.output()]);
    let info = Command::new("qemu-img").args(["info", "--output=json"]).arg(&disk).output().unwrap();
    let info: serde_json::Value = serde_json::from_slice(&info.stdout).unwrap();
    assert_eq!((&info["format"], info.get("backing-filename")), (&"qcow2".into(), None));

    let again = World::new();
    let machine = again.launch(&disk, &login()).await.unwrap();
    let mut output = Output::default();
    machine.communicator().run("cat /root/greeting /root/uploaded", &mut output).await.unwrap();
    assert_eq!(output.0, "hello from tiny\nuploaded\n");

    // Once the machine is gone, nobody needs to try again.
    let guest = machine.communicator();
    guest.run("sync; poweroff -f", &mut output).await.unwrap();
    let gone = async {
        loop {
            if guest.run("true", &mut Output::default()).await.is_err_and(|error| error.is::<NoMachine>()) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
    drop(machine);
    again.clean_up(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_communicator_a_build_waits_until_the_machine_stops_by_itself() {
    let world = World::new();
    let more = [
        ("communicator", Value::string("none")),
        kernel(&world, "poweroff -f"),
        ("use_backing_file", Value::bool(true)),
        ("disk_additional_size", list(&[Value::string("1M")])),
    ];
    let machine = world.launch(&guest().join("disk.qcow2"), &more).await.unwrap();
    let refused = machine.communicator().run("true", &mut Output::default()).await.unwrap_err().to_string();
    let reasons = ["this source has `communicator = \"none\"`", "the virtual machine is gone"];
    assert!(reasons.contains(&refused.as_str()), "{refused}");
    let artifact = machine.capture(&world.context).await.unwrap();
    world.clean_up(Some(&artifact)).await;
    let names: Vec<_> = artifact.files.iter().filter_map(|file| file.file_name()).collect();
    assert_eq!(names, ["serial.log", "tiny.qcow2", "tiny.qcow2-1"]);
    assert_eq!(artifact.description, format!("VM files in directory: {}", world.output().display()));
    assert!(world.said().contains("Starting VM, booting disk image"), "{}", world.said());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_qemu_that_refuses_its_arguments_is_quoted() {
    let world = World::new();
    let qemuargs = list(&[list(&[Value::string("-device"), Value::string("flux-capacitor")])]);
    let mut more = login();
    more.push(("qemuargs", qemuargs));
    // The image is the one that the list means, so the build gets as far as QEMU.
    let sums = world.folder.path().join("SHA256SUMS");
    let listed = Command::new("sha256sum").arg("disk.qcow2").current_dir(guest()).output().unwrap();
    std::fs::write(&sums, listed.stdout).unwrap();
    more.push(("iso_checksum", Value::string(format!("file:{}", sums.display()))));
    let error = world.launch(&guest().join("disk.qcow2"), &more).await.err().unwrap();
    let error = format!("{error:#}");
    assert!(error.contains("QEMU has ended (exit status: 1)"), "{error}");
    assert!(error.contains("'flux-capacitor' is not a valid device model name"), "{error}");
    assert!(world.said().contains("qemuargs replaces -device virtio-net,netdev=user.0"), "{}", world.said());
    world.clean_up(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_ends_while_it_is_waited_for_fails_the_build_at_once() {
    let world = World::new();
    let mut more = login();
    more.push(kernel(&world, "poweroff -f"));
    let disk = guest().join("disk.qcow2");
    let launched = tokio::time::timeout(Duration::from_secs(60), world.launch(&disk, &more)).await;
    let error = format!("{:#}", launched.unwrap().err().unwrap());
    assert!(error.starts_with("the machine ended before it could be reached by SSH"), "{error}");
    world.clean_up(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_can_t_be_reached_is_shown_by_its_console() {
    let world = World::new();
    let mut more = login();
    more.push(kernel(&world, "sleep 1000"));
    more.push(("ssh_timeout", Value::string("8s")));
    let error = format!("{:#}", world.launch(&guest().join("disk.qcow2"), &more).await.err().unwrap());
    // How far a loaded host gets in that time is open.
    let (reason, console) = error.split_once("; the serial console ends with:\n").unwrap_or((&error, ""));
    assert!(reason.contains("Timeout waiting for SSH") && console.starts_with('['), "{error}");
    world.clean_up(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_that_is_taken_is_named() {
    let world = World::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let disk = guest().join("disk.qcow2");
    let mut more = login();
    more.extend([("host_port_min", Value::number(i64::from(port))), ("host_port_max", Value::number(i64::from(port)))]);
    let error = format!("{:#}", world.launch(&disk, &more).await.err().unwrap());
    assert!(error.contains(&format!("there is no free port from {port} to {port}")), "{error}");
    world.clean_up(None).await;

    let world = World::new();
    let mut more = login();
    // Nobody looks for a port here: QEMU itself finds out.
    more.extend([("skip_nat_mapping", Value::bool(true)), ("ssh_port", Value::number(i64::from(port)))]);
    let error = format!("{:#}", world.launch(&disk, &more).await.err().unwrap());
    assert!(error.contains(&format!("QEMU can't listen on a port from {port} to {port}")), "{error}");
    world.clean_up(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_that_does_not_listen_is_switched_off_or_fails_the_build() {
    let disk = guest().join("disk.qcow2");
    let with = |command| {
        let mut more = login();
        more.extend([("shutdown_command", Value::string(command)), ("shutdown_timeout", Value::string("2s"))]);
        more
    };
    let world = World::new();
    let machine = world.launch(&disk, &with("")).await.unwrap();
    let artifact = machine.capture(&world.context).await.unwrap();
    assert!(world.said().contains("did not react to its power button within 2s"), "{}", world.said());
    world.clean_up(Some(&artifact)).await;

    let world = World::new();
    let machine = world.launch(&disk, &with("echo no power; exit 3")).await.unwrap();
    let error = format!("{:#}", machine.capture(&world.context).await.unwrap_err());
    assert_eq!(
        error,
        "stop the machine: the machine did not stop within 2s after its shutdown_command (it ended with the exit code 3): \
         no power"
    );
    world.clean_up(None).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_launch_leaves_only_what_is_claimed() {
    for pause in [5, 30, 120, 400, 1500] {
        let world = World::new();
        let builder = world.builder(&guest().join("disk.qcow2"), &login());
        let context = world.context.clone();
        let build = tokio::spawn(async move { builder.launch(&context).await.map(drop) });
        tokio::time::sleep(Duration::from_millis(pause)).await;
        build.abort();
        let _stopped = build.await;
        world.clean_up(None).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_output_directory_that_exists_is_only_replaced_by_force() {
    let mut world = World::new();
    std::fs::create_dir(world.output()).unwrap();
    std::fs::write(world.output().join("old"), "").unwrap();
    let more =
        [("communicator", Value::string("none")), kernel(&world, "poweroff -f"), ("format", Value::string("raw"))];
    let disk = guest().join("disk.qcow2");
    let error = world.launch(&disk, &more).await.err().unwrap().to_string();
    assert!(error.ends_with("exists already: remove it, or build with -force to replace it"), "{error}");
    assert_eq!(world.ledger.remaining(), []);
    world.context.force = true;
    let artifact = world.launch(&disk, &more).await.unwrap().capture(&world.context).await.unwrap();
    let names: Vec<_> = artifact.files.iter().filter_map(|file| file.file_name()).collect();
    assert_eq!(names, ["serial.log", "tiny.qcow2"]);
    world.clean_up(Some(&artifact)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_or_another_image_is_an_error_that_leaves_nothing() {
    let world = World::new();
    let error = world.launch(Path::new("/nonexistent/disk.qcow2"), &login()).await.err().unwrap();
    assert_eq!(format!("{error:#}"), "find the image: none of the images is there");
    assert_eq!(world.ledger.remaining(), []);

    let (disk, wrong) = (guest().join("disk.qcow2"), "0".repeat(64));
    let mut more = login();
    more.push(("iso_checksum", Value::string(format!("sha256:{wrong}"))));
    let error = format!("{:#}", world.launch(&disk, &more).await.err().unwrap());
    assert!(error.starts_with(&format!("find the image: {} has the checksum ", disk.display())), "{error}");
    assert!(error.ends_with(&format!(", not {wrong}")), "{error}");
    assert_eq!(world.ledger.remaining(), []);
}
