//! Analyses a sealed case again: the same knowledge must give the same bytes, newer knowledge is
//! told apart from a fault by what it changed.

use super::handled::Journal;
use super::{check_is_case, findings, say, shown};
use crate::base::text::safe;
use crate::case::{layout, tree};
use crate::cli::Failure;
use crate::cli::knowledge::Knowledge;
use crate::cli::work::Run;
use clap::Args;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Largest findings that are read, bytes.
const FINDINGS_BYTES_MAX: u64 = 256 * 1024 * 1024;

#[derive(Debug, Args)]
pub struct Reanalyse {
    /// Folder of the sealed case
    #[arg(value_name = "DIR")]
    case: PathBuf,
    #[command(flatten)]
    run: Run,
    #[command(flatten)]
    knowledge: Knowledge,
    #[command(flatten)]
    journal: Journal,
}

pub(super) fn run(args: &Reanalyse) -> Result<u8, Failure> {
    let case = &args.case;
    check_is_case(case)?;
    if !layout::is_sealed(case) {
        let error = anyhow::anyhow!("{}: is not sealed, so it holds no findings", shown(case));
        return Err(Failure { error, code: 4 });
    }
    let path = layout::parts(case).join("findings.json");
    let unreadable =
        |reason: String| Failure { error: anyhow::anyhow!("{}: {reason}", shown(&path)), code: 4 };
    let sealed =
        tree::text(&path, FINDINGS_BYTES_MAX).map_err(|error| unreadable(error.to_string()))?;
    let signer = args.journal.open()?;
    let now = findings::of(case, &args.run, &args.knowledge)?;
    args.journal.add(signer.as_ref(), case, "analyse", super::TOOL)?;
    if sealed.as_bytes() == now {
        say("the same, byte for byte")?;
        return Ok(0);
    }
    let [sealed, now] = [sealed.as_bytes(), &now].map(serde_json::from_slice::<Value>);
    let sealed = sealed.map_err(|error| unreadable(error.to_string()))?;
    let now = now.map_err(anyhow::Error::from)?;
    let known = knowledge(&sealed, &now);
    for line in known.iter().chain(&changes(&sealed, &now)) {
        say(&safe(line.as_bytes()))?;
    }
    if known.is_empty() {
        let error = anyhow::anyhow!(
            "{}: program, signatures and databases are those that it was sealed with, but not the \
             findings",
            shown(case)
        );
        return Err(Failure { error, code: 5 });
    }
    Ok(0)
}

/// What is known now and was not when the case was sealed, or the other way.
fn knowledge(sealed: &Value, now: &Value) -> Vec<String> {
    let parts = [
        ("program", "/tool/version"),
        ("signatures", "/coverage/signatures/sha256"),
        ("databases", "/coverage/databases"),
        ("hardware address registry", "/coverage/oui"),
    ];
    let differs = parts.iter().filter(|(_, at)| sealed.pointer(at) != now.pointer(at));
    differs
        .map(|(what, at)| {
            let text = |value: &Value| value.pointer(at).map_or_else(String::new, Value::to_string);
            format!("{what}: {} -> {}", text(sealed), text(now))
        })
        .collect()
}

/// What became of each finding.
fn changes(sealed: &Value, now: &Value) -> Vec<String> {
    let [sealed, now] = [sealed, now].map(by_key);
    let mut lines = Vec::new();
    for (key, old) in &sealed {
        match now.get(key) {
            None => lines.push(format!("gone     {}", named(old))),
            Some(new) if new == old => {}
            Some(new) => {
                let fields = fields(old, new).join(", ");
                lines.push(format!("changed  {}: {fields}", named(new)));
            }
        }
    }
    let new = now.iter().filter(|(key, _)| !sealed.contains_key(*key));
    lines.extend(new.map(|(_, new)| format!("new      {}", named(new))));
    if lines.is_empty() {
        lines.push("findings: the same; what differs is around them".to_owned());
    }
    lines
}

fn by_key(snapshot: &Value) -> BTreeMap<&str, &Value> {
    let findings = snapshot.get("findings").and_then(Value::as_array);
    findings
        .into_iter()
        .flatten()
        .filter_map(|finding| Some((finding.get("key")?.as_str()?, finding)))
        .collect()
}

fn named(finding: &Value) -> String {
    let text = |field: &str| finding.get(field).and_then(Value::as_str).unwrap_or("?");
    format!("{} {}: {}", text("key"), text("id"), text("may_say"))
}

/// The fields in which two findings differ.
fn fields(old: &Value, new: &Value) -> Vec<String> {
    let names = |value: &Value| -> Vec<String> {
        value.as_object().map(|all| all.keys().cloned().collect()).unwrap_or_default()
    };
    let mut all = names(old);
    all.extend(names(new));
    all.sort_unstable();
    all.dedup();
    all.retain(|name| old.get(name) != new.get(name));
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_changed_is_told_by_finding() {
        let finding = |key: &str, level: &str| json!({"key": key, "id": "tls.old", "may_say": "Says so.", "level": level});
        let sealed = json!({"tool": {"version": "1"}, "coverage": {"oui": "a"},
            "findings": [finding("a", "shown"), finding("b", "shown")]});
        let now = json!({"tool": {"version": "2"}, "coverage": {"oui": "a"},
            "findings": [finding("b", "inferred"), finding("c", "shown")]});
        assert_eq!(knowledge(&sealed, &now), ["program: \"1\" -> \"2\""]);
        assert_eq!(
            changes(&sealed, &now),
            [
                "gone     a tls.old: Says so.",
                "changed  b tls.old: Says so.: level",
                "new      c tls.old: Says so."
            ]
        );
        assert!(knowledge(&sealed, &sealed).is_empty());
        assert_eq!(changes(&sealed, &sealed).len(), 1);
    }
}
