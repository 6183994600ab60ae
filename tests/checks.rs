//! More checks on hand-made conversations: encryption, updates, places, bots, and what is said in
//! phases. Each is found where it belongs, and not in a near miss.

mod common;

use common::conversation::{
    ACK, AWAY, Capture, DEVICE, ELSEWHERE, End, NEIGHBOUR, OK, ROUTER, RST, SYN, get, has,
};
use phonehome::attribution::geo::Geo;
use phonehome::base::time::{SECOND, Timestamp};
use phonehome::finding::{Finding, Period};

fn one<'f>(findings: &'f [Finding], id: &str) -> &'f Finding {
    findings.iter().find(|finding| finding.id == id).unwrap_or_else(|| panic!("{id} is not told"))
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &(body.len() as u16).to_be_bytes(), body].concat()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32).to_be_bytes();
    [&[kind][..], &length[1..], body].concat()
}

/// A ClientHello of TLS 1.2 for `name`.
fn client_hello(name: &str) -> Vec<u8> {
    let short = |n: usize| (n as u16).to_be_bytes();
    let entry = [&[0][..], &short(name.len()), name.as_bytes()].concat();
    let list = [&short(entry.len())[..], &entry].concat();
    let extension = [&[0, 0][..], &short(list.len()), &list].concat();
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend(short(extension.len()));
    body.extend(extension);
    record(22, &message(1, &body))
}

/// What the server answers: a suite and, if there is one, a certificate.
fn server_hello(cipher: u16, certificate: Option<&[u8]>) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([9; 32]);
    body.push(0);
    body.extend(cipher.to_be_bytes());
    body.push(0);
    let mut all = message(2, &body);
    if let Some(certificate) = certificate {
        let three = |n: usize| [(n >> 16) as u8, (n >> 8) as u8, n as u8];
        let chain = [&three(certificate.len())[..], certificate].concat();
        all.extend(message(11, &[&three(chain.len())[..], &chain].concat()));
    }
    all.extend(message(14, &[]));
    record(22, &all)
}

/// A handshake, in which the client goes on to send `rest`.
fn handshake(name: &str, answer: &[u8], rest: &[u8]) -> Capture {
    let mut capture = Capture::default();
    let (here, there): (End, End) = ((DEVICE, 40_000), (AWAY, 443));
    let hello = client_hello(name);
    capture.talk(here, there, &hello, answer);
    let numbers = [101 + hello.len() as u32, 501 + answer.len() as u32];
    if !rest.is_empty() {
        capture.tcp(here, there, numbers, ACK | 8, rest);
    }
    capture
}

#[test]
fn broken_suites_and_those_without_forward_secrecy_are_told_apart() {
    for (cipher, expected) in [
        (0x0005, Some("tls.weak-cipher")),
        (0x000a, Some("tls.weak-cipher")),
        (0xc012, Some("tls.weak-cipher")),
        (0x009d, Some("tls.no-pfs")),
        (0x00a8, Some("tls.no-pfs")),
        (0xc030, None),
    ] {
        let capture = handshake("cloud.example", &server_hello(cipher, None), b"");
        let findings = capture.findings(&format!("cipher{cipher}"));
        for id in ["tls.weak-cipher", "tls.no-pfs"] {
            assert_eq!(has(&findings, id), expected == Some(id), "{cipher:04x} {id}");
        }
    }
}

