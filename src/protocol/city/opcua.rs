//! OPC UA over TCP: machines and buildings. Whether it is encrypted is said by the security policy
//! of the channel, the first text in its opening.
//!
//! Documents: OPC 10000-6 §7.1, §6.7.
//!
//! Fixed: a kind of three letters, a final flag, a length; the first message must be a hello, which
//! has 24 bits of letters and lengths that fit.
//! Bounds: those of `framed.rs`; messages up to 16 MiB.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, probe, u32_le,
};
use super::super::{Content, Dissector, Next, Over, Prefix, Probe, Session, What};
use crate::flow::Flow;

/// OPC UA.
pub struct Opcua;

const HEADER_BYTES: usize = 8;
const MESSAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

impl Dissector for Opcua {
    fn name(&self) -> &'static str {
        "opcua"
    }

    fn rule(&self) -> &'static str {
        "a hello whose lengths fit"
    }

    fn content(&self) -> Content {
        Content::Unknown
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        // HEL, ACK, ERR, RHE, OPN, CLO, MSG.
        &[
            (b'A', b'A'),
            (b'C', b'C'),
            (b'E', b'E'),
            (b'H', b'H'),
            (b'M', b'M'),
            (b'O', b'O'),
            (b'R', b'R'),
        ]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(start: &[u8]) -> Size {
    let kinds: [&[u8]; 7] = [b"HELF", b"ACKF", b"ERRF", b"RHEF", b"OPNF", b"CLOF", b"MSG"];
    let there = |kind: &[u8]| start.iter().zip(kind).all(|(one, other)| one == other);
    if !kinds.iter().any(|kind| there(kind))
        || start.starts_with(b"MSG") && start.get(3).is_some_and(|flag| !b"FCA".contains(flag))
    {
        return Size::Broken;
    }
    let Some(length) = u32_le(start, 4) else {
        return Size::Need(HEADER_BYTES);
    };
    let length = length as usize;
    let fits = match &start[..3] {
        b"ACK" => length == 28,
        b"HEL" => (32..=32 + 4096).contains(&length),
        _ => (12..=MESSAGE_BYTES_MAX).contains(&length),
    };
    if fits { Size::Whole(length) } else { Size::Broken }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let bytes = message.bytes;
        match bytes.get(..3) {
            Some(b"HEL") => voice.note("opcua.endpoint", text(bytes, 28)),
            Some(b"OPN") => {
                let policy = text(bytes, 12);
                if policy.ends_with(b"#None") {
                    voice.note("opcua.policy", policy);
                } else if let Some(hash) = policy.iter().position(|&byte| byte == b'#') {
                    let deprecated = matches!(&policy[hash + 1..], b"Basic128Rsa15" | b"Basic256");
                    let what = What::Encryption { deprecated };
                    voice.say(what, "opcua.policy", &policy[hash + 1..]);
                }
            }
            _ => {}
        }
        Next::More
    }
}

/// A string with its length before it (§5.2.2.4).
fn text(bytes: &[u8], at: usize) -> &[u8] {
    let length = u32_le(bytes, at).filter(|&length| length < 4096).unwrap_or_default();
    let text = bytes.get(at + 4..at + 4 + length as usize).unwrap_or_default();
    if is_printable(text) { text } else { &[] }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_anywhere, converse_tcp, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::TCP;

    fn hello(url: &[u8]) -> Vec<u8> {
        let length = (32 + url.len() as u32).to_le_bytes();
        let text = (url.len() as u32).to_le_bytes();
        [&b"HELF"[..], &length, &[0; 20], &text, url].concat()
    }

    fn open(policy: &[u8]) -> Vec<u8> {
        let length = (16 + policy.len() as u32).to_le_bytes();
        let text = (policy.len() as u32).to_le_bytes();
        [&b"OPNF"[..], &length, &[0; 4], &text, policy].concat()
    }

    #[test]
    fn the_endpoint_and_its_policy() {
        let hello = hello(b"opc.tcp://plc.example:4840/");
        let none = open(b"http://opcfoundation.org/UA/SecurityPolicy#None");
        let old = open(b"http://opcfoundation.org/UA/SecurityPolicy#Basic256");
        let pieces = [(Side::Low, &hello[..]), (Side::Low, &none), (Side::High, &old)];
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        assert_eq!(label.protocol, "opcua");
        assert_eq!(values(&said, "opcua.endpoint"), [b"opc.tcp://plc.example:4840/"]);
        assert_eq!(said[2].what, What::Encryption { deprecated: true });
        let (label, _) = converse_tcp(&flow(TCP, 1, 4840), &[(Side::Low, b"HELP\r\n\r\n\r\n")]);
        assert_ne!(label.protocol, "opcua");
    }
}
