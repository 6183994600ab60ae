//! Checks on how devices behave: what they tell of themselves, how they ask for time and names, what
//! they offer before encryption, what they do in an outage, and what was not seen in a week. Each is
//! found where it belongs, and not in a near miss.

mod common;

use common::conversation::{
    ACK, AWAY, Capture, DEVICE, ELSEWHERE, NEIGHBOUR, OK, ROUTER, SYN, get, has,
};
use common::walk::walk;
use phonehome::attribution::geo::Geo;
use phonehome::base::time::{SECOND, Timestamp};
use phonehome::finding::{Finding, Period};

const DAY: u32 = 86_400;

fn one<'f>(findings: &'f [Finding], id: &str) -> &'f Finding {
    findings.iter().find(|finding| finding.id == id).unwrap_or_else(|| panic!("{id} is not told"))
}

fn period(name: &'static str, second: u32, first_frame: u64) -> Period {
    let began = Timestamp((1_700_000_000 + i64::from(second)) * SECOND);
    Period { name: Some(name), began, first_frame }
}

fn in_phase(capture: &Capture, name: &str, periods: Vec<Period>) -> Vec<Finding> {
    capture.told(name, &Geo::default(), periods, None)
}

fn subject(finding: &Finding) -> [&str; 2] {
    [&finding.subject.device, &finding.subject.destination]
}

/// A local service that is asked and answers, or does not.
fn asked_locally(port: u16, ask: &[u8], answer: &[u8]) -> Capture {
    let mut capture = Capture::default();
    capture.talk((NEIGHBOUR, 5000), (DEVICE, port), ask, answer);
    capture
}

#[test]
fn a_service_is_told_of_the_device_that_offers_it() {
    let findings = asked_locally(8080, &get("/", ""), OK).findings("offers");
    let offered = one(&findings, "svc.listen-exposed");
    assert_eq!(subject(offered), ["ip:192.168.1.9", "ip:192.168.1.2"]);
    assert!(offered.may_say.starts_with("The device ip:192.168.1.9 answered ip:192.168.1.2"));
    assert!(offered.facts[0].text.contains("answered at 192.168.1.9 port 8080"), "{offered:?}");
    // The bytes are those that the offering device sent.
    assert_eq!(offered.traffic[0].delivered_bytes, [OK.len() as u64, get("/", "").len() as u64]);
    // Who asked is still who opened the session.
    assert_eq!(subject(one(&findings, "net.lateral")), ["ip:192.168.1.2", "ip:192.168.1.9"]);

    let mut capture = Capture::default();
    let (client, server) = ((NEIGHBOUR, 5000), (DEVICE, 21));
    capture.tcp(client, server, [100, 0], SYN, b"");
    capture.tcp(server, client, [500, 101], SYN | ACK, b"");
    capture.tcp(server, client, [501, 101], ACK, b"220 FTP ready\r\n");
    capture.tcp(client, server, [101, 516], ACK, b"USER admin\r\n");
    capture.tcp(server, client, [516, 113], ACK, b"331 Password please\r\n");
    capture.tcp(client, server, [113, 537], ACK, b"PASS admin\r\n");
    let findings = capture.findings("offers-ftp");
    for id in ["svc.legacy", "cred.default-used"] {
        assert_eq!(subject(one(&findings, id)), ["ip:192.168.1.9", "ip:192.168.1.2"], "{id}");
    }
}

/// The smart plugs of TP-Link cover what they say with the byte before it.
fn covered(text: &str) -> Vec<u8> {
    let mut key = 171;
    let cover = |byte: u8| {
        key ^= byte;
        key
    };
    text.bytes().map(cover).collect()
}

#[test]
fn what_a_device_tells_whoever_asks_is_told_and_a_mere_name_is_not() {
    let ask = covered("{\"system\":{\"get_sysinfo\":{}}}");
    for (more, leak, model) in [
        ("\"sw_ver\":\"1.2.6 Build 200727\",\"model\":\"HS100(EU)\"", true, true),
        ("\"alias\":\"kettle\"", false, false),
        ("\"model\":\"HS100(EU)\"", false, true),
        ("\"latitude\":52.5", true, false),
    ] {
        let answer = covered(&format!("{{\"system\":{{\"get_sysinfo\":{{{more}}}}}}}"));
        let mut capture = Capture::default();
        capture.udp((NEIGHBOUR, 5000), (DEVICE, 9999), &ask);
        capture.udp((DEVICE, 9999), (NEIGHBOUR, 5000), &answer);
        let findings = capture.findings(&format!("tells{}", more.len()));
        assert_eq!(has(&findings, "svc.info-leak"), leak, "{more}");
        assert_eq!(has(&findings, "id.device-identified"), model, "{more}");
        let told = findings.iter().filter(|f| f.id.ends_with("leak") || f.id.starts_with("id."));
        for finding in told {
            assert_eq!(subject(finding), ["ip:192.168.1.9", "ip:192.168.1.2"]);
            // A place is a person's.
            assert!(!finding.facts.iter().any(|fact| fact.text.contains("52.5")), "{finding:?}");
        }
    }
}

