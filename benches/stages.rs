//! Speed of each stage and of the whole walk, on a generated corpus.

mod corpus;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use phonehome::attribution::geo::Geo;
use phonehome::base::table::BuildHasher;
use phonehome::base::time::Timestamp;
use phonehome::decode::{Body, decode};
use phonehome::engine::{Engine, Settings};
use phonehome::flow::distribution::Distributions;
use phonehome::flow::{Brief, End, Flow, FlowId, FlowSink, FlowTable, Segment};
use phonehome::source::{Chunk, Frame, Sources};
use std::hint::black_box;
use std::path::Path;

const PACKETS: usize = 100_000;

/// Wants no payload: what remains is the cost of the table.
struct Nothing;

impl FlowSink for Nothing {
    fn opened(&mut self, _: FlowId, _: &Flow) {}
    fn segment(&mut self, _: FlowId, _: &Flow, _: &Segment<'_>) -> bool {
        false
    }
    fn closed(&mut self, _: FlowId, _: Flow, _: End, _: u64) {}
}

fn frames(packets: &[(u64, Vec<u8>)]) -> Vec<Frame<'_>> {
    let frame = |(index, (time, data)): (usize, &'_ (u64, Vec<u8>))| -> (u64, Timestamp, usize) {
        (index as u64 + 1, Timestamp(*time as i64 * 1000), data.len())
    };
    packets
        .iter()
        .enumerate()
        .map(|item| {
            let (number, time, length) = frame(item);
            Frame { number, time, wire_length: length as u32, link: 1, data: &item.1.1 }
        })
        .collect()
}

fn open(path: &Path) -> Sources {
    Sources::open(&[path.to_owned()], false).expect("the corpus opens")
}

fn stages(criterion: &mut Criterion) {
    let packets = corpus::packets(PACKETS);
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), corpus::pcap(&packets)).expect("room for the corpus");
    let frames = frames(&packets);
    let geo = Geo::default();
    let hasher = BuildHasher::default();
    let mut group = criterion.benchmark_group("stages");
    let bytes = packets.iter().map(|(_, data)| data.len() as u64).sum();
    let elements = PACKETS as u64;
    group.throughput(Throughput::ElementsAndBytes { elements, bytes }).sample_size(20);

    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            let (mut sources, mut chunk) = (open(file.path()), Chunk::default());
            let mut frames = 0;
            loop {
                sources.fill(&mut chunk);
                if chunk.is_empty() {
                    break frames;
                }
                frames += chunk.len();
            }
        });
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            frames
                .iter()
                .map(|frame| u64::from(matches!(black_box(decode(frame)).body, Body::Ip(_))))
                .sum::<u64>()
        });
    });
    group.bench_function("flow", |bencher| {
        bencher.iter_batched(
            || (FlowTable::new(1 << 16), Distributions::default()),
            |(mut table, mut sums)| {
                for frame in &frames {
                    let packet = decode(frame);
                    if let Body::Ip(ip) = packet.body {
                        let around = (&packet.vlans, &packet.tunnels);
                        let brief = Brief::of(frame, frame.time, &ip, [None; 2], around, &hasher);
                        let now = frame.time;
                        table.packet((&brief, None), now, || None, || &[], &mut sums, &mut Nothing);
                    }
                }
                table
            },
            BatchSize::LargeInput,
        );
    });
    for threads in [1, 2] {
        group.bench_function(format!("whole_walk_{threads}"), |bencher| {
            let settings = Settings { threads, ..Settings::default() };
            bencher.iter(|| {
                Engine::new(settings, &geo, None).read(&mut open(file.path()), &mut |_| {})
            });
        });
    }
    group.finish();
}

criterion_group!(benches, stages);
criterion_main!(benches);
