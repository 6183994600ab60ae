//! CAS, the command channel of EZVIZ cameras (Hikvision's consumer brand) where it is not inside
//! TLS: XML behind a header of 32 bytes.
//!
//! Documents: RenierM26/pyEzvizApi (pyezvizapi/cas.py).
//!
//! Fixed: 64 bits of magic and version. A body's length is a hint only, so nothing behind the first
//! message is cut out; its beginning is read.
//! Bounds: those of `framed.rs`.

use super::super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, probe, u32_be};
use super::super::{Content, Dissector, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// EZVIZ CAS.
pub struct Ezviz;

const HEADER_BYTES: usize = 32;

impl Dissector for Ezviz {
    fn name(&self) -> &'static str {
        "ezviz-cas"
    }

    fn rule(&self) -> &'static str {
        "its magic and version"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x9e, 0x9e)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(start: &[u8]) -> Size {
    Size::of_magic(start, b"\x9e\xba\xac\xe9\x01\0\0\0", HEADER_BYTES)
        .unwrap_or(Size::Whole(HEADER_BYTES))
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        if let Some(command) = u32_be(message.bytes, 16) {
            voice.note("ezviz.command", format!("{command:04x}").as_bytes());
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_anywhere, converse_tcp, flow, values};
    use crate::flow::Side;
    use crate::protocol::TCP;

    #[test]
    fn its_header_is_enough() {
        let mut ask = [0; 32];
        ask[..5].copy_from_slice(b"\x9e\xba\xac\xe9\x01");
        ask[18..20].copy_from_slice(b"\x20\x01");
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &[(Side::Low, &ask)]);
        assert_eq!(label.protocol, "ezviz-cas");
        assert_eq!(values(&said, "ezviz.command"), [b"2001"]);
        ask[5] = 1;
        let (label, _) = converse_tcp(&flow(TCP, 50_000, 8666), &[(Side::Low, &ask)]);
        assert_ne!(label.protocol, "ezviz-cas");
    }
}
