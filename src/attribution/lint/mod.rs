//! What must be right before a signature ships: the rules of `signatures/README.md`, also those
//! that loading alone does not enforce. Every problem names file, line and reason, and all of
//! them are told, not only the first.

mod broad;
mod examples;
mod line;
mod twice;

pub use examples::{Failed, Tried, try_examples};

use super::fact::{FactRef, facts};
use super::legal::Legal;
use super::signature::{Signature, check, is_date, sourced};
use line::Lines;
use std::fmt;
use std::path::{Path, PathBuf};

/// Examples that a file needs of each kind.
const EXAMPLES_MIN: usize = 2;
/// The country of head offices that are made up.
const FICTIONAL_COUNTRY: &str = "XX";

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file.
    pub path: PathBuf,
    /// Its line, from 1.
    pub line: usize,
    /// What is wrong there.
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Problem { path, line, reason } = self;
        write!(out, "{}:{line}: {reason}", path.display())
    }
}

/// A file that could be read, with the lines of its facts.
struct File {
    path: PathBuf,
    signature: Signature,
    lines: Lines,
}

impl File {
    fn problem(&self, line: usize, reason: String) -> Problem {
        Problem { path: self.path.clone(), line, reason }
    }
}

/// What was looked at, and what was found.
pub struct Report {
    /// Files that could be read.
    pub files: usize,
    /// Their facts.
    pub facts: usize,
    /// The day against which facts were judged.
    pub as_of: String,
    /// Everything that is wrong, in the order of files and lines.
    pub problems: Vec<Problem>,
}

/// Looks at the text of files. `as_of` is a date; without one the newest `checked` of all facts
/// counts, so that the result depends on nothing but the files.
#[must_use]
pub fn lint(texts: &[(PathBuf, String)], legal: &Legal, as_of: Option<&str>) -> Report {
    let mut files = Vec::new();
    let mut problems = Vec::new();
    for (path, text) in texts {
        match read(path, text) {
            Ok(file) => files.push(file),
            Err(problem) => problems.push(problem),
        }
    }
    files.sort_by(|a: &File, b: &File| a.path.cmp(&b.path));
    let newest = files.iter().filter_map(|file| newest(&file.signature)).max().unwrap_or_default();
    let as_of = as_of.map_or_else(|| newest.to_owned(), str::to_owned);
    for file in &files {
        problems.extend(alone(file, &as_of));
        problems.extend(jurisdiction(file, legal));
    }
    problems.extend(broad::tenants(&files));
    problems.extend(twice::problems(&files));
    problems.sort();
    problems.dedup();
    let facts = files.iter().map(|file| facts(&file.signature).len()).sum();
    Report { files: files.len(), facts, as_of, problems }
}

/// Latest day on which a source of a file was read.
#[must_use]
pub fn newest(signature: &Signature) -> Option<&str> {
    facts(signature).iter().map(|fact| fact.checked).filter(|day| is_date(day)).max()
}

fn read(path: &Path, text: &str) -> Result<File, Problem> {
    let signature: Signature = toml::from_str(text).map_err(|error| Problem {
        path: path.to_owned(),
        line: error.span().map_or(1, |span| line::of(text, span.start)),
        reason: error.message().to_owned(),
    })?;
    Ok(File { path: path.to_owned(), signature, lines: Lines::of(text) })
}

/// Problems that a file has whatever the others say.
fn alone(file: &File, as_of: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut told = false;
    let mut tell = |line: usize, reason: String| problems.push(file.problem(line, reason));
    for fact in facts(&file.signature) {
        let line = file.lines.at(&fact);
        for reason in wrong(&fact, as_of) {
            tell(line, format!("{}: {reason}", fact.what));
            told = true;
        }
    }
    // What loading refuses, where it is not a fact of which something was said already.
    if !told && let Err(reason) = check(&file.signature, &file.path) {
        let about = facts(&file.signature).into_iter().find(|fact| {
            reason.strip_prefix(&*fact.what).is_some_and(|rest| rest.starts_with(':'))
        });
        tell(about.map_or(1, |fact| file.lines.at(&fact)), reason);
    }
    let all = &file.signature.example;
    let matching = all.iter().filter(|example| example.matches).count();
    for (count, what) in [(matching, "names that match"), (all.len() - matching, "near misses")] {
        if count < EXAMPLES_MIN {
            tell(1, format!("has {count} {what} among its examples, needs {EXAMPLES_MIN}"));
        }
    }
    problems
}

/// What is wrong with one fact.
fn wrong(fact: &FactRef<'_>, as_of: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Err(reason) = sourced("", fact.source) {
        reasons.push(reason.trim_start_matches(": ").to_owned());
    } else if is_memory(fact.source) {
        reasons.push("memory is no source that others can read".to_owned());
    }
    for (word, day) in [("valid_from", fact.valid_from), ("valid_to", fact.valid_to)] {
        if day.is_some_and(|day| !is_date(day)) {
            reasons.push(format!("{word} is not YYYY-MM-DD"));
        }
    }
    if !is_date(fact.checked) {
        reasons.push("checked is not YYYY-MM-DD".to_owned());
    }
    if let (Some(from), Some(to)) = (fact.valid_from, fact.valid_to)
        && from > to
    {
        reasons.push(format!("holds from {from} to {to}, which is never"));
    }
    if let Some(to) = fact.valid_to
        && to < as_of
        && fact.withdrawn.is_none()
        && fact.note.is_none()
    {
        reasons.push(format!(
            "expired on {to}; look again, or say in `note` what ended it (old captures need it)"
        ));
    }
    if fact.withdrawn.is_some_and(|why| why.trim().is_empty()) {
        reasons.push("is withdrawn without a reason".to_owned());
    }
    reasons
}

fn is_memory(source: &str) -> bool {
    let source = source.trim().to_lowercase();
    matches!(source.as_str(), "memory" | "mem" | "[mem]" | "unknown" | "todo" | "tbd" | "?")
}

/// A head office whose law nobody has written anything about.
fn jurisdiction(file: &File, legal: &Legal) -> Option<Problem> {
    let operator = file.signature.operator.as_ref()?;
    let office = operator.head_office.as_deref()?;
    if legal.is_covered(office) || file.signature.fictional && office == FICTIONAL_COUNTRY {
        return None;
    }
    let line = facts(&file.signature).first().map_or(1, |fact| file.lines.at(fact));
    let reason = format!(
        "head office {office}: legal.toml has neither an access law nor `not_researched` for it"
    );
    Some(file.problem(line, reason))
}

#[cfg(test)]
mod tests;
