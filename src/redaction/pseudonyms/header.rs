//! Puts pseudonyms into headers. What cannot be taken apart for certain is not kept. Checksums are
//! mended by what changed (RFC 1624), so that one that was wrong stays wrong.

use super::Pseudonyms;
use crate::base::address::Mac;
use crate::decode::decode;
use crate::source::Frame;
use std::net::IpAddr;

const ETHERNET: u16 = 1;
const RAW: [u16; 3] = [101, 228, 229];
/// Linux cooked captures of both versions: where the protocol and the sender's address stand, and
/// their length.
const COOKED: u16 = 113;
const COOKED_2: u16 = 276;

/// The headers of a frame with pseudonyms in them; `rest` is what follows, before and after. None
/// where they cannot be kept.
pub(in crate::redaction) fn rewrite(
    frame: &Frame<'_>,
    headers: usize,
    rest: (&[u8], &[u8]),
    names: &mut Pseudonyms,
) -> Option<Vec<u8>> {
    let mut bytes = frame.data.get(..headers)?.to_vec();
    if bytes.is_empty() {
        return Some(bytes);
    }
    if !decode(frame).tunnels.is_empty() {
        return None;
    }
    let (kind, start) = link(frame.link, &mut bytes, names)?;
    match kind {
        // A length: what follows is LLC.
        0..0x600 if bytes.len() == start => {}
        0x0800 => version_4(&mut bytes, start, rest, names)?,
        0x86dd => version_6(&mut bytes, start, rest, names)?,
        0x0806 => {
            for (hardware, network) in [(8, 14), (18, 24)] {
                mac(&mut bytes, start + hardware, names)?;
                let octets: [u8; 4] =
                    bytes.get(start + network..start + network + 4)?.try_into().ok()?;
                let IpAddr::V4(other) = names.address(octets.into()) else { return None };
                bytes[start + network..start + network + 4].copy_from_slice(&other.octets());
            }
        }
        _ if bytes.len() == start => {}
        _ => return None,
    }
    Some(bytes)
}

/// Replaces addresses of the link; gives the ethertype, and where what it speaks of begins.
fn link(link: u16, bytes: &mut [u8], names: &mut Pseudonyms) -> Option<(u16, usize)> {
    let word =
        |bytes: &[u8], at: usize| Some(u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    match link {
        ETHERNET => {
            mac(bytes, 0, names)?;
            mac(bytes, 6, names)?;
            let mut at = 12;
            while let Some(0x8100 | 0x88a8 | 0x9100) = word(bytes, at) {
                at += 4;
            }
            Some((word(bytes, at)?, at + 2))
        }
        COOKED | COOKED_2 => {
            let (kind, length, sender, start) =
                if link == COOKED { (14, 5, 6, 16) } else { (0, 11, 12, 20) };
            if *bytes.get(length)? == 6 {
                mac(bytes, sender, names)?;
            }
            Some((word(bytes, kind)?, start))
        }
        _ if RAW.contains(&link) => match bytes.first()? >> 4 {
            4 => Some((0x0800, 0)),
            6 => Some((0x86dd, 0)),
            _ => None,
        },
        _ => None,
    }
}

fn mac(bytes: &mut [u8], at: usize, names: &mut Pseudonyms) -> Option<()> {
    let other = names.mac(Mac::from_slice(bytes.get(at..)?)?);
    bytes[at..at + 6].copy_from_slice(&other.0);
    Some(())
}

fn version_4(
    bytes: &mut [u8],
    start: usize,
    rest: (&[u8], &[u8]),
    names: &mut Pseudonyms,
) -> Option<()> {
    let header = usize::from(bytes.get(start)? & 15) * 4;
    let options = bytes.get(start + 20..(start + header).min(bytes.len()))?;
    // Router alert and padding; others may hold addresses (RFC 791 §3.1).
    let mut left = options;
    while let [kind, tail @ ..] = left {
        left = match kind {
            0 | 1 => tail,
            0x94 => left.get(4..)?,
            _ => return None,
        };
    }
    let mut changed = Difference::default();
    for at in [start + 12, start + 16] {
        let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
        let IpAddr::V4(other) = names.address(octets.into()) else { return None };
        changed.add(&octets, &other.octets());
        bytes[at..at + 4].copy_from_slice(&other.octets());
    }
    mend(bytes, start + 10, changed);
    let protocol = bytes[start + 9];
    transport(bytes, start + header, protocol, changed, rest);
    Some(())
}

fn version_6(
    bytes: &mut [u8],
    start: usize,
    rest: (&[u8], &[u8]),
    names: &mut Pseudonyms,
) -> Option<()> {
    let mut changed = Difference::default();
    for at in [start + 8, start + 24] {
        let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
        let IpAddr::V6(other) = names.address(octets.into()) else { return None };
        changed.add(&octets, &other.octets());
        bytes[at..at + 16].copy_from_slice(&other.octets());
    }
    let (mut next, mut at) = (bytes[start + 6], start + 40);
    // Hop-by-hop options and fragments; others may hold addresses (RFC 8200 §4.4, RFC 6275 §6.3).
    while at < bytes.len() {
        let length = match next {
            0 => usize::from(*bytes.get(at + 1)?) * 8 + 8,
            44 => 8,
            43 | 51 | 60 | 135 | 139 | 140 => return None,
            _ => break,
        };
        next = bytes[at];
        at += length;
    }
    transport(bytes, at, next, changed, rest);
    Some(())
}

fn transport(
    bytes: &mut [u8],
    start: usize,
    protocol: u8,
    mut changed: Difference,
    rest: (&[u8], &[u8]),
) {
    changed.add(rest.0, rest.1);
    match protocol {
        6 => {
            changed = multipath(bytes, start, changed);
            mend(bytes, start + 16, changed);
        }
        // Without a checksum it stays without (RFC 768).
        17 if bytes.get(start + 6..start + 8).is_some_and(|sum| sum != [0, 0]) => {
            mend(bytes, start + 6, changed);
            if bytes[start + 6..start + 8] == [0, 0] {
                bytes[start + 6..start + 8].fill(0xff);
            }
        }
        _ => {}
    }
}

/// Options of multipath TCP hold addresses and tokens (RFC 8684 §3.4): nothing takes their place.
fn multipath(bytes: &mut [u8], start: usize, mut changed: Difference) -> Difference {
    let Some(end) = bytes.get(start + 12).map(|byte| start + usize::from(byte >> 4) * 4) else {
        return changed;
    };
    let end = end.min(bytes.len());
    let old = bytes[start..end].to_vec();
    let mut at = start + 20;
    while at < end {
        let length = match (bytes[at], bytes.get(at + 1)) {
            (0, _) => break,
            (1, _) => 1,
            (_, Some(&length)) if length >= 2 => usize::from(length),
            _ => break,
        };
        if bytes[at] == 30 {
            bytes[at..(at + length).min(end)].fill(1);
        }
        at += length;
    }
    changed.add(&old, &bytes[start..end]);
    changed
}

/// What a checksum has to be mended by: sums of 16-bit words in one's complement.
#[derive(Debug, Clone, Copy, Default)]
struct Difference(u64);

impl Difference {
    /// Both begin at an even place, and are of one length.
    fn add(&mut self, old: &[u8], new: &[u8]) {
        let word = |pair: &[u8]| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]);
        for (old, new) in old.chunks(2).zip(new.chunks(2)) {
            self.0 += u64::from(!word(old)) + u64::from(word(new));
        }
    }
}

