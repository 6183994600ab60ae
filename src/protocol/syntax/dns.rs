//! DNS messages (RFC 1035 §4), read as far as they are readable: a record that is cut or broken
//! ends the reading, but everything before it is kept. Shared by DNS, mDNS and LLMNR.

use crate::base::bytes::Reader;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::{Deref, DerefMut};

/// Record types used here (IANA DNS parameters).
pub mod record {
    /// IPv4 address.
    pub const A: u16 = 1;
    /// Alias.
    pub const CNAME: u16 = 5;
    /// Pointer; in mDNS a service instance.
    pub const PTR: u16 = 12;
    /// Text; in mDNS the properties of a service.
    pub const TXT: u16 = 16;
    /// IPv6 address.
    pub const AAAA: u16 = 28;
    /// Service location.
    pub const SRV: u16 = 33;
    /// Transport options (RFC 6891): not a name.
    pub const OPT: u16 = 41;
}

const HEADER_BYTES: usize = 12;
/// Longest name, bytes as text (RFC 1035 §2.3.4 allows 255 on the wire).
const NAME_BYTES_MAX: usize = 255;
/// Most labels and pointers followed in one name: each pointer must go back, so loops end anyway,
/// but a name has no use for more.
const JUMPS_MAX: usize = 128;

/// A name as text, labels joined by dots, no dot at the end. Not in memory of its own, since every
/// message has several.
#[derive(Debug, Clone)]
pub struct Name {
    bytes: [u8; NAME_BYTES_MAX + 1],
    length: usize,
    /// Where it begins in its message.
    begins: Option<u16>,
}

impl Default for Name {
    fn default() -> Name {
        Name { bytes: [0; NAME_BYTES_MAX + 1], length: 0, begins: None }
    }
}

impl Deref for Name {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl DerefMut for Name {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }
}

impl Name {
    fn clear(&mut self) {
        (self.length, self.begins) = (0, None);
    }

    /// Adds a label; `None` where there is no room.
    fn push(&mut self, label: &[u8]) -> Option<()> {
        let at = self.length + usize::from(self.length > 0);
        // A dot is counted for the first label too.
        if self.length + label.len() + 1 > self.bytes.len() {
            return None;
        }
        if self.length > 0 {
            self.bytes[self.length] = b'.';
        }
        self.length = at + label.len();
        self.bytes[at..self.length].copy_from_slice(label);
        Some(())
    }
}

/// The 12-byte header.
#[derive(Debug, Clone, Copy)]
pub struct Header {
    /// Number that question and answer share.
    pub id: u16,
    /// All flags as they are on the wire.
    pub flags: u16,
    /// A response, not a query.
    pub response: bool,
    /// Kind of query, 0 to 15.
    pub opcode: u8,
    /// The answer did not fit and was cut.
    pub truncated: bool,
    /// Response code, 0 to 15.
    pub code: u8,
    /// Entries in the question, answer, authority and additional sections.
    pub counts: [u16; 4],
}

/// One question or record.
#[derive(Debug, Clone, Copy)]
pub struct Record<'a> {
    /// 0 question, 1 answer, 2 authority, 3 additional.
    pub section: usize,
    /// Owner name as text, labels joined by dots, no dot at the end.
    pub name: &'a [u8],
    /// Record type.
    pub kind: u16,
    /// Class; in mDNS the top bit has a meaning of its own.
    pub class: u16,
    /// Seconds; 0 in questions.
    pub ttl: u32,
    /// Record data; empty in questions.
    pub data: &'a [u8],
    /// Where `data` begins in the message, for names inside it.
    pub data_at: usize,
}

impl Record<'_> {
    /// The address in an A or AAAA record.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match self.kind {
            record::A => Some(Ipv4Addr::from(<[u8; 4]>::try_from(self.data).ok()?).into()),
            record::AAAA => Some(Ipv6Addr::from(<[u8; 16]>::try_from(self.data).ok()?).into()),
            _ => None,
        }
    }
}

