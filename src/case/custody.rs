//! What happens to a case after the recording: notes, attachments, sealing. The recorder's key is
//! gone by then, so these lines are signed with the key of a person, in a journal of their own that
//! names the last line of the recorder's.

use super::clock::Clocks;
use super::journal::{Book, Event, Journal, walk};
use super::signer::Signer;
use super::{CaseError, create, layout, tree};
use crate::base::text::hex;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// Longest note, bytes.
pub const NOTE_BYTES_MAX: usize = 16 * 1024;

/// Adds a line, and before it, where need be, one that says whose key signs.
///
/// # Errors
/// When the case is sealed, its journals do not hold, or the system refuses.
pub fn add(case: &Path, signer: &Signer, tool: &str, event: Event) -> Result<(), CaseError> {
    let mut journal = open(case, signer, tool)?;
    journal.add(&Clocks::now(), event)
}

fn open(case: &Path, signer: &Signer, tool: &str) -> Result<Journal, CaseError> {
    let refused = |reason: &str| CaseError::Refused { path: case.into(), reason: reason.into() };
    if layout::is_sealed(case) {
        return Err(refused("is sealed; nothing can be added any more"));
    }
    let unusable = || refused("the key cannot sign the lines of a journal");
    let key = signer.run_key().ok_or_else(unusable)?;
    let public_key = key.public();
    let recorded = walk(&layout::journal(case), Book::Recording, &mut |_| {})?;
    if let Some(broken) = recorded.broken {
        return Err(CaseError::Broken(broken));
    }
    let path = layout::custody(case);
    let (mut journal, last) = match path.symlink_metadata() {
        Ok(_) => Journal::reopen(path, key)?,
        Err(_) => (Journal::create(path, key)?, None),
    };
    if last.as_ref() != Some(&public_key) {
        let custody = Event::Custody {
            journal: 1,
            tool: tool.to_owned(),
            host: host(),
            public_key,
            minisign_key: signer.public(),
            follows: recorded.last,
        };
        journal.add(&Clocks::now(), custody)?;
    }
    Ok(journal)
}

/// Name of this machine.
#[must_use]
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// Copies a file into the case and says so. Gives the name of the copy.
///
/// # Errors
/// When the file cannot be read, the copy cannot be written, or as with [`add`].
pub fn attach(
    case: &Path,
    signer: &Signer,
    tool: &str,
    file: &Path,
    text: &str,
) -> Result<String, CaseError> {
    let mut journal = open(case, signer, tool)?;
    let folder = layout::attachments(case);
    super::folder(&folder)?;
    let count = tree::look(&folder).files.len();
    if count >= tree::FILES_MAX / 2 {
        let reason = "holds as many attachments as a case can".to_owned();
        return Err(CaseError::Refused { path: folder, reason });
    }
    let original = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let short = |form: &&str| {
        (1..=8).contains(&form.len()) && form.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let form = original.rsplit_once('.').map(|(_, form)| form).filter(short);
    let name = format!("{:03}.{}", count + 1, form.unwrap_or("file").to_ascii_lowercase());
    let (bytes, sha256) = copy(file, &folder.join(&name))?;
    let text = text.to_owned();
    let event = Event::Attached { file: name.clone(), name: original, bytes, sha256, text };
    journal.add(&Clocks::now(), event)?;
    Ok(name)
}

/// Copies a file to where none is, and waits until it is on the disk. Gives its length and SHA-256.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(u64, String), CaseError> {
    let mut source = tree::open(from).map_err(CaseError::system(from, "cannot be read"))?;
    let mut target = create(to)?;
    let copied = pour(&mut source, &mut target);
    if copied.is_err() {
        // Half a file would be taken for a whole one.
        drop(std::fs::remove_file(to));
    }
    copied.map_err(CaseError::system(to, "cannot be copied"))
}

fn pour(source: &mut File, target: &mut File) -> std::io::Result<(u64, String)> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    let mut bytes = 0;
    loop {
        let count = source.read(&mut buffer)?;
        if count == 0 {
            target.sync_all()?;
            return Ok((bytes, hex(&hash.finalize())));
        }
        hash.update(&buffer[..count]);
        target.write_all(&buffer[..count])?;
        bytes += count as u64;
    }
}
