//! The journal of a recording: JSON, one object a line. Each line holds the SHA-256 of the line
//! before and an Ed25519 signature over its own bytes up to `,"sig":`, so that no line can be
//! changed, removed, added or moved unnoticed. To check a checkpoint by hand:
//! `head -c BYTES segments/SEGMENT | sha256sum`.

use super::CaseError;
use super::clock::Clocks;
pub use super::event::{Drops, Event};
use super::key::{RunKey, holds};
use crate::base::text::hex;
use crate::base::time::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// A line without its signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Line {
    /// From 1.
    seq: u64,
    wall: Timestamp,
    monotonic_ns: String,
    boot_ns: String,
    #[serde(flatten)]
    event: Event,
    /// SHA-256 of the line before without its end of line, hex; 64 zeros in the first.
    prev: String,
}

/// A journal that is being written.
pub struct Journal {
    path: PathBuf,
    file: File,
    key: RunKey,
    seq: u64,
    prev: String,
    bytes: u64,
}

const SIGNATURE: &str = ",\"sig\":\"";

impl Journal {
    /// Begins a journal; never overwrites one.
    ///
    /// # Errors
    /// When it exists or cannot be written.
    pub fn create(path: PathBuf, key: RunKey) -> Result<Journal, CaseError> {
        let file = super::create(&path)?;
        Ok(Journal { path, file, key, seq: 0, prev: "0".repeat(64), bytes: 0 })
    }

    /// Goes on with a journal of custody: checks it, and cuts off a line that was being written.
    /// Gives it with the key that signed last. Two at once wait for each other.
    ///
    /// # Errors
    /// When it cannot be read or written, or does not hold.
    pub fn reopen(path: PathBuf, key: RunKey) -> Result<(Journal, Option<String>), CaseError> {
        let wrong = |doing| CaseError::system(&path, doing);
        let file = File::options().append(true).open(&path).map_err(wrong("cannot be written"))?;
        rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
            .map_err(|error| wrong("cannot be locked")(error.into()))?;
        let walked = walk(&path, Book::Custody, &mut |_| {})?;
        if let Some(broken) = walked.broken {
            return Err(CaseError::Broken(broken));
        }
        if walked.unfinished > 0 {
            file.set_len(walked.bytes).map_err(wrong("cannot be written"))?;
        }
        let Walked { lines: seq, last: prev, bytes, .. } = walked;
        Ok((Journal { path, file, key, seq, prev, bytes }, walked.key))
    }

    /// Public half of its key, base64.
    #[must_use]
    pub fn public_key(&self) -> String {
        self.key.public()
    }

    /// Adds a line and waits until it is on the disk.
    ///
    /// # Errors
    /// When the system refuses; the file then ends with the line before.
    pub fn add(&mut self, clocks: &Clocks, event: Event) -> Result<(), CaseError> {
        let line = Line {
            seq: self.seq + 1,
            wall: clocks.wall,
            monotonic_ns: clocks.monotonic.to_string(),
            boot_ns: clocks.boot.to_string(),
            event,
            prev: self.prev.clone(),
        };
        let text = serde_json::to_string(&line).expect("a line is made of text and numbers");
        let message = text.strip_suffix('}').unwrap_or(&text);
        let whole = format!("{message}{SIGNATURE}{}\"}}\n", self.key.sign(message.as_bytes()));
        let written = self.file.write_all(whole.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            drop(self.file.set_len(self.bytes));
            return Err(CaseError::system(&self.path, "cannot be written")(error));
        }
        self.seq += 1;
        self.bytes += whole.len() as u64;
        self.prev = hex(&Sha256::digest(whole.trim_end().as_bytes()));
        Ok(())
    }
}

/// A line that was read, with what holds of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// From 1.
    pub seq: u64,
    /// When it was written.
    pub clocks: Clocks,
    /// What it says.
    pub event: Event,
    /// SHA-256 of the line without its end, hex.
    pub hash: String,
}

/// Why a journal does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: line {line}: {reason}", path.display())]
pub struct Broken {
    /// The journal.
    pub path: PathBuf,
    /// The first line that does not hold, from 1.
    pub line: usize,
    /// Why.
    pub reason: String,
}

/// Longest line that is read, bytes.
const LINE_BYTES_MAX: usize = 1024 * 1024;

