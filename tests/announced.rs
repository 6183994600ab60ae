//! A flow that another one announces is labelled by it, whichever partition and thread each is in,
//! and flow records and contacts say the same of it.

mod common;

use common::generated::{Generated, ipv4};
use common::program::phonehome_fed;
use serde_json::Value;
use std::io::Read;

const CAMERA: u32 = 0x0a00_0005;
const PLATFORM: u32 = 0xc633_6401;
const MEDIA: u32 = 0xc633_6563;

struct Packet {
    from: (u32, u16),
    to: (u32, u16),
    transport: Vec<u8>,
    protocol: u8,
    second: u64,
}

fn udp(second: u64, from: (u32, u16), to: (u32, u16), payload: &[u8]) -> Packet {
    let length = 8 + payload.len() as u16;
    let transport =
        [&from.1.to_be_bytes()[..], &to.1.to_be_bytes(), &length.to_be_bytes(), &[0, 0], payload]
            .concat();
    Packet { from, to, transport, protocol: 17, second }
}

fn tcp(second: u64, from: (u32, u16), to: (u32, u16), sent: [u32; 2], payload: &[u8]) -> Packet {
    let flags = match (sent, payload) {
        ([0, 0], b"") => 2,
        ([0, 1], b"") => 0x12,
        _ => 0x18,
    };
    let ports = [from.1.to_be_bytes(), to.1.to_be_bytes()].concat();
    let numbers = sent.map(u32::to_be_bytes).concat();
    let rest = [0x50, flags, 0xff, 0xff, 0, 0, 0, 0];
    let transport = [&ports[..], &numbers, &rest, payload].concat();
    Packet { from, to, transport, protocol: 6, second }
}

/// A connection in which each side speaks in turn.
fn connection(second: u64, client: (u32, u16), server: (u32, u16), says: &[&str]) -> Vec<Packet> {
    let mut packets =
        vec![tcp(second, client, server, [0, 0], b""), tcp(second, server, client, [0, 1], b"")];
    let (mut ends, mut sent) = ([client, server], [1, 1]);
    for text in says {
        packets.push(tcp(second, ends[0], ends[1], sent, text.as_bytes()));
        sent[0] += text.len() as u32;
        ends.swap(0, 1);
        sent.swap(0, 1);
    }
    packets
}

fn capture(packets: &[Packet]) -> Vec<u8> {
    let macs = |address: u32| [2, 0, 0, 0, u8::from(address == CAMERA), 1];
    let mut all = Vec::new();
    let mut generated = Generated::new(packets.len() as u64, |number, frame| {
        let Packet { from, to, transport, protocol, second } = &packets[number as usize];
        let ends = [from.0, to.0];
        ipv4(frame, ends.map(macs), ends, *protocol, [number as u16, 0], transport);
        (1_700_000_000 + second) * 1_000_000 + number
    });
    generated.read_to_end(&mut all).unwrap();
    all
}

fn conversations() -> Vec<Packet> {
    let rtp = |number: u8| [&[0x80, 96, 1, number, 0, 0, 0, 1, 9, 9, 9, 9][..], &[7; 60]].concat();
    let invite = "INVITE sip:34020000001320000001@3402000000 SIP/2.0\r\nContent-Length: 59\r\n\r\n\
                  v=0\r\nc=IN IP4 198.51.101.99\r\ns=Play\r\nm=video 6000 RTP/AVP 96\r\n";
    let mut packets = vec![
        udp(1, (PLATFORM, 5060), (CAMERA, 5060), invite.as_bytes()),
        // One datagram alone is no evidence of RTP.
        udp(2, (CAMERA, 15_060), (MEDIA, 6000), &rtp(1)),
        udp(2, (CAMERA, 15_061), (MEDIA, 6001), b"something else"),
        // Too late.
        udp(400, (CAMERA, 15_062), (MEDIA, 6000), &rtp(9)),
    ];
    let setup = [
        "SETUP rtsp://c/1 RTSP/1.0\r\nTransport: RTP/AVP;unicast;client_port=7000-7001\r\n\r\n",
        "RTSP/1.0 200 OK\r\nTransport: RTP/AVP;unicast;client_port=7000-7001;server_port=8000\r\n\r\n",
    ];
    packets.extend(connection(3, (PLATFORM, 40_000), (CAMERA, 554), &setup));
    packets.extend((1..4).map(|n| udp(4, (CAMERA, 8000), (PLATFORM, 7000), &rtp(n))));
    let login = ["USER a\r\nPASV\r\n", "227 Passive (198,51,100,1,200,1)\r\n", "STOR a.jpg\r\n"];
    packets.extend(connection(5, (CAMERA, 40_001), (PLATFORM, 21), &login));
    packets.extend(connection(6, (CAMERA, 40_002), (PLATFORM, 51_201), &["\u{1}\u{2}picture"]));
    packets.sort_by_key(|packet| packet.second);
    packets
}

