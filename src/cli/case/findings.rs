//! What an analysis says of a case, as it stands in the case itself.

use crate::cli::Failure;
use crate::cli::knowledge::Knowledge;
use crate::cli::reading::{self, Wanted};
use crate::cli::work::Run;
use crate::sink::json;
use std::path::Path;

/// The JSON of a snapshot. It names segments by their path in the case: where the case lies on this
/// machine is nobody's business, and the same case gives the same bytes anywhere.
pub(super) fn of(case: &Path, run: &Run, knowledge: &Knowledge) -> Result<Vec<u8>, Failure> {
    let wanted = Wanted { hashed: true, timeline: true, sealed: Some(case), ..Wanted::default() };
    let files = [case.to_owned()];
    let read = reading::read(&knowledge.known()?, &files, run.settings(), wanted)?;
    let mut findings = Vec::new();
    json::write(&read.snapshot, &mut findings).map_err(anyhow::Error::from)?;
    Ok(findings)
}
