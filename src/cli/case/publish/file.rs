//! Reads the captures of a publication block by block: frames, and what the file says of the
//! machine that recorded.

use super::frames::Frames;
use super::told::{Kind, Told};
use crate::base::frame;
use crate::source::{FileSource, SourceError};
use std::path::Path;

const SECTION_HEADER: u32 = 0x0a0d_0d0a;
const INTERFACE_DESCRIPTION: u32 = 1;
const INTERFACE_STATISTICS: u32 = 5;
const ENHANCED_PACKET: u32 = 6;
const DECRYPTION_SECRETS: u32 = 10;

/// Reads a capture.
pub fn read(
    path: &Path,
    input: usize,
    frames: &mut Frames,
    told: &mut Told,
) -> Result<(), SourceError> {
    let mut source = FileSource::open(path, false)?;
    let mut raw = Vec::new();
    if let Some(header) = source.section_header() {
        let big_endian = header.get(8..12) == Some(&[0x1a, 0x2b, 0x3c, 0x4d]);
        block(header, SECTION_HEADER, big_endian, 0, 0, told);
    }
    while let Some(found) = source.next_block(&mut raw) {
        let (mut number, mut captured) = (0, 0);
        if let Some(frame) = &found.frame {
            number = frame::base(input) + frame.number;
            captured = frame.data.len();
            frames.look(number, frame, told);
        }
        block(&raw, found.kind, found.big_endian, captured, number, told);
    }
    Ok(())
}

/// The options of a pcapng block (draft-ietf-opsawg-pcapng §3.5) that say something.
fn block(raw: &[u8], kind: u32, big_endian: bool, captured: usize, number: u64, told: &mut Told) {
    let u16_at = |bytes: &[u8]| {
        let pair = [bytes[0], bytes[1]];
        if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) }
    };
    let start = match kind {
        SECTION_HEADER => 24,
        INTERFACE_DESCRIPTION => 16,
        INTERFACE_STATISTICS => 20,
        ENHANCED_PACKET => 28 + captured.next_multiple_of(4),
        DECRYPTION_SECRETS => {
            let what = b"keys that decrypt what was recorded (pcapng secrets block)";
            told.frame(Kind::Credential, what, "pcapng.secrets", number);
            return;
        }
        _ => return,
    };
    let Some(mut options) = raw.len().checked_sub(4).and_then(|end| raw.get(start..end)) else {
        return;
    };
    while options.len() >= 4 {
        let (code, length) = (u16_at(options), usize::from(u16_at(&options[2..])));
        let Some(value) = options.get(4..4 + length).filter(|_| code != 0) else { return };
        let said_as = match (kind, code) {
            (_, 1) => "pcapng.comment",
            (SECTION_HEADER, 2) => "pcapng.hardware",
            (SECTION_HEADER, 3) | (INTERFACE_DESCRIPTION, 12) => "pcapng.system",
            (INTERFACE_DESCRIPTION, 2) => "pcapng.interface",
            (INTERFACE_DESCRIPTION, 3) => "pcapng.interface_description",
            (INTERFACE_DESCRIPTION, 4 | 5) => "pcapng.interface_address",
            (INTERFACE_DESCRIPTION, 6) => "pcapng.interface_mac",
            (INTERFACE_DESCRIPTION, 11) => "pcapng.filter",
            (INTERFACE_DESCRIPTION, 15) => "pcapng.interface_hardware",
            _ => "",
        };
        if !said_as.is_empty() && !value.is_empty() {
            let numbers = matches!(said_as, "pcapng.interface_address" | "pcapng.interface_mac");
            let text = crate::base::text::hex(value);
            let value = if numbers { text.as_bytes() } else { value };
            told.frame(Kind::CaptureText, value, said_as, number);
        }
        options = options.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::pcapng;

    #[test]
    fn a_file_tells_of_the_machine_that_recorded() {
        let mut bytes = Vec::new();
        let section =
            pcapng::Section { hardware: "desk", system: "", application: "x", comment: "at home" };
        pcapng::section(&mut bytes, &section);
        let interface =
            pcapng::Interface { name: "wlan-anna", link: 1, snap_length: 0, filter: "" };
        pcapng::interface(&mut bytes, &interface);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.pcapng");
        std::fs::write(&path, bytes).unwrap();
        let (mut frames, mut told) = (Frames::default(), Told::default());
        read(&path, 0, &mut frames, &mut told).unwrap();
        let shown = told.shown();
        let values: Vec<&str> = shown.iter().map(|shown| &*shown.value).collect();
        assert_eq!(values, ["at home", "desk", "wlan-anna"]);
    }
}
