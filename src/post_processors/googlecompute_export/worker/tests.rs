use super::*;
use crate::scripts::testing::World;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

/// What the server does with its next exchange instead of taking it as it is.
#[derive(Clone, Copy)]
enum Trouble {
    /// Takes this many bytes of it and goes away.
    Cut(usize),
    Answer(&'static str),
}

/// A server of resumable uploads, by their paths.
struct Server {
    address: String,
    world: Arc<Mutex<Uploads>>,
}

#[derive(Default)]
struct Uploads {
    objects: BTreeMap<String, Vec<u8>>,
    /// By the number of the exchange, from 1.
    troubles: BTreeMap<usize, Trouble>,
    always: Option<Trouble>,
    /// Path and `Content-Range` of each exchange.
    log: Vec<String>,
}

impl Server {
    fn start(troubles: &[(usize, Trouble)], always: Option<Trouble>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let troubles = troubles.iter().copied().collect();
        let world = Arc::new(Mutex::new(Uploads { troubles, always, ..Uploads::default() }));
        let served = world.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let served = served.clone();
                std::thread::spawn(move || serve(stream.unwrap(), &served));
            }
        });
        Self { address, world }
    }

    fn log(&self) -> Vec<String> {
        self.world.lock().unwrap().log.clone()
    }
}

/// One connection: exchanges until either side has enough.
fn serve(stream: TcpStream, world: &Mutex<Uploads>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if line.trim().is_empty() {
                break;
            }
            lines.push(line.trim().to_owned());
        }
        let path = lines[0].split(' ').nth(1).unwrap().to_owned();
        let header = |name: &str| lines.iter().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        let range = header("Content-Range: bytes ");
        let mut body = vec![0; header("Content-Length: ").parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        let Some(answer) = exchange(&path, &range, &body, &mut world.lock().unwrap()) else { return };
        if (&stream).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn exchange(path: &str, range: &str, body: &[u8], world: &mut Uploads) -> Option<String> {
    world.log.push(format!("{path} {range}"));
    let trouble = world.troubles.get(&world.log.len()).copied().or(world.always);
    let object = world.objects.entry(path.to_owned()).or_default();
    let taken = match trouble {
        Some(Trouble::Cut(bytes)) => &body[..bytes],
        Some(Trouble::Answer(status)) => {
            return Some(format!("HTTP/1.1 {status}\r\nContent-Length: 8\r\n\r\nno such\n"));
        }
        None => body,
    };
    let (reach, total) = range.split_once('/').unwrap();
    if let Some((start, end)) = reach.split_once('-') {
        assert_eq!(start.parse(), Ok(object.len()), "the bytes follow those that are there");
        assert_eq!(end.parse(), Ok(object.len() + body.len() - 1), "the range is that of the bytes");
        object.extend_from_slice(taken);
    }
    if matches!(trouble, Some(Trouble::Cut(_))) {
        return None;
    }
    if total.parse() == Ok(object.len()) {
        let answer = format!("{{\"size\": \"{}\"}}", object.len());
        return Some(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{answer}", answer.len()));
    }
    assert!(total != "*" || object.len().is_multiple_of(256 << 10), "Google takes multiples of 256 KiB");
    let has = object.len().checked_sub(1).map_or_else(String::new, |last| format!("Range: bytes=0-{last}\r\n"));
    Some(format!("HTTP/1.1 308 Resume Incomplete\r\n{has}Content-Length: 0\r\n\r\n"))
}

/// A disk whose first part does not compress and whose rest is empty.
fn disk(world: &World, random: usize, empty: usize) -> PathBuf {
    let mut state = 1_u64;
    let mut bytes: Vec<u8> = (0..random / 8)
        .flat_map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()
        })
        .collect();
    bytes.resize(random + empty, 0);
    std::fs::write(world.path("disk"), bytes).unwrap();
    world.path("disk")
}

/// Runs the program here, as the worker does.
fn export(world: &World, device: &str, addresses: &[String], patience: Duration) -> Output {
    let uploads: Vec<Upload> = addresses.iter().map(|url| Upload { url: url.clone() }).collect();
    let work = Work { device, uploads: &uploads, name: "export" };
    let settings = world.write("settings.json", &work.settings(patience));
    let program = world.write("export.py", std::str::from_utf8(PROGRAM).unwrap());
    Command::new("python3").arg(program).arg(settings).output().expect("this test needs python3")
}

fn words(output: &Output) -> (Option<i32>, &str) {
    (output.status.code(), std::str::from_utf8(&output.stderr).unwrap())
}

