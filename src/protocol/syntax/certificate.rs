//! The server's own certificate, the first in a Certificate message as TLS up to 1.2 sends it
//! readable (RFC 5246 §7.4.2): its names, and what is wrong with it. Who signed it, and whether a
//! client trusts that, cannot be told.

use crate::base::bytes::Reader;
use crate::base::text::hex;
use crate::base::time::{SECOND, Timestamp};
use crate::protocol::{Fact, IdentityKind, NameKind, Subject, Weakness, What};
use sha2::{Digest, Sha256};
use x509_parser::asn1_rs::{Oid, oid};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
use x509_parser::public_key::PublicKey;

/// Most names taken from one certificate.
const CERTIFICATE_NAMES_MAX: usize = 32;
/// Longest whole name of a holder or issuer that is said, bytes.
const NAME_BYTES_MAX: usize = 256;
/// Least length of an RSA key, bits (RFC 9325 §4.4).
const RSA_BITS_MIN: usize = 2048;
/// Least length of a key on an elliptic curve, bits (RFC 9325 §4.4).
const CURVE_BITS_MIN: usize = 224;
/// Algorithms over hashes for which two texts with one value were found (RFC 9155, RFC 6151).
const WEAK_SIGNATURES: [(Oid<'_>, &str); 3] = [
    (oid!(1.2.840.113549.1.1.4), "MD5"),
    (oid!(1.2.840.113549.1.1.5), "SHA-1"),
    (oid!(1.2.840.10045.4.1), "SHA-1"),
];
/// Captures of a time before this were made by a clock that nobody set.
const CLOCK_MIN: i64 = 946_684_800;

const BY_ITSELF: &str = "signed by itself";
const OTHER_NAME: &str = "made out to another name than the one asked for";

/// Whether these problems, in one line, may all be meant: a client that knows the certificate beforehand
/// needs neither a signature nor a name.
#[must_use]
pub fn may_be_meant(problems: &[u8]) -> bool {
    let problems = String::from_utf8_lossy(problems);
    problems.split("; ").all(|problem| problem == BY_ITSELF || problem == OTHER_NAME)
}

/// What a certificate is held against.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The frame it came in.
    pub frame: u64,
    /// When it came.
    pub time: Timestamp,
    /// The name that the client asked for.
    pub name: Option<&'a [u8]>,
}

/// Says the names in the certificate (RFC 5280 §4.2.1.6) and what is wrong with it; returns the
/// latter in one line, empty where nothing is.
pub fn say(body: &[u8], asked: &Asked<'_>, say: &mut dyn FnMut(Fact<'_>)) -> String {
    let frame = asked.frame;
    let mut reader = Reader::new(body);
    let first = reader.skip(3).and_then(|()| reader.u24()).and_then(|n| reader.take(n as usize));
    let Some((_, certificate)) = first.and_then(|der| X509Certificate::from_der(der).ok()) else {
        return String::new();
    };
    say_print(body, frame, say);
    let what = What::Name(NameKind::Certificate);
    let (mut named, mut covers) = (false, false);
    if let Ok(Some(names)) = certificate.subject_alternative_name() {
        let all = names.value.general_names.iter();
        for (index, name) in all.enumerate() {
            if let GeneralName::DNSName(name) = name {
                named = true;
                covers |= asked.name.is_some_and(|asked| is_covered(name.as_bytes(), asked));
                if index < CERTIFICATE_NAMES_MAX {
                    let value = name.as_bytes();
                    say(Fact { what, name: "tls.certificate_name", value, frame });
                }
            }
        }
    }
    for name in certificate.subject().iter_common_name() {
        let value = name.attr_value().data;
        // Without alternative names the common name is what clients went by (RFC 6125 §6.4.4).
        covers |= !named && asked.name.is_some_and(|asked| is_covered(value, asked));
        let what = if named { What::Note } else { what };
        say(Fact { what, name: "tls.certificate_subject", value, frame });
    }
    for (name, whole) in [
        ("tls.certificate_issuer", certificate.issuer()),
        ("tls.certificate_holder", certificate.subject()),
    ] {
        let value = whole.to_string();
        let what = What::Identity { subject: Subject::Sender, kind: IdentityKind::Product };
        let value = &value.as_bytes()[..value.len().min(NAME_BYTES_MAX)];
        if !value.is_empty() {
            say(Fact { what, name, value, frame });
        }
    }
    let mut problems = problems(&certificate, asked.time);
    if asked.name.is_some() && !covers {
        problems.push(OTHER_NAME.to_owned());
    }
    let problems = problems.join("; ");
    if !problems.is_empty() {
        let what = What::Weak(Weakness::Certificate);
        say(Fact { what, name: "tls.certificate_problem", value: problems.as_bytes(), frame });
    }
    problems
}

/// Says the print of the first certificate in a message, the sender's own: SHA-256 of its bytes.
pub fn say_print(body: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
    let mut reader = Reader::new(body);
    let first = reader.skip(3).and_then(|()| reader.u24()).and_then(|n| reader.take(n as usize));
    if let Some(der) = first.filter(|der| !der.is_empty()) {
        let print = hex(&Sha256::digest(der));
        let what = What::Identity { subject: Subject::Sender, kind: IdentityKind::Key };
        let name = "tls.certificate_sha256";
        say(Fact { what, name, value: print.as_bytes(), frame });
    }
}

fn problems(certificate: &X509Certificate<'_>, time: Timestamp) -> Vec<String> {
    let mut problems = Vec::new();
    let now = time.0 / SECOND;
    let validity = certificate.validity();
    let day = |seconds: i64| {
        let (year, month, day) = Timestamp(seconds.saturating_mul(SECOND)).date();
        format!("{year:04}-{month:02}-{day:02}")
    };
    let [from, to] = [validity.not_before, validity.not_after].map(|time| time.timestamp());
    if now >= CLOCK_MIN && now > to {
        problems.push(format!("expired {}", day(to)));
    }
    if now >= CLOCK_MIN && now < from {
        problems.push(format!("not valid before {}", day(from)));
    }
    if certificate.issuer().as_raw() == certificate.subject().as_raw() {
        problems.push(BY_ITSELF.to_owned());
    }
    match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) if key.key_size() < RSA_BITS_MIN => {
            problems.push(format!("an RSA key of {} bits", key.key_size()));
        }
        Ok(PublicKey::EC(point)) if point.key_size() < CURVE_BITS_MIN => {
            problems.push(format!("a key of {} bits on an elliptic curve", point.key_size()));
        }
        _ => {}
    }
    let signature = &certificate.signature_algorithm.algorithm;
    if let Some((_, hash)) = WEAK_SIGNATURES.iter().find(|(oid, _)| oid == signature) {
        problems.push(format!("signed over {hash}"));
    }
    problems
}

/// Whether a name in a certificate stands for a host; a star stands for one label, the first
/// (RFC 6125 §6.4.3).
fn is_covered(name: &[u8], host: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"*.") else { return name.eq_ignore_ascii_case(host) };
    let dot = host.iter().position(|&byte| byte == b'.');
    dot.is_some_and(|dot| dot > 0 && host[dot + 1..].eq_ignore_ascii_case(rest))
}
