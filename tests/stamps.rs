//! What is added to a case after its recording: reviews, answers, and time-stamps by an authority that
//! openssl plays.

mod common;

use common::program::{in_folder, said as run};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::thread::{self, JoinHandle};
use tempfile::TempDir;

const CAPTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/meter.pcap");

const AUTHORITY: &str = "\
[tsa]
default_tsa = lab
[lab]
dir = .
serial = ./serial
signer_cert = ./tsa.pem
certs = ./root.pem
signer_key = ./tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ordering = yes
tsa_name = yes
[ext]
extendedKeyUsage = critical,timeStamping
";

fn openssl(folder: &Path, arguments: &str) {
    let mut command = Command::new("openssl");
    let output = command.current_dir(folder).args(arguments.split(' ')).output().unwrap();
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments}: {complaint}");
}

/// A sealed case and an authority; none where openssl is not installed.
fn ready() -> Option<TempDir> {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: openssl is not installed");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    authority(at);
    run(at, &["key", "new", "lab.key"], 0);
    run(at, &["case", "import", CAPTURE, "--case", "one"], 0);
    run(at, &["case", "seal", "one", "--key", "lab.key"], 0);
    Some(folder)
}

/// An authority with a root of its own.
fn authority(at: &Path) {
    fs::write(at.join("tsa.cnf"), AUTHORITY).unwrap();
    fs::write(at.join("serial"), "01").unwrap();
    let key = "-newkey rsa:2048 -nodes -batch";
    openssl(at, &format!("req -x509 {key} -keyout root.key -out root.pem -subj /CN=root"));
    openssl(at, &format!("req {key} -keyout tsa.key -out tsa.csr -subj /CN=tsa"));
    openssl(
        at,
        "x509 -req -in tsa.csr -CA root.pem -CAkey root.key -CAcreateserial -out tsa.pem \
         -extfile tsa.cnf -extensions ext",
    );
}

#[test]
fn authorities_of_different_roots_answer() {
    let Some(folder) = ready() else { return };
    let at = folder.path();
    let second = at.join("second");
    fs::create_dir(&second).unwrap();
    authority(&second);
    answer(at, "one-sealed.stamps/request.tsq", "a.tsr");
    answer(&second, "../one-sealed.stamps/request.tsq", "b.tsr");
    let stamp = ["case", "stamp", "one-sealed"];
    run(at, &[&stamp[..], &["a.tsr", "--authority", "root.pem"]].concat(), 0);
    // Of the other authority only what it signed is taken.
    let told = run(at, &[&stamp[..], &["second/b.tsr", "--authority", "root.pem"]].concat(), 5);
    assert!(told.contains("was not taken: the authority whose certificate you gave"), "{told}");
    assert!(!told.contains("ts_rsp_verify"), "{told}");
    run(at, &[&stamp[..], &["second/b.tsr", "--authority", "second/root.pem"]].concat(), 0);
    let verify = ["case", "verify", "one-sealed", "--authority", "root.pem"];
    let told = run(at, &[&verify[..], &["--authority", "second/root.pem"]].concat(), 0);
    assert!(told.contains("01.tsr: ") && told.contains("02.tsr: "), "{told}");
    let told = run(at, &verify, 5);
    assert!(told.contains("BROKEN    time") && told.contains("02.tsr"), "{told}");
}

fn answer(at: &Path, request: &str, reply: &str) {
    openssl(at, &format!("ts -reply -queryfile {request} -config tsa.cnf -out {reply}"));
}

#[test]
fn a_reply_is_taken_and_checked() {
    let Some(folder) = ready() else { return };
    let at = folder.path();
    let told = run(at, &["case", "verify", "one-sealed"], 0);
    assert!(told.contains("not made  time"), "{told}");
    answer(at, "one-sealed.stamps/request.tsq", "a.tsr");
    let told = run(at, &["case", "stamp", "one-sealed", "a.tsr", "--authority", "root.pem"], 0);
    assert!(told.contains("01.tsr: stamped 20") && told.contains("Z, serial"), "{told}");
    // Several authorities may answer.
    answer(at, "one-sealed.stamps/request.tsq", "b.tsr");
    run(at, &["case", "stamp", "one-sealed", "b.tsr"], 0);
    let told = run(at, &["case", "verify", "one-sealed", "--authority", "root.pem"], 0);
    assert!(told.contains("holds     time") && told.contains("02.tsr"), "{told}");
    // Without a certificate nothing is claimed about the authority.
    let told = run(at, &["case", "verify", "one-sealed"], 0);
    assert!(told.contains("not made  time"), "{told}");
    // A certificate that it does not lead back to.
    let told = run(at, &["case", "verify", "one-sealed", "--authority", "tsa.pem"], 5);
    assert!(told.contains("BROKEN    time"), "{told}");
}

