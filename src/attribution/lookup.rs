//! Tables by which signatures are found: as fast with a hundred thousand facts as with a hundred.

use super::signature::{Signature, address_bits, starts_with_words};
use crate::base::table::Map;
use std::cmp::Reverse;
use std::net::IpAddr;

/// A signature and one of its facts, as positions.
pub type Place = (usize, usize);

/// Networks of one length.
struct OfLength {
    mask: u128,
    is_v4: bool,
    places: Map<u128, Vec<Place>>,
}

/// Networks, the longest first.
#[derive(Default)]
pub struct Networks(Vec<OfLength>);

impl Networks {
    /// Adds a network by its bits, its mask, and whether it is IPv4.
    pub fn add(&mut self, (bits, mask, is_v4): (u128, u128, bool), place: Place) {
        let known = self.0.iter().position(|one| (one.mask, one.is_v4) == (mask, is_v4));
        let at = known.unwrap_or_else(|| {
            let at = self.0.partition_point(|one| Reverse(one.mask) < Reverse(mask));
            self.0.insert(at, OfLength { mask, is_v4, places: Map::default() });
            at
        });
        self.0[at].places.entry(bits).or_default().push(place);
    }

    /// What holds an address, the longest network first.
    pub fn of(&self, address: IpAddr) -> impl Iterator<Item = Place> {
        let (bits, v4) = address_bits(address);
        let fits = self.0.iter().filter(move |one| one.is_v4 == v4);
        fits.filter_map(move |one| one.places.get(&(bits & one.mask))).flatten().copied()
    }
}

/// Registrants of hardware addresses by their first word.
#[derive(Default)]
pub struct Registrants(Map<String, Vec<Place>>);

impl Registrants {
    /// Adds the beginning of a registrant.
    pub fn add(&mut self, beginning: &str, place: Place) {
        self.0.entry(first_word(beginning)).or_default().push(place);
    }

    /// The first signature whose registrant this one begins with.
    #[must_use]
    pub fn of(&self, registrant: &str, signatures: &[Signature]) -> Option<usize> {
        let places = self.0.get(&first_word(registrant))?;
        let fits = |&&(signature, fact): &&Place| {
            starts_with_words(registrant, &signatures[signature].oui[fact].registrant)
        };
        places.iter().filter(fits).map(|&(signature, _)| signature).min()
    }
}

fn first_word(text: &str) -> String {
    let word = text.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    word.to_ascii_lowercase()
}
