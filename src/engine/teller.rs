//! The end of the walk: tells the ledger what was said, in the order of frames, whichever worker
//! it comes from.

use super::batch::{Aside, Common, Part, Told};
use super::events::{Events, Records};
use crate::attribution::Ledger;
use crate::attribution::geo::Geo;
use crate::attribution::ledger::Sides;
use std::hint::black_box;

/// See the module.
pub(super) struct Teller<'r> {
    pub ledger: Ledger,
    geo: &'r Geo,
    records: Option<&'r mut Records<'r>>,
    order: Vec<Next>,
    /// Of the events that were fetched, in their order: the sides of flows that begin or end. Empty once an
    /// address is heard of, which may change them.
    near: Vec<Option<Sides>>,
    /// Of those that end: hashes of their rows, then the positions of these.
    rows: Vec<u64>,
    /// Tells nothing.
    pub silent: bool,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Next {
    /// Place of the item among those of all parts.
    place: u32,
    /// Of the part, or [`ASIDE`].
    part: u32,
    /// Position of the event in its part, or of the aside.
    event: u32,
}

const ASIDE: u32 = u32::MAX;
/// Events whose rows in the ledger are fetched at once.
const AHEAD: usize = 32;

impl<'r> Teller<'r> {
    pub fn new(rows_max: usize, geo: &'r Geo, records: Option<&'r mut Records<'r>>) -> Teller<'r> {
        Teller {
            ledger: Ledger::of_rows(rows_max),
            geo,
            records,
            order: Vec::new(),
            near: Vec::new(),
            rows: Vec::new(),
            silent: false,
        }
    }

    /// Another that knows the same, and gives records to `records`.
    pub fn copy<'p>(&'p self, records: Option<&'p mut Records<'p>>) -> Teller<'p> {
        Teller {
            ledger: self.ledger.clone(),
            geo: self.geo,
            records,
            order: Vec::new(),
            near: Vec::new(),
            rows: Vec::new(),
            silent: false,
        }
    }

    /// Tells what was said about one job.
    pub fn tell(&mut self, common: &Common, parts: &[Part]) {
        if self.silent {
            return;
        }
        if let [part] = parts {
            self.tell_part(common, part);
            return;
        }
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        for (part, Part { told, .. }) in parts.iter().enumerate() {
            order.extend(told.iter().flat_map(|&Told { place, start, end }| {
                (start..end).map(move |event| Next { place, part: part as u32, event })
            }));
        }
        let asides = common.asides.iter().enumerate();
        order.extend(asides.map(|(event, (place, _))| Next {
            place: *place,
            part: ASIDE,
            event: event as u32,
        }));
        order.sort_unstable();
        for ahead in order.chunks(AHEAD) {
            self.fetch(ahead.iter().filter_map(|next| {
                parts.get(next.part as usize).map(|part| (&part.events, next.event))
            }));
            let mut place = 0;
            for next in ahead {
                match parts.get(next.part as usize) {
                    Some(part) => {
                        self.event(&part.events, next.event, place);
                        place += 1;
                    }
                    None => self.aside(common.asides[next.event as usize].1, common),
                }
            }
        }
        self.order = order;
    }

    /// The same of a job with one part, whose events are in the order of frames already.
    fn tell_part(&mut self, common: &Common, Part { told, events, .. }: &Part) {
        let mut asides = common.asides.iter().peekable();
        for &Told { place, start, end } in told {
            while let Some(&(_, aside)) = asides.next_if(|(before, _)| *before < place) {
                self.aside(aside, common);
            }
            for event in start..end {
                let place = event as usize % AHEAD;
                if place == 0 {
                    let ahead = event..events.len().min(event + AHEAD as u32);
                    self.fetch(ahead.map(|event| (events, event)));
                }
                self.event(events, event, place);
            }
        }
        for &(_, aside) in asides {
            self.aside(aside, common);
        }
    }

    /// Tells all events of one partition, in their order.
    pub fn all(&mut self, events: &Events) {
        if self.silent {
            return;
        }
        for start in (0..events.len()).step_by(AHEAD) {
            let ahead = start..events.len().min(start + AHEAD as u32);
            self.fetch(ahead.clone().map(|event| (events, event)));
            ahead.zip(0..).for_each(|(event, place)| self.event(events, event, place));
        }
    }

    /// Brings near what the ledger will probably need for these events: the processor fetches it
    /// side by side instead of one after the other.
    fn fetch<'e>(&mut self, ahead: impl Iterator<Item = (&'e Events, u32)> + Clone) {
        let Teller { ledger, near, rows, .. } = self;
        near.clear();
        let mut sum = 0;
        for (events, event) in ahead.clone() {
            let sides = events.sides(event, ledger);
            sum ^= events.glance(event, ledger);
            near.push(sides);
        }
        if ledger.knows_answers() {
            let about = ahead.clone().zip(&*near).filter_map(|((events, event), sides)| {
                events.about_answers(event, sides.as_ref(), ledger)
            });
            sum ^= ledger.glance_at_answers(about);
        }
        if ledger.has_notes() {
            let ended = ahead.clone().filter_map(|(events, event)| events.ended(event));
            sum ^= ledger.glance_at_notes(ended);
        }
        // In steps so short that the processor is at the next flow while it waits for the last.
        let hashes = ahead.zip(&*near).filter_map(|((events, event), sides)| {
            events.hash_of_row(event, sides.as_ref()?, ledger)
        });
        rows.clear();
        rows.extend(hashes);
        for row in &mut *rows {
            *row = ledger.guess_row(*row).map_or(u64::MAX, u64::from);
        }
        for &row in &*rows {
            sum ^= ledger.glance_at_row(row as u32);
        }
        for &row in &*rows {
            sum ^= ledger.glance_behind_row(row as u32);
        }
        black_box(sum);
    }

    /// `place` is the event's among those that were fetched.
    fn event(&mut self, events: &Events, event: u32, place: usize) {
        let sides = self.near.get(place).copied().flatten();
        events.tell(event, sides, &mut self.ledger, self.geo, &mut self.records);
    }

    fn aside(&mut self, aside: Aside, common: &Common) {
        match aside {
            Aside::Holds(holds) => {
                self.near.clear();
                self.ledger.holds(&holds);
            }
            Aside::Sighted(mac) => self.ledger.sighted(mac),
            Aside::Described(told) => {
                let (value, fact) = (common.value(&told), told.fact);
                self.ledger.describes_itself(told.mac, told.kind, (fact, value), told.frame);
            }
        }
    }
}
