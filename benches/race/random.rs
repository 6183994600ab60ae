//! Numbers that look random and are the same everywhere.

/// Marsaglia's xorshift: small, fast, no dependency whose next version changes the corpus.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        // A state of zero would stay zero.
        Random(mix(seed) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// From 0 to `limit` - 1. Uses the high half: the low bits of xorshift are its weakest.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((self.next() >> 32) * limit) >> 32
    }

    pub fn chance(&mut self, of_1000: u64) -> bool {
        self.below(1000) < of_1000
    }

    /// From `least` up, most of them small: each doubling is as likely as the next, `doublings`
    /// times.
    pub fn long_tail(&mut self, least: u64, doublings: u64) -> u64 {
        let base = least << self.below(doublings);
        base + self.below(base)
    }

    /// Appends `count` bytes that no compressor shrinks, like ciphertext or video.
    pub fn extend(&mut self, out: &mut Vec<u8>, count: usize) {
        let end = out.len() + count;
        out.resize(end.next_multiple_of(8) + 8, 0);
        for chunk in out[end - count..].chunks_exact_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes());
        }
        out.truncate(end);
    }
}

/// Steele's splitmix: a number that belongs to `index`, without a table.
pub fn mix(index: u64) -> u64 {
    let z = index.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
