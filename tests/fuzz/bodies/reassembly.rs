//! A TCP conversation, cut, reordered, overlapped, repeated and forged as the input says. The
//! sender's streams are known, so what the flow table hands out and counts can be held against
//! them.

use super::packets::{ethernet, tcp, v4, v6};
use phonehome::base::table::BuildHasher;
use phonehome::base::time::Timestamp;
use phonehome::decode::{Body, decode};
use phonehome::flow::distribution::Distributions;
use phonehome::flow::{Brief, End, Flow, FlowId, FlowSink, FlowTable, Segment, Side};
use phonehome::source::Frame;

const STREAM_BYTES: usize = 4096;
const EVENTS_MAX: usize = 1000;
const SYN: u8 = 2;
const ACK: u8 = 0x10;
const FIN: u8 = 1;
/// Holes that the flow table remembers in one direction; beyond them counts are lower bounds.
const HOLES_MAX: usize = 32;
/// What may be held back in one direction, less what it takes to remember each piece.
const HELD_BYTES: usize = 60_000;
const PIECE_BYTES: usize = 64;

/// What one side sends, and what is known of it.
#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
    initial: u32,
    /// Where the table begins: at the first byte where it saw the SYN, else at the first segment.
    base: Option<usize>,
    covered: Vec<bool>,
    /// Bytes of payload on the wire.
    payload: u64,
    /// Nothing was cut off by the snap length.
    whole: bool,
    /// Two segments said different things about one byte.
    forged: bool,
    /// What it could cost to hold everything back.
    cost: usize,
    /// Runs of bytes that were sent, from the base on.
    runs: usize,
    /// Never more holes than are remembered.
    countable: bool,
}

/// What was handed out.
struct Out {
    data: Vec<u8>,
    gaps: u64,
    place: usize,
}

struct Sink<'a> {
    streams: &'a [Stream; 2],
    out: [Option<Out>; 2],
    /// Bytes after which nothing more is wanted.
    enough: usize,
    refused: bool,
    closed: Vec<Flow>,
}

impl FlowSink for Sink<'_> {
    fn opened(&mut self, _: FlowId, _: &Flow) {}

    fn segment(&mut self, _: FlowId, _: &Flow, segment: &Segment<'_>) -> bool {
        assert!(!self.refused, "handed out after no more was wanted");
        assert!(!segment.data.is_empty() && !segment.datagram);
        let stream = &self.streams[segment.side.index()];
        let base = stream.base.expect("something was sent");
        let out = self.out[segment.side.index()].get_or_insert(Out {
            data: Vec::new(),
            gaps: 0,
            place: base,
        });
        out.place += segment.gap as usize;
        out.gaps += segment.gap;
        let original = stream.bytes.get(out.place..out.place + segment.data.len());
        let original = original.expect("no more than was sent");
        assert!(stream.forged || segment.data == original, "not what was sent");
        out.place += segment.data.len();
        out.data.extend_from_slice(segment.data);
        self.refused = out.data.len() >= self.enough;
        !self.refused
    }

    fn closed(&mut self, _: FlowId, flow: Flow, _: End, _: u64) {
        self.closed.push(flow);
    }
}

impl Stream {
    fn new(side: usize, initial: u32) -> Stream {
        let byte = |at: usize| (at * 31 + at / 256 * 7 + side * 17) as u8;
        Stream {
            bytes: (0..STREAM_BYTES).map(byte).collect(),
            initial,
            covered: vec![false; STREAM_BYTES],
            whole: true,
            countable: true,
            ..Stream::default()
        }
    }

    /// Notes a segment that is about to be sent.
    fn send(&mut self, start: usize, end: usize) {
        if start == end {
            return;
        }
        let base = *self.base.get_or_insert(start);
        self.payload += (end - start) as u64;
        self.cost += end - start + PIECE_BYTES;
        let (from, to) = (start.max(base), end.max(base));
        self.runs -= self.beginnings(base, from, to);
        self.covered[start..end].fill(true);
        self.runs += self.beginnings(base, from, to);
        let holes = self.runs - usize::from(self.covered[base]);
        self.countable &= holes <= HOLES_MAX;
    }

    /// Runs of bytes that were sent which begin from `from` to just behind `to`.
    fn beginnings(&self, base: usize, from: usize, to: usize) -> usize {
        let begins = |&at: &usize| self.covered[at] && (at == base || !self.covered[at - 1]);
        (from..(to + 1).min(STREAM_BYTES)).filter(begins).count()
    }

    /// Behind the last byte that was sent.
    fn end(&self) -> usize {
        self.covered.iter().rposition(|&covered| covered).map_or(0, |last| last + 1)
    }

    /// Bytes that were sent and that the table can have seen, each once.
    fn distinct(&self) -> usize {
        let base = self.base.unwrap_or(0);
        self.covered[base..].iter().filter(|&&covered| covered).count()
    }

    /// From the base to the last byte that was sent.
    fn span(&self) -> u64 {
        self.base.map_or(0, |base| self.end().saturating_sub(base)) as u64
    }
}

struct Event {
    control: u8,
    start: usize,
    length: usize,
}

impl Event {
    fn has(&self, bit: u8) -> bool {
        self.control & bit != 0
    }
}

