//! Checks a case and says of each promise whether it holds. Reads every byte once, a line and a
//! block at a time; believes nothing that the case says about itself.

mod countersign;
mod custody;
mod recording;
mod seal;
mod stamps;

use super::journal::{Book, Event, Walked, walk};
use super::layout;
use super::tree::{self, Tree};
use recording::Recording;
use serde::Serialize;
pub use stamps::is_signed;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Most faults told of a promise.
const FAULTS_MAX: usize = 20;

/// Whether a promise holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It does.
    Holds,
    /// It does not.
    Broken,
    /// The case does not make it.
    NotMade,
}

/// Something that a case promises.
#[derive(Debug, Clone, Serialize)]
pub struct Promise {
    /// Its name, for programs.
    pub id: &'static str,
    /// What is promised.
    pub promise: &'static str,
    /// Whether it holds.
    pub verdict: Verdict,
    /// What was checked, or what stands against it; the first fault first.
    pub details: Vec<String>,
    /// Faults that are not told.
    pub more: usize,
}

/// What a check found.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Whether no promise is broken.
    pub holds: bool,
    /// Whether the case is sealed.
    pub sealed: bool,
    /// Key that sealed it, as minisign prints it.
    pub signed_by: Option<String>,
    /// All promises.
    pub promises: Vec<Promise>,
    /// What a reader should know that breaks no promise.
    pub notes: Vec<String>,
}

/// What a reader knows by another way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trust<'t> {
    /// Public key that must have sealed the case.
    pub key: Option<&'t str>,
    /// Public key that must have signed it too.
    pub second: Option<&'t str>,
    /// Files of certificates; each time-stamp must lead back to one of them.
    pub authorities: &'t [PathBuf],
}

/// Checks a case, sealed or not; `key` is the public one that must have sealed it, `authority` the
/// file of the certificate that time-stamps must lead back to.
#[must_use]
pub fn verify(case: &Path, key: Option<&str>, authority: Option<&Path>) -> Report {
    let authorities = Vec::from_iter(authority.map(Path::to_owned));
    verify_with(case, Trust { key, authorities: &authorities, second: None })
}

/// The same with all that a reader may know.
#[must_use]
pub fn verify_with(case: &Path, trust: Trust<'_>) -> Report {
    let Trust { key, second, authorities } = trust;
    let sealed = layout::is_sealed(case);
    let parts = layout::parts(case);
    let tree = tree::look(&parts);
    let mut notes = Vec::new();
    let mut promises = Vec::new();
    let mut recording = Recording::new(&parts);
    let mut hashes = BTreeSet::new();
    let mut named = String::new();
    let journal = walk(&layout::journal(&parts), Book::Recording, &mut |entry| {
        recording.take(entry.seq, &entry.event);
        if let Event::Begin { custody, .. } = &entry.event {
            named.clone_from(custody);
        }
        // Custody may name any line, a week has 600 000: kept as numbers.
        hashes.insert(short(&entry.hash));
    });
    // A case may be made before anything is recorded.
    let begun = !sealed
        && layout::journal(&parts).symlink_metadata().is_err()
        && layout::custody(&parts).symlink_metadata().is_ok();
    let (last, mut faults) = if begun { empty() } else { journal_faults(&journal) };
    let lines = last.lines;
    let chained = faults.is_empty();
    promises.push(promise(
        "journal",
        "no line of the journal was changed, removed from within, added or moved",
        faults,
        format!("{lines} lines, chained and signed"),
    ));
    let ended = recording.is_ended();
    if last.unfinished > 0 {
        let cut = last.unfinished;
        if ended {
            promises[0].fault(format!("journal.jsonl: {cut} bytes stand behind its end"));
        }
        notes.push(format!("journal.jsonl ends in a line that was being written ({cut} bytes)"));
    }
    let about = recording.finish(chained && !begun, &mut notes);
    promises.push(promise(
        "recording",
        "the segments hold the bytes whose hashes were signed when they were written",
        about.faults,
        about.said,
    ));
    if begun {
        for promise in &mut promises {
            promise.verdict = Verdict::NotMade;
            promise.details = vec!["nothing was recorded yet".to_owned()];
        }
    }
    let fits = custody::Fits { lines: &hashes, last: &last.last, named: &named };
    let custody = custody::check(&parts, &tree, &fits, &mut notes);
    let attached = custody.attached;
    promises.push(custody.promise);
    faults = tree.faults.clone();
    compare_files(&tree, &about.segments, about.next, &attached, sealed, &mut faults);
    promises.push(promise(
        "files",
        "no file is missing and none was added",
        faults,
        format!("{} files", tree.files.len()),
    ));
    let mut signed_by = None;
    let sealing = seal::check(case, sealed, key, &mut signed_by);
    promises.extend(sealing);
    promises.push(countersign::check(case, sealed, second));
    promises.push(stamps::check(case, sealed, authorities));
    promises.push(custody::after(case, sealed, &mut notes));
    if !sealed {
        let more = "not sealed: until then whoever holds the case can cut its end off, or add files \
            and notes with a key of their own";
        notes.push(more.to_owned());
    }
    let holds = promises.iter().all(|promise| promise.verdict != Verdict::Broken);
    Report { holds, sealed, signed_by, promises, notes }
}

