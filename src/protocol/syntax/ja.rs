//! Fingerprints of clients by what they offer: JA3 (salesforce/ja3: numbers in the order sent,
//! MD5) and JA4 (FoxIO's `technical_details/JA4.md`, the part under the BSD licence: sorted,
//! SHA-256). Both leave GREASE out. They tell TLS libraries apart, not devices.
//!
//! Bounds: the last 8 of a partition are kept, of 512 numbers each at most.

use super::hello::{Carrier, ClientHello, is_grease};
use crate::base::text::{hex, push_hex};
use itoa::Buffer;
use md5::Md5;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Both fingerprints of a client.
#[derive(Debug)]
pub struct Fingerprint {
    key: Vec<u16>,
    /// See [`ja3`].
    pub ja3: String,
    /// See [`ja4`].
    pub ja4: String,
}

impl Fingerprint {
    /// Of one hello.
    #[must_use]
    pub fn of(hello: &ClientHello<'_>, carrier: Carrier) -> Fingerprint {
        Fingerprint::made(Vec::new(), hello, carrier)
    }

    fn made(key: Vec<u16>, hello: &ClientHello<'_>, carrier: Carrier) -> Fingerprint {
        Fingerprint { key, ja3: ja3(hello), ja4: ja4(hello, carrier) }
    }
}

/// Fingerprints kept, so that those of a client that connects again and again are made once.
const KEPT_MAX: usize = 8;
/// Those made of more are not kept, numbers.
const KEPT_NUMBERS_MAX: usize = 512;

/// The last few fingerprints, newest first.
#[derive(Debug, Default)]
pub struct Fingerprints(Vec<Arc<Fingerprint>>);

impl Fingerprints {
    /// Those of a hello.
    pub fn of(&mut self, hello: &ClientHello<'_>, carrier: Carrier) -> Arc<Fingerprint> {
        let key = key(hello, carrier);
        if let Some(at) = self.0.iter().position(|known| known.key == key) {
            self.0[..=at].rotate_right(1);
            return self.0[0].clone();
        }
        let made = Arc::new(Fingerprint::made(key, hello, carrier));
        if made.key.len() <= KEPT_NUMBERS_MAX {
            self.0.truncate(KEPT_MAX - 1);
            self.0.insert(0, made.clone());
        }
        made
    }
}

/// All that either fingerprint is made of.
fn key(hello: &ClientHello<'_>, carrier: Carrier) -> Vec<u16> {
    let lists = [&hello.ciphers, &hello.extensions, &hello.groups, &hello.signatures];
    let numbers: usize = lists.iter().map(|list| list.len() + 1).sum();
    let mut key = Vec::with_capacity(6 + numbers + hello.point_formats.len());
    let [first, last] = ends(hello.alpn.first().copied().unwrap_or_default());
    key.extend([carrier as u16, hello.version, newest(hello, carrier)]);
    key.extend([first as u16, last as u16, u16::from(hello.signatures.is_empty())]);
    for list in lists {
        let at = key.len();
        key.push(0);
        for &value in list {
            if !is_grease(value) {
                key.push(value);
            }
        }
        key[at] = (key.len() - at) as u16;
    }
    key.extend(hello.point_formats.iter().map(|&format| u16::from(format)));
    key
}

/// JA3: 32 hexadecimal digits.
#[must_use]
pub fn ja3(hello: &ClientHello<'_>) -> String {
    hex(&Md5::digest(ja3_text(hello).as_bytes()))
}

fn ja3_text(hello: &ClientHello<'_>) -> String {
    let mut text = String::with_capacity(256);
    let mut digits = Buffer::new();
    text.push_str(digits.format(hello.version));
    let formats: Vec<u16> = hello.point_formats.iter().map(|&format| u16::from(format)).collect();
    for list in [&hello.ciphers, &hello.extensions, &hello.groups, &formats] {
        text.push(',');
        for (index, &value) in list.iter().filter(|&&value| !is_grease(value)).enumerate() {
            if index > 0 {
                text.push('-');
            }
            text.push_str(digits.format(value));
        }
    }
    text
}

