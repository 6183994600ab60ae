//! All captures of one run, as one series of chunks.

use super::file::Ending;
use super::{Chunk, FileSource, SourceError};
use std::io::Read;
use std::net::IpAddr;
use std::path::PathBuf;

/// See the module.
pub struct Sources {
    files: Vec<FileSource>,
}

impl Sources {
    /// Opens every path, `-` being standard input.
    ///
    /// # Errors
    /// When one cannot be opened or is no capture.
    pub fn open(paths: &[PathBuf], hashed: bool) -> Result<Sources, SourceError> {
        let files = paths.iter().map(|path| FileSource::open(path, hashed));
        Ok(Sources { files: files.collect::<Result<_, _>>()? })
    }

    /// A capture that is part of the program.
    ///
    /// # Errors
    /// When the bytes are not a capture.
    pub fn embedded(name: &str, bytes: &'static [u8]) -> Result<Sources, SourceError> {
        Ok(Sources { files: vec![FileSource::embedded(name, bytes)?] })
    }

    /// See [`FileSource::of_reader`].
    ///
    /// # Errors
    /// When the reader fails, or the bytes are not a capture.
    pub fn of_reader(name: &str, reader: Box<dyn Read + Send>) -> Result<Sources, SourceError> {
        Ok(Sources { files: vec![FileSource::of_reader(name, reader)?] })
    }

    /// The next frames of the run; none at its end.
    pub fn fill(&mut self, chunk: &mut Chunk) {
        self.files[0].fill(chunk);
    }

    /// Bytes read so far, and the size of all files where known: for a progress bar.
    #[must_use]
    pub fn progress(&self) -> (u64, Option<u64>) {
        self.files[0].progress()
    }

    /// Names that the files themselves give to addresses.
    pub fn names(&self) -> impl Iterator<Item = &(IpAddr, Box<[u8]>)> {
        self.files.iter().flat_map(|file| &file.declared().names)
    }

    /// Ends the reading; one entry a file, in the order they were given.
    #[must_use]
    pub fn finish(self) -> Vec<Ending> {
        self.files.into_iter().map(FileSource::finish).collect()
    }
}
