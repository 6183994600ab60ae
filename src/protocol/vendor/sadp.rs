//! SADP: how Hikvision devices are found. XML over UDP to 239.255.255.250, port 37020; an answer
//! tells model, serial number and firmware to anyone. Recognised on any port by its root element
//! and `Uuid` (more than 100 fixed bits).
//!
//! Documents: public dumps of Hikvision's own SADP tool, whose manual has the timers.
//! Bounds: one datagram at a time; those of `framed.rs`.

use super::super::syntax::document::{Entry, Meaning, contains, tell};
use super::super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, probe};
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// SADP.
pub struct Sadp;

/// The root element stands near the start, behind an XML declaration at most.
const ROOT_WITHIN_BYTES: usize = 256;

const TABLE: &[Entry] = &[
    ("DeviceSN", Meaning::Identity(IdentityKind::Serial), "sadp.serial"),
    ("DeviceDescription", Meaning::Identity(IdentityKind::Model), "sadp.model"),
    ("SoftwareVersion", Meaning::Identity(IdentityKind::Firmware), "sadp.firmware"),
    ("MAC", Meaning::Identity(IdentityKind::Mac), "sadp.mac"),
    ("OEMInfo", Meaning::Identity(IdentityKind::Product), "sadp.oem"),
    ("Types", Meaning::Note, "sadp.type"),
    ("CommandPort", Meaning::Note, "sadp.command_port"),
    ("HttpPort", Meaning::Note, "sadp.http_port"),
    ("Activated", Meaning::Note, "sadp.activated"),
    ("BootTime", Meaning::Note, "sadp.boot_time"),
];

impl Dissector for Sadp {
    fn name(&self) -> &'static str {
        "sadp"
    }

    fn rule(&self) -> &'static str {
        "XML with the root of a search"
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
    let start = &datagram[..datagram.len().min(ROOT_WITHIN_BYTES)];
    let fits = datagram.first() == Some(&b'<')
        && [&b"<Probe>"[..], b"<ProbeMatch>"].iter().any(|root| contains(start, root))
        && contains(start, b"<Uuid>");
    if fits { Size::Whole(datagram.len()) } else { Size::Broken }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        tell(message.bytes, TABLE, voice);
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_datagrams_here, flow, values};
    use crate::flow::Side;
    use crate::protocol::UDP;

    const INQUIRY: &[u8] = b"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<Probe>\n\
        <Uuid>13A888A9-F1B1-4020-AE9F-05607682D23B</Uuid>\n<Types>inquiry</Types>\n</Probe>";
    const MATCH: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\" ?>\n<ProbeMatch>\n\
        <Uuid>13A888A9-F1B1-4020-AE9F-05607682D23B</Uuid>\n<Types>inquiry</Types>\n\
        <DeviceDescription>DS-TEST</DeviceDescription>\n<DeviceSN>DS-TEST20200101AA1</DeviceSN>\n\
        <MAC>00-00-5e-00-53-01</MAC>\n<SoftwareVersion>V5.5.0build 1</SoftwareVersion>\n\
        </ProbeMatch>";

    #[test]
    fn an_answer_tells_who_the_device_is() {
        for port in [37_020, 50_001] {
            let pieces = [(Side::Low, INQUIRY), (Side::High, MATCH), (Side::High, MATCH)];
            let (label, said) = converse_datagrams_here(&flow(UDP, 50_000, port), &pieces);
            assert_eq!((label.protocol, label.frame), ("sadp", 1));
            assert_eq!(values(&said, "sadp.serial"), [b"DS-TEST20200101AA1"]);
            assert_eq!(values(&said, "sadp.model"), [b"DS-TEST"]);
            assert_eq!(values(&said, "sadp.type"), [b"inquiry"]);
        }
    }

    #[test]
    fn other_xml_is_not_sadp() {
        let other = b"<?xml version=\"1.0\"?><s:Envelope><Probe/></s:Envelope>";
        let (label, _) = converse_datagrams_here(&flow(UDP, 50_000, 37_020), &[(Side::Low, other)]);
        assert_ne!(label.protocol, "sadp");
    }
}
