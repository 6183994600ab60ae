//! Files that commands write. None of them may take the place of a capture that is read.

use crate::base::text::safe;
use anyhow::{Context, bail};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Makes a file, unless it is one of the inputs.
pub fn create<'p>(
    path: &Path,
    inputs: impl IntoIterator<Item = &'p PathBuf>,
) -> anyhow::Result<File> {
    check(path, inputs)?;
    File::create(path).with_context(|| unwritable(path))
}

/// Refuses a path that is one of the inputs, under whatever name.
pub fn check<'p>(path: &Path, inputs: impl IntoIterator<Item = &'p PathBuf>) -> anyhow::Result<()> {
    let Ok(real) = path.canonicalize() else { return Ok(()) };
    if inputs.into_iter().any(|input| input.canonicalize().is_ok_and(|input| input == real)) {
        bail!("{}: is an input; no output replaces a capture", shown(path));
    }
    Ok(())
}

/// A path for people.
pub fn shown(path: &Path) -> String {
    safe(path.as_os_str().as_encoded_bytes())
}

/// What a failure to write is about.
pub fn unwritable(path: &Path) -> String {
    format!("{}: cannot be written", shown(path))
}