/// Reads the header; `None` when the message is shorter than 12 bytes.
#[must_use]
pub fn header(message: &[u8]) -> Option<Header> {
    let head: &[u8; HEADER_BYTES] = message.first_chunk()?;
    let field = |at: usize| u16::from_be_bytes([head[2 * at], head[2 * at + 1]]);
    let flags = field(1);
    Some(Header {
        id: field(0),
        flags,
        response: flags & 0x8000 != 0,
        opcode: (flags >> 11 & 15) as u8,
        truncated: flags & 0x0200 != 0,
        code: (flags & 15) as u8,
        counts: [field(2), field(3), field(4), field(5)],
    })
}

/// Visits every question and record. Returns where reading ended and whether all announced
/// entries were there.
pub fn walk(message: &[u8], visit: &mut dyn FnMut(&Record<'_>)) -> (usize, bool) {
    let Some(header) = header(message) else {
        return (0, false);
    };
    let mut reader = Reader::new(message);
    let _ = reader.skip(HEADER_BYTES);
    let mut name = Name::default();
    for (section, &count) in header.counts.iter().enumerate() {
        for _ in 0..count {
            let at = reader.position();
            if entry(message, section, &mut reader, &mut name, visit).is_none() {
                return (at, false);
            }
        }
    }
    (reader.position(), true)
}

/// The first question's name and type.
#[must_use]
pub fn question(message: &[u8]) -> Option<(Name, u16)> {
    let asked = header(message)?.counts[0] > 0;
    let mut reader = Reader::new(message);
    reader.skip(HEADER_BYTES).filter(|()| asked)?;
    let mut name = Name::default();
    read_name(message, &mut reader, &mut name)?;
    let kind = reader.u16()?;
    // A question is whole with its class.
    reader.u16()?;
    Some((name, kind))
}

fn entry<'a>(
    message: &'a [u8],
    section: usize,
    reader: &mut Reader<'a>,
    name: &mut Name,
    visit: &mut dyn FnMut(&Record<'_>),
) -> Option<()> {
    read_name(message, reader, name)?;
    let kind = reader.u16()?;
    let class = reader.u16()?;
    let mut record =
        Record { section, name, kind, class, ttl: 0, data: &[], data_at: reader.position() };
    if section > 0 {
        record.ttl = reader.u32()?;
        let length = reader.u16()?;
        record.data_at = reader.position();
        record.data = reader.take(usize::from(length))?;
    }
    visit(&record);
    Some(())
}

/// Reads a name at the reader, following compression pointers (RFC 1035 §4.1.4), into `out`, where
/// the name before it in the same message may stand.
fn read_name<'a>(message: &'a [u8], reader: &mut Reader<'a>, out: &mut Name) -> Option<()> {
    // Most answers repeat the name that was asked for by a pointer to it.
    if let (&[high @ 0xc0..=0xff, low, ..], Some(begins)) = (reader.rest(), out.begins)
        && u16::from_be_bytes([high & 0x3f, low]) == begins
    {
        return reader.skip(2);
    }
    out.clear();
    let mut at = *reader;
    let mut jumped = false;
    let mut lowest = reader.position();
    let mut begins = lowest;
    for step in 0..JUMPS_MAX {
        let length = usize::from(at.u8()?);
        match length {
            0 => {
                if !jumped {
                    *reader = at;
                }
                // Read by a pointer it takes one step more.
                out.begins = u16::try_from(begins).ok().filter(|_| step + 1 < JUMPS_MAX);
                return Some(());
            }
            1..=63 => out.push(at.take(length)?)?,
            0xc0..=0xff => {
                let target = (length & 0x3f) << 8 | usize::from(at.u8()?);
                if !jumped {
                    *reader = at;
                    jumped = true;
                }
                // Only backwards: this is what makes a loop impossible.
                if target >= lowest {
                    return None;
                }
                lowest = target;
                if out.is_empty() {
                    begins = target;
                }
                at = Reader::new(message);
                at.seek(target)?;
            }
            _ => return None,
        }
    }
    None
}

