//! A reused read buffer that hands out whole records. A memory map was measured slower (page
//! faults, cold lines) and counts as resident, so the file is read in large pieces instead.

use super::Damage;
use std::io::{ErrorKind, Read};

/// Bytes asked of the system at a time.
pub(super) const READ_BYTES: usize = 256 * 1024;

/// No byte is held.
const FREE: usize = usize::MAX;

pub(super) struct Buffer {
    reader: Box<dyn Read + Send>,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `start` in the stream.
    offset: u64,
    exhausted: bool,
    failure: Option<String>,
    /// Frames point into the bytes from here on, so that they must stay where they are.
    held_from: usize,
    /// More bytes were asked for while they had to stay, or while there were none yet.
    starved: bool,
}

impl Buffer {
    /// Begins with room for `first` bytes, which is also how much the first reading asks for.
    pub fn new(reader: Box<dyn Read + Send>, first: usize) -> Buffer {
        Buffer {
            reader,
            bytes: vec![0; first],
            start: 0,
            end: 0,
            offset: 0,
            exhausted: false,
            failure: None,
            held_from: FREE,
            starved: false,
        }
    }

    /// From here on the bytes stay in place, until [`Buffer::hand_over`].
    #[inline]
    pub fn hold(&mut self) {
        self.held_from = self.held_from.min(self.start);
    }

    /// Whether a reading failed only because the bytes had to stay in place, or because the stream
    /// has no more for now.
    pub fn is_starved(&self) -> bool {
        self.starved
    }

    /// Where the available bytes begin.
    pub fn position(&self) -> usize {
        self.start
    }

    /// Lets `block` have the bytes that were held, at the places where they were: by giving its
    /// own bytes away and going on in `block`, to which it copies what was not consumed, rarely
    /// more than the beginning of one record; or, where less was held than is left, by a copy of
    /// that.
    pub fn hand_over(&mut self, block: &mut Vec<u8>) {
        let rest = self.end - self.start;
        let held = self.start.saturating_sub(self.held_from);
        // One long record must not keep room for more of them in every block that goes round.
        if block.len() > READ_BYTES && rest.max(self.start) <= READ_BYTES {
            block.truncate(READ_BYTES);
            block.shrink_to_fit();
        }
        if rest > held {
            if block.len() < self.start {
                block.resize(self.start.max(READ_BYTES), 0);
            }
            let held = self.held_from.min(self.start)..self.start;
            block[held.clone()].copy_from_slice(&self.bytes[held]);
        } else {
            if block.len() < rest.max(READ_BYTES) {
                block.resize(rest.max(READ_BYTES), 0);
            }
            block[..rest].copy_from_slice(&self.bytes[self.start..self.end]);
            std::mem::swap(&mut self.bytes, block);
            (self.start, self.end) = (0, rest);
        }
        (self.held_from, self.starved) = (FREE, false);
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
        if self.held_from != FREE {
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
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.starved = true;
                    return self.end >= count;
                }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn counting(length: usize) -> Vec<u8> {
        (0..length).map(|index| (index % 251) as u8).collect()
    }

    /// Takes `piece` bytes at a time, `pieces` times between two hand-overs.
    fn read_in(piece: usize, pieces: usize) {
        let all = counting(1_000_000);
        let mut buffer = Buffer::new(Box::new(std::io::Cursor::new(all.clone())), READ_BYTES);
        let mut block = Vec::new();
        let mut got = Vec::new();
        loop {
            let mut places = Vec::new();
            while places.len() < pieces && buffer.need(piece) {
                buffer.hold();
                places.push(buffer.position());
                buffer.consume(piece);
            }
            if places.is_empty() && !buffer.is_starved() {
                break;
            }
            buffer.hand_over(&mut block);
            places.iter().for_each(|&at| got.extend_from_slice(&block[at..at + piece]));
            assert!(block.len() <= piece.max(READ_BYTES).next_multiple_of(READ_BYTES));
        }
        assert!(got == all[..all.len() / piece * piece], "{pieces} of {piece}");
    }

    #[test]
    fn what_was_held_is_in_the_block_that_was_handed_over() {
        read_in(1000, usize::MAX);
        read_in(1000, 3);
        read_in(300_000, 1);
        read_in(100_000, 2);
    }
}
