//! What a finding is, as every output has it.

use super::{Review, Severity};
use crate::attribution::world::{Level, Party};
use crate::base::time::Timestamp;
use serde::Serialize;
use std::borrow::Cow;
use std::sync::Arc;

/// Something that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// In words.
    pub text: String,
    /// The frames that show it, as [`crate::base::frame`] numbers them.
    pub frames: Vec<u64>,
}

impl Fact {
    /// A fact shown by one frame; frame 0 is none.
    #[must_use]
    pub fn new(text: String, frame: u64) -> Fact {
        Fact { text, frames: if frame > 0 { vec![frame] } else { Vec::new() } }
    }
}

/// Another explanation of what was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alternative {
    /// The explanation.
    pub text: Cow<'static, str>,
    /// `excluded`, `not excluded` or `not tested`.
    pub status: &'static str,
    /// By what.
    pub by: Cow<'static, str>,
}

/// A frame that decides a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reference {
    /// Position in the snapshot's `inputs`.
    pub input: usize,
    /// Frame number within that input, as in Wireshark.
    pub frame: u64,
    /// Capture time.
    pub time: Timestamp,
    /// Length on the wire, bytes.
    pub length: u32,
}

/// All that a finding counts in one input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Counted {
    /// Position in the snapshot's `inputs`.
    pub input: usize,
    /// Frames.
    pub frames: u64,
    /// Whole frames, bytes, sent and received by the device.
    pub wire_bytes: [u64; 2],
    /// Payload, each byte once, sent and received by the device.
    pub delivered_bytes: [u64; 2],
    /// First packet.
    pub first: Timestamp,
    /// Last packet.
    pub last: Timestamp,
    /// Selects exactly these frames in Wireshark; null with a reason where it cannot.
    pub wireshark_filter: Option<String>,
    /// Why there is no filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no_filter_because: Option<&'static str>,
}

impl Counted {
    /// The same as the other end sees it.
    pub(super) fn turn(&mut self) {
        self.wire_bytes.reverse();
        self.delivered_bytes.reverse();
    }
}

/// Whom a finding is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SubjectOf {
    /// Device id.
    pub device: Arc<str>,
    /// Destination id.
    pub destination: Arc<str>,
}

/// A clause that a finding bears on. The verdict is that on the clause, not on the finding.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Bearing {
    /// Id of the standard.
    pub standard: Arc<str>,
    /// Number or letter of the clause.
    pub clause: Arc<str>,
    /// What all traffic of the device says to it.
    pub verdict: &'static str,
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Id of the rule.
    pub id: &'static str,
    /// The rule in plain words.
    pub title: &'static str,
    /// Version of the rule.
    pub rule_version: u32,
    /// One finding a rule, device and destination: first 16 hex digits of a SHA-256.
    pub key: String,
    /// How much it matters.
    pub severity: Severity,
    /// How sure.
    pub level: Level,
    /// Whom it is about.
    pub subject: SubjectOf,
    /// What was seen.
    pub facts: Vec<Fact>,
    /// The sentence that may be printed.
    pub may_say: String,
    /// What must not be concluded.
    pub does_not_show: Box<[&'static str]>,
    /// Other explanations.
    pub alternatives: Vec<Alternative>,
    /// Deciding frames, at most [`super::REFS_MAX`].
    pub refs: Vec<Reference>,
    /// All that is counted, one entry an input.
    pub traffic: Vec<Counted>,
    /// Clauses of standards that it bears on, with what all traffic of the device says to them.
    pub clauses: Arc<[Bearing]>,
    /// Relation of the destination to the device's maker.
    pub party: Party,
    /// Phase of the experiment, where one was recorded and all deciding frames lie in it.
    pub phase: Option<&'static str>,
    /// What people decided about it.
    pub review: Review,
}
