//! The image that a build starts from: which one is there, and whether it is the one the user means.

use super::arguments::IsoArguments;
use crate::context::BuildContext;
use anyhow::{Context as _, Result};
use aws_lc_rs::digest;
use imgforge_template::body::Body;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::{Span, Spanned};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use tokio_util::sync::{CancellationToken, DropGuard};

/// The image as the user describes it.
#[derive(Clone, Debug)]
pub(super) struct Iso {
    /// As written, without `file://`; the first that is there is used.
    candidates: Vec<PathBuf>,
    checksum: Checksum,
}

/// What is known of the image's content.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Checksum {
    None,
    Known(Digest),
    /// A file with checksums of several files.
    Listed(PathBuf),
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Digest {
    algorithm: &'static digest::Algorithm,
    /// Lower-case hexadecimal digits.
    value: String,
}

const ALGORITHMS: [(&str, &digest::Algorithm); 3] =
    [("sha1", &digest::SHA1_FOR_LEGACY_USE_ONLY), ("sha256", &digest::SHA256), ("sha512", &digest::SHA512)];

const CHECKSUM_HELP: &str = "write `sha256:` and the 64 digits that `sha256sum` prints, or `none` to go without";

impl Iso {
    /// Checks what the user wrote, and whether local files are there.
    pub(super) fn read(arguments: &IsoArguments, body: &Body, diagnostics: &mut Diagnostics) -> Self {
        let given = &arguments.given;
        if !given.has("iso_url") && !given.has("iso_urls") {
            diagnostics.push(
                Diagnostic::error("missing-argument", "one of `iso_url` and `iso_urls` is required")
                    .at(body.header())
                    .help("add `iso_url`, the path of an installation CD or, with `disk_image = true`, of a disk"),
            );
        }
        let urls: Vec<&Spanned<String>> = arguments.iso_url.iter().chain(&arguments.iso_urls).collect();
        let candidates: Vec<PathBuf> = urls.iter().filter_map(|url| local(url, "image", diagnostics)).collect();
        let is_there = |path: &PathBuf| body.context().host.status(path).is_ok();
        if let Some(first) = urls.first().filter(|_| candidates.len() == urls.len() && !candidates.iter().any(is_there))
        {
            // No error: an earlier step of the job may make it.
            let message = format!("there is no image `{}`", first.value);
            let help = "a build needs it: check the path, which is relative to the working directory";
            diagnostics.push(Diagnostic::warning("missing-file", message).at(first.span).help(help));
        }
        let checksum = match &arguments.iso_checksum {
            _ if arguments.iso_skip_cache => Checksum::None,
            Some(text) => checksum(text, body, diagnostics).unwrap_or(Checksum::None),
            None => {
                if !given.has("iso_checksum") {
                    let diagnostic = Diagnostic::error("missing-argument", "the argument `iso_checksum` is required");
                    diagnostics.push(diagnostic.at(body.header()).help(CHECKSUM_HELP));
                }
                Checksum::None
            }
        };
        Self { candidates, checksum }
    }

    /// The absolute path of the image, once its checksum is found right.
    ///
    /// # Errors
    /// When no image is there, or it is another one.
    pub(super) async fn find(&self, working_directory: &Path, context: &BuildContext) -> Result<PathBuf> {
        context.say("Retrieving ISO");
        let mut found = None;
        for candidate in &self.candidates {
            let path = working_directory.join(candidate);
            context.say(format!("Trying {}", candidate.display()));
            if path.is_file() {
                context.say(format!("{} => {}", candidate.display(), path.display()));
                found = Some(path);
                break;
            }
        }
        let path = found.context("none of the images is there")?;
        let expected = match &self.checksum {
            Checksum::None => return Ok(path),
            Checksum::Known(digest) => digest.clone(),
            Checksum::Listed(list) => {
                let list = working_directory.join(list);
                let text =
                    tokio::fs::read_to_string(&list).await.with_context(|| format!("read {}", list.display()))?;
                listed(&text, &path).with_context(|| format!("{} does not name {}", list.display(), path.display()))?
            }
        };
        let actual = hash(&path, expected.algorithm, context).await?;
        anyhow::ensure!(
            actual == expected.value,
            "{} has the checksum {actual}, not {}",
            path.display(),
            expected.value
        );
        Ok(path)
    }
}

