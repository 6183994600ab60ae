//! Whose service a flow is for, by what it shows: used where neither a name nor an address tells.

use super::lookup::Place;
use super::signature::{By, FlowSeen, Pattern, Shows, Signature};
use super::texts::{Begins, Texts};
use crate::base::table::Map;
use crate::base::text::bytes_of_hex;

/// One thing that an end of a flow said.
#[derive(Debug, Clone, Copy)]
pub struct Word<'a> {
    /// What dissectors call it.
    pub fact: &'a str,
    /// The value.
    pub value: &'a str,
    /// The service said it, not the device.
    pub by_service: bool,
}

/// See the module.
#[derive(Default)]
pub struct Flows {
    /// Those that know no value, by label.
    labels: Map<Box<str>, Vec<Place>>,
    /// By the name of the fact.
    texts: Map<Box<str>, Texts>,
    begins: Begins,
}

impl Flows {
    /// Adds a fact.
    pub fn add(&mut self, shows: &Shows, place: Place) {
        if let (Some(fact), Some(value)) = (&shows.fact, &shows.value) {
            self.texts.entry(fact.as_str().into()).or_default().add(value, place);
        } else if let Some(first) = &shows.first {
            if let Ok(pattern) = Pattern::read(first, shows.at) {
                self.begins.add(pattern, place);
            }
        } else if let Some(label) = &shows.label {
            self.labels.entry(label.as_str().into()).or_default().push(place);
        }
    }

    /// Beginnings to look for.
    pub fn begins(&self) -> &Begins {
        &self.begins
    }

    /// The fact that fits, and which of the words it rests on: what was said tells more than the
    /// protocol; among equals the first file wins.
    #[must_use]
    pub fn of(
        &self,
        flow: &FlowSeen<'_>,
        words: &[Word<'_>],
        signatures: &[Signature],
        day: &str,
    ) -> Option<(Place, Option<usize>)> {
        let shows = |&(index, fact): &Place| &signatures[index].flow[fact];
        let holds =
            |place: &Place| shows(place).about().holds_on(day) && shows(place).fits_flow(flow);
        let said = words.iter().enumerate().flat_map(|(at, word)| {
            let fits = move |place: &Place| {
                let by = if word.by_service { By::Service } else { By::Device };
                let shows = shows(place);
                shows.by.is_none_or(|wanted| wanted == by) && shows.fits_value(word.value)
            };
            let found = self.said(word);
            found.into_iter().filter(holds).filter(fits).map(move |place| (place, Some(at)))
        });
        said.min().or_else(|| {
            let of_label = flow.label.and_then(|label| self.labels.get(label));
            of_label?.iter().copied().filter(holds).min().map(|place| (place, None))
        })
    }

    fn said(&self, word: &Word<'_>) -> Vec<Place> {
        if word.fact == super::signature::BEGINS {
            return bytes_of_hex(word.value).map_or(Vec::new(), |bytes| self.begins.of(&bytes));
        }
        let texts = self.texts.get(word.fact);
        texts.map_or(Vec::new(), |texts| texts.candidates(&word.value.to_lowercase()))
    }
}
