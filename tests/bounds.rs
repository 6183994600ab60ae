//! Hostile amounts: memory stays within its bounds, what a bound costs is counted exactly, and
//! twice the input takes twice the time. The long variants run with `make test-long`.

#![cfg(target_os = "linux")]

mod common;

use common::generated::{DEVICE, Generated, ROUTER, Random, ipv4, tcp, udp};
use common::usage::used;
use phonehome::attribution::geo::Geo;
use phonehome::base::time::Timestamp;
use phonehome::decode::{Body, decode};
use phonehome::engine::{Engine, PARTITIONS, Settings, Sums};
use phonehome::flow::{FLOW_BYTES, FlowKey, key};
use phonehome::source::{Frame, Sources};
use std::time::Duration;

const MIB: u64 = 1024 * 1024;
/// What the program takes beside its tables: code, databases, buffers.
const BASE: u64 = 96 * MIB;

/// What the ledger takes when it is full of rows.
const LEDGER: u64 = 128 * MIB;

type Packet = Box<dyn FnMut(u64, &mut Vec<u8>) -> u64 + Send>;

/// Flows between random addresses on both sides, as a scan or forged senders make them.
fn flood() -> Packet {
    let mut random = Random(1);
    Box::new(move |number, frame| {
        let (ends, ports) = (random.next(), random.next());
        let ends = [(ends >> 32) as u32, ends as u32];
        let segment = udp([ports as u16, (ports >> 16) as u16], b"x");
        ipv4(frame, [DEVICE, ROUTER], ends, 17, [0, 0], &segment);
        number
    })
}

/// The same with random hardware addresses too.
fn flood_of_devices() -> Packet {
    let mut random = Random(2);
    Box::new(move |number, frame| {
        let (ends, ports, mac) = (random.next(), random.next(), random.next().to_be_bytes());
        let ends = [(ends >> 32) as u32, ends as u32];
        let segment = udp([ports as u16, (ports >> 16) as u16], b"x");
        let device = [2, mac[0], mac[1], mac[2], mac[3], mac[4]];
        ipv4(frame, [device, ROUTER], ends, 17, [0, 0], &segment);
        number
    })
}

fn sums(count: u64, packet: Packet, flows_max: usize) -> Sums {
    let reader = Box::new(Generated::new(count, packet));
    let mut sources = Sources::of_reader("flood", reader).unwrap();
    let settings = Settings { flows_max, ..Settings::default() };
    Engine::new(settings, &Geo::default(), None).read(&mut sources, &mut |_| {}).sums
}

#[test]
fn every_flow_of_a_flood_is_live_at_the_end_or_counted_as_evicted() {
    const FLOWS: u64 = 200_000;
    for flows_max in [PARTITIONS, 6400, 1 << 20] {
        let sums = sums(FLOWS, flood(), flows_max);
        assert_eq!(sums.flows_created, FLOWS);
        assert_eq!(sums.flows_live + sums.losses.flows_evicted, FLOWS, "{flows_max}");
        assert!(sums.flows_live <= flows_max as u64);
        assert_eq!(sums.losses.flows_evicted > 0, flows_max < 1 << 20);
    }
}

/// Runs the program on a flood; returns how often each of `words` begins in what it prints.
fn within<const N: usize>(
    args: &[&str],
    (count, packet): (u64, Packet),
    resident_max: u64,
    words: [&str; N],
) -> [u64; N] {
    let mut found = [0; N];
    let mut line = |line: &str| {
        for (found, word) in found.iter_mut().zip(words) {
            *found += line.matches(word).count() as u64;
        }
    };
    let usage = used(args, &mut Generated::new(count, packet), &mut line);
    assert_eq!(usage.outcome.code, Some(0), "{args:?}: {}", usage.outcome.stderr);
    let (resident, most) = (usage.resident / MIB, resident_max / MIB);
    println!("{args:?}, {count} packets: {resident} MiB resident, {:?}", usage.time);
    assert!(resident <= most, "{args:?}: {resident} MiB, more than {most} MiB");
    found
}

