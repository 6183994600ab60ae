//! What is reached through a device, such as a telephone in the wireless network of a hub, is told
//! as the hub's own and said to be behind it.

mod common;

use common::generated::{Generated, ROUTER, ipv4, tcp};
use common::{places, program};
use serde_json::Value;
use std::io::Read;
use std::path::PathBuf;

const HUB: [u8; 6] = [0x94, 0x10, 0x3e, 0, 0, 1];
const HUB_ADDRESS: u32 = 0x0a0a_0a90;
const PHONE_ADDRESS: u32 = 0x0a16_168a;
const AWAY: u32 = 0xc633_6407;

/// Requests of the hub itself and, with this hop limit, of an address behind it.
fn capture(folder: &std::path::Path, hops: u8) -> PathBuf {
    let ask = b"GET / HTTP/1.1\r\nHost: cloud.example\r\n\r\n";
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let mut made = Generated::new(8, |number, frame| {
        let local = if number < 4 { HUB_ADDRESS } else { PHONE_ADDRESS };
        let at = frame.len();
        let (out, back) = ([40_000, 80], [80, 40_000]);
        let (outgoing, segment) = match number % 4 {
            0 => (true, tcp(out, 100, 2, b"")),
            1 => (false, tcp(back, 500, 18, b"")),
            2 => (true, tcp(out, 101, 24, ask)),
            _ => (false, tcp(back, 501, 24, answer)),
        };
        let (macs, ends) = match outgoing {
            true => ([HUB, ROUTER], [local, AWAY]),
            false => ([ROUTER, HUB], [AWAY, local]),
        };
        ipv4(frame, macs, ends, 6, [number as u16 + 1, 0], &segment);
        if outgoing && number >= 4 {
            frame[at + 14 + 8] = hops;
        }
        1_700_000_000_000_000 + number * 10_000
    });
    let mut bytes = Vec::new();
    made.read_to_end(&mut bytes).unwrap();
    let path = folder.join(format!("hub-{hops}.pcap"));
    std::fs::write(&path, bytes).unwrap();
    path
}

fn hub(json: &Value) -> &Value {
    let devices = json["devices"].as_array().unwrap();
    devices.iter().find(|device| device["mac"] == "94:10:3e:00:00:01").unwrap()
}

#[test]
fn a_hop_limit_counted_down_puts_an_address_behind_the_hub() {
    let folder = tempfile::tempdir().unwrap();
    let path = capture(folder.path(), 63);
    let json = program::analyze(&path).json();
    let behind = &hub(&json)["behind"][0];
    assert_eq!((&behind["address"], &behind["frame"]), (&"10.22.22.138".into(), &5.into()));
    let findings = json["findings"].as_array().unwrap();
    assert!(!findings.is_empty());
    for finding in findings {
        let text = finding.to_string();
        assert!(text.contains("something behind the device did it"), "{text}");
        assert!(text.contains("part of it came from 10.22.22.138"), "{text}");
    }
    let outcome = program::phonehome(&["analyze", path.to_str().unwrap()]);
    let said = outcome.text();
    assert!(said.contains("Behind it, and told as its own: 10.22.22.138"), "{said}");
    let page = folder.path().join("hub.html");
    program::phonehome(&["report", path.to_str().unwrap(), "-o", page.to_str().unwrap()]);
    assert!(std::fs::read_to_string(page).unwrap().contains("Behind it"));
    // A second address of the device itself.
    let json = program::analyze(&capture(folder.path(), 64)).json();
    assert!(hub(&json).get("behind").is_none());
    assert!(!json["findings"].to_string().contains("behind the device"));
}

#[test]
fn telephones_behind_the_hubs_of_iot_sentinel_are_found() {
    let Some(root) = places::shared() else { return };
    for (capture, mac, address) in [
        ("WeMoLink/Setup-A-12-STA.pcap", "94:10:3e:cd:37:65", "10.22.22.138"),
        ("WeMoInsightSwitch/Setup-A-1-STA.pcap", "94:10:3e:41:c2:05", "10.22.22.2"),
    ] {
        let json = program::analyze(&root.join("iot_sentinel").join(capture)).json();
        let devices = json["devices"].as_array().unwrap();
        let hub = devices.iter().find(|device| device["mac"] == mac).unwrap();
        assert_eq!(hub["behind"][0]["address"], address, "{capture}");
        let others = devices.iter().filter(|device| device["mac"] != mac);
        assert!(others.into_iter().all(|device| device.get("behind").is_none()), "{capture}");
    }
}
