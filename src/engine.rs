//! Joins the stages. Frames come in chunks. The front decodes a chunk and puts fragments together;
//! workers take its packets through the flow tables and dissectors of the partitions they own; the
//! teller tells the ledger what they said, in the order of frames. With one thread they take turns,
//! with several they work side by side; the result is the same.

mod batch;
mod events;
mod fragmented;
mod front;
mod keys;
mod light;
mod phases;
mod pipeline;
mod teller;
mod timeline;
mod worker;

use crate::attribution::Ledger;
use crate::attribution::geo::Geo;
use crate::base::time::Timestamp;
use crate::decode::FrameLedger;
use crate::decode::fragments::FragmentLosses;
use crate::flow::distribution::Distributions;
use crate::protocol::beginnings::Beginnings;
use crate::source::Sources;
use front::Front;
use std::sync::Arc;
use teller::Teller;
use worker::Worker;

pub use batch::Job;
pub use events::Records;
pub use keys::keys;
pub use phases::{Amount, Interruption, Mark, Phase, Phases};
pub use timeline::{SLOTS_MAX, Timeline};
pub use worker::Sums;

/// Work is split into this many parts by the addresses of packets, whatever the number of
/// threads, so that bounds and output do not depend on it.
pub const PARTITIONS: usize = 64;
/// Most live flows, all partitions together.
pub const FLOWS_MAX: usize = 1 << 20;

/// For so many live flows that there is room for, the ledger has room for one row: a row and what is
/// built of it when the flows are gone take about 4 KiB, a dozen times the memory of a flow.
const FLOWS_A_ROW: usize = 16;

/// Frames that one thread takes through all stages before it decodes the next: few enough that
/// what was decoded of them stays in the first caches of a processor.
const SLICE: usize = 128;

/// How to run.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Most live flows.
    pub flows_max: usize,
    /// Threads that work on chunks.
    pub threads: usize,
    /// How far the walk goes.
    pub depth: Depth,
    /// Whether traffic with the internet is kept over time; costs one more look at every packet.
    pub timeline: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { flows_max: FLOWS_MAX, threads: 1, depth: Depth::Everything, timeline: false }
    }
}

/// How far packets go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Flows are counted.
    Flows,
    /// Payload is read too, but the ledger hears nothing: so the cost of dissectors can be told.
    Protocols,
    /// The ledger is kept.
    Everything,
}

impl Settings {
    /// Threads that own partitions: with two threads one reads, decodes and tells the ledger and the
    /// other does the rest; from three on one more tells.
    fn workers(&self) -> usize {
        self.threads.saturating_sub(2).clamp(1, PARTITIONS)
    }

    fn dissects(&self) -> bool {
        self.depth != Depth::Flows
    }
}

/// Called now and then while captures are read.
pub type Tick<'t> = dyn FnMut(&Sources) + Send + 't;

/// Everything that one run has learnt.
pub struct Outcome {
    /// Who talked to whom.
    pub ledger: Ledger,
    /// What became of every frame.
    pub frames: FrameLedger,
    /// Sizes, gaps and round trips.
    pub distributions: Distributions,
    /// Datagrams whose fragments were given up.
    pub fragment_losses: FragmentLosses,
    /// Sums over all partitions.
    pub sums: Sums,
    /// What was seen in each phase that the operator noted.
    pub phases: Phases,
    /// Traffic with the internet over time, where it was asked for.
    pub timeline: Option<Timeline>,
}

/// See the module.
pub struct Engine<'r> {
    settings: Settings,
    front: Front,
    /// Partition `n` belongs to worker `n` modulo their number.
    workers: Vec<Worker>,
    teller: Teller<'r>,
}

impl<'r> Engine<'r> {
    /// An engine that gives `records` the record of each flow that ends.
    #[must_use]
    pub fn new(settings: Settings, geo: &'r Geo, records: Option<&'r mut Records<'r>>) -> Self {
        let (workers, measure) = (settings.workers(), records.is_some());
        let worker = |number| {
            let partitions = (number..PARTITIONS).step_by(workers).count();
            let flows_max = settings.flows_max / PARTITIONS;
            Worker::new(partitions, flows_max, settings.dissects(), measure)
        };
        let mut teller = Teller::new((settings.flows_max / FLOWS_A_ROW).max(1), geo, records);
        teller.silent = settings.depth == Depth::Protocols;
        let front = Front::new(workers, settings.timeline);
        Engine { settings, front, workers: (0..workers).map(worker).collect(), teller }
    }

    /// Looks for beginnings of messages in flows that no dissector knows.
    #[must_use]
    pub fn looking_for(mut self, beginnings: &Arc<Beginnings>) -> Self {
        self.workers.iter_mut().for_each(|worker| worker.look_for(beginnings));
        self
    }

