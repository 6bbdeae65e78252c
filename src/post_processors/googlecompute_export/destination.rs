//! Where an image goes: `gs://BUCKET/OBJECT`.

use imgforge_template::arguments::Given;
use imgforge_template::diagnostic::{Diagnostic, Diagnostics};
use imgforge_template::source::Spanned;
use std::fmt;

/// An object in Cloud Storage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) bucket: String,
    pub(super) object: String,
}

impl Destination {
    /// # Errors
    /// Says what is wrong with the text, as a fragment.
    fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix("gs://").ok_or("does not begin with `gs://`")?;
        let (bucket, object) = rest.split_once('/').unwrap_or((rest, ""));
        // https://cloud.google.com/storage/docs/buckets#naming and …/objects#naming; dots make names longer.
        let may_be = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
        if !(3..=222).contains(&bucket.len()) || !bucket.bytes().all(may_be) {
            return Err("names no bucket: these have 3 characters or more of a-z, 0-9, `-`, `_` and `.`");
        }
        if object.is_empty() || object.ends_with('/') {
            return Err("names no object in the bucket");
        }
        if object.len() > 1024 || object.chars().any(char::is_control) {
            return Err("has a name that no object can have: more than 1024 bytes, or characters that can't be seen");
        }
        Ok(Self { bucket: bucket.to_owned(), object: object.to_owned() })
    }

    /// The name of what is claimed for it.
    pub(super) fn name(&self) -> String {
        format!("{}/{}", self.bucket, self.object)
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "gs://{}/{}", self.bucket, self.object)
    }
}

/// The destinations that are given. Says what is wrong with them; values that are not known yet are none.
pub(super) fn read(paths: &[Spanned<String>], given: &Given, diagnostics: &mut Diagnostics) -> Vec<Destination> {
    let mut found: Vec<Destination> = Vec::new();
    if let Some(span) = given.span("paths").filter(|_| given.is_empty("paths")) {
        let message = "`paths` is empty";
        diagnostics.push(
            Diagnostic::error("invalid-value", message).at(span).help("name an object: `gs://BUCKET/NAME.tar.gz`"),
        );
    }
    for path in paths.iter().filter(|path| !path.is_empty() || !given.is_unknown("destination_image")) {
        let wrong = match Destination::parse(path) {
            Ok(destination) if found.contains(&destination) => "is there twice",
            Ok(destination) => {
                found.push(destination);
                continue;
            }
            Err(why) => why,
        };
        let message = format!("the destination `{}` {wrong}", path.value);
        let help = "write it as `gs://BUCKET/NAME.tar.gz`";
        diagnostics.push(Diagnostic::error("invalid-value", message).at(path.span).help(help));
    }
    found
}
