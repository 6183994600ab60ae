//! What a finding cites is found in the sealed case by hand: bytes by tail, head and sha256sum, frames of
//! the extract by tshark.

mod common;

use common::program::said;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

fn shell(folder: &Path, line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

#[test]
fn what_findings_cite_is_found_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let captures = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    said(at, &["key", "new", "lab.key"], 0);
    // One of three formats each.
    let camera = captures.join("camera.pcapng").display().to_string();
    let meter = captures.join("meter.pcap").display().to_string();
    let packed = captures.join("gateway.pcap").display().to_string();
    shell(at, &format!("gzip -c {packed} > gateway.pcap.gz"));
    said(at, &["case", "import", &camera, &meter, "gateway.pcap.gz", "--case", "one"], 0);
    said(at, &["case", "seal", "one", "--key", "lab.key"], 0);
    said(at, &["case", "verify", "one-sealed"], 0);
    let data = at.join("one-sealed/data");
    let findings: Value =
        serde_json::from_slice(&fs::read(data.join("findings.json")).unwrap()).unwrap();
    let mut cited: BTreeSet<(String, String, u64, String, u64)> = BTreeSet::new();
    let names: Vec<String> = shell(&data, "ls segments").lines().map(str::to_owned).collect();
    for finding in findings["findings"].as_array().unwrap() {
        for at in finding["refs"].as_array().unwrap() {
            let segment = format!("segments/{}", names[at["input"].as_u64().unwrap() as usize]);
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let number = |field: &str| at[field].as_u64().unwrap();
            let key = text(&finding["key"]);
            cited.insert((key, segment, number("frame"), text(&at["time"]), number("length")));
        }
    }
    let table = fs::read_to_string(data.join("references.tsv")).unwrap();
    let lines: Vec<Vec<&str>> = table
        .lines()
        .filter(|line| !line.starts_with('#') && !line.starts_with("finding\t"))
        .map(|line| line.split('\t').collect())
        .collect();
    assert!(lines.len() > 20 && lines.len() == cited.len(), "{}", lines.len());
    let (mut frames, mut sizes) = (BTreeSet::new(), Vec::new());
    for line in &lines {
        let [key, number, segment, frame, time, offset, length, sha256] = line[..] else {
            panic!("{line:?}")
        };
        let unpack = if segment.ends_with(".gz") { "zcat" } else { "cat" };
        let found = shell(
            &data,
            &format!(
                "{unpack} {segment} | tail -c +$(({offset} + 1)) | head -c {length} | sha256sum"
            ),
        );
        assert_eq!(&found[..64], sha256, "{line:?}");
        assert!(
            cited.iter().any(|(k, s, f, t, _)| {
                (&**k, &**s, f.to_string(), &**t) == (key, segment, frame.to_owned(), time)
            }),
            "{line:?}"
        );
        if frames.insert(number.parse::<u64>().unwrap()) {
            sizes.push(length.to_owned());
        }
    }
    assert_eq!(frames, (1..=frames.len() as u64).collect());
    if Command::new("tshark").arg("-v").output().is_err() {
        eprintln!("skipped in part: tshark is not installed");
        return;
    }
    let told = shell(&data, "tshark -r cited.pcapng -T fields -e frame.cap_len");
    assert_eq!(told.lines().collect::<Vec<_>>(), sizes);
}
