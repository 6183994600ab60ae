//! Analyses a recording while it grows. A full look makes a snapshot, as often as it may cost; where that
//! is seldom, light looks between tell how much it is by now.

use crate::analysis::{Analysis, Light, Touched};
use crate::attribution::record::{FlowRecord, Listener};
use crate::attribution::world::Spots;
use crate::base::time::Timestamp;
use crate::engine::{Engine, Outcome, Records, Settings};
use crate::flow::Flow;
use crate::labels::Labels;
use crate::snapshot::{Numbers, Snapshot};
use crate::source::file::Ending;
use crate::source::{Segments, Sources};
use std::collections::VecDeque;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};
use std::time::{Duration, Instant};

/// Flows that ended last and are kept to be shown.
pub const FLOWS_KEPT: usize = 5_000;
/// Live flows that are shown; they are all counted.
const FLOWS_LIVE_SHOWN: usize = 5_000;
/// Least time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Full looks may take one in so many parts of the time, and light ones as much again.
const LOOK_SHARE: u32 = 20;
/// How long to wait where nothing is to be read.
const PAUSE: Duration = Duration::from_millis(20);

/// What is known at a moment.
#[derive(Clone)]
pub struct View {
    /// Everything but single flows.
    pub snapshot: Arc<Snapshot>,
    /// How much by now, and who came since.
    pub numbers: Arc<Numbers>,
    /// Flows that are live and flows that ended last, as of the snapshot.
    pub flows: Arc<Vec<FlowRecord>>,
}

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
}

impl Due {
    fn now() -> Due {
        // Also nothing is shown, since that is what a silent tap gives.
        Due { at: Instant::now(), is_fresh: true, cost: Duration::ZERO }
    }

    fn is_due(&self) -> bool {
        self.is_fresh && Instant::now() >= self.at
    }

    fn took(&mut self, cost: Duration) {
        self.cost = cost;
        self.at = Instant::now() + LOOK_EVERY.max(cost * LOOK_SHARE);
    }
}

/// A full look, made beside the analysis while that goes on.
struct Made {
    snapshot: Arc<Snapshot>,
    spots: Spots,
    flows: Arc<Vec<FlowRecord>>,
    looked: Timestamp,
    cost: Duration,
}

