//! A server on this machine that gives canned answers, one a request, and remembers what it was asked.

use imgforge_gce::{CredentialOptions, Endpoints, Gce, Options};
use imgforge_ledger::{Claim, Ledger};
use serde_json::Value;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What the server does with a request.
pub(crate) enum Answer {
    /// A status, and a body.
    Json(u16, Value),
    /// The same with a `Retry-After`.
    Later(u16, u64, Value),
    /// The connection is cut after the request was read.
    Cut,
    /// Nothing, for ever.
    Silence,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Asked {
    /// `POST projects/p/zones/z/instances`.
    pub(crate) line: String,
    /// The query without what the client library always sends.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) token: String,
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn query(&self, key: &str) -> Option<&str> {
        self.query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

pub(crate) struct Server {
    asked: Arc<Mutex<Vec<Asked>>>,
    pub(crate) gce: Gce,
}

impl Server {
    /// Gives these answers in this order; a request too many is answered by 500.
    pub(crate) async fn new(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = asked.clone();
        tokio::spawn(async move {
            let mut answers = answers.into_iter();
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                let answer = answers.next().unwrap_or(Answer::Json(500, Value::Null));
                // Each by itself: one that is never answered must not stand in the way.
                tokio::spawn(serve(connection, answer, log.clone()));
            }
        });
        let mut endpoints = Endpoints::default();
        endpoints.custom.insert("compute".to_owned(), format!("{url}/compute/v1/"));
        endpoints.custom.insert("oauth2".to_owned(), format!("{url}/oauth2/"));
        let credentials =
            CredentialOptions { access_token: Some("secret-token".to_owned()), ..CredentialOptions::default() };
        let gce = Gce::new(&Options { endpoints, credentials }).await.unwrap();
        Self { asked, gce }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// The first lines of all requests.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }
}

async fn serve(connection: TcpStream, answer: Answer, log: Arc<Mutex<Vec<Asked>>>) {
    let mut connection = BufReader::new(connection);
    let mut line = String::new();
    connection.read_line(&mut line).await.unwrap();
    let (mut length, mut token) = (0, String::new());
    loop {
        let mut header = String::new();
        connection.read_line(&mut header).await.unwrap();
        let Some((name, value)) = header.trim().split_once(": ") else { break };
        match name.to_lowercase().as_str() {
            "content-length" => length = value.parse().unwrap(),
            "authorization" => token = value.to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.unwrap();
    log.lock().unwrap().push(asked(&line, token, &body));
    let (status, header, body) = match answer {
        Answer::Json(status, body) => (status, String::new(), body),
        Answer::Later(status, seconds, body) => (status, format!("Retry-After: {seconds}\r\n"), body),
        Answer::Cut => return,
        Answer::Silence => std::future::pending().await,
    };
    let body = body.to_string();
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\n{header}Connection: close\r\nContent-Type: application/json\r\n");
    let answer = format!("{head}Content-Length: {length}\r\n\r\n{body}");
    connection.get_mut().write_all(answer.as_bytes()).await.unwrap();
}

fn asked(line: &str, token: String, body: &[u8]) -> Asked {
    let mut words = line.split_whitespace();
    let method = words.next().unwrap();
    let (path, query) = words.next().unwrap().split_once('?').unwrap_or_default();
    let url = reqwest::Url::parse(&format!("http://server/?{query}")).unwrap();
    let query = url
        .query_pairs()
        .filter(|(key, _)| !key.starts_with('$'))
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    Asked {
        line: format!("{method} {}", path.trim_start_matches("/compute/v1/")),
        query,
        token,
        body: serde_json::from_slice(body).unwrap_or(Value::Null),
    }
}

/// A claim, and the state folder and ledger that it is of.
pub(crate) fn claim() -> (Claim, (tempfile::TempDir, Arc<Ledger>)) {
    let folder = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(folder.path()).unwrap();
    let claim = ledger.build("web").claim("gce", "instance").unwrap();
    (claim, (folder, ledger))
}
