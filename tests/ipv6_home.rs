//! A device with addresses of the internet's own range, as IPv6 gives every device at home, is one
//! device and no gateway; its holder is who neighbour discovery says.

mod common;

use common::generated::{Generated, ROUTER, ipv4, udp};
use common::program;
use serde_json::Value;
use std::io::Read;
use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

const CAMERA: [u8; 6] = [0x94, 0x10, 0x3e, 0, 0, 1];
/// Permanent and, as privacy extensions change them, temporary ones (RFC 8981).
const ADDRESSES: u64 = 12;
const RESOLVER: &str = "2a02:908:7::1";
const CLOUD: &str = "2a05:d018:7::53";
const ROUTER_LINK: &str = "fe80::1";

fn address(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn camera(number: u64) -> Ipv6Addr {
    address(&format!("2a02:908:7::c:{number:x}"))
}

fn ipv6(
    frame: &mut Vec<u8>,
    macs: [[u8; 6]; 2],
    ends: [Ipv6Addr; 2],
    (next, hops): (u8, u8),
    mut payload: Vec<u8>,
) {
    let at = if next == 17 { 6 } else { 2 };
    let mut summed: Vec<u8> = ends.iter().flat_map(Ipv6Addr::octets).collect();
    summed.extend((payload.len() as u32).to_be_bytes());
    summed.extend([0, 0, 0, next]);
    summed.extend(&payload);
    summed.resize(summed.len().next_multiple_of(2), 0);
    let words = summed.chunks_exact(2).map(|pair| u64::from(pair[0]) << 8 | u64::from(pair[1]));
    let checksum = !words.fold(0, |sum, word| (sum + word) % 0xffff) as u16;
    payload[at..at + 2].copy_from_slice(&checksum.to_be_bytes());
    frame.extend([macs[1], macs[0]].concat());
    frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
    frame.extend((payload.len() as u16).to_be_bytes());
    frame.extend([next, hops]);
    frame.extend(ends.iter().flat_map(Ipv6Addr::octets));
    frame.extend(payload);
}

/// An advertisement of a router with a prefix and a name server.
fn router() -> Vec<u8> {
    let mut message = vec![134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0];
    message.extend([3, 4, 64, 0xc0, 0, 0, 14, 16, 0, 0, 7, 8, 0, 0, 0, 0]);
    message.extend(address("2a02:908:7::").octets());
    message.extend([25, 3, 0, 0, 0, 0, 14, 16]);
    message.extend(address(RESOLVER).octets());
    message
}

/// Who has this address? Nobody else, it is hoped.
fn solicitation(wanted: Ipv6Addr) -> Vec<u8> {
    [&[135, 0, 0, 0, 0, 0, 0, 0][..], &wanted.octets()].concat()
}

/// A camera gets addresses and sends to the internet from each of them; `holder` is who asks for
/// them, and `hops` is what its questions arrive with.
fn capture(folder: &Path, holder: [u8; 6], hops: u8) -> PathBuf {
    let mut made = Generated::new(1 + 3 * ADDRESSES, |number, frame| {
        let from = camera(number.saturating_sub(1) / 3);
        let out = |port| udp([40_000 + number as u16 / 3, port], b"what nobody knows");
        let (sent, received) = ([CAMERA, ROUTER], [ROUTER, CAMERA]);
        match (number, number % 3) {
            (0, _) => {
                let ends = [ROUTER_LINK, "ff02::1"].map(address);
                ipv6(frame, [ROUTER, [0x33, 0x33, 0, 0, 0, 1]], ends, (58, 255), router());
            }
            (_, 1) => {
                let ends = ["::", "ff02::1:ff00:1"].map(address);
                let macs = [holder, [0x33, 0x33, 0xff, 0, 0, 1]];
                ipv6(frame, macs, ends, (58, hops), solicitation(from));
            }
            (_, 2) => ipv6(frame, sent, [from, address(CLOUD)], (17, 64), out(7777)),
            _ => {
                let back = udp([7777, 40_000 + (number as u16 - 1) / 3], b"nor this one");
                ipv6(frame, received, [address(CLOUD), from], (17, 50), back);
            }
        }
        1_700_000_000_000_000 + number * 1_000_000
    });
    let mut bytes = Vec::new();
    made.read_to_end(&mut bytes).unwrap();
    let path = folder.join("home.pcap");
    std::fs::write(&path, bytes).unwrap();
    path
}

fn json(holder: [u8; 6], hops: u8) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let path = capture(folder.path(), holder, hops);
    program::phonehome(&["analyze", "--json", path.to_str().unwrap()]).json()
}

