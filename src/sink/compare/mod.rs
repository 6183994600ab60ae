//! Recordings against recordings: what is new, gone or changed, and how far repeats alone differ.
//! It claims no more than the recordings allow: where one saw less, what it does not show is not
//! called gone.

mod page;
mod phased;
mod profile;
mod statistics;
mod terminal;

pub use page::page;
pub use phased::PhasedFlows;
pub use profile::{Key, Kind, Profile, is_one_device};
pub use terminal::write;

use crate::sink::messages::{line, msg, text};
use crate::snapshot::Tool;
use serde::Serialize;
use statistics::{holm, rank_sum};
use std::collections::BTreeSet;

/// Name and version of the JSON form.
pub const SCHEMA: &str = "phonehome.comparison/1";
/// With one recording a side, amounts that differ by less than this factor are only counted.
pub const FACTOR: f64 = 2.0;
/// A recording shorter than this part of the other cannot show that something is gone.
const LENGTH: f64 = 0.8;

/// Recordings of one state: a firmware, a region, a phase; repeats of each other.
#[derive(Debug, Clone, Serialize)]
pub struct Side {
    /// How it is spoken of.
    pub name: String,
    /// Its recordings.
    pub runs: Vec<Profile>,
}

/// See the module.
#[derive(Debug, Serialize)]
pub struct Comparison {
    /// [`SCHEMA`].
    pub schema: &'static str,
    /// What made this.
    pub tool: Tool,
    /// What amounts are.
    pub amounts: &'static str,
    /// What is compared, the first with each of the others.
    pub sides: Vec<Side>,
    /// One entry for each side but the first.
    pub pairs: Vec<Pair>,
}

/// Two sides.
#[derive(Debug, Serialize)]
pub struct Pair {
    /// Position of the first side.
    pub left: usize,
    /// Position of the other.
    pub right: usize,
    /// Why what only the first shows is not called gone; empty where it is.
    pub gone_withdrawn_because: Vec<String>,
    /// Why what only the other shows is not called new; empty where it is.
    pub new_withdrawn_because: Vec<String>,
    /// What can be said of chance, in words.
    pub statistics: &'static str,
    /// Only the other shows it.
    pub new: Vec<Item>,
    /// Only the first shows it.
    pub gone: Vec<Item>,
    /// Both show it, differently.
    pub changed: Vec<Item>,
    /// What differs, but no more than repeats of one side do, or by less than [`FACTOR`] where there
    /// are no repeats.
    pub smaller: usize,
    /// What is the same.
    pub same: usize,
}

/// Something that differs.
#[derive(Debug, Clone, Serialize)]
pub struct Item {
    /// What.
    #[serde(flatten)]
    pub key: Key,
    /// In the first side.
    pub left: Seen,
    /// In the other.
    pub right: Seen,
    /// Exact probability of such a difference by chance, by what was sent, received, or seen at all,
    /// whichever is smallest; null without three repeats a side.
    pub p: Option<f64>,
    /// The same, corrected for how many such tests were made (Holm).
    pub p_holm: Option<f64>,
    /// What is different of a finding.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What the recordings of one side show.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// In how many recordings.
    pub runs: usize,
    /// Of how many.
    pub of: usize,
    /// Payload sent in each recording, in order; 0 where it is not in one.
    pub sent: Vec<u64>,
    /// Payload received.
    pub received: Vec<u64>,
}

impl Seen {
    fn of(side: &Side, key: &Key) -> Seen {
        let amounts = side.runs.iter().map(|run| run.amounts.get(key));
        let mut seen = Seen { of: side.runs.len(), ..Seen::default() };
        for amount in amounts {
            seen.runs += usize::from(amount.is_some());
            let [sent, received] = amount.copied().unwrap_or_default();
            seen.sent.push(sent);
            seen.received.push(received);
        }
        seen
    }

    fn ways(&self) -> [&[u64]; 2] {
        [&self.sent, &self.received]
    }
}

/// Least and most.
#[must_use]
pub fn range(values: &[u64]) -> [u64; 2] {
    [values.iter().min(), values.iter().max()].map(|end| end.copied().unwrap_or(0))
}

/// What amounts are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amounts {
    /// Of whole recordings.
    Delivered,
    /// Of phases.
    ByPhase,
}

impl Comparison {
    /// Of recordings or phases: the first side with each of the others.
    #[must_use]
    pub fn of(sides: Vec<Side>, amounts: Amounts) -> Comparison {
        let amounts = match amounts {
            Amounts::Delivered => text("compare.delivered"),
            Amounts::ByPhase => text("compare.by_phase"),
        };
        let pairs = (1..sides.len()).map(|right| pair(&sides, right)).collect();
        Comparison { schema: SCHEMA, tool: Tool::default(), amounts, sides, pairs }
    }

    /// Whether anything is new, gone or changed.
    #[must_use]
    pub fn differs(&self) -> bool {
        self.pairs.iter().any(|pair| !pair.is_empty())
    }

    /// Whether every recording was inspected with everything needed.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.sides.iter().flat_map(|side| &side.runs).all(|run| run.complete)
    }
}

impl Pair {
    /// Whether nothing is new, gone or changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.new.is_empty() && self.gone.is_empty() && self.changed.is_empty()
    }
}

enum State {
    New,
    Gone,
    Changed,
    Smaller,
    Same,
}

