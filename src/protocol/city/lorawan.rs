//! The Semtech packet forwarder, UDP 1700 and other ports: LoRaWAN gateways and their network
//! server. No authentication: the gateway's id, where it stands and every radio frame pass
//! readable; what is in the radio frames is encrypted by LoRaWAN itself, their device addresses are
//! not.
//!
//! Documents: Lora-net/packet_forwarder (PROTOCOL.TXT).
//!
//! Fixed: version 1 or 2 and a kind below 6 (13 bits), then a form by kind: JSON that begins with
//! `{"` at 12 or 4, or a length of exactly 12 or 4. What is only an acknowledgement needs the other
//! side.
//! Bounds: one datagram at a time; those of `framed.rs`; 64 KiB of JSON.

use super::super::syntax::document::{Entry, Meaning, tell};
use super::super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, probe};
use super::super::syntax::parameter;
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::base::text::hex;
use crate::flow::Flow;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The Semtech packet forwarder.
pub struct Lorawan;

const PUSH_DATA: u8 = 0;
const PULL_DATA: u8 = 2;
const PULL_RESPONSE: u8 = 3;
const TX_ACK: u8 = 5;
const HEADER_BYTES: usize = 12;
/// Radio frames read in one datagram.
const FRAMES_MAX: usize = 16;

const TABLE: &[Entry] = &[
    ("lati", Meaning::Identity(IdentityKind::Location), "lorawan.latitude"),
    ("long", Meaning::Identity(IdentityKind::Location), "lorawan.longitude"),
    ("desc", Meaning::Identity(IdentityKind::Product), "lorawan.description"),
    ("pfrm", Meaning::Identity(IdentityKind::Product), "lorawan.platform"),
    ("mail", Meaning::Identity(IdentityKind::Account), "lorawan.mail"),
];

impl Dissector for Lorawan {
    fn name(&self) -> &'static str {
        "semtech-udp"
    }

    fn rule(&self) -> &'static str {
        "version, kind, and the form of that kind"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(1, 2)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let told = seen.first().0.get(HEADER_BYTES..).is_some_and(|json| json.starts_with(b"{\""));
        probe(flow, seen, size, if told { Demand::One } else { Demand::Both })
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(datagram: &[u8]) -> Size {
    let [1 | 2, _, _, kind, ..] = *datagram else {
        return Size::Broken;
    };
    let json_at = |at: usize| datagram.get(at..).is_some_and(|json| json.starts_with(b"{\""));
    let fits = match kind {
        PUSH_DATA => json_at(HEADER_BYTES),
        PULL_DATA => datagram.len() == HEADER_BYTES,
        PULL_RESPONSE => json_at(4),
        TX_ACK => datagram.len() == HEADER_BYTES || json_at(HEADER_BYTES),
        1 | 4 => datagram.len() == 4,
        _ => false,
    };
    if fits { Size::Whole(datagram.len()) } else { Size::Broken }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let bytes = message.bytes;
        let kind = bytes.get(3).copied();
        if matches!(kind, Some(PUSH_DATA | PULL_DATA | TX_ACK))
            && let Some(gateway) = bytes.get(4..HEADER_BYTES)
        {
            voice.identity(IdentityKind::DeviceId, "lorawan.gateway", hex(gateway).as_bytes());
        }
        if kind == Some(PUSH_DATA) {
            let json = &bytes[HEADER_BYTES.min(bytes.len())..];
            tell(json, TABLE, voice);
            let mut left = FRAMES_MAX;
            parameter::json(json, &mut |name, value| {
                if name == b"data" && left > 0 {
                    left -= 1;
                    radio(value, voice);
                }
            });
        }
        if kind == Some(PULL_RESPONSE) {
            voice.note("lorawan.downlink", b"sent");
        }
        Next::More
    }
}

/// The header of a radio frame (LoRaWAN 1.0.4 §4): a join names the device, data its address.
fn radio(encoded: &[u8], voice: &mut Voice<'_>) {
    // JSON writers escape the slash.
    let plain: Vec<u8> = encoded.iter().copied().filter(|&byte| byte != b'\\').take(344).collect();
    let Ok(frame) = STANDARD.decode(&plain[..plain.len() / 4 * 4]) else {
        return;
    };
    match frame[..] {
        [0, ref rest @ ..] if rest.len() == 22 => {
            let device: Vec<u8> = rest[8..16].iter().rev().copied().collect();
            voice.note("lorawan.device_eui", hex(&device).as_bytes());
        }
        [header, a, b, c, d, ..] if matches!(header >> 5, 2 | 4) => {
            voice.note("lorawan.device_address", hex(&[d, c, b, a]).as_bytes());
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_datagrams_here, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    const PULL: &[u8] = b"\x02\x01\x02\x02\xaa\x55\x5a\0\0\0\x01\x01";
    const STAT: &[u8] = b"\x02\x03\x04\0\xaa\x55\x5a\0\0\0\x01\x01{\"rxpk\":[{\"size\":23,\
        \"data\":\"QCkZBAEAgAACqKmq\"}],\"stat\":{\"lati\":46.24,\"long\":3.2523,\"alti\":145}}";

    #[test]
    fn a_gateway_says_who_and_where_it_is() {
        for port in [1700, 5_123] {
            let (label, said) =
                converse_datagrams_here(&flow(UDP, 50_000, port), &[(Side::Low, STAT)]);
            assert_eq!((label.protocol, label.content), ("semtech-udp", Content::Clear));
            assert_eq!(values(&said, "lorawan.gateway"), [b"aa555a0000000101"]);
            assert_eq!(values(&said, "lorawan.latitude"), [b"46.24"]);
            assert_eq!(values(&said, "lorawan.device_address"), [b"01041929"]);
        }
        let label = |pieces: &[(Side, &[u8])]| {
            converse_datagrams_here(&flow(UDP, 50_000, 1700), pieces).0.protocol
        };
        assert_eq!(label(&[(Side::Low, PULL), (Side::High, b"\x02\x01\x02\x04")]), "semtech-udp");
        assert_eq!(label(&[(Side::Low, PULL)]), "unknown");
        assert_eq!(label(&[(Side::Low, PULL), (Side::High, b"\x02\x01\x02\x04\0")]), "unknown");
    }
}
