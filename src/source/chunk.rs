//! Frames that were read together, with the bytes they lie in: read by one thread, worked on by
//! another, without a copy. The memory goes back to the reader with the next filling.

use super::{Frame, Note};
use crate::base::time::Timestamp;
use std::ops::Range;

/// Most frames of one chunk: enough to hide the cost of handing it over, few enough to stay in
/// a processor's cache with what is worked out about them.
pub const CHUNK_FRAMES_MAX: usize = 4096;

/// See the module.
#[derive(Default)]
pub struct Chunk {
    pub(super) blocks: Vec<Vec<u8>>,
    pub(super) spots: Vec<Spot>,
    /// What the operator noted, each before the frame at a position.
    pub(super) notes: Vec<(usize, Note)>,
}

/// Where a frame lies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spot {
    pub number: u64,
    pub time: Timestamp,
    pub seen: Timestamp,
    pub wire_length: u32,
    pub link: u16,
    pub block: u16,
    pub start: u32,
    pub length: u32,
}

impl Chunk {
    /// Adds a copy of a frame, for chunks that are not read from a file.
    pub fn push(&mut self, frame: &Frame<'_>) {
        if self.blocks.is_empty() {
            self.blocks.push(Vec::new());
        }
        let start = self.blocks[0].len() as u32;
        self.blocks[0].extend_from_slice(frame.data);
        let seen = self.spots.last().map_or(frame.time, |last| last.seen.max(frame.time));
        self.spots.push(Spot {
            number: frame.number,
            time: frame.time,
            seen,
            wire_length: frame.wire_length,
            link: frame.link,
            block: 0,
            start,
            length: frame.data.len() as u32,
        });
    }

    /// What the operator noted, each with the position of the frame behind it.
    #[must_use]
    pub fn notes(&self) -> &[(usize, Note)] {
        &self.notes
    }

    /// Number of frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spots.len()
    }

    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spots.is_empty() && self.notes.is_empty()
    }

    /// One frame, counted from 0.
    #[inline]
    #[must_use]
    pub fn frame(&self, index: usize) -> Frame<'_> {
        self.frame_at(&self.spots[index])
    }

    /// Some frames, each with the highest capture time up to it.
    #[inline]
    pub fn frames(&self, range: Range<usize>) -> impl Iterator<Item = (Frame<'_>, Timestamp)> {
        self.spots[range].iter().map(|spot| (self.frame_at(spot), spot.seen))
    }

    /// Of some frames: capture time, bytes captured, and length on the wire.
    #[inline]
    pub fn sizes(&self, range: Range<usize>) -> impl Iterator<Item = (Timestamp, u32, u32)> {
        self.spots[range].iter().map(|spot| (spot.time, spot.length, spot.wire_length))
    }

    #[inline(always)]
    fn frame_at(&self, spot: &Spot) -> Frame<'_> {
        let start = spot.start as usize;
        Frame {
            number: spot.number,
            time: spot.time,
            wire_length: spot.wire_length,
            link: spot.link,
            data: &self.blocks[usize::from(spot.block)][start..start + spot.length as usize],
        }
    }

    /// Highest capture time of all frames up to this one, in the order of the run.
    #[inline]
    #[must_use]
    pub fn seen(&self, index: usize) -> Timestamp {
        self.spots[index].seen
    }
}
