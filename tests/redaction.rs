//! Redacted copies: what is withheld is gone, what stays proves itself, to us and to Python.

mod common;

use common::program::{in_folder, said as run};
use phonehome::redaction;
use serde_json::Value;
use std::collections::BTreeSet;
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
            assert!(found.is_err() || changed == whole, "{path:?} {byte}");
        }
        fs::remove_file(&path).unwrap();
        assert!(redaction::check(&copy, None).is_err(), "{path:?} removed");
        fs::write(&path, &whole).unwrap();
    }
    assert!(redaction::check(&copy, None).is_ok());
    fs::write(copy.join("captures/more.txt"), "x").unwrap();
    assert!(redaction::check(&copy, None).is_err());
}

#[test]
fn pseudonyms_are_consistent_and_leave_no_name_behind() {
    let folder = sealed();
    let at = folder.path();
    let names = |case: &str| -> Vec<(String, String)> {
        let output = in_folder(at, &["case", "publish", "--json", "--check", case]);
        let value: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |found: &Value, field: &str| found[field].as_str().unwrap().to_owned();
        let all = value["found"].as_array().unwrap().iter();
        all.map(|found| (text(found, "kind"), text(found, "value"))).collect()
    };
    let original = names("one-sealed");
    for profile in ["headers", "cited", "cited-payload"] {
        let redact = ["case", "redact", "one-sealed", "--profile", profile, "--pseudonyms"];
        for (copy, key) in [("a", "lab.names"), ("b", "lab.names"), ("c", "other.names")] {
            let told = run(at, &[&redact[..], &[key, "-o", copy]].concat(), 0);
            assert!(told.contains("pseudonyms in them, which nothing proves"), "{told}");
        }
        let told = run(at, &["case", "verify", "a"], 0);
        assert!(told.contains("not made  ") && told.contains("550 frames"), "{told}");
        assert_ne!(foreign(&at.join("a")), Some(false), "{profile}");
        let bytes = |copy: &str| -> Vec<Vec<u8>> {
            files(&at.join(copy)).iter().map(|file| fs::read(file).unwrap()).collect()
        };
        // The same key, the same names; another, others.
        assert!(bytes("a") == bytes("b"));
        assert!(bytes("a") != bytes("c"));
        let now = names("a");
        let macs = |all: &[(String, String)]| {
            all.iter()
                .filter(|(kind, _)| kind == "mac")
                .map(|(_, mac)| mac.clone())
                .collect::<BTreeSet<_>>()
        };
        assert!(macs(&now).is_disjoint(&macs(&original)), "{now:?}");
        if profile != "cited" {
            assert!(macs(&now).len() > 2, "{now:?}");
        }
        let captures: Vec<Vec<u8>> =
            files(&at.join("a/captures")).iter().map(|file| fs::read(file).unwrap()).collect();
        let kinds = ["mac", "serial", "ssid", "account", "device_id"];
        for (_, name) in original.iter().filter(|(kind, _)| kinds.contains(&kind.as_str())) {
            for spelled in spellings(name.as_bytes()) {
                let there =
                    captures.iter().any(|bytes| contains(&bytes.to_ascii_lowercase(), &spelled));
                assert!(!there, "{profile}: {name} {spelled:?}");
            }
        }
        for copy in ["a", "b", "c"] {
            fs::remove_dir_all(at.join(copy)).unwrap();
        }
    }
    fs::write(at.join("lab.names"), "short").unwrap();
    let redact = ["case", "redact", "one-sealed", "-o", "d", "--pseudonyms", "lab.names"];
    let told = run(at, &redact, 2);
    assert!(told.contains("is no key for pseudonyms") && !at.join("d").exists(), "{told}");
}

/// A name in lower case as it is, in hexadecimal, and the middle of its base64 wherever it begins.
fn spellings(name: &[u8]) -> Vec<Vec<u8>> {
    let name = name.to_ascii_lowercase();
    let hex = name.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect();
    let mut all = vec![name.clone(), hex];
    if let Ok(mac) = std::str::from_utf8(&name)
        && mac.len() == 17
        && mac.as_bytes()[2] == b':'
    {
        let octets = mac.split(':').map(|octet| u8::from_str_radix(octet, 16).unwrap());
        all.push(octets.collect());
        all.push(mac.replace(':', "").into_bytes());
        all.push(mac.replace(':', "-").into_bytes());
    }
    all
}

