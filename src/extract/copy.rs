//! Copies the chosen frames of captures into one pcapng file: a section an input, in the order of
//! the inputs. Of pcapng inputs the blocks are copied as they are; secrets, and blocks that hold no
//! packet but would be numbered as one, stay behind.

use super::{Annotations, Frames, Wanted};
use crate::base::frame;
use crate::case::pcapng;
use crate::decode::{Body, decode};
use crate::source::file::Block;
use crate::source::{FileSource, Frame, Noted, SourceError};
use std::io::{self, Write};
use std::path::PathBuf;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const NAME_RESOLUTION: u32 = 4;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

/// What was written, and what not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Frames written.
    pub frames: u64,
    /// Their lengths on the wire.
    pub wire_bytes: u64,
    /// Blocks with decryption secrets that stayed behind.
    pub secrets: u64,
    /// Other blocks that stayed behind: they are numbered as frames, or not known.
    pub others: u64,
    /// Comments written.
    pub comments: u64,
    /// Comments that the form of their block has no place for.
    pub comments_lost: u64,
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// An input.
    #[error(transparent)]
    Read(#[from] SourceError),
    /// An output.
    #[error("the extract cannot be written: {0}")]
    Write(#[from] io::Error),
}

/// A block with its lengths.
pub(super) fn block(kind: u32, big_endian: bool, body: &[u8]) -> Vec<u8> {
    let number = |value: u32| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let length = number((body.len() + 12) as u32);
    [&number(kind)[..], &length, body, &length].concat()
}

/// The same block with lengths that fit, should its writer have forgotten the padding.
fn mended(raw: &mut [u8], big_endian: bool) {
    let length = raw.len() as u32;
    let number = if big_endian { length.to_be_bytes() } else { length.to_le_bytes() };
    let end = raw.len() - 4;
    raw[4..8].copy_from_slice(&number);
    raw[end..].copy_from_slice(&number);
}

/// With a comment in front of its other options.
fn commented(raw: &[u8], big_endian: bool, captured: usize, comment: &str) -> Vec<u8> {
    let options_at = 28 + captured.next_multiple_of(4);
    let number = |value: u16| if big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
    let mut body = raw[8..options_at.min(raw.len() - 4)].to_vec();
    body.resize(options_at - 8, 0);
    body.extend(number(1));
    body.extend(number(comment.len() as u16));
    body.extend(comment.as_bytes());
    body.resize(body.len().next_multiple_of(4), 0);
    let others = raw.get(options_at..raw.len() - 4).filter(|others| others.len() >= 4);
    body.extend(others.unwrap_or(&[0; 4]));
    block(ENHANCED_PACKET, big_endian, &body)
}

/// Writes the extract and its map.
struct Writer<'a, W: Write, M: Write> {
    out: W,
    map: M,
    frames: Option<&'a Frames>,
    wanted: &'a Wanted,
    annotations: Option<&'a Annotations>,
    copied: Copied,
    phase: Option<&'static str>,
    /// A section was begun.
    begun: bool,
}

/// Copies the chosen frames of these files, each with its position among the inputs. Without `frames`, all that phases and times allow.
///
/// # Errors
/// When a file cannot be read, or the outputs cannot be written.
pub fn copy<W: Write, M: Write>(
    paths: &[(usize, PathBuf)],
    wanted: &Wanted,
    frames: Option<&Frames>,
    annotations: Option<&Annotations>,
    out: W,
    map: M,
) -> Result<Copied, CopyError> {
    let copied = Copied::default();
    let mut writer =
        Writer { out, map, frames, wanted, annotations, copied, phase: None, begun: false };
    writeln!(writer.map, "frame\tinput\tinput_frame\ttime\twire_length")?;
    for (input, path) in paths {
        writer.input(*input, path)?;
    }
    if !writer.begun {
        // An input without frames: what is written is a capture nevertheless.
        writer.own_section(1)?;
    }
    writer.out.flush()?;
    writer.map.flush()?;
    Ok(writer.copied)
}

