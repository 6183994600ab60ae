//! ANSI C12.22, TCP and UDP 1153: meters in North America.
//!
//! Documents: ANSI C12.22-2008 §5.3; RFC 6142 (over IP).
//!
//! Fixed: `60`, a BER length that holds, a context or address field behind it, and the message
//! itself (`be`) as the last: about 24 bits, so off the port both sides must send one.
//! Bounds: those of `framed.rs`.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, on_port, probe, u16_be,
};
use super::super::{Content, Dissector, Next, Over, Prefix, Probe, Session};
use crate::base::text::hex;
use crate::flow::Flow;

/// ANSI C12.22.
pub struct C1222;

const PORTS: [u16; 1] = [1153];

impl Dissector for C1222 {
    fn name(&self) -> &'static str {
        "c1222"
    }

    fn rule(&self) -> &'static str {
        "tag 60, a length that holds, fields that fit"
    }

    /// Ciphered or not is a choice of each message.
    fn content(&self) -> Content {
        Content::Unknown
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x60, 0x60)]
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
    if start.first().is_some_and(|&tag| tag != 0x60) {
        return Size::Broken;
    }
    let (header, length) = match *start {
        [_, length @ ..=0x7f, ..] => (2, usize::from(length)),
        [_, 0x81, length, ..] => (3, usize::from(length)),
        [_, 0x82, ..] if start.len() >= 4 => (4, usize::from(u16_be(start, 2).unwrap_or_default())),
        [_, 0x81 | 0x82, ..] | [] | [_] => return Size::Need(start.len() + 1),
        _ => return Size::Broken,
    };
    let Some(tag) = start.get(header) else {
        return Size::Need(header + 2);
    };
    // Context, called and calling titles and invocation, mechanism, message (§5.3.4.1).
    let fits = length >= 8 && matches!(tag, 0xa1 | 0xa2 | 0xa4 | 0xa6 | 0xa8 | 0x8b | 0xac | 0xbe);
    if !fits {
        return Size::Broken;
    }
    match fields(start.get(header..header + length).unwrap_or_default()) {
        _ if start.len() < header + length => Size::Need(header + length),
        Some(true) => Size::Whole(header + length),
        _ => Size::Broken,
    }
}

/// Whether the fields fill the message exactly and end with `be`.
fn fields(mut rest: &[u8]) -> Option<bool> {
    let mut last = 0;
    while let Some((tag, field)) = field(&mut rest) {
        let _ = field;
        last = tag;
    }
    (rest.is_empty()).then_some(last == 0xbe)
}

fn field<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, length, at) = match **rest {
        [tag, length @ ..=0x7f, ..] => (tag, usize::from(length), 2),
        [tag, 0x81, length, ..] => (tag, usize::from(length), 3),
        [tag, 0x82, high, low, ..] => (tag, usize::from(u16::from_be_bytes([high, low])), 4),
        _ => return None,
    };
    let bytes = rest.get(at..at + length)?;
    *rest = &rest[at + length..];
    Some((tag, bytes))
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let header = match message.bytes.get(1) {
            Some(0x81) => 3,
            Some(0x82) => 4,
            _ => 2,
        };
        voice.standard("ansi-c1222", "c1222.form");
        let mut rest = message.bytes.get(header..).unwrap_or_default();
        while let Some((tag, field)) = field(&mut rest) {
            match (tag, field) {
                // The caller's title: an object identifier (06), or one below a root (80).
                (0xa6, [0x06 | 0x80, _, title @ ..]) => {
                    voice.note("c1222.calling", hex(title).as_bytes());
                }
                (0xa2, [0x06 | 0x80, _, title @ ..]) => {
                    voice.note("c1222.called", hex(title).as_bytes());
                }
                _ => {}
            }
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_anywhere, converse_datagrams_here, flow, values};
    use crate::flow::Side;
    use crate::protocol::{TCP, UDP};

    const ASK: &[u8] =
        b"\x60\x12\xa2\x04\x80\x02\x85\x21\xa8\x03\x02\x01\x01\xbe\x05\x28\x03\x81\x01\x20";

    #[test]
    fn titles_are_said_and_lengths_checked() {
        let answer = b"\x60\x0d\xa6\x04\x80\x02\x85\x21\xbe\x05\x28\x03\x81\x01\0";
        let pieces = [(Side::Low, ASK), (Side::High, &answer[..])];
        let udp = converse_datagrams_here(&flow(UDP, 50_000, 1153), &pieces);
        let tcp = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        for (label, said) in [udp, tcp] {
            assert_eq!(label.protocol, "c1222");
            assert_eq!(values(&said, "c1222.called"), [b"8521"]);
            assert_eq!(values(&said, "c1222.calling"), [b"8521"]);
        }
        let (label, _) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces[..1]);
        assert_eq!(label.protocol, "unknown");
        let mut wrong = ASK.to_vec();
        wrong[1] = 0x11;
        let (label, _) = converse_datagrams_here(&flow(UDP, 50_000, 1153), &[(Side::Low, &wrong)]);
        assert_ne!(label.protocol, "c1222");
    }
}
