//! A capture file, or standard input, as a source of frames.

use super::buffer::Buffer;
use super::chunk::{CHUNK_FRAMES_MAX, Chunk, Spot};
use super::pcap::Pcap;
use super::pcapng::PcapNg;
use super::raw::{self, Packing, Watch};
use super::{Damage, Declared, Frame, SourceError};
use crate::base::time::Timestamp;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A frame found at the front of the buffer, not yet borrowed from it.
pub(super) struct Located {
    pub time: Option<Timestamp>,
    pub wire_length: u32,
    pub link: u16,
    pub data_start: usize,
    pub data_length: usize,
    /// Length of the whole record in the file.
    pub length: usize,
}

impl Located {
    fn unread(length: usize) -> Located {
        Located {
            time: None,
            wire_length: length as u32,
            link: LINK_NONE,
            data_start: 0,
            data_length: length,
            length,
        }
    }
}

pub(super) enum Step {
    Frame(Located),
    /// A block that Wireshark numbers as a frame but that holds no packet.
    Unread {
        length: usize,
    },
    Other,
    End(Option<Damage>),
}

enum Format {
    Pcap(Pcap),
    PcapNg(PcapNg),
}

/// Link type that stands for a numbered record without a packet.
pub const LINK_NONE: u16 = u16::MAX;

/// Reads one capture from front to end.
pub struct FileSource {
    path: PathBuf,
    buffer: Buffer,
    format: Format,
    watch: Watch,
    packing: Packing,
    size: Option<u64>,
    declared: Declared,
    damage: Option<Damage>,
    number: u64,
    time: Timestamp,
    seen: Timestamp,
    consume: usize,
    ended: bool,
}

/// What is known of a capture after its last frame.
#[derive(Debug, Clone)]
pub struct Ending {
    /// The path as the user gave it.
    pub path: PathBuf,
    /// Format, byte order, resolution and packing in words.
    pub format: String,
    /// SHA-256 of the file as it lies on disk, in hex, where asked for.
    pub sha256: Option<String>,
    /// Where and why reading stopped before the end.
    pub damage: Option<Damage>,
    /// What the file says of itself.
    pub declared: Declared,
}

impl FileSource {
    /// Opens `path`, or standard input for `-`, and reads up to the first frame.
    ///
    /// # Errors
    /// When the system refuses, or the bytes are not a capture.
    pub fn open(path: &Path, hashed: bool) -> Result<FileSource, SourceError> {
        let raw = raw::open(path, hashed)
            .map_err(|error| SourceError::Open { path: path.to_owned(), error })?;
        FileSource::start(path, raw)
    }

    /// A capture that is part of the program.
    ///
    /// # Errors
    /// When the bytes are not a capture.
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Result<FileSource, SourceError> {
        FileSource::start(Path::new(name), raw::embedded(bytes))
    }

    /// A capture that comes out of `reader` instead of a file, packed or not: for tests, which
    /// feed what no file gives, such as one byte a reading.
    ///
    /// # Errors
    /// When the reader fails, or the bytes are not a capture.
    pub fn of_reader(name: &str, reader: Box<dyn Read + Send>) -> Result<FileSource, SourceError> {
        let path = Path::new(name);
        let raw = raw::of_reader(reader)
            .map_err(|error| SourceError::Open { path: path.to_owned(), error })?;
        FileSource::start(path, raw)
    }

    fn start(path: &Path, raw: raw::Raw) -> Result<FileSource, SourceError> {
        let mut buffer = Buffer::new(raw.reader);
        let format = recognise(&mut buffer)
            .map_err(|damage| SourceError::NotACapture { path: path.to_owned(), damage })?;
        Ok(FileSource {
            path: path.to_owned(),
            buffer,
            format,
            watch: raw.watch,
            packing: raw.packing,
            size: raw.size,
            declared: Declared::default(),
            damage: None,
            number: 0,
            time: Timestamp::default(),
            seen: Timestamp(i64::MIN),
            consume: 0,
            ended: false,
        })
    }

