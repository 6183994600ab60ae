//! A snapshot made by hand, with one destination for each kind of doubt.

use crate::attribution::geo::{About, Asn, Country, CountryCode};
use crate::attribution::ledger::NameSource;
use crate::attribution::on_link::Holds;
use crate::attribution::record::{FlowRecord, LabelRecord, UnknownRecord};
use crate::attribution::signature::{Confidence, Kind, Operator, Ownership};
use crate::attribution::world::{
    Choice, Claim, ClaimFact, Contact, Destination, Device, Excluded, Host, IdentitySeen, Level,
    Maker, NameSeen, Party, Remote, Service, Signs, Traffic, WireText, World, Zone,
};
use crate::attribution::{Ledger, Signatures};
use crate::base::address::Mac;
use crate::base::time::{SECOND, Timestamp};
use crate::finding::{
    Alternative, Bearing, Counted, Fact, Finding, Reference, Review, Severity, SubjectOf,
};
use crate::sink::tui::feed::{Options, State, Status, Update};
use crate::snapshot::{
    CanaryShown, Coverage, DatabaseShown, Distributions, Drops, Duplicates, FramesShown, Gate,
    Input, LossesShown, Numbers, SCHEMA, SignaturesShown, Snapshot, Summary, Tool,
};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

pub const MOMENT: Timestamp = Timestamp(1_709_210_096_000_000_000);

/// Gives every text of the snapshot; by default the text itself.
pub type Spell<'a> = &'a dyn Fn(&str) -> String;

pub fn options() -> Options {
    Options {
        paths: vec![PathBuf::from("camera.pcap")],
        here: Some("NL".to_owned()),
        colour: false,
        light: false,
        ascii: false,
        folder: PathBuf::from("."),
    }
}

fn traffic(sent: u64, received: u64) -> Traffic {
    Traffic {
        packets: [sent / 1000 + 1, received / 1000 + 1],
        wire_bytes: [sent + 54, received + 54],
        delivered_bytes: [sent, received],
    }
}

fn device(spell: Spell<'_>, last: u8, name: Option<&str>, amounts: [u64; 2]) -> Device {
    let mut ledger = Ledger::default();
    ledger.holds(&Holds::own(
        Mac([0, 0, 0x5e, 0, 0x53, last]),
        [192, 168, 77, last].into(),
        MOMENT,
    ));
    let geo = crate::attribution::geo::Geo::default();
    let world = World::build(&ledger, &geo, &Signatures::default(), &Choice::default());
    let mut device = world.devices.into_iter().next().expect("one device");
    device.internet = traffic(amounts[0], amounts[1]);
    device.visibility.group_only = false;
    device.visibility.both_directions = true;
    device.visibility.flows = 7;
    device.visibility.last = Some(MOMENT);
    if let Some(name) = name {
        device.identities.push(IdentitySeen {
            kind: "host_name",
            fact: "dhcp.host_name",
            value: wire(spell, name),
            frame: 14,
        });
        let name = spell("Exempla Vision");
        let maker = Maker { name, by: "dhcp", confidence: "medium", ..Maker::default() };
        device.maker = Some(Box::new(maker));
    }
    device
}

fn wire(spell: Spell<'_>, text: &str) -> WireText {
    WireText { text: spell(text), raw: None }
}

fn service() -> Service {
    Service {
        proto: "tcp".into(),
        port: Some(443),
        protocol: "tls",
        method: "payload",
        content: "encrypted",
        looks: Vec::new(),
        traffic: traffic(1, 1),
    }
}

fn claim(spell: Spell<'_>, name: &str, kind: Kind, office: Option<&str>) -> Claim {
    Claim {
        fact: Arc::new(ClaimFact {
            signature: spell(name),
            name: spell(name),
            kind,
            role: spell("relay"),
            pattern: spell("*.example"),
            host_operator: None,
            region: None,
            source: spell("register"),
            confidence: Confidence::Documented,
            checked: "2026-11-24".to_owned(),
            operator: office.map(|office| Operator {
                legal_name: spell(&format!("{name} Co., Ltd.")),
                head_office: Some(spell(office)),
                parents: vec![spell("Exempla Holding")],
                source: spell("annual report"),
                confidence: Confidence::Documented,
                checked: "2026-11-24".to_owned(),
            }),
            ownership: vec![Ownership {
                kind: "state-ownership".to_owned(),
                fact: spell("A fact about the company."),
                date: Some("2020".to_owned()),
                source: spell("gazette"),
                confidence: Confidence::Documented,
                checked: "2026-11-24".to_owned(),
            }],
            fictional: false,
        }),
        matched: Arc::new(wire(spell, "relay.exempla.example")),
        basis: "sni",
        frame: 3,
        level: Level::Attributed,
    }
}

