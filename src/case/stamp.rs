//! Time-stamps of a sealed case (RFC 3161): a request that waits beside it for an authority, and
//! the replies. They are about the signature, which is over everything else. What a reply says is
//! read here; whether the authority's own signature holds is for `openssl ts`, which every reader
//! has, and which checks it against the certificates that the reader trusts.

use super::seal::SIGNATURE;
use super::{CaseError, create, folder, tree};
use crate::base::text::hex;
use sha2::{Digest, Sha256};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Largest reply, bytes: with its certificates one has about 6 KiB.
const REPLY_BYTES_MAX: u64 = 256 * 1024;
/// By how much the clocks of an authority and of whoever sealed may differ, seconds.
const CLOCK_DIFFERENCE_MAX: i64 = 300;
/// Most replies beside a case.
pub const REPLIES_MAX: usize = 99;
/// Name of the request.
pub const REQUEST: &str = "request.tsq";

/// Identifier of SHA-256 with its parameters, as in both messages (RFC 5754 §2).
const SHA256: [u8; 15] =
    [0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00];
/// The same without parameters, which some authorities answer with.
const SHA256_BARE: [u8; 13] =
    [0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// Signed data, and in it the information of a time-stamp (RFC 5652 §5.1, RFC 3161 §2.4.2).
const SIGNED_DATA: [u8; 9] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
const TST_INFO: [u8; 11] = [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x10, 0x01, 0x04];

const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const OBJECT: u8 = 0x06;
const TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const CONTEXT: u8 = 0xa0;

/// Where request and replies of a sealed case lie: beside it, since nothing is added to it.
#[must_use]
pub fn beside(sealed: &Path) -> PathBuf {
    let mut name = sealed.components().as_path().as_os_str().to_owned();
    name.push(".stamps");
    PathBuf::from(name)
}

/// Path of a reply, counted from 0.
#[must_use]
pub fn reply_path(sealed: &Path, position: usize) -> PathBuf {
    beside(sealed).join(format!("{:02}.tsr", position + 1))
}

/// What a reply says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamped {
    /// When the authority saw the signature, UTC, as precise as it says: `2026-05-03T10:00:00Z`.
    pub time: String,
    /// Serial number of the stamp, hex.
    pub serial: String,
}

/// Writes the request for the signature of a sealed case.
///
/// # Errors
/// When there is one, or the system refuses.
pub fn request(sealed: &Path) -> Result<PathBuf, CaseError> {
    let hash = signature_hash(sealed)?;
    let mut nonce = [0; 8];
    let random = getrandom::fill(&mut nonce);
    random.map_err(|error| {
        CaseError::system(sealed, "no randomness")(std::io::Error::other(error))
    })?;
    folder(&beside(sealed))?;
    let path = beside(sealed).join(REQUEST);
    write(&path, &asked(&hash, nonce))?;
    Ok(path)
}

