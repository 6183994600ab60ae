//! NTP, older versions and control messages, with or without NTS: time itself says nothing about a
//! device, so only the version is said, and whether the answers are sealed. The format has hardly
//! any fixed bits: off port 123 an answer has to repeat the 64 bits of the client's time.
//!
//! Documents: RFC 5905 §7.3; RFC 9327 (control messages); RFC 8915 §5.7 (NTS).
//! Bounds: one datagram at a time; nothing is kept.

use super::{Content, Dissector, Fact, Next, Over, Prefix, Probe, Session, What};
use crate::flow::{Flow, Segment};

/// NTP.
pub struct Ntp;

const PORT: u16 = 123;
/// Header without extensions and authentication, bytes (RFC 5905 §7.3).
const HEADER_BYTES: usize = 48;
/// Highest stratum with a meaning (RFC 5905 §7.3).
const STRATUM_MAX: u8 = 16;

impl Dissector for Ntp {
    fn name(&self) -> &'static str {
        "ntp"
    }

    fn rule(&self) -> &'static str {
        "port 123, or an answer that repeats the time of its question"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        // Versions 1 to 4 behind any leap indicator.
        &[(0x08, 0x27), (0x48, 0x67), (0x88, 0xa7), (0xc8, 0xe7)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let usual_port = flow.key.port(flow.initiator) == Some(PORT)
            || flow.key.port(flow.initiator.other()) == Some(PORT);
        let (first, second) = (seen.first().0, seen.second());
        match version(first) {
            Some(_) if usual_port || is_answer(first, second) => Probe::Yes,
            Some(_) if second.is_empty() && mode(first) == CLIENT => Probe::More,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Version)
    }
}

const CLIENT: u8 = 3;
const SERVER: u8 = 4;

fn mode(datagram: &[u8]) -> u8 {
    datagram.first().map_or(0, |first| first & 7)
}

/// The client's transmit time is the origin of the server's answer (RFC 5905 §8).
fn is_answer(question: &[u8], answer: &[u8]) -> bool {
    let asked = question.get(40..HEADER_BYTES);
    mode(question) == CLIENT
        && mode(answer) == SERVER
        && version(answer).is_some()
        && asked == answer.get(24..32)
        && asked.is_some_and(|time| time.iter().any(|byte| *byte != time[0]))
}

/// Whether an extension field of NTS seals the message (RFC 8915 §5.6).
fn has_nts(datagram: &[u8]) -> bool {
    let mut rest = datagram.get(HEADER_BYTES..).unwrap_or_default();
    while let [kind_high, kind_low, high, low, ..] = *rest {
        let kind = u16::from_be_bytes([kind_high, kind_low]);
        let length = usize::from(u16::from_be_bytes([high, low]));
        // Shorter is no field but a key's number and digest (RFC 7822 §7.5).
        if length < FIELD_BYTES_MIN || length > rest.len() {
            return false;
        }
        if kind == NTS_SEAL {
            return true;
        }
        rest = &rest[length..];
    }
    false
}

/// NTS Authenticator and Encrypted Extension Fields (RFC 8915 §7.5).
const NTS_SEAL: u16 = 0x0404;
/// The shortest extension field, bytes (RFC 7822 §7.5).
const FIELD_BYTES_MIN: usize = 16;

/// Version of a datagram whose leap indicator, version, mode, stratum and length fit together.
fn version(datagram: &[u8]) -> Option<u8> {
    let &[first, second, ..] = datagram else {
        return None;
    };
    let (version, mode) = (first >> 3 & 7, first & 7);
    let fits = match mode {
        // Extension fields and authentication come in whole words (RFC 7822).
        1..=5 => {
            datagram.len() >= HEADER_BYTES
                && datagram.len().is_multiple_of(4)
                && second <= STRATUM_MAX
        }
        // Control messages (RFC 9327 §2): no leap indicator.
        6 => datagram.len() >= 12 && first >> 6 == 0,
        // Private use (RFC 5905 §7.3): response and more bits stand in its place.
        7 => datagram.len() >= 8,
        _ => false,
    };
    // A version 1 client sets no mode (RFC 1059): too little to go by.
    ((1..=4).contains(&version) && fits).then_some(version)
}

