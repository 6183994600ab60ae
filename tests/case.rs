//! Cases: what was changed is found, by us and by the commands in VERIFY.txt.

mod common;

use common::folder::files;
use common::places;
use phonehome::case::clock::Clocks;
use phonehome::case::journal::{Drops, Event, Journal};
use phonehome::case::key::RunKey;
use phonehome::case::segment::Segment;
use phonehome::case::{layout, signer, verify};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

const PROGRAM: &str = env!("CARGO_BIN_EXE_phonehome");

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name)
}

fn phonehome(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(arguments).env("PHONEHOME_PASSPHRASE", "open sesame");
    command.output().unwrap()
}

/// Runs a command that has to succeed; gives what it said.
fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = phonehome(folder, arguments);
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {complaint}");
    String::from_utf8(output.stdout).unwrap()
}

/// A case with attachment and note, and the same sealed.
fn sealed() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let (camera, meter) = (capture("camera.pcapng"), capture("meter.pcap"));
    done(at, &["key", "new", "lab.key"]);
    let files = [camera.to_str().unwrap(), meter.to_str().unwrap()];
    done(at, &["case", "import", files[0], files[1], "--case", "one"]);
    fs::write(at.join("receipt.txt"), "bought in May").unwrap();
    done(at, &["case", "attach", "one", "receipt.txt", "--key", "lab.key"]);
    done(at, &["case", "note", "one", "seal \u{1b}[31m unbroken", "--key", "lab.key"]);
    done(at, &["case", "seal", "one", "--key", "lab.key"]);
    folder
}

fn holds(case: &Path) -> bool {
    verify::verify(case, None, None).holds
}

/// The commands of VERIFY.txt, without Wireshark's; none where minisign is not installed.
fn commands(bag: &Path) -> Option<String> {
    if Command::new("minisign").arg("-v").output().is_err() {
        eprintln!("skipped: minisign is not installed");
        return None;
    }
    let text = fs::read_to_string(bag.join("VERIFY.txt")).unwrap();
    let plain = |line: &&str| !line.is_empty() && !line.starts_with('#');
    let lines: Vec<&str> = text.lines().filter(plain).collect();
    assert!(lines.len() <= 12, "{lines:?}");
    let ours =
        lines.iter().filter(|line| !line.starts_with("capinfos") && !line.starts_with("tshark"));
    // `!` is exempt from `sh -e`.
    Some(ours.fold(String::new(), |all, line| all + line + "\ntest $? = 0 || exit 1\n"))
}

fn foreign_holds(bag: &Path, commands: &str) -> bool {
    let output = Command::new("sh").args(["-c", commands]).current_dir(bag).output().unwrap();
    output.status.success()
}

/// A recording of two segments, as the recorder writes it; `end` in good order.
fn recording(folder: &Path, end: bool) {
    fs::create_dir_all(layout::segments(folder)).unwrap();
    let key = RunKey::generate().unwrap();
    let public_key = key.public();
    let mut journal = Journal::create(layout::journal(folder), key).unwrap();
    let mut say = |event| journal.add(&Clocks::now(), event).unwrap();
    say(Event::Begin {
        journal: 1,
        tool: "phonehome".to_owned(),
        host: "lab".to_owned(),
        system: String::new(),
        interfaces: vec!["eth0".to_owned()],
        filter: String::new(),
        snap_length: 0,
        public_key,
        protections: Vec::new(),
        custody: String::new(),
    });
    for position in 0..2 {
        let mut segment = Segment::create(folder, position).unwrap();
        for round in 0..3u8 {
            segment.write(&[round; 1000], 1).unwrap();
            say(Event::Checkpoint {
                segment: layout::segment_name(position),
                bytes: segment.bytes,
                packets: segment.packets,
                sha256: segment.sha256(),
                drops: Drops::default(),
            });
        }
        if end || position == 0 {
            say(Event::Sealed { segment: layout::segment_name(position) });
        }
    }
    if end {
        say(Event::End { reason: "done".to_owned() });
    }
}

