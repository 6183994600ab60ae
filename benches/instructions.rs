//! Instructions counted by valgrind on a generated corpus: the same on a busy machine, so a change
//! of half a percent can be seen. Says nothing of caches and memory; `make race` does.
//!
//! `make bench-instructions` runs it and says what is missing.

mod corpus;

use gungraun::{library_benchmark, library_benchmark_group, main};
use phonehome::attribution::geo::Geo;
use phonehome::base::time::Timestamp;
use phonehome::decode::{Body, decode};
use phonehome::engine::Engine;
use phonehome::source::{FileSource, Frame};
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

fn engine() -> (NamedTempFile, Engine, Geo) {
    (file(), Engine::new(1 << 16), Geo::default())
}

#[library_benchmark]
#[bench::corpus(setup = file)]
fn read(file: NamedTempFile) -> (NamedTempFile, usize) {
    let mut source = FileSource::open(file.path(), false).expect("the corpus opens");
    let mut bytes = 0;
    while let Some(frame) = source.next_frame() {
        bytes += frame.data.len();
    }
    (file, bytes)
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
#[bench::corpus(setup = engine)]
fn whole_walk((file, mut engine, geo): (NamedTempFile, Engine, Geo)) -> (NamedTempFile, Engine) {
    let mut source = FileSource::open(file.path(), false).expect("the corpus opens");
    engine.read(&mut source, &geo, None, &mut |_| {});
    (file, engine)
}

library_benchmark_group!(name = stages; benchmarks = read, decoding, whole_walk);
main!(library_benchmark_groups = stages);
