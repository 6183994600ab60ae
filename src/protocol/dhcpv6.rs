//! DHCPv6, UDP 546 and 547: hardware address, name and vendor of who asks. Its few fixed bits allow
//! no recognition off the ports.
//!
//! Documents: RFC 8415 §8, §9 and §21; RFC 4704 (names).
//! Bounds: one datagram at a time; those of `framed.rs`.

use super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, on_port, probe, u16_be,
};
use super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::base::text::hex;
use crate::flow::Flow;

/// DHCPv6.
pub struct Dhcpv6;

const PORTS: [u16; 2] = [546, 547];

impl Dissector for Dhcpv6 {
    fn name(&self) -> &'static str {
        "dhcpv6"
    }

    fn rule(&self) -> &'static str {
        "its ports, a known message, options that fit"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(1, 36)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        if !on_port(flow, &PORTS) {
            return Probe::No;
        }
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

/// Options that fill the message exactly, behind kind and transaction, or the relay's addresses.
fn size(datagram: &[u8]) -> Size {
    let at = match datagram.first() {
        Some(1..=11 | 14..=36) => 4,
        Some(12 | 13) => 34,
        _ => return Size::Broken,
    };
    let Some(mut rest) = datagram.get(at..) else {
        return Size::Broken;
    };
    while !rest.is_empty() {
        let Some(length) = u16_be(rest, 2) else {
            return Size::Broken;
        };
        let Some(after) = rest.get(4 + usize::from(length)..) else {
            return Size::Broken;
        };
        rest = after;
    }
    Size::Whole(datagram.len())
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        // What clients send: solicit, request, confirm, renew, rebind, release, decline, inform.
        let Some(1 | 3..=6 | 8 | 9 | 11) = message.bytes.first() else {
            return Next::More;
        };
        let mut rest = message.bytes.get(4..).unwrap_or_default();
        while let (Some(option), Some(length)) = (u16_be(rest, 0), u16_be(rest, 2)) {
            let Some(value) = rest.get(4..4 + usize::from(length)) else {
                break;
            };
            rest = &rest[4 + usize::from(length)..];
            match (option, value) {
                // Client identifier: link-layer address with time, or alone (§11.2, §11.4).
                (1, [0, 1, 0, 1, _, _, _, _, mac @ ..]) | (1, [0, 3, 0, 1, mac @ ..])
                    if mac.len() == 6 =>
                {
                    voice.identity(IdentityKind::Mac, "dhcpv6.hardware", hex(mac).as_bytes());
                }
                // Vendor class: enterprise number, then texts (§21.16).
                (16, [_, _, _, _, high, low, text @ ..]) => {
                    let length = usize::from(u16::from_be_bytes([*high, *low]));
                    if let Some(text) = text.get(..length).filter(|text| is_printable(text)) {
                        voice.identity(IdentityKind::VendorClass, "dhcpv6.vendor_class", text);
                    }
                }
                // Client's name: flags, then labels (RFC 4704 §4).
                (39, [_, length, label @ ..]) => {
                    if let Some(label) =
                        label.get(..usize::from(*length)).filter(|l| is_printable(l))
                    {
                        voice.identity(IdentityKind::HostName, "dhcpv6.host_name", label);
                    }
                }
                _ => {}
            }
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse_datagrams_here, flow, values};
    use crate::flow::Side;
    use crate::protocol::UDP;

    #[test]
    fn who_asks() {
        let ask =
            b"\x01\x12\x34\x56\0\x01\0\x0a\0\x03\0\x01\0\0\x5e\0\x53\x01\0\x27\0\x06\0\x04cam1\
            \0\x10\0\x09\0\0\x01\x02\0\x03abc";
        let (label, said) = converse_datagrams_here(&flow(UDP, 546, 547), &[(Side::Low, ask)]);
        assert_eq!((label.protocol, label.frame), ("dhcpv6", 1));
        assert_eq!(values(&said, "dhcpv6.hardware"), [b"00005e005301"]);
        assert_eq!(values(&said, "dhcpv6.host_name"), [b"cam1"]);
        assert_eq!(values(&said, "dhcpv6.vendor_class"), [b"abc"]);
        let request = [&[3], &ask[1..]].concat();
        let pieces = [(Side::Low, &ask[..]), (Side::Low, &request)];
        let (_, again) = converse_datagrams_here(&flow(UDP, 546, 547), &pieces);
        assert_eq!(again, said, "the same is said once");
        let (label, _) = converse_datagrams_here(&flow(UDP, 546, 547), &[(Side::Low, &ask[..20])]);
        assert_eq!(label.frame, 0, "by its port at most");
    }
}
