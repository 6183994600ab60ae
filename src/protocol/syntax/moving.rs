//! What the beginning of a body shows of the pictures and sound in it: FLV (Adobe Flash Video File
//! Format 10.1 annex E; codecs named by four letters: Enhanced RTMP 1) and JPEG (ITU-T T.81 §B.2)
//! one after the other, as cameras send them (multipart/x-mixed-replace, RFC 2046 §5.1).
//!
//! Bounds: the first 4 KiB of a body, 16 tags of FLV.

/// Kept of a body, bytes.
const KEPT_BYTES_MAX: usize = 4 * 1024;
const TAGS_MAX: usize = 16;
/// Header of FLV and the length of the tag before the first, which is none.
const FLV_HEADER_BYTES: usize = 9 + 4;
const TAG_HEADER_BYTES: usize = 11;
/// Codec, or four letters behind a first byte; the shortest tag and the length behind it are as long.
const CODEC_BYTES: usize = 5;
const FLV: &[u8] = b"FLV\x01";
/// How a JPEG begins (§B.2.1), with the mark behind it.
const JPEG: &[u8] = b"\xff\xd8\xff";
/// Marks of a JPEG looked at.
const MARKS_MAX: usize = 32;

/// What there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Moving pictures, or one picture after the other.
    Video,
    /// Sound.
    Audio,
}

/// Looks at a body as it comes.
#[derive(Debug)]
pub struct Moving {
    kept: Vec<u8>,
    /// Bytes that must be there before it is worth looking again.
    needed: usize,
    said: [bool; 2],
    /// It may be JPEG; where nobody says so, FLV alone is looked for.
    jpeg: bool,
}

impl Moving {
    /// For a body of one of the types of pictures, else of none.
    #[must_use]
    pub fn of(is_picture: bool) -> Moving {
        Moving { kept: Vec::new(), needed: FLV.len(), said: [false; 2], jpeg: is_picture }
    }

    /// Takes the next piece; false when nothing more is to come.
    pub fn take(&mut self, piece: &[u8], say: &mut dyn FnMut(Part, &[u8])) -> bool {
        let looked = self.kept.len();
        let room = KEPT_BYTES_MAX - looked;
        self.kept.extend_from_slice(&piece[..piece.len().min(room)]);
        let full = self.kept.len() == KEPT_BYTES_MAX;
        if self.kept.len() < self.needed && !full {
            return true;
        }
        if self.kept.starts_with(FLV) {
            let kept = std::mem::take(&mut self.kept);
            let needed = self.flv(&kept, say);
            self.kept = kept;
            self.needed = needed.unwrap_or_default();
            return needed.is_some_and(|needed| needed <= KEPT_BYTES_MAX) && !full;
        }
        if !self.jpeg {
            return false;
        }
        // What was looked at is passed over, but for the bytes that a beginning may have there.
        let from = looked.saturating_sub(JPEG.len() - 1);
        if !self.kept.starts_with(JPEG) {
            match position(&self.kept[from..], JPEG) {
                Some(at) => drop(self.kept.drain(..from + at)),
                None => return !full,
            }
        }
        match jpeg(&self.kept) {
            Some([width, height]) => say(Part::Video, format!("JPEG {width}x{height}").as_bytes()),
            None if full => say(Part::Video, b"JPEG"),
            None => return true,
        }
        false
    }

    /// Memory it takes beside itself, bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.kept.capacity()
    }

    /// Says what the tags tell that was not said; how many bytes must be there for more, nothing
    /// when all is said that the header announces.
    fn flv(&mut self, bytes: &[u8], say: &mut dyn FnMut(Part, &[u8])) -> Option<usize> {
        let Some(&flags) = bytes.get(4) else { return Some(FLV_HEADER_BYTES) };
        let mut missing = [flags & 1 != 0, flags & 4 != 0];
        let mut about = About::default();
        let mut at = FLV_HEADER_BYTES;
        for _ in 0..TAGS_MAX {
            // Of a tag the first bytes name the codec.
            let (head, body) = (bytes.get(at..at + TAG_HEADER_BYTES), at + TAG_HEADER_BYTES);
            let Some((head, first)) = head.zip(bytes.get(body..body + CODEC_BYTES)) else {
                return Some(body + CODEC_BYTES);
            };
            let length = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
            match (head[0] & 0x1f, bytes.get(body..body + length)) {
                (18, None) => return Some(body + length),
                (18, Some(script)) => about.read(script),
                (9, _) if length > 0 => {
                    missing[0] = false;
                    if !std::mem::replace(&mut self.said[0], true) {
                        say(Part::Video, about.with(video_codec(first)).as_bytes());
                    }
                }
                (8, _) if length > 0 => {
                    missing[1] = false;
                    if !std::mem::replace(&mut self.said[1], true) {
                        say(Part::Audio, audio_codec(first[0]).as_bytes());
                    }
                }
                _ => {}
            }
            if missing == [false; 2] {
                return None;
            }
            at = body + length + 4;
        }
        None
    }
}

