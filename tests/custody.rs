//! Cases from before the recording until after the seal: who had them, who signed them too, who was asked
//! for an answer and what it was.

use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn phonehome(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_phonehome"));
    command.current_dir(folder).args(arguments).env("PHONEHOME_PASSPHRASE", "open sesame");
    command.output().unwrap()
}

fn run(folder: &Path, arguments: &[&str], code: i32) -> String {
    let output = phonehome(folder, arguments);
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

fn capture(name: &str) -> String {
    format!("{}/captures/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// A sealed case of a capture.
fn sealed(at: &Path, capture_name: &str) {
    run(at, &["key", "new", "lab.key"], 0);
    run(at, &["case", "import", &capture(capture_name), "--case", "one"], 0);
    run(at, &["case", "seal", "one", "--key", "lab.key"], 0);
}

#[test]
fn a_case_of_which_nothing_is_known_yet_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    run(at, &["key", "new", "lab.key"], 0);
    let told = run(at, &["case", "new", "one", "--key", "lab.key"], 2);
    assert!(told.contains("--answers") && told.contains("--skip-intake REASON"), "{told}");
    let told = run(at, &["case", "new", "one", "--skip-intake", "on loan", "--key", "lab.key"], 0);
    assert!(told.contains("capture -i INTERFACE --case one"), "{told}");
    let told = run(at, &["case", "status", "one"], 0);
    assert!(told.contains("recorded  nothing yet") && told.contains("sealed    no"), "{told}");
    assert!(run(at, &["case", "log", "one"], 0).contains("Z  made: a test; without answers"));
}

#[test]
fn a_case_begins_before_its_captures() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    run(at, &["key", "new", "lab.key"], 0);
    let form = run(at, &["case", "intake"], 0).replace("= \"\"", "= \"an answer\"");
    fs::write(at.join("answers.toml"), form).unwrap();
    run(at, &["case", "new", "one", "--key", "lab.key"], 2);
    run(at, &["case", "new", "one", "--skip-intake", " ", "--key", "lab.key"], 2);
    run(at, &["case", "new", "one", "--answers", "answers.toml", "--key", "lab.key"], 0);
    run(at, &["case", "new", "one", "--answers", "answers.toml", "--key", "lab.key"], 2);
    let told = run(at, &["case", "verify", "one"], 0);
    assert!(
        told.contains("not made  recording") && told.contains("nothing was recorded yet"),
        "{told}"
    );
    run(at, &["case", "seal", "one", "--key", "lab.key"], 4);
    fs::write(at.join("label.jpg"), "a picture").unwrap();
    let unit = ["case", "unit", "one", "--make", "Exempla", "--model", "D1", "--serial", "7"];
    run(
        at,
        &[&unit[..], &["--firmware", "1", "--photo", "label.jpg", "--key", "lab.key"]].concat(),
        0,
    );
    let before = fs::read(at.join("one/custody.jsonl")).unwrap();
    run(at, &["case", "import", &capture("meter.pcap"), "--case", "one"], 0);
    let handled = ["case", "handled", "one", "transfer", "--to", "editor", "--because"];
    run(at, &[&handled[..], &["to be \u{1b}[31m checked", "--key", "lab.key"]].concat(), 0);
    run(at, &["case", "handled", "one", "burn", "--because", "x", "--key", "lab.key"], 2);
    run(at, &["case", "verify", "one"], 0);
    let log = run(at, &["case", "log", "one"], 0);
    for word in
        ["made: a test", "firmware: an answer", "unit: Exempla D1, serial 7", "transfer (editor)"]
    {
        assert!(log.contains(word), "{word}: {log}");
    }
    assert!(!log.contains('\u{1b}'));
    run(at, &["case", "seal", "one", "--key", "lab.key"], 0);
    run(at, &["case", "verify", "one-sealed"], 0);
    // What was said before the capture is named by its journal: none of it can be taken away.
    let custody = at.join("one/custody.jsonl");
    let whole = fs::read(&custody).unwrap();
    let first = before.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    fs::write(&custody, &before[..first]).unwrap();
    let told = run(at, &["case", "verify", "one"], 5);
    assert!(told.contains("the line that the recording's journal names is gone"), "{told}");
    fs::remove_file(&custody).unwrap();
    let told = run(at, &["case", "verify", "one"], 5);
    assert!(told.contains("custody.jsonl: is missing"), "{told}");
    fs::write(&custody, whole).unwrap();
    run(at, &["case", "verify", "one"], 0);
}

#[test]
fn what_is_said_after_sealing_lies_beside_and_belongs_to_one_seal() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    sealed(at, "meter.pcap");
    run(at, &["case", "note", "one-sealed", "seen by a lawyer", "--key", "lab.key"], 0);
    let redact =
        ["case", "redact", "one-sealed", "-o", "copy", "--key", "lab.key", "--because", "paper"];
    run(at, &redact, 0);
    run(at, &["case", "reanalyse", "one-sealed", "--key", "lab.key"], 0);
    run(at, &["case", "publish", "--check", "one-sealed", "--key", "lab.key"], 1);
    let log = run(at, &["case", "log", "one-sealed"], 0);
    for word in [
        "after sealing:",
        "seen by a lawyer",
        "redact (copy): paper",
        "analyse (",
        "publish (check",
    ] {
        assert!(log.contains(word), "{word}: {log}");
    }
    let told = run(at, &["case", "verify", "one-sealed"], 0);
    assert!(told.contains("holds     afterwards") && told.contains("is not sealed"), "{told}");
    let journal = at.join("one-sealed.after/custody.jsonl");
    let whole = fs::read(&journal).unwrap();
    for at_byte in (0..whole.len()).step_by(whole.len() / 30) {
        let mut changed = whole.clone();
        changed[at_byte] ^= 1;
        fs::write(&journal, &changed).unwrap();
        run(at, &["case", "verify", "one-sealed"], 5);
    }
    fs::write(&journal, &whole).unwrap();
    fs::write(at.join("one-sealed.after/more"), "x").unwrap();
    run(at, &["case", "verify", "one-sealed"], 5);
    fs::remove_file(at.join("one-sealed.after/more")).unwrap();
    // Beside another case it is out of place.
    run(at, &["case", "import", &capture("meter.pcap"), "--case", "two"], 0);
    run(at, &["case", "seal", "two", "--key", "lab.key"], 0);
    fs::rename(at.join("one-sealed.after"), at.join("two-sealed.after")).unwrap();
    let told = run(at, &["case", "verify", "two-sealed"], 5);
    assert!(told.contains("belongs to another journal"), "{told}");
    run(at, &["case", "verify", "one-sealed"], 0);
}

