//! What an owner cares about, as rules, and what the traffic of a window says to each: `pass`,
//! `fail` or `not decided`. A rule passes only where everything needed to notice a breach was
//! seen; an estimate, such as a country out of a database, never fails a rule by itself.

mod declared;
mod file;
mod judge;
mod record;

pub use declared::{Declaration, DeclarationError, compare};
pub use file::{Policy, Rule, Test, shipped, shipped_ids};
pub use judge::{Seen, judge};
pub use record::{Record, record};

use crate::attribution::world::Device;
use serde::Serialize;
use std::collections::BTreeMap;

/// Most pieces of evidence named for one rule; how many more there are is told.
const EVIDENCE_MAX: usize = 32;

/// What the traffic says to a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Decision {
    /// A breach was seen.
    #[serde(rename = "fail")]
    Fail,
    /// Neither.
    #[serde(rename = "not decided")]
    NotDecided,
    /// All was seen, and no breach.
    #[serde(rename = "pass")]
    Pass,
}

impl Decision {
    /// The words for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Decision::Fail => "fail",
            Decision::NotDecided => "not decided",
            Decision::Pass => "pass",
        }
    }
}

/// One thing that a decision rests on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// In words.
    pub text: String,
    /// Device, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
    /// What people call that device: the label that they gave it, or what it calls itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// Destination, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination: Option<String>,
    /// A frame to look at first, as snapshots number them; 0 for none.
    pub frame: u64,
}

impl Evidence {
    /// In words, with the device.
    #[must_use]
    pub fn told(&self) -> String {
        match &self.device_name {
            Some(name) if !self.text.contains(&**name) => format!("{} ({name})", self.text),
            _ => self.text.clone(),
        }
    }
}

/// Gives the devices that results are about their names.
pub fn name_devices(outcomes: &mut [Outcome], devices: &[Device]) {
    let names: BTreeMap<&str, &Device> = devices.iter().map(|one| (&*one.id, one)).collect();
    for evidence in outcomes.iter_mut().flat_map(|outcome| &mut outcome.evidence) {
        let device = evidence.device.as_deref().and_then(|id| names.get(id));
        evidence.device_name = device.map(|device| device.title());
    }
}

/// The result of one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Policy, standard, or `declared`.
    pub policy: String,
    /// The rule's id.
    pub rule: String,
    /// What it demands.
    pub says: String,
    /// What the traffic says to it.
    pub decision: Decision,
    /// Why, in one sentence.
    pub because: String,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// How much more there is.
    pub evidence_more: usize,
}

impl Outcome {
    /// Bounds the evidence.
    fn of(
        (policy, rule, says): (&str, &str, &str),
        decision: Decision,
        because: String,
        mut evidence: Vec<Evidence>,
    ) -> Outcome {
        let evidence_more = evidence.len().saturating_sub(EVIDENCE_MAX);
        evidence.truncate(EVIDENCE_MAX);
        Outcome {
            policy: policy.to_owned(),
            rule: rule.to_owned(),
            says: says.to_owned(),
            decision,
            because,
            evidence,
            evidence_more,
        }
    }
}

/// All together: a breach fails, something open is not decided.
#[must_use]
pub fn overall(outcomes: &[Outcome]) -> Decision {
    outcomes.iter().map(|outcome| outcome.decision).min().unwrap_or(Decision::NotDecided)
}
