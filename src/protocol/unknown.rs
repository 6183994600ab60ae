//! What can be measured of a flow that nobody recognised: how it begins, how even its bytes are,
//! how large its pieces. From that a class with its reason, which is an inference and is told
//! beside `unknown`, never instead of it.
//!
//! Known headers come before evenness, since packed files and pictures are as even as ciphertext;
//! what was packed without a header looks encrypted, and the reason says so. A header counts where
//! one piece holds it; evenness is that of the larger pieces, since six small ones are too few bytes.

use super::TCP;
use crate::flow::{Flow, Side};

/// Looked at in each direction, bytes.
pub const LOOKED_BYTES_MAX: usize = 4 * 1024;
/// Pieces looked at, both directions together. Every packet that is looked at costs as much as
/// counting several: with 64 of them, captures of small packets took three times as long.
const PIECES_MAX: u16 = 6;
/// First bytes kept.
pub const FIRST_BYTES_MAX: usize = 16;
/// Evenness says nothing about less, bytes.
const EVEN_BYTES_MIN: u16 = 1024;
/// Smaller pieces do not count for evenness: [`PIECES_MAX`] of them never come to
/// [`EVEN_BYTES_MIN`], bytes.
const EVEN_PIECE_BYTES_MIN: usize = 128;
const _: () = assert!(EVEN_PIECE_BYTES_MIN * PIECES_MAX as usize <= EVEN_BYTES_MIN as usize);
/// Less is not called text, bytes.
const TEXT_BYTES_MIN: u32 = 16;
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

/// What a flow looks like that nobody recognised.
#[derive(Debug, Clone, PartialEq)]
pub struct Look {
    /// In one word.
    pub class: Class,
    /// What that goes by, where somebody asked for it.
    pub measured: Option<Box<Measured>>,
}

impl Look {
    /// Of a flow: a packed file has its header at the beginning of what is sent, so that where that
    /// was not captured evenness does not tell it from ciphertext.
    pub(super) fn of(mut self, flow: &Flow) -> Look {
        let cut = flow.key.protocol == TCP && !flow.initiator_known;
        if cut && self.class == Class::Encrypted {
            self.class = Class::Unknown;
            if let Some(measured) = &mut self.measured {
                measured.because = "as even as random bytes, but the beginning was not captured: \
                                    packed data looks the same";
            }
        }
        self
    }
}

/// What was measured. Pairs are by side.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    first: [[u8; FIRST_BYTES_MAX]; 2],
    /// Bytes looked at.
    pub bytes: [u16; 2],
    /// Hundredths of bits a byte; only where there is enough to tell.
    entropy: [Option<u16>; 2],
    /// Pieces of payload looked at.
    pub pieces: u16,
    /// Bytes of the smallest and the largest of them.
    pub piece_bytes: [u16; 2],
    /// Why the class is what it is.
    pub because: &'static str,
}

impl Measured {
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

/// What every unrecognised flow is looked at for. Small enough to lie beside the flow's state, so
/// that a million flows of a few short pieces cost no memory of their own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Glimpse {
    pieces: u8,
    /// Position in [`HEADERS`] behind the first, 0 for none.
    header: u8,
    /// A side said something that is not printable.
    unprintable: [bool; 2],
    bytes: [u16; 2],
}

