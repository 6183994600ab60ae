//! Dahua's own protocols (also in the many brands that Dahua builds for): DHIP, JSON behind a
//! header, over TCP and as discovery over UDP 37810; the older binary protocol of TCP 37777 (called
//! DVRIP by its implementations); and the text requests to the directory of its relay service, UDP
//! 8800, which name the serial number.
//!
//! Documents: mcw0/DahuaConsole (net.py), OpenIPC/python-dvr (DeviceManager.py),
//! khoanguyen-3fc/dh-p2p (helpers.py, README.md).
//!
//! Fixed bits: DHIP 160 with its two lengths; the directory 40 or more of text; the binary one 32
//! of a known code and zeroes, therefore a message of each side is asked for off port 37777.
//! Bounds: those of `framed.rs`; a message of up to 16 MiB is passed over.

use super::super::syntax::document::{Entry, Meaning, tell};
use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, on_port, padded, probe, u32_le,
};
use super::super::syntax::parameter;
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// DHIP.
pub struct Dhip;
/// The binary protocol of port 37777.
pub struct Private;
/// The directory of the relay service.
pub struct Directory;

const PRIVATE_PORT: u16 = 37_777;
const HEADER_BYTES: usize = 32;
/// Longest message passed over, bytes.
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

const TABLE: &[Entry] = &[
    ("SerialNo", Meaning::Identity(IdentityKind::Serial), "dahua.serial"),
    ("sn", Meaning::Identity(IdentityKind::Serial), "dahua.serial"),
    ("DeviceType", Meaning::Identity(IdentityKind::Model), "dahua.model"),
    ("Version", Meaning::Identity(IdentityKind::Firmware), "dahua.firmware"),
    ("mac", Meaning::Identity(IdentityKind::Mac), "dahua.mac"),
    ("MachineName", Meaning::Identity(IdentityKind::HostName), "dahua.machine_name"),
    ("Vendor", Meaning::Identity(IdentityKind::Product), "dahua.vendor"),
    ("method", Meaning::Note, "dahua.method"),
    ("userName", Meaning::Note, "dahua.user"),
];

impl Dissector for Dhip {
    fn name(&self) -> &'static str {
        "dahua-dhip"
    }

    fn rule(&self) -> &'static str {
        "DHIP and its two lengths that agree"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x20, 0x20)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, dhip_size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(DhipMessages)
    }
}

/// `20 00 00 00 DHIP`, session, request, length, zero, length again, zero.
fn dhip_size(start: &[u8]) -> Size {
    if let Some(size) = Size::of_magic(start, b"\x20\0\0\0DHIP", HEADER_BYTES) {
        return size;
    }
    let at = |at| u32_le(start, at).unwrap_or_default();
    let length = at(16) as usize;
    if length <= MESSAGE_BYTES_MAX && at(20) == 0 && at(28) == 0 {
        Size::Whole(HEADER_BYTES + length)
    } else {
        Size::Broken
    }
}

struct DhipMessages;

impl Grammar for DhipMessages {
    fn size(&self, start: &[u8]) -> Size {
        dhip_size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        tell(message.bytes.get(HEADER_BYTES..).unwrap_or_default(), TABLE, voice);
        Next::More
    }
}

impl Dissector for Private {
    fn name(&self) -> &'static str {
        "dahua-private"
    }

    fn rule(&self) -> &'static str {
        "a known code and zeroes"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0xa0, 0xa0), (0xa3, 0xa3), (0xb0, 0xb0), (0xb3, 0xb3), (0xf6, 0xf6)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let usual = on_port(flow, &[PRIVATE_PORT]);
        probe(flow, seen, private_size, if usual { Demand::One } else { Demand::Both })
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(PrivateMessages)
    }
}

