//! WS-Discovery over UDP 3702 and other ports: how ONVIF cameras and printers are found. The scopes
//! of an answer say name, model and place.
//!
//! Documents: WS-Discovery 1.1 §3 to §5; ONVIF Core §7.3 (scopes).
//!
//! Fixed: XML that names the schema of WS-Discovery within its first 4 KiB.
//! Bounds: one datagram at a time; those of `framed.rs`.

use super::syntax::document::{contains, elements};
use super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, probe};
use super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// WS-Discovery.
pub struct WsDiscovery;

const SCHEMAS: [&[u8]; 2] =
    [b"schemas.xmlsoap.org/ws/2005/04/discovery", b"docs.oasis-open.org/ws-dd/ns/discovery/"];
const SCHEMA_WITHIN_BYTES: usize = 4 * 1024;

impl Dissector for WsDiscovery {
    fn name(&self) -> &'static str {
        "ws-discovery"
    }

    fn rule(&self) -> &'static str {
        "XML that names the schema"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(b'<', b'<')]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(datagram: &[u8]) -> Size {
    let start = &datagram[..datagram.len().min(SCHEMA_WITHIN_BYTES)];
    let fits =
        datagram.first() == Some(&b'<') && SCHEMAS.iter().any(|schema| contains(start, schema));
    if fits { Size::Whole(datagram.len()) } else { Size::Broken }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let offers =
            !contains(message.bytes, b"/Probe</") && !contains(message.bytes, b"/Resolve</");
        elements(message.bytes, &mut |name, value| match name {
            b"Types" if offers => {
                voice.identity(IdentityKind::Service, "ws_discovery.types", value)
            }
            b"Types" => voice.note("ws_discovery.search", value),
            b"XAddrs" => voice.note("ws_discovery.address", value),
            b"Scopes" if offers => {
                for scope in value.split(u8::is_ascii_whitespace) {
                    let Some(scope) = scope.strip_prefix(b"onvif://www.onvif.org/") else {
                        continue;
                    };
                    if let Some(text) = scope.strip_prefix(b"name/") {
                        voice.identity(IdentityKind::Product, "ws_discovery.name", text);
                    } else if let Some(text) = scope.strip_prefix(b"hardware/") {
                        voice.identity(IdentityKind::Model, "ws_discovery.hardware", text);
                    } else if let Some(text) = scope.strip_prefix(b"location/") {
                        voice.identity(IdentityKind::Location, "ws_discovery.location", text);
                    }
                }
            }
            _ => {}
        });
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse_datagrams, converse_datagrams_here, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    const PROBE: &[u8] = b"<?xml version=\"1.0\"?><e:Envelope \
        xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><e:Header><a:Action>\
        http://schemas.xmlsoap.org/ws/2005/04/discovery/Probe</a:Action></e:Header><d:Probe>\
        <d:Types>dn:NetworkVideoTransmitter</d:Types></d:Probe></e:Envelope>";
    const MATCH: &[u8] = b"<?xml version=\"1.0\"?><e:Envelope \
        xmlns:d=\"http://schemas.xmlsoap.org/ws/2005/04/discovery\"><d:ProbeMatch>\
        <d:Types>dn:NetworkVideoTransmitter</d:Types><d:Scopes>onvif://www.onvif.org/name/Cam \
        onvif://www.onvif.org/hardware/C1 onvif://www.onvif.org/location/yard</d:Scopes>\
        <d:XAddrs>http://192.0.2.7/onvif/device_service</d:XAddrs></d:ProbeMatch></e:Envelope>";

    #[test]
    fn a_camera_answers_with_its_model() {
        let pieces = [(Side::Low, PROBE), (Side::High, MATCH)];
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!((label.protocol, label.content), ("ws-discovery", Content::Service));
        assert_eq!(values(&said, "ws_discovery.search"), [b"dn:NetworkVideoTransmitter"]);
        assert_eq!(values(&said, "ws_discovery.types"), [b"dn:NetworkVideoTransmitter"]);
        assert_eq!(values(&said, "ws_discovery.hardware"), [b"C1"]);
        assert_eq!(values(&said, "ws_discovery.location"), [b"yard"]);
        let other = b"<?xml version=\"1.0\"?><Envelope/>";
        let (label, _) = converse_datagrams_here(&flow(UDP, 50_000, 3702), &[(Side::Low, other)]);
        assert_eq!(label.frame, 0, "by its port at most");
    }
}
