//! Replays captures for a screen: paced by packet time, with a look at the engine now and then.
//! Looks cost time, so they are few: at most four a second, and about a twentieth of the time.

use crate::analysis::Analysis;
use crate::attribution::record::FlowRecord;
use crate::base::text::safe;
use crate::base::time::{SECOND, Timestamp};
use crate::engine::{Engine, Job, Outcome, Records, Settings};
use crate::labels::Labels;
use crate::sink::tui::{Command, State, Status, Update};
use crate::snapshot::Snapshot;
use crate::source::Sources;
use crate::source::file::Ending;
use crossbeam_channel::{Receiver, Sender};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Shortest time between two looks of a paced replay.
const LOOK: Duration = Duration::from_millis(250);
/// What looks may cost at the beginning, so that a short capture has a timeline too.
const LOOKS_FREE: Duration = Duration::from_millis(500);
/// The part of the time that looks may cost later.
const LOOKS_PART: u32 = 20;
/// Packet time between two looks of an unpaced replay at first, and after how many it doubles.
const STEP: i64 = SECOND / 2;
const STEP_LOOKS: u32 = 64;
/// Longest pause that is waited out, seconds of the clock.
const PAUSE_MAX: f64 = 3.0;
/// Flows that are kept for the screen, and marks.
const FLOWS_KEPT: usize = 5_000;
const MARKS_MAX: usize = 10_000;

/// See the module.
pub struct Replay<'k> {
    /// What turns the engine's state into a snapshot.
    pub analysis: Analysis<'k>,
    /// How the engine works.
    pub settings: Settings,
    /// Names that the operator gives, or gave while it was recorded.
    pub labels: Labels,
    /// Packet time over clock time; infinite for as fast as possible.
    pub speed: f64,
    /// To the screen.
    pub tell: Sender<Update>,
    /// From it.
    pub commands: Receiver<Command>,
}

/// What came of it.
pub struct End {
    /// What was read.
    pub endings: Vec<Ending>,
    /// Exit code.
    pub code: u8,
}

/// What the operator said.
#[derive(Default)]
struct Said {
    marks: Vec<(Timestamp, String)>,
    phase: Option<String>,
    quit: bool,
    changed: bool,
}

/// The clock of a paced replay: this packet time was at that clock time.
struct Pace {
    speed: f64,
    packet: Timestamp,
    clock: Instant,
}

impl Pace {
    fn new(speed: f64, packet: Timestamp) -> Pace {
        Pace { speed, packet, clock: Instant::now() }
    }

    /// Packet time now.
    fn now(&self) -> Timestamp {
        if !self.speed.is_finite() {
            return Timestamp(i64::MAX);
        }
        let passed = self.clock.elapsed().as_nanos() as f64 * self.speed;
        Timestamp(self.packet.0.saturating_add(passed as i64))
    }

    /// How long until a packet time is due. A longer pause is cut short.
    fn wait(&mut self, next: Timestamp) -> Duration {
        let ahead = next.since(self.now()).max(0) as f64 / SECOND as f64 / self.speed;
        if ahead > PAUSE_MAX {
            let short = (self.speed * SECOND as f64) as i64;
            *self = Pace::new(self.speed, Timestamp(next.0.saturating_sub(short)));
            return Duration::from_secs(1);
        }
        Duration::from_secs_f64(ahead)
    }
}

/// When looks are due.
struct Looks {
    begun: Instant,
    last: Option<Instant>,
    spent: Duration,
    count: u32,
    step: i64,
    /// Packet time of the next one, unpaced.
    next: Timestamp,
}

impl Looks {
    fn is_due(&self, paced: bool, newest: Timestamp) -> bool {
        let affordable = self.spent <= LOOKS_FREE + self.begun.elapsed() / LOOKS_PART;
        let waited = self.last.is_none_or(|last| last.elapsed() >= LOOK);
        affordable && (waited || (!paced && newest >= self.next))
    }

