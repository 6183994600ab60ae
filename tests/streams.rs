//! What the flow stage makes of awkward TCP and of mirror ports, told by the flow records.

use phonehome::attribution::geo::Geo;
use phonehome::attribution::record::FlowRecord;
use phonehome::base::time::Timestamp;
use phonehome::engine::{Engine, Job, Records, Settings};
use phonehome::source::{Chunk, Frame};
use serde_json::{Value, json};

const SYN: u8 = 2;
const ACK: u8 = 0x10;
const FIN: u8 = 1;

/// A packet of the connection between a device and a server.
#[derive(Clone)]
struct Packet {
    out: bool,
    flags: u8,
    sequence: u32,
    acknowledgment: u32,
    data: Vec<u8>,
    identification: u16,
    hops: u8,
    /// Captured bytes of payload; all where `None`.
    captured: Option<usize>,
    vlan: Option<u16>,
    /// Milliseconds.
    at: i64,
}

fn packet(out: bool, flags: u8, sequence: u32, data: &[u8]) -> Packet {
    Packet {
        out,
        flags,
        sequence,
        acknowledgment: 0,
        data: data.to_vec(),
        identification: 0,
        hops: 64,
        captured: None,
        vlan: None,
        at: 0,
    }
}

impl Packet {
    /// As an Ethernet frame, and its length on the wire.
    fn frame(&self) -> (Vec<u8>, u32) {
        let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        if let Some(vlan) = self.vlan {
            bytes.extend([0x81, 0]);
            bytes.extend(vlan.to_be_bytes());
        }
        bytes.extend([8, 0, 0x45, 0]);
        bytes.extend((40 + self.data.len() as u16).to_be_bytes());
        bytes.extend(self.identification.to_be_bytes());
        bytes.extend([0x40, 0, self.hops, 6, 0, 0]);
        let ends = [[10, 0, 0, 1], [192, 0, 2, 1]];
        let ports = [40_000u16, 554];
        let [from, to] = if self.out { [0, 1] } else { [1, 0] };
        bytes.extend([ends[from], ends[to]].concat());
        bytes.extend([ports[from].to_be_bytes(), ports[to].to_be_bytes()].concat());
        bytes.extend(self.sequence.to_be_bytes());
        bytes.extend(self.acknowledgment.to_be_bytes());
        // A checksum that depends on the payload, as a real one does; that it is wrong does not
        // matter here.
        let sum = self.data.iter().fold(1u16, |sum, &byte| sum.rotate_left(3) ^ u16::from(byte));
        bytes.extend([0x50, self.flags, 0xff, 0xff]);
        bytes.extend(sum.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(&self.data);
        let wire_length = bytes.len() as u32;
        if let Some(captured) = self.captured {
            bytes.truncate(bytes.len() - self.data.len() + captured);
        }
        (bytes, wire_length)
    }
}

/// The records of what these packets make, each numbered by its sender unless it says otherwise.
fn records(packets: &[Packet]) -> Vec<Value> {
    let geo = Geo::default();
    let mut records = Vec::new();
    let mut take = |record: FlowRecord| records.push(serde_json::to_value(record).unwrap());
    let take: &mut Records<'_> = &mut take;
    let mut engine = Engine::new(Settings::default(), &geo, Some(take));
    let mut chunk = Chunk::default();
    for (number, packet) in (1..).zip(packets) {
        let mut packet = packet.clone();
        if packet.identification == 0 {
            packet.identification = 1000 + number as u16;
        }
        let (data, wire_length) = packet.frame();
        let time = Timestamp(packet.at * 1_000_000);
        chunk.push(&Frame { number, time, wire_length, link: 1, data: &data });
    }
    let mut job = Job::default();
    job.replace(chunk);
    engine.job(&mut job);
    let _ = engine.finish();
    records
}

fn one(packets: &[Packet]) -> Value {
    let mut records = records(packets);
    assert_eq!(records.len(), 1, "{records:?}");
    records.remove(0)
}

const REQUEST: &[u8] = b"OPTIONS rtsp://camera.example/live RTSP/1.0\r\nCSeq: 1\r\n\r\n";

fn handshake() -> Vec<Packet> {
    let mut answer = packet(false, SYN | ACK, 500, b"");
    answer.acknowledgment = 100;
    let mut done = packet(true, ACK, 100, b"");
    done.acknowledgment = 501;
    vec![packet(true, SYN, 99, b""), answer, done]
}

/// The request in pieces of `size` bytes.
fn pieces(size: usize) -> Vec<Packet> {
    let at = |index: usize| 100 + (index * size) as u32;
    REQUEST.chunks(size).enumerate().map(|(i, data)| packet(true, ACK, at(i), data)).collect()
}

#[test]
fn pieces_of_any_size_and_order_say_the_same() {
    let length = REQUEST.len();
    for size in [5, 16, length] {
        let mut swapped = pieces(size);
        swapped.chunks_mut(2).for_each(|two| two.reverse());
        let again: Vec<Packet> = pieces(size).into_iter().flat_map(|p| [p.clone(), p]).collect();
        for pieces in [pieces(size), swapped, again] {
            let sent: usize = pieces.iter().map(|piece| piece.data.len()).sum();
            let record = one(&[handshake(), pieces].concat());
            assert_eq!(record["label"]["protocol"], "rtsp", "{size}");
            assert_eq!(record["http_hosts"], json!(["camera.example"]), "{size}");
            assert_eq!(record["payload_bytes"], json!([sent, 0]));
            assert_eq!(record["delivered_bytes"], json!([length, 0]));
            assert_eq!(record["missed_bytes"], json!([0, 0]));
            assert_eq!(record["conflicts"], Value::Null);
        }
    }
}

#[test]
fn state_and_history_of_a_whole_connection() {
    let mut packets = [handshake(), pieces(100)].concat();
    packets.push(packet(false, ACK, 501, b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"));
    packets.push(packet(true, FIN | ACK, 100 + REQUEST.len() as u32, b""));
    packets.push(packet(false, FIN | ACK, 528, b""));
    let record = one(&packets);
    assert_eq!((&record["state"], &record["history"]), (&json!("SF"), &json!("ShADdFaf")));
}

#[test]
fn begun_before_the_capture_and_seen_one_way() {
    let record = one(&pieces(16));
    assert_eq!(record["initiator_known"], false);
    assert_eq!(record["packets"], json!([pieces(16).len(), 0]));
    assert_eq!(record["delivered_bytes"], json!([REQUEST.len(), 0]));
    assert_eq!((&record["state"], &record["history"]), (&json!("OTH"), &json!("D")));
    assert_eq!(record["label"]["protocol"], "rtsp");
}

#[test]
fn what_is_missing_is_stated() {
    let mut holed = pieces(10);
    holed.remove(2);
    let record = one(&[handshake(), holed].concat());
    assert_eq!(record["missed_bytes"], json!([10, 0]));
    assert_eq!(record["delivered_bytes"], json!([REQUEST.len() - 10, 0]));
    // Cut by the capture's snap length: the bytes were on the wire, so they count.
    let mut cut = pieces(100);
    cut[0].captured = Some(20);
    let record = one(&[handshake(), cut].concat());
    assert_eq!(record["delivered_bytes"], json!([REQUEST.len(), 0]));
    assert_eq!(record["missed_bytes"], json!([0, 0]));
}

#[test]
fn copies_that_differ_are_flagged() {
    let mut packets = [handshake(), pieces(16)].concat();
    let mut forged = packets[4].clone();
    forged.data[3] ^= 1;
    forged.at = 300;
    packets.push(forged);
    let record = one(&packets);
    assert_eq!(record["conflicts"], json!([1, 0]));
    assert_eq!(record["http_hosts"], json!(["camera.example"]));
    assert_eq!(record["delivered_bytes"], json!([REQUEST.len(), 0]));
}

/// What a mirror port shows that copies what enters and what leaves.
fn mirrored(change: impl Fn(&mut Packet)) -> Vec<Packet> {
    let packets = [handshake(), pieces(16)].concat();
    let numbered = packets.into_iter().zip(7..).map(|(mut packet, number)| {
        packet.identification = number;
        packet
    });
    let twice = numbered.flat_map(|packet| {
        let mut second = packet.clone();
        change(&mut second);
        [packet, second]
    });
    twice.collect()
}

#[test]
fn second_sights_of_a_mirror_port_are_told_apart() {
    let plain = one(&[handshake(), pieces(16)].concat());
    let record = one(&mirrored(|second| second.hops -= 1));
    let packets = handshake().len() + pieces(16).len();
    assert_eq!(record["duplicates"][0], packets as u64);
    assert_eq!(record["delivered_bytes"], plain["delivered_bytes"]);
    assert_eq!(record["payload_bytes"], json!([2 * REQUEST.len(), 0]));
    let total = |record: &Value| {
        record["packets"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(total(&record), 2 * packets as u64);
    assert_eq!(record["history"], plain["history"]);
    // In another VLAN it is another flow, to which nothing was delivered.
    let records = records(&mirrored(|second| second.vlan = Some(7)));
    let [untagged, tagged] = &records[..] else { panic!("{records:?}") };
    assert_eq!(untagged["delivered_bytes"], plain["delivered_bytes"]);
    assert_eq!(tagged["delivered_bytes"], json!([0, 0]));
    assert_eq!(tagged["duplicates"][0], packets as u64);
}

#[test]
fn a_retransmission_is_no_second_sight() {
    // Another number, or the same bytes without a number later than any mirror.
    for change in
        [(|second| second.identification += 1000) as fn(&mut Packet), |second| second.at += 200]
    {
        let record = one(&mirrored(change));
        assert_eq!(record["duplicates"], Value::Null);
        assert_eq!(record["delivered_bytes"], json!([REQUEST.len(), 0]));
    }
}
