//! A snapshot of 1 000 devices, 100 000 contacts and 2 000 findings.

use phonehome::analysis::Analysis;
use phonehome::attribution::geo::Geo;
use phonehome::attribution::ledger::NameSource;
use phonehome::attribution::on_link::Holds;
use phonehome::attribution::world::{
    Choice, Contact, Destination, Host, Level, NameSeen, Party, Remote, Service, Signs, Traffic,
    WireText, World, Zone,
};
use phonehome::attribution::{Ledger, Signatures};
use phonehome::base::address::Mac;
use phonehome::base::time::Timestamp;
use phonehome::engine::{Engine, Settings};
use phonehome::finding::{Counted, Fact, Finding, Reference, Review, Severity, SubjectOf};
use phonehome::snapshot::Snapshot;
use std::sync::Arc;

const DEVICES: usize = 1_000;
const CONTACTS: usize = 100_000;
const DESTINATIONS: usize = 10_000;
const FINDINGS: usize = 2_000;

fn traffic(number: usize) -> Traffic {
    let bytes = (number as u64 * 7919) % 1_000_000;
    Traffic { packets: [9, 7], wire_bytes: [bytes + 900, 700], delivered_bytes: [bytes, 90] }
}

/// An empty capture's snapshot, filled by hand.
pub fn snapshot() -> Snapshot {
    let (signatures, geo) = (Signatures::default(), Geo::default());
    let canary = phonehome::canary::run(&signatures, &geo);
    let analysis = Analysis::of(&signatures, &geo, canary);
    let outcome = Engine::new(Settings::default(), &geo, None).finish();
    let mut snapshot = analysis.snapshot(&outcome, &[]);
    let mut ledger = Ledger::default();
    for number in 0..DEVICES as u32 {
        let [_, _, high, low] = number.to_be_bytes();
        ledger.holds(&Holds::own(
            Mac([2, 0, 0, 0, high, low]),
            [10, 0, high, low].into(),
            Timestamp(0),
        ));
    }
    let world = World::build(&ledger, &geo, &signatures, &Choice::default());
    snapshot.devices = world.devices;
    for number in 0..DESTINATIONS {
        let name = WireText::from(format!("host{number}.example").as_bytes());
        let address = [203, 0, (number / 250) as u8, (number % 250) as u8].into();
        snapshot.destinations.push(Destination {
            id: name.text.as_str().into(),
            zone: Zone::Internet,
            names: vec![NameSeen { name, source: "sni", frame: 7, several: false, dns_says: None }],
            remotes: vec![Remote {
                address,
                countries: Vec::new(),
                networks: Vec::new(),
                round_trip_ns: None,
                excluded: Vec::new(),
                traffic: traffic(number),
            }],
            claims: Vec::new(),
            traffic: traffic(number),
        });
    }
    let service: Arc<[Service]> = [Service {
        proto: "tcp".into(),
        port: Some(443),
        protocol: "tls",
        method: "payload",
        content: "encrypted",
        looks: Vec::new(),
        traffic: traffic(1),
    }]
    .into();
    for number in 0..CONTACTS {
        let (device, to) = (number % DEVICES, (number * 31) % DESTINATIONS);
        let destination = &snapshot.destinations[to];
        snapshot.contacts.push(Contact {
            device: snapshot.devices[device].id.clone(),
            destination: destination.id.clone(),
            zone: Zone::Internet,
            party: Party::Unknown,
            services: service.clone(),
            hosts: vec![Host {
                name: Some(destination.names[0].name.clone()),
                sources: [NameSource::Sni].into_iter().collect(),
                addresses: vec![destination.remotes[0].address],
                claim: None,
                services: service.clone(),
                traffic: traffic(number),
            }],
            traffic: traffic(number),
            missed_bytes: [0; 2],
            flows: 3,
            first: Timestamp(0),
            last: Timestamp(number as i64),
            frames: [1, 2],
            rows: Vec::new(),
            signs: Signs::default(),
            device_index: device,
            destination_index: to,
        });
    }
    snapshot.findings = (0..FINDINGS).map(|number| finding(&snapshot, number)).collect();
    snapshot
}

fn finding(snapshot: &Snapshot, number: usize) -> Finding {
    let contact = &snapshot.contacts[number * 7 % CONTACTS];
    let text = format!("The device {} sent 54 kB to {}.", contact.device, contact.destination);
    Finding {
        id: "cloud.vendor",
        title: "A device talks to its maker's cloud",
        rule_version: 1,
        key: format!("{number:016x}"),
        severity: if number < 20 { Severity::High } else { Severity::Info },
        level: Level::Attributed,
        subject: SubjectOf {
            device: contact.device.clone(),
            destination: contact.destination.clone(),
        },
        facts: vec![Fact::new(text.clone(), 3)],
        may_say: text,
        does_not_show: Box::new(["who reads it", "what it holds"]),
        alternatives: Vec::new(),
        refs: (1..=8)
            .map(|frame| Reference { input: 0, frame, time: Timestamp(0), length: 74 })
            .collect(),
        traffic: vec![Counted {
            input: 0,
            frames: 16,
            wire_bytes: [54_000, 900],
            delivered_bytes: [50_000, 90],
            first: Timestamp(0),
            last: Timestamp(1),
            wireshark_filter: Some("ip.addr == 203.0.113.9 && !icmp && !icmpv6".to_owned()),
            no_filter_because: None,
        }],
        clauses: Default::default(),
        party: Party::Unknown,
        phase: None,
        review: Review::default(),
    }
}
