//! A timer wheel driven by packet time: one slot a second, each a doubly linked list of flows. A
//! flow is not moved when a packet arrives; when its slot comes round, a flow that was active since
//! is put back by its newest packet. The links stand apart from the flows, close together: to walk
//! them does not fetch the flows.

use super::table::NONE;
use crate::base::time::{SECOND, Timestamp};

const SLOTS: usize = 8192;
/// How many slots ahead it is looked whether anything comes due: far enough that few packets ask for it,
/// not so far that the empty slots before a flow of two hours cost anything.
const LOOKED_AHEAD: usize = 255;

/// The place of a flow in the wheel.
#[derive(Debug, Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
    slot: u16,
}

pub(super) struct Wheel {
    /// The first flow of each slot. Empty before the first of all: many a capture reaches few partitions.
    heads: Vec<u32>,
    /// One bit a slot that has a flow: most have none.
    occupied: [u64; SLOTS / 64],
    /// By the position of the flow.
    links: Vec<Link>,
    tick: i64,
    /// Nothing comes due earlier, nanoseconds: every packet is held against it.
    next: i64,
}

impl Wheel {
    pub fn new() -> Wheel {
        Wheel {
            heads: Vec::new(),
            occupied: [0; SLOTS / 64],
            links: Vec::new(),
            tick: i64::MIN,
            next: i64::MIN,
        }
    }

    /// Puts a flow where it will be looked at no earlier than at `deadline`.
    pub fn arm(&mut self, index: u32, deadline: Timestamp, now: Timestamp) {
        // Slots that were passed without a look hold nothing.
        if !self.is_due(now) {
            self.tick = self.tick.max(now.0.div_euclid(SECOND));
        }
        let tick = (deadline.0.div_euclid(SECOND) + 1)
            .clamp(self.tick.saturating_add(1), self.tick.saturating_add(SLOTS as i64 - 1));
        self.next = self.next.min(tick.saturating_mul(SECOND));
        let slot = slot_of(tick);
        if self.heads.is_empty() {
            self.heads.resize(SLOTS, NONE);
        }
        self.occupied[slot / 64] |= 1 << (slot % 64);
        let head = std::mem::replace(&mut self.heads[slot], index);
        let link = Link { before: NONE, after: head, slot: slot as u16 };
        if index as usize >= self.links.len() {
            self.links.resize(index as usize + 1, link);
        }
        self.links[index as usize] = link;
        if head != NONE {
            self.links[head as usize].before = index;
        }
    }

    pub fn disarm(&mut self, index: u32) {
        let Link { before, after, slot } = self.links[index as usize];
        if before == NONE {
            let slot = usize::from(slot);
            self.heads[slot] = after;
            if after == NONE {
                self.occupied[slot / 64] &= !(1 << (slot % 64));
            }
        } else {
            self.links[before as usize].after = after;
        }
        if after != NONE {
            self.links[after as usize].before = before;
        }
    }

    /// Whether [`Wheel::next_due`] may find something at `now`.
    #[inline]
    pub fn is_due(&self, now: Timestamp) -> bool {
        now.0 >= self.next
    }

    /// Turns towards `now`; hands out, and takes from the wheel, one flow whose slot came round.
    /// `None` when the wheel has arrived.
    pub fn next_due(&mut self, now: Timestamp) -> Option<u32> {
        let target = now.0.div_euclid(SECOND);
        // The first packet, or a jump beyond the whole wheel: one turn visits every slot.
        self.tick = self.tick.max(target.saturating_sub(SLOTS as i64));
        let Some(ahead) = self.next_occupied(target.saturating_sub(self.tick).max(0) as usize)
        else {
            self.tick = self.tick.max(target);
            let quiet = self.next_occupied(LOOKED_AHEAD).unwrap_or(LOOKED_AHEAD);
            self.next = self.tick.saturating_add(quiet as i64).saturating_mul(SECOND);
            return None;
        };
        self.tick += ahead as i64;
        let head = self.heads[slot_of(self.tick)];
        self.disarm(head);
        Some(head)
    }

    /// How many slots ahead the next one with a flow is, `most` at most.
    fn next_occupied(&self, most: usize) -> Option<usize> {
        let mut ahead = 0;
        while ahead <= most {
            let slot = (slot_of(self.tick) + ahead) % SLOTS;
            let bits = self.occupied[slot / 64] >> (slot % 64);
            if bits != 0 {
                return Some(ahead + bits.trailing_zeros() as usize).filter(|&ahead| ahead <= most);
            }
            ahead += 64 - slot % 64;
        }
        None
    }

    /// The flow whose slot comes round first: the one to give up when the table is full.
    pub fn first(&self) -> Option<u32> {
        let ahead = self.next_occupied(SLOTS - 1)?;
        Some(self.heads[(slot_of(self.tick) + ahead) % SLOTS])
    }
}

fn slot_of(tick: i64) -> usize {
    tick.rem_euclid(SLOTS as i64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(wheel: &mut Wheel, seconds: i64) -> Vec<u32> {
        std::iter::from_fn(|| wheel.next_due(Timestamp(seconds * SECOND))).collect()
    }

    #[test]
    fn flows_come_due_once_and_not_before_their_time() {
        let mut wheel = Wheel::new();
        assert!(due(&mut wheel, 100).is_empty());
        for (index, seconds) in [(0, 160), (1, 160), (2, 280), (3, 7300)] {
            wheel.arm(index, Timestamp(seconds * SECOND), Timestamp(100 * SECOND));
        }
        wheel.disarm(0);
        assert!(!wheel.is_due(Timestamp(160 * SECOND)), "packets need not ask");
        assert!(due(&mut wheel, 160).is_empty());
        assert_eq!(due(&mut wheel, 161), [1]);
        assert_eq!(wheel.first(), Some(2));
        // A jump beyond the whole wheel: all come due, in the order of the slots on the way.
        let mut rest = due(&mut wheel, 100_000);
        rest.sort_unstable();
        assert_eq!(rest, [2, 3]);
        assert_eq!(wheel.first(), None);
    }

    #[test]
    fn each_flow_comes_due_in_the_second_after_its_deadline() {
        let mut wheel = Wheel::new();
        let (mut armed, mut random, mut now) = (std::collections::BTreeMap::new(), 1u64, 1000);
        assert!(due(&mut wheel, now).is_empty());
        for index in 0..20_000 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let deadline = now + [60, 180, 7200, 1][index as usize % 4] + (random >> 62) as i64;
            wheel.arm(index, Timestamp(deadline * SECOND), Timestamp(now * SECOND));
            armed.insert(index, deadline + 1);
            if random >> 40 & 7 == 0
                && let Some((&early, _)) = armed.range((random >> 50) as u32..).next()
            {
                wheel.disarm(early);
                armed.remove(&early);
            }
            // Mostly small steps; now and then a long silence.
            now += if random >> 33 & 1023 == 0 { 3000 } else { (random >> 33 & 1) as i64 };
            let is_due = wheel.is_due(Timestamp(now * SECOND));
            let mut came = if is_due { due(&mut wheel, now) } else { Vec::new() };
            came.sort_unstable();
            let expected: Vec<u32> =
                armed.iter().filter(|&(_, &at)| at <= now).map(|(&index, _)| index).collect();
            assert_eq!(came, expected, "{now}");
            armed.retain(|index, _| !expected.contains(index));
            let first = armed.values().min().copied();
            assert_eq!(wheel.first().map(|index| armed[&index]), first);
        }
    }
}
