//! Signatures as Suricata's rules and STIX patterns: those programs take all of them, and what fits
//! alerts while what only comes near does not.

use crate::common::conversation::{AWAY, Capture, DEVICE, NEIGHBOUR, OK, get};
use crate::common::{places, program};
use crate::{python, scripted};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

const GROUP: [u8; 4] = [224, 0, 0, 251];

/// Suricata with the rules that say what flows show and devices say; nothing where it is missing.
struct Suricata {
    folder: tempfile::TempDir,
    rules: PathBuf,
    exported: String,
}

impl Suricata {
    fn with_rules() -> Option<Suricata> {
        let version = Command::new("suricata").arg("-V").output();
        if !version.is_ok_and(|output| output.status.success()) {
            places::skipped("no suricata");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let outcome = program::phonehome(&["signatures", "export", "--format", "suricata"]);
        assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
        let rules = folder.path().join("phonehome.rules");
        std::fs::write(&rules, &outcome.stdout).unwrap();
        Some(Suricata { folder, rules, exported: outcome.text().to_owned() })
    }

    fn run(&self, more: &[&str]) -> String {
        let output = Command::new("suricata")
            .args(["-v", "-k", "none", "--set", "app-layer.protocols.tls.ja4-fingerprints=yes"])
            .arg("-S")
            .arg(&self.rules)
            .arg("-l")
            .arg(self.folder.path())
            .args(more)
            .output()
            .unwrap();
        let said = [&output.stdout[..], &output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        assert!(output.status.success(), "{said}");
        said
    }

    /// What it says of a capture, each thing once.
    fn alerts(&self, capture: &Path) -> BTreeSet<String> {
        let log = self.folder.path().join("fast.log");
        let _ = std::fs::remove_file(&log);
        self.run(&["--runmode", "single", "-r", capture.to_str().unwrap()]);
        let text = std::fs::read_to_string(log).unwrap();
        let said =
            text.lines().filter_map(|line| line.split("phonehome ").nth(1)?.split(" [").next());
        said.map(str::to_owned).collect()
    }
}

#[test]
fn suricata_takes_every_rule() {
    let Some(suricata) = Suricata::with_rules() else { return };
    let rules = suricata.exported.lines().filter(|line| line.starts_with("alert ")).count();
    assert!(rules > 1000, "{rules}");
    let said = suricata.run(&["-T"]);
    assert!(said.contains(&format!("{rules} rules successfully loaded, 0 rules failed")), "{said}");
}

/// A question for an address with a host name (RFC 2131 §2).
fn dhcp(host_name: &str) -> Vec<u8> {
    let mut message = vec![1, 1, 6, 0, 0, 0, 0, 7];
    message.resize(236, 0);
    message.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 12, host_name.len() as u8]);
    message.extend(host_name.bytes().chain([0xff]));
    message
}

/// A service that announces itself.
fn announced(name: &str) -> Vec<u8> {
    let mut message = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(label.len() as u8);
        message.extend(label.bytes());
    }
    message.extend(b"\0\0\x21\x80\x01\0\0\0\x78\0\x08\0\0\0\0\0\x50\xc0\x0c");
    message
}

fn connect(client: &str) -> Vec<u8> {
    let mut body = b"\0\x04MQTT\x04\x02\0\x3c\0".to_vec();
    body.push(client.len() as u8);
    body.extend(client.bytes());
    [&[0x10, body.len() as u8][..], &body].concat()
}