fn video_codec(tag: &[u8]) -> &'static str {
    let &[first, ref fourcc @ ..] = tag else { return "video" };
    if first & 0x80 != 0 {
        return match fourcc {
            b"avc1" => "H.264",
            b"hvc1" => "H.265",
            b"av01" => "AV1",
            b"vp09" => "VP9",
            _ => "video",
        };
    }
    match first & 0x0f {
        2 => "H.263",
        3 | 6 => "Screen video",
        4 | 5 => "VP6",
        7 => "H.264",
        // Not in Adobe's list, but what Chinese servers and players settled on.
        12 => "H.265",
        _ => "video",
    }
}

fn audio_codec(first: u8) -> &'static str {
    match first >> 4 {
        1 => "ADPCM",
        0 | 3 => "PCM",
        2 | 14 => "MP3",
        4..=6 => "Nellymoser",
        7 => "G.711 A-law",
        8 => "G.711 mu-law",
        10 => "AAC",
        11 => "Speex",
        _ => "audio",
    }
}

/// What the metadata says of the pictures (§E.5).
#[derive(Default)]
struct About {
    size: [Option<u32>; 2],
    rate: Option<u32>,
}

impl About {
    fn read(&mut self, script: &[u8]) {
        let number = |name: &[u8]| {
            // A name behind its length, then type 0 and eight bytes of a double.
            let key = [&[0, name.len() as u8], name, &[0]].concat();
            let at = position(script, &key)? + key.len();
            let value = f64::from_be_bytes(script.get(at..at + 8)?.try_into().ok()?);
            (1.0..=65_535.0).contains(&value).then_some(value.round() as u32)
        };
        self.size = [number(b"width"), number(b"height")];
        self.rate = number(b"framerate");
    }

    fn with(&self, codec: &str) -> String {
        let size = match self.size {
            [Some(width), Some(height)] => format!(" {width}x{height}"),
            _ => String::new(),
        };
        let rate = self.rate.map_or(String::new(), |rate| format!(" {rate}/s"));
        [codec, &size, &rate].concat()
    }
}

/// Width and height of the first JPEG, which its frame header tells (§B.2.2).
fn jpeg(bytes: &[u8]) -> Option<[u16; 2]> {
    let mut rest = bytes.get(position(bytes, JPEG)? + 2..)?;
    for _ in 0..MARKS_MAX {
        let &[0xff, mark, high, low, ..] = rest else { return None };
        if matches!(mark, 0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf) {
            let [height, width] = [rest.get(5..7)?, rest.get(7..9)?];
            return Some([width, height].map(|two| u16::from_be_bytes([two[0], two[1]])));
        }
        rest = rest.get(2 + usize::from(u16::from_be_bytes([high, low]))..)?;
    }
    None
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|part| part == wanted)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Metadata with 1280 x 720 and 25 pictures a second, a picture of H.264, a sound of AAC.
    pub const STREAM: &[u8] = b"FLV\x01\x05\0\0\0\x09\0\0\0\0\
        \x12\0\0\x4a\0\0\0\0\0\0\0\x02\0\x0aonMetaData\x08\0\0\0\x03\
        \0\x05width\0\x40\x94\0\0\0\0\0\0\0\x06height\0\x40\x86\x80\0\0\0\0\0\
        \0\x09framerate\0\x40\x39\0\0\0\0\0\0\0\0\x09\0\0\0\0\
        \x09\0\0\x05\0\0\0\0\0\0\0\x17\0\0\0\0\0\0\0\x10\
        \x08\0\0\x04\0\0\0\0\0\0\0\xaf\0\x12\x10\0\0\0\x0f";
    /// A table, then a frame header of 640 x 480.
    pub const PICTURE: &[u8] =
        b"\xff\xd8\xff\xdb\0\x04ab\xff\xc0\0\x0b\x08\x01\xe0\x02\x80\x01\x01\x11\0\xff\xda";

    fn seen(bytes: &[u8], size: usize, is_picture: bool) -> Vec<(Part, String)> {
        let mut moving = Moving::of(is_picture);
        let mut all = Vec::new();
        for piece in bytes.chunks(size) {
            let more = moving.take(piece, &mut |part, what| {
                all.push((part, String::from_utf8_lossy(what).into_owned()));
            });
            if !more {
                break;
            }
        }
        all
    }

    #[test]
    fn codecs_size_and_rate_are_the_same_however_they_are_cut() {
        let expected =
            [(Part::Video, "H.264 1280x720 25/s".into()), (Part::Audio, "AAC".to_string())];
        let jpeg = [(Part::Video, "JPEG 640x480".to_string())];
        let parts = [&b"--x\r\nContent-Type: image/jpeg\r\n\r\n"[..], PICTURE].concat();
        for size in [1, 5, 64, 4096] {
            assert_eq!(seen(STREAM, size, false), expected, "{size}");
            assert_eq!(seen(&parts, size, true), jpeg, "{size}");
        }
        assert!(seen(&parts, 64, false).is_empty());
    }

    #[test]
    fn what_is_cut_or_lies_says_what_is_there() {
        for end in 0..STREAM.len() {
            assert!(seen(&STREAM[..end], 4096, false).len() <= 2);
        }
        let mut long = STREAM.to_vec();
        long[14..17].fill(0xff);
        assert!(seen(&long, 4096, false).is_empty());
        let unknown = [PICTURE[..4].to_vec(), vec![0xff; 5000]].concat();
        assert_eq!(seen(&unknown, 512, true), [(Part::Video, "JPEG".to_string())]);
    }
}
