//! Discovery of Tapo and newer Kasa devices (TP-Link), UDP 20002 and 20004: a header of 16 bytes,
//! then JSON that names model, hardware address, device and a hash of the owner's account to anyone
//! who asks.
//!
//! Documents: python-kasa (kasa/discover.py).
//!
//! Fixed: version, type and operation (32 bits), a length that holds exactly (16), JSON behind.
//! Bounds: one datagram at a time; those of `framed.rs`.

use super::super::syntax::document::{Entry, Meaning, tell};
use super::super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, probe, u16_be};
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// Tapo discovery.
pub struct Tapo;

const HEADER_BYTES: usize = 16;

const TABLE: &[Entry] = &[
    ("device_id", Meaning::Identity(IdentityKind::DeviceId), "tapo.device_id"),
    ("device_model", Meaning::Identity(IdentityKind::Model), "tapo.model"),
    ("device_type", Meaning::Identity(IdentityKind::Product), "tapo.type"),
    ("mac", Meaning::Identity(IdentityKind::Mac), "tapo.mac"),
    ("firmware_version", Meaning::Identity(IdentityKind::Firmware), "tapo.firmware"),
    ("owner", Meaning::Identity(IdentityKind::Account), "tapo.owner_hash"),
    ("factory_default", Meaning::Note, "tapo.factory_default"),
    ("encrypt_type", Meaning::Note, "tapo.encryption"),
];

impl Dissector for Tapo {
    fn name(&self) -> &'static str {
        "tapo-discovery"
    }

    fn rule(&self) -> &'static str {
        "version, type, a length that holds, JSON"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(2, 2)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

/// A question may be a header alone; then its checksum is the only one there is.
fn size(datagram: &[u8]) -> Size {
    let (Some(body), Some(length)) = (datagram.get(HEADER_BYTES..), u16_be(datagram, 4)) else {
        return Size::Broken;
    };
    let fits = datagram.starts_with(&[2, 0, 0, 1])
        && usize::from(length) == body.len()
        && match body.first() {
            Some(first) => *first == b'{',
            None => datagram[12..] == [0x46, 0x3c, 0xb5, 0xd3],
        };
    if fits { Size::Whole(datagram.len()) } else { Size::Broken }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        tell(message.bytes.get(HEADER_BYTES..).unwrap_or_default(), TABLE, voice);
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_datagrams, converse_datagrams_here, flow, values};
    use crate::flow::Side;
    use crate::protocol::UDP;

    const ASK: &[u8] = b"\x02\0\0\x01\0\0\0\0\0\0\0\0\x46\x3c\xb5\xd3";

    #[test]
    fn an_answer_tells_who_the_device_is() {
        let json = br#"{"result":{"device_id":"00aa","owner":"FFEE","device_model":"P100(EU)",
            "mac":"00-00-5E-00-53-01"},"error_code":0}"#;
        let length = (json.len() as u16).to_be_bytes();
        let answer =
            [&b"\x02\0\0\x01"[..], &length, b"\x11\0\0\0\0\0\x12\x34\x56\x78", json].concat();
        let pieces = [(Side::Low, ASK), (Side::High, &answer)];
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!(label.protocol, "tapo-discovery");
        assert_eq!(values(&said, "tapo.model"), [b"P100(EU)"]);
        assert_eq!(said.len(), 4);
        let (label, _) =
            converse_datagrams_here(&flow(UDP, 1, 20_002), &[(Side::Low, &answer[..90])]);
        assert_ne!(label.protocol, "tapo-discovery");
    }
}
