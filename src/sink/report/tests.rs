use super::{Options, TimeZone, page, page_with};
use crate::attribution::geo::Geo;
use crate::attribution::ledger::NameSource;
use crate::attribution::on_link::Holds;
use crate::attribution::signature::{Confidence, Kind, Operator, Ownership};
use crate::attribution::world::{
    Choice, Claim, ClaimFact, Contact, Destination, Device, Host, IdentitySeen, Level, Maker,
    NameSeen, Party, Remote, Service, Signs, Traffic, WireText, World, Zone,
};
use crate::attribution::{Ledger, Signatures, geo};
use crate::base::address::Mac;
use crate::base::text::safe;
use crate::base::time::Timestamp;
use crate::finding::{
    Alternative, Bearing, Counted, Fact, Finding, Reference, Review, Severity, SubjectOf,
};
use crate::snapshot::{
    CanaryShown, Coverage, DatabaseShown, Distributions, Drops, Duplicates, FramesShown, Gate,
    Input, LossesShown, MarkShown, PhaseShown, SCHEMA, SignaturesShown, Snapshot, Summary,
    TimelineShown, Tool,
};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

/// Breaks out of text, of attributes, of comments, and reorders.
const HOSTILE: &str = "</bdi></td><script>alert(1)</script><img src=http://evil.example/x onerror=\"a('b')\">\u{202e}-->";

const MOMENT: Timestamp = Timestamp(1_709_210_096_000_000_000);

fn hostile() -> String {
    safe(HOSTILE.as_bytes())
}

fn wire() -> WireText {
    WireText::from(HOSTILE.as_bytes())
}

fn traffic(sent: u64, received: u64) -> Traffic {
    Traffic {
        packets: [1, 1],
        wire_bytes: [sent + 54, received + 54],
        delivered_bytes: [sent, received],
    }
}

/// A device as the world makes it: it answered an ARP question.
fn device(last: u8) -> Device {
    let mut ledger = Ledger::default();
    ledger.holds(&Holds::own(
        Mac([0, 0, 0x5e, 0, 0x53, last]),
        [192, 168, 77, last].into(),
        MOMENT,
    ));
    let world = World::build(&ledger, &Geo::default(), &Signatures::default(), &Choice::default());
    world.devices.into_iter().next().expect("one device")
}

fn service() -> Service {
    Service {
        proto: "tcp".into(),
        port: Some(443),
        protocol: "tls",
        method: "port",
        content: "unknown",
        looks: Vec::new(),
        traffic: traffic(56_964, 6_470),
    }
}

fn contact(device: &Device, destination: &str, zone: Zone, indices: [usize; 2]) -> Contact {
    Contact {
        device: device.id.clone(),
        destination: destination.into(),
        zone,
        party: Party::Third,
        services: [service()].into(),
        hosts: vec![Host {
            name: Some(wire()),
            sources: [NameSource::Sni].into_iter().collect(),
            addresses: vec![[203, 0, 113, 9].into()],
            claim: Some(0),
            services: [service()].into(),
            traffic: traffic(56_964, 6_470),
        }],
        traffic: traffic(56_964, 6_470),
        missed_bytes: [7, 0],
        flows: 1,
        first: MOMENT,
        last: MOMENT,
        frames: [1, 2],
        rows: vec![],
        signs: Signs::default(),
        device_index: indices[0],
        destination_index: indices[1],
    }
}

fn country(country: &str, database: &str) -> geo::Country {
    geo::Country { country: geo::CountryCode::new(country).unwrap(), database: database.into() }
}

fn claim() -> Claim {
    let text = hostile();
    Claim {
        fact: Arc::new(ClaimFact {
            signature: "x".to_owned(),
            name: text.clone(),
            kind: Kind::Vendor,
            role: text.clone(),
            pattern: text.clone(),
            host_operator: Some(text.clone()),
            region: Some(text.clone()),
            source: text.clone(),
            confidence: Confidence::Documented,
            checked: "2026-11-24".to_owned(),
            operator: Some(Operator {
                legal_name: text.clone(),
                head_office: None,
                parents: vec![text.clone()],
                source: text.clone(),
                confidence: Confidence::Documented,
                checked: "2026-11-24".to_owned(),
            }),
            ownership: vec![Ownership {
                kind: text.clone(),
                fact: text.clone(),
                date: Some("2020".to_owned()),
                source: text,
                confidence: Confidence::Documented,
                checked: "2026-11-24".to_owned(),
            }],
            fictional: true,
        }),
        matched: Arc::new(wire()),
        basis: "dns-other",
        frame: 3,
        level: Level::Inferred,
    }
}