impl Glimpse {
    /// Looks at a piece; returns what of it counts.
    pub fn take<'d>(&mut self, side: Side, data: &'d [u8]) -> &'d [u8] {
        if self.is_enough() {
            return &[];
        }
        let side = side.index();
        let room = LOOKED_BYTES_MAX - usize::from(self.bytes[side]);
        let data = &data[..data.len().min(room)];
        if data.is_empty() {
            return data;
        }
        if self.header == 0 {
            self.header = header(data, self.bytes[side] == 0).map_or(0, |at| at + 1);
        }
        self.unprintable[side] |= !data.iter().all(|&byte| is_printable(byte));
        self.bytes[side] += data.len() as u16;
        self.pieces += 1;
        data
    }

    /// Whether a side has said nothing yet.
    pub fn is_silent(self, side: Side) -> bool {
        self.bytes[side.index()] == 0
    }

    /// Nothing more is wanted.
    pub fn is_enough(self) -> bool {
        u16::from(self.pieces) >= PIECES_MAX
            || self.bytes.iter().all(|&bytes| usize::from(bytes) >= LOOKED_BYTES_MAX)
    }

    /// Whether a piece may be the first of enough to tell how even they are.
    pub fn asks_for_evenness(self, data: &[u8]) -> bool {
        data.len() >= EVEN_PIECE_BYTES_MIN && !self.is_enough()
    }

    /// What it comes to, where the evenness of both sides is known or cannot be; nothing where
    /// there was no payload.
    pub fn class(self, even: Option<&Even>) -> Option<(Class, &'static str)> {
        if self.pieces == 0 {
            return None;
        }
        if let Some(known) = usize::from(self.header).checked_sub(1) {
            return HEADERS.get(known).copied();
        }
        let is_text = |side: usize| self.bytes[side] > 0 && !self.unprintable[side];
        let said = || [0, 1].into_iter().filter(|&side| self.bytes[side] > 0);
        let total: u32 = self.bytes.map(u32::from).iter().sum();
        if total >= TEXT_BYTES_MIN && said().all(is_text) {
            return Some((Class::Text, "every byte is printable"));
        }
        let entropy = even.map_or([None; 2], Even::entropy);
        if entropy == [None; 2] {
            return Some((
                Class::Unknown,
                "less than 1024 bytes each way in pieces of 128 or more, and no known header",
            ));
        }
        let is_even = |side: usize| {
            let count = even.map_or(0.0, |even| f64::from(even.counted[side]));
            let random = 8.0 - 255.0 / (2.0 * std::f64::consts::LN_2 * count);
            entropy[side].is_some_and(|bits| bits >= random - EVEN_WITHIN_BITS)
        };
        // A side with too little to tell may be anything but text.
        let fits = |side: usize| entropy[side].is_none() || is_even(side);
        let is_picture = |side: usize| {
            entropy[side].is_none() || even.is_some_and(|even| even.stuffed[side] >= STUFFED_MIN)
        };
        if [0, 1].into_iter().all(|side| fits(side) && is_picture(side)) {
            return Some((Class::Media, "every byte ff is stuffed, as in the middle of a JPEG"));
        }
        if [0, 1].into_iter().all(fits) && !said().any(is_text) {
            let because = "as even as random bytes, no known header; packed data without one \
                           looks the same";
            return Some((Class::Encrypted, because));
        }
        Some((Class::Unknown, "uneven bytes, neither text nor a known header"))
    }
}

/// As many bytes ff that are all stuffed come in even bytes once in 600,000 (9 of 256 bytes may
/// follow).
const STUFFED_MIN: u16 = 4;

/// How often each byte came, in pieces of [`EVEN_PIECE_BYTES_MIN`] or more.
#[derive(Debug)]
pub(super) struct Even {
    counts: [[u16; 256]; 2],
    counted: [u16; 2],
    /// Bytes ff with what JPEG puts behind them; stays 0 once there was one without.
    stuffed: [u16; 2],
    unstuffed: [bool; 2],
}

impl Default for Even {
    fn default() -> Even {
        let (stuffed, unstuffed) = ([0; 2], [false; 2]);
        Even { counts: [[0; 256]; 2], counted: [0; 2], stuffed, unstuffed }
    }
}

impl Even {
    fn take(&mut self, side: Side, data: &[u8]) {
        let side = side.index();
        data.iter().for_each(|&byte| self.counts[side][usize::from(byte)] += 1);
        self.counted[side] += data.len() as u16;
        // ITU-T T.81 §B.1.1.5: in a scan, a byte ff is followed by 0, or by a restart marker.
        for pair in data.windows(2).filter(|pair| pair[0] == 0xff) {
            match pair[1] {
                0 | 0xd0..=0xd7 if !self.unstuffed[side] => self.stuffed[side] += 1,
                _ => (self.unstuffed[side], self.stuffed[side]) = (true, 0),
            }
        }
    }

