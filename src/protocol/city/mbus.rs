//! M-Bus of heat, water, gas and electricity meters, in the frames that level converters and serial
//! gateways pass on over TCP or UDP as they are. Radio gateways (wireless M-Bus) that simulate a wired bus
//! speak it too. Who a meter is stands readable in front of its values, which may be encrypted.
//!
//! Documents: EN 13757-2 and IEC 60870-5-2 (frames, FT 1.2); EN 13757-3 and EN 13757-7
//! (headers in front of the values).
//!
//! Fixed: `68`, twice the same length, `68`, a control byte of the few there are, a sum over all and
//! `16`: 45 bits. Short frames have 30, so they need an answer.
//! Bounds: those of `framed.rs`; a frame has at most 261 bytes.

use super::super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, probe};
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// M-Bus.
pub struct Mbus;

const LONG: u8 = 0x68;
const SHORT: u8 = 0x10;
const STOP: u8 = 0x16;
/// The whole of an acknowledgement.
const ACKNOWLEDGED: u8 = 0xe5;
/// Start, two lengths, start; behind what is counted sum and stop.
const AROUND: usize = 6;
/// Data sent to a meter.
const SEND: [u8; 2] = [0x53, 0x73];
/// Kinds of what follows (EN 13757-7): selection, data sent, answers with a long header.
const SELECT: u8 = 0x52;
const DATA: u8 = 0x51;
const LONG_HEADER: u8 = 0x72;

