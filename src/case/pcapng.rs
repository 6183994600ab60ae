//! Writes pcapng blocks (draft-ietf-opsawg-pcapng): section header, interface descriptions with
//! times in nanoseconds, enhanced packets, and interface statistics. No custom blocks: Wireshark
//! counts each as a frame, which would shift the numbers of all later ones.

use crate::base::time::Timestamp;

/// Longest option written, bytes; longer text is cut at a character.
const OPTION_BYTES_MAX: usize = 4096;

/// What is said about the machine and the program.
#[derive(Debug, Clone)]
pub struct Section<'a> {
    /// Hardware, such as `x86_64`.
    pub hardware: &'a str,
    /// Operating system with its version.
    pub system: &'a str,
    /// The program.
    pub application: &'a str,
    /// Name of the host, and whatever else a reader should know.
    pub comment: &'a str,
}

/// What is said about an interface.
#[derive(Debug, Clone)]
pub struct Interface<'a> {
    /// Its name.
    pub name: &'a str,
    /// LINKTYPE_ value.
    pub link: u16,
    /// Most bytes kept of a packet; 0 stands for all.
    pub snap_length: u32,
    /// Capture filter; empty where there is none.
    pub filter: &'a str,
}

/// What is said about an interface's losses so far.
#[derive(Debug, Clone)]
pub struct Statistics<'a> {
    /// Position of its description.
    pub interface: u32,
    /// Moment of the count.
    pub time: Timestamp,
    /// Begin of the capture.
    pub start: Timestamp,
    /// Packets that the interface received, as the system counts them.
    pub received: u64,
    /// Packets that the interface itself lost.
    pub lost_by_interface: u64,
    /// Packets that the system lost because they were not fetched in time.
    pub lost_by_system: u64,
    /// Packets handed to the program.
    pub delivered: u64,
    /// Phases and marks since the statistics before.
    pub comments: &'a [String],
}

/// Appends a section header.
pub fn section(out: &mut Vec<u8>, section: &Section<'_>) {
    block(out, 0x0a0d_0d0a, |out| {
        out.extend(0x1a2b_3c4du32.to_le_bytes());
        out.extend(1u16.to_le_bytes());
        out.extend(0u16.to_le_bytes());
        // The section's length is not known yet.
        out.extend(u64::MAX.to_le_bytes());
        text(out, 2, section.hardware);
        text(out, 3, section.system);
        text(out, 4, section.application);
        text(out, 1, section.comment);
        end(out);
    });
}

/// Appends an interface description.
pub fn interface(out: &mut Vec<u8>, interface: &Interface<'_>) {
    block(out, 1, |out| {
        out.extend(interface.link.to_le_bytes());
        out.extend(0u16.to_le_bytes());
        out.extend(interface.snap_length.to_le_bytes());
        text(out, 2, interface.name);
        option(out, 9, &[9]);
        if !interface.filter.is_empty() {
            // Kind 0: the text of a libpcap filter.
            let mut value = vec![0];
            value.extend(interface.filter.as_bytes());
            option(out, 11, &value);
        }
        end(out);
    });
}

/// Bytes that a packet takes beside its data and padding.
pub const PACKET_OVERHEAD: usize = 32;

/// Appends an enhanced packet.
#[inline]
pub fn packet(out: &mut Vec<u8>, interface: u32, time: Timestamp, wire_length: u32, data: &[u8]) {
    let padding = data.len().next_multiple_of(4) - data.len();
    let length = (PACKET_OVERHEAD + data.len() + padding) as u32;
    let ticks = time.0 as u64;
    let mut head = [0; 28];
    head[..4].copy_from_slice(&6u32.to_le_bytes());
    head[4..8].copy_from_slice(&length.to_le_bytes());
    head[8..12].copy_from_slice(&interface.to_le_bytes());
    head[12..16].copy_from_slice(&((ticks >> 32) as u32).to_le_bytes());
    head[16..20].copy_from_slice(&(ticks as u32).to_le_bytes());
    head[20..24].copy_from_slice(&(data.len() as u32).to_le_bytes());
    head[24..28].copy_from_slice(&wire_length.to_le_bytes());
    out.extend_from_slice(&head);
    out.extend_from_slice(data);
    out.extend_from_slice(&[0; 3][..padding]);
    out.extend_from_slice(&length.to_le_bytes());
}

/// Appends interface statistics; they do not count as frames.
pub fn statistics(out: &mut Vec<u8>, statistics: &Statistics<'_>) {
    block(out, 5, |out| {
        out.extend(statistics.interface.to_le_bytes());
        time(out, statistics.time);
        for comment in statistics.comments {
            text(out, 1, comment);
        }
        for (code, moment) in [(2, statistics.start), (3, statistics.time)] {
            let mut value = Vec::with_capacity(8);
            time(&mut value, moment);
            option(out, code, &value);
        }
        option(out, 4, &statistics.received.to_le_bytes());
        option(out, 5, &statistics.lost_by_interface.to_le_bytes());
        option(out, 7, &statistics.lost_by_system.to_le_bytes());
        option(out, 8, &statistics.delivered.to_le_bytes());
        end(out);
    });
}

fn time(out: &mut Vec<u8>, time: Timestamp) {
    let ticks = time.0 as u64;
    out.extend(((ticks >> 32) as u32).to_le_bytes());
    out.extend((ticks as u32).to_le_bytes());
}

fn block(out: &mut Vec<u8>, kind: u32, body: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    body(out);
    let length = (out.len() - start + 4) as u32;
    out[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
    out.extend(length.to_le_bytes());
}

fn text(out: &mut Vec<u8>, code: u16, value: &str) {
    if !value.is_empty() {
        let fits = |at: &usize| *at <= OPTION_BYTES_MAX;
        let ends = value.char_indices().map(|(at, character)| at + character.len_utf8());
        option(out, code, &value.as_bytes()[..ends.take_while(fits).last().unwrap_or(0)]);
    }
}

fn option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = &value[..value.len().min(OPTION_BYTES_MAX)];
    out.extend(code.to_le_bytes());
    out.extend((value.len() as u16).to_le_bytes());
    out.extend_from_slice(value);
    out.resize(out.len().next_multiple_of(4), 0);
}

fn end(out: &mut Vec<u8>) {
    out.extend([0; 4]);
}
