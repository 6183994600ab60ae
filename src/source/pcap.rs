//! Classic pcap (draft-ietf-opsawg-pcap): a 24-byte header, then records. Both byte orders,
//! microseconds and nanoseconds, and the record layout of Kuznetsov's patched libpcap.

use super::Damage;
use super::buffer::Buffer;
use super::file::{Located, Step};
use crate::base::time::{SECOND, Timestamp};

/// Longest record that any capturing program writes for the link types read here; Wireshark
/// refuses longer ones too.
pub(super) const RECORD_BYTES_MAX: u32 = 262_144;
/// USB and D-Bus captures hold whole messages.
const LONG_RECORD_BYTES_MAX: u32 = 128 * 1024 * 1024;

/// What the header of a record says.
#[derive(Clone, Copy)]
pub(super) struct Record {
    pub time: Timestamp,
    pub captured: u32,
    pub wire_length: u32,
}

pub(super) struct Pcap {
    big_endian: bool,
    nanoseconds: bool,
    record_header: usize,
    link: u16,
}

impl Pcap {
    /// Reads the file header, whose four magic bytes the caller has seen.
    pub fn start(buffer: &mut Buffer) -> Result<Option<Pcap>, Damage> {
        let magic = [0, 1, 2, 3].map(|i| buffer.available()[i]);
        let (big_endian, nanoseconds, record_header) = match magic {
            [0xd4, 0xc3, 0xb2, 0xa1] => (false, false, 16),
            [0xa1, 0xb2, 0xc3, 0xd4] => (true, false, 16),
            [0x4d, 0x3c, 0xb2, 0xa1] => (false, true, 16),
            [0xa1, 0xb2, 0x3c, 0x4d] => (true, true, 16),
            [0x34, 0xcd, 0xb2, 0xa1] => (false, false, 24),
            [0xa1, 0xb2, 0xcd, 0x34] => (true, false, 24),
            _ => return Ok(None),
        };
        if !buffer.need(24) {
            let reason = "the pcap file header is cut short".to_owned();
            return Err(buffer
                .cut("the pcap file header", 24)
                .unwrap_or(Damage { offset: 0, reason }));
        }
        let mut pcap = Pcap { big_endian, nanoseconds, record_header, link: 0 };
        let header = buffer.available();
        let major = u16::from_be_bytes([header[4], header[5]]);
        if major != 2 && major.swap_bytes() != 2 {
            let reason = format!("pcap version {} is not known", major.min(major.swap_bytes()));
            return Err(Damage { offset: 4, reason });
        }
        // The upper bits say whether frames end in a checksum (FCS), not what the link is.
        pcap.link = (pcap.u32(&header[20..]) & 0xffff) as u16;
        buffer.consume(24);
        Ok(Some(pcap))
    }

    pub fn name(&self) -> String {
        let order = if self.big_endian { "big-endian" } else { "little-endian" };
        let unit = if self.nanoseconds { "ns" } else { "µs" };
        format!("pcap, {unit}, {order}")
    }

    #[inline]
    fn u32(&self, bytes: &[u8]) -> u32 {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    #[cold]
    pub fn step(&self, buffer: &mut Buffer) -> Step {
        if !buffer.need(self.record_header) {
            return Step::End(buffer.cut("the header of a record", self.record_header));
        }
        let bytes = buffer.available();
        let record =
            if self.big_endian { self.record::<true>(bytes) } else { self.record::<false>(bytes) };
        let Some(record) = record else {
            return Step::End(buffer.cut("the header of a record", self.record_header));
        };
        let limit = self.captured_max();
        if record.captured > limit {
            let reason = format!("a record claims {} bytes, more than {limit}", record.captured);
            return Step::End(Some(Damage { offset: buffer.offset(), reason }));
        }
        let length = self.record_header + record.captured as usize;
        if !buffer.need(length) {
            return Step::End(buffer.cut("a record", length));
        }
        Step::Frame(Located {
            time: Some(record.time),
            wire_length: record.wire_length,
            link: self.link,
            data_start: self.record_header,
            data_length: record.captured as usize,
            length,
        })
    }

    /// The header of the record that `bytes` begin with, in the byte order of the file.
    #[inline(always)]
    fn record<const BIG_ENDIAN: bool>(&self, bytes: &[u8]) -> Option<Record> {
        let ([seconds, fraction, captured, wire_length], _) =
            bytes.first_chunk::<16>()?.as_chunks::<4>()
        else {
            return None;
        };
        let number = if BIG_ENDIAN { u32::from_be_bytes } else { u32::from_le_bytes };
        let fraction = i64::from(number(*fraction));
        let fraction = if self.nanoseconds { fraction } else { fraction * 1000 };
        Some(Record {
            time: Timestamp(i64::from(number(*seconds)) * SECOND + fraction),
            captured: number(*captured),
            wire_length: number(*wire_length),
        })
    }

    /// Records that lie in `bytes` as a whole, each with where its data begins: the short way for
    /// nearly all of a file. Stops before what [`Pcap::step`] has to look at. `BIG_ENDIAN` is the
    /// file's byte order, which is not looked at for each record.
    #[inline(always)]
    pub fn whole_records<const BIG_ENDIAN: bool>(
        &self,
        bytes: &[u8],
    ) -> impl Iterator<Item = (Record, usize)> {
        let limit = self.captured_max();
        let mut at = 0;
        std::iter::from_fn(move || {
            let record = self.record::<BIG_ENDIAN>(&bytes[at..])?;
            let start = at + self.record_header;
            let end = start + record.captured as usize;
            if record.captured > limit || end > bytes.len() {
                return None;
            }
            at = end;
            Some((record, start))
        })
    }

    pub fn is_big_endian(&self) -> bool {
        self.big_endian
    }

    pub fn link(&self) -> u16 {
        self.link
    }

    fn captured_max(&self) -> u32 {
        match self.link {
            189 | 220 | 231 | 249 | 266 => LONG_RECORD_BYTES_MAX,
            _ => RECORD_BYTES_MAX,
        }
    }
}
