//! What `doctor` says of taps that show half of a device: made out of a bundled capture by leaving
//! out, doubling or keeping frames as such a tap would.

#![cfg(feature = "live")]

use phonehome::analysis::Analysis;
use phonehome::attribution::Signatures;
use phonehome::attribution::geo::Geo;
use phonehome::base::time::Timestamp;
use phonehome::canary;
use phonehome::doctor::{Advice, Health, sight};
use phonehome::engine::{Engine, Job, Settings};
use phonehome::source::{Chunk, FileSource, Frame};
use std::path::Path;

const DEVICE: &str = "mac:00:00:5e:00:53:40";
const MAC: [u8; 6] = [0, 0, 0x5e, 0, 0x53, 0x40];

/// Advice on the bundled capture as a tap gives it that passes each frame on so many times.
fn through(tap: impl Fn(&Frame<'_>) -> usize) -> Vec<Advice> {
    looking_for(DEVICE, tap)
}

fn looking_for(device: &str, tap: impl Fn(&Frame<'_>) -> usize) -> Vec<Advice> {
    let (signatures, geo) = (Signatures::embedded().unwrap(), Geo::embedded());
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/gateway.pcap");
    let mut source = FileSource::open(&path, false).unwrap();
    let mut chunk = Chunk::default();
    let mut number = 0;
    while let Some(frame) = source.next_frame() {
        for copy in 0..tap(&frame) {
            number += 1;
            let time = Timestamp(frame.time.0 + copy as i64 * 20_000);
            chunk.push(&Frame { number, time, ..frame });
        }
    }
    let mut engine = Engine::new(Settings::default(), &geo, None);
    let mut job = Job::default();
    job.replace(chunk);
    engine.job(&mut job);
    let analysis = Analysis::of(&signatures, &geo, canary::run(&signatures, &geo));
    sight::judge(&analysis.snapshot(&engine.finish(), &[]), Some(device))
}

fn says(advice: &[Advice], health: Health, words: &str) -> bool {
    advice.iter().any(|advice| advice.health == health && advice.found.contains(words))
}

fn is_group(frame: &Frame<'_>) -> bool {
    frame.data[0] & 1 != 0
}

#[test]
fn a_good_tap_is_called_good() {
    let advice = through(|_| 1);
    assert!(says(&advice, Health::Good, "is seen in both directions"), "{advice:?}");
    assert!(!says(&advice, Health::Bad, ""), "{advice:?}");
}

#[test]
fn a_mirror_of_one_direction_is_noticed() {
    for keep in
        [|frame: &Frame<'_>| frame.data[6..12] == MAC, |frame: &Frame<'_>| frame.data[..6] == MAC]
    {
        let advice = through(|frame| usize::from(keep(frame)));
        assert!(says(&advice, Health::Bad, "only one direction was seen"), "{advice:?}");
    }
}

#[test]
fn both_legs_of_a_mirror_are_noticed() {
    let advice = through(|_| 2);
    assert!(says(&advice, Health::Poor, "were seen twice"), "{advice:?}");
    assert!(says(&advice, Health::Good, "is seen in both directions"), "{advice:?}");
}

#[test]
fn a_port_without_a_mirror_is_noticed() {
    let advice = through(|frame| usize::from(is_group(frame)));
    assert!(says(&advice, Health::Bad, "only broadcast and multicast"), "{advice:?}");
}

#[test]
fn a_device_that_is_not_there_and_silence_are_told() {
    let advice = looking_for("mac:00:00:5e:00:53:99", |_| 1);
    assert!(says(&advice, Health::Bad, "was not seen"), "{advice:?}");
    assert!(says(&advice, Health::Poor, &format!("{DEVICE} (")), "others are named: {advice:?}");
    let advice = through(|_| 0);
    assert!(says(&advice, Health::Bad, "nothing at all"), "{advice:?}");
}

#[test]
fn every_advice_that_is_not_good_says_what_to_do() {
    for advice in [through(|_| 2), through(|frame| usize::from(is_group(frame))), through(|_| 0)] {
        for advice in advice {
            assert_eq!(advice.health == Health::Good, advice.mend.is_empty(), "{advice}");
        }
    }
}
