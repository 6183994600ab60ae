//! Replays captures for a screen: paced by packet time, with a look at the engine now and then.
//! Looks cost time, so they are few: at most four a second, and about a twentieth of the time. Where
//! that allows few full ones, they are made beside the analysis, and light ones between tell how much it is by
//! now.

use crate::analysis::{Analysis, Copied, Kept, Light, Made, Moment};
use crate::attribution::record::FlowRecord;
use crate::base::text::safe;
use crate::base::time::{SECOND, Timestamp};
use crate::engine::{Engine, Job, Outcome, Records, Settings};
use crate::labels::Labels;
use crate::sink::tui::{Command, State, Status, Update};
use crate::snapshot::{Numbers, Snapshot};
use crate::source::Sources;
use crate::source::file::Ending;
use crossbeam_channel::{Receiver, Sender};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::{self, Scope, ScopedJoinHandle};
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
/// From which cost on a full look is made beside the analysis.
const LOOK_MOST: Duration = Duration::from_micros(12_500);
/// What a look costs by what its copy does, at least.
const LOOK_BY_COPY: u32 = 3;
/// How often to see whether it is made, where nothing else is to be done.
const MADE_WAIT: Duration = Duration::from_millis(20);
/// Marks that are kept.
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
    /// Something that a full look has to tell, or any.
    changed: bool,
    is_new: bool,
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
    /// What the latest took.
    cost: Duration,
    /// On light ones.
    spent_light: Duration,
    count: u32,
    step: i64,
    /// Packet time of the next one, unpaced.
    next: Timestamp,
}

impl Looks {
    fn new(first: Timestamp) -> Looks {
        Looks {
            begun: Instant::now(),
            last: None,
            spent: Duration::ZERO,
            cost: Duration::ZERO,
            spent_light: Duration::ZERO,
            count: 0,
            step: STEP,
            next: first,
        }
    }

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

    fn took(&mut self, cost: Duration, newest: Timestamp) {
        (self.cost, self.spent) = (cost, self.spent + cost);
        self.last = Some(Instant::now());
        self.count += 1;
        if self.count.is_multiple_of(STEP_LOOKS) {
            self.step = self.step.saturating_mul(2);
        }
        self.next = Timestamp(newest.0.saturating_add(self.step));
    }
}

/// A replay that goes on.
struct Run<'r, 's, 'k> {
    engine: Engine<'k>,
    sources: &'r mut Sources,
    kept: &'r Kept,
    looks: Looks,
    /// Capture time of the newest frame.
    newest: Timestamp,
    /// A full look that is being made.
    making: Option<ScopedJoinHandle<'s, Made>>,
    /// What light looks go on from.
    beside: Option<(Light, Moment)>,
}

