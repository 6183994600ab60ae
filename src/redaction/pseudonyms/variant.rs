//! The spellings in which an identifier travels, each with its stand-in in the same spelling.

use super::pattern::{LENGTH_MIN, Pattern, Patterns};
use super::{Identifiers, Pseudonyms};
use crate::base::address::{Mac, Spelled};
use crate::base::text::hex;
use std::net::{IpAddr, Ipv4Addr};

/// Labels that say nothing of anybody.
const COMMON: [&[u8]; 12] = [
    b"local",
    b"lan",
    b"home",
    b"arpa",
    b"internal",
    b"intranet",
    b"corp",
    b"fritz",
    b"box",
    b"com",
    b"net",
    b"org",
];
/// The cookie of STUN, which addresses are masked with (RFC 8489 §14.2).
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// Patterns for everything that names somebody.
pub(super) fn patterns(names: &mut Pseudonyms, identifiers: &Identifiers) -> Patterns {
    let mut all = Patterns::default();
    for &mac in identifiers.macs.iter().filter(|mac| !mac.is_group() && !mac.is_zero()) {
        let other = names.mac(mac);
        bytes(&mut all, &mac.0, &other.0);
        for (separator, every) in [(":", 1), ("-", 1), (".", 2)] {
            let spelled = |mac: Mac| {
                mac.0.chunks(every).map(hex).collect::<Vec<_>>().join(separator).into_bytes()
            };
            text(&mut all, &spelled(mac), &spelled(other), false, true);
        }
        let made = |Mac([a, b, c, d, e, f]): Mac| [a ^ 2, b, c, 0xff, 0xfe, d, e, f];
        bytes(&mut all, &made(mac), &made(other));
    }
    for &address in &identifiers.addresses {
        let other = names.address(address);
        if other == address {
            continue;
        }
        match (address, other) {
            (IpAddr::V4(one), IpAddr::V4(other)) => v4(&mut all, one, other),
            (IpAddr::V6(one), IpAddr::V6(other)) => {
                bytes(&mut all, &one.octets(), &other.octets());
                // Its text may be shorter or longer; what stands there has to keep its length.
                let spelled = Spelled(address).to_string();
                let stand_in = names.word(spelled.as_bytes());
                text(&mut all, spelled.as_bytes(), &stand_in, false, true);
            }
            _ => {}
        }
    }
    for host in &identifiers.hosts {
        for label in host.split(|&byte| byte == b'.') {
            let lower = label.to_ascii_lowercase();
            if COMMON.contains(&&*lower) || label.is_empty() {
                continue;
            }
            let stand_in = names.word(label);
            if label.len() >= LENGTH_MIN {
                text(&mut all, label, &stand_in, false, false);
            } else if label.len() < host.len() {
                // Too short alone, but not with what stands around it.
                let spelled = |label: &[u8]| [label, b".local"].concat();
                text(&mut all, &spelled(label), &spelled(&stand_in), false, false);
                let wire = |label: &[u8]| [&[label.len() as u8], label, b"\x05local"].concat();
                text(&mut all, &wire(label), &wire(&stand_in), false, false);
            } else {
                text(&mut all, label, &stand_in, false, false);
            }
        }
    }
    for word in &identifiers.words {
        let word = word.trim_ascii();
        let stand_in = names.word(word);
        if stand_in != word.to_ascii_lowercase() {
            text(&mut all, word, &stand_in, false, false);
        }
    }
    all
}

/// Patterns for texts that must not be told, which have no stand-in.
pub(in crate::redaction) fn forbidden(texts: &[Vec<u8>]) -> Patterns {
    let mut all = Patterns::default();
    for found in texts {
        text(&mut all, found, &vec![b'x'; found.len()], false, false);
    }
    all
}

fn v4(all: &mut Patterns, one: Ipv4Addr, other: Ipv4Addr) {
    bytes(all, &one.octets(), &other.octets());
    let masked = |address: Ipv4Addr| {
        let octets = address.octets();
        [0, 1, 2, 3].map(|at| octets[at] ^ COOKIE[at])
    };
    bytes(all, &masked(one), &masked(other));
    let spelled = |address: Ipv4Addr| address.to_string().into_bytes();
    text(all, &spelled(one), &spelled(other), true, true);
    let turned = |address: Ipv4Addr| {
        let [a, b, c, d] = address.octets();
        Ipv4Addr::from([d, c, b, a])
    };
    text(all, &spelled(turned(one)), &spelled(turned(other)), true, true);
    // As labels of a name (RFC 1035 §3.5).
    let labels = |address: Ipv4Addr| {
        turned(address).octets().iter().fold(Vec::new(), |mut wire, octet| {
            let digits = octet.to_string();
            wire.push(digits.len() as u8);
            wire.extend(digits.as_bytes());
            wire
        })
    };
    text(all, &labels(one), &labels(other), false, true);
}

/// Bytes as they are, and in hexadecimal.
fn bytes(all: &mut Patterns, find: &[u8], put: &[u8]) {
    all.add(Pattern {
        find: find.into(),
        put: put.into(),
        exact: true,
        number: false,
        address: true,
    });
    let digits = |bytes: &[u8]| hex(bytes).into_bytes();
    let pattern = Pattern {
        find: digits(find),
        put: digits(put),
        exact: false,
        number: false,
        address: true,
    };
    all.add(pattern);
}

