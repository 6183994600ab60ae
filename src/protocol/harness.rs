//! That every dissector takes part in the tests of `testing.rs`: the same conversation cut, swapped,
//! doubled, one way, in a tunnel and on another port. The tests of all dissectors are run once more
//! and write down what they did with whose conversations.

use super::testing::{TAKEN_PART, Way};
use super::{DISSECTORS, Dissector, Over, page};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is not demanded of whom, and why: all there is.
const EXCEPTIONS: &[(&str, Way, &str)] = &[
    ("dhcpv6", Way::OnAnotherPort, "few fixed bits; answers come from another end than was asked"),
    ("mdns", Way::OnAnotherPort, "elsewhere its messages are those of DNS"),
    ("llmnr", Way::OnAnotherPort, "elsewhere its messages are those of DNS"),
];

/// What cannot be done to what is carried so.
fn is_possible(over: Over, way: Way) -> bool {
    match way {
        // Datagrams are not cut.
        Way::Cut => matches!(over, Over::Tcp | Over::Both),
        // No ports, and no tunnel in `testing.rs` for what has none.
        Way::Tunnelled | Way::OnAnotherPort => !matches!(over, Over::Igmp | Over::Icmpv6),
        Way::Swapped | Way::Doubled | Way::Half => true,
    }
}

fn demanded(dissector: &dyn Dissector) -> Vec<Way> {
    let is_excepted =
        |way: Way| EXCEPTIONS.iter().any(|one| one.0 == dissector.name() && one.1 == way);
    let ways = Way::ALL.into_iter();
    ways.filter(|&way| is_possible(dissector.over(), way) && !is_excepted(way)).collect()
}

/// Set to write `docs/dissectors.md` instead of comparing it.
const WRITE_PAGE: &str = "PHONEHOME_WRITE_PAGE";

#[test]
fn every_dissector_takes_part_and_states_what_it_goes_by() {
    let path = std::env::temp_dir().join(format!("phonehome-ways-{}", std::process::id()));
    let tests = std::env::current_exe().unwrap();
    // With one thread tests would not have their names.
    let ran = Command::new(tests)
        .args(["protocol::", "--skip", "protocol::harness", "--skip", "protocol::sessions"])
        .args(["--test-threads", "2"])
        .env(TAKEN_PART, &path)
        .output()
        .unwrap();
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let _ = std::fs::remove_file(&path);
    assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&ran.stdout));
    let held = page::held(&text);
    let is_done = |name: &str, way: Way| held.get(name).is_some_and(|held| held.went(way));
    let missing: Vec<String> = DISSECTORS
        .iter()
        .flat_map(|dissector| demanded(*dissector).into_iter().map(|way| (*dissector, way)))
        .filter(|(dissector, way)| !is_done(dissector.name(), *way))
        .map(|(dissector, way)| format!("{}: {}", dissector.name(), way.name()))
        .collect();
    assert!(missing.is_empty(), "no test of these: {missing:#?}");
    let mistaken: Vec<String> = EXCEPTIONS
        .iter()
        .filter(|(name, way, _)| is_done(name, *way))
        .map(|(name, way, _)| format!("{name}: {}", way.name()))
        .collect();
    assert!(mistaken.is_empty(), "held after all: {mistaken:?}");
    let faults = page::faults(&held);
    assert!(faults.is_empty(), "{faults:#?}");
    let (made, page) = (page::page(&held), page_path());
    if std::env::var_os(WRITE_PAGE).is_some() {
        std::fs::write(&page, &made).unwrap();
    }
    let written = std::fs::read_to_string(&page).unwrap_or_default();
    assert_eq!(written, made, "make dissectors brings docs/dissectors.md up to date");
}

fn page_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dissectors.md")
}
