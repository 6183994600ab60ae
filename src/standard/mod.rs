//! The annex of standards: what the traffic of a window says to single clauses. Mappings are data
//! (`signatures/standards/`); a verdict belongs to a clause and a device, and says `refuted`,
//! `supported`, `inconclusive` or `not-observable`, with the limits of the window. Nothing here
//! says that a product conforms.

mod bearing;
mod plan;
mod verdict;

pub use plan::{Unanswered, unanswered};
pub use verdict::{Clause, DeviceVerdict, Verdict, Window, judge};

use crate::attribution::signature::{is_date, sourced};
use serde::Deserialize;
use std::collections::BTreeSet;

/// The shipped files.
static EMBEDDED: [(&str, &str); 6] = [
    ("en303645", include_str!("../../signatures/standards/en303645.toml")),
    ("nistir8425", include_str!("../../signatures/standards/nistir8425.toml")),
    ("owasp-iot", include_str!("../../signatures/standards/owasp-iot.toml")),
    ("en18031", include_str!("../../signatures/standards/en18031.toml")),
    ("cra", include_str!("../../signatures/standards/cra.toml")),
    ("gdpr", include_str!("../../signatures/standards/gdpr.toml")),
];

/// What traffic can say to a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Can {
    /// Traffic can show the opposite.
    Refute,
    /// Traffic can be consistent with it.
    Support,
}

/// How one clause shows in traffic.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mapping {
    /// Number or letter.
    pub id: String,
    /// Mandatory, recommended, conditional, as the standard writes it.
    #[serde(default)]
    pub status: Option<String>,
    /// What it is about, in our words.
    pub says: String,
    /// What traffic can say; nothing where it cannot be seen at all.
    pub can: Vec<Can>,
    /// Findings bear on it but never decide it.
    #[serde(default)]
    pub weak: bool,
    /// Ids of findings that speak against it.
    pub findings: Vec<String>,
    /// Ids of findings that bear on it but do not decide it.
    #[serde(default)]
    pub bears: Vec<String>,
    /// Ids of findings that speak for it.
    #[serde(default)]
    pub supports: Vec<String>,
    /// Least length of a window that can support it.
    #[serde(default)]
    pub min_hours: Option<u32>,
    /// The phase in which it must be looked at.
    #[serde(default)]
    pub phase: Option<String>,
}

/// One standard.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standard {
    /// Format version, 1.
    pub schema: u32,
    /// Stable id, the file's stem.
    pub id: String,
    /// Its name.
    pub title: String,
    /// Which edition.
    pub edition: String,
    /// What was read.
    pub source: String,
    /// When it was read.
    pub checked: String,
    /// What readers must know.
    pub note: String,
    /// Its clauses.
    pub clause: Vec<Mapping>,
}

impl Standard {
    /// Reads a file's text.
    ///
    /// # Errors
    /// With line and reason, where the text is not what `signatures/README.md` describes.
    pub fn parse(id: &str, text: &str) -> Result<Standard, String> {
        let standard: Standard =
            toml::from_str(text).map_err(|error| error.to_string().trim().to_owned())?;
        if standard.schema != 1 || standard.id != id {
            return Err(format!("needs schema 1 and the id {id:?}"));
        }
        sourced(id, &standard.source)?;
        if !is_date(&standard.checked) {
            return Err("checked is not YYYY-MM-DD".to_owned());
        }
        let mut ids = BTreeSet::new();
        for clause in &standard.clause {
            if !ids.insert(&clause.id) {
                return Err(format!("{}: the clause is there twice", clause.id));
            }
            let all = [&clause.findings, &clause.bears, &clause.supports];
            if clause.can.is_empty() != all.iter().all(|ids| ids.is_empty()) {
                return Err(format!(
                    "{}: what can be seen needs findings, and only that",
                    clause.id
                ));
            }
        }
        Ok(standard)
    }
}

/// The standards that come with phonehome, in the order of the annex.
///
/// # Errors
/// When an embedded file is invalid, which the tests exclude.
pub fn shipped() -> Result<Vec<Standard>, String> {
    EMBEDDED.iter().map(|(id, text)| Standard::parse(id, text)).collect()
}

/// Ids of the shipped standards.
pub fn ids() -> impl Iterator<Item = &'static str> {
    EMBEDDED.iter().map(|(id, _)| *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_standards_are_valid() {
        let all = shipped().unwrap();
        assert_eq!(all.len(), 6);
        assert!(all.iter().map(|standard| standard.clause.len()).sum::<usize>() >= 80);
        for standard in &all {
            let text = format!("{standard:?}").to_lowercase();
            for word in ["compliant", "certified", "illegal", "[mem"] {
                assert!(!text.contains(word), "{}: {word}", standard.id);
            }
        }
    }

    #[test]
    fn every_check_that_refutes_something_is_known_to_a_clause() {
        let all = shipped().unwrap();
        let known: BTreeSet<&str> = all
            .iter()
            .flat_map(|standard| &standard.clause)
            .flat_map(|clause| clause.findings.iter().chain(&clause.bears).chain(&clause.supports))
            .map(String::as_str)
            .collect();
        for id in ["cred.cleartext", "tls.none", "tls.old-version", "svc.legacy", "net.scan"] {
            assert!(known.contains(id), "{id}");
        }
    }

    #[test]
    fn every_finding_that_a_clause_names_is_looked_for_or_said_not_to_be() {
        use crate::finding::{CHECKS, is_not_looked_for};
        let all = shipped().unwrap();
        let clauses = all.iter().flat_map(|standard| &standard.clause);
        for id in clauses.flat_map(|c| c.findings.iter().chain(&c.bears).chain(&c.supports)) {
            let checked = CHECKS.iter().any(|check| check.id() == id);
            assert!(checked != is_not_looked_for(id), "{id}");
        }
    }

    #[test]
    fn careless_files_are_refused() {
        let (id, text) = EMBEDDED[1];
        for (from, to, reason) in [
            ("schema = 1", "schema = 2", "schema 1"),
            ("checked = \"2026", "checked = \"26", "YYYY-MM-DD"),
            ("findings = [\"tls.none\"", "finding = [\"tls.none\"", "unknown field"),
        ] {
            let careless = text.replacen(from, to, 1);
            assert_ne!(careless, text, "{from}");
            let error = Standard::parse(id, &careless).unwrap_err();
            assert!(error.contains(reason), "{error}");
        }
    }
}
