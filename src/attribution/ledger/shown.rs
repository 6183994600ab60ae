//! What ends of a row's flows said of themselves, as far as it may tell whose service it is for.

use crate::flow::Cite;

/// Most things kept of one row.
pub(super) const SHOWN_MAX: usize = 6;
/// Most things kept of all rows, about 150 bytes each.
pub(super) const ALL_SHOWN_MAX: usize = 65_536;

/// One thing that was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// What the protocol calls it.
    pub fact: &'static str,
    /// As it was on the wire, shortened.
    pub value: Box<[u8]>,
    /// The remote end said it, not the local one.
    pub by_remote: bool,
    /// Where.
    pub cite: Cite,
}

impl Shown {
    /// Whether both are the same words.
    pub(super) fn repeats(&self, other: &Shown) -> bool {
        self.says(other.fact, &other.value, other.by_remote)
    }

    /// Whether it is these words.
    pub(super) fn says(&self, fact: &str, value: &[u8], by_remote: bool) -> bool {
        self.by_remote == by_remote && *self.value == *value && self.fact == fact
    }
}
