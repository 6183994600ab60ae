//! Yields frames out of captures. Everything before damage is yielded; the damage itself is
//! told with its offset and reason, never hidden and never a panic.

mod ahead;
mod buffer;
mod chunk;
pub mod file;
mod follow;
#[cfg(feature = "live")]
mod link_state;
#[cfg(feature = "live")]
pub mod live;
mod note;
pub mod frame_reader;
mod pcap;
mod pcapng;
mod raw;
mod several;

use crate::base::time::Timestamp;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

pub use chunk::{CHUNK_FRAMES_MAX, Chunk};
pub use file::FileSource;
pub use follow::{Finished, Segments};
#[cfg(feature = "live")]
pub use link_state::Change;
pub use note::{Note, Noted, PHASES};
pub use several::{Misuse, Sources};

/// One captured record. Borrows its bytes out of the read buffer.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// Number from 1, counted as Wireshark counts.
    pub number: u64,
    /// Capture time; for records without one (pcapng simple packets) the time before it.
    pub time: Timestamp,
    /// Length on the wire, bytes; may exceed `data.len()` when the capture cut the packet.
    pub wire_length: u32,
    /// Link type, as in the registry of the Tcpdump group (LINKTYPE_ values).
    pub link: u16,
    /// The captured bytes.
    pub data: &'a [u8],
}

/// Where and why a capture stopped being readable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damage {
    /// Byte offset in the capture, after decompression where the file is compressed.
    pub offset: u64,
    /// What was wrong there, as a phrase that can follow a colon.
    pub reason: String,
}

/// A run of which not one record could be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The operating system refused.
    #[error("{path}: cannot be opened: {error}")]
    Open {
        /// The path as the user gave it.
        path: PathBuf,
        /// The system's answer.
        error: std::io::Error,
    },
    /// The bytes are not a capture.
    #[error("{path}: offset {}: {}", damage.offset, damage.reason)]
    NotACapture {
        /// The path as the user gave it.
        path: PathBuf,
        /// Where and why.
        damage: Damage,
    },
    /// Several, all of them for such reasons.
    #[error("{}", one_after_the_other(.0))]
    Several(Vec<SourceError>),
}

fn one_after_the_other(errors: &[SourceError]) -> String {
    errors.iter().map(SourceError::to_string).collect::<Vec<_>>().join("; ")
}

impl SourceError {
    fn open(path: &Path, error: std::io::Error) -> SourceError {
        SourceError::Open { path: path.to_owned(), error }
    }

    /// As damage at the beginning of a file.
    fn damage(&self) -> Damage {
        match self {
            SourceError::NotACapture { damage, .. } => damage.clone(),
            SourceError::Open { error, .. } => {
                Damage { offset: 0, reason: format!("cannot be opened: {error}") }
            }
            SourceError::Several(_) => Damage { offset: 0, reason: self.to_string() },
        }
    }
}

/// What a capture file says about itself, beside its frames.
#[derive(Debug, Clone, Default)]
pub struct Declared {
    /// Packets that the capturing program or system says it lost, all interfaces; `None` where
    /// the file has no word of it (classic pcap never has).
    pub drops: Option<u64>,
    /// Names that the file itself gives to addresses (pcapng name resolution blocks).
    pub names: Vec<(IpAddr, Box<[u8]>)>,
    /// Names left out because the file held more than the bound.
    pub names_lost: u64,
    /// Blocks with decryption secrets: counted, never used.
    pub secrets: u64,
    /// Blocks of kinds that hold no packet and are not read.
    pub other_blocks: u64,
    /// Interface names in the order of their blocks, as bytes from the file.
    pub interfaces: Vec<Box<[u8]>>,
}

impl Declared {
    /// Keeps at most `room` names; the others count as lost.
    fn keep_names(&mut self, room: usize) {
        self.names_lost += self.names.len().saturating_sub(room) as u64;
        self.names.truncate(room);
    }
}

/// Most names kept from name resolution blocks of all files of a run.
pub const DECLARED_NAMES_MAX: usize = 65_536;