/// The path that a URL means; what can't be had yet is reported.
fn local(url: &Spanned<String>, what: &str, diagnostics: &mut Diagnostics) -> Option<PathBuf> {
    let path = url.strip_prefix("file://").unwrap_or(url);
    if path.is_empty() {
        let diagnostic = Diagnostic::error("invalid-value", format!("the path of the {what} is empty")).at(url.span);
        diagnostics.push(diagnostic.help("write its path"));
        return None;
    }
    let remote = path.split_once("://").map(|(scheme, _)| scheme).or_else(|| {
        // go-getter's forced schemes: `git::…`.
        path.split_once("::").map(|(scheme, _)| scheme).filter(|scheme| scheme.chars().all(char::is_alphanumeric))
    });
    if let Some(scheme) = remote {
        let message = format!("the qemu builder can't fetch the {what} by `{scheme}` yet");
        let help = "download it in an earlier step of the job and write the path of the file";
        diagnostics.push(Diagnostic::error("not-supported-yet", message).at(url.span).help(help));
        return None;
    }
    Some(PathBuf::from(path))
}

fn checksum(text: &Spanned<String>, body: &Body, diagnostics: &mut Diagnostics) -> Option<Checksum> {
    let span = text.span;
    let mut wrong = |code, message: String| {
        diagnostics.push(Diagnostic::error(code, message).at(span).help(CHECKSUM_HELP));
        None
    };
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return wrong("invalid-value", "a checksum must be given".to_owned());
    }
    if trimmed.eq_ignore_ascii_case("none") {
        let message = "the image's checksum is not checked";
        let help = "with a checksum the build notices an image that was damaged or exchanged";
        diagnostics.push(Diagnostic::warning("no-checksum", message).at(span).help(help));
        return Some(Checksum::None);
    }
    if let Some(path) = trimmed.strip_prefix("file:") {
        return listing(path, span, body, diagnostics);
    }
    let (kind, value) = match trimmed.split_once(':') {
        Some((kind, value)) => (Some(kind.to_ascii_lowercase()), value),
        None => (None, trimmed),
    };
    if kind.as_deref() == Some("md5") || (kind.is_none() && value.len() == 32 && is_hex(value)) {
        return wrong("not-supported-yet", "MD5 checksums can't be checked".to_owned());
    }
    match digest_of(kind.as_deref(), value) {
        Some(digest) => Some(Checksum::Known(digest)),
        None => wrong("invalid-value", format!("`{trimmed}` is not a checksum")),
    }
}