#[test]
fn a_flood_of_flows_stays_within_the_memory_given() {
    let (count, given) = (150_000, 8 * MIB);
    let flood = || (count, flood());
    within(&["count", "--flow-memory", "8", "-"], flood(), given + BASE, []);
    let ended = ["\"ended_by\":\"evicted\"", "\"ended_by\":\"capture_end\""];
    let args = ["flows", "--flow-memory", "8", "-"];
    let [evicted, live] = within(&args, flood(), given + BASE + LEDGER, ended);
    assert_eq!(evicted + live, count);
    // Addresses choose the partition, so a few partitions are not full.
    let fit = given / FLOW_BYTES as u64;
    assert!(live <= fit && live >= fit * 9 / 10, "{live} of {fit}");
}

#[test]
#[ignore = "long: make test-long"]
fn ten_million_flows_stay_within_their_memory() {
    const COUNT: u64 = 10_000_000;
    let args = |command: &[&'static str], threads| {
        [command, &["--flow-memory", "256", "--threads", threads, "-"]].concat()
    };
    for threads in ["1", "2", "4", "7"] {
        within(&args(&["count"], threads), (COUNT, flood()), 384 * MIB, []);
        let ended = ["\"ended_by\":\"evicted\"", "\"ended_by\":\"capture_end\""];
        let records = within(&args(&["flows"], threads), (COUNT, flood()), 384 * MIB, ended);
        assert_eq!(records.iter().sum::<u64>(), COUNT);
        let analyze = args(&["analyze", "--json", "--no-hash"], threads);
        within(&analyze, (COUNT, flood()), 384 * MIB, []);
        within(&analyze, (COUNT, flood_of_devices()), 384 * MIB, []);
    }
}

/// Datagrams of which only beginnings come, each in as many pieces as are held.
fn fragments_that_wait() -> Packet {
    Box::new(|number, frame| {
        let (datagram, piece) = (number % 1024, number / 1024 % 1400);
        let ends = [0x0a00_0001, 0xc000_0201 + (datagram >> 16) as u32];
        let place = 0x2000 | (piece as u16 * 2);
        ipv4(frame, [DEVICE, ROUTER], ends, 17, [datagram as u16, place], &[0x55; 8]);
        number
    })
}

#[test]
#[ignore = "long: make test-long"]
fn fragments_that_wait_stay_within_bounds() {
    let packets = (1024 * 1400, fragments_that_wait());
    within(&["analyze", "--json", "--no-hash", "-"], packets, 512 * MIB, []);
}

/// A name for every number.
fn dns_answer(number: u64, names: u64) -> Vec<u8> {
    let mut message = vec![0x12, 0x34, 0x81, 0x80, 0, 1, 0, names as u8, 0, 0, 0, 0];
    let name = |message: &mut Vec<u8>, label: u64| {
        let label = format!("host-{number}-{label}");
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
        message.extend(b"\x07example\x00");
    };
    name(&mut message, 0);
    message.extend([0, 1, 0, 1]);
    for answer in 0..names {
        name(&mut message, answer);
        message.extend([0, 1, 0, 1, 0, 0, 1, 0, 0, 4]);
        message.extend((0x3000_0000 + (number * names + answer) as u32).to_be_bytes());
    }
    message
}

fn answers() -> Packet {
    Box::new(|number, frame| {
        let segment = udp([53, 40_000 + (number % 20_000) as u16], &dns_answer(number, 20));
        ipv4(frame, [ROUTER, DEVICE], [0xc000_0235, 0x0a00_0001], 17, [0, 0], &segment);
        number
    })
}

/// One device that sends to a different address each time.
fn remotes() -> Packet {
    Box::new(|number, frame| {
        let remote = 0x3000_0000 + (number as u32).wrapping_mul(0x9e37) % 0x1000_0000;
        let segment = udp([5000, 443], b"hello");
        ipv4(frame, [DEVICE, ROUTER], [0x0a00_0001, remote], 17, [0, 0], &segment);
        number
    })
}

