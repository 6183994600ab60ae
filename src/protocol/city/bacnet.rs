//! BACnet/IP, UDP 47808 and other ports: heating, ventilation, doors and lifts of buildings.
//!
//! Documents: ASHRAE 135 annex J, clause 6 (network layer), 20 and 21 (messages).
//!
//! Fixed: `81`, one of 13 functions, a length that holds exactly, version 1 of the network layer
//! behind most: 36 bits.
//! Bounds: one datagram at a time; those of `framed.rs`.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, probe, u16_be, u32_be,
};
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// BACnet/IP.
pub struct Bacnet;

impl Dissector for Bacnet {
    fn name(&self) -> &'static str {
        "bacnet"
    }

    fn rule(&self) -> &'static str {
        "81, a known function, a length that holds"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x81, 0x81)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(datagram: &[u8]) -> Size {
    let fits = datagram.first() == Some(&0x81)
        && u16_be(datagram, 2).is_some_and(|length| usize::from(length) == datagram.len())
        && match datagram[1] {
            // A result, tables, registration: of fixed form (J.2).
            0 => datagram.len() == 6,
            1 | 3 | 7 => datagram.len().is_multiple_of(10) || datagram.len() >= 4,
            2 | 6 => datagram.len() == 4,
            5 => datagram.len() == 6,
            8 => datagram.len() == 10,
            _ => npdu(datagram).is_some(),
        };
    if fits { Size::Whole(datagram.len()) } else { Size::Broken }
}

/// The network layer's message: version 1 (6.2).
fn npdu(datagram: &[u8]) -> Option<&[u8]> {
    let at = match datagram.get(1)? {
        4 => 10,
        9..=0x0b => 4,
        _ => return None,
    };
    datagram.get(at..).filter(|npdu| npdu.first() == Some(&1))
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        if let Some(apdu) = npdu(message.bytes).and_then(apdu) {
            say(apdu, voice);
        }
        Next::More
    }
}

/// Behind the network layer's addresses (6.2.2); `None` for its own messages.
fn apdu(npdu: &[u8]) -> Option<&[u8]> {
    let control = *npdu.get(1)?;
    if control & 0x80 != 0 {
        return None;
    }
    let mut at = 2;
    for present in [control & 0x20 != 0, control & 0x08 != 0] {
        if present {
            at += 3 + usize::from(*npdu.get(at + 2)?);
        }
    }
    npdu.get(at + usize::from(control & 0x20 != 0)..)
}

fn say(apdu: &[u8], voice: &mut Voice<'_>) {
    match *apdu {
        // I-Am: the device's number, its largest message, segmentation, vendor (16.10).
        [0x10, 0, 0xc4, ref rest @ ..] => {
            let Some(object) = u32_be(rest, 0) else {
                return;
            };
            let number = (object & 0x003f_ffff).to_string();
            voice.identity(IdentityKind::DeviceId, "bacnet.device", number.as_bytes());
            // The vendor is the last of them: one or two bytes.
            let vendor = match *rest {
                [.., 0x21, low] => Some(u16::from(low)),
                [.., 0x22, high, low] => Some(u16::from_be_bytes([high, low])),
                _ => None,
            };
            if let Some(vendor) = vendor {
                voice.note("bacnet.vendor_id", vendor.to_string().as_bytes());
            }
        }
        [0x10, 8, ..] => voice.note("bacnet.service", b"who is"),
        // Confirmed requests: kind, sizes, id, service (20.1.2).
        [kind, _, _, service, ..] if kind & 0xf0 == 0 => {
            let name: &[u8] = match service {
                6 | 7 => b"file",
                12 | 14 => b"read",
                15 | 16 => b"write",
                17 => b"communication control",
                20 => b"reinitialize",
                _ => b"other",
            };
            voice.note("bacnet.service", name);
        }
        // The answer to reading one property: object, property, value (15.5).
        [0x30, _, 12, 0x0c, _, _, _, _, 0x19, property, 0x3e, 0x75, length, ref text @ ..] => {
            let Some(text) = text.get(1..usize::from(length)).filter(|text| is_printable(text))
            else {
                return;
            };
            match property {
                70 => voice.identity(IdentityKind::Model, "bacnet.model", text),
                44 | 12 => voice.identity(IdentityKind::Firmware, "bacnet.firmware", text),
                121 => voice.identity(IdentityKind::Product, "bacnet.vendor", text),
                58 => voice.identity(IdentityKind::Location, "bacnet.location", text),
                77 => voice.note("bacnet.object_name", text),
                _ => {}
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_datagrams_here, flow, values};
    use crate::flow::Side;
    use crate::protocol::UDP;

    /// As in `ndpi/bacnet.pcap`: a broadcast I-Am of device 123, vendor 260.
    const I_AM: &[u8] = b"\x81\x0b\0\x19\x01\x20\xff\xff\0\xff\x10\0\xc4\x02\0\0\x7b\x22\x05\xc4\
        \x91\x03\x22\x01\x04";
    const MODEL: &[u8] = b"\x81\x0a\0\x17\x01\0\x30\x01\x0c\x0c\x02\0\0\x7b\x19\x46\x3e\x75\x03\0\
        M1\x3f";

    #[test]
    fn a_device_says_its_number_and_model() {
        for port in [47_808, 5_123] {
            let pieces = [(Side::Low, I_AM), (Side::Low, MODEL)];
            let (label, said) = converse_datagrams_here(&flow(UDP, 50_000, port), &pieces);
            assert_eq!(label.protocol, "bacnet");
            assert_eq!(values(&said, "bacnet.device"), [b"123"]);
            assert_eq!(values(&said, "bacnet.vendor_id"), [b"260"]);
            assert_eq!(values(&said, "bacnet.model"), [b"M1"]);
        }
        let (label, _) =
            converse_datagrams_here(&flow(UDP, 50_000, 47_808), &[(Side::Low, &I_AM[..24])]);
        assert_eq!(label.frame, 0, "by its port at most");
    }
}