struct Version;

impl Session for Version {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        if let Some(version) = version(segment.data) {
            let value = &[b'0' + version];
            say(Fact { what: What::Note, name: "ntp.version", value, frame: segment.frame });
        }
        if has_nts(segment.data) {
            let value = b"sealed (NTS)";
            say(Fact { what: What::Note, name: "ntp.nts", value, frame: segment.frame });
        }
        Next::Done
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        converse, converse_datagrams, converse_datagrams_here, flow, values,
    };
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    fn read(port: u16, first: u8, length: usize) -> &'static str {
        let mut bytes = vec![0; length];
        bytes[0] = first;
        let (label, said) = converse(&flow(UDP, 50_000, port), true, &[(Side::Low, &bytes)]);
        assert_eq!(said.len(), usize::from(label.frame > 0));
        if label.frame > 0 { label.protocol } else { "" }
    }

    #[test]
    fn datagrams_on_the_port() {
        // Client of version 4, server of version 3 with a key, control.
        for (first, length) in [(0xe3, 48), (0x1c, 68), (0x16, 12)] {
            assert_eq!(read(PORT, first, length), "ntp");
        }
    }

    fn message(first: u8, at: usize, time: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER_BYTES];
        bytes[0] = first;
        bytes[at..at + 8].copy_from_slice(time);
        bytes
    }

    #[test]
    fn an_answer_repeats_the_time_of_its_question() {
        let (ask, answer) = (message(0x23, 40, b"12345678"), message(0x24, 24, b"12345678"));
        let pieces = [(Side::Low, &ask[..]), (Side::High, &answer[..])];
        let (label, _) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!(label.protocol, "ntp");
        for other in [message(0x24, 24, b"12345679"), message(0x25, 24, b"12345678")] {
            let pieces = [(Side::Low, &ask[..]), (Side::High, &other[..])];
            let (label, _) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
            assert_eq!(label.protocol, "unknown");
        }
    }

    #[test]
    fn the_order_of_questions_does_not_matter() {
        let (first, second) = (message(0x23, 40, b"12345678"), message(0x23, 40, b"12345679"));
        let pieces = [(Side::Low, &first[..]), (Side::Low, &second[..])];
        let (label, said) = converse_datagrams_here(&flow(UDP, 50_000, PORT), &pieces);
        assert_eq!(label.protocol, "ntp");
        assert_eq!(values(&said, "ntp.version"), [b"4"]);
    }

    #[test]
    fn a_seal_is_said() {
        let identifier = [&[1, 4, 0, 36][..], &[7; 32]].concat();
        let seal = [&[4, 4, 0, 40][..], &[0, 16, 0, 16], &[9; 32]].concat();
        let sealed = [message(0x23, 40, b"12345678"), identifier.clone(), seal].concat();
        let bare = [message(0x23, 40, b"12345678"), identifier].concat();
        for (bytes, count) in [(sealed, 1), (bare, 0)] {
            let (label, said) =
                converse(&flow(UDP, 50_000, PORT), true, &[(Side::Low, &bytes[..])]);
            assert_eq!((label.protocol, values(&said, "ntp.nts").len()), ("ntp", count));
        }
    }

    #[test]
    fn near_misses_are_not_ntp() {
        for (port, first, length) in [
            (124, 0x23, 48),
            (PORT, 0x23, 47),
            (PORT, 0x23, 50),
            (PORT, 0x2b, 48),
            (PORT, 0x20, 48),
        ] {
            assert_eq!(read(port, first, length), "", "{port} {first} {length}");
        }
    }
}
