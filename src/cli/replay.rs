//! Replays captures for a screen: paced by packet time, with a look at the engine now and then.
//! Looks cost time, so they are few: at most four a second, and about a twentieth of the time. Where
//! that allows few full ones, light ones between tell how much it is by now.

use crate::analysis::{Analysis, Light, Touched};
use crate::attribution::record::{FlowRecord, Listener};
use crate::base::text::safe;
use crate::base::time::{SECOND, Timestamp};
use crate::engine::{Engine, Job, Outcome, Records, Settings};
use crate::flow::Flow;
use crate::labels::Labels;
use crate::sink::tui::{Command, State, Status, Update};
use crate::snapshot::{Numbers, Snapshot};
use crate::source::Sources;
use crate::source::file::Ending;
use crossbeam_channel::{Receiver, Sender};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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

/// What is kept of flows that ended.
#[derive(Default)]
struct Kept {
    ended: VecDeque<FlowRecord>,
    touched: Touched,
}

fn lock(kept: &Mutex<Kept>) -> MutexGuard<'_, Kept> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Hears<'a>(&'a Mutex<Kept>);

impl Listener for Hears<'_> {
    fn ended(&mut self, record: FlowRecord) {
        let mut kept = lock(self.0);
        if kept.ended.len() >= FLOWS_KEPT {
            kept.ended.pop_front();
        }
        kept.ended.push_back(record);
    }

    fn placed(&mut self, _flow: &Flow, row: usize, _marks: u32) {
        lock(self.0).touched.add(row);
    }
}

/// What light looks go on from.
struct Beside {
    light: Light,
    snapshot: Arc<Snapshot>,
    flows: Arc<Vec<FlowRecord>>,
}

/// When looks are due.
struct Looks {
    begun: Instant,
    last: Option<Instant>,
    spent: Duration,
    /// On light ones.
    spent_light: Duration,
    count: u32,
    step: i64,
    /// Packet time of the next one, unpaced.
    next: Timestamp,
}

impl Looks {
    fn affords(&self, spent: Duration) -> bool {
        spent <= LOOKS_FREE + self.begun.elapsed() / LOOKS_PART
    }

    fn has_waited(&self) -> bool {
        self.last.is_none_or(|last| last.elapsed() >= LOOK)
    }

    fn is_due(&self, paced: bool, newest: Timestamp) -> bool {
        self.affords(self.spent) && (self.has_waited() || (!paced && newest >= self.next))
    }

    /// Up to which packet time to read before it is asked again whether one is due.
    fn until(&self, next: Timestamp) -> Timestamp {
        match self.affords(self.spent) {
            true => self.next.max(next),
            false => Timestamp(next.0.saturating_add(self.step)),
        }
    }

