//! What light looks say between full ones equals what a full look says of the same packets, and what
//! came since is shown without a word of whose it is.

use phonehome::analysis::{Analysis, Light, Touched};
use phonehome::attribution::Signatures;
use phonehome::attribution::geo::Geo;
use phonehome::attribution::record::{FlowRecord, Listener};
use phonehome::attribution::world::{Choice, Fresh, Traffic, WireText};
use phonehome::base::time::Timestamp;
use phonehome::canary;
use phonehome::engine::{Engine, Job, Records, Settings};
use phonehome::flow::Flow;
use phonehome::snapshot::{Numbers, Snapshot};
use phonehome::source::{Chunk, Sources};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

struct Hears<'a>(&'a Mutex<Touched>);

impl Listener for Hears<'_> {
    fn wants(&self) -> bool {
        false
    }

    fn ended(&mut self, _record: FlowRecord) {}

    fn placed(&mut self, _flow: &Flow, row: usize, _marks: u32) {
        self.0.lock().unwrap().add(row);
    }
}

/// What is compared: by id, and of contacts with how many flows.
#[derive(Default)]
struct Told {
    devices: BTreeMap<String, [Traffic; 3]>,
    destinations: BTreeMap<String, Traffic>,
    contacts: BTreeMap<String, (Traffic, u64)>,
    frames: u64,
    notes: String,
}

impl Told {
    /// What does not depend on what is known of devices.
    fn sums(&self) -> ([Traffic; 2], u64, u64, &str) {
        let (mut contacts, mut destinations, mut flows) = Default::default();
        for (traffic, count) in self.contacts.values() {
            Traffic::add(&mut contacts, traffic);
            flows += count;
        }
        self.destinations.values().for_each(|one| Traffic::add(&mut destinations, one));
        ([contacts, destinations], flows, self.frames, &self.notes)
    }

    /// What either says and the other does not.
    fn differences(&self, other: &Told) -> Vec<String> {
        let lines = |told: &Told| -> BTreeSet<String> {
            let devices = told.devices.iter().map(|one| format!("{one:?}"));
            let destinations = told.destinations.iter().map(|one| format!("{one:?}"));
            let contacts = told.contacts.iter().map(|one| format!("{one:?}"));
            devices.chain(destinations).chain(contacts).collect()
        };
        lines(self).symmetric_difference(&lines(other)).cloned().collect()
    }
}

fn told(snapshot: &Snapshot, numbers: &Numbers) -> Told {
    let mut told = Told::default();
    for (at, now) in numbers.devices.iter().enumerate() {
        let device = snapshot.device(&numbers.fresh, at).unwrap();
        let all = [now.internet, now.private, now.group];
        // One that nothing is counted of any more was another's before a name was said.
        if all != [Traffic::default(); 3] {
            assert!(told.devices.insert(device.id.to_string(), all).is_none());
        }
    }
    for (at, now) in numbers.destinations.iter().enumerate() {
        let to = snapshot.destination(&numbers.fresh, at).unwrap();
        if *now != Traffic::default() {
            told.destinations.entry(format!("{:?} {}", to.zone, to.id)).or_default().add(now);
        }
    }
    for (at, now) in numbers.contacts.iter().enumerate() {
        let contact = snapshot.contact(&numbers.fresh, at).unwrap();
        if now.flows > 0 {
            let key = format!("{} {:?} {}", contact.device, contact.zone, contact.destination);
            let (traffic, flows) = told.contacts.entry(key).or_default();
            traffic.add(&now.traffic);
            *flows += now.flows;
        }
    }
    let coverage = numbers.coverage.as_deref().unwrap_or(&snapshot.coverage);
    told.frames = coverage.frames.total;
    told.notes = format!("{:?}", numbers.notes);
    told
}

/// Captures taken of all kinds, and how large they may be: a full look at each step costs time.
const SAMPLE: usize = 40;
const BYTES: std::ops::Range<u64> = 20_000..800_000;

fn add_captures(folder: &Path, all: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map(|entry| entry.unwrap().path()) {
        if path.is_dir() {
            add_captures(&path, all);
        } else if path.extension().is_some_and(|end| end == "pcap" || end == "pcapng")
            && path.metadata().is_ok_and(|meta| BYTES.contains(&meta.len()))
        {
            all.push(path);
        }
    }
}

/// Ours, and a sample of those of others where they are at hand.
fn captures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    add_captures(&root.join("../shared/captures"), &mut all);
    all.sort();
    let one_in = all.len().div_ceil(SAMPLE).max(1);
    all = all.into_iter().step_by(one_in).collect();
    for name in ["camera.pcapng", "meter.pcap", "gateway.pcap", "sensor.pcapng"] {
        all.push(root.join("captures").join(name));
    }
    all
}

