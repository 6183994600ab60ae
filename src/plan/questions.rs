//! Which questions a plan can answer, said before a week is spent on it.

use super::{Control, Plan, Step};

/// A question that a laboratory asks of a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The question.
    pub asks: &'static str,
    /// What the plan lacks to answer it; empty where nothing.
    pub lacks: Vec<String>,
}

/// What one question needs.
struct Needs {
    asks: &'static str,
    /// Phases with the least minutes of each, all together.
    phases: &'static [(&'static str, u64)],
    /// Phases of which a control is needed.
    controls: &'static [(&'static str, Control)],
    /// Least minutes of the whole.
    minutes: u64,
}

const NEEDS: [Needs; 11] = [
    Needs {
        asks: "What does it send before anybody has agreed to anything?",
        phases: &[("factory", 5)],
        controls: &[],
        minutes: 0,
    },
    Needs {
        asks: "Whom does it call when it starts, and by which names and resolvers?",
        phases: &[("power-on", 5)],
        controls: &[],
        minutes: 0,
    },
    Needs {
        asks: "What does registration tell the vendor?",
        phases: &[("setup", 5)],
        controls: &[],
        minutes: 0,
    },
    Needs {
        asks: "Does it send while nobody uses it, and how much?",
        phases: &[("idle", 10)],
        controls: &[],
        minutes: 0,
    },
    Needs {
        asks: "Are uploads in idle caused by what the lens sees?",
        phases: &[("idle", 20)],
        controls: &[("idle", Control::Negative)],
        minutes: 0,
    },
    Needs {
        asks: "Does motion start an upload?",
        phases: &[("motion", 5), ("idle", 5)],
        controls: &[("motion", Control::Positive)],
        minutes: 0,
    },
    Needs {
        asks: "Where does live video go when it is watched, and does it stop afterwards?",
        phases: &[("use", 5), ("after", 5)],
        controls: &[("use", Control::Positive)],
        minutes: 0,
    },
    Needs {
        asks: "How does firmware reach it, and is that protected?",
        phases: &[("update", 5)],
        controls: &[],
        minutes: 0,
    },
    Needs {
        asks: "What does it try when its cloud is not reachable, and send again afterwards?",
        phases: &[("outage", 15), ("after", 15)],
        controls: &[],
        minutes: 0,
    },
    Needs {
        asks: "Does a reset end its ties to the account?",
        phases: &[("reset", 10)],
        controls: &[],
        minutes: 0,
    },
    Needs {
        asks: "Are there reports once a day?",
        phases: &[("idle", 2 * 1440)],
        controls: &[],
        minutes: 3 * 1440,
    },
];

/// Says of every question whether the plan can answer it.
#[must_use]
pub fn check(plan: &Plan) -> Vec<Question> {
    let question = |needs: &Needs| Question { asks: needs.asks, lacks: lacks(plan, needs) };
    NEEDS.iter().map(question).collect()
}

fn lacks(plan: &Plan, needs: &Needs) -> Vec<String> {
    let mut lacks = Vec::new();
    for &(phase, least) in needs.phases {
        let of_phase = plan.steps.iter().filter(|step: &&Step| step.phase == phase);
        let minutes: u64 = of_phase.map(|step| step.minutes).sum();
        if minutes < least {
            lacks.push(match minutes {
                0 => format!("no phase {phase}"),
                _ => format!("{phase} for {} at least", super::span(least)),
            });
        }
    }
    for &(phase, control) in needs.controls {
        let has = |step: &Step| step.phase == phase && step.control == Some(control);
        if !plan.steps.iter().any(has) {
            lacks.push(format!("no {} control in {phase}", control.name()));
        }
    }
    if plan.minutes() < needs.minutes {
        lacks.push(format!("{} in all at least", super::span(needs.minutes)));
    }
    lacks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_cannot_answer_what_takes_days() {
        let plans = super::super::built_in().unwrap();
        let open = |name: &str| -> Vec<&str> {
            let plan = plans.iter().find(|plan| plan.name == name).unwrap();
            let all = check(plan);
            all.into_iter().filter(|q| !q.lacks.is_empty()).map(|q| q.asks).collect()
        };
        assert_eq!(open("camera-week"), Vec::<&str>::new());
        let hour = open("camera-hour");
        assert_eq!(hour.len(), 4, "{hour:?}");
        assert!(hour.contains(&"Are there reports once a day?"));
    }

    #[test]
    fn a_missing_control_is_named() {
        let mut plan = super::super::find("camera-hour").unwrap();
        plan.steps.iter_mut().for_each(|step| step.control = None);
        let all = check(&plan);
        let idle = all.iter().find(|question| question.asks.contains("lens")).unwrap();
        assert_eq!(idle.lacks, ["no negative control in idle"]);
    }
}