/// An announcement on the local network with one property (RFC 6763 §6).
fn announcement(property: &str) -> Vec<u8> {
    let mut message = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    for label in ["cam", "_rtsp", "_tcp", "local"] {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 16, 0x80, 1, 0, 0, 0x11, 0x94, 0, property.len() as u8 + 1]);
    message.push(property.len() as u8);
    message.extend(property.as_bytes());
    message
}

#[test]
fn what_a_device_calls_to_everybody_is_told() {
    for (property, leak, model) in
        [("fv=5.7.1", true, false), ("md=Cam 3", false, true), ("pv=1.1", false, false)]
    {
        let mut capture = Capture::default();
        capture.udp((DEVICE, 5353), ([224, 0, 0, 251], 5353), &announcement(property));
        let findings = capture.findings(&format!("calls{leak}{model}"));
        assert_eq!(has(&findings, "svc.info-leak"), leak, "{property}");
        assert_eq!(has(&findings, "id.device-identified"), model, "{property}");
    }
}

#[test]
fn digest_with_md5_is_told_and_with_a_better_hash_is_not() {
    for (more, told) in [
        ("", true),
        (", algorithm=MD5-sess", true),
        (", algorithm=SHA-256", false),
        (", algorithm=\"SHA-512-256\"", false),
    ] {
        let login = format!(
            "Authorization: Digest username=\"admin\", realm=\"cam\", nonce=\"1\"{more}\r\n"
        );
        let findings =
            asked_locally(80, &get("/", &login), OK).findings(&format!("md5{}", more.len()));
        assert_eq!(has(&findings, "auth.weak-scheme"), told, "{more}");
        if told {
            let weak = one(&findings, "auth.weak-scheme");
            assert_eq!(subject(weak), ["ip:192.168.1.9", "ip:192.168.1.2"]);
        }
    }
}

fn question(name: &str) -> Vec<u8> {
    let mut query = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(label.len() as u8);
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 1, 0, 1]);
    query
}

#[test]
fn names_asked_of_the_internet_are_told_and_those_asked_of_the_router_are_not() {
    for (server, told) in [(AWAY, true), (ROUTER, false)] {
        let mut capture = Capture::default();
        capture.udp((DEVICE, 5000), (server, 53), &question("cloud.example"));
        assert_eq!(has(&capture.findings(&format!("dns{told}")), "dns.cleartext"), told);
    }
}

#[test]
fn one_clock_without_proof_is_told_and_several_or_proven_ones_are_not() {
    let datagram = |first: u8, more: usize| {
        let mut bytes = vec![0; 48 + more];
        (bytes[0], bytes[1]) = (first, 2);
        bytes
    };
    for (name, servers, more, told) in [
        ("one", &[AWAY][..], 0, true),
        ("two", &[AWAY, ELSEWHERE], 0, false),
        ("proven", &[AWAY], 20, false),
        ("router", &[ROUTER], 0, false),
        ("router-too", &[AWAY, ROUTER], 0, false),
    ] {
        let mut capture = Capture::default();
        for (at, server) in servers.iter().enumerate() {
            let here = (DEVICE, 5000 + at as u16);
            capture.udp(here, (*server, 123), &datagram(0x23, more));
            capture.udp((*server, 123), here, &datagram(0x24, more));
        }
        let findings = capture.findings(&format!("clock-{name}"));
        assert_eq!(has(&findings, "ntp.unauth-foreign"), told, "{name}");
    }
    let mut capture = Capture::default();
    capture.udp((DEVICE, 5000), (AWAY, 123), &datagram(0x23, 0));
    assert!(!has(&capture.findings("clock-unanswered"), "ntp.unauth-foreign"));
}

/// A ClientHello of TLS 1.2 with these extensions.
fn hello(extensions: &[(u16, &[u8])]) -> Vec<u8> {
    let mut list = Vec::new();
    for (kind, content) in extensions {
        list.extend(kind.to_be_bytes());
        list.extend((content.len() as u16).to_be_bytes());
        list.extend(*content);
    }
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend((list.len() as u16).to_be_bytes());
    body.extend(list);
    let length = (body.len() as u32).to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    [&[22, 3, 1][..], &(message.len() as u16).to_be_bytes(), &message].concat()
}

