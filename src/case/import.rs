//! Makes a case of captures that somebody else recorded. It says so, in the journal and in the
//! names of the copies; the hash stands in the journal before anything is copied.

use super::clock::Clocks;
use super::custody::{copy, host};
use super::journal::{Event, Journal};
use super::key::RunKey;
use super::{CaseError, folder, layout, tree};
use std::path::{Path, PathBuf};

const STATEMENT: &str = "received, not recorded here: nothing is known of the time before";

/// Copies captures into a new case, byte for byte. Gives the names of the copies.
///
/// # Errors
/// When the case exists, a file cannot be read or changes meanwhile, or the system refuses.
pub fn import(case: &Path, files: &[PathBuf], tool: &str) -> Result<Vec<String>, CaseError> {
    let mut received = Vec::new();
    for (position, path) in files.iter().enumerate() {
        let (bytes, sha256) =
            tree::hash(path).map_err(CaseError::system(path, "cannot be read"))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let segment = layout::received_name(position, &name);
        received.push((
            path,
            Event::Imported {
                segment: segment.clone(),
                name,
                bytes,
                sha256: sha256.clone(),
                statement: STATEMENT.to_owned(),
            },
            segment,
            sha256,
        ));
    }
    folder(case)?;
    let key = RunKey::generate().map_err(CaseError::system(case, "a key cannot be made"))?;
    let public_key = key.public();
    let custody = super::custody::last(case)?;
    let mut journal = Journal::create(layout::journal(case), key)?;
    folder(&layout::segments(case))?;
    journal.add(
        &Clocks::now(),
        Event::Begin {
            journal: 1,
            tool: tool.to_owned(),
            host: host(),
            system: String::new(),
            interfaces: Vec::new(),
            filter: String::new(),
            snap_length: 0,
            public_key,
            protections: Vec::new(),
            custody,
        },
    )?;
    let mut names = Vec::new();
    for (path, event, segment, sha256) in received {
        journal.add(&Clocks::now(), event)?;
        let copied = copy(path, &layout::segments(case).join(&segment))?;
        if copied.1 != sha256 {
            let reason = "changed while it was copied".to_owned();
            return Err(CaseError::Refused { path: path.clone(), reason });
        }
        journal.add(&Clocks::now(), Event::Sealed { segment: segment.clone() })?;
        names.push(segment);
    }
    journal.add(&Clocks::now(), Event::End { reason: "imported".to_owned() })?;
    Ok(names)
}