#[test]
fn checksums_that_were_right_stay_right() {
    if Command::new("tshark").arg("-v").output().is_err() {
        eprintln!("skipped: tshark is not installed");
        return;
    }
    let folder = sealed();
    let at = folder.path();
    let redact = ["case", "redact", "one-sealed", "-o", "a", "--profile", "cited-payload"];
    run(at, &[&redact[..], &["--pseudonyms", "lab.names"]].concat(), 0);
    let bad = |file: &str| {
        let output = Command::new("tshark")
            .args(["-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"])
            .args([
                "-o",
                "ip.check_checksum:TRUE",
                "-r",
                file,
                "-T",
                "fields",
                "-e",
                "frame.number",
            ])
            .args(["-Y", "ip.checksum.status==0||tcp.checksum.status==0||udp.checksum.status==0"])
            .current_dir(at)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    // Of a cut packet Wireshark checks nothing but the header of IP.
    assert_eq!(bad("one-sealed/data/segments/000001.received.pcapng"), "");
    assert_eq!(bad("a/captures/000001.pcapng"), "");
    let changes = fs::read_to_string(at.join("a/changes.tsv")).unwrap();
    assert!(
        changes.lines().skip(1).any(|line| line.contains("\t0-") || line.contains("\t3-")),
        "{changes}"
    );
}

#[test]
fn what_must_not_be_told_is_withheld_in_every_spelling() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    run(at, &["key", "new", "lab.key"], 0);
    let camera = capture("camera.pcapng");
    run(at, &["case", "import", &camera, "--case", "one"], 0);
    run(at, &["case", "seal", "one", "--key", "lab.key"], 0);
    let redact = ["case", "redact", "one-sealed", "--profile", "cited", "--with-secrets", "-o"];
    run(at, &[&redact[..], &["whole"]].concat(), 0);
    let bytes = |copy: &str| fs::read(at.join(copy).join("captures/000001.pcapng")).unwrap();
    // In the capture it stands in base64 alone.
    let secret = "exempla-cam";
    let authorization = &b"Authorization: Basic "[..];
    assert!(contains(&bytes("whole"), authorization));
    let encoded = String::from_utf8_lossy(&bytes("whole")).into_owned();
    let start = encoded.find("Authorization: Basic ").unwrap() + authorization.len();
    let word = encoded[start..].split("\r\n").next().unwrap();
    let plain = String::from_utf8(
        base64::Engine::decode(&base64::engine::general_purpose::STANDARD, word).unwrap(),
    )
    .unwrap();
    let password = plain.split(':').nth(1).unwrap();
    assert_ne!(password, secret);
    fs::write(at.join("texts"), format!("{password}\n")).unwrap();
    run(at, &[&redact[..], &["less", "--withhold", "texts"]].concat(), 0);
    assert!(!contains(&bytes("less"), authorization));
    assert!(bytes("less").len() > 1000);
    run(at, &["case", "verify", "less"], 0);
}

/// Segments of one connection in each direction, and single datagrams, in a classic capture.
fn capture_of(packets: &[(u8, &[u8])]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    file.extend([0xff, 0xff, 0, 0, 1, 0, 0, 0]);
    let mut sequence = [1u32; 256];
    for (number, (host, payload)) in packets.iter().enumerate() {
        let mut frame = vec![0, 0, 0x5e, 0, 0x53, 1, 0, 0, 0x5e, 0, 0x53, 2, 8, 0, 0x45, 0];
        frame.extend((payload.len() as u16 + 40).to_be_bytes());
        frame.extend([0, 1, 0, 0, 64, 6, 0, 0, 10, 0, 0, *host, 192, 0, 2, 1]);
        frame.extend([0x9c, 0x40, 0, 80]);
        let own = &mut sequence[usize::from(*host)];
        frame.extend(own.to_be_bytes());
        *own += payload.len() as u32;
        frame.extend([0, 0, 0, 1, 0x50, 0x18, 1, 0, 0, 0, 0, 0]);
        frame.extend(*payload);
        file.extend((1_700_000_000 + number as u32).to_le_bytes());
        file.extend([0; 4]);
        file.extend([(frame.len() as u32).to_le_bytes(); 2].concat());
        file.extend(frame);
    }
    file
}