    /// The next frame; `None` at the end or at damage.
    #[inline]
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        self.buffer.consume(std::mem::take(&mut self.consume));
        while !self.ended {
            let step = match &mut self.format {
                Format::Pcap(pcap) => pcap.step(&mut self.buffer),
                Format::PcapNg(pcapng) => pcapng.step(&mut self.buffer, &mut self.declared),
            };
            let located = match step {
                Step::Frame(located) => located,
                Step::Unread { length } => Located::unread(length),
                Step::Other => continue,
                Step::End(damage) => {
                    self.damage = damage;
                    self.ended = true;
                    return None;
                }
            };
            self.consume = located.length;
            self.number += 1;
            self.time = located.time.unwrap_or(self.time);
            let data = &self.buffer.available()[located.data_start..][..located.data_length];
            return Some(Frame {
                number: self.number,
                time: self.time,
                wire_length: located.wire_length,
                link: located.link,
                data,
            });
        }
        None
    }

    /// Reads as many frames as one reading of the file gives; none at the end or at damage.
    pub fn fill(&mut self, chunk: &mut Chunk) {
        chunk.spots.clear();
        chunk.blocks.resize_with(1, Vec::new);
        self.buffer.consume(std::mem::take(&mut self.consume));
        while !self.ended && chunk.spots.len() < CHUNK_FRAMES_MAX {
            let step = match &mut self.format {
                Format::Pcap(pcap) => pcap.step(&mut self.buffer),
                Format::PcapNg(pcapng) => pcapng.step(&mut self.buffer, &mut self.declared),
            };
            match step {
                Step::Other => {}
                Step::End(_) if self.buffer.is_starved() => break,
                Step::End(damage) => {
                    self.damage = damage;
                    self.ended = true;
                }
                Step::Frame(located) => self.spot(located, chunk),
                Step::Unread { length } => self.spot(Located::unread(length), chunk),
            }
        }
        self.buffer.hand_over(&mut chunk.blocks[0]);
    }

    #[inline]
    fn spot(&mut self, located: Located, chunk: &mut Chunk) {
        self.number += 1;
        self.time = located.time.unwrap_or(self.time);
        self.seen = self.seen.max(self.time);
        chunk.spots.push(Spot {
            number: self.number,
            time: self.time,
            seen: self.seen,
            wire_length: located.wire_length,
            link: located.link,
            block: 0,
            start: (self.buffer.position() + located.data_start) as u32,
            length: located.data_length as u32,
        });
        self.buffer.hold();
        self.buffer.consume(located.length);
    }

    /// Bytes of the file read so far, and its size where known: for a progress bar.
    #[must_use]
    pub fn progress(&self) -> (u64, Option<u64>) {
        (self.watch.read(), self.size)
    }

    /// Names that the file itself gives to addresses, so far.
    #[must_use]
    pub fn declared(&self) -> &Declared {
        &self.declared
    }

    /// Ends the reading. Reads the rest of a damaged file where its hash was asked for, since
    /// the hash is of the file, not of its good part.
    #[must_use]
    pub fn finish(mut self) -> Ending {
        let (mut format, drops) = match &self.format {
            Format::Pcap(pcap) => (pcap.name(), None),
            Format::PcapNg(pcapng) => (pcapng.name(), pcapng.drops()),
        };
        self.declared.drops = drops;
        match self.packing {
            Packing::Plain => {}
            Packing::Gzip => format.push_str(", gzip"),
            Packing::Zstd => format.push_str(", zstd"),
        }
        Ending {
            sha256: self.watch.sha256(&self.path, self.damage.is_some()),
            path: self.path,
            format,
            damage: self.damage,
            declared: self.declared,
        }
    }
}

fn recognise(buffer: &mut Buffer) -> Result<Format, Damage> {
    if !buffer.need(4) {
        let reason = "the file is empty".to_owned();
        return Err(buffer.cut("the file header", 4).unwrap_or(Damage { offset: 0, reason }));
    }
    if let Some(pcap) = Pcap::start(buffer)? {
        return Ok(Format::Pcap(pcap));
    }
    if let Some(pcapng) = PcapNg::start(buffer)? {
        return Ok(Format::PcapNg(pcapng));
    }
    let magic = crate::base::text::hex(&buffer.available()[..4]);
    let reason = format!("begins with {magic}, which is neither pcap nor pcapng");
    Err(Damage { offset: 0, reason })
}
