//! Analyses a recording while it grows.

use crate::analysis::Analysis;
use crate::attribution::record::{FlowRecord, Listener};
use crate::base::time::Timestamp;
use crate::engine::{Engine, Outcome, Records, Settings};
use crate::labels::Labels;
use crate::snapshot::Snapshot;
use crate::source::file::Ending;
use crate::source::{Segments, Sources};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Flows that ended last and are kept to be shown.
pub const FLOWS_KEPT: usize = 5_000;
/// Live flows that are shown; they are all counted.
const FLOWS_LIVE_SHOWN: usize = 5_000;
/// Least time between two snapshots.
const SNAPSHOT_EVERY: Duration = Duration::from_millis(250);
/// A snapshot may take one in so many parts of the time.
const SNAPSHOT_SHARE: u32 = 20;
/// How long to wait where nothing is to be read.
const PAUSE: Duration = Duration::from_millis(20);

/// What is known at a moment.
pub struct View {
    /// Everything but single flows.
    pub snapshot: Arc<Snapshot>,
    /// Flows that are live and flows that ended last.
    pub flows: Arc<Vec<FlowRecord>>,
    /// Capture time of the newest frame.
    pub now: Timestamp,
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
}

impl Follower<'_> {
    /// Reads until the recording is finished, showing views on the way. Returns the last, in which
    /// every flow has ended.
    pub fn run(&self, segments: Segments, show: &mut dyn FnMut(View)) -> View {
        let mut sources = Sources::follow(segments);
        let ended: Arc<Mutex<VecDeque<FlowRecord>>> = Arc::default();
        let kept = ended.clone();
        let mut keep = move |record: FlowRecord| {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == FLOWS_KEPT {
                kept.pop_front();
            }
            kept.push_back(record);
        };
        let records: &mut Records<'_> = &mut keep;
        let mut engine = Engine::new(self.settings, self.analysis.geo, Some(records))
            .looking_for(self.analysis.signatures.beginnings());
        let mut due = Instant::now();
        // Also nothing is shown, since that is what a silent tap gives.
        let mut fresh = true;
        let mut named = 0;
        engine.follow(&mut sources, &mut |engine, sources, idle| {
            self.read.store(sources.progress().0, Ordering::Relaxed);
            // A name that the operator gives is seen at once, also where no packet comes.
            let changes = std::mem::replace(&mut named, self.labels.changes());
            fresh |= !idle || named != changes;
            let began = Instant::now();
            if fresh && began >= due {
                show(self.look(engine, sources, &ended));
                due = Instant::now() + SNAPSHOT_EVERY.max(began.elapsed() * SNAPSHOT_SHARE);
                fresh = false;
            }
            if idle {
                thread::sleep(PAUSE);
            }
        });
        self.read.store(sources.progress().0, Ordering::Relaxed);
        let mut outcome = engine.finish();
        outcome.ledger.declare(sources.names());
        let endings = sources.finish();
        let snapshot = self.snapshot(&outcome, &endings);
        let kept = ended.lock().unwrap_or_else(PoisonError::into_inner);
        let now = latest(&snapshot);
        View { snapshot, flows: Arc::new(kept.iter().cloned().collect()), now }
    }

    fn snapshot(&self, outcome: &Outcome, endings: &[Ending]) -> Arc<Snapshot> {
        let mut snapshot = self.analysis.snapshot(outcome, endings);
        self.labels.apply(&mut snapshot);
        Arc::new(snapshot)
    }

    fn look(
        &self,
        engine: &Engine<'_>,
        sources: &Sources,
        ended: &Mutex<VecDeque<FlowRecord>>,
    ) -> View {
        let mut first = FirstFlows(Vec::new());
        let records: &mut Records<'_> = &mut first;
        let mut outcome = engine.peek(Some(records));
        let mut flows = first.0;
        outcome.ledger.declare(sources.names());
        let snapshot = self.snapshot(&outcome, &sources.so_far());
        flows.extend(ended.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
        let now = latest(&snapshot);
        View { snapshot, flows: Arc::new(flows), now }
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

fn latest(snapshot: &Snapshot) -> Timestamp {
    snapshot.inputs.iter().filter_map(|input| input.last).max().unwrap_or_default()
}
