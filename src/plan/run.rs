//! Carries a plan out: says when a phase begins, and what the operator is asked.

use super::Plan;
use std::time::Duration;

/// How long an unanswered question holds a plan up.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// Ask the operator, or ask nothing any more.
    Ask(Option<String>),
    /// Note a moment.
    Mark(String),
    /// A phase begins.
    Phase(String),
    /// The plan is over.
    End,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// The step has not been looked at.
    Before,
    /// The operator was asked at this time.
    Asked(Duration),
    /// The step lasts since this time.
    Lasts(Duration),
    Over,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Run {
    plan: Plan,
    step: usize,
    state: State,
}

impl Run {
    /// From the beginning.
    #[must_use]
    pub fn new(plan: Plan) -> Run {
        Run { plan, step: 0, state: State::Before }
    }

    /// What is to be done so long after the beginning; `answer` is what the operator answered since
    /// this was asked last.
    pub fn tick(&mut self, elapsed: Duration, answer: Option<&str>) -> Vec<Say> {
        let mut says = Vec::new();
        let mut answer = answer;
        // Each round ends a state that is over, and goes on to the next.
        loop {
            let Some(step) = self.plan.steps.get(self.step) else {
                if self.state != State::Over {
                    self.state = State::Over;
                    says.push(Say::End);
                }
                return says;
            };
            match self.state {
                State::Before => match &step.ask {
                    Some(text) => {
                        says.push(Say::Ask(Some(text.clone())));
                        self.state = State::Asked(elapsed);
                    }
                    None => self.begin(elapsed, &mut says),
                },
                State::Asked(since) => {
                    let asked = step.ask.clone().unwrap_or_default();
                    match answer.take() {
                        Some("") => says.push(Say::Mark(format!("done: {asked}"))),
                        Some(text) => says.push(Say::Mark(format!("done: {asked} Answer: {text}"))),
                        None if elapsed.saturating_sub(since) >= PATIENCE => {
                            says.push(Say::Mark(format!("not answered: {asked}")));
                        }
                        None => return says,
                    }
                    says.push(Say::Ask(None));
                    self.begin(elapsed, &mut says);
                }
                State::Lasts(since) => {
                    let lasts = Duration::from_secs(step.minutes * 60);
                    if elapsed.saturating_sub(since) < lasts {
                        return says;
                    }
                    self.step += 1;
                    self.state = State::Before;
                }
                State::Over => return says,
            }
        }
    }

    fn begin(&mut self, elapsed: Duration, says: &mut Vec<Say>) {
        let step = &self.plan.steps[self.step];
        says.push(Say::Phase(step.phase.clone()));
        if let Some(control) = step.control {
            says.push(Say::Mark(format!("{} control", control.name())));
        }
        self.state = State::Lasts(elapsed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Control, Step};
    use super::*;

    fn minutes(count: u64) -> Duration {
        Duration::from_secs(count * 60)
    }

    fn run() -> Run {
        let step = |phase: &str, ask: Option<&str>, control| Step {
            phase: phase.to_owned(),
            minutes: 5,
            ask: ask.map(str::to_owned),
            control,
        };
        Run::new(Plan {
            name: "test".to_owned(),
            title: String::new(),
            steps: vec![
                step("power-on", None, None),
                step("idle", Some("Cover the lens."), Some(Control::Negative)),
            ],
        })
    }

    #[test]
    fn asks_waits_for_the_answer_and_ends() {
        let mut run = run();
        assert_eq!(run.tick(minutes(0), None), [Say::Phase("power-on".to_owned())]);
        assert_eq!(run.tick(minutes(4), None), []);
        assert_eq!(run.tick(minutes(5), None), [Say::Ask(Some("Cover the lens.".to_owned()))]);
        assert_eq!(run.tick(minutes(7), None), []);
        let says = run.tick(minutes(8), Some(""));
        assert_eq!(
            says,
            [
                Say::Mark("done: Cover the lens.".to_owned()),
                Say::Ask(None),
                Say::Phase("idle".to_owned()),
                Say::Mark("negative control".to_owned()),
            ]
        );
        assert_eq!(run.tick(minutes(12), None), []);
        assert_eq!(run.tick(minutes(13), None), [Say::End]);
        assert_eq!(run.tick(minutes(20), None), []);
    }

    #[test]
    fn goes_on_without_an_answer_and_says_so() {
        let mut run = run();
        run.tick(minutes(0), None);
        run.tick(minutes(5), None);
        assert_eq!(run.tick(minutes(19), None), []);
        let says = run.tick(minutes(20), None);
        assert_eq!(says[0], Say::Mark("not answered: Cover the lens.".to_owned()));
        assert_eq!(says[2], Say::Phase("idle".to_owned()));
    }
}