    /// Bits a byte (Shannon) of each side; nothing below [`EVEN_BYTES_MIN`].
    fn entropy(&self) -> [Option<f64>; 2] {
        [0, 1].map(|side| {
            let total = self.counted[side];
            (total >= EVEN_BYTES_MIN).then(|| {
                let counts = self.counts[side].iter().filter(|&&count| count > 0);
                let bits = counts.map(|&count| {
                    let share = f64::from(count) / f64::from(total);
                    -share * share.log2()
                });
                bits.sum()
            })
        })
    }
}

/// A flow that is looked at more closely than by a glimpse.
#[derive(Debug, Default)]
pub(super) struct Looking {
    glimpse: Glimpse,
    even: Option<Box<Even>>,
    details: Option<Box<Details>>,
}

/// What only somebody who writes records of single flows wants to know.
#[derive(Debug, Default)]
struct Details {
    first: [[u8; FIRST_BYTES_MAX]; 2],
    piece_bytes: [u16; 2],
}

impl Looking {
    /// From what a glimpse saw.
    pub fn closer(glimpse: Glimpse, detailed: bool) -> Looking {
        Looking { glimpse, even: None, details: detailed.then(Box::default) }
    }

    /// Takes a piece.
    pub fn take(&mut self, side: Side, data: &[u8]) {
        let before = usize::from(self.glimpse.bytes[side.index()]);
        let size = data.len().min(usize::from(u16::MAX)) as u16;
        let taken = self.glimpse.take(side, data);
        if taken.is_empty() {
            return;
        }
        if data.len() >= EVEN_PIECE_BYTES_MIN {
            self.even.get_or_insert_default().take(side, taken);
        }
        if let Some(details) = &mut self.details {
            let [smallest, largest] = details.piece_bytes;
            let smallest = if largest == 0 { size } else { smallest.min(size) };
            details.piece_bytes = [smallest, largest.max(size)];
            let first = details.first[side.index()].iter_mut().skip(before);
            first.zip(taken).for_each(|(to, from)| *to = *from);
        }
    }

    /// Whether a side has said nothing yet.
    pub fn is_silent(&self, side: Side) -> bool {
        self.glimpse.is_silent(side)
    }

    /// Nothing more is wanted.
    pub fn is_enough(&self) -> bool {
        self.glimpse.is_enough()
    }

    /// Memory it takes, bytes.
    pub fn held_bytes(&self) -> usize {
        size_of::<Looking>()
            + self.even.as_ref().map_or(0, |_| size_of::<Even>())
            + self.details.as_ref().map_or(0, |_| size_of::<Details>())
    }

    /// What it comes to; nothing where there was no payload.
    pub fn look(&self) -> Option<Look> {
        let even = self.even.as_deref();
        let (class, because) = self.glimpse.class(even)?;
        let entropy = even.map_or([None; 2], Even::entropy);
        let measured = self.details.as_ref().map(|details| {
            Box::new(Measured {
                first: details.first,
                bytes: self.glimpse.bytes,
                entropy: entropy.map(|bits| bits.map(|bits| (bits * 100.0).round() as u16)),
                pieces: self.glimpse.pieces.into(),
                piece_bytes: details.piece_bytes,
                because,
            })
        });
        Some(Look { class, measured })
    }
}

fn is_printable(byte: u8) -> bool {
    matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~')
}

/// What [`header`] knows.
const HEADERS: [(Class, &str); 15] = [
    (Class::Compressed, "the header of zlib"),
    (Class::Compressed, "the header of gzip"),
    (Class::Compressed, "the header of zstd"),
    (Class::Compressed, "the header of LZ4"),
    (Class::Compressed, "the header of xz"),
    (Class::Compressed, "the header of bzip2"),
    (Class::Compressed, "the header of ZIP"),
    (Class::Media, "the header of JPEG"),
    (Class::Media, "the header of PNG"),
    (Class::Media, "the header of MP4"),
    (Class::Media, "the header of RIFF"),
    (Class::Media, "the header of FLV"),
    (Class::Media, "the header of an MPEG program stream"),
    (Class::Media, "a start code of H.264"),
    (Class::Media, "a start code of H.265"),
];

