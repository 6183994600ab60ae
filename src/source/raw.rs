//! The bytes of a capture as they lie on disk: counted for progress, hashed where asked, and
//! decompressed where they are gzip or zstd; the latter two on a thread of their own.

use super::ahead::Ahead;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

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

#[derive(Default)]
struct Tally {
    read: AtomicU64,
    hash: Option<Mutex<Sha256>>,
}

/// Looks at the file behind the decompressor: how far it was read and its hash.
pub struct Watch {
    tally: Arc<Tally>,
    worker: Option<JoinHandle<()>>,
    /// Whether it can be opened once more and read from any place.
    regular: bool,
}

impl Watch {
    /// Bytes read from disk so far.
    pub fn read(&self) -> u64 {
        self.tally.read.load(Ordering::Relaxed)
    }

    /// SHA-256 of the whole file in hex, where it was asked for. The reader must be gone, since
    /// this waits for its thread. A decompressor stops at damage, so what it left is read here;
    /// standard input cannot be read again, and where bytes of it are missing there is no hash
    /// rather than a wrong one.
    pub fn sha256(self, path: &Path, read_to_the_end: bool) -> Option<String> {
        let hash = self.tally.hash.as_ref()?;
        if !read_to_the_end && !self.regular {
            // Not even waited for: the thread may be waiting for a pipe that never ends.
            return None;
        }
        if let Some(worker) = self.worker {
            // A panic was told as damage when the reader met it.
            drop(worker.join());
        }
        if !read_to_the_end {
            let mut file = File::open(path).ok()?;
            file.seek(SeekFrom::Start(self.tally.read.load(Ordering::Relaxed))).ok()?;
            let tally = self.tally.clone();
            io::copy(&mut Watched { inner: Box::new(file), tally }, &mut io::sink()).ok()?;
        }
        let digest = hash.lock().unwrap_or_else(PoisonError::into_inner).clone().finalize();
        Some(crate::base::text::hex(&digest))
    }
}

struct Watched {
    inner: Box<dyn Read + Send>,
    tally: Arc<Tally>,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.tally.read.fetch_add(count as u64, Ordering::Relaxed);
        if let Some(hash) = &self.tally.hash {
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
    let mut raw = unpacked(path, hashed)?;
    // Plain bytes come out of the page cache faster than another thread could hand them over.
    if hashed || raw.packing != Packing::Plain {
        raw.ahead()?;
    }
    Ok(raw)
}

impl Raw {
    /// Reads on a thread of its own from here on.
    fn ahead(&mut self) -> io::Result<()> {
        let reader = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        let (ahead, worker) = Ahead::start(reader)?;
        self.reader = Box::new(ahead);
        self.watch.worker = Some(worker);
        Ok(())
    }
}

/// The same for a look at the first bytes: without a thread, which would read further.
pub fn peek(path: &Path) -> io::Result<Raw> {
    unpacked(path, false)
}

/// Bytes of a file header and the block behind it: enough to tell a capture's format.
pub const LOOK_BYTES_MIN: usize = 64;

/// Bytes from a reader, not packed.
pub fn plain(inner: Box<dyn Read + Send>) -> Raw {
    let tally: Arc<Tally> = Arc::default();
    let watch = Watch { tally: tally.clone(), worker: None, regular: false };
    let reader = Box::new(Watched { inner, tally });
    Raw { reader, watch, packing: Packing::Plain, size: None }
}

/// Bytes that are part of the program, not packed.
pub fn embedded(bytes: &'static [u8]) -> Raw {
    plain(Box::new(bytes))
}

fn unpacked(path: &Path, hashed: bool) -> io::Result<Raw> {
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
    let hash = hashed.then(|| Mutex::new(Sha256::new()));
    let tally = Arc::new(Tally { read: AtomicU64::new(0), hash });
    let (reader, packing) = unpack(Watched { inner, tally: tally.clone() })?;
    let watch = Watch { tally, worker: None, regular: size.is_some() };
    Ok(Raw { reader, watch, packing, size })
}

/// Bytes from anywhere, unpacked like those of a file.
pub fn of_reader(inner: Box<dyn Read + Send>) -> io::Result<Raw> {
    let tally: Arc<Tally> = Arc::default();
    let (reader, packing) = unpack(Watched { inner, tally: tally.clone() })?;
    let watch = Watch { tally, worker: None, regular: false };
    let mut raw = Raw { reader, watch, packing, size: None };
    if packing != Packing::Plain {
        raw.ahead()?;
    }
    Ok(raw)
}

fn unpack(mut file: Watched) -> io::Result<(Box<dyn Read + Send>, Packing)> {
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
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(Steady(whole))),
        Packing::Zstd => {
            let mut decoder = zstd::Decoder::new(Steady(whole))?;
            // A hostile frame may ask for a window of gigabytes; 128 MiB is what `zstd -d`
            // itself accepts without being told otherwise.
            decoder.window_log_max(27)?;
            Box::new(decoder)
        }
    };
    Ok((reader, packing))
}

/// Fills every buffer up where the stream is long enough. How a pipe cuts its bytes would otherwise
/// decide how much a decompressor gives before it meets damage.
struct Steady<R>(R);

impl<R: Read> Read for Steady<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut length = 0;
        while length < buffer.len() {
            match self.0.read(&mut buffer[length..]) {
                Ok(0) => break,
                Ok(count) => length += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if length == 0 => return Err(error),
                // Comes again with the next call.
                Err(_) => break,
            }
        }
        Ok(length)
    }
}
