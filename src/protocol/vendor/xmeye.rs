//! XMEye, also called Sofia or DVRIP: recorders and cameras of XiongMai and the many brands built
//! on its modules, TCP 34567 and UDP 34568 and 34569. JSON behind a header of 20 bytes; pictures
//! pass readable.
//!
//! Documents: OpenIPC/python-dvr (dvrip.py, DeviceManager.py), the Besder investigation of
//! KostasEreksonas.
//!
//! Fixed: `ff`, version, two zeroes, a message number between 990 and 3000 and a length that holds
//! (together about 50 bits).
//! Bounds: those of `framed.rs`; messages of up to 4 MiB.

use super::super::syntax::document::{Entry, Meaning, contains, tell};
use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, probe, u16_le, u32_le,
};
use super::super::syntax::parameter;
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// XMEye.
pub struct Xmeye;

const HEADER_BYTES: usize = 20;
const MESSAGE_BYTES_MAX: usize = 4 * 1024 * 1024;

const LOGIN: u16 = 1000;
/// Live pictures, pictures of a recording, and sound of a talk, of the device.
const MEDIA: [u16; 4] = [1412, 1426, 1432, 1434];

const TABLE: &[Entry] = &[
    ("SerialNo", Meaning::Identity(IdentityKind::Serial), "xmeye.serial"),
    ("SN", Meaning::Identity(IdentityKind::Serial), "xmeye.serial"),
    ("HardWare", Meaning::Identity(IdentityKind::Model), "xmeye.hardware"),
    ("SoftWareVersion", Meaning::Identity(IdentityKind::Firmware), "xmeye.firmware"),
    ("MAC", Meaning::Identity(IdentityKind::Mac), "xmeye.mac"),
    ("HostName", Meaning::Identity(IdentityKind::HostName), "xmeye.host_name"),
    ("Name", Meaning::Note, "xmeye.subject"),
    ("UserName", Meaning::Note, "xmeye.user"),
    ("LoginType", Meaning::Note, "xmeye.client"),
];

impl Dissector for Xmeye {
    fn name(&self) -> &'static str {
        "xmeye"
    }

    fn rule(&self) -> &'static str {
        "ff, a message number, a length that holds"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0xff, 0xff)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(start: &[u8]) -> Size {
    let fixed = |at: usize, byte: u8| match at {
        0 => byte == 0xff,
        1 => byte <= 1,
        2 | 3 => byte == 0,
        _ => true,
    };
    if !start.iter().enumerate().take(4).all(|(at, &byte)| fixed(at, byte)) {
        return Size::Broken;
    }
    let (Some(length), Some(id)) = (u32_le(start, 16), u16_le(start, 14)) else {
        return Size::Need(HEADER_BYTES);
    };
    let length = length as usize;
    if !(990..3000).contains(&id) || length > MESSAGE_BYTES_MAX {
        return Size::Broken;
    }
    // Everything but media and files is JSON, or text of a reply.
    let is_text = |byte: &u8| matches!(byte, b'{' | b'[' | b'\n' | b'"') || MEDIA.contains(&id);
    match start.get(HEADER_BYTES) {
        None if length > 0 => Size::Need(HEADER_BYTES + 1),
        Some(byte) if length > 0 && !is_text(byte) && id < 1400 => Size::Broken,
        _ => Size::Whole(HEADER_BYTES + length),
    }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let body = message.bytes.get(HEADER_BYTES..).unwrap_or_default();
        let Some(id) = u16_le(message.bytes, 14) else {
            return Next::More;
        };
        if MEDIA.contains(&id) {
            if !body.is_empty() {
                voice.media("xmeye.media", id.to_string().as_bytes());
            }
            return Next::More;
        }
        voice.note("xmeye.message", id.to_string().as_bytes());
        tell(body, TABLE, voice);
        // With `EncryptType` MD5 the value is a hash that is no password, though it opens the
        // device as well as one.
        let whole = message.whole;
        if id == LOGIN
            && let Some(secret) = parameter::secret(body, whole)
        {
            let hashed = contains(body, b"\"MD5\"");
            let kind = if hashed { "xmeye password hash" } else { "xmeye password" };
            voice.credential(kind, secret.length, "xmeye.login", &secret.user);
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::What;
    use super::super::super::testing::{converse_datagrams_here, converse_tcp, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::{TCP, UDP};

    fn message(version: u8, id: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[..2].copy_from_slice(&[0xff, version]);
        bytes[14..16].copy_from_slice(&id.to_le_bytes());
        bytes[16..20].copy_from_slice(&(body.len() as u32).to_le_bytes());
        bytes.extend(body);
        bytes
    }

    #[test]
    fn a_login_and_what_the_device_says() {
        let login = message(
            0,
            LOGIN,
            b"{\"EncryptType\":\"MD5\",\"LoginType\":\"DVRIP-Web\",\
              \"PassWord\":\"abcdefgh\",\"UserName\":\"admin\"}\x0a\0",
        );
        let info = message(
            1,
            1021,
            b"{\"Name\":\"SystemInfo\",\"SystemInfo\":{\"SerialNo\":\
            \"0123456789abcdef\",\"HardWare\":\"TEST\",\"SoftWareVersion\":\"V5\"}}\x0a\0",
        );
        let video = message(1, 1412, &[0; 9000]);
        let pieces = [
            (Side::Low, &login[..]),
            (Side::High, &info),
            (Side::High, &video),
            (Side::High, &info),
        ];
        for port in [34_567, 5_123] {
            let (label, said) = converse_tcp(&flow(TCP, 50_000, port), &pieces);
            assert_eq!((label.protocol, label.content), ("xmeye", Content::Clear));
            assert_eq!(values(&said, "xmeye.serial"), [b"0123456789abcdef"]);
            assert_eq!(values(&said, "xmeye.media"), [b"1412"]);
            let kind = "xmeye password hash";
            let secret = said.iter().find(|said| said.name == "xmeye.login").unwrap();
            assert_eq!(secret.what, What::Credential { kind, length: 8 });
            assert_eq!(secret.value, b"admin");
        }
        let search = message(0, 1530, b"");
        let (label, _) =
            converse_datagrams_here(&flow(UDP, 50_000, 34_569), &[(Side::Low, &search)]);
        assert_eq!(label.protocol, "xmeye");
    }

    #[test]
    fn near_misses_are_not_xmeye() {
        let mut wrong_id = message(0, 5, b"{}");
        for bytes in
            [&wrong_id.clone()[..], &message(0, 1000, b"\0\0"), b"\xff\xfb\x01\xff\xfb\x03"]
        {
            let (label, _) = converse_tcp(&flow(TCP, 50_000, 34_567), &[(Side::Low, bytes)]);
            assert_ne!(label.protocol, "xmeye");
        }
        wrong_id[2] = 1;
        assert_eq!(size(&wrong_id), Size::Broken);
    }
}