/// The name inside a record's data, `skip` bytes in (CNAME, PTR: 0, SRV: 6).
#[must_use]
pub fn name_in(message: &[u8], record: &Record<'_>, skip: usize) -> Option<Name> {
    let mut reader = Reader::new(message);
    reader.seek(record.data_at + skip)?;
    let mut name = Name::default();
    read_name(message, &mut reader, &mut name)?;
    Some(name)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A response: camera.example asked for, alias cdn.example, address 192.0.2.7.
    pub const ALIASED: &[u8] = b"\x12\x34\x81\x80\0\x01\0\x02\0\0\0\0\
        \x06camera\x07example\0\0\x01\0\x01\
        \xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x06\x03cdn\xc0\x13\
        \xc0\x2c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07";

    #[test]
    fn follows_compressed_names() {
        let mut seen = Vec::new();
        let (end, whole) = walk(ALIASED, &mut |r| {
            seen.push((r.section, r.name.to_vec(), r.kind, r.address()));
        });
        assert_eq!((end, whole), (ALIASED.len(), true));
        assert_eq!(seen[0], (0, b"camera.example".to_vec(), record::A, None));
        assert_eq!(seen[2].1, b"cdn.example");
        assert_eq!(seen[2].3, Some("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn keeps_what_precedes_the_damage() {
        for length in 0..ALIASED.len() {
            let mut seen = 0;
            let (_, whole) = walk(&ALIASED[..length], &mut |_| seen += 1);
            assert!(!whole);
            assert!(seen <= 2, "{length}");
        }
    }

    #[test]
    fn a_name_pointed_to_again_is_the_same() {
        let asked = b"\x12\x34\x81\x80\0\x01\0\x05\0\0\0\0\x01a\x07example\0\0\x01\0\x01";
        let answer = |name: &[u8]| [name, b"\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x07"].concat();
        // By a pointer, by one to that, behind its first label, with one before it, and again.
        let names: [&[u8]; 5] =
            [b"\xc0\x0c", b"\xc0\x1b", b"\xc0\x0e", b"\x01b\xc0\x0c", b"\xc0\x0c"];
        let message = [&asked[..], &names.map(answer).concat()].concat();
        let mut read = Vec::new();
        let (_, whole) = walk(&message, &mut |record| read.push(record.name.to_vec()));
        let expected =
            ["a.example", "a.example", "a.example", "example", "b.a.example", "a.example"];
        assert!(whole);
        assert_eq!(read, expected.map(|name| name.as_bytes().to_vec()));
    }

    #[test]
    fn names_of_the_most_labels_are_read_and_not_pointed_to() {
        // 127 labels and the end are 128 steps; a pointer is one more.
        let name = [b"\x01a".repeat(127), vec![0]].concat();
        let question = [&name[..], b"\0\x01\0\x01"].concat();
        let message =
            [b"\0\0\0\0\0\x02\0\0\0\0\0\0", &question[..], b"\xc0\x0c\0\x01\0\x01"].concat();
        let mut lengths = Vec::new();
        let (_, whole) = walk(&message, &mut |record| lengths.push(record.name.len()));
        assert_eq!((lengths, whole), (vec![253], false));
    }

    #[test]
    fn loops_and_forward_pointers_end() {
        for pointer in [[0xc0, 0x0c], [0xc0, 0x20], [0xff, 0xff]] {
            let mut message = b"\0\0\0\0\0\x01\0\0\0\0\0\0".to_vec();
            message.extend(pointer);
            message.extend([0, 1, 0, 1]);
            assert!(!walk(&message, &mut |_| panic!("no entry is readable")).1);
        }
    }
}
