//! Damaged and wrong input: the exit code tells which, one line tells where and why, and what
//! comes before the damage is in the result.

mod common;

use common::program::{Outcome, command, outcome, phonehome, phonehome_fed, said};
use common::{none, places};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;

const DONE: i32 = 0;
const FOUND: i32 = 1;
const USAGE: i32 = 2;
const PARTIAL: i32 = 3;
const NOTHING_READ: i32 = 4;

/// A capture with few frames.
fn meter() -> Vec<u8> {
    fs::read(places::of_project("captures/meter.pcap")).unwrap()
}

fn sensor() -> Vec<u8> {
    fs::read(places::of_project("captures/sensor.pcapng")).unwrap()
}

/// A pcap file header, then records of six zero bytes.
fn pcap(records: usize) -> Vec<u8> {
    let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([0, 0, 4, 0, 1, 0, 0, 0]);
    for _ in 0..records {
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 6, 0, 0, 0]);
        bytes.extend([0; 6]);
    }
    bytes
}

/// So long that a compressor makes several blocks of it.
fn long() -> Vec<u8> {
    let mut bytes = pcap(LONG_RECORDS);
    for (index, record) in bytes[24..].chunks_exact_mut(22).enumerate() {
        let noise = (index as u32).wrapping_mul(0x9e37_79b1).to_le_bytes();
        record[16..20].copy_from_slice(&noise);
    }
    bytes
}

const LONG_RECORDS: usize = 20_000;

fn with(mut bytes: Vec<u8>, more: &[u8]) -> Vec<u8> {
    bytes.extend_from_slice(more);
    bytes
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn half(bytes: Vec<u8>) -> Vec<u8> {
    bytes[..bytes.len() / 2].to_vec()
}

struct Bad {
    name: &'static str,
    bytes: Vec<u8>,
    code: i32,
    /// Must stand in the one line on standard error.
    says: &'static [&'static str],
    /// Frames before the damage; `None`: some but not all.
    frames: Option<u64>,
}

/// Damaged and wrong files. An offset is a place after decompression.
fn bad_files() -> Vec<Bad> {
    let bad = |name, bytes, code, says, frames| Bad { name, bytes, code, says, frames };
    let absurd = [0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f, 0xff, 0xff, 0xff, 0x7f];
    let sensor_then = |more: &[u8]| with(sensor(), more);
    let text = b"Not a capture, only text.\n".to_vec();
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec();
    let zstd = zstd::encode_all(&long()[..], 3).unwrap();
    let garbage = with(vec![0x1f, 0x8b, 8, 0], &[0xff; 60]);
    vec![
        bad("text", text, NOTHING_READ, &["offset 0", "neither pcap nor pcapng"], Some(0)),
        bad("png", png, NOTHING_READ, &["offset 0", "neither pcap nor pcapng"], Some(0)),
        bad("empty", Vec::new(), NOTHING_READ, &["offset 0", "empty"], Some(0)),
        bad("a cut file header", pcap(0)[..20].to_vec(), NOTHING_READ, &["cut short"], Some(0)),
        bad("only a file header", pcap(0), PARTIAL, &[], Some(0)),
        bad("a cut record", with(pcap(2), &[0; 9]), PARTIAL, &["offset 68", "cut short"], Some(2)),
        bad("an absurd length", with(pcap(2), &absurd), PARTIAL, &["offset 68"], Some(2)),
        bad(
            "a block of wrong length",
            sensor_then(&[6, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0]),
            PARTIAL,
            &["offset 10896", "length of 3 bytes"],
            Some(66),
        ),
        bad("half a gzip", half(gzip(&long())), PARTIAL, &["offset "], None),
        bad("half a zstd", half(zstd), PARTIAL, &["offset "], None),
        bad("a packed text", gzip(b"text"), NOTHING_READ, &["neither pcap nor pcapng"], Some(0)),
        bad("gzip garbage", garbage, NOTHING_READ, &["offset 0"], Some(0)),
    ]
}

/// Whether an outcome is what a bad file promises; `file` is what the user named.
fn complaint(bad: &Bad, file: &str, outcome: &Outcome) -> Option<String> {
    let wrong = |why: String| Some(format!("{} as {file}: {why}", bad.name));
    if outcome.code != Some(bad.code) {
        return wrong(format!("exit {:?}, not {}: {}", outcome.code, bad.code, outcome.stderr));
    }
    let lines: Vec<&str> = outcome.stderr.lines().collect();
    // A capture without frames is not damaged: the result says that it is empty.
    if !bad.says.is_empty() {
        let told = |line: &str| {
            line.starts_with(&format!("phonehome: {file}: "))
                && bad.says.iter().all(|s| line.contains(s))
        };
        if lines.len() != 1 || !told(lines[0]) {
            return wrong(format!("says {lines:?}, without {:?}", bad.says));
        }
    }
    if bad.code == NOTHING_READ {
        return if outcome.stdout.is_empty() { None } else { wrong("prints a result".to_owned()) };
    }
    let document = outcome.json();
    let frames = document["coverage"]["frames"]["total"].as_u64().unwrap();
    let right = match bad.frames {
        Some(expected) => frames == expected,
        None => frames > 0 && frames < LONG_RECORDS as u64,
    };
    if !right {
        return wrong(format!("{frames} frames, not {:?}", bad.frames));
    }
    let coverage = &document["coverage"];
    if coverage["complete"] != false
        || coverage["incomplete_because"].as_array().unwrap().is_empty()
    {
        return wrong("the result does not say that it is partial".to_owned());
    }
    let damage = &document["inputs"][0]["damage"];
    if bad.says.is_empty() != damage.is_null() {
        return wrong(format!("the result tells this damage: {damage}"));
    }
    None
}