/// Which of a case's journals: they differ in who may sign and what may be said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Book {
    /// That of the recorder, with one key from the first line to the last.
    Recording,
    /// What happened to the case afterwards; each line of custody names the key of those behind it.
    Custody,
}

/// What a walk over a journal found.
#[derive(Debug, Clone, Default)]
pub struct Walked {
    /// Lines that hold, from the beginning.
    pub lines: u64,
    /// Their bytes.
    pub bytes: u64,
    /// SHA-256 of the last of them, hex; 64 zeros where there is none.
    pub last: String,
    /// Key that signed it, base64.
    pub key: Option<String>,
    /// Bytes of a line behind them that was being written when the machine stopped.
    pub unfinished: u64,
    /// Where and why it stops holding.
    pub broken: Option<Broken>,
}

/// Reads a recorder's journal. Gives what holds from the beginning, and where and why it stops
/// holding.
///
/// # Errors
/// When the file cannot be read at all.
pub fn read(path: &Path) -> Result<(Vec<Entry>, Option<Broken>), CaseError> {
    let mut entries = Vec::new();
    let walked = walk(path, Book::Recording, &mut |entry| entries.push(entry))?;
    Ok((entries, walked.broken))
}

/// Reads a journal a line at a time and checks its chain and signatures. A last line without its
/// end was being written when the machine stopped; it counts as not written.
///
/// # Errors
/// When the file cannot be read at all.
pub fn walk(path: &Path, book: Book, take: &mut dyn FnMut(Entry)) -> Result<Walked, CaseError> {
    let wrong = || CaseError::system(path, "cannot be read");
    let mut file = BufReader::new(super::tree::open(path).map_err(wrong())?);
    let mut walked = Walked { last: "0".repeat(64), ..Walked::default() };
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = LINE_BYTES_MAX as u64 + 2;
        file.by_ref().take(most).read_until(b'\n', &mut line).map_err(wrong())?;
        let whole = line.len() as u64;
        let Some(text) = line.strip_suffix(b"\n") else {
            if line.len() > LINE_BYTES_MAX {
                let reason = format!("is longer than {LINE_BYTES_MAX} bytes");
                walked.broken = Some(Broken::new(path, walked.lines + 1, reason));
            }
            walked.unfinished = whole;
            return Ok(walked);
        };
        match check(text, walked.lines + 1, &walked.last, book, &mut walked.key) {
            Ok(entry) => {
                walked.lines += 1;
                walked.bytes += whole;
                walked.last.clone_from(&entry.hash);
                take(entry);
            }
            // A sector of the last line that never reached the disk reads as zeros, which stand in no
            // line: power failed while it was being written.
            Err(_) if text.contains(&0) && file.fill_buf().map_err(wrong())?.is_empty() => {
                walked.unfinished = whole;
                return Ok(walked);
            }
            Err(reason) => {
                walked.broken = Some(Broken::new(path, walked.lines + 1, reason));
                return Ok(walked);
            }
        }
    }
}

impl Broken {
    fn new(path: &Path, line: u64, reason: String) -> Broken {
        Broken { path: path.to_owned(), line: line as usize, reason }
    }
}