/// JA4: `t13d1516h2_8daaf6152771_e5627efa2ab1`.
#[must_use]
pub fn ja4(hello: &ClientHello<'_>, carrier: Carrier) -> String {
    let real = |list: &[u16]| {
        let mut real = Vec::with_capacity(list.len());
        real.extend(list.iter().copied().filter(|&value| !is_grease(value)));
        real
    };
    let mut ciphers = real(&hello.ciphers);
    let mut extensions = real(&hello.extensions);
    let mut text = String::with_capacity(36);
    text.push(match carrier {
        Carrier::Tcp => 't',
        Carrier::Datagrams => 'd',
        Carrier::Quic => 'q',
    });
    text.push_str(version(hello, carrier));
    text.push(if extensions.contains(&SERVER_NAME) { 'd' } else { 'i' });
    for list in [&ciphers, &extensions] {
        let count = list.len().min(99);
        text.push_str(if count < 10 { "0" } else { "" });
        text.push_str(Buffer::new().format(count));
    }
    text.extend(ends(hello.alpn.first().copied().unwrap_or_default()));
    ciphers.sort_unstable();
    // The name and the application protocols change with the server, not with the client.
    extensions.retain(|&kind| kind != SERVER_NAME && kind != ALPN);
    extensions.sort_unstable();
    text.push('_');
    push_short_hash(&mut text, &list(&ciphers));
    let mut said = list(&extensions);
    if !extensions.is_empty() && !hello.signatures.is_empty() {
        said.push(b'_');
        said.extend(list(&real(&hello.signatures)));
    }
    text.push('_');
    push_short_hash(&mut text, &said);
    text
}

const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

/// The newest version offered.
fn newest(hello: &ClientHello<'_>, carrier: Carrier) -> u16 {
    let offered = hello.versions.iter().copied().filter(|&version| !is_grease(version));
    // DTLS counts downwards.
    let newest = if carrier == Carrier::Datagrams { offered.min() } else { offered.max() };
    newest.unwrap_or(hello.version)
}

