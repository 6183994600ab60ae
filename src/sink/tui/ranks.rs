//! Places of texts in their order, so that rows are sorted by numbers.

/// See the module.
#[derive(Default)]
pub struct Ranks {
    /// By text, in the order in which they were told; the same text has the same.
    ranks: Vec<u32>,
    /// By rank: a text that has it.
    texts: Vec<u32>,
}

impl Ranks {
    /// Of all these texts.
    pub fn of<T: AsRef<str>>(texts: &[T]) -> Ranks {
        let text = |at: u32| texts[at as usize].as_ref();
        // Most texts differ in what fits beside their number, so that few are fetched to be compared.
        let all = (0u32..).zip(texts);
        let mut keyed: Vec<(u128, u32)> =
            all.map(|(at, text)| (beginning(text.as_ref()), at)).collect();
        keyed.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| text(a.1).cmp(text(b.1))));
        let mut ranks = Ranks { ranks: vec![0; texts.len()], texts: Vec::new() };
        let mut before = None;
        for (beginning, at) in keyed {
            if before.is_none_or(|(other, one)| other != beginning || text(one) != text(at)) {
                ranks.texts.push(at);
            }
            before = Some((beginning, at));
            ranks.ranks[at as usize] = ranks.texts.len() as u32 - 1;
        }
        ranks
    }

    /// The place of one of the texts.
    pub fn place(&self, at: usize) -> Option<u64> {
        self.ranks.get(at).map(|&rank| held(rank))
    }

    /// The places of other texts among these, those between two in their own order; `known` gives the
    /// texts that were told.
    pub fn places_of<T: AsRef<str>, K: AsRef<str>>(
        &self,
        others: &[T],
        known: impl Fn(usize) -> K,
    ) -> Vec<u64> {
        let own = Ranks::of(others);
        let place = |(at, text): (usize, &T)| {
            let text = text.as_ref();
            match self.texts.binary_search_by(|&at| known(at as usize).as_ref().cmp(text)) {
                Ok(rank) => held(rank as u32),
                Err(rank) => (rank as u64) << 33 | u64::from(own.ranks[at]),
            }
        };
        others.iter().enumerate().map(place).collect()
    }
}

/// Behind whatever stands between the text before and this one.
fn held(rank: u32) -> u64 {
    u64::from(rank) << 33 | 1 << 32
}

/// The first bytes of a text as a number of the same order.
fn beginning(text: &str) -> u128 {
    let mut first = [0; 16];
    let length = text.len().min(first.len());
    first[..length].copy_from_slice(&text.as_bytes()[..length]);
    u128::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_the_order_of_texts_also_where_they_begin_alike() {
        let long = "a-text-of-many-letters";
        let texts = [long, "b", "", "a\0", "a", "ä", "b", "a-text-of-many-letterS", "a\0\0"];
        let ranks = Ranks::of(&texts);
        for (a, one) in texts.iter().enumerate() {
            for (b, other) in texts.iter().enumerate() {
                assert_eq!(
                    ranks.place(a).cmp(&ranks.place(b)),
                    one.cmp(other),
                    "{one:?} {other:?}"
                );
            }
        }
        assert_eq!(ranks.place(texts.len()), None);
        let others = ["0", "a", "a-text", "a-text-of-many-letters!", "b", "c", "cc", "", "ö"];
        let places = ranks.places_of(&others, |at| texts[at]);
        for (one, place) in others.iter().zip(&places) {
            for (other, its) in others.iter().zip(&places) {
                assert_eq!(place.cmp(its), one.cmp(other), "{one:?} {other:?}");
            }
            for (at, known) in texts.iter().enumerate() {
                let its = ranks.place(at).unwrap();
                assert_eq!(place.cmp(&its), one.cmp(known), "{one:?} {known:?}");
            }
        }
    }
}
