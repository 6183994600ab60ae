//! The server's own certificate, the first in a Certificate message as TLS up to 1.2 sends it
//! readable (RFC 5246 §7.4.2): its names, and what is wrong with it. Who signed it, and whether a
//! client trusts that, cannot be told.
//!
//! Bounds: the last 8 certificates of a partition are kept, of 4 KiB and 64 names at most.

use crate::base::bytes::Reader;
use crate::base::text::hex;
use crate::base::time::{SECOND, Timestamp};
use crate::protocol::{Fact, IdentityKind, NameKind, Subject, Weakness, What};
use sha2::{Digest, Sha256};
use std::sync::Arc;
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

/// What a certificate says, whoever asks for it and whenever.
#[derive(Debug)]
pub struct Certificate {
    der: Box<[u8]>,
    print: String,
    /// Alternative names, and whether they are among the few that are said.
    alternative: Vec<(Box<[u8]>, bool)>,
    common: Vec<Box<[u8]>>,
    issuer: Vec<u8>,
    holder: Vec<u8>,
    /// Not before and not after, seconds.
    valid: [i64; 2],
    /// What is wrong with it at any time.
    problems: Vec<String>,
}

impl Certificate {
    /// `None` where it cannot be read.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Certificate> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = certificate.subject_alternative_name().ok().flatten();
        let names = names.map_or(&[][..], |names| &names.value.general_names);
        let alternative = names.iter().enumerate().filter_map(|(index, name)| match name {
            GeneralName::DNSName(name) => {
                Some((name.as_bytes().into(), index < CERTIFICATE_NAMES_MAX))
            }
            _ => None,
        });
        let common = certificate.subject().iter_common_name();
        let [issuer, holder] = [certificate.issuer(), certificate.subject()].map(|name| {
            let mut name = name.to_string().into_bytes();
            name.truncate(NAME_BYTES_MAX);
            name
        });
        let validity = certificate.validity();
        Some(Certificate {
            der: der.into(),
            print: hex(&Sha256::digest(der)),
            alternative: alternative.collect(),
            common: common.map(|name| name.attr_value().data.into()).collect(),
            issuer,
            holder,
            valid: [validity.not_before, validity.not_after].map(|time| time.timestamp()),
            problems: problems(&certificate),
        })
    }

    /// Says its names (RFC 5280 §4.2.1.6) and what is wrong with it; returns the latter in one line,
    /// empty where nothing is.
    pub fn say(&self, asked: &Asked<'_>, say: &mut dyn FnMut(Fact<'_>)) -> String {
        let frame = asked.frame;
        say(print(self.print.as_bytes(), frame));
        let covers = |name: &[u8]| asked.name.is_some_and(|asked| is_covered(name, asked));
        let what = What::Name(NameKind::Certificate);
        for (value, _) in self.alternative.iter().filter(|(_, is_said)| *is_said) {
            say(Fact { what, name: "tls.certificate_name", value, frame });
        }
        // Without alternative names the common name is what clients went by (RFC 6125 §6.4.4).
        let covered = match &self.alternative[..] {
            [] => self.common.iter().any(|name| covers(name)),
            names => names.iter().any(|(name, _)| covers(name)),
        };
        let what = if self.alternative.is_empty() { what } else { What::Note };
        for value in &self.common {
            say(Fact { what, name: "tls.certificate_subject", value, frame });
        }
        for (name, value) in
            [("tls.certificate_issuer", &self.issuer), ("tls.certificate_holder", &self.holder)]
        {
            let what = What::Identity { subject: Subject::Sender, kind: IdentityKind::Product };
            if !value.is_empty() {
                say(Fact { what, name, value, frame });
            }
        }
        let mut problems = self.problems_of_time(asked.time);
        problems.extend_from_slice(&self.problems);
        if asked.name.is_some() && !covered {
            problems.push(OTHER_NAME.to_owned());
        }
        let problems = problems.join("; ");
        if !problems.is_empty() {
            let what = What::Weak(Weakness::Certificate);
            say(Fact { what, name: "tls.certificate_problem", value: problems.as_bytes(), frame });
        }
        problems
    }

    fn problems_of_time(&self, time: Timestamp) -> Vec<String> {
        let mut problems = Vec::new();
        let now = time.0 / SECOND;
        let day = |seconds: i64| {
            let (year, month, day) = Timestamp(seconds.saturating_mul(SECOND)).date();
            format!("{year:04}-{month:02}-{day:02}")
        };
        let [from, to] = self.valid;
        if now >= CLOCK_MIN && now > to {
            problems.push(format!("expired {}", day(to)));
        }
        if now >= CLOCK_MIN && now < from {
            problems.push(format!("not valid before {}", day(from)));
        }
        problems
    }
}

