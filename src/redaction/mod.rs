//! Makes a copy of a sealed case that withholds what nobody else should see. Packets are cut and keep
//! their numbers, so that references in findings still lead to them. What stays as it was proves
//! itself against the seal; where pseudonyms were put in, the copy says that nothing proves it.
//!
//! ```text
//! OUT/
//!   captures/000001.pcapng   every frame, cut
//!   leaves.tsv               of each part of each frame: the salt of what stays, else its hash
//!   changes.tsv              every frame that was cut or has pseudonyms in it, and where
//!   sealed/                  the root, and the signed lists that lead to it
//!   check.py  VERIFY.txt     how to check it without phonehome
//! ```

mod check;
pub mod packed;
mod parts;
pub mod pseudonyms;
mod references;
mod search;
mod walk;
mod write;

pub use check::{Proven, check};
pub use references::{Cites, references};
pub use search::{Search, search};
pub use walk::captures;
pub use write::{redact, root};

use crate::case::merkle::{Salts, Sealed, Tree};
use crate::case::{CaseError, merkle, seal};
use crate::source::SourceError;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// Hashes of parts, a line a frame.
pub const LEAVES: &str = "leaves.tsv";
const CHANGES: &str = "changes.tsv";
const CAPTURES: &str = "captures";
const SEALED: &str = "sealed";
/// Copied out of the sealed case; each leads to the next.
const CHAIN: [&str; 5] =
    [seal::SIGNER, seal::SIGNATURE, seal::TAG_MANIFEST, seal::MANIFEST, merkle::FILE];

/// What stays of a case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Profile {
    #[default]
    /// Headers of all packets; nothing that was said.
    Headers,
    /// Packets that findings cite, whole; of all others nothing.
    Cited,
    /// Headers of all packets, and what was said in those that findings cite.
    CitedPayload,
}

/// Frames whose content stays, by position of the capture and number.
pub type Cited = BTreeSet<(u32, u64)>;

/// What becomes of a case.
#[derive(Default)]
pub struct Plan {
    /// What stays.
    pub profile: Profile,
    /// Frames whose content stays.
    pub cited: Cited,
    /// Between these ends nothing that was said stays.
    pub silent: BTreeSet<(IpAddr, IpAddr)>,
    /// Texts that must not stay: content in which they stand is withheld.
    pub forbidden: Vec<Vec<u8>>,
    /// Other names for what names somebody.
    pub pseudonyms: Option<pseudonyms::Pseudonyms>,
}

/// What became of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Frames.
    pub frames: u64,
    /// Those of which something was withheld.
    pub cut: u64,
    /// Those with pseudonyms in them.
    pub renamed: u64,
}

/// Something that stopped a redaction or its check.
#[derive(Debug, thiserror::Error)]
pub enum RedactionError {
    /// A file of a case.
    #[error(transparent)]
    Case(#[from] CaseError),
    /// A capture.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The case does not allow it.
    #[error("{path}: {reason}")]
    Refused {
        /// What it is about.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

fn refused(path: &Path, reason: impl Into<String>) -> RedactionError {
    RedactionError::Refused { path: path.to_owned(), reason: reason.into() }
}

/// Whether a folder is one that [`redact`] made.
#[must_use]
pub fn is_redacted(folder: &Path) -> bool {
    folder.join(LEAVES).symlink_metadata().is_ok() && folder.join(SEALED).is_dir()
}

/// The tree over all packets of a case, made when it is sealed.
///
/// # Errors
/// When a capture cannot be read.
pub fn tree(case: &Path, secret: &[u8; 32]) -> Result<Sealed, RedactionError> {
    let salts = Salts::new(secret);
    let mut tree = Tree::default();
    let mut position = 0;
    walk::frames(case, &mut |part| {
        for (about, bytes) in part.parts() {
            tree.add(merkle::leaf(&salts.of(position), &about, bytes));
            position += 1;
        }
        Ok(())
    })?;
    Ok(tree.sealed())
}