fn pair(sides: &[Side], at: usize) -> Pair {
    let (left, right) = (&sides[0], &sides[at]);
    let keys: BTreeSet<&Key> =
        left.runs.iter().chain(&right.runs).flat_map(|run| run.amounts.keys()).collect();
    let tests: Vec<Tests> = keys.iter().map(|key| probabilities(left, right, key)).collect();
    // Every test counts, three a thing, also of what turned out to be the same.
    let corrected = holm(&tests.concat());
    let judged = keys.iter().zip(&tests).zip(corrected.chunks(3)).map(|((key, raw), corrected)| {
        let both = raw.iter().zip(corrected).filter_map(|(p, holm)| Some(((*p)?, (*holm)?)));
        let least = both.min_by(|a, b| a.0.total_cmp(&b.0));
        judge(left, right, key, least)
    });
    let least = left.runs.len().min(right.runs.len());
    let mut pair = Pair {
        left: 0,
        right: at,
        gone_withdrawn_because: withdrawn(left, right),
        new_withdrawn_because: withdrawn(right, left),
        statistics: match least {
            0 | 1 => text("compare.one"),
            2 => text("compare.two"),
            _ => text("compare.exact"),
        },
        new: Vec::new(),
        gone: Vec::new(),
        changed: Vec::new(),
        smaller: 0,
        same: 0,
    };
    for (state, item) in judged {
        match state {
            State::New => pair.new.push(item),
            State::Gone => pair.gone.push(item),
            State::Changed => pair.changed.push(item),
            State::Smaller => pair.smaller += 1,
            State::Same => pair.same += 1,
        }
    }
    pair
}

/// Probabilities by what was sent, what was received, and whether it was there at all.
type Tests = [Option<f64>; 3];

fn probabilities(left: &Side, right: &Side, key: &Key) -> Tests {
    let seen = [Seen::of(left, key), Seen::of(right, key)];
    let there = [presence(left, key), presence(right, key)];
    let test = |a: &[u64], b: &[u64]| {
        // What is the same in all recordings is no test.
        let some = a.iter().chain(b).any(|value| Some(value) != a.first());
        some.then(|| rank_sum(a, b)).flatten()
    };
    [
        test(&seen[0].sent, &seen[1].sent),
        test(&seen[0].received, &seen[1].received),
        test(&there[0], &there[1]),
    ]
}

fn presence(side: &Side, key: &Key) -> Vec<u64> {
    side.runs.iter().map(|run| u64::from(run.amounts.contains_key(key))).collect()
}

/// Words that the recordings of a side have for something.
fn words_of(side: &Side, key: &Key, of: fn(&Profile) -> &profile::Words) -> BTreeSet<&'static str> {
    side.runs.iter().filter_map(|run| of(run).get(key)).flatten().copied().collect()
}

fn judge(left: &Side, right: &Side, key: &Key, least: Option<(f64, f64)>) -> (State, Item) {
    let seen = [Seen::of(left, key), Seen::of(right, key)];
    let [before, after] = [left, right].map(|side| words_of(side, key, |run| &run.levels));
    let words = |levels: &BTreeSet<&str>| levels.iter().copied().collect::<Vec<_>>().join(", ");
    let releveled = before != after && !before.is_empty() && !after.is_empty();
    let mut notes = Vec::new();
    if releveled {
        let values = [("left", &*words(&before)), ("right", &words(&after))];
        notes.push(line("compare.level", &values));
    }
    for (side, key_of) in
        [(left, msg!("compare.reviewed_first")), (right, msg!("compare.reviewed_second"))]
    {
        let reviewed = words_of(side, key, |run| &run.reviews);
        if !reviewed.is_empty() {
            notes.push(line(key_of, &[("words", &words(&reviewed))]));
        }
    }
    let note = (!notes.is_empty()).then(|| notes.join("; "));
    let state = match (seen[0].runs, seen[1].runs) {
        (0, _) => State::New,
        (_, 0) => State::Gone,
        _ if releveled => State::Changed,
        _ if seen[0].ways() == seen[1].ways() => State::Same,
        _ if is_apart(&seen) => State::Changed,
        _ => State::Smaller,
    };
    let [left, right] = seen;
    let (p, p_holm) = (least.map(|(p, _)| p), least.map(|(_, holm)| holm));
    (state, Item { key: key.clone(), left, right, p, p_holm, note })
}

/// Whether sides differ by more than repeats of one of them do; without repeats, by the factor.
fn is_apart(seen: &[Seen; 2]) -> bool {
    let ways = seen[0].ways().into_iter().zip(seen[1].ways());
    let mut apart = ways.map(|(a, b)| {
        let ([low, high], [least, most]) = (range(a), range(b));
        let outside = high < least || most < low;
        match (a.len(), b.len()) {
            (1, 1) => {
                let (small, large) = (low.min(least) as f64, high.max(most) as f64);
                outside && large >= small * FACTOR
            }
            _ => outside,
        }
    });
    apart.any(|apart| apart)
}

/// Why what `shows` shows and `lacks` does not may have been there all the same.
fn withdrawn(shows: &Side, lacks: &Side) -> Vec<String> {
    let mut why: Vec<String> = lacks
        .runs
        .iter()
        .flat_map(|run| run.weak.iter().map(move |weak| format!("{}: {weak}", run.name)))
        .collect();
    let shortest = |side: &Side| side.runs.iter().map(|run| run.seconds).fold(f64::MAX, f64::min);
    let (mine, other) = (shortest(lacks), shortest(shows));
    if mine < other * LENGTH {
        let [mine, other] = [mine, other].map(|seconds| format!("{seconds:.0}"));
        let values = [("name", &*lacks.name), ("mine", &mine), ("other", &other)];
        why.push(line("compare.shorter", &values));
    }
    why
}

#[cfg(test)]
mod tests;
