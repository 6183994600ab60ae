//! What a running engine can tell at a small price: what was counted, and what changed of who
//! exchanged how much with whom.

use super::{Engine, PARTITIONS, Phases, Sums};
use crate::attribution::Ledger;
use crate::attribution::tally::Tally;
use crate::base::time::Timestamp;
use crate::decode::FrameLedger;

impl Engine<'_> {
    /// What flows that ended add up to.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.teller.ledger
    }

    /// What became of every frame.
    #[must_use]
    pub fn frames(&self) -> &FrameLedger {
        &self.front.frames
    }

    /// What was noted.
    #[must_use]
    pub fn phases(&self) -> &Phases {
        &self.front.phases
    }

    /// Highest capture time so far.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.front.frames.times.map_or(Timestamp(i64::MIN), |[_, last]| last)
    }

    /// Sums over all partitions.
    #[must_use]
    pub fn sums(&self) -> Sums {
        let mut sums = Sums::default();
        let partitions = self.workers.iter().flat_map(|worker| &worker.partitions);
        partitions.for_each(|partition| sums.add(&partition.sums()));
        sums
    }

    /// Tells the live flows that had packets since a moment, and which ended; with `again` all of
    /// them. Reads a line of memory of each live flow, and more of those that changed.
    pub fn tally(&self, tally: &mut Tally, (since, again): (Timestamp, bool)) {
        for number in 0..PARTITIONS {
            let worker = &self.workers[number % self.workers.len()];
            let Some(partition) = worker.partitions.get(number / self.workers.len()) else {
                continue;
            };
            for (at, flow) in partition.places().enumerate() {
                tally.place(&self.teller.ledger, (number, at), flow, (since, again));
            }
        }
    }
}
