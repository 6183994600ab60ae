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
    one_way(flow, false, pieces, label);
    (label, whole)
}

/// Feeds datagrams as they are, then swapped, doubled, one way only and on another port. Swapped
/// and doubled ones must say the same things, in whatever order; one way may say less, but what it
/// is called is the same or nothing.
pub fn converse_datagrams(flow: &Flow, pieces: &[(Side, &[u8])]) -> (Label, Vec<Said>) {
    let (label, whole) = converse(flow, true, pieces);
    let sorted = |said: &[Said]| -> Vec<String> {
        let mut all: Vec<String> = said.iter().map(|said| format!("{said:?}")).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let same = |flow: &Flow, pieces: &[(Side, &[u8])], how: &str| {
        let (other, said) = converse(flow, true, pieces);
        assert_eq!(other.protocol, label.protocol, "{how}");
        assert_eq!(sorted(&said), sorted(&whole), "{how}");
    };
    for at in 1..pieces.len() {
        // An answer does not come before its question.
        if pieces[at].0 == pieces[at - 1].0 {
            let mut swapped = pieces.to_vec();
            swapped.swap(at - 1, at);
            same(flow, &swapped, "swapped neighbours");
        }
    }
    let doubled: Vec<_> = pieces.iter().flat_map(|&piece| [piece, piece]).collect();
    same(flow, &doubled, "doubled");
    same(&on_another_port(flow), pieces, "on another port");
    one_way(flow, true, pieces, label);
    (label, whole)
}

/// The same flow to a port that is nobody's.
fn on_another_port(like: &Flow) -> Flow {
    flow(like.key.protocol, like.key.port(like.initiator).unwrap_or_default(), 29_999)
}

/// Half a conversation may be too little, but is never called something else.
fn one_way(flow: &Flow, datagrams: bool, pieces: &[(Side, &[u8])], label: Label) {
    for side in [Side::Low, Side::High] {
        let half: Vec<_> = pieces.iter().copied().filter(|piece| piece.0 == side).collect();
        let (other, _) = converse(flow, datagrams, &half);
        let fits = other.protocol == label.protocol || other.method != super::Method::Payload;
        assert!(fits, "one way only: {} became {}", label.protocol, other.protocol);
    }
}
