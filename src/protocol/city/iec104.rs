//! IEC 60870-5-104: telecontrol of power networks.
//!
//! Documents: IEC 60870-5-104 §5; IEC 60870-5-101 §7.2 (what is said).
//!
//! Fixed: `68`, a length of 4 to 253 that holds, and the control field's bits; a frame of kind U
//! has 24 bits more. Off port 2404 two frames are asked for, of which the first of each side may
//! only be such as begin a connection.
//! Bounds: those of `framed.rs`.

use super::super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, on_port, probe};
use super::super::{Content, Dissector, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// IEC 60870-5-104.
pub struct Iec104;

const PORTS: [u16; 1] = [2404];
const HEADER_BYTES: usize = 6;

impl Dissector for Iec104 {
    fn name(&self) -> &'static str {
        "iec104"
    }

    fn rule(&self) -> &'static str {
        "68, a length and control bits that fit"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x68, 0x68)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let usual = on_port(flow, &PORTS);
        probe(flow, seen, size, if usual { Demand::One } else { Demand::Two })
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(start: &[u8]) -> Size {
    if start.first().is_some_and(|&byte| byte != 0x68)
        || start.get(1).is_some_and(|&length| !(4..=253).contains(&length))
    {
        return Size::Broken;
    }
    let &[_, length, one, two, three, four, ref rest @ ..] = start else {
        return Size::Need(HEADER_BYTES);
    };
    let fits = match one & 3 {
        // U: one function and its bit alone (§5.1).
        3 => {
            length == 4
                && [two, three, four] == [0; 3]
                && matches!(one, 0x07 | 0x0b | 0x13 | 0x23 | 0x43 | 0x83)
        }
        // S: a receive number alone.
        1 => length == 4 && one == 1 && two == 0 && three & 1 == 0,
        // I: type, structure, cause behind two numbers.
        _ => match *rest {
            [kind, structure, cause, ..] => {
                three & 1 == 0
                    && length >= 10
                    && is_kind(kind)
                    && structure & 0x7f != 0
                    && (1..=47).contains(&(cause & 0x3f))
            }
            _ => return Size::Need(HEADER_BYTES + 3),
        },
    };
    if fits { Size::Whole(2 + usize::from(length)) } else { Size::Broken }
}

/// Types of -101 §7.2.1 and -104 §6.
fn is_kind(kind: u8) -> bool {
    matches!(kind, 1..=21 | 30..=41 | 45..=51 | 58..=64 | 70 | 81..=95 | 100..=107 | 110..=113
        | 120..=127)
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        match *message.bytes {
            [_, _, 0x07 | 0x0b, ..] => voice.note("iec104.start", b"start"),
            [_, _, first, _, _, _, kind, _, cause, _, low, high, ..] if first & 1 == 0 => {
                voice.note("iec104.type", kind.to_string().as_bytes());
                let station = u16::from_le_bytes([low, high]).to_string();
                voice.note("iec104.station", station.as_bytes());
                // Activation of a command (types 45 to 64, cause 6).
                if matches!(kind, 45..=64) && cause & 0x3f == 6 {
                    voice.control("iec104.command", kind.to_string().as_bytes());
                }
            }
            _ => {}
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_anywhere, converse_tcp, flow, values};
    use crate::flow::Side;
    use crate::protocol::TCP;

    const START: &[u8] = b"\x68\x04\x07\0\0\0";
    const CONFIRM: &[u8] = b"\x68\x04\x0b\0\0\0";
    /// A single command, activation, station 12.
    const COMMAND: &[u8] = b"\x68\x0e\0\0\0\0\x2d\x01\x06\0\x0c\0\x01\0\0\x01";

    #[test]
    fn a_connection_begins_and_commands() {
        let pieces = [(Side::Low, START), (Side::High, CONFIRM), (Side::Low, COMMAND)];
        for port in [2404, 5_123] {
            let (label, said) = converse_tcp(&flow(TCP, 50_000, port), &pieces);
            assert_eq!(label.protocol, "iec104");
            assert_eq!(values(&said, "iec104.command"), [b"45"]);
            assert_eq!(values(&said, "iec104.station"), [b"12"]);
        }
        let (label, _) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces[..1]);
        assert_eq!(label.protocol, "unknown");
        let (label, _) = converse_tcp(&flow(TCP, 1, 2404), &[(Side::Low, b"\x68\x04\x0f\0\0\0")]);
        assert_eq!(label.frame, 0, "by its port at most");
    }
}
