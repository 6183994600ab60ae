//! Checks on hand-made conversations: each finding where it belongs and nowhere else, with a
//! filter that selects in tshark what it counts.

mod common;

use common::tshark;
use common::walk::walk;
use phonehome::finding::{Finding, explain, page};
use std::path::PathBuf;

const DEVICE: [u8; 4] = [192, 168, 1, 9];
const NEIGHBOUR: [u8; 4] = [192, 168, 1, 2];
const ROUTER: [u8; 4] = [192, 168, 1, 1];
const AWAY: [u8; 4] = [198, 51, 100, 7];
const ELSEWHERE: [u8; 4] = [203, 0, 113, 8];
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// A capture of raw IPv4 packets, one a second.
#[derive(Default)]
struct Capture(Vec<Vec<u8>>);

type End = ([u8; 4], u16);

impl Capture {
    fn ip(&mut self, from: End, to: End, protocol: u8, header: &[u8], payload: &[u8]) {
        let mut packet = vec![0x45, 0];
        packet.extend((20 + header.len() as u16 + payload.len() as u16).to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, protocol, 0, 0]);
        packet.extend(from.0.iter().chain(&to.0));
        packet.extend(header.iter().chain(payload));
        self.0.push(packet);
    }

    fn udp(&mut self, from: End, to: End, payload: &[u8]) {
        let mut header = [from.1, to.1, 8 + payload.len() as u16, 0].map(u16::to_be_bytes).concat();
        header.truncate(8);
        self.ip(from, to, 17, &header, payload);
    }

    fn tcp(&mut self, from: End, to: End, numbers: [u32; 2], flags: u8, payload: &[u8]) {
        let mut header = [from.1, to.1].map(u16::to_be_bytes).concat();
        header.extend(numbers.map(u32::to_be_bytes).concat());
        header.extend([0x50, flags, 0x20, 0, 0, 0, 0, 0]);
        self.ip(from, to, 6, &header, payload);
    }

    /// A connection with one request and one answer.
    fn talk(&mut self, from: End, to: End, ask: &[u8], answer: &[u8]) {
        let asked = 101 + ask.len() as u32;
        self.tcp(from, to, [100, 0], SYN, b"");
        self.tcp(to, from, [500, 101], SYN | ACK, b"");
        self.tcp(from, to, [101, 501], ACK, b"");
        self.tcp(from, to, [101, 501], ACK | 8, ask);
        self.tcp(to, from, [501, asked], ACK | 8, answer);
        self.tcp(from, to, [asked, 501 + answer.len() as u32], ACK, b"");
    }

    /// What the checks say; every filter is tried in tshark, where it is installed.
    fn findings(&self, name: &str) -> Vec<Finding> {
        let path = self.write(name);
        let findings = walk(&path).unwrap().findings();
        for finding in &findings {
            assert!(finding.may_say.is_ascii() && !finding.may_say.contains('{'));
            assert!(!finding.does_not_show.is_empty() && !finding.refs.is_empty());
            for counted in &finding.traffic {
                let filter = counted.wireshark_filter.as_ref().expect("these flows are plain");
                if tshark::is_there() {
                    let selected = tshark::frames(&path, tshark::PREFERENCES[0], filter).unwrap();
                    assert_eq!(selected.len() as u64, counted.frames, "{}: {filter}", finding.id);
                    assert!(finding.refs.iter().all(|deciding| selected.contains(&deciding.frame)));
                }
            }
        }
        std::fs::remove_file(path).unwrap();
        findings
    }

    fn write(&self, name: &str) -> PathBuf {
        let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 101, 0, 0, 0]);
        for (second, packet) in self.0.iter().enumerate() {
            let length = packet.len() as u32;
            bytes.extend(
                [1_700_000_000 + second as u32, 0, length, length].map(u32::to_le_bytes).concat(),
            );
            bytes.extend(packet);
        }
        let file = format!("phonehome-findings-{}-{name}.pcap", std::process::id());
        let path = std::env::temp_dir().join(file);
        std::fs::write(&path, bytes).unwrap();
        path
    }
}

