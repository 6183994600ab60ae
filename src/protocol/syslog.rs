//! Syslog over UDP: what a device writes in its log, readable.
//!
//! Documents: RFC 3164 §4, RFC 5424 §6.
//!
//! Fixed: a priority below 192 in angle brackets, and a version or a time behind it: 50 bits. On
//! port 514 any printable text behind the priority.
//! Bounds: one datagram at a time.

use super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, on_port, probe};
use super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// Syslog.
pub struct Syslog;

const PORTS: [u16; 1] = [514];
const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDec";
/// `Nov 24 17:33:35 `.
const TIME_BYTES: usize = 16;

impl Dissector for Syslog {
    fn name(&self) -> &'static str {
        "syslog"
    }

    fn rule(&self) -> &'static str {
        "a priority in angle brackets, then a version or time"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(b'<', b'<')]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        if on_port(flow, &PORTS) {
            let text = text(seen.first().0).unwrap_or_default();
            let readable = |byte: &u8| matches!(byte, b' '..=b'~' | b'\t' | 0x80..);
            return if text.first().is_some_and(readable) { Probe::Yes } else { Probe::No };
        }
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

/// What stands behind the priority.
fn text(datagram: &[u8]) -> Option<&[u8]> {
    let rest = datagram.strip_prefix(b"<")?;
    let digits = rest.iter().take(4).position(|&byte| byte == b'>')?;
    let priority: u16 = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    (priority < 192).then_some(&rest[digits + 1..])
}

/// The host and what follows it.
fn host(text: &[u8]) -> Option<&[u8]> {
    let rest = if let Some(rest) = text.strip_prefix(b"1 ") {
        // Version 1, then a time of RFC 3339 or a dash.
        let space = rest.iter().take(40).position(|&byte| byte == b' ')?;
        if &rest[..space] != b"-" && !(space >= 20 && rest[4] == b'-' && rest[10] == b'T') {
            return None;
        }
        &rest[space + 1..]
    } else {
        let time = text.get(..TIME_BYTES)?;
        let month = MONTHS.chunks(3).any(|month| month == &time[..3]);
        let fits = time[3] == b' ' && time[6] == b' ' && time[9] == b':' && time[12] == b':';
        if !month || !fits {
            return None;
        }
        &text[TIME_BYTES..]
    };
    let end = rest.iter().position(|&byte| byte == b' ').unwrap_or(rest.len());
    Some(&rest[..end])
}

fn size(datagram: &[u8]) -> Size {
    match text(datagram).and_then(host) {
        Some(_) => Size::Whole(datagram.len()),
        None => Size::Broken,
    }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        Size::Whole(start.len())
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        // Without a host there is the name of a program, which ends with a colon.
        let host = text(message.bytes).and_then(host).unwrap_or_default();
        if !host.is_empty() && !host.ends_with(b":") && host != b"-" {
            voice.identity(IdentityKind::HostName, "syslog.host", host);
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse_datagrams, converse_datagrams_here, flow, values};
    use crate::flow::Side;
    use crate::protocol::UDP;

    #[test]
    fn both_forms_name_their_host() {
        for bytes in [
            &b"<34>Oct 11 22:14:15 cam1 su: failed"[..],
            b"<34>1 2026-10-11T22:14:15.003Z cam1 su - ID47 - failed",
        ] {
            let (label, said) =
                converse_datagrams(&flow(UDP, 50_000, 5_123), &[(Side::Low, bytes)]);
            assert_eq!(label.protocol, "syslog");
            assert_eq!(values(&said, "syslog.host"), [b"cam1"]);
        }
        let lines = [&b"<34>Oct 11 22:14:15 cam1 su: a"[..], b"<34>Oct 11 22:14:16 cam2 su: b"];
        let pieces = lines.map(|line| (Side::Low, line));
        let (_, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!(values(&said, "syslog.host"), [b"cam1", b"cam2"]);
        let frame = |port, bytes: &[u8]| {
            converse_datagrams_here(&flow(UDP, 50_000, port), &[(Side::Low, bytes)]).0.frame
        };
        assert_eq!(frame(514, b"<34>free text"), 1);
        assert_eq!(frame(5_123, b"<34>free text"), 0);
        assert_eq!(frame(514, b"<192>free text"), 0);
        assert_eq!(frame(514, b"<a>"), 0);
    }
}
