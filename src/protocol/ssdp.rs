//! SSDP over UDP on any port: devices announce what they are and which services they offer, and ask
//! for those of others.
//!
//! Documents: UPnP Device Architecture 2.0 §1.
//! Bounds: one datagram at a time, 64 different notes and 64 other different facts a flow.

use super::syntax::header;
use super::syntax::stream::Firsts;
use super::{
    Content, Dissector, Fact, IdentityKind, Next, Over, Prefix, Probe, Session, Subject, What,
};
use crate::flow::{Flow, Segment};

/// SSDP.
pub struct Ssdp;

const PORT: u16 = 1900;
/// Different notes, and other different facts, said in one flow.
const THINGS_MAX: usize = 64;

impl Dissector for Ssdp {
    fn name(&self) -> &'static str {
        "ssdp"
    }

    fn rule(&self) -> &'static str {
        "a start line of SSDP"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        // NOTIFY, M-SEARCH, HTTP.
        &[(b'H', b'H'), (b'M', b'N')]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let usual_port = flow.key.port(flow.initiator) == Some(PORT)
            || flow.key.port(flow.initiator.other()) == Some(PORT);
        match kind(seen.first().0, usual_port) {
            Some(_) => Probe::Yes,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Messages { said: Firsts::new(THINGS_MAX) })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What the sender offers (§1.2).
    Notify,
    /// What the sender looks for (§1.3.2).
    Search,
    /// What the sender offers, because it was asked (§1.3.3).
    Response,
}

/// The three start lines there are (§1.1.1). Off the usual port an answer, whose start line is
/// that of HTTP, must name a search target and a unique name.
fn kind(datagram: &[u8], usual_port: bool) -> Option<Kind> {
    let line = datagram.split(|&byte| byte == b'\n').next()?.trim_ascii_end();
    match line {
        b"NOTIFY * HTTP/1.1" => Some(Kind::Notify),
        b"M-SEARCH * HTTP/1.1" => Some(Kind::Search),
        _ if !line.starts_with(b"HTTP/1.1 200") => None,
        _ if usual_port => Some(Kind::Response),
        _ => {
            header::field(datagram, "st")?;
            header::field(datagram, "usn")?;
            Some(Kind::Response)
        }
    }
}

struct Messages {
    said: Firsts,
}

impl Session for Messages {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let Some(kind) = kind(segment.data, true) else {
            return Next::More;
        };
        for (name, value) in header::fields(segment.data) {
            let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
            let identity = |kind| What::Identity { subject: Subject::Sender, kind };
            let offers = kind != Kind::Search;
            // NT in announcements, ST in answers; in a search ST is what is looked for.
            let (what, name) = if is("server") && offers {
                (identity(IdentityKind::Product), "ssdp.server")
            } else if is("user-agent") {
                (identity(IdentityKind::Product), "ssdp.user_agent")
            } else if is("nt") || is("st") && offers {
                (identity(IdentityKind::Service), "ssdp.service")
            } else if is("st") {
                (What::Note, "ssdp.search")
            } else if is("usn") {
                (What::Note, "ssdp.usn")
            } else if is("location") {
                (What::Note, "ssdp.location")
            } else {
                continue;
            };
            if !value.is_empty() && self.said.is_first(what, name, value) {
                say(Fact { what, name, value, frame: segment.frame });
            }
        }
        if self.said.is_full() { Next::Done } else { Next::More }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse, converse_datagrams, flow};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    const NOTIFY: &[u8] = b"NOTIFY * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\n\
        Server: os/1 UPnP/1.0 cam/2\r\nNT: upnp:rootdevice\r\nNTS: ssdp:alive\r\n\
        USN: uuid:1::upnp:rootdevice\r\nLOCATION: http://10.0.0.1:80/d.xml\r\n\r\n";
    const SEARCH: &[u8] = b"M-SEARCH * HTTP/1.1\r\nMAN: \"ssdp:discover\"\r\nST: ssdp:all\r\n\r\n";
    const RESPONSE: &[u8] =
        b"HTTP/1.1 200 OK\r\nEXT:\r\nST: urn:x:device:Cam:1\r\nUSN: uuid:1\r\nSERVER: cam/3\r\n\r\n";

    fn read(port: u16, bytes: &[u8]) -> (&'static str, Vec<(&'static str, Vec<u8>)>) {
        let pieces = [(Side::Low, bytes), (Side::Low, bytes)];
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, port), &pieces);
        (label.protocol, said.into_iter().map(|said| (said.name, said.value)).collect())
    }

    #[test]
    fn announcements_searches_and_answers() {
        let (label, said) = read(PORT, NOTIFY);
        assert_eq!(label, "ssdp");
        assert_eq!(said[0], ("ssdp.server", b"os/1 UPnP/1.0 cam/2".to_vec()));
        assert_eq!(said[1], ("ssdp.service", b"upnp:rootdevice".to_vec()));
        assert_eq!(said.len(), 4);
        assert_eq!(read(PORT, SEARCH).1, [("ssdp.search", b"ssdp:all".to_vec())]);
        let (label, said) = read(50_001, RESPONSE);
        assert_eq!(label, "ssdp");
        assert_eq!(said[0], ("ssdp.service", b"urn:x:device:Cam:1".to_vec()));
        assert_eq!(said[2].0, "ssdp.server");
    }

    #[test]
    fn near_misses_are_not_ssdp() {
        for bytes in [
            &b"NOTIFY sip:a@example SIP/2.0\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n",
            b"M-SEARCH * HTTP/1.0\r\n\r\n",
        ] {
            assert_ne!(read(9999, bytes).0, "ssdp", "{bytes:?}");
        }
        let (label, _) =
            converse(&flow(super::super::TCP, 50_000, 9999), false, &[(Side::Low, SEARCH)]);
        assert_ne!(label.protocol, "ssdp");
    }
}