/// Protocol, method, content and deciding frame.
fn label(flows: &[Value], port: u16) -> String {
    let flow = flows.iter().find(|flow| flow["src_port"] == port).unwrap();
    let word = |key: &str| flow["label"][key].to_string().replace('"', "");
    ["protocol", "method", "content", "frame"].map(word).join(" ")
}

#[test]
fn announced_flows_have_the_label_of_their_announcement() {
    let bytes = capture(&conversations());
    let out = phonehome_fed(&["flows", "-"], &bytes);
    let flows: Vec<Value> =
        out.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(label(&flows, 15_060), "rtp expected clear 1");
    assert_eq!(label(&flows, 15_061), "rtcp expected clear 1");
    assert_eq!(label(&flows, 15_062), "unknown none unknown null");
    let unannounced = flows.iter().find(|flow| flow["src_port"] == 15_062).unwrap();
    let unknown = &unannounced["unknown"];
    assert_eq!(unknown["class"], "unknown");
    assert_eq!(unknown["first_bytes"][0], "8060010900000001".to_owned() + "0909090907070707");
    assert!(
        flows
            .iter()
            .all(|flow| flow["label"]["protocol"] == "unknown" || flow["unknown"].is_null())
    );
    // Its payload shows that it is RTP, the announcement that it is readable.
    assert_eq!(label(&flows, 8000), "rtp payload clear 9");
    assert_eq!(label(&flows, 40_002), "ftp-data expected clear 14");

    let world = phonehome_fed(&["analyze", "--json", "--no-hash", "-"], &bytes).json();
    let services = |method: &str| -> Vec<String> {
        let contacts = world["contacts"].as_array().unwrap().iter();
        let services = contacts.flat_map(|contact| contact["services"].as_array().unwrap());
        let mut names: Vec<String> = services
            .filter(|service| service["method"] == method)
            .map(|service| format!("{} {}", service["protocol"], service["content"]))
            .collect();
        names.sort();
        names
    };
    let clear = |name: &str| format!("{name:?} \"clear\"");
    assert_eq!(services("expected"), ["ftp-data", "rtcp", "rtp"].map(clear));
    let findings = world["findings"].as_array().unwrap().iter();
    let media = findings.filter(|finding| finding["id"] == "tls.none");
    let facts: Vec<String> = media.map(|finding| finding["facts"].to_string()).collect();
    assert!(facts.iter().any(|facts| facts.contains("rtp announced by another flow")), "{facts:?}");
}

#[test]
fn any_number_of_threads_joins_them_alike() {
    let bytes = capture(&conversations());
    for form in [&["flows", "-"][..], &["analyze", "--json", "--no-hash", "-"]] {
        let run = |threads| phonehome_fed(&[form, &["--threads", threads]].concat(), &bytes);
        let one = run("1");
        assert!(one.text().contains("expected"));
        for threads in ["2", "4", "7"] {
            assert_eq!(one.stdout, run(threads).stdout, "{threads} threads");
        }
    }
}
