//! OpenVPN over UDP and TCP on any port, by how its control channel is reset: the client's reset
//! carries a session number, the server's answer repeats it in its acknowledgments. Where those are
//! encrypted (`tls-crypt`) both carry a replay number and the time instead. One reset alone could
//! be anything, and stays unknown; where only one side was captured, its next message has to have
//! the same session number. Nothing is kept.
//!
//! Documents: OpenVPN's `doc/doxygen/doc_protocol_overview.h`; the draft `openvpn-wire-protocol`.
//! Bounds: one message at a time; nothing is kept.

use super::{Content, Dissector, Fact, Next, Over, Prefix, Probe, Session, TCP, UDP, What};
use crate::base::bytes::Reader;
use crate::flow::{Flow, Segment};

/// OpenVPN.
pub struct OpenVpn;

/// Operation codes in the upper five bits, key number 0 in the lower three.
const CLIENT_RESET: u8 = 7 << 3;
const CLIENT_RESET_CRYPT: u8 = 10 << 3;
const SERVER_RESET: u8 = 8 << 3;
/// What follows a reset: the handshake of TLS, or an acknowledgment of it.
const CONTROL: u8 = 4 << 3;
const ACKNOWLEDGMENT: u8 = 5 << 3;
/// Operation, session number, no acknowledgment, packet number; bytes.
const RESET_BYTES_MIN: usize = 14;
/// A reset may carry a wrapped client key of up to 1 KiB (`tls-crypt-v2`); bytes.
const RESET_BYTES_MAX: usize = 1400;
/// Clocks of client and server differ by less, seconds.
const CLOCKS_DIFFER_MAX: u32 = 86_400;

impl Dissector for OpenVpn {
    fn name(&self) -> &'static str {
        "openvpn"
    }

    fn rule(&self) -> &'static str {
        "a reset of the control channel"
    }

    fn content(&self) -> Content {
        Content::Encrypted
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, carrier: u8) -> &'static [(u8, u8)] {
        match carrier {
            // The high byte of a length.
            TCP => &[(0, 5)],
            _ => &[
                (CLIENT_RESET, CLIENT_RESET),
                (SERVER_RESET, SERVER_RESET),
                (CLIENT_RESET_CRYPT, CLIENT_RESET_CRYPT),
            ],
        }
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let (first, second) = (seen.first().0, seen.second());
        match flow.key.protocol {
            UDP if second.is_empty() => match goes_on(first, seen.newest()) {
                Probe::Yes => Probe::Yes,
                going_on => either(answered(first, &[]), going_on),
            },
            UDP => answered(first, second),
            TCP => match (framed(first), framed(second)) {
                (Framed::Message(ask), Framed::Message(answer)) => answered(ask, answer),
                (Framed::No, _) | (_, Framed::No) => Probe::No,
                (Framed::Message(ask), Framed::More) => {
                    let rest = first.get(2 + ask.len()..).unwrap_or_default();
                    match second.is_empty().then(|| in_stream(ask, rest)) {
                        Some(Probe::Yes) => Probe::Yes,
                        Some(going_on) => either(answered(ask, &[]), going_on),
                        None => answered(ask, &[]),
                    }
                }
                (Framed::More, _) => Probe::More,
            },
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Tunnel)
    }
}

enum Framed<'a> {
    Message(&'a [u8]),
    More,
    No,
}

/// Over TCP each message is preceded by its length.
fn framed(bytes: &[u8]) -> Framed<'_> {
    let mut reader = Reader::new(bytes);
    let Some(length) = reader.u16().map(usize::from) else {
        return if bytes.first().is_none_or(|&high| high <= 5) { Framed::More } else { Framed::No };
    };
    let is_reset = |&&code: &&u8| matches!(code, CLIENT_RESET | CLIENT_RESET_CRYPT | SERVER_RESET);
    match reader.rest().first() {
        _ if !(RESET_BYTES_MIN..=RESET_BYTES_MAX).contains(&length) => Framed::No,
        Some(code) if !is_reset(&code) => Framed::No,
        _ => reader.take(length).map_or(Framed::More, Framed::Message),
    }
}

/// The more hopeful of two answers that are no yes.
fn either(one: Probe, other: Probe) -> Probe {
    if one == Probe::More { one } else { other }
}

/// Whether `next`, of the same side as a reset, is of the session that the reset began. Until it
/// comes there is but the reset, or the reset again.
fn goes_on(reset: &[u8], next: &[u8]) -> Probe {
    let is_reset = |bytes: &[u8]| {
        matches!(bytes.first(), Some(&(CLIENT_RESET | CLIENT_RESET_CRYPT | SERVER_RESET)))
            && (RESET_BYTES_MIN..=RESET_BYTES_MAX).contains(&bytes.len())
    };
    let session = |bytes: &[u8]| bytes.get(1..9).map(<[u8]>::to_vec);
    let number = session(reset).filter(|number| number.iter().any(|byte| *byte != number[0]));
    if !is_reset(reset) || number.is_none() || session(next) != number {
        return Probe::No;
    }
    match next.first() {
        Some(&(CONTROL | ACKNOWLEDGMENT)) => Probe::Yes,
        _ if is_reset(next) => Probe::More,
        _ => Probe::No,
    }
}

/// The same in a stream, `rest` being what comes behind the reset.
fn in_stream(reset: &[u8], rest: &[u8]) -> Probe {
    let next = rest.get(2..).unwrap_or_default();
    match next.len() {
        0..9 if goes_on(reset, reset) == Probe::More => Probe::More,
        0..9 => Probe::No,
        _ => goes_on(reset, next),
    }
}

