//! What was found, and how to check it.

use super::Page;
use crate::base::frame::{self, Spelling};
use crate::finding::{self, Counted, Finding, Severity};
use crate::snapshot::Snapshot;
use std::fmt::Write as _;

/// Inputs for which the proof of a finding is shown; the rest is counted and told.
const PROOFS_MAX: usize = 4;
/// Deciding frames shown for each of them.
const FRAMES_MAX: usize = 8;
/// Findings shown in full; the rest is counted and told.
const FINDINGS_MAX: usize = 40;

impl Page {
    pub fn findings(&mut self, snapshot: &Snapshot) {
        let standing = finding::standing(&snapshot.findings);
        self.title(&standing.map_or("Findings".to_owned(), |said| format!("Findings ({said})")));
        if snapshot.findings.is_empty() {
            let text = if snapshot.coverage.complete {
                "None of the checks found anything in what was inspected. That is not a clean \
                 bill: see what was inspected below."
            } else {
                "None, but the result is partial: see above and below."
            };
            self.wrap(2, text);
        }
        for finding in snapshot.findings.iter().take(FINDINGS_MAX) {
            self.finding(finding, snapshot.inputs.len() > 1);
        }
        if snapshot.findings.len() > FINDINGS_MAX {
            let more = snapshot.findings.len() - FINDINGS_MAX;
            self.wrap(2, &format!("… and {more} more findings; all are in --json"));
        }
    }

    fn finding(&mut self, finding: &Finding, several: bool) {
        let (shape, code) = match finding.severity {
            Severity::High => ("[!!!]", "1;31"),
            Severity::Medium => ("[!! ]", "31"),
            Severity::Low => ("[!  ]", "33"),
            Severity::Info => ("[i  ]", "36"),
        };
        let mark = self.paint(shape, code);
        let (severity, level) = (finding.severity.name(), finding.level.name());
        let head = format!("{} ({}, {severity}, {level})", finding.title, finding.id);
        // The mark takes the place of the indent; wrapped with the text it would be cut at its spaces.
        let mut lines = Page { text: String::new(), colour: false };
        lines.wrap(8, &head);
        self.line(&format!("  {mark} {}", lines.text.trim()));
        self.wrap(8, &finding.may_say);
        for counted in finding.traffic.iter().take(PROOFS_MAX) {
            self.wrap(8, &proof(finding, counted, several));
        }
        if finding.traffic.is_empty() {
            self.wrap(8, "No frame is counted.");
        }
        let more = finding.traffic.len().saturating_sub(PROOFS_MAX);
        if more > 0 {
            self.wrap(8, &format!("… and proof in {more} more files: see --json."));
        }
        self.wrap(8, &format!("Does not show: {}.", finding.does_not_show.join("; ")));
        if let Some(text) = finding.review.told() {
            self.wrap(8, &format!("Review: {text}"));
        }
    }
}

/// The frames of one input by which a finding can be checked.
fn proof(finding: &Finding, counted: &Counted, several: bool) -> String {
    let refs = finding.refs.iter().filter(|reference| reference.input == counted.input);
    let deciding: Vec<u64> = refs.map(|r| frame::base(r.input) + r.frame).collect();
    let shown = &deciding[..deciding.len().min(FRAMES_MAX)];
    let mut proof = match (shown.is_empty(), several) {
        (false, _) => {
            format!("Proof: frames {}", Spelling::of(1 + usize::from(several)).all(shown))
        }
        (true, true) => format!("More in file {}", counted.input + 1),
        (true, false) => "Proof".to_owned(),
    };
    if deciding.len() > FRAMES_MAX {
        proof.push_str(", …");
    }
    let _ = write!(proof, "; {} frames counted.", counted.frames);
    match (&counted.wireshark_filter, counted.no_filter_because) {
        (Some(filter), _) if filter.len() <= 600 => {
            let _ = write!(proof, " Wireshark: {filter}");
        }
        (Some(_), _) => proof.push_str(" The Wireshark filter is long: see --json."),
        (None, because) => {
            let _ = write!(proof, " No filter: {}.", because.unwrap_or("not possible"));
        }
    }
    proof
}
