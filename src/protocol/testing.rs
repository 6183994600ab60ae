//! What the tests of all dissectors share: hand-made flows and conversations fed through the
//! same path as real ones, cut in different ways.

use super::{DISSECTORS, Fact, Label, Sessions};
use crate::base::table::BuildHasher;
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
    FlowTable::new(1).packet((&brief, None), frame.time, || None, || &[], distributions, &mut grab);
    grab.0.expect("the packet opened a flow")
}

pub fn segment(side: Side, data: &[u8], frame: u64) -> Segment<'_> {
    Segment { side, data, frame, time: Timestamp(0), wire_length: 0, gap: 0, datagram: false }
}

/// Feeds a conversation of (side, bytes); `Side::Low` is the initiator. Returns label and facts.
pub fn converse(flow: &Flow, datagrams: bool, pieces: &[(Side, &[u8])]) -> (Label, Vec<Said>) {
    let mut sessions = Sessions::new(true);
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
    let (label, _) = sessions.closed(FlowId(0), flow, End::CaptureEnd, &mut say);
    if let Some(port) = flow.key.port(flow.initiator.other()) {
        write_down(label, &format!("port {port}"));
    }
    write_down(label, &format!("test {}", std::thread::current().name().unwrap_or_default()));
    let names: std::collections::BTreeSet<&str> = said.iter().map(|said| said.name).collect();
    names.into_iter().for_each(|name| write_down(label, &format!("fact {name}")));
    (label, said)
}

/// A conversation as packets through the flow table, which puts streams in order again.
struct Reassembly {
    sessions: Sessions,
    said: Vec<Said>,
    flow: Option<Flow>,
}

impl FlowSink for Reassembly {
    fn opened(&mut self, id: FlowId, _: &Flow) {
        self.sessions.opened(id);
    }

    fn segment(&mut self, id: FlowId, flow: &Flow, segment: &Segment<'_>) -> bool {
        let said = &mut self.said;
        let more = self.sessions.segment(id, flow, segment, &mut |_, fact| {
            said.push(Said { what: fact.what, name: fact.name, value: fact.value.to_vec() });
        });
        self.flow = Some(flow.clone());
        more
    }

    fn closed(&mut self, _: FlowId, _: Flow, _: End, _: u64) {}
}

/// What lies around the packets of a conversation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Around {
    Nothing,
    /// IP in IP (RFC 2003).
    Tunnel,
}

const IP_BYTES: usize = 20;

/// Feeds segments of (side, offset in its stream, bytes) in the order given, streams behind a
/// handshake where their beginning is meant to be seen.
fn through_packets(
    like: &Flow,
    segments: &[(Side, u32, &[u8])],
    around: Around,
) -> (Label, Vec<Said>) {
    const SYN: u8 = 2;
    const ACK: u8 = 16;
    let mut table = FlowTable::new(1);
    let mut sink = Reassembly { sessions: Sessions::new(true), said: Vec::new(), flow: None };
    let distributions = &mut Distributions::default();
    // One for all packets: each default has a seed of its own.
    let hasher = BuildHasher::default();
    let is_tcp = like.key.protocol == super::TCP;
    let handshake: &[(Side, u32, u8, &[u8])] = match is_tcp && like.initiator_known {
        true => &[(Side::Low, 0, SYN, &[]), (Side::High, 0, SYN | ACK, &[])],
        false => &[],
    };
    let data = segments.iter().map(|&(side, at, data)| (side, at + 1, ACK, data));
    let all = handshake.iter().copied().chain(data);
    for (index, (side, sequence, flags, data)) in all.enumerate() {
        let port = |side| like.key.port(side).unwrap_or_default().to_be_bytes();
        let mut transport = [port(side), port(side.other())].concat();
        if is_tcp {
            transport.extend(sequence.to_be_bytes());
            transport.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        } else {
            transport.extend((8 + data.len() as u16).to_be_bytes());
            transport.extend([0, 0]);
        }
        let payload = transport.len();
        transport.extend(data);
        let ends = [[10, 0, 0, 1], [192, 0, 2, 1]];
        let [from, to] = [ends[side.index()], ends[side.other().index()]];
        let mut bytes = ip([from, to], like.key.protocol, &transport);
        let mut payload = IP_BYTES + payload;
        if around == Around::Tunnel {
            let far = [[198, 51, 100, 1], [198, 51, 100, 2]];
            bytes = ip([far[side.index()], far[side.other().index()]], 4, &bytes);
            payload += IP_BYTES;
        }
        let (number, wire_length) = (index as u64 + 1, bytes.len() as u32);
        let frame = Frame { number, time: Timestamp(0), wire_length, link: 101, data: &bytes };
        let packet = decode(&frame);
        let Body::Ip(ip) = packet.body else { unreachable!("the packet above is IPv4") };
        let around = (&packet.vlans, &packet.tunnels);
        let brief = Brief::of(&frame, frame.time, &ip, [None; 2], around, &hasher);
        table.packet(
            (&brief, None),
            frame.time,
            || None,
            || &bytes[payload..],
            distributions,
            &mut sink,
        );
    }
    let Reassembly { mut sessions, mut said, flow } = sink;
    let flow = flow.unwrap_or_else(|| like.clone());
    let (label, _) = sessions.closed(FlowId(0), &flow, End::CaptureEnd, &mut |_, fact| {
        said.push(Said { what: fact.what, name: fact.name, value: fact.value.to_vec() });
    });
    (label, said)
}