#[test]
fn what_a_first_message_offers_or_leaves_out_is_told() {
    const NAME: (u16, &[u8]) = (0, b"\0\x10\0\0\x0dcloud.example");
    let ids = ["tls.no-sni", "tls.ech", "tls.pqc"];
    for (extensions, expected) in [
        (vec![NAME], [false, false, false]),
        (vec![], [true, false, false]),
        (vec![NAME, (0xfe0d, b"\0\0\x01\0\x01")], [false, true, false]),
        (vec![NAME, (51, b"\0\x05\x11\xec\0\x01\x09")], [false, false, true]),
        (vec![NAME, (51, b"\0\x05\0\x1d\0\x01\x09")], [false, false, false]),
    ] {
        let mut capture = Capture::default();
        let alert = [21, 3, 3, 0, 2, 2, 40];
        capture.talk((DEVICE, 40_000), (AWAY, 443), &hello(&extensions), &alert);
        let findings = capture.findings(&format!("hello{}", extensions.len()));
        assert_eq!(ids.map(|id| has(&findings, id)), expected, "{extensions:?}");
    }
    // What is no hello leaves nothing out.
    let mut capture = Capture::default();
    capture.talk((DEVICE, 40_000), (AWAY, 443), &get("/", ""), OK);
    assert!(!has(&capture.findings("no-hello"), "tls.no-sni"));
}

