//! A capture file, or standard input, as a source of frames.

mod blocks;

pub use blocks::Block;

use super::buffer::{Buffer, READ_BYTES};
use super::chunk::{CHUNK_FRAMES_MAX, Chunk, Spot};
use super::follow::Growing;
use super::pcap::{Pcap, Record};
use super::pcapng::PcapNg;
use super::raw::{self, Packing, Watch};
use super::{Damage, Declared, Frame, SourceError};
use crate::base::frame;
use crate::base::time::Timestamp;
use std::io::{Cursor, ErrorKind, Read};
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

/// Bytes of a file that are read for a look at its first frame.
const LOOK_BYTES: usize = 16 * 1024;

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
    /// The number before its first frame's.
    base: u64,
    number: u64,
    time: Timestamp,
    wire_bytes: u64,
    times: Option<[Timestamp; 2]>,
    consume: usize,
    /// Found at the front of the buffer, and not taken yet.
    head: Option<Located>,
    ended: bool,
}

/// Why no more frames were taken for now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The next one is not wanted yet.
    Unwanted,
    /// The chunk is full, or what is in it must be handed over before more can be read.
    Full,
    /// There are no more.
    End,
}

/// What is known of a capture after its last frame.
#[derive(Debug, Clone)]
pub struct Ending {
    /// The path as the user gave it.
    pub path: PathBuf,
    /// Format, byte order, resolution and packing in words; empty where it was not recognised.
    pub format: String,
    /// SHA-256 of the file as it lies on disk, in hex, where asked for.
    pub sha256: Option<String>,
    /// Where and why reading stopped before the end.
    pub damage: Option<Damage>,
    /// Whether the system let it be read.
    pub opened: bool,
    /// What the file says of itself.
    pub declared: Declared,
    /// Frames read.
    pub frames: u64,
    /// Sum of their lengths on the wire.
    pub wire_bytes: u64,
    /// Lowest and highest capture time.
    pub times: Option<[Timestamp; 2]>,
}

impl Ending {
    /// Of a file from which nothing could be read.
    pub(super) fn unread(path: &Path, error: &SourceError) -> Ending {
        Ending {
            path: path.to_owned(),
            format: String::new(),
            sha256: None,
            damage: Some(error.damage()),
            opened: !matches!(error, SourceError::Open { .. }),
            declared: Declared::default(),
            frames: 0,
            wire_bytes: 0,
            times: None,
        }
    }

    /// Path, place and reason of damage, as one line for people.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let Damage { offset, reason } = self.damage.as_ref()?;
        let path = crate::base::text::safe(self.path.as_os_str().as_encoded_bytes());
        Some(if self.opened {
            format!("{path}: offset {offset}: {reason}")
        } else {
            format!("{path}: {reason}")
        })
    }
}

impl FileSource {
    /// Opens `path`, or standard input for `-`, and reads up to the first frame.
    ///
    /// # Errors
    /// When the system refuses, or the bytes are not a capture.
    pub fn open(path: &Path, hashed: bool) -> Result<FileSource, SourceError> {
        let raw = raw::open(path, hashed).map_err(|error| SourceError::open(path, error))?;
        FileSource::start(path, raw, READ_BYTES)
    }

    /// When the first frame of a file was captured, and the file's size: a short look that leaves
    /// nothing open. `None` stands for no frame, which may be damage.
    pub(super) fn look(path: &Path) -> Result<(Option<Timestamp>, Option<u64>), SourceError> {
        let raw = raw::peek(path).map_err(|error| SourceError::open(path, error))?;
        let mut source = FileSource::start(path, raw, LOOK_BYTES)?;
        Ok((source.head_time(), source.size))
    }

    /// A capture that is part of the program.
    ///
    /// # Errors
    /// When the bytes are not a capture.
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Result<FileSource, SourceError> {
        FileSource::start(Path::new(name), raw::embedded(bytes), READ_BYTES)
    }

