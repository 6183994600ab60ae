//! JT/T 808: buses, taxis and lorries report to platforms over TCP or UDP: telephone number, plate,
//! place and speed, mostly readable.
//!
//! Documents: JT/T 808-2011, JT/T 808-2013, JT/T 808-2019.
//!
//! Fixed: `7e` at both ends, a message that exists, a body length that holds and the exclusive-or
//! over all of it: about 40 bits.
//! Bounds: those of `framed.rs`; a frame of up to 2 KiB.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, padded, probe, u16_be, u32_be,
};
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::base::text::hex;
use crate::flow::Flow;

/// JT/T 808.
pub struct Jt808;

const FLAG: u8 = 0x7e;
const FRAME_BYTES_MAX: usize = 2048;

impl Dissector for Jt808 {
    fn name(&self) -> &'static str {
        "jtt808"
    }

    fn rule(&self) -> &'static str {
        "7e at both ends, exclusive-or of all"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(FLAG, FLAG)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(start: &[u8]) -> Size {
    match start {
        [] => return Size::Need(2),
        [FLAG] => return Size::Need(2),
        // Numbers of messages: of the terminal 00xx to 0exx, of the platform 8xxx to 9xxx.
        [FLAG, 0x00..=0x0e | 0x80..=0x92, ..] => {}
        _ => return Size::Broken,
    }
    let Some(end) = start[1..].iter().take(FRAME_BYTES_MAX).position(|&byte| byte == FLAG) else {
        return if start.len() > FRAME_BYTES_MAX {
            Size::Broken
        } else {
            Size::Need(start.len() + 1)
        };
    };
    if unescape(&start[1..=end]).is_some_and(|frame| parts(&frame).is_some()) {
        Size::Whole(end + 2)
    } else {
        Size::Broken
    }
}

/// `7d 02` is `7e`, `7d 01` is `7d` (§4.4.2). Without the check byte, which must fit.
fn unescape(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(&byte) = rest.next() {
        out.push(match byte {
            0x7d => match rest.next()? {
                1 => 0x7d,
                2 => FLAG,
                _ => return None,
            },
            byte => byte,
        });
    }
    (out.len() >= 13 && out.iter().fold(0, |sum, byte| sum ^ byte) == 0).then(|| {
        out.pop();
        out
    })
}

/// Message number, version of 2019, telephone number, body.
fn parts(frame: &[u8]) -> Option<(u16, bool, &[u8], &[u8])> {
    let (id, attributes) = (u16_be(frame, 0)?, u16_be(frame, 2)?);
    let new = attributes & 0x4000 != 0;
    let (phone, mut at) = if new { (5..15, 17) } else { (4..10, 12) };
    if attributes & 0x2000 != 0 {
        at += 4;
    }
    let body = frame.get(at..)?;
    let length = usize::from(attributes & 0x03ff);
    let phone = frame.get(phone)?;
    let digits = phone.iter().all(|byte| byte >> 4 <= 9 && byte & 15 <= 9);
    (body.len() == length && digits && attributes & 0x8000 == 0).then_some((id, new, phone, body))
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let inner = message.bytes.get(1..message.bytes.len().saturating_sub(1));
        let Some(frame) = inner.and_then(unescape) else {
            return Next::More;
        };
        let Some((id, new, phone, body)) = parts(&frame) else {
            return Next::More;
        };
        voice.standard("jtt808", "jtt808.form");
        voice.note("jtt808.message", format!("{id:04x}").as_bytes());
        if id >= 0x8000 {
            return Next::More;
        }
        voice.identity(IdentityKind::DeviceId, "jtt808.terminal_phone", hex(phone).as_bytes());
        match id {
            0x0100 => register(new, body, voice),
            // Alarm, status, latitude, longitude in millionths of a degree (table 23).
            0x0200 => {
                if let (Some(latitude), Some(longitude)) = (u32_be(body, 8), u32_be(body, 12))
                    && latitude <= 90_000_000
                    && longitude <= 180_000_000
                {
                    let degrees = |v: u32| format!("{}.{:06}", v / 1_000_000, v % 1_000_000);
                    let text = format!("{},{}", degrees(latitude), degrees(longitude));
                    voice.identity(IdentityKind::Location, "jtt808.position", text.as_bytes());
                }
            }
            // The code that opens the platform, whole in older versions, behind a length in 2019.
            0x0102 => {
                let length = match body.first() {
                    Some(&length) if new => usize::from(length).min(body.len() - 1),
                    _ => body.len(),
                };
                voice.credential(
                    "jtt808 authentication code",
                    length,
                    "jtt808.authentication",
                    &[],
                );
            }
            _ => {}
        }
        Next::More
    }
}