impl Replay<'_> {
    /// Replays to the end, and then does what the screen asks until nobody is there any more.
    pub fn run(self, mut sources: Sources) -> End {
        let kept = Kept::default();
        let mut hears = kept.clone();
        let records: &mut Records<'_> = &mut hears;
        let engine = Engine::new(self.settings, self.analysis.geo, Some(records))
            .looking_for(self.analysis.signatures.beginnings());
        let first = sources.next_time().unwrap_or_default();
        let (mut said, mut pace) = (Said::default(), Pace::new(self.speed, first));
        let outcome = thread::scope(|scope| {
            let run = Run {
                engine,
                sources: &mut sources,
                kept: &kept,
                looks: Looks::new(first),
                newest: first,
                making: None,
                beside: None,
            };
            self.read(scope, run, &mut said, &mut pace)
        });
        let Some(mut outcome) = outcome else {
            return End { endings: sources.finish(), code: 0 };
        };
        outcome.ledger.declare(sources.names());
        let endings = sources.finish();
        self.stay(&outcome, endings, Arc::new(kept.ended()), said, pace)
    }

    /// Reads all of it; nothing where nobody is there any more.
    fn read<'s, 'e: 's>(
        &'e self,
        scope: &'s Scope<'s, 'e>,
        mut run: Run<'_, 's, '_>,
        said: &mut Said,
        pace: &mut Pace,
    ) -> Option<Outcome> {
        let mut job = Job::default();
        while let Some(next) = run.sources.next_time() {
            self.listen(said, pace, run.newest);
            if said.quit {
                return None;
            }
            let paced = pace.speed.is_finite();
            let until = if paced { pace.now() } else { run.looks.until(next) };
            if run.engine.advance(run.sources, until, &mut job) {
                run.newest = run.newest.max(run.sources.seen());
            }
            if let Some(moment) = self.look(scope, &mut run, paced, said) {
                said.is_new = false;
                let update = update(run.sources, moment, pace.speed, (said, run.newest));
                self.tell.send(update).ok()?;
            }
            if paced && let Some(next) = run.sources.next_time() {
                let most = if run.making.is_some() { MADE_WAIT } else { LOOK };
                let wait = pace.wait(next).min(most);
                if !wait.is_zero()
                    && let Ok(command) = self.commands.recv_timeout(wait)
                {
                    self.hear(command, said, pace, run.newest);
                }
            }
        }
        Some(run.engine.finish())
    }

    /// What is known by now, where it is time to tell.
    fn look<'s, 'e: 's>(
        &'e self,
        scope: &'s Scope<'s, 'e>,
        run: &mut Run<'_, 's, '_>,
        paced: bool,
        said: &mut Said,
    ) -> Option<Moment> {
        let Run { engine, sources, kept, looks, newest, making, beside } = run;
        let analysis = &self.analysis;
        if let Some(made) = making.take_if(|making| making.is_finished()) {
            let made = made.join().unwrap_or_else(|fault| resume_unwind(fault));
            let (begun, cost) = (Instant::now(), made.cost);
            let mut light = beside.take().map(|(light, _)| light).unwrap_or_default();
            let moment = made.adopt(&mut light, engine, analysis, (sources, kept));
            looks.took(cost + begun.elapsed(), *newest);
            *beside = Some((light, moment.clone()));
            return Some(moment);
        }
        if making.is_none() && (said.changed || looks.is_due(paced, *newest)) {
            said.changed = false;
            let begun = Instant::now();
            let copied = Copied::of(engine, sources, kept);
            let name = |snapshot: &mut Snapshot| self.labels.apply(snapshot);
            if looks.cost.max(copied.cost * LOOK_BY_COPY) <= LOOK_MOST {
                let moment = copied.show(analysis, name);
                looks.took(begun.elapsed(), *newest);
                *beside = None;
                return Some(moment);
            }
            *making = Some(scope.spawn(move || copied.make(analysis, name)));
        }
        let is_due = said.is_new || (looks.has_waited() && looks.affords(looks.spent_light));
        let (light, moment) = beside.as_mut().filter(|(light, _)| is_due && !light.is_short())?;
        let begun = Instant::now();
        moment.numbers = kept.look(light, engine, analysis, sources);
        looks.took_light(begun);
        Some(moment.clone())
    }

    /// After the end: names and marks can still be given.
    fn stay(
        &self,
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

    /// The snapshot with the names that the operator gave.
    fn snapshot(&self, outcome: &Outcome, endings: &[Ending]) -> Snapshot {
        let mut snapshot = self.analysis.snapshot(outcome, endings);
        self.labels.apply(&mut snapshot);
        snapshot
    }

    fn listen(&self, said: &mut Said, pace: &mut Pace, newest: Timestamp) {
        while let Ok(command) = self.commands.try_recv() {
            self.hear(command, said, pace, newest);
        }
    }

    fn hear(&self, command: Command, said: &mut Said, pace: &mut Pace, newest: Timestamp) {
        (said.changed, said.is_new) = (true, true);
        match command {
            Command::Mark(text) => said.mark(newest, safe(text.as_bytes())),
            Command::Phase(phase) => {
                said.mark(newest, format!("phase {phase}"));
                said.phase = Some(phase);
            }
            Command::Label { device, label } => self.labels.set(&device, &label),
            Command::Speed(speed) => {
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

fn update(
    sources: &Sources,
    moment: Moment,
    speed: f64,
    (said, newest): (&Said, Timestamp),
) -> Update {
    let Moment { snapshot, numbers, flows } = moment;
    let (read, size) = sources.progress();
    // A small file is in the buffer at once: then what was looked at tells more.
    let coverage = numbers.coverage.as_deref().unwrap_or(&snapshot.coverage);
    let looked = coverage.wire_bytes.saturating_add(coverage.frames.total * 16);
    let size = size.unwrap_or(0).max(1);
    let progress = (read.min(looked) as f64 / size as f64).min(1.0);
    let state = State::Replaying { speed, progress };
    let status = Arc::new(status(state, &snapshot, &numbers, (said, newest)));
    Update { snapshot, numbers, flows, status }
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