impl Dissector for Mbus {
    fn name(&self) -> &'static str {
        "mbus"
    }

    fn rule(&self) -> &'static str {
        "two equal lengths, a control byte and a sum that fit"
    }

    fn content(&self) -> Content {
        Content::Unknown
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(ACKNOWLEDGED, ACKNOWLEDGED), (SHORT, SHORT), (LONG, LONG)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let both = [seen.first().0, seen.second()];
        let fits = |bytes: &&[u8]| !matches!(size(bytes), Size::Broken) || bytes.is_empty();
        let whole = |bytes: &&[u8]| {
            bytes.first() == Some(&LONG)
                && matches!(size(bytes), Size::Whole(end) if end <= bytes.len())
        };
        match both.iter().all(fits) && both.iter().any(whole) {
            true => probe(flow, seen, size, Demand::One),
            false => probe(flow, seen, size, Demand::Both),
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

fn size(start: &[u8]) -> Size {
    match *start {
        [] => Size::Need(1),
        [ACKNOWLEDGED, ..] => Size::Whole(1),
        [SHORT, control, address, check, stop, ..] => {
            let known = matches!(control, 0x40 | 0x5a | 0x5b | 0x7a | 0x7b);
            let fits = known && check == control.wrapping_add(address) && stop == STOP;
            if fits { Size::Whole(5) } else { Size::Broken }
        }
        [SHORT, ..] => Size::Need(5),
        [LONG, length, again, ..] if length != again || length < 3 => Size::Broken,
        [LONG, length, _, LONG, control, ..] => {
            let whole = usize::from(length) + AROUND;
            // To a meter, or from one with its flags of access and data (IEC 60870-5-2).
            let known = SEND.contains(&control) || control & !0x30 == 0x08;
            let Some(frame) = start.get(..whole) else {
                return if known { Size::Need(whole) } else { Size::Broken };
            };
            let (counted, ends) = (&frame[4..whole - 2], &frame[whole - 2..]);
            let fits = known && ends == [sum(counted), STOP];
            if fits { Size::Whole(whole) } else { Size::Broken }
        }
        [LONG, _, _, other, ..] if other != LONG => Size::Broken,
        [LONG, ..] => Size::Need(AROUND),
        _ => Size::Broken,
    }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let &[LONG, _, _, LONG, control, _, kind, ref rest @ .., _, _] = message.bytes else {
            return Next::More;
        };
        match kind {
            SELECT if SEND.contains(&control) => {
                voice.note("mbus.selected", meter(rest).as_bytes());
            }
            DATA if SEND.contains(&control) => voice.control("mbus.command", b"data sent"),
            LONG_HEADER if !SEND.contains(&control) => header(rest, voice),
            _ => {}
        }
        Next::More
    }
}

/// Eight digits, the lowest two first; what asks for several meters has `f` in it.
fn meter(bytes: &[u8]) -> String {
    let digits = bytes.iter().take(4).rev().map(|two| format!("{two:02x}"));
    if bytes.len() < 4 { String::new() } else { digits.collect() }
}

/// Number, maker, version, medium, access, status and how it is encrypted (EN 13757-7).
fn header(bytes: &[u8], voice: &mut Voice<'_>) {
    let &[_, _, _, _, low, high, version, medium, _, _, ref config @ ..] = bytes else { return };
    let maker = u16::from_le_bytes([low, high]);
    let letters = [10, 5, 0].map(|shift| 64 + (maker >> shift & 31) as u8);
    voice.identity(IdentityKind::DeviceId, "mbus.meter", meter(bytes).as_bytes());
    if letters.iter().all(u8::is_ascii_uppercase) {
        voice.identity(IdentityKind::Product, "mbus.maker", &letters);
    }
    voice.note("mbus.version", version.to_string().as_bytes());
    let medium = match medium {
        0x02 => "electricity",
        0x03 => "gas",
        0x04 | 0x0c => "heat",
        0x05 => "steam",
        0x06 | 0x15 => "hot water",
        0x07 => "water",
        0x08 => "heat cost allocator",
        0x0a | 0x0b => "cooling",
        0x16 => "cold water",
        0x1b => "room sensor",
        _ => "other",
    };
    voice.note("mbus.medium", medium.as_bytes());
    if let [_, mode, ..] = config
        && mode & 0x1f != 0
    {
        voice.note("mbus.encryption", (mode & 0x1f).to_string().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse, converse_anywhere, converse_datagrams};
    use super::super::super::testing::{flow, values};
    use super::super::super::{TCP, UDP, What};
    use super::*;
    use crate::flow::Side;

    /// Select meter 33221100 of REL, answer it, ask it for its values.
    const SELECTING: &[u8] =
        b"\x68\x0b\x0b\x68\x53\xfd\x52\x00\x11\x22\x33\xac\x48\xb8\x07\xbb\x16";
    const ASKING: &[u8] = b"\x10\x7b\xfd\x78\x16";
    /// Water meter 33221100 of REL, version 184; signal strength.
    const ANSWER: &[u8] = b"\x68\x13\x13\x68\x08\0\x72\x00\x11\x22\x33\xac\x48\xb8\x07\x01\0\0\0\
        \x01\xfd\x71\xa0\xa3\x16";
    const OPENING: &[u8] = b"\x10\x40\x05\x45\x16";

    #[test]
    fn a_meter_is_selected_and_answers_who_it_is() {
        let pieces = [
            (Side::Low, SELECTING),
            (Side::High, &[ACKNOWLEDGED][..]),
            (Side::Low, ASKING),
            (Side::High, ANSWER),
        ];
        let over_tcp = converse_anywhere(&flow(TCP, 50_000, 10_001), &pieces);
        let over_udp = converse_datagrams(&flow(UDP, 50_000, 10_001), &pieces);
        for (label, said) in [over_tcp, over_udp] {
            assert_eq!((label.protocol, label.content), ("mbus", Content::Unknown));
            assert_eq!(values(&said, "mbus.selected"), [b"33221100"]);
            assert_eq!(values(&said, "mbus.meter"), [b"33221100"]);
            assert_eq!(values(&said, "mbus.maker"), [b"REL"]);
            assert_eq!(values(&said, "mbus.version"), [b"184"]);
            assert_eq!(values(&said, "mbus.medium"), [b"water"]);
            assert!(values(&said, "mbus.encryption").is_empty());
        }
    }

    #[test]
    fn settings_are_commands_and_encryption_is_told() {
        let framed = |content: &[u8]| {
            let length = content.len() as u8;
            [&[LONG, length, length, LONG], content, &[sum(content), STOP]].concat()
        };
        let set = framed(b"\x53\x05\x51\x01\x7a\x06");
        let sealed = framed(b"\x08\x05\x72\x78\x56\x34\x12\x24\x23\x01\x04\x07\0\x10\x05\x2f\x2f");
        let pieces = [(Side::Low, &set[..]), (Side::High, &[ACKNOWLEDGED]), (Side::High, &sealed)];
        let (_, said) = converse_anywhere(&flow(TCP, 50_000, 10_001), &pieces);
        assert!(said.iter().any(|said| said.what == What::Control));
        assert_eq!(values(&said, "mbus.meter"), [b"12345678"]);
        assert_eq!(values(&said, "mbus.encryption"), [b"5"]);
        assert_eq!(values(&said, "mbus.medium"), [b"heat"]);
    }

    #[test]
    fn near_misses_and_short_frames_alone_are_not_mbus() {
        let label = |pieces: &[(Side, &[u8])]| {
            converse(&flow(TCP, 50_000, 10_001), false, pieces).0.protocol
        };
        let answered = [(Side::Low, OPENING), (Side::High, &[ACKNOWLEDGED][..])];
        assert_eq!(label(&answered), "mbus");
        assert_eq!(label(&answered[..1]), "unknown");
        assert_eq!(label(&[(Side::High, ANSWER)]), "mbus", "values alone are enough");
        for at in [1, 3, 4, 23, 24] {
            let mut other = ANSWER.to_vec();
            other[at] ^= 0x40;
            assert_eq!(label(&[(Side::High, &other)]), "unknown", "{at}");
        }
    }
}