fn ip([from, to]: [[u8; 4]; 2], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let length = ((IP_BYTES + payload.len()) as u16).to_be_bytes();
    let mut bytes = vec![0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, protocol, 0, 0];
    bytes.extend(from);
    bytes.extend(to);
    bytes.extend(payload);
    bytes
}

/// Pieces with their places in the streams, cut to `size`.
fn placed<'a>(pieces: &[(Side, &'a [u8])], size: usize) -> Vec<(Side, u32, &'a [u8])> {
    let mut sent = [0; 2];
    let mut segments = Vec::new();
    for &(side, data) in pieces {
        for chunk in data.chunks(size) {
            segments.push((side, sent[side.index()], chunk));
            sent[side.index()] += chunk.len() as u32;
        }
    }
    segments
}

/// What was done to a conversation without a change of its label.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Cut,
    Swapped,
    Doubled,
    Half,
    Tunnelled,
    OnAnotherPort,
}

impl Way {
    pub const ALL: [Way; 6] =
        [Way::Cut, Way::Swapped, Way::Doubled, Way::Half, Way::Tunnelled, Way::OnAnotherPort];

    pub fn name(self) -> &'static str {
        match self {
            Way::Cut => "cut",
            Way::Swapped => "swapped",
            Way::Doubled => "doubled",
            Way::Half => "one way",
            Way::Tunnelled => "tunnelled",
            Way::OnAnotherPort => "on another port",
        }
    }
}

/// Where tests write what was done with which dissector's conversations, one line each.
pub const TAKEN_PART: &str = "PHONEHOME_TESTS_TAKEN_PART";

fn took_part(label: Label, way: Way) {
    write_down(label, way.name());
}

fn write_down(label: Label, what: &str) {
    let recognised = label.frame > 0 && DISSECTORS.iter().any(|d| d.name() == label.protocol);
    if let Some(path) = std::env::var_os(TAKEN_PART).filter(|_| recognised) {
        let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
        let line = format!("{}: {what}\n", label.protocol);
        std::io::Write::write_all(&mut file.unwrap(), line.as_bytes()).unwrap();
    }
}

/// Neighbours swapped, every segment twice, and everything in a tunnel, change nothing.
fn in_disorder(flow: &Flow, pieces: &[(Side, &[u8])], label: Label, whole: &[Said]) {
    let segments = placed(pieces, 40);
    let doubled: Vec<_> = segments.iter().flat_map(|&segment| [segment, segment]).collect();
    let mut swapped = segments;
    for pair in swapped.chunks_exact_mut(2).filter(|pair| pair[0].0 == pair[1].0) {
        pair.swap(0, 1);
    }
    let cases = [
        (doubled, Around::Nothing, Way::Doubled),
        (swapped, Around::Nothing, Way::Swapped),
        (placed(pieces, 1200), Around::Tunnel, Way::Tunnelled),
    ];
    for (segments, around, way) in cases {
        let (other, said) = through_packets(flow, &segments, around);
        assert_eq!(other.protocol, label.protocol, "{}", way.name());
        assert_eq!(said, whole, "{}", way.name());
        took_part(other, way);
    }
}

/// Feeds a TCP conversation whole, in 5-byte segments, in disorder, in a tunnel and one way only.
/// All but one way must give the same label and facts.
pub fn converse_tcp(flow: &Flow, pieces: &[(Side, &[u8])]) -> (Label, Vec<Said>) {
    let (label, whole) = converse(flow, false, pieces);
    let cut: Vec<(Side, &[u8])> = pieces
        .iter()
        .flat_map(|&(side, data)| data.chunks(5).map(move |chunk| (side, chunk)))
        .collect();
    let (cut_label, said) = converse(flow, false, &cut);
    assert_eq!(cut_label.protocol, label.protocol, "in 5-byte segments");
    assert_eq!(said, whole, "in 5-byte segments");
    took_part(cut_label, Way::Cut);
    assert!(DISSECTORS.iter().any(|d| d.name() == label.protocol) || label.frame == 0);
    if DISSECTORS.iter().any(|d| d.name() == label.protocol) {
        in_disorder(flow, pieces, label, &whole);
        one_way(flow, false, pieces, label);
    }
    (label, whole)
}

