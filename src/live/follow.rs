//! Analyses a recording while it grows. A full look makes a snapshot, as often as it may cost; where that
//! is seldom, light looks between tell how much it is by now.

use crate::analysis::{Analysis, Copied, Kept, Light, Made, Moment};
use crate::engine::{Engine, Records, Settings};
use crate::labels::Labels;
use crate::snapshot::{Numbers, Snapshot};
use crate::source::{Segments, Sources};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// Least time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Part of the time that all looks together may take. Light ones may take half of it, and full ones
/// what these leave.
const LOOK_SHARE: f64 = 0.05;
/// How long to wait where nothing is to be read.
const PAUSE: Duration = Duration::from_millis(20);

/// See the module.
pub struct Follower<'k> {
    /// What turns the engine's state into a snapshot.
    pub analysis: Analysis<'k>,
    /// How the engine works.
    pub settings: Settings,
    /// Names that the operator gives.
    pub labels: Labels,
    /// Bytes of the recording that were read, for whoever shows the lag.
    pub read: Arc<AtomicU64>,
    /// Whether light looks are wanted: nobody but a person at a screen gains by them.
    pub is_watched: bool,
}

/// When the next look of a kind is due.
struct Due {
    at: Instant,
    /// Something is new since the last one.
    is_fresh: bool,
    /// What the last one took.
    cost: Duration,
    /// Time from the last one to the next.
    every: Duration,
}

impl Due {
    fn now() -> Due {
        // Also nothing is shown, since that is what a silent tap gives.
        Due { at: Instant::now(), is_fresh: true, cost: Duration::ZERO, every: LOOK_EVERY }
    }

    fn is_due(&self) -> bool {
        self.is_fresh && Instant::now() >= self.at
    }

    /// Looks of this kind may take such a part of the time.
    fn took(&mut self, cost: Duration, part: f64) {
        self.cost = cost;
        self.every = LOOK_EVERY.max(cost.div_f64(part));
        self.at = Instant::now() + self.every;
    }

    /// The part of the time that looks like the last one take.
    fn part(&self) -> f64 {
        self.cost.as_secs_f64() / self.every.as_secs_f64()
    }
}

impl Follower<'_> {
    /// Reads until the recording is finished, showing what is known on the way. Returns the last, in
    /// which every flow has ended.
    pub fn run(&self, segments: Segments, show: &mut dyn FnMut(Moment)) -> Moment {
        let mut sources = Sources::follow(segments);
        let kept = Kept::default();
        let mut hears = kept.clone();
        let records: &mut Records<'_> = &mut hears;
        let mut engine = Engine::new(self.settings, self.analysis.geo, Some(records))
            .looking_for(self.analysis.signatures.beginnings());
        thread::scope(|scope| self.watch(scope, &mut engine, &mut sources, &kept, show));
        self.read.store(sources.progress().0, Ordering::Relaxed);
        let mut outcome = engine.finish();
        outcome.ledger.declare(sources.names());
        let endings = sources.finish();
        let mut snapshot = self.analysis.snapshot(&outcome, &endings);
        self.name(&mut snapshot);
        let numbers = Arc::new(Numbers::of(&snapshot));
        Moment { snapshot: Arc::new(snapshot), numbers, flows: Arc::new(kept.ended()) }
    }

    fn watch<'s, 'e: 's>(
        &'e self,
        scope: &'s Scope<'s, 'e>,
        engine: &mut Engine<'_>,
        sources: &mut Sources,
        kept: &Kept,
        show: &mut dyn FnMut(Moment),
    ) {
        let analysis = &self.analysis;
        let (mut full, mut light) = (Due::now(), Due::now());
        let mut making: Option<ScopedJoinHandle<'s, Made>> = None;
        let mut beside: Option<(Light, Moment)> = None;
        let mut named = 0;
        engine.follow(sources, &mut |engine, sources, idle| {
            self.read.store(sources.progress().0, Ordering::Relaxed);
            // A name that the operator gives is seen at once, also where no packet comes.
            let changes = std::mem::replace(&mut named, self.labels.changes());
            let is_new = !idle || named != changes;
            full.is_fresh |= is_new;
            light.is_fresh |= is_new;
            if let Some(made) = making.take_if(|making| making.is_finished()) {
                let made = made.join().unwrap_or_else(|fault| resume_unwind(fault));
                let (began, cost) = (Instant::now(), made.cost);
                let mut counts = beside.take().map(|(light, _)| light).unwrap_or_default();
                let moment = made.adopt(&mut counts, engine, analysis, (sources, kept));
                full.took(cost + began.elapsed(), LOOK_SHARE - light.part());
                show(moment.clone());
                beside = Some((counts, moment));
            }
            if full.is_due() && making.is_none() {
                full.is_fresh = false;
                light.is_fresh = false;
                let began = Instant::now();
                let apart = self.is_watched && full.cost > LOOK_EVERY.mul_f64(LOOK_SHARE);
                let copied = Copied::of(engine, sources, kept);
                let name = |snapshot: &mut Snapshot| self.name(snapshot);
                if apart {
                    making = Some(scope.spawn(move || copied.make(analysis, name)));
                } else {
                    show(copied.show(analysis, name));
                    full.took(began.elapsed(), LOOK_SHARE);
                    beside = None;
                }
            } else if light.is_due()
                && let Some((counts, moment)) = &mut beside
                && !counts.is_short()
            {
                light.is_fresh = false;
                let began = Instant::now();
                moment.numbers = kept.look(counts, engine, analysis, sources);
                show(moment.clone());
                light.took(began.elapsed(), LOOK_SHARE / 2.0);
            }
            if idle {
                thread::sleep(PAUSE);
            }
        });
    }

    fn name(&self, snapshot: &mut Snapshot) {
        self.labels.apply(snapshot);
    }
}
