//! How much went to and from the internet over time, packet by packet. Only kept where somebody
//! asks for it: it looks at every packet once more, behind the decoder, and the walk itself stays
//! as it is. What it keeps depends on packets and their order alone, not on threads.

use super::batch::{Aside, Item, Part};
use crate::attribution::ledger::Endpoint;
use crate::attribution::on_link::OnLink;
use crate::base::address::Scope;
use crate::base::table::Map;
use crate::base::time::Timestamp;
use crate::snapshot::Slots;
use std::net::IpAddr;

/// Slots kept; when time outgrows them, two become one.
pub const SLOTS_MAX: usize = 600;
/// Width of a slot at the beginning, nanoseconds.
const SLOT: i64 = 100_000_000;
/// Ends of the test network with a series of their own; all others are in the sum only.
const ENDS_MAX: usize = 1024;
/// Pairs of an end and a remote told apart by phase.
const PAIRS_MAX: usize = 65_536;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Timeline {
    /// When the first slot begins.
    pub start: Timestamp,
    /// Width of a slot, nanoseconds; 0 before the first packet.
    pub slot: i64,
    /// All ends together.
    pub all: Slots,
    /// By the end on the test network.
    pub ends: Map<Endpoint, Slots>,
    /// Payload of ends that there was no room for.
    pub untold: [u64; 2],
    on_link: OnLink,
    /// Payload of each end with each remote in each phase, by its position.
    pub phases: Map<(usize, Endpoint, IpAddr), [u64; 2]>,
    /// Payload that there was no room for there.
    pub untold_phases: [u64; 2],
}

/// From which item on a phase holds: place of the item, position of the phase.
pub(super) type Change = (u32, usize);

impl Timeline {
    /// Takes the packets of a job. `changes` are the phases in it, the one that it began in first.
    /// `asides` say whose addresses are whose.
    pub(super) fn take(&mut self, parts: &[Part], changes: &[Change], asides: &[(u32, Aside)]) {
        let mut asides = asides.iter().peekable();
        let mut left: Vec<&[Item]> = parts.iter().map(|part| &part.items[..]).collect();
        // In the order of frames, which is the same whatever the number of workers.
        let place = |items: &&mut &[Item]| items.first().map_or(u32::MAX, |item| item.place);
        while let Some(item) =
            left.iter_mut().min_by_key(place).and_then(|items| items.split_off_first())
        {
            while let Some((_, aside)) = asides.next_if(|(place, _)| *place < item.place) {
                self.hear(aside);
            }
            self.count(item, changes);
        }
        asides.for_each(|(_, aside)| self.hear(aside));
    }

    fn hear(&mut self, aside: &Aside) {
        if let Aside::Holds(holds) = aside {
            self.on_link.learn(holds);
        }
    }

    fn count(&mut self, item: &Item, changes: &[Change]) {
        let brief = &item.brief;
        let bytes = u64::from(brief.payload_length);
        let [from, to] = [brief.side, brief.side.other()].map(|side| brief.key.address(side));
        let [sender, receiver] = brief.macs();
        let scopes = [self.on_link.scope(from, sender), self.on_link.scope(to, receiver)];
        let (way, address, remote) = match scopes {
            [Scope::Inside, Scope::Internet] => (0, from, to),
            [Scope::Internet, Scope::Inside] => (1, to, from),
            _ => return,
        };
        let slot = self.place(brief.seen);
        if bytes == 0 {
            return;
        }
        let end = Endpoint { mac: brief.macs()[way].filter(|mac| !mac.is_group()), address };
        add(&mut self.all, slot, way, bytes);
        if self.ends.len() < ENDS_MAX || self.ends.contains_key(&end) {
            add(self.ends.entry(end).or_default(), slot, way, bytes);
        } else {
            self.untold[way] += bytes;
        }
        let phase = changes.iter().take_while(|(place, _)| *place <= item.place).last();
        if let Some(&(_, phase)) = phase {
            let key = (phase, end, remote);
            if self.phases.len() < PAIRS_MAX || self.phases.contains_key(&key) {
                self.phases.entry(key).or_default()[way] += bytes;
            } else {
                self.untold_phases[way] += bytes;
            }
        }
    }

    /// The slot of a moment, after making room for it. Time only goes forward here, but for
    /// fragments that waited for others.
    fn place(&mut self, time: Timestamp) -> usize {
        if self.slot == 0 {
            (self.start, self.slot) = (time, SLOT);
        }
        if time < self.start {
            return 0;
        }
        let span = time.since(self.start);
        while span / self.slot >= SLOTS_MAX as i64 {
            self.slot = self.slot.saturating_mul(2);
            halve(&mut self.all);
            self.ends.values_mut().for_each(halve);
        }
        (span / self.slot) as usize
    }
}

fn add(slots: &mut Slots, slot: usize, way: usize, bytes: u64) {
    if slots.len() <= slot {
        slots.resize(slot + 1, [0; 2]);
    }
    slots[slot][way] += bytes;
}

fn halve(slots: &mut Slots) {
    let sum = |pair: &[[u64; 2]]| pair.iter().fold([0, 0], |[a, b], [c, d]| [a + c, b + d]);
    *slots = slots.chunks(2).map(sum).collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::SECOND;

    #[test]
    fn slots_double_and_keep_every_byte() {
        let mut timeline = Timeline::default();
        for second in 0..10_000 {
            let slot = timeline.place(Timestamp(second * SECOND));
            add(&mut timeline.all, slot, 0, 3);
        }
        assert!(timeline.all.len() <= SLOTS_MAX);
        assert_eq!(timeline.all.iter().map(|slot| slot[0]).sum::<u64>(), 30_000);
        assert_eq!(timeline.slot, SLOT * 256);
    }

    #[test]
    fn clocks_that_jump_do_no_harm() {
        let mut timeline = Timeline::default();
        for time in [5, i64::MAX, i64::MIN, 0] {
            assert!(timeline.place(Timestamp(time)) < SLOTS_MAX);
        }
    }
}