#[test]
fn a_bad_certificate_is_told_and_that_it_was_accepted_only_where_data_follows() {
    let [expired, current] =
        [&include_bytes!("data/expired.der")[..], include_bytes!("data/current.der")];
    let finished = [record(22, &message(16, &[4; 65])), record(20, &[1]), record(22, &[5; 40])];
    let refused = record(21, &[2, 45]);
    let data = [finished.concat(), record(23, &[6; 60])].concat();
    for (name, certificate, rest, bad, accepted) in [
        ("cloud.example", expired, &data[..], true, true),
        ("cloud.example", expired, &finished.concat(), true, false),
        ("cloud.example", expired, &refused, true, false),
        ("a.cloud.example", current, &data, false, false),
        ("cloud.example", current, &data, false, false),
        ("other.example", current, &data, true, true),
        ("a.b.cloud.example", current, &data, true, true),
    ] {
        let capture = handshake(name, &server_hello(0xc030, Some(certificate)), rest);
        let findings = capture.findings(&format!("certificate-{name}-{bad}{accepted}"));
        assert_eq!(has(&findings, "tls.cert-bad"), bad, "{name}");
        assert_eq!(has(&findings, "tls.cert-bad-accepted"), accepted, "{name}");
        if bad {
            let finding = one(&findings, "tls.cert-bad");
            let (text, level) = match certificate == expired {
                true => ("expired 2020-01-01", "shown"),
                // Whoever knows the certificate needs no name.
                false => ("another name", "inferred"),
            };
            assert!(finding.facts[0].text.contains(text), "{finding:?}");
            assert_eq!(finding.level.name(), level);
        }
    }
}

#[test]
fn firmware_asked_for_readable_is_told_by_how_sure_its_name_is() {
    for (path, level) in [
        ("/firmware/cam/5.2.1.bin", Some("shown")),
        ("/d/a1b2.bin", Some("inferred")),
        ("/firmware/logo.png", None),
        ("/index.html", None),
    ] {
        let mut capture = Capture::default();
        capture.talk((DEVICE, 5000), (AWAY, 80), &get(path, ""), OK);
        let findings = capture.findings(&format!("firmware{}", path.len()));
        let found = findings.iter().find(|finding| finding.id == "update.cleartext");
        assert_eq!(found.map(|finding| finding.level.name()), level, "{path}");
        assert_eq!(has(&findings, "update.check-seen"), level.is_some());
    }
    // Somebody who asks the device is no device that looks for updates.
    let mut capture = Capture::default();
    capture.talk((AWAY, 5000), (DEVICE, 80), &get("/firmware/5.bin", ""), OK);
    assert!(!has(&capture.findings("asked"), "update.cleartext"));
}

#[test]
fn a_service_that_measures_is_told_and_another_is_not() {
    for (host, told) in [("plbslog.umeng.com", true), ("plbslog.umeng.com.example", false)] {
        let mut capture = Capture::default();
        let ask = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        capture.talk((DEVICE, 5000), (AWAY, 80), ask.as_bytes(), OK);
        let findings = capture.findings(&format!("measures{told}"));
        assert_eq!(has(&findings, "telemetry.third-party"), told, "{host}");
    }
}

#[test]
fn an_answered_service_is_told_and_a_refusal_is_not() {
    let mut capture = Capture::default();
    capture.talk((NEIGHBOUR, 5000), (DEVICE, 8080), &get("/", ""), OK);
    assert!(has(&capture.findings("offered"), "svc.listen-exposed"));
    let mut capture = Capture::default();
    capture.tcp((NEIGHBOUR, 5000), (DEVICE, 8080), [1, 0], SYN, b"");
    capture.tcp((DEVICE, 8080), (NEIGHBOUR, 5000), [0, 2], RST | ACK, b"");
    assert!(!has(&capture.findings("not-offered"), "svc.listen-exposed"));
}

#[test]
fn a_password_that_many_devices_are_sold_with_is_told_and_a_good_one_is_not() {
    for (password, told) in [("admin", true), ("k7Tq-blue-horse", false)] {
        let mut capture = Capture::default();
        let (client, server) = ((DEVICE, 5000), (AWAY, 21));
        let login = format!("PASS {password}\r\n");
        capture.tcp(client, server, [100, 0], SYN, b"");
        capture.tcp(server, client, [500, 101], SYN | ACK, b"");
        capture.tcp(server, client, [501, 101], ACK, b"220 FTP ready\r\n");
        capture.tcp(client, server, [101, 516], ACK, b"USER admin\r\n");
        capture.tcp(server, client, [516, 113], ACK, b"331 Password please\r\n");
        capture.tcp(client, server, [113, 537], ACK, login.as_bytes());
        let findings = capture.findings(&format!("default{told}"));
        assert!(has(&findings, "cred.cleartext"));
        assert_eq!(has(&findings, "cred.default-used"), told);
    }
}

