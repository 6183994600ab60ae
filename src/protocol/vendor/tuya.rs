//! Tuya in the local network, which the modules inside devices of hundreds of brands speak:
//! announcements over UDP 6666 (readable), 6667 and 7000 (masked with a key that is the same in all
//! devices and public: `mask.rs`), and commands over TCP 6668, encrypted with a key of the device.
//!
//! Documents: nDPI (tuya_lp.c), the localtuya threads that `vendor-facts` cites.
//!
//! Fixed: a prefix and a suffix of 32 bits each and a length that joins them.
//! Bounds: those of `framed.rs`; a message of up to 64 KiB.

mod mask;

use super::super::syntax::document::{Entry, Meaning, tell};
use super::super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, probe, u32_be};
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// Commands over TCP.
pub struct Tuya;
/// Announcements over UDP.
pub struct Announcement;

const OLD: [&[u8; 4]; 2] = [b"\0\0\x55\xaa", b"\0\0\xaa\x55"];
const NEW: [&[u8; 4]; 2] = [b"\0\0\x66\x99", b"\0\0\x99\x66"];
const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// Prefix, sequence, command, length.
const OLD_HEADER_BYTES: usize = 16;
/// Prefix, two bytes, sequence, command, length.
const NEW_HEADER_BYTES: usize = 18;

const TABLE: &[Entry] = &[
    ("gwId", Meaning::Identity(IdentityKind::DeviceId), "tuya.device_id"),
    ("productKey", Meaning::Identity(IdentityKind::Product), "tuya.product_key"),
    ("version", Meaning::Note, "tuya.version"),
    ("ip", Meaning::Note, "tuya.address"),
    ("encrypt", Meaning::Note, "tuya.encrypted"),
];

impl Dissector for Tuya {
    fn name(&self) -> &'static str {
        "tuya-lan"
    }

    fn rule(&self) -> &'static str {
        "prefix, length and suffix"
    }

    fn content(&self) -> Content {
        Content::Encrypted
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0, 0)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages { announcements: false })
    }
}

impl Dissector for Announcement {
    fn name(&self) -> &'static str {
        "tuya-discovery"
    }

    fn rule(&self) -> &'static str {
        "prefix, length and suffix, as datagram"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0, 0)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages { announcements: true })
    }
}

fn size(start: &[u8]) -> Size {
    let is = |frame: [&[u8; 4]; 2]| start.iter().zip(frame[0]).all(|(one, other)| one == other);
    let (frame, header, behind) = if is(OLD) {
        (OLD, OLD_HEADER_BYTES, 0)
    } else if is(NEW) {
        // The suffix is not counted in this one's length.
        (NEW, NEW_HEADER_BYTES, 4)
    } else {
        return Size::Broken;
    };
    let (Some(command), Some(length)) = (u32_be(start, header - 8), u32_be(start, header - 4))
    else {
        return Size::Need(header);
    };
    let whole = header + (length as usize).min(MESSAGE_BYTES_MAX + 1) + behind;
    // Commands are small numbers, the longest list of which ends at 0x2b.
    if length as usize > MESSAGE_BYTES_MAX || length < 8 || command > 0xff {
        return Size::Broken;
    }
    match start.get(whole - 4..whole) {
        Some(end) if end != frame[1] => Size::Broken,
        _ => Size::Whole(whole),
    }
}

struct Messages {
    announcements: bool,
}

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let bytes = message.bytes;
        let frame: &[u8] = if bytes.starts_with(OLD[0]) { b"55aa" } else { b"6699" };
        voice.note("tuya.frame", frame);
        let body = bytes.get(OLD_HEADER_BYTES..).unwrap_or_default();
        // A return code of four bytes may stand before the text.
        let text =
            [body, body.get(4..).unwrap_or_default()].into_iter().find(|t| t.starts_with(b"{"));
        if let Some(text) = text {
            tell(text, TABLE, voice);
        } else if self.announcements
            && let Some(text) = unmasked(bytes)
        {
            tell(&text, TABLE, voice);
            // A device announces the same every few seconds.
            return Next::Done;
        }
        // Commands to the device are encrypted since version 3.1, and only the version is readable.
        if let Some([b'3', b'.', digit @ b'0'..=b'9']) = body.get(..3) {
            voice.note("tuya.version", &[b'3', b'.', *digit]);
        }
        Next::More
    }
}

