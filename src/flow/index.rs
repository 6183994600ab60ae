//! Finds flows by a 32-bit hash of their key, the tag. Open addressing with linear probing: a slot holds the
//! tag beside the flow's position, so that a look-up reads one line of memory before the
//! flow's own. Hashes are seeded, so that nobody outside can choose keys that collide.

use super::table::NONE;

/// See the module.
#[derive(Debug, Default)]
pub struct Index {
    slots: Vec<Slot>,
    len: usize,
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    tag: u32,
    id: u32,
}

const EMPTY: Slot = Slot { tag: 0, id: NONE };
const SLOTS_MIN: usize = 16;

impl Index {
    /// Flows in it.
    pub fn len(&self) -> usize {
        self.len
    }

    fn home(&self, tag: u32) -> usize {
        tag as usize & (self.slots.len() - 1)
    }

    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    /// The flow that is probably meant: reading it early brings its memory near.
    #[inline]
    pub fn guess(&self, tag: u32) -> Option<u32> {
        self.find(tag, |_| true)
    }

    /// The flow that `is` recognises.
    #[inline]
    pub fn find(&self, tag: u32, mut is: impl FnMut(u32) -> bool) -> Option<u32> {
        if self.slots.is_empty() {
            return None;
        }
        let mut at = self.home(tag);
        loop {
            let slot = self.slots[at];
            if slot.id == NONE {
                return None;
            }
            if slot.tag == tag && is(slot.id) {
                return Some(slot.id);
            }
            at = self.next(at);
        }
    }

    /// Adds a flow that is not in it.
    pub fn insert(&mut self, tag: u32, id: u32) {
        // At three quarters a search visits two and a half slots on average, eight when it fails.
        if (self.len + 1) * 4 > self.slots.len() * 3 {
            self.grow();
        }
        self.len += 1;
        self.place(Slot { tag, id });
    }

    fn place(&mut self, slot: Slot) {
        let mut at = self.home(slot.tag);
        while self.slots[at].id != NONE {
            at = self.next(at);
        }
        self.slots[at] = slot;
    }

    fn grow(&mut self) {
        let doubled = vec![EMPTY; (self.slots.len() * 2).max(SLOTS_MIN)];
        let old = std::mem::replace(&mut self.slots, doubled);
        old.into_iter().filter(|slot| slot.id != NONE).for_each(|slot| self.place(slot));
    }

    /// Takes a flow out.
    pub fn remove(&mut self, tag: u32, id: u32) {
        if self.slots.is_empty() {
            return;
        }
        let mut hole = self.home(tag);
        while self.slots[hole].id != id {
            if self.slots[hole].id == NONE {
                return;
            }
            hole = self.next(hole);
        }
        // What was pushed past the hole moves back, so that no search ends too early.
        let mut at = self.next(hole);
        while self.slots[at].id != NONE {
            let home = self.home(self.slots[at].tag);
            let distance = |from: usize, to: usize| to.wrapping_sub(from) & (self.slots.len() - 1);
            if distance(home, at) >= distance(hole, at) {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
            at = self.next(at);
        }
        self.slots[hole] = EMPTY;
        self.len -= 1;
    }

    /// Every flow, in no useful order.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        self.slots.iter().map(|slot| slot.id).filter(|&id| id != NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn does_what_a_map_does() {
        let (mut index, mut map) = (Index::default(), BTreeMap::new());
        let mut random = 1u64;
        for id in 0..20_000u32 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            // Few different hashes, so that many collide.
            let hash = (random >> 52) as u32;
            index.insert(hash, id);
            map.insert(id, hash);
            if random & 3 != 0
                && let Some((&old, &hash)) = map.range((random >> 33) as u32 % (id + 1)..).next()
            {
                index.remove(hash, old);
                map.remove(&old);
                assert_eq!(index.find(hash, |found| found == old), None);
            }
        }
        assert_eq!(index.len(), map.len());
        for (&id, &hash) in &map {
            assert_eq!(index.find(hash, |found| found == id), Some(id));
        }
        let mut ids: Vec<u32> = index.ids().collect();
        ids.sort_unstable();
        assert!(ids.iter().eq(map.keys()));
    }
}
