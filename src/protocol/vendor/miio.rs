//! miIO, the local protocol of Xiaomi's and its partners' devices, UDP 54321: a header of 32 bytes
//! with the device's id readable, then AES with a key made of the device's token. Devices that are
//! not set up yet tell the token itself to anyone who says hello.
//!
//! Documents: OpenMiHome/mihome-binary-protocol (doc/PROTOCOL.md).
//!
//! Fixed: 16 bits of magic, a length that holds exactly, a word that is all zeroes or all ones: 64
//! bits.
//! Bounds: one datagram at a time; those of `framed.rs`.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, probe, u16_be, u32_be,
};
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// miIO.
pub struct Miio;

const HEADER_BYTES: usize = 32;

impl Dissector for Miio {
    fn name(&self) -> &'static str {
        "miio"
    }

    fn rule(&self) -> &'static str {
        "its magic and a length that holds"
    }

    fn content(&self) -> Content {
        Content::Encrypted
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x21, 0x21)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(datagram: &[u8]) -> Size {
    let fits = datagram.starts_with(b"\x21\x31")
        && datagram.len() >= HEADER_BYTES
        && u16_be(datagram, 2).is_some_and(|length| usize::from(length) == datagram.len())
        && matches!(u32_be(datagram, 4), Some(0 | u32::MAX));
    if fits { Size::Whole(datagram.len()) } else { Size::Broken }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let (Some(device), Some(check)) =
            (u32_be(message.bytes, 8), message.bytes.get(16..HEADER_BYTES))
        else {
            return Next::More;
        };
        if device == u32::MAX {
            voice.note("miio.hello", b"question");
            return Next::More;
        }
        // Both ends put the device's id there: it is said of whoever answers the hello, whose
        // datagram has nothing behind the header.
        let id = device.to_string();
        if message.bytes.len() > HEADER_BYTES {
            voice.note("miio.device_id", id.as_bytes());
            return Next::More;
        }
        voice.identity(IdentityKind::DeviceId, "miio.device_id", id.as_bytes());
        if !check.iter().all(|&byte| byte == 0xff) && !check.iter().all(|&byte| byte == 0) {
            voice.credential("miio token", check.len(), "miio.token", id.as_bytes());
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::What;
    use super::super::super::testing::{converse_datagrams, converse_datagrams_here, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    const HELLO: [u8; 32] = {
        let mut bytes = [0xff; 32];
        (bytes[0], bytes[1], bytes[2], bytes[3]) = (0x21, 0x31, 0, 32);
        bytes
    };

    #[test]
    fn an_open_device_tells_its_token() {
        let mut answer = [0; 32];
        answer[..12].copy_from_slice(b"\x21\x31\0\x20\0\0\0\0\0\0\x01\x02");
        let pieces = [(Side::Low, &HELLO[..]), (Side::High, &answer)];
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!((label.protocol, label.content), ("miio", Content::Encrypted));
        assert_eq!(values(&said, "miio.device_id"), [b"258"]);
        assert_eq!(said.len(), 2, "a token of zeroes is none");
        answer[16..].copy_from_slice(&[9; 16]);
        let (_, said) =
            converse_datagrams_here(&flow(UDP, 50_000, 54_321), &[(Side::High, &answer)]);
        let kind = "miio token";
        assert_eq!(said[1].what, What::Credential { kind, length: 16 });
        assert_eq!(said[1].value, b"258");
        let (label, _) =
            converse_datagrams_here(&flow(UDP, 1, 54_321), &[(Side::Low, &HELLO[..31])]);
        assert_ne!(label.protocol, "miio");
    }
}