#[test]
fn bad_files_are_told_with_file_offset_and_reason() {
    let folder = tempfile::tempdir().unwrap();
    let mut complaints = Vec::new();
    for bad in bad_files() {
        let path = folder.path().join("bad");
        fs::write(&path, &bad.bytes).unwrap();
        let file = path.to_str().unwrap();
        complaints.extend(complaint(&bad, file, &phonehome(&["analyze", file, "--json"])));
    }
    none(&complaints);
}

#[test]
fn bad_bytes_at_standard_input_are_told_as_in_a_file() {
    let mut complaints = Vec::new();
    for bad in bad_files() {
        let outcome = phonehome_fed(&["analyze", "-", "--json"], &bad.bytes);
        complaints.extend(complaint(&bad, "-", &outcome));
    }
    none(&complaints);
}

#[test]
fn flow_records_before_the_damage_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bad");
    let whole = meter();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let outcome = phonehome(&[OsStr::new("flows"), path.as_os_str()]);
    assert_eq!(outcome.code, Some(PARTIAL));
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
    let whole =
        phonehome(&["flows".as_ref(), places::of_project("captures/meter.pcap").as_os_str()]);
    assert_eq!(outcome.text().lines().count(), whole.text().lines().count());
}

#[test]
fn the_hash_is_that_of_the_whole_file_however_damaged() {
    use sha2::Digest;
    let folder = tempfile::tempdir().unwrap();
    for bytes in [half(gzip(&long())), half(meter()), with(pcap(2), &[0xff; 300_000])] {
        let path = folder.path().join("bad");
        fs::write(&path, &bytes).unwrap();
        let outcome = phonehome(&["analyze".as_ref(), path.as_os_str(), "--json".as_ref()]);
        let hash = outcome.json()["inputs"][0]["sha256"].as_str().map(str::to_owned);
        let digest = sha2::Sha256::digest(&bytes);
        assert_eq!(hash, Some(phonehome::base::text::hex(&digest)));
    }
}

#[test]
fn what_cannot_be_opened_is_told_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing");
    for (path, why) in [(folder.path(), "directory"), (missing.as_path(), "No such file")] {
        for verb in ["analyze", "flows"] {
            let outcome = phonehome(&[OsStr::new(verb), path.as_os_str()]);
            assert_eq!(outcome.code, Some(NOTHING_READ), "{}", outcome.stderr);
            assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
            assert!(outcome.stderr.contains(path.to_str().unwrap()), "{}", outcome.stderr);
            assert!(outcome.stderr.contains(why), "{}", outcome.stderr);
        }
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_may_not_be_read_is_told_so() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("secret");
    fs::write(&path, meter()).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(&path).is_ok() {
        places::skipped("this user reads every file, whatever its permissions");
        return;
    }
    let outcome = phonehome(&[OsStr::new("analyze"), path.as_os_str()]);
    assert_eq!(outcome.code, Some(NOTHING_READ));
    assert!(outcome.stderr.contains("ermission denied"), "{}", outcome.stderr);
}

#[test]
fn wrong_usage_exits_with_2() {
    for args in [
        &["analyze"][..],
        &["analyse", "x"],
        &["analyze", "x", "--no-such-flag"],
        &["analyze", "x", "--fail-on", "terrible"],
        &["analyze", "x", "--device", "12"],
        &["analyze", "x", "--here", "Germany"],
        &["analyze", "x", "--geo", "a.mmdb", "--no-geo"],
        &["analyze", "captures/meter.pcap", "--geo", "README.md"],
        &["flows", "x", "--format", "xml"],
        &[],
    ] {
        let root = env!("CARGO_MANIFEST_DIR");
        let outcome = outcome(command(args).current_dir(root).output().unwrap());
        assert_eq!(outcome.code, Some(USAGE), "{args:?}: {}", outcome.stderr);
        assert!(outcome.stdout.is_empty(), "{args:?}");
        assert!(!outcome.stderr.is_empty(), "{args:?}");
    }
}

fn gate(args: &[&str]) -> (Option<i32>, Value) {
    let outcome = phonehome(args);
    (outcome.code, outcome.json()["gate"].clone())
}

