//! Which clauses a plan of an experiment leaves open, said before a week is spent on it.

use super::{Mapping, Standard};
use crate::plan::{Plan, span};

/// A clause that the plan cannot answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unanswered {
    /// The standard's id.
    pub standard: String,
    /// The clause's.
    pub clause: String,
    /// What it is about, in our words.
    pub says: String,
    /// What the plan lacks.
    pub lacks: Vec<String>,
}

/// Clauses that traffic can speak to, but not that which is recorded by this plan; and how many there
/// are to which no traffic can.
#[must_use]
pub fn unanswered(standards: &[Standard], plan: &Plan) -> (Vec<Unanswered>, usize) {
    let (mut open, mut blind) = (Vec::new(), 0);
    for standard in standards {
        for clause in &standard.clause {
            if clause.can.is_empty() {
                blind += 1;
                continue;
            }
            let lacks = lacks(clause, plan);
            if !lacks.is_empty() {
                open.push(Unanswered {
                    standard: standard.id.clone(),
                    clause: clause.id.clone(),
                    says: clause.says.clone(),
                    lacks,
                });
            }
        }
    }
    (open, blind)
}

fn lacks(clause: &Mapping, plan: &Plan) -> Vec<String> {
    let mut lacks = Vec::new();
    if let Some(phase) = &clause.phase
        && !plan.steps.iter().any(|step| step.phase == *phase)
    {
        lacks.push(format!("no phase {phase}"));
    }
    let least = u64::from(clause.min_hours.unwrap_or(0)) * 60;
    if plan.minutes() < least {
        lacks.push(format!("{} in all at least", span(least)));
    }
    lacks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::find;

    #[test]
    fn a_short_plan_leaves_clauses_open_that_a_long_one_answers() {
        let standards = crate::standard::shipped().unwrap();
        let of = |plan: &str| unanswered(&standards, &find(plan).unwrap());
        let (hour, blind) = of("camera-hour");
        let (week, same) = of("camera-week");
        assert!(blind > 0 && blind == same, "no plan makes them visible");
        assert!(week.len() < hour.len(), "{} of {}", week.len(), hour.len());
        let outage = hour.iter().find(|open| open.lacks.contains(&"no phase outage".to_owned()));
        assert!(outage.is_some(), "{hour:?}");
        let longer =
            hour.iter().flat_map(|open| &open.lacks).any(|lack| lack.ends_with("at least"));
        assert!(longer, "{hour:?}");
    }
}
