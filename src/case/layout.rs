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

/// The journal of what happened after the recording.
#[must_use]
pub fn custody(folder: &Path) -> PathBuf {
    folder.join("custody.jsonl")
}

/// Where lies what is said of a case: in it, and after sealing beside it, since nothing is added then.
#[must_use]
pub fn said(folder: &Path) -> PathBuf {
    if is_sealed(folder) { after(folder) } else { folder.to_owned() }
}

/// Beside a sealed case: what was said afterwards.
#[must_use]
pub fn after(sealed: &Path) -> PathBuf {
    let mut name = sealed.components().as_path().as_os_str().to_owned();
    name.push(".after");
    PathBuf::from(name)
}

/// Folder of files that were added to the case.
#[must_use]
pub fn attachments(folder: &Path) -> PathBuf {
    folder.join("attachments")
}

/// Name of a copy of a capture that was received, counted from 0. It says so itself, and it is not
/// taken for a segment that was recorded. The form is that of the original's name.
#[must_use]
pub fn received_name(position: usize, original: &str) -> String {
    let known = [
        "pcapng",
        "pcap",
        "cap",
        "ntar",
        "pcapng.gz",
        "pcap.gz",
        "cap.gz",
        "pcapng.zst",
        "pcap.zst",
    ];
    let lower = original.to_ascii_lowercase();
    let form =
        known.iter().find(|form| lower.strip_suffix(*form).is_some_and(|s| s.ends_with('.')));
    format!("{:06}.received.{}", position + 1, form.unwrap_or(&"capture"))
}

/// Whether a name can be that of the copy at a position.
#[must_use]
pub fn is_received(position: usize, name: &str) -> bool {
    name == received_name(position, name)
}

/// Where the parts of a case lie: in its folder, or under `data/` where it is sealed.
#[must_use]
pub fn parts(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    if is_sealed(folder) { data } else { folder.to_owned() }
}

/// Whether a path is the folder of a sealed case.
#[must_use]
pub fn is_sealed(folder: &Path) -> bool {
    folder.join("bagit.txt").symlink_metadata().is_ok()
}

/// Copies of received captures in a case, in their order; none where it was recorded.
#[must_use]
pub fn received(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(segments(folder)) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.retain(|name| name.as_bytes().get(6..16) == Some(b".received."));
    names.sort_unstable();
    names.into_iter().map(|name| segments(folder).join(name)).collect()
}

/// Whether a path is the folder of a recording.
#[must_use]
pub fn is_recording(path: &Path) -> bool {
    journal(path).is_file() && segments(path).is_dir()
}
