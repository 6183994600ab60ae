//! What happens to a case around the recording: how it began, notes, attachments, who had it, sealing.
//! The recorder's key lives only as long as it records, so these lines are signed with the key of a
//! person, in a journal of their own; each of the two names the last line of the other. After sealing
//! a second one beside the case goes on, and names what was sealed.

use super::clock::Clocks;
use super::journal::{Book, Event, Journal, walk};
use super::signer::Signer;
use super::{CaseError, layout, tree};
use crate::base::text::hex;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

/// Longest note, bytes.
pub const NOTE_BYTES_MAX: usize = 16 * 1024;

/// What somebody can do with a case.
pub const ACTS: [&str; 7] = ["copy", "transfer", "open", "analyse", "redact", "stamp", "publish"];
/// What stands where no line is named.
pub const NO_LINE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Makes a case in which nothing was recorded yet.
///
/// # Errors
/// When something is there already, or the system refuses.
pub fn create(case: &Path, signer: &Signer, tool: &str, event: Event) -> Result<(), CaseError> {
    if case.symlink_metadata().is_ok() {
        return Err(CaseError::Exists(case.to_owned()));
    }
    super::folder(case)?;
    add(case, signer, tool, event)
}

/// SHA-256 of the last line of custody of a case that is not sealed, hex; empty where there is none.
///
/// # Errors
/// When it cannot be read or does not hold.
pub fn last(case: &Path) -> Result<String, CaseError> {
    let path = layout::custody(case);
    if path.symlink_metadata().is_err() {
        return Ok(String::new());
    }
    let walked = walk(&path, Book::Custody, &mut |_| {})?;
    match walked.broken {
        Some(broken) => Err(CaseError::Broken(broken)),
        None => Ok(walked.last),
    }
}

/// SHA-256 of what was signed when a case was sealed, hex: what comes after it names that.
///
/// # Errors
/// When it cannot be read.
pub fn seal_hash(sealed: &Path) -> Result<String, CaseError> {
    let path = sealed.join(super::seal::TAG_MANIFEST);
    let text = tree::text(&path, 64 * 1024).map_err(CaseError::system(&path, "cannot be read"))?;
    Ok(hex(&Sha256::digest(text.as_bytes())))
}

/// Adds a line, and before it, where need be, one that says whose key signs.
///
/// # Errors
/// When its journals do not hold, or the system refuses.
pub fn add(case: &Path, signer: &Signer, tool: &str, event: Event) -> Result<(), CaseError> {
    let mut journal = open(case, signer, tool)?;
    journal.add(&Clocks::now(), event)
}

fn open(case: &Path, signer: &Signer, tool: &str) -> Result<Journal, CaseError> {
    let reason = "the key cannot sign the lines of a journal".to_owned();
    let unusable = || CaseError::Refused { path: case.into(), reason };
    let key = signer.run_key().ok_or_else(unusable)?;
    let public_key = key.public();
    let follows = follows(case)?;
    let home = layout::said(case);
    super::folder(&home)?;
    let path = layout::custody(&home);
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
            follows,
        };
        journal.add(&Clocks::now(), custody)?;
    }
    Ok(journal)
}

/// The line that one of custody comes after.
fn follows(case: &Path) -> Result<String, CaseError> {
    if layout::is_sealed(case) {
        return seal_hash(case);
    }
    let journal = layout::journal(case);
    if journal.symlink_metadata().is_err() {
        return Ok(NO_LINE.to_owned());
    }
    let recorded = walk(&journal, Book::Recording, &mut |_| {})?;
    match recorded.broken {
        Some(broken) => Err(CaseError::Broken(broken)),
        None => Ok(recorded.last),
    }
}

/// Name of this machine.
#[must_use]
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// What is said of an attachment.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// What it shows.
    pub text: String,
    /// Who gave it as an answer; empty where it is none.
    pub answer_from: String,
    /// Keys of the findings that it answers to.
    pub findings: Vec<String>,
}

/// Copies a file into the case and says so. Gives the name of the copy and its SHA-256.
///
/// # Errors
/// When the file cannot be read, the copy cannot be written, or as with [`add`].
pub fn attach(
    case: &Path,
    signer: &Signer,
    tool: &str,
    file: &Path,
    about: About,
) -> Result<(String, String), CaseError> {
    let mut journal = open(case, signer, tool)?;
    let folder = layout::attachments(&layout::said(case));
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
    let About { text, answer_from, findings } = about;
    let (file, hash) = (name.clone(), sha256.clone());
    let event =
        Event::Attached { file, name: original, bytes, sha256, text, answer_from, findings };
    journal.add(&Clocks::now(), event)?;
    Ok((name, hash))
}

/// Copies a file to where none is, and waits until it is on the disk. Gives its length and SHA-256.
pub(super) fn copy(from: &Path, to: &Path) -> Result<(u64, String), CaseError> {
    let mut source = tree::open(from).map_err(CaseError::system(from, "cannot be read"))?;
    let mut target = super::create(to)?;
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