/// The text of an announcement that is masked.
fn unmasked(bytes: &[u8]) -> Option<Vec<u8>> {
    let text = if bytes.starts_with(OLD[0]) {
        // A checksum of four bytes, and the suffix.
        mask::open_blocks(bytes.get(OLD_HEADER_BYTES..bytes.len().checked_sub(8)?)?)?
    } else {
        let body = bytes.get(NEW_HEADER_BYTES..bytes.len().checked_sub(4)?)?;
        mask::open_sealed(&bytes[4..NEW_HEADER_BYTES], body)?
    };
    let start = if text.starts_with(b"{") { 0 } else { 4 };
    text.get(start..).filter(|text| text.starts_with(b"{")).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{
        converse_anywhere, converse_datagrams, converse_datagrams_here, flow, values,
    };
    use super::*;
    use crate::flow::Side;
    use crate::protocol::{TCP, UDP};

    fn old(command: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u32 + 8).to_be_bytes();
        [&OLD[0][..], &[0; 7], &[command], &length, body, &[1, 2, 3, 4], OLD[1]].concat()
    }

    #[test]
    fn an_announcement_names_the_device() {
        let json = br#"{"ip":"10.0.0.9","gwId":"0123abcd","productKey":"keytest","version":"3.1"}"#;
        let plain = old(0, &[&[0; 4][..], json].concat());
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 6666), &[(Side::Low, &plain)]);
        assert_eq!((label.protocol, label.content), ("tuya-discovery", Content::Service));
        assert_eq!(values(&said, "tuya.device_id"), [b"0123abcd"]);
        let newer =
            br#"{"ip":"10.0.0.9","gwId":"0123abcd","productKey":"keytest","version":"3.2"}"#;
        let newer = old(0, &[&[0; 4][..], newer].concat());
        let pieces = [(Side::Low, &plain[..]), (Side::Low, &newer)];
        let (_, said) = converse_datagrams(&flow(UDP, 50_000, 6666), &pieces);
        assert_eq!(values(&said, "tuya.version"), [b"3.1", b"3.2"]);
        let mut other = plain.clone();
        *other.last_mut().unwrap() = 0;
        let (label, _) = converse_datagrams_here(&flow(UDP, 50_000, 6666), &[(Side::Low, &other)]);
        assert_ne!(label.protocol, "tuya-discovery");
    }

    #[test]
    fn a_masked_announcement_names_the_device_too() {
        let json = br#"{"ip":"10.0.0.9","gwId":"0123abcd","version":"3.3"}"#;
        let plain = old(0x13, &[&[0; 4][..], &mask::tests::close_blocks(json)].concat());
        let pieces = [(Side::Low, &plain[..])];
        let (label, said) = converse_datagrams_here(&flow(UDP, 50_000, 6667), &pieces);
        assert_eq!((label.protocol, label.content), ("tuya-discovery", Content::Service));
        assert_eq!(values(&said, "tuya.device_id"), [b"0123abcd"]);
        assert_eq!(values(&said, "tuya.version"), [b"3.3"]);
        let length = (12 + json.len() as u32 + 16).to_be_bytes();
        let header = [&[0; 9][..], &[0x13], &length].concat();
        let sealed = mask::tests::close_sealed(&header, json);
        let new = [&NEW[0][..], &header, &sealed, NEW[1]].concat();
        let (_, said) = converse_datagrams_here(&flow(UDP, 50_000, 7000), &[(Side::Low, &new)]);
        assert_eq!(values(&said, "tuya.device_id"), [b"0123abcd"]);
    }

    #[test]
    fn commands_are_encrypted() {
        let ask = old(7, b"3.3\0\0\0\0\0\0\0\0\0\0\0\0cipher");
        let new = [&NEW[0][..], &[0; 9], &[0x10], &20u32.to_be_bytes(), &[7; 20], NEW[1]].concat();
        let pieces = [(Side::Low, &ask[..]), (Side::High, &ask), (Side::High, &new)];
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        assert_eq!((label.protocol, label.content), ("tuya-lan", Content::Encrypted));
        assert_eq!(values(&said, "tuya.version"), [b"3.3"]);
        assert_eq!(values(&said, "tuya.frame"), [b"55aa", b"6699"]);
    }
}