/// Registration (table 7): region, maker, model, terminal's id, plate colour, plate.
fn register(new: bool, body: &[u8], voice: &mut Voice<'_>) {
    let [maker, model, id]: [usize; 3] = if new { [11, 30, 30] } else { [5, 20, 7] };
    let field = |from: usize, length: usize| {
        let text = body.get(from..from + length).map(padded).unwrap_or_default();
        if is_printable(text) { text } else { &[] }
    };
    voice.identity(IdentityKind::Product, "jtt808.maker", field(4, maker));
    voice.identity(IdentityKind::Model, "jtt808.model", field(4 + maker, model));
    voice.identity(IdentityKind::Serial, "jtt808.terminal_id", field(4 + maker + model, id));
    let plate = body.get(4 + maker + model + id + 1..).map(padded).unwrap_or_default();
    voice.note("jtt808.plate", plate);
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{
        converse_anywhere, converse_datagrams_here, converse_tcp, flow, values,
    };
    use super::*;
    use crate::flow::Side;
    use crate::protocol::{TCP, UDP};

    fn framed(id: u16, body: &[u8]) -> Vec<u8> {
        let mut bytes = [&id.to_be_bytes()[..], &(body.len() as u16).to_be_bytes()].concat();
        bytes.extend(b"\x01\x38\0\x12\x34\x56\0\x01");
        bytes.extend(body);
        bytes.push(bytes.iter().fold(0, |sum, byte| sum ^ byte));
        let mut out = vec![FLAG];
        for byte in bytes {
            match byte {
                0x7d => out.extend([0x7d, 1]),
                FLAG => out.extend([0x7d, 2]),
                byte => out.push(byte),
            }
        }
        out.push(FLAG);
        out
    }

    #[test]
    fn a_terminal_says_who_and_where_it_is() {
        let register = framed(
            0x0100,
            b"\0\x2c\x01\x2fTESTXM1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0T000001\x01A123~}",
        );
        let place = framed(
            0x0200,
            &[&[0; 8][..], &31_200_000u32.to_be_bytes(), &121_500_000u32.to_be_bytes(), &[0; 12]]
                .concat(),
        );
        let code = framed(0x0102, b"abcdef");
        let pieces = [(Side::Low, &register[..]), (Side::Low, &code), (Side::Low, &place)];
        let tcp = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        let udp = converse_datagrams_here(&flow(UDP, 50_000, 808), &pieces);
        for (label, said) in [tcp, udp] {
            assert_eq!(label.protocol, "jtt808");
            assert_eq!(values(&said, "jtt808.terminal_phone"), [b"013800123456"]);
            assert_eq!(values(&said, "jtt808.model"), [b"M1"]);
            assert_eq!(values(&said, "jtt808.terminal_id"), [b"T000001"]);
            assert_eq!(values(&said, "jtt808.plate"), [b"A123~}"]);
            assert_eq!(values(&said, "jtt808.position"), [b"31.200000,121.500000"]);
            assert_eq!(values(&said, "jtt808.authentication"), [b""]);
        }
        let mut wrong = place.clone();
        wrong[20] ^= 1;
        let (label, _) = converse_tcp(&flow(TCP, 50_000, 808), &[(Side::Low, &wrong)]);
        assert_ne!(label.protocol, "jtt808");
    }
}
