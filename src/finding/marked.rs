//! What checks share that count the flows bearing one kind of evidence.

use super::{Draft, Fact, View, capped};
use crate::attribution::ledger::{Evidence, Mark, Row};
use crate::attribution::world::{Contact, Level};

/// Facts that differ, named by one finding.
const FACTS_MAX: usize = 16;

impl Draft {
    /// A draft about every flow of the contact with evidence of this kind, told by `tell`, which
    /// may pass over a piece. Nothing where no flow bears any.
    pub(super) fn marked(
        view: &View<'_>,
        contact: &Contact,
        mark: Mark,
        does_not_show: &'static [&'static str],
        tell: impl Fn(&Row, &Evidence) -> Option<String>,
    ) -> Option<Draft> {
        let mut draft = Draft::new(Level::Shown, does_not_show);
        for (index, row) in view.rows(contact) {
            let of_kind = row.evidence.iter().filter(|evidence| evidence.mark == mark);
            let mut told = false;
            for evidence in of_kind {
                let Some(text) = tell(row, evidence) else { continue };
                told = true;
                draft.cites.push(evidence.cite);
                let known = draft.facts.iter().any(|fact| fact.text == text);
                if !known && draft.facts.len() < FACTS_MAX {
                    draft.facts.push(Fact::new(text, evidence.cite.frame));
                }
            }
            if told {
                draft.traffic.push((index, Some(mark)));
                draft.level = draft.level.max(capped(Level::Shown, row));
            }
        }
        (!draft.traffic.is_empty()).then_some(draft)
    }
}