/// An authority at an address of this machine, which answers so often.
fn served(
    at: &Path,
    times: usize,
    answer_with: fn(Vec<u8>) -> Vec<u8>,
) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/tsa", listener.local_addr().unwrap());
    let at = at.to_owned();
    let server = thread::spawn(move || {
        for _ in 0..times {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            let mut buffer = [0; 1024];
            let body = loop {
                let count = stream.read(&mut buffer).unwrap();
                asked.extend_from_slice(&buffer[..count]);
                let end = asked.windows(4).position(|part| part == b"\r\n\r\n");
                let Some(end) = end else { continue };
                let head = String::from_utf8_lossy(&asked[..end]).into_owned();
                assert!(head.starts_with("POST /tsa HTTP/1.0\r\nHost: 127.0.0.1:"), "{head}");
                let length = head.split("Content-Length: ").nth(1).unwrap();
                let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
                if asked.len() == end + 4 + length {
                    break asked.split_off(end + 4);
                }
            };
            fs::write(at.join("asked.tsq"), body).unwrap();
            answer(&at, "asked.tsq", "answered.tsr");
            let reply = answer_with(fs::read(at.join("answered.tsr")).unwrap());
            drop(stream.write_all(&reply));
        }
    });
    (url, server)
}

fn http(mut reply: Vec<u8>) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\n\r\n";
    reply.splice(0..0, head.bytes());
    reply
}

#[test]
fn an_authority_that_is_named_is_asked() {
    let Some(folder) = ready() else { return };
    let at = folder.path();
    let (url, server) = served(at, 1, http);
    let stamp = ["case", "stamp", "one-sealed", "--authority", "root.pem", "--tsa"];
    let told = run(at, &[&stamp[..], &[&url, "--key", "lab.key"]].concat(), 0);
    assert!(told.contains("01.tsr: stamped 20"), "{told}");
    server.join().unwrap();
    let told = run(at, &["case", "verify", "one-sealed", "--authority", "root.pem"], 0);
    assert!(told.contains("holds     time") && told.contains("holds     afterwards"), "{told}");
    assert!(run(at, &["case", "log", "one-sealed"], 0).contains("stamp (20"));
    // What another authority signed is not kept.
    let other = ["case", "stamp", "one-sealed", "--authority", "tsa.pem", "--tsa"];
    let (url, server) = served(at, 1, http);
    run(at, &[&other[..], &[&url]].concat(), 5);
    server.join().unwrap();
    assert!(!at.join("one-sealed.stamps/02.tsr").exists());
    // Answers that are none.
    let strange: [fn(Vec<u8>) -> Vec<u8>; 4] = [
        |_| b"HTTP/1.1 302 Found\r\nLocation: http://other.example/\r\n\r\n".to_vec(),
        |reply| http(reply[..40].to_vec()),
        |_| http(vec![0x30; 600 * 1024]),
        |_| Vec::new(),
    ];
    for answer_with in strange {
        let (url, server) = served(at, 1, answer_with);
        run(at, &[&stamp[..], &[&url]].concat(), 2);
        server.join().unwrap();
    }
    let told = run(at, &[&stamp[..], &["https://tsa.example/"]].concat(), 2);
    assert!(told.contains("speaks no TLS"), "{told}");
    run(at, &[&stamp[..], &["http://127.0.0.1:1/"]].concat(), 2);
}