impl<W: Write, M: Write> Writer<'_, W, M> {
    fn input(&mut self, input: usize, path: &std::path::Path) -> Result<(), CopyError> {
        let mut source = FileSource::open(path, false)?;
        // Each file says itself in which phase it begins.
        self.phase = None;
        let mut raw = Vec::new();
        match source.section_header() {
            Some(header) => {
                let mut header = header.to_vec();
                let big_endian = header[8..12] == [0x1a, 0x2b, 0x3c, 0x4d];
                self.section(&mut header, big_endian)?;
                let mut named = false;
                while let Some(block) = source.next_block(&mut raw) {
                    let is_interface = block.kind == INTERFACE_DESCRIPTION;
                    let big_endian = block.big_endian;
                    self.block(input, &block, &mut raw)?;
                    // Names come once a section, behind the first interface.
                    if is_interface && !std::mem::replace(&mut named, true) {
                        self.names(big_endian)?;
                    }
                    for note in source.notes() {
                        if let Noted::Phase(name) = note.what {
                            self.phase = Some(name);
                        }
                    }
                }
            }
            None => {
                let mut link = None;
                while let Some(block) = source.next_block(&mut raw) {
                    let Some(frame) = block.frame else { continue };
                    self.of_pcap(input, &frame, &mut link)?;
                }
            }
        }
        Ok(())
    }

    /// A section header, whose length is not that of the original.
    fn section(&mut self, raw: &mut [u8], big_endian: bool) -> io::Result<()> {
        self.begun = true;
        mended(raw, big_endian);
        if let Some(length) = raw.get_mut(16..24) {
            length.fill(0xff);
        }
        self.out.write_all(raw)
    }

    fn names(&mut self, big_endian: bool) -> io::Result<()> {
        match self.annotations {
            Some(annotations) => self.out.write_all(&annotations.names_block(big_endian)),
            None => Ok(()),
        }
    }

    fn block(&mut self, input: usize, block: &Block<'_>, raw: &mut [u8]) -> io::Result<()> {
        let Block { kind, big_endian, ref frame } = *block;
        match kind {
            SECTION_HEADER => self.section(raw, big_endian),
            INTERFACE_DESCRIPTION | INTERFACE_STATISTICS | NAME_RESOLUTION => {
                mended(raw, big_endian);
                self.out.write_all(raw)
            }
            ENHANCED_PACKET | SIMPLE_PACKET | OBSOLETE_PACKET => {
                let Some(frame) = frame.as_ref().filter(|frame| self.takes(input, frame)) else {
                    return Ok(());
                };
                mended(raw, big_endian);
                self.count(input, frame)?;
                match self.annotations.and_then(|all| all.comment(input, frame.number)) {
                    Some(comment) if kind == ENHANCED_PACKET => {
                        self.copied.comments += 1;
                        let written = commented(raw, big_endian, frame.data.len(), comment);
                        self.out.write_all(&written)
                    }
                    Some(_) => {
                        self.copied.comments_lost += 1;
                        self.out.write_all(raw)
                    }
                    None => self.out.write_all(raw),
                }
            }
            DECRYPTION_SECRETS => {
                self.copied.secrets += 1;
                Ok(())
            }
            _ => {
                self.copied.others += 1;
                Ok(())
            }
        }
    }

    /// A section with an interface, for what comes from no pcapng.
    fn own_section(&mut self, link: u16) -> io::Result<()> {
        self.begun = true;
        let mut head = Vec::new();
        let application = concat!("phonehome ", env!("CARGO_PKG_VERSION"));
        let section = pcapng::Section { hardware: "", system: "", application, comment: "" };
        pcapng::section(&mut head, &section);
        let interface = pcapng::Interface { name: "", link, snap_length: 0, filter: "" };
        pcapng::interface(&mut head, &interface);
        self.out.write_all(&head)
    }

    /// A frame of a file that is no pcapng; the first one brings section and interface.
    fn of_pcap(
        &mut self,
        input: usize,
        frame: &Frame<'_>,
        link: &mut Option<u16>,
    ) -> io::Result<()> {
        if link.is_none() {
            *link = Some(frame.link);
            self.own_section(frame.link)?;
            self.names(false)?;
        }
        if !self.takes(input, frame) {
            return Ok(());
        }
        self.count(input, frame)?;
        let mut raw = Vec::new();
        pcapng::packet(&mut raw, 0, frame.time, frame.wire_length, frame.data);
        if let Some(comment) = self.annotations.and_then(|all| all.comment(input, frame.number)) {
            self.copied.comments += 1;
            raw = commented(&raw, false, frame.data.len(), comment);
        }
        self.out.write_all(&raw)
    }

    fn takes(&self, input: usize, frame: &Frame<'_>) -> bool {
        let Wanted { phases, from, to, .. } = self.wanted;
        let in_phase = phases.is_empty() || self.phase.is_some_and(|now| phases.contains(&now));
        let in_time =
            from.is_none_or(|from| frame.time >= from) && to.is_none_or(|to| frame.time <= to);
        in_phase && in_time && self.frames.is_none_or(|frames| self.chosen(frames, input, frame))
    }

    fn chosen(&self, frames: &Frames, input: usize, frame: &Frame<'_>) -> bool {
        if frames.has(frame::base(input) + frame.number) {
            return true;
        }
        if frames.macs.is_empty() || !self.wanted.takes_asides() {
            return false;
        }
        // Frames that are no IP are in no flow, but they are the device's.
        let packet = decode(frame);
        let macs = [packet.source_mac, packet.destination_mac];
        !matches!(packet.body, Body::Ip(_))
            && macs.into_iter().flatten().any(|mac| frames.macs.contains(&mac))
    }

    fn count(&mut self, input: usize, frame: &Frame<'_>) -> io::Result<()> {
        self.copied.frames += 1;
        self.copied.wire_bytes += u64::from(frame.wire_length);
        let Frame { number, time, wire_length, .. } = frame;
        let written = self.copied.frames;
        writeln!(self.map, "{written}\t{}\t{number}\t{time}\t{wire_length}", input + 1)
    }
}
