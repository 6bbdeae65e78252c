//! Uploads to Cloud Storage in pieces: they go on after a lost connection, and an object is there only when all of it is.

use crate::checksum::crc32c;
use crate::http::{Request, address};
use crate::retry::{Pauses, Refusal};
use crate::storage::{Answer, resource};
use crate::{Error, Gce, Kind, Object, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use imgforge_ledger::Claim;
use reqwest::header::{CONTENT_RANGE, LOCATION, RANGE};
use reqwest::{Method, StatusCode};
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;
use tokio::time::Instant;

const CALL: &str = "objects.insert";
/// Bytes of a piece; Google wants multiples of 256 KiB.
const PIECE: u64 = 8 * 1024 * 1024;
/// Time for a piece: over a line of 256 kbit/s.
const PIECE_LIMIT: Duration = Duration::from_secs(5 * 60);
/// How long an upload may make no progress.
const PATIENCE: Duration = Duration::from_secs(60);

/// The address of an upload that has begun. Whoever has it may write the object without credentials: a secret.
#[derive(Clone)]
pub struct Upload {
    pub url: String,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").finish_non_exhaustive()
    }
}

/// What the service has of an upload.
enum Progress {
    /// So many bytes from the start.
    Kept(u64),
    /// All.
    Done(Answer),
}

impl Gce {
    /// Begins the upload of an object, which is made when the last byte is there. The claim's name is `BUCKET/OBJECT`. One
    /// that has the name already is replaced if `replaces`.
    ///
    /// # Errors
    /// Google's; `AlreadyExists` where there is one that must not be replaced.
    pub async fn begin_upload(
        &self,
        claim: Claim,
        content_type: &str,
        metadata: &BTreeMap<String, String>,
        replaces: bool,
    ) -> Result<Upload> {
        let Some((bucket, name)) = claim.name().split_once('/') else {
            return Err(Error::new(CALL, claim.name(), Kind::Invalid, "it is no `BUCKET/OBJECT`"));
        };
        let resource = resource(bucket, name);
        let storage = self.inner.endpoints.url("storage");
        // Uploads have a path of their own beside the one that the endpoint names.
        let root = storage.strip_suffix("/storage/v1").unwrap_or(&storage);
        let url = address(root, &["upload", "storage", "v1", "b", bucket, "o"]);
        let body = json!({"name": name, "contentType": content_type, "metadata": metadata});
        let request = self.request(CALL, &resource, Method::POST, &url).with(|request| {
            let request = request.query(&[("uploadType", "resumable")]).json(&body);
            // Objects that are not there are of generation 0.
            let request = if replaces { request } else { request.query(&[("ifGenerationMatch", "0")]) };
            request.header("X-Upload-Content-Type", content_type)
        });
        let response = request.send().await.map_err(|error| match error.status {
            Some(412) => {
                let message = "there is an object of that name already".to_owned();
                Error { kind: Kind::AlreadyExists, message, ..error }
            }
            _ => error,
        })?;
        let location = response.headers().get(LOCATION).and_then(|url| url.to_str().ok());
        let url = location.ok_or_else(|| Error::new(CALL, resource, Kind::Other, "Google gives no address for it"))?;
        Ok(Upload { url: url.to_owned() })
    }

