//! Redacted copies: what is withheld is gone, what stays proves itself, to us and to Python.

mod common;

use common::program::said as run;
use phonehome::redaction;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn capture(name: &str) -> String {
    format!("{}/captures/{name}", env!("CARGO_MANIFEST_DIR"))
}

fn sealed() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    run(at, &["key", "new", "lab.key"], 0);
    let captures = [capture("camera.pcapng"), capture("meter.pcap")];
    run(at, &["case", "import", &captures[0], &captures[1], "--case", "one"], 0);
    run(at, &["case", "seal", "one", "--key", "lab.key"], 0);
    folder
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// What the commands in the copy say; nothing where a program is missing.
fn foreign(copy: &Path) -> Option<bool> {
    for program in ["minisign", "python3"] {
        if Command::new(program).arg("-v").output().is_err() {
            eprintln!("skipped: {program} is not installed");
            return None;
        }
    }
    let text = fs::read_to_string(copy.join("VERIFY.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let commands = lines.fold(String::new(), |all, line| all + line + " || exit 1\n");
    let output = Command::new("sh").args(["-c", &commands]).current_dir(copy).output().unwrap();
    Some(output.status.success())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn what_stays_proves_itself_and_what_does_not_is_gone() {
    let folder = sealed();
    let at = folder.path();
    let key = fs::read_to_string(at.join("lab.key.pub")).unwrap();
    let key = key.lines().last().unwrap();
    let secret = "ZXhlbXBsYS1jYW0"; // What HTTP Basic sends of this camera's user name.
    let original = fs::read(capture("camera.pcapng")).unwrap();
    for profile in ["headers", "cited", "cited-payload"] {
        run(at, &["case", "redact", "one-sealed", "-o", profile, "--profile", profile], 0);
        let told = run(at, &["case", "verify", profile, "--key", key], 0);
        assert!(told.contains("of 550 frames is what was sealed"), "{told}");
        assert_ne!(foreign(&at.join(profile)), Some(false), "{profile}");
        // Readable secrets stay behind in every profile, whatever cites them.
        let authorization = b"Authorization: Basic ";
        assert!(contains(&original, authorization));
        for file in files(&at.join(profile)) {
            let bytes = fs::read(&file).unwrap();
            assert!(!contains(&bytes, authorization), "{profile}: {}", file.display());
            assert!(!contains(&bytes, secret.as_bytes()), "{profile}: {}", file.display());
        }
    }
    // Nothing that was said is left where only headers stay.
    for said in [&b"exempla-vision"[..], b"HTTP/1.1", b"RTSP/1.0"] {
        assert!(contains(&original, said), "{said:?}");
        for file in files(&at.join("headers")) {
            assert!(!contains(&fs::read(&file).unwrap(), said), "{said:?}: {}", file.display());
        }
    }
    // Frames keep their numbers.
    let told = run(at, &["count", "headers/captures/000001.pcapng"], 0);
    assert!(told.contains("453"), "{told}");
    let with = ["--profile", "cited", "--finding", "cred.cleartext", "--with-secrets"];
    run(at, &[&["case", "redact", "one-sealed", "-o", "with"][..], &with].concat(), 0);
    let bytes = fs::read(at.join("with/captures/000001.pcapng")).unwrap();
    assert!(contains(&bytes, b"Authorization: Basic "));
}

#[test]
fn every_change_is_found() {
    let folder = sealed();
    let at = folder.path();
    run(at, &["case", "redact", "one-sealed", "-o", "copy", "--profile", "cited-payload"], 0);
    let copy = at.join("copy");
    assert!(redaction::check(&copy, None).is_ok());
    let mut seed = 7u64;
    for path in files(&copy) {
        let whole = fs::read(&path).unwrap();
        for round in 0..60 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let byte = (seed >> 33) as usize % whole.len();
            let mut changed = whole.clone();
            if round % 6 == 5 {
                changed.truncate(byte);
            } else {
                changed[byte] ^= 1 << (seed % 8);
            }
            fs::write(&path, &changed).unwrap();
            let found = redaction::check(&copy, None);
            assert!(found.is_err() || is_told_nowhere(&path, &whole, byte), "{path:?} {byte}");
        }
        fs::remove_file(&path).unwrap();
        assert!(redaction::check(&copy, None).is_err(), "{path:?} removed");
        fs::write(&path, &whole).unwrap();
    }
    assert!(redaction::check(&copy, None).is_ok());
    fs::write(copy.join("captures/more.txt"), "x").unwrap();
    assert!(redaction::check(&copy, None).is_err());
}

/// In a capture, what stands around packets (comments, names of interfaces, padding) says nothing of
/// them and is proved by nothing.
fn is_told_nowhere(path: &Path, whole: &[u8], at: usize) -> bool {
    if path.extension().is_none_or(|extension| extension != "pcapng") {
        return false;
    }
    let word = |at: usize| u32::from_le_bytes(whole[at..at + 4].try_into().unwrap());
    let mut block = 0;
    while block + word(block + 4) as usize <= at {
        block += word(block + 4) as usize;
    }
    let padding = block + 28 + word(block + 20) as usize..block + word(block + 4) as usize;
    word(block) != 6 || padding.contains(&at)
}