/// The same on a port that is nobody's; not where the port says what was meant.
pub fn converse_anywhere(flow: &Flow, pieces: &[(Side, &[u8])]) -> (Label, Vec<Said>) {
    let (label, whole) = converse_tcp(flow, pieces);
    let (elsewhere, said) = converse(&on_another_port(flow), false, pieces);
    assert_eq!(elsewhere.protocol, label.protocol, "on another port");
    assert_eq!(said, whole, "on another port");
    took_part(elsewhere, Way::OnAnotherPort);
    (label, whole)
}

/// The same as [`converse_datagrams_here`], and on another port.
pub fn converse_datagrams(flow: &Flow, pieces: &[(Side, &[u8])]) -> (Label, Vec<Said>) {
    let (label, whole) = converse_datagrams_here(flow, pieces);
    let (elsewhere, said) = converse(&on_another_port(flow), true, pieces);
    assert_eq!(elsewhere.protocol, label.protocol, "on another port");
    assert_eq!(said, whole, "on another port");
    took_part(elsewhere, Way::OnAnotherPort);
    (label, whole)
}

/// Feeds datagrams as they are, then swapped, doubled, in a tunnel and one way only. Swapped,
/// doubled and tunnelled ones must say the same things, in whatever order; one way may say less, but
/// what it is called is the same or nothing. What has no ports goes through no tunnel here.
pub fn converse_datagrams_here(flow: &Flow, pieces: &[(Side, &[u8])]) -> (Label, Vec<Said>) {
    let (label, whole) = converse(flow, true, pieces);
    let sorted = |said: &[Said]| -> Vec<String> {
        let mut all: Vec<String> = said.iter().map(|said| format!("{said:?}")).collect();
        all.sort_unstable();
        all.dedup();
        all
    };
    let same = |(other, said): (Label, Vec<Said>), way: Way| {
        assert_eq!(other.protocol, label.protocol, "{}", way.name());
        assert_eq!(sorted(&said), sorted(&whole), "{}", way.name());
        took_part(other, way);
    };
    for at in 1..pieces.len() {
        let mut swapped = pieces.to_vec();
        swapped.swap(at - 1, at);
        let (other, said) = converse(flow, true, &swapped);
        // An answer in front of its question may be less than both, but nothing else.
        let answers = pieces[at].0 != pieces[at - 1].0;
        if !answers || (other.protocol == label.protocol && sorted(&said) == sorted(&whole)) {
            same((other, said), Way::Swapped);
        } else if !may_be(&other, &said, label) {
            panic!("swapped: {} became {}", label.protocol, other.protocol);
        }
    }
    let doubled: Vec<_> = pieces.iter().flat_map(|&piece| [piece, piece]).collect();
    same(converse(flow, true, &doubled), Way::Doubled);
    if flow.key.protocol == super::UDP {
        let datagrams: Vec<_> = pieces.iter().map(|&(side, data)| (side, 0, data)).collect();
        same(through_packets(flow, &datagrams, Around::Tunnel), Way::Tunnelled);
    }
    one_way(flow, true, pieces, label);
    (label, whole)
}

/// The same flow to a port that is nobody's.
fn on_another_port(like: &Flow) -> Flow {
    flow(like.key.protocol, like.key.port(like.initiator).unwrap_or_default(), 29_999)
}

/// Half a conversation may be too little, but is never called something else, unless both names are
/// right.
fn one_way(flow: &Flow, datagrams: bool, pieces: &[(Side, &[u8])], label: Label) {
    for side in [Side::Low, Side::High] {
        let half: Vec<_> = pieces.iter().copied().filter(|piece| piece.0 == side).collect();
        let (other, said) = converse(flow, datagrams, &half);
        took_part(label, Way::Half);
        let fits = may_be(&other, &said, label);
        assert!(fits, "one way only: {} became {}", label.protocol, other.protocol);
    }
}

/// The same name, none, or one beside which the first stands.
fn may_be(other: &Label, said: &[Said], label: Label) -> bool {
    let carries = super::What::Carries(label.protocol);
    other.protocol == label.protocol
        || other.method != super::Method::Payload
        || said.iter().any(|said| said.what == carries)
}

/// Values of the facts called `name`.
pub fn values<'a>(said: &'a [Said], name: &str) -> Vec<&'a [u8]> {
    said.iter().filter(|said| said.name == name).map(|said| &said.value[..]).collect()
}
