//! Who registered a hardware address with the IEEE: the maker of the network chip or of the
//! device. Embedded; its source and date are in `signatures/databases/README.md`.

use super::database;
use super::lines::find;
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
    [9, 7, 6].iter().find_map(|&length| find(database::OUI, &digits[..length]))
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
            assert_eq!(find(database::OUI, prefix), Some(organisation), "{prefix}");
        }
    }

    #[test]
    fn invented_addresses_have_no_registrant() {
        assert_eq!(registrant(Mac([0x02, 0, 0x5e, 0, 0x53, 1])), None);
        assert_eq!(registrant(Mac([0xff; 6])), None);
        assert!(registrant(Mac([0x00, 0x00, 0x5e, 0x00, 0x53, 0x01])).is_some());
    }
}