    /// Sends a file by an upload that has begun; goes on where it stopped after a lost connection. `report` is told bytes done and in all.
    ///
    /// # Errors
    /// The file's (`Invalid`), Google's, and `Other` when the object has not the bytes of the file.
    pub async fn upload_file(
        &self,
        upload: &Upload,
        file: &Path,
        report: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Object> {
        let resource = file.display().to_string();
        let unreadable = |error: io::Error| Error::new(CALL, &resource, Kind::Invalid, error.to_string());
        let mut source = Source::open(file).map_err(unreadable)?;
        let total = source.size;
        let mut done = 0;
        // After a failure we ask how much arrived before we go on.
        let mut asks = false;
        let mut pauses = Pauses::default();
        let mut last_progress = Instant::now();
        loop {
            report(done, total);
            let mut piece = Vec::new();
            if !asks {
                (source, piece) = source.read(done).await.map_err(unreadable)?;
            }
            let trouble = match self.put(upload, &resource, done, total, piece).await {
                Ok(Progress::Done(answer)) => {
                    report(total, total);
                    return source.compared(answer, &resource);
                }
                Ok(Progress::Kept(kept)) if kept > total => {
                    let message = format!("Google has {kept} bytes of a file that has {total}");
                    return Err(Error::new(CALL, resource, Kind::Other, message));
                }
                Ok(Progress::Kept(kept)) => {
                    let asked = std::mem::take(&mut asks);
                    let more = kept > done;
                    done = kept;
                    if more {
                        (last_progress, pauses) = (Instant::now(), Pauses::default());
                    }
                    if more || asked {
                        continue;
                    }
                    Error::new(CALL, &resource, Kind::Transient, "Google keeps nothing of what is sent").into()
                }
                Err(refusal) if refusal.error.may_be_sent_again() => refusal,
                Err(refusal) => return Err(refusal.error),
            };
            let pause = pauses.next(trouble.retry_after);
            if last_progress.elapsed() + pause > PATIENCE {
                return Err(trouble.error);
            }
            tracing::debug!(done, total, "an upload goes on in {pause:?}: {}", trouble.error);
            tokio::time::sleep(pause).await;
            asks = true;
        }
    }

    /// Sends a piece that begins at `done`, or asks with an empty one how much there is.
    async fn put(
        &self,
        upload: &Upload,
        resource: &str,
        done: u64,
        total: u64,
        piece: Vec<u8>,
    ) -> std::result::Result<Progress, Refusal> {
        let range = match piece.len() as u64 {
            0 => format!("bytes */{total}"),
            length => format!("bytes {done}-{}/{total}", done + length - 1),
        };
        // Without a token: whoever has the address may write.
        let request = self.inner.http.put(&upload.url).header(CONTENT_RANGE, range).body(piece);
        let request = Request::new(CALL, resource, request).with(|request| request.timeout(PIECE_LIMIT));
        let response = request.hiding(&upload.url).attempt().await?;
        if response.status() == StatusCode::PERMANENT_REDIRECT {
            // `bytes=0-524287`; there is none while nothing is kept.
            let range = response.headers().get(RANGE).and_then(|range| range.to_str().ok());
            let last = range.and_then(|range| range.rsplit_once('-')?.1.parse::<u64>().ok());
            return Ok(Progress::Kept(last.map_or(0, |last| last + 1)));
        }
        let body = response.bytes().await;
        let body = body.map_err(|error| Error::from_connection(CALL, resource, &error.without_url()))?;
        let answer = serde_json::from_slice(&body);
        let answer = answer.map_err(|_| Error::new(CALL, resource, Kind::Other, "the answer describes no object"))?;
        Ok(Progress::Done(answer))
    }

    /// Gives an upload up, so that nothing of it stays.
    ///
    /// # Errors
    /// Google's, but not that there is no such upload any more.
    pub async fn cancel_upload(&self, upload: &Upload) -> Result<()> {
        let request = Request::new(CALL, "an upload", self.inner.http.delete(&upload.url)).hiding(&upload.url);
        match request.send().await {
            // How Google says that the client closed it.
            Err(error) if error.status == Some(499) || error.is_not_found() => Ok(()),
            answer => answer.map(drop),
        }
    }
}

/// The file that is sent, and the sum of what was read of it.
struct Source {
    file: File,
    size: u64,
    summed: u64,
    sum: u32,
}

impl Source {
    fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size, summed: 0, sum: 0 })
    }

    /// The piece that begins there; away from the threads that others wait for.
    async fn read(mut self, start: u64) -> io::Result<(Self, Vec<u8>)> {
        let read = move || {
            let length = PIECE.min(self.size - start);
            let mut piece = vec![0; usize::try_from(length).map_err(io::Error::other)?];
            self.file.seek(SeekFrom::Start(start))?;
            self.file.read_exact(&mut piece)?;
            // What is sent again is summed already.
            let known = usize::try_from(self.summed.saturating_sub(start)).map_err(io::Error::other)?;
            if let Some(new) = piece.get(known..) {
                self.sum = crc32c(self.sum, new);
                self.summed = start + length;
            }
            Ok((self, piece))
        };
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    }

    /// The object, if its bytes are the file's.
    fn compared(&self, answer: Answer, resource: &str) -> Result<Object> {
        let sum = STANDARD.encode(self.sum.to_be_bytes());
        if answer.crc32c.as_ref().is_some_and(|theirs| *theirs != sum) {
            let message = "the object's checksum is not the file's: it was changed on its way, or while it was sent";
            return Err(Error::new(CALL, resource, Kind::Other, message));
        }
        Ok(answer.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Claims, Reply, Server, ok, refused};
    use serde_json::Value;
    use std::sync::Mutex;

    fn kept(range: &str) -> Reply {
        let headers = if range.is_empty() { String::new() } else { format!("Range: bytes={range}\r\n") };
        Reply::Answer(308, headers, String::new())
    }

    fn object(sum: u32) -> Value {
        let crc32c = STANDARD.encode(sum.to_be_bytes());
        json!({"bucket": "b", "name": "a/x.tar.gz", "size": "1", "timeCreated": "2026-01-01T00:00:00Z", "crc32c": crc32c})
    }

    /// Sends so many bytes to a server of these answers; what came of it, what was reported, what was asked for.
    async fn send(length: usize, answers: Vec<Reply>) -> (Result<Object>, Vec<u64>, Vec<String>) {
        let server = Server::start(answers).await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("x.tar.gz");
        std::fs::write(&file, content(length)).unwrap();
        let upload = Upload { url: format!("{}/upload?upload_id=s3cret", server.url) };
        let reported = Mutex::new(Vec::new());
        let report = |done, _| reported.lock().unwrap().push(done);
        let sent = server.gce().await.upload_file(&upload, &file, &report).await;
        let sent = sent.map_err(|error| {
            let resource = error.resource.replace(folder.path().to_str().unwrap(), "");
            Error { resource, ..error }
        });
        let requests =
            server.requests().into_iter().map(|request| request.replace("PUT /upload?upload_id=s3cret", "PUT"));
        (sent, reported.into_inner().unwrap(), requests.collect())
    }

    fn content(length: usize) -> Vec<u8> {
        (0..length).map(|number| u8::try_from(number % 251).unwrap()).collect()
    }

    const MIB: usize = 1024 * 1024;

    #[tokio::test]
    async fn an_upload_begins_with_what_the_object_will_be() {
        let headers = "Location: http://elsewhere/upload?upload_id=s3cret\r\n".to_owned();
        let server = Server::start([
            refused(503, "backendError", "try again"),
            Reply::Answer(200, headers, String::new()),
            Reply::Answer(499, String::new(), String::new()),
        ])
        .await;
        let gce = server.gce().await;
        let claims = Claims::new();
        let metadata = BTreeMap::from([("imgforge-run".to_owned(), "r".to_owned())]);
        let upload = gce.begin_upload(claims.named("b/a/x.tar.gz"), "application/gzip", &metadata, true).await.unwrap();
        assert_eq!(upload.url, "http://elsewhere/upload?upload_id=s3cret");
        assert_eq!(format!("{upload:?}"), "Upload { .. }");
        let asked = "POST /upload/storage/v1/b/b/o?uploadType=resumable\n\
                     x-upload-content-type: application/gzip\nauthorization: Bearer token-1\n\
                     {\"contentType\":\"application/gzip\",\"metadata\":{\"imgforge-run\":\"r\"},\"name\":\"a/x.tar.gz\"}";
        assert_eq!(server.requests(), [asked, asked]);

        gce.cancel_upload(&Upload { url: format!("{}/upload?upload_id=s3cret", server.url) }).await.unwrap();
        assert_eq!(server.requests()[2], "DELETE /upload?upload_id=s3cret");
        let error = gce.begin_upload(claims.named("bucket"), "x", &metadata, true).await.unwrap_err();
        assert_eq!(error.to_string(), "objects.insert of bucket: it is no `BUCKET/OBJECT`");
    }

    #[tokio::test]
    async fn a_file_goes_by_pieces_and_goes_on_after_a_cut() {
        let length = 17 * MIB + 5;
        let answers = vec![
            kept("0-8388607"),
            // The connection is lost in the second piece, of which a part arrived.
            Reply::Cut,
            kept("0-9437183"),
            // Less is kept than was sent, as busy servers do.
            kept("0-12582911"),
            refused(503, "backendError", "try again"),
            Reply::Cut,
            kept("0-12582911"),
            ok(object(crc32c(0, &content(length)))),
        ];
        let (sent, reported, requests) = send(length, answers).await;
        assert_eq!(sent.unwrap().name, "a/x.tar.gz");
        assert_eq!(
            requests,
            [
                "PUT\ncontent-range: bytes 0-8388607/17825797\n8388608 bytes",
                "PUT\ncontent-range: bytes 8388608-16777215/17825797\n8388608 bytes",
                "PUT\ncontent-range: bytes */17825797",
                "PUT\ncontent-range: bytes 9437184-17825791/17825797\n8388608 bytes",
                "PUT\ncontent-range: bytes 12582912-17825796/17825797\n5242885 bytes",
                "PUT\ncontent-range: bytes */17825797",
                "PUT\ncontent-range: bytes */17825797",
                "PUT\ncontent-range: bytes 12582912-17825796/17825797\n5242885 bytes",
            ]
        );
        let mib = |n: usize| (n * MIB) as u64;
        let mut rising = reported.clone();
        rising.dedup();
        assert_eq!(rising, [0, mib(8), mib(9), mib(12), length as u64]);
    }

    #[tokio::test]
    async fn an_answer_that_was_lost_is_asked_for_again() {
        let (sent, _, requests) = send(3, vec![Reply::Cut, ok(object(crc32c(0, &content(3))))]).await;
        assert_eq!(sent.unwrap().name, "a/x.tar.gz");
        assert_eq!(requests[1..], ["PUT\ncontent-range: bytes */3"]);

        let (sent, _, requests) = send(0, vec![ok(object(0))]).await;
        assert_eq!(sent.unwrap().name, "a/x.tar.gz");
        assert_eq!(requests, ["PUT\ncontent-range: bytes */0"]);
    }

    #[tokio::test]
    async fn what_goes_wrong_ends_it() {
        let mut said = Vec::new();
        for answers in [
            vec![ok(object(7))],
            vec![kept("0-99")],
            vec![refused(403, "forbidden", "not with that token")],
            vec![Reply::Cut, refused(404, "notFound", "There is no such upload")],
            vec![ok("page")],
        ] {
            said.push(send(3, answers).await.0.unwrap_err().to_string());
        }
        assert_eq!(
            said,
            [
                "objects.insert of /x.tar.gz: the object's checksum is not the file's: it was changed on its way, or while it \
                 was sent",
                "objects.insert of /x.tar.gz: Google has 100 bytes of a file that has 3",
                "objects.insert of /x.tar.gz failed with 403 forbidden: not with that token",
                "objects.insert of /x.tar.gz failed with 404 notFound: There is no such upload",
                "objects.insert of /x.tar.gz: the answer describes no object",
            ]
        );
        let server = Server::start([]).await;
        let upload = Upload { url: server.url.clone() };
        let error = server.gce().await.upload_file(&upload, Path::new("/nowhere"), &|_, _| {}).await.unwrap_err();
        assert_eq!(error.to_string(), "objects.insert of /nowhere: No such file or directory (os error 2)");
    }
}
