//! What sessions that read a stream share: putting one side's bytes together as far as one unit
//! needs them, saying a thing once, and waiting where a capture begins in the middle. A unit that came whole is lent from the segment; only
//! what is cut by a segment's end is copied, and never more than the caller's limit.

use super::super::{Prefix, What};
use crate::base::table::BuildHasher;
use crate::flow::Flow;
use std::hash::BuildHasher as _;

/// Bytes of one side that do not make a whole unit yet.
#[derive(Debug, Default)]
pub struct Pending {
    kept: Vec<u8>,
    /// `kept` was handed out and is stale.
    given: bool,
    /// In a line that was too long, before its end.
    passing: bool,
}

/// What was there.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<'a> {
    /// A whole unit.
    Whole(&'a [u8]),
    /// The segment ended before the unit did.
    More,
    /// The unit is longer than the limit.
    TooLong,
}

impl Pending {
    /// Takes bytes off the front of `data` until a line is whole, and hands it out with its line
    /// feed. A line longer than `limit` bytes is said to be so once and passed over.
    pub fn line<'s, 'd: 's>(&'s mut self, data: &mut &'d [u8], limit: usize) -> Taken<'s> {
        self.renew();
        while !data.is_empty() {
            let feed = data.iter().position(|&byte| byte == b'\n');
            let (piece, rest) = data.split_at(feed.map_or(data.len(), |at| at + 1));
            *data = rest;
            if self.passing {
                self.passing = feed.is_none();
                continue;
            }
            if self.kept.len() + piece.len() > limit {
                self.kept.clear();
                self.passing = feed.is_none();
                return Taken::TooLong;
            }
            if feed.is_some() && self.kept.is_empty() {
                return Taken::Whole(piece);
            }
            self.kept.extend_from_slice(piece);
            if feed.is_some() {
                self.given = true;
                return Taken::Whole(&self.kept);
            }
        }
        Taken::More
    }

    /// Takes bytes off the front of `data` until `count` are together; the caller bounds `count`.
    pub fn exactly<'s, 'd: 's>(
        &'s mut self,
        data: &mut &'d [u8],
        count: usize,
    ) -> Option<&'s [u8]> {
        self.renew();
        let missing = count.saturating_sub(self.kept.len());
        let (piece, rest) = data.split_at(missing.min(data.len()));
        *data = rest;
        if self.kept.is_empty() && piece.len() == count {
            return Some(piece);
        }
        self.kept.extend_from_slice(piece);
        if self.kept.len() < count {
            return None;
        }
        self.given = true;
        Some(&self.kept)
    }

    /// Memory it takes, bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.kept.capacity()
    }

    /// Gives back bytes that were handed out but do not make a whole unit after all.
    pub fn put_back(&mut self, bytes: Vec<u8>) {
        self.kept = bytes;
        self.given = false;
    }

    /// Bytes that wait for the rest of their unit.
    #[must_use]
    pub fn waiting(&self) -> &[u8] {
        if self.given { &[] } else { &self.kept }
    }

    /// Forgets what waits: bytes are missing behind it.
    pub fn reset(&mut self) {
        *self = Pending::default();
    }

    fn renew(&mut self) {
        if self.given {
            self.given = false;
            self.kept.clear();
        }
    }
}

/// Waited for the beginning of a message in a connection that was running before the capture
/// began, bytes both ways.
pub const MIDSTREAM_BYTES_MAX: usize = 8 * 1024;

/// Whether the connection was running already, so that a message may begin with a later segment.
/// Even a keep-alive probe (RFC 9293 §3.8.4) may come first, with one byte of an old message.
#[must_use]
pub fn may_begin_later(flow: &Flow, seen: &Prefix<'_>) -> bool {
    !flow.initiator_known && seen.first().0.len() + seen.second().len() <= MIDSTREAM_BYTES_MAX
}