/// Ten contacts of each of many devices: with the internet, or with other devices.
fn contacts(inside: bool) -> Packet {
    Box::new(move |number, frame| {
        let device = number / 10;
        let [.., high, low] = device.to_be_bytes();
        let other = if inside { (device + 1 + number % 10) % 6_000 } else { number };
        let remote = if inside { 0x0a00_0000 } else { 0x3000_0000 } + other as u32;
        let ends = [0x0a00_0000 + device as u32, remote];
        let segment = udp([5000, 4000], b"hello");
        ipv4(frame, [[2, 0, 0, 1, high, low], ROUTER], ends, 17, [0, 0], &segment);
        number
    })
}

fn one_udp_flow() -> Packet {
    Box::new(|number, frame| {
        let segment = udp([5000, 443], &[0x55; 200]);
        ipv4(frame, [DEVICE, ROUTER], [0x0a00_0001, 0x3000_0001], 17, [number as u16, 0], &segment);
        number
    })
}

/// Ports between two hosts: all in one partition.
fn one_pair() -> Packet {
    Box::new(|number, frame| {
        let segment = udp([(number >> 16) as u16, number as u16], b"x");
        ipv4(frame, [DEVICE, ROUTER], [0x0a00_0001, 0x3000_0001], 17, [0, 0], &segment);
        number
    })
}

/// Remotes whose lower halves are equal and whose partition is the same.
fn colliding() -> Packet {
    let mut next = 0u32;
    Box::new(move |number, frame| {
        let start = frame.len();
        loop {
            next += 1;
            let ends = [0x0a00_0001 + (next >> 15 << 24), 0x3000_0001 + ((next & 0x7fff) << 16)];
            frame.truncate(start);
            ipv4(frame, [DEVICE, ROUTER], ends, 17, [0, 0], &udp([5000, 443], b"x"));
            if partition(&frame[start..]) == 0 {
                return number;
            }
        }
    })
}

fn partition(data: &[u8]) -> usize {
    let wire_length = data.len() as u32;
    let packet = decode(&Frame { number: 1, time: Timestamp(0), wire_length, link: 1, data });
    let Body::Ip(ip) = &packet.body else { panic!("{packet:?}") };
    key::partition(&FlowKey::of(ip, &packet.vlans, &packet.tunnels).0, PARTITIONS)
}

/// Segments of one connection of `count` places; the first is its SYN.
fn stream(count: u64, size: u32, place: fn(u64, u64) -> u64) -> Packet {
    Box::new(move |number, frame| {
        let (sequence, flags, data) = match number {
            0 => (0, 2, &[][..]),
            _ => (1 + place(number - 1, count) as u32, 0x10, &[b'a'; 1000][..size as usize]),
        };
        let segment = tcp([40_000, 9999], sequence, flags, data);
        ipv4(frame, [DEVICE, ROUTER], [0x0a00_0001, 0x3000_0001], 6, [0, 0], &segment);
        number
    })
}

fn backwards(size: u32) -> impl Fn(u64) -> Packet {
    move |count| match size {
        1 => stream(count, 1, |number, count| 2 * (count - number)),
        _ => stream(count, size, |number, count| 100 * (count - number)),
    }
}

/// One far byte, then every other byte before it.
fn split_hole(count: u64) -> Packet {
    stream(count, 1, |number, count| if number == 0 { 4 * count } else { 2 * number })
}

/// Many connections, each of which comes backwards in bytes with holes between them.
fn many_backwards() -> Packet {
    const PIECES: u64 = 700;
    Box::new(|number, frame| {
        let (flow, piece) = (number / PIECES, number % PIECES);
        let (sequence, flags) = match piece {
            0 => (0, 2),
            _ => (2 * (PIECES - piece) as u32, 0x10),
        };
        let data = if piece == 0 { &[][..] } else { b"a" };
        let segment = tcp([(flow >> 12) as u16, 9999], sequence, flags, data);
        let ends = [0x0a00_0001, 0x3000_0001 + (flow as u32 & 0xfff)];
        ipv4(frame, [DEVICE, ROUTER], ends, 6, [0, 0], &segment);
        number
    })
}