fn has(findings: &[Finding], id: &str) -> bool {
    findings.iter().any(|finding| finding.id == id)
}

fn get(path: &str, more: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: cloud.example\r\n{more}\r\n").into_bytes()
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK";

#[test]
fn asking_the_router_for_a_port_is_told_and_asking_for_its_address_is_not() {
    let mut capture = Capture::default();
    capture.udp((DEVICE, 5000), (ROUTER, 5351), b"\0\x02\0\0\x02\x2a\x1f\x90\0\0\x0e\x10");
    assert!(has(&capture.findings("open"), "svc.upnp-hole"));
    let mut capture = Capture::default();
    capture.udp((DEVICE, 5000), (ROUTER, 5351), b"\0\0");
    assert!(!has(&capture.findings("address"), "svc.upnp-hole"));
    for (action, opens) in [("AddPortMapping", true), ("GetExternalIPAddress", false)] {
        let mut capture = Capture::default();
        let urn = "urn:schemas-upnp-org:service:WANIPConnection:1";
        let ask = get("/ctl", &format!("SOAPAction: \"{urn}#{action}\"\r\n"));
        capture.talk((DEVICE, 5000), (ROUTER, 5000), &ask, OK);
        assert_eq!(has(&capture.findings(action), "svc.upnp-hole"), opens, "{action}");
    }
}

#[test]
fn a_session_from_the_internet_is_told_and_a_refused_or_invited_one_is_not() {
    let mut capture = Capture::default();
    capture.talk((AWAY, 4000), (DEVICE, 8080), &get("/", ""), OK);
    let findings = capture.findings("inbound");
    assert!(has(&findings, "svc.inbound-from-wan"));
    let mut capture = Capture::default();
    capture.tcp((AWAY, 4000), (DEVICE, 8080), [1, 0], SYN, b"");
    capture.tcp((DEVICE, 8080), (AWAY, 4000), [0, 2], RST | ACK, b"");
    assert!(!has(&capture.findings("refused"), "svc.inbound-from-wan"));
    let mut capture = Capture::default();
    capture.talk((DEVICE, 5000), (AWAY, 80), &get("/", ""), OK);
    capture.talk((AWAY, 20), (DEVICE, 5001), &get("/", ""), OK);
    assert!(!has(&capture.findings("invited"), "svc.inbound-from-wan"));
}

#[test]
fn many_ports_are_a_scan_and_a_few_are_not() {
    for (ports, scan) in [(25, true), (19, false)] {
        let mut capture = Capture::default();
        for port in 1..=ports {
            capture.tcp((DEVICE, 5000), (NEIGHBOUR, port), [1, 0], SYN, b"");
            capture.tcp((NEIGHBOUR, port), (DEVICE, 5000), [0, 2], RST | ACK, b"");
        }
        assert_eq!(has(&capture.findings(&format!("scan{ports}")), "net.scan"), scan);
    }
}

#[test]
fn an_old_service_of_a_neighbour_is_told_and_one_of_the_internet_is_not() {
    for (server, legacy) in [(NEIGHBOUR, true), (AWAY, false)] {
        let mut capture = Capture::default();
        let (client, server) = ((DEVICE, 5000), (server, 21));
        capture.tcp(client, server, [100, 0], SYN, b"");
        capture.tcp(server, client, [500, 101], SYN | ACK, b"");
        capture.tcp(server, client, [501, 101], ACK, b"220 FTP ready\r\n");
        capture.tcp(client, server, [101, 516], ACK, b"USER lab\r\n");
        capture.tcp(server, client, [516, 111], ACK, b"331 Password please\r\n");
        let findings = capture.findings(if legacy { "ftp-lan" } else { "ftp-away" });
        assert_eq!(has(&findings, "svc.legacy"), legacy);
        assert_eq!(has(&findings, "net.lateral"), legacy);
    }
}

#[test]
fn an_identifier_sent_to_two_destinations_is_told_of_both_and_stays_local_otherwise() {
    let ask = get("/iclock/cdata?SN=LAB0012345", "");
    let mut capture = Capture::default();
    capture.talk((DEVICE, 5000), (AWAY, 80), &ask, OK);
    let findings = capture.findings("serial");
    assert!(has(&findings, "data.pii-cleartext"));
    assert!(!has(&findings, "telemetry.persistent-id"));
    let other = String::from_utf8(ask.clone()).unwrap().replace("cloud.example", "other.test");
    capture.talk((DEVICE, 5001), (ELSEWHERE, 80), other.as_bytes(), OK);
    let findings = capture.findings("serial-twice");
    let shared = findings.iter().filter(|finding| finding.id == "telemetry.persistent-id");
    assert_eq!(shared.count(), 2);
    let mut capture = Capture::default();
    capture.talk((DEVICE, 5000), (NEIGHBOUR, 80), &ask, OK);
    assert!(!has(&capture.findings("serial-lan"), "data.pii-cleartext"));
}

#[test]
fn a_nations_standard_is_told_by_its_own_id_alone() {
    let mut capture = Capture::default();
    let ask = get("/VIID/System/Time", "User-Identify: 34020000001190000001\r\n");
    capture.talk((DEVICE, 5000), (AWAY, 80), &ask, OK);
    let findings = capture.findings("viid");
    let standards: Vec<_> = findings.iter().filter(|f| f.id.starts_with("standard.")).collect();
    assert_eq!(standards.iter().map(|f| f.id).collect::<Vec<_>>(), ["standard.gat1400"]);
    assert_eq!(standards[0].severity.name(), "info");
    let mut capture = Capture::default();
    capture.talk((DEVICE, 5000), (AWAY, 80), &get("/other", ""), OK);
    assert!(!capture.findings("plain").iter().any(|f| f.id.starts_with("standard.")));
}

#[test]
fn a_meeting_point_of_the_internet_is_told_and_one_at_home_is_not() {
    for (server, told) in [(AWAY, true), (NEIGHBOUR, false)] {
        let mut capture = Capture::default();
        capture.udp((DEVICE, 5000), (server, 3478), b"\0\x01\0\0\x21\x12\xa4\x42abcdefghijkl");
        let findings = capture.findings(if told { "stun" } else { "stun-lan" });
        assert_eq!(has(&findings, "cloud.relay"), told);
    }
}

#[test]
fn the_catalogue_in_docs_is_that_of_the_checks() {
    let written = include_str!("../docs/catalogue.md");
    assert_eq!(written, page(), "phonehome explain > docs/catalogue.md brings it up to date");
    assert!(explain("cred.cleartext").is_some_and(|text| text.contains("Verify by hand")));
    assert!(explain("cred.clear").is_none());
}

#[test]
fn an_even_pace_is_told_and_an_uneven_one_and_time_servers_are_not() {
    let capture = |port: u16, even: bool| {
        let mut capture = Capture::default();
        for turn in 0..12_u16 {
            capture.udp((DEVICE, 40_000 + turn), (AWAY, port), b"\x99hello, are you there?");
            let wait = if even { 9 } else { usize::from(turn * turn % 29) };
            for _ in 0..wait {
                capture.udp((NEIGHBOUR, 6000), (ROUTER, 7000), b"x");
            }
        }
        capture.findings(&format!("beacon{port}{even}"))
    };
    let found = capture(9999, true);
    let beacon = found.iter().find(|finding| finding.id == "net.beacon").expect("an even pace");
    assert!(beacon.may_say.contains("12 flows, one every 10.0 s"), "{}", beacon.may_say);
    assert_eq!(beacon.traffic[0].frames, 12);
    assert!(!has(&capture(9999, false), "net.beacon"));
    assert!(!has(&capture(123, true), "net.beacon"));
}
