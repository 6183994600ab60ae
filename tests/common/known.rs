//! Differences that were looked into, each with its reason.

use std::collections::BTreeSet;

/// Something that is not as it should be.
pub struct Complaint {
    /// Path below the folder of captures.
    pub capture: String,
    /// What it is about.
    pub issue: &'static str,
    /// In how many cases.
    pub count: usize,
    pub said: String,
}

/// Capture, issue, in how many cases it differs, and why.
pub type Known = (&'static str, &'static str, usize, &'static str);

/// What is not explained: complaints that are not known or have grown, and known ones that have
/// shrunk, so that the list does not outlive its reasons.
pub fn unexplained(
    complaints: &[Complaint],
    known: &[Known],
    looked_at: &BTreeSet<String>,
) -> Vec<String> {
    let same = |c: &Complaint, k: &Known| c.capture == k.0 && c.issue == k.1;
    let mut said = Vec::new();
    for complaint in complaints {
        let expected = known.iter().find(|known| same(complaint, known)).map_or(0, |known| known.2);
        if complaint.count > expected {
            let Complaint { capture, issue, count, said: what } = complaint;
            said.push(format!("{capture}: {issue}: {count} differ, {expected} known: {what}"));
        }
    }
    for known in known.iter().filter(|known| looked_at.contains(known.0)) {
        let found = complaints.iter().find(|complaint| same(complaint, known));
        let count = found.map_or(0, |complaint| complaint.count);
        if count < known.2 {
            let (capture, issue, expected, reason) = known;
            said.push(format!(
                "{capture}: {issue}: the list of known differences has {expected}, now it is \
                 {count}; correct the list: {reason}"
            ));
        }
    }
    said
}
