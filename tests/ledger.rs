//! Every frame is in exactly one bucket, on every capture that can be found; the same input gives
//! the same bytes.

use std::path::{Path, PathBuf};
use std::process::Command;

fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if name != "expected" {
                found.extend(captures(&path));
            }
        } else if (name.contains(".pcap") || name.ends_with(".cap")) && !name.ends_with(".json") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn all() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = captures(&here.join("captures"));
    assert!(all.len() >= 5, "the bundled captures are missing");
    let shared = captures(&here.join("../shared/captures"));
    if shared.is_empty() {
        eprintln!("skipped: no ../shared");
    }
    all.extend(shared);
    all
}

fn run(arguments: &[&str], file: &Path) -> (i32, Vec<u8>, String) {
    let out =
        Command::new(env!("CARGO_BIN_EXE_phonehome")).args(arguments).arg(file).output().unwrap();
    let errors = String::from_utf8_lossy(&out.stderr).into_owned();
    (out.status.code().expect("not killed by a signal"), out.stdout, errors)
}

#[test]
fn explained_and_refused_make_the_total() {
    for file in all() {
        let (code, out, errors) = run(&["analyze", "--json", "--no-hash"], &file);
        assert!(code <= 4 && !errors.contains("panicked"), "{}: {code} {errors}", file.display());
        if code == 4 {
            continue;
        }
        let document: serde_json::Value = serde_json::from_slice(&out).unwrap();
        let frames = &document["coverage"]["frames"];
        let sum = |key: &str| -> u64 {
            frames[key].as_object().unwrap().values().map(|count| count.as_u64().unwrap()).sum()
        };
        let number = |key: &str| frames[key].as_u64().unwrap();
        assert_eq!(number("explained") + sum("refused"), number("total"), "{}", file.display());
        assert_eq!(sum("explained_by"), number("explained"), "{}", file.display());
        assert_eq!(document["inputs"][0]["frames"], frames["total"], "{}", file.display());
        assert_eq!(document["losses"]["dissector_faults"], 0, "{}", file.display());
    }
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for file in all().iter().step_by(40) {
        for arguments in [&["analyze", "--json"][..], &["analyze"], &["flows"]] {
            let first = run(arguments, file);
            assert!(first == run(arguments, file), "{} {arguments:?}", file.display());
        }
    }
}