fn add(path: &Path, bytes: &[u8]) {
    let mut all = fs::read(path).unwrap_or_default();
    all.extend(bytes);
    fs::write(path, all).unwrap();
}

#[test]
fn a_recording_holds_until_something_is_changed() {
    let folder = tempfile::tempdir().unwrap();
    recording(folder.path(), true);
    let report = verify::verify(folder.path(), None, None);
    assert!(report.holds, "{report:?}");
    for (path, good) in files(folder.path()) {
        for at in (0..good.len()).step_by(good.len() / 40) {
            let mut bad = good.clone();
            bad[at] ^= 0x20;
            fs::write(&path, &bad).unwrap();
            assert!(!holds(folder.path()), "{}: byte {at}", path.display());
        }
        if path.ends_with("journal.jsonl") {
            // Lines cut off the end look like an interruption, which is said.
            fs::write(&path, &good[..good.len() - 1]).unwrap();
            let report = verify::verify(folder.path(), None, None);
            assert!(report.notes.iter().any(|note| note.contains("good order")), "{report:?}");
        } else {
            fs::write(&path, &good[..good.len() - 1]).unwrap();
            assert!(!holds(folder.path()), "a byte less");
            fs::remove_file(&path).unwrap();
            assert!(!holds(folder.path()), "no file");
            fs::write(&path, &good).unwrap();
            add(&path, b"x");
            assert!(!holds(folder.path()), "a byte more");
        }
        fs::write(&path, &good).unwrap();
        assert!(holds(folder.path()));
    }
    let segments = layout::segments(folder.path());
    let fault = |report: verify::Report| {
        report.promises.into_iter().find(|p| p.id == "recording").unwrap().details[0].clone()
    };
    let second = segments.join("000002.pcapng");
    let mut bytes = fs::read(&second).unwrap();
    bytes[1500] ^= 1;
    fs::write(&second, &bytes).unwrap();
    let said = fault(verify::verify(folder.path(), None, None));
    assert!(said.contains("000002.pcapng: a byte from 1000 to 1999"), "{said}");
    bytes[1500] ^= 1;
    fs::write(&second, &bytes).unwrap();
    for name in ["segments/000003.pcapng", "segments/x", "notes.txt", "findings.json"] {
        fs::write(folder.path().join(name), "").unwrap();
        assert!(!holds(folder.path()), "{name} was added");
        fs::remove_file(folder.path().join(name)).unwrap();
    }
    assert!(holds(folder.path()));
}

#[test]
fn the_tail_of_an_interrupted_recording_is_no_tampering() {
    let folder = tempfile::tempdir().unwrap();
    recording(folder.path(), false);
    add(&layout::segment(folder.path(), 1), b"behind the last checkpoint");
    add(&layout::journal(folder.path()), b"{\"seq\":9,");
    let report = verify::verify(folder.path(), None, None);
    assert!(report.holds, "{report:?}");
    let says = |what: &str| report.notes.iter().any(|note| note.contains(what));
    assert!(says("26 B of an interrupted recording stand behind the last checkpoint at byte 3000"));
    assert!(says("was being written (9 bytes)") && says("did not end in good order"));
    // The next one is begun before the disk says that this one is whole.
    fs::write(layout::segment(folder.path(), 2), "begun").unwrap();
    assert!(holds(folder.path()));
    fs::write(folder.path().join("segments/3.pcapng"), "begun").unwrap();
    assert!(!holds(folder.path()), "no name of a segment");
    fs::remove_file(folder.path().join("segments/3.pcapng")).unwrap();
    // Not so in a segment that was complete.
    add(&layout::segment(folder.path(), 0), b"x");
    assert!(!holds(folder.path()));
}

