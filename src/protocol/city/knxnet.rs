//! KNXnet/IP, UDP 3671 and TCP: lights, blinds and meters of buildings.
//!
//! Documents: EN 13321-2; KNX standard 3/8/2 to 3/8/4.
//!
//! Fixed: `06 10`, a service that exists, a length that holds exactly: 44 bits.
//! Bounds: those of `framed.rs`.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, padded, probe, u16_be,
};
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::base::text::hex;
use crate::flow::Flow;

/// KNXnet/IP.
pub struct Knxnet;

const HEADER_BYTES: usize = 6;
/// Serial number and friendly name in a device's description (3/8/2 §7.5.4.2).
const DESCRIPTION_BYTES: usize = 54;

impl Dissector for Knxnet {
    fn name(&self) -> &'static str {
        "knxnet-ip"
    }

    fn rule(&self) -> &'static str {
        "06 10, a known service, a length that holds"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x06, 0x06)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(start: &[u8]) -> Size {
    if let Some(size) = Size::of_magic(start, b"\x06\x10", HEADER_BYTES) {
        return size;
    }
    let service = u16_be(start, 2).unwrap_or_default();
    let length = u16_be(start, 4).unwrap_or_default();
    // Core, management, tunnelling, routing, remote, secure (3/8/1 §5).
    let known = matches!(service, 0x0201..=0x020c | 0x0310 | 0x0311 | 0x0420..=0x0425
        | 0x0530..=0x0533 | 0x0740..=0x0743 | 0x0950..=0x0955);
    if known && (8..=1024).contains(&length) {
        Size::Whole(usize::from(length))
    } else {
        Size::Broken
    }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let bytes = message.bytes;
        let Some(service) = u16_be(bytes, 2) else {
            return Next::More;
        };
        let name: &[u8] = match service {
            0x0201 | 0x020b => b"search",
            0x0205 => b"connect",
            0x0420 => b"tunnel",
            0x0530 => b"routing",
            0x0950..=0x0955 => b"secure",
            _ => b"",
        };
        voice.note("knxnet.service", name);
        // Behind the control endpoint of a search answer, or at once in a description answer.
        let at = match service {
            0x0202 | 0x020c => HEADER_BYTES + 8,
            0x0204 => HEADER_BYTES,
            _ => return Next::More,
        };
        let Some(device) = bytes.get(at..at + DESCRIPTION_BYTES).filter(|d| d[..2] == [54, 1])
        else {
            return Next::More;
        };
        voice.identity(IdentityKind::Serial, "knxnet.serial", hex(&device[8..14]).as_bytes());
        voice.identity(IdentityKind::Mac, "knxnet.mac", hex(&device[18..24]).as_bytes());
        let name = padded(&device[24..54]);
        if is_printable(name) {
            voice.identity(IdentityKind::Product, "knxnet.name", name);
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_anywhere, converse_datagrams_here, flow, values};
    use crate::flow::Side;
    use crate::protocol::{TCP, UDP};

    const SEARCH: &[u8] = b"\x06\x10\x02\x01\0\x0e\x08\x01\x0a\0\0\x01\xc3\x50";

    #[test]
    fn a_search_and_who_answers() {
        let mut answer =
            b"\x06\x10\x02\x02\0\x46\x08\x01\x0a\0\0\x02\x0e\x57\x36\x01\x02\0\x11\0\0\0\
            \0\xc5\x01\x02\x03\x04\xe0\0\x17\x0c\0\0\x5e\0\x53\x01Router"
                .to_vec();
        answer.resize(68, 0);
        answer.extend([2, 2]);
        let pieces = [(Side::Low, SEARCH), (Side::High, &answer)];
        let udp = converse_datagrams_here(&flow(UDP, 50_000, 3671), &pieces);
        let tcp = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        for (label, said) in [udp, tcp] {
            assert_eq!(label.protocol, "knxnet-ip");
            assert_eq!(values(&said, "knxnet.serial"), [b"00c501020304"]);
            assert_eq!(values(&said, "knxnet.name"), [b"Router"]);
        }
        let other = b"\x06\x10\x0f\x01\0\x0e\x08\x01\x0a\0\0\x01\xc3\x50";
        let (label, _) = converse_datagrams_here(&flow(UDP, 50_000, 3671), &[(Side::Low, other)]);
        assert_ne!(label.protocol, "knxnet-ip");
    }
}
