//! Who registered a hardware address with the IEEE: the maker of the network chip or of the
//! device. Embedded; its source and date are in `signatures/databases/README.md`.

use super::database;
use crate::base::address::Mac;
use crate::base::text::hex;

/// The first line of the table: its source and date.
#[must_use]
pub fn about() -> &'static str {
    let first = database::OUI.split(|&byte| byte == b'\n').next().unwrap_or_default();
    std::str::from_utf8(first).unwrap_or_default().trim_start_matches("# ")
}

/// The registrant of the longest assigned prefix (36, 28 or 24 bits); none for group and locally
/// administered addresses, which have no registrant.
#[must_use]
pub fn registrant(mac: Mac) -> Option<&'static str> {
    if mac.is_group() || mac.is_local() {
        return None;
    }
    let digits = hex(&mac.0).to_uppercase();
    [9, 7, 6].iter().find_map(|&length| find(&digits[..length]))
}

/// Binary search over sorted lines `PREFIX<TAB>ORGANISATION`.
fn find(prefix: &str) -> Option<&'static str> {
    let text = database::OUI;
    let (mut low, mut high) = (0, text.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let start = text[..middle].iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        let end =
            text[middle..].iter().position(|&b| b == b'\n').map_or(text.len(), |at| middle + at);
        let line = &text[start..end];
        let tab = line.iter().position(|&b| b == b'\t').unwrap_or(line.len());
        // The comment line sorts before every hexadecimal digit, as `#` does.
        match line[..tab].cmp(prefix.as_bytes()) {
            std::cmp::Ordering::Equal => return std::str::from_utf8(line.get(tab + 1..)?).ok(),
            std::cmp::Ordering::Less => low = end + 1,
            std::cmp::Ordering::Greater => high = start,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_found_by_binary_search() {
        let text = std::str::from_utf8(database::OUI).unwrap();
        assert!(text.lines().count() > 40_000);
        for line in text.lines().skip(1).step_by(97) {
            let (prefix, organisation) = line.split_once('\t').unwrap();
            assert_eq!(find(prefix), Some(organisation), "{prefix}");
        }
    }

    #[test]
    fn invented_addresses_have_no_registrant() {
        assert_eq!(registrant(Mac([0x02, 0, 0x5e, 0, 0x53, 1])), None);
        assert_eq!(registrant(Mac([0xff; 6])), None);
        assert!(registrant(Mac([0x00, 0x00, 0x5e, 0x00, 0x53, 0x01])).is_some());
    }
}
