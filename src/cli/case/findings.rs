//! What an analysis says of a case, as it stands in the case itself.

use crate::analysis::Analysis;
use crate::attribution::world::Choice;
use crate::canary;
use crate::case::{layout, tree};
use crate::cli::{Failure, Knowledge, Run, open};
use crate::engine::Engine;
use crate::labels::Labels;
use crate::redaction;
use crate::sink::json;
use anyhow::Context;
use std::path::Path;

/// The JSON of a snapshot. It names segments by their path in the case: where the case lies on this
/// machine is nobody's business, and the same case gives the same bytes anywhere.
pub(super) fn of(case: &Path, run: &Run, knowledge: &Knowledge) -> Result<Vec<u8>, Failure> {
    let parts = layout::parts(case);
    let mut sources = open(std::slice::from_ref(&parts), true)?;
    let (signatures, geo) = knowledge.load()?;
    let canary = canary::run(&signatures, &geo);
    let outcome = Engine::new(run.settings(), &geo, None).read(&mut sources, &mut |_| ());
    let mut endings = sources.finish();
    let (captures, recorded) = redaction::captures(case);
    if let (true, [only]) = (recorded, &mut endings[..]) {
        // It is read as one.
        let hash = tree::hash_all(&captures);
        only.sha256 = Some(hash.with_context(|| super::shown(case))?);
    }
    for ending in &mut endings {
        if let Ok(path) = ending.path.strip_prefix(&parts) {
            ending.path = path.to_owned();
        }
    }
    let choice = Choice { devices: Vec::new(), exclude: Vec::new(), here: None };
    let analysis = Analysis {
        signatures: &signatures,
        geo: &geo,
        canary,
        choice,
        fail_on: None,
        hashed: true,
    };
    let mut snapshot = analysis.snapshot(&outcome, &endings);
    Labels::of_recording(&parts).apply(&mut snapshot);
    let mut findings = Vec::new();
    json::write(&snapshot, &mut findings).map_err(anyhow::Error::from)?;
    Ok(findings)
}
