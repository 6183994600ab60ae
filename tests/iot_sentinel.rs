//! The captures of IoT Sentinel: seventeen devices, each with its hardware address, the names it
//! asked for, and every public address and port that it sent to, counted by tshark.

mod common;

use common::walk::{Walked, walk};
use common::{none, places, truth};
use phonehome::attribution::Signatures;
use phonehome::attribution::geo::Geo;
use phonehome::attribution::ledger::Mark;
use phonehome::attribution::world::{Choice, Device, World};
use phonehome::base::address::{Mac, Scope, scope};
use phonehome::base::text::safe;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use truth::{address, number, rows, text};

/// Registrants by the first three bytes of the address, as Wireshark's list of the IEEE's
/// assignments has them (`/usr/share/wireshark/manuf` of 4.0.17).
const REGISTRANTS: &[(&str, &str)] = &[
    ("00:17:88", "Philips Lighting"),
    ("00:1a:22", "eQ-3"),
    ("1c:5f:2b", "D-Link"),
    ("20:f8:5e", "Delta Electronics"),
    ("50:c7:bf", "Tp-Link"),
    ("5c:cf:7f", "Espressif"),
    ("6c:72:20", "D-Link"),
    ("74:da:38", "Edimax"),
    ("90:8d:78", "D-Link"),
    ("94:10:3e", "Belkin"),
    ("b0:c5:54", "D-Link"),
];

/// Where we differ from the list, and why: (device, what, reason).
const KNOWN: &[(&str, &str, &str)] = &[(
    "EdimaxPlug1101W",
    "external",
    "the list is wrong: frame 137 of Setup-C-2 is an ICMP port unreachable, and the list counts \
     it as the UDP packet that it quotes",
)];

/// Packets and wire bytes.
type Sent = [u64; 2];

/// What one device did, over all its captures.
#[derive(Default)]
struct Deeds {
    /// Questions by name, to name servers.
    names: BTreeMap<String, u64>,
    /// Questions not kept, because of a bound.
    names_lost: u64,
    /// By address, protocol and port.
    external: BTreeMap<(IpAddr, String, u64), Sent>,
}

impl Deeds {
    fn take(&mut self, Walked { outcome, records, .. }: &Walked, mac: Mac) {
        let ledger = &outcome.ledger;
        for row in ledger.rows.iter().filter(|row| row.local.mac == Some(mac)) {
            self.names_lost += row.evidence_lost;
            let asked = row.evidence.iter().filter(|evidence| evidence.mark == Mark::Query);
            for question in asked.filter(|_| row.port == Some(53)) {
                *self.names.entry(safe(&question.value).to_lowercase()).or_default() += 1;
            }
        }
        let id = format!("mac:{mac}");
        for record in records.iter().filter(|record| text(&record["device"]) == id) {
            self.external(record);
        }
    }

    fn external(&mut self, record: &Value) {
        let ends = [("src", "src_port"), ("dst", "dst_port")];
        let public = |(end, _): &(&str, &str)| scope(address(&record[*end])) == Scope::Internet;
        let Some(remote) = [1, 0].into_iter().find(|&end| public(&ends[end])) else { return };
        let local = 1 - remote;
        let proto = match text(&record["proto"]).as_str() {
            known @ ("tcp" | "udp") => known.to_owned(),
            _ => "other".to_owned(),
        };
        let port = record[ends[remote].1].as_u64().unwrap_or(0);
        let packets = number(&record["packets"][local]);
        if packets > 0 {
            let key = (address(&record[ends[remote].0]), proto, port);
            let sum = self.external.entry(key).or_default();
            *sum = [sum[0] + packets, sum[1] + number(&record["wire_bytes"][local])];
        }
    }
}

/// Devices of the list with what they must be and have done.
fn devices(root: &Path) -> Vec<(String, Mac, Value)> {
    let expected = root.join("expected/iot_sentinel");
    let macs = truth::read(&expected.join("device_macs.json"));
    let mut contacts = truth::read(&expected.join("device_contacts.json"));
    let macs = macs.as_object().unwrap();
    assert_eq!(macs.len(), 17);
    macs.iter()
        .map(|(name, mac)| {
            (name.clone(), text(mac).parse().unwrap(), contacts["devices"][name].take())
        })
        .collect()
}

