//! Tables of sorted lines `KEY<TAB>VALUE`, searched where they lie: nothing is parsed at the
//! start, and only the pages a search touches are read.

use std::cmp::Ordering;

/// The value of the line with this key. Keys may hold tabs; comments sort before all keys.
pub(super) fn find<'t>(table: &'t [u8], key: &str) -> Option<&'t str> {
    let wanted = || key.bytes().chain([b'\t']);
    let (mut low, mut high) = (0, table.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = table[..middle].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let end =
            table[middle..].iter().position(|&b| b == b'\n').map_or(table.len(), |at| middle + at);
        let line = &table[start..end];
        let head = &line[..line.len().min(key.len() + 1)];
        match head.iter().copied().cmp(wanted()) {
            Ordering::Equal => return std::str::from_utf8(&line[head.len()..]).ok(),
            Ordering::Less => low = end + 1,
            Ordering::Greater => high = start,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_whole_keys_only() {
        let table = b"# comment\nAA\tone\nAA\tB\ttwo\nAAB\tthree\nC\tfour";
        let expected = [("AA\tB", "two"), ("AAB", "three"), ("C", "four")];
        for (key, value) in expected {
            assert_eq!(find(table, key), Some(value), "{key}");
        }
        for key in ["", "A", "AABC", "B", "AA\tC", "D"] {
            assert_eq!(find(table, key), None, "{key}");
        }
        assert_eq!(find(b"", "A"), None);
    }
}
