//! TP-Link Smart Home (Kasa plugs, bulbs and switches): JSON masked with its own previous byte,
//! which hides nothing, TCP and UDP 9999, no authentication: anyone on the network can read the
//! owner's account and the place of the device, and switch it.
//!
//! Documents: python-kasa (kasa/discover.py), nDPI (tplink_shp.c).
//!
//! Fixed: the unmasked message must begin with `{"` or be `{}`, and its first 16 bytes be
//! printable; in a stream the length before it must be below 64 KiB: about 60 bits.
//! Bounds: those of `framed.rs`.

use super::super::syntax::document::{Entry, Meaning, tell};
use super::super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, probe, u32_be};
use super::super::{
    Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session, TCP, UDP,
};
use crate::flow::Flow;

/// TP-Link Smart Home.
pub struct Kasa;

/// The mask of the first byte.
const FIRST_MASK: u8 = 171;
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Looked at of a message to recognise it, bytes.
const TASTE_BYTES: usize = 16;

const TABLE: &[Entry] = &[
    ("deviceId", Meaning::Identity(IdentityKind::DeviceId), "kasa.device_id"),
    ("model", Meaning::Identity(IdentityKind::Model), "kasa.model"),
    ("sw_ver", Meaning::Identity(IdentityKind::Firmware), "kasa.firmware"),
    ("mac", Meaning::Identity(IdentityKind::Mac), "kasa.mac"),
    ("mic_mac", Meaning::Identity(IdentityKind::Mac), "kasa.mac"),
    ("alias", Meaning::Identity(IdentityKind::HostName), "kasa.alias"),
    ("dev_name", Meaning::Identity(IdentityKind::Product), "kasa.product"),
    ("latitude", Meaning::Identity(IdentityKind::Location), "kasa.latitude"),
    ("longitude", Meaning::Identity(IdentityKind::Location), "kasa.longitude"),
    ("latitude_i", Meaning::Identity(IdentityKind::Location), "kasa.latitude"),
    ("longitude_i", Meaning::Identity(IdentityKind::Location), "kasa.longitude"),
    ("username", Meaning::Identity(IdentityKind::Account), "kasa.account"),
    ("ssid", Meaning::Note, "kasa.ssid"),
    ("password", Meaning::Secret("kasa password"), "kasa.secret"),
    ("state", Meaning::Control, "kasa.switched_to"),
    ("relay_state", Meaning::Note, "kasa.relay_state"),
];

impl Dissector for Kasa {
    fn name(&self) -> &'static str {
        "tplink-smarthome"
    }

    fn rule(&self) -> &'static str {
        "JSON once unmasked"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, carrier: u8) -> &'static [(u8, u8)] {
        match carrier {
            TCP => &[(0, 0)],
            _ => &[(0xd0, 0xd0)],
        }
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

fn unmask(bytes: &[u8]) -> Vec<u8> {
    let masks = std::iter::once(&FIRST_MASK).chain(bytes);
    bytes.iter().zip(masks).map(|(byte, mask)| byte ^ mask).collect()
}

fn is_json(masked: &[u8]) -> bool {
    let taste = unmask(&masked[..masked.len().min(TASTE_BYTES)]);
    let printable = taste.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\r' | b'\t'));
    printable && (taste == b"{}" || taste.starts_with(b"{\"") && taste.len() >= 6)
}

fn datagram_size(datagram: &[u8]) -> Size {
    // The two first bytes alone end the question for nearly all datagrams.
    let begins = matches!(datagram, [0xd0, 0xf2 | 0xad, ..]);
    if begins && is_json(datagram) { Size::Whole(datagram.len()) } else { Size::Broken }
}

fn size(start: &[u8]) -> Size {
    if start.iter().take(2).any(|&byte| byte != 0) {
        return Size::Broken;
    }
    let Some(length) = u32_be(start, 0) else {
        return Size::Need(4);
    };
    let length = length as usize;
    if !(2..=MESSAGE_BYTES_MAX).contains(&length) {
        return Size::Broken;
    }
    let tasted = length.min(TASTE_BYTES);
    match start.get(4..4 + tasted) {
        None if start.get(4).is_some_and(|&first| first != 0xd0) => Size::Broken,
        None => Size::Need(4 + tasted),
        Some(body) if is_json(body) => Size::Whole(4 + length),
        Some(_) => Size::Broken,
    }
}

struct Messages {
    datagrams: bool,
}

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        if self.datagrams { datagram_size(start) } else { size(start) }
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let body = if self.datagrams { Some(message.bytes) } else { message.bytes.get(4..) };
        tell(&unmask(body.unwrap_or_default()), TABLE, voice);
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{
        converse_anywhere, converse_datagrams_here, converse_tcp, flow, values,
    };
    use super::*;
    use crate::flow::Side;

    fn mask(text: &[u8]) -> Vec<u8> {
        let mut last = FIRST_MASK;
        text.iter()
            .map(|byte| {
                last ^= byte;
                last
            })
            .collect()
    }

    fn framed(text: &[u8]) -> Vec<u8> {
        [&(text.len() as u32).to_be_bytes()[..], &mask(text)].concat()
    }

    #[test]
    fn the_mask_is_that_of_the_wire() {
        // `ndpi/tplink_shp.pcap`, frame 1: the beginning of every question.
        assert_eq!(&mask(b"{\"sy")[..], b"\xd0\xf2\x81\xf8");
        assert_eq!(unmask(b"\xd0\xad"), b"{}");
    }

    #[test]
    fn what_the_device_tells_anyone() {
        let ask = br#"{"system":{"get_sysinfo":{}}}"#;
        let answer = br#"{"system":{"get_sysinfo":{"model":"HS110(EU)","deviceId":"800612",
            "alias":"Lamp","latitude":1.5,"mac":"00:00:5E:00:53:01"}}}"#;
        let join = br#"{"netif":{"set_stainfo":{"ssid":"home","password":"secret12"}}}"#;
        let sides = [Side::Low, Side::High, Side::Low];
        let tcp = [framed(ask), framed(answer), framed(join)];
        let udp = [mask(ask), mask(answer), mask(join)];
        let tcp: Vec<(Side, &[u8])> = sides.into_iter().zip(tcp.iter().map(|m| &m[..])).collect();
        let udp: Vec<(Side, &[u8])> = sides.into_iter().zip(udp.iter().map(|m| &m[..])).collect();
        let both = [
            converse_anywhere(&flow(TCP, 50_000, 5_123), &tcp),
            converse_datagrams_here(&flow(UDP, 50_000, 9_999), &udp),
        ];
        for (label, said) in both {
            assert_eq!(label.protocol, "tplink-smarthome");
            assert_eq!(values(&said, "kasa.model"), [b"HS110(EU)"]);
            assert_eq!(values(&said, "kasa.latitude"), [b"1.5"]);
            assert_eq!(values(&said, "kasa.secret"), [b""]);
            assert!(said.iter().all(|said| !said.value.windows(6).any(|w| w == b"secret")));
        }
    }

    #[test]
    fn near_misses_are_none() {
        let (label, _) =
            converse_datagrams_here(&flow(UDP, 1, 9_999), &[(Side::Low, b"\xd0\xf2\0\0\0\0\0")]);
        assert_ne!(label.protocol, "tplink-smarthome");
        let (label, _) =
            converse_tcp(&flow(TCP, 1, 9_999), &[(Side::Low, b"\0\0\0\x08\xd0\0\0\0\0\0\0\0")]);
        assert_ne!(label.protocol, "tplink-smarthome");
    }
}