#[test]
fn fail_on_exits_with_1_and_damage_with_3_even_then() {
    let camera = places::of_project("captures/camera.pcapng");
    let sensor = places::of_project("captures/sensor.pcapng");
    let [camera, sensor] = [camera.to_str().unwrap(), sensor.to_str().unwrap()];
    let high = |file: &str| gate(&["analyze", file, "--json", "--fail-on", "high"]);
    assert_eq!(high(camera).0, Some(FOUND));
    assert_eq!(high(camera).1["result"], "fail");
    assert_eq!(high(sensor).0, Some(DONE));
    assert_eq!(high(sensor).1["result"], "pass");
    let info = gate(&["analyze", sensor, "--json", "--fail-on", "info"]);
    assert_eq!((info.0, &info.1["fail_on"]), (Some(FOUND), &Value::from("info")));
    assert_eq!(gate(&["analyze", camera, "--json"]).1["result"], Value::Null);

    let folder = tempfile::tempdir().unwrap();
    let cut = |of: &str| {
        let bytes = fs::read(of).unwrap();
        let path = folder.path().join(Path::new(of).file_name().unwrap());
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let without = gate(&["analyze", camera, "--json", "--no-geo", "--fail-on", "high"]);
    assert_eq!((without.0, &without.1["result"]), (Some(PARTIAL), &Value::from("fail")));
    let (code, gate) = high(&cut(camera));
    assert_eq!((code, &gate["result"]), (Some(PARTIAL), &Value::from("fail")));
    let (code, gate) = high(&cut(sensor));
    assert_eq!((code, &gate["result"]), (Some(PARTIAL), &Value::from("partial")));
}

#[test]
fn without_knowledge_coverage_is_incomplete_and_says_so() {
    let camera = places::of_project("captures/camera.pcapng");
    let camera = camera.to_str().unwrap();
    for (flag, why) in [("--no-geo", "database"), ("--no-signatures", "signatures")] {
        let outcome = phonehome(&["analyze", camera, "--json", flag]);
        assert_eq!(outcome.code, Some(PARTIAL), "{flag}");
        let because = outcome.json()["coverage"]["incomplete_because"].to_string();
        assert!(because.contains(why), "{flag}: {because}");
        let summary = phonehome(&["analyze", camera, flag]);
        assert_eq!(summary.code, Some(PARTIAL), "{flag}");
        let text: Vec<&str> = summary.text().split_whitespace().collect();
        assert!(text.join(" ").contains(&format!("no {why}")), "{flag}: {}", summary.text());
    }
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_failure() {
    let camera = places::of_project("captures/camera.pcapng");
    for verb in [&["analyze"][..], &["analyze", "--json"], &["flows"]] {
        let mut args = vec![OsStr::new(verb[0]), camera.as_os_str()];
        args.extend(verb[1..].iter().map(OsStr::new));
        // The read end is closed before the program starts, so that its first write fails.
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let child = command(&args).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(DONE), "{verb:?}: {stderr}");
        assert!(stderr.is_empty(), "{verb:?}: {stderr}");
    }
}

#[test]
fn no_output_takes_the_place_of_an_input() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let camera =
        places::bundled().into_iter().find(|path| path.ends_with("camera.pcapng")).unwrap();
    let original = fs::read(&camera).unwrap();
    fs::write(at.join("a.pcapng"), &original).unwrap();
    fs::hard_link(at.join("a.pcapng"), at.join("linked")).unwrap();
    std::os::unix::fs::symlink("a.pcapng", at.join("pointed")).unwrap();
    said(at, &["case", "import", "a.pcapng", "--case", "case"], 0);
    let commands: [&[&str]; 8] = [
        &["analyze", "INPUT", "--report", "OUTPUT"],
        &["report", "INPUT", "-o", "OUTPUT"],
        &["report", "INPUT", "--pdf", "OUTPUT"],
        &["compare", "INPUT", "INPUT", "--report", "OUTPUT"],
        &["check", "INPUT", "--policy", "local-only", "--junit", "OUTPUT"],
        &["export", "INPUT", "--format", "stix", "-o", "OUTPUT"],
        &["flows", "INPUT", "-o", "OUTPUT"],
        &["extract", "INPUT", "-o", "OUTPUT", "--finding", "cred.cleartext"],
    ];
    let recorded = "case/segments/000001.received.pcapng";
    for command in commands {
        for (input, output) in [
            ("a.pcapng", "a.pcapng"),
            ("a.pcapng", "linked"),
            ("a.pcapng", "./pointed"),
            ("case", recorded),
            ("case", "case/report.html"),
        ] {
            let replaced = |word: &&str| word.replace("INPUT", input).replace("OUTPUT", output);
            let arguments: Vec<String> = command.iter().map(replaced).collect();
            let told = said(at, &arguments, 2);
            let known = ["no output replaces a capture", "lies in the case that is read"];
            assert!(known.iter().any(|known| told.contains(known)), "{arguments:?}: {told}");
        }
    }
    assert_eq!(fs::read(at.join("a.pcapng")).unwrap(), original);
    assert_eq!(fs::read(at.join(recorded)).unwrap(), original);
    assert!(!at.join("case/report.html").exists());
}
