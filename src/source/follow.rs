//! A recording in segments, read while it still grows. Segments are read one after the other in
//! the order in which they were written, whatever their clocks say. Where nothing more has been
//! written yet, reading pauses and is asked again.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether a recording still grows: shared with whoever knows.
#[derive(Debug, Clone, Default)]
pub struct Finished(Arc<AtomicBool>);

impl Finished {
    /// Nothing more will be written.
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// Where the segments of a recording lie.
#[derive(Clone)]
pub struct Segments {
    /// Path of the segment at a position, from 0.
    pub path: Arc<dyn Fn(usize) -> PathBuf + Send + Sync>,
    /// Position of the first segment to read.
    pub first: usize,
    /// Position of the oldest segment that still exists.
    pub oldest: Arc<dyn Fn() -> usize + Send + Sync>,
    /// Whether more can come.
    pub finished: Finished,
}

impl Segments {
    pub(super) fn at(&self, position: usize) -> PathBuf {
        (self.path)(self.first + position)
    }

    /// A reader of one segment, where it exists.
    pub(super) fn reader(&self, position: usize) -> io::Result<Option<Growing>> {
        match File::open(self.at(position)) {
            Ok(file) => Ok(Some(Growing {
                file,
                next: self.at(position + 1),
                finished: self.finished.clone(),
                sealed: false,
            })),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a segment that is not there was: a later one is.
    pub(super) fn is_overwritten(&self, position: usize) -> bool {
        (self.oldest)() > self.first + position
    }

    /// Whether nothing will be written any more.
    pub(super) fn is_finished(&self) -> bool {
        self.finished.is_set()
    }
}

/// Reads a file that somebody may still write to: at its end for now it answers
/// [`ErrorKind::WouldBlock`], at its end for good with no bytes.
pub(super) struct Growing {
    file: File,
    /// The file whose existence says that this one is complete.
    next: PathBuf,
    finished: Finished,
    sealed: bool,
}

impl Read for Growing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.file.read(buffer)?;
            if count > 0 || self.sealed {
                return Ok(count);
            }
            // What was written between the reading and this question is read in another round.
            self.sealed = self.finished.is_set() || self.next.exists();
            if !self.sealed {
                return Err(ErrorKind::WouldBlock.into());
            }
        }
    }
}