#[test]
fn two_cases_cannot_be_spliced() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = ["a", "b"].map(|name| folder.path().join(name));
    recording(&a, true);
    recording(&b, true);
    done(folder.path(), &["key", "new", "lab.key"]);
    for case in ["a", "b"] {
        done(folder.path(), &["case", "note", case, "mine", "--key", "lab.key"]);
    }
    assert!(holds(&a) && holds(&b));
    let (of_a, of_b) = (layout::custody(&a), layout::custody(&b));
    let own = fs::read(&of_a).unwrap();
    fs::copy(&of_b, &of_a).unwrap();
    assert!(!holds(&a), "the notes of another case");
    fs::write(&of_a, own).unwrap();
    let lines = |case: &Path| fs::read_to_string(layout::journal(case)).unwrap();
    let (first, second) = (lines(&a), lines(&b));
    for cut in 1..first.lines().count() {
        let head = first.lines().take(cut);
        let spliced: String =
            head.chain(second.lines().skip(cut)).map(|l| format!("{l}\n")).collect();
        fs::write(layout::journal(&a), spliced).unwrap();
        assert!(!holds(&a), "{cut} lines of one, the rest of another");
    }
    fs::write(layout::journal(&a), first).unwrap();
    assert!(holds(&a));
}

#[test]
fn a_sealed_case_is_checked_by_us_and_by_others() {
    let folder = sealed();
    let bag = folder.path().join("one-sealed");
    let key = signer::public_of(&folder.path().join("lab.key.pub")).unwrap();
    let report = verify::verify(&bag, Some(&key), None);
    assert!(report.holds && report.sealed, "{report:?}");
    let commands = commands(&bag);
    let check = |what: &str| {
        assert!(!holds(&bag), "we did not notice: {what}");
        if let Some(commands) = &commands {
            assert!(!foreign_holds(&bag, commands), "VERIFY.txt did not notice: {what}");
        }
    };
    assert!(commands.as_ref().is_none_or(|commands| foreign_holds(&bag, commands)));
    let all = files(&bag);
    // Spread over the files, small ones included, and over their bytes; the same each time.
    let mut random = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |limit: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random % limit as u64) as usize
    };
    for round in 0..200 {
        let (path, good) = &all[round % all.len()];
        let (at, flip) = (next(good.len()), 1 + next(255) as u8);
        let mut bad = good.clone();
        bad[at] ^= flip;
        fs::write(path, &bad).unwrap();
        check(&format!("{}: byte {at} ^ {flip}", path.display()));
        fs::write(path, good).unwrap();
    }
    for (path, good) in &all {
        for length in [0, next(good.len()), good.len() - 1] {
            fs::write(path, &good[..length]).unwrap();
            check(&format!("{} cut to {length}", path.display()));
        }
        add(path, b"tail");
        fs::write(path, [good, &b"x"[..]].concat()).unwrap();
        check(&format!("{} with a byte more", path.display()));
        fs::remove_file(path).unwrap();
        check(&format!("{} removed", path.display()));
        fs::write(path, good).unwrap();
    }
    // Base64 has room for bits behind the last byte, which no signature covers.
    let path = bag.join("tagmanifest-sha256.txt.minisig");
    let good = fs::read(&path).unwrap();
    for at in (0..good.len()).filter(|&at| good[at + 1..].first() == Some(&b'=')) {
        for digit in (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').filter(|d| *d != good[at])
        {
            let mut bad = good.clone();
            bad[at] = digit;
            fs::write(&path, &bad).unwrap();
            check(&format!("byte {at} of the signature is {digit}"));
        }
    }
    fs::write(&path, &good).unwrap();
    for name in ["added", "data/added", "data/segments/000003.pcapng", "data/.hidden"] {
        fs::write(bag.join(name), "").unwrap();
        check(&format!("{name} added"));
        fs::remove_file(bag.join(name)).unwrap();
    }
    // Its path reads like two of the list.
    fs::create_dir(bag.join("signer.pub\n.")).unwrap();
    fs::write(bag.join("signer.pub\n./bagit.txt"), "").unwrap();
    check("a name over two lines");
    fs::remove_dir_all(bag.join("signer.pub\n.")).unwrap();
    let (a, b) = (&all[3], &all[4]);
    fs::write(&a.0, &b.1).unwrap();
    fs::write(&b.0, &a.1).unwrap();
    check("two files swapped");
    fs::write(&a.0, &a.1).unwrap();
    fs::write(&b.0, &b.1).unwrap();
    assert!(holds(&bag) && commands.is_none_or(|commands| foreign_holds(&bag, &commands)));
    // Whoever seals anew does it with another key, which is seen where the right one is known.
    done(folder.path(), &["key", "new", "other.key"]);
    let output =
        phonehome(folder.path(), &["case", "verify", "one-sealed", "--key", "other.key.pub"]);
    assert_eq!(output.status.code(), Some(5));
    // What every bag promises.
    let python = std::env::var_os("PHONEHOME_PYTHON").unwrap_or_else(|| "python3".into());
    let validates = || {
        Command::new(&python)
            .args(["-m", "bagit", "--validate"])
            .arg(&bag)
            .output()
            .ok()
            .filter(|output| !String::from_utf8_lossy(&output.stderr).contains("No module"))
    };
    let Some(output) = validates() else {
        places::skipped(
            "bagit of Python is not installed; PHONEHOME_PYTHON can name one that has it",
        );
        return;
    };
    assert!(output.status.success(), "{output:?}");
    fs::write(&a.0, &b.1).unwrap();
    assert!(!validates().unwrap().status.success(), "bagit overlooks a file that was exchanged");
}

