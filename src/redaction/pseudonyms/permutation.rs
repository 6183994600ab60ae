//! Keyed permutations of single octets, out of which pseudonyms of addresses are made. Octets are put
//! into the order of an HMAC over them and everything that stands before them: two addresses that begin
//! alike get pseudonyms that begin alike, no two get the same, and nobody without the key can tell
//! which is which.

use hashbrown::HashMap;
use ring::hmac;
use std::ops::RangeInclusive;

/// Most orders that are remembered; a forgotten one is made again, the same.
const ORDERS_MAX: usize = 4096;

/// Octets that are as long in decimal: their text can be replaced in its place.
const DIGITS: [RangeInclusive<u8>; 3] = [0..=9, 10..=99, 100..=255];

/// See the module.
pub(super) struct Permutation {
    key: hmac::Key,
    orders: HashMap<Vec<u8>, [u8; 256]>,
}

impl Permutation {
    pub fn new(key: hmac::Key) -> Permutation {
        Permutation { key, orders: HashMap::new() }
    }

    /// Keyed bytes for some text, as many as are wanted.
    pub fn stream(&self, purpose: &str, text: &[u8], length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 32);
        for block in 0u32.. {
            if bytes.len() >= length {
                break;
            }
            let mut context = hmac::Context::with_key(&self.key);
            context.update(purpose.as_bytes());
            context.update(&[0]);
            context.update(&block.to_be_bytes());
            context.update(text);
            bytes.extend_from_slice(context.sign().as_ref());
        }
        bytes.truncate(length);
        bytes
    }

    /// Replaces octets behind `before`, each by one of its own class.
    pub fn chain(&mut self, purpose: &str, before: &[u8], octets: &mut [u8], decimal: bool) {
        let mut context = [purpose.as_bytes(), &[0], before].concat();
        for octet in octets {
            let order = self.order(&context, decimal);
            context.push(*octet);
            *octet = order[usize::from(*octet)];
        }
    }

    /// Replaces an octet by another of a range, which it is in.
    pub fn within(&mut self, purpose: &str, before: &[u8], octet: u8, range: &[u8]) -> u8 {
        let context = [purpose.as_bytes(), &[1], before].concat();
        let ranked = self.ranked(&context, range);
        let place = range.iter().position(|&one| one == octet);
        place.map_or(octet, |place| ranked[place])
    }

    fn ranked(&self, context: &[u8], range: &[u8]) -> Vec<u8> {
        let mut ranked: Vec<(hmac::Tag, u8)> = range
            .iter()
            .map(|&octet| (hmac::sign(&self.key, &[context, &[octet]].concat()), octet))
            .collect();
        ranked.sort_by(|(a, x), (b, y)| a.as_ref().cmp(b.as_ref()).then(x.cmp(y)));
        ranked.into_iter().map(|(_, octet)| octet).collect()
    }

    fn order(&mut self, context: &[u8], decimal: bool) -> [u8; 256] {
        let name = [&[u8::from(decimal)], context].concat();
        if let Some(order) = self.orders.get(&name) {
            return *order;
        }
        let mut order: [u8; 256] = std::array::from_fn(|octet| octet as u8);
        let classes = if decimal { &DIGITS[..] } else { &[0..=255][..] };
        for class in classes {
            // 0 and 255 mean networks and broadcasts.
            let movable: Vec<u8> =
                class.clone().filter(|&octet| !decimal || !matches!(octet, 0 | 255)).collect();
            for (&octet, other) in movable.iter().zip(self.ranked(&name, &movable)) {
                order[usize::from(octet)] = other;
            }
        }
        if self.orders.len() >= ORDERS_MAX {
            self.orders.clear();
        }
        self.orders.insert(name, order);
        order
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_octets_become_one_and_their_text_is_as_long() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]);
        let mut all = Permutation::new(key);
        let mut seen = BTreeSet::new();
        for octet in 0..=255u8 {
            let mut octets = [octet];
            all.chain("ipv4", &[192, 168], &mut octets, true);
            assert_eq!(octets[0].to_string().len(), octet.to_string().len());
            assert!(seen.insert(octets[0]));
        }
        let mut other = [1, 2, 3];
        all.chain("ipv4", &[10], &mut other, true);
        let mut again = [1, 2, 9];
        all.chain("ipv4", &[10], &mut again, true);
        assert_eq!(other[..2], again[..2]);
        assert_ne!(other[2], again[2]);
        let range: Vec<u8> = (16..32).collect();
        let set: BTreeSet<u8> = range.iter().map(|&o| all.within("b", &[], o, &range)).collect();
        assert_eq!(set.len(), 16);
    }
}
