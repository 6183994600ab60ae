//! Instructions counted by valgrind on a generated corpus: the same on a busy machine, so a change
//! of half a percent can be seen. Says nothing of caches and memory; `make race` does.
//!
//! `make bench-instructions` runs it and says what is missing.

mod corpus;

use gungraun::{library_benchmark, library_benchmark_group, main};
use phonehome::attribution::geo::Geo;
use phonehome::base::table::BuildHasher;
use phonehome::base::time::Timestamp;
use phonehome::decode::{Body, decode};
use phonehome::engine::{Engine, Outcome, Settings};
use phonehome::flow::distribution::Distributions;
use phonehome::flow::{Brief, End, Flow, FlowId, FlowSink, FlowTable, Segment};
use phonehome::source::{Chunk, Frame, Sources};
use std::hint::black_box;
use tempfile::NamedTempFile;

const PACKETS: usize = 20_000;

type Packets = Vec<(u64, Vec<u8>)>;

fn file() -> NamedTempFile {
    let file = NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), corpus::pcap(&corpus::packets(PACKETS))).expect("room for it");
    file
}

fn packets() -> Packets {
    corpus::packets(PACKETS)
}

fn open(file: &NamedTempFile) -> Sources {
    Sources::open(&[file.path().to_owned()], false).expect("the corpus opens")
}

/// Wants no payload: what remains is the cost of the table.
struct Nothing;

impl FlowSink for Nothing {
    fn opened(&mut self, _: FlowId, _: &Flow) {}
    fn segment(&mut self, _: FlowId, _: &Flow, _: &Segment<'_>) -> bool {
        false
    }
    fn closed(&mut self, _: FlowId, _: Flow, _: End, _: u64) {}
}

fn briefs() -> Vec<Brief> {
    let hasher = BuildHasher::default();
    let packets = packets();
    let brief = |(number, (time, data)): (u64, &(u64, Vec<u8>))| {
        let time = Timestamp(*time as i64 * 1000);
        let frame = Frame { number, time, wire_length: data.len() as u32, link: 1, data };
        let packet = decode(&frame);
        let Body::Ip(ip) = packet.body else { return None };
        let around = (&packet.vlans, &packet.tunnels);
        Some(Brief::of(&frame, time, &ip, [None; 2], around, &hasher))
    };
    (1..).zip(&packets).filter_map(brief).collect()
}

#[library_benchmark]
#[bench::corpus(setup = file)]
fn read(file: NamedTempFile) -> (NamedTempFile, usize) {
    let (mut sources, mut chunk) = (open(&file), Chunk::default());
    let mut frames = 0;
    loop {
        sources.fill(&mut chunk);
        if chunk.is_empty() {
            return (file, frames);
        }
        frames += chunk.len();
    }
}

#[library_benchmark]
#[bench::corpus(setup = packets)]
fn decoding(packets: Packets) -> (Packets, u64) {
    let mut count = 0;
    for (number, (time, data)) in (1..).zip(&packets) {
        let time = Timestamp(*time as i64 * 1000);
        let frame = Frame { number, time, wire_length: data.len() as u32, link: 1, data };
        count += u64::from(matches!(black_box(decode(&frame)).body, Body::Ip(_)));
    }
    (packets, count)
}

// What is returned is dropped outside of the count.
#[library_benchmark]
#[bench::corpus(setup = briefs)]
fn flows(briefs: Vec<Brief>) -> (Vec<Brief>, FlowTable) {
    let mut table = FlowTable::new(1 << 16);
    let mut sums = Distributions::default();
    for brief in &briefs {
        table.packet((brief, None), brief.seen, || None, || &[], &mut sums, &mut Nothing);
    }
    (briefs, table)
}

#[library_benchmark]
#[bench::corpus(setup = file)]
fn whole_walk(file: NamedTempFile) -> (NamedTempFile, Outcome) {
    let outcome =
        Engine::new(Settings::default(), &Geo::default(), None).read(&mut open(&file), &mut |_| {});
    (file, outcome)
}

library_benchmark_group!(name = stages; benchmarks = read, decoding, flows, whole_walk);
main!(library_benchmark_groups = stages);
