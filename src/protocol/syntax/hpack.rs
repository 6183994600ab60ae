//! HPACK (RFC 7541): the header fields of HTTP/2, of which most are references into a fixed table
//! and into one that both sides build up. Whoever misses a block cannot read those after it.
//!
//! Bounds: a table of 16 KiB, a list of 32 KiB. A string with characters beyond ASCII in Huffman
//! code, which header fields do not have, is an error.

use crate::base::bytes::Reader;
use std::collections::VecDeque;

/// A field's name and value.
pub type Field = (Vec<u8>, Vec<u8>);

/// Largest table an encoder may ask for, bytes (§4.2); the default is 4,096.
const TABLE_BYTES_MAX: usize = 16 * 1024;
const TABLE_BYTES_DEFAULT: usize = 4096;
/// What an entry costs beside its bytes (§4.1).
const ENTRY_BYTES: usize = 32;
/// Longest list of fields, bytes: references make a short block long.
const LIST_BYTES_MAX: usize = 32 * 1024;

/// Reads the blocks of one direction in order.
#[derive(Debug)]
pub struct Decoder {
    /// Newest first.
    table: VecDeque<Field>,
    bytes: usize,
    bytes_max: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Decoder { table: VecDeque::new(), bytes: 0, bytes_max: TABLE_BYTES_DEFAULT }
    }
}

impl Decoder {
    /// The fields of a block; `None` where it is damaged, and nothing can be read from there on.
    pub fn block(&mut self, block: &[u8]) -> Option<Vec<Field>> {
        let mut reader = Reader::new(block);
        let mut fields = Vec::new();
        let mut bytes = 0;
        while let Some(first) = reader.u8() {
            let field = match first {
                // Indexed (§6.1).
                0x80.. => self.entry(integer(first, 7, &mut reader)?)?,
                // Literal, to be remembered (§6.2.1).
                0x40.. => {
                    let field = self.literal(integer(first, 6, &mut reader)?, &mut reader)?;
                    self.remember(field.clone());
                    field
                }
                // Another size of the table (§6.3).
                0x20.. => {
                    let size = integer(first, 5, &mut reader)?;
                    self.bytes_max = Some(size).filter(|&size| size <= TABLE_BYTES_MAX)?;
                    self.shrink();
                    continue;
                }
                // Literal, not to be remembered (§6.2.2, §6.2.3).
                _ => self.literal(integer(first, 4, &mut reader)?, &mut reader)?,
            };
            bytes += field.0.len() + field.1.len() + ENTRY_BYTES;
            if bytes > LIST_BYTES_MAX {
                return None;
            }
            fields.push(field);
        }
        Some(fields)
    }

