//! Damaged and foreign input: one clear line with file, offset and reason; what precedes the
//! damage is analysed; the exit code is the documented one.

use phonehome::source::FileSource;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

const GOOD: &str = "captures/canary.pcap";

fn bundled(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

fn phonehome() -> Command {
    Command::new(env!("CARGO_BIN_EXE_phonehome"))
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Folder {
        Folder(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }
}

fn analyze(path: &Path) -> Output {
    phonehome().args(["analyze", "--json"]).arg(path).output().unwrap()
}

fn frames(output: &Output) -> u64 {
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    document["inputs"][0]["frames"].as_u64().unwrap()
}

fn complaint(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    assert!(text.starts_with("phonehome: "), "{text}");
    text
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn nothing_readable_is_exit_code_4() {
    let folder = Folder::new();
    let good = bundled(GOOD);
    for (name, bytes, reason) in [
        ("text", &b"this is not a capture"[..], "neither pcap nor pcapng"),
        ("png", b"\x89PNG\r\n\x1a\n....", "neither pcap nor pcapng"),
        ("empty", b"", "empty"),
        ("tiny", b"\xd4\xc3", "cut short"),
        ("header", &good[..20], "cut short"),
        ("gz", &gzip(b"not a capture")[..], "neither pcap nor pcapng"),
    ] {
        let output = analyze(&folder.file(name, bytes));
        assert_eq!(output.status.code(), Some(4), "{name}");
        let text = complaint(&output);
        assert!(text.contains(reason) && text.contains("offset 0"), "{name}: {text}");
        assert!(text.contains(name), "{name}: {text}");
    }
    let missing = analyze(&folder.0.path().join("missing"));
    assert_eq!(missing.status.code(), Some(4));
    assert!(complaint(&missing).contains("No such file"));
    let directory = analyze(folder.0.path());
    assert_eq!(directory.status.code(), Some(4));
    assert!(complaint(&directory).contains("directory"));
}

#[test]
fn damage_keeps_what_precedes_it() {
    let folder = Folder::new();
    let good = bundled(GOOD);
    let mut long = good.clone();
    // The captured length of the last record.
    let last = good.len() - 54 - 16;
    long[last + 8..last + 12].copy_from_slice(&u32::MAX.to_le_bytes());
    let packed = gzip(&good);
    // Longer than one block of the compressor, so that a cut leaves something.
    let long_capture = [&good[..24], &good[24..].repeat(1000)].concat();
    let zstd = zstd::encode_all(&long_capture[..], 3).unwrap();
    let camera = bundled("captures/camera.pcapng");
    for (name, bytes, reason) in [
        ("cut.pcap", &good[..good.len() - 3], "a record is cut short"),
        ("long.pcap", &long[..], "claims 4294967295 bytes"),
        ("cut.pcap.gz", &packed[..packed.len() - 30], ""),
        ("cut.pcap.zst", &zstd[..zstd.len() - 30], ""),
        ("cut.pcapng", &camera[..camera.len() - 7], "a block is cut short"),
    ] {
        let output = analyze(&folder.file(name, bytes));
        assert_eq!(output.status.code(), Some(3), "{name}");
        let text = complaint(&output);
        assert!(text.contains(name) && text.contains("offset ") && text.contains(reason), "{text}");
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(document["coverage"]["complete"], false);
        assert!(document["inputs"][0]["damage"]["offset"].as_u64().unwrap() > 0);
        assert!(document["inputs"][0]["sha256"].is_string(), "{name}: the hash is of the file");
        if reason.contains("record") {
            assert_eq!(frames(&output), 6, "{name}");
        }
    }
}

#[test]
fn an_empty_capture_is_not_a_clean_device() {
    let folder = Folder::new();
    let output = analyze(&folder.file("none.pcap", &bundled(GOOD)[..24]));
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(frames(&output), 0);
}

/// Cut at every byte: exactly the records that are whole, and the damage told unless the cut is
/// between records.
#[test]
fn every_truncation_gives_the_good_prefix() {
    let folder = Folder::new();
    for name in [GOOD, "captures/sensor.pcapng"] {
        let good = bundled(name);
        let ends = record_ends(&good);
        for length in (24..good.len()).step_by(if name == GOOD { 1 } else { 7 }) {
            let path = folder.file("cut", &good[..length]);
            let Ok(mut source) = FileSource::open(&path, false) else {
                assert!(length < 200, "{name} cut at {length} cannot be opened");
                continue;
            };
            let mut count = 0;
            while source.next_frame().is_some() {
                count += 1;
            }
            let whole = ends.iter().filter(|(end, is_frame)| *end <= length && *is_frame).count();
            assert_eq!(count, whole, "{name} cut at {length}");
            let between = length == 24 || ends.iter().any(|(end, _)| *end == length);
            assert_eq!(source.finish().damage.is_none(), between, "{name} cut at {length}");
        }
    }
}

/// Where records end, and whether they are frames, read independently of the code under test.
fn record_ends(bytes: &[u8]) -> Vec<(usize, bool)> {
    let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let mut ends = Vec::new();
    let pcapng = bytes.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]);
    let mut at = if pcapng { 0 } else { 24 };
    while at < bytes.len() {
        let (length, is_frame) =
            if pcapng { (word(at + 4), word(at) == 6) } else { (16 + word(at + 8), true) };
        at += length;
        ends.push((at, is_frame));
    }
    ends
}

#[test]
fn standard_input_is_read_like_a_file() {
    let good = bundled(GOOD);
    for (bytes, code) in
        [(good.clone(), 0), (gzip(&good), 0), (good[..300].to_vec(), 3), (vec![], 4)]
    {
        let mut child = phonehome()
            .args(["analyze", "--json", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(&bytes).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(code));
    }
}

#[test]
fn missing_knowledge_is_told_and_counts_as_incomplete() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOOD);
    for (flag, said) in [("--no-geo", "no database"), ("--no-signatures", "no signatures")] {
        let output = phonehome().args(["analyze", flag]).arg(&path).output().unwrap();
        assert_eq!(output.status.code(), Some(3), "{flag}");
        assert!(String::from_utf8(output.stdout).unwrap().contains(said), "{flag}");
    }
}

#[test]
fn gates_and_usage() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let code = |arguments: &[&str]| {
        phonehome().current_dir(root).args(arguments).output().unwrap().status.code().unwrap()
    };
    let camera = "captures/camera.pcapng";
    assert_eq!(code(&["analyze", camera, "--quiet"]), 0);
    assert_eq!(code(&["analyze", camera, "--quiet", "--fail-on", "high"]), 1);
    assert_eq!(code(&["analyze", "captures/sensor.pcapng", "--quiet", "--fail-on", "low"]), 0);
    assert_eq!(code(&["analyze", camera, "--quiet", "--fail-on", "worst"]), 2);
    assert_eq!(code(&["analyze", camera, "--device", "nonsense"]), 2);
    assert_eq!(code(&["analyze"]), 2);
    assert_eq!(code(&["analyze", camera, "--geo", "README.md"]), 2);
    // 3 wins over 1, and the gate keeps its own result.
    let arguments = ["analyze", camera, "--json", "--no-geo", "--fail-on", "high"];
    let output = phonehome().current_dir(root).args(arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["gate"]["result"], "fail");
}

#[test]
fn a_closed_pipe_is_a_normal_end() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for arguments in [&["analyze", "--json"][..], &["analyze"], &["flows"]] {
        let mut child = phonehome()
            .args(arguments)
            .arg(root.join("captures/camera.pcapng"))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert_eq!(output.stderr, b"", "{arguments:?}");
    }
}
