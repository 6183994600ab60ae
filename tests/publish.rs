//! What a publication would give away, and findings over several cases.

mod common;

use common::program::printed as run;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn capture(name: &str) -> String {
    format!("{}/captures/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn check(folder: &Path, arguments: &[&str], code: i32) -> Value {
    let all = [&["case", "publish", "--json", "--check"][..], arguments].concat();
    serde_json::from_str(&run(folder, &all, code)).unwrap()
}

/// Values of a kind.
fn found<'a>(checked: &'a Value, kind: &str) -> Vec<&'a str> {
    let all = checked["found"].as_array().unwrap().iter();
    all.filter(|found| found["kind"] == kind).map(|f| f["value"].as_str().unwrap()).collect()
}

/// Sender and its port, receiver and its port, payload.
type Datagram<'a> = ([u8; 4], u16, [u8; 4], u16, &'a [u8]);

/// UDP datagrams in a classic capture.
fn pcap(datagrams: &[Datagram<'_>]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend([0xff, 0xff, 0, 0, 1, 0, 0, 0]);
    for (from, from_port, to, to_port, payload) in datagrams {
        let length = payload.len() as u16;
        let mut frame = vec![0, 0, 0x5e, 0, 0x53, 1, 0, 0, 0x5e, 0, 0x53, 2, 8, 0];
        frame.extend([0x45, 0]);
        frame.extend((length + 28).to_be_bytes());
        frame.extend([0, 1, 0, 0, 64, 17, 0, 0]);
        frame.extend([&from[..], to].concat());
        frame.extend(from_port.to_be_bytes());
        frame.extend(to_port.to_be_bytes());
        frame.extend((length + 8).to_be_bytes());
        frame.extend([0, 0]);
        frame.extend(*payload);
        file.extend([1, 0, 0, 0, 0, 0, 0, 0]);
        file.extend([(frame.len() as u32).to_le_bytes(); 2].concat());
        file.extend(frame);
    }
    file
}

#[test]
fn a_capture_tells_of_its_device_and_neighbours_and_secrets_are_masked() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let camera = capture("camera.pcapng");
    let checked = check(at, &[&camera, "--device", "00:00:5e:00:53:10"], 1);
    assert_eq!(checked["complete"], true, "{checked}");
    assert!(found(&checked, "unit_mac").contains(&"00:00:5e:00:53:10"));
    let neighbours = found(&checked, "neighbour_mac");
    assert!(!neighbours.is_empty() && !neighbours.contains(&"00:00:5e:00:53:10"));
    assert!(found(&checked, "mac").is_empty());
    let secrets = found(&checked, "credential");
    assert!(!secrets.is_empty());
    assert!(
        secrets.iter().all(|secret| secret.starts_with("user c*** (8 bytes), secret of 12")),
        "{secrets:?}"
    );
    assert!(checked["warnings"][0].as_str().unwrap().contains("its own logs"));
    // Without the unit, nobody is called a neighbour.
    let checked = check(at, &[&camera], 1);
    assert!(found(&checked, "neighbour_mac").is_empty());
    assert!(found(&checked, "mac").contains(&"00:00:5e:00:53:10"));
    let text = run(at, &["case", "publish", "--check", &camera], 1);
    assert!(text.contains("Not looked for:") && text.contains("frame "), "{text}");
    // A unit that is not there is no reason to call all others neighbours.
    let checked = check(at, &[&camera, "--device", "10.99.99.99"], 3);
    assert!(found(&checked, "neighbour_mac").is_empty());
}

#[test]
fn addresses_of_the_place_are_found_and_a_damaged_file_is_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (device, server, router) = ([10, 0, 0, 5], [192, 0, 2, 1], [10, 0, 0, 1]);
    let mut stun = b"\x01\x01\0\x0c\x21\x12\xa4\x42abcdefghijkl\0\x20\0\x08\0\x01\0\0".to_vec();
    stun.extend([198 ^ 0x21, 51 ^ 0x12, 100 ^ 0xa4, 7 ^ 0x42]);
    let upnp = b"<NewExternalIPAddress>203.0.113.9</NewExternalIPAddress>{\"ssid\":\"x\x1b[31m\"}";
    let nat = [0, 128, 0, 0, 0, 0, 0, 9, 203, 0, 113, 5];
    let mut file = pcap(&[
        (server, 3478, device, 50_000, &stun),
        (router, 1900, device, 50_001, upnp),
        (router, 5351, device, 50_002, &nat),
    ]);
    fs::write(at.join("a.pcap"), &file).unwrap();
    let checked = check(at, &["a.pcap"], 1);
    assert_eq!(found(&checked, "public_address"), ["198.51.100.7", "203.0.113.5", "203.0.113.9"]);
    assert_eq!(found(&checked, "ssid"), ["x\\x1b[31m"]);
    let first = &checked["found"][0];
    assert_eq!(first["frames"], serde_json::json!([{"input": 1, "frame": 1}]));
    assert!(!run(at, &["case", "publish", "--check", "a.pcap"], 1).contains('\x1b'));
    file.truncate(file.len() - 3);
    fs::write(at.join("a.pcap"), &file).unwrap();
    let checked = check(at, &["a.pcap"], 3);
    assert_eq!(checked["complete"], false);
    assert!(!found(&checked, "public_address").is_empty());
    // Nothing in it: nothing is found, and what that means is said.
    fs::write(at.join("empty.pcap"), pcap(&[])).unwrap();
    let text = run(at, &["case", "publish", "--check", "empty.pcap"], 0);
    assert!(text.contains("That is not all that can identify somebody"), "{text}");
    run(at, &["case", "publish", "--check", "none.pcap"], 4);
    run(at, &["case", "publish", "--check", "."], 4);
    run(at, &["case", "publish", "--check", "-"], 2);
}

