//! STUN and TURN over UDP and TCP on any port: how devices find the way through a router before
//! they send pictures peer to peer.
//!
//! Documents: RFC 8489 §5 and §14, RFC 8656 (TURN); RFC 3489 §11.1 (older form); RFC 6544 §3 and
//! RFC 4571 (over TCP); RFC 7983 (what follows).
//!
//! Fixed: two zero bits, a length that holds, the magic cookie: 36 bits. Some leave out the padding
//! of the last attribute. The older form has no cookie: on port 3478 alone, and with attributes
//! that fill it exactly. Over TCP also with a length before each message, as peers do. What follows
//! in the same flow is told apart by RFC 7983: DTLS, which is read too, RTP, or data in a channel
//! of TURN.
//! Bounds: those of `syntax/framed.rs` and `syntax/dtls.rs`.

use super::syntax::dtls::{self, is_dtls};
use super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, on_port, padded, probe, u16_be,
    u32_be,
};
use super::syntax::lengths::{self, Lengths};
use super::syntax::rtp;
use super::{
    Content, Dissector, Fact, IdentityKind, NameKind, Next, Over, Prefix, Probe, Session, TCP, UDP,
    What,
};
use crate::flow::{Flow, Segment};

/// STUN and TURN.
pub struct Stun;

const PORTS: [u16; 1] = [3478];
const HEADER_BYTES: usize = 20;
const COOKIE: u32 = 0x2112_a442;

impl Dissector for Stun {
    fn name(&self) -> &'static str {
        "stun"
    }

    fn rule(&self) -> &'static str {
        "the magic cookie and a length that holds"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, carrier: u8) -> &'static [(u8, u8)] {
        match carrier {
            TCP => lengths::FIRST_BYTES,
            _ => &[(0, 1)],
        }
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        match probe(flow, seen, size, Demand::One) {
            Probe::No if flow.key.protocol == UDP && on_port(flow, &PORTS) => {
                if is_old(seen.first().0) { Probe::Yes } else { Probe::No }
            }
            Probe::No if flow.key.protocol != UDP => is_framed(seen.first().0),
            answer => answer,
        }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        if flow.key.protocol != UDP {
            return Framed::start(Messages { datagrams: false });
        }
        shared(flow)
    }

    fn start_after(&self, flow: &Flow, seen: &Prefix<'_>) -> Box<dyn Session> {
        let framed = flow.key.protocol != UDP && is_framed(seen.first().0) == Probe::Yes;
        if framed { Lengths::around(shared(flow)) } else { self.start(flow) }
    }
}

fn shared(flow: &Flow) -> Box<dyn Session> {
    let (stun, dtls) = (Framed::start(Messages { datagrams: true }), dtls::session(flow));
    Box::new(Shared { stun, dtls, dtls_said: false, heads: [None; 2], others: 0 })
}

/// A length, and a message of that length behind it.
fn is_framed(bytes: &[u8]) -> Probe {
    let outer = u16_be(bytes, 0).map(usize::from);
    lengths::begins(bytes, |message| match size(message) {
        Size::Whole(length) if Some(length) == outer => Probe::Yes,
        Size::Need(_) => Probe::More,
        _ => Probe::No,
    })
}

fn size(start: &[u8]) -> Size {
    // Methods in use end at 0x00c; the class is in bits 4 and 8.
    if start.first().is_some_and(|&byte| byte > 1) || start.get(1).is_some_and(|b| b & 0xe0 != 0) {
        return Size::Broken;
    }
    match (u16_be(start, 2), u32_be(start, 4)) {
        (Some(length), Some(COOKIE)) => Size::Whole(HEADER_BYTES + usize::from(length)),
        (_, Some(_)) => Size::Broken,
        _ => Size::Need(8),
    }
}

