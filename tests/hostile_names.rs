//! Names from the wire are chosen by whoever sent them: none may move a cursor, forge a line, break
//! out of HTML or make JSON invalid.

use serde_json::Value;
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
    names
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

fn answer(label: &[u8], address: [u8; 4]) -> Vec<u8> {
    let mut out = vec![0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, label.len() as u8];
    out.extend(label);
    out.extend(b"\x07example\0\0\x01\0\x01\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04");
    out.extend(address);
    out
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
        packets.push(udp(resolver, device, [53, 5000], &answer(name, [203, 0, 113, host])));
        packets.push(tcp(ports, 2, 99, host, b""));
        let request =
            [b"GET / HTTP/1.1\r\nHost: ", &name[..], b"\r\nAuthorization: Basic YTpi\r\n\r\n"];
        packets.push(tcp(ports, 0x18, 100, host, &request.concat()));
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
    assert_eq!(asked.len(), names().len());
    let hostile = asked.iter().find(|n| n["text"].as_str().unwrap().contains("gone")).unwrap();
    assert_eq!(hostile["text"], "\\x1b[2j\\x1b[31mgone.example");
    assert!(hostile["raw"].is_string(), "the raw bytes are beside it");
    for finding in document["findings"].as_array().unwrap() {
        assert!(!finding["may_say"].as_str().unwrap().contains(is_dangerous));
    }
    assert!(document["findings"].as_array().unwrap().iter().any(|f| f["id"] == "cred.cleartext"));

    let flows = String::from_utf8(phonehome(&["flows"], &path)).unwrap();
    assert!(!flows.contains(is_dangerous));
    for line in flows.lines() {
        serde_json::from_str::<Value>(line).unwrap();
    }

    phonehome(&["analyze", "--quiet", "--report", report.to_str().unwrap()], &path);
    let page = std::fs::read_to_string(&report).unwrap();
    assert!(!page.contains("<script") && !page.contains("<img"), "names became markup");
    assert!(page.contains("&lt;script&gt;"));
    assert!(!page.contains(is_dangerous));
    std::fs::remove_file(report).unwrap();
    std::fs::remove_file(path).unwrap();
}