/// First what is the same for the whole conversation, then four bytes an event: control, place,
/// length. Control bits: 1 the other side, 2 forged, 4 FIN, 8 sent twice, 16 cut by the snap
/// length, 32 long, 64 acknowledges what may never have been sent, 128 later.
pub fn run(data: &[u8]) {
    let [options, enough, a, b, c, d, events @ ..] = data else { return };
    let initial = u32::from_be_bytes([*a, *b, *c, *d]);
    let mut streams = [Stream::new(0, initial), Stream::new(1, !initial)];
    let handshake = options & 1 != 0;
    let events: Vec<Event> = events
        .chunks_exact(4)
        .take(EVENTS_MAX)
        .map(|bytes| {
            let length = usize::from(bytes[3]) << if bytes[0] & 32 != 0 { 4 } else { 0 };
            let start = usize::from(u16::from_be_bytes([bytes[1], bytes[2]])) % STREAM_BYTES;
            Event { control: bytes[0], start, length: length.min(STREAM_BYTES - start) }
        })
        .collect();
    let mut frames = Vec::new();
    let mut time = 0;
    let ip_version = options & 2;
    let mut wire = |segment: &[u8], out: bool, captured: usize, time: i64, number: u16| {
        let ends = if out { [1, 2] } else { [2, 1] };
        let packet =
            if ip_version == 0 { v4(ends, 6, number, 0, segment) } else { v6(ends, 6, segment) };
        let mut frame = ethernet(&packet);
        let wire_length = frame.len() as u32;
        frame.truncate(frame.len() - captured);
        frames.push((frame, wire_length, time));
    };
    if handshake {
        let [there, back] = streams.each_ref().map(|stream| stream.initial);
        wire(&tcp(true, there, 0, SYN, &[]), true, 0, 0, 60_000);
        let next = there.wrapping_add(1);
        wire(&tcp(false, back, next, SYN | ACK, &[]), false, 0, 1000, 60_001);
        streams.iter_mut().for_each(|stream| stream.base = Some(0));
    }
    for (number, event) in (1..).zip(&events) {
        let side = usize::from(event.has(1));
        let stream = &mut streams[side];
        let end = event.start + event.length;
        stream.send(event.start, end);
        let mut payload = stream.bytes[event.start..end].to_vec();
        if event.has(2)
            && let Some(middle) = payload.get_mut(event.length / 2)
        {
            *middle ^= 0x55;
            stream.forged = true;
        }
        let cut = if event.has(16) { event.length / 2 } else { 0 };
        stream.whole &= cut == 0;
        let sequence = stream.initial.wrapping_add(1 + event.start as u32);
        let acknowledgment = if event.has(64) { sequence.rotate_left(7) } else { 0 };
        let flags = if event.has(4) { FIN | ACK } else { ACK };
        let segment = tcp(side == 0, sequence, acknowledgment, flags, &payload);
        time += if event.has(128) { 60_000_000 } else { 10_000 };
        for _ in 0..1 + usize::from(event.has(8)) {
            wire(&segment, side == 0, cut, time, number);
        }
        if event.has(8) {
            stream.payload += event.length as u64;
            stream.cost += event.length + PIECE_BYTES;
        }
    }
    let enough = if *enough == 0 { usize::MAX } else { usize::from(*enough) * 16 };
    check(&streams, &frames, enough);
}

fn check(streams: &[Stream; 2], frames: &[(Vec<u8>, u32, i64)], enough: usize) {
    let mut sink = Sink { streams, out: [None, None], enough, refused: false, closed: Vec::new() };
    let mut table = FlowTable::new(16);
    let hasher = BuildHasher::default();
    let mut distributions = Distributions::default();
    for (number, (data, wire_length, time)) in (1..).zip(frames) {
        let (wire_length, time) = (*wire_length, Timestamp(*time));
        let frame = Frame { number, time, wire_length, link: 1, data };
        let packet = decode(&frame);
        let Body::Ip(ip) = &packet.body else { panic!("{packet:?}") };
        let macs = [packet.source_mac, packet.destination_mac];
        let brief = Brief::of(&frame, time, ip, macs, (&packet.vlans, &packet.tunnels), &hasher);
        let payload = || match ip.transport {
            phonehome::decode::Transport::Tcp(tcp) => tcp.payload,
            _ => &[],
        };
        table.packet((&brief, None), time, || None, payload, &mut distributions, &mut sink);
    }
    table.finish(frames.len() as u64 + 1, &mut sink, |_| {});
    assert_eq!(sink.closed.len(), usize::from(!frames.is_empty()));
    for flow in &sink.closed {
        for side in [Side::Low, Side::High] {
            side_holds(flow, side, &streams[side.index()], &sink.out[side.index()], enough);
        }
        let packets: u64 = [Side::Low, Side::High].map(|side| flow.sent(side).packets).iter().sum();
        assert_eq!(packets, frames.len() as u64);
    }
}

fn side_holds(flow: &Flow, side: Side, stream: &Stream, out: &Option<Out>, enough: usize) {
    let sent = flow.sent(side);
    let distinct = stream.distinct() as u64;
    assert_eq!(sent.payload_bytes, stream.payload);
    assert!(sent.delivered_bytes <= distinct, "{} of {distinct}", sent.delivered_bytes);
    assert_eq!(sent.delivered_bytes + flow.missed_bytes(side), stream.span());
    if stream.countable {
        assert_eq!(sent.delivered_bytes, distinct);
    }
    let handed_out = out.as_ref().map_or(0, |out| out.data.len() as u64);
    assert!(handed_out <= distinct, "{handed_out} handed out of {distinct}");
    let complete = distinct == stream.span() && stream.whole && stream.cost <= HELD_BYTES;
    if complete && enough == usize::MAX {
        let gaps = out.as_ref().map_or(0, |out| out.gaps);
        assert_eq!((handed_out, gaps), (distinct, 0));
    }
    if !stream.forged {
        assert_eq!(flow.conflicts(side), 0);
    }
}
