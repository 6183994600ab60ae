//! The hot path allocates nothing: 100,000 packets of established flows are counted.

use phonehome::attribution::geo::Geo;
use phonehome::base::time::Timestamp;
use phonehome::engine::{Engine, Job, Settings};
use phonehome::source::{Chunk, Frame};
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: every call goes unchanged to the system allocator, whose contract is the same; counting
// touches an atomic only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: see above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: see above.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: see above.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// A packet between 10.0.0.`host` and 192.0.2.1: TCP in even flows, UDP in odd ones.
fn packet(host: u8, outgoing: bool, sequence: u32, payload: &[u8]) -> Vec<u8> {
    let tcp = host.is_multiple_of(2);
    let (local, remote) = ([10, 0, 0, host], [192, 0, 2, 1]);
    let (source, destination) = if outgoing { (local, remote) } else { (remote, local) };
    let ports: [u16; 2] = if outgoing { [40_000, 9_999] } else { [9_999, 40_000] };
    let header = if tcp { 20 } else { 8 };
    let length = (20 + header + payload.len()) as u16;
    let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0];
    bytes.extend(length.to_be_bytes());
    bytes.extend([0, 0, 0, 0, 64, if tcp { 6 } else { 17 }, 0, 0]);
    bytes.extend(source);
    bytes.extend(destination);
    bytes.extend(ports.into_iter().flat_map(u16::to_be_bytes));
    if tcp {
        bytes.extend(sequence.to_be_bytes());
        bytes.extend([0, 0, 0, 0, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0]);
    } else {
        bytes.extend((8 + payload.len() as u16).to_be_bytes());
        bytes.extend([0, 0]);
    }
    bytes.extend(payload);
    bytes
}

/// Ten flows, five of TCP and five of UDP, one packet in three outgoing. Each direction of a TCP
/// flow is in order, but for every `skip`-th packet, which is missing.
struct Traffic {
    sequences: [[u32; 2]; 10],
    sent: u32,
    skip: Option<u32>,
}

impl Traffic {
    fn new(skip: Option<u32>) -> Traffic {
        Traffic { sequences: Default::default(), sent: 0, skip }
    }

    fn packet(&mut self) -> Vec<u8> {
        self.sent += 1;
        let (flow, outgoing) = (self.sent as usize % 10, self.sent.is_multiple_of(3));
        let sequence = &mut self.sequences[flow][usize::from(outgoing)];
        if self.skip.is_some_and(|skip| self.sent.is_multiple_of(skip)) {
            *sequence += PAYLOAD.len() as u32;
        }
        let bytes = packet(flow as u8 + 1, outgoing, *sequence, &PAYLOAD);
        *sequence += PAYLOAD.len() as u32;
        bytes
    }
}

const PAYLOAD: [u8; 600] = [0xa5; 600];
/// Until every flow has been looked at by every dissector and given up, and its state, the gaps of
/// its sequence numbers included, has its final size.
const WARM_UP: u64 = 10_000;
const COUNTED: u64 = 100_000;

const CHUNK: u64 = 1_000;

fn allocations_after_warm_up(mut traffic: Traffic) -> u64 {
    let geo = Geo::default();
    let settings = Settings { flows_max: 1 << 16, ..Settings::default() };
    let mut engine = Engine::new(settings, &geo, None);
    let mut job = Job::default();
    let mut new = 0;
    for number in 0..(WARM_UP + COUNTED) / CHUNK {
        let mut chunk = Chunk::default();
        for frame in number * CHUNK + 1..=(number + 1) * CHUNK {
            let data = traffic.packet();
            let time = Timestamp(frame as i64 * 1_000_000);
            let wire_length = data.len() as u32;
            chunk.push(&Frame { number: frame, time, wire_length, link: 1, data: &data });
        }
        job.replace(chunk);
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        engine.job(&mut job);
        if number >= WARM_UP / CHUNK {
            new += ALLOCATIONS.load(Ordering::Relaxed) - before;
        }
    }
    let outcome = engine.finish();
    assert_eq!(outcome.frames.total, WARM_UP + COUNTED);
    assert_eq!(outcome.frames.explained(), WARM_UP + COUNTED);
    assert_eq!(outcome.sums.flows_created, 10);
    new
}

/// One test, so that no other allocates meanwhile.
#[test]
fn established_flows_allocate_nothing_per_packet() {
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    drop(std::hint::black_box(vec![0u8; 100]));
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 1, "allocations are counted");
    assert_eq!(allocations_after_warm_up(Traffic::new(None)), 0, "in order");
    assert_eq!(allocations_after_warm_up(Traffic::new(Some(7))), 0, "with gaps");
}