fn destination(id: &str) -> Destination {
    Destination {
        id: id.into(),
        zone: Zone::Internet,
        names: vec![NameSeen {
            name: wire(),
            source: "sni",
            frame: 3,
            several: true,
            dns_says: Some((wire(), 2)),
        }],
        remotes: vec![Remote {
            address: [203, 0, 113, 9].into(),
            countries: vec![country("NL", &hostile()), country("US", "another")],
            networks: vec![geo::Asn {
                number: 1,
                organisation: hostile(),
                database: hostile().into(),
            }],
            round_trip_ns: None,
            excluded: vec![],
            traffic: traffic(56_964, 6_470),
        }],
        claims: vec![claim()],
        traffic: traffic(56_964, 6_470),
    }
}

fn finding(device: &Device) -> Finding {
    let text = hostile();
    Finding {
        id: "cloud.vendor",
        title: "A title",
        rule_version: 1,
        key: "0123456789abcdef".to_owned(),
        severity: Severity::High,
        level: Level::Inferred,
        subject: SubjectOf { device: device.id.clone(), destination: text.as_str().into() },
        facts: vec![Fact::new(text.clone(), 3)],
        may_say: text.clone(),
        does_not_show: Box::new(["who reads it"]),
        alternatives: vec![Alternative {
            text: text.clone().into(),
            status: "not tested",
            by: text.into(),
        }],
        refs: vec![Reference { input: 0, frame: 1234, time: MOMENT, length: 74 }],
        traffic: vec![Counted {
            input: 0,
            frames: 2,
            wire_bytes: [1, 2],
            delivered_bytes: [1, 2],
            first: MOMENT,
            last: MOMENT,
            wireshark_filter: Some("ip.addr == 203.0.113.9 && !icmp".to_owned()),
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

fn coverage() -> Coverage {
    Coverage {
        frames: FramesShown {
            total: 3,
            explained: 2,
            explained_by: BTreeMap::from([("flow".to_owned(), 2)]),
            refused: BTreeMap::from([("ethertype_unknown".to_owned(), 1)]),
        },
        wire_bytes: 300,
        drops: Drops { declared: Some(5) },
        truncated: 0,
        duplicates: Duplicates { frames: 2, wire_bytes: 120 },
        conflicting_segments: 1,
        checksum_bad: BTreeMap::new(),
        stopped: BTreeMap::new(),
        decryption_secrets: 0,
        signatures: SignaturesShown {
            count: 1,
            version: "0",
            sha256: "00".repeat(32),
            checked: None,
            packs: vec![],
            disabled: vec![],
        },
        databases: vec![DatabaseShown {
            about: geo::About { name: hostile(), build: MOMENT, sha256: "00".repeat(32) },
            days_older_than_capture: Some(91),
        }],
        oui: "registry",
        canary: CanaryShown { passed: false, says: "it works", missing: vec!["the name"] },
        complete: false,
        incomplete_because: vec!["5 packets were lost".to_owned()],
    }
}

/// A snapshot in which everything that others can choose is hostile.
fn snapshot() -> Snapshot {
    let mut one = device(1);
    one.label = Some(hostile());
    one.identities =
        vec![IdentitySeen { kind: "host_name", fact: "dhcp.host_name", value: wire(), frame: 1 }];
    one.maker = Some(Box::new(Maker { name: hostile(), by: "dhcp", ..Maker::default() }));
    one.oui = Some(hostile());
    one.internet = traffic(56_964, 6_470);
    let two = device(2);
    let (first, second) = (hostile(), two.id.clone());
    let summary =
        || Summary { count: 0, min: 0, p50: 0, p90: 0, p99: 0, max: 0, doubling: Vec::new() };
    let mut neighbour = destination(&second);
    neighbour.zone = Zone::Private;
    Snapshot {
        schema: SCHEMA,
        tool: Tool::default(),
        inputs: vec![Input {
            path: hostile(),
            sha256: None,
            no_hash_because: Some("not asked for"),
            format: "pcap".to_owned(),
            frames: 3,
            bytes: 300,
            first: Some(MOMENT),
            last: Some(MOMENT),
            interfaces: vec![hostile()],
            damage: None,
        }],
        coverage: coverage(),
        contacts: vec![
            contact(&one, &first, Zone::Internet, [0, 0]),
            contact(&one, &second, Zone::Private, [0, 1]),
        ],
        destinations: vec![destination(&first), neighbour],
        findings: vec![finding(&one)],
        devices: vec![one, two],
        names: vec![],
        phases: Vec::new(),
        marks: Vec::new(),
        interruptions: Vec::new(),
        timeline: None,
        annex: Default::default(),
        left_out: vec![],
        distributions: Distributions {
            frame_bytes: summary(),
            gap_microseconds: summary(),
            round_trip_microseconds: summary(),
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
    }
}

/// Every start tag with its attributes, as an HTML tokenizer sees them.
fn tags(page: &str) -> Vec<&str> {
    let mut tags = Vec::new();
    let mut rest = page;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        let mut quoted = false;
        let end = rest
            .find(|character| {
                quoted ^= character == '"';
                character == '>' && !quoted
            })
            .expect("a tag ends");
        tags.push(&rest[..end]);
        rest = &rest[end..];
    }
    tags
}

#[test]
fn hostile_names_stay_text() {
    let page = page(&snapshot());
    assert!(page.contains("&lt;script&gt;alert(1)"), "the name is shown");
    assert!(!page.contains('\u{202e}'));
    const KNOWN: &[&str] = &[
        "!DOCTYPE",
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "header",
        "h1",
        "h2",
        "h3",
        "h4",
        "dl",
        "dt",
        "dd",
        "div",
        "p",
        "strong",
        "ul",
        "li",
        "nav",
        "a",
        "main",
        "section",
        "table",
        "caption",
        "thead",
        "tbody",
        "tfoot",
        "tr",
        "th",
        "td",
        "small",
        "code",
        "pre",
        "br",
        "time",
        "span",
        "bdi",
        "i",
        "article",
        "footer",
        "aside",
        "ol",
        "figure",
        "figcaption",
        "details",
        "summary",
        "svg",
        "desc",
        "defs",
        "pattern",
        "g",
        "path",
        "rect",
        "text",
        "circle",
    ];
    for tag in tags(&page) {
        let name = tag.trim_start_matches('/').split([' ', '>']).next().unwrap();
        assert!(KNOWN.contains(&name), "{tag}");
        let unquoted: String = tag.split('"').step_by(2).collect();
        assert!(!unquoted.contains(" on"), "{tag}");
    }
}

#[test]
fn nothing_is_loaded() {
    let page = page(&snapshot());
    assert!(page.contains("default-src 'none'"));
    for tag in tags(&page) {
        let name = tag.split(' ').next().unwrap();
        assert!(!["script", "img", "link", "iframe", "object", "base", "form"].contains(&name));
        assert!(!tag.contains(" src="), "{tag}");
        if let Some((_, target)) = tag.split_once(" href=\"") {
            // The one link that a licence asks for.
            if target.starts_with("https://db-ip.com\" ") {
                continue;
            }
            assert!(target.starts_with('#'), "{tag}");
            let id = target[1..].split('"').next().unwrap();
            assert!(page.contains(&format!(" id=\"{id}\"")), "nothing is called {id}");
        }
    }
    let css = include_str!("../report.css");
    assert!(
        css.split("url(").skip(1).all(|target| target.starts_with('#')),
        "patterns of the page"
    );
    assert!(!include_str!("../report.css").contains("@import"));
}

#[test]
fn elements_are_closed_and_headings_in_order() {
    let page = page(&snapshot());
    let mut open: Vec<&str> = Vec::new();
    let mut level = 0;
    for tag in tags(&page) {
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        if ["!DOCTYPE", "meta", "br"].contains(&name) {
            continue;
        }
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name));
            continue;
        }
        open.push(name);
        if let Some(depth) = name.strip_prefix('h').and_then(|digit| digit.parse::<u32>().ok()) {
            assert!(depth <= level + 1, "h{depth} under h{level}");
            level = depth;
        }
        assert!(name != "th" || tag.contains("scope="), "{tag}");
    }
    assert_eq!(open, [""; 0]);
}

#[test]
fn says_what_limits_it() {
    let page = page(&snapshot());
    for part in [
        "Partial result",
        "5 packets were lost",
        "(nobody has reviewed these yet)",
        "no person has checked them",
        "not reviewed",
        "In short",
        "Three sentences",
        "How this could be wrong",
        "Databases disagree",
        "(made up)",
        "by port alone perhaps tls",
        "57 kB (56\u{202f}964 bytes)",
        "1 × ethertype unknown",
        "FAILED",
        "91 days older",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(!page.contains("IP Geolocation by DB-IP"), "its data was not used");
}

#[test]
fn both_ends_of_a_local_contact_tell_of_it() {
    let page = page(&snapshot());
    let (_, second) = page.split_once("id=\"device-1\"").expect("a second device");
    assert!(second.contains("the other"));
    let table = second.split("</table>").next().unwrap();
    assert!(table.find("6.5 kB").unwrap() < table.find("57 kB").unwrap(), "turned round");
}

#[test]
fn long_tables_are_cut_and_summed() {
    let mut snapshot = snapshot();
    let contact = snapshot.contacts[0].clone();
    snapshot.contacts = vec![contact; 203];
    snapshot.contacts.iter_mut().for_each(|contact| contact.traffic = traffic(1000, 1));
    let page = page(&snapshot);
    assert!(page.contains("103 more; all in --json"));
    assert!(page.contains("<span title=\"103\u{202f}000 bytes\">103 kB</span>"));
}

/// Slots and phases as hostile as the rest.
fn with_pictures() -> Snapshot {
    let mut snapshot = snapshot();
    snapshot.timeline = Some(TimelineShown {
        start: MOMENT,
        slot: 100_000_000,
        all: vec![[5, 0], [0, 0], [56_964, 6_470]],
        devices: BTreeMap::from([(0, vec![[5, 0]]), (1, vec![[0, 7]])]),
        untold: [1, 1],
        ..TimelineShown::default()
    });
    snapshot.phases = vec![PhaseShown {
        phase: Some("idle"),
        began: MOMENT,
        first_frame: 1,
        frames: 3,
        wire_bytes: 300,
        devices: Vec::new(),
    }];
    snapshot.marks = vec![MarkShown { time: MOMENT, text: hostile(), before_frame: 2 }];
    snapshot
}

#[test]
fn pictures_hold_no_markup_from_the_wire_and_have_a_text_alternative() {
    let options = Options {
        map: true,
        here: Some("NL".to_owned()),
        notes: vec![hostile()],
        zone: Some(TimeZone::named("Asia/Kolkata").unwrap()),
    };
    let page = page_with(&with_pictures(), &options);
    let mut pictures = 0;
    for tag in tags(&page) {
        let name = tag.split(' ').next().unwrap();
        assert!(!["script", "img", "a href=http", "foreignObject", "image", "use"].contains(&name));
        if name == "svg" && !tag.contains("aria-hidden") {
            pictures += 1;
            let label = tag.split("aria-labelledby=\"").nth(1).expect("a label");
            for id in label.split('"').next().unwrap().split(' ') {
                assert!(page.contains(&format!(" id=\"{id}\"")), "{id}");
            }
        }
    }
    assert_eq!(pictures, 5, "who gets what, when, how readable, protocols, map");
    assert!(page.contains("+05:30"), "local time stands beside UTC");
    assert!(page.contains("databases disagree"));
    let drawn = page.split("class=\"dot\"").count() - 1;
    assert_eq!(drawn, 0, "nothing is drawn where databases disagree");
}

#[test]
fn a_thousand_devices_and_their_contacts_stay_one_page() {
    let mut snapshot = snapshot();
    let (device, contact) = (snapshot.devices[0].clone(), snapshot.contacts[0].clone());
    let (to, found) = (snapshot.destinations[0].clone(), snapshot.findings[0].clone());
    snapshot.devices = vec![device; 1000];
    for (at, device) in snapshot.devices.iter_mut().enumerate() {
        device.id = format!("mac:{at:012x}").into();
    }
    snapshot.destinations = vec![to; 5000];
    for (at, to) in snapshot.destinations.iter_mut().enumerate() {
        to.id = format!("host-{at}.example").into();
    }
    snapshot.contacts = vec![contact; 100_000];
    for (at, contact) in snapshot.contacts.iter_mut().enumerate() {
        contact.device_index = at / 100;
        contact.device = snapshot.devices[at / 100].id.clone();
        contact.destination_index = at % 5000;
        contact.destination = snapshot.destinations[at % 5000].id.clone();
    }
    snapshot.findings = vec![found; 10_000];
    for (at, finding) in snapshot.findings.iter_mut().enumerate() {
        finding.subject.device = snapshot.devices[at % 1000].id.clone();
        finding.traffic[0].wireshark_filter = Some("ip.addr == 203.0.113.9 || ".repeat(2000));
        finding.refs = vec![finding.refs[0].clone(); 64];
    }
    let begun = std::time::Instant::now();
    let page = page_with(&snapshot, &Options { map: true, ..Options::default() });
    let took = begun.elapsed();
    assert!(page.len() < 10 << 20, "{} bytes", page.len());
    // Without optimisation and beside other tests; optimised it is a tenth of the two seconds.
    assert!(took.as_secs() < 20, "{took:?}");
    let _ = writeln!(std::io::stderr(), "{} bytes in {took:?}", page.len());
    // To see how a browser takes it.
    if let Some(path) = std::env::var_os("PHONEHOME_BIG_REPORT") {
        std::fs::write(path, &page).unwrap();
    }
    assert!(page.contains("more; all in --json"), "what is cut is said");
    assert!(page.contains("1\u{202f}000 devices"));
}
