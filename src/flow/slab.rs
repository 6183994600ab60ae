//! Records of live flows at places that are used again. In pages, so that growing copies nothing
//! and takes no more than is needed. What a record owns is taken out with it, so that nothing is
//! left to drop: to visit a million records for that at the end would take longer than their
//! memory takes to free.

use super::{Flow, Marks};
use std::mem::ManuallyDrop;
use std::ops::{Index, IndexMut};

/// A page takes 128 KiB: what is that large goes back to the system when it is freed, so that what
/// comes after the last packet has the room.
const PAGE: usize = 512;

#[derive(Default)]
pub(super) struct Slab {
    pages: Vec<Vec<ManuallyDrop<Flow>>>,
    free: Vec<u32>,
}

impl Slab {
    pub fn add(&mut self, flow: Flow) -> u32 {
        if let Some(id) = self.free.pop() {
            let place = &mut self.pages[id as usize / PAGE][id as usize % PAGE];
            *place = ManuallyDrop::new(flow);
            return id;
        }
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        let before = (self.pages.len() - 1) * PAGE;
        // The line above leaves a page with room at the end.
        let page = self.pages.last_mut().expect("a page was pushed");
        page.push(ManuallyDrop::new(flow));
        (before + page.len() - 1) as u32
    }

    /// Takes a flow out; what stays in its place means nothing.
    pub fn remove(&mut self, id: u32) -> Flow {
        self.free.push(id);
        self.take(id)
    }

    /// Every place, in order, with the flow in it unless that was taken out.
    pub fn places(&self) -> impl Iterator<Item = Option<&Flow>> {
        let kept = self.pages.iter().flatten().map(|flow| &**flow);
        kept.map(|flow| (!flow.marks.has(Marks::GONE)).then_some(flow))
    }

    /// The same, where no place will be used again.
    pub fn take(&mut self, id: u32) -> Flow {
        self[id].take()
    }
}

impl Index<u32> for Slab {
    type Output = Flow;

    #[inline]
    fn index(&self, id: u32) -> &Flow {
        &self.pages[id as usize / PAGE][id as usize % PAGE]
    }
}

impl IndexMut<u32> for Slab {
    #[inline]
    fn index_mut(&mut self, id: u32) -> &mut Flow {
        &mut self.pages[id as usize / PAGE][id as usize % PAGE]
    }
}
