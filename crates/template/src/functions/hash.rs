//! Hashes, identifiers, and the one decryption there is.

use super::Accepts::{Number as Num, String as Str};
use super::encoding::from_base64;
use super::{Context, Failure, Function, Parameter, text, whole};
use crate::value::Value;
use rsa::pkcs1::DecodeRsaPrivateKey as _;
use rsa::pkcs8::DecodePrivateKey as _;
use rsa::{Pkcs1v15Encrypt, RsaPrivateKey};
use sha2::Digest as _;
use std::fmt::Write as _;

const STRING: &[Parameter] = &[Parameter::string("string")];

pub(super) const TABLE: &[Function] = &[
    Function::new("bcrypt", STRING, Str, bcrypt).rest(Parameter::new("cost", Num)).working(bcrypt_work),
    Function::new("md5", STRING, Str, |_, arguments| Ok(digest::<md5::Md5>(text(arguments, 0)))),
    Function::new("rsadecrypt", &[Parameter::string("ciphertext"), Parameter::string("key")], Str, rsa_decrypt),
    Function::new("sha1", STRING, Str, |_, arguments| Ok(digest::<sha1::Sha1>(text(arguments, 0)))),
    Function::new("sha256", STRING, Str, |_, arguments| Ok(digest::<sha2::Sha256>(text(arguments, 0)))),
    Function::new("sha512", STRING, Str, |_, arguments| Ok(digest::<sha2::Sha512>(text(arguments, 0)))),
    Function::new("uuidv4", &[], Str, |context, _| Ok(Value::string(context.scope.host.uuid()))),
    Function::new("uuidv5", &[Parameter::string("namespace"), Parameter::string("name")], Str, uuid_v5),
];

/// What Packer takes when it is not told, or told less than [`LEAST_COST`].
const DEFAULT_COST: u32 = 10;
const LEAST_COST: u32 = 4;
/// Each step doubles the time; this one is about three seconds. Packer goes up to 31, which is a day.
const MOST_COST: u32 = 16;
/// bcrypt itself looks at no more.
const MOST_PASSWORD: usize = 72;

fn digest<D: sha2::Digest>(text: &str) -> Value {
    Value::string(hexadecimal(D::digest(text).as_ref()))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _: Result<(), std::fmt::Error> = write!(digits, "{byte:02x}");
    }
    digits
}

fn cost(arguments: &[Value]) -> Result<u32, Failure> {
    if arguments.len() < 2 {
        return Ok(DEFAULT_COST);
    }
    if arguments.len() > 2 {
        return Err(Failure::at(2, "nothing comes after the cost"));
    }
    match u32::try_from(whole(arguments, 1)?.max(0)) {
        Ok(0..LEAST_COST) => Ok(DEFAULT_COST),
        Ok(cost @ LEAST_COST..=MOST_COST) => Ok(cost),
        _ => Err(Failure::at(1, format!("a cost above {MOST_COST} takes too long"))
            .help("each step doubles the time; 12 is plenty for the password of an image")),
    }
}

/// Units of work: of the default cost there may be twenty hashes in one expression, of the highest one.
fn bcrypt_work(arguments: &[Value]) -> usize {
    cost(arguments).map_or(1, |cost| (195 << cost).min(3_900_000))
}

fn bcrypt(context: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let cost = cost(arguments)?;
    let password = text(arguments, 0);
    if password.len() > MOST_PASSWORD {
        return Err(Failure::at(0, format!("bcrypt looks at {MOST_PASSWORD} bytes only, and this is longer")));
    }
    // Two identifiers have more random bits than a salt needs, but not one random byte after the other.
    let host = &context.scope.host;
    let random = sha2::Sha256::digest(host.uuid() + &host.uuid());
    let salt = random.first_chunk().copied().unwrap_or_default();
    let hash = bcrypt::hash_with_salt(password, cost, salt).map_err(|_| Failure::new("there is no such hash"))?;
    // The version that Go writes; newer ones differ in their name alone.
    Ok(Value::string(hash.format_for_version(bcrypt::Version::TwoA)))
}

/// PKCS #1 v1.5. The `rsa` package leaks by its timing (RUSTSEC-2023-0071); nobody is there to measure it:
/// `docs/decisions/0008-rsadecrypt.md`.
fn rsa_decrypt(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let ciphertext = from_base64(text(arguments, 0)).ok_or_else(|| Failure::at(0, "this is not Base64"))?;
    let pem = text(arguments, 1);
    let key = RsaPrivateKey::from_pkcs1_pem(pem).ok().or_else(|| RsaPrivateKey::from_pkcs8_pem(pem).ok());
    let key =
        key.ok_or_else(|| Failure::at(1, "this is no RSA private key").help("give it as PEM, without a passphrase"))?;
    let plain = key.decrypt(Pkcs1v15Encrypt, &ciphertext);
    let plain = plain.map_err(|_| Failure::at(0, "this was not encrypted for this key"))?;
    let plain = String::from_utf8(plain).map_err(|_| Failure::at(0, "the decrypted bytes are not UTF-8 text"))?;
    Ok(Value::string(plain))
}

