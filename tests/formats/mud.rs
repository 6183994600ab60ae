use crate::common::{generated, places, program, truth};
use crate::{Schema, camera};
use serde_json::Value;
use std::io::Read;
use std::path::Path;
use truth::rows;

const CAMERA: &str = "00:00:5e:00:53:10";

fn generate(capture: &Path, device: &str, output: &Path) -> Value {
    let arguments = [
        "mud",
        "generate",
        capture.to_str().unwrap(),
        "--device",
        device,
        "-o",
        output.to_str().unwrap(),
    ];
    let outcome = program::phonehome(&arguments);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    serde_json::from_slice(&std::fs::read(output).unwrap()).unwrap()
}

fn check(policy: &Path, captures: &[&Path], device: &str) -> (Option<i32>, Value) {
    let mut arguments =
        vec!["mud", "check", "--json", "--device", device, policy.to_str().unwrap()];
    arguments.extend(captures.iter().map(|capture| capture.to_str().unwrap()));
    let outcome = program::phonehome(&arguments);
    (outcome.code, outcome.json())
}

/// Every device of every bundled capture.
fn each(mut take: impl FnMut(&Path, &str)) {
    for capture in places::bundled() {
        for device in rows(&program::analyze(&capture).json()["devices"]) {
            if let Some(mac) = device["mac"].as_str() {
                take(&capture, mac);
            }
        }
    }
}

#[test]
fn what_is_made_of_a_capture_allows_that_capture() {
    let schema = Schema::load("mud.schema.json");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mud.json");
    let mut checked = 0;
    each(|capture, device| {
        let made = generate(capture, device, &file);
        let complaint = schema.complaint(&made);
        assert!(complaint.is_none(), "{} {device}: {complaint:?}", capture.display());
        let (code, result) = check(&file, &[capture], device);
        assert_eq!(result["violations"], serde_json::json!([]), "{} {device}", capture.display());
        assert_eq!(code, Some(0));
        checked += 1;
    });
    assert!(checked > 5, "{checked}");
}

#[test]
fn no_entry_is_for_any_remote_and_any_port() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mud.json");
    let mut seen = 0;
    each(|capture, device| {
        let made = generate(capture, device, &file);
        for acl in rows(&made["ietf-access-control-list:acls"]["acl"]) {
            for ace in rows(&acl["aces"]["ace"]) {
                let matches = ace["matches"].as_object().unwrap();
                let network = matches.get("ipv4").or(matches.get("ipv6")).unwrap();
                let network = network.as_object().unwrap();
                let far = |key: &String| key.ends_with("dnsname") || key.ends_with("-network");
                let exact = network.keys().any(far);
                assert!(exact || matches.contains_key("ietf-mud:mud"), "{ace}");
                for (key, value) in network.iter().filter(|(key, _)| key.ends_with("-network")) {
                    let bits = if key.contains("ipv4") { "/32" } else { "/128" };
                    assert!(value.as_str().unwrap().ends_with(bits), "{ace}");
                }
                if matches!(network["protocol"].as_u64(), Some(6 | 17)) {
                    let transport = matches.get("tcp").or(matches.get("udp")).unwrap();
                    let port = transport.get("source-port").or(transport.get("destination-port"));
                    assert_eq!(port.unwrap()["operator"], "eq", "{ace}");
                } else if !exact {
                    assert!(matches.contains_key("icmp"), "{ace}");
                }
                seen += 1;
            }
        }
    });
    assert!(seen > 100, "{seen}");
}