#[test]
fn an_answer_much_larger_than_its_question_is_told_and_a_small_one_is_not() {
    let search = b"M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n\
        MX: 1\r\nST: ssdp:all\r\n\r\n";
    let answer = b"HTTP/1.1 200 OK\r\nST: upnp:rootdevice\r\nUSN: uuid:1::upnp:rootdevice\r\n\
        LOCATION: http://192.168.1.9/d.xml\r\nSERVER: Lab/1 UPnP/1.0 Lab/1\r\n\r\n";
    for (answers, told) in [(4, true), (1, false)] {
        let mut capture = Capture::default();
        capture.udp((AWAY, 4000), (DEVICE, 1900), search);
        for _ in 0..answers {
            capture.udp((DEVICE, 1900), (AWAY, 4000), answer);
        }
        let findings = capture.findings(&format!("amplifier{answers}"));
        assert_eq!(has(&findings, "net.amplifier"), told, "{answers}");
    }
}

#[test]
fn knocks_with_the_address_for_a_number_are_a_bot_and_others_are_not() {
    for (by_address, count, told) in [(true, 3, true), (true, 2, false), (false, 3, false)] {
        let mut capture = Capture::default();
        for host in 0..count {
            let to = [198, 51, 100, 40 + host];
            let number = if by_address { u32::from_be_bytes(to) } else { 77_000 };
            capture.tcp((DEVICE, 5000), (to, 23), [number, 0], SYN, b"");
        }
        let findings = capture.findings(&format!("bot{by_address}{count}"));
        assert_eq!(has(&findings, "net.bot-signature"), told, "{by_address} {count}");
        if told {
            let finding = one(&findings, "net.bot-signature");
            assert_eq!((finding.level.name(), finding.traffic[0].frames), ("shown", 3));
        }
    }
}

#[test]
fn one_port_of_many_addresses_is_a_sweep_told_once() {
    for (addresses, told) in [(20, true), (19, false)] {
        let mut capture = Capture::default();
        for host in 0..addresses {
            capture.tcp((DEVICE, 5000), ([192, 168, 1, 20 + host], 445), [9, 0], SYN, b"");
        }
        let findings = capture.findings(&format!("sweep{addresses}"));
        let scans: Vec<_> = findings.iter().filter(|finding| finding.id == "net.scan").collect();
        assert_eq!(scans.len(), usize::from(told));
        if let [scan] = scans[..] {
            assert_eq!(scan.traffic[0].frames, u64::from(addresses));
        }
    }
}

fn question(name: &str) -> Vec<u8> {
    let mut query = vec![0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        query.push(label.len() as u8);
        query.extend(label.as_bytes());
    }
    query.extend([0, 0, 16, 0, 1]);
    query
}

#[test]
fn long_names_under_one_domain_are_told_and_short_ones_are_not() {
    for (length, told) in [(50, true), (8, false)] {
        let mut capture = Capture::default();
        for turn in 0..25_u16 {
            let name = format!("{:0>length$x}.tunnel.example", u32::from(turn) * 7919);
            capture.udp((DEVICE, 20_000 + turn), (ROUTER, 53), &question(&name));
        }
        let findings = capture.findings(&format!("tunnel{length}"));
        assert_eq!(has(&findings, "net.covert-tunnel"), told, "{length}");
    }
}

fn period(name: &'static str, second: u32, first_frame: u64) -> Period {
    let began = Timestamp((1_700_000_000 + i64::from(second)) * SECOND);
    Period { name: Some(name), began, first_frame }
}

