//! pcapng (draft-ietf-opsawg-pcapng): a chain of blocks in sections, each section with its own
//! byte order and interfaces.

use super::buffer::Buffer;
use super::file::{Located, Step};
use super::pcap::RECORD_BYTES_MAX;
use super::{DECLARED_NAMES_MAX, Damage, Declared, Note};
use crate::base::time::{SECOND, Timestamp};
use std::net::IpAddr;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;
/// Block kinds that Wireshark shows as frames although they hold no packet: systemd journal,
/// Sysdig events, custom blocks. Skipping their numbers would shift all later ones.
const NUMBERED: [u32; 6] = [9, 0xbad, 0x4000_0bad, 0x204, 0x216, 0x221];
/// Longest block that is read; Wireshark has the same bound.
const BLOCK_BYTES_MAX: u32 = 16 * 1024 * 1024;
/// Most notes between two frames.
const NOTES_MAX: usize = 256;
/// Most interfaces of a file.
const INTERFACES_MAX: usize = 65_536;

struct Interface {
    link: u16,
    snap_length: u32,
    resolution: Resolution,
    /// Seconds added to every time (`if_tsoffset`).
    offset: i64,
    drops: u64,
}

#[derive(Clone, Copy)]
enum Resolution {
    /// Units a second: 10 to the power of 0..=19 or 2 to the power of 0..=63.
    PerSecond(u64),
    /// Whole nanoseconds in a unit: the common cases without a division.
    Nanoseconds(i64),
}

pub(super) struct PcapNg {
    big_endian: bool,
    interfaces: Vec<Interface>,
    first_interface: usize,
    packet_drops: u64,
    drops_declared: bool,
    /// What the operator noted since the last frame.
    notes: Vec<Note>,
    /// The header of the section in turn, as it lies in the file.
    header: Vec<u8>,
}

impl PcapNg {
    /// Checks that the stream begins with a section header.
    pub fn start(buffer: &mut Buffer) -> Result<Option<PcapNg>, Damage> {
        if buffer.available()[..4] != SECTION_HEADER.to_be_bytes() {
            return Ok(None);
        }
        let mut pcapng = PcapNg {
            big_endian: false,
            interfaces: Vec::new(),
            first_interface: 0,
            packet_drops: 0,
            drops_declared: false,
            notes: Vec::new(),
            header: Vec::new(),
        };
        match pcapng.step(buffer, &mut Declared::default()) {
            Step::Other => Ok(Some(pcapng)),
            Step::End(Some(damage)) => Err(damage),
            _ => Err(Damage { offset: 0, reason: "the section header is empty".to_owned() }),
        }
    }

    pub fn name(&self) -> String {
        let order = if self.big_endian { "big-endian" } else { "little-endian" };
        format!("pcapng, {order}")
    }

    /// Whether the section in turn has its numbers' high bytes first.
    pub fn is_big_endian(&self) -> bool {
        self.big_endian
    }

