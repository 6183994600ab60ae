//! What can be measured of a flow that nobody recognised: how it begins, how even its bytes are,
//! how large its pieces. From that a class with its reason, which is an inference and is told
//! beside `unknown`, never instead of it.
//!
//! Known headers come before evenness, since packed files and pictures are as even as ciphertext;
//! what was packed without a header looks encrypted, and the reason says so.

use crate::flow::{Segment, Side};

/// Looked at in each direction, bytes.
pub const LOOKED_BYTES_MAX: usize = 4 * 1024;
/// Pieces looked at, both directions together. Every packet that is looked at costs as much as
/// counting several: with 64 of them, captures of small packets took three times as long.
const PIECES_MAX: u16 = 6;
/// First bytes kept.
pub const FIRST_BYTES_MAX: usize = 16;
/// Evenness says nothing about less, bytes.
const EVEN_BYTES_MIN: usize = 1024;
/// Less is not called text, bytes.
const TEXT_BYTES_MIN: usize = 16;
/// Random bytes measure less than 8 bits each, by 255 / (2 · ln 2 · count) on average (Miller,
/// 1955); what is within this of it is as even as random. Over ten times their deviation at 1 KiB.
const EVEN_WITHIN_BITS: f64 = 0.1;

/// What the bytes look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Class {
    /// As even as random bytes.
    Encrypted = 1,
    /// The header of a packed format.
    Compressed = 2,
    /// Printable text.
    Text = 4,
    /// The header of a picture, sound or film.
    Media = 8,
    /// None of these.
    Unknown = 16,
}

impl Class {
    /// All of them, in the order of outputs.
    pub const ALL: [Class; 5] =
        [Class::Encrypted, Class::Compressed, Class::Text, Class::Media, Class::Unknown];

    /// The word for it in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Class::Encrypted => "encrypted",
            Class::Compressed => "compressed",
            Class::Text => "text",
            Class::Media => "media",
            Class::Unknown => "unknown",
        }
    }
}

/// What was measured. Pairs are by side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Looked {
    first: [[u8; FIRST_BYTES_MAX]; 2],
    /// Bytes looked at.
    pub bytes: [u16; 2],
    /// Hundredths of bits a byte; only where there is enough to tell.
    entropy: [Option<u16>; 2],
    /// Pieces of payload looked at.
    pub pieces: u16,
    /// Bytes of the smallest and the largest of them.
    pub piece_bytes: [u16; 2],
    /// What they look like.
    pub class: Class,
    /// Why.
    pub because: &'static str,
}

impl Looked {
    /// The first bytes of a side.
    #[must_use]
    pub fn first(&self, side: Side) -> &[u8] {
        let index = side.index();
        &self.first[index][..usize::from(self.bytes[index]).min(FIRST_BYTES_MAX)]
    }

    /// Bits a byte of a side.
    #[must_use]
    pub fn entropy(&self, side: Side) -> Option<f64> {
        self.entropy[side.index()].map(|hundredths| f64::from(hundredths) / 100.0)
    }
}

/// Payload kept until there is enough to measure.
#[derive(Debug, Default)]
pub(super) struct Looking {
    bytes: [Vec<u8>; 2],
    pieces: u16,
    piece_bytes: [u16; 2],
}

impl Looking {
    /// Takes a piece.
    pub fn take(&mut self, segment: &Segment<'_>) {
        self.piece(segment.side, segment.data);
    }

    /// The same without a segment.
    pub fn piece(&mut self, side: Side, data: &[u8]) {
        if data.is_empty() || self.is_enough() {
            return;
        }
        let size = data.len().min(usize::from(u16::MAX)) as u16;
        let [smallest, largest] = self.piece_bytes;
        let smallest = if self.pieces == 0 { size } else { smallest.min(size) };
        self.piece_bytes = [smallest, largest.max(size)];
        self.pieces += 1;
        let kept = &mut self.bytes[side.index()];
        let room = LOOKED_BYTES_MAX - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
    }

    /// Nothing more is wanted.
    pub fn is_enough(&self) -> bool {
        self.pieces >= PIECES_MAX || self.bytes.iter().all(|kept| kept.len() >= LOOKED_BYTES_MAX)
    }

    /// Memory it takes, bytes.
    pub fn held_bytes(&self) -> usize {
        self.bytes.iter().map(Vec::capacity).sum()
    }