/// Filters of the screen rest on this: the names and addresses of a contact are among its destination's.
fn of_its_destination(snapshot: &Snapshot) {
    for contact in &snapshot.contacts {
        assert_eq!(contact.device, snapshot.devices[contact.device_index].id);
        let to = &snapshot.destinations[contact.destination_index];
        assert_eq!((&contact.destination, contact.zone), (&to.id, to.zone));
        for host in &contact.hosts {
            let has = |name: &WireText| to.names.iter().any(|seen| seen.name == *name);
            assert!(host.name.iter().all(has), "{host:?}");
            let at = |address: &std::net::IpAddr| {
                to.remotes.iter().any(|remote| remote.address == *address)
            };
            assert!(host.addresses.iter().all(at), "{host:?}");
        }
    }
}

#[test]
fn light_looks_say_what_full_looks_say() {
    let (signatures, geo) = (Signatures::embedded().unwrap(), Geo::embedded());
    let analysis = |choice| {
        let canary = canary::run(&signatures, &geo);
        Analysis { choice, ..Analysis::of(&signatures, &geo, canary) }
    };
    let all = captures();
    let (mut looks, mut exact, mut fresh) = (0, 0, [0; 3]);
    for path in all {
        let open = || Sources::open(std::slice::from_ref(&path), false).unwrap();
        // Every device, and then without the busiest.
        let whole = Engine::new(Settings::default(), &geo, None).read(&mut open(), &mut |_| {});
        let first = analysis(Choice::default()).snapshot(&whole, &[]);
        of_its_destination(&first);
        let times = whole.frames.times.unwrap_or_default();
        let stride = (times[1].since(times[0]) / 20).max(1);
        let busiest = first.devices.first().and_then(|device| device.mac);
        let exclude = busiest.map(phonehome::attribution::ledger::DeviceKey::Mac);
        let choices = [
            Choice::default(),
            Choice { exclude: exclude.into_iter().collect(), ..Choice::default() },
        ];
        for choice in choices {
            let analysis = analysis(choice);
            let touched: Mutex<Touched> = Mutex::default();
            let mut hears = Hears(&touched);
            let records: &mut Records<'_> = &mut hears;
            let mut engine = Engine::new(Settings::default(), &geo, Some(records));
            let (mut sources, mut job) = (open(), Job::default());
            let mut light = Light::default();
            let mut beside: Option<Snapshot> = None;
            // A full look every so often; in between the light ones go on from it.
            let mut step = 0;
            while let Some(next) = sources.next_time() {
                engine.advance(&mut sources, Timestamp(next.0 + stride), &mut job);
                let outcome = engine.peek(None);
                let full = analysis.snapshot(&outcome, &[]);
                if let Some(snapshot) = &beside {
                    let numbers = light.look(&engine, &analysis, &[], &mut touched.lock().unwrap());
                    let expected = told(&full, &Numbers::of(&full));
                    let found = told(snapshot, &numbers);
                    let name = path.display();
                    assert!(!light.is_short());
                    // That a hardware address fronts many network addresses is found out by full
                    // looks; until then they count as one device.
                    let routed = expected
                        .devices
                        .keys()
                        .any(|id| id.starts_with("ip:") && !found.devices.contains_key(id));
                    // Whoever is left out by hardware address is so until then, too.
                    if !routed || analysis.choice.exclude.is_empty() {
                        assert_eq!(found.sums(), expected.sums(), "{name}, look {step}");
                    }
                    if !routed {
                        let differences = found.differences(&expected);
                        assert!(differences.is_empty(), "{name}, look {step}: {differences:#?}");
                        exact += 1;
                    }
                    looks += 1;
                    let new = &numbers.fresh;
                    assert!(new.destinations.iter().all(|to| to.claims.is_empty()));
                    assert!(new.devices.iter().all(|device| device.maker.is_none()));
                    fresh[0] += new.devices.len();
                    fresh[1] += new.destinations.len();
                    fresh[2] += new.contacts.len();
                    assert_eq!(new.more, 0);
                }
                if step % 7 == 0 {
                    let spots = analysis.spots(&outcome, &full);
                    let found = (&full, spots, engine.now());
                    light.adopt(&engine, &analysis, found, &mut touched.lock().unwrap());
                    beside = Some(full);
                }
                step += 1;
            }
        }
    }
    assert!(looks > 80 && exact * 5 > looks * 4, "{exact} of {looks}");
    assert!(fresh.iter().all(|&count| count > 0), "{fresh:?}");
}

