//! SNMP over UDP on any port. Versions 1 and 2c send their password, the community, readable;
//! version 3 may encrypt.
//!
//! Documents: RFC 1157 §4, RFC 3416 §3, RFC 3412 §6; RFC 3414 §2.4 (users).
//!
//! Fixed: BER tags and lengths down to the request, which fill the datagram exactly: 40 bits and
//! more.
//! Bounds: one datagram at a time; those of `framed.rs`.

use super::syntax::default::is_default;
use super::syntax::element::element;
use super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, is_printable, probe};
use super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// SNMP versions 1 and 2c.
pub struct Snmp;
/// SNMP version 3.
pub struct Snmp3;

/// Objects of the system group (RFC 3418), as the end of an identifier and the tag of a text.
const OBJECTS: [(&[u8], IdentityKind, &str); 3] = [
    (b"\x2b\x06\x01\x02\x01\x01\x01\0\x04", IdentityKind::Product, "snmp.description"),
    (b"\x2b\x06\x01\x02\x01\x01\x05\0\x04", IdentityKind::HostName, "snmp.name"),
    (b"\x2b\x06\x01\x02\x01\x01\x06\0\x04", IdentityKind::Location, "snmp.location"),
];

impl Dissector for Snmp {
    fn name(&self) -> &'static str {
        "snmp"
    }

    fn rule(&self) -> &'static str {
        "BER down to the request fills the datagram"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x30, 0x30)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

impl Dissector for Snmp3 {
    fn name(&self) -> &'static str {
        "snmpv3"
    }

    fn rule(&self) -> &'static str {
        "BER down to the user fills the datagram"
    }

    fn content(&self) -> Content {
        Content::Unknown
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x30, 0x30)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size_3, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages3)
    }
}

/// Version, and what follows it, of a sequence that fills the datagram.
fn message(datagram: &[u8]) -> Option<(u8, &[u8])> {
    let mut rest = datagram;
    let (0x30, mut inner) = element(&mut rest)? else {
        return None;
    };
    match element(&mut inner)? {
        (2, &[version]) if rest.is_empty() => Some((version, inner)),
        _ => None,
    }
}

/// Community, kind and content of the request.
fn parts(datagram: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (0 | 1, mut inner) = message(datagram)? else {
        return None;
    };
    let (4, community) = element(&mut inner)? else {
        return None;
    };
    let (kind @ 0xa0..=0xa8, content) = element(&mut inner)? else {
        return None;
    };
    inner.is_empty().then_some((community, kind, content))
}

fn size(datagram: &[u8]) -> Size {
    if datagram.first() == Some(&0x30) && parts(datagram).is_some() {
        Size::Whole(datagram.len())
    } else {
        Size::Broken
    }
}

/// Global data of four numbers and texts, then security parameters (RFC 3412 §6).
fn size_3(datagram: &[u8]) -> Size {
    if datagram.first() == Some(&0x30) && user(datagram).is_some() {
        Size::Whole(datagram.len())
    } else {
        Size::Broken
    }
}

/// User name (RFC 3414 §2.4), the fourth of the security parameters.
fn user(datagram: &[u8]) -> Option<&[u8]> {
    let (3, mut inner) = message(datagram)? else {
        return None;
    };
    let (0x30, _) = element(&mut inner)? else {
        return None;
    };
    let (4, mut security) = element(&mut inner)? else {
        return None;
    };
    let (0x30, mut fields) = element(&mut security)? else {
        return None;
    };
    for tag in [4, 2, 2] {
        let (found, _) = element(&mut fields)?;
        if found != tag {
            return None;
        }
    }
    element(&mut fields).filter(|&(tag, _)| tag == 4).map(|(_, user)| user)
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let Some((community, kind, content)) = parts(message.bytes) else {
            return Next::More;
        };
        let secret = match is_default(&[], community) {
            true => "snmp community, a well-known default",
            false => "snmp community",
        };
        voice.credential(secret, community.len(), "snmp.community", &[]);
        if kind == 0xa3 {
            voice.note("snmp.request", b"set");
        }
        // What an answer says of the sender.
        if kind == 0xa2 {
            for (object, kind, name) in OBJECTS {
                let at = content.windows(object.len()).position(|part| part == object);
                let Some([length @ ..=0x7f, text @ ..]) =
                    at.and_then(|at| content.get(at + object.len()..))
                else {
                    continue;
                };
                if let Some(text) =
                    text.get(..usize::from(*length)).filter(|text| is_printable(text))
                {
                    voice.identity(kind, name, text);
                }
            }
        }
        Next::More
    }
}

struct Messages3;

impl Grammar for Messages3 {
    fn size(&self, start: &[u8]) -> Size {
        size_3(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        voice.note("snmp.user", user(message.bytes).unwrap_or_default());
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::What;
    use super::super::testing::{converse_datagrams, converse_datagrams_here, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    const GET: &[u8] =
        b"\x30\x26\x02\x01\x01\x04\x06public\xa0\x19\x02\x01\x01\x02\x01\0\x02\x01\0\
        \x30\x0e\x30\x0c\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x05\0";
    const ANSWER: &[u8] =
        b"\x30\x2a\x02\x01\x01\x04\x06public\xa2\x1d\x02\x01\x01\x02\x01\0\x02\x01\0\
        \x30\x12\x30\x10\x06\x08\x2b\x06\x01\x02\x01\x01\x01\0\x04\x04cam1";
    const V3: &[u8] =
        b"\x30\x2e\x02\x01\x03\x30\x0d\x02\x01\x01\x02\x02\x05\xdc\x04\x01\x04\x02\x01\x03\
        \x04\x14\x30\x12\x04\x02id\x02\x01\0\x02\x01\0\x04\x02ab\x04\0\x04\0\x30\x04\x04\0\x04\0";

    #[test]
    fn the_community_is_a_readable_password() {
        let pieces = [(Side::Low, GET), (Side::High, ANSWER)];
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!((label.protocol, label.content), ("snmp", Content::Clear));
        let kind = "snmp community, a well-known default";
        assert_eq!(said[0].what, What::Credential { kind, length: 6 });
        assert!(said[0].value.is_empty());
        assert_eq!(values(&said, "snmp.description"), [b"cam1"]);
        let own = GET.iter().map(|&byte| if byte == b'p' { b'q' } else { byte });
        let own: Vec<u8> = own.collect();
        let (_, said) = converse_datagrams_here(&flow(UDP, 50_000, 161), &[(Side::Low, &own)]);
        assert_eq!(said[0].what, What::Credential { kind: "snmp community", length: 6 });
        let (label, _) =
            converse_datagrams_here(&flow(UDP, 50_000, 161), &[(Side::Low, &GET[..39])]);
        assert_eq!(label.frame, 0, "by its port at most");
    }

    #[test]
    fn version_3_names_its_user() {
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &[(Side::Low, V3)]);
        assert_eq!((label.protocol, label.content), ("snmpv3", Content::Unknown));
        assert_eq!(values(&said, "snmp.user"), [b"ab"]);
        let mut second = V3.to_vec();
        let user = V3.windows(2).position(|two| two == b"ab").unwrap();
        second[user] = b'c';
        let pieces = [(Side::Low, V3), (Side::Low, &second)];
        let (_, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!(values(&said, "snmp.user"), [b"ab", b"cb"]);
    }
}
