//! Every finding has a display filter with which anybody can check it in Wireshark: it selects
//! exactly the frames that the finding counts, the deciding ones among them.
//!
//! `PHONEHOME_ALL=1` asks for all captures beside the project instead of a sample.

mod common;

use common::known::{Complaint, Known, unexplained};
use common::{none, places, program, truth, tshark, two_at_a_time};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use truth::{number, rows, text};

/// Captures out of ../shared that a plain run takes.
const SAMPLE: usize = 150;

/// Filters that select other frames than a finding counts, and why.
const KNOWN: &[Known] = &[
    ("malcolm/Tunnels.pcap", "filters", 2, GTP_ECHO),
    ("tcpdump/cve2015-0261-ipv6.pcap", "filters", 8, "tshark gives up at the SLIP header"),
    ("zeek/cisco-fabric-path.pcap", "filters", 16, CHECKSUM),
    ("zeek/tunnels__gtp__gtp_control_prime.pcap", "filters", 2, GTP_ECHO),
    ("zeek/tunnels__gtp__pdp_ctx_messages.pcapng", "filters", 2, GTP_ECHO),
];

const GTP_ECHO: &str =
    "GTP of version 0 is counted by its ends; tshark looks into it and finds ICMP there";

const CHECKSUM: &str = "tshark takes the last bytes for the checksum of the inner frame and then \
    finds too few for an IPv6 header";

/// What one finding promises of its filter.
struct Promise {
    finding: String,
    filter: String,
    frames: u64,
    refs: Vec<u64>,
}

fn promises(snapshot: &Value) -> Vec<Promise> {
    let mut promises = Vec::new();
    for finding in rows(&snapshot["findings"]) {
        for counted in rows(&finding["traffic"]) {
            let Some(filter) = counted["wireshark_filter"].as_str() else { continue };
            promises.push(Promise {
                finding: format!("{} {}", text(&finding["id"]), finding["subject"]),
                filter: filter.to_owned(),
                frames: number(&counted["frames"]),
                refs: rows(&finding["refs"]).iter().map(|r| number(&r["frame"])).collect(),
            });
        }
    }
    promises
}

/// The filter of the same frames and of the deciding ones among them.
fn deciding(promise: &Promise) -> String {
    let numbers: Vec<String> =
        promise.refs.iter().map(|frame| format!("frame.number == {frame}")).collect();
    format!("({}) && ({})", promise.filter, numbers.join(" || "))
}

/// What a capture's filters select other than was promised.
fn broken(capture: &Path) -> Vec<String> {
    let outcome = program::analyze(capture);
    let promises = match outcome.code {
        Some(0 | 3) => promises(&outcome.json()),
        _ => Vec::new(),
    };
    if promises.is_empty() {
        return Vec::new();
    }
    let mut filters: Vec<String> = Vec::new();
    for promise in &promises {
        filters.extend([promise.filter.clone(), deciding(promise)]);
    }
    let mut complaints = Vec::new();
    for preferences in tshark::PREFERENCES {
        let counts = match counted(capture, preferences, &filters) {
            Ok(counts) => counts,
            Err(said) => {
                complaints.push(format!("{}: {said}", places::short(capture)));
                continue;
            }
        };
        for (promise, counts) in promises.iter().zip(counts.chunks(2)) {
            if counts != [promise.frames, promise.refs.len() as u64] {
                complaints.push(complaint(capture, preferences, promise));
            }
        }
    }
    complaints
}

/// Counts for all filters, with no command line beyond what a system takes.
fn counted(capture: &Path, preferences: &[&str], filters: &[String]) -> Result<Vec<u64>, String> {
    let mut counts: BTreeMap<&String, u64> = BTreeMap::new();
    let mut rest: Vec<&String> = filters.iter().collect();
    rest.sort_unstable();
    rest.dedup();
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |filter: &&&String| {
            bytes += filter.len();
            bytes < 500_000
        };
        let batch: Vec<&String> = rest.iter().take(200).take_while(fits).copied().collect();
        rest.drain(..batch.len());
        let asked: Vec<String> = batch.iter().map(|&filter| filter.clone()).collect();
        counts.extend(batch.into_iter().zip(tshark::counts(capture, preferences, &asked)?));
    }
    Ok(filters.iter().map(|filter| counts[filter]).collect())
}

/// Asks once more as a user would, for the numbers of the frames.
fn complaint(capture: &Path, preferences: &[&str], promise: &Promise) -> String {
    let selected = match tshark::frames(capture, preferences, &promise.filter) {
        Ok(selected) => selected,
        Err(said) => return format!("{}: {said}", places::short(capture)),
    };
    let missing: Vec<_> = promise.refs.iter().filter(|frame| !selected.contains(frame)).collect();
    format!(
        "{} {preferences:?}: {}: {} frames are counted, {} selected, deciding frames not \
         selected: {missing:?}; filter: {}",
        places::short(capture),
        promise.finding,
        promise.frames,
        selected.len(),
        promise.filter
    )
}

fn check(captures: &[PathBuf]) {
    let complaints = two_at_a_time(captures, |capture| {
        let said = broken(capture);
        let capture = places::short(capture);
        Complaint { capture, issue: "filters", count: said.len(), said: said.join("\n") }
    });
    let looked_at = complaints.iter().map(|complaint| complaint.capture.clone()).collect();
    none(&unexplained(&complaints, KNOWN, &looked_at));
}

#[test]
fn filters_for_bundled_captures_select_the_frames_counted() {
    if !tshark::is_there() {
        return;
    }
    check(&places::bundled());
}

#[test]
fn a_user_who_pastes_a_filter_sees_the_frames_counted() {
    if !tshark::is_there() {
        return;
    }
    let mut complaints = Vec::new();
    let mut asked = 0;
    for capture in places::bundled() {
        for promise in promises(&program::analyze(&capture).json()) {
            for preferences in tshark::PREFERENCES {
                asked += 1;
                let selected = tshark::frames(&capture, preferences, &promise.filter).unwrap();
                let all_refs = promise.refs.iter().all(|frame| selected.contains(frame));
                if selected.len() as u64 != promise.frames || !all_refs {
                    complaints.push(complaint(&capture, preferences, &promise));
                }
            }
        }
    }
    assert!(asked > 0, "the bundled captures have findings");
    none(&complaints);
}

#[test]
fn filters_for_captures_of_others_select_the_frames_counted() {
    let Some(root) = places::shared().filter(|_| tshark::is_there()) else { return };
    check(&places::spread(places::captures_under(&root), SAMPLE));
}
