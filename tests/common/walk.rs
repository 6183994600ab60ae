//! Walks a capture in this process: what a run of the program does before it prints.

use super::needs;
use phonehome::attribution::Signatures;
use phonehome::attribution::geo::Geo;
use phonehome::attribution::record::FlowRecord;
use phonehome::attribution::world::{Choice, World};
use phonehome::engine::{Engine, Outcome, Records, Settings};
use phonehome::finding::{self, Finding, View};
use phonehome::source::file::Ending;
use phonehome::source::{SourceError, Sources};
use serde_json::Value;
use std::path::Path;
use std::sync::LazyLock;

static SIGNATURES: LazyLock<Signatures> =
    LazyLock::new(|| Signatures::embedded().expect("embedded signatures are valid"));

pub struct Walked {
    pub outcome: Outcome,
    /// Flow records in the order in which the flows ended.
    pub records: Vec<Value>,
    pub ending: Ending,
}

impl Walked {
    /// What the checks say, with the signatures of the program.
    pub fn findings(&self) -> Vec<Finding> {
        let ledger = &self.outcome.ledger;
        let world = World::build(ledger, &Geo::default(), &SIGNATURES, &Choice::default());
        let lossy = self.ending.damage.is_some();
        let view = View::new(ledger, &world, lossy);
        needs::hold(&view);
        finding::run(&view)
    }
}

/// Without a database of places: no test that walks reads them.
pub fn walk(path: &Path) -> Result<Walked, SourceError> {
    let mut sources = Sources::open(&[path.to_owned()], false)?;
    let geo = Geo::default();
    let mut records = Vec::new();
    let mut take = |record: FlowRecord| records.push(serde_json::to_value(record).unwrap());
    let take: &mut Records<'_> = &mut take;
    let engine = Engine::new(Settings::default(), &geo, Some(take));
    let engine = engine.looking_for(SIGNATURES.beginnings());
    let outcome = engine.read(&mut sources, &mut |_| {});
    Ok(Walked { outcome, records, ending: sources.finish().remove(0) })
}
