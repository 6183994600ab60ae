//! What attachments of a case give away: names that the captures know, addresses, accounts, and the
//! place that a camera wrote into its picture.

use super::told::{Kind, Told};
use crate::base::address::{Mac, Scope, scope};
use crate::base::text::safe;
use crate::case::{layout, tree};
use crate::redaction::packed::{self, Look, Room};
use crate::redaction::pseudonyms::Finder;
use std::io::Read;
use std::net::IpAddr;
use std::path::Path;

/// Largest attachment that is read, bytes.
const BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Tag of the directory with the place (Exif 2.32 §4.6.3, GPSInfo).
const PLACE: u16 = 0x8825;

/// Tells them; what could not be read goes to `unread`.
pub fn of(parts: &Path, told: &mut Told, unread: &mut Vec<String>) {
    let folder = layout::attachments(parts);
    let known: Vec<(Kind, Vec<u8>)> = told
        .raw()
        .filter(|(kind, value)| names(*kind) && value.len() > 3)
        .map(|(k, v)| (k, v.to_vec()))
        .collect();
    for file in &tree::look(&folder).files {
        let place = format!("attachments/{}", safe(file.as_bytes()));
        let mut bytes = Vec::new();
        let read = tree::open(&folder.join(file))
            .and_then(|file| file.take(BYTES_MAX + 1).read_to_end(&mut bytes));
        match read {
            Err(error) => unread.push(format!("{place}: {error}")),
            Ok(_) if bytes.len() as u64 > BYTES_MAX => {
                unread.push(format!("{place}: is larger than {BYTES_MAX} bytes and was not read"));
            }
            Ok(_) => unread.extend(look(&bytes, &place, &known, told)),
        }
    }
}

/// Whether a kind is one of names, which may be written anywhere.
fn names(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Credential | Kind::NamedText | Kind::SigningKey | Kind::CaseText | Kind::CaptureText
    )
}

fn look(bytes: &[u8], place: &str, known: &[(Kind, Vec<u8>)], told: &mut Told) -> Option<String> {
    for (kind, value) in known {
        if Finder::of(value).finds(bytes) {
            told.line(*kind, value, "attachment", place.to_owned());
        }
    }
    if is_picture(bytes) {
        if has_place(bytes) {
            let what = b"where the picture was taken (Exif)";
            told.line(Kind::Location, what, "attachment", place.to_owned());
        }
        // What it shows nobody can tell here; that is said of every case.
        return None;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        // A text that was compressed as it is.
        if packed::begins(bytes) == Some(0)
            && let Look::Open(contents) = packed::look(bytes, &mut Room::of(bytes.len()))
            && contents.iter().all(|content| packed::is_text(content))
        {
            return contents.iter().find_map(|content| look(content, place, known, told));
        }
        return Some(format!(
            "{place}: is not plain text; what is packed or compressed in it was not read"
        ));
    };
    for word in text.split(|c: char| c.is_whitespace() || "\"'<>()[]{},;=|".contains(c)) {
        let word = word.trim_matches(|c: char| ".:!?".contains(c));
        if word.len() > 3 && word.len() < 256 {
            self::word(word, place, told);
        }
    }
    None
}

fn word(word: &str, place: &str, told: &mut Told) {
    let mut say = |kind, said_as: &str| told.line(kind, word.as_bytes(), said_as, place.to_owned());
    if word.parse::<Mac>().is_ok() {
        say(Kind::Mac, "attachment");
    } else if let Ok(address) = word.parse::<IpAddr>() {
        if scope(address) == Scope::Internet {
            say(Kind::PublicAddress, "attachment");
        }
    } else if let Some((user, host)) = word.split_once('@')
        && !user.is_empty()
        && host.contains('.')
        && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
    {
        say(Kind::Account, "attachment");
    }
}

fn is_picture(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff]) || bytes.starts_with(b"\x89PNG\r\n\x1a\n")
}

/// Whether a JPEG holds a directory with a place (Exif 2.32 §4.5, TIFF 6.0 §2).
fn has_place(bytes: &[u8]) -> bool {
    let mut at = 2;
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) {
        let length = usize::from(u16::from_be_bytes([high, low]));
        let body = bytes.get(at + 4..at + 2 + length).unwrap_or_default();
        if marker == 0xe1
            && let Some(tiff) = body.strip_prefix(b"Exif\0\0")
            && directory(tiff).unwrap_or(false)
        {
            return true;
        }
        if marker == 0xda || length < 2 {
            break;
        }
        at += 2 + length;
    }
    false
}

fn directory(tiff: &[u8]) -> Option<bool> {
    let little = tiff.starts_with(b"II");
    let u16_at = |at: usize| {
        let pair = tiff.get(at..at + 2)?.try_into().ok()?;
        Some(if little { u16::from_le_bytes(pair) } else { u16::from_be_bytes(pair) })
    };
    let first = tiff.get(4..8)?.try_into().ok()?;
    let first = if little { u32::from_le_bytes(first) } else { u32::from_be_bytes(first) } as usize;
    let count = usize::from(u16_at(first)?);
    Some((0..count).any(|entry| u16_at(first + 2 + entry * 12) == Some(PLACE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_pictures_are_looked_into() {
        let known = [(Kind::Serial, b"SN-7788".to_vec())];
        let mut told = Told::default();
        let text =
            b"serial sn-7788, from anna@home.example at 203.0.113.9 (10.0.0.1); 00:00:5e:00:53:10.";
        assert_eq!(look(text, "attachments/001.txt", &known, &mut told), None);
        let hex = b"id 534e2d37373838";
        look(hex, "attachments/002.txt", &known, &mut told);
        let mut picture = vec![0xff, 0xd8, 0xff, 0xe1, 0, 34];
        picture.extend(b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x88\x25\0\x04\0\0\0\x01\0\0\0\0\0\0\0\0");
        assert_eq!(look(&picture, "attachments/003.jpg", &known, &mut told), None);
        for cut in 0..picture.len() {
            let _ = has_place(&picture[..cut]);
        }
        assert!(look(b"%PDF-1.7\xff\xfe", "attachments/004.pdf", &known, &mut told).is_some());
        let shown = told.shown();
        let found: Vec<(Kind, &str)> = shown.iter().map(|s| (s.kind, &*s.value)).collect();
        assert_eq!(
            found,
            [
                (Kind::PublicAddress, "203.0.113.9"),
                (Kind::Mac, "00:00:5e:00:53:10"),
                (Kind::Serial, "SN-7788"),
                (Kind::Account, "anna@home.example"),
                (Kind::Location, "where the picture was taken (Exif)"),
            ]
        );
        assert_eq!(shown[2].places, ["attachments/001.txt", "attachments/002.txt"]);
    }
}
