//! A screen of 1 000 devices and 100 000 contacts: what a drawing costs, and what a new snapshot
//! and a filter cost before it.

use criterion::{Criterion, criterion_group, criterion_main};
use phonehome::analysis::Analysis;
use phonehome::attribution::geo::Geo;
use phonehome::attribution::ledger::NameSource;
use phonehome::attribution::world::{
    Choice, Contact, Destination, Host, NameSeen, Party, Remote, Service, Traffic, WireText, World,
    Zone,
};
use phonehome::attribution::{Ledger, Signatures};
use phonehome::base::address::Mac;
use phonehome::base::time::Timestamp;
use phonehome::engine::{Engine, Settings};
use phonehome::sink::tui::{Options, State, Status, Still, Update};
use phonehome::snapshot::Snapshot;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

const DEVICES: usize = 1_000;
const CONTACTS: usize = 100_000;
const DESTINATIONS: usize = 10_000;

fn traffic(number: usize) -> Traffic {
    let bytes = (number as u64 * 7919) % 1_000_000;
    Traffic { packets: [9, 7], wire_bytes: [bytes + 900, 700], delivered_bytes: [bytes, 90] }
}

/// An empty capture's snapshot, filled by hand.
fn snapshot() -> Snapshot {
    let (signatures, geo) = (Signatures::default(), Geo::default());
    let canary = phonehome::canary::run(&signatures, &geo);
    let choice = Choice::default();
    let analysis = Analysis {
        signatures: &signatures,
        geo: &geo,
        canary,
        choice,
        fail_on: None,
        hashed: false,
    };
    let outcome = Engine::new(Settings::default(), &geo, None).finish();
    let mut snapshot = analysis.snapshot(&outcome, &[]);
    let mut ledger = Ledger::default();
    for number in 0..DEVICES as u32 {
        let [_, _, high, low] = number.to_be_bytes();
        ledger.arp(Mac([2, 0, 0, 0, high, low]), [10, 0, high, low].into(), Timestamp(0));
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
                sources: vec![NameSource::Sni],
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
            device_index: device,
            destination_index: to,
        });
    }
    snapshot
}

fn update(snapshot: &Arc<Snapshot>) -> Update {
    Update {
        snapshot: snapshot.clone(),
        flows: Arc::default(),
        status: Arc::new(Status {
            state: State::Ended,
            inputs: vec!["bench".to_owned()],
            recording: None,
            now: Timestamp(1_000_000_000_000),
            packets: 1,
            bytes: 1,
            drops: [0; 3],
            lag_bytes: 0,
            disk_free: None,
            phase: None,
            marks: Vec::new(),
            gaps: Vec::new(),
            protections: Vec::new(),
            warnings: Vec::new(),
            ask: None,
        }),
    }
}

fn screen(criterion: &mut Criterion) {
    let snapshot = Arc::new(snapshot());
    let options = Options {
        paths: Vec::new(),
        here: None,
        colour: true,
        light: false,
        ascii: false,
        folder: PathBuf::from("."),
    };
    let mut buffer = Buffer::empty(Rect::new(0, 0, 250, 60));
    let mut still = Still::new(options);
    still.take(update(&snapshot));
    let views = ["overview", "map", "devices", "destinations", "contacts", "timeline"];
    for (key, view) in ["1", "2", "3", "4", "5", "8"].into_iter().zip(views) {
        still.press(key);
        criterion.bench_function(&format!("draw {view} 250x60"), |bench| {
            bench.iter(|| still.draw(black_box(&mut buffer)));
        });
    }
    still.press("5");
    criterion.bench_function("new snapshot and draw contacts", |bench| {
        bench.iter(|| {
            still.take(update(&snapshot));
            still.draw(black_box(&mut buffer));
        });
    });
    still.press("fhost77 out>1k\n");
    criterion.bench_function("new snapshot, filter and draw contacts", |bench| {
        bench.iter(|| {
            still.take(update(&snapshot));
            still.draw(black_box(&mut buffer));
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = screen
}
criterion_main!(benches);
