//! Beginnings of messages that signatures ask for. Only flows that no dissector knows are held against
//! them, and only what may fit is said, so that they cost nothing where nobody asks.

use crate::base::table::Set;

/// Bytes of a beginning that are said.
pub const SAID_BYTES_MAX: usize = 96;
/// Bytes that a beginning is first looked up by.
pub const KEY_BYTES: usize = 4;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Beginnings {
    places: Vec<Place>,
}

/// Keys at one place in the message.
#[derive(Debug, Clone)]
struct Place {
    at: usize,
    keys: Set<[u8; KEY_BYTES]>,
    /// Whether a key begins with a byte: mostly that ends the question.
    begins: [bool; 256],
}

impl Beginnings {
    /// Asks for messages that have these bytes at this place.
    pub fn add(&mut self, at: usize, key: [u8; KEY_BYTES]) {
        let known = self.places.iter().position(|place| place.at == at);
        let known = known.unwrap_or_else(|| {
            self.places.push(Place { at, keys: Set::default(), begins: [false; 256] });
            self.places.len() - 1
        });
        self.places[known].keys.insert(key);
        self.places[known].begins[usize::from(key[0])] = true;
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Whether a message may be one that was asked for.
    #[must_use]
    pub fn fits(&self, message: &[u8]) -> bool {
        self.places.iter().any(|place| {
            let key = message.get(place.at..).and_then(<[u8]>::first_chunk::<KEY_BYTES>);
            key.is_some_and(|key| place.begins[usize::from(key[0])] && place.keys.contains(key))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_asked_for_fits() {
        let mut all = Beginnings::default();
        assert!(all.is_empty() && !all.fits(b"PTCPxxxx"));
        all.add(0, *b"PTCP");
        all.add(2, *b"UBNT");
        for (message, fits) in [
            (&b"PTCP"[..], true),
            (b"PTC", false),
            (b"xPTCP", false),
            (b"xxUBNT", true),
            (b"xxUBN", false),
            (b"", false),
        ] {
            assert_eq!(all.fits(message), fits, "{message:?}");
        }
    }
}