    /// A segment of a recording that may still be written to; `None` while not even its beginning
    /// is there.
    pub(super) fn grow(
        path: &Path,
        mut reader: Growing,
    ) -> Result<Option<FileSource>, SourceError> {
        let mut begin = vec![0; raw::LOOK_BYTES_MIN];
        let mut length = 0;
        while length < begin.len() {
            match reader.read(&mut begin[length..]) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(SourceError::open(path, error)),
            }
        }
        begin.truncate(length);
        let reader = Box::new(Cursor::new(begin).chain(reader));
        FileSource::start(path, raw::plain(reader), READ_BYTES).map(Some)
    }

    /// What is known so far.
    #[must_use]
    pub(super) fn so_far(&self) -> Ending {
        let (format, drops) = self.about();
        Ending {
            sha256: None,
            path: self.path.clone(),
            format,
            damage: self.damage.clone(),
            opened: true,
            declared: Declared { drops, ..self.declared.clone() },
            frames: self.number - self.base,
            wire_bytes: self.wire_bytes,
            times: self.times,
        }
    }

    /// Format in words, and packets that the file says were lost.
    fn about(&self) -> (String, Option<u64>) {
        let (mut format, drops) = match &self.format {
            Format::Pcap(pcap) => (pcap.name(), None),
            Format::PcapNg(pcapng) => (pcapng.name(), pcapng.drops()),
        };
        match self.packing {
            Packing::Plain => {}
            Packing::Gzip => format.push_str(", gzip"),
            Packing::Zstd => format.push_str(", zstd"),
        }
        (format, drops)
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
        FileSource::start(path, raw, READ_BYTES)
    }

    fn start(path: &Path, raw: raw::Raw, first: usize) -> Result<FileSource, SourceError> {
        let mut buffer = Buffer::new(raw.reader, first);
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
            base: 0,
            number: 0,
            time: Timestamp::default(),
            wire_bytes: 0,
            times: None,
            consume: 0,
            head: None,
            ended: false,
        })
    }

    /// The same as one of several inputs of a run.
    pub(super) fn at(mut self, input: usize) -> FileSource {
        self.base = frame::base(input);
        self.number = self.base;
        self
    }

    /// The next frame; `None` at the end or at damage.
    #[inline]
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        self.next_placed().map(|(frame, _)| frame)
    }

    /// The same, with the place of its bytes in the unpacked file.
    #[inline]
    pub fn next_placed(&mut self) -> Option<(Frame<'_>, u64)> {
        self.buffer.consume(std::mem::take(&mut self.consume));
        let located = self.head.take().or_else(|| self.locate())?;
        let time = located.time.unwrap_or(self.time);
        self.count(&located, time);
        self.consume = located.length;
        let offset = self.buffer.offset() + located.data_start as u64;
        let frame = Frame {
            number: self.number,
            time,
            wire_length: located.wire_length,
            link: located.link,
            data: &self.buffer.available()[located.data_start..][..located.data_length],
        };
        Some((frame, offset))
    }

    /// Finds the next frame. `None` at the end, at damage, or where the buffer is starved.
    #[inline]
    fn locate(&mut self) -> Option<Located> {
        while !self.ended {
            let step = match &mut self.format {
                Format::Pcap(pcap) => pcap.step(&mut self.buffer),
                Format::PcapNg(pcapng) => pcapng.step(&mut self.buffer, &mut self.declared),
            };
            match step {
                Step::Frame(located) => return Some(located),
                Step::Unread { length } => return Some(Located::unread(length)),
                Step::Other => {}
                Step::End(_) if self.buffer.is_starved() => return None,
                Step::End(damage) => {
                    self.damage = damage;
                    self.ended = true;
                }
            }
        }
        None
    }

    #[inline]
    fn count(&mut self, located: &Located, time: Timestamp) {
        self.number += 1;
        self.time = time;
        self.wire_bytes += u64::from(located.wire_length);
        let times = self.times.get_or_insert([time; 2]);
        *times = [times[0].min(time), times[1].max(time)];
    }

    /// Capture time of the frame that comes next.
    pub(super) fn head_time(&mut self) -> Option<Timestamp> {
        if self.head.is_none() {
            self.head = self.locate();
        }
        self.head.as_ref().map(|located| located.time.unwrap_or(self.time))
    }

    /// Adds frames to a chunk as long as their times are wanted; `seen` is the highest capture
    /// time of the run. Their bytes stay in the buffer until it is handed over.
    #[inline]
    pub(super) fn take(
        &mut self,
        chunk: &mut Chunk,
        block: u16,
        seen: &mut Timestamp,
        is_wanted: impl Fn(Timestamp) -> bool,
    ) -> Stop {
        self.buffer.consume(std::mem::take(&mut self.consume));
        let mut head = self.head.take();
        loop {
            if head.is_none() {
                self.take_whole_records(chunk, block, seen, &is_wanted);
            }
            if chunk.spots.len() >= CHUNK_FRAMES_MAX {
                break;
            }
            let Some(located) = head.take().or_else(|| self.locate()) else {
                self.take_notes(chunk);
                return if self.ended { Stop::End } else { Stop::Full };
            };
            let time = located.time.unwrap_or(self.time);
            self.take_notes(chunk);
            if !is_wanted(time) {
                self.head = Some(located);
                return Stop::Unwanted;
            }
            self.count(&located, time);
            *seen = (*seen).max(time);
            chunk.spots.push(Spot {
                number: self.number,
                time,
                seen: *seen,
                wire_length: located.wire_length,
                link: located.link,
                block,
                start: (self.buffer.position() + located.data_start) as u32,
                length: located.data_length as u32,
            });
            self.buffer.hold();
            self.buffer.consume(located.length);
        }
        self.head = head;
        Stop::Full
    }

    /// Takes the records of a classic capture that lie in the buffer as a whole.
    #[inline]
    fn take_whole_records(
        &mut self,
        chunk: &mut Chunk,
        block: u16,
        seen: &mut Timestamp,
        is_wanted: impl Fn(Timestamp) -> bool,
    ) {
        match &self.format {
            Format::Pcap(pcap) if pcap.is_big_endian() => {
                self.take_whole_records_of::<true>(chunk, block, seen, is_wanted);
            }
            _ => self.take_whole_records_of::<false>(chunk, block, seen, is_wanted),
        }
    }

    #[inline(always)]
    fn take_whole_records_of<const BIG_ENDIAN: bool>(
        &mut self,
        chunk: &mut Chunk,
        block: u16,
        seen: &mut Timestamp,
        is_wanted: impl Fn(Timestamp) -> bool,
    ) {
        let Format::Pcap(pcap) = &self.format else { return };
        let (link, position) = (pcap.link(), self.buffer.position());
        let room = CHUNK_FRAMES_MAX - chunk.spots.len();
        let (mut number, mut wire_bytes) = (self.number, self.wire_bytes);
        let [mut first, mut last] =
            self.times.unwrap_or([Timestamp(i64::MAX), Timestamp(i64::MIN)]);
        let (mut latest, mut latest_read, mut consumed) = (*seen, self.time, 0);
        let records = pcap.whole_records::<BIG_ENDIAN>(self.buffer.available()).take(room);
        chunk.spots.extend(records.map_while(|(record, start)| {
            let Record { time, captured, wire_length } = record;
            if !is_wanted(time) {
                return None;
            }
            number += 1;
            wire_bytes += u64::from(wire_length);
            (first, last) = (first.min(time), last.max(time));
            latest = latest.max(time);
            consumed = start + captured as usize;
            latest_read = time;
            let start = (position + start) as u32;
            Some(Spot {
                number,
                time,
                seen: latest,
                wire_length,
                link,
                block,
                start,
                length: captured,
            })
        }));
        if consumed > 0 {
            (self.number, self.wire_bytes, *seen) = (number, wire_bytes, latest);
            self.time = latest_read;
            self.times = Some([first, last]);
            self.buffer.hold();
            self.buffer.consume(consumed);
        }
    }

    /// Adds what was noted before the frame that comes next.
    #[inline]
    fn take_notes(&mut self, chunk: &mut Chunk) {
        if let Format::PcapNg(pcapng) = &mut self.format
            && !pcapng.notes().is_empty()
        {
            let before = chunk.spots.len();
            chunk.notes.extend(pcapng.notes().drain(..).map(|note| (before, note)));
        }
    }

    /// Lets the chunk have the bytes of the frames that were taken.
    pub(super) fn hand_over(&mut self, block: &mut Vec<u8>) {
        self.buffer.hand_over(block);
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
        let (format, drops) = self.about();
        self.declared.drops = drops;
        // Its thread ends when nobody takes its blocks any more.
        drop(self.buffer);
        Ending {
            sha256: self.watch.sha256(&self.path, self.ended && self.damage.is_none()),
            path: self.path,
            format,
            damage: self.damage,
            opened: true,
            declared: self.declared,
            frames: self.number - self.base,
            wire_bytes: self.wire_bytes,
            times: self.times,
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