#[test]
fn texts_of_a_case_are_told_and_a_redacted_copy_tells_less() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    run(at, &["key", "new", "lab.key"], 0);
    run(at, &["case", "import", &capture("camera.pcapng"), "--case", "one"], 0);
    run(at, &["case", "note", "one", "handed over by \x1b[31mAnna", "--key", "lab.key"], 0);
    let checked = check(at, &["one"], 1);
    assert_eq!(checked["form"], "case");
    assert!(found(&checked, "case_text").contains(&"handed over by \\x1b[31mAnna"));
    run(at, &["case", "seal", "one", "--key", "lab.key"], 0);
    run(at, &["case", "redact", "one-sealed", "-o", "headers"], 0);
    let sealed = check(at, &["one-sealed"], 1);
    assert_eq!(sealed["form"], "sealed case");
    let key = fs::read_to_string(at.join("lab.key.pub")).unwrap();
    let key = key.lines().last().unwrap();
    assert!(found(&sealed, "signing_key").contains(&key));
    let redacted = check(at, &["headers"], 1);
    assert_eq!(redacted["form"], "redacted copy");
    assert!(found(&redacted, "case_text").is_empty());
    assert!(!found(&sealed, "credential").is_empty());
    assert!(found(&redacted, "credential").is_empty());
    assert!(found(&redacted, "signing_key").contains(&key));
    assert!(!found(&redacted, "mac").is_empty(), "headers stay");
    // What is plain in an attachment is read; nobody looks into what is packed.
    fs::write(at.join("receipt.txt"), "bought by anna@home.example for 00-00-5e-00-53-10").unwrap();
    run(at, &["case", "attach", "one", "receipt.txt", "--key", "lab.key"], 0);
    let checked = check(at, &["one"], 1);
    assert!(found(&checked, "case_text").contains(&"receipt.txt"));
    assert!(found(&checked, "account").contains(&"anna@home.example"));
    fs::write(at.join("receipt.pdf"), b"%PDF-1.7 \xff\xfe").unwrap();
    run(at, &["case", "attach", "one", "receipt.pdf", "--key", "lab.key"], 0);
    let checked = check(at, &["one"], 3);
    assert!(checked["incomplete_because"][0].as_str().unwrap().contains("attachments/002.pdf"));
}

#[test]
fn findings_are_replicated_where_a_case_could_show_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (camera, meter) = (capture("camera.pcapng"), capture("meter.pcap"));
    run(at, &["case", "import", &camera, "--case", "one"], 0);
    run(at, &["case", "import", &meter, "--case", "two"], 0);
    // A second unit: the same conversations from another address.
    let second = fs::read(&camera).unwrap();
    let unit = [0, 0, 0x5e, 0, 0x53, 0x10];
    let mut changed = second.clone();
    for start in 0..second.len() - 6 {
        if second[start..start + 6] == unit {
            changed[start + 5] = 0x77;
        }
    }
    fs::write(at.join("second.pcapng"), changed).unwrap();
    run(at, &["case", "import", "second.pcapng", "--case", "three"], 0);
    let all = ["case", "replicate", "one", "two", "three", "--json"];
    let told: Value = serde_json::from_str(&run(at, &all, 0)).unwrap();
    let findings = told["findings"].as_array().unwrap();
    let of = |id: &str| findings.iter().find(|finding| finding["id"] == id).unwrap();
    let secret = of("cred.cleartext");
    assert_eq!(secret["found_in"], 2, "{secret}");
    assert_eq!(secret["cases"], 3);
    let results: Vec<&str> =
        (0..3).map(|n| secret["answers"][n]["result"].as_str().unwrap()).collect();
    assert_eq!([results[0], results[2]], ["found", "found"]);
    assert_ne!(results[1], "found");
    assert_eq!(results[1] == "not_comparable", secret["answers"][1]["because"].is_array());
    assert_eq!(secret["comparable"], if results[1] == "not_found" { 3 } else { 2 });
    let text = run(at, &["case", "replicate", "one", "three"], 0);
    assert!(text.contains(": found in 2 of 2 cases"), "{text}");
    // One capture twice replicates nothing, and a broken case is no witness.
    run(at, &["case", "import", &camera, "--case", "again"], 0);
    run(at, &["case", "replicate", "one", "again"], 2);
    run(at, &["case", "replicate", "one"], 2);
    let segment = at.join("three/segments/000001.received.pcapng");
    let mut bytes = fs::read(&segment).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&segment, bytes).unwrap();
    run(at, &["case", "replicate", "one", "three"], 5);
}
