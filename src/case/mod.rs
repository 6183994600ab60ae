//! A recording as evidence: a folder with the captured frames in segments and a journal that says,
//! a line at a time, how far they had been written when, with their hash, chained and signed. It
//! knows nothing of what the frames hold.
//!
//! ```text
//! DIR/
//!   journal.jsonl          one signed line an event, each with the hash of the line before
//!   segments/000001.pcapng frames, in the order in which they were recorded
//!   segments/000001.received.pcap.gz  or a capture that was imported, byte for byte
//!   custody.jsonl          what happened afterwards: a journal signed with the key of a person
//!   attachments/001.jpg    files that belong to the case
//! DIR-sealed/              all of that in BagIt form (RFC 8493), under data/, signed
//! DIR-sealed.stamps/       request and replies of time-stamp authorities (RFC 3161)
//! DIR-sealed.signatures/   signatures of other people over the same
//! DIR-sealed.after/        what was said since: a second journal of custody, with attachments
//! ```

pub mod clock;
pub mod countersign;
pub mod custody;
pub mod event;
pub mod import;
pub mod intake;
pub mod journal;
pub mod key;
pub mod layout;
pub mod merkle;
pub mod pcapng;
pub mod review;
pub mod seal;
pub mod segment;
pub mod signer;
pub mod stamp;
pub mod tree;
pub mod verify;
pub mod verify_text;

/// Makes a file that was not there, for its owner alone: what a device sends is nobody else's
/// business.
pub(crate) fn create(path: &std::path::Path) -> Result<std::fs::File, CaseError> {
    let mut options = std::fs::OpenOptions::new();
    // Whatever is cut off after a failure, the next writing goes on from there.
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(CaseError::system(path, "cannot be created"))
}

/// Makes a folder for its owner alone, where there is none.
fn folder(path: &std::path::Path) -> Result<(), CaseError> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(CaseError::system(path, "cannot be created")(error))
        }
        // A link could lead anywhere.
        _ if path.symlink_metadata().is_ok_and(|about| about.is_dir()) => Ok(()),
        _ => Err(CaseError::Refused { path: path.into(), reason: "is not a folder".into() }),
    }
}

/// A recording that could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The system refused.
    #[error("{path}: {doing}: {error}")]
    System {
        /// What it was about.
        path: std::path::PathBuf,
        /// What was attempted, as a phrase.
        doing: &'static str,
        /// The system's answer.
        error: std::io::Error,
    },
    /// Something is there already. Nothing is ever overwritten.
    #[error("{0}: exists already; nothing is overwritten: choose another name")]
    Exists(std::path::PathBuf),
    /// A journal does not hold.
    #[error("{0}")]
    Broken(journal::Broken),
    /// A key cannot be used.
    #[error("{path}: {reason}")]
    Key {
        /// Its file.
        path: std::path::PathBuf,
        /// Why.
        reason: String,
    },
    /// Something about the case does not allow it.
    #[error("{path}: {reason}")]
    Refused {
        /// What it is about.
        path: std::path::PathBuf,
        /// Why.
        reason: String,
    },
}

impl CaseError {
    pub(crate) fn system(
        path: &std::path::Path,
        doing: &'static str,
    ) -> impl FnOnce(std::io::Error) -> CaseError {
        let path = path.to_owned();
        move |error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => CaseError::Exists(path),
            _ => CaseError::System { path, doing, error },
        }
    }

    /// Whether there was no room left.
    #[must_use]
    pub fn is_full(&self) -> bool {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        matches!(self, CaseError::System { error, .. }
            if matches!(error.kind(), StorageFull | QuotaExceeded))
    }
}
