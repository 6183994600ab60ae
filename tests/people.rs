//! What people said of a case, names of devices and reviews of findings, stands wherever the case is
//! shown.

mod common;

use common::program::{in_folder, printed, said};
use phonehome::case::clock::Clocks;
use phonehome::case::journal::{Event, Journal};
use phonehome::case::key::RunKey;
use phonehome::case::{layout, tree};
use serde_json::Value;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

const DEVICE: &str = "mac:00:00:5e:00:53:10";
const FINDING: &str = "cred.cleartext";

fn capture(name: &str) -> String {
    format!("{}/captures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A case in which the camera has a name.
fn labelled(case: &Path) {
    let camera = capture("camera.pcapng");
    let (bytes, sha256) = tree::hash(Path::new(&camera)).unwrap();
    let segment = layout::received_name(0, &camera);
    fs::create_dir_all(layout::segments(case)).unwrap();
    fs::copy(&camera, layout::segments(case).join(&segment)).unwrap();
    let key = RunKey::generate().unwrap();
    let public_key = key.public();
    let mut journal = Journal::create(layout::journal(case), key).unwrap();
    let mut add = |event| journal.add(&Clocks::now(), event).map(drop).unwrap();
    add(Event::Begin {
        journal: 1,
        tool: "test".to_owned(),
        host: String::new(),
        system: String::new(),
        interfaces: Vec::new(),
        filter: String::new(),
        snap_length: 0,
        public_key,
        protections: Vec::new(),
        custody: String::new(),
    });
    add(Event::Imported {
        segment: segment.clone(),
        name: "camera.pcapng".to_owned(),
        bytes,
        sha256,
        statement: String::new(),
    });
    add(Event::Sealed { segment });
    add(Event::Label { device: DEVICE.to_owned(), label: "hall camera".to_owned() });
    add(Event::End { reason: "imported".to_owned() });
}

/// With a finding that somebody has confirmed, and its key.
fn reviewed() -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    labelled(&at.join("case"));
    let before: Value = in_folder(at, &["analyze", "case", "--json"]).json();
    let findings = before["findings"].as_array().unwrap();
    let finding = findings.iter().find(|finding| finding["id"] == FINDING).unwrap();
    let key = finding["key"].as_str().unwrap().to_owned();
    said(at, &["key", "new", "lab.key"], 0);
    let review = ["case", "review", "case", &key, "--as", "confirmed", "--because", "seen twice"];
    said(at, &[&review[..], &["--key", "lab.key"]].concat(), 0);
    (folder, key)
}

/// Both stand in a text.
fn tells(command: &str, text: &str) {
    for wanted in ["hall camera", "confirmed", "seen twice"] {
        assert!(text.contains(wanted), "{command}: no {wanted:?} in {text}");
    }
}

#[test]
fn names_and_reviews_stand_in_every_output() {
    let (folder, key) = reviewed();
    let at = folder.path();
    let summary = printed(at, &["analyze", "case"], 0);
    tells("analyze", &summary);
    assert!(!summary.contains("nobody has reviewed them"), "{summary}");
    tells("analyze --json", &printed(at, &["analyze", "case", "--json"], 0));
    let policy = "schema = 1\nid = \"own\"\ntitle = \"t\"\nsource = \"the buyer\"\n\
                  checked = \"2026-11-24\"\n[[rule]]\nid = \"no-secrets\"\n\
                  says = \"No readable secrets.\"\nkind = \"finding\"\ndeny = [\"cred.cleartext\"]\n";
    fs::write(at.join("own.toml"), policy).unwrap();
    let check = ["check", "case", "--policy", "own.toml"];
    tells("check", &printed(at, &check, 1));
    tells("check --json", &printed(at, &[&check[..], &["--json"]].concat(), 1));
    tells("check --junit", &{
        printed(at, &[&check[..], &["--junit", "own.xml"]].concat(), 1);
        fs::read_to_string(at.join("own.xml")).unwrap()
    });
    tells("export", &printed(at, &["export", "case", "--format", "stix"], 0));
    printed(at, &["report", "case", "-o", "case.html"], 0);
    let page = fs::read_to_string(at.join("case.html")).unwrap();
    tells("report", &page);
    assert!(!page.contains("Nobody has reviewed them"));
    let other = capture("meter.pcap");
    let compared: Value =
        serde_json::from_str(&printed(at, &["compare", "case", &other, "--json"], 0)).unwrap();
    let devices = &compared["sides"][0]["runs"][0]["devices"];
    assert_eq!(devices[0], format!("hall camera ({DEVICE})"));
    let gone = compared["pairs"][0]["gone"].as_array().unwrap();
    let finding =
        gone.iter().find(|item| item["what"].as_str().unwrap().starts_with(FINDING)).unwrap();
    assert_eq!(finding["note"], "reviewed in the first: confirmed", "{key}");
    let text = printed(at, &["compare", "case", &other], 0);
    assert!(text.contains("hall camera") && text.contains("reviewed in the first: confirmed"));
}

#[test]
fn a_name_on_the_command_line_is_the_latest_word() {
    let (folder, _) = reviewed();
    let at = folder.path();
    let device = ["--device", "door=00:00:5e:00:53:10"];
    let shown = printed(at, &[&["analyze", "case", "--json"][..], &device].concat(), 0);
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["devices"][0]["label"], "door");
    let check = ["check", "case", "--policy", "local-only", "--json"];
    let checked = printed(at, &[&check[..], &device].concat(), 1);
    assert!(checked.contains("\"device_name\": \"door\""), "{checked}");
}