/// What stands behind the first byte of a header in [`HEADERS`], zlib's apart, by that byte: of noise
/// every twentieth byte may begin one, and hardly any two. Where none begins so it is no byte.
const SECOND: [u16; 256] = {
    let mut second = [256; 256];
    let pairs: [&[u8; 2]; 12] = [
        b"\x1f\x8b",
        b"\x28\xb5",
        b"\x04\x22",
        b"\xfd7",
        b"BZ",
        b"PK",
        b"\xff\xd8",
        b"\x89P",
        b"ft",
        b"RI",
        b"FL",
        b"\0\0",
    ];
    let mut at = 0;
    while at < pairs.len() {
        second[pairs[at][0] as usize] = pairs[at][1] as u16;
        at += 1;
    }
    second
};

/// A known header anywhere in a piece, as its position in [`HEADERS`]: vendors put headers of their
/// own before a picture. That of zlib has two bytes, so it counts only at the beginning of a side or
/// behind four or eight bytes of length.
fn header(bytes: &[u8], is_beginning: bool) -> Option<u8> {
    let places = if is_beginning { &[0, 4, 8][..] } else { &[] };
    for &at in places {
        // RFC 1950 §2.2: deflate, window, and a check of both bytes.
        if let Some(&[method, flags]) = bytes.get(at..at + 2)
            && method == 0x78
            && flags & 0x20 == 0
            && u16::from_be_bytes([method, flags]).is_multiple_of(31)
        {
            return Some(0);
        }
    }
    let (&first, rest) = bytes.split_first()?;
    let mut before = first;
    for (at, &byte) in rest.iter().enumerate() {
        if SECOND[usize::from(before)] == u16::from(byte)
            && let Some(found) = header_at(bytes, at)
        {
            return Some(found);
        }
        before = byte;
    }
    None
}

