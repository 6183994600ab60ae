//! Dated, sourced facts on access laws and transfer decisions, by jurisdiction. They stand beside
//! findings and decide nothing; `signatures/README.md` documents the file.

use super::signature::{is_date, sourced};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::LazyLock;

static EMBEDDED: &str = include_str!("../../signatures/legal.toml");
static SHIPPED: LazyLock<Option<Legal>> = LazyLock::new(|| Legal::embedded().ok());

/// The facts that come with phonehome, read once; none only where the embedded file is invalid,
/// which the tests exclude.
#[must_use]
pub fn shipped() -> Option<&'static Legal> {
    SHIPPED.as_ref()
}

/// What kind of fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LegalKind {
    /// How authorities may reach data or communications.
    AccessLaw,
    /// Whether personal data may go to a country without further safeguards.
    TransferDecision,
}

/// How much of a country a transfer decision covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// The country.
    Full,
    /// Some recipients or data only.
    Part,
}

/// One fact.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LegalFact {
    /// Stable id.
    pub id: String,
    /// Whose law or decision: ISO 3166-1 alpha-2, or `EU`.
    pub jurisdiction: String,
    /// What kind of fact.
    pub kind: LegalKind,
    /// The country that a decision is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Name of the law or decision.
    pub title: String,
    /// Article or section.
    pub article: String,
    /// What it says, in one neutral sentence.
    pub says: String,
    /// Members of the European Union in which its act does not apply.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_in: Vec<String>,
    /// How much a decision covers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<Scope>,
    /// What was read.
    pub source: String,
    /// When it was read.
    pub checked: String,
    /// First day it holds, where established.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// Last day it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
    /// Limits and doubts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

impl LegalFact {
    /// Whether it holds on a day; RFC 3339 dates compare as text.
    #[must_use]
    pub fn holds_on(&self, day: &str) -> bool {
        self.valid_from.as_deref().is_none_or(|from| from <= day)
            && self.valid_to.as_deref().is_none_or(|to| day <= to)
    }
}

/// A jurisdiction that nobody has looked into.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NotResearched {
    /// ISO 3166-1 alpha-2.
    pub jurisdiction: String,
    /// Which kind of fact is missing.
    pub kind: LegalKind,
    /// How far somebody got.
    pub reason: String,
    /// When that was.
    pub checked: String,
}

/// Countries among which data are not transferred to a third country.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Area {
    /// Its name.
    pub id: String,
    /// Its countries.
    pub members: Vec<String>,
    /// Those of them that are in the European Union.
    pub union: Vec<String>,
    /// What was read.
    pub source: String,
    /// When it was read.
    pub checked: String,
}

/// All facts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Legal {
    /// Format version, 1.
    pub schema: u32,
    /// The area that transfer decisions are about leaving.
    pub area: Area,
    /// The facts.
    #[serde(default)]
    pub fact: Vec<LegalFact>,
    /// Jurisdictions without.
    #[serde(default)]
    pub not_researched: Vec<NotResearched>,
}

/// What is to be said of a country to which data go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transfer {
    /// Within the area: no third country.
    Inside,
    /// A decision covers the country.
    Adequate,
    /// A decision covers some recipients or data.
    Partly,
    /// No decision is known.
    NoDecision,
}

impl Legal {
    /// The facts that come with phonehome.
    ///
    /// # Errors
    /// When the embedded file is invalid, which the tests exclude.
    pub fn embedded() -> Result<Legal, String> {
        Legal::parse(EMBEDDED)
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// With line and reason, where the text is not what `signatures/README.md` describes.
    pub fn parse(text: &str) -> Result<Legal, String> {
        let legal: Legal =
            toml::from_str(text).map_err(|error| error.to_string().trim().to_owned())?;
        legal.check()?;
        Ok(legal)
    }

    fn check(&self) -> Result<(), String> {
        if self.schema != 1 {
            return Err(format!("schema {} is not known, only 1 is", self.schema));
        }
        let mut ids = BTreeSet::new();
        for fact in &self.fact {
            let LegalFact { id, .. } = fact;
            if !ids.insert(id) {
                return Err(format!("{id}: the id is there twice"));
            }
            sourced(id, &fact.source)?;
            let days = [Some(&fact.checked), fact.valid_from.as_ref(), fact.valid_to.as_ref()];
            if days.into_iter().flatten().any(|day| !is_date(day)) {
                return Err(format!("{id}: a date is not YYYY-MM-DD"));
            }
            let decision = fact.kind == LegalKind::TransferDecision;
            if decision != fact.about.is_some() || decision != fact.scope.is_some() {
                return Err(format!(
                    "{id}: a transfer decision, and nothing else, has `about` and `scope`"
                ));
            }
            let codes = [Some(&fact.jurisdiction), fact.about.as_ref()];
            if codes.into_iter().flatten().any(|code| !is_country(code)) {
                return Err(format!("{id}: a country is not two capital letters"));
            }
        }
        for missing in &self.not_researched {
            let NotResearched { jurisdiction, kind, reason, checked } = missing;
            if !is_country(jurisdiction) || !is_date(checked) || reason.trim().is_empty() {
                return Err(format!("{jurisdiction}: needs a country, a date and a reason"));
            }
            if self.fact.iter().any(|f| f.kind == *kind && f.jurisdiction == *jurisdiction) {
                return Err(format!("{jurisdiction}: has facts, so it is not `not_researched`"));
            }
        }
        Ok(())
    }

    /// Laws of a country under which authorities may reach data, on a day. The European Union's
    /// count for its members.
    pub fn access_laws<'a, 'q>(
        &'a self,
        country: &'q str,
        day: &'q str,
    ) -> impl Iterator<Item = &'a LegalFact> + use<'a, 'q> {
        let union = self.area.union.iter().any(|member| member == country);
        self.fact.iter().filter(move |fact| {
            fact.kind == LegalKind::AccessLaw
                && (fact.jurisdiction == country || union && fact.jurisdiction == "EU")
                && !fact.not_in.iter().any(|member| member == country)
                && fact.holds_on(day)
        })
    }

