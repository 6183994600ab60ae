//! Checks what people said of a case, in it and beside it.

use super::{FAULTS_MAX, Promise, Verdict, journal_faults, promise, short};
use crate::base::text::safe;
use crate::case::custody::NO_LINE;
use crate::case::journal::{Book, Event, Walked, walk};
use crate::case::tree::Tree;
use crate::case::{layout, signer, tree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

const SAYS: &str = "notes and attachments are as they were signed";
const SAYS_AFTER: &str = "what was said after sealing is as it was signed, and about this seal";

/// What a journal of custody has to fit to.
pub(super) struct Fits<'f> {
    /// Lines of the recording's journal, shortened.
    pub lines: &'f BTreeSet<u128>,
    /// The last of them.
    pub last: &'f str,
    /// The line of custody that the recording's journal names; empty where it names none.
    pub named: &'f str,
}

/// What was found.
pub(super) struct Custody {
    pub promise: Promise,
    /// Names of attachments.
    pub attached: BTreeSet<String>,
}

/// That of the case itself.
pub(super) fn check(
    parts: &Path,
    tree: &Tree,
    fits: &Fits<'_>,
    notes: &mut Vec<String>,
) -> Custody {
    if tree.files.binary_search_by(|file| file.as_str().cmp("custody.jsonl")).is_ok() {
        return read(parts, ("custody", SAYS), fits, notes);
    }
    let mut faults = Vec::new();
    if !fits.named.is_empty() {
        faults.push("custody.jsonl: is missing: the journal of the recording names it".to_owned());
    }
    let mut promise = promise("custody", SAYS, faults, "there are none".to_owned());
    if promise.verdict == Verdict::Holds {
        promise.verdict = Verdict::NotMade;
    }
    Custody { promise, attached: BTreeSet::new() }
}

/// That which went on beside a sealed case.
pub(super) fn after(case: &Path, sealed: bool, notes: &mut Vec<String>) -> Promise {
    let folder = layout::after(case);
    let seal = crate::case::custody::seal_hash(case);
    if !sealed || folder.symlink_metadata().is_err() {
        let nothing = "nothing was said after sealing".to_owned();
        let mut promise = promise("afterwards", SAYS_AFTER, Vec::new(), nothing);
        promise.verdict = Verdict::NotMade;
        return promise;
    }
    let seal = match seal {
        Ok(seal) => seal,
        Err(error) => {
            return promise("afterwards", SAYS_AFTER, vec![error.to_string()], String::new());
        }
    };
    let tree = tree::look(&folder);
    let lines = BTreeSet::from([short(&seal)]);
    let fits = Fits { lines: &lines, last: &seal, named: "" };
    let mut found = read(&folder, ("afterwards", SAYS_AFTER), &fits, notes);
    let known = |file: &str| match file.split_once('/') {
        None => file == "custody.jsonl",
        Some(("attachments", name)) => found.attached.contains(name),
        Some(_) => false,
    };
    let mut faults = tree.faults.clone();
    let added = tree.files.iter().filter(|file| !known(file));
    faults.extend(added.map(|file| format!("{file}: does not belong to it")));
    for fault in faults {
        found.promise.fault(format!("after: {fault}"));
    }
    notes.push(
        "what was said after sealing is not sealed: whoever holds it can cut its end off"
            .to_owned(),
    );
    found.promise
}

fn read(
    parts: &Path,
    (id, says): (&'static str, &'static str),
    fits: &Fits<'_>,
    notes: &mut Vec<String>,
) -> Custody {
    let mut attached = BTreeMap::new();
    let mut faults = Vec::new();
    let mut keys = Vec::new();
    let mut is_named = fits.named.is_empty();
    let walked = walk(&layout::custody(parts), Book::Custody, &mut |entry| {
        is_named |= entry.hash == fits.named;
        match entry.event {
            Event::Custody { follows, public_key, minisign_key, .. } => {
                let line = entry.seq;
                let begins =
                    follows == NO_LINE && (fits.lines.is_empty() || !fits.named.is_empty());
                if !begins && !fits.lines.contains(&short(&follows)) {
                    faults.push(format!("custody.jsonl: line {line}: belongs to another journal"));
                } else if !begins && follows != fits.last {
                    notes.push(format!("custody.jsonl: line {line}: the journal went on after it"));
                }
                if signer::raw(&minisign_key).as_ref() != Some(&public_key) {
                    faults.push(format!("custody.jsonl: line {line}: names two different keys"));
                }
                if keys.len() < FAULTS_MAX && !keys.contains(&minisign_key) {
                    keys.push(minisign_key);
                }
            }
            Event::Attached { file, bytes, sha256, .. } if attached.len() < tree::FILES_MAX => {
                attached.insert(file, (entry.seq, bytes, sha256));
            }
            _ => {}
        }
    });
    let (walked, broken) = journal_faults(&walked);
    faults.splice(0..0, broken);
    if !is_named {
        faults
            .push("custody.jsonl: the line that the recording's journal names is gone".to_owned());
    }
    faults.extend(said_faults(parts, &walked, &attached));
    let keys: Vec<String> = keys.iter().map(|key| safe(key.as_bytes())).collect();
    let said = format!(
        "{} lines, {} attachments; signed with {}",
        walked.lines,
        attached.len(),
        keys.join(", ")
    );
    let attached = attached.into_keys().collect();
    Custody { promise: promise(id, says, faults, said), attached }
}

fn said_faults(
    parts: &Path,
    walked: &Walked,
    attached: &BTreeMap<String, (u64, u64, String)>,
) -> Vec<String> {
    let mut faults = Vec::new();
    if walked.unfinished > 0 {
        let cut = walked.unfinished;
        faults.push(format!("custody.jsonl: ends in {cut} bytes of a line without its end"));
    }
    for (file, (line, bytes, sha256)) in attached {
        let fault = match tree::is_fit(file) && !file.contains('/') {
            false => Some("has no name of an attachment".to_owned()),
            true => match tree::hash(&layout::attachments(parts).join(file)) {
                Err(error) => Some(error.to_string()),
                Ok((length, _)) if length != *bytes => Some(format!("{length} bytes, not {bytes}")),
                Ok((_, hash)) if hash != *sha256 => Some("its SHA-256 is another".to_owned()),
                Ok(_) => None,
            },
        };
        let file = safe(file.as_bytes());
        faults.extend(
            fault.map(|fault| format!("attachments/{file}: {fault} (custody.jsonl, line {line})")),
        );
    }
    faults
}
