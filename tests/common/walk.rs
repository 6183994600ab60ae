//! Walks a capture in this process: what a run of the program does before it prints.

use phonehome::attribution::geo::Geo;
use phonehome::attribution::record::FlowRecord;
use phonehome::engine::{Engine, FLOWS_MAX};
use phonehome::source::file::Ending;
use phonehome::source::{FileSource, SourceError};
use serde_json::Value;
use std::path::Path;

pub struct Walked {
    pub engine: Engine,
    /// Flow records in the order in which the flows ended.
    pub records: Vec<Value>,
    pub ending: Ending,
}

/// Without a database of places: no test that walks reads them.
pub fn walk(path: &Path) -> Result<Walked, SourceError> {
    let mut source = FileSource::open(path, false)?;
    let mut engine = Engine::new(FLOWS_MAX);
    let mut records = Vec::new();
    let mut take = |record: FlowRecord| records.push(serde_json::to_value(record).unwrap());
    engine.read(&mut source, &Geo::default(), Some(&mut take), &mut |_| {});
    Ok(Walked { engine, records, ending: source.finish() })
}
