//! The hot path allocates nothing: 100,000 packets of established flows are counted.

use phonehome::attribution::geo::Geo;
use phonehome::base::time::Timestamp;
use phonehome::engine::{Engine, Records};
use phonehome::source::Frame;
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

#[test]
fn established_flows_allocate_nothing_per_packet() {
    const ROUND: usize = 100;
    let payload = [0xa5; 600];
    let geo = Geo::default();
    let mut engine = Engine::new(1 << 16);
    let mut none: Option<&mut Records<'_>> = None;
    let mut number = 0;
    let mut run = |rounds: std::ops::Range<usize>, count: bool| {
        let mut packets = Vec::new();
        for round in rounds {
            packets.clear();
            for index in 0..ROUND {
                let outgoing = index.is_multiple_of(3);
                let sequence = (round as u32 * ROUND as u32 + index as u32) * 600;
                packets.push(packet((index % 10) as u8 + 1, outgoing, sequence, &payload));
            }
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            for data in &packets {
                number += 1;
                let time = Timestamp(number * 1_000_000);
                let wire_length = data.len() as u32;
                let frame = Frame { number: number as u64, time, wire_length, link: 1, data };
                engine.frame(&frame, &geo, &mut none);
            }
            let new = ALLOCATIONS.load(Ordering::Relaxed) - before;
            assert!(!count || new == 0, "{new} allocations in round {round}");
        }
    };
    // Until every flow has been looked at by every dissector and given up, and its state, the
    // gaps of its sequence numbers included, has its final size.
    run(0..100, false);
    run(100..1_100, true);
    assert_eq!(engine.frames.total, 110_000);
    assert_eq!(engine.frames.explained(), 110_000);
}
