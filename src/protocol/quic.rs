//! QUIC on any port, by its long header: versions 1 (RFC 9000 §17.2) and 2 (RFC 9369), their
//! drafts, and the versions Google and Facebook used before them (what all have in common: RFC
//! 8999). Nothing is decrypted: the version is said, and the flow is done.

use super::{Content, Dissector, Fact, Next, Prefix, Probe, Session, UDP, What};
use crate::base::bytes::Reader;
use crate::flow::{Flow, Segment};

/// QUIC.
pub struct Quic;

const LONG_HEADER: u8 = 0x80;
const FIXED_BIT: u8 = 0x40;
/// Longest connection ID, bytes (RFC 9000 §17.2).
const CONNECTION_ID_BYTES_MAX: u8 = 20;
/// A client's first datagram is at least this long (RFC 9000 §14.1), bytes.
const FIRST_BYTES_MIN: usize = 1200;

impl Dissector for Quic {
    fn name(&self) -> &'static str {
        "quic"
    }

    fn content(&self) -> Content {
        Content::Encrypted
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        match version(seen.first().0).or_else(|| version(seen.second())) {
            Some(_) if flow.key.protocol == UDP => Probe::Yes,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Version)
    }
}

struct Version;

impl Session for Version {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        // The first datagram may be one that only the other side's answer explained.
        let Some(version) = version(segment.data) else {
            return Next::More;
        };
        let value = name(version);
        let value = value.as_bytes();
        say(Fact { what: What::Note, name: "quic.version", value, frame: segment.frame });
        Next::Done
    }
}

/// The version in a datagram that is QUIC; 0 for version negotiation.
fn version(datagram: &[u8]) -> Option<u32> {
    let first = *datagram.first()?;
    if first & LONG_HEADER == 0 {
        return early_google(datagram);
    }
    let mut reader = Reader::new(datagram);
    reader.skip(1)?;
    let version = reader.u32()?;
    match version {
        0 => negotiation(&mut reader).then_some(0),
        // Q044 to Q049: both lengths of connection IDs in one byte, each 0 or 8.
        0x5130_3434..=0x5130_3439 => {
            let lengths = reader.u8()?;
            let known = |length| length == 0 || length == 5;
            (known(lengths >> 4) && known(lengths & 15) && reader.rest().len() > 12)
                .then_some(version)
        }
        _ if is_known(version) => {
            let fits = first & FIXED_BIT != 0 && packet(first, version, &mut reader).is_some();
            fits.then_some(version)
        }
        // Versions that exist to be refused (RFC 9000 §15).
        _ if version & 0x0f0f_0f0f == 0x0a0a_0a0a => {
            connection_ids(&mut reader)?;
            (datagram.len() >= FIRST_BYTES_MIN).then_some(version)
        }
        _ => None,
    }
}

fn is_known(version: u32) -> bool {
    matches!(
        version,
        1 | 0x6b33_43cf           // RFC 9000, RFC 9369
        | 0xff00_0001..=0xff00_0022 // drafts 1 to 34 of RFC 9000
        | 0xff02_0000..=0xff02_00ff // drafts of RFC 9369
        | 0x709a_50c4             // the number of RFC 9369 while it was a draft
        | 0x5130_3530..=0x5130_3539 // Google's Q050 to Q059
        | 0x5430_3530..=0x5430_3539 // Google's T050 to T059
        | 0xface_b000..=0xface_b00f // Facebook's
    )
}

/// Destination and source connection ID (RFC 9000 §17.2).
fn connection_ids(reader: &mut Reader<'_>) -> Option<()> {
    for _ in 0..2 {
        let length = reader.u8()?;
        if length > CONNECTION_ID_BYTES_MAX {
            return None;
        }
        reader.skip(usize::from(length))?;
    }
    Some(())
}

/// The rest of a long header packet: an Initial has a token and a length (RFC 9000 §17.2.2), 0-RTT
/// and Handshake a length, Retry neither. The capture may have cut the datagram behind it.
fn packet(first: u8, version: u32, reader: &mut Reader<'_>) -> Option<()> {
    connection_ids(reader)?;
    // RFC 9369 §3.2 turns the types by one.
    let turned = matches!(version, 0x6b33_43cf | 0x709a_50c4 | 0xff02_0000..=0xff02_00ff);
    let kind = (first >> 4 & 3).wrapping_sub(u8::from(turned)) & 3;
    // Google's early ones have no token; their length cannot be told from it.
    if version >> 24 == 0x51 || version >> 24 == 0x54 {
        return (reader.rest().len() >= 16).then_some(());
    }
    const INITIAL: u8 = 0;
    const RETRY: u8 = 3;
    if kind == RETRY {
        // Its integrity tag (RFC 9001 §5.8).
        return (reader.rest().len() >= 16).then_some(());
    }
    if kind == INITIAL {
        let token = number(reader)?;
        reader.skip(usize::try_from(token).ok()?)?;
    }
    // A packet number and a sample for header protection at least (RFC 9001 §5.4.2).
    let length = number(reader)?;
    (20..=65_535).contains(&length).then_some(())
}

