//! What a look at a running engine costs, by how much it knows. A full look is a copy of what is known, and
//! the snapshot made of it; a light one between two full ones follows what changed: here nothing, a hundredth
//! of the contacts, and all of them. Prints a table; `docs/live.md` quotes it.

#[allow(dead_code)]
mod corpus;

use phonehome::analysis::{Analysis, Light, Touched};
use phonehome::attribution::Signatures;
use phonehome::attribution::geo::Geo;
use phonehome::base::time::Timestamp;
use phonehome::canary;
use phonehome::engine::{Engine, Job, Settings};
use phonehome::source::{Chunk, Frame};
use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

/// Devices, and how many destinations each of them asks.
const SIZES: [[usize; 2]; 5] = [[5, 20], [20, 50], [100, 100], [1_000, 65], [1_000, 100]];
const ROUNDS: u32 = 5;

/// Networks of the destinations: one that no database places, so that checks find nothing, and one of
/// which several things are told.
const PLAIN: [u8; 2] = [198, 18];
const TELLING: [u8; 2] = [47, 88];

/// A client's hello from a device to one of its destinations.
fn frame(network: [u8; 2], device: usize, to: usize) -> Vec<u8> {
    let hello = corpus::tls(to);
    let [_, _, high, low] = (device as u32 + 1).to_be_bytes();
    let mut out = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 1, high, low, 8, 0, 0x45, 0];
    out.extend((40 + hello.len() as u16).to_be_bytes());
    out.extend([0, 0, 0, 0, 64, 6, 0, 0]);
    out.extend([10, 0, high, low]);
    out.extend(network);
    out.extend([(to >> 8) as u8, to as u8]);
    let port = 20_000 + (to % 40_000) as u16;
    out.extend([port, 443].into_iter().flat_map(u16::to_be_bytes));
    out.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    out.extend(hello);
    out
}

/// The next packet of each so many flows.
fn more(
    engine: &mut Engine<'_>,
    network: [u8; 2],
    [devices, each]: [usize; 2],
    one_in: usize,
    round: i64,
) {
    let mut chunk = Chunk::default();
    let mut number = 10_000_000 * (round as u64 + 1);
    for turn in 0..each {
        for device in 0..devices {
            if !(turn * devices + device).is_multiple_of(one_in) {
                continue;
            }
            number += 1;
            let mut data = frame(network, device, turn * devices.div_ceil(10) + device / 10);
            // Only acknowledged: no payload, so that no dissector is asked.
            data.truncate(54);
            data[16..18].copy_from_slice(&40u16.to_be_bytes());
            data[47] = 0x10;
            chunk.push(&Frame {
                number,
                time: Timestamp(1_700_000_060_000_000_000 + round * 1_000_000_000),
                wire_length: 54,
                link: 1,
                data: &data,
            });
        }
    }
    let mut job = Job::default();
    job.replace(chunk);
    engine.job(&mut job);
}

/// Processor time: others may work too.
fn spent_so_far() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3 / f64::from(ROUNDS)
}

fn main() {
    let (signatures, geo) = (Signatures::embedded().expect("signatures"), Geo::embedded());
    let analysis = Analysis::of(&signatures, &geo, canary::run(&signatures, &geo));
    println!(
        "devices contacts findings   copy ms snapshot ms   drop ms; at 5 % one each; places ms adopt ms; \
         light ms with changes: none, 1 %, all"
    );
    let plain = SIZES.map(|size| (PLAIN, size));
    for (network, [devices, each]) in plain.into_iter().chain([(TELLING, SIZES[4])]) {
        let settings = Settings { flows_max: 1 << 21, ..Settings::default() };
        let mut engine = Engine::new(settings, &geo, None);
        let (mut chunk, mut number) = (Chunk::default(), 0);
        for turn in 0..each {
            for device in 0..devices {
                number += 1;
                // A destination is shared by ten devices or so.
                let data = frame(network, device, turn * devices.div_ceil(10) + device / 10);
                chunk.push(&Frame {
                    number,
                    time: Timestamp(1_700_000_000_000_000_000 + number as i64 * 100_000),
                    wire_length: data.len() as u32,
                    link: 1,
                    data: &data,
                });
            }
        }
        let mut job = Job::default();
        job.replace(chunk);
        engine.job(&mut job);
        let mut spent = [Duration::ZERO; 3];
        let mut counts = [0; 3];
        for _ in 0..ROUNDS {
            let begun = spent_so_far();
            let outcome = engine.peek(None);
            let copied = spent_so_far();
            let snapshot = analysis.snapshot(&outcome, &[]);
            let made = spent_so_far();
            counts = [snapshot.devices.len(), snapshot.contacts.len(), snapshot.findings.len()];
            drop((outcome, snapshot));
            spent[0] += copied - begun;
            spent[1] += made - copied;
            spent[2] += spent_so_far() - made;
        }
        let outcome = engine.peek(None);
        let snapshot = analysis.snapshot(&outcome, &[]);
        let (mut light, mut touched) = (Light::default(), Touched::default());
        // The first is made once; from the second on it is as while somebody watches.
        let spots = analysis.spots(&outcome, &snapshot);
        light.adopt(&engine, &analysis, (&snapshot, spots, engine.now()), &mut touched);
        let begun = spent_so_far();
        let spots = analysis.spots(&outcome, &snapshot);
        let placed = spent_so_far();
        let looked = (&snapshot, spots, engine.now());
        light.adopt(&engine, &analysis, looked, &mut touched);
        let beside = [placed - begun, spent_so_far() - placed];
        drop(outcome);
        // As on the screen, what was told last is kept by another.
        let mut shown = light.look(&engine, &analysis, &[], &mut touched);
        let mut between = [Duration::ZERO; 3];
        for (way, one_in) in [usize::MAX, 100, 1].into_iter().enumerate() {
            for round in 0..ROUNDS as i64 {
                more(&mut engine, network, [devices, each], one_in, way as i64 * 10 + round);
                let begun = spent_so_far();
                shown = light.look(&engine, &analysis, &[], &mut touched);
                between[way] += spent_so_far() - begun;
            }
        }
        assert!(shown.contacts.len() >= snapshot.contacts.len() && !light.is_short());
        let [placing, adopting] = beside.map(|time| time.as_secs_f64() * 1e3);
        let [none, some, all] = between.map(milliseconds);
        let [copy, make, gone] = spent.map(milliseconds);
        let [devices, contacts, findings] = counts;
        println!(
            "{devices:>7} {contacts:>8} {findings:>8} {copy:>9.2} {make:>11.2} {gone:>9.2} {:>11.2} s \
             {placing:>10.2} {adopting:>9.2} {none:>8.2} {some:>7.2} {all:>7.2}",
            ((copy + make + gone) / 50.0).max(0.25)
        );
    }
}