fn fragments(kind: u8) -> Packet {
    Box::new(move |number, frame| {
        let more = 0x2000;
        let ends = [0x0a00_0001, 0x3000_0001 + (number >> 16) as u32];
        let fields = match kind {
            // The beginning of a datagram, and no more.
            0 => [number as u16, more],
            // One far piece, for which room is made.
            1 => [number as u16, more | 0x1ff0],
            // Datagrams in pieces of eight bytes.
            2 => [(number / 1000) as u16, more | (number % 1000) as u16],
            // The same piece again and again.
            _ => [7, more],
        };
        ipv4(frame, [DEVICE, ROUTER], ends, 17, fields, &[0x55; 8]);
        number
    })
}

/// How many times the processor time twice the input may take.
const GROWTH_MAX: f64 = 2.3;

/// Processor time for `count` packets and for twice as many: the least of five rounds in turns, since what else the
/// machine does only adds to it.
fn least(count: u64, packets: &dyn Fn(u64) -> Packet) -> [Duration; 2] {
    let time = |count| {
        let args = ["analyze", "--json", "--no-hash", "-"];
        let usage = used(&args, &mut Generated::new(count, packets(count)), &mut |_| {});
        assert_eq!(usage.outcome.code, Some(0), "{}", usage.outcome.stderr);
        usage.time
    };
    let mut least = [Duration::MAX; 2];
    for _ in 0..5 {
        least = [least[0].min(time(count)), least[1].min(time(2 * count))];
    }
    least
}

#[test]
#[ignore = "long: make test-long"]
fn twice_the_input_takes_twice_the_time() {
    type Packets = Box<dyn Fn(u64) -> Packet>;
    let inputs: Vec<(&str, u64, Packets)> = vec![
        // Up to the bounds of the ledger, and beyond.
        ("many flows", 60_000, Box::new(|_| flood())),
        ("many flows and devices", 30_000, Box::new(|_| flood_of_devices())),
        ("flows without end", 1_000_000, Box::new(|_| flood())),
        ("one UDP flow", 4_000_000, Box::new(|_| one_udp_flow())),
        ("one TCP flow", 4_000_000, Box::new(|count| stream(count, 100, |n, _| 100 * n))),
        ("all ports of a pair", 1_000_000, Box::new(|_| one_pair())),
        ("colliding addresses", 60_000, Box::new(|_| colliding())),
        ("segments backwards", 4_000_000, Box::new(backwards(100))),
        ("bytes backwards, with holes", 4_000_000, Box::new(backwards(1))),
        ("a hole split again and again", 4_000_000, Box::new(split_hole)),
        ("many flows backwards", 1_000_000, Box::new(|_| many_backwards())),
        ("beginnings of datagrams", 1_000_000, Box::new(|_| fragments(0))),
        ("far pieces of datagrams", 100_000, Box::new(|_| fragments(1))),
        ("small pieces of datagrams", 2_000_000, Box::new(|_| fragments(2))),
        ("the same piece again", 2_000_000, Box::new(|_| fragments(3))),
        ("DNS answers", 20_000, Box::new(|_| answers())),
        ("remotes of one device", 60_000, Box::new(|_| remotes())),
        ("contacts of many devices", 30_000, Box::new(|_| contacts(false))),
        ("contacts among devices", 30_000, Box::new(|_| contacts(true))),
    ];
    let only = std::env::var("PHONEHOME_ONLY").unwrap_or_default();
    let mut complaints = Vec::new();
    for (name, count, packets) in inputs.into_iter().filter(|(name, ..)| name.contains(&only)) {
        let [once, twice] = least(count, &packets);
        let ratio = twice.as_secs_f64() / once.as_secs_f64();
        println!("{name}: {count} in {once:?}, twice as many in {twice:?}: {ratio:.2}");
        if ratio > GROWTH_MAX {
            complaints.push(format!("{name}: {ratio:.2} times the time for twice the input"));
        }
    }
    common::none(&complaints);
}
