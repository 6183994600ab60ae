//! Plans of experiments: phases in time, what the operator is asked to do in each, and controls: a
//! positive one shows that an effect would be seen, a negative one that it has no other cause.

mod questions;
mod run;

use crate::base::file::{self, FileError};
use crate::source::PHASES;
use serde::Deserialize;
use std::path::{Path, PathBuf};

pub use questions::{Question, check};
pub use run::{Run, Say};

/// Longest plan: as many minutes as two years have.
const MINUTES_MAX: u64 = 2 * 366 * 24 * 60;
/// Most steps of a plan.
const STEPS_MAX: usize = 1000;
/// Largest file that is read, bytes.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Plans that are part of the program.
const BUILT_IN: [&str; 3] = [
    include_str!("built_in/camera-hour.toml"),
    include_str!("built_in/camera-week.toml"),
    include_str!("built_in/meter-week.toml"),
];

/// One plan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// Short, for the command line.
    pub name: String,
    /// What it is for.
    #[serde(default)]
    pub title: String,
    /// In their order.
    #[serde(rename = "step")]
    pub steps: Vec<Step>,
}

/// One step of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The phase that it is: one of [`PHASES`].
    pub phase: String,
    /// How long it lasts, minutes; from the operator's answer on, where one is asked for.
    pub minutes: u64,
    /// What the operator is asked to do before it begins.
    #[serde(default)]
    pub ask: Option<String>,
    /// Whether it is a control.
    #[serde(default)]
    pub control: Option<Control>,
}

/// Kinds of control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Control {
    /// Something is done of which an effect is expected.
    Positive,
    /// What is looked for cannot happen, such as pictures behind a covered lens.
    Negative,
}

impl Control {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Control::Positive => "positive",
            Control::Negative => "negative",
        }
    }
}

/// A plan that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct PlanError {
    /// The file, or the name that was given.
    pub path: PathBuf,
    /// Why, with the line where there is one.
    pub reason: String,
}

/// The plans that are part of the program.
///
/// # Errors
/// Never but by a fault of the program.
pub fn built_in() -> Result<Vec<Plan>, PlanError> {
    BUILT_IN.iter().map(|text| parse(Path::new("built in"), text)).collect()
}

/// A plan that is part of the program, by its name, or one from a file.
///
/// # Errors
/// When there is none, or it cannot be used.
pub fn find(name: &str) -> Result<Plan, PlanError> {
    if let Some(plan) = built_in()?.into_iter().find(|plan| plan.name == name) {
        return Ok(plan);
    }
    let path = Path::new(name);
    let failed = |reason: String| PlanError { path: path.to_owned(), reason };
    let text = file::text(path, FILE_BYTES_MAX).map_err(|error| match error {
        FileError::Read { error, .. } => {
            failed(format!("{error}; `phonehome plan list` names those that are built in"))
        }
        FileError::Invalid { reason, .. } => failed(reason),
    })?;
    parse(path, &text)
}

fn parse(path: &Path, text: &str) -> Result<Plan, PlanError> {
    let failed = |reason: String| PlanError { path: path.to_owned(), reason };
    let plan: Plan = toml::from_str(text).map_err(|error| failed(error.to_string()))?;
    if plan.steps.is_empty() || plan.steps.len() > STEPS_MAX {
        return Err(failed(format!("a plan has 1 to {STEPS_MAX} steps")));
    }
    for (index, step) in plan.steps.iter().enumerate() {
        if !PHASES.contains(&step.phase.as_str()) {
            let known = PHASES.join(", ");
            return Err(failed(format!(
                "step {}: {:?} is no phase; phases are {known}",
                index + 1,
                step.phase
            )));
        }
        if step.minutes == 0 || step.minutes > MINUTES_MAX {
            return Err(failed(format!("step {}: minutes are 1 to {MINUTES_MAX}", index + 1)));
        }
    }
    if plan.minutes() > MINUTES_MAX {
        return Err(failed(format!("lasts longer than {MINUTES_MAX} minutes")));
    }
    Ok(plan)
}

impl Plan {
    /// How long it lasts, minutes, where every question is answered at once.
    #[must_use]
    pub fn minutes(&self) -> u64 {
        self.steps.iter().map(|step| step.minutes).sum()
    }
}

/// A span for people: `5 min`, `2 h`, `3 d`.
#[must_use]
pub fn span(minutes: u64) -> String {
    match minutes {
        0..120 => format!("{minutes} min"),
        120..2880 if minutes.is_multiple_of(60) => format!("{} h", minutes / 60),
        120..2880 => format!("{} h {} min", minutes / 60, minutes % 60),
        _ if minutes.is_multiple_of(1440) => format!("{} d", minutes / 1440),
        _ => format!("{} d {} h", minutes / 1440, minutes % 1440 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_plans_are_usable_and_named_once() {
        let plans = built_in().unwrap();
        let mut names: Vec<&str> = plans.iter().map(|plan| plan.name.as_str()).collect();
        assert_eq!(names, ["camera-hour", "camera-week", "meter-week"]);
        names.dedup();
        assert_eq!(names.len(), plans.len());
        assert_eq!(plans[0].minutes(), 60);
        let week = 7 * 24 * 60;
        for plan in &plans[1..] {
            assert!((week..week + 1440).contains(&plan.minutes()), "{}", span(plan.minutes()));
        }
    }

    #[test]
    fn says_what_is_wrong_with_a_plan() {
        let step = "name = \"x\"\n[[step]]\n";
        for (text, says) in [
            ("name = \"x\"\nstep = []", "1 to 1000 steps"),
            (&format!("{step}phase = \"asleep\"\nminutes = 1"), "\"asleep\" is no phase"),
            (&format!("{step}phase = \"idle\"\nminutes = 0"), "minutes are 1 to"),
            (&format!("{step}phase = \"idle\"\nminutes = 1\ncolour = 3"), "colour"),
            (&format!("{step}phase = \"idle\"\nminutes = -1"), "line 4"),
        ] {
            let error = parse(Path::new("p.toml"), text).unwrap_err().to_string();
            assert!(error.contains(says) && error.starts_with("p.toml: "), "{error}");
        }
        assert!(find("no-such-plan").unwrap_err().to_string().contains("plan list"));
    }

    #[test]
    fn spans_are_short() {
        let spans = [5, 90, 120, 150, 1440, 2880, 3000].map(span);
        assert_eq!(spans, ["5 min", "90 min", "2 h", "2 h 30 min", "24 h", "2 d", "2 d 2 h"]);
    }
}