fn mend(bytes: &mut [u8], at: usize, Difference(changed): Difference) {
    let Some(&[a, b]) = bytes.get(at..at + 2) else { return };
    let mut sum = u64::from(!u16::from_be_bytes([a, b])) + changed;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    bytes[at..at + 2].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::redaction::pseudonyms::Identifiers;

    fn frame(data: &[u8]) -> Frame<'_> {
        let wire_length = data.len() as u32;
        Frame { number: 1, time: Timestamp(0), wire_length, link: ETHERNET, data }
    }

    /// TCP over IPv4 with right checksums.
    fn packet(payload: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0, 0, 0x5e, 0, 0x53, 1, 0, 0, 0x5e, 0, 0x53, 2, 8, 0];
        bytes.extend([0x45, 0, 0, 40 + payload.len() as u8, 0, 1, 0, 0, 64, 6, 0, 0]);
        bytes.extend([10, 0, 0, 5, 192, 168, 1, 77]);
        bytes.extend([0x9c, 0x40, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
        bytes.extend(payload);
        let sum = sum(&bytes[14..34]);
        bytes[24..26].copy_from_slice(&sum.to_be_bytes());
        let sum = tcp_sum(&bytes);
        bytes[50..52].copy_from_slice(&sum.to_be_bytes());
        bytes
    }

    fn sum(bytes: &[u8]) -> u16 {
        let words =
            bytes.chunks(2).map(|p| u32::from(p[0]) << 8 | p.get(1).map_or(0, |&b| b.into()));
        let sum: u32 = words.sum();
        let sum = (sum & 0xffff) + (sum >> 16);
        !(((sum & 0xffff) + (sum >> 16)) as u16)
    }

    fn tcp_sum(bytes: &[u8]) -> u16 {
        let length = (bytes.len() - 34) as u16;
        let pseudo = [&bytes[26..34], &[0, 6], &length.to_be_bytes(), &bytes[34..]].concat();
        sum(&pseudo)
    }

    #[test]
    fn addresses_and_checksums_agree() {
        let mut names = Pseudonyms::new(&[3; 32], "root", &Identifiers::default());
        let old = packet(b"hello from 7");
        assert_eq!((sum(&old[14..34]), tcp_sum(&old)), (0, 0));
        let new =
            rewrite(&frame(&old), 54, (b"hello from 7", b"other text !"), &mut names).unwrap();
        let whole = [&new[..], b"other text !"].concat();
        assert_eq!((sum(&whole[14..34]), tcp_sum(&whole)), (0, 0));
        assert_ne!(new[26..34], old[26..34]);
        assert_eq!((new[26], new[30], new[31]), (10, 192, 168));
        assert_eq!(new[..3], old[..3]);
        assert_ne!(new[3..6], old[3..6]);
        // A wrong checksum stays as wrong as it was.
        let mut wrong = old.clone();
        wrong[50] ^= 0x40;
        let new = rewrite(&frame(&wrong), 54, (b"", b""), &mut names).unwrap();
        assert_ne!(tcp_sum(&[&new[..], b"hello from 7"].concat()), 0);
        for cut in 1..54 {
            let _ = rewrite(&frame(&old[..cut]), cut, (b"", b""), &mut names);
        }
        let mut options = old;
        options[14] = 0x46;
        options.splice(34..34, [7, 3, 0, 0]);
        assert_eq!(rewrite(&frame(&options), 58, (b"", b""), &mut names), None, "record route");
    }
}
