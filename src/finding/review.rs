//! What people decided about a finding.

use super::Finding;
use super::words::{text, told};
use crate::base::time::Timestamp;
use crate::case::review::{Answered, Asked};
use serde::Serialize;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Review {
    /// `unreviewed` until somebody confirms, explains or disputes it.
    pub state: &'static str,
    /// Key of who decided, as minisign prints it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<Timestamp>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Who was asked about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// What was answered.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answered>,
}

impl Default for Review {
    fn default() -> Review {
        Review {
            state: "unreviewed",
            by: None,
            when: None,
            because: None,
            asked: Vec::new(),
            answers: Vec::new(),
        }
    }
}

impl Review {
    /// Whether nobody has decided yet.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == "unreviewed"
    }

    /// The decision in words, where there is one.
    #[must_use]
    pub fn told(&self) -> Option<String> {
        if self.is_open() {
            return None;
        }
        let mut text = self.state.to_owned();
        if let Some(because) = &self.because {
            text = format!("{text}: {because}");
        }
        if let Some(by) = &self.by {
            text = format!("{text} (by {by})");
        }
        Some(text)
    }
}

/// How many of them nobody has decided about yet.
pub fn open<'f>(findings: impl IntoIterator<Item = &'f Finding>) -> usize {
    findings.into_iter().filter(|finding| finding.review.is_open()).count()
}

/// That in words: `nobody has reviewed them yet`.
pub fn standing<'f>(findings: impl IntoIterator<Item = &'f Finding> + Clone) -> Option<String> {
    let all = findings.clone().into_iter().count();
    Some(match (all, open(findings)) {
        (0, _) => return None,
        (all, open) if all == open => text("review.nobody").to_owned(),
        (_, 0) => text("review.all").to_owned(),
        (all, open) => told!("review.some", open, all),
    })
}