/// A destination: databases that say these countries, the one that the round trip excludes.
fn destination(
    spell: Spell<'_>,
    id: &str,
    last: u8,
    countries: &[&str],
    excluded: Option<&str>,
    claims: Vec<Claim>,
) -> Destination {
    let code = |code: &str| CountryCode::new(code).unwrap();
    let name = WireText { text: spell(&format!("relay.{id}")), raw: None };
    Destination {
        id: spell(id).as_str().into(),
        zone: Zone::Internet,
        names: vec![NameSeen { name, source: "sni", frame: 7, several: true, dns_says: None }],
        remotes: vec![Remote {
            address: [203, 0, 113, last].into(),
            countries: countries
                .iter()
                .enumerate()
                .map(|(at, country)| Country {
                    country: code(country),
                    database: format!("database {}", at + 1).as_str().into(),
                })
                .collect(),
            networks: vec![Asn {
                number: 64_500 + u64::from(last),
                organisation: spell("Exempla Hosting B.V."),
                database: "database 1".into(),
            }],
            round_trip_ns: Some(12_000_000),
            excluded: excluded
                .iter()
                .map(|country| Excluded {
                    country: code(country),
                    least_km: 5_000,
                    farthest_km: 1_200,
                })
                .collect(),
            traffic: traffic(1_000 * u64::from(last), 500),
        }],
        claims,
        traffic: traffic(1_000 * u64::from(last), 500),
    }
}

fn contact(devices: &[Device], to: &[Destination], [from, at]: [usize; 2]) -> Contact {
    let destination = &to[at];
    let address: IpAddr = destination.remotes[0].address;
    Contact {
        device: devices[from].id.clone(),
        destination: destination.id.clone(),
        zone: destination.zone,
        party: Party::Third,
        services: [service()].into(),
        hosts: vec![Host {
            name: Some(destination.names[0].name.clone()),
            sources: [NameSource::Sni].into_iter().collect(),
            addresses: vec![address],
            claim: None,
            services: [service()].into(),
            traffic: destination.traffic,
        }],
        traffic: destination.traffic,
        missed_bytes: [0; 2],
        flows: 3,
        first: MOMENT,
        last: Timestamp(MOMENT.0 + 30 * SECOND),
        frames: [1, 20],
        rows: vec![],
        signs: Signs::default(),
        device_index: from,
        destination_index: at,
    }
}

fn finding(spell: Spell<'_>, severity: Severity, device: &Device, to: &Destination) -> Finding {
    Finding {
        id: "cred.cleartext",
        title: "A password or token was sent readable",
        rule_version: 1,
        key: format!("key-{}", severity.name()),
        severity,
        level: Level::Shown,
        subject: SubjectOf { device: device.id.clone(), destination: to.id.clone() },
        facts: vec![Fact { text: spell("http basic of user cam"), frames: vec![4, 5] }],
        may_say: spell("Credentials went readable between the camera and its relay."),
        does_not_show: Box::new(["whether the credentials are valid"]),
        alternatives: vec![Alternative {
            text: spell("a test account").into(),
            status: "not tested",
            by: "nobody".into(),
        }],
        refs: vec![Reference { input: 0, frame: 4, time: MOMENT, length: 60 }],
        traffic: vec![Counted {
            input: 0,
            frames: 12,
            wire_bytes: [800, 400],
            delivered_bytes: [181, 202],
            first: MOMENT,
            last: MOMENT,
            wireshark_filter: Some("ip.addr == 203.0.113.9 && !icmp && !icmpv6".to_owned()),
            no_filter_because: None,
        }],
        clauses: [Bearing {
            standard: "en303645".into(),
            clause: "5.5-6".into(),
            verdict: "refuted",
        }]
        .into(),
        party: Party::Third,
        phase: Some("idle"),
        review: Review::default(),
    }
}

