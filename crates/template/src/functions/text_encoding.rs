//! Text as bytes in other encodings than UTF-8, by their IANA names.
//!
//! Encodings and names are those of Go's `ianaindex`, without the code pages of DOS and of mainframes.

use super::encoding::{base64, from_base64};
use super::{Context, Failure, bounded, text};
use crate::value::Value;
use encoding_rs::Encoding;

#[derive(Clone, Copy)]
enum Kind {
    /// UTF-16; `mark` says that a byte order mark begins it.
    Utf16 {
        little_endian: bool,
        mark: bool,
    },
    /// The first so many characters of Unicode, a byte each.
    Start(u32),
    /// Latin-1 with six letters of Turkish.
    Latin5,
    Other(&'static Encoding),
}

use Kind::{Latin5, Other, Start, Utf16};

/// Encodings, and the names of each in lower case.
const ENCODINGS: &[(Kind, &str)] = &[
    (Other(encoding_rs::UTF_8), "utf-8 csutf8"),
    (Utf16 { little_endian: false, mark: true }, "utf-16 csutf16"),
    (Utf16 { little_endian: false, mark: false }, "utf-16be csutf16be"),
    (Utf16 { little_endian: true, mark: false }, "utf-16le csutf16le"),
    (Start(128), "us-ascii us ansi_x3.4-1968 ansi_x3.4-1986 iso_646.irv:1991 iso646-us iso-ir-6 ibm367 cp367 csascii"),
    (Start(256), "iso-8859-1 iso_8859-1 iso_8859-1:1987 iso-ir-100 latin1 l1 ibm819 cp819 csisolatin1"),
    (Other(encoding_rs::ISO_8859_2), "iso-8859-2 iso_8859-2 iso_8859-2:1987 iso-ir-101 latin2 l2 csisolatin2"),
    (Other(encoding_rs::ISO_8859_3), "iso-8859-3 iso_8859-3 iso_8859-3:1988 iso-ir-109 latin3 l3 csisolatin3"),
    (Other(encoding_rs::ISO_8859_4), "iso-8859-4 iso_8859-4 iso_8859-4:1988 iso-ir-110 latin4 l4 csisolatin4"),
    (Other(encoding_rs::ISO_8859_5), "iso-8859-5 iso_8859-5 iso_8859-5:1988 iso-ir-144 cyrillic csisolatincyrillic"),
    (Other(encoding_rs::ISO_8859_6), "iso-8859-6 iso_8859-6 iso_8859-6:1987 iso-ir-127 arabic ecma-114 asmo-708"),
    (Other(encoding_rs::ISO_8859_6), "csisolatinarabic iso-8859-6-e iso-8859-6-i csiso88596e csiso88596i"),
    (Other(encoding_rs::ISO_8859_7), "iso-8859-7 iso_8859-7 iso_8859-7:1987 iso-ir-126 greek greek8 ecma-118 elot_928"),
    (Other(encoding_rs::ISO_8859_7), "csisolatingreek"),
    (Other(encoding_rs::ISO_8859_8), "iso-8859-8 iso_8859-8 iso_8859-8:1988 iso-ir-138 hebrew csisolatinhebrew"),
    (Other(encoding_rs::ISO_8859_8), "iso-8859-8-e iso-8859-8-i csiso88598e csiso88598i"),
    (Latin5, "iso-8859-9 iso_8859-9 iso_8859-9:1989 iso-ir-148 latin5 l5 csisolatin5"),
    (Other(encoding_rs::ISO_8859_10), "iso-8859-10 iso_8859-10:1992 iso-ir-157 latin6 l6 csisolatin6"),
    (Other(encoding_rs::ISO_8859_13), "iso-8859-13 csiso885913"),
    (Other(encoding_rs::ISO_8859_14), "iso-8859-14 iso_8859-14 iso_8859-14:1998 iso-ir-199 latin8 l8 iso-celtic"),
    (Other(encoding_rs::ISO_8859_14), "csiso885914"),
    (Other(encoding_rs::ISO_8859_15), "iso-8859-15 iso_8859-15 latin-9 csiso885915"),
    (Other(encoding_rs::ISO_8859_16), "iso-8859-16 iso_8859-16 iso_8859-16:2001 iso-ir-226 latin10 l10 csiso885916"),
    (Other(encoding_rs::WINDOWS_874), "windows-874 cswindows874"),
    (Other(encoding_rs::WINDOWS_1250), "windows-1250 cswindows1250"),
    (Other(encoding_rs::WINDOWS_1251), "windows-1251 cswindows1251"),
    (Other(encoding_rs::WINDOWS_1252), "windows-1252 cswindows1252"),
    (Other(encoding_rs::WINDOWS_1253), "windows-1253 cswindows1253"),
    (Other(encoding_rs::WINDOWS_1254), "windows-1254 cswindows1254"),
    (Other(encoding_rs::WINDOWS_1255), "windows-1255 cswindows1255"),
    (Other(encoding_rs::WINDOWS_1256), "windows-1256 cswindows1256"),
    (Other(encoding_rs::WINDOWS_1257), "windows-1257 cswindows1257"),
    (Other(encoding_rs::WINDOWS_1258), "windows-1258 cswindows1258"),
    (Other(encoding_rs::KOI8_R), "koi8-r cskoi8r"),
    (Other(encoding_rs::KOI8_U), "koi8-u cskoi8u"),
    (Other(encoding_rs::MACINTOSH), "macintosh mac csmacintosh"),
    (Other(encoding_rs::IBM866), "ibm866 cp866 866 csibm866"),
    (Other(encoding_rs::GBK), "gbk cp936 ms936 windows-936 csgbk"),
    (Other(encoding_rs::GB18030), "gb18030 csgb18030"),
    (Other(encoding_rs::BIG5), "big5 csbig5"),
    (Other(encoding_rs::EUC_JP), "euc-jp extended_unix_code_packed_format_for_japanese cseucpkdfmtjapanese"),
    (Other(encoding_rs::ISO_2022_JP), "iso-2022-jp csiso2022jp"),
    (Other(encoding_rs::SHIFT_JIS), "shift_jis ms_kanji csshiftjis"),
    (Other(encoding_rs::EUC_KR), "euc-kr cseuckr"),
];

const LATIN_5: [(u8, char); 6] = [(0xd0, 'Ğ'), (0xdd, 'İ'), (0xde, 'Ş'), (0xf0, 'ğ'), (0xfd, 'ı'), (0xfe, 'ş')];

/// The encoding that the second argument names.
fn named(context: &Context<'_>, arguments: &[Value]) -> Result<Kind, Failure> {
    let name = text(arguments, 1).trim();
    let known = ENCODINGS.iter().find(|(_, names)| names.split(' ').any(|known| known.eq_ignore_ascii_case(name)));
    known.map(|(kind, _)| *kind).ok_or_else(|| {
        let shown = if context.hidden { "this".to_owned() } else { format!("`{name}`") };
        Failure::at(1, format!("{shown} is no encoding that is known here"))
            .help("write its IANA name, such as `UTF-16LE`, `ISO-8859-1`, `windows-1252` or `US-ASCII`")
    })
}

pub(super) fn encode(context: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let kind = named(context, arguments)?;
    let string = text(arguments, 0);
    bounded(string.len().saturating_mul(3))?;
    let bytes = bytes(kind, string).ok_or_else(|| {
        let missing = string.chars().find(|letter| bytes(kind, letter.encode_utf8(&mut [0; 4])).is_none());
        let shown =
            missing.filter(|_| !context.hidden).map_or("a character".to_owned(), |letter| format!("`{letter}`"));
        Failure::at(0, format!("{shown} does not exist in this encoding"))
    })?;
    Ok(Value::string(base64(&bytes)))
}

/// Bytes that mean nothing become U+FFFD, as in Go.
pub(super) fn decode(context: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let kind = named(context, arguments)?;
    let bytes = from_base64(text(arguments, 0)).ok_or_else(|| Failure::at(0, "this is not Base64"))?;
    let decoded = string(kind, &bytes);
    bounded(decoded.len())?;
    Ok(Value::string(decoded))
}

/// `None` if the encoding lacks a character.
fn bytes(kind: Kind, string: &str) -> Option<Vec<u8>> {
    let byte = |letter: char, below: u32| u8::try_from(u32::from(letter)).ok().filter(|byte| u32::from(*byte) < below);
    match kind {
        Utf16 { little_endian, mark } => {
            let units = mark.then_some(0xfeff).into_iter().chain(string.encode_utf16());
            Some(units.flat_map(|unit| if little_endian { unit.to_le_bytes() } else { unit.to_be_bytes() }).collect())
        }
        Start(below) => string.chars().map(|letter| byte(letter, below)).collect(),
        Latin5 => {
            let latin5 = |letter| match LATIN_5.iter().find(|(_, other)| *other == letter) {
                Some((byte, _)) => Some(*byte),
                None => byte(letter, 256).filter(|byte| LATIN_5.iter().all(|(taken, _)| taken != byte)),
            };
            string.chars().map(latin5).collect()
        }
        Other(encoding) => {
            let (bytes, _, replaced) = encoding.encode(string);
            (!replaced).then(|| bytes.into_owned())
        }
    }
}

fn string(kind: Kind, bytes: &[u8]) -> String {
    match kind {
        Utf16 { little_endian, mark } => {
            let (little_endian, bytes) = match bytes {
                [0xff, 0xfe, rest @ ..] if mark => (true, rest),
                [0xfe, 0xff, rest @ ..] if mark => (false, rest),
                _ => (little_endian, bytes),
            };
            let units = bytes.chunks(2).map(|pair| match *pair {
                [a, b] if little_endian => u16::from_le_bytes([a, b]),
                [a, b] => u16::from_be_bytes([a, b]),
                _ => 0xfffd,
            });
            char::decode_utf16(units).map(|letter| letter.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        Start(below) => {
            let letter = |byte: &u8| if u32::from(*byte) < below { char::from(*byte) } else { '\u{fffd}' };
            bytes.iter().map(letter).collect()
        }
        Latin5 => {
            let turkish = |byte: &u8| LATIN_5.iter().find(|(other, _)| other == byte).map(|(_, letter)| *letter);
            bytes.iter().map(|byte| turkish(byte).unwrap_or(char::from(*byte))).collect()
        }
        Other(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_is_there_once() {
        let mut names: Vec<_> = ENCODINGS.iter().flat_map(|(_, names)| names.split(' ')).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(names.iter().all(|name| !name.is_empty() && *name == name.to_ascii_lowercase()));
    }

    #[test]
    fn each_byte_is_one_character() {
        let single = |kind: &Kind| match kind {
            Utf16 { .. } => false,
            Start(_) | Latin5 => true,
            Other(encoding) => encoding.is_single_byte(),
        };
        for (kind, names) in ENCODINGS.iter().filter(|(kind, _)| single(kind)) {
            let read = |byte: u8| string(*kind, &[byte]);
            let known: Vec<u8> = (0..=u8::MAX).filter(|byte| read(*byte) != "\u{fffd}").collect();
            assert!(known.len() >= 128, "{names}");
            for byte in known {
                assert_eq!(bytes(*kind, &read(byte)), Some(vec![byte]), "{names}");
            }
        }
    }
}