/// What is known of a journal that there is not.
fn empty() -> (Walked, Vec<String>) {
    let last = super::custody::NO_LINE.to_owned();
    (Walked { last, ..Walked::default() }, Vec::new())
}

fn short(hash: &str) -> u128 {
    hash.get(..32).and_then(|digits| u128::from_str_radix(digits, 16).ok()).unwrap_or(0)
}

fn journal_faults(walked: &Result<Walked, super::CaseError>) -> (Walked, Vec<String>) {
    match walked {
        Ok(walked) => {
            let mut faults: Vec<String> =
                walked.broken.iter().map(|broken| broken.to_string()).collect();
            if walked.lines == 0 && faults.is_empty() {
                faults.push("it holds no line".to_owned());
            }
            (walked.clone(), faults)
        }
        Err(error) => (Walked::default(), vec![error.to_string()]),
    }
}

fn promise(
    id: &'static str,
    promise: &'static str,
    mut faults: Vec<String>,
    said: String,
) -> Promise {
    let more = faults.len().saturating_sub(FAULTS_MAX);
    faults.truncate(FAULTS_MAX);
    let verdict = if faults.is_empty() { Verdict::Holds } else { Verdict::Broken };
    let details = if faults.is_empty() { vec![said] } else { faults };
    Promise { id, promise, verdict, details, more }
}

impl Promise {
    fn fault(&mut self, fault: String) {
        if self.verdict != Verdict::Broken {
            self.details.clear();
        }
        self.verdict = Verdict::Broken;
        self.details.push(fault);
    }
}

/// Whether a name is that of a segment at some position or later.
fn is_behind(name: &str, from: Option<usize>) -> bool {
    let number = name.strip_suffix(".pcapng").and_then(|number| number.parse::<usize>().ok());
    let position = number.and_then(|number| number.checked_sub(1));
    match (position, from) {
        (Some(position), Some(from)) => position >= from && name == layout::segment_name(position),
        _ => false,
    }
}

fn compare_files(
    tree: &Tree,
    segments: &BTreeSet<String>,
    next: Option<usize>,
    attached: &BTreeSet<String>,
    sealed: bool,
    faults: &mut Vec<String>,
) {
    let known = |file: &str| match file.split_once('/') {
        None => {
            ["journal.jsonl", "custody.jsonl"].contains(&file)
                || sealed && super::seal::DERIVED.contains(&file)
        }
        Some(("segments", name)) => segments.contains(name) || is_behind(name, next),
        Some(("attachments", name)) => attached.contains(name),
        Some(_) => false,
    };
    let added = tree.files.iter().filter(|file| !known(file));
    faults.extend(added.map(|file| format!("{file}: does not belong to the case")));
    let expected = segments.iter().map(|name| format!("segments/{name}"));
    let expected = expected.chain(attached.iter().map(|name| format!("attachments/{name}")));
    let missing = expected.filter(|file| tree.files.binary_search(file).is_err());
    faults.extend(
        missing.map(|file| format!("{}: is missing", crate::base::text::safe(file.as_bytes()))),
    );
}