    /// Reads captures to their end. `tick` is called now and then, for a progress bar.
    #[must_use]
    pub fn read(mut self, sources: &mut Sources, tick: &mut Tick<'_>) -> Outcome {
        match self.settings.threads {
            0 | 1 => self.read_alone(sources, tick),
            2 => self.read_in_two(sources, tick),
            _ => self.read_in_many(sources, tick),
        }
        let mut outcome = self.finish();
        outcome.ledger.declare(sources.names());
        outcome
    }

    fn read_alone(&mut self, sources: &mut Sources, tick: &mut Tick<'_>) {
        let mut job = Job::default();
        loop {
            sources.fill(&mut job.common.chunk);
            if job.common.chunk.is_empty() {
                return;
            }
            tick(sources);
            self.job(&mut job);
        }
    }

    /// Reads a recording that grows, on this thread alone, until nothing more will come. `tick` is
    /// called after each chunk, and, with `true`, whenever there is nothing to read for now: then it
    /// is for `tick` to wait a little.
    pub fn follow(
        &mut self,
        sources: &mut Sources,
        tick: &mut dyn FnMut(&Engine<'r>, &Sources, bool),
    ) {
        let mut job = Job::default();
        loop {
            sources.fill(&mut job.common.chunk);
            let idle = job.common.chunk.is_empty();
            if idle && !sources.is_waiting() {
                return;
            }
            if !idle {
                self.job(&mut job);
            }
            tick(self, sources, idle);
        }
    }

    /// Reads the next frames up to a moment, for a replay; whether there were any. `job` lends its
    /// memory.
    pub fn advance(&mut self, sources: &mut Sources, until: Timestamp, job: &mut Job) -> bool {
        sources.fill_until(until, &mut job.common.chunk);
        let some = !job.common.chunk.is_empty();
        if some {
            self.job(job);
        }
        some
    }

    /// Takes one job through all stages. Jobs come in the order of their frames.
    pub fn job(&mut self, job: &mut Job) {
        let frames = job.frames();
        let mut start = 0;
        loop {
            let end = frames.min(start + SLICE);
            self.front.decode_some(job, start..end);
            self.work(job);
            start = end;
            if start == frames {
                return;
            }
        }
    }

    fn work(&mut self, job: &mut Job) {
        for (worker, part) in self.workers.iter_mut().zip(&mut job.parts) {
            worker.take(&job.common, part);
        }
        self.teller.tell(&job.common, &job.parts);
    }

    /// What is known so far, as if the captures ended here. Nothing ends by it, so that it can be
    /// asked for again and again while a capture grows; it costs a copy of the ledger. What a
    /// dissector would say only at the end of a flow is not in it. `live` gets the records of the
    /// live flows; what unknown ones look like is in them only where this engine gives records too.
    #[must_use]
    pub fn peek<'p>(&'p self, live: Option<&'p mut Records<'p>>) -> Outcome {
        let mut teller = self.teller.copy(live);
        teller.ledger.expect(self.sums().flows_live as usize);
        let mut distributions = Distributions::default();
        let mut sums = Sums::default();
        let mut events = events::Events::default();
        for worker in &self.workers {
            let mut counted = worker.distributions.clone();
            counted.complete();
            distributions.merge(&counted);
        }
        for number in 0..PARTITIONS {
            let worker = &self.workers[number % self.workers.len()];
            let Some(partition) = worker.partitions.get(number / self.workers.len()) else {
                continue;
            };
            sums.add(&partition.sums());
            // Near the end of the flows that they are about, so that little memory is gone through.
            let live = partition.places().flatten();
            live.for_each(|flow| teller.ledger.lend(&self.teller.ledger, flow));
            partition.peek(self.front.last + 1, &mut events);
            teller.all(&events);
            events.clear();
        }
        Outcome {
            ledger: teller.ledger,
            fragment_losses: self.front.fragment_losses(),
            frames: self.front.frames.clone(),
            distributions,
            sums,
            phases: self.front.phases.clone(),
            timeline: self.front.timeline.clone(),
        }
    }

    /// Ends every flow and adds up what was counted.
    #[must_use]
    pub fn finish(mut self) -> Outcome {
        let mut job = Job::default();
        self.front.finish(&mut job);
        self.work(&mut job);
        let mut distributions = Distributions::default();
        let mut owners = Vec::new();
        for mut worker in self.workers {
            worker.distributions.complete();
            distributions.merge(&worker.distributions);
            owners.push(worker.partitions.into_iter());
        }
        let mut sums = Sums::default();
        let mut events = events::Events::default();
        for number in 0..PARTITIONS {
            let owner = number % owners.len();
            let Some(mut partition) = owners[owner].next() else { continue };
            let (behind, dissect) = (self.front.last + 1, self.settings.dissects());
            sums.add(&partition.finish(behind, &mut events, dissect, |events| {
                self.teller.all(events);
                events.clear();
            }));
        }
        Outcome {
            ledger: self.teller.ledger,
            fragment_losses: self.front.fragment_losses(),
            frames: self.front.frames,
            distributions,
            sums,
            phases: self.front.phases,
            timeline: self.front.timeline,
        }
    }
}
