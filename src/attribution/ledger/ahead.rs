//! Reads a little of what events will touch, before any of them is told: so the processor fetches the
//! memory of many side by side. What it reads means nothing.

use super::notes::Notes;
use super::{Endpoint, Evidence, FLOW_REFS_MAX, Ledger, Shown, Sides, row_hash, service_port};
use crate::flow::{Flow, Head};
use std::net::IpAddr;

/// Most flows of which a little is read at once.
pub(in crate::attribution) const GLANCES_MAX: usize = 32;

impl Ledger {
    /// Reads a little of what is known of the hardware addresses of a flow that began, for the same
    /// purpose as [`Ledger::glance_at_row`].
    #[must_use]
    pub fn glance_at_ends(&self, flow: &Head) -> u64 {
        let known = flow.macs.iter().flatten().filter_map(|mac| self.hardware.get(mac));
        known.fold(0, |sum, hardware| sum ^ hardware.glance())
    }

    /// Reads a little of what flows that end have said, for the same purpose as
    /// [`Ledger::glance_at_row`], and before it: in short steps, so that the processor is at the next
    /// flow while it waits for the last. Of more than 32 flows the rest is left out.
    #[must_use]
    pub fn glance_at_notes<'f>(&self, flows: impl Iterator<Item = &'f Flow>) -> u64 {
        let mut found: [Option<&Notes>; GLANCES_MAX] = [None; GLANCES_MAX];
        let said = flows.filter_map(|flow| self.notes.get(&flow.first_frame));
        let mut count = 0;
        for (place, notes) in found.iter_mut().zip(said) {
            *place = Some(notes);
            count += 1;
        }
        let mut firsts: [(Option<&Evidence>, Option<&Shown>); GLANCES_MAX] =
            [(None, None); GLANCES_MAX];
        let mut sum = 0;
        for (first, notes) in firsts.iter_mut().zip(found[..count].iter().flatten()) {
            *first = (notes.evidence.first(), notes.shown.first());
            sum ^= notes.own.first().map_or(0, |(name, ..)| u64::from(name.number()));
        }
        for (evidence, shown) in &firsts[..count] {
            sum ^= evidence.map_or(0, |evidence| evidence.cite.frame);
            sum ^= shown.map_or(0, |shown| shown.cite.frame);
        }
        sum
    }

    /// Reads a little of the answers that clients got for addresses, for the same purpose and in the
    /// same way.
    #[must_use]
    pub fn glance_at_answers(&self, about: impl Iterator<Item = (Endpoint, IpAddr)>) -> u64 {
        self.answers.glance(about)
    }

    /// Whether any answer to a question for a name was heard.
    #[inline]
    #[must_use]
    pub fn knows_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    /// Whether any live flow has said anything.
    #[inline]
    #[must_use]
    pub fn has_notes(&self) -> bool {
        !self.notes.all.is_empty()
    }

    /// By what the row of a flow that ends is looked for, as far as its name is known.
    #[must_use]
    pub fn hash_of_row(&self, flow: &Flow, sides: &Sides) -> u64 {
        let (here, there) = (sides.here().address, sides.there().address);
        let name = self.best_name(sides, self.notes.get(&flow.first_frame));
        let name = name.map(|named| (named.name, named.source));
        row_hash(&self.hasher, here, there, service_port(flow, sides.local()), name)
    }

    /// The row that is probably meant by a hash.
    #[inline]
    #[must_use]
    pub fn guess_row(&self, hash: u64) -> Option<u32> {
        self.row_index.find(hash, |_| true).copied()
    }

    /// Reads a little of a row; the sum means nothing. Asked for many rows before any flow is added
    /// to one, so that the memory of all is fetched at once.
    #[inline]
    #[must_use]
    pub fn glance_at_row(&self, row: u32) -> u64 {
        self.rows.get(row as usize).map_or(0, |row| {
            let counted = row.totals[0].packets ^ row.frames[0] ^ row.flow_refs.len() as u64;
            let evidence = if row.marks == 0 { 0 } else { row.evidence_room() };
            counted ^ evidence ^ u64::from(row.marks) ^ u64::from(row.local.address.is_ipv4())
        })
    }

    /// Reads a little of where a row's next flow will be remembered, after
    /// [`Ledger::glance_at_row`].
    #[inline]
    #[must_use]
    pub fn glance_behind_row(&self, row: u32) -> u64 {
        let has_room = self.flow_refs < FLOW_REFS_MAX;
        let row = self.rows.get(row as usize).filter(|_| has_room);
        row.and_then(|row| row.flow_refs.last()).map_or(0, |flow| flow.last_frame)
    }
}
