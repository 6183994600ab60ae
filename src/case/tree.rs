//! The files of a folder that somebody else made: nothing is followed out of it, nothing is opened
//! that is no plain file, and what is kept of it is bounded.

use crate::base::text::{hex, safe};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

/// Most files of a case.
pub const FILES_MAX: usize = 65_536;
/// Longest path below its folder, bytes.
pub const PATH_BYTES_MAX: usize = 512;
/// Folders within each other.
const DEPTH_MAX: usize = 8;

/// Opens a plain file; not a link, device, pipe or folder.
///
/// # Errors
/// When the system refuses, or it is something else.
pub fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::{Mode, OFlags};
    // Without NONBLOCK a pipe would wait for ever.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "is not a plain file"));
    }
    Ok(file)
}

/// Length and SHA-256 of a plain file, in hex.
///
/// # Errors
/// When it cannot be read.
pub fn hash(path: &Path) -> io::Result<(u64, String)> {
    let mut file = open(path)?;
    let mut hash = Sha256::new();
    let bytes = feed(&mut file, u64::MAX, &mut hash)?;
    Ok((bytes, hex(&hash.finalize())))
}

/// Hashes at most so many bytes; gives how many there were.
///
/// # Errors
/// When they cannot be read.
pub fn feed(file: &mut File, most: u64, hash: &mut Sha256) -> io::Result<u64> {
    let mut buffer = vec![0; 64 * 1024];
    let mut done = 0;
    while done < most {
        let room = (most - done).min(buffer.len() as u64) as usize;
        match file.read(&mut buffer[..room]) {
            Ok(0) => break,
            Ok(count) => {
                hash.update(&buffer[..count]);
                done += count as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// The first bytes of a plain file as text, for files that are known to be small.
///
/// # Errors
/// When it cannot be read, is larger, or is not UTF-8.
pub fn text(path: &Path, most: u64) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.take(most + 1).read_to_string(&mut text)?;
    if text.len() as u64 > most {
        return Err(io::Error::new(ErrorKind::InvalidData, format!("is larger than {most} bytes")));
    }
    Ok(text)
}

/// What lies in a folder.
#[derive(Debug, Default)]
pub struct Tree {
    /// Plain files by their path below it, with `/`, sorted.
    pub files: Vec<String>,
    /// Folders in the same way.
    pub folders: Vec<String>,
    /// What does not belong into a case, with the reason.
    pub faults: Vec<String>,
}

/// Looks at everything in a folder, and follows nothing out of it.
#[must_use]
pub fn look(folder: &Path) -> Tree {
    let mut tree = Tree::default();
    enter(folder, "", 0, &mut tree);
    tree.files.sort_unstable();
    tree.folders.sort_unstable();
    // Where capital letters count for nothing, one of the two would take the place of the other.
    let mut lower = BTreeSet::new();
    for path in tree.files.iter().chain(&tree.folders) {
        if !lower.insert(path.to_ascii_lowercase()) {
            let shown = crate::base::text::shorten(path, 200);
            tree.faults
                .push(format!("{shown}: differs from another name in capital letters alone"));
        }
    }
    tree.faults.sort_unstable();
    tree
}

fn enter(folder: &Path, below: &str, depth: usize, tree: &mut Tree) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return tree.faults.push(format!("{}: {error}", shown(below))),
    };
    for entry in entries {
        if tree.files.len() + tree.folders.len() + tree.faults.len() >= FILES_MAX {
            return tree.faults.push(format!("there are more than {FILES_MAX} files"));
        }
        let found = entry.and_then(|entry| Ok((entry.file_name(), entry.file_type()?)));
        let (name, kind) = match found {
            Ok(found) => found,
            Err(error) => {
                tree.faults.push(format!("{}: {error}", shown(below)));
                continue;
            }
        };
        let escaped = safe(name.as_encoded_bytes());
        let path = if below.is_empty() { escaped } else { format!("{below}/{escaped}") };
        let fault = match name.to_str() {
            _ if !(kind.is_file() || kind.is_dir()) => "is not a plain file",
            Some(plain) if path.ends_with(plain) && is_fit(&path) => "",
            _ => "has a name that no file of a case has",
        };
        if !fault.is_empty() {
            tree.faults.push(format!("{}: {fault}", crate::base::text::shorten(&path, 200)));
        } else if kind.is_file() {
            tree.files.push(path);
        } else if depth == DEPTH_MAX {
            tree.faults.push(format!("{path}: is too deep"));
        } else {
            enter(&folder.join(&name), &path, depth + 1, tree);
            tree.folders.push(path);
        }
    }
}

fn shown(below: &str) -> &str {
    if below.is_empty() { "the folder" } else { below }
}

/// Whether a path stays below its folder and is written in one way only.
#[must_use]
pub fn is_fit(path: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    path.len() <= PATH_BYTES_MAX
        && path.split('/').all(|part| {
            !part.is_empty() && !part.bytes().all(|byte| byte == b'.') && part.bytes().all(plain)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_its_folder() {
        for good in ["a", "data/segments/000001.pcapng", "x/..y"] {
            assert!(is_fit(good), "{good}");
        }
        for bad in
            ["", "/a", "a/", "a//b", "..", "a/../b", "./a", "a\\b", "a b", "%2e", "\u{e9}", "a\n"]
        {
            assert!(!is_fit(bad), "{bad:?}");
        }
        assert!(!is_fit(&"a".repeat(513)));
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("file"), "text").unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink("/etc", folder.path().join("folder")).unwrap();
        let tree = look(folder.path());
        assert_eq!(tree.files, ["file"]);
        assert_eq!(tree.faults.len(), 2, "{tree:?}");
        assert!(open(&folder.path().join("link")).is_err());
        assert!(open(Path::new("/dev/zero")).is_err());
    }
}