/// RFC 3489: a binding or a shared secret, its answer or its error.
fn is_old(datagram: &[u8]) -> bool {
    let known = matches!(datagram, [0 | 1, 1 | 2 | 0x11 | 0x12, ..]);
    let length = u16_be(datagram, 2).map(usize::from);
    let mut rest = datagram.get(HEADER_BYTES..).unwrap_or_default();
    if !known || length != Some(rest.len()) || datagram.len() < HEADER_BYTES {
        return false;
    }
    while !rest.is_empty() {
        let Some(length) = u16_be(rest, 2).map(|length| usize::from(length).next_multiple_of(4))
        else {
            return false;
        };
        match rest.get(4 + length..) {
            Some(after) => rest = after,
            None => return false,
        }
    }
    true
}

/// Whether a datagram in a flow that is known to be STUN's is: of a method that nobody registered
/// too.
fn is_message(datagram: &[u8]) -> bool {
    let length = u16_be(datagram, 2).map(|length| HEADER_BYTES + usize::from(length));
    let private = datagram.first().is_some_and(|first| first >> 6 == 0)
        && u32_be(datagram, 4) == Some(COOKIE)
        && length == Some(datagram.len());
    private || is_old(datagram)
}

/// A flow of datagrams, in which other protocols may follow.
struct Shared {
    stun: Box<dyn Session>,
    dtls: Box<dyn Session>,
    dtls_said: bool,
    /// The latest head of RTP, by side.
    heads: [Option<rtp::Head>; 2],
    /// Datagrams that are neither STUN nor DTLS.
    others: usize,
}

/// Datagrams looked at for RTP behind STUN.
const OTHERS_MAX: usize = 16;

impl Session for Shared {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let (data, frame) = (segment.data, segment.frame);
        if is_message(data) {
            return self.stun.feed(segment, say);
        }
        if is_dtls(data) {
            if !self.dtls_said {
                self.dtls_said = true;
                say(Fact {
                    what: What::Carries("dtls"),
                    name: "stun.carries",
                    value: b"dtls",
                    frame,
                });
            }
            // Whether it is done matters not: media may follow. Peers make their certificates up (RFC
            // 8827 §6.5), so that the name in one is nobody's.
            let _ = self.dtls.feed(segment, &mut |fact| {
                if fact.what != What::Name(NameKind::Certificate) {
                    say(fact);
                }
            });
            return Next::More;
        }
        if self.others == 0 {
            say(Fact { what: What::Handover, name: "stun.other", value: b"", frame });
        }
        self.others += 1;
        let head = rtp::head(data);
        let before = std::mem::replace(&mut self.heads[segment.side.index()], head);
        if let (Some(before), Some(head)) = (before, head)
            && before.is_before(head)
        {
            say(Fact { what: What::Carries("rtp"), name: "stun.carries", value: b"rtp", frame });
            return Next::Done;
        }
        if self.others >= OTHERS_MAX { Next::Done } else { Next::More }
    }

    fn held_bytes(&self) -> usize {
        self.stun.held_bytes() + self.dtls.held_bytes()
    }
}

