//! Every frame is in exactly one bucket, on every capture that can be found; nothing makes the
//! program panic; the same input gives the same bytes.

mod common;

use common::program::{Outcome, phonehome};
use common::walk::walk;
use common::{none, places, two_at_a_time};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// Captures on which the program is run; all where `PHONEHOME_ALL=1` asks for that.
const SAMPLE: usize = 100;

fn captures() -> Vec<PathBuf> {
    let mut captures = places::bundled();
    captures.extend(places::shared().iter().flat_map(|root| places::captures_under(root)));
    captures
}

/// What is wrong with the result for one capture, made in this process: a panic fails the test.
fn complaint(capture: &Path) -> Option<String> {
    let wrong = |why: String| Some(format!("{}: {why}", places::short(capture)));
    // Whoever holds no capture at all is not read; `bad_input` looks at those.
    let walked = walk(capture).ok()?;
    let frames = &walked.outcome.frames;
    let refused: u64 = frames.refused_by().values().sum();
    let explained: u64 = frames.explained_by().values().sum();
    if frames.explained() + refused != frames.total || explained != frames.explained() {
        return wrong(format!("the buckets do not make the total: {frames:?}"));
    }
    let faults = walked.outcome.sums.faults;
    if faults > 0 {
        return wrong(format!("{faults} panics of dissectors"));
    }
    for finding in walked.findings() {
        let frames: u64 = finding.traffic.iter().map(|counted| counted.frames).sum();
        if frames == 0 || frames > walked.outcome.frames.total {
            return wrong(format!("{} counts {frames} frames", finding.id));
        }
    }
    None
}

#[test]
fn explained_and_refused_make_the_total() {
    let complaints = two_at_a_time(&captures(), |path| complaint(path));
    none(&complaints.into_iter().flatten().collect::<Vec<_>>());
}

/// What is wrong with the document that the program prints.
fn broken(capture: &Path, outcome: &Outcome) -> Option<String> {
    let wrong = |why: String| Some(format!("{}: {why}", places::short(capture)));
    match outcome.code {
        Some(0 | 3) if outcome.survived() => {}
        Some(4) if outcome.survived() => return None,
        code => return wrong(format!("exit {code:?}: {}", outcome.stderr)),
    }
    let document = outcome.json();
    let frames = &document["coverage"]["frames"];
    let sum = |bucket: &str| -> u64 {
        frames[bucket].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
    };
    let [total, explained] = ["total", "explained"].map(|key| frames[key].as_u64().unwrap());
    if explained + sum("refused") != total || sum("explained_by") != explained {
        return wrong(format!("the buckets do not make the total: {frames}"));
    }
    if document["inputs"][0]["frames"] != frames["total"] {
        return wrong("the input has other frames than the ledger".to_owned());
    }
    if document["losses"]["dissector_faults"] != 0 {
        return wrong("a dissector panicked".to_owned());
    }
    None
}

/// Runs the program twice for each form of output.
fn differing(capture: &Path) -> Vec<String> {
    let mut complaints = Vec::new();
    for args in [&["analyze", "--json", "--no-hash"][..], &["flows"], &["analyze"]] {
        let mut all: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        all.push(capture.as_os_str());
        let first = phonehome(&all);
        if args.contains(&"--json") {
            complaints.extend(broken(capture, &first));
        } else if !first.survived() {
            complaints.push(format!("{} {args:?}: {}", places::short(capture), first.stderr));
        }
        // Text for people is made of the same snapshot; once is enough to see that it is made.
        let second = if args == ["analyze"] { continue } else { phonehome(&all) };
        if (&first.stdout, &first.stderr) != (&second.stdout, &second.stderr) {
            complaints.push(format!("{} {args:?}: two runs differ", places::short(capture)));
        }
    }
    complaints
}

#[test]
fn nothing_panics_and_the_same_input_gives_the_same_bytes() {
    let captures = places::spread(captures(), SAMPLE);
    none(&two_at_a_time(&captures, |path| differing(path)).concat());
}