    /// What it comes to; nothing where there was no payload.
    pub fn measure(&self) -> Option<Looked> {
        if self.pieces == 0 {
            return None;
        }
        let entropy = [0, 1].map(|side| entropy(&self.bytes[side]));
        let (class, because) = self.class(entropy);
        let mut first = [[0; FIRST_BYTES_MAX]; 2];
        for (first, bytes) in first.iter_mut().zip(&self.bytes) {
            first.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
        }
        Some(Looked {
            first,
            bytes: [0, 1].map(|side| self.bytes[side].len() as u16),
            entropy: entropy.map(|bits| bits.map(|bits| (bits * 100.0).round() as u16)),
            pieces: self.pieces,
            piece_bytes: self.piece_bytes,
            class,
            because,
        })
    }

    fn class(&self, entropy: [Option<f64>; 2]) -> (Class, &'static str) {
        let sides = || self.bytes.iter().filter(|bytes| !bytes.is_empty());
        if let Some(known) = sides().find_map(|bytes| header(bytes)) {
            return known;
        }
        let total: usize = sides().map(Vec::len).sum();
        let is_text = |bytes: &Vec<u8>| {
            let text = bytes.iter().all(|byte| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~'));
            text && !bytes.is_empty()
        };
        if total >= TEXT_BYTES_MIN && sides().all(is_text) {
            return (Class::Text, "every byte is printable");
        }
        if total < EVEN_BYTES_MIN || entropy == [None; 2] {
            return (Class::Unknown, "less than 1024 bytes each way, and no known header");
        }
        let is_even = |side: usize| {
            let count = self.bytes[side].len() as f64;
            let random = 8.0 - 255.0 / (2.0 * std::f64::consts::LN_2 * count);
            entropy[side].is_some_and(|bits| bits >= random - EVEN_WITHIN_BITS)
        };
        // A side with too little to tell may be anything but text.
        let fits = |side: usize| entropy[side].is_none() || is_even(side);
        if [0, 1].into_iter().all(fits) && !sides().any(is_text) {
            let because = "as even as random bytes, no known header; packed data without one \
                           looks the same";
            return (Class::Encrypted, because);
        }
        (Class::Unknown, "uneven bytes, neither text nor a known header")
    }
}

/// Bits a byte (Shannon); nothing below [`EVEN_BYTES_MIN`].
fn entropy(bytes: &[u8]) -> Option<f64> {
    if bytes.len() < EVEN_BYTES_MIN {
        return None;
    }
    let mut counts = [0u32; 256];
    bytes.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    let total = bytes.len() as f64;
    let bits = counts.iter().filter(|&&count| count > 0).map(|&count| {
        let share = f64::from(count) / total;
        -share * share.log2()
    });
    Some(bits.sum())
}

/// A known header anywhere in the bytes: vendors put headers of their own before a picture. Those
/// of two bytes count only at the beginning or behind four or eight bytes of length.
fn header(bytes: &[u8]) -> Option<(Class, &'static str)> {
    for at in [0, 4, 8] {
        // RFC 1950 §2.2: deflate, window, and a check of both bytes.
        if let Some(&[method, flags]) = bytes.get(at..at + 2)
            && method == 0x78
            && flags & 0x20 == 0
            && u16::from_be_bytes([method, flags]).is_multiple_of(31)
        {
            return Some((Class::Compressed, "the header of zlib"));
        }
    }
    for at in 0..bytes.len() {
        let found = match bytes[at..] {
            // RFC 1952 §2.3: deflate, no reserved flags.
            [0x1f, 0x8b, 8, flags, ..] if flags & 0xe0 == 0 => {
                (Class::Compressed, "the header of gzip")
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => (Class::Compressed, "the header of zstd"),
            [0x04, 0x22, 0x4d, 0x18, ..] => (Class::Compressed, "the header of LZ4"),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => (Class::Compressed, "the header of xz"),
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => {
                (Class::Compressed, "the header of bzip2")
            }
            [b'P', b'K', 3, 4, ..] => (Class::Compressed, "the header of ZIP"),
            [0xff, 0xd8, 0xff, 0xc0..=0xfe, ..] => (Class::Media, "the header of JPEG"),
            [0x89, b'P', b'N', b'G', ..] => (Class::Media, "the header of PNG"),
            [b'f', b't', b'y', b'p', ..] if at >= 4 => (Class::Media, "the header of MP4"),
            [b'R', b'I', b'F', b'F', ..] => (Class::Media, "the header of RIFF"),
            [b'F', b'L', b'V', 1, ..] => (Class::Media, "the header of FLV"),
            [0, 0, 1, 0xba, ..] => (Class::Media, "the header of an MPEG program stream"),
            // Annex B: parameter sets and pictures of H.264 (§7.3.1) and H.265 (§7.3.1.2).
            [0, 0, 0, 1, 0x67 | 0x68 | 0x65 | 0x61 | 0x41 | 0x27 | 0x28 | 0x25 | 0x21, ..] => {
                (Class::Media, "a start code of H.264")
            }
            [0, 0, 0, 1, 0x40 | 0x42 | 0x44 | 0x26 | 0x02, 1, ..] => {
                (Class::Media, "a start code of H.265")
            }
            _ => continue,
        };
        return Some(found);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(count: usize, seed: u64) -> Vec<u8> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        (0..count).map(|_| next()).collect()
    }

    fn look(pieces: &[(Side, &[u8])]) -> Looked {
        let mut looking = Looking::default();
        pieces.iter().for_each(|&(side, data)| looking.piece(side, data));
        looking.measure().unwrap()
    }

    #[test]
    fn evenness_counts_from_a_kibibyte_on() {
        for seed in 0..200 {
            let bytes = noise(1024, seed);
            assert_eq!(look(&[(Side::Low, &bytes)]).class, Class::Encrypted, "{seed}");
            let short = look(&[(Side::Low, &bytes[1..])]);
            assert_eq!((short.class, short.entropy(Side::Low)), (Class::Unknown, None));
        }
        let bytes = noise(4096, 1);
        let looked = look(&[(Side::High, &bytes), (Side::Low, b"\0\x01")]);
        assert_eq!((looked.class, looked.bytes), (Class::Encrypted, [2, 4096]));
        assert!(looked.entropy(Side::High) > Some(7.9) && looked.entropy(Side::Low).is_none());
        // Few values, or text in the other direction.
        let even_text = look(&[(Side::High, &bytes), (Side::Low, b"get the picture\n")]);
        assert_eq!(even_text.class, Class::Unknown);
        let narrow: Vec<u8> = bytes.iter().map(|byte| byte & 0x7f).collect();
        assert_eq!(look(&[(Side::Low, &narrow)]).class, Class::Unknown);
        // Six fixed bytes at the start of every 40 are a protocol, not ciphertext alone.
        let framed: Vec<u8> =
            bytes.chunks(40).flat_map(|chunk| [&[0, 1, 0, 0, 0, 9], chunk].concat()).collect();
        assert_eq!(look(&[(Side::Low, &framed)]).class, Class::Unknown);
    }

    #[test]
    fn known_headers_are_never_encrypted() {
        let even = noise(4000, 7);
        let headers: [(&[u8], Class); 11] = [
            (b"\x1f\x8b\x08\0\0\0\0\0", Class::Compressed),
            (b"\x78\x9c", Class::Compressed),
            (b"\0\0\x10\0\x78\xda", Class::Compressed),
            (b"\x28\xb5\x2f\xfd", Class::Compressed),
            (b"vendor\x01\xff\xd8\xff\xe0", Class::Media),
            (b"\x89PNG\r\n\x1a\n", Class::Media),
            (b"\0\0\0\x20ftypisom", Class::Media),
            (b"\0\0\0\x01\x67\x64", Class::Media),
            (b"head\0\0\0\x01\x40\x01", Class::Media),
            (b"\0\0\x01\xba", Class::Media),
            (b"PK\x03\x04", Class::Compressed),
        ];
        for (header, class) in headers {
            let bytes = [header, &even].concat();
            let looked = look(&[(Side::Low, &bytes)]);
            assert_eq!(looked.class, class, "{header:?}: {}", looked.because);
        }
        // Packed data that does not begin with its header is not told from ciphertext, and the
        // reason says so.
        assert!(look(&[(Side::Low, &even)]).because.contains("packed"));
    }

    #[test]
    fn text_and_sizes() {
        let looked = look(&[(Side::Low, b"id=7;temp=21.5\n"), (Side::High, b"ok\n")]);
        assert_eq!((looked.class, looked.pieces, looked.piece_bytes), (Class::Text, 2, [3, 15]));
        assert_eq!(looked.first(Side::High), b"ok\n");
        assert_eq!(look(&[(Side::Low, b"short")]).class, Class::Unknown);
        assert_eq!(look(&[(Side::Low, &[0; 5000])]).bytes, [4096, 0]);
        assert_eq!(look(&[(Side::Low, &[b'a'; 200])]).first(Side::Low), [b'a'; 16]);
        let many = vec![(Side::Low, &b"x"[..]); 500];
        assert_eq!(look(&many).pieces, PIECES_MAX);
        assert_eq!(Looking::default().measure(), None);
    }
}
