//! A reused read buffer that hands out whole records. A memory map was measured slower (page
//! faults, cold lines) and counts as resident, so the file is read in large pieces instead.

use super::Damage;
use std::io::{ErrorKind, Read};

/// Bytes asked of the system at a time.
pub(super) const READ_BYTES: usize = 256 * 1024;

pub(super) struct Buffer {
    reader: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `start` in the stream.
    offset: u64,
    exhausted: bool,
    failure: Option<String>,
    /// Frames point into the bytes, so that they must stay where they are.
    held: bool,
    /// More bytes were asked for while they had to stay.
    starved: bool,
}

impl Buffer {
    pub fn new(reader: Box<dyn Read + Send>) -> Buffer {
        Buffer {
            reader,
            bytes: vec![0; READ_BYTES],
            start: 0,
            end: 0,
            offset: 0,
            exhausted: false,
            failure: None,
            held: false,
            starved: false,
        }
    }

    /// From here on the bytes stay in place, until [`Buffer::hand_over`].
    pub fn hold(&mut self) {
        self.held = true;
    }

    /// Whether a reading failed only because the bytes had to stay in place.
    pub fn is_starved(&self) -> bool {
        self.starved
    }

    /// Where the available bytes begin.
    pub fn position(&self) -> usize {
        self.start
    }

    /// Gives its bytes away and goes on in `block`, to which it copies what was not consumed:
    /// rarely more than the beginning of one record.
    pub fn hand_over(&mut self, block: &mut Vec<u8>) {
        let rest = self.end - self.start;
        if block.len() < rest.max(READ_BYTES) {
            block.resize(rest.max(READ_BYTES), 0);
        }
        block[..rest].copy_from_slice(&self.bytes[self.start..self.end]);
        std::mem::swap(&mut self.bytes, block);
        (self.start, self.end) = (0, rest);
        (self.held, self.starved) = (false, false);
    }

    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Bytes available without another read.
    pub fn available(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Makes at least `count` bytes available; false when the stream ends before that.
    #[inline]
    pub fn need(&mut self, count: usize) -> bool {
        self.end - self.start >= count || self.read_until(count)
    }

    #[cold]
    fn read_until(&mut self, count: usize) -> bool {
        if self.held {
            self.starved = true;
            return false;
        }
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.bytes.len() < count {
            self.bytes.resize(count.next_multiple_of(READ_BYTES), 0);
        }
        while self.end < count && !self.exhausted {
            match self.reader.read(&mut self.bytes[self.end..]) {
                Ok(0) => self.exhausted = true,
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failure = Some(error.to_string());
                    self.exhausted = true;
                }
            }
        }
        self.end >= count
    }

    /// Passes over `count` available bytes.
    #[inline]
    pub fn consume(&mut self, count: usize) {
        debug_assert!(count <= self.end - self.start);
        self.start += count;
        self.offset += count as u64;
    }

    /// What ended the stream inside `what`: the system's or the decompressor's complaint, or
    /// simply the end. `None` at a clean end, where no byte is left over.
    pub fn cut(&self, what: &str, needed: usize) -> Option<Damage> {
        let have = self.end - self.start;
        let reason = match &self.failure {
            Some(error) => format!("{what}: {error}"),
            None if have == 0 => return None,
            None => format!("{what} is cut short: {have} of {needed} bytes are there"),
        };
        Some(Damage { offset: self.offset, reason })
    }
}
