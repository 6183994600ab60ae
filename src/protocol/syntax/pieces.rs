//! A message that arrives in numbered pieces, in any order and more than once: handshakes in QUIC
//! and DTLS. Bounded in bytes and in gaps; what a bound does not admit is as if it had not come.

/// Bytes put together from their offsets.
#[derive(Debug, Default)]
pub struct Pieces {
    bytes: Vec<u8>,
    /// Where bytes are known, in order, never touching.
    known: Vec<(usize, usize)>,
}

/// Longest message put together, bytes.
pub const MESSAGE_BYTES_MAX: usize = 32 * 1024;
/// Most islands of known bytes at a time. Chrome scatters a hello into some thirty.
const ISLANDS_MAX: usize = 128;

impl Pieces {
    /// Takes a piece.
    pub fn put(&mut self, offset: usize, data: &[u8]) {
        let Some(end) = offset.checked_add(data.len()).filter(|&end| end <= MESSAGE_BYTES_MAX)
        else {
            return;
        };
        if data.is_empty() {
            return;
        }
        let (mut from, mut to) = (offset, end);
        let first = self.known.partition_point(|island| island.1 < from);
        let last = self.known.partition_point(|island| island.0 <= to);
        if first == last && self.known.len() == ISLANDS_MAX {
            return;
        }
        for island in &self.known[first..last] {
            from = from.min(island.0);
            to = to.max(island.1);
        }
        self.known.splice(first..last, [(from, to)]);
        if self.bytes.len() < end {
            self.bytes.resize(end, 0);
        }
        self.bytes[offset..end].copy_from_slice(data);
    }

    /// What is known from the beginning on without a gap.
    #[must_use]
    pub fn beginning(&self) -> &[u8] {
        match self.known.first() {
            Some(&(0, end)) => &self.bytes[..end],
            _ => &[],
        }
    }

    /// Memory it takes, bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.bytes.capacity() + self.known.capacity() * size_of::<(usize, usize)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_order_gives_the_same() {
        let text = b"abcdefghij";
        let cuts = [(4, 7), (0, 2), (6, 10), (1, 5), (0, 2)];
        for turn in 0..cuts.len() {
            let mut pieces = Pieces::default();
            for at in 0..cuts.len() {
                let (from, to) = cuts[(turn + at) % cuts.len()];
                pieces.put(from, &text[from..to]);
            }
            assert_eq!(pieces.beginning(), text);
            assert_eq!(pieces.known.len(), 1);
        }
    }

    #[test]
    fn gaps_and_bounds() {
        let mut pieces = Pieces::default();
        pieces.put(5, b"later");
        assert_eq!(pieces.beginning(), b"");
        pieces.put(0, b"abc");
        assert_eq!(pieces.beginning(), b"abc");
        pieces.put(MESSAGE_BYTES_MAX, b"x");
        pieces.put(usize::MAX, b"x");
        for at in 0..10 * ISLANDS_MAX {
            pieces.put(20 + 2 * at, b"x");
        }
        assert_eq!(pieces.known.len(), ISLANDS_MAX);
        assert!(pieces.held_bytes() < MESSAGE_BYTES_MAX);
    }
}
