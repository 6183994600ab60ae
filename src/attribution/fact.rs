//! The facts of a signature one by one, whatever table they stand in: for lint, explanations and
//! exports.

use super::signature::{Confidence, Match, Signature};
use std::borrow::Cow;

/// A table of a signature file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// `[operator]`
    Operator,
    /// `[[ownership]]`
    Ownership,
    /// `[[domain]]`
    Domain,
    /// `[[network]]`
    Network,
    /// `[[flow]]`
    Flow,
    /// `[[oui]]`
    Oui,
    /// `[[dhcp]]`
    Dhcp,
    /// `[[said]]`
    Said,
}

impl Table {
    /// As it is written in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Table::Operator => "operator",
            Table::Ownership => "ownership",
            Table::Domain => "domain",
            Table::Network => "network",
            Table::Flow => "flow",
            Table::Oui => "oui",
            Table::Dhcp => "dhcp",
            Table::Said => "said",
        }
    }
}

/// One fact.
#[derive(Debug, Clone)]
pub struct FactRef<'a> {
    /// Its table.
    pub table: Table,
    /// Its place in the table.
    pub index: usize,
    /// What it matches, or what it says.
    pub what: Cow<'a, str>,
    /// How a host is compared.
    pub matching: Option<Match>,
    /// What the service does.
    pub role: Option<&'a str>,
    /// Who operates the host, where it is another.
    pub operator: Option<&'a str>,
    /// Region that name or source states.
    pub region: Option<&'a str>,
    /// Where it is stated.
    pub source: &'a str,
    /// How it is known.
    pub confidence: Confidence,
    /// When the source was read.
    pub checked: &'a str,
    /// First day it holds.
    pub valid_from: Option<&'a str>,
    /// Last day it holds.
    pub valid_to: Option<&'a str>,
    /// Why it no longer counts.
    pub withdrawn: Option<&'a str>,
    /// Remark.
    pub note: Option<&'a str>,
}

macro_rules! fact {
    ($table:ident, $index:expr, $what:expr, $fact:expr) => {
        FactRef {
            table: Table::$table,
            index: $index,
            what: $what,
            matching: None,
            role: None,
            operator: None,
            region: None,
            source: &$fact.source,
            confidence: $fact.confidence,
            checked: &$fact.checked,
            valid_from: None,
            valid_to: None,
            withdrawn: None,
            note: None,
        }
    };
}

macro_rules! host {
    ($table:ident, $index:expr, $what:expr, $fact:expr) => {
        FactRef {
            role: Some(&$fact.role),
            operator: $fact.operator.as_deref(),
            region: $fact.region.as_deref(),
            valid_from: $fact.valid_from.as_deref(),
            valid_to: $fact.valid_to.as_deref(),
            withdrawn: $fact.withdrawn.as_deref(),
            note: $fact.note.as_deref(),
            ..fact!($table, $index, $what, $fact)
        }
    };
}

/// All facts of a signature, in the order of the documented tables.
#[must_use]
pub fn facts(signature: &Signature) -> Vec<FactRef<'_>> {
    let mut all = Vec::new();
    if let Some(operator) = &signature.operator {
        let mut what = operator.legal_name.clone();
        if let Some(office) = &operator.head_office {
            what.push_str(&format!(", head office {office}"));
        }
        if !operator.parents.is_empty() {
            what.push_str(&format!(", controlled by {}", operator.parents.join("; ")));
        }
        all.push(fact!(Operator, 0, Cow::Owned(what), operator));
    }
    for (index, fact) in signature.ownership.iter().enumerate() {
        let date = fact.date.as_ref().map_or(String::new(), |date| format!(", {date}"));
        let what = format!("{}{date}: {}", fact.kind, fact.fact);
        all.push(fact!(Ownership, index, Cow::Owned(what), fact));
    }
    for (index, fact) in signature.domain.iter().enumerate() {
        let matching = Some(fact.matching);
        let fact = host!(Domain, index, Cow::Borrowed(fact.host.as_str()), fact);
        all.push(FactRef { matching, ..fact });
    }
    for (index, fact) in signature.network.iter().enumerate() {
        all.push(host!(Network, index, Cow::Borrowed(fact.addr.as_str()), fact));
    }
    for (index, fact) in signature.flow.iter().enumerate() {
        all.push(host!(Flow, index, Cow::Owned(fact.spoken()), fact));
    }
    for (index, fact) in signature.oui.iter().enumerate() {
        let note = fact.note.as_deref();
        let fact = fact!(Oui, index, Cow::Borrowed(fact.registrant.as_str()), fact);
        all.push(FactRef { note, ..fact });
    }
    for (index, fact) in signature.dhcp.iter().enumerate() {
        let note = fact.note.as_deref();
        let part = |what: &str, value: &Option<String>| {
            value.as_ref().map(|value| format!("{what} {value}"))
        };
        let parts = [part("hostname", &fact.hostname), part("class", &fact.vendor_class)];
        let what = parts.into_iter().flatten().collect::<Vec<_>>().join(" and ");
        all.push(FactRef { note, ..fact!(Dhcp, index, Cow::Owned(what), fact) });
    }
    for (index, fact) in signature.said.iter().enumerate() {
        let note = fact.note.as_deref();
        let what = fact.spoken();
        all.push(FactRef { note, ..fact!(Said, index, Cow::Owned(what), fact) });
    }
    all
}

impl Match {
    /// As it is written in the file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Match::Exact => "exact",
            Match::Suffix => "suffix",
            Match::Glob => "glob",
        }
    }
}