/// Whether `answer` is a server's to the client's reset `ask`.
fn answered(ask: &[u8], answer: &[u8]) -> Probe {
    let fits = matches!(ask.first(), Some(&(CLIENT_RESET | CLIENT_RESET_CRYPT)))
        && (RESET_BYTES_MIN..=RESET_BYTES_MAX).contains(&ask.len());
    if !fits || answer.first().is_some_and(|&code| code != SERVER_RESET) {
        return Probe::No;
    }
    if answer.is_empty() {
        return Probe::More;
    }
    let session = &ask[1..9];
    // Behind its own number, and a signature whose length is the user's choice (`tls-auth`).
    let repeated = answer.len() > 9 && answer[9..].windows(8).any(|bytes| bytes == session);
    let is_session = session.iter().any(|&byte| byte != session[0]);
    if is_session && (repeated || same_time(ask, answer)) { Probe::Yes } else { Probe::No }
}

/// A replay number and seconds since 1970 behind the session number of each.
fn same_time(ask: &[u8], answer: &[u8]) -> bool {
    let stamp = |bytes: &[u8]| -> Option<(u32, u32)> {
        let mut reader = Reader::new(bytes);
        reader.skip(9)?;
        Some((reader.u32()?, reader.u32()?))
    };
    match (stamp(ask), stamp(answer)) {
        // The upper half of the client's number may say what it can do.
        (Some((asked, then)), Some((1, now))) => {
            asked & 0xffff == 1 && then > 1_000_000_000 && now.abs_diff(then) < CLOCKS_DIFFER_MAX
        }
        _ => false,
    }
}

struct Tunnel;

impl Session for Tunnel {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let (name, value) = ("openvpn.handshake", &b"answered"[..]);
        say(Fact { what: What::Note, name, value, frame: segment.frame });
        Next::Done
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse, converse_anywhere, converse_datagrams, flow};
    use super::*;
    use crate::flow::Side;

    const ASK: &[u8] = b"\x38session1\0\0\0\0\0";
    const ANSWER: &[u8] = b"\x40session2\x01\0\0\0\0session1\0\0\0\0";
    /// With `tls-crypt`: replay number, time, tag, ciphertext.
    const SEALED_ASK: &[u8] = b"\x50session1\x0a\x01\0\x01\x62\x5a\x9e\x97................";
    const SEALED_ANSWER: &[u8] = b"\x40session2\0\0\0\x01\x62\x5a\x9e\x99................";

    #[test]
    fn resets_that_are_answered() {
        for (ask, answer) in [(ASK, ANSWER), (SEALED_ASK, SEALED_ANSWER)] {
            let pieces = [(Side::Low, ask), (Side::High, answer)];
            let (label, _) = converse_datagrams(&flow(UDP, 50_000, 1194), &pieces);
            assert_eq!((label.protocol, label.content), ("openvpn", Content::Encrypted));
            let framed = |bytes: &[u8]| [&[0, bytes.len() as u8], bytes].concat();
            let (ask, answer) = (framed(ask), framed(answer));
            let pieces: [(Side, &[u8]); 2] = [(Side::Low, &ask), (Side::High, &answer)];
            let (label, _) = converse_anywhere(&flow(TCP, 50_000, 443), &pieces);
            assert_eq!(label.protocol, "openvpn");
        }
    }

    #[test]
    fn one_side_goes_on_with_its_session() {
        let data = b"\x20session1\0\0\0\0\x01tls";
        let acknowledged = b"\x28session2\x01\0\0\0\x01session1";
        for (reset, next) in [(ASK, &data[..]), (ANSWER, acknowledged), (SEALED_ASK, data)] {
            let pieces = [(Side::Low, reset), (Side::Low, next)];
            let label = |port| converse(&flow(UDP, 50_000, port), true, &pieces).0.protocol;
            assert_eq!((label(443), label(29_999)), ("openvpn", "openvpn"));
            let framed = |bytes: &[u8]| [&[0, bytes.len() as u8], bytes].concat();
            let stream = [framed(reset), framed(next)].concat();
            let (label, _) = converse_anywhere(&flow(TCP, 50_000, 443), &[(Side::Low, &stream)]);
            assert_eq!(label.protocol, "openvpn");
        }
        let other: [(Side, &[u8]); 2] =
            [(Side::Low, ASK), (Side::Low, b"\x20session3\0\0\0\0\x01")];
        let (label, _) = converse(&flow(UDP, 50_000, 9999), true, &other);
        assert_eq!(label.protocol, "unknown");
    }

    #[test]
    fn what_could_be_chance_is_not_openvpn() {
        let other = b"\x40session2\x01\0\0\0\0session3\0\0\0\0";
        let mut late = SEALED_ANSWER.to_vec();
        late[13] = 0x60;
        let cases: [&[(Side, &[u8])]; 5] = [
            &[(Side::Low, ASK)],
            &[(Side::Low, ASK), (Side::High, other)],
            &[(Side::Low, SEALED_ASK), (Side::High, &late)],
            &[(Side::Low, &ASK[..13]), (Side::High, ANSWER)],
            &[(Side::Low, b"\x38\0\0\0\0\0\0\0\0\0\0\0\0\0"), (Side::High, &[0x40; 30])],
        ];
        for case in cases {
            let (label, _) = converse(&flow(UDP, 50_000, 9999), true, case);
            assert_eq!(label.protocol, "unknown", "{case:?}");
        }
    }
}
