//! Which findings of cases rest on facts that have changed since, and an erratum that says so.

use super::Failure;
use crate::attribution::Signatures;
use crate::attribution::fact::{FactRef, Table, facts};
use crate::attribution::legal::{Legal, LegalFact};
use crate::base::text::{hex, safe};
use crate::case::{layout, tree};
use anyhow::anyhow;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Largest findings that are read, bytes.
const FINDINGS_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A case, or what `phonehome analyze --json` wrote.
pub struct Sealed {
    /// As it is spoken of.
    pub name: String,
    /// Of the findings' bytes.
    sha256: String,
    snapshot: Value,
}

/// One fact that is not what it was, and what rests on it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    /// Whose or what it is.
    pub what: String,
    /// What became of it.
    pub became: Vec<String>,
    /// Findings that rest on it: key, id and sentence.
    pub findings: Vec<String>,
}

impl Sealed {
    /// Reads the findings of a sealed case, or a file with them.
    pub fn read(path: &Path) -> Result<Sealed, Failure> {
        let file = match path.is_dir() {
            true => layout::parts(path).join("findings.json"),
            false => path.to_owned(),
        };
        let unreadable = |reason: String| Failure {
            error: anyhow!("{}: {reason}", safe(file.to_string_lossy().as_bytes())),
            code: 4,
        };
        let text = tree::text(&file, FINDINGS_BYTES_MAX).map_err(|error| match path.is_dir() {
            true => unreadable(format!("{error}; only a sealed case holds findings")),
            false => unreadable(error.to_string()),
        })?;
        let snapshot: Value =
            serde_json::from_str(&text).map_err(|error| unreadable(error.to_string()))?;
        if !snapshot.get("findings").is_some_and(Value::is_array) {
            return Err(unreadable("holds no findings".to_owned()));
        }
        let name = safe(path.to_string_lossy().as_bytes());
        Ok(Sealed { name, sha256: hex(&Sha256::digest(text.as_bytes())), snapshot })
    }

    /// What has changed of all that it rests on.
    pub fn changes(&self, signatures: &Signatures, legal: &Legal) -> Vec<Change> {
        let mut changes = Vec::new();
        for destination in array(&self.snapshot, "destinations") {
            for claim in array(destination, "claims") {
                let became = claim_now(claim, signatures, self.day());
                if !became.is_empty() {
                    let [name, pattern] = ["name", "pattern"].map(|key| text(claim, key));
                    let what = format!("{}: {pattern} of {name}", text(destination, "id"));
                    let findings = self.resting(&[pattern, name], Some(text(destination, "id")));
                    changes.push(Change { what: safe(what.as_bytes()), became, findings });
                }
            }
        }
        for jurisdiction in array(&self.snapshot, "jurisdictions") {
            let of_kind = ["access_laws", "decisions"].map(|kind| array(jurisdiction, kind));
            for old in of_kind.into_iter().flatten() {
                let became = law_now(old, legal, self.day());
                if !became.is_empty() {
                    let [id, title] = ["id", "title"].map(|key| text(old, key));
                    let what = format!("{}: {title} ({id})", text(jurisdiction, "country"));
                    // Legal facts stand beside findings; but for transfers, which are drawn from them.
                    let country = text(jurisdiction, "country");
                    let findings = self.transfers(country);
                    changes.push(Change { what: safe(what.as_bytes()), became, findings });
                }
            }
        }
        changes.sort();
        changes.dedup();
        changes
    }

    /// Day of the newest packet.
    fn day(&self) -> &str {
        let lasts = array(&self.snapshot, "inputs").filter_map(|input| input["last"].as_str());
        lasts.max().and_then(|last| last.get(..10)).unwrap_or_default()
    }

    /// Findings whose facts or sentence speak of these words, and are about this destination.
    fn resting(&self, words: &[&str], destination: Option<&str>) -> Vec<String> {
        let speaks = |finding: &Value| {
            let mut said =
                array(finding, "facts").map(|fact| text(fact, "text")).collect::<Vec<_>>();
            said.push(text(finding, "may_say"));
            let about = finding.pointer("/subject/destination").and_then(Value::as_str);
            let here = destination.is_none_or(|wanted| about == Some(wanted));
            here && said.iter().any(|said| words.iter().any(|word| said.contains(word)))
        };
        self.told(speaks)
    }

    fn transfers(&self, country: &str) -> Vec<String> {
        self.told(|finding| {
            let facts = array(finding, "facts").map(|fact| text(fact, "text"));
            text(finding, "id").starts_with("transfer.")
                && facts.into_iter().any(|text| text.contains(&format!(" in {country} ")))
        })
    }

    fn told(&self, wanted: impl Fn(&Value) -> bool) -> Vec<String> {
        let findings = array(&self.snapshot, "findings").filter(|finding| wanted(finding));
        let told = findings.map(|finding| {
            let [key, id, says] = ["key", "id", "may_say"].map(|key| text(finding, key));
            safe(format!("{key} {id}: {says}").as_bytes())
        });
        told.collect()
    }
}

