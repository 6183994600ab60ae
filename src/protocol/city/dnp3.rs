//! DNP3 over TCP and UDP: remote control of substations and water works.
//!
//! Documents: IEEE 1815-2012 §9.2 (link layer), §8.2 (transport), §4.2 (application).
//!
//! Fixed: `05 64`, a length and a control byte in range and the CRC over the header: 32 bits and
//! more.
//! Bounds: those of `framed.rs`.

use super::super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, probe, u16_le};
use super::super::{
    Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session, TCP, UDP,
};
use crate::flow::Flow;

/// DNP3.
pub struct Dnp3;

/// Header with its CRC, bytes.
const HEADER_BYTES: usize = 10;

impl Dissector for Dnp3 {
    fn name(&self) -> &'static str {
        "dnp3"
    }

    fn rule(&self) -> &'static str {
        "05 64 and the CRC of the header"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x05, 0x05)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        match flow.key.protocol {
            TCP => probe(flow, seen, size, Demand::One),
            UDP => probe(flow, seen, datagram_size, Demand::One),
            _ => Probe::No,
        }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        Framed::start(Messages { datagrams: flow.key.protocol == UDP })
    }
}

/// Sync, length of what follows without CRCs (5 and up), control, two addresses, CRC; then blocks
/// of 16 bytes with a CRC each.
fn size(start: &[u8]) -> Size {
    if let Some(size) = Size::of_magic(start, b"\x05\x64", HEADER_BYTES) {
        return match start.get(2) {
            Some(0..=4) => Size::Broken,
            _ => size,
        };
    }
    if start[2] < 5 || u16_le(start, 8) != Some(crc(&start[..8])) {
        return Size::Broken;
    }
    let user = usize::from(start[2]) - 5;
    Size::Whole(HEADER_BYTES + user + 2 * user.div_ceil(16))
}

/// One or several frames.
fn datagram_size(datagram: &[u8]) -> Size {
    match size(datagram) {
        Size::Whole(length) if length <= datagram.len() => Size::Whole(datagram.len()),
        Size::Whole(_) => Size::Broken,
        other => other,
    }
}

/// CRC-16/DNP (IEEE 1815-2012 annex E).
fn crc(bytes: &[u8]) -> u16 {
    let mut value = 0u16;
    for &byte in bytes {
        value ^= u16::from(byte);
        for _ in 0..8 {
            value = if value & 1 != 0 { value >> 1 ^ 0xa6bc } else { value >> 1 };
        }
    }
    !value
}

struct Messages {
    datagrams: bool,
}

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        if self.datagrams { datagram_size(start) } else { size(start) }
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let bytes = message.bytes;
        let Some(source) = u16_le(bytes, 6) else {
            return Next::More;
        };
        voice.identity(IdentityKind::DeviceId, "dnp3.address", source.to_string().as_bytes());
        // Transport byte with FIR set, application control, function.
        if let Some([transport, _, function]) = bytes.get(HEADER_BYTES..HEADER_BYTES + 3)
            && transport & 0x40 != 0
        {
            let name: &[u8] = match function {
                0 => b"confirm",
                1 => b"read",
                2 => b"write",
                3 => b"select",
                4 => b"operate",
                5 | 6 => b"direct operate",
                13 => b"cold restart",
                14 => b"warm restart",
                18 => b"stop application",
                20 | 21 => b"unsolicited on or off",
                25..=30 => b"file",
                32 | 33 => b"authentication",
                129 => b"response",
                130 => b"unsolicited response",
                _ => b"other",
            };
            voice.note("dnp3.function", name);
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_anywhere, converse_datagrams_here, flow, values};
    use super::*;
    use crate::flow::Side;

    /// IEEE 1815's own example of a header: reset of the link, 1024 to 1.
    const RESET: [u8; 8] = *b"\x05\x64\x05\xc0\x01\0\0\x04";

    fn framed(header: &[u8], user: &[u8]) -> Vec<u8> {
        let mut bytes = [header, &crc(header).to_le_bytes()].concat();
        for block in user.chunks(16) {
            bytes.extend(block);
            bytes.extend(crc(block).to_le_bytes());
        }
        bytes
    }

    #[test]
    fn the_crc_is_that_of_the_standard() {
        assert_eq!(crc(&RESET), 0x21e9, "e9 21 on the wire");
    }

    #[test]
    fn functions_and_addresses() {
        let read = framed(b"\x05\x64\x08\xc4\x01\0\x03\0", b"\xc0\xc0\x01");
        let pieces = [(Side::Low, &read[..]), (Side::High, &framed(&RESET, b"")[..])];
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        assert_eq!(label.protocol, "dnp3");
        assert_eq!(values(&said, "dnp3.function"), [b"read"]);
        assert_eq!(values(&said, "dnp3.address"), [&b"3"[..], b"1024"]);
        let (label, _) = converse_datagrams_here(&flow(UDP, 50_000, 20_000), &pieces);
        assert_eq!(label.protocol, "dnp3");
        let mut wrong = read.clone();
        wrong[8] ^= 1;
        let (label, _) = converse_anywhere(&flow(TCP, 50_000, 5_123), &[(Side::Low, &wrong)]);
        assert_ne!(label.protocol, "dnp3");
    }
}