#[test]
fn nothing_is_overwritten_or_sealed_twice() {
    let folder = sealed();
    let at = folder.path();
    let before = files(&at.join("one-sealed"));
    let camera = capture("camera.pcapng");
    let refused: [&[&str]; 5] = [
        &["case", "seal", "one", "--key", "lab.key"],
        &["case", "seal", "one-sealed", "--key", "lab.key"],
        &["case", "import", camera.to_str().unwrap(), "--case", "one"],
        &["key", "new", "lab.key"],
        &["case", "import", "/dev/zero", "--case", "two"],
    ];
    for arguments in refused {
        let output = phonehome(at, arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty());
    }
    // What is said of it now lies beside it.
    done(at, &["case", "note", "one-sealed", "late", "--key", "lab.key"]);
    done(at, &["case", "attach", "one-sealed", "receipt.txt", "--key", "lab.key"]);
    assert!(before == files(&at.join("one-sealed")));
    assert!(!at.join("two").exists());
    assert_eq!(phonehome(at, &["case", "verify", "lab.key"]).status.code(), Some(4));
    // A case that does not hold is not sealed.
    fs::remove_dir_all(at.join("one-sealed")).unwrap();
    add(&at.join("one/segments/000002.received.pcap"), b"x");
    assert_eq!(phonehome(at, &["case", "seal", "one", "--key", "lab.key"]).status.code(), Some(5));
    assert!(!at.join("one-sealed").exists());
}

#[test]
fn the_analysis_reads_what_was_imported() {
    let folder = sealed();
    let read = |path: &str| -> Value {
        serde_json::from_str(&done(folder.path(), &["analyze", "--json", path])).unwrap()
    };
    let (camera, meter) = (capture("camera.pcapng"), capture("meter.pcap"));
    let [camera, meter] = [&camera, &meter].map(|path| path.to_str().unwrap());
    let straight = done(folder.path(), &["analyze", "--json", camera, meter]);
    let straight: Value = serde_json::from_str(&straight).unwrap();
    let inside = fs::read_to_string(folder.path().join("one-sealed/data/findings.json")).unwrap();
    let inside: Value = serde_json::from_str(&inside).unwrap();
    for result in [read("one"), read("one-sealed"), inside] {
        assert_eq!(result["findings"], straight["findings"]);
        assert_eq!(result["inputs"][0]["sha256"], straight["inputs"][0]["sha256"]);
    }
    let log = done(folder.path(), &["case", "log", "one-sealed"]);
    assert!(log.contains("received, not recorded here") && log.contains("camera.pcapng"));
    assert!(!log.contains('\u{1b}') && log.contains("unbroken"));
    let status = done(folder.path(), &["case", "status", "one"]);
    assert!(status.contains("1 notes, 1 attachments"), "{status}");
    let json = done(folder.path(), &["case", "verify", "one-sealed", "--json"]);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["holds"], &json["promises"][0]["verdict"]), (&true.into(), &"holds".into()));
}
