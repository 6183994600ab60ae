//! Names from the wire are chosen by whoever sent them: none may move a cursor, forge a line, break
//! out of HTML or make JSON invalid.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use unicode_width::UnicodeWidthStr;

/// Labels and host names as a hostile device or server would choose them.
fn names() -> Vec<Vec<u8>> {
    let mut names: Vec<Vec<u8>> = [
        &b"\x1b[2J\x1b[31mgone"[..],
        b"line\r\nFindings: none",
        "right\u{202e}left\u{2066}".as_bytes(),
        "c1\u{9b}31m".as_bytes(),
        b"<script>alert(1)</script>",
        b"\"'><img src=x onerror=y>",
        b"=cmd|' /C calc'!A0",
        b"\xff\xfe\x00nul",
        "\u{200b}\u{feff}zero".as_bytes(),
        "漢字カメラ名前漢字カメラ名前漢字".as_bytes(),
        b"tab\tbell\x07back\x08del\x7f",
    ]
    .into_iter()
    .map(<[u8]>::to_vec)
    .collect();
    names.push(vec![b'a'; 63]);
    // The longest name that DNS has room for: 255 bytes with the length bytes.
    names.push([&[b'w'; 63][..], &[b'i'; 63], &[b'd'; 63], &[b'e'; 53]].join(&b'.'));
    names
}

/// A name as DNS writes it: labels with their lengths. Dots in the hostile ones stay inside.
fn labels(name: &[u8], domain: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let own: Vec<&[u8]> =
        if name.len() > 63 { name.split(|byte| *byte == b'.').collect() } else { vec![name] };
    for label in own.into_iter().chain(domain.split('.').map(str::as_bytes)) {
        out.push(label.len() as u8);
        out.extend(label);
    }
    out.push(0);
    out
}

fn udp(source: [u8; 4], destination: [u8; 4], ports: [u16; 2], data: &[u8]) -> Vec<u8> {
    let mut out = vec![2, 0, 0, 0, 0, destination[3], 2, 0, 0, 0, 0, source[3], 8, 0, 0x45, 0];
    out.extend((28 + data.len() as u16).to_be_bytes());
    out.extend([0, 0, 0, 0, 64, 17, 0, 0]);
    out.extend(source);
    out.extend(destination);
    out.extend(ports.into_iter().flat_map(u16::to_be_bytes));
    out.extend((8 + data.len() as u16).to_be_bytes());
    out.extend([0, 0]);
    out.extend(data);
    out
}

fn tcp(ports: [u16; 2], flags: u8, sequence: u32, host: u8, data: &[u8]) -> Vec<u8> {
    let mut out = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 8, 0, 0x45, 0];
    out.extend((40 + data.len() as u16).to_be_bytes());
    out.extend([0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 9, 203, 0, 113, host]);
    out.extend(ports.into_iter().flat_map(u16::to_be_bytes));
    out.extend(sequence.to_be_bytes());
    out.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    out.extend(data);
    out
}

/// An answer with one address, which repeats the question only in unicast DNS.
fn answer(name: &[u8], domain: &str, address: [u8; 4]) -> Vec<u8> {
    let name = labels(name, domain);
    let is_multicast = domain == "local";
    let mut out = vec![0, 7, 0x81, 0x80, 0, u8::from(!is_multicast), 0, 1, 0, 0, 0, 0];
    if is_multicast {
        out[..4].copy_from_slice(&[0, 0, 0x84, 0]);
    } else {
        out.extend(&name);
        out.extend([0, 1, 0, 1]);
    }
    out.extend(name);
    out.extend([0, 1, 0, 1, 0, 0, 0, 60, 0, 4]);
    out.extend(address);
    out
}

/// A TLS 1.2 hello that asks for `name`.
fn client_hello(name: &[u8]) -> Vec<u8> {
    let sized = |bytes: &[u8]| [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat();
    let server_name = sized(&[&[0][..], &sized(name)].concat());
    let extensions = sized(&[&[0, 0][..], &sized(&server_name)].concat());
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0x13, 0x01, 1, 0], &extensions].concat();
    let message = [&[1, 0][..], &sized(&body)].concat();
    [&[0x16, 3, 1][..], &sized(&message)].concat()
}

fn dhcp(name: &[u8]) -> Vec<u8> {
    let mut out = vec![1, 1, 6, 0, 0, 0, 0, 9, 0, 0, 0, 0];
    out.extend([0; 16]);
    out.extend([2, 0, 0, 0, 0, 9]);
    out.extend([0; 10 + 64 + 128]);
    out.extend([0x63, 0x82, 0x53, 0x63, 53, 1, 1, 12, name.len() as u8]);
    out.extend(name);
    out.extend([60, name.len() as u8]);
    out.extend(name);
    out.push(255);
    out
}

