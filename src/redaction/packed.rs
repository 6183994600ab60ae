//! Recognises what is compressed, and opens gzip, zlib and zstd. Where something can be said in what
//! cannot be opened, that is told: whoever looks for a name must not take it for nothing.

use flate2::bufread::{GzDecoder, ZlibDecoder};
use std::io::Read;

/// Output for each byte of input, and what is given on top: more is a bomb, and not looked into.
const EXPANSION_MAX: usize = 32;
const ROOM_MIN: usize = 1024 * 1024;
/// Largest window of zstd, as a power of two: what a decoder may set aside.
const WINDOW_MAX: u32 = 23;
/// Two bytes begin zlib (RFC 1950 §2.2), which stand anywhere by chance: fewer bytes than this are
/// none that somebody packed.
const CHANCE_MAX: usize = 64;

/// What is left for opening things, so that all of it stays linear in what was given.
pub struct Room(usize);

impl Room {
    /// For so many bytes.
    #[must_use]
    pub fn of(length: usize) -> Room {
        Room(ROOM_MIN + EXPANSION_MAX * length)
    }

    fn take(&mut self, bytes: usize) -> bool {
        let enough = bytes <= self.0;
        self.0 = self.0.saturating_sub(bytes);
        enough
    }
}

/// What was found in some bytes.
pub enum Look {
    /// Everything that is packed, opened.
    Open(Vec<Vec<u8>>),
    /// Something that cannot be looked into, and what it is.
    Closed(&'static str),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Gzip,
    Zlib,
    Zstd,
    /// Not opened here.
    Other(&'static str),
    /// A header says that the body is packed.
    Announced,
    /// A header says that everything behind it may be.
    Socket,
}

/// Looks for everything that is packed.
pub fn look(bytes: &[u8], room: &mut Room) -> Look {
    let mut contents = Vec::new();
    // Where a body begins that has to be packed.
    let mut due: Option<usize> = None;
    let mut bodies = Bodies::default();
    let mut at = 0;
    while let Some((place, kind)) = next(bytes, at) {
        at = place + 1;
        match kind {
            Kind::Other(what) => return Look::Closed(what),
            Kind::Announced | Kind::Socket => {
                if due.is_some_and(|body| body < place) {
                    return Look::Closed("an encoding of HTTP that is not read here");
                }
                let body = bodies.behind(bytes, place);
                if body.is_some() && kind == Kind::Socket {
                    return Look::Closed("a WebSocket that may be compressed");
                }
                due = body;
            }
            Kind::Gzip | Kind::Zlib | Kind::Zstd => match unpack(kind, &bytes[place..], room) {
                Ok((content, length)) => {
                    contents.push(content);
                    at = place + length.max(1);
                    due = due.filter(|&body| body > place);
                }
                Err(Stop { made, full }) => {
                    if full {
                        return Look::Closed("compressed content larger than is opened");
                    }
                    if kind != Kind::Zlib || made >= CHANCE_MAX {
                        return Look::Closed("compressed content that is not whole");
                    }
                }
            },
        }
    }
    match due {
        Some(_) => Look::Closed("an encoding of HTTP that is not read here"),
        None => Look::Open(contents),
    }
}

/// Where bytes first say for certain that they, or what follows, are packed.
#[must_use]
pub fn begins(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some((place, kind)) = next(bytes, at) {
        if kind != Kind::Zlib {
            return Some(place);
        }
        at = place + 1;
    }
    None
}

/// Whether bytes are text, as nothing that is packed is.
#[must_use]
pub fn is_text(bytes: &[u8]) -> bool {
    // A character may be cut at either end.
    let plain = |byte: u8| byte >= b' ' && byte != 0x7f || b"\t\r\n".contains(&byte);
    let start = bytes.iter().take(3).take_while(|&&byte| byte & 0xc0 == 0x80).count();
    let fits = match std::str::from_utf8(&bytes[start..]) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    fits && bytes.iter().all(|&byte| plain(byte))
}

/// Bytes with which something of that may begin.
const STARTS: [bool; 256] = {
    let (mut table, starts) = ([false; 256], b"\x1f\x78\x28\xfd\x04BPp7RcC%");
    let mut at = 0;
    while at < starts.len() {
        table[starts[at] as usize] = true;
        at += 1;
    }
    table
};

fn next(bytes: &[u8], from: usize) -> Option<(usize, Kind)> {
    let rest = bytes.get(from..)?.iter().enumerate();
    rest.filter(|&(_, &byte)| STARTS[usize::from(byte)])
        .find_map(|(offset, _)| Some((from + offset, kind(&bytes[from + offset..])?)))
}

fn kind(bytes: &[u8]) -> Option<Kind> {
    Some(match bytes {
        // No flag is set that is not defined (RFC 1952 §2.3.1).
        [0x1f, 0x8b, 8, flags, ..] if flags & 0xe0 == 0 => Kind::Gzip,
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Kind::Zlib,
        // RFC 8878 §3.1.1.
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Kind::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Kind::Other("an xz archive"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Kind::Other("an lz4 archive"),
        [b'B', b'Z', b'h', b'1'..=b'9', b'1', b'A', b'Y', b'&', ..] => {
            Kind::Other("a bzip2 archive")
        }
        [b'P', b'K', 3, 4, ..] => Kind::Other("a zip archive"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Kind::Other("a 7z archive"),
        [b'R', b'a', b'r', b'!', 0x1a, 7, ..] => Kind::Other("a rar archive"),
        [b'%', b'P', b'D', b'F', b'-', ..] => Kind::Other("a PDF file, which is compressed within"),
        // Its headers are compressed (RFC 9113 §3.4).
        _ if bytes.starts_with(b"PRI * HTTP/2.0\r\n") => {
            Kind::Other("HTTP/2, whose headers are compressed")
        }
        _ if begins_with(bytes, b"permessage-deflate") => Kind::Socket,
        _ if begins_with(bytes, b"content-encoding:") => {
            let value = bytes[17..].split(|&byte| byte == b'\r' || byte == b'\n').next()?;
            let value = value.trim_ascii();
            if value.is_empty() || value.eq_ignore_ascii_case(b"identity") {
                return None;
            }
            Kind::Announced
        }
        _ => return None,
    })
}

fn begins_with(bytes: &[u8], word: &[u8]) -> bool {
    bytes.get(..word.len()).is_some_and(|there| there.eq_ignore_ascii_case(word))
}

/// Finds where bodies begin, and searches each stretch once.
#[derive(Default)]
struct Bodies(Option<Option<usize>>);

impl Bodies {
    /// Where what follows the headers at some place begins; none where nothing of it is there.
    /// Places are asked for in order.
    fn behind(&mut self, bytes: &[u8], place: usize) -> Option<usize> {
        let known = match self.0 {
            Some(Some(body)) if body > place => return Some(body),
            Some(None) => return None,
            _ => bytes[place..].windows(4).position(|part| part == b"\r\n\r\n"),
        };
        let body = known.map(|end| place + end + 4).filter(|&body| body < bytes.len());
        self.0 = Some(body);
        body
    }
}

struct Stop {
    made: usize,
    full: bool,
}

/// Content, and how many bytes it was packed in.
fn unpack(kind: Kind, bytes: &[u8], room: &mut Room) -> Result<(Vec<u8>, usize), Stop> {
    let mut rest = bytes;
    let read = match kind {
        Kind::Gzip => drain(GzDecoder::new(&mut rest), room),
        Kind::Zlib => drain(ZlibDecoder::new(&mut rest), room),
        _ => match zstd::Decoder::with_buffer(&mut rest) {
            Ok(mut decoder) => match decoder.window_log_max(WINDOW_MAX) {
                Ok(()) => drain(decoder.single_frame(), room),
                Err(_) => Err(Stop { made: 0, full: false }),
            },
            Err(_) => Err(Stop { made: 0, full: false }),
        },
    };
    let used = bytes.len() - rest.len();
    if !room.take(used) {
        return Err(Stop { made: 0, full: true });
    }
    read.map(|content| (content, used))
}

fn drain(mut packed: impl Read, room: &mut Room) -> Result<Vec<u8>, Stop> {
    let mut content = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match packed.read(&mut buffer) {
            Ok(0) => return Ok(content),
            Ok(count) if room.take(count) => content.extend_from_slice(&buffer[..count]),
            Ok(_) => return Err(Stop { made: content.len(), full: true }),
            Err(_) => return Err(Stop { made: content.len(), full: false }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn opened(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
        match look(bytes, &mut Room::of(bytes.len())) {
            Look::Open(contents) => Some(contents),
            Look::Closed(_) => None,
        }
    }

    #[test]
    fn what_can_be_opened_is_and_what_cannot_is_told() {
        let text: Vec<u8> = (0..600u32).flat_map(|n| format!("{} ", n * n).into_bytes()).collect();
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        zlib.write_all(&text).unwrap();
        let zlib = zlib.finish().unwrap();
        let zstd = zstd::encode_all(&text[..], 3).unwrap();
        for packed in [&gzip(&text), &zlib, &zstd] {
            let bytes = [&b"head "[..], packed, b" tail"].concat();
            assert_eq!(opened(&bytes).unwrap(), std::slice::from_ref(&text));
            assert!(opened(&bytes[..bytes.len() - 40]).is_none(), "cut");
            assert!(opened(&bytes[..packed.len() / 2]).is_none(), "cut");
            let twice = [&bytes[..], packed].concat();
            assert_eq!(opened(&twice).unwrap().len(), 2);
        }
        let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
        assert_eq!(opened(head).unwrap().len(), 0, "only said");
        assert_eq!(opened(&[&head[..], &gzip(b"body")].concat()).unwrap(), [b"body"]);
        let brotli = b"content-encoding: br\r\n\r\n\x0b\x02\x80hello\x03";
        assert!(opened(brotli).is_none());
        assert_eq!(begins(brotli), Some(0));
        assert_eq!(opened(b"content-encoding: identity\r\n\r\nplain").unwrap().len(), 0);
        let chunks = [&head[..], b"5\r\n", &gzip(&text)[..5], b"\r\n5\r\n"].concat();
        assert!(opened(&chunks).is_none());
        for other in
            [&b"PK\x03\x04"[..], b"BZh91AY&SY", b"\xfd7zXZ\0", b"%PDF-1.4", b"Rar!\x1a\x07"]
        {
            assert!(opened(other).is_none() && begins(other) == Some(0));
        }
        // By chance, or hardly begun.
        for plain in [&b"x\x9c"[..], b"fax\x01\x02\x03", b"P", b"\x1f\x8b\x07\0"] {
            assert_eq!(opened(plain).unwrap().len(), 0);
            assert_eq!(begins(plain), None);
        }
    }

    #[test]
    fn a_bomb_is_not_opened_and_many_beginnings_cost_little() {
        let bomb = gzip(&vec![0; 100_000_000]);
        assert!(opened(&bomb).is_none());
        // Each begins blocks without content that go on to the end.
        let empty: Vec<u8> = (0..200_000).flat_map(|_| *b"\x78\x01\0\0\0\xff\xff").collect();
        let began = std::time::Instant::now();
        let _ = opened(&empty);
        assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
    }

    #[test]
    fn text_is_told_from_what_is_packed() {
        assert!(is_text("HTTP/1.1 200 OK\r\nX: ü".as_bytes()));
        assert!(is_text(&"aü".as_bytes()[..2]) && is_text(&"üa".as_bytes()[1..]));
        assert!(!is_text(&gzip(b"some text that is packed")[10..]));
    }
}
