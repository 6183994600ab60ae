//! Full looks at a running engine, for whoever watches it: what is copied while it waits, what is made of
//! that beside it, and how light looks go on from there.

use super::{Analysis, Light, Touched};
use crate::attribution::record::{FlowRecord, Listener};
use crate::attribution::world::Spots;
use crate::base::time::Timestamp;
use crate::engine::{Engine, Outcome, Records};
use crate::flow::Flow;
use crate::snapshot::{Numbers, Snapshot};
use crate::source::Sources;
use crate::source::file::Ending;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Flows that ended last and are kept to be shown.
const FLOWS_KEPT: usize = 5_000;
/// Live flows that are shown; they are all counted.
const FLOWS_LIVE_SHOWN: usize = 5_000;

/// What is known at a moment.
#[derive(Clone)]
pub struct Moment {
    /// Everything but single flows.
    pub snapshot: Arc<Snapshot>,
    /// How much by now, and who came since.
    pub numbers: Arc<Numbers>,
    /// Flows that are live and flows that ended last, as of the snapshot.
    pub flows: Arc<Vec<FlowRecord>>,
}

/// What is kept of flows while the engine goes on. Copies share it.
#[derive(Clone, Default)]
pub struct Kept(Arc<Mutex<Flows>>);

#[derive(Default)]
struct Flows {
    ended: VecDeque<FlowRecord>,
    touched: Touched,
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Flows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those that ended last, in the order in which they did.
    #[must_use]
    pub fn ended(&self) -> Vec<FlowRecord> {
        self.lock().ended.iter().cloned().collect()
    }

    /// The numbers by now.
    pub fn look(
        &self,
        light: &mut Light,
        engine: &Engine<'_>,
        analysis: &Analysis<'_>,
        sources: &Sources,
    ) -> Arc<Numbers> {
        light.look(engine, analysis, &sources.so_far(), &mut self.lock().touched)
    }
}

impl Listener for Kept {
    fn ended(&mut self, record: FlowRecord) {
        let mut kept = self.lock();
        if kept.ended.len() >= FLOWS_KEPT {
            kept.ended.pop_front();
        }
        kept.ended.push_back(record);
    }

    fn placed(&mut self, _flow: &Flow, row: usize, _marks: u32) {
        self.lock().touched.add(row);
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

/// A copy of what is known: the engine waits only for this.
pub struct Copied {
    outcome: Outcome,
    flows: Vec<FlowRecord>,
    endings: Vec<Ending>,
    /// Capture time of the copy.
    looked: Timestamp,
    /// What it took.
    pub cost: Duration,
}

/// A full look that light ones can go on from.
pub struct Made {
    snapshot: Arc<Snapshot>,
    spots: Spots,
    flows: Arc<Vec<FlowRecord>>,
    looked: Timestamp,
    /// What it took so far, copy included.
    pub cost: Duration,
}

impl Copied {
    /// Copies what the engine knows by now.
    #[must_use]
    pub fn of(engine: &Engine<'_>, sources: &Sources, kept: &Kept) -> Copied {
        let began = Instant::now();
        let mut first = FirstFlows(Vec::new());
        let records: &mut Records<'_> = &mut first;
        let mut outcome = engine.peek(Some(records));
        outcome.ledger.declare(sources.names());
        let mut flows = first.0;
        flows.extend(kept.lock().ended.iter().cloned());
        let (endings, looked) = (sources.so_far(), engine.now());
        Copied { outcome, flows, endings, looked, cost: began.elapsed() }
    }

    /// What is known at that moment; `name` is told the snapshot last.
    pub fn show(self, analysis: &Analysis<'_>, name: impl Fn(&mut Snapshot)) -> Moment {
        let mut snapshot = analysis.snapshot(&self.outcome, &self.endings);
        name(&mut snapshot);
        let numbers = Arc::new(Numbers::of(&snapshot));
        Moment { snapshot: Arc::new(snapshot), numbers, flows: Arc::new(self.flows) }
    }

    /// Makes the snapshot, and what light looks need beside it.
    pub fn make(self, analysis: &Analysis<'_>, name: impl Fn(&mut Snapshot)) -> Made {
        let began = Instant::now();
        let Copied { outcome, flows, endings, looked, cost } = self;
        let mut snapshot = analysis.snapshot(&outcome, &endings);
        name(&mut snapshot);
        let spots = analysis.spots(&outcome, &snapshot);
        drop(outcome);
        let cost = cost + began.elapsed();
        Made { snapshot: Arc::new(snapshot), spots, flows: Arc::new(flows), looked, cost }
    }
}

impl Made {
    /// Goes on from it with light looks: what is known by now.
    pub fn adopt(
        self,
        light: &mut Light,
        engine: &Engine<'_>,
        analysis: &Analysis<'_>,
        (sources, kept): (&Sources, &Kept),
    ) -> Moment {
        let Made { snapshot, spots, flows, looked, .. } = self;
        let made = (&*snapshot, spots, looked);
        light.adopt(engine, analysis, made, &mut kept.lock().touched);
        let numbers = match light.is_short() {
            true => Arc::new(Numbers::of(&snapshot)),
            false => kept.look(light, engine, analysis, sources),
        };
        Moment { snapshot, numbers, flows }
    }
}