fn devices(json: &Value) -> Vec<(&str, &str)> {
    let devices = json["devices"].as_array().unwrap().iter();
    devices.map(|d| (d["id"].as_str().unwrap(), d["role"].as_str().unwrap())).collect()
}

#[test]
fn all_addresses_of_a_device_are_one_device() {
    let json = json(CAMERA, 255);
    let camera = "mac:94:10:3e:00:00:01";
    assert!(devices(&json).contains(&(camera, "device")), "{:?}", devices(&json));
    assert_eq!(devices(&json).len(), 2, "and its router: {:?}", devices(&json));
    let device = &json["devices"][0];
    assert_eq!(device["addresses"].as_array().unwrap().len(), ADDRESSES as usize);
    assert_eq!(device["resolvers"][0][0], RESOLVER);
    assert_eq!(device["internet"]["packets"], serde_json::json!([ADDRESSES, ADDRESSES]));
}

#[test]
fn what_comes_from_elsewhere_makes_nobody_a_holder() {
    // A router has counted it down, so it is of another network (RFC 4861 §7.1).
    let routed = json(CAMERA, 254);
    assert!(devices(&routed).contains(&("mac:94:10:3e:00:00:01", "gateway")));
    // Somebody else claims the addresses, and yet does not send from them.
    let other = json([2, 0, 0, 0, 0, 9], 255);
    assert!(devices(&other).contains(&("mac:94:10:3e:00:00:01", "gateway")));
    assert!(!devices(&other).contains(&("mac:02:00:00:00:00:09", "gateway")));
}

#[test]
fn name_servers_of_router_advertisements_say_nothing_of_those_for_ipv4() {
    // A question for a.example (RFC 1035 §4.1) to a server of the internet.
    let question = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x01a\x07example\0\0\x01\0\x01";
    let mut made = Generated::new(3, |number, frame| {
        match number {
            0 => {
                let ends = [ROUTER_LINK, "ff02::1"].map(address);
                ipv6(frame, [ROUTER, [0x33, 0x33, 0, 0, 0, 1]], ends, (58, 255), router());
            }
            1 => {
                let ends = ["::", "ff02::1:ff00:1"].map(address);
                let macs = [CAMERA, [0x33, 0x33, 0xff, 0, 0, 1]];
                ipv6(frame, macs, ends, (58, 255), solicitation(camera(0)));
            }
            _ => {
                let asks = udp([40_000, 53], question);
                ipv4(frame, [CAMERA, ROUTER], [0x0a00_0007, 0x0909_0909], 17, [1, 0], &asks);
            }
        }
        1_700_000_000_000_000 + number * 1_000_000
    });
    let mut bytes = Vec::new();
    made.read_to_end(&mut bytes).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("home.pcap");
    std::fs::write(&path, bytes).unwrap();
    let json = program::phonehome(&["analyze", "--json", path.to_str().unwrap()]).json();
    assert_eq!(json["devices"][0]["resolvers"][0][0], RESOLVER);
    let ids: Vec<_> = json["findings"].as_array().unwrap().iter().map(|f| &f["id"]).collect();
    assert!(ids.iter().any(|id| *id == "dns.cleartext"), "{ids:?}");
    assert!(ids.iter().all(|id| *id != "dns.hardcoded-resolver"), "{ids:?}");
}

#[test]
fn flow_records_and_access_lists_know_which_addresses_are_at_home() {
    let folder = tempfile::tempdir().unwrap();
    let (held, elsewhere) = (folder.path().join("held"), folder.path().join("elsewhere"));
    for (folder, holder, local) in [(&held, CAMERA, true), (&elsewhere, [2, 0, 0, 0, 0, 9], false)]
    {
        std::fs::create_dir(folder).unwrap();
        let capture = capture(folder, holder, 255);
        let (out, capture) = (folder.join("zeek"), capture.to_str().unwrap());
        let args = ["flows", capture, "--format", "zeek", "--output", out.to_str().unwrap()];
        let done = program::phonehome(&args);
        assert!(matches!(done.code, Some(0 | 3)), "{}", done.stderr);
        let text = std::fs::read_to_string(out.join("conn.log")).unwrap();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let sent: Vec<&Value> = lines.iter().filter(|line| line["id.resp_p"] == 7777).collect();
        assert_eq!(sent.len(), ADDRESSES as usize, "{text}");
        assert!(sent.iter().all(|line| line["local_orig"] == local), "{text}");
        assert!(sent.iter().all(|line| line["local_resp"] == false), "{text}");
    }
}
