//! The snapshot as one JSON document, for programs.

use crate::snapshot::Snapshot;
use std::io::{self, Write};

/// Writes the document and a line end.
///
/// # Errors
/// When the output cannot be written.
pub fn write(snapshot: &Snapshot, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, snapshot)?;
    writeln!(out)
}
