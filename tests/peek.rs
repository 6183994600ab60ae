//! A look at a running engine shows what the analysis of the capture up to there would show, and
//! changes nothing.

use phonehome::analysis::Analysis;
use phonehome::attribution::Signatures;
use phonehome::attribution::geo::Geo;
use phonehome::attribution::record::FlowRecord;
use phonehome::canary;
use phonehome::engine::{Engine, Job, Outcome, Records, Settings};
use phonehome::source::{Chunk, FileSource};
use std::path::Path;

/// Takes up to `frames` frames as one job; false at the end of the capture.
fn feed(engine: &mut Engine<'_>, source: &mut FileSource, frames: usize) -> bool {
    let mut chunk = Chunk::default();
    while chunk.len() < frames {
        let Some(frame) = source.next_frame() else { break };
        chunk.push(&frame);
    }
    let whole = chunk.len() == frames;
    let mut job = Job::default();
    job.replace(chunk);
    engine.job(&mut job);
    whole
}

#[test]
fn a_look_equals_the_analysis_of_what_was_read_so_far() {
    let (signatures, geo) = (Signatures::embedded().unwrap(), Geo::embedded());
    let analysis = Analysis::of(&signatures, &geo, canary::run(&signatures, &geo));
    let shown =
        |outcome: &Outcome| serde_json::to_string_pretty(&analysis.snapshot(outcome, &[])).unwrap();
    let lines = |records: &[FlowRecord]| {
        records.iter().map(|record| serde_json::to_string(record).unwrap()).collect::<Vec<_>>()
    };
    for name in ["camera.pcapng", "meter.pcap", "gateway.pcap", "sensor.pcapng"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name);
        let open = || FileSource::open(&path, false).unwrap();
        // Looked at every 97 frames, until it ends.
        let mut ignore = |_: FlowRecord| ();
        let records: &mut Records<'_> = &mut ignore;
        let mut running = Engine::new(Settings::default(), &geo, Some(records));
        let mut source = open();
        let mut frames = 0;
        loop {
            let more = feed(&mut running, &mut source, 97);
            frames += 97;
            let mut live = Vec::new();
            let mut take = |record: FlowRecord| live.push(record);
            let records: &mut Records<'_> = &mut take;
            let peeked = shown(&running.peek(Some(records)));

            let mut ended = Vec::new();
            let mut take = |record: FlowRecord| ended.push(record);
            let records: &mut Records<'_> = &mut take;
            let mut once = Engine::new(Settings::default(), &geo, Some(records));
            feed(&mut once, &mut open(), frames);
            let finished = shown(&once.finish());
            assert_eq!(peeked, finished, "{name}, first {frames} frames");
            assert!(lines(&ended).ends_with(&lines(&live)), "{name}, first {frames} frames");
            if !more {
                break;
            }
        }
    }
}