/// The commands of VERIFY.txt without Wireshark's; none where a program is missing.
fn foreign(bag: &Path) -> Option<bool> {
    for program in ["minisign", "ssh-keygen"] {
        if Command::new("sh")
            .args(["-c", &format!("command -v {program}")])
            .output()
            .is_ok_and(|o| !o.status.success())
        {
            eprintln!("skipped: {program} is not installed");
            return None;
        }
    }
    let text = fs::read_to_string(bag.join("VERIFY.txt")).unwrap();
    let lines: Vec<&str> =
        text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(lines.len() <= 12, "{lines:?}");
    let ours = lines.iter().filter(|l| !l.starts_with("capinfos") && !l.starts_with("tshark"));
    let commands = ours.fold(String::new(), |all, line| all + line + "\ntest $? = 0 || exit 1\n");
    let output = Command::new("sh").args(["-c", &commands]).current_dir(bag).output().unwrap();
    Some(output.status.success())
}

#[test]
fn a_second_person_signs_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    sealed(at, "meter.pcap");
    let bag = at.join("one-sealed");
    run(at, &["key", "new", "editor.key"], 0);
    run(at, &["case", "sign", "one-sealed", "--key", "lab.key"], 2);
    run(at, &["case", "sign", "one-sealed", "--key", "editor.key"], 0);
    let told = run(at, &["case", "verify", "one-sealed", "--second", "editor.key.pub"], 0);
    assert!(told.contains("holds     countersigned") && told.contains("01.minisig"), "{told}");
    assert_ne!(foreign(&bag), Some(false));
    let keygen = ["-q", "-t", "ed25519", "-N", "", "-C", "anna@desk", "-f", "ssh.key"];
    let made = Command::new("ssh-keygen").args(keygen).current_dir(at).status();
    if !made.is_ok_and(|status| status.success()) {
        eprintln!("skipped: ssh-keygen is not installed");
        return;
    }
    let sign = |namespace: &str, signature: &str| {
        let command = format!(
            "ssh-keygen -q -Y sign -n {namespace} -f ssh.key < one-sealed/tagmanifest-sha256.txt > {signature}"
        );
        assert!(
            Command::new("sh").args(["-c", &command]).current_dir(at).status().unwrap().success()
        );
    };
    sign("phonehome", "case.sig");
    sign("file", "other.sig");
    let take = ["case", "sign", "one-sealed", "--ssh-key", "ssh.key.pub", "--ssh"];
    let told = run(at, &[&take[..], &["other.sig"]].concat(), 2);
    assert!(told.contains("ssh-keygen refuses it"), "{told}");
    run(at, &[&take[..], &["case.sig"]].concat(), 0);
    let told = run(at, &["case", "verify", "one-sealed"], 0);
    assert!(told.contains("02.sig: ssh key SHA256:") && !told.contains("anna"), "{told}");
    assert_ne!(foreign(&bag), Some(false));
    // A signature that is about another list, or changed, is noticed by both.
    for name in ["01.minisig", "02.sig"] {
        let path = at.join("one-sealed.signatures").join(name);
        let good = fs::read_to_string(&path).unwrap();
        let line = good.lines().nth(1).unwrap();
        let turned: String = line.chars().rev().collect();
        fs::write(&path, good.replacen(line, &turned, 1)).unwrap();
        run(at, &["case", "verify", "one-sealed"], 5);
        assert_ne!(foreign(&bag), Some(true), "{name}");
        fs::write(&path, good).unwrap();
    }
    run(at, &["case", "import", &capture("meter.pcap"), "--case", "two"], 0);
    run(at, &["case", "seal", "two", "--key", "lab.key"], 0);
    fs::rename(at.join("one-sealed.signatures"), at.join("two-sealed.signatures")).unwrap();
    run(at, &["case", "verify", "two-sealed"], 5);
    assert_ne!(foreign(&at.join("two-sealed")), Some(true));
}