/// Text as it is, in hexadecimal, in UTF-16 and in the letters of NetBIOS (RFC 1001 §14.1).
fn text(all: &mut Patterns, find: &[u8], put: &[u8], number: bool, address: bool) {
    let mut add = |find: Vec<u8>, put: Vec<u8>, number| {
        all.add(Pattern { find, put, exact: false, number, address });
    };
    add(find.into(), put.into(), number);
    if find.len() < LENGTH_MIN {
        return;
    }
    for capitals in [false, true] {
        let digits = |text: &[u8]| {
            let text = if capitals { text.to_ascii_uppercase() } else { text.to_ascii_lowercase() };
            hex(&text).into_bytes()
        };
        add(digits(find), digits(put), false);
        // As it is written, first letter large.
        let digits = |text: &[u8]| hex(&as_written(find, text)).into_bytes();
        add(digits(find), digits(put), false);
    }
    let wide = |text: &[u8]| text.iter().flat_map(|&byte| [byte, 0]).collect::<Vec<u8>>();
    add(wide(find), wide(put), false);
    let nibbles = |text: &[u8]| {
        let upper = text.to_ascii_uppercase();
        upper.iter().flat_map(|&byte| [b'A' + (byte >> 4), b'A' + (byte & 15)]).collect::<Vec<u8>>()
    };
    add(nibbles(find), nibbles(put), false);
}

/// A stand-in in the capitals of what it stands for.
fn as_written(find: &[u8], put: &[u8]) -> Vec<u8> {
    let upper = |(one, &other): (&u8, &u8)| match one.is_ascii_uppercase() {
        true => other.to_ascii_uppercase(),
        false => other,
    };
    find.iter().zip(put).map(upper).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redaction::pseudonyms::Identifiers;

    fn names() -> Pseudonyms {
        let mac = Mac([0, 0, 0x5e, 0, 0x53, 0x10]);
        let identifiers = Identifiers {
            macs: [mac].into(),
            addresses: ["192.168.1.23", "203.0.113.9", "fd00::23", "2001:db9:5::1"]
                .map(|text| text.parse().unwrap())
                .into(),
            words: [b"SN-77AB".to_vec()].into(),
            hosts: [b"Annas-Phone.local".to_vec(), b"tv.local".to_vec()].into(),
        };
        Pseudonyms::new(&[9; 32], "root", &identifiers)
    }

    #[test]
    fn each_spelling_is_found_and_agrees_with_the_address() {
        let mut names = names();
        let mac = names.mac(Mac([0, 0, 0x5e, 0, 0x53, 0x10]));
        assert_eq!(mac.0[..3], [0, 0, 0x5e]);
        assert_eq!(
            names.text("00-00-5E-00-53-10"),
            mac.to_string().replace(':', "-").to_uppercase()
        );
        let address = names.address("192.168.1.23".parse().unwrap());
        assert_eq!(names.text("at 192.168.1.23:80"), format!("at {address}:80"));
        assert_ne!(names.text("C0A80117"), "C0A80117");
        let outer = names.address("203.0.113.9".parse().unwrap());
        assert!(outer.to_string().starts_with("24") || outer.to_string().starts_with("25"));
        assert_eq!(names.address("198.51.100.7".parse().unwrap()).to_string(), "198.51.100.7");
        let routed = names.address("2001:db9:5::1".parse().unwrap()).to_string();
        assert!(routed.starts_with("2001:db8:"), "{routed}");
        for text in ["sn-77ab", "SN-77AB", "annas-phone", "\u{2}tv\u{5}local", "534e2d37374142"] {
            assert_ne!(names.text(text), text);
            assert!(names.patterns().remains(text.as_bytes()), "{text}");
        }
        // Another key, another name.
        let other = Pseudonyms::new(&[8; 32], "root", &Identifiers::default());
        assert_ne!(names.word(b"SN-77AB"), other.word(b"SN-77AB"));
    }

    #[test]
    fn an_address_made_of_a_hardware_address_stays_so() {
        let mut names = names();
        let mac = names.mac(Mac([0, 0, 0x5e, 0, 0x53, 0x10]));
        let made = |Mac([a, b, c, d, e, f]): Mac| {
            let [a, b, c, d, e, f] = [a ^ 2, b, c, d, e, f].map(u16::from);
            std::net::Ipv6Addr::new(
                0xfe80,
                0,
                0,
                0,
                a << 8 | b,
                c << 8 | 0xff,
                0xfe00 | d,
                e << 8 | f,
            )
        };
        let one = made(Mac([0, 0, 0x5e, 0, 0x53, 0x10]));
        assert_eq!(names.address(one.into()), IpAddr::V6(made(mac)));
        let solicited: IpAddr = "ff02::1:ff00:5310".parse().unwrap();
        let IpAddr::V6(group) = names.address(solicited) else { panic!() };
        assert_eq!(group.octets()[13..], mac.0[3..]);
        let local = Mac([0x0a, 1, 2, 3, 4, 5]);
        let other = names.mac(local);
        assert!(other.is_local() && !other.is_group() && other != local);
        assert_eq!(names.address(made(local).into()), IpAddr::V6(made(other)));
    }
}