/// The namespaces of RFC 9562, section 6.6; the last two digits of the first group tell them apart.
fn namespace(text: &str) -> Option<[u8; 16]> {
    let last = match text {
        "dns" => 0x10,
        "url" => 0x11,
        "oid" => 0x12,
        "x500" => 0x14,
        _ => return uuid_bytes(text),
    };
    Some([0x6b, 0xa7, 0xb8, last, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8])
}

/// Reads a UUID in the forms that Go reads: as usual, as `urn:uuid:…`, in braces, or without the dashes.
fn uuid_bytes(text: &str) -> Option<[u8; 16]> {
    let bare = text.get(..9).filter(|start| start.eq_ignore_ascii_case("urn:uuid:")).and_then(|_| text.get(9..));
    let bare = bare.or_else(|| text.strip_prefix('{')?.strip_suffix('}')).unwrap_or(text);
    let digits = match bare.len() {
        36 => {
            let groups: Vec<&str> = bare.split('-').collect();
            let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
            (lengths == [8, 4, 4, 4, 12]).then(|| groups.concat())?
        }
        32 if bare.len() == text.len() => bare.to_owned(),
        _ => return None,
    };
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}

fn uuid_v5(_: &Context<'_>, arguments: &[Value]) -> Result<Value, Failure> {
    let namespace = namespace(text(arguments, 0))
        .ok_or_else(|| Failure::at(0, "this is no namespace").help("write `dns`, `url`, `oid`, `x500`, or a UUID"))?;
    let hash = sha1::Sha1::new().chain_update(namespace).chain_update(text(arguments, 1)).finalize();
    let mut bytes: [u8; 16] = hash.first_chunk().copied().unwrap_or_default();
    bytes[6] = bytes[6] & 0x0f | 0x50;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hexadecimal(&bytes);
    let group = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    let groups = [group(0..8), group(8..12), group(12..16), group(16..20), group(20..32)];
    Ok(Value::string(groups.join("-")))
}

#[cfg(test)]
mod tests {
    use crate::functions::find;
    use crate::functions::tests::{call, n, s};

    #[test]
    fn digests_are_hexadecimal() {
        assert_eq!(call("md5", &[s("é")]), "\"66ddcd97cfdeabb2f6fb8a999b4bc76f\"");
        assert_eq!(call("sha1", &[s("x")]), "\"11f6ad8ec52a2984abaafd7c3b516503785c2072\"");
        let sha256 = "\"2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\"";
        assert_eq!(call("sha256", &[s("x")]), sha256);
        assert!(
            call("sha512", &[s("")]).starts_with("\"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce")
        );
    }

    #[test]
    fn a_password_fits_its_hash() {
        let hashed = |arguments: &[_]| call("bcrypt", arguments).trim_matches('"').to_owned();
        let hash = hashed(&[s("secret"), n("5")]);
        assert!(hash.starts_with("$2a$05$") && hash.len() == 60, "{hash}");
        assert!(bcrypt::verify("secret", &hash).unwrap());
        assert!(!bcrypt::verify("secret.", &hash).unwrap());
        // As Packer takes it: what is less than the least is none at all.
        assert!(hashed(&[s(""), n("3")]).starts_with("$2a$10$"));
        assert!(hashed(&[s("")]).starts_with("$2a$10$"));
        let longest = "é".repeat(36);
        assert!(bcrypt::verify(&longest, &hashed(&[s(&longest), n("4")])).unwrap());
        let longer = format!("{longest}.");
        assert_eq!(call("bcrypt", &[s(&longer), n("4")]), "0: bcrypt looks at 72 bytes only, and this is longer");
        assert_eq!(call("bcrypt", &[s("x"), n("17")]), "1: a cost above 16 takes too long");
        assert_eq!(call("bcrypt", &[s("x"), n("1e30")]), "1: this number is too large");
        assert_eq!(call("bcrypt", &[s("x"), n("4.5")]), "1: a whole number is required");
        assert_eq!(call("bcrypt", &[s("x"), n("4"), n("4")]), "2: nothing comes after the cost");
    }

    #[test]
    fn one_expression_makes_few_hashes() {
        let bcrypt = find("bcrypt").unwrap();
        let most = |arguments: &[_]| 4_000_000 / bcrypt.work(arguments);
        assert_eq!(most(&[s("x")]), 20);
        assert_eq!(most(&[s("x"), n("4")]), 1282);
        assert_eq!(most(&[s("x"), n("14")]), 1);
        assert_eq!(most(&[s("x"), n("16")]), 1);
    }

