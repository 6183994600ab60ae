//! What was seen in each phase of an experiment: every frame counts in exactly one, so that the
//! phases add up to the whole.

use crate::base::address::Mac;
use crate::base::table::Map;
use crate::base::time::Timestamp;
use crate::decode::FrameLedger;
use crate::finding::Period;
use crate::source::{Frame, Note, Noted};

/// Most phases and most marks of one run; later frames stay in the last phase.
const NOTES_MAX: usize = 4096;
/// Most interruptions of one run: a link that flaps must not crowd out phases.
const INTERRUPTIONS_MAX: usize = 1024;
/// Most hardware addresses told apart in one phase.
const DEVICES_MAX: usize = 4096;

/// Frames and bytes on the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Amount {
    /// Frames.
    pub frames: u64,
    /// Their lengths on the wire, bytes.
    pub wire_bytes: u64,
}

impl Amount {
    /// Counts a frame.
    fn add(&mut self, wire_length: u32) {
        self.frames += 1;
        self.wire_bytes += u64::from(wire_length);
    }
}

/// One phase.
#[derive(Debug, Clone, Default)]
pub struct Phase {
    /// Its name; `None` for what came before the first.
    pub name: Option<&'static str>,
    /// When it began.
    pub began: Timestamp,
    /// Number of its first frame, 0 where it has none.
    pub first_frame: u64,
    /// All of it.
    pub total: Amount,
    /// What each hardware address sent and received; not told apart before the first phase.
    pub devices: Map<Mac, [Amount; 2]>,
}

/// What was noted of a moment.
#[derive(Debug, Clone)]
pub struct Mark {
    /// When.
    pub time: Timestamp,
    /// What.
    pub text: String,
    /// Number of the frame behind it, 0 where it was the last.
    pub frame: u64,
}

/// When nothing could be recorded, or the clock was set, which takes no time.
#[derive(Debug, Clone)]
pub struct Interruption {
    /// From when.
    pub from: Timestamp,
    /// To when.
    pub to: Timestamp,
    /// Which interface; all where it is missing.
    pub interface: Option<String>,
    /// Why.
    pub why: String,
    /// The machine slept: whatever was said meanwhile is lost.
    pub asleep: bool,
}

/// Of a whole run.
#[derive(Debug, Clone, Default)]
pub struct Phases {
    /// In their order; empty where none was ever noted.
    pub phases: Vec<Phase>,
    /// In their order.
    pub marks: Vec<Mark>,
    /// In their order.
    pub interruptions: Vec<Interruption>,
    /// Notes that there was no room for.
    pub lost: u64,
}

impl Phases {
    /// Takes what was noted before a frame of a chunk; `so_far` is what came before that.
    pub(super) fn note(&mut self, note: &Note, frame: u64, so_far: &FrameLedger) {
        let (kept, most) = match note.what {
            Noted::Phase(_) | Noted::Mark(_) => (self.phases.len() + self.marks.len(), NOTES_MAX),
            Noted::Gap { .. } | Noted::Clock(_) => (self.interruptions.len(), INTERRUPTIONS_MAX),
        };
        if kept >= most {
            self.lost += 1;
            return;
        }
        let to = note.time;
        match &note.what {
            Noted::Phase(name) => self.enter(name, note.time, so_far),
            Noted::Mark(text) => {
                self.marks.push(Mark { time: note.time, text: text.clone(), frame });
            }
            Noted::Gap { from, interface, why } => self.interruptions.push(Interruption {
                from: *from,
                to,
                asleep: interface.is_none(),
                interface: interface.clone(),
                why: why.clone(),
            }),
            Noted::Clock(why) => self.interruptions.push(Interruption {
                from: to,
                to,
                interface: None,
                why: why.clone(),
                asleep: false,
            }),
        }
    }

    /// When each began, for findings.
    #[must_use]
    pub fn periods(&self) -> Vec<Period> {
        let period =
            |&Phase { name, began, first_frame, .. }: &Phase| Period { name, began, first_frame };
        self.phases.iter().map(period).collect()
    }

    /// From one note of the operator to the next of another text; without the latter there is no time.
    #[must_use]
    pub fn between(&self, from: &str, to: &str) -> Vec<[Timestamp; 2]> {
        let mut begun = None;
        let mut times = Vec::new();
        for mark in &self.marks {
            let text = mark.text.trim();
            if text.eq_ignore_ascii_case(from) {
                begun = begun.or(Some(mark.time));
            } else if text.eq_ignore_ascii_case(to)
                && let Some(from) = begun.take()
            {
                times.push([from, mark.time]);
            }
        }
        times
    }

    fn enter(&mut self, name: &'static str, began: Timestamp, so_far: &FrameLedger) {
        // A new segment says again which phase it is in.
        if self.phases.last().is_some_and(|last| last.name == Some(name) && last.began == began) {
            return;
        }
        if self.phases.is_empty() && so_far.total > 0 {
            let total = Amount { frames: so_far.total, wire_bytes: so_far.wire_bytes };
            let began = so_far.times.map_or(began, |times| times[0]);
            self.phases.push(Phase { began, first_frame: 1, total, ..Phase::default() });
        }
        self.phases.push(Phase { name: Some(name), began, ..Phase::default() });
    }

    /// Counts a frame in the phase it is in, by its sender and receiver.
    #[inline(always)]
    pub(super) fn count<'a>(&mut self, about: impl FnOnce() -> (Frame<'a>, [Option<Mac>; 2])) {
        if let Some(phase) = self.phases.last_mut() {
            let (frame, macs) = about();
            phase.count(&frame, macs);
        }
    }
}

impl Phase {
    fn count(&mut self, frame: &Frame<'_>, macs: [Option<Mac>; 2]) {
        if self.total.frames == 0 {
            self.first_frame = frame.number;
        }
        self.total.add(frame.wire_length);
        for (way, mac) in macs.into_iter().enumerate() {
            let Some(mac) = mac.filter(|mac| !mac.is_group()) else { continue };
            if self.devices.len() < DEVICES_MAX || self.devices.contains_key(&mac) {
                self.devices.entry(mac).or_default()[way].add(frame.wire_length);
            }
        }
    }
}
