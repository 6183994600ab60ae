//! Checks on hand-made conversations: each finding where it belongs and nowhere else, with a
//! filter that selects in tshark what it counts.

mod common;

use common::conversation::{
    ACK, AWAY, Capture, DEVICE, ELSEWHERE, NEIGHBOUR, OK, ROUTER, RST, SYN, get, has,
};
use phonehome::finding::{explain, page};

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
            let wait = if even { 9 } else { u32::from(turn * turn % 29) };
            capture.wait(wait);
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

/// One connection that stays open, with a message of the device after each of these pauses. What
/// it says is the same, or comes again without being new.
fn channel(port: u16, pauses: impl Iterator<Item = u32>, say: &[u8], new: bool) -> Capture {
    let mut capture = Capture::default();
    let (here, there) = ((DEVICE, 40_000), (AWAY, port));
    capture.talk(here, there, b"\x99hello, it is me", b"\x99so it is, and welcome");
    let (mut asked, answered) = (101 + 16, 501 + 23);
    for pause in pauses {
        capture.wait(pause);
        // A keep-alive of TCP repeats the byte before the next (RFC 9293 §3.8.4).
        let from = if new { asked } else { asked - 1 };
        capture.tcp(here, there, [from, answered], ACK | 8, say);
        asked = from + say.len() as u32;
        capture.tcp(there, here, [answered, asked], ACK, b"");
    }
    capture
}

#[test]
fn an_even_pace_within_one_long_session_is_told() {
    let found = channel(9999, [58; 14].into_iter(), b"\x07all is well here", true);
    let found = found.findings("session");
    let beacon = found.iter().find(|finding| finding.id == "net.beacon").expect("an even pace");
    assert!(
        beacon.may_say.contains("messages of the device, one every 60.0 s"),
        "{}",
        beacon.may_say
    );
    assert!(beacon.refs.len() >= 9 && beacon.alternatives.len() == 1, "{beacon:?}");
    assert_eq!(beacon.traffic[0].frames, 6 + 28);
    // Two hours in one session are two hours, not their end.
    let uneven = (0..14_u32).map(|turn| 10 + turn * turn * 7 % 91);
    assert!(!has(
        &channel(9999, uneven, b"\x07all is well", true).findings("uneven"),
        "net.beacon"
    ));
    let short = channel(9999, [4; 9].into_iter(), b"\x07all is well", true);
    assert!(!has(&short.findings("young"), "net.beacon"), "within the first minute");
}

#[test]
fn what_only_holds_a_session_open_is_no_pace() {
    let alive = channel(9999, [58; 14].into_iter(), b"\0", false);
    assert!(!has(&alive.findings("tcp-alive"), "net.beacon"), "nothing new is said");
    for (say, told) in [(&[0xc0, 0][..], false), (b"\x30\x06\0\x02t1on", true)] {
        let mut capture = Capture::default();
        let (here, there) = ((DEVICE, 40_000), (AWAY, 1883));
        let connect = b"\x10\x0f\0\x04MQTT\x04\x02\0\x3c\0\x03lab";
        capture.talk(here, there, connect, &[0x20, 2, 0, 0]);
        let mut asked = 101 + connect.len() as u32;
        for _ in 0..14 {
            capture.wait(58);
            capture.tcp(here, there, [asked, 505], ACK | 8, say);
            asked += say.len() as u32;
            capture.tcp(there, here, [505, asked], ACK | 8, b"");
        }
        assert_eq!(has(&capture.findings(&format!("mqtt{told}")), "net.beacon"), told);
    }
}