fn signature_hash(sealed: &Path) -> Result<[u8; 32], CaseError> {
    let path = sealed.join(SIGNATURE);
    let text = tree::text(&path, 4096).map_err(CaseError::system(&path, "cannot be read"))?;
    Ok(Sha256::digest(text.as_bytes()).into())
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), CaseError> {
    let mut file = create(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(CaseError::system(path, "cannot be written"))
}

/// `TimeStampReq`: version 1, what is to be stamped, a number that the reply must repeat, and the
/// wish for the authority's certificate.
fn asked(hash: &[u8; 32], mut nonce: [u8; 8]) -> Vec<u8> {
    // Positive, and of eight bytes in its shortest form.
    nonce[0] = nonce[0] & 0x7f | 0x40;
    let imprint = [&SHA256[..], &[OCTETS, 32], hash].concat();
    let parts = [
        &[INTEGER, 1, 1][..],
        &[SEQUENCE, imprint.len() as u8],
        &imprint,
        &[INTEGER, 8],
        &nonce,
        &[0x01, 1, 0xff],
    ]
    .concat();
    [&[SEQUENCE, parts.len() as u8][..], &parts].concat()
}

/// Takes a reply in beside a sealed case, after a look at what it says. Gives that, and where the
/// copy lies.
///
/// # Errors
/// When it is no reply to the request, or the system refuses.
pub fn add(sealed: &Path, reply: &Path) -> Result<(Stamped, PathBuf), CaseError> {
    let refused = |reason: String| CaseError::Refused { path: reply.to_owned(), reason };
    take(sealed, &read(reply).map_err(refused)?).map_err(refused)
}

/// The same with a reply that was fetched.
///
/// # Errors
/// Why it is not taken.
pub fn take(sealed: &Path, reply: &[u8]) -> Result<(Stamped, PathBuf), String> {
    let stamped = check(sealed, reply)?;
    let mut free = (0..REPLIES_MAX).map(|position| reply_path(sealed, position));
    let free = free.find(|path| path.symlink_metadata().is_err());
    let path = free.ok_or_else(|| format!("there are {REPLIES_MAX} replies already"))?;
    write(&path, reply).map_err(|error| error.to_string())?;
    Ok((stamped, path))
}

/// Reads a reply.
///
/// # Errors
/// Why it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    let file = tree::open(path).map_err(|error| error.to_string())?;
    file.take(REPLY_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > REPLY_BYTES_MAX {
        return Err(format!("is larger than {REPLY_BYTES_MAX} bytes"));
    }
    Ok(bytes)
}

/// Whether a reply answers the request beside a sealed case, and what it says.
///
/// # Errors
/// Why it does not.
pub fn check(sealed: &Path, reply: &[u8]) -> Result<Stamped, String> {
    let hash = signature_hash(sealed).map_err(|error| error.to_string())?;
    let request = read(&beside(sealed).join(REQUEST)).map_err(|why| format!("{REQUEST}: {why}"))?;
    let nonce = nonce_of(&request, &hash)
        .ok_or_else(|| format!("{REQUEST}: is not a request for the signature of this case"))?;
    let stamped = answered(reply, &hash, &nonce)?;
    let sealed = sealed_when(sealed).ok_or("nothing says when the case was sealed")?;
    let when = stamped.time.parse::<jiff::Timestamp>().map_err(|error| error.to_string())?;
    if when.as_second() + CLOCK_DIFFERENCE_MAX < sealed.as_second() {
        return Err(format!(
            "is older than the seal: its time is {}, the case was sealed {sealed}",
            stamped.time
        ));
    }
    Ok(stamped)
}

/// When a case was sealed, as was signed with it.
fn sealed_when(sealed: &Path) -> Option<jiff::Timestamp> {
    let text = tree::text(&sealed.join(SIGNATURE), 4096).ok()?;
    let line = text.lines().nth(2)?;
    line.strip_prefix("trusted comment: phonehome case sealed ")?.parse().ok()
}

/// The number in a request of ours for some hash.
fn nonce_of(request: &[u8], hash: &[u8; 32]) -> Option<[u8; 8]> {
    let nonce = request.get(request.len().checked_sub(11)?..request.len() - 3)?.try_into().ok()?;
    (asked(hash, nonce) == request).then_some(nonce)
}

fn answered(reply: &[u8], hash: &[u8; 32], nonce: &[u8; 8]) -> Result<Stamped, String> {
    let mut reply = Der(reply);
    let mut response = reply.inside(SEQUENCE)?;
    if !reply.0.is_empty() {
        return Err("there are bytes behind its end".to_owned());
    }
    // 0 and 1 grant (RFC 3161 §2.4.2).
    let status = response.inside(SEQUENCE)?.take(INTEGER)?;
    if !matches!(status, [0 | 1]) {
        return Err(format!("the authority refused: status {}", hex(status)));
    }
    let mut content = response.inside(SEQUENCE)?;
    if content.take(OBJECT)? != SIGNED_DATA {
        return Err("is not signed".to_owned());
    }
    let mut signed = content.inside(CONTEXT)?.inside(SEQUENCE)?;
    signed.take(INTEGER)?;
    signed.take(SET)?;
    let mut inside = signed.inside(SEQUENCE)?;
    if inside.take(OBJECT)? != TST_INFO {
        return Err("is signed, but no time-stamp".to_owned());
    }
    let mut info = Der(inside.inside(CONTEXT)?.take(OCTETS)?).inside(SEQUENCE)?;
    info.take(INTEGER)?;
    info.take(OBJECT)?;
    let imprint = info.take(SEQUENCE)?;
    let ends = |start: &[u8]| imprint == [start, &[OCTETS, 32], hash].concat();
    if !ends(&SHA256) && !ends(&SHA256_BARE) {
        return Err("is about other bytes than the signature of this case".to_owned());
    }
    let serial = hex(info.take(INTEGER)?);
    let time = info.take(TIME)?;
    let digits = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    let fits = match time.split_at_checked(14) {
        Some((second, b"Z")) => digits(second),
        Some((second, [b'.', fraction @ .., b'Z'])) => digits(second) && digits(fraction),
        _ => false,
    };
    if !fits {
        return Err("its time is not one (RFC 3161 §2.4.2)".to_owned());
    }
    // Accuracy and ordering may stand before the number that is repeated.
    let mut rest = std::iter::from_fn(|| info.any());
    let same = rest.any(|(tag, value)| tag == INTEGER && value == nonce);
    if !same {
        return Err("does not repeat the number of the request, so it answers another".to_owned());
    }
    let time = String::from_utf8_lossy(time);
    let part = |range| time.get(range).unwrap_or_default();
    let [date, hours, rest] = [
        [part(0..4), part(4..6), part(6..8)].join("-"),
        [part(8..10), part(10..12), part(12..14)].join(":"),
        time.get(14..).unwrap_or_default().to_owned(),
    ];
    Ok(Stamped { time: format!("{date}T{hours}{rest}"), serial })
}

/// A reader of DER (X.690 §8.1) with lengths of up to four bytes; each step goes forward, and
/// nothing is followed deeper than a caller asks.
struct Der<'b>(&'b [u8]);

impl<'b> Der<'b> {
    fn any(&mut self) -> Option<(u8, &'b [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (length.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, value))
    }

    fn take(&mut self, wanted: u8) -> Result<&'b [u8], String> {
        match self.any() {
            Some((tag, value)) if tag == wanted => Ok(value),
            _ => Err("is not a reply as RFC 3161 has it".to_owned()),
        }
    }

    fn inside(&mut self, wanted: u8) -> Result<Der<'b>, String> {
        self.take(wanted).map(Der)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_back() {
        let hash = [7; 32];
        let request = asked(&hash, [0xff; 8]);
        let nonce = nonce_of(&request, &hash).unwrap();
        assert_eq!(nonce[0], 0x7f);
        assert_eq!(nonce_of(&request, &[8; 32]), None);
        for at in 0..request.len() {
            let mut changed = request.clone();
            changed[at] ^= 0x80;
            assert_ne!(nonce_of(&changed, &hash), Some(nonce), "byte {at}");
            assert_eq!(nonce_of(&request[..at], &hash), None);
        }
    }

    #[test]
    fn any_bytes_are_no_reply() {
        for reply in [&b""[..], b"0", b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", &[0x30; 500]] {
            assert!(answered(reply, &[0; 32], &[0; 8]).is_err());
        }
    }
}
