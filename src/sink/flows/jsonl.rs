//! Flow records as JSON, one object a line: our own names, nothing left out.

use super::Spelling;
use crate::attribution::record::FlowRecord;
use std::io::{self, Write};

/// See the module.
pub struct Jsonl<W: Write>(W);

impl<W: Write> Jsonl<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Jsonl<W> {
        Jsonl(out)
    }
}

impl<W: Write + Send> Spelling for Jsonl<W> {
    fn record(&mut self, record: &FlowRecord) -> io::Result<()> {
        line(&mut self.0, record)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Writes an object and a line end.
pub(super) fn line(out: &mut impl Write, object: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, object)?;
    out.write_all(b"\n")
}