/// Variable-length integer (RFC 9000 §16).
fn number(reader: &mut Reader<'_>) -> Option<u64> {
    let first = reader.u8()?;
    let mut value = u64::from(first & 0x3f);
    for _ in 1..1 << (first >> 6) {
        value = value << 8 | u64::from(reader.u8()?);
    }
    Some(value)
}

/// Version negotiation (RFC 8999 §6): the connection IDs and a list of versions, of which one at
/// least must be known, since the format has no other mark.
fn negotiation(reader: &mut Reader<'_>) -> bool {
    let lists_known = |reader: &mut Reader<'_>| -> Option<bool> {
        connection_ids(reader)?;
        let mut known = false;
        while !reader.is_empty() {
            let version = reader.u32()?;
            known |= is_known(version) || version & 0xffff_0000 == 0x5130_0000;
        }
        Some(known)
    };
    lists_known(reader).unwrap_or(false)
}

/// Google's versions up to Q043: flags, connection ID, and the version where the flags say so.
fn early_google(datagram: &[u8]) -> Option<u32> {
    const HAS_VERSION: u8 = 0x01;
    const IS_RESET: u8 = 0x02;
    const HAS_CONNECTION_ID: u8 = 0x08;
    let mut reader = Reader::new(datagram);
    let flags = reader.u8()?;
    if flags & HAS_VERSION == 0 || flags & IS_RESET != 0 || flags & 0xc0 != 0 {
        return None;
    }
    if flags & HAS_CONNECTION_ID != 0 {
        reader.skip(8)?;
    }
    let version = reader.u32()?;
    let [q, zero, tens, ones] = version.to_be_bytes();
    let fits = q == b'Q' && zero == b'0' && matches!(tens, b'0'..=b'4') && ones.is_ascii_digit();
    fits.then_some(version)
}

fn name(version: u32) -> String {
    match version {
        0 => "negotiation".to_owned(),
        1 => "1".to_owned(),
        0x6b33_43cf => "2".to_owned(),
        0xff00_0001..=0xff00_0022 => format!("draft-{}", version & 0xff),
        _ => match version.to_be_bytes() {
            text @ [b'Q' | b'T', b'0', ..] => String::from_utf8_lossy(&text).into_owned(),
            _ => format!("0x{version:08x}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse, flow};
    use super::*;
    use crate::flow::Side;

    fn read(bytes: &[u8]) -> Option<String> {
        let (label, said) = converse(&flow(UDP, 50_000, 4433), true, &[(Side::Low, bytes)]);
        assert_eq!(said.len(), usize::from(label.protocol == "quic"));
        said.first().map(|said| String::from_utf8_lossy(&said.value).into_owned())
    }

    /// A long header with 8 and 0 bytes of connection ID, no token and a length of 1182.
    fn initial(first: u8, version: u32) -> Vec<u8> {
        let mut bytes = vec![first];
        bytes.extend(version.to_be_bytes());
        bytes.extend([8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0x44, 0x9e]);
        bytes.resize(1200, 7);
        bytes
    }

    #[test]
    fn versions() {
        for (first, version, expected) in [
            (0xc3, 1, "1"),
            (0xd3, 0x6b33_43cf, "2"),
            (0xc3, 0xff00_001d, "draft-29"),
            (0xc3, 0xface_b002, "0xfaceb002"),
            (0xc3, 0x5430_3531, "T051"),
            (0xc3, 0x1a2a_3a4a, "0x1a2a3a4a"),
        ] {
            assert_eq!(read(&initial(first, version)).as_deref(), Some(expected));
        }
        assert_eq!(read(b"\x0d12345678Q039\x01rest").as_deref(), Some("Q039"));
        assert_eq!(read(b"\xc3Q046\x5012345678end").as_deref(), None);
        assert_eq!(read(b"\xc3Q046\x5012345678packet number").as_deref(), Some("Q046"));
        let negotiation = b"\x8a\0\0\0\0\0\x01a\0\0\0\x01\x0a\x0a\x0a\x0a";
        assert_eq!(read(negotiation).as_deref(), Some("negotiation"));
    }

    #[test]
    fn near_misses_are_not_quic() {
        let mut no_fixed_bit = initial(0x83, 1);
        assert_eq!(read(&no_fixed_bit), None);
        no_fixed_bit[0] = 0xc3;
        no_fixed_bit[5] = 21;
        assert_eq!(read(&no_fixed_bit), None, "connection ID too long");
        assert_eq!(read(&initial(0xc3, 3)), None, "no such version");
        assert_eq!(read(&initial(0x43, 1)), None, "short header");
        assert_eq!(read(&initial(0xc3, 0x1a2a_3a4a)[..1199]), None);
        assert_eq!(read(b"\x80\0\0\0\0\0\0\0\0\0\x03"), None);
        assert_eq!(read(b"\x0d12345678X039\x01rest"), None);
    }
}
