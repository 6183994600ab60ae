//! Owns partitions: their flow tables and the sessions of their dissectors.

use super::batch::{Common, Item, Part, Told};
use super::events::{Events, Join};
use crate::flow::distribution::Distributions;
use crate::flow::{Flow, FlowId, FlowTable, Losses};
use crate::protocol::Sessions;
use crate::protocol::beginnings::Beginnings;
use std::hint::black_box;
use std::sync::Arc;

/// Packets whose memory is fetched at once.
const AHEAD: usize = 64;

/// See the module.
pub(super) struct Worker {
    pub partitions: Vec<Partition>,
    pub distributions: Distributions,
    dissect: bool,
}

pub(super) struct Partition {
    flows: FlowTable,
    sessions: Sessions,
}

/// What a partition adds to the sums of the run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sums {
    /// What the bounds of the flow tables cost.
    pub losses: Losses,
    /// Flows begun.
    pub flows_created: u64,
    /// Flows that were live when the capture ended.
    pub flows_live: u64,
    /// Packets, and bytes on the wire, seen a second time.
    pub duplicates: [u64; 2],
    /// TCP segments that say something else than an earlier copy.
    pub conflicts: u64,
    /// Flows whose dissection ended early because too much was kept for all together.
    pub flows_unread: u64,
    /// Faults of dissectors that were caught.
    pub faults: u64,
}

impl Worker {
    /// With `measure`, flows that nobody knows are measured for their records.
    pub fn new(partitions: usize, flows_max: usize, dissect: bool, measure: bool) -> Worker {
        let partition =
            || Partition { flows: FlowTable::new(flows_max), sessions: Sessions::new(measure) };
        Worker {
            partitions: std::iter::repeat_with(partition).take(partitions).collect(),
            distributions: Distributions::default(),
            dissect,
        }
    }

    /// Looks for beginnings of messages in flows that no dissector knows.
    pub fn look_for(&mut self, beginnings: &Arc<Beginnings>) {
        self.partitions.iter_mut().for_each(|one| one.sessions.look_for(beginnings));
    }

    /// Takes this worker's part of a job.
    pub fn take(&mut self, common: &Common, part: &mut Part) {
        let Part { items, guesses, events, told } = part;
        let Worker { partitions, distributions, dissect } = self;
        for ahead in items.chunks(AHEAD) {
            // Memory is fetched for several packets before any is worked on: first the slots of
            // the index, then the records. The processor does not wait for one before it asks for
            // the next.
            guesses.clear();
            guesses.extend(ahead.iter().map(|item| partitions[item.owned as usize].guess(item)));
            let glances = ahead.iter().zip(&*guesses).filter_map(|(item, guess)| {
                Some(partitions[item.owned as usize].glance(item, (*guess)?))
            });
            black_box(glances.fold(0, |sum, seen| sum ^ seen));
            for (item, guess) in ahead.iter().zip(&*guesses) {
                let Partition { flows, sessions } = &mut partitions[item.owned as usize];
                let start = events.len();
                let mut join = Join { sessions, events, dissect: *dissect };
                let (now, around) = (common.now(item), || common.around(item));
                let (packet, payload) = ((&item.brief, *guess), || common.payload(item));
                flows.packet(packet, now, around, payload, distributions, &mut join);
                let end = events.len();
                if end > start {
                    told.push(Told { place: item.place, start, end });
                }
            }
        }
    }
}

impl Partition {
    #[inline]
    fn guess(&self, item: &Item) -> Option<FlowId> {
        self.flows.guess(&item.brief)
    }

    #[inline]
    fn glance(&self, item: &Item, id: FlowId) -> u64 {
        self.flows.glance(id, &item.brief) ^ self.sessions.glance(id)
    }

    /// Ends every live flow; `behind` is the number behind the last frame. `tell` hears what that
    /// says, and may forget it.
    pub fn finish(
        &mut self,
        behind: u64,
        events: &mut Events,
        dissect: bool,
        mut tell: impl FnMut(&mut Events),
    ) -> Sums {
        let flows_live = self.flows.len() as u64;
        let Partition { flows, sessions } = self;
        flows.finish(behind, &mut Join { sessions, events, dissect }, |join| tell(join.events));
        Sums { flows_live, ..self.sums() }
    }

    /// What was counted so far.
    pub fn sums(&self) -> Sums {
        let Partition { flows, sessions } = self;
        Sums {
            losses: flows.losses,
            flows_created: flows.created,
            flows_live: flows.len() as u64,
            duplicates: flows.duplicates,
            conflicts: flows.conflicts,
            flows_unread: sessions.given_up,
            faults: sessions.faults,
        }
    }

    /// The places of its flows.
    pub fn places(&self) -> impl Iterator<Item = Option<&Flow>> {
        self.flows.places()
    }

    /// Says of every live flow what would be said if it ended now.
    pub fn peek(&self, behind: u64, events: &mut Events) {
        let Partition { flows, sessions } = self;
        flows.peek(|id, flow, end| {
            let said = (sessions.label(id, flow), sessions.look(id, flow));
            events.ends(flow.clone(), said, end, behind);
        });
    }
}

impl Sums {
    /// Adds those of another partition.
    pub fn add(&mut self, other: &Sums) {
        self.losses.add(&other.losses);
        self.flows_created += other.flows_created;
        self.flows_live += other.flows_live;
        self.duplicates[0] += other.duplicates[0];
        self.duplicates[1] += other.duplicates[1];
        self.conflicts += other.conflicts;
        self.flows_unread += other.flows_unread;
        self.faults += other.faults;
    }
}
