//! Signatures of a user: signed packs, precedence, what is put out of use, and what a changed fact
//! does to a case.

mod common;

use common::places::of_project;
use common::program::{Outcome, command, outcome, phonehome};
use std::path::{Path, PathBuf};

const EXEMPLA: &str = "signatures/vendors/exempla-vision.toml";

/// A folder of signatures with a changed copy of a shipped one.
fn pack(folder: &Path, change: impl Fn(String) -> String) -> PathBuf {
    let pack = folder.join("pack");
    std::fs::create_dir_all(&pack).unwrap();
    let text = std::fs::read_to_string(of_project(EXEMPLA)).unwrap();
    std::fs::write(pack.join("exempla-vision.toml"), change(text)).unwrap();
    pack
}

fn key(folder: &Path, name: &str) -> PathBuf {
    let key = folder.join(name);
    let made = with_passphrase(&["key", "new", key.to_str().unwrap()]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    key
}

fn with_passphrase(args: &[&str]) -> Outcome {
    outcome(command(args).env("PHONEHOME_PASSPHRASE", "correct horse").output().unwrap())
}

fn analyze(more: &[&str]) -> Outcome {
    let capture = of_project("captures/camera.pcapng");
    let mut args = vec!["analyze", "--json", "--no-hash", capture.to_str().unwrap()];
    args.extend(more);
    phonehome(&args)
}

#[test]
fn a_signed_pack_is_taken_with_its_key_and_refused_once_it_differs() {
    let folder = tempfile::tempdir().unwrap();
    let pack = pack(folder.path(), |text| text);
    let (key, other) = (key(folder.path(), "lab.key"), key(folder.path(), "other.key"));
    let of = |path: &Path| path.to_str().unwrap().to_owned();
    let (dir, public) = (of(&pack), format!("{}.pub", of(&key)));
    let signed = with_passphrase(&["signatures", "sign", &dir, "--key", &of(&key)]);
    assert_eq!(signed.code, Some(0), "{}", signed.stderr);
    let with = |public: &str| analyze(&["--signatures", &dir, "--signatures-key", public]);
    let taken = with(&public);
    assert!(matches!(taken.code, Some(0 | 3)), "{}", taken.stderr);
    let shown = &taken.json()["coverage"]["signatures"]["packs"][0];
    let public_text = std::fs::read_to_string(&public).unwrap();
    assert!(public_text.contains(shown["signed_by"].as_str().unwrap()), "{shown}");
    assert_eq!(
        (&shown["folder"], &shown["replaces"][0]),
        (&"pack".into(), &"exempla-vision".into())
    );
    assert_eq!(with(&format!("{}.pub", of(&other))).code, Some(2), "another key");
    assert!(
        analyze(&["--signatures", &dir]).json()["coverage"]["signatures"]["packs"][0]["signed_by"]
            .is_null()
    );
    let file = pack.join("exempla-vision.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("{text}\n# changed\n")).unwrap();
    let refused = with(&public);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("changed after signing"), "{}", refused.stderr);
    std::fs::write(&file, text).unwrap();
    std::fs::write(pack.join("disabled.toml"), "schema = 1\n").unwrap();
    assert!(with(&public).stderr.contains("not in the signed list"));
}

#[test]
fn what_is_put_out_of_use_matches_no_more_and_is_said_with_its_reason() {
    let folder = tempfile::tempdir().unwrap();
    let off = folder.path().join("off");
    std::fs::create_dir(&off).unwrap();
    let write = |text: &str| {
        std::fs::write(off.join("disabled.toml"), format!("schema = 1\n[[disable]]\n{text}"))
            .unwrap();
        analyze(&["--signatures", off.to_str().unwrap()])
    };
    let has = |outcome: &Outcome| outcome.json()["findings"].to_string().contains("cloud.vendor");
    assert!(has(&analyze(&[])));
    let without = write("id = \"exempla-vision\"\nreason = \"a test of ours\"\n");
    assert!(!has(&without));
    let disabled = &without.json()["coverage"]["signatures"]["disabled"][0];
    assert_eq!(disabled["reason"], "a test of ours");
    let wrong = write("id = \"exempla-visoin\"\nreason = \"a slip of the pen\"\n");
    assert_eq!(wrong.code, Some(2));
    assert!(wrong.stderr.contains("exempla-visoin: is no signature"), "{}", wrong.stderr);
    assert_eq!(write("id = \"exempla-vision\"\n").code, Some(2), "no reason");
}

#[test]
fn a_withdrawn_fact_names_the_findings_it_touches_and_an_unchanged_one_none() {
    let folder = tempfile::tempdir().unwrap();
    let findings = folder.path().join("findings.json");
    std::fs::write(&findings, analyze(&[]).stdout).unwrap();
    let case = findings.to_str().unwrap();
    let same = phonehome(&["signatures", "affected", case]);
    assert_eq!(same.code, Some(0), "{}", same.text());
    let reason = "role = \"relay\"\nwithdrawn = \"the name changed hands\"";
    let pack = pack(folder.path(), |text| text.replacen("role = \"relay\"", reason, 1));
    let erratum = folder.path().join("erratum.md");
    let args = [
        "signatures",
        "affected",
        case,
        "--signatures",
        pack.to_str().unwrap(),
        "--erratum",
        erratum.to_str().unwrap(),
    ];
    let touched = phonehome(&args);
    assert_eq!(touched.code, Some(1), "{}{}", touched.text(), touched.stderr);
    assert!(touched.text().contains("withdrawn: the name changed hands"), "{}", touched.text());
    assert!(touched.text().contains("cloud.vendor"), "{}", touched.text());
    let text = std::fs::read_to_string(&erratum).unwrap();
    assert!(text.contains("concerns finding") && !text.contains("exempla-vision.toml"), "{text}");
    phonehome(&args);
    assert_eq!(std::fs::read_to_string(&erratum).unwrap(), text, "the same bytes again");
    std::fs::write(&findings, "{}").unwrap();
    assert_eq!(phonehome(&["signatures", "affected", case]).code, Some(4));
}
