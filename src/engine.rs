//! The loop that joins the stages. Frames come in chunks; each is decoded, its fragments are put
//! together, its packets go to the flow tables and dissectors of their partitions, and what these
//! say goes to the ledger. Several threads may work, each on a chunk of its own: every stage lets
//! the chunks pass in their order, so that the result is the same with any number of threads.

mod batch;
mod events;
mod fragmented;
mod stage;

use crate::attribution::Ledger;
use crate::attribution::geo::Geo;
use crate::base::table::BuildHasher;
use crate::decode::FrameLedger;
use crate::decode::fragments::FragmentLosses;
use crate::flow::distribution::Distributions;
use crate::flow::{FlowId, FlowTable, Losses};
use crate::protocol::Sessions;
use crate::source::{Chunk, Sources};
use batch::{ASIDE, Aside, Batch};
use events::Join;
use fragmented::FragmentStage;
use stage::Stage;
use std::hint::black_box;

pub use events::Records;

/// Work is split into this many parts by the addresses of packets, whatever the number of
/// threads, so that bounds and output do not depend on it.
pub const PARTITIONS: usize = 64;
/// Partitions that a chunk passes in one turn: taking a turn costs little, but not nothing.
const PARTITIONS_A_TURN: usize = 8;
/// Most live flows, all partitions together.
pub const FLOWS_MAX: usize = 1 << 20;

/// How to run.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Most live flows.
    pub flows_max: usize,
    /// Threads that work on chunks.
    pub threads: usize,
    /// Whether payload is read and the ledger kept, or flows only counted.
    pub dissect: bool,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { flows_max: FLOWS_MAX, threads: 1, dissect: true }
    }
}

/// Everything that one run has learnt.
pub struct Outcome {
    /// Who talked to whom.
    pub ledger: Ledger,
    /// What became of every frame.
    pub frames: FrameLedger,
    /// Sizes, gaps and round trips.
    pub distributions: Distributions,
    /// What the bounds of the flow tables cost.
    pub flow_losses: Losses,
    /// Datagrams whose fragments were given up.
    pub fragment_losses: FragmentLosses,
    /// Flows whose dissection ended early because too much was kept for all together.
    pub flows_unread: u64,
    /// Faults of dissectors that were caught.
    pub faults: u64,
    /// Flows begun.
    pub flows_created: u64,
}

struct Partition {
    flows: FlowTable,
    sessions: Sessions,
}

struct Output<'r> {
    ledger: Ledger,
    records: Option<&'r mut Records<'r>>,
}

/// See the module.
pub struct Engine<'r> {
    hasher: BuildHasher,
    fragments: Stage<FragmentStage>,
    partitions: Vec<Stage<Vec<Partition>>>,
    output: Stage<Output<'r>>,
    geo: &'r Geo,
    settings: Settings,
}

/// What each thread has for itself.
#[derive(Default)]
pub struct Worker {
    batch: Batch,
    guesses: Vec<Option<FlowId>>,
    frames: FrameLedger,
    distributions: Distributions,
    /// The latest chunk it took, and the number of the last frame in it.
    latest: (u64, u64),
}

/// Where chunks come from.
struct Intake<'s, 't> {
    sources: &'s mut Sources,
    tick: &'t mut (dyn FnMut(&Sources) + Send),
    next: u64,
    ended: bool,
}

impl<'r> Engine<'r> {
    /// An engine that gives `records` the record of each flow that ends.
    #[must_use]
    pub fn new(settings: Settings, geo: &'r Geo, records: Option<&'r mut Records<'r>>) -> Self {
        let partition = || Partition {
            flows: FlowTable::new(settings.flows_max / PARTITIONS),
            sessions: Sessions::default(),
        };
        let turn =
            || Stage::new(std::iter::repeat_with(partition).take(PARTITIONS_A_TURN).collect());
        Engine {
            hasher: BuildHasher::default(),
            fragments: Stage::new(FragmentStage::default()),
            partitions: std::iter::repeat_with(turn).take(PARTITIONS / PARTITIONS_A_TURN).collect(),
            output: Stage::new(Output { ledger: Ledger::default(), records }),
            geo,
            settings,
        }
    }

