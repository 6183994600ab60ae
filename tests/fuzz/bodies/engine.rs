//! The front door: bytes as a capture through the whole walk, into the document, the page and the
//! summary.

use phonehome::analysis::Analysis;
use phonehome::attribution::Signatures;
use phonehome::attribution::geo::Geo;
use phonehome::attribution::record::FlowRecord;
use phonehome::engine::{Engine, Outcome, Records, Settings};
use phonehome::sink::{json, report, summary};
use phonehome::snapshot::Snapshot;
use phonehome::source::Sources;
use phonehome::source::file::Ending;
use phonehome::{canary, snapshot::CanaryShown};
use serde_json::Value;
use std::io::Cursor;
use std::sync::LazyLock;

struct Knowledge {
    signatures: Signatures,
    geo: Geo,
}

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| {
    let signatures = Signatures::embedded().expect("embedded signatures are valid");
    Knowledge { signatures, geo: Geo::embedded() }
});

/// A table of one flow a partition, so that most captures overflow it.
const FEW_FLOWS: usize = 64;
/// One of so many inputs is walked with three threads too.
const IN_THREADS: usize = 16;

/// The first byte chooses bounds; the rest is the capture.
pub fn run(data: &[u8]) {
    let Some((&choice, capture)) = data.split_first() else { return };
    let mut settings = Settings::default();
    if choice & 1 != 0 {
        settings.flows_max = FEW_FLOWS;
    }
    let Some((document, records)) = walk(capture, settings) else { return };
    let ended: u64 = records.iter().map(|record| pair(record, "packets")).sum();
    let frames = &document["coverage"]["frames"];
    let in_flows = ["flow", "fragment"].map(|key| frames["explained_by"][key].as_u64());
    assert_eq!(ended, in_flows.into_iter().flatten().sum::<u64>(), "packets of all flows");
    if capture.len() % IN_THREADS == 0 {
        let three = walk(capture, Settings { threads: 3, ..settings });
        assert!(three == Some((document, records)), "three threads differ from one");
    }
}

fn pair(record: &Value, key: &str) -> u64 {
    record[key].as_array().into_iter().flatten().filter_map(Value::as_u64).sum()
}

fn walk(capture: &[u8], settings: Settings) -> Option<(Value, Vec<Value>)> {
    let reader = Cursor::new(capture.to_vec());
    let mut sources = Sources::of_reader("fuzz", Box::new(reader)).ok()?;
    let mut records = Vec::new();
    let mut take = |record: FlowRecord| {
        records.push(serde_json::to_value(record).expect("a record is JSON"));
    };
    let take: &mut Records<'_> = &mut take;
    let engine = Engine::new(settings, &KNOWLEDGE.geo, Some(take));
    let outcome = engine.read(&mut sources, &mut |_| {});
    let frames = &outcome.frames;
    let refused: u64 = frames.refused_by().values().sum();
    assert_eq!(frames.explained() + refused, frames.total, "{frames:?}");
    assert_eq!(outcome.sums.faults, 0, "a dissector panicked");
    let snapshot = snapshot(&outcome, &sources.finish().remove(0));
    let mut document = Vec::new();
    json::write(&snapshot, &mut document).expect("memory takes it");
    let mut text = Vec::new();
    summary::write(&snapshot, false, &mut text).expect("memory takes it");
    for line in std::str::from_utf8(&text).expect("the summary is text").lines() {
        assert!(!line.contains(char::is_control), "{line:?}");
    }
    let page = report::page(&snapshot);
    assert!(!page.contains('\u{1b}'), "an escape in the page");
    Some((serde_json::from_slice(&document).expect("the document is JSON"), records))
}

fn snapshot(outcome: &Outcome, ending: &Ending) -> Snapshot {
    static CANARY: LazyLock<CanaryShown> =
        LazyLock::new(|| canary::run(&KNOWLEDGE.signatures, &KNOWLEDGE.geo));
    let analysis = Analysis::of(&KNOWLEDGE.signatures, &KNOWLEDGE.geo, CANARY.clone());
    analysis.snapshot(outcome, std::slice::from_ref(ending))
}