/// A code of two bytes, two zeroes or flags of the login, then the length of what follows the
/// header.
fn private_size(start: &[u8]) -> Size {
    match *start {
        [] => return Size::Need(HEADER_BYTES),
        [0xa0 | 0xb0 | 0xa3 | 0xb3 | 0xf6] => return Size::Need(HEADER_BYTES),
        [0xa0, 0 | 1 | 5, ..] | [0xb0 | 0xf6, 0 | 1, ..] | [0xa3, 1, ..] | [0xb3, 0, ..] => {}
        _ => return Size::Broken,
    }
    if start.len() > 3 && start[2..4] != [0, 0] && start[0] != 0xb0 {
        return Size::Broken;
    }
    if start.len() < HEADER_BYTES {
        return Size::Need(HEADER_BYTES);
    }
    // The top byte of a login's length holds other things.
    let length = u32_le(start, 4).unwrap_or_default() as usize & 0x00ff_ffff;
    Size::Whole(HEADER_BYTES + length)
}

struct PrivateMessages;

impl Grammar for PrivateMessages {
    fn size(&self, start: &[u8]) -> Size {
        private_size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let body = message.bytes.get(HEADER_BYTES..).unwrap_or_default();
        match message.bytes.first() {
            Some(0xf6) => tell(body, TABLE, voice),
            Some(0xa0) => voice.note("dahua.login", b"request"),
            Some(0xb0) => {
                // `Realm:` lines of the challenge; the realm holds the serial number.
                let realm = body
                    .split(|&byte| byte == b'\n')
                    .find_map(|line| line.strip_prefix(b"Realm:").map(<[u8]>::trim_ascii));
                voice.note("dahua.realm", realm.unwrap_or_default());
            }
            // The older search (UDP and TCP): address texts behind fixed offsets.
            Some(0xb3) => {
                let text = |from: usize, to: usize| {
                    message.bytes.get(from..to).map(padded).unwrap_or_default()
                };
                voice.identity(IdentityKind::Mac, "dahua.mac", text(120, 137));
            }
            _ => {}
        }
        Next::More
    }
}

impl Dissector for Directory {
    fn name(&self) -> &'static str {
        "dahua-p2p"
    }

    fn rule(&self) -> &'static str {
        "its commands in text"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(b'D', b'D'), (b'P', b'P')]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, directory_size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(DirectoryMessages)
    }
}

fn directory_size(datagram: &[u8]) -> Size {
    if [&b"DHGET /"[..], b"DHPOST /"].iter().any(|start| datagram.starts_with(start)) {
        return Size::Whole(datagram.len());
    }
    // The peer to peer transport begins so, its counters behind.
    if datagram.starts_with(b"PTCP") && datagram.len() >= 24 {
        return Size::Whole(datagram.len());
    }
    Size::Broken
}

struct DirectoryMessages;