/// Takes up to `left` bytes off the front of `data` and counts `left` down by them.
pub fn pass<'a>(data: &mut &'a [u8], left: &mut u64) -> &'a [u8] {
    let count = usize::try_from(*left).map_or(data.len(), |left| left.min(data.len()));
    let (passed, rest) = data.split_at(count);
    *data = rest;
    *left -= count as u64;
    passed
}

/// Tells whether something was said before in this flow, for at most `limit` different things;
/// what comes after those is not said at all. Kept as hashes, so that long values cost nothing.
#[derive(Debug)]
pub struct Once {
    seen: Vec<u64>,
    limit: usize,
    hasher: BuildHasher,
}

impl Once {
    /// Room for `limit` things, 8 bytes each.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Once { seen: Vec::new(), limit, hasher: BuildHasher::default() }
    }

    /// Whether this is the first time, and there is room to know it.
    pub fn is_first(&mut self, name: &str, value: &[u8]) -> bool {
        let hash = self.hasher.hash_one((name, value));
        if self.is_full() || self.seen.contains(&hash) {
            return false;
        }
        self.seen.push(hash);
        true
    }

    /// Nothing more will be said.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.seen.len() >= self.limit
    }
}

/// The same for facts. Notes have a budget of their own, so that a flow with many of them cannot
/// hide a secret or a name behind them.
#[derive(Debug)]
pub struct Firsts {
    notes: Once,
    others: Once,
}

impl Firsts {
    /// Room for `limit` notes and as many other facts.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Firsts { notes: Once::new(limit), others: Once::new(limit) }
    }

    /// Whether this is the first time. Secrets of one user that differ in kind or length are
    /// different ones.
    pub fn is_first(&mut self, what: What, name: &str, value: &[u8]) -> bool {
        match what {
            What::Note => self.notes.is_first(name, value),
            What::Credential { kind, length } => {
                let value = [&length.to_be_bytes(), value].concat();
                self.others.is_first(kind, &value)
            }
            _ => self.others.is_first(name, value),
        }
    }

    /// Nothing more will be said.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.notes.is_full() && self.others.is_full()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_same_however_they_are_cut() {
        let text = b"one\r\na line beyond the limit\ntwo\nrest";
        for size in 1..=text.len() {
            let mut pending = Pending::default();
            let (mut lines, mut long) = (Vec::new(), 0);
            for mut data in text.chunks(size) {
                loop {
                    match pending.line(&mut data, 8) {
                        Taken::Whole(line) => lines.push(line.to_vec()),
                        Taken::TooLong => long += 1,
                        Taken::More => break,
                    }
                }
            }
            assert_eq!(lines, [&b"one\r\n"[..], b"two\n"], "{size}");
            assert_eq!((long, pending.waiting()), (1, &b"rest"[..]), "{size}");
        }
    }

    #[test]
    fn counted_units_are_the_same_however_they_are_cut() {
        for size in 1..=7 {
            let mut pending = Pending::default();
            let mut units = Vec::new();
            for mut data in b"abcdefg".chunks(size) {
                while let Some(unit) = pending.exactly(&mut data, 3) {
                    units.push(unit.to_vec());
                }
            }
            assert_eq!(units, [b"abc", b"def"], "{size}");
            assert_eq!(pending.waiting(), b"g");
        }
    }

    #[test]
    fn says_each_thing_once_and_only_so_many() {
        let mut once = Once::new(2);
        assert!(once.is_first("a", b"1"));
        assert!(!once.is_first("a", b"1"));
        assert!(once.is_first("b", b"1"));
        assert!(!once.is_first("c", b"1"));
        let mut firsts = Firsts::new(1);
        let secret = |length| What::Credential { kind: "k", length };
        assert!(firsts.is_first(What::Note, "a", b"1"));
        assert!(!firsts.is_first(What::Note, "b", b"1"));
        assert!(firsts.is_first(secret(1), "c", b"1"));
        assert!(!firsts.is_first(secret(1), "c", b"1") && firsts.is_full());
    }
}