    fn took(&mut self, begun: Instant, newest: Timestamp) {
        self.spent += begun.elapsed();
        self.last = Some(Instant::now());
        self.count += 1;
        if self.count.is_multiple_of(STEP_LOOKS) {
            self.step = self.step.saturating_mul(2);
        }
        self.next = Timestamp(newest.0.saturating_add(self.step));
    }
}

impl Replay<'_> {
    /// Replays to the end, and then does what the screen asks until nobody is there any more.
    pub fn run(mut self, mut sources: Sources) -> End {
        let kept: Mutex<VecDeque<FlowRecord>> = Mutex::default();
        let mut keep = |record: FlowRecord| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() >= FLOWS_KEPT {
                kept.pop_front();
            }
            kept.push_back(record);
        };
        let keep: &mut Records<'_> = &mut keep;
        let geo = self.analysis.geo;
        let mut engine = Engine::new(self.settings, geo, Some(keep))
            .looking_for(self.analysis.signatures.beginnings());
        let mut said = Said::default();
        let mut job = Job::default();
        let first = sources.next_time().unwrap_or_default();
        let mut pace = Pace::new(self.speed, first);
        let begun = Instant::now();
        let mut looks =
            Looks { begun, last: None, spent: Duration::ZERO, count: 0, step: STEP, next: first };
        let mut newest = first;
        while let Some(next) = sources.next_time() {
            self.listen(&mut said, &mut pace, newest);
            if said.quit {
                return End { endings: sources.finish(), code: 0 };
            }
            let paced = pace.speed.is_finite();
            let until = if paced { pace.now() } else { looks.next.max(next) };
            if engine.advance(&mut sources, until, &mut job) {
                newest = newest.max(sources.seen());
            }
            if looks.is_due(paced, newest) || said.changed {
                let begun = Instant::now();
                said.changed = false;
                let update = self.look(&engine, &sources, &kept, &said, newest);
                looks.took(begun, newest);
                if self.tell.send(update).is_err() {
                    return End { endings: sources.finish(), code: 0 };
                }
            }
            if paced && let Some(next) = sources.next_time() {
                let wait = pace.wait(next).min(LOOK);
                if !wait.is_zero()
                    && let Ok(command) = self.commands.recv_timeout(wait)
                {
                    self.hear(command, &mut said, &mut pace, newest);
                }
            }
        }
        let mut outcome = engine.finish();
        outcome.ledger.declare(sources.names());
        let endings = sources.finish();
        let flows: Vec<FlowRecord> =
            kept.into_inner().unwrap_or_else(PoisonError::into_inner).into();
        self.stay(&outcome, endings, Arc::new(flows), said, pace)
    }

    /// After the end: names and marks can still be given.
    fn stay(
        &mut self,
        outcome: &Outcome,
        endings: Vec<Ending>,
        flows: Arc<Vec<FlowRecord>>,
        mut said: Said,
        mut pace: Pace,
    ) -> End {
        let newest = outcome.frames.times.map_or(Timestamp(0), |times| times[1]);
        loop {
            let snapshot = self.snapshot(outcome, &endings);
            let code = snapshot.exit_code();
            let status = status(State::Ended, &snapshot, &said, newest);
            let update = Update {
                snapshot: Arc::new(snapshot),
                flows: flows.clone(),
                status: Arc::new(status),
            };
            let mut is_alone = self.tell.send(update).is_err();
            said.changed = false;
            while !said.changed && !is_alone {
                match self.commands.recv() {
                    Ok(command) => self.hear(command, &mut said, &mut pace, newest),
                    Err(_) => is_alone = true,
                }
                is_alone |= said.quit;
            }
            if is_alone {
                return End { endings, code };
            }
        }
    }

    fn look(
        &self,
        engine: &Engine<'_>,
        sources: &Sources,
        kept: &Mutex<VecDeque<FlowRecord>>,
        said: &Said,
        newest: Timestamp,
    ) -> Update {
        let mut flows: Vec<FlowRecord> =
            kept.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        let room = FLOWS_KEPT;
        let mut live = |record| {
            if flows.len() < 2 * room {
                flows.push(record);
            }
        };
        let mut outcome = engine.peek(Some(&mut live));
        outcome.ledger.declare(sources.names());
        let snapshot = self.snapshot(&outcome, &sources.so_far());
        let (read, size) = sources.progress();
        // A small file is in the buffer at once: then what was looked at tells more.
        let coverage = &snapshot.coverage;
        let looked = coverage.wire_bytes.saturating_add(coverage.frames.total * 16);
        let size = size.unwrap_or(0).max(1);
        let progress = (read.min(looked) as f64 / size as f64).min(1.0);
        let state = State::Replaying { speed: self.speed, progress };
        let status = status(state, &snapshot, said, newest);
        Update { snapshot: Arc::new(snapshot), flows: Arc::new(flows), status: Arc::new(status) }
    }

    /// The snapshot with the names that the operator gave.
    fn snapshot(&self, outcome: &Outcome, endings: &[Ending]) -> Snapshot {
        let mut snapshot = self.analysis.snapshot(outcome, endings);
        self.labels.apply(&mut snapshot);
        snapshot
    }

    fn listen(&mut self, said: &mut Said, pace: &mut Pace, newest: Timestamp) {
        while let Ok(command) = self.commands.try_recv() {
            self.hear(command, said, pace, newest);
        }
    }

    fn hear(&mut self, command: Command, said: &mut Said, pace: &mut Pace, newest: Timestamp) {
        said.changed = true;
        match command {
            Command::Mark(text) => said.mark(newest, safe(text.as_bytes())),
            Command::Phase(phase) => {
                said.mark(newest, format!("phase {phase}"));
                said.phase = Some(phase);
            }
            Command::Label { device, label } => self.labels.set(&device, &label),
            Command::Speed(speed) => {
                self.speed = speed;
                *pace = Pace::new(speed, newest);
            }
            Command::Answer(_) => {}
            Command::Quit => said.quit = true,
        }
    }
}