/// Certificates kept, so that one that comes with each connection to a server is read once.
const KEPT_MAX: usize = 8;
/// Longer ones are not kept, bytes.
const KEPT_BYTES_MAX: usize = 4 * 1024;
/// Nor those with more names.
const KEPT_NAMES_MAX: usize = 64;

/// The last few certificates, newest first.
#[derive(Debug, Default)]
pub struct Certificates(Vec<Arc<Certificate>>);

impl Certificates {
    /// What the certificate with these bytes says; `None` where it cannot be read.
    pub fn read(&mut self, der: &[u8]) -> Option<Arc<Certificate>> {
        if let Some(at) = self.0.iter().position(|known| *known.der == *der) {
            self.0[..=at].rotate_right(1);
            return self.0.first().cloned();
        }
        let certificate = Arc::new(Certificate::read(der)?);
        if der.len() <= KEPT_BYTES_MAX && certificate.alternative.len() <= KEPT_NAMES_MAX {
            self.0.truncate(KEPT_MAX - 1);
            self.0.insert(0, certificate.clone());
        }
        Some(certificate)
    }
}

/// The first certificate in a message, the sender's own.
#[must_use]
pub fn first(body: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(body);
    reader.skip(3)?;
    let length = reader.u24()?;
    reader.take(length as usize).filter(|der| !der.is_empty())
}

fn print(value: &[u8], frame: u64) -> Fact<'_> {
    let what = What::Identity { subject: Subject::Sender, kind: IdentityKind::Key };
    Fact { what, name: "tls.certificate_sha256", value, frame }
}

/// Says the print of the first certificate in a message: SHA-256 of its bytes.
pub fn say_print(body: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
    if let Some(der) = first(body) {
        say(print(hex(&Sha256::digest(der)).as_bytes(), frame));
    }
}

fn problems(certificate: &X509Certificate<'_>) -> Vec<String> {
    let mut problems = Vec::new();
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

#[cfg(test)]
mod tests {
    use super::*;

    fn said(certificate: &Certificate, name: &[u8]) -> (String, Vec<Vec<u8>>) {
        let mut values = Vec::new();
        // 2026-01-01.
        let time = Timestamp(1_767_225_600 * SECOND);
        let asked = Asked { frame: 1, time, name: Some(name) };
        let problems = certificate.say(&asked, &mut |fact| values.push(fact.value.to_vec()));
        (problems, values)
    }

    #[test]
    fn kept_ones_say_the_same_to_each_who_asks() {
        let [expired, current] = [
            &include_bytes!("../../../tests/data/expired.der")[..],
            include_bytes!("../../../tests/data/current.der"),
        ];
        let mut known = Certificates::default();
        for _ in 0..2 {
            for der in [expired, current] {
                let kept = known.read(der).unwrap();
                for name in [&b"a.cloud.example"[..], b"other.example"] {
                    assert_eq!(said(&kept, name), said(&Certificate::read(der).unwrap(), name));
                }
            }
        }
        let kept = known.read(current).unwrap();
        assert!(Arc::ptr_eq(&kept, &known.read(current).unwrap()), "read once");
        assert!(!said(&kept, b"a.cloud.example").0.contains(OTHER_NAME));
        assert!(said(&kept, b"other.example").0.contains(OTHER_NAME));
        assert!(said(&known.read(expired).unwrap(), b"cloud.example").0.contains("expired 2020"));
    }

    #[test]
    fn only_the_last_few_are_kept() {
        let der = include_bytes!("../../../tests/data/current.der");
        let mut known = Certificates::default();
        let first = known.read(der).unwrap();
        // Bytes behind the certificate make another one of it.
        for more in 1..=KEPT_MAX {
            known.read(&[&der[..], &vec![0; more]].concat()).unwrap();
        }
        assert_eq!(known.0.len(), KEPT_MAX);
        assert!(!Arc::ptr_eq(&first, &known.read(der).unwrap()), "it was forgotten");
        let kept = known.0.len();
        assert!(known.read(b"\x30\x03abc").is_none() && known.0.len() == kept);
        known.read(&[&der[..], &[0; KEPT_BYTES_MAX]].concat()).unwrap();
        assert!(known.0.iter().all(|one| one.der.len() <= KEPT_BYTES_MAX));
    }
}