    /// Memory it takes, bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.bytes + self.table.capacity() * size_of::<Field>()
    }

    fn entry(&self, index: usize) -> Option<Field> {
        let index = index.checked_sub(1)?;
        if let Some(&(name, value)) = STATIC.get(index) {
            return Some((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        }
        self.table.get(index - STATIC.len()).cloned()
    }

    fn literal(&self, name: usize, reader: &mut Reader<'_>) -> Option<Field> {
        let name = if name == 0 { string(reader)? } else { self.entry(name)?.0 };
        Some((name, string(reader)?))
    }

    fn remember(&mut self, field: Field) {
        self.bytes += field.0.len() + field.1.len() + ENTRY_BYTES;
        self.table.push_front(field);
        self.shrink();
    }

    fn shrink(&mut self) {
        while self.bytes > self.bytes_max
            && let Some((name, value)) = self.table.pop_back()
        {
            self.bytes -= name.len() + value.len() + ENTRY_BYTES;
        }
    }
}

/// §5.1: what does not fit the low bits of the first byte follows, seven bits a byte.
fn integer(first: u8, bits: u32, reader: &mut Reader<'_>) -> Option<usize> {
    let most = (1 << bits) - 1;
    let mut value = usize::from(first) & most;
    if value < most {
        return Some(value);
    }
    // Four bytes hold more than any bound here.
    for shift in [0, 7, 14, 21] {
        let byte = reader.u8()?;
        value += usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// §5.2.
fn string(reader: &mut Reader<'_>) -> Option<Vec<u8>> {
    let first = reader.u8()?;
    let length = integer(first, 7, reader)?;
    let bytes = reader.take(length)?;
    if first & 0x80 == 0 { Some(bytes.to_vec()) } else { huffman(bytes) }
}

/// The characters whose code has the same length, from 5 bits on. Codes count upwards through them
/// (appendix B), so that this is all there is to know of the code for ASCII.
const BY_LENGTH: [(u32, &[u8]); 11] = [
    (5, b"012aceiost"),
    (6, b" %-./3456789=A_bdfghlmnpru"),
    (7, b":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"),
    (8, b"&*,;XZ"),
    (10, b"!\"()?"),
    (11, b"'+|"),
    (12, b"#>"),
    (13, b"\0$@[]~"),
    (14, b"^}"),
    (15, b"<`{"),
    (u32::MAX, b""),
];

fn huffman(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut text = Vec::with_capacity(bytes.len() * 8 / 5);
    let (mut code, mut length) = (0u32, 0u32);
    for at in 0..bytes.len() * 8 {
        code = code << 1 | u32::from(bytes[at / 8] >> (7 - at % 8) & 1);
        length += 1;
        if let Some(character) = character(code, length) {
            text.push(character);
            (code, length) = (0, 0);
        } else if length >= 15 {
            return None;
        }
    }
    // Ones up to the end of the last byte.
    (length < 8 && code == (1 << length) - 1).then_some(text)
}

fn character(code: u32, length: u32) -> Option<u8> {
    let mut first = 0;
    let mut previous = 0;
    for (bits, characters) in BY_LENGTH {
        if bits > length {
            return None;
        }
        first <<= bits - previous;
        previous = bits;
        if bits == length {
            return characters.get(code.checked_sub(first)? as usize).copied();
        }
        first += characters.len() as u32;
    }
    None
}

/// Appendix A.
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        let digits = text.as_bytes().chunks(2);
        digits
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).expect("text"), 16))
            .collect::<Result<_, _>>()
            .expect("hexadecimal")
    }

    fn text(fields: &[Field]) -> String {
        let line = |(name, value): &Field| {
            format!("{}={}", String::from_utf8_lossy(name), String::from_utf8_lossy(value))
        };
        fields.iter().map(line).collect::<Vec<_>>().join(" ")
    }

    /// The three requests of appendix C.4, which build on each other.
    #[test]
    fn the_requests_of_the_document() {
        let mut decoder = Decoder::default();
        let first = decoder.block(&bytes("828684418cf1e3c2e5f23a6ba0ab90f4ff")).expect("whole");
        let start = ":method=GET :scheme=http :path=/ :authority=www.example.com";
        assert_eq!(text(&first), start);
        let second = decoder.block(&bytes("828684be5886a8eb10649cbf")).expect("whole");
        assert_eq!(text(&second), format!("{start} cache-control=no-cache"));
        let third = bytes("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf");
        let third = decoder.block(&third).expect("whole");
        assert!(text(&third).ends_with(":authority=www.example.com custom-key=custom-value"));
        assert_eq!(decoder.bytes, 164);
    }

    /// The first answer of appendix C.6, whose table holds 256 bytes.
    #[test]
    fn the_answer_of_the_document() {
        let block = "3fe101488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff\
            6e919d29ad171863c78f0b97c8e9ae82ae43d3";
        let mut decoder = Decoder::default();
        let fields = decoder.block(&bytes(block)).expect("whole");
        assert_eq!(
            text(&fields),
            ":status=302 cache-control=private date=Mon, 21 Oct 2013 20:13:21 GMT \
             location=https://www.example.com"
        );
        assert_eq!((decoder.bytes, decoder.bytes_max), (222, 256));
    }

    #[test]
    fn the_code_is_complete_but_for_what_is_longer() {
        let (mut first, mut previous) = (0, 0);
        for (bits, characters) in &BY_LENGTH[..10] {
            first = (first << (bits - previous)) + characters.len();
            previous = *bits;
            assert!(characters.is_sorted());
        }
        assert_eq!(first, 0x7fff, "one code of 15 bits is left for all others");
        let count: usize = BY_LENGTH.iter().map(|(_, characters)| characters.len()).sum();
        assert_eq!(count, 95);
    }

    #[test]
    fn damage_and_bombs_are_refused() {
        let mut decoder = Decoder::default();
        for block in ["80", "be", "ff80808080", "0085", "3fe1ff03", "0081ff"] {
            assert_eq!(decoder.block(&bytes(block)), None, "{block}");
        }
        let long = [&[0x40, 1, b'a', 0x7f, 0xa1, 0x1e][..], &[b'x'; 4000], &[0xbe; 20]].concat();
        assert_eq!(decoder.block(&long), None);
        assert!(decoder.held_bytes() < 2 * TABLE_BYTES_MAX);
    }
}