/// Complaints that are not known, and known ones that are none any more.
fn unexplained(what: &str, complaints: Vec<(String, String)>) {
    let known = |device: &str| KNOWN.iter().any(|(d, w, _)| *d == device && *w == what);
    let mut said: Vec<String> = complaints
        .iter()
        .filter(|(device, _)| !known(device))
        .map(|(device, said)| format!("{device}: {what}: {said}"))
        .collect();
    for (device, _, reason) in KNOWN.iter().filter(|(_, w, _)| *w == what) {
        if !complaints.iter().any(|(d, _)| d == device) {
            said.push(format!("{device}: {what}: agrees now; take it off the list: {reason}"));
        }
    }
    none(&said);
}

fn captures(root: &Path, device: &str) -> Vec<std::path::PathBuf> {
    places::captures_under(&root.join("iot_sentinel").join(device))
}

#[test]
fn every_device_is_seen_as_a_device_with_its_registrant() {
    let Some(root) = places::shared() else { return };
    let signatures = Signatures::embedded().unwrap();
    let mut complaints = Vec::new();
    for (name, mac, _) in devices(&root) {
        let mut say = |said: String| complaints.push((name.clone(), said));
        for capture in captures(&root, &name) {
            let walked = walk(&capture).unwrap();
            let ledger = &walked.outcome.ledger;
            let world = World::build(ledger, &Geo::default(), &signatures, &Choice::default());
            let file = places::short(&capture);
            match world.devices.iter().find(|device| device.mac == Some(mac)) {
                None => say(format!("{file}: {mac} is not among the devices")),
                Some(device) if device.role != "device" => {
                    say(format!("{file}: {mac} is a {}", device.role));
                }
                Some(device) => {
                    if let Err(said) = registrant(mac, device) {
                        say(format!("{file}: {said}"));
                    }
                }
            }
        }
    }
    unexplained("device", complaints);
}

fn registrant(mac: Mac, device: &Device) -> Result<(), String> {
    let prefix = &mac.to_string()[..8];
    let (_, expected) = REGISTRANTS.iter().find(|(known, _)| *known == prefix).unwrap();
    let said = device.oui.as_deref().unwrap_or("nobody").to_lowercase();
    if !said.contains(&expected.to_lowercase()) {
        return Err(format!("{mac} is registered to {expected}, not {said}"));
    }
    match &device.maker {
        Some(_) => Ok(()),
        None => Err(format!("{mac} has a registrant but no maker")),
    }
}

#[test]
fn names_asked_and_public_addresses_sent_to_are_those_of_the_list() {
    let Some(root) = places::shared() else { return };
    let mut names = Vec::new();
    let mut external = Vec::new();
    for (device, mac, contacts) in devices(&root) {
        let mut deeds = Deeds::default();
        let captures = captures(&root, &device);
        assert_eq!(captures.len() as u64, number(&contacts["captures"]), "{device}");
        for capture in captures {
            deeds.take(&walk(&capture).unwrap(), mac);
        }
        if deeds.names_lost > 0 {
            names.push((device.clone(), format!("{} questions are not kept", deeds.names_lost)));
        }
        let asked = contacts["dns_names"].as_object().unwrap();
        let asked = asked.iter().map(|(name, count)| (name.to_lowercase(), number(count)));
        differences(&deeds.names, &asked.collect(), &mut |said| {
            names.push((device.clone(), said));
        });
        let expected = rows(&contacts["external"]).iter().map(|row| {
            let key = (address(&row[0]), text(&row[1]), number(&row[2]));
            (key, [number(&row[3]), number(&row[4])])
        });
        differences(&deeds.external, &expected.collect(), &mut |said| {
            external.push((device.clone(), said));
        });
    }
    // Both lists are told, whichever fails first.
    let result = std::panic::catch_unwind(|| unexplained("names", names));
    unexplained("external", external);
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

fn differences<K: Ord + Clone + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    ours: &BTreeMap<K, V>,
    theirs: &BTreeMap<K, V>,
    say: &mut dyn FnMut(String),
) {
    let keys: std::collections::BTreeSet<&K> = ours.keys().chain(theirs.keys()).collect();
    for key in keys {
        if ours.get(key) != theirs.get(key) {
            let (ours, theirs) = (ours.get(key), theirs.get(key));
            say(format!("{key:?}: we say {ours:?}, the list {theirs:?}"));
        }
    }
}