#[test]
fn an_upload_in_idle_is_inferred_and_one_in_use_is_not_told() {
    let mut capture = Capture::default();
    let (here, there) = ((DEVICE, 40_000), (AWAY, 9999));
    for _ in 0..400 {
        capture.udp(here, there, &[0x99; 1400]);
    }
    let small: Vec<_> = capture.packets.iter().take(300).cloned().collect();
    let tell = |capture: &Capture, name: &str, periods: Vec<Period>| {
        capture.told(name, &Geo::default(), periods, None)
    };
    let id = "data.media-upload-unprompted";
    let findings = tell(&capture, "idle", vec![period("idle", 0, 1)]);
    let finding = one(&findings, id);
    assert_eq!((finding.level.name(), finding.phase), ("inferred", Some("idle")));
    assert_eq!(finding.traffic[0].delivered_bytes, [560_000, 0]);
    let told =
        |finding: &Finding, part: &str| finding.facts.iter().any(|fact| fact.text.contains(part));
    assert!(told(finding, "phase idle: 560000 bytes in 1 such flows"), "{:?}", finding.facts);
    assert!(!told(finding, "lens"), "no control was noted");
    assert!(!has(&tell(&capture, "use", vec![period("use", 0, 1)]), id));
    // The same service gets an upload in use too: only that in idle counts.
    let mut again = Capture { packets: capture.packets.clone(), second: 500 };
    for _ in 0..400 {
        again.udp((DEVICE, 40_001), there, &[0x99; 1400]);
    }
    let then = vec![period("idle", 0, 1), period("use", 450, 401)];
    let findings = tell(&again, "idle-then-use", then);
    assert_eq!(one(&findings, id).traffic[0].frames, 400);
    assert!(told(one(&findings, id), "phase use: 560000 bytes in 1 such flows"), "{findings:?}");
    let both = vec![period("idle", 0, 1), period("use", 200, 201)];
    assert!(!has(&tell(&capture, "both", both), id));
    assert!(!has(&tell(&capture, "no-phase", Vec::new()), id));
    let small = Capture { packets: small, second: 300 };
    assert!(!has(&tell(&small, "small", vec![period("idle", 0, 1)]), id));
}

#[test]
fn what_a_recorded_start_excludes_is_said_of_an_unexplained_address() {
    let mut capture = Capture::default();
    capture.talk((DEVICE, 40_000), (AWAY, 9999), b"\x99hello, it is me", b"\x99welcome");
    let excluded = |periods: Vec<Period>| {
        let name = format!("start{}", periods.len());
        let findings = capture.told(&name, &Geo::default(), periods, None);
        let finding = one(&findings, "name.unexplained").clone();
        let status = |text: &str| {
            let other = finding.alternatives.iter().find(|other| other.text.contains(text));
            other.map(|other| other.status).unwrap()
        };
        let start = finding.facts.iter().any(|fact| fact.text.contains("power-on"));
        (status("before the capture began"), status("in an earlier run"), start)
    };
    assert_eq!(excluded(vec![period("power-on", 0, 1)]), ("excluded", "not excluded", true));
    assert_eq!(excluded(Vec::new()), ("not excluded", "not excluded", false));
}

#[test]
fn countries_without_a_decision_and_other_countries_are_told() {
    let geo = Geo::embedded();
    for (address, no_decision, left) in
        [([223, 5, 5, 5], true, true), ([193, 0, 6, 139], false, false), (NEIGHBOUR, false, false)]
    {
        let mut capture = Capture::default();
        capture.talk((DEVICE, 40_000), (address, 80), &get("/", ""), OK);
        let findings = capture.told(&format!("place{no_decision}"), &geo, Vec::new(), Some("NL"));
        assert_eq!(has(&findings, "transfer.no-adequacy"), no_decision, "{address:?}");
        assert_eq!(has(&findings, "transfer.country"), left, "{address:?}");
        let without = capture.told("place-nowhere", &geo, Vec::new(), None);
        assert!(!has(&without, "transfer.country"));
    }
    let mut capture = Capture::default();
    capture.talk((DEVICE, 40_000), (ELSEWHERE, 80), &get("/", ""), OK);
    assert!(!has(&capture.told("no-place", &geo, Vec::new(), Some("NL")), "transfer.country"));
}
