//! Flow records as JSON, one object a line, in the order in which flows end.

use crate::attribution::record::FlowRecord;
use crate::base::frame;
use std::io::{self, Write};

/// In which order records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As flows end: streams in bounded memory.
    Ended,
    /// By first frame: keeps all records until the end.
    First,
}

/// Writes records as they come, or sorts them first.
pub struct Writer<W: Write> {
    out: W,
    order: Order,
    kept: Vec<FlowRecord>,
    failure: Option<io::Error>,
}

impl<W: Write> Writer<W> {
    /// Writes to `out`.
    pub fn new(out: W, order: Order) -> Writer<W> {
        Writer { out, order, kept: Vec::new(), failure: None }
    }

    /// Takes one record. A failure to write is kept for [`Writer::finish`].
    pub fn take(&mut self, record: FlowRecord) {
        match self.order {
            Order::First => self.kept.push(record),
            Order::Ended if self.failure.is_none() => {
                self.failure = line(&mut self.out, &record).err();
            }
            Order::Ended => {}
        }
    }

    /// Writes what is kept.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(mut self) -> io::Result<()> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        frame::sort(&mut self.kept, |record| (record.frames[0], record.first));
        for record in &self.kept {
            line(&mut self.out, record)?;
        }
        self.out.flush()
    }
}

fn line(out: &mut impl Write, record: &FlowRecord) -> io::Result<()> {
    serde_json::to_writer(&mut *out, record)?;
    out.write_all(b"\n")
}
