//! Fetches single frames out of a capture file, to show the bytes that decide a finding.

use super::FileSource;
use crate::base::time::Timestamp;
use std::path::{Path, PathBuf};

/// Most bytes kept of a frame.
pub const FRAME_BYTES_MAX: usize = 16 * 1024;

/// A frame that was fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Capture time.
    pub time: Timestamp,
    /// Length on the wire, bytes.
    pub wire_length: u32,
    /// Bytes in the capture.
    pub captured: usize,
    /// The first of them, at most [`FRAME_BYTES_MAX`].
    pub data: Vec<u8>,
}

/// See the module. Frames in ascending order cost one walk through the file.
pub struct FrameReader {
    path: PathBuf,
    source: Option<FileSource>,
    at: u64,
}

impl FrameReader {
    /// A reader of the capture at `path`; it is opened with the first frame.
    #[must_use]
    pub fn new(path: &Path) -> FrameReader {
        FrameReader { path: path.to_owned(), source: None, at: 0 }
    }

    /// Frame `number` of the capture, from 1. `goes_on` is asked now and then: a walk through a
    /// large file can be given up.
    ///
    /// # Errors
    /// In words, when there is no such frame any more or the capture cannot be read.
    pub fn fetch(&mut self, number: u64, goes_on: &dyn Fn() -> bool) -> Result<Fetched, String> {
        // What is no file, such as standard input, cannot be read a second time.
        if !self.path.metadata().is_ok_and(|about| about.is_file()) {
            return Err("the capture is no file that can be read again".to_owned());
        }
        if self.source.is_none() || self.at >= number {
            self.source = Some(FileSource::open(&self.path, false).map_err(|e| e.to_string())?);
            self.at = 0;
        }
        let source = self.source.as_mut().ok_or("the capture is not open")?;
        while let Some(frame) = source.next_frame() {
            self.at = frame.number;
            if frame.number == number {
                let kept = frame.data.len().min(FRAME_BYTES_MAX);
                return Ok(Fetched {
                    time: frame.time,
                    wire_length: frame.wire_length,
                    captured: frame.data.len(),
                    data: frame.data[..kept].to_vec(),
                });
            }
            if frame.number.is_multiple_of(4096) && !goes_on() {
                return Err("given up".to_owned());
            }
        }
        self.source = None;
        Err(format!("the capture ends before frame {number}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_forwards_and_backwards() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures/camera.pcapng");
        let mut reader = FrameReader::new(&path);
        let frame = |reader: &mut FrameReader, number| reader.fetch(number, &|| true);
        let late = frame(&mut reader, 85).unwrap();
        let early = frame(&mut reader, 3).unwrap();
        assert!(early.time < late.time);
        assert_eq!(frame(&mut reader, 85).unwrap(), late);
        assert!(late.data.len() >= 14 && late.captured <= late.wire_length as usize);
        assert!(frame(&mut reader, 1_000_000).unwrap_err().contains("ends before"));
        assert_eq!(frame(&mut reader, 3).unwrap(), early, "after a walk to the end");
        assert!(frame(&mut FrameReader::new(Path::new("-")), 1).is_err());
    }
}