    /// Keys of 512 bits, made for this test alone.
    const PKCS1: &str = "MIIBOgIBAAJBALtJlbDPEhITncG8AHWvKfNEkM7ccxeh2uBx84DSTobXAweVS4G1
UqjnotTVl2pj9A2k0N9/JVK/tLsh4w9fwNsCAwEAAQJAOWrp1XbmV1xkNQzqJyo4
djhDHOhA8LHSZJUKziero3KoPpEiAPxZjNctPbXSZCe/baMz8wqJt7e6QJs90S9s
IQIhAPkWrWRlZeis0I4PJDqQOF3z0zuah2gviprZSskNwXtFAiEAwHvsICo+qjy0
icchvY9GTC7iiM4ipGP3W1FVdx1t/Z8CIBAL8/OpzJzmtTDRrOXQ8LCsyojmdZ6y
oV1Eblrxdet5AiEAhdclTxBQ1oqzdoISgf6YAO0w87Nx/yDLpKGfbd321z0CIDDd
Ty69mRARjMG0WDdwmEjD1GKH6DcYMTziYB68yHRN";
    const PKCS8: &str = "MIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6AgEAAkEAu0mVsM8SEhOdwbwA
da8p80SQztxzF6Ha4HHzgNJOhtcDB5VLgbVSqOei1NWXamP0DaTQ338lUr+0uyHj
D1/A2wIDAQABAkA5aunVduZXXGQ1DOonKjh2OEMc6EDwsdJklQrOJ6ujcqg+kSIA
/FmM1y09tdJkJ79tozPzCom3t7pAmz3RL2whAiEA+RatZGVl6KzQjg8kOpA4XfPT
O5qHaC+KmtlKyQ3Be0UCIQDAe+wgKj6qPLSJxyG9j0ZMLuKIziKkY/dbUVV3HW39
nwIgEAvz86nMnOa1MNGs5dDwsKzKiOZ1nrKhXURuWvF163kCIQCF1yVPEFDWirN2
ghKB/pgA7TDzs3H/IMukoZ9t3fbXPQIgMN1PLr2ZEBGMwbRYN3CYSMPUYofoNxgx
POJgHrzIdE0=";
    /// Made by `openssl pkeyutl -encrypt`: a text, and the byte 0xff.
    const SECRET: &str = "U/qCobpdVYMubJui232Z2UbXs6QC94DXfebaiyuOXwaKmEKMhL6MuG5tV/HkgDcDIWnGZla0qQosuRDf0NKKag==";
    const BYTE: &str = "R5l3Ip0z0lDPO0kaljJbGwqzFDGICoYql11kWtpzMmKkQ0r/0MGX8pa/qljmdAHJOimCiUU0ip9R6qqct1oUAQ==";

    #[test]
    fn what_was_encrypted_for_a_key_is_decrypted_with_it() {
        let pem = |kind: &str, key: &str| s(&format!("-----BEGIN {kind}-----\n{key}\n-----END {kind}-----\n"));
        let key = || pem("RSA PRIVATE KEY", PKCS1);
        assert_eq!(call("rsadecrypt", &[s(SECRET), key()]), "\"geheim é\"");
        assert_eq!(call("rsadecrypt", &[s(SECRET), pem("PRIVATE KEY", PKCS8)]), "\"geheim é\"");
        assert_eq!(call("rsadecrypt", &[s(BYTE), key()]), "0: the decrypted bytes are not UTF-8 text");
        assert_eq!(call("rsadecrypt", &[s("AAAA"), key()]), "0: this was not encrypted for this key");
        assert_eq!(call("rsadecrypt", &[s("!"), key()]), "0: this is not Base64");
        assert_eq!(call("rsadecrypt", &[s(SECRET), s("key")]), "1: this is no RSA private key");
    }

    #[test]
    fn identifiers() {
        assert_eq!(call("uuidv4", &[]), "\"00000000-0000-4000-8000-000000000000\"");
        assert_eq!(call("uuidv5", &[s("dns"), s("a")]), "\"4f3f2898-69e3-5a0d-820a-c4e87987dbce\"");
        assert_eq!(call("uuidv5", &[s("url"), s("é")]), "\"10e1d6de-dc68-53f0-883a-30ec870dd739\"");
        assert_eq!(call("uuidv5", &[s("x500"), s("a")]), "\"54a0a790-c611-5b5b-b50e-ff01490ecdfa\"");
        for namespace in [
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
            "6ba7b8109dad11d180b400c04fd430c8",
            "{6BA7b810-9dad-11d1-80b4-00c04fd430c8}",
            "urn:uuid:6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        ] {
            let made = call("uuidv5", &[s(namespace), s("example.com")]);
            assert_eq!(made, "\"cfbff0d1-9375-5685-968c-48ce8b15ae17\"", "{namespace}");
        }
        for namespace in ["DNS", "", "é", "6ba7b810-9dad-11d1-80b4-00c04fd430c", "{6ba7b8109dad11d180b400c04fd430c8}"]
        {
            assert_eq!(call("uuidv5", &[s(namespace), s("a")]), "0: this is no namespace", "{namespace}");
        }
    }
}
