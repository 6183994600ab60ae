//! How often and where names were asked for.

use crate::attribution::names::NameId;
use std::collections::BTreeSet;
use std::net::IpAddr;

/// How often and where a name was asked for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Questions.
    pub queries: u64,
    /// Frame of the first.
    pub first_frame: u64,
    /// Addresses that were answered.
    pub addresses: BTreeSet<IpAddr>,
}

/// All names that were asked for. Found by the number of the name: this is asked for each question
/// and each answer.
#[derive(Debug, Clone, Default)]
pub struct AllAsked {
    all: Vec<(NameId, Asked)>,
    /// By the number of a name, one more than its position above; 0 where it was never asked for.
    places: Vec<u32>,
}

impl AllAsked {
    /// What is known of a name, to be added to.
    pub(super) fn of(&mut self, name: NameId) -> &mut Asked {
        let number = name.number() as usize;
        if self.places.len() <= number {
            self.places.resize(number + 1, 0);
        }
        let place = &mut self.places[number];
        if *place == 0 {
            self.all.push((name, Asked::default()));
            *place = self.all.len() as u32;
        }
        &mut self.all[*place as usize - 1].1
    }

    /// All of them, in the order in which the names came.
    pub fn iter(&self) -> impl Iterator<Item = (NameId, &Asked)> {
        let places = self.places.iter().filter_map(|&place| place.checked_sub(1));
        places.map(|place| {
            let (name, asked) = &self.all[place as usize];
            (*name, asked)
        })
    }
}
