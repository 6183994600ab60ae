//! EtherNet/IP, TCP and UDP 44818: drives, controllers, water works.
//!
//! Documents: CIP volume 2 §2-3.
//!
//! Fixed: a command that exists, a length that holds, options 0, a status of the 7 there are: 70
//! bits, most of them zero; off the port a message of each side is asked for.
//! Bounds: those of `framed.rs`.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, on_port, probe, u16_le, u32_le,
};
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// EtherNet/IP.
pub struct Enip;

const PORTS: [u16; 1] = [44_818];
const HEADER_BYTES: usize = 24;
const LIST_IDENTITY: u16 = 0x63;

impl Dissector for Enip {
    fn name(&self) -> &'static str {
        "ethernet-ip"
    }

    fn rule(&self) -> &'static str {
        "a known command and status, a length that holds"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x04, 0x04), (0x63, 0x66), (0x6f, 0x70)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let usual = on_port(flow, &PORTS);
        probe(flow, seen, size, if usual { Demand::One } else { Demand::Both })
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(start: &[u8]) -> Size {
    let known = |command: u8| matches!(command, 0x04 | 0x63 | 0x64 | 0x65 | 0x66 | 0x6f | 0x70);
    if start.first().is_some_and(|&command| !known(command))
        || start.get(1).is_some_and(|&b| b != 0)
    {
        return Size::Broken;
    }
    if start.len() < HEADER_BYTES {
        return Size::Need(HEADER_BYTES);
    }
    let (length, status) = (u16_le(start, 2).unwrap_or_default(), u32_le(start, 8));
    let fits = matches!(status, Some(0..=3 | 0x64 | 0x65 | 0x69))
        && u32_le(start, 20) == Some(0)
        && (start[0] != 0x65 || length == 4)
        && (!matches!(start[0], 0x6f | 0x70) || length >= 6 || status != Some(0));
    if fits { Size::Whole(HEADER_BYTES + usize::from(length)) } else { Size::Broken }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let bytes = message.bytes;
        let Some(command) = u16_le(bytes, 0) else {
            return Next::More;
        };
        voice.note("enip.command", format!("{command:04x}").as_bytes());
        if command == LIST_IDENTITY {
            let _ = identity(bytes.get(HEADER_BYTES..).unwrap_or_default(), voice);
        }
        Next::More
    }
}

/// List Identity (§2-4.2): count, then an item with socket address, vendor, type, code, revision,
/// status, serial number, name.
fn identity(body: &[u8], voice: &mut Voice<'_>) -> Option<()> {
    if u16_le(body, 0)? == 0 || u16_le(body, 2)? != 0x0c {
        return None;
    }
    let item = body.get(6 + 2 + 16..)?;
    voice.note("enip.vendor_id", u16_le(item, 0)?.to_string().as_bytes());
    let revision = format!("{}.{:03}", item.get(6)?, item.get(7)?);
    let serial = format!("{:08x}", u32_le(item, 10)?);
    let name = item.get(15..15 + usize::from(*item.get(14)?))?;
    voice.identity(IdentityKind::Firmware, "enip.revision", revision.as_bytes());
    voice.identity(IdentityKind::Serial, "enip.serial", serial.as_bytes());
    if is_printable(name) {
        voice.identity(IdentityKind::Model, "enip.product_name", name);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{
        converse_anywhere, converse_datagrams_here, converse_tcp, flow, values,
    };
    use crate::flow::Side;
    use crate::protocol::{TCP, UDP};

    fn message(command: u8, body: &[u8]) -> Vec<u8> {
        [&[command, 0, body.len() as u8, 0][..], &[0; 20], body].concat()
    }

    #[test]
    fn a_device_says_what_it_is() {
        let item = [&[0; 18][..], b"\x01\0\x0e\0\x36\0\x14\x0b\x60\x31\x1a\x06\x6c\0\x05TEST1\xff"]
            .concat();
        let body = [&b"\x01\0\x0c\0"[..], &(item.len() as u16).to_le_bytes(), &item].concat();
        let (ask, answer) = (message(0x63, b""), message(0x63, &body));
        let pieces = [(Side::Low, &ask[..]), (Side::High, &answer)];
        let udp = converse_datagrams_here(&flow(UDP, 50_000, 44_818), &pieces);
        let tcp = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        for (label, said) in [udp, tcp] {
            assert_eq!(label.protocol, "ethernet-ip");
            assert_eq!(values(&said, "enip.serial"), [b"006c061a"]);
            assert_eq!(values(&said, "enip.product_name"), [b"TEST1"]);
            assert_eq!(values(&said, "enip.revision"), [b"20.011"]);
        }
        let (label, _) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces[..1]);
        assert_eq!(label.protocol, "unknown");
        let mut wrong = ask.clone();
        wrong[20] = 1;
        let (label, _) = converse_tcp(&flow(TCP, 50_000, 44_818), &[(Side::Low, &wrong)]);
        assert_ne!(label.protocol, "ethernet-ip");
    }
}