fn version(hello: &ClientHello<'_>, carrier: Carrier) -> &'static str {
    match newest(hello, carrier) {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

/// First and last character of a protocol's name; of the hexadecimal digits where either is no
/// letter or digit.
fn ends(name: &[u8]) -> [char; 2] {
    let [Some(&first), Some(&last)] = [name.first(), name.last()] else {
        return ['0', '0'];
    };
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        [char::from(first), char::from(last)]
    } else {
        [digit(first >> 4), digit(last & 15)]
    }
}

fn list(values: &[u16]) -> Vec<u8> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u16, shift: u16| DIGITS[usize::from(value >> shift & 15)];
    // Room for what may follow, too.
    let mut text = Vec::with_capacity(2 * values.len() * BYTES_A_VALUE);
    for &value in values {
        let four = [12, 8, 4, 0].map(|shift| digit(value, shift));
        text.extend_from_slice(&[four[0], four[1], four[2], four[3], b',']);
    }
    // No comma behind the last.
    text.pop();
    text
}

const BYTES_A_VALUE: usize = "0000,".len();

fn push_short_hash(to: &mut String, text: &[u8]) {
    match text {
        [] => to.push_str("000000000000"),
        text => push_hex(to, &Sha256::digest(text)[..6]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of FoxIO's JA4.md: Chrome, sorted as there.
    fn chrome() -> ClientHello<'static> {
        ClientHello {
            version: 0x0303,
            ciphers: vec![
                0x5a5a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8,
                0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0x9a9a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d, 0x0005,
                0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015,
            ],
            signatures: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            versions: vec![0x2a2a, 0x0304, 0x0303],
            alpn: vec![b"h2", b"http/1.1"],
            server_name: Some(b"example.com"),
            ..ClientHello::default()
        }
    }

    #[test]
    fn the_published_example_has_its_published_value() {
        assert_eq!(ja4(&chrome(), Carrier::Tcp), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        assert!(ja4(&chrome(), Carrier::Quic).starts_with("q13d1516h2_"));
    }

    /// Both examples of the README of salesforce/ja3.
    #[test]
    fn ja3_has_its_published_values() {
        let hello = ClientHello {
            version: 769,
            ciphers: vec![47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4],
            extensions: vec![0, 10, 0x0a0a, 11],
            groups: vec![23, 24, 25],
            point_formats: &[0],
            ..ClientHello::default()
        };
        assert_eq!(ja3(&hello), "ada70206e40642a3e4461f35503241d5");
        let hello = ClientHello {
            version: 769,
            ciphers: vec![4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99],
            ..ClientHello::default()
        };
        assert_eq!(ja3(&hello), "de350869b8c85de67a350c8d186f11e6");
    }

    #[test]
    fn kept_ones_are_those_of_the_hello() {
        let usual = chrome();
        let other = |change: fn(&mut ClientHello<'static>)| {
            let mut hello = chrome();
            change(&mut hello);
            hello
        };
        // Each differs in one thing that a fingerprint goes by, the last two in nothing that does.
        let hellos = [
            other(|hello| hello.version = 0x0302),
            other(|hello| hello.ciphers.truncate(9)),
            other(|hello| hello.ciphers.swap(2, 3)),
            other(|hello| hello.extensions.retain(|&kind| kind != SERVER_NAME)),
            other(|hello| hello.groups = vec![29, 23]),
            other(|hello| hello.point_formats = &[0]),
            other(|hello| hello.signatures.clear()),
            other(|hello| hello.signatures = vec![0x0a0a]),
            other(|hello| hello.versions.clear()),
            other(|hello| hello.alpn.clear()),
            other(|hello| hello.ciphers[0] = 0x1a1a),
            other(|hello| hello.server_name = Some(b"b.example")),
        ];
        let mut known = Fingerprints::default();
        for hello in &hellos {
            for carrier in [Carrier::Tcp, Carrier::Quic, Carrier::Datagrams] {
                let first = known.of(&usual, carrier);
                for (kept, made) in [(&first, &usual), (&known.of(hello, carrier), hello)] {
                    assert_eq!(kept.ja3, ja3(made));
                    assert_eq!(kept.ja4, ja4(made, carrier));
                }
                assert!(Arc::ptr_eq(&first, &known.of(&usual, carrier)), "made once");
                assert!(known.0.len() <= KEPT_MAX);
            }
        }
        let same = known.of(&usual, Carrier::Tcp);
        assert!(hellos[10..].iter().all(|one| Arc::ptr_eq(&same, &known.of(one, Carrier::Tcp))));
        let long = other(|hello| hello.ciphers = vec![1; KEPT_NUMBERS_MAX]);
        let [one, two] = [known.of(&long, Carrier::Tcp), known.of(&long, Carrier::Tcp)];
        assert!(!Arc::ptr_eq(&one, &two) && one.ja3 == two.ja3, "too long to be kept");
    }

    #[test]
    fn nothing_offered_has_a_value_too() {
        let hello = ClientHello { version: 0xfefd, ..ClientHello::default() };
        assert_eq!(ja4(&hello, Carrier::Datagrams), "dd2i000000_000000000000_000000000000");
    }

    #[test]
    fn names_of_protocols_are_told_by_their_ends() {
        for (name, expected) in [
            (&b"h2"[..], ['h', '2']),
            (b"http/1.1", ['h', '1']),
            (b"", ['0', '0']),
            (&[0xab], ['a', 'b']),
            (&[0x30, 0xab], ['3', 'b']),
        ] {
            assert_eq!(ends(name), expected, "{name:?}");
        }
    }
}
