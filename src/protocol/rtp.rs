//! RTP and RTCP over UDP, and over TCP with their lengths, that nothing announced: pictures and
//! sound of calls and cameras. SRTP has the same header, so what is in it is unknown, unless it
//! shows the start codes of MPEG program streams (as GB/T 28181 sends them).
//!
//! Documents: RFC 3550 §5, §6; RFC 3551 §6; RFC 4571 (over TCP).
//!
//! Fixed: RTP is believed when a later datagram has the same source, kind and a sequence number and
//! time close to the first: 69 bits. RTCP when its reports fill two datagrams exactly.
//! Bounds: 256 datagrams; those of `framed.rs`.

use super::syntax::framed::{Framed, Grammar, Message, Size, Voice, padded, u16_be, u32_be};
use super::syntax::lengths::{self, Lengths};
use super::syntax::rtp::{Head, head, head_of_any};
use super::{Content, Dissector, Next, Over, Prefix, Probe, Session, TCP};
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
        Over::Both
    }

    fn first_bytes(&self, carrier: u8) -> &'static [(u8, u8)] {
        match carrier {
            TCP => lengths::FIRST_BYTES,
            _ => &[(0x80, 0xbf)],
        }
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        if flow.key.protocol == TCP {
            return in_stream(seen, |datagrams| {
                let heads: Vec<Head> =
                    datagrams.iter().filter_map(|each| head_of_any(each)).collect();
                heads.windows(2).any(|pair| pair[0].is_before(pair[1]))
            });
        }
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

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        media(flow)
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
        Over::Both
    }

    fn first_bytes(&self, carrier: u8) -> &'static [(u8, u8)] {
        match carrier {
            TCP => lengths::FIRST_BYTES,
            _ => &[(0x80, 0xbf)],
        }
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        if flow.key.protocol == TCP {
            return in_stream(seen, |datagrams| {
                datagrams.len() > 1 && datagrams.iter().all(|each| is_rtcp(each))
            });
        }
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

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        media(flow)
    }
}

/// A session for datagrams, or for what a stream holds of them.
fn media(flow: &Flow) -> Box<dyn Session> {
    let media = Framed::start(Media { datagrams: 0 });
    if flow.key.protocol == TCP { Lengths::around(media) } else { media }
}

/// Every whole datagram of both sides is RTP or RTCP, and those of either side are `enough`.
fn in_stream(seen: &Prefix<'_>, enough: impl Fn(&[&[u8]]) -> bool) -> Probe {
    let sides = [seen.first().0, seen.second()];
    let fits = |datagram: &[u8]| head_of_any(datagram).is_some() || is_rtcp(datagram);
    let possible = sides.iter().all(|side| {
        lengths::begins(side, may_begin) != Probe::No && lengths::count(side, fits).is_some()
    });
    if !possible {
        return Probe::No;
    }
    let all = sides.map(|side| lengths::datagrams(side).collect::<Vec<_>>());
    let both: Vec<&[u8]> = all.iter().flatten().copied().collect();
    match all.iter().any(|side| enough(side)) || enough(&both) {
        true => Probe::Yes,
        false => Probe::More,
    }
}

/// Version 2, no padding; a kind or a report.
fn may_begin(datagram: &[u8]) -> Probe {
    match datagram {
        [first, ..] if first & 0xe0 != 0x80 => Probe::No,
        [_, kind, ..] if !matches!(kind & 0x7f, 0 | 3..=18 | 25..=34 | 72 | 73 | 96..=127) => {
            Probe::No
        }
        _ => Probe::More,
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
        } else if let Some(head) = head_of_any(bytes) {
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
    use super::super::testing::{converse_anywhere, converse_datagrams, flow, values};
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
    fn in_a_stream_each_has_its_length() {
        let framed = |bytes: &[u8]| [&[0, bytes.len() as u8][..], bytes].concat();
        let media: Vec<u8> = (1..=3).flat_map(|n| framed(&packet(96, n, 1))).collect();
        let report = [&b"\x80\xc9\0\x01abcd"[..]].concat();
        let reports = [framed(&report), framed(&report)].concat();
        let nobody = |n: u8| {
            let mut packet = packet(8, n, 0);
            packet[8..11].fill(0);
            framed(&packet)
        };
        let nobodys = [nobody(1), nobody(2), nobody(3)].concat();
        for (stream, protocol) in [(&media, "rtp"), (&nobodys, "rtp"), (&reports, "rtcp")] {
            let (label, said) =
                converse_anywhere(&flow(TCP, 50_000, 5_123), &[(Side::Low, &stream[..])]);
            assert_eq!(label.protocol, protocol);
            assert_eq!(values(&said, "rtp.media").len(), usize::from(protocol == "rtp"));
        }
        let apart = [framed(&packet(96, 1, 1)), framed(&packet(96, 2, 2))].concat();
        let wrong = [&media[..20], &[0, 3], &media[20..]].concat();
        for other in [&apart, &wrong, &framed(&report)] {
            let (label, _) = converse_anywhere(&flow(TCP, 50_000, 5_123), &[(Side::Low, other)]);
            assert_eq!(label.protocol, "unknown");
        }
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