pub fn snapshot(spell: Spell<'_>) -> Snapshot {
    let devices = vec![
        device(spell, 1, Some("kitchen-camera"), [60_000, 11_000]),
        device(spell, 2, None, [1_500, 3_300]),
    ];
    let law = |name: &str, kind: Kind| vec![claim(spell, name, kind, Some("CN"))];
    let destinations = vec![
        destination(
            spell,
            "exempla.example",
            57,
            &["JP", "JP"],
            None,
            law("Exempla", Kind::Vendor),
        ),
        destination(spell, "disputed.example", 9, &["BR", "UY"], None, vec![]),
        destination(spell, "cdn.example", 8, &["US", "US"], None, law("Exempla CDN", Kind::Cdn)),
        destination(spell, "far.example", 7, &["AU"], Some("AU"), vec![]),
        destination(
            spell,
            "nowhere.example",
            6,
            &[],
            None,
            vec![claim(spell, "Unestablished", Kind::Vendor, None)],
        ),
    ];
    let pairs = [[0, 0], [0, 1], [0, 2], [0, 3], [1, 4]];
    let contacts = pairs.map(|pair| contact(&devices, &destinations, pair)).to_vec();
    let severities = [Severity::High, Severity::Medium, Severity::Low, Severity::Info];
    let findings = severities
        .iter()
        .enumerate()
        .map(|(at, &severity)| finding(spell, severity, &devices[0], &destinations[at]))
        .collect();
    let summary = || Summary {
        count: 100,
        min: 54,
        p50: 100,
        p90: 600,
        p99: 1500,
        max: 1514,
        doubling: vec![[63, 20], [127, 60], [255, 0], [2047, 20]],
    };
    Snapshot {
        schema: SCHEMA,
        tool: Tool { name: "phonehome", version: "0.0.0" },
        inputs: vec![Input {
            path: spell("camera.pcap"),
            sha256: None,
            no_hash_because: Some("not asked for"),
            format: "pcap".to_owned(),
            frames: 453,
            bytes: 113_000,
            first: Some(MOMENT),
            last: Some(Timestamp(MOMENT.0 + 30 * SECOND)),
            interfaces: vec![],
            damage: None,
        }],
        coverage: coverage(spell),
        contacts,
        destinations,
        findings,
        devices,
        names: vec![],
        annex: Default::default(),
        left_out: vec![],
        distributions: Distributions {
            frame_bytes: summary(),
            gap_microseconds: summary(),
            round_trip_microseconds: Summary { count: 0, ..summary() },
        },
        losses: LossesShown {
            gaps_given_up: 0,
            flows_unread: 0,
            flows_evicted: 0,
            datagrams_evicted: 0,
            datagrams_contradictory: 0,
            file_names: 0,
            dissector_faults: 0,
            ledger: Ledger::default().losses(),
        },
        gate: Gate { fail_on: None, result: None },
        marks: Default::default(),
        interruptions: Default::default(),
        timeline: None,
        phases: Default::default(),
    }
}