impl Grammar for DirectoryMessages {
    fn size(&self, start: &[u8]) -> Size {
        // Answers have the start line of HTTP.
        if start.starts_with(b"HTTP/1.1 ") {
            Size::Whole(start.len())
        } else {
            directory_size(start)
        }
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let line = message.bytes.split(|&byte| byte == b'\r').next().unwrap_or_default();
        let Some(path) = line.strip_prefix(b"DHGET ").or(line.strip_prefix(b"DHPOST ")) else {
            return Next::More;
        };
        let path = path.split(|&byte| byte == b' ').next().unwrap_or_default();
        voice.note("dahua.p2p_path", path);
        voice.relay("dahua.p2p", b"directory of devices");
        let mut parts = path.split(|&byte| byte == b'/').skip(1);
        let device = match (parts.next(), parts.next(), parts.next()) {
            // The sender looks for this device or is it: the path does not say which.
            (Some(b"probe"), Some(b"device"), Some(serial)) => serial,
            (Some(b"online"), Some(b"p2psrv"), Some(serial)) => serial,
            (Some(b"device"), Some(serial), _) => serial,
            _ => return Next::More,
        };
        if parameter::is_secret(device) {
            return Next::More;
        }
        voice.note("dahua.p2p_serial", device);
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{
        converse_anywhere, converse_datagrams, converse_datagrams_here, converse_tcp, flow, values,
    };
    use super::*;
    use crate::flow::Side;
    use crate::protocol::{TCP, UDP};

    fn dhip(json: &[u8]) -> Vec<u8> {
        let length = (json.len() as u32).to_le_bytes();
        [&b"\x20\0\0\0DHIP\0\0\0\0\x01\0\0\0"[..], &length, &[0; 4], &length, &[0; 4], json]
            .concat()
    }

    #[test]
    fn dhip_tells_who_the_device_is_over_both_transports() {
        let ask = dhip(br#"{"method":"DHDiscover.search","params":{"mac":"","uni":1}}"#);
        let answer = dhip(
            br#"{"mac":"00:00:5e:00:53:01","method":"client.notifyDevInfo","params":
            {"deviceInfo":{"DeviceType":"IPC-TEST","SerialNo":"TEST000001","Version":"2.8"}}}"#,
        );
        let pieces = [(Side::Low, &ask[..]), (Side::High, &answer)];
        let udp = converse_datagrams_here(&flow(UDP, 50_000, 37_810), &pieces);
        let tcp = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        for (label, said) in [udp, tcp] {
            assert_eq!(label.protocol, "dahua-dhip");
            assert_eq!(values(&said, "dahua.serial"), [b"TEST000001"]);
            assert_eq!(values(&said, "dahua.model"), [b"IPC-TEST"]);
            assert_eq!(said.len(), 6);
        }
        let mut broken = dhip(b"{}");
        broken[20] = 1;
        let (label, _) = converse_tcp(&flow(TCP, 50_000, 9), &[(Side::Low, &broken)]);
        assert_eq!(label.protocol, "unknown");
    }

    #[test]
    fn the_private_protocol_needs_both_sides_off_its_port() {
        let mut ask = [0; 32];
        ask[..2].copy_from_slice(&[0xa0, 1]);
        let text = b"Realm:Login to TEST000001\r\nRandom:1\r\n\r\n";
        let mut answer = vec![0; 32];
        answer[..2].copy_from_slice(&[0xb0, 1]);
        answer[4] = text.len() as u8;
        answer.extend(text);
        let pieces = [(Side::Low, &ask[..]), (Side::High, &answer)];
        for port in [PRIVATE_PORT, 5_123] {
            let (label, said) = converse_tcp(&flow(TCP, 50_000, port), &pieces);
            assert_eq!(label.protocol, "dahua-private");
            assert_eq!(values(&said, "dahua.realm"), [b"Login to TEST000001"]);
            let (label, _) = converse_tcp(&flow(TCP, 50_000, port), &pieces[..1]);
            assert_eq!(label.protocol == "dahua-private", port == PRIVATE_PORT);
        }
    }

    #[test]
    fn the_directory_is_asked_for_a_serial_number() {
        let ask = b"DHGET /online/p2psrv/TEST000001 HTTP/1.1\r\nCSeq: 1\r\n\r\n";
        let pieces = [(Side::Low, &ask[..]), (Side::High, b"HTTP/1.1 200 OK\r\n\r\n")];
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 8_800), &pieces[..1]);
        assert_eq!(label.protocol, "dahua-p2p");
        assert_eq!(values(&said, "dahua.p2p_serial"), [b"TEST000001"]);
        let second = b"DHGET /online/p2psrv/TEST000002 HTTP/1.1\r\nCSeq: 2\r\n\r\n";
        let both = [(Side::Low, &ask[..]), (Side::Low, second)];
        let (_, said) = converse_datagrams(&flow(UDP, 50_000, 8_800), &both);
        assert_eq!(values(&said, "dahua.p2p_serial"), [b"TEST000001", b"TEST000002"]);
        let (label, _) =
            converse_datagrams_here(&flow(UDP, 50_000, 8_800), &[(Side::Low, b"DHGE /")]);
        assert_eq!(label.protocol, "unknown");
    }
}
