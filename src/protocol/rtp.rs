//! RTP and RTCP (RFC 3550 §5, §6; RFC 3551 §6) over UDP that nothing announced: pictures and sound
//! of calls and cameras. SRTP has the same header, so what is in it is unknown, unless it shows
//! the start codes of MPEG program streams (as GB/T 28181 sends them).
//!
//! Fixed: RTP is believed when a later datagram has the same source, kind and a sequence number
//! and time close to the first: 69 bits. RTCP when its reports fill two datagrams exactly.
//! Bounds: 256 datagrams; those of `framed.rs`.

use super::syntax::framed::{Framed, Grammar, Message, Size, Voice, padded, u16_be, u32_be};
use super::syntax::rtp::{Head, head};
use super::{Content, Dissector, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// RTP.
pub struct Rtp;
/// RTCP.
pub struct Rtcp;

const DATAGRAMS_MAX: usize = 256;

impl Dissector for Rtp {
    fn name(&self) -> &'static str {
        "rtp"
    }

    fn rule(&self) -> &'static str {
        "two datagrams of one source that follow each other"
    }

    fn content(&self) -> Content {
        Content::Unknown
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn probe(&self, _flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let heads = [seen.first().0, seen.second(), seen.newest()].map(head);
        let [first, second, newest] = heads;
        if first.is_none() && (second.is_none() || !is_rtcp(seen.first().0)) {
            return Probe::No;
        }
        // Something else among them: media was a guess.
        if newest.is_none() && !is_rtcp(seen.newest()) {
            return Probe::No;
        }
        // The network may have swapped the two.
        let near = |(one, new): (Head, Head)| one.is_before(new) || new.is_before(one);
        let follows = |one: Option<Head>| one.zip(newest).is_some_and(near);
        if follows(first) || follows(second) { Probe::Yes } else { Probe::More }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Media { datagrams: 0 })
    }
}

impl Dissector for Rtcp {
    fn name(&self) -> &'static str {
        "rtcp"
    }

    fn rule(&self) -> &'static str {
        "reports that fill two datagrams exactly"
    }

    fn content(&self) -> Content {
        Content::Unknown
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn probe(&self, _flow: &Flow, seen: &Prefix<'_>) -> Probe {
        if !is_rtcp(seen.first().0) {
            return Probe::No;
        }
        let second = seen.second();
        // Another of the same source, or one of the other side.
        let newest = seen.newest();
        let again = is_rtcp(newest)
            && newest != seen.first().0
            && u32_be(newest, 4) == u32_be(seen.first().0, 4);
        match again || is_rtcp(second) {
            true => Probe::Yes,
            false if second.is_empty() || head(second).is_some() => Probe::More,
            false => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Media { datagrams: 0 })
    }
}

/// Reports that fill the datagram exactly, the first of a sender or receiver (§6.1).
fn is_rtcp(datagram: &[u8]) -> bool {
    let mut rest = datagram;
    if !matches!(rest, [first, 200 | 201, ..] if first >> 6 == 2 && first & 0x20 == 0) {
        return false;
    }
    while !rest.is_empty() {
        let [first, 200..=207, ..] = *rest else {
            return false;
        };
        let Some(length) = u16_be(rest, 2).map(|words| 4 + usize::from(words) * 4) else {
            return false;
        };
        if first >> 6 != 2 || length < 8 {
            return false;
        }
        match rest.get(length..) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    datagram.len() >= 8
}

struct Media {
    datagrams: usize,
}

impl Grammar for Media {
    fn size(&self, start: &[u8]) -> Size {
        Size::Whole(start.len())
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        self.datagrams += 1;
        let bytes = message.bytes;
        if is_rtcp(bytes) {
            if let Some(name) = canonical_name(bytes) {
                voice.note("rtcp.cname", name);
            }
        } else if let Some(head) = head(bytes) {
            voice.note("rtp.payload_type", head.kind.to_string().as_bytes());
            if bytes[head.length..].starts_with(&[0, 0, 1, 0xba]) {
                voice.media("rtp.media", b"MPEG program stream");
            }
        }
        if self.datagrams >= DATAGRAMS_MAX { Next::Done } else { Next::More }
    }
}

/// Item 1 of a source description (§6.5.1).
fn canonical_name(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let length = 4 + usize::from(u16_be(rest, 2)?) * 4;
        if let [_, 202, _, _, _, _, _, _, 1, name_length, name @ ..] = rest {
            return name.get(..usize::from(*name_length)).map(padded);
        }
        rest = rest.get(length..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse_datagrams, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    fn packet(kind: u8, sequence: u8, source: u8) -> Vec<u8> {
        [&[0x80, kind, 0x10, sequence, 0, 0, 1, sequence, 9, 9, 9, source][..], b"\0\0\x01\xbamore"]
            .concat()
    }

    #[test]
    fn two_that_follow_each_other_are_enough() {
        let (a, b, other) = (packet(96, 1, 1), packet(96, 2, 1), packet(96, 2, 2));
        let label =
            |pieces: &[(Side, &[u8])]| converse_datagrams(&flow(UDP, 50_000, 5_123), pieces);
        let (found, said) = label(&[(Side::Low, &a), (Side::Low, &b)]);
        assert_eq!((found.protocol, found.content), ("rtp", Content::Unknown));
        assert_eq!(values(&said, "rtp.payload_type"), [b"96"]);
        assert_eq!(values(&said, "rtp.media"), [b"MPEG program stream"]);
        for second in [&other, &a, &packet(97, 2, 1), &packet(96, 90, 1)] {
            assert_eq!(label(&[(Side::Low, &a), (Side::Low, second)]).0.protocol, "unknown");
        }
        assert_eq!(label(&[(Side::Low, &a)]).0.protocol, "unknown");
    }

    #[test]
    fn reports_fill_their_datagram() {
        let names = b"\x81\xca\0\x03abcd\x01\x04cam1\0\0";
        let report = [&b"\x81\xc9\0\x07abcd"[..], &[0; 24], names].concat();
        let pieces = [(Side::Low, &report[..]), (Side::High, &report[..])];
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!(label.protocol, "rtcp");
        assert_eq!(values(&said, "rtcp.cname"), [b"cam1"]);
        let (label, _) = converse_datagrams(
            &flow(UDP, 50_000, 5_123),
            &[(Side::Low, &report[..report.len() - 1])],
        );
        assert_eq!(label.protocol, "unknown");
    }
}
