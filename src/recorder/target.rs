//! Where a recording goes.

use crate::case::{CaseError, layout};
use serde::{Deserialize, Serialize};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// Into the folder of a case, with a journal.
    Case(PathBuf),
    /// Into a file; when it is rotated, into numbered ones beside it.
    File(PathBuf),
    /// Into a folder that is removed at the end, the oldest segments being given up.
    Ring {
        /// The folder.
        folder: PathBuf,
        /// Segments that are kept.
        segments: usize,
    },
}

impl Target {
    /// Path of a segment, counted from 0.
    #[must_use]
    pub fn segment(&self, position: usize) -> PathBuf {
        match self {
            Target::Case(folder) => layout::segment(folder, position),
            Target::Ring { folder, .. } => folder.join(layout::segment_name(position)),
            Target::File(first) if position == 0 => first.clone(),
            Target::File(first) => {
                let stem = first.file_stem().unwrap_or_default().to_string_lossy();
                let name = match first.extension() {
                    Some(extension) => {
                        format!("{stem}_{:06}.{}", position + 1, extension.to_string_lossy())
                    }
                    None => format!("{stem}_{:06}", position + 1),
                };
                first.with_file_name(name)
            }
        }
    }

    /// Makes the folders that are written to.
    ///
    /// # Errors
    /// When the system refuses, or a recording is there already.
    pub fn create(&self) -> Result<(), CaseError> {
        let folder = match self {
            Target::Case(folder) => layout::segments(folder),
            Target::File(_) => return Ok(()),
            Target::Ring { folder, .. } => folder.clone(),
        };
        if let Target::Case(case) = self
            && layout::journal(case).exists()
        {
            return Err(CaseError::Exists(layout::journal(case)));
        }
        // What a device sends is nobody else's business.
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true).mode(0o700);
        let created = builder.create(&folder);
        created.map_err(CaseError::system(&folder, "cannot be created"))
    }

    /// What was made for this recording, and so belongs to whoever asked for it.
    #[must_use]
    pub fn owned(&self) -> Vec<PathBuf> {
        match self {
            Target::Case(folder) => vec![folder.clone(), layout::segments(folder)],
            Target::File(_) => Vec::new(),
            Target::Ring { folder, .. } => vec![folder.clone()],
        }
    }

    /// The folder that is written to.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        match self {
            Target::Case(folder) | Target::Ring { folder, .. } => folder.clone(),
            Target::File(path) => match path.parent() {
                Some(folder) if folder != Path::new("") => folder.to_owned(),
                _ => PathBuf::from("."),
            },
        }
    }

    /// Whether the recording outlives whoever reads it now.
    #[must_use]
    pub fn lasts(&self) -> bool {
        !matches!(self, Target::Ring { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_stand_beside_the_first() {
        let target = Target::File("out/week.pcapng".into());
        assert_eq!(target.segment(0), Path::new("out/week.pcapng"));
        assert_eq!(target.segment(1), Path::new("out/week_000002.pcapng"));
        assert_eq!(Target::File("week".into()).segment(9), Path::new("week_000010"));
        assert_eq!(Target::File("week".into()).folder(), Path::new("."));
        let case = Target::Case("case".into());
        assert_eq!(case.segment(0), Path::new("case/segments/000001.pcapng"));
    }
}