struct Messages {
    datagrams: bool,
}

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        // A datagram was looked at before.
        if self.datagrams { Size::Whole(start.len()) } else { size(start) }
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let bytes = message.bytes;
        let Some(kind) = u16_be(bytes, 0) else {
            return Next::More;
        };
        let method: &[u8] = match kind & 0x3eef {
            1 => b"binding",
            3 => b"allocate",
            4 => b"refresh",
            8 => b"create permission",
            9 => b"channel bind",
            _ => b"other",
        };
        voice.note("stun.method", method);
        voice.relay("stun.asked", method);
        let mut rest = bytes.get(HEADER_BYTES..).unwrap_or_default();
        while let (Some(attribute), Some(length)) = (u16_be(rest, 0), u16_be(rest, 2)) {
            let length = usize::from(length);
            let text = rest.get(4..4 + length).map(padded).unwrap_or_default();
            if is_printable(text) {
                match attribute {
                    0x8022 => voice.identity(IdentityKind::Product, "stun.software", text),
                    0x0006 => voice.note("stun.user", text),
                    0x0014 => voice.note("stun.realm", text),
                    _ => {}
                }
            }
            rest = rest.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        Said, converse, converse_anywhere, converse_datagrams, converse_datagrams_here, flow,
        values,
    };
    use super::*;
    use crate::flow::Side;
    use crate::protocol::TCP;

    const ASK: &[u8] = b"\0\x01\0\x0c\x21\x12\xa4\x42abcdefghijkl\x80\x22\0\x06cam/1 \0\0";
    const OLD: &[u8] = b"\0\x01\0\x08abcdefghijklmnop\0\x03\0\x04\0\0\0\0";

    #[test]
    fn software_is_said_and_other_datagrams_end_it() {
        let pieces = [(Side::Low, ASK), (Side::High, &b"\x80\x60\0\x01media"[..])];
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!((label.protocol, label.content), ("stun", Content::Service));
        assert_eq!(values(&said, "stun.software"), [b"cam/1"]);
        assert_eq!(said.last().unwrap().what, What::Handover);
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces[..1]);
        assert_eq!((label.protocol, said.len()), ("stun", 3));
        assert_eq!((said[1].what, &said[1].value[..]), (What::Relay, &b"binding"[..]));
    }

    #[test]
    fn what_follows_is_said_too() {
        let unpadded = b"\0\x03\0\x06\x21\x12\xa4\x42abcdefghijkl\x40\0\0\x02ab";
        let record = b"\x17\xfe\xfd\0\x01\0\0\0\0\0\x01\0\x0a0123456789";
        let media = |n: u8| [&[0x80, 0x60, 0, n, 0, 0, 1, n, 9, 9, 9, 9][..], &[7; 40]].concat();
        let [one, two] = [media(1), media(2)];
        let private = b"\x08\0\0\0\x21\x12\xa4\x42abcdefghijkl";
        let pieces: &[(Side, &[u8])] =
            &[(Side::Low, unpadded), (Side::High, record), (Side::Low, private), (Side::Low, &one)];
        let (label, said) = converse(&flow(UDP, 50_000, 5_123), true, pieces);
        assert_eq!(label.protocol, "stun");
        let carried = |said: &[Said]| -> Vec<&'static str> {
            let carries = said.iter().filter_map(|said| match said.what {
                What::Carries(label) => Some(label),
                _ => None,
            });
            carries.collect()
        };
        assert_eq!(carried(&said), ["dtls"], "one packet is not yet media");
        let more = [pieces, &[(Side::Low, &two[..])]].concat();
        let (_, said) = converse(&flow(UDP, 50_000, 5_123), true, &more);
        assert_eq!(carried(&said), ["dtls", "rtp"]);
    }

    #[test]
    fn peers_put_a_length_before_each() {
        let media = |n: u8| [&[0x80, 0x60, 0, n, 0, 0, 1, n, 9, 9, 9, 9][..], &[7; 40]].concat();
        let framed = |bytes: &[u8]| [&[0, bytes.len() as u8][..], bytes].concat();
        let stream = [framed(ASK), framed(&media(1)), framed(&media(2))].concat();
        let (label, said) =
            converse_anywhere(&flow(TCP, 50_000, 5_123), &[(Side::Low, &stream[..])]);
        assert_eq!(label.protocol, "stun");
        assert_eq!(values(&said, "stun.software"), [b"cam/1"]);
        assert_eq!(values(&said, "stun.carries"), [b"rtp"]);
        let mut longer = stream;
        longer[1] += 1;
        let (label, _) = converse_anywhere(&flow(TCP, 50_000, 5_123), &[(Side::Low, &longer)]);
        assert_eq!(label.protocol, "unknown");
    }

    #[test]
    fn the_old_form_needs_its_port() {
        let frame = |port, bytes: &[u8]| {
            converse_datagrams_here(&flow(UDP, 50_000, port), &[(Side::Low, bytes)]).0.frame
        };
        assert_eq!(frame(3478, OLD), 1);
        assert_eq!(frame(5_123, OLD), 0);
        assert_eq!(frame(3478, &OLD[..27]), 0);
    }
}
