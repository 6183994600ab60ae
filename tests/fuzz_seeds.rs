//! Every committed seed of the fuzz targets, through the same functions: what the fuzzer once
//! found stays found, without nightly.

#[path = "fuzz/bodies/mod.rs"]
mod bodies;
mod common;

use common::places;
use std::fs;
use std::time::{Duration, Instant};

fn all(target: &str, run: fn(&[u8])) {
    let folder = places::of_project("tests/fuzz/corpus").join(target);
    let mut seeds = 0;
    places::visit(&folder, &mut |path| {
        // Which seed it was, should it fail.
        println!("{}", path.display());
        run(&fs::read(path).unwrap());
        seeds += 1;
    });
    assert!(seeds > 0, "no seeds for {target}");
}

#[test]
fn readers() {
    all("readers", bodies::readers::run);
}

#[test]
fn decode() {
    all("decode", bodies::decode::run);
}

#[test]
fn fragments() {
    all("fragments", bodies::fragments::run);
}

#[test]
fn reassembly() {
    all("reassembly", bodies::reassembly::run);
}

#[test]
fn engine() {
    all("engine", bodies::engine::run);
}

#[test]
fn names() {
    all("names", |data| bodies::conversations::run(data, bodies::conversations::NAMES));
}

#[test]
fn web() {
    all("web", |data| bodies::conversations::run(data, bodies::conversations::WEB));
}

#[test]
fn crypto() {
    all("crypto", |data| bodies::conversations::run(data, bodies::conversations::CRYPTO));
}

#[test]
fn media() {
    all("media", |data| bodies::conversations::run(data, bodies::conversations::MEDIA));
}

#[test]
fn vendor() {
    all("vendor", |data| bodies::conversations::run(data, bodies::conversations::VENDOR));
}

#[test]
fn city() {
    all("city", |data| bodies::conversations::run(data, bodies::conversations::CITY));
}

/// The families of dissectors with the ports that their conversations go to.
const FAMILIES: [(&str, &[u16]); 6] = [
    ("names", bodies::conversations::NAMES),
    ("web", bodies::conversations::WEB),
    ("crypto", bodies::conversations::CRYPTO),
    ("media", bodies::conversations::MEDIA),
    ("vendor", bodies::conversations::VENDOR),
    ("city", bodies::conversations::CITY),
];

/// Longest input that is tried, bytes, and the longest that one may take: far more than any needs, so
/// that only what grows faster than its input gets there.
const MUTATED_BYTES_MAX: usize = 16 * 1024;
const RUN_MAX: Duration = Duration::from_secs(10);

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb) >> 7
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count.max(1) as u64) as usize
    }
}

/// Changes a few bytes, lengths or stretches; takes stretches out of another seed too.
fn mutate(data: &mut Vec<u8>, other: &[u8], dice: &mut Dice) {
    for _ in 0..=dice.below(8) {
        let at = dice.below(data.len());
        let count = 1 + dice.below(64);
        let end = (at + count).min(data.len());
        match dice.below(7) {
            0 if !data.is_empty() => data[at] ^= 1 << dice.below(8),
            1 if !data.is_empty() => data[at] = [0, 1, 0x7f, 0x80, 0xff][dice.below(5)],
            2 if end > at + 1 => data[at..at + 2].copy_from_slice(&(count as u16).to_be_bytes()),
            3 => drop(data.drain(at..end)),
            4 => {
                let again = data[at..end].to_vec();
                data.splice(at..at, again);
            }
            5 => {
                let from = dice.below(other.len());
                let taken = other[from..(from + count).min(other.len())].to_vec();
                data.splice(at..at, taken);
            }
            _ => data.insert(at, dice.next() as u8),
        }
    }
    data.truncate(MUTATED_BYTES_MAX);
}

/// What `make fuzz` does with coverage as its guide, without it: where nightly cannot be had.
/// `FUZZ_SECONDS=300 cargo test --release --test fuzz_seeds -- --ignored --nocapture`, and
/// `TARGETS="web city"` chooses.
#[test]
#[ignore = "as long as FUZZ_SECONDS says, for each family"]
fn mutated() {
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let seconds = Duration::from_secs(seconds.unwrap_or(60));
    let chosen = std::env::var("TARGETS").unwrap_or_default();
    for (family, ports) in FAMILIES {
        if !chosen.is_empty() && !chosen.split(' ').any(|name| name == family) {
            continue;
        }
        let mut seeds = Vec::new();
        let folder = places::of_project("tests/fuzz/corpus").join(family);
        places::visit(&folder, &mut |path| seeds.push(fs::read(path).unwrap()));
        let (mut runs, mut slowest, begin) = (0u64, Duration::ZERO, Instant::now());
        while begin.elapsed() < seconds {
            let mut dice = Dice(runs);
            let mut data = seeds[dice.below(seeds.len())].clone();
            let other = dice.below(seeds.len());
            mutate(&mut data, &seeds[other], &mut dice);
            let one = Instant::now();
            let held = std::panic::catch_unwind(|| bodies::conversations::run(&data, ports));
            slowest = slowest.max(one.elapsed());
            if held.is_err() || one.elapsed() > RUN_MAX {
                let path = std::env::temp_dir().join(format!("phonehome-fuzz-{family}-{runs}"));
                fs::write(&path, &data).unwrap();
                panic!("{family}, run {runs}: the input is in {}", path.display());
            }
            runs += 1;
        }
        println!("{family}: {runs} runs in {seconds:?}, the slowest {slowest:?}");
    }
}