    /// The header of the section in turn, as it lies in the file.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The whole block at the front of the buffer; nothing where it is damaged.
    pub fn whole<'b>(&self, buffer: &'b mut Buffer) -> &'b [u8] {
        if !buffer.need(12) {
            return &[];
        }
        let head = buffer.available();
        let big_endian = match [head[8], head[9], head[10], head[11]] {
            _ if head[..4] != SECTION_HEADER.to_be_bytes() => self.big_endian,
            mark => mark == [0x1a, 0x2b, 0x3c, 0x4d],
        };
        let length = [head[4], head[5], head[6], head[7]];
        let length =
            if big_endian { u32::from_be_bytes(length) } else { u32::from_le_bytes(length) };
        let length = length.min(BLOCK_BYTES_MAX).next_multiple_of(4) as usize;
        if buffer.need(length) { &buffer.available()[..length] } else { &[] }
    }

    /// What the operator noted since this was asked last.
    pub fn notes(&mut self) -> &mut Vec<Note> {
        &mut self.notes
    }

    /// Packets lost, as far as the blocks read so far declare it.
    pub fn drops(&self) -> Option<u64> {
        let by_interface: u64 = self.interfaces.iter().map(|i| i.drops).sum();
        self.drops_declared.then_some(by_interface.max(self.packet_drops))
    }

    #[inline]
    fn u16(&self, bytes: &[u8]) -> u16 {
        let bytes = [bytes[0], bytes[1]];
        if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    #[inline]
    fn u32(&self, bytes: &[u8]) -> u32 {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn u64(&self, bytes: &[u8]) -> u64 {
        let [first, second] = [self.u32(bytes), self.u32(&bytes[4..])].map(u64::from);
        if self.big_endian { first << 32 | second } else { second << 32 | first }
    }

    pub fn step(&mut self, buffer: &mut Buffer, declared: &mut Declared) -> Step {
        if !buffer.need(12) {
            return Step::End(buffer.cut("a block", 12));
        }
        let damage = |buffer: &Buffer, reason: String| {
            Step::End(Some(Damage { offset: buffer.offset(), reason }))
        };
        let head = buffer.available();
        let kind = if head[..4] == SECTION_HEADER.to_be_bytes() {
            match [head[8], head[9], head[10], head[11]] {
                [0x1a, 0x2b, 0x3c, 0x4d] => self.big_endian = true,
                [0x4d, 0x3c, 0x2b, 0x1a] => self.big_endian = false,
                _ => return damage(buffer, "a section header has no byte-order mark".to_owned()),
            }
            SECTION_HEADER
        } else {
            self.u32(head)
        };
        let length = self.u32(&head[4..]);
        if !(12..=BLOCK_BYTES_MAX).contains(&length) {
            return damage(
                buffer,
                format!("a block claims an impossible length of {length} bytes"),
            );
        }
        // Writers exist that forget the padding; Wireshark rounds up and reads on, so do we.
        let length = length.next_multiple_of(4) as usize;
        if !buffer.need(length) {
            return Step::End(buffer.cut("a block", length));
        }
        let offset = buffer.offset();
        let block = &buffer.available()[..length];
        match self.block(kind, block, declared) {
            Ok(Some(located)) => Step::Frame(Located { length, ..located }),
            Ok(None) if NUMBERED.contains(&kind) => {
                declared.other_blocks += 1;
                Step::Unread { length }
            }
            Ok(None) => {
                buffer.consume(length);
                Step::Other
            }
            Err(reason) => Step::End(Some(Damage { offset, reason })),
        }
    }

    fn block(
        &mut self,
        kind: u32,
        block: &[u8],
        declared: &mut Declared,
    ) -> Result<Option<Located>, String> {
        let body = &block[8..block.len() - 4];
        let short = || format!("a block of kind {kind:#x} is too short for its fields");
        match kind {
            ENHANCED_PACKET => return self.packet(body, 0).map(Some),
            OBSOLETE_PACKET => return self.packet(body, 2).map(Some),
            SIMPLE_PACKET => {
                let wire_length = self.u32(body.get(..4).ok_or_else(short)?);
                let interface = self.interface(0)?;
                let captured = match interface.snap_length {
                    0 => wire_length,
                    snap => wire_length.min(snap),
                };
                let link = interface.link;
                return located(body, 4, captured, wire_length, link, None).map(Some);
            }
            SECTION_HEADER => {
                if self.u16(body.get(4..6).ok_or_else(short)?) != 1 {
                    return Err("the section's major version is not 1".to_owned());
                }
                self.first_interface = self.interfaces.len();
                self.header = block.to_vec();
            }
            INTERFACE_DESCRIPTION => {
                if body.len() < 8 {
                    return Err(short());
                }
                self.describe_interface(body, declared)?;
            }
            INTERFACE_STATISTICS => {
                let index = self.u32(body.get(..12).ok_or_else(short)?) as usize;
                self.statistics(index, &body[12..]);
            }
            NAME_RESOLUTION => self.names(body, declared),
            DECRYPTION_SECRETS => declared.secrets += 1,
            _ => {}
        }
        Ok(None)
    }

    fn interface(&self, index: usize) -> Result<&Interface, String> {
        let wanted = self.first_interface.checked_add(index);
        wanted
            .and_then(|i| self.interfaces.get(i))
            .ok_or_else(|| format!("a packet names interface {index}, which is not described"))
    }

    /// Enhanced packet blocks, and the obsolete packet blocks whose interface number has 16 bits
    /// with a drop counter behind it.
    fn packet(&mut self, body: &[u8], narrow: usize) -> Result<Located, String> {
        if body.len() < 20 {
            return Err("a packet block is too short for its fields".to_owned());
        }
        let index = if narrow == 2 { usize::from(self.u16(body)) } else { self.u32(body) as usize };
        let ticks = u64::from(self.u32(&body[4..])) << 32 | u64::from(self.u32(&body[8..]));
        let captured = self.u32(&body[12..]);
        let wire_length = self.u32(&body[16..]);
        let interface = self.interface(index)?;
        let nanoseconds = match interface.resolution {
            Resolution::Nanoseconds(unit) => (ticks as i64).wrapping_mul(unit),
            Resolution::PerSecond(units) => {
                (i128::from(ticks) * i128::from(SECOND) / i128::from(units)) as i64
            }
        };
        let time = Timestamp(nanoseconds.wrapping_add(interface.offset.wrapping_mul(SECOND)));
        let located = located(body, 20, captured, wire_length, interface.link, Some(time))?;
        if narrow == 2 {
            // 0xffff: not known.
            let drops = self.u16(&body[2..]);
            if drops != 0xffff {
                self.drops_declared = true;
                self.packet_drops += u64::from(drops);
            }
        }
        let padded = (captured as usize).next_multiple_of(4);
        if body.len() > 20 + padded {
            self.each_option(&body[20 + padded..], |this, code, value| {
                // epb_dropcount: lost between this packet and the one before.
                if code == 4 && value.len() == 8 {
                    this.drops_declared = true;
                    this.packet_drops += this.u64(value);
                }
            });
        }
        Ok(located)
    }

    fn describe_interface(&mut self, body: &[u8], declared: &mut Declared) -> Result<(), String> {
        if self.interfaces.len() == INTERFACES_MAX {
            return Err(format!("more than {INTERFACES_MAX} interfaces"));
        }
        let mut interface = Interface {
            link: self.u16(body),
            snap_length: self.u32(&body[4..]),
            resolution: Resolution::Nanoseconds(1000),
            offset: 0,
            drops: 0,
        };
        let mut name: Box<[u8]> = Box::default();
        self.each_option(&body[8..], |this, code, value| match (code, value.len()) {
            (2, 0..=256) => name = value.into(),
            (9, 1) => interface.resolution = resolution(value[0]),
            (14, 8) => interface.offset = this.u64(value) as i64,
            _ => {}
        });
        self.interfaces.push(interface);
        declared.interfaces.push(name);
        Ok(())
    }

    /// Counters are totals since the interface was opened, so the last block counts.
    fn statistics(&mut self, index: usize, options: &[u8]) {
        let mut drops = None;
        self.each_option(options, |this, code, value| {
            if code == 1 && this.notes.len() < NOTES_MAX {
                this.notes.extend(Note::read(value));
            }
            if matches!(code, 5 | 7) && value.len() == 8 {
                drops = Some(drops.unwrap_or(0u64).saturating_add(this.u64(value)));
            }
        });
        let wanted = self.first_interface.saturating_add(index);
        if let (Some(drops), Some(interface)) = (drops, self.interfaces.get_mut(wanted)) {
            self.drops_declared = true;
            interface.drops = drops;
        }
    }

    fn each_option(&mut self, mut bytes: &[u8], mut visit: impl FnMut(&mut Self, u16, &[u8])) {
        while bytes.len() >= 4 {
            let code = self.u16(bytes);
            let length = usize::from(self.u16(&bytes[2..]));
            if code == 0 || bytes.len() < 4 + length {
                return;
            }
            visit(self, code, &bytes[4..4 + length]);
            bytes = bytes.get(4 + length.next_multiple_of(4)..).unwrap_or(&[]);
        }
    }

    fn names(&self, mut bytes: &[u8], declared: &mut Declared) {
        while bytes.len() >= 4 {
            let kind = self.u16(bytes);
            let length = usize::from(self.u16(&bytes[2..]));
            let Some(value) = bytes.get(4..4 + length).filter(|_| kind != 0) else {
                return;
            };
            let split = match kind {
                1 => value.split_first_chunk::<4>().map(|(a, rest)| (IpAddr::from(*a), rest)),
                2 => value.split_first_chunk::<16>().map(|(a, rest)| (IpAddr::from(*a), rest)),
                _ => None,
            };
            if let Some((address, names)) = split {
                for name in names.split(|&byte| byte == 0).filter(|name| !name.is_empty()) {
                    if declared.names.len() < DECLARED_NAMES_MAX {
                        declared.names.push((address, name[..name.len().min(255)].into()));
                    } else {
                        declared.names_lost += 1;
                    }
                }
            }
            bytes = bytes.get(4 + length.next_multiple_of(4)..).unwrap_or(&[]);
        }
    }
}

/// `if_tsresol`: the top bit chooses powers of two over powers of ten.
fn resolution(value: u8) -> Resolution {
    match value {
        0..=9 => Resolution::Nanoseconds(10i64.pow(9 - u32::from(value))),
        10..=19 => Resolution::PerSecond(10u64.pow(u32::from(value))),
        0x80..=0xbf => Resolution::PerSecond(1 << (value & 0x7f)),
        // Finer than any clock: keep the order of packets, not the unit.
        _ => Resolution::PerSecond(u64::MAX),
    }
}

fn located(
    body: &[u8],
    at: usize,
    captured: u32,
    wire_length: u32,
    link: u16,
    time: Option<Timestamp>,
) -> Result<Located, String> {
    if captured > RECORD_BYTES_MAX {
        return Err(format!("a packet claims {captured} bytes, more than {RECORD_BYTES_MAX}"));
    }
    if body.len() < at + captured as usize {
        let have = body.len() - at;
        return Err(format!("a packet claims {captured} bytes, its block has {have}"));
    }
    Ok(Located {
        time,
        wire_length,
        link,
        data_start: 8 + at,
        data_length: captured as usize,
        length: 0,
    })
}
