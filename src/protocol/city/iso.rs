//! What runs over ISO transport on TCP: MMS of substations, Siemens S7 and its successor. The
//! transport alone is no label, since remote desktops use it too: the first data must show which it
//! is.
//!
//! Documents: RFC 1006 §6 and ISO 8073 §13 (transport); IEC 61850-8-1 and ISO 9506 (MMS); of S7
//! Siemens publishes none, so captures alone.
//!
//! Fixed: `03 00`, a length that holds, a transport header that fits (about 40 bits), and then the
//! first bytes of the protocol.
//! Bounds: those of `framed.rs`.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, padded, probe, u16_be,
};
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// MMS.
pub struct Mms;
/// Siemens S7.
pub struct S7;

const HEADER_BYTES: usize = 7;
const CONNECT: [u8; 2] = [0xe0, 0xd0];
const DATA: u8 = 0xf0;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Mms,
    S7,
}

impl Dissector for Mms {
    fn name(&self) -> &'static str {
        "mms"
    }

    fn rule(&self) -> &'static str {
        "transport header, then the first bytes of MMS"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(3, 3)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe_for(Kind::Mms, flow, seen)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

impl Dissector for S7 {
    fn name(&self) -> &'static str {
        "s7comm"
    }

    fn rule(&self) -> &'static str {
        "transport header, then the first bytes of S7"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(3, 3)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe_for(Kind::S7, flow, seen)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn probe_for(wanted: Kind, flow: &Flow, seen: &Prefix<'_>) -> Probe {
    match probe(flow, seen, size, Demand::One) {
        Probe::Yes => {}
        Probe::FromHere if kind_of(seen.newest()) == Some(wanted) => return Probe::FromHere,
        Probe::FromHere => return Probe::More,
        answer => return answer,
    }
    let kinds = [seen.first().0, seen.second()].map(kind_of);
    match kinds.into_iter().flatten().next() {
        Some(kind) if kind == wanted => Probe::Yes,
        Some(_) => Probe::No,
        None => Probe::More,
    }
}

/// What the first data in a stream is.
fn kind_of(mut stream: &[u8]) -> Option<Kind> {
    while let Size::Whole(length) = size(stream) {
        if let [_, _, _, _, _, DATA, _, payload @ ..] = stream {
            return match payload {
                [0x32 | 0x72, ..] => Some(Kind::S7),
                // Session (ISO 8327 §8.3): connect, accept, or data behind a token.
                [0x0d | 0x0e, length, _, ..] if *length > 4 => Some(Kind::Mms),
                [1, 0, 1, 0, 0x61, ..] => Some(Kind::Mms),
                // Initiation without any session, as `ics_iti/IEC61850` has it.
                [0xa8 | 0xa9, _, 0x80, ..] => Some(Kind::Mms),
                _ => None,
            };
        }
        stream = stream.get(length..)?;
    }
    None
}

fn size(start: &[u8]) -> Size {
    if let Some(size) = Size::of_magic(start, &[3, 0], HEADER_BYTES) {
        return size;
    }
    let length = u16_be(start, 2).unwrap_or_default();
    let (header, kind) = (start[4], start[5]);
    let fits = match kind {
        DATA => header == 2 && start[6] & 0x7f == 0,
        _ if CONNECT.contains(&(kind & 0xf0)) => header >= 6 && u16::from(header) + 5 == length,
        0x80 => header >= 6,
        _ => false,
    };
    if fits && length > u16::from(header) + 4 {
        Size::Whole(usize::from(length))
    } else {
        Size::Broken
    }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        match message.bytes {
            [_, _, _, _, _, DATA, _, 0x32, kind, rest @ ..] => s7(*kind, rest, voice),
            [_, _, _, _, _, DATA, _, 0x72, version, ..] => {
                voice.note("s7comm.plus", version.to_string().as_bytes());
            }
            [_, _, _, _, _, DATA, _, 0x01 | 0x0d | 0x0e, rest @ ..] => mms(rest, voice),
            _ => {}
        }
        Next::More
    }
}

