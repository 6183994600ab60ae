//! Flow records and what was said in flows, in the spellings of the field: one internal record,
//! several ways to write it. `docs/formats.md` holds the names side by side.

mod columns;
mod csv;
mod eve;
mod exchange;
mod jsonl;
#[cfg(feature = "parquet")]
mod parquet;
mod zeek;

pub use csv::Csv;
pub use eve::Eve;
pub use jsonl::Jsonl;
#[cfg(feature = "parquet")]
pub use parquet::Parquet;
pub use zeek::Zeek;

use crate::attribution::record::{FlowRecord, Listener};
use crate::base::frame;
use crate::flow::{Cite, Head, Side};
use crate::protocol::Fact;
use std::io;

/// In which order records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// As flows end: streams in bounded memory.
    Ended,
    /// By first frame: keeps all records until the end.
    First,
}

/// A way to write flows.
pub trait Spelling: Send {
    /// Writes one record.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn record(&mut self, record: &FlowRecord) -> io::Result<()>;

    /// Takes what was said in a flow; most spellings have no place for it.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn said(&mut self, _: &Head, _: Side, _: Cite, _: &Fact<'_>) -> io::Result<()> {
        Ok(())
    }

    /// Writes what was held back.
    ///
    /// # Errors
    /// When the output cannot be written.
    fn finish(&mut self) -> io::Result<()>;

    /// Facts that were left out because too many flows in which something was said were open.
    fn lost(&self) -> u64 {
        0
    }
}

/// Writes records as they come, or sorts them first.
pub struct Writer<'w> {
    spelling: Box<dyn Spelling + 'w>,
    order: Order,
    kept: Vec<FlowRecord>,
    failure: Option<io::Error>,
}

impl<'w> Writer<'w> {
    /// Writes in this spelling.
    #[must_use]
    pub fn new(spelling: Box<dyn Spelling + 'w>, order: Order) -> Writer<'w> {
        Writer { spelling, order, kept: Vec::new(), failure: None }
    }

    /// Writes what is kept; how many facts were left out for lack of room.
    ///
    /// # Errors
    /// When the output cannot be written.
    pub fn finish(mut self) -> io::Result<u64> {
        if let Some(failure) = self.failure {
            return Err(failure);
        }
        frame::sort(&mut self.kept, |record| (record.frames[0], record.first));
        for record in &self.kept {
            self.spelling.record(record)?;
        }
        self.spelling.finish()?;
        Ok(self.spelling.lost())
    }
}

impl Listener for Writer<'_> {
    /// A failure to write is kept for [`Writer::finish`].
    fn ended(&mut self, record: FlowRecord) {
        match self.order {
            Order::First => self.kept.push(record),
            Order::Ended if self.failure.is_none() => {
                self.failure = self.spelling.record(&record).err();
            }
            Order::Ended => {}
        }
    }

    fn said(&mut self, flow: &Head, side: Side, cite: Cite, fact: &Fact<'_>) {
        if self.failure.is_none() {
            self.failure = self.spelling.said(flow, side, cite, fact).err();
        }
    }
}