impl Follower<'_> {
    /// Reads until the recording is finished, showing views on the way. Returns the last, in which
    /// every flow has ended.
    pub fn run(&self, segments: Segments, show: &mut dyn FnMut(View)) -> View {
        let mut sources = Sources::follow(segments);
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let mut hears = Hears(kept.clone());
        let records: &mut Records<'_> = &mut hears;
        let mut engine = Engine::new(self.settings, self.analysis.geo, Some(records))
            .looking_for(self.analysis.signatures.beginnings());
        thread::scope(|scope| self.watch(scope, &mut engine, &mut sources, &kept, show));
        self.read.store(sources.progress().0, Ordering::Relaxed);
        let mut outcome = engine.finish();
        outcome.ledger.declare(sources.names());
        let endings = sources.finish();
        let snapshot = self.snapshot(&outcome, &endings);
        let flows = lock(&kept).ended.iter().cloned().collect();
        let numbers = Arc::new(Numbers::of(&snapshot));
        View { snapshot, numbers, flows: Arc::new(flows) }
    }

    fn watch<'s, 'e: 's>(
        &'e self,
        scope: &'s Scope<'s, 'e>,
        engine: &mut Engine<'_>,
        sources: &mut Sources,
        kept: &Mutex<Kept>,
        show: &mut dyn FnMut(View),
    ) {
        let (mut full, mut light) = (Due::now(), Due::now());
        let mut making: Option<ScopedJoinHandle<'s, Made>> = None;
        let mut beside: Option<(Light, View)> = None;
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
                let began = Instant::now();
                let counts = beside.take().map(|(light, _)| light);
                beside = Some(self.adopt(
                    counts.unwrap_or_default(),
                    engine,
                    sources,
                    made,
                    kept,
                    &mut full,
                ));
                full.took(full.cost + began.elapsed());
                if let Some((_, view)) = &beside {
                    show(view.clone());
                }
            }
            if full.is_due() && making.is_none() {
                full.is_fresh = false;
                light.is_fresh = false;
                let began = Instant::now();
                let apart = self.is_watched && full.cost > LOOK_EVERY / LOOK_SHARE;
                let (outcome, flows) = self.copy(engine, sources, kept);
                let endings = sources.so_far();
                if apart {
                    let (looked, copied) = (engine.now(), began.elapsed());
                    making = Some(
                        scope.spawn(move || self.make(outcome, flows, &endings, looked, copied)),
                    );
                } else {
                    let snapshot = self.snapshot(&outcome, &endings);
                    let numbers = Arc::new(Numbers::of(&snapshot));
                    show(View { snapshot, numbers, flows });
                    full.took(began.elapsed());
                    beside = None;
                }
            } else if light.is_due()
                && let Some((counts, view)) = &mut beside
                && !counts.is_short()
            {
                light.is_fresh = false;
                let began = Instant::now();
                let endings = sources.so_far();
                let touched = &mut lock(kept).touched;
                view.numbers = counts.look(engine, &self.analysis, &endings, touched);
                show(view.clone());
                light.took(began.elapsed());
            }
            if idle {
                thread::sleep(PAUSE);
            }
        });
    }

    /// Makes the snapshot of a copy.
    fn make(
        &self,
        outcome: Outcome,
        flows: Arc<Vec<FlowRecord>>,
        endings: &[Ending],
        looked: Timestamp,
        copied: Duration,
    ) -> Made {
        let began = Instant::now();
        let snapshot = self.snapshot(&outcome, endings);
        let spots = self.analysis.spots(&outcome, &snapshot);
        drop(outcome);
        Made { snapshot, spots, flows, looked, cost: copied + began.elapsed() }
    }

    /// Goes on from a full look.
    fn adopt(
        &self,
        mut light: Light,
        engine: &Engine<'_>,
        sources: &Sources,
        made: Made,
        kept: &Mutex<Kept>,
        full: &mut Due,
    ) -> (Light, View) {
        let Made { snapshot, spots, flows, looked, cost } = made;
        full.cost = cost;
        let touched = &mut lock(kept).touched;
        light.adopt(engine, &self.analysis, (&snapshot, spots, looked), touched);
        let numbers = match light.is_short() {
            true => Arc::new(Numbers::of(&snapshot)),
            false => light.look(engine, &self.analysis, &sources.so_far(), touched),
        };
        (light, View { snapshot, numbers, flows })
    }

    fn snapshot(&self, outcome: &Outcome, endings: &[Ending]) -> Arc<Snapshot> {
        let mut snapshot = self.analysis.snapshot(outcome, endings);
        self.labels.apply(&mut snapshot);
        Arc::new(snapshot)
    }

    /// A copy of what is known, and the flows that are shown.
    fn copy(
        &self,
        engine: &Engine<'_>,
        sources: &Sources,
        kept: &Mutex<Kept>,
    ) -> (Outcome, Arc<Vec<FlowRecord>>) {
        let mut first = FirstFlows(Vec::new());
        let records: &mut Records<'_> = &mut first;
        let mut outcome = engine.peek(Some(records));
        let mut flows = first.0;
        outcome.ledger.declare(sources.names());
        flows.extend(lock(kept).ended.iter().cloned());
        (outcome, Arc::new(flows))
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

struct Hears(Arc<Mutex<Kept>>);

impl Listener for Hears {
    fn ended(&mut self, record: FlowRecord) {
        let mut kept = lock(&self.0);
        if kept.ended.len() == FLOWS_KEPT {
            kept.ended.pop_front();
        }
        kept.ended.push_back(record);
    }

    fn placed(&mut self, _flow: &Flow, row: usize, _marks: u32) {
        lock(&self.0).touched.add(row);
    }
}

/// Takes no more live flows than are shown.
struct FirstFlows(Vec<FlowRecord>);

impl Listener for FirstFlows {
    fn wants(&self) -> bool {
        self.0.len() < FLOWS_LIVE_SHOWN
    }

    fn ended(&mut self, record: FlowRecord) {
        self.0.push(record);
    }
}
