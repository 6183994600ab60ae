//! One file of frames that is being written, with its hash so far.

use super::{CaseError, layout};
use crate::base::text::hex;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// See the module.
pub struct Segment {
    path: PathBuf,
    file: File,
    /// Not where somebody else hashes: it costs nearly as much as the writing.
    hash: Option<Sha256>,
    /// Its position in the recording, from 0.
    pub position: usize,
    /// Bytes written.
    pub bytes: u64,
    /// Packets among them.
    pub packets: u64,
}

impl Segment {
    /// Begins a segment; never overwrites one.
    ///
    /// # Errors
    /// When it exists or cannot be written.
    pub fn create(folder: &Path, position: usize) -> Result<Segment, CaseError> {
        Segment::create_at(layout::segment(folder, position), position, true)
    }

    /// The same under any path, and with a hash or without.
    ///
    /// # Errors
    /// When it exists or cannot be written.
    pub fn create_at(path: PathBuf, position: usize, hashed: bool) -> Result<Segment, CaseError> {
        let file = super::create(&path)?;
        let hash = hashed.then(Sha256::new);
        Ok(Segment { path, file, hash, position, bytes: 0, packets: 0 })
    }

    /// Adds whole blocks with so many packets in them. Where there is no room for them, the file is
    /// cut back to what was whole before, so that it stays readable.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn write(&mut self, blocks: &[u8], packets: u64) -> Result<(), CaseError> {
        if let Err(error) = self.file.write_all(blocks) {
            // What remains after a failure to cut is told by the journal: it says how many bytes
            // count.
            drop(self.file.set_len(self.bytes));
            return Err(CaseError::system(&self.path, "cannot be written")(error));
        }
        if let Some(hash) = &mut self.hash {
            hash.update(blocks);
        }
        self.bytes += blocks.len() as u64;
        self.packets += packets;
        Ok(())
    }

    /// The same file once more, for whoever waits until it is on the disk.
    ///
    /// # Errors
    /// When the system has no more handles.
    pub fn handle(&self) -> std::io::Result<File> {
        self.file.try_clone()
    }

    /// SHA-256 of what was written so far, in hex; empty where nobody wants it.
    #[must_use]
    pub fn sha256(&self) -> String {
        self.hash.as_ref().map(|hash| hex(&hash.clone().finalize())).unwrap_or_default()
    }
}