    /// Reads captures to their end. `tick` is called now and then, for a progress bar.
    #[must_use]
    pub fn read(self, sources: &mut Sources, tick: &mut (dyn FnMut(&Sources) + Send)) -> Outcome {
        let intake = std::sync::Mutex::new(Intake { sources, tick, next: 0, ended: false });
        let workers = std::thread::scope(|scope| {
            let others: Vec<_> =
                (1..self.settings.threads).map(|_| scope.spawn(|| self.work(&intake))).collect();
            let mut workers = vec![self.work(&intake)];
            for other in others {
                match other.join() {
                    Ok(worker) => workers.push(worker),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            workers
        });
        let mut outcome = self.finish(workers);
        outcome.ledger.declare(sources.names());
        outcome
    }

    /// Takes chunks until there are no more.
    fn work(&self, intake: &std::sync::Mutex<Intake<'_, '_>>) -> Worker {
        let alarm = Alarm(self);
        let (mut worker, mut chunk) = (Worker::default(), Chunk::default());
        loop {
            let number = {
                let mut intake = intake.lock().expect("no thread panics while it reads");
                let Intake { sources, tick, next, ended } = &mut *intake;
                if *ended {
                    break;
                }
                sources.fill(&mut chunk);
                *ended = chunk.is_empty();
                if *ended {
                    break;
                }
                tick(sources);
                *next += 1;
                *next - 1
            };
            self.chunk(number, &chunk, &mut worker);
        }
        std::mem::forget(alarm);
        worker
    }

    /// Takes one chunk, numbered from 0 in the order of reading, through all stages.
    pub fn chunk(&self, number: u64, chunk: &Chunk, worker: &mut Worker) {
        let Worker { batch, frames, latest, .. } = worker;
        *latest = (number, chunk.len().checked_sub(1).map_or(0, |last| chunk.frame(last).number));
        batch.decode(chunk, &self.hasher, frames);
        let mut fragments = self.fragments.enter(number);
        batch.put_fragments_together(chunk, fragments.state(), &self.hasher);
        drop(fragments);
        batch.sort();
        for (turn, stage) in self.partitions.iter().enumerate() {
            let mut partitions = stage.enter(number);
            for (index, partition) in partitions.state().iter_mut().enumerate() {
                let number = turn * PARTITIONS_A_TURN + index;
                partition.take(number, chunk, worker, self.settings.dissect);
            }
        }
        self.tell(&worker.batch, self.output.enter(number).state());
    }

    /// Tells the ledger what was said about a batch.
    fn tell(&self, batch: &Batch, output: &mut Output<'_>) {
        let Output { ledger, records } = output;
        for item in &batch.items {
            if item.partition == ASIDE {
                match batch.aside_of(item) {
                    (Aside::Arp(arp), time) => {
                        ledger.arp(arp.sender_mac, arp.sender.into(), time);
                    }
                    (Aside::Sighted(mac), _) => ledger.sighted(mac),
                }
            } else if !item.events.is_empty() {
                batch.events.tell(item.events.clone(), ledger, self.geo, records);
            }
        }
    }

    /// Ends every flow and adds up what the workers counted.
    #[must_use]
    pub fn finish(mut self, mut workers: Vec<Worker>) -> Outcome {
        let behind =
            workers.iter().map(|worker| worker.latest).max().map_or(0, |latest| latest.1) + 1;
        workers.iter_mut().for_each(|worker| worker.distributions.complete());
        let mut last = workers.pop().unwrap_or_default();
        for worker in &workers {
            last.frames.merge(&worker.frames);
            last.distributions.merge(&worker.distributions);
        }
        let nothing = Chunk::default();
        last.batch.decode(&nothing, &self.hasher, &mut last.frames);
        self.fragments.get_mut().finish(&self.hasher, &mut last.batch);
        last.batch.sort();
        let mut partitions: Vec<Partition> =
            self.partitions.drain(..).flat_map(Stage::into_inner).collect();
        for (index, partition) in partitions.iter_mut().enumerate() {
            partition.take(index, &nothing, &mut last, self.settings.dissect);
        }
        last.distributions.complete();
        let mut output = std::mem::replace(
            &mut self.output,
            Stage::new(Output { ledger: Ledger::default(), records: None }),
        )
        .into_inner();
        self.tell(&last.batch, &mut output);
        let mut outcome = Outcome {
            ledger: Ledger::default(),
            frames: last.frames,
            distributions: last.distributions,
            flow_losses: Losses::default(),
            fragment_losses: self.fragments.get_mut().losses(),
            flows_unread: 0,
            faults: 0,
            flows_created: 0,
        };
        outcome.frames.merge(&self.fragments.get_mut().frames);
        for Partition { mut flows, mut sessions } in partitions {
            let events = &mut last.batch.events;
            events.clear();
            let dissect = self.settings.dissect;
            let mut join = Join { sessions: &mut sessions, events: &mut *events, dissect };
            flows.finish(behind, &mut join);
            events.tell(0..events.len(), &mut output.ledger, self.geo, &mut output.records);
            outcome.flow_losses.add(&flows.losses);
            outcome.flows_created += flows.created;
            outcome.flows_unread += sessions.given_up;
            outcome.faults += sessions.faults;
        }
        outcome.ledger = output.ledger;
        outcome
    }
}

impl Partition {
    /// Takes the items of a batch that belong to this partition.
    fn take(&mut self, number: usize, chunk: &Chunk, worker: &mut Worker, dissect: bool) {
        let Partition { flows, sessions } = self;
        let Worker { batch, guesses, distributions, .. } = worker;
        let positions = batch.of_partition(number);
        // Memory is fetched for all packets before any is worked on: first the slots of the
        // index, then the records. The processor does not wait for one before it asks for the
        // next.
        guesses.clear();
        guesses.extend(positions.clone().map(|at| flows.guess(&batch.item_at(at).brief)));
        let glances = positions.clone().zip(&*guesses).filter_map(|(at, guess)| {
            guess.map(|id| flows.glance(id, batch.item_at(at).brief.side))
        });
        black_box(glances.fold(0, |sum, seen| sum ^ seen));
        for position in positions {
            let before = batch.events.len();
            let (item, around, payload, events) = batch.parts(position, chunk);
            let now =
                if chunk.is_empty() { item.brief.seen } else { chunk.seen(item.frame as usize) };
            let mut join = Join { sessions, events, dissect };
            flows.packet(&item.brief, around, now, payload, distributions, &mut join);
            let after = batch.events.len();
            batch.set_events(position, before..after);
        }
    }
}

/// Keeps other threads from waiting for one that failed.
struct Alarm<'e, 'r>(&'e Engine<'r>);

impl Drop for Alarm<'_, '_> {
    fn drop(&mut self) {
        self.0.fragments.fail();
        self.0.partitions.iter().for_each(Stage::fail);
        self.0.output.fail();
    }
}
