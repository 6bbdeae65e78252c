//! The fake of Google Cloud in a process of its own, and what it saw.

use imgforge_gce::{CredentialOptions, Endpoints, Gce, Options};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A token that the fake lets in.
pub(crate) const TOKEN: &str = "fake-token";

/// One fake; dropping it ends it, and the machines in it.
pub(crate) struct Fake {
    pub(crate) url: String,
    process: Child,
}

impl Fake {
    /// Starts one. Operations take a twentieth of a second, and a gigabyte is a megabyte, unless settings say otherwise.
    pub(crate) fn start(settings: Value) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = root.join(".cache/python/bin/python");
        assert!(python.exists(), "{} is missing: run `script/bootstrap test`", python.display());
        let mut all = json!({"operation_seconds": 0.05, "bytes_per_gb": 1 << 20});
        all.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
        let mut process = Command::new(python)
            .args(["tests/fakes/google/server.py", "--settings", &all.to_string()])
            .current_dir(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).expect("the fake says where it listens");
        Self { url: ready["url"].as_str().unwrap().to_owned(), process }
    }

    /// Where its services are, as `custom_endpoints` takes them.
    pub(crate) fn endpoints(&self) -> BTreeMap<String, String> {
        let url = &self.url;
        let place = |key: &str| match key {
            "compute" | "storage" => format!("{url}/{key}/v1/"),
            "iap" => format!("{}/iap/", url.replace("http://", "ws://")),
            _ => format!("{url}/{key}/"),
        };
        Endpoints::KEYS.iter().map(|key| ((*key).to_owned(), place(key))).collect()
    }

    /// How a client reaches it.
    pub(crate) fn options(&self) -> Options {
        let endpoints = Endpoints { universe_domain: String::new(), custom: self.endpoints() };
        let credentials = CredentialOptions { access_token: Some(TOKEN.to_owned()), ..CredentialOptions::default() };
        Options { endpoints, credentials }
    }

    pub(crate) async fn client(&self) -> Gce {
        Gce::new(&self.options()).await.unwrap()
    }

    /// Sets these rules: see `tests/fakes/google/faults.py`.
    pub(crate) fn faults(&self, rules: Value) {
        self.post("faults", &rules);
    }

    /// Makes what others made: resources by their path below `compute/v1/`, and the like.
    pub(crate) fn seed(&self, resources: Value) {
        self.post("seed", &resources);
    }

    /// A file of credentials of this type, whose addresses are the fake's.
    pub(crate) fn credentials(&self, kind: &str) -> Value {
        self.control("POST", "credentials", &json!({"type": kind}).to_string())
    }

    /// The token that GitLab puts into a job's environment, for this audience.
    pub(crate) fn ci_token(&self, audience: &str) -> String {
        let answer = self.control("POST", "ci_token", &json!({"audience": audience}).to_string());
        answer["token"].as_str().unwrap().to_owned()
    }

    /// Takes a machine away, as Google does.
    pub(crate) fn preempt(&self, instance: &str) {
        self.post("preempt", &json!({"instance": instance}));
    }

    /// All calls so far, in order, with what was asked and answered.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.get("log").as_array().unwrap().clone()
    }

    /// The methods of the calls so far: `compute.instances.insert`.
    pub(crate) fn methods(&self) -> Vec<String> {
        self.log().iter().map(|call| call["method"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// What broke Google's documents, on either side; nothing, if all is well.
    pub(crate) fn violations(&self) -> Vec<String> {
        serde_json::from_value(self.get("violations")).unwrap()
    }

    /// All there is, by its path.
    pub(crate) fn state(&self) -> serde_json::Map<String, Value> {
        self.get("state").as_object().unwrap().clone()
    }

    fn get(&self, name: &str) -> Value {
        self.control("GET", name, "")
    }

    fn post(&self, name: &str, body: &Value) {
        self.control("POST", name, &body.to_string());
    }

    fn control(&self, verb: &str, name: &str, body: &str) -> Value {
        let host = self.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        write!(
            stream,
            "{verb} /_fake/{name} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 ") || head.starts_with("HTTP/1.0 200 "), "{name}: {answer}");
        serde_json::from_str(body).unwrap()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        // It ends with its standard input.
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}
