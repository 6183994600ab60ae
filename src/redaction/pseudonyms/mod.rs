//! Pseudonyms: the same thing gets the same other name throughout a case, and another one in every
//! other case. They are made with a key that the laboratory keeps (HMAC-SHA256), never with a bare
//! hash: there are few enough addresses that anyone could hash them all and look.
//!
//! What stays visible: the registrant of a hardware address (its first three bytes), the block that a
//! private address is from and which of them share a network, how long things are, and every address
//! outside the network under test, since findings speak of those.

mod base64;
mod escape;
mod header;
mod pattern;
mod permutation;
mod stream;
mod variant;

pub(super) use header::rewrite;
pub(super) use pattern::Why;
pub(super) use stream::{Rules, Streams};
pub(super) use variant::forbidden;

use crate::base::address::{Mac, Scope, scope};
use crate::case::{CaseError, tree};
use pattern::Patterns;
use permutation::Permutation;
use ring::hmac;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

/// What a case tells that names somebody.
#[derive(Debug, Clone, Default)]
pub struct Identifiers {
    /// Hardware addresses.
    pub macs: BTreeSet<Mac>,
    /// Addresses in the network under test, and those by which the internet reaches it.
    pub addresses: BTreeSet<IpAddr>,
    /// Serial numbers, ids, accounts, names of networks, places.
    pub words: BTreeSet<Vec<u8>>,
    /// Names of machines, with dots between their labels.
    pub hosts: BTreeSet<Vec<u8>>,
}

/// See the module.
pub struct Pseudonyms {
    octets: Permutation,
    /// Addresses of the place that the internet routes.
    public: BTreeSet<Ipv4Addr>,
    /// Networks of the place that the internet routes, 64 bits.
    prefixes: BTreeSet<[u8; 8]>,
    patterns: Patterns,
}

/// The laboratory's key, which is made where there is none yet.
///
/// # Errors
/// When it cannot be read or made, or is none.
pub fn key(path: &Path) -> Result<[u8; 32], CaseError> {
    use std::io::Write;
    if path.symlink_metadata().is_err() {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| {
            CaseError::system(path, "no randomness")(std::io::Error::other(error))
        })?;
        let mut file = crate::case::create(path)?;
        let text = format!("{}\n", crate::base::text::hex(&key));
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        written.map_err(CaseError::system(path, "cannot be written"))?;
        return Ok(key);
    }
    let text = tree::text(path, 128).map_err(CaseError::system(path, "cannot be read"))?;
    crate::base::text::unhex(text.trim_end()).ok_or_else(|| CaseError::Key {
        path: path.to_owned(),
        reason: "is no key for pseudonyms: 64 hexadecimal digits".to_owned(),
    })
}

impl Pseudonyms {
    /// Those of a case, by the root that was sealed.
    #[must_use]
    pub fn new(key: &[u8; 32], root: &str, identifiers: &Identifiers) -> Pseudonyms {
        let laboratory = hmac::Key::new(hmac::HMAC_SHA256, key);
        let own = hmac::sign(&laboratory, format!("pseudonyms of {root}").as_bytes());
        let mut public = BTreeSet::new();
        let mut prefixes = BTreeSet::new();
        for &address in &identifiers.addresses {
            match (scope(address), address) {
                (Scope::Internet, IpAddr::V4(v4)) => drop(public.insert(v4)),
                (Scope::Internet, IpAddr::V6(v6)) => drop(prefixes.insert(front(v6))),
                _ => {}
            }
        }
        let mut all = Pseudonyms {
            octets: Permutation::new(hmac::Key::new(hmac::HMAC_SHA256, own.as_ref())),
            public,
            prefixes,
            patterns: Patterns::default(),
        };
        all.patterns = variant::patterns(&mut all, identifiers);
        all
    }

    /// That of a hardware address: who registered it stays.
    #[must_use]
    pub fn mac(&mut self, mac: Mac) -> Mac {
        let Mac([a, b, c, d, e, f]) = mac;
        let mut nic = [d, e, f];
        match (mac.0, mac.is_group()) {
            // Solicited nodes (RFC 4291 §2.7.1, RFC 2464 §7): the last bytes are those of an address.
            ([0x33, 0x33, 0xff, ..], _) => {}
            _ if mac.is_group() || mac.is_zero() => return mac,
            _ => {}
        }
        self.octets.chain("nic", &[], &mut nic, false);
        let mut head = [a, b, c];
        if mac.is_local() && !mac.is_group() {
            // Made up by the device itself, a different one for each network.
            let range: Vec<u8> = (0..=255).filter(|octet| octet & 3 == 2).collect();
            head[0] = self.octets.within("local", &[], a, &range);
            self.octets.chain("local", &[a], &mut head[1..], false);
        }
        Mac([head[0], head[1], head[2], nic[0], nic[1], nic[2]])
    }

    /// That of an address; remotes keep theirs.
    #[must_use]
    pub fn address(&mut self, address: IpAddr) -> IpAddr {
        match address {
            IpAddr::V4(v4) => self.v4(v4).into(),
            IpAddr::V6(v6) => self.v6(v6).into(),
        }
    }