/// The header that begins here.
fn header_at(bytes: &[u8], at: usize) -> Option<u8> {
    Some(match bytes[at..] {
        // RFC 1952 §2.3: deflate, no reserved flags.
        [0x1f, 0x8b, 8, flags, ..] if flags & 0xe0 == 0 => 1,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => 2,
        [0x04, 0x22, 0x4d, 0x18, ..] => 3,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => 4,
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => 5,
        [b'P', b'K', 3, 4, ..] => 6,
        [0xff, 0xd8, 0xff, 0xc0..=0xfe, ..] => 7,
        [0x89, b'P', b'N', b'G', ..] => 8,
        [b'f', b't', b'y', b'p', ..] if at >= 4 => 9,
        [b'R', b'I', b'F', b'F', ..] => 10,
        [b'F', b'L', b'V', 1, ..] => 11,
        [0, 0, 1, 0xba, ..] => 12,
        // Annex B: parameter sets and pictures of H.264 (§7.3.1) and H.265 (§7.3.1.2).
        [0, 0, 0, 1, 0x67 | 0x68 | 0x65 | 0x61 | 0x41 | 0x27 | 0x28 | 0x25 | 0x21, ..] => 13,
        [0, 0, 0, 1, 0x40 | 0x42 | 0x44 | 0x26 | 0x02, 1, ..] => 14,
        _ => return None,
    })
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

    /// With a glimpse alone as far as that goes, as sessions do: the class must be the same.
    fn class(pieces: &[(Side, &[u8])]) -> Class {
        let mut glimpse = Glimpse::default();
        let mut looking: Option<Looking> = None;
        for &(side, data) in pieces {
            if looking.is_none() && glimpse.asks_for_evenness(data) {
                looking = Some(Looking::closer(glimpse, false));
            }
            match &mut looking {
                Some(looking) => looking.take(side, data),
                None => {
                    glimpse.take(side, data);
                }
            }
        }
        let look = looking.map(|looking| looking.look().unwrap());
        look.map_or_else(|| glimpse.class(None).unwrap().0, |look| look.class)
    }

    fn look(pieces: &[(Side, &[u8])]) -> (Class, Measured) {
        let mut looking = Looking::closer(Glimpse::default(), true);
        pieces.iter().for_each(|&(side, data)| looking.take(side, data));
        let look = looking.look().unwrap();
        assert_eq!(look.class, class(pieces));
        (look.class, *look.measured.unwrap())
    }

    #[test]
    fn evenness_counts_from_a_kibibyte_on() {
        for seed in 0..200 {
            let bytes = noise(1024, seed);
            assert_eq!(look(&[(Side::Low, &bytes)]).0, Class::Encrypted, "{seed}");
            let (class, short) = look(&[(Side::Low, &bytes[1..])]);
            assert_eq!((class, short.entropy(Side::Low)), (Class::Unknown, None));
        }
        let bytes = noise(4096, 1);
        let (class, looked) = look(&[(Side::High, &bytes), (Side::Low, b"\0\x01")]);
        assert_eq!((class, looked.bytes), (Class::Encrypted, [2, 4096]));
        assert!(looked.entropy(Side::High) > Some(7.9) && looked.entropy(Side::Low).is_none());
        // Few values, or text in the other direction.
        let even_text = look(&[(Side::High, &bytes), (Side::Low, b"get the picture\n")]);
        assert_eq!(even_text.0, Class::Unknown);
        let narrow: Vec<u8> = bytes.iter().map(|byte| byte & 0x7f).collect();
        assert_eq!(look(&[(Side::Low, &narrow)]).0, Class::Unknown);
        // Six fixed bytes at the start of every 40 are a protocol, not ciphertext alone.
        let framed: Vec<u8> =
            bytes.chunks(40).flat_map(|chunk| [&[0, 1, 0, 0, 0, 9], chunk].concat()).collect();
        assert_eq!(look(&[(Side::Low, &framed)]).0, Class::Unknown);
    }

    #[test]
    fn known_headers_are_never_encrypted() {
        let even = noise(4000, 7);
        let headers: [(&[u8], Class); 16] = [
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
            (b"\x04\x22\x4d\x18", Class::Compressed),
            (b"vendor\xfd7zXZ\0", Class::Compressed),
            (b"BZh91AY", Class::Compressed),
            (b"\0\0\x10\0RIFF", Class::Media),
            (b"FLV\x01", Class::Media),
        ];
        for (header, class) in headers {
            let bytes = [header, &even].concat();
            let (found, looked) = look(&[(Side::Low, &bytes)]);
            assert_eq!(found, class, "{header:?}: {}", looked.because);
        }
        // Packed data that does not begin with its header is not told from ciphertext, and the
        // reason says so.
        assert!(look(&[(Side::Low, &even)]).1.because.contains("packed"));
    }

    #[test]
    fn the_middle_of_a_picture_is_told_by_its_stuffing() {
        let even = noise(6000, 11);
        let mut scan = Vec::new();
        for &byte in &even {
            scan.push(byte);
            if byte == 0xff {
                scan.push(0);
            }
        }
        let (class, looked) = look(&[(Side::High, &scan[..4096]), (Side::Low, b"GET /1.jpg\r\n")]);
        assert_eq!(class, Class::Media, "{}", looked.because);
        let one = scan.windows(2).position(|pair| pair == [0xff, 0]).unwrap();
        scan[one + 1] = 0x41;
        assert_eq!(look(&[(Side::High, &scan[..4096])]).0, Class::Encrypted);
    }

    #[test]
    fn without_its_beginning_even_data_is_not_called_encrypted() {
        let mut flow = super::super::testing::flow(TCP, 50_000, 5_123);
        let look = Look { class: Class::Encrypted, measured: None };
        assert_eq!(look.clone().of(&flow).class, Class::Encrypted);
        flow.initiator_known = false;
        assert_eq!(look.of(&flow).class, Class::Unknown);
    }

    #[test]
    fn text_and_sizes() {
        let (class, looked) = look(&[(Side::Low, b"id=7;temp=21.5\n"), (Side::High, b"ok\n")]);
        assert_eq!((class, looked.pieces, looked.piece_bytes), (Class::Text, 2, [3, 15]));
        assert_eq!(looked.first(Side::High), b"ok\n");
        assert_eq!(look(&[(Side::Low, b"short")]).0, Class::Unknown);
        assert_eq!(look(&[(Side::Low, &[0; 5000])]).1.bytes, [4096, 0]);
        assert_eq!(look(&[(Side::Low, &[b'a'; 200])]).1.first(Side::Low), [b'a'; 16]);
        let many = vec![(Side::Low, &b"x"[..]); 500];
        assert_eq!(look(&many).1.pieces, PIECES_MAX);
        assert_eq!(Looking::default().look(), None);
    }
}