/// Behind `32` and the kind: two zeroes, reference, parameter length, data length, for answers two
/// bytes of error; then the function.
fn s7(kind: u8, rest: &[u8], voice: &mut Voice<'_>) {
    let at = if kind == 3 { 10 } else { 8 };
    let Some(function) = rest.get(at) else {
        return;
    };
    let name: &[u8] = match (kind, function) {
        (1, 0x04) => b"read",
        (1, 0x05) => b"write",
        (1, 0x1a..=0x1c) => b"download",
        (1, 0x1d..=0x1f) => b"upload",
        (1, 0x28) => b"control",
        (1, 0x29) => b"stop",
        (1, 0xf0) => b"setup",
        (7, _) => b"service",
        _ => return modules(rest, voice),
    };
    voice.note("s7comm.function", name);
    modules(rest, voice);
}

/// An answer to a question for the module list (SZL 0x0011) or the names (0x001c): records of
/// fixed width, whose order numbers begin `6ES7`.
fn modules(rest: &[u8], voice: &mut Voice<'_>) {
    for (at, part) in rest.windows(4).enumerate() {
        if part == b"6ES7"
            && let Some(field) = rest.get(at..at + 20)
            && is_printable(field)
        {
            voice.identity(IdentityKind::Model, "s7comm.order_number", padded(field));
            return;
        }
    }
}

/// Names of domains and objects are BER visible strings (1a) in most requests; those a substation
/// uses hold a `$`.
fn mms(rest: &[u8], voice: &mut Voice<'_>) {
    let mut at = 0;
    while let Some(found) = rest.get(at..).and_then(|r| r.iter().position(|&byte| byte == 0x1a)) {
        at += found + 1;
        let Some(&length) = rest.get(at) else {
            return;
        };
        let Some(text) = rest.get(at + 1..at + 1 + usize::from(length)) else {
            continue;
        };
        if (3..65).contains(&length) && is_printable(text) && text[0].is_ascii_alphabetic() {
            voice.note("mms.name", text);
            at += usize::from(length) + 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_tcp, flow, values};
    use crate::flow::Side;
    use crate::protocol::TCP;

    /// Connection request and confirm, as in `ndpi/s7comm.pcap`.
    const REQUEST: &[u8] =
        b"\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc1\x02\x01\0\xc2\x02\x01\x02\xc0\x01\x0a";
    const CONFIRM: &[u8] =
        b"\x03\0\0\x16\x11\xd0\0\x01\0\x01\0\xc0\x01\x0a\xc1\x02\x01\0\xc2\x02\x01\x02";
    const SETUP: &[u8] =
        b"\x03\0\0\x19\x02\xf0\x80\x32\x01\0\0\0\x01\0\x08\0\0\xf0\0\0\x01\0\x01\x01\xe0";
    const MMS: &[u8] =
        b"\x03\0\0\x1a\x02\xf0\x80\x01\0\x01\0\x61\x0d\x30\x0b\xa1\x09\x1a\x07LD0$ST1";

    #[test]
    fn the_first_data_tells_which_it_is() {
        let s7 = [(Side::Low, REQUEST), (Side::High, CONFIRM), (Side::Low, SETUP)];
        let mms = [(Side::Low, REQUEST), (Side::High, CONFIRM), (Side::Low, MMS)];
        for port in [102, 5_123] {
            let flow = flow(TCP, 50_000, port);
            let (label, said) = converse_tcp(&flow, &s7);
            assert_eq!(label.protocol, "s7comm");
            assert_eq!(values(&said, "s7comm.function"), [b"setup"]);
            let (label, said) = converse_tcp(&flow, &mms);
            assert_eq!(label.protocol, "mms");
            assert_eq!(values(&said, "mms.name"), [b"LD0$ST1"]);
        }
    }

    #[test]
    fn a_remote_desktop_is_neither() {
        let data = b"\x03\0\0\x0c\x02\xf0\x80\x7f\x65\x82\x01\x94";
        let pieces = [(Side::Low, REQUEST), (Side::High, CONFIRM), (Side::Low, &data[..])];
        let (label, _) = converse_tcp(&flow(TCP, 50_000, 3389), &pieces);
        assert_eq!(label.protocol, "unknown");
    }
}