    fn v4(&mut self, address: Ipv4Addr) -> Ipv4Addr {
        let whole = address.octets();
        let mut octets = whole;
        match whole {
            [0, ..] => {}
            [10, ..] => self.octets.chain("ipv4", &[10], &mut octets[1..], true),
            [192, 168, ..] | [169, 254, ..] => {
                self.octets.chain("ipv4", &whole[..2], &mut octets[2..], true);
            }
            [172, b @ 16..32, ..] => {
                let range: Vec<u8> = (16..32).collect();
                octets[1] = self.octets.within("ipv4", &[172], b, &range);
                self.octets.chain("ipv4", &whole[..2], &mut octets[2..], true);
            }
            [100, b @ 64..128, ..] => {
                let range: Vec<u8> =
                    if b < 100 { (64..100).collect() } else { (100..128).collect() };
                octets[1] = self.octets.within("ipv4", &[100], b, &range);
                self.octets.chain("ipv4", &whole[..2], &mut octets[2..], true);
            }
            [a, ..] if self.public.contains(&address) => {
                // To where nobody is: a pseudonym must not point at somebody else.
                octets[0] = match a {
                    0..10 => 0,
                    10..100 => 10,
                    _ => 240 + self.octets.stream("public", &whole, 1)[0] % 15,
                };
                self.octets.chain("public", &whole[..1], &mut octets[1..], true);
            }
            _ => {}
        }
        octets.into()
    }

    fn v6(&mut self, address: Ipv6Addr) -> Ipv6Addr {
        if let Some(v4) = address.to_ipv4_mapped() {
            return self.v4(v4).to_ipv6_mapped();
        }
        let whole = address.octets();
        let mut octets = whole;
        // Of all addresses in it, of whatever scope (RFC 4291 §2.7.1).
        if whole.starts_with(&[0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]) {
            self.octets.chain("nic", &[], &mut octets[13..], false);
            return octets.into();
        }
        let routed = self.prefixes.contains(&front(address));
        match (scope(address.into()), whole[0]) {
            (Scope::Inside, 0xfe) => {}
            (Scope::Inside, 0xfc | 0xfd) => {
                self.octets.chain("ula", &whole[..1], &mut octets[1..8], false);
            }
            (Scope::Internet, _) if routed => {
                // The documentation prefix (RFC 3849).
                octets[..4].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
                self.octets.chain("routed", &whole[..4], &mut octets[4..8], false);
            }
            _ => return address,
        }
        let made = whole[11..13] == [0xff, 0xfe];
        if !made && whole[8..13] != [0; 5] {
            self.octets.chain("interface", &[], &mut octets[8..13], false);
        } else if made && whole[8] & 2 == 0 {
            // Made of a hardware address that its holder made up: as that one.
            let mac = Mac([whole[8] ^ 2, whole[9], whole[10], whole[13], whole[14], whole[15]]);
            let Mac([a, b, c, ..]) = self.mac(mac);
            octets[8..11].copy_from_slice(&[a ^ 2, b, c]);
        }
        self.octets.chain("nic", &[], &mut octets[13..], false);
        octets.into()
    }

    /// A stand-in of the same length: a digit for a digit, a letter for a letter.
    #[must_use]
    pub fn word(&self, word: &[u8]) -> Vec<u8> {
        let lower = word.to_ascii_lowercase();
        let digits = lower.iter().all(|b| b.is_ascii_hexdigit() || b"-:.{} ".contains(b));
        let letters: &[u8] = if digits { b"abcdef" } else { b"abcdefghijklmnopqrstuvwxyz" };
        let pick = |set: &[u8], random: u8| set[usize::from(random) % set.len()];
        let stand_in = |attempt: u8| -> Vec<u8> {
            let keyed = self.octets.stream("word", &[&[attempt], &*lower].concat(), lower.len());
            let byte = |(&byte, random)| match byte {
                b'0'..=b'9' => pick(b"0123456789", random),
                b'a'..=b'z' | 0x80.. => pick(letters, random),
                _ => byte,
            };
            lower.iter().zip(keyed).map(byte).collect()
        };
        // By chance a short one may get its own.
        let other = (0..16).map(stand_in).find(|other| *other != lower);
        other.unwrap_or_else(|| vec![b'x'; lower.len()])
    }

    /// Replaces in a text for people what it would replace in packets.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.patterns.replace(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(super) fn patterns(&self) -> &Patterns {
        &self.patterns
    }
}

/// Finds one text in bytes: as it is, in hexadecimal, in base64, and as other protocols spell it.
pub struct Finder(Patterns);

impl Finder {
    /// For a text.
    #[must_use]
    pub fn of(text: &[u8]) -> Finder {
        Finder(forbidden(&[text.to_vec()]))
    }

    /// Whether it stands in some bytes.
    #[must_use]
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.0.remains(bytes) || self.0.tells(bytes)
    }
}

fn front(address: Ipv6Addr) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = address.octets();
    [a, b, c, d, e, f, g, h]
}
