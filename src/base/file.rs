//! Files that a person wrote: read whole, within a bound, with an error that names the file.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// A file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// The file, or the folder that it was looked for in.
        path: PathBuf,
        /// The system's answer.
        error: io::Error,
    },
    /// It is not what it should be.
    #[error("{path}: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with the place where known.
        reason: String,
    },
}

impl FileError {
    /// Of a path that the system did not give.
    #[must_use]
    pub fn read(path: &Path, error: io::Error) -> FileError {
        FileError::Read { path: path.to_owned(), error }
    }

    /// Of a file with a fault.
    #[must_use]
    pub fn invalid(path: &Path, reason: impl Into<String>) -> FileError {
        FileError::Invalid { path: path.to_owned(), reason: reason.into() }
    }
}

/// All bytes of a file that has at most so many. What has no end, such as a device, is not read to it.
///
/// # Errors
/// When it cannot be read or is longer.
pub fn bytes(path: &Path, bytes_max: u64) -> Result<Vec<u8>, FileError> {
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(|error| FileError::read(path, error))?;
    let read = file.take(bytes_max + 1).read_to_end(&mut bytes);
    read.map_err(|error| FileError::read(path, error))?;
    if bytes.len() as u64 > bytes_max {
        return Err(FileError::invalid(path, format!("more than {bytes_max} bytes")));
    }
    Ok(bytes)
}

/// The same, as text.
///
/// # Errors
/// When it cannot be read, is longer, or is not UTF-8.
pub fn text(path: &Path, bytes_max: u64) -> Result<String, FileError> {
    String::from_utf8(bytes(path, bytes_max)?).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        FileError::invalid(path, format!("not UTF-8 at byte {at}"))
    })
}

/// What a path leads to, whatever its name: links to one file are the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Identity {
    /// Device and number on it.
    #[cfg(unix)]
    File(u64, u64),
    /// Where the system does not say, or nothing is there: the path itself.
    Path(PathBuf),
}

/// Of a path; `-` is standard input.
#[must_use]
pub fn identity(path: &Path) -> Identity {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let standard_input = Path::new("/dev/stdin");
        let path = if path.as_os_str() == "-" { standard_input } else { path };
        if let Ok(about) = path.metadata() {
            return Identity::File(about.dev(), about.ino());
        }
    }
    Identity::Path(path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_within_their_bound() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, b"ab\xff").unwrap();
        assert_eq!(bytes(&path, 3).unwrap(), b"ab\xff");
        assert!(text(&path, 3).unwrap_err().to_string().ends_with("not UTF-8 at byte 2"));
        assert!(bytes(&path, 2).unwrap_err().to_string().ends_with("more than 2 bytes"));
        let error = bytes(&folder.path().join("b"), 2).unwrap_err();
        assert!(matches!(error, FileError::Read { .. }), "{error}");
    }
}
