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
    /// Begins the upload of an object, which is made when the last byte is there. The claim's name is `BUCKET/OBJECT`.
    ///
    /// # Errors
    /// Google's.
    pub async fn begin_upload(
        &self,
        claim: Claim,
        content_type: &str,
        metadata: &BTreeMap<String, String>,
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
            request.query(&[("uploadType", "resumable")]).header("X-Upload-Content-Type", content_type).json(&body)
        });
        let response = request.send().await?;
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
