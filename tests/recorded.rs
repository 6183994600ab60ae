//! A case that was recorded here is held by programs that know nothing of ours: every checkpoint by
//! sha256sum, every line by sha256sum and openssl, every segment by capinfos, the seal by VERIFY.txt.

#![cfg(all(target_os = "linux", feature = "live"))]

mod common;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use common::network::{Wire, run};
use common::program::said;
use common::recording::Running;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

/// What a line of a shell prints.
fn shell(folder: &Path, line: &str) -> String {
    let mut command = std::process::Command::new("sh");
    let output = command.args(["-c", line]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Holds each line of a journal against the one before it and its signature.
fn lines(at: &Path, journal: &str) -> Vec<Value> {
    let text = fs::read_to_string(at.join(journal)).unwrap();
    let all: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let public = STANDARD.decode(all[0]["public_key"].as_str().unwrap()).unwrap();
    // How RFC 8410 §4 wraps a key of Ed25519.
    let mut der = b"\x30\x2a\x30\x05\x06\x03\x2b\x65\x70\x03\x21\x00".to_vec();
    der.extend(&public);
    fs::write(at.join("run.der"), der).unwrap();
    for (number, line) in all.iter().enumerate() {
        let before = match number {
            0 => "0".repeat(64),
            _ => shell(
                at,
                &format!("sed -n {number}p {journal} | tr -d '\\n' | sha256sum | cut -c 1-64"),
            ),
        };
        assert_eq!(line["prev"], before, "line {}", number + 1);
        let signature = STANDARD.decode(line["sig"].as_str().unwrap()).unwrap();
        fs::write(at.join("line.sig"), signature).unwrap();
        let text = text.lines().nth(number).unwrap().split(",\"sig\":").next().unwrap();
        fs::write(at.join("line"), text).unwrap();
        shell(
            at,
            "openssl pkeyutl -verify -pubin -inkey run.der -keyform DER -rawin -in line -sigfile line.sig",
        );
    }
    all
}

#[test]
fn what_was_recorded_is_held_by_other_programs() {
    for program in ["openssl", "sha256sum", "capinfos", "tshark"] {
        if run(program, &["--version"]).is_none() {
            eprintln!("skipped: {program} is not installed");
            return;
        }
    }
    let Some(wire) = Wire::lay("recorded") else { return };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let case = at.join("case");
    let running = Running::start(&wire, &["--case", case.to_str().unwrap(), "--rotate-size", "1"]);
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    wire.send(&captures.join("gateway.pcap"), 3000, Some(6000));
    // Findings of its own, in a later segment: one ends with the next checkpoint.
    thread::sleep(Duration::from_millis(1500));
    wire.send(&captures.join("camera.pcapng"), 400, None);
    thread::sleep(Duration::from_millis(1500));
    let (code, _) = running.stop();
    // 3 where packets were lost, which is told.
    assert!(matches!(code, 0 | 3), "{code}");
    let mut segments: BTreeMap<String, (String, u64, u64)> = BTreeMap::new();
    for line in lines(at, "case/journal.jsonl") {
        if line["type"] == "checkpoint" {
            let text = |field: &str| line[field].as_str().unwrap().to_owned();
            let number =
                |field: &str| line[field].as_u64().unwrap_or_else(|| text(field).parse().unwrap());
            let (segment, bytes) = (text("segment"), number("bytes"));
            let found = shell(
                at,
                &format!("head -c {bytes} case/segments/{segment} | sha256sum | cut -c 1-64"),
            );
            assert_eq!(found, text("sha256"), "{segment} up to {bytes}");
            segments.insert(segment, (found, bytes, number("packets")));
        }
    }
    assert!(segments.len() > 1, "{segments:?}");
    let mut packets = 0;
    for (name, (sha256, bytes, held)) in &segments {
        let path = format!("case/segments/{name}");
        // The last checkpoint is about the whole file.
        assert_eq!(fs::metadata(at.join(&path)).unwrap().len(), *bytes);
        let told = shell(at, &format!("capinfos -H -c -M -T -r {path}"));
        assert!(told.contains(sha256.as_str()), "{told}");
        let counted = shell(at, &format!("tshark -r {path} -T fields -e frame.number | wc -l"));
        assert_eq!(counted.trim().parse::<u64>().unwrap(), *held, "{name}");
        packets += held;
    }
    assert!(packets > 1000, "{packets}");
    said(at, &["key", "new", "lab.key"], 0);
    said(at, &["case", "seal", "case", "--key", "lab.key"], 0);
    // What the findings say that they were made from.
    let findings = fs::read(at.join("case-sealed/data/findings.json")).unwrap();
    let findings: Value = serde_json::from_slice(&findings).unwrap();
    for (input, (name, (sha256, _, held))) in
        findings["inputs"].as_array().unwrap().iter().zip(&segments)
    {
        assert_eq!(input["path"], format!("segments/{name}"));
        assert_eq!((&input["sha256"], &input["frames"]), (&json!(sha256), &json!(held)));
    }
    // What findings cite lies in the segment and frame that they name, and a copy keeps just that.
    let table = fs::read_to_string(at.join("case-sealed/data/references.tsv")).unwrap();
    let cited = findings["findings"].as_array().unwrap().iter();
    let cited: usize = cited.map(|finding| finding["refs"].as_array().unwrap().len()).sum();
    assert!(cited > 0 && table.lines().count() == 4 + cited, "{table}");
    assert!(table.lines().skip(4).any(|line| !line.contains("segments/000001.pcapng")), "{table}");
    let lengths: BTreeMap<String, Vec<String>> = segments
        .keys()
        .map(|name| {
            let fields = "-T fields -e frame.number -e frame.cap_len";
            let told = shell(at, &format!("tshark -r case/segments/{name} {fields}"));
            (format!("segments/{name}"), told.lines().map(str::to_owned).collect())
        })
        .collect();
    for line in table.lines().skip(4) {
        let [_, _, segment, frame, _, offset, length, sha256] =
            line.split('\t').collect::<Vec<_>>()[..]
        else {
            panic!("{line}")
        };
        let data = "cd case-sealed/data &&";
        let found = shell(
            at,
            &format!("{data} tail -c +$(({offset} + 1)) {segment} | head -c {length} | sha256sum"),
        );
        assert_eq!(&found[..64], sha256, "{line}");
        assert!(lengths[segment].contains(&format!("{frame}\t{length}")), "{line}");
    }
    let redact = ["case", "redact", "case-sealed", "-o", "copy", "--profile", "cited"];
    said(at, &[&redact[..], &["--with-secrets"]].concat(), 0);
    let whole: std::collections::BTreeSet<String> = table
        .lines()
        .skip(4)
        .map(|line| line.split('\t').nth(2).unwrap()["segments/".len()..].to_owned())
        .collect();
    for name in segments.keys() {
        let count = format!("tshark -r copy/captures/{name} -Y 'frame.cap_len>0' | wc -l");
        assert_eq!(shell(at, &count) != "0", whole.contains(name), "{name}");
    }
    if run("minisign", &["-v"]).is_none() {
        eprintln!("skipped in part: minisign is not installed");
        return;
    }
    // All commands, those of Wireshark too, as they stand.
    let text = fs::read_to_string(at.join("case-sealed/VERIFY.txt")).unwrap();
    let commands: Vec<&str> =
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(commands.len() <= 12, "{commands:?}");
    for command in commands {
        shell(&at.join("case-sealed"), &format!("{command}\ntest $? = 0"));
    }
}
