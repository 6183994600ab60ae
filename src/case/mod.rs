//! A recording as evidence: a folder with the captured frames in segments and a journal that says,
//! a line at a time, how far they had been written when, with their hash, chained and signed. It
//! knows nothing of what the frames hold.
//!
//! ```text
//! DIR/
//!   journal.jsonl          one signed line an event, each with the hash of the line before
//!   segments/000001.pcapng frames, in the order in which they were recorded
//! ```

pub mod clock;
pub mod journal;
pub mod key;
pub mod layout;
pub mod pcapng;
pub mod segment;

/// Makes a file that was not there, for its owner alone: what a device sends is nobody else's
/// business.
fn create(path: &std::path::Path) -> Result<std::fs::File, CaseError> {
    let mut options = std::fs::OpenOptions::new();
    // Whatever is cut off after a failure, the next writing goes on from there.
    options.append(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(CaseError::system(path, "cannot be created"))
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
    #[error("{0}: exists already; a recording never overwrites anything")]
    Exists(std::path::PathBuf),
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