impl Said {
    fn mark(&mut self, time: Timestamp, text: String) {
        if self.marks.len() < MARKS_MAX {
            self.marks.push((time, text));
        }
    }
}

fn status(state: State, snapshot: &Snapshot, said: &Said, now: Timestamp) -> Status {
    let mut marks = snapshot.notes();
    marks.extend(said.marks.iter().cloned());
    marks.sort();
    let gaps = snapshot.interruptions.iter().filter(|interruption| interruption.is_gap());
    Status {
        state,
        inputs: snapshot.inputs.iter().map(|input| input.path.clone()).collect(),
        recording: None,
        now,
        packets: snapshot.coverage.frames.total,
        bytes: snapshot.coverage.wire_bytes,
        drops: [0; 3],
        lag_bytes: 0,
        disk_free: None,
        phase: said.phase.clone().or_else(|| snapshot.phase().map(str::to_owned)),
        marks,
        gaps: gaps.map(|gap| (gap.from, Some(gap.to), gap.reason())).collect(),
        protections: Vec::new(),
        warnings: Vec::new(),
        ask: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_pauses_are_cut_short() {
        let mut pace = Pace::new(1.0, Timestamp(0));
        assert!(pace.wait(Timestamp(2 * SECOND)) > Duration::from_millis(1900));
        assert_eq!(pace.wait(Timestamp(86_400 * SECOND)), Duration::from_secs(1));
        assert!(pace.wait(Timestamp(86_400 * SECOND)) <= Duration::from_secs(1));
        assert!(pace.wait(Timestamp(0)).is_zero());
        let mut fast = Pace::new(1000.0, Timestamp(i64::MAX - 5));
        assert!(fast.wait(Timestamp(i64::MAX)) < Duration::from_millis(1));
        assert_eq!(Pace::new(f64::INFINITY, Timestamp(0)).now(), Timestamp(i64::MAX));
    }
}
