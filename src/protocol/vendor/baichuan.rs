//! Baichuan: the protocol of Reolink cameras, TCP 9000, and its transport over UDP. Texts of older
//! firmware are masked with a fixed, public key, newer ones with AES; pictures are masked by
//! neither in most firmware, which is why the content is not said to be one or the other.
//!
//! Documents: QuantumEntangledAndy/neolink (dissector/protocol.md, udp.md).
//!
//! Fixed: 32 bits of magic, a class of 16, a length.
//! Bounds: those of `framed.rs`; messages of up to 16 MiB.

use super::super::syntax::document::{Entry, Meaning, tell};
use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, probe, u16_le, u32_le,
};
use super::super::{
    Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session, TCP, UDP,
};
use crate::flow::Flow;

/// Baichuan.
pub struct Baichuan;

const HEADER_BYTES: usize = 24;
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;
const MAGIC: [&[u8; 4]; 2] = [b"\xf0\xde\xbc\x0a", b"\xa0\xcd\xed\x0f"];
/// First bytes of discovery, acknowledgement and data over UDP.
const DATAGRAMS: [&[u8; 4]; 3] = [b"\x3a\xcf\x87\x2a", b"\x20\xcf\x87\x2a", b"\x10\xcf\x87\x2a"];
/// The fixed mask of texts.
const MASK: [u8; 8] = [0x1f, 0x2d, 0x3c, 0x4b, 0x5a, 0x69, 0x78, 0xff];

const TABLE: &[Entry] = &[
    ("serialNumber", Meaning::Identity(IdentityKind::Serial), "baichuan.serial"),
    ("uid", Meaning::Identity(IdentityKind::DeviceId), "baichuan.uid"),
    ("model", Meaning::Identity(IdentityKind::Model), "baichuan.model"),
    ("firmwareVersion", Meaning::Identity(IdentityKind::Firmware), "baichuan.firmware"),
    ("deviceName", Meaning::Identity(IdentityKind::HostName), "baichuan.device_name"),
    ("type", Meaning::Note, "baichuan.type"),
    ("userName", Meaning::Note, "baichuan.user_hash"),
];

impl Dissector for Baichuan {
    fn name(&self) -> &'static str {
        "baichuan"
    }

    fn rule(&self) -> &'static str {
        "its magic, a class and a length"
    }

    fn content(&self) -> Content {
        Content::Unknown
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, carrier: u8) -> &'static [(u8, u8)] {
        match carrier {
            TCP => &[(0xa0, 0xa0), (0xf0, 0xf0)],
            _ => &[(0x10, 0x10), (0x20, 0x20), (0x3a, 0x3a)],
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

fn size(start: &[u8]) -> Size {
    let there = start.len().min(4);
    if !MAGIC.iter().any(|magic| magic[..there] == start[..there]) {
        return Size::Broken;
    }
    let (Some(length), Some(class)) = (u32_le(start, 8), u16_le(start, 18)) else {
        return Size::Need(20);
    };
    let header = match class {
        0x6514 => 20,
        0x6414 | 0x6614 | 0x0000 => HEADER_BYTES,
        _ => return Size::Broken,
    };
    if length as usize > MESSAGE_BYTES_MAX {
        return Size::Broken;
    }
    Size::Whole(header + length as usize)
}

/// The header of 20 bytes holds the length of what is behind it in discovery, at 4, and of data,
/// at 16.
fn datagram_size(datagram: &[u8]) -> Size {
    let Some(magic) = DATAGRAMS.iter().position(|magic| datagram.starts_with(&magic[..])) else {
        return Size::Broken;
    };
    let behind = datagram.len().checked_sub(20).map(|behind| behind as u32);
    let fits = match magic {
        0 => behind.is_some() && u32_le(datagram, 4) == behind,
        1 => datagram.len() >= 28,
        _ => behind.is_some() && u32_le(datagram, 16) == behind,
    };
    if fits { Size::Whole(datagram.len()) } else { Size::Broken }
}

struct Messages {
    datagrams: bool,
}

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        if self.datagrams { datagram_size(start) } else { size(start) }
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        if self.datagrams {
            return Next::More;
        }
        let bytes = message.bytes;
        let (Some(id), Some(class)) = (u32_le(bytes, 0x4), u16_le(bytes, 18)) else {
            return Next::More;
        };
        voice.note("baichuan.message", id.to_string().as_bytes());
        let body = bytes.get(if class == 0x6514 { 20 } else { HEADER_BYTES }..).unwrap_or_default();
        let offset = u32_le(bytes, 12).unwrap_or_default();
        if body.starts_with(b"<?xml") {
            tell(body, TABLE, voice);
        } else if body.len() >= 5 {
            let text = unmask(body, offset);
            if text.starts_with(b"<?xml") {
                tell(&text, TABLE, voice);
            }
        }
        Next::More
    }
}

fn unmask(body: &[u8], offset: u32) -> Vec<u8> {
    let at = offset as usize % MASK.len();
    let mask = MASK.iter().cycle().skip(at);
    body.iter().zip(mask).map(|(byte, mask)| byte ^ mask ^ offset as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{
        converse_anywhere, converse_datagrams_here, converse_tcp, flow, values,
    };
    use super::*;
    use crate::flow::Side;

    fn message(id: u32, class: u16, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32).to_le_bytes();
        let head =
            [&MAGIC[0][..], &id.to_le_bytes(), &length, &3u32.to_le_bytes(), &[0, 0]].concat();
        let offset: &[u8] = if class == 0x6514 { b"" } else { &[0; 4] };
        [&head[..], &class.to_le_bytes(), offset, body].concat()
    }

    #[test]
    fn masked_and_plain_texts_are_read() {
        let login = message(1, 0x6514, &[0; 64]);
        let info = message(
            80,
            0x6414,
            &unmask(
                b"<?xml version=\"1.0\"?><body>\
            <VersionInfo><serialNumber>00000000000001</serialNumber></VersionInfo></body>",
                3,
            ),
        );
        let plain = message(114, 0x6614, b"<?xml version=\"1.0\"?><Uid><uid>95TEST</uid></Uid>");
        let pieces = [(Side::Low, &login[..]), (Side::High, &info), (Side::High, &plain)];
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        assert_eq!((label.protocol, label.content), ("baichuan", Content::Unknown));
        assert_eq!(values(&said, "baichuan.serial"), [b"00000000000001"]);
        assert_eq!(values(&said, "baichuan.uid"), [b"95TEST"]);
    }

    #[test]
    fn datagrams_and_near_misses() {
        let data = [&DATAGRAMS[2][..], &[0; 12], &4u32.to_le_bytes(), b"abcd"].concat();
        let label = |bytes: &[u8]| {
            converse_datagrams_here(&flow(UDP, 50_000, 9999), &[(Side::Low, bytes)]).0.protocol
        };
        assert_eq!(label(&data), "baichuan");
        assert_ne!(label(&data[..23]), "baichuan");
        let wrong = message(1, 0x1234, b"");
        let (label, _) = converse_tcp(&flow(TCP, 50_000, 9000), &[(Side::Low, &wrong)]);
        assert_eq!(label.protocol, "unknown");
    }
}
