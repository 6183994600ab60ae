//! Reads a capture block by block, with the bytes of each as they lie in the file: for those who
//! copy parts of it and must change nothing else.

use super::{FileSource, Format, Located, Step};
use crate::source::{Frame, Note};
use std::mem;

/// A block of a pcapng file, or a record of another.
pub struct Block<'a> {
    /// Kind of a pcapng block; 0 in other formats.
    pub kind: u32,
    /// Whether its numbers have their high bytes first.
    pub big_endian: bool,
    /// The frame, for blocks that Wireshark numbers.
    pub frame: Option<Frame<'a>>,
}

impl FileSource {
    /// The header of the pcapng section that is being read; `None` for other formats.
    #[must_use]
    pub fn section_header(&self) -> Option<&[u8]> {
        match &self.format {
            Format::PcapNg(pcapng) => Some(pcapng.header()),
            Format::Pcap(_) => None,
        }
    }

    /// What the operator noted in the block that was read last.
    pub fn notes(&mut self) -> Vec<Note> {
        match &mut self.format {
            Format::PcapNg(pcapng) => mem::take(pcapng.notes()),
            Format::Pcap(_) => Vec::new(),
        }
    }

    /// The next block; `None` at the end or at damage. `raw` gets its bytes where the file is
    /// pcapng. The header of the first section does not come again.
    pub fn next_block(&mut self, raw: &mut Vec<u8>) -> Option<Block<'_>> {
        self.buffer.consume(mem::take(&mut self.consume));
        raw.clear();
        let Format::PcapNg(pcapng) = &mut self.format else {
            return self.next_frame().map(|frame| Block {
                kind: 0,
                big_endian: false,
                frame: Some(frame),
            });
        };
        if self.ended {
            return None;
        }
        raw.extend_from_slice(pcapng.whole(&mut self.buffer));
        let step = pcapng.step(&mut self.buffer, &mut self.declared);
        let big_endian = pcapng.is_big_endian();
        let kind = raw.first_chunk::<4>().copied().unwrap_or_default();
        let kind = if big_endian { u32::from_be_bytes(kind) } else { u32::from_le_bytes(kind) };
        let located = match step {
            Step::Frame(located) => located,
            Step::Unread { length } => Located::unread(length),
            Step::Other => return Some(Block { kind, big_endian, frame: None }),
            Step::End(damage) => {
                self.damage = damage;
                self.ended = true;
                return None;
            }
        };
        let time = located.time.unwrap_or(self.time);
        self.count(&located, time);
        self.consume = located.length;
        let frame = Frame {
            number: self.number,
            time,
            wire_length: located.wire_length,
            link: located.link,
            data: &self.buffer.available()[located.data_start..][..located.data_length],
        };
        Some(Block { kind, big_endian, frame: Some(frame) })
    }
}
