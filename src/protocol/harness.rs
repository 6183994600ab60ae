//! That every dissector takes part in the tests of `testing.rs`: the same conversation cut, swapped,
//! doubled, one way, in a tunnel and on another port. The tests of all dissectors are run once more
//! and write down what they did with whose conversations.

use super::testing::{TAKEN_PART, Way};
use super::{DISSECTORS, Dissector, Over};
use std::collections::BTreeSet;
use std::process::Command;

/// Those that are recognised on their own port alone, and why.
const AT_HOME_ONLY: &[(&str, &str)] = &[
    ("nat-pmp", "few fixed bits"),
    ("dhcpv6", "few fixed bits"),
    ("mdns", "elsewhere its messages are those of DNS"),
    ("llmnr", "elsewhere its messages are those of DNS"),
];

fn demanded(dissector: &dyn Dissector) -> Vec<Way> {
    let over = dissector.over();
    let ways = Way::ALL.into_iter().filter(|way| match way {
        // Datagrams are not cut; a stream must be, of a dissector that reads both.
        Way::Cut => over == Over::Tcp,
        // A conversation of one datagram has no neighbours.
        Way::Swapped => over == Over::Tcp,
        Way::Doubled | Way::Half => true,
        Way::Tunnelled => !matches!(over, Over::Igmp | Over::Icmpv6),
        Way::OnAnotherPort => {
            !matches!(over, Over::Igmp | Over::Icmpv6)
                && AT_HOME_ONLY.iter().all(|(name, _)| *name != dissector.name())
        }
    });
    ways.collect()
}

#[test]
fn every_dissector_takes_part() {
    let path = std::env::temp_dir().join(format!("phonehome-ways-{}", std::process::id()));
    let tests = std::env::current_exe().unwrap();
    let ran = Command::new(tests)
        .args(["protocol::", "--skip", "protocol::harness", "--skip", "protocol::sessions"])
        .env(TAKEN_PART, &path)
        .output()
        .unwrap();
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let _ = std::fs::remove_file(&path);
    assert!(!text.is_empty(), "{}", String::from_utf8_lossy(&ran.stdout));
    let lines: BTreeSet<&str> = text.lines().collect();
    let ports = |name: &str| {
        let port = format!("{name}: port ");
        lines.iter().filter(|line| line.starts_with(&port)).count()
    };
    let is_done = |name: &str, way: Way| {
        lines.contains(&format!("{name}: {}", way.name())[..])
            || matches!(way, Way::OnAnotherPort) && ports(name) > 1
    };
    let missing: Vec<String> = DISSECTORS
        .iter()
        .flat_map(|dissector| demanded(*dissector).into_iter().map(|way| (*dissector, way)))
        .filter(|(dissector, way)| !is_done(dissector.name(), *way))
        .map(|(dissector, way)| format!("{}: {}", dissector.name(), way.name()))
        .collect();
    assert!(missing.is_empty(), "no test of these: {missing:#?}");
    let mistaken: Vec<&str> = AT_HOME_ONLY
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| is_done(name, Way::OnAnotherPort))
        .collect();
    assert!(mistaken.is_empty(), "recognised elsewhere after all: {mistaken:?}");
}