fn listing(path: &str, span: Span, body: &Body, diagnostics: &mut Diagnostics) -> Option<Checksum> {
    if path.ends_with(".iso") {
        let message = "the checksum is looked for in an ISO image";
        let help = "name the file with the checksums, for example `file:SHA256SUMS`";
        diagnostics.push(Diagnostic::error("invalid-value", message).at(span).help(help));
        return None;
    }
    let path = local(&Spanned::new(path.to_owned(), span), "list of checksums", diagnostics)?;
    if body.context().host.status(&path).is_err() {
        let message = format!("there is no file `{}`", path.display());
        let help = "check the path, which is relative to the working directory";
        diagnostics.push(Diagnostic::error("missing-file", message).at(span).help(help));
        return None;
    }
    Some(Checksum::Listed(path))
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A digest of a named kind, or of the kind that has as many digits.
fn digest_of(kind: Option<&str>, value: &str) -> Option<Digest> {
    let length = |algorithm: &digest::Algorithm| algorithm.output_len() * 2;
    let (_, algorithm) = ALGORITHMS
        .into_iter()
        .find(|(name, algorithm)| kind.map_or(length(algorithm) == value.len(), |kind| kind == *name))?;
    let is_whole = is_hex(value) && length(algorithm) == value.len();
    is_whole.then(|| Digest { algorithm, value: value.to_ascii_lowercase() })
}

/// The checksum of a file in a list as `sha256sum` writes it (`<digits>  <name>`), as BSD does (`SHA256 (<name>) =
/// <digits>`), or of one checksum alone.
fn listed(list: &str, image: &Path) -> Option<Digest> {
    let wanted = image.file_name()?.to_str()?;
    let mut alone = None;
    for line in list.lines().map(str::trim) {
        if let Some((kind, rest)) = line.split_once(" (")
            && let Some((name, value)) = rest.rsplit_once(") = ")
        {
            if name.rsplit('/').next() == Some(wanted) {
                return digest_of(Some(&kind.to_ascii_lowercase()), value.trim());
            }
            continue;
        }
        match line.split_once(char::is_whitespace) {
            Some((value, name)) => {
                // An asterisk marks a file that was read as binary.
                let name = name.trim_start().trim_start_matches('*');
                if name.rsplit('/').next() == Some(wanted) {
                    return digest_of(None, value);
                }
            }
            None => alone = alone.or_else(|| digest_of(None, line)),
        }
    }
    alone
}

/// Hashes a file in a thread of its own; that thread stops when the future is dropped.
async fn hash(path: &Path, algorithm: &'static digest::Algorithm, context: &BuildContext) -> Result<String> {
    let stop = CancellationToken::new();
    let _guard: DropGuard = stop.clone().drop_guard();
    let (path, context) = (path.to_owned(), context.clone());
    let work = move || -> Result<String> {
        let mut file = File::open(&path).with_context(|| format!("open {}", path.display()))?;
        let total = file.metadata()?.len();
        let mut state = digest::Context::new(algorithm);
        let mut buffer = vec![0; 1 << 20];
        let mut done = 0_u64;
        loop {
            anyhow::ensure!(!stop.is_cancelled(), "cancelled");
            let count = file.read(&mut buffer).with_context(|| format!("read {}", path.display()))?;
            if count == 0 {
                break;
            }
            state.update(&buffer[..count]);
            done += count as u64;
            if done.is_multiple_of(64 << 20) {
                context.progress("check the image", done, total);
            }
        }
        Ok(state.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
    };
    tokio::task::spawn_blocking(work).await?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_checksum_is_named_or_told_by_its_length() {
        let name = |kind, value: &str| {
            let digest = digest_of(kind, value)?;
            ALGORITHMS.into_iter().find(|(_, algorithm)| *algorithm == digest.algorithm).map(|(name, _)| name)
        };
        assert_eq!(name(None, &"aB".repeat(32)), Some("sha256"));
        assert_eq!(name(None, &"0".repeat(40)), Some("sha1"));
        assert_eq!(name(Some("sha512"), &"0".repeat(128)), Some("sha512"));
        assert_eq!(name(Some("sha512"), &"0".repeat(64)), None);
        assert_eq!(name(Some("crc"), &"0".repeat(64)), None);
        assert_eq!(name(None, &"x".repeat(64)), None);
        assert_eq!(name(None, ""), None);
    }

    #[test]
    fn lists_of_checksums_come_in_three_forms() {
        let (ours, theirs) = ("a".repeat(64), "b".repeat(64));
        let find = |list: &str| listed(list, Path::new("/images/disk.qcow2")).map(|digest| digest.value);
        assert_eq!(find(&format!("{theirs}  other\n{ours} *./disk.qcow2\n")), Some(ours.clone()));
        assert_eq!(find(&format!("SHA256 (other) = {theirs}\nSHA256 (disk.qcow2) = {ours}\n")), Some(ours.clone()));
        assert_eq!(find(&format!("{ours}\n")), Some(ours));
        assert_eq!(find(&format!("{theirs}  other\n")), None);
        assert_eq!(find("# disk.qcow2\n"), None);
    }
}
