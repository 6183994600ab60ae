//! Where the parts of a recording lie in its folder.

use std::path::{Path, PathBuf};

/// The journal.
#[must_use]
pub fn journal(folder: &Path) -> PathBuf {
    folder.join("journal.jsonl")
}

/// Folder of the segments.
#[must_use]
pub fn segments(folder: &Path) -> PathBuf {
    folder.join("segments")
}

/// Name of a segment, counted from 0: the first is `000001.pcapng`.
#[must_use]
pub fn segment_name(position: usize) -> String {
    format!("{:06}.pcapng", position + 1)
}

/// Path of a segment in the folder of a recording.
#[must_use]
pub fn segment(folder: &Path, position: usize) -> PathBuf {
    segments(folder).join(segment_name(position))
}

/// Position of the oldest segment in a folder of segments; 0 where none is.
#[must_use]
pub fn oldest(segments: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(segments) else { return 0 };
    let position = |name: &str| name.strip_suffix(".pcapng")?.parse::<usize>().ok()?.checked_sub(1);
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    names.filter_map(|name| position(&name)).min().unwrap_or(0)
}

/// Whether a path is the folder of a recording.
#[must_use]
pub fn is_recording(path: &Path) -> bool {
    journal(path).is_file() && segments(path).is_dir()
}
