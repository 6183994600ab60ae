//! Differences that were looked into, each with its reason.

use std::collections::BTreeSet;

/// Something that is not as it should be.
pub struct Complaint {
    /// Path below the folder of captures.
    pub capture: String,
    /// What it is about.
    pub issue: &'static str,
    pub said: String,
}

/// (capture, issue, why it differs)
pub type Known = (&'static str, &'static str, &'static str);

/// What is not explained: complaints that are not known, and known ones that nobody has any
/// more, so that the list does not outlive its reasons.
pub fn unexplained(
    complaints: &[Complaint],
    known: &[Known],
    looked_at: &BTreeSet<String>,
) -> Vec<String> {
    let is_known = |complaint: &Complaint| {
        known
            .iter()
            .any(|(capture, issue, _)| complaint.capture == *capture && complaint.issue == *issue)
    };
    let mut said: Vec<String> = complaints
        .iter()
        .filter(|complaint| !is_known(complaint))
        .map(|c| format!("{}: {}: {}", c.capture, c.issue, c.said))
        .collect();
    for (capture, issue, reason) in known.iter().filter(|(at, ..)| looked_at.contains(*at)) {
        if !complaints.iter().any(|c| c.capture == *capture && c.issue == *issue) {
            said.push(format!("{capture}: {issue}: agrees now; take it off the list: {reason}"));
        }
    }
    said
}
