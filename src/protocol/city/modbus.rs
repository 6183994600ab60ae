//! Modbus/TCP: registers of meters, inverters and controllers, readable and writable by anyone.
//!
//! Documents: Modbus Messaging on TCP/IP Implementation Guide V1.0b §3.1.3; Modbus Application
//! Protocol V1.1b3 §5 and §6.
//!
//! Fixed: protocol 0 (16 bits), a length below 255, a function that exists, whose body length fits.
//! Off port 502 a message of each side is asked for. Over UDP only on port 502.
//! Bounds: those of `framed.rs`.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, on_port, probe, u16_be,
};
use super::super::{
    Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session, TCP, UDP,
};
use crate::flow::{Flow, Side};

/// Modbus/TCP.
pub struct Modbus;

const PORTS: [u16; 1] = [502];
/// Transaction, protocol, length, unit, function.
const HEADER_BYTES: usize = 8;
/// Longest unit identifier and body, bytes (implementation guide §3.1.3).
const LENGTH_MAX: u16 = 254;

const DEVICE_IDENTIFICATION: u8 = 0x2b;

impl Dissector for Modbus {
    fn name(&self) -> &'static str {
        "modbus"
    }

    fn rule(&self) -> &'static str {
        "protocol 0, a length and a function that fit"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let usual = on_port(flow, &PORTS);
        match flow.key.protocol {
            TCP if usual => probe(flow, seen, size, Demand::One),
            TCP => probe(flow, seen, size, Demand::Both),
            UDP if usual => probe(flow, seen, size, Demand::One),
            _ => Probe::No,
        }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        Framed::start(Messages { asking: flow.initiator })
    }
}

fn size(start: &[u8]) -> Size {
    if start.iter().skip(2).take(2).any(|&byte| byte != 0) || start.get(4).is_some_and(|&b| b != 0)
    {
        return Size::Broken;
    }
    let (Some(length), Some(&function)) = (u16_be(start, 4), start.get(7)) else {
        return Size::Need(HEADER_BYTES);
    };
    // Behind the length: unit, function, body.
    let body = match length {
        2..=LENGTH_MAX => length - 2,
        _ => return Size::Broken,
    };
    let fits = match function {
        // An exception is the function with the top bit and a code (§7).
        0x81.. => body == 1 && is_known(function & 0x7f) && function < 0xac,
        // Reading and its answers, writing one and its echo (§6.1 to §6.6).
        1..=4 => body == 4 || body >= 2,
        5 | 6 => body == 4,
        0x0f | 0x10 => body == 4 || body >= 6,
        _ => is_known(function),
    };
    if fits { Size::Whole(6 + usize::from(length)) } else { Size::Broken }
}

/// Public functions (§5.1), and 0x5a of Schneider's Unity.
fn is_known(function: u8) -> bool {
    matches!(function, 1..=8 | 0x0b | 0x0c | 0x0f..=0x11 | 0x14..=0x18 | 0x2b | 0x5a)
}

struct Messages {
    asking: Side,
}

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let (Some(&unit), Some(&function)) = (message.bytes.get(6), message.bytes.get(7)) else {
            return Next::More;
        };
        let body = message.bytes.get(HEADER_BYTES..).unwrap_or_default();
        voice.note("modbus.function", function.to_string().as_bytes());
        if message.side == self.asking {
            voice.note("modbus.unit", unit.to_string().as_bytes());
            if matches!(function, 5 | 6 | 0x0f | 0x10 | 0x16 | 0x17)
                && let Some(address) = u16_be(body, 0)
            {
                voice.control("modbus.write", address.to_string().as_bytes());
            }
        } else if function == DEVICE_IDENTIFICATION {
            let _ = identification(body, voice);
        }
        Next::More
    }
}

/// Read Device Identification (§6.21): a count of objects, each with number, length and text.
fn identification(body: &[u8], voice: &mut Voice<'_>) -> Option<()> {
    let [0x0e, _, _, _, _, count, objects @ ..] = body else {
        return None;
    };
    let mut rest = objects;
    for _ in 0..*count {
        let [number, length, text @ ..] = rest else {
            return None;
        };
        let (text, after) = text.split_at_checked(usize::from(*length))?;
        rest = after;
        if !is_printable(text) {
            continue;
        }
        match number {
            0 => voice.identity(IdentityKind::Product, "modbus.vendor", text),
            1 => voice.identity(IdentityKind::Model, "modbus.product_code", text),
            2 => voice.identity(IdentityKind::Firmware, "modbus.revision", text),
            4 | 5 => voice.identity(IdentityKind::Model, "modbus.model", text),
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_anywhere, converse_tcp, flow, values};
    use super::*;

    /// `ndpi/modbus.pcap`: read holding registers.
    const READ: &[u8] = b"\0\x01\0\0\0\x06\xff\x03\0\0\0\x01";
    const ANSWER: &[u8] = b"\0\x01\0\0\0\x05\xff\x03\x02\0\x07";
    const WRITE: &[u8] = b"\0\x02\0\0\0\x06\xff\x06\0\x10\0\x01";

    #[test]
    fn reading_writing_and_names() {
        let name = b"\0\x03\0\0\0\x12\xff\x2b\x0e\x01\x01\0\0\x02\0\x04Test\x01\x02M1";
        let pieces =
            [(Side::Low, READ), (Side::High, ANSWER), (Side::Low, WRITE), (Side::High, name)];
        for port in [502, 5_123] {
            let (label, said) = converse_tcp(&flow(TCP, 50_000, port), &pieces);
            assert_eq!((label.protocol, label.content), ("modbus", Content::Clear));
            assert_eq!(values(&said, "modbus.write"), [b"16"]);
            assert_eq!(values(&said, "modbus.vendor"), [b"Test"]);
            assert_eq!(values(&said, "modbus.product_code"), [b"M1"]);
        }
    }

    #[test]
    fn near_misses_are_not_modbus() {
        let label = |pieces: &[(Side, &[u8])]| {
            converse_anywhere(&flow(TCP, 50_000, 5_123), pieces).0.protocol
        };
        assert_eq!(label(&[(Side::Low, READ)]), "unknown", "one side alone, off the port");
        let other = b"\0\x01\0\0\0\x06\xff\x63\0\0\0\x01";
        assert_eq!(label(&[(Side::Low, other), (Side::High, other)]), "unknown");
        let long = b"\0\x01\0\0\x01\x06\xff\x03\0\0\0\x01";
        assert_eq!(label(&[(Side::Low, long), (Side::High, long)]), "unknown");
    }
}
