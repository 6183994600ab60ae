//! Facts that two places state: only one of them could ever win.

use super::{File, Problem};
use crate::attribution::fact::{FactRef, Table, facts};
use std::collections::BTreeMap;

/// A fact, told apart as look-up does it.
type Key<'a> = (Table, Option<&'static str>, String);

/// Every repetition, told at its later place.
pub fn problems(files: &[File]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut ids: BTreeMap<&str, &File> = BTreeMap::new();
    let mut seen: BTreeMap<Key<'_>, Vec<(&File, FactRef<'_>)>> = BTreeMap::new();
    for file in files {
        let id = file.signature.id.as_str();
        if let Some(other) = ids.insert(id, file) {
            let reason = format!("the id {id:?} is that of {} too", other.path.display());
            problems.push(file.problem(1, reason));
        }
        for fact in facts(&file.signature) {
            let says_whose = !matches!(fact.table, Table::Operator | Table::Ownership);
            if !says_whose || fact.withdrawn.is_some() {
                continue;
            }
            let what = fact.what.to_lowercase();
            let key = (fact.table, fact.matching.map(super::super::signature::Match::name), what);
            let others = seen.entry(key).or_default();
            if let Some((other, first)) = others.iter().find(|(_, other)| meet(other, &fact)) {
                let reason = format!(
                    "{}: is there already, in {}:{}",
                    fact.what,
                    other.path.display(),
                    other.lines.at(first)
                );
                problems.push(file.problem(file.lines.at(&fact), reason));
            }
            others.push((file, fact));
        }
    }
    problems
}

/// Whether two facts hold on the same day.
fn meet(a: &FactRef<'_>, b: &FactRef<'_>) -> bool {
    let ends_before = |a: &FactRef<'_>, b: &FactRef<'_>| {
        a.valid_to.is_some_and(|to| b.valid_from.is_some_and(|from| to < from))
    };
    !ends_before(a, b) && !ends_before(b, a)
}
