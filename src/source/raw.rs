//! The bytes of a capture as they lie on disk: counted for progress, hashed where asked, and
//! decompressed where they are gzip or zstd.

use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How the bytes are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// Not at all.
    Plain,
    /// gzip, RFC 1952, several members allowed.
    Gzip,
    /// Zstandard, RFC 8878.
    Zstd,
}

/// Looks at the file behind the decompressor: how far it was read and its hash.
#[derive(Clone)]
pub struct Watch {
    read: Arc<AtomicU64>,
    hash: Option<Arc<Mutex<Sha256>>>,
}

impl Watch {
    /// Bytes read from disk so far.
    pub fn read(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// SHA-256 of the whole file in hex, where it was asked for. A decompressor stops at damage,
    /// so what it left is read here; standard input cannot be read again, and where bytes of it
    /// are missing there is no hash rather than a wrong one.
    pub fn sha256(&self, path: &Path, damaged: bool) -> Option<String> {
        let hash = self.hash.as_ref()?;
        if path.as_os_str() != "-" {
            let mut file = File::open(path).ok()?;
            file.seek(SeekFrom::Start(self.read())).ok()?;
            io::copy(&mut Watched { inner: file, watch: self.clone() }, &mut io::sink()).ok()?;
        } else if damaged {
            return None;
        }
        let digest = hash.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize();
        Some(crate::base::text::hex(&digest))
    }
}

struct Watched<R> {
    inner: R,
    watch: Watch,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.watch.read.fetch_add(count as u64, Ordering::Relaxed);
        if let Some(hash) = &self.watch.hash {
            hash.lock().unwrap_or_else(PoisonError::into_inner).update(&buffer[..count]);
        }
        Ok(count)
    }
}

/// An opened capture, before its format is known.
pub struct Raw {
    /// The unpacked bytes.
    pub reader: Box<dyn Read + Send>,
    /// Tells how far the file was read, and its hash.
    pub watch: Watch,
    /// How it was packed.
    pub packing: Packing,
    /// Size on disk where known.
    pub size: Option<u64>,
}

/// Opens `path` (`-` is standard input) and unpacks it.
pub fn open(path: &Path, hashed: bool) -> io::Result<Raw> {
    let (inner, size): (Box<dyn Read + Send>, _) = if path.as_os_str() == "-" {
        (Box::new(io::stdin()), None)
    } else {
        let file = File::open(path)?;
        let about = file.metadata()?;
        if about.is_dir() {
            return Err(io::Error::new(io::ErrorKind::IsADirectory, "is a directory"));
        }
        (Box::new(file), about.is_file().then_some(about.len()))
    };
    let watch = Watch {
        read: Arc::new(AtomicU64::new(0)),
        hash: hashed.then(|| Arc::new(Mutex::new(Sha256::new()))),
    };
    unpack(Watched { inner, watch: watch.clone() }, watch, size)
}

/// Bytes that are part of the program, not packed.
pub fn embedded(bytes: &'static [u8]) -> Raw {
    let watch = Watch { read: Arc::new(AtomicU64::new(0)), hash: None };
    Raw { reader: Box::new(bytes), watch, packing: Packing::Plain, size: None }
}

/// Bytes from anywhere, unpacked like those of a file.
pub fn of_reader(inner: Box<dyn Read + Send>) -> io::Result<Raw> {
    let watch = Watch { read: Arc::new(AtomicU64::new(0)), hash: None };
    unpack(Watched { inner, watch: watch.clone() }, watch, None)
}

fn unpack(
    mut file: Watched<Box<dyn Read + Send>>,
    watch: Watch,
    size: Option<u64>,
) -> io::Result<Raw> {
    let mut magic = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut magic)?;
    let packing = match magic[..] {
        [0x1f, 0x8b, ..] => Packing::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] => Packing::Zstd,
        _ => Packing::Plain,
    };
    let whole = io::Cursor::new(magic).chain(file);
    let reader: Box<dyn Read + Send> = match packing {
        Packing::Plain => Box::new(whole),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(whole)),
        Packing::Zstd => {
            let mut decoder = zstd::Decoder::new(whole)?;
            // A hostile frame may ask for a window of gigabytes; 128 MiB is what `zstd -d`
            // itself accepts without being told otherwise.
            decoder.window_log_max(27)?;
            Box::new(decoder)
        }
    };
    Ok(Raw { reader, watch, packing, size })
}
