//! A server of canned answers, and claims, for tests.

use crate::{CredentialOptions, Endpoints, Gce, Options};
use imgforge_ledger::{BuildLedger, Claim, Ledger};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Headers that tests look at.
const SHOWN: [&str; 7] = [
    "authorization",
    "content-range",
    "metadata-flavor",
    "x-goog-user-project",
    "x-upload-content-type",
    "x-vault-namespace",
    "x-vault-token",
];

/// What a request gets.
#[derive(Clone)]
pub(crate) enum Reply {
    /// A status, headers in lines, and a body.
    Answer(u16, String, String),
    /// No answer: the connection is cut when the request is there.
    Cut,
}

/// A success with a body of JSON.
pub(crate) fn ok(body: impl ToString) -> Reply {
    Reply::Answer(200, String::new(), body.to_string())
}

/// A refusal as Google's older services write it.
pub(crate) fn refused(status: u16, reason: &str, message: &str) -> Reply {
    let error = serde_json::json!({"code": status, "message": message, "errors": [{"reason": reason}]});
    Reply::Answer(status, String::new(), serde_json::json!({"error": error}).to_string())
}

/// Answers requests in the order in which they come; those beyond the last answer get a 400.
pub(crate) struct Server {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(answers: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = requests.clone();
        let mut answers: Vec<Reply> = answers.into_iter().collect();
        answers.reverse();
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let Some(request) = read(&mut stream).await else { continue };
                log.lock().unwrap().push(request);
                let answer = answers.pop().unwrap_or_else(|| refused(400, "unexpected", "no such answer is canned"));
                let Reply::Answer(status, headers, body) = answer else { continue };
                let length = body.len();
                let text = format!(
                    "HTTP/1.1 {status} -\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
                );
                stream.write_all(text.as_bytes()).await.unwrap();
            }
        });
        Self { url, requests, task }
    }

    /// The requests so far: method and path, some headers, and the body, each on its line.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    /// Endpoints that all lead here.
    pub(crate) fn endpoints(&self) -> Endpoints {
        let custom = Endpoints::KEYS.iter().map(|key| {
            let path = if matches!(*key, "compute" | "storage") { format!("{key}/v1") } else { (*key).to_owned() };
            ((*key).to_owned(), format!("{}/{path}/", self.url))
        });
        Endpoints { custom: custom.collect(), ..Endpoints::default() }
    }

    /// An account whose services are all here.
    pub(crate) async fn gce(&self) -> Gce {
        let access_token = Some("token-1".to_owned());
        let credentials = CredentialOptions { access_token, ..CredentialOptions::default() };
        Gce::new(&Options { endpoints: self.endpoints(), credentials }).await.unwrap()
    }
}

async fn read(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.lines();
    let mut text = lines.next().unwrap().trim_end_matches(" HTTP/1.1").to_owned();
    let mut length = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        if name.eq_ignore_ascii_case("content-length") {
            length = value.parse().unwrap();
        }
        if SHOWN.contains(&name.to_ascii_lowercase().as_str()) {
            text = format!("{text}\n{}: {value}", name.to_ascii_lowercase());
        }
    }
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    match String::from_utf8(body) {
        Ok(body) if body.is_empty() => Some(text),
        Ok(body) if body.len() < 2000 => Some(format!("{text}\n{body}")),
        _ => Some(format!("{text}\n{length} bytes")),
    }
}

/// A ledger of its own, and a claim by this name.
pub(crate) struct Claims {
    _folder: tempfile::TempDir,
    ledger: BuildLedger,
}

impl Claims {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::open(folder.path()).unwrap().build("test");
        Self { _folder: folder, ledger }
    }

    /// One by a name that is chosen for us.
    pub(crate) fn ours(&self) -> Claim {
        self.ledger.claim("test", "test").unwrap()
    }

    pub(crate) fn named(&self, name: &str) -> Claim {
        self.ledger.claim_named("test", "test", name, BTreeMap::new()).unwrap()
    }
}