#[test]
fn a_company_is_asked_and_its_answer_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    sealed(at, "camera.pcapng");
    let findings = |case: &str| -> Vec<Value> {
        let output = phonehome(at, &["analyze", case, "--json"]);
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        value["findings"].as_array().unwrap().clone()
    };
    let key = |finding: &Value| finding["key"].as_str().unwrap().to_owned();
    let all = findings("one-sealed");
    let (asked, other) = (key(&all[0]), key(&all[1]));
    let pack =
        ["case", "reply-pack", "one-sealed", "--to", "Exempla <b>Ltd</b>", "--key", "lab.key"];
    let more = ["--finding", &asked, "--question", "Since when?", "-o", "pack", "--deadline"];
    run(at, &[&pack[..], &more, &["soon"]].concat(), 2);
    let unknown = ["--finding", "0123456789abcdef", "-o", "pack", "--deadline", "2026-12-31"];
    run(at, &[&pack[..], &unknown].concat(), 2);
    assert!(!at.join("pack").exists());
    run(at, &[&pack[..], &more, &["2026-12-31", "--pseudonyms", "lab.names"]].concat(), 0);
    let letter = fs::read_to_string(at.join("pack/letter.txt")).unwrap();
    for word in
        ["Please answer by: 2026-12-31", "5. Since when?", "What this does not show", &asked]
    {
        assert!(letter.contains(word), "{word}: {letter}");
    }
    assert!(!letter.contains(&other));
    assert!(fs::read_to_string(at.join("pack/answer.txt")).unwrap().contains(&asked));
    let sent = fs::read_to_string(at.join("pack/findings.json")).unwrap();
    let sent: Value = serde_json::from_str(&sent).unwrap();
    assert_eq!(sent.as_array().unwrap().len(), 1);
    // Nothing tells whose unit it is.
    for device in all.iter().filter_map(|finding| finding["subject"]["device"].as_str()) {
        let mac = device.trim_start_matches("mac:");
        assert!(!letter.contains(mac) && !sent.to_string().contains(mac), "{mac}");
    }
    run(at, &["case", "verify", "pack/packets"], 0);
    let check = "sha256sum --check --strict --quiet manifest-sha256.txt";
    let checked = Command::new("sh").args(["-c", check]).current_dir(at.join("pack")).status();
    assert!(checked.unwrap().success());
    let report = |expected: &[&str]| {
        phonehome(at, &["report", "one-sealed", "-o", "page.html"]);
        let page = fs::read_to_string(at.join("page.html")).unwrap();
        expected.iter().for_each(|word| assert!(page.contains(word), "{word}"));
        assert!(!page.contains("Exempla <b>"));
    };
    report(&["to answer until <bdi>2026-12-31</bdi>", "No answer was noted."]);
    fs::write(at.join("answer.pdf"), "we will look into it").unwrap();
    let attach =
        ["case", "attach", "one-sealed", "answer.pdf", "--key", "lab.key", "--finding", &asked];
    run(at, &attach, 2);
    let answer = ["--answer-from", "Exempla <b>Ltd</b>", "--text", "They look into it"];
    run(at, &[&attach[..], &answer].concat(), 0);
    report(&["They look into it", "attachment <bdi>001.pdf</bdi>"]);
    for finding in findings("one-sealed") {
        let review = &finding["review"];
        assert_eq!(review["answers"].is_array(), key(&finding) == asked, "{review}");
        assert_eq!(review["asked"].is_array(), key(&finding) == asked, "{review}");
    }
    // The seal is as it was, and so are the findings in it.
    run(at, &["case", "reanalyse", "one-sealed"], 0);
    let log = run(at, &["case", "log", "one-sealed"], 0);
    assert!(
        log.contains("was asked until 2026-12-31 about") && log.contains("answer of Exempla"),
        "{log}"
    );
}