fn check(
    line: &[u8],
    seq: u64,
    prev: &str,
    book: Book,
    key: &mut Option<String>,
) -> Result<Entry, String> {
    let hash = hex(&Sha256::digest(line));
    let line = std::str::from_utf8(line).map_err(|error| format!("is not UTF-8: {error}"))?;
    let (message, signature) = line.rsplit_once(SIGNATURE).ok_or("has no signature")?;
    let signature = signature.strip_suffix("\"}").ok_or("does not end with its signature")?;
    let parsed: Line = serde_json::from_str(&format!("{message}}}"))
        .map_err(|error| format!("is not a line of a journal: {error}"))?;
    if parsed.seq != seq {
        return Err(format!("has number {}, not {seq}", parsed.seq));
    }
    if parsed.prev != prev {
        return Err("does not follow the line before: its hash is another".to_owned());
    }
    match (book, &parsed.event) {
        (Book::Recording, Event::Begin { public_key, .. }) if seq == 1 => {
            *key = Some(public_key.clone());
        }
        (Book::Custody, Event::Custody { public_key, .. }) => *key = Some(public_key.clone()),
        (Book::Recording, Event::Begin { .. }) => return Err("begins a second time".to_owned()),
        (book, event) if event.is_of_custody() != (book == Book::Custody) => {
            return Err("says what does not belong into this journal".to_owned());
        }
        _ => {}
    }
    let public = key.as_deref().ok_or("names no public key before it is signed")?;
    if !holds(public, message.as_bytes(), signature) {
        return Err("its signature does not hold".to_owned());
    }
    let number = |text: &str| text.parse().map_err(|_| format!("{text:?} is not a number"));
    let clocks = Clocks {
        wall: parsed.wall,
        monotonic: number(&parsed.monotonic_ns)?,
        boot: number(&parsed.boot_ns)?,
    };
    Ok(Entry { seq, clocks, event: parsed.event, hash })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(folder: &Path) -> PathBuf {
        let path = folder.join("journal.jsonl");
        let mut journal = Journal::create(path.clone(), RunKey::generate().unwrap()).unwrap();
        let public_key = journal.public_key();
        let begin = Event::Begin {
            journal: 1,
            tool: "phonehome".to_owned(),
            host: "lab \"one\"".to_owned(),
            system: String::new(),
            interfaces: vec!["eth0".to_owned()],
            filter: String::new(),
            snap_length: 262_144,
            public_key,
            protections: Vec::new(),
            custody: String::new(),
        };
        journal.add(&Clocks::now(), begin).unwrap();
        for text in ["lens covered", ",\"sig\":\"AAAA\"}", "line\nbreak"] {
            let mark = Event::Mark { text: text.to_owned(), packets: 3 };
            journal.add(&Clocks::now(), mark).unwrap();
        }
        path
    }

    #[test]
    fn reads_what_was_written() {
        let folder = tempfile::tempdir().unwrap();
        let (entries, broken) = read(&written(folder.path())).unwrap();
        assert_eq!(broken, None);
        assert_eq!(entries.len(), 4);
        let Event::Mark { text, .. } = &entries[2].event else { panic!() };
        assert_eq!(text, ",\"sig\":\"AAAA\"}");
    }

    #[test]
    fn notices_every_changed_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let good = std::fs::read(&path).unwrap();
        let all = read(&path).unwrap().0;
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            let (entries, broken) = read(&path).unwrap();
            // The last line's end is all that a cut-off line lacks.
            let cut = at == good.len() - 1;
            assert!(broken.is_some() || (cut && entries.len() == 3), "byte {at}");
            assert!(entries.len() < all.len(), "byte {at}");
        }
    }

    #[test]
    fn notices_removed_swapped_and_repeated_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let good = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = good.lines().collect();
        let orders: [&[usize]; 4] = [&[0, 2, 3], &[0, 2, 1, 3], &[0, 1, 1, 2], &[1, 2, 3]];
        for order in orders {
            let text: String = order.iter().map(|&at| format!("{}\n", lines[at])).collect();
            std::fs::write(&path, text).unwrap();
            let (entries, broken) = read(&path).unwrap();
            assert!(broken.is_some() && entries.len() < order.len(), "{order:?}");
        }
    }

    #[test]
    fn a_line_that_was_being_written_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let good = std::fs::read(&path).unwrap();
        for cut in 1..200 {
            std::fs::write(&path, &good[..good.len() - cut]).unwrap();
            let (entries, broken) = read(&path).unwrap();
            assert_eq!((entries.len(), broken), (3, None), "{cut} bytes missing");
        }
    }

    #[test]
    fn a_line_of_which_a_sector_is_missing_does_not_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let good = std::fs::read(&path).unwrap();
        let last = good[..good.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
        let mut torn = good.clone();
        torn[last..last + 40].fill(0);
        std::fs::write(&path, &torn).unwrap();
        let walked = walk(&path, Book::Recording, &mut |_| {}).unwrap();
        assert_eq!((walked.lines, walked.broken), (3, None));
        assert_eq!(walked.unfinished, (good.len() - last) as u64);
        // Not so where more follows.
        torn.extend_from_slice(&good[last..]);
        std::fs::write(&path, &torn).unwrap();
        assert!(walk(&path, Book::Recording, &mut |_| {}).unwrap().broken.is_some());
    }

    #[test]
    fn never_overwrites() {
        let folder = tempfile::tempdir().unwrap();
        let path = written(folder.path());
        let again = Journal::create(path, RunKey::generate().unwrap());
        assert!(matches!(again, Err(CaseError::Exists(_))));
    }
}