/// A DNS answer that gives a name the address of [`AWAY`].
fn answer(name: &str) -> Vec<u8> {
    let mut bytes = vec![0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
    for label in name.split('.') {
        bytes.push(label.len() as u8);
        bytes.extend(label.bytes());
    }
    bytes.extend([0, 0, 1, 0, 1, 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
    bytes.extend(AWAY);
    bytes
}

/// The name outside an encrypted hello is a front's, unless the device looked it up.
#[test]
fn an_outer_name_names_no_flow() {
    const NAME: (u16, &[u8]) = (0, b"\0\x10\0\0\x0dcloud.example");
    let hello = hello(&[NAME, (0xfe0d, b"\0\0\x01\0\x01")]);
    let cases: [(&[&str], &[&str]); 3] = [
        (&[], &[]),
        (&["other.example"], &["other.example"]),
        (&["cloud.example", "other.example"], &["cloud.example"]),
    ];
    for (asked, expected) in cases {
        let mut capture = Capture::default();
        for name in asked {
            capture.udp((ROUTER, 53), (DEVICE, 5300), &answer(name));
        }
        capture.talk((DEVICE, 40_000), (AWAY, 443), &hello, &[21, 3, 3, 0, 2, 2, 40]);
        let path = capture.write(&format!("outer{}", asked.len()));
        let records = walk(&path).unwrap().records;
        std::fs::remove_file(path).unwrap();
        let record = records.iter().find(|record| record["proto"] == "tcp").unwrap();
        assert_eq!((&record["sni"], &record["sni_outer"]), (&"cloud.example".into(), &true.into()));
        let names = record["names"].as_array().cloned().unwrap_or_default();
        let texts: Vec<&str> = names.iter().filter_map(|name| name["text"].as_str()).collect();
        assert_eq!(texts, expected, "{record}");
        assert!(names.iter().all(|name| name["source"] == "dns"));
        let findings = capture.findings("outer");
        let ech = one(&findings, "tls.ech");
        assert!(ech.facts[0].text.contains("outside of it is cloud.example"), "{ech:?}");
        assert!(!has(&findings, "name.unexplained"), "it names a front at least");
    }
}

/// Connections that nobody answers, after these pauses.
fn knocks(pauses: impl Iterator<Item = u32>) -> Capture {
    let mut capture = Capture::default();
    for (turn, pause) in pauses.enumerate() {
        capture.wait(pause);
        capture.tcp((DEVICE, 40_000 + turn as u16), (AWAY, 8883), [9, 0], SYN, b"");
    }
    capture
}

#[test]
fn tries_without_a_pause_in_an_outage_are_told_and_those_that_slow_down_are_not() {
    let id = "resil.offline-loop";
    let outage = || vec![period("outage", 0, 1)];
    let steady = knocks([3; 40].into_iter());
    let findings = in_phase(&steady, "steady", outage());
    let storm = one(&findings, id);
    assert_eq!((storm.level.name(), storm.phase), ("shown", Some("outage")));
    assert_eq!(storm.traffic[0].frames, 40);
    assert!(!has(&in_phase(&steady, "idle", vec![period("idle", 0, 1)]), id));
    assert!(!has(&in_phase(&steady, "no-phase", Vec::new()), id));
    let ended = vec![period("outage", 0, 1), period("use", 40, 11)];
    assert!(!has(&in_phase(&steady, "ended", ended), id), "ten tries lie in the outage");
    // As many tries a minute, but most of them at first.
    let slower = knocks([1; 30].into_iter().chain([8; 10]));
    assert!(!has(&in_phase(&slower, "slower", outage()), id));
    let seldom = knocks([9; 40].into_iter());
    assert!(!has(&in_phase(&seldom, "seldom", outage()), id));
    // Questions for a name, which the router cannot answer, are tries too.
    let mut capture = Capture::default();
    for _ in 0..40 {
        capture.wait(3);
        capture.udp((DEVICE, 5000), (ROUTER, 53), &question("cloud.example"));
    }
    assert!(has(&in_phase(&capture, "names", outage()), id));
}

#[test]
fn what_a_day_brings_is_told_from_a_day_on() {
    for (pause, told) in [(DAY * 2, true), (DAY / 2, false)] {
        let mut capture = Capture::default();
        capture.talk((DEVICE, 5000), (AWAY, 80), &get("/", ""), OK);
        capture.wait(pause);
        capture.talk((DEVICE, 5001), (AWAY, 80), &get("/", ""), OK);
        let findings = capture.findings(&format!("day{told}"));
        assert_eq!(has(&findings, "telemetry.volume"), told);
        if told {
            let volume = one(&findings, "telemetry.volume");
            let sent = get("/", "").len() as u64 * 2;
            assert_eq!(volume.traffic[0].delivered_bytes[0], sent);
            let a_day = sent * u64::from(DAY) / u64::from(pause + 11);
            assert!(volume.may_say.contains(&format!("{a_day} bytes sent")), "{volume:?}");
        }
    }
}

#[test]
fn a_week_without_a_search_for_updates_is_inferred_where_the_device_started_in_it() {
    let week = |days: u32, path: &str| {
        let mut capture = Capture::default();
        capture.talk((DEVICE, 5000), (AWAY, 80), &get("/", ""), OK);
        capture.talk((DEVICE, 5001), (ELSEWHERE, 80), &get(path, ""), OK);
        capture.wait(days * DAY);
        capture.talk((DEVICE, 5002), (AWAY, 80), &get("/", ""), OK);
        capture
    };
    let id = "update.none-seen";
    let started = || vec![period("power-on", 0, 1), period("idle", 5, 5)];
    let findings = in_phase(&week(8, "/"), "week", started());
    let all: Vec<_> = findings.iter().filter(|finding| finding.id == id).collect();
    assert_eq!(all.len(), 1, "told once for the device");
    assert_eq!((all[0].level.name(), all[0].traffic[0].frames), ("inferred", 18));
    assert!(!has(&in_phase(&week(6, "/"), "six-days", started()), id));
    assert!(!has(&in_phase(&week(8, "/firmware/5.bin"), "looked", started()), id));
    let idle = vec![period("idle", 0, 1)];
    assert!(!has(&in_phase(&week(8, "/"), "no-start", idle), id));
}

/// A greeting of the Android debug bridge.
fn greeting(banner: &[u8]) -> Vec<u8> {
    let number = u32::from_le_bytes(*b"CNXN");
    let words = [number, 0x0100_0001, 4096, banner.len() as u32, 0, !number];
    [&words.map(u32::to_le_bytes).concat()[..], banner].concat()
}

#[test]
fn a_debugger_that_answers_is_told_and_one_that_does_not_is_not() {
    let id = "svc.debug";
    let hello = greeting(b"host::");
    let answered = asked_locally(5555, &hello, &greeting(b"device::ro.product.model=C1;"));
    let findings = answered.findings("adb");
    assert_eq!(subject(one(&findings, id)), ["ip:192.168.1.9", "ip:192.168.1.2"]);
    assert!(one(&findings, id).may_say.contains("Android debug bridge"));
    let mut refused = Capture::default();
    refused.tcp((NEIGHBOUR, 5000), (DEVICE, 5555), [100, 0], SYN, b"");
    refused.tcp((DEVICE, 5555), (NEIGHBOUR, 5000), [0, 101], 20, b"");
    assert!(!has(&refused.findings("adb-refused"), id));
    assert!(!has(&asked_locally(5555, &get("/", ""), OK).findings("adb-port"), id));
}

#[test]
fn a_log_that_leaves_the_network_is_told_and_one_for_the_router_is_not() {
    let log = b"<15>Nov 29 04:00:00 cam app[1]: debug: opened stream\n";
    for (server, told) in [(AWAY, true), (ROUTER, false)] {
        let mut capture = Capture::default();
        capture.udp((DEVICE, 514), (server, 514), log);
        capture.udp((DEVICE, 514), (server, 514), log);
        assert_eq!(has(&capture.findings(&format!("log{told}")), "svc.debug"), told);
    }
}

#[test]
fn an_old_program_is_told_of_who_names_it_and_a_mended_one_is_not() {
    let id = "update.old-stack";
    for (server, told) in [
        ("Boa/0.94.14rc21", true),
        ("GoAhead-http/3.6.4", true),
        ("GoAhead-http/5.1.0", false),
        ("nginx/1.2", false),
    ] {
        let answer = format!("HTTP/1.1 200 OK\r\nServer: {server}\r\nContent-Length: 2\r\n\r\nOK");
        let findings = asked_locally(80, &get("/", ""), answer.as_bytes())
            .findings(&format!("old-{}", server.len()));
        assert_eq!(has(&findings, id), told, "{server}");
        if told {
            let old = one(&findings, id);
            assert_eq!(subject(old), ["ip:192.168.1.9", "ip:192.168.1.2"]);
            assert_eq!(old.level.name(), "inferred");
        }
    }
    // What a server in the internet is made of is another matter.
    let mut capture = Capture::default();
    let answer = b"HTTP/1.1 200 OK\r\nServer: Boa/0.94\r\nContent-Length: 2\r\n\r\nOK";
    capture.talk((DEVICE, 5000), (AWAY, 80), &get("/", ""), answer);
    assert!(!has(&capture.findings("old-away"), id));
}

/// A server's answer in TLS 1.2 with this certificate.
fn served(certificate: &[u8]) -> Vec<u8> {
    let message = |kind: u8, body: &[u8]| {
        let length = (body.len() as u32).to_be_bytes();
        let message = [&[kind][..], &length[1..], body].concat();
        [&[22, 3, 3][..], &(message.len() as u16).to_be_bytes(), &message].concat()
    };
    let long = |length: usize| (length as u32).to_be_bytes()[1..].to_vec();
    let list = [&long(certificate.len())[..], certificate].concat();
    let hello = [&[3, 3][..], &[9; 32], &[0, 0, 0x2f, 0]].concat();
    [message(2, &hello), message(11, &[&long(list.len())[..], &list].concat())].concat()
}

#[test]
fn one_certificate_at_two_devices_is_told_of_both_and_two_certificates_are_not() {
    let id = "cred.same-across-devices";
    let first = std::fs::read(common::places::of_project("tests/data/current.der")).unwrap();
    let second = std::fs::read(common::places::of_project("tests/data/expired.der")).unwrap();
    let ask = hello(&[]);
    for (other, told) in [(&first, true), (&second, false)] {
        let mut capture = Capture::default();
        let client = [192, 168, 1, 77];
        capture.talk((client, 5000), (DEVICE, 443), &ask, &served(&first));
        capture.talk((client, 5001), (NEIGHBOUR, 443), &ask, &served(other));
        let findings = capture.findings(&format!("same-key-{told}"));
        let all: Vec<_> = findings.iter().filter(|finding| finding.id == id).collect();
        assert_eq!(all.len(), if told { 2 } else { 0 }, "{all:?}");
        if told {
            let about: Vec<&str> = all.iter().map(|finding| subject(finding)[0]).collect();
            assert!(about.contains(&"ip:192.168.1.9") && about.contains(&"ip:192.168.1.2"));
        }
    }
    // The same device twice is no second device.
    let mut capture = Capture::default();
    capture.talk((NEIGHBOUR, 5000), (DEVICE, 443), &ask, &served(&first));
    capture.talk((NEIGHBOUR, 5001), (DEVICE, 443), &ask, &served(&first));
    assert!(!has(&capture.findings("same-key-once"), id));
}

#[test]
fn a_service_that_finds_places_is_told_and_a_neighbour_of_it_is_not() {
    for (host, told) in [("us1.unwiredlabs.com", true), ("www.unwiredlabs.com", false)] {
        let ask = String::from_utf8(get("/v2/process.php", "")).unwrap();
        let ask = ask.replace("cloud.example", host);
        let mut capture = Capture::default();
        capture.talk((DEVICE, 5000), (AWAY, 80), ask.as_bytes(), OK);
        assert_eq!(has(&capture.findings(&format!("place{told}")), "data.location-lookup"), told);
    }
}
