//! A timer wheel driven by packet time: one slot a second, each a doubly linked list of flows. A
//! flow is not moved when a packet arrives; when its slot comes round, a flow that was active since
//! is put back by its newest packet. The links stand apart from the flows, close together: to walk
//! them does not fetch the flows.

use super::table::NONE;
use crate::base::time::{SECOND, Timestamp};

const SLOTS: usize = 8192;

/// The place of a flow in the wheel.
#[derive(Debug, Clone, Copy)]
struct Link {
    before: u32,
    after: u32,
    slot: u16,
}

pub(super) struct Wheel {
    heads: Vec<u32>,
    /// By the position of the flow.
    links: Vec<Link>,
    tick: i64,
    /// When the next tick begins, nanoseconds: every packet is held against it.
    next_tick: i64,
}

impl Wheel {
    pub fn new() -> Wheel {
        Wheel { heads: vec![NONE; SLOTS], links: Vec::new(), tick: i64::MIN, next_tick: i64::MIN }
    }

    /// Puts a flow where it will be looked at no earlier than at `deadline`.
    pub fn arm(&mut self, index: u32, deadline: Timestamp) {
        let tick = (deadline.0.div_euclid(SECOND) + 1)
            .clamp(self.tick.saturating_add(1), self.tick.saturating_add(SLOTS as i64 - 1));
        let slot = tick.rem_euclid(SLOTS as i64) as usize;
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
            self.heads[usize::from(slot)] = after;
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
        now.0 >= self.next_tick
    }

    /// Turns towards `now`; hands out, and takes from the wheel, one flow whose slot came round.
    /// `None` when the wheel has arrived.
    pub fn next_due(&mut self, now: Timestamp) -> Option<u32> {
        let target = now.0.div_euclid(SECOND);
        // The first packet, or a jump beyond the whole wheel: one turn visits every slot.
        self.tick = self.tick.max(target.saturating_sub(SLOTS as i64));
        loop {
            let head = self.heads[self.tick.rem_euclid(SLOTS as i64) as usize];
            if head != NONE {
                self.disarm(head);
                return Some(head);
            }
            if self.tick >= target {
                self.next_tick = self.tick.saturating_add(1).saturating_mul(SECOND);
                return None;
            }
            self.tick += 1;
        }
    }

    /// The flow whose slot comes round first: the one to give up when the table is full.
    pub fn first(&self) -> Option<u32> {
        (0..SLOTS as i64)
            .map(|ahead| {
                self.heads[self.tick.saturating_add(ahead).rem_euclid(SLOTS as i64) as usize]
            })
            .find(|&head| head != NONE)
    }
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
            wheel.arm(index, Timestamp(seconds * SECOND));
        }
        wheel.disarm(0);
        assert!(due(&mut wheel, 160).is_empty());
        assert_eq!(due(&mut wheel, 161), [1]);
        assert_eq!(wheel.first(), Some(2));
        // A jump beyond the whole wheel: all come due, in the order of the slots on the way.
        let mut rest = due(&mut wheel, 100_000);
        rest.sort_unstable();
        assert_eq!(rest, [2, 3]);
        assert_eq!(wheel.first(), None);
    }
}
