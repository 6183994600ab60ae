//! The end of the walk: tells the ledger what was said, in the order of frames, whichever worker
//! it comes from.

use super::batch::{Aside, Common, Part};
use super::events::{Events, Records};
use crate::attribution::Ledger;
use crate::attribution::geo::Geo;

/// See the module.
pub(super) struct Teller<'r> {
    pub ledger: Ledger,
    geo: &'r Geo,
    records: Option<&'r mut Records<'r>>,
    /// Place, part and item of everything that tells something, where several parts do.
    merged: Vec<(u32, u32, u32)>,
}

const ASIDE: u32 = u32::MAX;

impl<'r> Teller<'r> {
    pub fn new(geo: &'r Geo, records: Option<&'r mut Records<'r>>) -> Teller<'r> {
        Teller { ledger: Ledger::default(), geo, records, merged: Vec::new() }
    }

    /// Tells what was said about one job.
    pub fn tell<'p>(
        &mut self,
        common: &Common,
        parts: impl ExactSizeIterator<Item = &'p Part> + Clone,
    ) {
        if common.asides.is_empty() && parts.len() == 1 {
            for part in parts {
                let telling = part.items.iter().filter(|item| !item.events.is_empty());
                telling
                    .for_each(|item| self.events(&part.events, item.events.start, item.events.end));
            }
            return;
        }
        let mut merged = std::mem::take(&mut self.merged);
        let asides = common.asides.iter().enumerate();
        merged.extend(asides.map(|(index, (place, _))| (*place, ASIDE, index as u32)));
        for (number, part) in parts.clone().enumerate() {
            let telling = part.items.iter().enumerate().filter(|(_, item)| !item.events.is_empty());
            let entry = |(index, item): (usize, &super::batch::Item)| {
                (item.place, number as u32, index as u32)
            };
            merged.extend(telling.map(entry));
        }
        merged.sort_unstable();
        for &(_, number, index) in &merged {
            if number == ASIDE {
                self.aside(common.asides[index as usize].1);
            } else if let Some(part) = parts.clone().nth(number as usize) {
                let events = part.items[index as usize].events.clone();
                self.events(&part.events, events.start, events.end);
            }
        }
        merged.clear();
        self.merged = merged;
    }

    /// Tells some of the events of one part.
    pub fn events(&mut self, events: &Events, start: u32, end: u32) {
        events.tell(start..end, &mut self.ledger, self.geo, &mut self.records);
    }

    fn aside(&mut self, aside: Aside) {
        match aside {
            Aside::Arp(arp, time) => self.ledger.arp(arp.sender_mac, arp.sender.into(), time),
            Aside::Sighted(mac) => self.ledger.sighted(mac),
        }
    }
}