const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn the_archive_has_the_disk_whatever_happens_to_the_connection() {
    let world = World::new();
    let disk = disk(&world, 18 << 20, 4 << 20);
    let server = Server::start(&[(1, Trouble::Cut(3 << 20)), (4, Trouble::Answer("503 Service Unavailable"))], None);
    let addresses = ["/one?upload_id=1", "/two?upload_id=2"].map(|path| format!("{}{path}", server.address));
    let output = export(&world, disk.to_str().unwrap(), &addresses, PATIENCE);
    let objects = server.world.lock().unwrap().objects.clone();
    let size = objects["/one?upload_id=1"].len();
    assert_eq!(words(&output), (Some(0), ""));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().last(), Some(&*format!("uploaded {size}")));
    assert_eq!(
        server.log(),
        [
            "/one?upload_id=1 0-16777215/*".to_owned(),
            "/one?upload_id=1 */*".to_owned(),
            "/one?upload_id=1 3145728-16777215/*".to_owned(),
            "/two?upload_id=2 0-16777215/*".to_owned(),
            "/two?upload_id=2 */*".to_owned(),
            "/two?upload_id=2 0-16777215/*".to_owned(),
            format!("/one?upload_id=1 16777216-{}/{size}", size - 1),
            format!("/two?upload_id=2 16777216-{}/{size}", size - 1),
        ]
    );
    assert!(objects["/one?upload_id=1"] == objects["/two?upload_id=2"], "both get the same");
    std::fs::write(world.path("image.tar.gz"), &objects["/one?upload_id=1"]).unwrap();
    let archive = world.path("image.tar.gz");
    let tar = |arguments: &[&str]| {
        let output = Command::new("tar").args(arguments).arg(&archive).arg("disk.raw").output().unwrap();
        assert_eq!(words(&output), (Some(0), ""));
        output.stdout
    };
    let listed = Command::new("tar").args(["--utc", "-tzvf"]).arg(&archive).output().unwrap();
    assert_eq!(String::from_utf8(listed.stdout).unwrap(), "-rw-r--r-- 0/0        23068672 1970-01-01 00:00 disk.raw\n");
    assert!(tar(&["-xzOf"]) == std::fs::read(disk).unwrap(), "the disk comes out as it was");
}

#[test]
fn an_upload_that_is_gone_and_an_empty_disk_end_it_at_once() {
    let world = World::new();
    let server = Server::start(&[], Some(Trouble::Answer("404 Not Found")));
    let disk = disk(&world, 1024, 0);
    let output = export(&world, disk.to_str().unwrap(), &[format!("{}/one", server.address)], PATIENCE);
    assert_eq!(words(&output), (Some(1), "the server answered 404 Not Found: no such\n"));
    assert_eq!(server.log().len(), 1);
    let empty = world.write("empty", "");
    let output = export(&world, empty.to_str().unwrap(), &[format!("{}/one", server.address)], PATIENCE);
    assert_eq!(words(&output), (Some(1), &*format!("{} is empty\n", empty.display())));
}

#[test]
fn a_server_in_trouble_is_tried_for_a_while() {
    let world = World::new();
    let server = Server::start(&[], Some(Trouble::Answer("503 Service Unavailable")));
    let disk = disk(&world, 1024, 0);
    let addresses = [format!("{}/one", server.address)];
    let output = export(&world, disk.to_str().unwrap(), &addresses, Duration::from_secs(1));
    let why = "no progress within 1 s: the server answered 503 Service Unavailable\n";
    assert_eq!(words(&output), (Some(75), why));
    assert!(server.log().len() > 1);
}

#[test]
fn the_worker_s_end_is_told_in_its_words() {
    let world = World::new();
    let outcome = |said: &str, complaint: &str, status| {
        let mut ear = Ear::new(&world.context);
        ear.stdout(said.as_bytes());
        ear.stderr(complaint.as_bytes());
        ear.outcome(status).map_err(|error| (format!("{error:#}"), TryAgain::is_in(&error)))
    };
    let said = "progress 1 2\nprogress 2 2\nuploaded 77\n";
    assert_eq!(outcome(said, "", ExitStatus::Code(0)), Ok(77));
    let failed = |words: &str, is_transient| Err((words.to_owned(), is_transient));
    assert_eq!(
        outcome("", "", ExitStatus::Code(0)),
        failed("the worker ended without a word about what it has uploaded", false)
    );
    assert_eq!(
        outcome(said, "/dev/x is empty\n", ExitStatus::Code(1)),
        failed("the worker failed: /dev/x is empty", false)
    );
    assert_eq!(outcome("", "", ExitStatus::Code(127)), failed("the worker failed with the exit code 127", false));
    assert_eq!(
        outcome(said, "no progress within 300 s\n", ExitStatus::Code(75)),
        failed("the worker could not upload: no progress within 300 s", true)
    );
    assert_eq!(outcome(said, "", ExitStatus::Disconnected), failed("the connection to the worker was lost", true));
}
