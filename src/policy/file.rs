//! Policy files. `signatures/README.md` documents the format.

use crate::attribution::signature::{is_date, sourced};
use crate::base::file::{self, FileError};
use serde::Deserialize;
use std::collections::BTreeSet;
use std::path::Path;

/// Longest policy file, bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

static EMBEDDED: [(&str, &str); 4] = [
    ("gdpr-transfers", include_str!("../../signatures/policies/gdpr-transfers.toml")),
    ("ndaa-889", include_str!("../../signatures/policies/ndaa-889.toml")),
    ("no-third-party", include_str!("../../signatures/policies/no-third-party.toml")),
    ("local-only", include_str!("../../signatures/policies/local-only.toml")),
];

/// Which country of a service counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// Head office of the company that runs it.
    HeadOffice,
    /// Where databases say that the server stands.
    Hosting,
}

/// What a rule looks at.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum Test {
    /// Countries without a transfer decision.
    Transfer {
        /// Which country counts.
        of: Of,
        /// A decision that covers part of a country is enough.
        #[serde(default)]
        partly: bool,
    },
    /// Countries by name.
    Country {
        /// Which country counts.
        of: Of,
        /// These and no others.
        #[serde(default)]
        allow: Vec<String>,
        /// Not these.
        #[serde(default)]
        deny: Vec<String>,
    },
    /// Makers of devices, by signature id.
    Maker {
        /// Not these.
        deny: Vec<String>,
    },
    /// Services, by signature id.
    Service {
        /// Not these.
        deny: Vec<String>,
    },
    /// Kinds of recorded facts about the companies behind services.
    Ownership {
        /// Not these.
        deny: Vec<String>,
    },
    /// Parties: `third`, `support`, `unknown`.
    Party {
        /// Not these.
        deny: Vec<String>,
    },
    /// No exchange with the internet at all.
    Local,
    /// Findings by id.
    Finding {
        /// Not these.
        deny: Vec<String>,
    },
}

/// A rule as it is written.
#[derive(Debug, Clone, Deserialize)]
struct Written {
    id: String,
    says: String,
    #[serde(flatten)]
    test: Test,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: String,
    /// What it demands.
    pub says: String,
    /// What it looks at.
    pub test: Test,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenPolicy {
    schema: u32,
    id: String,
    title: String,
    source: String,
    checked: String,
    rule: Vec<toml::Spanned<Written>>,
}

/// What an owner cares about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Its id.
    pub id: String,
    /// Its name.
    pub title: String,
    /// What it rests on.
    pub source: String,
    /// When that was read.
    pub checked: String,
    /// The rules.
    pub rules: Vec<Rule>,
}

/// Ids of the shipped policies.
pub fn shipped_ids() -> impl Iterator<Item = &'static str> {
    EMBEDDED.iter().map(|(id, _)| *id)
}

/// A shipped policy.
#[must_use]
pub fn shipped(id: &str) -> Option<Policy> {
    let (_, text) = EMBEDDED.iter().find(|(name, _)| *name == id)?;
    Policy::parse(text).ok()
}

impl Policy {
    /// Reads a file, or takes the shipped policy of that name.
    ///
    /// # Errors
    /// When there is none, or it is not what `signatures/README.md` describes.
    pub fn load(path: &Path) -> Result<Policy, FileError> {
        if let Some(policy) = path.to_str().and_then(shipped).filter(|_| !path.exists()) {
            return Ok(policy);
        }
        let text = file::text(path, FILE_BYTES_MAX)?;
        Policy::parse(&text).map_err(|reason| FileError::invalid(path, reason))
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// With line and reason.
    pub fn parse(text: &str) -> Result<Policy, String> {
        let policy: WrittenPolicy =
            toml::from_str(text).map_err(|error| error.to_string().trim().to_owned())?;
        if policy.schema != 1 {
            return Err(format!("schema {} is not known, only 1 is", policy.schema));
        }
        sourced(&policy.id, &policy.source)?;
        if !is_date(&policy.checked) {
            return Err("checked is not YYYY-MM-DD".to_owned());
        }
        if policy.rule.is_empty() {
            return Err("has no rule".to_owned());
        }
        let mut ids = BTreeSet::new();
        let mut rules = Vec::with_capacity(policy.rule.len());
        for written in policy.rule {
            let line = text[..written.span().start].matches('\n').count() + 1;
            let Written { id, says, test } = written.into_inner();
            if !ids.insert(id.clone()) {
                return Err(format!("line {line}: the rule {id:?} is there twice"));
            }
            test.check().map_err(|reason| format!("line {line}: {id}: {reason}"))?;
            rules.push(Rule { id, says, test });
        }
        let WrittenPolicy { id, title, source, checked, .. } = policy;
        Ok(Policy { id, title, source, checked, rules })
    }
}

impl Test {
    fn check(&self) -> Result<(), String> {
        let countries = |codes: &[String]| {
            let is =
                |code: &String| code.len() == 2 && code.bytes().all(|b| b.is_ascii_uppercase());
            codes.iter().find(|code| !is(code)).map_or(Ok(()), |code| {
                Err(format!("{code:?} is not a country of two capital letters"))
            })
        };
        match self {
            Test::Transfer { .. } | Test::Local => Ok(()),
            Test::Country { allow, deny, .. } => {
                countries(allow)?;
                countries(deny)?;
                match allow.is_empty() == deny.is_empty() {
                    true => Err("needs either `allow` or `deny`".to_owned()),
                    false => Ok(()),
                }
            }
            Test::Party { deny } => {
                let known = ["third", "support", "unknown"];
                match deny.iter().find(|party| !known.contains(&party.as_str())) {
                    Some(party) => Err(format!("{party:?} is none of {}", known.join(", "))),
                    None if deny.is_empty() => Err("`deny` is empty".to_owned()),
                    None => Ok(()),
                }
            }
            Test::Maker { deny }
            | Test::Service { deny }
            | Test::Ownership { deny }
            | Test::Finding { deny } => {
                if deny.is_empty() {
                    Err("`deny` is empty".to_owned())
                } else {
                    Ok(())
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_policies_are_valid() {
        for (id, text) in EMBEDDED {
            let policy = Policy::parse(text).unwrap_or_else(|error| panic!("{id}: {error}"));
            assert_eq!(policy.id, id);
            assert_eq!(Policy::load(Path::new(id)).unwrap(), policy);
        }
    }

    #[test]
    fn hostile_files_get_a_reason_and_a_line() {
        let good = EMBEDDED[2].1;
        for (from, to, reason) in [
            ("schema = 1", "schema = 9", "schema 9"),
            ("kind = \"party\"", "kind = \"magic\"", "magic"),
            ("deny = [\"third\"]", "deny = []", "line 9: no-third-party: `deny` is empty"),
            ("deny = [\"third\"]", "deny = [\"fourth\"]", "\"fourth\" is none of"),
            ("id = \"no-shared-identifier\"", "id = \"no-third-party\"", "twice"),
            ("schema = 1", "schema = 1\ncolour = 2", "unknown field"),
            ("source = \"", "source = \"\" #", "has no source"),
            ("schema = 1", "schema = [[[[", "line 4"),
        ] {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            let error = Policy::parse(&text).unwrap_err();
            assert!(error.contains(reason), "{from}: {error}");
        }
    }
}