/// A question of one device to an address of one network.
fn hello(number: u64, address: u8) -> (u64, Vec<u8>) {
    let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x07example\x03com\x00\x00\x01\x00\x01";
    let mut data = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0, 0x45, 0];
    data.extend((28 + query.len() as u16).to_be_bytes());
    data.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 9, 198, 51, 100, address]);
    data.extend(40_000u16.to_be_bytes());
    data.extend(9_999u16.to_be_bytes());
    data.extend((8 + query.len() as u16).to_be_bytes());
    data.extend([0, 0]);
    data.extend(query);
    (number, data)
}

fn give(engine: &mut Engine<'_>, (number, data): (u64, Vec<u8>)) {
    let mut chunk = Chunk::default();
    chunk.push(&phonehome::source::Frame {
        number,
        time: Timestamp(1_700_000_000_000_000_000 + number as i64),
        wire_length: data.len() as u32,
        link: 1,
        data: &data,
    });
    let mut job = Job::default();
    job.replace(chunk);
    engine.job(&mut job);
}

/// What was looked up is not said of what only shares its domain.
#[test]
fn a_new_address_under_a_known_domain_is_not_said_to_be_its_owners() {
    let (signatures, geo) = (Signatures::embedded().unwrap(), Geo::embedded());
    let analysis = Analysis::of(&signatures, &geo, canary::run(&signatures, &geo));
    let touched: Mutex<Touched> = Mutex::default();
    let mut hears = Hears(&touched);
    let records: &mut Records<'_> = &mut hears;
    let mut engine = Engine::new(Settings::default(), &geo, Some(records));
    give(&mut engine, hello(1, 1));
    let outcome = engine.peek(None);
    let snapshot = analysis.snapshot(&outcome, &[]);
    let mut light = Light::default();
    let spots = analysis.spots(&outcome, &snapshot);
    let adopted = (&snapshot, spots, engine.now());
    light.adopt(&engine, &analysis, adopted, &mut touched.lock().unwrap());
    // Another address of the same network: without a name both are one destination.
    give(&mut engine, hello(2, 2));
    give(&mut engine, hello(3, 1));
    let numbers = light.look(&engine, &analysis, &[], &mut touched.lock().unwrap());
    assert_eq!(snapshot.destinations.len(), 1);
    assert_eq!(numbers.destinations[0].packets, [2, 0]);
    assert_eq!(numbers.fresh.destinations.len(), 1);
    let new = &numbers.fresh.destinations[0];
    assert_eq!(new.id, snapshot.destinations[0].id);
    assert_eq!(new.remotes[0].address.to_string(), "198.51.100.2");
    assert_eq!(numbers.destinations[1].packets, [1, 0]);
    assert_eq!(numbers.contacts[1].flows, 1);
    assert!(numbers.now > numbers.looked);
}

/// What the ledger has no room for is in no contact of the next full look either, so that no light one shows
/// it as somebody who is not looked up yet.
#[test]
fn nobody_is_new_where_the_ledger_is_full() {
    let (signatures, geo) = (Signatures::embedded().unwrap(), Geo::embedded());
    let analysis = Analysis::of(&signatures, &geo, canary::run(&signatures, &geo));
    // Room for eight rows.
    let settings = Settings { flows_max: 128, ..Settings::default() };
    for (before, new) in [(7, 1), (8, 0)] {
        let touched: Mutex<Touched> = Mutex::default();
        let mut hears = Hears(&touched);
        let records: &mut Records<'_> = &mut hears;
        let mut engine = Engine::new(settings, &geo, Some(records));
        (1..=before).for_each(|at| give(&mut engine, hello(at, at as u8)));
        let outcome = engine.peek(None);
        let snapshot = analysis.snapshot(&outcome, &[]);
        assert_eq!(snapshot.contacts[0].flows, before);
        let mut light = Light::default();
        let spots = analysis.spots(&outcome, &snapshot);
        let adopted = (&snapshot, spots, engine.now());
        light.adopt(&engine, &analysis, adopted, &mut touched.lock().unwrap());
        // One that is known, and one more.
        give(&mut engine, hello(before + 1, 1));
        give(&mut engine, hello(before + 2, 200));
        let numbers = light.look(&engine, &analysis, &[], &mut touched.lock().unwrap());
        let Fresh { devices, destinations, contacts, more } = &*numbers.fresh;
        assert_eq!([destinations.len(), contacts.len()], [new, new]);
        assert_eq!((devices.len(), *more), (0, 0));
        assert_eq!(numbers.contacts[0].traffic.packets, [before + 1, 0]);
        let in_contacts: u64 = numbers.contacts.iter().map(|one| one.traffic.packets[0]).sum();
        assert_eq!(in_contacts, before + 1 + new as u64);
        let coverage = numbers.coverage.as_deref().unwrap();
        assert_eq!(coverage.frames.total, before + 2, "every frame is counted all the same");
    }
}
