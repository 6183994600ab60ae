//! GB/T 32960: electric vehicles report to their maker's and the authorities' platforms, over TCP:
//! identity, speed and place, most of it without encryption.
//!
//! Documents: GB/T 32960.3-2016.
//!
//! Fixed: `23 23` (version 2025: `24 24`), a command, an answer flag, a vehicle number of 17
//! letters and digits, an encryption, a length; the exclusive-or of all behind the start must fit:
//! more than 60 bits.
//! Bounds: those of `framed.rs`.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, probe, u16_be, u32_be,
};
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// GB/T 32960.
pub struct Gb32960;

const HEADER_BYTES: usize = 24;
const COMMAND: u8 = 0xfe;

impl Dissector for Gb32960 {
    fn name(&self) -> &'static str {
        "gbt32960"
    }

    fn rule(&self) -> &'static str {
        "23 23 or 24 24, vehicle number, exclusive-or of all"
    }

    /// Encryption is a choice of each message; hardly any is.
    fn content(&self) -> Content {
        Content::Unknown
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x23, 0x24)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(start: &[u8]) -> Size {
    let magic = if start.first() == Some(&0x24) { b"\x24\x24" } else { b"\x23\x23" };
    if let Some(size) = Size::of_magic(start, magic, HEADER_BYTES) {
        return size;
    }
    let (command, answer) = (start[2], start[3]);
    let fits = matches!(command, 1..=0x0b | 0x80..=0x82 | 0xc0..=0xfe)
        && matches!(answer, 1..=4 | COMMAND)
        && start[4..21].iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == 0)
        && matches!(start[21], 1..=5 | 0xfe | 0xff);
    let length = usize::from(u16_be(start, 22).unwrap_or_default());
    if fits { Size::Whole(HEADER_BYTES + length + 1) } else { Size::Broken }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let bytes = message.bytes;
        let Some((check, rest)) = bytes.split_last().filter(|(_, rest)| rest.len() >= HEADER_BYTES)
        else {
            return Next::More;
        };
        // A whole message whose check is wrong was not sent so.
        if message.whole && rest[2..].iter().fold(0, |sum, byte| sum ^ byte) != *check {
            return Next::More;
        }
        voice.standard("gb32960", "gbt32960.form");
        let vehicle = &rest[4..21];
        if rest[3] == COMMAND && is_printable(vehicle) {
            voice.identity(IdentityKind::Serial, "gbt32960.vin", vehicle);
        }
        let name: &[u8] = match rest[2] {
            1 => b"vehicle login",
            2 => b"real-time data",
            3 => b"stored data",
            4 => b"vehicle logout",
            5 => b"platform login",
            _ => b"other",
        };
        voice.note("gbt32960.command", name);
        let encryption = rest[21];
        voice.note("gbt32960.encryption", encryption.to_string().as_bytes());
        let body = &rest[HEADER_BYTES..];
        match (rest[2], encryption) {
            // Time, serial of the login, ICCID of the SIM (table 6).
            (1, 1) => {
                if let Some(card) = body.get(8..28).filter(|card| is_printable(card)) {
                    voice.identity(IdentityKind::DeviceId, "gbt32960.iccid", card);
                }
            }
            // Time, serial, user of 12, password of 20 (table 29).
            (5, 1) => {
                if let (Some(user), Some(secret)) = (body.get(8..20), body.get(20..40)) {
                    let length = secret.iter().take_while(|&&byte| byte != 0).count();
                    let user = super::super::syntax::framed::padded(user);
                    voice.credential("gbt32960 password", length, "gbt32960.login", user);
                }
            }
            (2 | 3, 1) => position(body.get(6..).unwrap_or_default(), voice),
            _ => {}
        }
        Next::More
    }
}

/// Groups of data by kind (§7.2.3); the whole vehicle (1) has 20 bytes and the place (5) 9, in
/// millionths of a degree. What stands between has lengths of its own that are not followed.
fn position(body: &[u8], voice: &mut Voice<'_>) {
    let place = match body {
        [1, rest @ ..] => match rest.get(20..) {
            // Drive motors: a count, 12 bytes each.
            Some([2, count, rest @ ..]) => rest.get(usize::from(*count) * 12..),
            other => other,
        },
        other => Some(other),
    };
    let Some([5, status, rest @ ..]) = place else {
        return;
    };
    let (Some(longitude), Some(latitude)) = (u32_be(rest, 0), u32_be(rest, 4)) else {
        return;
    };
    if status & 1 != 0 || longitude > 180_000_000 || latitude > 90_000_000 {
        return;
    }
    let degrees = |value: u32| format!("{}.{:06}", value / 1_000_000, value % 1_000_000);
    let text = format!("{},{}", degrees(latitude), degrees(longitude));
    voice.identity(IdentityKind::Location, "gbt32960.position", text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_anywhere, converse_tcp, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::TCP;

    fn message(command: u8, body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u16).to_be_bytes();
        let mut bytes =
            [&b"##"[..], &[command, COMMAND], b"TEST0000000000001", &[1], &length, body].concat();
        bytes.push(bytes[2..].iter().fold(0, |sum, byte| sum ^ byte));
        bytes
    }

    #[test]
    fn a_vehicle_says_who_and_where_it_is() {
        let login = message(1, b"\x18\x01\x01\0\0\0\0\x0189860000000000000001\x01\0");
        let place = [
            &[1][..],
            &[0; 20],
            &[2, 1],
            &[0; 12],
            &[5, 0],
            &116_400_000u32.to_be_bytes(),
            &39_900_001u32.to_be_bytes(),
        ]
        .concat();
        let data = message(2, &[&[0; 6][..], &place].concat());
        let pieces = [(Side::Low, &login[..]), (Side::Low, &data)];
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        assert_eq!(label.protocol, "gbt32960");
        assert_eq!(values(&said, "gbt32960.vin"), [b"TEST0000000000001"]);
        assert_eq!(values(&said, "gbt32960.iccid"), [b"89860000000000000001"]);
        assert_eq!(values(&said, "gbt32960.position"), [b"39.900001,116.400000"]);
        let mut wrong = login.clone();
        *wrong.last_mut().unwrap() ^= 1;
        let (_, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &[(Side::Low, &wrong)]);
        assert!(said.is_empty());
        let (label, _) =
            converse_tcp(&flow(TCP, 1, 2), &[(Side::Low, b"## a heading of a text ##")]);
        assert_ne!(label.protocol, "gbt32960");
    }
}