/// One flow for each way in which a cell of the list can look: named and not, known by its payload,
/// by its port alone and not at all, with one, two and no countries, of four transports.
fn flows(spell: Spell<'_>, snapshot: &Snapshot) -> Vec<FlowRecord> {
    let camera = &snapshot.devices[0];
    let flow = |at: usize, protocol: &'static str, method: &'static str| {
        let to = &snapshot.destinations[at];
        let remote = &to.remotes[0];
        let number = at as u64;
        FlowRecord {
            proto: "tcp".into(),
            protocol: 6,
            zones: [Zone::Private, Zone::Internet],
            ended_by: "end of input",
            ended_at_frame: 20 + number,
            src: [192, 168, 77, 1].into(),
            src_port: Some(40_000 + at as u16),
            dst: remote.address,
            dst_port: Some(443),
            icmp_type: None,
            icmp_code: None,
            initiator_known: true,
            packets: [12, 9],
            wire_bytes: [9_000 - number, 700],
            ip_bytes: [8_800, 650],
            payload_bytes: [8_000, 500],
            delivered_bytes: [8_000 >> at, 500],
            missed_bytes: [0; 2],
            conflicts: [0; 2],
            duplicates: [0; 2],
            first: MOMENT,
            last: Timestamp(MOMENT.0 + (30 - at as i64) * SECOND),
            frames: [3 + number, 400 - number],
            state: Some("SF"),
            history: None,
            rtt_ns: Some(12_345_678),
            vlan: vec![],
            tunnel: vec![],
            label: LabelRecord {
                protocol,
                method,
                frame: None,
                content: "encrypted",
                rule: None,
                also: vec![],
            },
            unknown: None,
            community_id: String::new(),
            names: to.names.clone(),
            sni: None,
            sni_outer: false,
            alpn: None,
            ja3: None,
            ja4: None,
            dns_over: None,
            http_hosts: vec![],
            device: camera.id.to_string(),
            destination: Some(to.id.to_string()),
            countries: remote.countries.clone(),
            asn: remote.networks.clone(),
        }
    };
    let group = "ff02::fb".parse().expect("an address");
    let source = "fe80::200:5eff:fe00:5301".parse().expect("an address");
    let unnamed = |at| FlowRecord { names: vec![], ..flow(at, "unknown", "none") };
    vec![
        FlowRecord { sni: Some(spell("asked.exempla.example")), ..flow(0, "tls", "payload") },
        FlowRecord { state: Some("RSTO"), rtt_ns: None, ..flow(1, "rtsp", "payload") },
        FlowRecord {
            proto: "udp".into(),
            protocol: 17,
            dst_port: Some(123),
            state: None,
            rtt_ns: None,
            ..flow(2, "ntp", "port")
        },
        FlowRecord { unknown: Some(UnknownRecord::made_up("encrypted")), ..unnamed(3) },
        FlowRecord {
            proto: "icmp".into(),
            protocol: 1,
            src_port: None,
            dst_port: None,
            icmp_type: Some(8),
            icmp_code: Some(0),
            state: None,
            rtt_ns: None,
            ..unnamed(4)
        },
        FlowRecord {
            proto: "udp".into(),
            protocol: 17,
            src: source,
            src_port: Some(5353),
            dst: group,
            dst_port: Some(5353),
            delivered_bytes: [220, 0],
            names: vec![],
            destination: None,
            countries: vec![],
            asn: vec![],
            state: None,
            rtt_ns: None,
            device: snapshot.devices[1].id.to_string(),
            ..flow(0, "mdns", "payload")
        },
    ]
}

fn coverage(spell: Spell<'_>) -> Coverage {
    Coverage {
        frames: FramesShown {
            total: 453,
            explained: 452,
            explained_by: BTreeMap::from([("flow".to_owned(), 452)]),
            refused: BTreeMap::from([("ethertype_unknown".to_owned(), 1)]),
        },
        wire_bytes: 113_000,
        drops: Drops { declared: Some(5) },
        truncated: 0,
        duplicates: Duplicates::default(),
        conflicting_segments: 0,
        checksum_bad: BTreeMap::new(),
        stopped: BTreeMap::new(),
        decryption_secrets: 0,
        signatures: SignaturesShown {
            count: 70,
            version: "0.0.0",
            sha256: "0".repeat(64),
            checked: None,
            packs: vec![],
            disabled: vec![],
        },
        databases: vec![DatabaseShown {
            about: About {
                name: spell("a database"),
                build: Timestamp(MOMENT.0 - 91 * 86_400 * SECOND),
                sha256: "0".repeat(64),
            },
            days_older_than_capture: Some(91),
        }],
        oui: "a registry",
        canary: CanaryShown { passed: true, says: "the planted name was found", missing: vec![] },
        complete: false,
        incomplete_because: vec![spell("the capture says that 5 packets were lost")],
    }
}

pub fn update(spell: Spell<'_>) -> Update {
    let status = Status {
        state: State::Replaying { speed: 4.0, progress: 0.43 },
        inputs: vec![spell("camera.pcap")],
        recording: Some(spell("kitchen")),
        now: Timestamp(MOMENT.0 + 30 * SECOND),
        packets: 453,
        bytes: 113_000,
        drops: [4, 1, 0],
        lag_bytes: 1_234,
        disk_free: Some(12_000_000_000),
        phase: Some("idle".to_owned()),
        marks: vec![(MOMENT, spell("phase idle")), (MOMENT, spell("motion before the lens"))],
        gaps: vec![(Timestamp(MOMENT.0 + 5 * SECOND), None, spell("the link was down"))],
        protections: vec![(spell("no new files"), true), (spell("no network"), false)],
        warnings: vec![spell("the disk is nearly full")],
        ask: None,
    };
    let snapshot = snapshot(spell);
    let flows = flows(spell, &snapshot);
    let numbers = Numbers::of(&snapshot);
    Update {
        snapshot: Arc::new(snapshot),
        numbers: Arc::new(numbers),
        flows: Arc::new(flows),
        status: Arc::new(status),
    }
}
