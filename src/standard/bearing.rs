//! Which clauses each finding bears on: the other way round of what stands beside the clauses.

use super::verdict::Verdict;
use super::{Mapping, Standard};
use crate::base::table::Map;
use crate::finding::{Bearing, Finding};
use std::collections::BTreeMap;
use std::sync::Arc;

/// See the module.
#[derive(Default)]
pub(super) struct Bearings<'a> {
    /// Standard and clause, in the order in which they are judged.
    clauses: Vec<[Arc<str>; 2]>,
    /// Positions of clauses with their verdicts, by key of the finding.
    by_key: Map<&'a str, Vec<(usize, Verdict)>>,
}

impl<'a> Bearings<'a> {
    /// The clause that is judged next.
    pub fn next(&mut self, standard: &Standard, mapping: &Mapping) {
        let id = match self.clauses.last() {
            Some([last, _]) if **last == *standard.id => last.clone(),
            _ => standard.id.as_str().into(),
        };
        self.clauses.push([id, mapping.id.as_str().into()]);
    }

    /// A finding bears on the clause that is judged.
    pub fn add(&mut self, finding: &'a Finding, verdict: Verdict) {
        let of_finding = self.by_key.entry(&finding.key).or_default();
        let clause = self.clauses.len() - 1;
        // A finding may stand on more than one side of a clause.
        if of_finding.last().is_none_or(|&(last, _)| last != clause) {
            of_finding.push((clause, verdict));
        }
    }

    /// What each finding bears on, in their order. Those that bear on the same share it: there may
    /// be as many findings as contacts.
    pub fn of(self, findings: &[Finding]) -> Vec<Arc<[Bearing]>> {
        let mut shared: BTreeMap<&[(usize, Verdict)], Arc<[Bearing]>> = BTreeMap::new();
        let each = findings.iter().map(|finding| {
            let wanted = self.by_key.get(finding.key.as_str()).map_or(&[][..], Vec::as_slice);
            let bearing = |&(clause, verdict): &(usize, Verdict)| {
                let [standard, clause] = self.clauses[clause].clone();
                Bearing { standard, clause, verdict: verdict.name() }
            };
            let known = shared.entry(wanted);
            known.or_insert_with(|| wanted.iter().map(bearing).collect()).clone()
        });
        each.collect()
    }
}
