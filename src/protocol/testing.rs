//! What the tests of all dissectors share: hand-made flows and conversations fed through the
//! same path as real ones, cut in different ways.

use super::{DISSECTORS, Fact, Label, Sessions};
use crate::base::time::Timestamp;
use crate::decode::{Body, decode};
use crate::flow::distribution::Distributions;
use crate::flow::{Brief, End, Flow, FlowId, FlowSink, FlowTable, Segment, Side};
use crate::source::Frame;

/// A said fact with its value copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    pub what: super::What,
    pub name: &'static str,
    pub value: Vec<u8>,
}

/// A flow between 10.0.0.1:`source_port` (the initiator, the low side) and 192.0.2.1.
pub fn flow(protocol: u8, source_port: u16, destination_port: u16) -> Flow {
    struct Grab(Option<Flow>);
    impl FlowSink for Grab {
        fn opened(&mut self, _: FlowId, flow: &Flow) {
            self.0 = Some(flow.clone());
        }
        fn segment(&mut self, _: FlowId, _: &Flow, _: &Segment<'_>) -> bool {
            false
        }
        fn closed(&mut self, _: FlowId, _: Flow, _: End, _: u64) {}
    }
    let mut bytes = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, protocol, 0, 0];
    bytes.extend([10, 0, 0, 1, 192, 0, 2, 1]);
    bytes.extend(source_port.to_be_bytes());
    bytes.extend(destination_port.to_be_bytes());
    bytes.extend(if protocol == super::TCP {
        [0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0]
    } else {
        [0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    });
    let frame = Frame { number: 1, time: Timestamp(0), wire_length: 40, link: 101, data: &bytes };
    let packet = decode(&frame);
    let Body::Ip(ip) = packet.body else { unreachable!("the packet above is IPv4") };
    let mut grab = Grab(None);
    let around = (&packet.vlans, &packet.tunnels);
    let brief = Brief::of(&frame, frame.time, &ip, [None; 2], around, &Default::default());
    let distributions = &mut Distributions::default();
    FlowTable::new(1).packet(&brief, None, frame.time, || &[], distributions, &mut grab);
    grab.0.expect("the packet opened a flow")
}

pub fn segment(side: Side, data: &[u8], frame: u64) -> Segment<'_> {
    Segment { side, data, frame, time: Timestamp(0), wire_length: 0, gap: 0, datagram: false }
}

/// Feeds a conversation of (side, bytes); `Side::Low` is the initiator. Returns label and facts.
pub fn converse(flow: &Flow, datagrams: bool, pieces: &[(Side, &[u8])]) -> (Label, Vec<Said>) {
    let mut sessions = Sessions::default();
    let mut said = Vec::new();
    let mut say = |_: &Segment<'_>, fact: Fact<'_>| {
        said.push(Said { what: fact.what, name: fact.name, value: fact.value.to_vec() });
    };
    sessions.opened(FlowId(0));
    for (index, &(side, data)) in pieces.iter().enumerate() {
        let piece = Segment { datagram: datagrams, ..segment(side, data, index as u64 + 1) };
        if !sessions.segment(FlowId(0), flow, &piece, &mut say) {
            break;
        }
    }
    let label = sessions.closed(FlowId(0), flow, End::CaptureEnd, &mut say);
    (label, said)
}

/// Feeds a TCP conversation whole and in 5-byte segments, and demands the same label and facts.
pub fn converse_tcp(flow: &Flow, pieces: &[(Side, &[u8])]) -> (Label, Vec<Said>) {
    let (label, whole) = converse(flow, false, pieces);
    let cut: Vec<(Side, &[u8])> = pieces
        .iter()
        .flat_map(|&(side, data)| data.chunks(5).map(move |chunk| (side, chunk)))
        .collect();
    let (cut_label, said) = converse(flow, false, &cut);
    assert_eq!(cut_label.protocol, label.protocol, "in 5-byte segments");
    assert_eq!(said, whole, "in 5-byte segments");
    assert!(DISSECTORS.iter().any(|d| d.name() == label.protocol) || label.frame == 0);
    (label, whole)
}

/// Values of the facts called `name`.
pub fn values<'a>(said: &'a [Said], name: &str) -> Vec<&'a [u8]> {
    said.iter().filter(|said| said.name == name).map(|said| &said.value[..]).collect()
}
