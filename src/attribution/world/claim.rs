//! What signatures say of remotes.

use super::{Level, WireText};
use crate::attribution::signature::{Confidence, Kind, Operator, Ownership};
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};
use std::ops::Deref;
use std::sync::Arc;

/// What a signature says of a destination, and what that rests on. As JSON it is one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// What it says: one for all of whom it is said.
    pub fact: Arc<ClaimFact>,
    /// The name or address that was matched.
    pub matched: Arc<WireText>,
    /// Where that name comes from, or `address`, `said` (an end of the flow said it) or `protocol`.
    pub basis: &'static str,
    /// The frame that says the name.
    pub frame: u64,
    /// How sure this is: never surer than the name.
    pub level: Level,
}

/// A fact of a signature.
#[derive(Debug, PartialEq, Eq)]
pub struct ClaimFact {
    /// Signature id.
    pub signature: String,
    /// Name for people.
    pub name: String,
    /// Vendor, hosting, resolver, …
    pub kind: Kind,
    /// What the service does.
    pub role: String,
    /// The pattern that matched.
    pub pattern: String,
    /// Who operates the host, where it is another than the signature's.
    pub host_operator: Option<String>,
    /// Region that the name or the signature's source states.
    pub region: Option<String>,
    /// Where the fact is stated.
    pub source: String,
    /// How the fact is known.
    pub confidence: Confidence,
    /// When its source was read.
    pub checked: String,
    /// The company and its law, where established.
    pub operator: Option<Operator>,
    /// Dated facts about the company.
    pub ownership: Vec<Ownership>,
    /// Made up for the bundled captures.
    pub fictional: bool,
}

impl Deref for Claim {
    type Target = ClaimFact;

    fn deref(&self) -> &ClaimFact {
        &self.fact
    }
}

impl Claim {
    /// Whether both rest on one line of one signature.
    pub(super) fn is_same_fact(&self, other: &Claim) -> bool {
        Arc::ptr_eq(&self.fact, &other.fact)
            || self.signature == other.signature && self.pattern == other.pattern
    }
}

impl Serialize for Claim {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Claim", 17)?;
        out.serialize_field("signature", &self.signature)?;
        out.serialize_field("name", &self.name)?;
        out.serialize_field("kind", &self.kind)?;
        out.serialize_field("role", &self.role)?;
        out.serialize_field("pattern", &self.pattern)?;
        match &self.host_operator {
            Some(operator) => out.serialize_field("host_operator", operator)?,
            None => out.skip_field("host_operator")?,
        }
        match &self.region {
            Some(region) => out.serialize_field("region", region)?,
            None => out.skip_field("region")?,
        }
        out.serialize_field("matched", &self.matched)?;
        out.serialize_field("basis", &self.basis)?;
        out.serialize_field("frame", &self.frame)?;
        out.serialize_field("level", &self.level)?;
        out.serialize_field("source", &self.source)?;
        out.serialize_field("confidence", &self.confidence)?;
        out.serialize_field("checked", &self.checked)?;
        out.serialize_field("operator", &self.operator)?;
        out.serialize_field("ownership", &self.ownership)?;
        match self.fictional {
            true => out.serialize_field("fictional", &true)?,
            false => out.skip_field("fictional")?,
        }
        out.end()
    }
}

/// By row of the ledger.
#[derive(Debug, Default)]
pub struct Claims(Vec<Option<Claim>>);

impl Claims {
    /// What a signature says of the remote of a row.
    #[must_use]
    pub fn of(&self, row: usize) -> Option<&Claim> {
        self.0.get(row)?.as_ref()
    }

    pub(super) fn insert(&mut self, row: usize, claim: Claim) {
        if self.0.len() <= row {
            self.0.resize_with(row + 1, || None);
        }
        self.0[row] = Some(claim);
    }
}
