//! Frames of HTTP/2 (RFC 9113 §4) in one direction, of which only those with header fields are
//! put together, at most 16 KiB a list.

use super::hpack::{Decoder, Field};
use super::stream::{Pending, pass};
use crate::base::bytes::Reader;

/// How a client begins, behind what looks like a request (§3.4).
pub const PREFACE_REST: &[u8] = b"SM\r\n\r\n";

/// Longest block of header fields, bytes.
const BLOCK_BYTES_MAX: usize = 16 * 1024;
const FRAME_HEADER_BYTES: usize = 9;

const HEADERS: u8 = 1;
const PUSH_PROMISE: u8 = 5;
const CONTINUATION: u8 = 9;

const END_HEADERS: u8 = 0x04;
const PADDED: u8 = 0x08;
const PRIORITY: u8 = 0x20;

/// Reads frames.
#[derive(Debug, Default)]
pub struct Frames {
    decoder: Decoder,
    pending: Pending,
    /// What is left of a preface or of a frame that is passed over.
    skip: u64,
    /// Kind, flags and length of the frame whose content is to come.
    head: Option<(u8, u8, usize)>,
    /// A block that goes on in further frames.
    block: Vec<u8>,
    /// Where frames or the meaning of fields are not known any more.
    lost: bool,
}

impl Frames {
    /// Frames behind a client's preface.
    #[must_use]
    pub fn behind_preface() -> Frames {
        Frames { skip: PREFACE_REST.len() as u64, ..Frames::default() }
    }

    /// Memory it takes, bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.decoder.held_bytes() + self.pending.held_bytes() + self.block.capacity()
    }

    /// Whether nothing can be read any more.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// Bytes are missing. Inside a frame that is passed over they do no harm.
    pub fn miss(&mut self, gap: u64) {
        match self.skip.checked_sub(gap) {
            Some(left) => self.skip = left,
            None => self.lost = true,
        }
    }

    /// Takes the next bytes and hands out each list of fields.
    pub fn feed(&mut self, mut data: &[u8], visit: &mut dyn FnMut(Vec<Field>)) {
        while !data.is_empty() && !self.lost {
            if self.skip > 0 {
                pass(&mut data, &mut self.skip);
            } else if let Some((kind, flags, length)) = self.head {
                let Some(content) = self.pending.exactly(&mut data, length) else {
                    return;
                };
                let fields = fragment(kind, flags, content);
                self.head = None;
                let fits = |piece: &&[u8]| self.block.len() + piece.len() <= BLOCK_BYTES_MAX;
                let Some(piece) = fields.filter(fits) else {
                    self.lost = true;
                    return;
                };
                self.block.extend_from_slice(piece);
                if flags & END_HEADERS != 0 {
                    let block = std::mem::take(&mut self.block);
                    match self.decoder.block(&block) {
                        Some(fields) => visit(fields),
                        None => self.lost = true,
                    }
                }
            } else if let Some(head) = self.pending.exactly(&mut data, FRAME_HEADER_BYTES) {
                let mut reader = Reader::new(head);
                let (Some(length), Some(kind), Some(flags)) =
                    (reader.u24(), reader.u8(), reader.u8())
                else {
                    return;
                };
                match kind {
                    HEADERS | PUSH_PROMISE | CONTINUATION if length as usize <= BLOCK_BYTES_MAX => {
                        self.head = Some((kind, flags, length as usize));
                    }
                    HEADERS | PUSH_PROMISE | CONTINUATION => self.lost = true,
                    // Frames of other kinds are below ten (§6, RFC 8336 and the like below 0x20).
                    0..0x20 => self.skip = u64::from(length),
                    _ => self.lost = true,
                }
            }
        }
    }
}

/// The piece of a block in a frame (§6.2, §6.6, §6.10).
fn fragment(kind: u8, flags: u8, content: &[u8]) -> Option<&[u8]> {
    let mut reader = Reader::new(content);
    let mut padding = 0;
    if kind != CONTINUATION && flags & PADDED != 0 {
        padding = usize::from(reader.u8()?);
    }
    match kind {
        HEADERS if flags & PRIORITY != 0 => reader.skip(5)?,
        PUSH_PROMISE => reader.skip(4)?,
        _ => {}
    }
    let rest = reader.rest();
    rest.get(..rest.len().checked_sub(padding)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, content: &[u8]) -> Vec<u8> {
        let head = [0, 0, content.len() as u8, kind, flags, 0, 0, 0, 1];
        [&head[..], content].concat()
    }

    fn stream() -> Vec<u8> {
        let mut bytes = PREFACE_REST.to_vec();
        bytes.extend(frame(4, 0, &[0; 12]));
        bytes.extend(frame(HEADERS, PADDED | PRIORITY, &[2, 0, 0, 0, 3, 9, 0x82, 0x86, 7, 7]));
        bytes.extend(frame(CONTINUATION, END_HEADERS, b"\x84\x41\x05a.com"));
        bytes.extend(frame(0, 1, b"body"));
        bytes.extend(frame(HEADERS, END_HEADERS, &[0xbe]));
        bytes
    }

    #[test]
    fn lists_of_fields_however_they_are_cut() {
        let bytes = stream();
        for size in 1..bytes.len() {
            let mut frames = Frames::behind_preface();
            let mut lists = Vec::new();
            for data in bytes.chunks(size) {
                frames.feed(data, &mut |fields| lists.push(fields));
            }
            assert_eq!(lists.len(), 2, "{size}");
            assert_eq!(lists[0][3], (b":authority".to_vec(), b"a.com".to_vec()));
            assert_eq!(lists[1], lists[0][3..]);
        }
    }

    #[test]
    fn missing_bytes_end_it_unless_they_are_passed_over() {
        let body = frame(0, 1, b"body");
        let mut frames = Frames::default();
        let mut lists = 0;
        frames.feed(&body[..10], &mut |_| lists += 1);
        frames.miss(3);
        frames.feed(&frame(HEADERS, END_HEADERS, &[0x82]), &mut |_| lists += 1);
        assert_eq!(lists, 1);
        frames.miss(1);
        frames.feed(&frame(HEADERS, END_HEADERS, &[0x82]), &mut |_| lists += 1);
        assert!(frames.is_lost() && lists == 1);
        let mut frames = Frames::default();
        frames.feed(&[0, 0x7f, 0xff, HEADERS, 0, 0, 0, 0, 1], &mut |_| lists += 1);
        assert!(frames.is_lost());
    }
}
