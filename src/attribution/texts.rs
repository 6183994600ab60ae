//! Patterns for what is said, and beginnings of messages, found by four bytes that they must have:
//! as fast with a hundred thousand of them as with a hundred.

use super::lookup::Place;
use super::signature::Pattern;
use crate::base::table::Map;
use crate::protocol::beginnings::{Beginnings, KEY_BYTES};

type Key = [u8; KEY_BYTES];

/// Patterns with stars.
#[derive(Default)]
pub struct Texts {
    by_key: Map<Key, Vec<Place>>,
    /// Those without four plain bytes in a row.
    others: Vec<Place>,
}

impl Texts {
    /// Adds a pattern.
    pub fn add(&mut self, pattern: &str, place: Place) {
        let longest = pattern.split('*').max_by_key(|piece| piece.len()).unwrap_or_default();
        match longest.as_bytes().first_chunk::<KEY_BYTES>() {
            Some(key) => self.by_key.entry(*key).or_default().push(place),
            None => self.others.push(place),
        }
    }

    /// Patterns that may fit a value in lower case, in the order of files.
    #[must_use]
    pub fn candidates(&self, value: &str) -> Vec<Place> {
        let mut found = self.others.clone();
        if !self.by_key.is_empty() {
            for key in value.as_bytes().windows(KEY_BYTES).filter_map(|w| w.first_chunk()) {
                found.extend(self.by_key.get(key).into_iter().flatten());
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// Beginnings of messages.
#[derive(Default)]
pub struct Begins {
    by_key: Map<(usize, Key), Vec<(Place, Pattern)>>,
    /// Where keys stand, each once.
    places: Vec<usize>,
}

impl Begins {
    /// Adds a beginning.
    pub fn add(&mut self, pattern: Pattern, place: Place) {
        let Some(key) = pattern.key() else { return };
        if !self.places.contains(&key.0) {
            self.places.push(key.0);
        }
        self.by_key.entry(key).or_default().push((place, pattern));
    }

    /// Beginnings that a message has, in the order of files.
    #[must_use]
    pub fn of(&self, message: &[u8]) -> Vec<Place> {
        let at = |&at: &usize| Some((at, *message.get(at..)?.first_chunk::<KEY_BYTES>()?));
        let keys = self.places.iter().filter_map(at);
        let all = keys.filter_map(|key| self.by_key.get(&key)).flatten();
        let mut found: Vec<Place> =
            all.filter(|(_, pattern)| pattern.fits(message)).map(|&(place, _)| place).collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// What to look for in flows that no dissector knows.
    pub fn ask(&self, beginnings: &mut Beginnings) {
        self.by_key.keys().for_each(|&(at, key)| beginnings.add(at, key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_a_candidate_for_all_that_it_fits() {
        let mut all = Texts::default();
        for (index, pattern) in ["cam-*", "*|secure*", "a*b*c*d", "cam*-pro"].iter().enumerate() {
            all.add(pattern, (index, 0));
        }
        let of = |value| all.candidates(value).into_iter().map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!(of("cam-1"), [0, 2]);
        assert_eq!(of("x|securemode=2"), [1, 2]);
        assert_eq!(of("cam7-pro"), [2, 3]);
        assert_eq!(of(""), [2]);
    }

    #[test]
    fn a_message_is_found_by_its_beginning() {
        let mut all = Begins::default();
        for (index, (text, at)) in
            [("50544350", 0), ("50544350..01", 0), ("55424e54", 2)].into_iter().enumerate()
        {
            all.add(Pattern::read(text, at).unwrap(), (index, 0));
        }
        assert_eq!(all.of(b"PTCP"), [(0, 0)]);
        assert_eq!(all.of(b"PTCPx\x01"), [(0, 0), (1, 0)]);
        assert_eq!(all.of(b"xxUBNT"), [(2, 0)]);
        assert_eq!(all.of(b"UBNTxx"), []);
        let mut asked = Beginnings::default();
        all.ask(&mut asked);
        assert!(asked.fits(b"PTCP") && asked.fits(b"xxUBNT") && !asked.fits(b"UBNT"));
    }
}
