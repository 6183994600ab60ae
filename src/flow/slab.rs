//! Records of live flows at places that are used again. Room for all that there may be is asked for at
//! once, and the system lends it as it is written to: growing copies nothing and takes no more than is
//! needed, and what is that large goes back to the system when it is freed, so that what comes after
//! the last packet has the room, whichever thread asks for it. What a record owns is taken out with it,
//! so that nothing is left to drop: to visit a million records for that at the end would take longer
//! than their memory takes to free.

use super::{Flow, Marks};
use std::mem::ManuallyDrop;
use std::ops::{Index, IndexMut};

pub(super) struct Slab {
    places: Vec<ManuallyDrop<Flow>>,
    free: Vec<u32>,
    flows_max: usize,
}

impl Slab {
    /// For at most so many flows at the same time.
    pub fn new(flows_max: usize) -> Slab {
        Slab { places: Vec::new(), free: Vec::new(), flows_max }
    }

    pub fn add(&mut self, flow: Flow) -> u32 {
        if let Some(id) = self.free.pop() {
            self.places[id as usize] = ManuallyDrop::new(flow);
            return id;
        }
        if self.places.is_empty() {
            // Where the system does not promise so much, the list grows as others do.
            let _ = self.places.try_reserve_exact(self.flows_max);
        }
        self.places.push(ManuallyDrop::new(flow));
        (self.places.len() - 1) as u32
    }

    /// Takes a flow out; what stays in its place means nothing.
    pub fn remove(&mut self, id: u32) -> Flow {
        self.free.push(id);
        self.take(id)
    }

    /// The same, where no place will be used again.
    pub fn take(&mut self, id: u32) -> Flow {
        self[id].take()
    }

    /// Every place, in order, with the flow in it unless that was taken out.
    pub fn places(&self) -> impl Iterator<Item = Option<&Flow>> {
        let kept = self.places.iter().map(|flow| &**flow);
        kept.map(|flow| (!flow.marks.has(Marks::GONE)).then_some(flow))
    }
}

impl Index<u32> for Slab {
    type Output = Flow;

    #[inline]
    fn index(&self, id: u32) -> &Flow {
        &self.places[id as usize]
    }
}

impl IndexMut<u32> for Slab {
    #[inline]
    fn index_mut(&mut self, id: u32) -> &mut Flow {
        &mut self.places[id as usize]
    }
}