fn capture() -> PathBuf {
    let (device, resolver) = ([10, 0, 0, 9], [10, 0, 0, 1]);
    let mut packets = Vec::new();
    for (index, name) in names().iter().enumerate() {
        let host = index as u8 + 1;
        let ports = [40_000 + index as u16, 80];
        packets.push(udp([0; 4], [255; 4], [68, 67], &dhcp(name)));
        let answered = answer(name, "example", [203, 0, 113, host]);
        packets.push(udp(resolver, device, [53, 5000], &answered));
        let own = answer(name, "local", device);
        packets.push(udp(device, [224, 0, 0, 251], [5353, 5353], &own));
        packets.push(tcp(ports, 2, 99, host, b""));
        let request =
            [b"GET / HTTP/1.1\r\nHost: ", &name[..], b"\r\nAuthorization: Basic YTpi\r\n\r\n"];
        packets.push(tcp(ports, 0x18, 100, host, &request.concat()));
        packets.push(tcp([ports[0], 443], 2, 99, host, b""));
        packets.push(tcp([ports[0], 443], 0x18, 100, host, &client_hello(name)));
        packets.push(tcp([ports[0], 8800], 2, 99, host, b""));
        packets.push(tcp([ports[0], 8800], 0x18, 100, host, b"\0\x01binary"));
    }
    let mut out = Vec::new();
    for word in [0xa1b2_c3d4u32, 0x0004_0002, 0, 0, 262_144, 1] {
        out.extend(word.to_le_bytes());
    }
    for (index, data) in packets.iter().enumerate() {
        for word in [1_700_000_000, index as u32, data.len() as u32, data.len() as u32] {
            out.extend(word.to_le_bytes());
        }
        out.extend(data);
    }
    let path = std::env::temp_dir().join(format!("hostile-names-{}.pcap", std::process::id()));
    std::fs::write(&path, out).unwrap();
    path
}

fn phonehome(arguments: &[&str], path: &PathBuf) -> Vec<u8> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_phonehome")).args(arguments).arg(path).output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

/// The bytes of a name as they were on the wire.
fn raw(name: &Value) -> Vec<u8> {
    match name["raw"].as_str() {
        Some(raw) => STANDARD.decode(raw).unwrap(),
        None => name["text"].as_str().unwrap().as_bytes().to_vec(),
    }
}

/// Control, invisible and direction-changing characters.
fn is_dangerous(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[test]
fn hostile_names_stay_text_everywhere() {
    let path = capture();
    let report = path.with_extension("html");
    let summary = String::from_utf8(phonehome(&["analyze"], &path)).unwrap();
    assert!(summary.contains("gone.example"), "the names are shown: {summary}");
    assert!(!summary.contains(is_dangerous), "{summary:?}");
    assert!(!summary.lines().any(|line| line.starts_with("Findings: none")));
    for line in summary.lines() {
        assert!(line.width() <= 80, "{} columns: {line}", line.width());
    }

    let text = String::from_utf8(phonehome(&["analyze", "--json"], &path)).unwrap();
    assert!(!text.contains(is_dangerous));
    let document: Value = serde_json::from_str(&text).unwrap();
    let asked = document["names"].as_array().unwrap();
    let bytes: BTreeSet<Vec<u8>> = asked.iter().map(raw).collect();
    for domain in ["example", "local"] {
        for name in names() {
            let name = [&name.to_ascii_lowercase()[..], domain.as_bytes()].join(&b'.');
            assert!(bytes.contains(&name), "{}", name.escape_ascii());
        }
    }
    let hostile = asked.iter().find(|n| n["text"].as_str().unwrap().contains("gone")).unwrap();
    assert_eq!(hostile["text"], "\\x1b[2j\\x1b[31mgone.example");
    assert!(hostile["raw"].is_string(), "the raw bytes are beside it");
    for finding in document["findings"].as_array().unwrap() {
        assert!(!finding["may_say"].as_str().unwrap().contains(is_dangerous));
    }
    assert!(document["findings"].as_array().unwrap().iter().any(|f| f["id"] == "cred.cleartext"));

    let flows = String::from_utf8(phonehome(&["flows"], &path)).unwrap();
    assert!(!flows.contains(is_dangerous));
    let records: Vec<Value> =
        flows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let with_server_name = records.iter().filter(|record| record["sni"].is_string());
    assert_eq!(with_server_name.count(), names().len());

    let file = report.to_str().unwrap();
    let sensor = concat!(env!("CARGO_MANIFEST_DIR"), "/captures/sensor.pcapng");
    for args in [
        &["analyze", "--quiet", "--report", file][..],
        &["report", "--map", "--here", "NL", "--tz", "Asia/Kolkata", "-o", file],
        &["compare", "--report", file, sensor],
    ] {
        let said = String::from_utf8(phonehome(args, &path)).unwrap();
        assert!(!said.contains(is_dangerous), "{said:?}");
        let page = std::fs::read_to_string(&report).unwrap();
        assert!(!page.contains("<script") && !page.contains("<img"), "names became markup");
        assert!(page.contains("&lt;script&gt;"));
        assert!(!page.contains(is_dangerous));
    }
    std::fs::remove_file(report).unwrap();
    std::fs::remove_file(path).unwrap();
}