fn register(agent: &str) -> Vec<u8> {
    format!(
        "REGISTER sip:a.example SIP/2.0\r\nVia: SIP/2.0/UDP 192.168.1.9:5060;branch=z9hG4bK1\r\n\
         From: <sip:1@a.example>;tag=1\r\nTo: <sip:1@a.example>\r\nCall-ID: 1\r\nCSeq: 1 REGISTER\r\n\
         User-Agent: {agent}\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

fn description(maker: &str) -> Vec<u8> {
    let body = format!("<root><device><manufacturer>{maker}</manufacturer></device></root>");
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: ";
    format!("{head}{}\r\n\r\n{body}", body.len()).into_bytes()
}

/// One of each kind that a rule can say; `fits` or only comes near.
fn said(fits: bool) -> Capture {
    let pick = |right: &'static str, near: &'static str| if fits { right } else { near };
    let mut capture = Capture::default();
    capture.udp((DEVICE, 5000), (AWAY, 8800), pick("PTCP0000", "PTCI0000").as_bytes());
    let far = pick("000000!12345\x04SNI", "000000!12345\x04SNJ").as_bytes();
    capture.udp((DEVICE, 5001), (AWAY, 4001), far);
    let service = announced(pick("Bridge._hue._tcp.local", "Bridge._hua._tcp.local"));
    capture.udp((DEVICE, 5353), (GROUP, 5353), &service);
    let host = dhcp(pick("Reolink-1", "Relink-1"));
    capture.udp(([0; 4], 68), ([255; 4], 67), &host);
    let id = pick("d|securemode=2,signmethod=hmacsha1|", "d|mode=2,sign=hmacsha1|");
    capture.talk((DEVICE, 5002), (AWAY, 1883), &connect(id), &[0x20, 2, 0, 0]);
    let agent = register(pick("Embedded Net DVR/NVR/DVS", "Embedded NVR"));
    capture.udp((DEVICE, 5060), (AWAY, 5060), &agent);
    let server = pick("H264DVR rtspd 1.0", "H264 rtspd 1.0");
    let answer = format!("RTSP/1.0 200 OK\r\nCSeq: 1\r\nServer: {server}\r\n\r\n");
    let ask = b"OPTIONS rtsp://192.168.1.9/ RTSP/1.0\r\nCSeq: 1\r\n\r\n";
    capture.talk((NEIGHBOUR, 5003), (DEVICE, 554), ask, answer.as_bytes());
    let maker = description(pick("Signify Netherlands B.V.", "Significant B.V."));
    capture.talk((NEIGHBOUR, 5004), (DEVICE, 80), &get("/description.xml", ""), &maker);
    capture.talk((DEVICE, 5005), (AWAY, 80), &get("/", ""), OK);
    capture
}

#[test]
fn what_fits_alerts_and_what_comes_near_does_not() {
    let Some(suricata) = Suricata::with_rules() else { return };
    let tell = |fits: bool| {
        let capture = said(fits).write(&format!("rules-{fits}"));
        let alerts = suricata.alerts(&capture);
        std::fs::remove_file(capture).unwrap();
        alerts
    };
    let expected = [
        "Agora stream by udp: udp begins with 21..........04534e49 at byte 6",
        "Alibaba Cloud mqtt by mqtt: mqtt.client_id *|securemode=*signmethod=* by the device",
        "Dahua relay by udp: udp begins with 50544350",
        "Hikvision device by sip: sip.user_agent embedded net dvr/nvr/dvs*",
        "Philips Hue (Signify) device by http: upnp.manufacturer signify*",
        "Philips Hue (Signify) device by udp: mdns.service *._hue._tcp.local",
        "Reolink device by udp: hostname reolink*",
        "Xiongmai (XMEye) device by tcp: rtsp.server h264dvr rtspd*",
    ];
    assert_eq!(tell(true).iter().map(String::as_str).collect::<Vec<_>>(), expected);
    assert_eq!(tell(false), BTreeSet::new());
}

#[test]
fn the_hash_of_a_hello_is_the_one_that_suricata_makes() {
    let Some(suricata) = Suricata::with_rules() else { return };
    let Some(root) = places::shared() else { return };
    let capture = root.join("iot_sentinel/D-LinkSwitch");
    let capture = places::captures_under(&capture).remove(0);
    let alerts = suricata.alerts(&capture);
    assert!(alerts.iter().any(|said| said.contains("D-Link device by tls: tls.ja4")), "{alerts:?}");
}

#[test]
fn the_pattern_validator_takes_every_pattern_of_signatures() {
    let Some(python) = python("stix2, stix2patterns") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signatures.json");
    let outcome = program::phonehome(&["signatures", "export", "--format", "stix"]);
    std::fs::write(&file, &outcome.stdout).unwrap();
    let script = "
import stix2, sys
from stix2patterns.validator import run_validator
objects = stix2.parse(open(sys.argv[1]).read(), allow_custom=False).objects
patterns = [o.pattern for o in objects if o.type == 'indicator']
for pattern in patterns:
    assert not run_validator(pattern, stix_version='2.1'), pattern
[left_out] = [o for o in objects if o.type == 'note']
assert 'kasa.model' in left_out.content
print(len(patterns), sum('payload_bin' in p or 'x509' in p for p in patterns))";
    let said = scripted(python, script, &file);
    let counts: Vec<usize> = said.split_whitespace().map(|count| count.parse().unwrap()).collect();
    assert!(counts[0] > 500 && counts[1] > 10, "{said}");
}
