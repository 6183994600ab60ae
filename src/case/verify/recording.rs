//! Checks segments against the journal while that is walked: each byte is read once.

use crate::base::text::{bytes, hex};
use crate::case::journal::Event;
use crate::case::{layout, tree};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

/// See the module.
pub(super) struct Recording {
    parts: PathBuf,
    faults: Vec<String>,
    segments: BTreeSet<String>,
    /// The segment that lines speak of now.
    open: Option<Open>,
    position: usize,
    checkpoints: u64,
    total: u64,
    ended: bool,
    received: bool,
}

struct Open {
    name: String,
    /// None where it cannot be read; said once.
    file: Option<File>,
    hash: Sha256,
    /// Bytes that were checked.
    at: u64,
    /// Of an imported file: length and hash that it must have.
    whole: Option<(u64, String, u64)>,
}

/// What is known after the last line.
pub(super) struct About {
    pub faults: Vec<String>,
    pub said: String,
    pub segments: BTreeSet<String>,
    /// Position from which segments may be there although no checkpoint speaks of them.
    pub next: Option<usize>,
}

impl Recording {
    pub fn new(parts: &Path) -> Recording {
        Recording {
            parts: parts.to_owned(),
            faults: Vec::new(),
            segments: BTreeSet::new(),
            open: None,
            position: 0,
            checkpoints: 0,
            total: 0,
            ended: false,
            received: false,
        }
    }

    pub fn is_ended(&self) -> bool {
        self.ended
    }

    fn fault(&mut self, line: u64, fault: &str) {
        // The first ones are told; a hostile journal has many.
        if self.faults.len() < 1000 {
            self.faults.push(format!("journal.jsonl: line {line}: {fault}"));
        }
    }

    pub fn take(&mut self, line: u64, event: &Event) {
        if self.ended {
            self.fault(line, "stands behind the end of the recording");
        }
        match event {
            Event::Checkpoint { segment, bytes, sha256, .. } => {
                self.checkpoint(line, segment, *bytes, sha256);
            }
            Event::Imported { segment, bytes, sha256, .. } => {
                self.imported(line, segment, *bytes, sha256);
            }
            Event::Sealed { segment } => self.seal(line, segment),
            Event::End { .. } => self.ended = true,
            _ => {}
        }
    }

    fn checkpoint(&mut self, line: u64, segment: &str, bytes: u64, sha256: &str) {
        if self.begin(line, segment, segment == layout::segment_name(self.position)) {
            self.checkpoints += 1;
            self.check(line, bytes, sha256);
        }
    }

    fn imported(&mut self, line: u64, segment: &str, bytes: u64, sha256: &str) {
        let fits = self.open.is_none() && layout::is_received(self.position, segment);
        if self.begin(line, segment, fits)
            && let Some(open) = &mut self.open
        {
            self.received = true;
            open.whole = Some((bytes, sha256.to_owned(), line));
        }
    }

    /// Opens a segment where it is not open yet; whether it is the one whose turn it is.
    fn begin(&mut self, line: u64, name: &str, fits: bool) -> bool {
        if !fits || self.segments.len() >= tree::FILES_MAX {
            self.fault(line, "speaks of a segment whose turn it is not");
            return false;
        }
        if self.open.is_none() {
            let file = tree::open(&layout::segments(&self.parts).join(name));
            if let Err(error) = &file {
                self.faults.push(format!("segments/{name}: {error}"));
            }
            let (name, file) = (name.to_owned(), file.ok());
            self.segments.insert(name.clone());
            self.open = Some(Open { name, file, hash: Sha256::new(), at: 0, whole: None });
        }
        true
    }

    fn check(&mut self, line: u64, bytes: u64, sha256: &str) {
        let Some(open) = &mut self.open else { return };
        let Some(file) = &mut open.file else { return };
        if bytes < open.at {
            return self.fault(line, "has fewer bytes than the checkpoint before");
        }
        let from = open.at;
        let read = tree::feed(file, bytes - from, &mut open.hash);
        let name = &open.name;
        let fault = match read {
            Err(error) => format!("segments/{name}: {error}"),
            Ok(read) if from + read < bytes => format!(
                "segments/{name}: byte {} is missing: it has to have {bytes} (journal.jsonl, line {line})",
                from + read
            ),
            Ok(_) if hex(&open.hash.clone().finalize()) != *sha256 => format!(
                "segments/{name}: a byte from {from} to {} is not what was recorded \
                 (journal.jsonl, line {line})",
                bytes.saturating_sub(1)
            ),
            Ok(read) => {
                open.at += read;
                self.total += read;
                return;
            }
        };
        // Every later hash would differ as well, and say nothing new.
        open.file = None;
        self.faults.push(fault);
    }

    fn seal(&mut self, line: u64, segment: &str) {
        let whole = self.open.as_mut().and_then(|open| open.whole.take());
        if let Some((bytes, sha256, said)) = whole {
            self.check(said, bytes, &sha256);
        }
        match self.open.take() {
            Some(open) if open.name == segment => {
                self.position += 1;
                if let Some(more) = beyond(&open) {
                    self.faults.push(format!(
                        "segments/{segment}: byte {}: {more} bytes stand behind its end",
                        open.at
                    ));
                }
            }
            _ => self.fault(line, "seals a segment whose turn it is not"),
        }
    }

    pub fn finish(mut self, chained: bool, notes: &mut Vec<String>) -> About {
        let mut next = None;
        if let Some(open) = &mut self.open
            && open.whole.is_some()
        {
            notes.push(format!("segments/{}: its import was interrupted", open.name));
        } else if let Some(open) = &self.open
            && let Some(more) = beyond(open)
        {
            notes.push(format!(
                "segments/{}: {} of an interrupted recording stand behind the last checkpoint at \
                 byte {}; nothing is promised of them",
                open.name,
                bytes(more),
                open.at
            ));
        }
        if !self.ended && self.open.as_ref().is_none_or(|open| open.whole.is_none()) {
            // They are made before the disk says that the one before is whole, and before a checkpoint
            // speaks of them.
            next = Some(self.position + usize::from(self.open.is_some()));
        }
        if chained && !self.ended {
            notes.push(
                "the recording did not end in good order: the journal ends where power or program \
                 did, or where somebody cut it"
                    .to_owned(),
            );
        }
        let count = self.segments.len();
        let total = bytes(self.total);
        let said = if self.received {
            format!("{count} captures received, {total}; not recorded here")
        } else {
            format!("{count} segments, {} checkpoints, {total}", self.checkpoints)
        };
        About { faults: self.faults, said, segments: self.segments, next }
    }
}

/// Bytes behind those that were checked.
fn beyond(open: &Open) -> Option<u64> {
    let length = open.file.as_ref()?.metadata().ok()?.len();
    length.checked_sub(open.at).filter(|&more| more > 0)
}