    /// Decisions about a country, on a day.
    pub fn decisions<'a, 'q>(
        &'a self,
        country: &'q str,
        day: &'q str,
    ) -> impl Iterator<Item = &'a LegalFact> + use<'a, 'q> {
        self.fact.iter().filter(move |fact| {
            fact.kind == LegalKind::TransferDecision
                && fact.about.as_deref() == Some(country)
                && fact.holds_on(day)
        })
    }

    /// Why nothing is said of a country's access laws: the entry, where there is one.
    #[must_use]
    pub fn not_researched(&self, country: &str) -> Option<&NotResearched> {
        self.not_researched.iter().find(|entry| entry.jurisdiction == country)
    }

    /// Whether somebody has written something about this country's own access laws, be it that
    /// nobody has looked.
    #[must_use]
    pub fn is_covered(&self, country: &str) -> bool {
        let own =
            |fact: &LegalFact| fact.kind == LegalKind::AccessLaw && fact.jurisdiction == country;
        self.fact.iter().any(own) || self.not_researched(country).is_some()
    }

    /// What transfer decisions say of a country, on a day.
    #[must_use]
    pub fn transfer(&self, country: &str, day: &str) -> Transfer {
        if self.area.members.iter().any(|member| member == country) {
            return Transfer::Inside;
        }
        let scopes: Vec<Option<Scope>> =
            self.decisions(country, day).map(|fact| fact.scope).collect();
        if scopes.contains(&Some(Scope::Full)) {
            Transfer::Adequate
        } else if scopes.is_empty() {
            Transfer::NoDecision
        } else {
            Transfer::Partly
        }
    }

    /// Latest day on which a source was read.
    #[must_use]
    pub fn checked(&self) -> Option<&str> {
        self.fact.iter().map(|fact| fact.checked.as_str()).max()
    }
}

fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: &str = "2026-11-28";

    #[test]
    fn the_embedded_facts_are_valid_and_neutral_in_form() {
        let legal = Legal::embedded().unwrap();
        assert!(legal.fact.len() >= 20);
        for fact in &legal.fact {
            assert!(
                fact.says.ends_with('.') && fact.says.matches(". ").count() == 0,
                "{}",
                fact.id
            );
        }
    }

    #[test]
    fn transfer_decisions_are_judged_against_the_day() {
        let legal = Legal::embedded().unwrap();
        assert_eq!(legal.transfer("FR", DAY), Transfer::Inside);
        assert_eq!(legal.transfer("CH", DAY), Transfer::Adequate);
        assert_eq!(legal.transfer("US", DAY), Transfer::Partly);
        assert_eq!(legal.transfer("CN", DAY), Transfer::NoDecision);
        assert_eq!(legal.transfer("BR", "2025-12-31"), Transfer::NoDecision);
        assert_eq!(legal.transfer("BR", DAY), Transfer::Adequate);
        assert_eq!(legal.transfer("GB", "2032-01-01"), Transfer::NoDecision);
    }

    #[test]
    fn what_the_union_decides_counts_for_its_members() {
        let legal = Legal::embedded().unwrap();
        let ids = |country: &str, day: &str| {
            legal.access_laws(country, day).map(|fact| fact.id.clone()).collect::<Vec<_>>()
        };
        assert!(ids("FR", DAY).contains(&"eu-e-evidence".to_owned()));
        assert!(!ids("FR", "2026-08-17").contains(&"eu-e-evidence".to_owned()));
        assert!(!ids("DK", DAY).contains(&"eu-e-evidence".to_owned()), "it does not take part");
        assert!(!ids("CN", DAY).contains(&"eu-e-evidence".to_owned()));
    }

    #[test]
    fn careless_files_are_refused() {
        for (from, to, reason) in [
            ("id = \"us-cloud-act\"", "id = \"us-fisa-702\"", "twice"),
            ("valid_from = \"2021-09-01\"", "valid_from = \"soon\"", "YYYY-MM-DD"),
            ("scope = \"part\"\n", "", "about"),
            ("jurisdiction = \"KR\"", "jurisdiction = \"US\"", "has facts"),
            ("schema = 1", "schema = 2", "schema 2"),
            ("schema = 1", "schema = 1\ncolour = 1", "unknown field"),
        ] {
            let text = EMBEDDED.replacen(from, to, 1);
            assert_ne!(text, EMBEDDED, "{from}");
            let error = Legal::parse(&text).unwrap_err();
            assert!(error.contains(reason), "{from}: {error}");
        }
    }
}
