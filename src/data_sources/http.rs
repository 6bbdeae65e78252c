//! `http`: what a web server answers.

use super::{DataComponent, DataSource, ReadContext, object};
use crate::component::Component;
use anyhow::{Context as _, Result, anyhow, bail, ensure};
use async_trait::async_trait;
use imgforge_template::arguments;
use imgforge_template::arguments::Arguments as _;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::Spanned;
use imgforge_template::types::Type;
use imgforge_template::value::Value;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, Url, redirect};
use std::collections::BTreeMap;
use std::error::Error;
use std::time::Duration;

arguments! {
    /// What `http` takes.
    pub struct HttpArguments {
        /// The address to read, of `http` or `https`.
        url: Spanned<String>,
        /// `GET`, `HEAD`, `POST`, `PUT`, `DELETE`, `OPTIONS` or `PATCH`.
        method: String = "GET",
        /// Headers to send.
        request_headers: BTreeMap<String, String>,
        /// The body to send.
        request_body: Option<String>,
    }
}

pub(super) const DATA_SOURCE: DataComponent = DataComponent {
    component: Component {
        name: "http",
        arguments: &[HttpArguments::TABLE],
        new: |body, diagnostics| Box::new(Http::new(body, diagnostics)),
    },
    outputs: || object([("url", Type::String), ("body", Type::String), ("request_headers", Type::map(Type::String))]),
};

/// Those that templates may use. `CONNECT` and `TRACE` have no answer to read.
const METHODS: [Method; 7] =
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS, Method::PATCH];

/// These say how the body is sent, which is not the template's to decide.
const IGNORED: [&str; 3] = ["content-length", "transfer-encoding", "trailer"];

/// More than any server takes.
const MOST_HEADERS: usize = 1000;

/// In bytes, with what has to be escaped escaped; the client takes hardly more.
const LONGEST_ADDRESS: usize = 65_000;

/// How often a server may send us elsewhere.
const REDIRECTS: usize = 10;

#[derive(Clone, Copy)]
struct Limits {
    connect: Duration,
    total: Duration,
    /// Bytes of the body.
    body: usize,
}

const LIMITS: Limits = Limits { connect: Duration::from_secs(10), total: Duration::from_secs(60), body: 16 << 20 };

struct Http {
    address: String,
    method: Method,
    headers: HeaderMap,
    body: Option<String>,
    limits: Limits,
}

impl Http {
    fn new(body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let arguments: HttpArguments = body.read(diagnostics);
        body.finish("the data source `http`", diagnostics);
        if arguments.given.span("url") == Some(arguments.url.span) {
            check_address(&arguments.url, diagnostics);
        }
        let method = arguments.method(diagnostics);
        let headers = arguments.headers(diagnostics);
        Self { address: arguments.url.value, method, headers, body: arguments.request_body, limits: LIMITS }
    }