/// What became of a claim; nothing where it is what it was.
fn claim_now(claim: &Value, signatures: &Signatures, day: &str) -> Vec<String> {
    let (id, pattern) = (text(claim, "signature"), text(claim, "pattern"));
    if let Some(disabled) = signatures.disabled().iter().find(|one| one.concerns(id, pattern)) {
        return vec![format!("disabled by the user: {}", safe(disabled.reason.as_bytes()))];
    }
    let Some(signature) = signatures.all().iter().find(|signature| signature.id == id) else {
        return vec!["the signature is not there any more".to_owned()];
    };
    let mut became = Vec::new();
    let of_claim = |fact: &FactRef<'_>| {
        let claims = matches!(fact.table, Table::Domain | Table::Network | Table::Flow);
        claims && fact.what == pattern
    };
    match facts(signature).into_iter().find(of_claim) {
        None => became.push("the fact is not there any more".to_owned()),
        Some(fact) => {
            if let Some(reason) = fact.withdrawn {
                became.push(format!("withdrawn: {}", safe(reason.as_bytes())));
            }
            if fact.valid_to.is_some_and(|to| to < day)
                || fact.valid_from.is_some_and(|at| at > day)
            {
                became.push(format!("does not hold on {day}"));
            }
            for (what, now) in [
                ("role", Some(fact.role.unwrap_or_default())),
                ("host_operator", fact.operator),
                ("region", fact.region),
                ("source", Some(fact.source)),
            ] {
                differs(what, claim.get(what).and_then(Value::as_str), now, &mut became);
            }
        }
    }
    differs("name", Some(text(claim, "name")), Some(&signature.name), &mut became);
    // That a source was read again changes nothing.
    let operator = serde_json::to_value(&signature.operator).unwrap_or_default();
    let ownership = serde_json::to_value(&signature.ownership).unwrap_or_default();
    for (what, now) in [("operator", operator), ("ownership", ownership)] {
        let (was, now) = (undated(claim.get(what)), undated(Some(&now)));
        let is_empty =
            |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        if was != now && !(is_empty(&was) && is_empty(&now)) {
            became.push(format!("{what} was {}, is {}", short(&was), short(&now)));
        }
    }
    became
}

/// What became of a legal fact.
fn law_now(old: &Value, legal: &Legal, day: &str) -> Vec<String> {
    let id = text(old, "id");
    let Some(now) = legal.fact.iter().find(|fact| fact.id == id) else {
        return vec!["the fact is not there any more".to_owned()];
    };
    let mut became = Vec::new();
    if !LegalFact::holds_on(now, day) {
        became.push(format!("does not hold on {day}"));
    }
    let now = serde_json::to_value(now).unwrap_or_default();
    let keys = old.as_object().into_iter().chain(now.as_object()).flat_map(|all| all.keys());
    let mut keys: Vec<&String> = keys.collect();
    keys.sort_unstable();
    keys.dedup();
    for key in keys.into_iter().filter(|key| *key != "checked") {
        let [was, is] = [old, &now].map(|fact| fact.get(key).cloned().unwrap_or_default());
        if was != is {
            became.push(format!("{key} was {}, is {}", short(&was), short(&is)));
        }
    }
    became
}

/// Without the day on which a source was read.
fn undated(value: Option<&Value>) -> Value {
    let mut value = value.cloned().unwrap_or_default();
    let forget = |value: &mut Value| {
        if let Some(fact) = value.as_object_mut() {
            fact.remove("checked");
        }
    };
    match &mut value {
        Value::Array(all) => all.iter_mut().for_each(forget),
        one => forget(one),
    }
    value
}

fn differs(what: &str, was: Option<&str>, is: Option<&str>, became: &mut Vec<String>) {
    let [was, is] = [was, is].map(Option::unwrap_or_default);
    if was != is {
        let [was, is] = [was, is].map(|text| match text {
            "" => "not said".to_owned(),
            text => format!("{:?}", safe(text.as_bytes())),
        });
        became.push(format!("{what} was {was}, is {is}"));
    }
}

fn short(value: &Value) -> String {
    match value {
        Value::Null => "not established".to_owned(),
        value => safe(value.to_string().as_bytes()),
    }
}

fn array<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> + use<'v> {
    value.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The text of an erratum about all of them; the same bytes for the same cases and signatures.
pub fn erratum(cases: &[(Sealed, Vec<Change>)], signatures: &Signatures) -> String {
    let mut out = String::from(
        "# Erratum\n\nFacts that findings of these cases rest on have changed since, or were withdrawn. \
         What was recorded stands; what is told of whose it is, or under which law, is corrected as \
         follows.\n",
    );
    // Writing to a string cannot fail.
    let _ = writeln!(out, "\nSignatures now: SHA-256 {}.", signatures.sha256());
    for (case, changes) in cases.iter().filter(|(_, changes)| !changes.is_empty()) {
        let _ = write!(out, "\n## {}\n\nFindings: SHA-256 {}", case.name, case.sha256);
        let sealed = case.snapshot.pointer("/coverage/signatures/sha256").and_then(Value::as_str);
        if let Some(sealed) = sealed {
            let _ = write!(out, "; signatures then: SHA-256 {}", safe(sealed.as_bytes()));
        }
        out.push_str(".\n");
        for Change { what, became, findings } in changes {
            let _ = writeln!(out, "\n- {what}");
            for line in became {
                let _ = writeln!(out, "  - {line}");
            }
            for finding in findings {
                let _ = writeln!(out, "  - concerns finding {finding}");
            }
            if findings.is_empty() {
                out.push_str("  - concerns no finding, only what stands beside them\n");
            }
        }
    }
    out
}

/// Cases as they are given on the command line.
pub fn read_all(paths: &[PathBuf]) -> Result<Vec<Sealed>, Failure> {
    paths.iter().map(|path| Sealed::read(path)).collect()
}
