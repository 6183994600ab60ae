//! Bytes as a capture file, read in two ways: frame by frame out of whole readings, and in chunks
//! out of readings of a few bytes, where records lie across all borders. Both must say the same.
//! Of a packed file with damage inside, a decompressor gives more or less before it notices, by
//! the bytes it is given at once: there only what both give must be the same.

use phonehome::source::{Chunk, FileSource, Frame, Sources};
use std::io::{Cursor, Read};

/// Frames compared; a small gzip file may hold millions.
const FRAMES_MAX: u64 = 20_000;

/// Gives a few bytes at a time.
struct Dripping {
    bytes: Cursor<Vec<u8>>,
    at_once: usize,
}

impl Read for Dripping {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = buffer.len().min(self.at_once);
        self.bytes.read(&mut buffer[..count])
    }
}

/// The first byte says how many bytes a reading gives; the rest is the capture.
pub fn run(data: &[u8]) {
    let Some((&size, capture)) = data.split_first() else { return };
    let whole = FileSource::of_reader("fuzz", Box::new(Cursor::new(capture.to_vec())));
    let dripping = Dripping {
        bytes: Cursor::new(capture.to_vec()),
        at_once: 1 + usize::from(size) * usize::from(size),
    };
    let pieces = Sources::of_reader("fuzz", Box::new(dripping));
    let packed = matches!(capture, [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd, ..]);
    match (whole, pieces) {
        (Ok(whole), Ok(pieces)) => compare(whole, pieces, (!packed).then_some(capture.len())),
        (Err(_), _) | (_, Err(_)) if packed => {}
        (Err(whole), Err(pieces)) => assert_eq!(whole.to_string(), pieces.to_string()),
        (whole, pieces) => panic!("opened: {} and {}", whole.is_ok(), pieces.is_ok()),
    }
}

/// `size` is that of a plain file.
fn compare(mut whole: FileSource, mut pieces: Sources, size: Option<usize>) {
    let mut chunk = Chunk::default();
    let (mut number, mut bytes) = (0, 0);
    let mut seen = None;
    let mut same = true;
    while same && number < FRAMES_MAX {
        pieces.fill(&mut chunk);
        if chunk.is_empty() {
            same = whole.next_frame().is_none();
            break;
        }
        for index in 0..chunk.len() {
            let frame = chunk.frame(index);
            let Some(other) = whole.next_frame() else {
                same = false;
                break;
            };
            number += 1;
            assert_eq!(frame.number, number);
            assert_eq!(about(&frame), about(&other));
            bytes += frame.data.len();
            let latest = seen.map_or(frame.time, |seen| frame.time.max(seen));
            assert_eq!(chunk.seen(index), latest);
            seen = Some(latest);
        }
    }
    assert!(size.is_none_or(|size| bytes <= size), "{bytes} bytes out of {size:?}");
    if same && number >= FRAMES_MAX {
        return;
    }
    let (whole, pieces) = (whole.finish(), pieces.finish().remove(0));
    if size.is_some() || whole.damage.is_none() && pieces.damage.is_none() {
        assert!(same, "other frames when read in pieces");
        assert_eq!(whole.format, pieces.format);
        let [whole, pieces] = [whole, pieces].map(|ending| (ending.damage, ending.declared));
        assert_eq!(format!("{whole:?}"), format!("{pieces:?}"));
    }
}

/// All that a frame says; slices are compared by their bytes.
fn about<'a>(frame: &Frame<'a>) -> (u64, i64, u32, u16, &'a [u8]) {
    (frame.number, frame.time.0, frame.wire_length, frame.link, frame.data)
}