/// One datagram of the camera to somewhere new, and a connection that somebody else begins.
fn more() -> Vec<u8> {
    let mut bytes = Vec::new();
    let macs = [[0, 0, 0x5e, 0, 0x53, 0x10], generated::ROUTER];
    let packet = |_: u64, frame: &mut Vec<u8>| {
        let datagram = generated::udp([50_000, 4444], b"hello there");
        generated::ipv4(frame, macs, [0xc0a8_4d6e, 0xc633_644d], 17, [1, 0], &datagram);
        1_795_520_400_000_000
    };
    generated::Generated::new(1, packet).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn one_more_destination_is_the_one_violation() {
    let folder = tempfile::tempdir().unwrap();
    let (file, second) = (folder.path().join("mud.json"), folder.path().join("more.pcap"));
    generate(&camera(), CAMERA, &file);
    std::fs::write(&second, more()).unwrap();
    let (code, result) = check(&file, &[&camera(), &second], CAMERA);
    assert_eq!(code, Some(1));
    let violations = rows(&result["violations"]);
    assert_eq!(violations.len(), 1, "{result:#}");
    let only = &violations[0];
    assert_eq!(only["remote"], "198.51.100.77");
    assert_eq!(only["remote_port"], 4444);
    assert_eq!(only["verdict"], "violation");
    assert_eq!(only["direction"], "from-device");
    assert_eq!(only["packets"], 1);
    assert_eq!(only["because"], "no entry names this remote");
    let told = program::phonehome(&[
        "mud",
        "check",
        file.to_str().unwrap(),
        camera().to_str().unwrap(),
        second.to_str().unwrap(),
        "--device",
        CAMERA,
    ]);
    assert!(told.text().contains("not allowed: udp to 198.51.100.77 port 4444"), "{}", told.text());
    assert!(told.text().contains("1, 1 of file 2"), "{}", told.text());
}

/// Somebody begins a connection with a port of the recorder.
fn asked(from: u32, port: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let macs = [generated::ROUTER, [0, 0, 0x5e, 0, 0x53, 0x50]];
    let packet = |_: u64, frame: &mut Vec<u8>| {
        let segment = generated::tcp([40_000, port], 9, 2, b"");
        generated::ipv4(frame, macs, [from, 0xc0a8_4d96], 6, [1, 0], &segment);
        1_795_950_000_000_000
    };
    generated::Generated::new(1, packet).read_to_end(&mut bytes).unwrap();
    bytes
}

/// A service of the recorder that a neighbour used is open to neighbours, at its port, and to nobody
/// else.
#[test]
fn what_neighbours_may_is_for_neighbours_and_for_its_port() {
    const RECORDER: &str = "00:00:5e:00:53:50";
    let folder = tempfile::tempdir().unwrap();
    let (file, second) = (folder.path().join("mud.json"), folder.path().join("asked.pcap"));
    let capture = places::of_project("captures/checks/recorder.pcap");
    let made = generate(&capture, RECORDER, &file);
    assert!(made.to_string().contains("\"ietf-mud:mud\":{\"local-networks\":[null]}"), "{made:#}");
    let (neighbour, stranger) = (0xc0a8_4d1e, 0xc633_644d);
    for (from, port, because) in [
        (neighbour, 23, None),
        (neighbour, 4444, Some("but it is for another port")),
        (stranger, 23, Some("no entry names this remote")),
    ] {
        std::fs::write(&second, asked(from, port)).unwrap();
        let (code, result) = check(&file, &[&capture, &second], RECORDER);
        let violations = rows(&result["violations"]);
        assert_eq!(code, Some(i32::from(because.is_some())), "{from:x} {port}: {result:#}");
        assert_eq!(violations.len(), usize::from(because.is_some()), "{result:#}");
        if let Some(because) = because {
            let said = violations[0]["because"].as_str().unwrap();
            assert!(said.contains(because), "{from:x} {port}: {said}");
            assert_eq!(violations[0]["direction"], "to-device");
        }
    }
}

#[test]
fn nearest_entries_are_named_and_what_is_not_understood_decides_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mud.json");
    let mut made = generate(&camera(), CAMERA, &file);
    let text = serde_json::to_string(&made).unwrap();
    std::fs::write(&file, text.replace("\"port\":8554", "\"port\":8555")).unwrap();
    let (code, result) = check(&file, &[&camera()], CAMERA);
    assert_eq!((code, rows(&result["violations"]).len()), (Some(1), 2));
    let because = result["violations"][0]["because"].as_str().unwrap();
    assert!(because.contains("comes nearest, but it is for another port"), "{because}");
    for acl in made["ietf-access-control-list:acls"]["acl"].as_array_mut().unwrap() {
        for ace in acl["aces"]["ace"].as_array_mut().unwrap() {
            if ace["matches"]["tcp"]["destination-port"]["port"] == 8554 {
                ace["matches"]["tcp"]["flags"] = "syn".into();
            }
        }
    }
    std::fs::write(&file, made.to_string()).unwrap();
    let (code, result) = check(&file, &[&camera()], CAMERA);
    assert_eq!((code, rows(&result["violations"]).len()), (Some(3), 1), "{result:#}");
    assert_eq!(result["violations"][0]["verdict"], "not-decided");
    for (text, said) in [
        ("{", "is not JSON"),
        ("{}", "has no member ietf-mud:mud"),
        ("{\"ietf-mud:mud\":{\"mud-version\":2}}", "mud-version is not 1"),
    ] {
        std::fs::write(&file, text).unwrap();
        let outcome = program::phonehome(&[
            "mud",
            "check",
            file.to_str().unwrap(),
            camera().to_str().unwrap(),
            "--device",
            CAMERA,
        ]);
        assert_eq!(outcome.code, Some(2));
        assert!(
            outcome.stderr.contains(said) && outcome.stderr.contains("mud.json"),
            "{}",
            outcome.stderr
        );
    }
}