    fn took_light(&mut self, begun: Instant) {
        self.spent_light += begun.elapsed();
        self.last = Some(Instant::now());
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
        let kept: Mutex<Kept> = Mutex::default();
        let mut hears = Hears(&kept);
        let records: &mut Records<'_> = &mut hears;
        let geo = self.analysis.geo;
        let mut engine = Engine::new(self.settings, geo, Some(records))
            .looking_for(self.analysis.signatures.beginnings());
        let mut said = Said::default();
        let mut job = Job::default();
        let first = sources.next_time().unwrap_or_default();
        let mut pace = Pace::new(self.speed, first);
        let begun = Instant::now();
        let mut looks = Looks {
            begun,
            last: None,
            spent: Duration::ZERO,
            spent_light: Duration::ZERO,
            count: 0,
            step: STEP,
            next: first,
        };
        let mut beside: Option<Beside> = None;
        let mut newest = first;
        while let Some(next) = sources.next_time() {
            self.listen(&mut said, &mut pace, newest);
            if said.quit {
                return End { endings: sources.finish(), code: 0 };
            }
            let paced = pace.speed.is_finite();
            let until = if paced { pace.now() } else { looks.until(next) };
            if engine.advance(&mut sources, until, &mut job) {
                newest = newest.max(sources.seen());
            }
            if looks.is_due(paced, newest) || said.changed {
                let begun = Instant::now();
                said.changed = false;
                let update =
                    self.look(&engine, &sources, (&kept, &mut beside), (&said, newest), begun);
                looks.took(begun, newest);
                if self.tell.send(update).is_err() {
                    return End { endings: sources.finish(), code: 0 };
                }
            } else if looks.has_waited()
                && looks.affords(looks.spent_light)
                && let Some(beside) = beside.as_mut().filter(|beside| !beside.light.is_short())
            {
                let begun = Instant::now();
                let update = self.light_look(&engine, &sources, (&kept, beside), (&said, newest));
                looks.took_light(begun);
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
            kept.into_inner().unwrap_or_else(PoisonError::into_inner).ended.into();
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
            let numbers = Numbers::of(&snapshot);
            let status = status(State::Ended, &snapshot, &numbers, (&said, newest));
            let update = Update {
                snapshot: Arc::new(snapshot),
                numbers: Arc::new(numbers),
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
        (kept, beside): (&Mutex<Kept>, &mut Option<Beside>),
        (said, newest): (&Said, Timestamp),
        begun: Instant,
    ) -> Update {
        let mut flows: Vec<FlowRecord> = lock(kept).ended.iter().cloned().collect();
        let room = FLOWS_KEPT;
        let mut live = |record| {
            if flows.len() < 2 * room {
                flows.push(record);
            }
        };
        let mut outcome = engine.peek(Some(&mut live));
        outcome.ledger.declare(sources.names());
        let snapshot = Arc::new(self.snapshot(&outcome, &sources.so_far()));
        let flows = Arc::new(flows);
        let light = beside.take().map(|beside| beside.light);
        if begun.elapsed() > LOOK / LOOKS_PART {
            let spots = self.analysis.spots(&outcome, &snapshot);
            drop(outcome);
            let mut light = light.unwrap_or_default();
            let touched = &mut lock(kept).touched;
            light.adopt(engine, &self.analysis, (&snapshot, spots, engine.now()), touched);
            *beside = Some(Beside { light, snapshot: snapshot.clone(), flows: flows.clone() });
        }
        let numbers = Arc::new(Numbers::of(&snapshot));
        self.update(sources, (snapshot, numbers, flows), (said, newest))
    }

    fn light_look(
        &self,
        engine: &Engine<'_>,
        sources: &Sources,
        (kept, beside): (&Mutex<Kept>, &mut Beside),
        (said, newest): (&Said, Timestamp),
    ) -> Update {
        let Beside { light, snapshot, flows } = beside;
        let touched = &mut lock(kept).touched;
        let numbers = light.look(engine, &self.analysis, &sources.so_far(), touched);
        self.update(sources, (snapshot.clone(), numbers, flows.clone()), (said, newest))
    }

    fn update(
        &self,
        sources: &Sources,
        (snapshot, numbers, flows): (Arc<Snapshot>, Arc<Numbers>, Arc<Vec<FlowRecord>>),
        (said, newest): (&Said, Timestamp),
    ) -> Update {
        let (read, size) = sources.progress();
        // A small file is in the buffer at once: then what was looked at tells more.
        let coverage = numbers.coverage.as_deref().unwrap_or(&snapshot.coverage);
        let looked = coverage.wire_bytes.saturating_add(coverage.frames.total * 16);
        let size = size.unwrap_or(0).max(1);
        let progress = (read.min(looked) as f64 / size as f64).min(1.0);
        let state = State::Replaying { speed: self.speed, progress };
        let status = Arc::new(status(state, &snapshot, &numbers, (said, newest)));
        Update { snapshot, numbers, flows, status }
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

fn status(
    state: State,
    snapshot: &Snapshot,
    numbers: &Numbers,
    (said, now): (&Said, Timestamp),
) -> Status {
    let coverage = numbers.coverage.as_deref().unwrap_or(&snapshot.coverage);
    let mut marks = numbers.notes.all.clone();
    marks.extend(said.marks.iter().cloned());
    marks.sort();
    Status {
        state,
        inputs: snapshot.inputs.iter().map(|input| input.path.clone()).collect(),
        recording: None,
        now,
        packets: coverage.frames.total,
        bytes: coverage.wire_bytes,
        drops: [0; 3],
        lag_bytes: 0,
        disk_free: None,
        phase: said.phase.clone().or_else(|| numbers.notes.phase.map(str::to_owned)),
        marks,
        gaps: numbers.notes.gaps.clone(),
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
