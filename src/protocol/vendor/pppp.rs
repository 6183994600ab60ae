//! PPPP, the peer-to-peer network of CS2 and iLnk that millions of small cameras use, UDP on any
//! port; its directories listen on 32100, and cameras answer a search on 32108. The id that opens a
//! camera passes readable, and so do the requests of its older firmware, passwords included.
//!
//! Documents: magicus/pppp-dissector (PPPP.md), DavidVentura/cam-reverse (datatypes.ts), re-ws.pl's
//! notes of May 2018.
//!
//! Fixed: `f1`, one of 40 types, and a length that holds exactly, 26 bits; so off the usual ports
//! both sides must send one, unless it is the search itself.
//! Bounds: one datagram at a time; those of `framed.rs`.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, on_port, padded, probe, u16_be,
    u32_be,
};
use super::super::syntax::parameter;
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// PPPP.
pub struct Pppp;

const PORTS: [u16; 2] = [32_100, 32_108];
const HEADER_BYTES: usize = 4;
/// Prefix, number and check letters of a camera's id, bytes.
const ID_BYTES: usize = 20;

const LAN_SEARCH: u8 = 0x30;
const PUNCH: u8 = 0x41;
const READY: u8 = 0x42;
const DATA: u8 = 0xd0;

impl Dissector for Pppp {
    fn name(&self) -> &'static str {
        "pppp"
    }

    fn rule(&self) -> &'static str {
        "f1, a known type, a length that holds"
    }

    fn content(&self) -> Content {
        Content::Unknown
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0xf1, 0xf1)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let first = seen.first().0;
        let search = first == [0xf1, LAN_SEARCH, 0, 0]
            || first.get(1) == Some(&PUNCH) && id(first).is_some();
        let one = search || on_port(flow, &PORTS);
        probe(flow, seen, size, if one { Demand::One } else { Demand::Both })
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(datagram: &[u8]) -> Size {
    let fits = datagram.first() == Some(&0xf1)
        && datagram.get(1).is_some_and(|&kind| is_known(kind))
        && u16_be(datagram, 2).is_some_and(|length| usize::from(length) + 4 == datagram.len());
    if fits { Size::Whole(datagram.len()) } else { Size::Broken }
}

fn is_known(kind: u8) -> bool {
    matches!(kind, 0x00..=0x03 | 0x10..=0x13 | 0x20 | 0x21 | 0x30 | 0x32 | 0x40..=0x43 | 0x60..=0x63
        | 0x67..=0x69 | 0x70..=0x73 | 0x80..=0x84 | 0x90..=0x92 | 0xd0 | 0xd1 | 0xd8 | 0xe0 | 0xe1
        | 0xf0 | 0xf1)
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let bytes = message.bytes;
        voice.relay("pppp.p2p", b"peer-to-peer service");
        match bytes.get(1) {
            // The camera says its own id when it answers a search or is ready.
            Some(&PUNCH) => {
                if let Some(id) = id(bytes) {
                    voice.identity(IdentityKind::DeviceId, "pppp.uid", id.as_bytes());
                }
            }
            Some(0x10..=0x13 | 0x20 | 0x67 | &READY) => {
                if let Some(id) = id(bytes) {
                    voice.note("pppp.uid", id.as_bytes());
                }
            }
            Some(&DATA) => command(bytes.get(HEADER_BYTES + 4..).unwrap_or_default(), voice),
            _ => {}
        }
        Next::More
    }
}

/// `PREFIX-000123-ABCDE`.
fn id(bytes: &[u8]) -> Option<String> {
    let field = bytes.get(HEADER_BYTES..HEADER_BYTES + ID_BYTES)?;
    let (prefix, number, check) = (padded(&field[..8]), u32_be(field, 8)?, padded(&field[12..]));
    let upper = |text: &[u8]| text.len() >= 3 && text.iter().all(u8::is_ascii_uppercase);
    let text = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
    (upper(prefix) && upper(check)).then(|| format!("{}-{number:06}-{}", text(prefix), text(check)))
}

/// Older firmware is told what to do by requests of HTTP's form behind a header of 8 bytes, newer
/// by JSON.
fn command(data: &[u8], voice: &mut Voice<'_>) {
    let at = data.windows(5).take(32).position(|part| part == b"GET /");
    if let Some(at) = at {
        let line = data[at + 4..].split(|&byte| byte.is_ascii_control()).next().unwrap_or_default();
        let (path, query) = match line.iter().position(|&byte| byte == b'?') {
            Some(mark) => (&line[..mark], &line[mark + 1..]),
            None => (line, &[][..]),
        };
        if is_printable(path) {
            voice.note("pppp.command", path);
        }
        secret(query, voice);
        return;
    }
    let json = data.iter().take(32).position(|&byte| byte == b'{');
    if let Some(at) = json.filter(|&at| data[at..].starts_with(b"{\"")) {
        secret(&data[at..], voice);
    }
}

fn secret(text: &[u8], voice: &mut Voice<'_>) {
    if let Some(secret) = parameter::secret(text, true) {
        voice.credential("pppp parameter", secret.length, "pppp.parameter", &secret.user);
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::What;
    use super::super::super::testing::{converse_datagrams, converse_datagrams_here, flow, values};
    use crate::flow::Side;
    use crate::protocol::UDP;

    const SEARCH: &[u8] = b"\xf1\x30\0\0";
    const ANSWER: &[u8] = b"\xf1\x41\0\x14TEST\0\0\0\0\0\x01\xe2\x40ABCDE\0\0\0";

    fn data(body: &[u8]) -> Vec<u8> {
        let length = (body.len() as u16 + 4).to_be_bytes();
        [&b"\xf1\xd0"[..], &length, b"\xd1\0\0\x01", body].concat()
    }

    #[test]
    fn the_id_and_the_password_are_readable() {
        let check = data(b"\x01\x0a\x10\0\0\0\0\0GET /check_user.cgi?loginuse=admin&loginpas=6666");
        let pieces = [(Side::High, ANSWER), (Side::Low, &check[..])];
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!(label.protocol, "pppp");
        assert_eq!(values(&said, "pppp.uid"), [b"TEST-123456-ABCDE"]);
        assert_eq!(values(&said, "pppp.command"), [b"/check_user.cgi"]);
        let kind = "pppp parameter";
        assert_eq!(said[0].what, What::Relay);
        assert_eq!(said[3].what, What::Credential { kind, length: 4 });
        assert_eq!(said[3].value, b"admin");
    }

    #[test]
    fn little_is_not_enough_off_its_ports() {
        let label = |port, pieces: &[(Side, &[u8])]| {
            converse_datagrams_here(&flow(UDP, 50_000, port), pieces).0.protocol
        };
        let alive: &[u8] = b"\xf1\xe0\0\0";
        assert_eq!(label(32_108, &[(Side::Low, SEARCH)]), "pppp");
        assert_eq!(label(5_123, &[(Side::Low, alive)]), "unknown");
        assert_eq!(label(5_123, &[(Side::Low, alive), (Side::High, b"\xf1\xe1\0\0")]), "pppp");
        assert_eq!(label(32_108, &[(Side::Low, b"\xf1\xe0\0\x01")]), "unknown");
        assert_eq!(label(5_123, &[(Side::Low, alive), (Side::High, b"other")]), "unknown");
    }
}