    async fn fetch(&self) -> Result<Value> {
        let client = Client::builder()
            .user_agent(concat!("imgforge/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.limits.connect)
            .timeout(self.limits.total)
            .redirect(redirect::Policy::limited(REDIRECTS))
            // The address may have a token in its query.
            .referer(false)
            .build()
            .map_err(|error| self.explain(error))?;
        let mut request = client.request(self.method.clone(), &self.address).headers(self.headers.clone());
        if let Some(body) = &self.body {
            request = request.body(body.clone());
        }
        let response = request.send().await.map_err(|error| self.explain(error))?;
        ensure!(response.status().is_success(), "the server answered `{}`", response.status());
        let headers = headers_of(&response);
        let body = self.body_of(response).await?;
        Ok(Value::object([
            ("url", Value::string(self.address.as_str())),
            ("body", Value::string(body)),
            ("request_headers", Value::map(Type::String, headers)),
        ]))
    }

    async fn body_of(&self, mut response: Response) -> Result<String> {
        let mut body = Vec::new();
        while let Some(part) = response.chunk().await.map_err(|error| self.explain(error))? {
            let left = self.limits.body.saturating_sub(body.len());
            ensure!(part.len() <= left, "the answer is longer than {} bytes", self.limits.body);
            body.extend_from_slice(&part);
        }
        match String::from_utf8(body) {
            Ok(body) => Ok(body),
            Err(_) => bail!("the answer is not text in UTF-8"),
        }
    }

    /// The cause that says something, without the address: it may have a password or a token.
    fn explain(&self, error: reqwest::Error) -> anyhow::Error {
        if error.is_timeout() {
            let limits = self.limits;
            return if error.is_connect() {
                anyhow!("no connection within {} s", limits.connect.as_secs())
            } else {
                anyhow!("no whole answer within {} s", limits.total.as_secs())
            };
        }
        let error = error.without_url();
        let mut cause: &dyn Error = &error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        anyhow!("{cause}")
    }
}

#[async_trait]
impl DataSource for Http {
    async fn read(&self, context: &ReadContext) -> Result<Value> {
        context.unless_cancelled(self.fetch()).await.with_context(|| format!("read {}", shown(&self.address)))
    }
}

impl HttpArguments {
    fn method(&self, diagnostics: &mut Diagnostics) -> Method {
        let found = METHODS.into_iter().find(|method| method.as_str() == self.method);
        match (found, self.given.span("method")) {
            (Some(method), _) => method,
            (None, Some(span)) if !self.method.is_empty() => {
                let names: Vec<String> = METHODS.iter().map(|method| format!("`{method}`")).collect();
                diagnostics.push(
                    Diagnostic::error("invalid-value", format!("`{}` is not a method to read with", self.method))
                        .at(span)
                        .help(format!("use one of {}", names.join(", "))),
                );
                Method::GET
            }
            _ => Method::GET,
        }
    }

    /// The headers to send. No message shows a value: many are secrets.
    fn headers(&self, diagnostics: &mut Diagnostics) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let Some(span) = self.given.span("request_headers") else { return headers };
        let mut wrong = |message: String, help: &str| {
            diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(help));
        };
        if self.request_headers.len() > MOST_HEADERS {
            wrong(format!("`request_headers` has more than {MOST_HEADERS} headers"), "send fewer");
            return headers;
        }
        let mut ignored = Vec::new();
        for (name, value) in &self.request_headers {
            let Ok(key) = HeaderName::from_bytes(name.as_bytes()) else {
                wrong(format!("`{name}` is not the name of a header"), "use letters, digits and `-`");
                continue;
            };
            let Ok(mut value) = HeaderValue::from_bytes(value.as_bytes()) else {
                wrong(format!("the value of the header `{name}` is not one line of text"), "remove control characters");
                continue;
            };
            if IGNORED.contains(&key.as_str()) {
                ignored.push(name);
                continue;
            }
            value.set_sensitive(true);
            headers.insert(key, value);
        }
        for name in ignored {
            diagnostics.push(
                Diagnostic::warning("ignored-argument", format!("the header `{name}` is not sent as it stands here"))
                    .at(span)
                    .help("remove it: it follows from `request_body`"),
            );
        }
        headers
    }
}

/// Says what is wrong with an address, without showing it: it may have a password or a token.
fn check_address(address: &Spanned<String>, diagnostics: &mut Diagnostics) {
    let wrong = match Url::parse(address) {
        Ok(url) if url.as_str().len() > LONGEST_ADDRESS => format!("`url` is longer than {LONGEST_ADDRESS} bytes"),
        Ok(url) if matches!(url.scheme(), "http" | "https") => return,
        Ok(url) => format!("`url` is an address of `{}`, not of `http` or `https`", url.scheme()),
        Err(error) => format!("`url` is not an address: {error}"),
    };
    diagnostics.push(
        Diagnostic::error("invalid-value", wrong)
            .at(address.span)
            .help("write all of it, as in `https://example.org/file`"),
    );
}

/// The address without user, password and query.
fn shown(address: &str) -> String {
    match Url::parse(address) {
        Ok(url) => format!("{}{}", url.origin().ascii_serialization(), url.path()),
        Err(_) => "the address".to_owned(),
    }
}

/// The headers of the answer. Several of one name are joined; what is not text is left out.
fn headers_of(response: &Response) -> BTreeMap<String, Value> {
    let mut texts: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in response.headers() {
        let Ok(value) = std::str::from_utf8(value.as_bytes()) else { continue };
        let text = texts.entry(canonical(name.as_str())).or_default();
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(value);
    }
    texts.into_iter().map(|(name, text)| (name, Value::string(text))).collect()
}

