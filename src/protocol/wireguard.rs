//! WireGuard on any UDP port. Everything is encrypted; messages are known by type, three bytes that
//! are zero, and fixed lengths. That could be chance, so that more is asked for: an answer that
//! names the question's index, or the sixteen zero bytes of an unused cookie field, or data with
//! small counters both ways. Nothing is kept.
//!
//! Documents: the protocol's white paper §5.4.
//! Bounds: one datagram at a time; nothing is kept.

use super::{Content, Dissector, Fact, Next, Over, Prefix, Probe, Session, What};
use crate::flow::{Flow, Segment};

/// WireGuard.
pub struct WireGuard;

/// Lengths of initiation (type 1), response (2) and cookie reply (3), bytes.
const INITIATION_BYTES: usize = 148;
const RESPONSE_BYTES: usize = 92;
/// Header and tag of data (type 4) without content, bytes; content is padded to 16.
const DATA_BYTES_MIN: usize = 32;

enum Message<'a> {
    Initiation {
        sender: &'a [u8],
        plain: bool,
    },
    Response {
        receiver: &'a [u8],
        plain: bool,
    },
    /// `young`: with a counter below 2^40.
    Data {
        young: bool,
    },
}

fn message(datagram: &[u8]) -> Option<Message<'_>> {
    let [kind @ 1..=4, 0, 0, 0, rest @ ..] = datagram else {
        return None;
    };
    let plain = || rest.ends_with(&[0; 16]);
    match (kind, datagram.len()) {
        (1, INITIATION_BYTES) => Some(Message::Initiation { sender: &rest[..4], plain: plain() }),
        (2, RESPONSE_BYTES) => Some(Message::Response { receiver: &rest[4..8], plain: plain() }),
        (4, DATA_BYTES_MIN..) if datagram.len().is_multiple_of(16) => {
            Some(Message::Data { young: rest[9..12] == [0; 3] })
        }
        _ => None,
    }
}

impl Dissector for WireGuard {
    fn name(&self) -> &'static str {
        "wireguard"
    }

    fn rule(&self) -> &'static str {
        "type, three zeroes and the fixed length of the type"
    }

    fn content(&self) -> Content {
        Content::Encrypted
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(1, 4)]
    }

    fn probe(&self, _flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let first = message(seen.first().0);
        match (first, message(seen.second())) {
            (None, _) => Probe::No,
            (
                Some(
                    Message::Initiation { plain: true, .. } | Message::Response { plain: true, .. },
                ),
                _,
            ) => Probe::Yes,
            (
                Some(Message::Initiation { sender, .. }),
                Some(Message::Response { receiver, .. }),
            ) if sender == receiver => Probe::Yes,
            (Some(Message::Data { young: true }), Some(Message::Data { young: true })) => {
                Probe::Yes
            }
            _ if seen.second().is_empty() => Probe::More,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Tunnel)
    }
}

struct Tunnel;

impl Session for Tunnel {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        match message(segment.data) {
            Some(Message::Response { .. }) => {
                let (name, value) = ("wireguard.handshake", &b"answered"[..]);
                say(Fact { what: What::Note, name, value, frame: segment.frame });
                Next::Done
            }
            Some(Message::Data { .. }) => Next::Done,
            _ => Next::More,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse, converse_datagrams, flow};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    fn bytes(kind: u8, length: usize, cookie: u8) -> Vec<u8> {
        let mut bytes = vec![kind, 0, 0, 0];
        let (own, theirs) = (*b"ownA", *b"ownB");
        bytes.extend(if kind == 1 { own } else { theirs });
        bytes.extend(if kind == 2 { own } else { [1, 0, 0, 0] });
        bytes.extend([0; 4]);
        bytes.resize(length - 16, 9);
        bytes.resize(length, cookie);
        bytes
    }

    fn label(pieces: &[(Side, &[u8])]) -> &'static str {
        converse(&flow(UDP, 50_000, 9999), true, pieces).0.protocol
    }

    #[test]
    fn handshakes_and_running_tunnels() {
        for cookie in [0, 5] {
            let (ask, answer) = (bytes(1, 148, cookie), bytes(2, 92, cookie));
            let pieces = [(Side::Low, &ask[..]), (Side::High, &answer)];
            let (label, said) = converse_datagrams(&flow(UDP, 50_000, 51820), &pieces);
            assert_eq!((label.protocol, label.content), ("wireguard", Content::Encrypted));
            assert_eq!(said[0].name, "wireguard.handshake");
        }
        let (there, back) = (bytes(4, 96, 5), bytes(4, 32, 5));
        assert_eq!(label(&[(Side::Low, &there), (Side::High, &back)]), "wireguard");
    }

    #[test]
    fn what_could_be_chance_is_not_wireguard() {
        let (ask, answer) = (bytes(1, 148, 5), bytes(2, 92, 5));
        let mut other = answer.clone();
        other[8] ^= 1;
        let mut old = bytes(4, 96, 5);
        old[15] = 1;
        let cases: [&[(Side, &[u8])]; 6] = [
            &[(Side::Low, &ask)],
            &[(Side::Low, &ask[..147])],
            &[(Side::Low, &ask), (Side::High, &other)],
            &[(Side::Low, &old), (Side::High, &old)],
            &[(Side::Low, &bytes(4, 96, 5))],
            &[(Side::Low, b"\x01\0\0\0")],
        ];
        for case in cases {
            assert_eq!(label(case), "unknown", "{case:?}");
        }
    }
}
