//! NetBIOS name service over UDP on any port: devices announce and look for names.
//!
//! Documents: RFC 1002 §4.2.
//!
//! Fixed: a first name of 32 letters from A to P (a length and 128 bits of form), type 20 or 21.
//! Bounds: one datagram at a time; those of `framed.rs`.

use super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, probe, u16_be,
};
use super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// NetBIOS name service.
pub struct Nbns;

const HEADER_BYTES: usize = 12;
const NAME_BYTES: usize = 32;
const REGISTRATION: u16 = 5;

impl Dissector for Nbns {
    fn name(&self) -> &'static str {
        "nbns"
    }

    fn rule(&self) -> &'static str {
        "a name of 32 letters from A to P, type 20 or 21"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(datagram: &[u8]) -> Size {
    let letters = datagram.get(HEADER_BYTES + 1..HEADER_BYTES + 1 + NAME_BYTES);
    let fits = datagram.get(HEADER_BYTES) == Some(&32)
        && letters.is_some_and(|name| name.iter().all(|byte| matches!(byte, b'A'..=b'P')))
        && kind(datagram).is_some_and(|kind| matches!(kind, 0x20 | 0x21));
    if fits { Size::Whole(datagram.len()) } else { Size::Broken }
}

/// The type behind the name and its scope, labels of up to 63 bytes.
fn kind(datagram: &[u8]) -> Option<u16> {
    let mut at = HEADER_BYTES;
    while *datagram.get(at)? != 0 {
        if datagram[at] > 63 {
            return None;
        }
        at += 1 + usize::from(datagram[at]);
    }
    u16_be(datagram, at + 1)
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let (Some(letters), Some(flags)) = (
            message.bytes.get(HEADER_BYTES + 1..HEADER_BYTES + 1 + NAME_BYTES),
            u16_be(message.bytes, 2),
        ) else {
            return Next::More;
        };
        // Each byte is two letters (RFC 1001 §14.1); the sixteenth says what the name is for.
        let name: Vec<u8> =
            letters.chunks_exact(2).map(|pair| (pair[0] - b'A') << 4 | (pair[1] - b'A')).collect();
        let (text, purpose) = (name[..15].trim_ascii_end(), name[15]);
        if !is_printable(text) {
            return Next::More;
        }
        let opcode = flags >> 11 & 15;
        let group = message.bytes.last_chunk::<6>().is_some_and(|record| record[0] & 0x80 != 0);
        if opcode == REGISTRATION && flags & 0x8000 == 0 && matches!(purpose, 0 | 0x20) && !group {
            voice.identity(IdentityKind::HostName, "nbns.name", text);
        } else {
            voice.note("nbns.asked", text);
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse_datagrams, converse_datagrams_here, flow, values};
    use crate::flow::Side;
    use crate::protocol::UDP;

    /// Registration of `CAM`, purpose 0, at 192.0.2.7, unique.
    const REGISTER: &[u8] =
        b"\0\x01\x29\x10\0\x01\0\0\0\0\0\x01\x20EDEBENCACACACACACACACACACACACAAA\0\
        \0\x20\0\x01\xc0\x0c\0\x20\0\x01\0\0\0\0\0\x06\0\0\xc0\0\x02\x07";

    #[test]
    fn a_registration_names_its_sender() {
        for port in [137, 5_123] {
            let (label, said) =
                converse_datagrams_here(&flow(UDP, 137, port), &[(Side::Low, REGISTER)]);
            assert_eq!((label.protocol, label.frame), ("nbns", 1));
            assert_eq!(values(&said, "nbns.name"), [b"CAM"]);
        }
        let mut second = REGISTER.to_vec();
        second[14] = b'E';
        let pieces = [(Side::Low, REGISTER), (Side::Low, &second)];
        let (_, said) = converse_datagrams(&flow(UDP, 137, 5_123), &pieces);
        assert_eq!(values(&said, "nbns.name"), [b"CAM", b"DAM"]);
        let mut other = REGISTER.to_vec();
        other[20] = b'Q';
        let (label, _) = converse_datagrams(&flow(UDP, 50_000, 5_123), &[(Side::Low, &other)]);
        assert_ne!(label.protocol, "nbns");
    }
}