/// A sealed case of some packets.
fn sealed_of(packets: &[(u8, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    run(at, &["key", "new", "lab.key"], 0);
    fs::write(at.join("made.pcap"), capture_of(packets)).unwrap();
    run(at, &["case", "import", "made.pcap", "--case", "one"], 0);
    let output = in_folder(at, &["case", "seal", "one", "--key", "lab.key"]);
    assert!(at.join("one-sealed").exists(), "{}", output.stderr);
    folder
}

/// Whether everything of a packet stays when all are cited and texts are withheld.
fn stays(folder: &TempDir, texts: &[&str], count: u64) -> Vec<bool> {
    let case = folder.path().join("one-sealed");
    let copy = folder.path().join("copy");
    let mut plan = redaction::Plan {
        profile: redaction::Profile::Cited,
        cited: (1..=count).map(|frame| (0, frame)).collect(),
        forbidden: texts.iter().map(|text| text.as_bytes().to_vec()).collect(),
        ..redaction::Plan::default()
    };
    redaction::redact(&case, &copy, &mut plan).unwrap();
    redaction::check(&copy, None).unwrap();
    assert_ne!(foreign(&copy), Some(false));
    let changes = fs::read_to_string(copy.join("changes.tsv")).unwrap();
    let cut: BTreeSet<u64> = changes
        .lines()
        .skip(1)
        .map(|line| line.split('\t').nth(1).unwrap().parse().unwrap())
        .collect();
    fs::remove_dir_all(&copy).unwrap();
    (1..=count).map(|frame| !cut.contains(&frame)).collect()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn what_is_folded_escaped_or_compressed_is_withheld_with_the_rest() {
    let secret = "correct-horse/7788";
    let encoded =
        |text: &[u8]| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
    let folded = |end: &str| {
        let text =
            encoded(format!("a long text in front of it {secret} and one behind it").as_bytes());
        let lines: Vec<_> = text.as_bytes().chunks(16).map(String::from_utf8_lossy).collect();
        lines.join(end).into_bytes()
    };
    let body = |encoding: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n");
        [head.as_bytes(), body].concat()
    };
    let told = format!("{{\"user\":\"anna\",\"password\":\"{secret}\"}}");
    let long: String = (0..3000u64).map(|n| format!("{} ", n * n % 977)).collect();
    let long = gzip(format!("{long}{secret}{long}").as_bytes());
    let harmless = gzip(b"{\"status\":\"nothing to tell\"}");
    let packets: Vec<(u8, Vec<u8>, bool)> = vec![
        (1, b"nothing to tell".to_vec(), true),
        (2, folded("\r\n"), false),
        (3, folded("\n"), false),
        (4, folded("\\n"), false),
        (5, folded("%0D%0A"), false),
        (6, b"login=anna&password=correct%2Dhorse%2f7788".to_vec(), false),
        (7, br#"{"password":"correct-horse\/7788"}"#.to_vec(), false),
        (8, body("gzip", &gzip(told.as_bytes())), false),
        (9, body("gzip", &harmless), true),
        (10, encoded(told.as_bytes()).into_bytes(), false),
        (11, encoded(&gzip(told.as_bytes())).into_bytes(), false),
        // What nobody here can open might hold it.
        (12, body("br", b"\x0b\x02\x80hello\x03"), false),
        (13, b"PK\x03\x04 an archive".to_vec(), false),
        // Over three segments: a beginning, a middle that shows no sign of it, and an end.
        (14, body("gzip", &long[..long.len() / 3]), false),
        (14, long[long.len() / 3..long.len() / 2].to_vec(), false),
        (14, long[long.len() / 2..].to_vec(), false),
    ];
    let given: Vec<(u8, &[u8])> = packets.iter().map(|(host, p, _)| (*host, &p[..])).collect();
    let folder = sealed_of(&given);
    let count = packets.len() as u64;
    let kept = stays(&folder, &[secret], count);
    for (position, (.., expected)) in packets.iter().enumerate() {
        assert_eq!(kept[position], *expected, "packet {}", position + 1);
    }
    // Nothing of that is asked for: everything stays.
    assert!(stays(&folder, &[], count).iter().all(|&kept| kept));
    // The whole of a compressed text that says nothing of it stays, over segments too; of a part
    // nobody can tell.
    let three = [&harmless[..9], &harmless[9..20], &harmless[20..]];
    let given: Vec<(u8, &[u8])> = three.iter().map(|part| (1, *part)).collect();
    assert_eq!(stays(&sealed_of(&given), &[secret], 3), [true; 3]);
    assert_eq!(stays(&sealed_of(&given[..2]), &[secret], 2), [false; 2]);
    // The middle alone is cited.
    let folder = sealed_of(&[(1, &long[..400]), (1, &long[400..800])]);
    let case = folder.path().join("one-sealed");
    let mut plan = redaction::Plan {
        profile: redaction::Profile::CitedPayload,
        cited: [(0, 2)].into(),
        forbidden: vec![secret.as_bytes().to_vec()],
        ..redaction::Plan::default()
    };
    redaction::redact(&case, &folder.path().join("copy"), &mut plan).unwrap();
    let left = fs::read(folder.path().join("copy/captures/000001.pcapng")).unwrap();
    assert!(!contains(&left, &long[500..520]));
}

#[test]
fn a_copy_can_be_searched_for_texts_before_it_is_published() {
    let secret = "correct-horse/7788";
    let told = gzip(format!("password={secret}").as_bytes());
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    let packets: [(u8, &[u8]); 4] = [
        (1, b"nothing"),
        (2, &[&head[..], &told].concat()),
        (3, b"a correct-hor"),
        (3, b"se/7788 over two"),
    ];
    let folder = sealed_of(&packets);
    let at = folder.path();
    fs::write(at.join("texts"), format!("{secret}\n")).unwrap();
    let check = ["case", "publish", "--texts", "texts", "--json", "--check"];
    let search = |path: &str, code: i32| -> (Vec<u64>, Value) {
        let outcome = in_folder(at, &[&check[..], &[path]].concat());
        assert_eq!(outcome.code, Some(code), "{}{}", outcome.text(), outcome.stderr);
        let value = outcome.json();
        let named = value["found"].as_array().unwrap().iter().find(|f| f["kind"] == "named_text");
        let frames = named.map(|found| found["frames"].as_array().unwrap().clone());
        let frames = frames.unwrap_or_default();
        assert!(!value.to_string().contains(secret), "{value}");
        (frames.iter().map(|frame| frame["frame"].as_u64().unwrap()).collect(), value)
    };
    assert_eq!(search("made.pcap", 1).0, [2, 3, 4]);
    assert_eq!(search("one-sealed", 1).0, [2, 3, 4]);
    let redact = ["case", "redact", "one-sealed", "-o", "headers"];
    run(at, &redact, 0);
    assert_eq!(search("headers", 1).0, [0u64; 0]);
    // What cannot be looked into is no reason to call it clean.
    fs::write(at.join("made.pcap"), capture_of(&[(1, &told[..told.len() - 5])])).unwrap();
    let (found, value) = search("made.pcap", 3);
    assert!(found.is_empty());
    let because = value["incomplete_because"].to_string();
    assert!(because.contains("were not searched for your texts: compressed content"), "{because}");
    fs::write(at.join("texts"), "\n").unwrap();
    let told = run(at, &["case", "publish", "--texts", "texts", "--check", "made.pcap"], 2);
    assert!(told.contains("holds no text"), "{told}");
    // Its packets would prove themselves, and hide that something else was changed.
    fs::write(at.join("one-sealed/data/findings.json"), "{\"findings\":[]}").unwrap();
    let told = run(at, &["case", "redact", "one-sealed", "-o", "broken"], 5);
    assert!(told.contains("does not hold") && !at.join("broken").exists(), "{told}");
}
