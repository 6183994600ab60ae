//! Membership records of IGMPv3 (RFC 9776 §4.2) and MLDv2 (RFC 9777 §5.2), which differ in the length
//! of addresses only.

/// Most records read of one message.
const RECORDS_MAX: usize = 64;
/// Type, reserved, checksum, flags, number of records.
const HEADER_BYTES: usize = 8;

/// What a record says of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Membership {
    /// The sender listens to it.
    Joined,
    /// It does no longer.
    Left,
}

/// The groups of a report, each as its `N` bytes.
pub fn records<const N: usize>(
    message: &[u8],
) -> impl Iterator<Item = (Membership, [u8; N])> + use<'_, N> {
    let count = message.get(6..8).map_or(0, |n| usize::from(u16::from_be_bytes([n[0], n[1]])));
    let mut rest = message.get(HEADER_BYTES..).unwrap_or_default();
    let all = std::iter::from_fn(move || {
        let (head, behind) = rest.split_first_chunk::<4>()?;
        let (group, behind) = behind.split_first_chunk::<N>()?;
        let [kind, auxiliary_words, sources @ ..] = *head;
        let sources = usize::from(u16::from_be_bytes(sources));
        rest = behind.get(sources * N + usize::from(auxiliary_words) * 4..).unwrap_or_default();
        Some((membership(kind, sources), *group))
    });
    all.take(count.min(RECORDS_MAX)).filter_map(|(kind, group)| Some((kind?, group)))
}

fn membership(kind: u8, sources: usize) -> Option<Membership> {
    match (kind, sources) {
        // A list of nobody to be heard.
        (1 | 3, 0) => Some(Membership::Left),
        (1..=5, _) => Some(Membership::Joined),
        _ => None,
    }
}
