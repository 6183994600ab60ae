//! Files that commands write. None of them may take the place of a capture that is read, or lie in
//! the case that is.

use crate::base::file::{Identity, identity};
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

/// Refuses a path that is one of the inputs, under whatever name, or lies in a folder that is.
pub fn check<'p>(path: &Path, inputs: impl IntoIterator<Item = &'p PathBuf>) -> anyhow::Result<()> {
    let mine = identity(path);
    let above = path.parent().filter(|above| !above.as_os_str().is_empty());
    let above = above.unwrap_or(Path::new(".")).canonicalize().ok();
    for input in inputs {
        if mine == identity(input) && !matches!(mine, Identity::Path(_)) {
            bail!("{}: is an input; no output replaces a capture", shown(path));
        }
        if !input.is_dir() {
            continue;
        }
        let inside = input.canonicalize().is_ok_and(|input| {
            above.as_ref().is_some_and(|above| above.starts_with(&input))
                || path.canonicalize().is_ok_and(|path| path.starts_with(&input))
        });
        if inside {
            bail!("{}: lies in the case that is read; write it elsewhere", shown(path));
        }
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
