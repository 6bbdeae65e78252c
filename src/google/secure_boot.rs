//! The files that an image's secure boot begins with.

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use imgforge_gce::ShieldedState;
use imgforge_template::source::Spanned;
use std::path::{Path, PathBuf};

/// Where the keys are: relative paths are relative to `folder`.
pub struct SecureBootFiles<'a> {
    pub folder: &'a Path,
    pub platform_key: Option<&'a Path>,
    pub key_exchange_keys: &'a [Spanned<PathBuf>],
    pub signatures: &'a [Spanned<PathBuf>],
    pub forbidden_signatures: &'a [Spanned<PathBuf>],
}

impl SecureBootFiles<'_> {
    /// Reads them. `None` where none is named: an image with an empty state can't boot securely, one without has Google's keys.
    ///
    /// # Errors
    /// When a file can't be read.
    pub fn read(&self) -> Result<Option<ShieldedState>> {
        let all =
            |files: &[Spanned<PathBuf>]| files.iter().map(|file| self.key(&file.value)).collect::<Result<Vec<_>>>();
        let state = ShieldedState {
            platform_key: self.platform_key.map(|file| self.key(file)).transpose()?,
            key_exchange_keys: all(self.key_exchange_keys)?,
            signatures: all(self.signatures)?,
            forbidden_signatures: all(self.forbidden_signatures)?,
        };
        Ok((state != ShieldedState::default()).then_some(state))
    }

    /// A file as Google takes it, and what it is in Google's words.
    fn key(&self, file: &Path) -> Result<(Vec<u8>, String)> {
        let bytes = std::fs::read(self.folder.join(file));
        let bytes = bytes.with_context(|| format!("read the key {} of secure boot", file.display()))?;
        Ok(match certificate(&bytes) {
            Some(certificate) => (certificate, "X509".to_owned()),
            None => (bytes, "BIN".to_owned()),
        })
    }
}

/// The certificate that a file holds, in DER: as it stands, or as PEM.
fn certificate(bytes: &[u8]) -> Option<Vec<u8>> {
    if let Some(text) =
        std::str::from_utf8(bytes).ok().and_then(|text| text.split("-----BEGIN CERTIFICATE-----").nth(1))
    {
        let digits: String = text.split("-----END").next()?.split_whitespace().collect();
        return BASE64_STANDARD.decode(digits).ok();
    }
    // One sequence of ASN.1 whose length, in two bytes, is that of the rest. Lists of signatures begin with a GUID.
    let [0x30, 0x82, high, low, rest @ ..] = bytes else { return None };
    (usize::from(u16::from_be_bytes([*high, *low])) == rest.len()).then(|| bytes.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use imgforge_template::source::Span;

    fn named(file: &str) -> Spanned<PathBuf> {
        Spanned::new(file.into(), Span::nowhere())
    }

    #[test]
    fn certificates_are_told_from_other_keys_by_what_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut certificate = vec![0x30, 0x82, 0x01, 0x00];
        certificate.resize(260, 7);
        let pem = format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            BASE64_STANDARD.encode(&certificate)
        );
        let files: [(&str, &[u8]); 3] =
            [("pk.der", &certificate), ("kek.pem", pem.as_bytes()), ("dbx.bin", &certificate[..200])];
        for (name, bytes) in files {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        }
        let files = SecureBootFiles {
            folder: folder.path(),
            platform_key: Some(Path::new("pk.der")),
            key_exchange_keys: &[named("kek.pem")],
            signatures: &[],
            forbidden_signatures: &[named("dbx.bin")],
        };
        let state = files.read().unwrap().unwrap();
        assert_eq!(state.platform_key, Some((certificate.clone(), "X509".to_owned())));
        assert_eq!(state.key_exchange_keys, [(certificate.clone(), "X509".to_owned())]);
        assert_eq!(state.forbidden_signatures, [(certificate[..200].to_vec(), "BIN".to_owned())]);
        let missing = SecureBootFiles { signatures: &[named("db")], ..files };
        let error = format!("{:#}", missing.read().unwrap_err());
        assert_eq!(error, "read the key db of secure boot: No such file or directory (os error 2)");
    }

    #[test]
    fn without_files_there_is_no_state() {
        let folder = Path::new("");
        let files = SecureBootFiles {
            folder,
            platform_key: None,
            key_exchange_keys: &[],
            signatures: &[],
            forbidden_signatures: &[],
        };
        assert_eq!(files.read().unwrap(), None);
    }
}