#[test]
fn what_is_no_reply_to_this_case_is_refused() {
    let Some(folder) = ready() else { return };
    let at = folder.path();
    let request = at.join("one-sealed.stamps/request.tsq");
    answer(at, "one-sealed.stamps/request.tsq", "good.tsr");
    let good = fs::read(at.join("good.tsr")).unwrap();
    // Foreign bytes: another case's request.
    run(at, &["case", "import", CAPTURE, "--case", "two"], 0);
    run(at, &["case", "seal", "two", "--key", "lab.key"], 0);
    let told = run(at, &["case", "stamp", "two-sealed", "good.tsr"], 2);
    assert!(told.contains("other bytes than the signature"), "{told}");
    // A foreign number: the same bytes, asked for another time.
    let first = fs::read(&request).unwrap();
    fs::remove_file(&request).unwrap();
    run(at, &["case", "stamp", "one-sealed"], 0);
    let told = run(at, &["case", "stamp", "one-sealed", "good.tsr"], 2);
    assert!(told.contains("repeat the number"), "{told}");
    fs::write(&request, first).unwrap();
    // A stale one: from years before the case was sealed.
    let start = good.windows(2).position(|tag| tag == [0x18, 0x0f]).unwrap() + 2;
    let mut stale = good.clone();
    assert_eq!(&stale[start..start + 2], b"20");
    stale[start..start + 4].copy_from_slice(b"2019");
    fs::write(at.join("stale.tsr"), &stale).unwrap();
    let told = run(at, &["case", "stamp", "one-sealed", "stale.tsr"], 2);
    assert!(told.contains("is older than the seal: its time is 2019-"), "{told}");
    // Whoever puts it beside the case by hand is found out as well.
    fs::write(at.join("one-sealed.stamps/01.tsr"), &stale).unwrap();
    let told = run(at, &["case", "verify", "one-sealed"], 5);
    assert!(told.contains("is older than the seal"), "{told}");
    // A changed byte breaks it, or stands where the authority signed nothing (the status, a wish
    // granted with changes) and then changes nothing that is said.
    let reply = at.join("one-sealed.stamps/01.tsr");
    let verify = ["case", "verify", "one-sealed", "--authority", "root.pem"];
    fs::write(&reply, &good).unwrap();
    let whole = run(at, &verify, 0);
    for byte in (0..good.len()).step_by(good.len() / 40) {
        let mut changed = good.clone();
        changed[byte] ^= 1;
        fs::write(&reply, &changed).unwrap();
        let output = in_folder(at, &verify);
        let same = output.stdout == whole.as_bytes();
        assert!(output.code == Some(5) || same, "byte {byte}");
        fs::write(&reply, &good[..byte]).unwrap();
        run(at, &["case", "verify", "one-sealed"], 5);
    }
    fs::write(&reply, &good).unwrap();
    run(at, &["case", "verify", "one-sealed", "--authority", "root.pem"], 0);
    fs::write(at.join("one-sealed.stamps/more.txt"), "x").unwrap();
    let told = run(at, &["case", "verify", "one-sealed"], 5);
    assert!(told.contains("more.txt: does not belong"), "{told}");
}

#[test]
fn analysed_again_it_is_the_same() {
    let Some(folder) = ready() else { return };
    let at = folder.path();
    for threads in ["1", "2", "4"] {
        let told = run(at, &["case", "reanalyse", "one-sealed", "--threads", threads], 0);
        assert!(told.contains("byte for byte"), "{told}");
    }
    // Other knowledge: listed, and no fault.
    let told = run(at, &["case", "reanalyse", "one-sealed", "--no-signatures"], 0);
    assert!(told.contains("signatures: "), "{told}");
    // Another result with the same knowledge is one.
    let path = at.join("one-sealed/data/findings.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\"may_say\""), "there is a finding");
    fs::write(&path, text.replacen("\"may_say\"", "\"may_not_say\"", 1)).unwrap();
    run(at, &["case", "reanalyse", "one-sealed"], 5);
}

#[test]
fn a_review_stands_in_the_findings() {
    let Some(folder) = ready() else { return };
    let at = folder.path();
    let findings = |case: &str| -> Vec<serde_json::Value> {
        let value = in_folder(at, &["analyze", case, "--json"]).json();
        value["findings"].as_array().unwrap().clone()
    };
    run(at, &["case", "import", CAPTURE, "--case", "three"], 0);
    let Some(first) = findings("three").first().cloned() else { panic!("no finding") };
    assert_eq!(first["review"], serde_json::json!({"state": "unreviewed"}));
    let key = first["key"].as_str().unwrap();
    let review = ["case", "review", "three", key, "--key", "lab.key", "--because", "seen twice"];
    run(at, &[&review[..], &["--as", "disputed"]].concat(), 0);
    run(at, &[&review[..], &["--as", "confirmed"]].concat(), 0);
    run(at, &[&review[..], &["--as", "true"]].concat(), 2);
    let form = run(at, &["case", "intake"], 0);
    fs::write(at.join("form.toml"), &form).unwrap();
    let intake = ["case", "intake", "three", "--answers", "form.toml", "--key", "lab.key"];
    let told = run(at, &intake, 2);
    assert!(told.contains("is empty"), "{told}");
    fs::write(at.join("form.toml"), form.replace("= \"\"", "= \"an answer\"")).unwrap();
    run(at, &intake, 0);
    run(at, &["case", "seal", "three", "--key", "lab.key"], 0);
    let told = run(at, &["case", "certificate", "three-sealed"], 0);
    assert!(told.contains("received as meter.pcap") && told.contains("902(14)"), "{told}");
    assert!(!told.contains('{') && !told.contains('}'), "{told}");
    for case in ["three", "three-sealed"] {
        let review = &findings(case)[0]["review"];
        assert_eq!(
            (&review["state"], &review["because"]),
            (&"confirmed".into(), &"seen twice".into())
        );
        assert!(review["by"].as_str().unwrap().starts_with("RW"), "{review}");
    }
    let told = run(at, &["case", "log", "three-sealed"], 0);
    assert!(told.contains("is disputed: seen twice"), "{told}");
    assert!(told.contains("firmware: an answer"), "{told}");
    run(at, &["case", "reanalyse", "three-sealed"], 0);
}
