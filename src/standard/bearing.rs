//! Which clauses each finding bears on: the other way round of what stands beside the clauses.

use super::verdict::Verdict;
use super::{Mapping, Standard};
use crate::base::table::Map;
use crate::finding::{Bearing, Finding};
use std::collections::BTreeMap;
use std::sync::Arc;

/// See the module.
pub(super) struct Bearings {
    /// Standard and clause, in the order in which they are judged.
    clauses: Vec<[Arc<str>; 2]>,
    /// By position of the finding, that of the first with the same key.
    firsts: Vec<usize>,
    /// Positions of clauses with their verdicts, by position of the first finding with a key.
    verdicts: Vec<Vec<(usize, Verdict)>>,
}

impl Bearings {
    /// Of no clause yet.
    pub fn new(findings: &[Finding]) -> Bearings {
        let mut known: Map<&str, usize> = Map::default();
        known.reserve(findings.len());
        let firsts = findings.iter().enumerate();
        let firsts = firsts.map(|(at, finding)| *known.entry(&*finding.key).or_insert(at));
        Bearings {
            clauses: Vec::new(),
            firsts: firsts.collect(),
            verdicts: vec![Vec::new(); findings.len()],
        }
    }

    /// The clause that is judged next.
    pub fn next(&mut self, standard: &Standard, mapping: &Mapping) {
        let id = match self.clauses.last() {
            Some([last, _]) if **last == *standard.id => last.clone(),
            _ => standard.id.as_str().into(),
        };
        self.clauses.push([id, mapping.id.as_str().into()]);
    }

    /// A finding bears on the clause that is judged.
    pub fn add(&mut self, finding: usize, verdict: Verdict) {
        let of_finding = &mut self.verdicts[self.firsts[finding]];
        let clause = self.clauses.len() - 1;
        // A finding may stand on more than one side of a clause.
        if of_finding.last().is_none_or(|&(last, _)| last != clause) {
            of_finding.push((clause, verdict));
        }
    }

    /// What each finding bears on, in their order. Those that bear on the same share it: there may
    /// be as many findings as contacts.
    pub fn all(self) -> Vec<Arc<[Bearing]>> {
        let mut shared: BTreeMap<&[(usize, Verdict)], Arc<[Bearing]>> = BTreeMap::new();
        let each = self.firsts.iter().map(|&first| {
            let wanted = self.verdicts[first].as_slice();
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