/// The way that templates write the name of a header, which is Go's: `Content-Type`.
fn canonical(name: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + letters.as_str())
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scripts::testing::{Map, Str, World, Written};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    /// A server that gives each request the next of these answers, in each of which `SERVER` is its address. It
    /// returns the requests.
    async fn serve(answers: Vec<Vec<u8>>) -> (&'static str, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let shared: &'static str = address.clone().leak();
        let server = tokio::spawn(async move {
            let mut requests = Vec::new();
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                requests.push(request(&mut stream).await.replace(&address["http://".len()..], "SERVER"));
                let answer = match String::from_utf8(answer) {
                    Ok(text) => text.replace("SERVER", &address).into_bytes(),
                    Err(error) => error.into_bytes(),
                };
                // Who has read enough hangs up.
                drop(stream.write_all(&answer).await);
            }
            requests
        });
        (shared, server)
    }

    /// One request with its body.
    async fn request(stream: &mut tokio::net::TcpStream) -> String {
        let mut text = String::new();
        loop {
            let mut part = [0; 1000];
            let length = stream.read(&mut part).await.unwrap();
            text.push_str(std::str::from_utf8(&part[..length]).unwrap());
            let Some((headers, body)) = text.split_once("\r\n\r\n") else { continue };
            let expected = headers.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= expected.map_or(0, |length| length.parse().unwrap()) || length == 0 {
                return text;
            }
        }
    }

    fn answer(status: &str, headers: &str, body: &[u8]) -> Vec<u8> {
        let length = body.len();
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n");
        [head.as_bytes(), body].concat()
    }

    fn small() -> Limits {
        Limits { connect: Duration::from_secs(5), total: Duration::from_secs(5), body: 100 }
    }

    async fn read(arguments: &[(&str, Written)], limits: Limits) -> Result<Value> {
        let http = World::new().block(arguments).make(Http::new);
        Http { limits, ..http }.read(&ReadContext::default()).await
    }

    /// The whole error of reading what answers this.
    async fn error_of(answers: Vec<Vec<u8>>) -> String {
        let (address, server) = serve(answers).await;
        let url = format!("{}/file?token=secret", address.replace("://", "://user:secret@")).leak();
        let error = read(&[("url", Str(url))], small()).await.unwrap_err();
        server.abort();
        format!("{error:#}").replace(address, "SERVER")
    }

    #[tokio::test]
    async fn the_answer_and_its_headers_are_read() {
        let headers = "content-type: text/plain\r\nX-A: 1\r\nx-a: 2\r\nX-Raw: ?\r\n";
        let mut bytes = answer("200 OK", headers, "grüße\n".as_bytes());
        // Header values need not be text.
        let at = bytes.iter().position(|byte| *byte == b'?').unwrap();
        bytes[at] = 0xff;
        let (address, server) = serve(vec![bytes]).await;
        let value = read(&[("url", Str(address))], LIMITS).await.unwrap();
        assert_eq!(value.type_of(), (DATA_SOURCE.outputs)());
        let headers =
            [("Connection", "close"), ("Content-Length", "8"), ("Content-Type", "text/plain"), ("X-A", "1, 2")];
        let headers = headers.map(|(name, text)| (name, Value::string(text)));
        assert_eq!(
            value,
            Value::object([
                ("url", Value::string(address)),
                ("body", Value::string("grüße\n")),
                ("request_headers", Value::map(Type::String, headers)),
            ])
        );
        let version = env!("CARGO_PKG_VERSION");
        assert_eq!(
            server.await.unwrap(),
            [format!("GET / HTTP/1.1\r\naccept: */*\r\nuser-agent: imgforge/{version}\r\nhost: SERVER\r\n\r\n")]
        );
    }

    #[tokio::test]
    async fn method_headers_and_body_are_sent() {
        let (address, server) = serve(vec![answer("201 Created", "", b"made")]).await;
        let arguments = [
            ("url", Str(address)),
            ("method", Str("POST")),
            ("request_headers", Map(vec![("Accept", "text/plain"), ("X-Token", "secret"), ("User-Agent", "me")])),
            ("request_body", Str("a body")),
        ];
        let value = read(&arguments, LIMITS).await.unwrap();
        assert_eq!(value.get("body"), Some(&Value::string("made")));
        assert_eq!(
            server.await.unwrap(),
            ["POST / HTTP/1.1\r\naccept: text/plain\r\nuser-agent: me\r\nx-token: secret\r\nhost: SERVER\r\n\
              content-length: 6\r\n\r\na body"]
        );
    }

    #[tokio::test]
    async fn redirects_are_followed_but_not_for_ever() {
        let away = answer("302 Found", "Location: SERVER/there?token=secret\r\n", b"");
        let (address, server) = serve(vec![away.clone(), answer("200 OK", "", b"there")]).await;
        let url = format!("{address}/here?token=secret").leak();
        let value = read(&[("url", Str(url))], small()).await.unwrap();
        assert_eq!(value.get("body"), Some(&Value::string("there")));
        assert_eq!(value.get("url"), Some(&Value::string(&*url)));
        let requests = server.await.unwrap();
        assert!(requests[1].starts_with("GET /there?token=secret HTTP/1.1\r\n"), "{requests:?}");
        assert!(!requests[1].contains("referer"), "{requests:?}");

        assert_eq!(error_of(vec![away; REDIRECTS + 1]).await, "read SERVER/file: too many redirects");
    }

    #[tokio::test]
    async fn what_is_no_text_of_a_good_length_is_an_error() {
        assert_eq!(
            error_of(vec![answer("404 Not Found", "", b"secret")]).await,
            "read SERVER/file: the server answered `404 Not Found`"
        );
        assert_eq!(
            error_of(vec![answer("200 OK", "", &[b'a'; 101])]).await,
            "read SERVER/file: the answer is longer than 100 bytes"
        );
        assert_eq!(
            error_of(vec![answer("200 OK", "", b"\xff")]).await,
            "read SERVER/file: the answer is not text in UTF-8"
        );
        // Cut off: less than was announced.
        assert_eq!(
            error_of(vec![b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".to_vec()]).await,
            "read SERVER/file: end of file before message length reached"
        );
        assert_eq!(error_of(vec![b"SSH-2.0-x\r\n".to_vec()]).await, "read SERVER/file: invalid HTTP version parsed");
    }

    #[tokio::test]
    async fn an_answer_of_the_greatest_length_is_read() {
        let (address, _server) = serve(vec![answer("200 OK", "", &[b'a'; 100])]).await;
        let value = read(&[("url", Str(address))], small()).await.unwrap();
        assert_eq!(value.get("body").and_then(Value::as_str).map(str::len), Some(100));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_or_silent_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap()).leak();
        let limits = Limits { total: Duration::from_millis(100), ..small() };
        let error = read(&[("url", Str(address))], limits).await.unwrap_err();
        assert_eq!(format!("{error:#}"), format!("read {address}: no whole answer within 0 s"));
        drop(listener);
        let error = read(&[("url", Str(address))], limits).await.unwrap_err();
        assert_eq!(format!("{error:#}"), format!("read {address}: Connection refused (os error 111)"));
    }

    #[tokio::test]
    async fn a_cancelled_run_does_not_wait_for_the_answer() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap()).leak();
        let http = World::new().block(&[("url", Str(address))]).make(Http::new);
        let context = ReadContext::default();
        let stop = async {
            let _stream = listener.accept().await.unwrap();
            context.cancel.cancel();
        };
        let (result, ()) = tokio::join!(http.read(&context), stop);
        assert_eq!(format!("{:#}", result.unwrap_err()), format!("read {address}: cancelled"));
    }

    #[test]
    fn mistakes_are_shown_at_their_places_and_secrets_are_not() {
        let world = World::new();
        let mistakes = |arguments: &[_]| world.block(arguments).mistakes(Http::new);
        assert_eq!(
            mistakes(&[
                ("url", Str("ftp://user:secret@example.org")),
                ("method", Str("get")),
                ("request_headers", Map(vec![("a:b", "secret"), ("ok", "sec\nret"), ("Content-Length", "3")])),
                ("headers", Map(vec![])),
            ]),
            [
                "invalid-value at \"ftp://user:secret@example.org\": `url` is an address of `ftp`, not of `http` or \
                 `https` (write all of it, as in `https://example.org/file`)",
                "invalid-value at \"get\": `get` is not a method to read with (use one of `GET`, `HEAD`, `POST`, \
                 `PUT`, `DELETE`, `OPTIONS`, `PATCH`)",
                "invalid-value at { a:b = \"secret\", ok = \"sec\\nret\", Content-Length = \"3\", }: `a:b` is not the \
                 name of a header (use letters, digits and `-`)",
                "invalid-value at { a:b = \"secret\", ok = \"sec\\nret\", Content-Length = \"3\", }: the value of the \
                 header `ok` is not one line of text (remove control characters)",
                "ignored-argument at { a:b = \"secret\", ok = \"sec\\nret\", Content-Length = \"3\", }: the header \
                 `Content-Length` is not sent as it stands here (remove it: it follows from `request_body`)",
                "unknown-argument at headers: the data source `http` has no argument `headers` (remove it, or check \
                 the name in the component's documentation)",
            ]
        );
        assert_eq!(mistakes(&[]), ["missing-argument at block: the argument `url` is required (add `url`, a string)"]);
        assert_eq!(
            mistakes(&[("url", Str("example.org/file")), ("method", Str(""))]),
            ["invalid-value at \"example.org/file\": `url` is not an address: relative URL without a base (write \
                 all of it, as in `https://example.org/file`)"]
        );
        assert_eq!(mistakes(&[("url", Written::Unknown), ("method", Written::Unknown)]), [""; 0]);
    }

    #[test]
    fn what_no_client_could_send_is_a_mistake() {
        let url = format!("http://example.org/{}", "ü".repeat(LONGEST_ADDRESS / 6)).leak();
        let headers = (0..=MOST_HEADERS).map(|number| (&*format!("x-{number}").leak(), "")).collect();
        let mistakes = World::new().block(&[("url", Str(url)), ("request_headers", Map(headers))]).mistakes(Http::new);
        let messages: Vec<_> = mistakes.iter().map(|mistake| mistake.rsplit_once(": ").unwrap().1).collect();
        assert_eq!(
            messages,
            [
                "`url` is longer than 65000 bytes (write all of it, as in `https://example.org/file`)",
                "`request_headers` has more than 1000 headers (send fewer)",
            ]
        );
    }
}
