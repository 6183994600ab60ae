//! What people decided about findings, out of the journal of custody.

use super::CaseError;
use super::journal::{Book, Event, walk};
use super::layout;
use crate::base::time::Timestamp;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Most findings that can be reviewed in a case.
const REVIEWS_MAX: usize = 65_536;
/// Most questions and most answers of a case that are shown.
const ASKED_MAX: usize = 256;

/// What a review can come to.
pub const STATES: [&str; 4] = ["unreviewed", "confirmed", "explained", "disputed"];

/// The latest review of a finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviewed {
    /// One of [`STATES`].
    pub state: &'static str,
    /// Key of who decided, as minisign prints it.
    pub by: String,
    /// When.
    pub when: Timestamp,
    /// Why.
    pub because: String,
}

/// Somebody was asked about a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Who.
    pub whom: String,
    /// When.
    pub when: Timestamp,
    /// Until when, a date.
    pub deadline: String,
    /// Keys of the findings.
    #[serde(skip)]
    pub findings: Vec<String>,
}

/// What somebody answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answered {
    /// Who.
    pub from: String,
    /// When that was noted.
    pub when: Timestamp,
    /// The attachment that holds it.
    pub file: String,
    /// Its SHA-256, hex.
    pub sha256: String,
    /// What was noted with it.
    pub text: String,
    /// Keys of the findings; none for all.
    #[serde(skip)]
    pub findings: Vec<String>,
}

/// What people said of the findings of a case.
#[derive(Debug, Clone, Default)]
pub struct Reviews {
    by_finding: BTreeMap<String, Reviewed>,
    asked: Vec<Asked>,
    answers: Vec<Answered>,
}

impl Reviews {
    /// The latest review of a finding.
    #[must_use]
    pub fn of(&self, finding: &str) -> Option<&Reviewed> {
        self.by_finding.get(finding)
    }

    /// Who was asked about a finding.
    pub fn asked<'r>(&'r self, finding: &'r str) -> impl Iterator<Item = &'r Asked> {
        self.asked.iter().filter(move |asked| asked.findings.iter().any(|key| key == finding))
    }

    /// What was answered to a finding.
    pub fn answers<'r>(&'r self, finding: &'r str) -> impl Iterator<Item = &'r Answered> {
        let about = move |answer: &&Answered| {
            answer.findings.is_empty() || answer.findings.iter().any(|key| key == finding)
        };
        self.answers.iter().filter(about)
    }

    /// Adds what a journal of custody says, if there is one.
    ///
    /// # Errors
    /// When it cannot be read or does not hold.
    pub fn add(&mut self, folder: &Path) -> Result<(), CaseError> {
        let path = layout::custody(folder);
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        let mut signer = String::new();
        let walked = walk(&path, Book::Custody, &mut |entry| match entry.event {
            Event::Custody { minisign_key, .. } => signer = minisign_key,
            event => self.take(event, entry.clocks.wall, &signer),
        })?;
        match walked.broken {
            Some(broken) => Err(CaseError::Broken(broken)),
            None => Ok(()),
        }
    }

    fn take(&mut self, event: Event, when: Timestamp, signer: &str) {
        match event {
            Event::Review { finding, state, text } => {
                let known = STATES.into_iter().find(|known| *known == state);
                let all = &mut self.by_finding;
                let room = all.len() < REVIEWS_MAX || all.contains_key(&finding);
                if let Some(state) = known.filter(|_| room) {
                    let by = signer.to_owned();
                    all.insert(finding, Reviewed { state, by, when, because: text });
                }
            }
            Event::Asked { whom, deadline, findings, .. } if self.asked.len() < ASKED_MAX => {
                self.asked.push(Asked { whom, when, deadline, findings });
            }
            Event::Attached { file, sha256, text, answer_from, findings, .. }
                if !answer_from.is_empty() && self.answers.len() < ASKED_MAX =>
            {
                let from = answer_from;
                self.answers.push(Answered { from, when, file, sha256, text, findings });
            }
            _ => {}
        }
    }
}
