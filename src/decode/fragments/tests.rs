use super::super::testing::decoded;
use super::*;

/// An IPv4 fragment of a UDP datagram from 10.0.0.1 to 192.0.2.1.
fn v4(identification: u8, offset: u16, more: bool, data: &[u8]) -> Vec<u8> {
    let [place_high, place_low] = ((offset / 8) | (u16::from(more) << 13)).to_be_bytes();
    let total = 20 + data.len() as u8;
    let header = [
        0x45,
        0,
        0,
        total,
        0,
        identification,
        place_high,
        place_low,
        64,
        17,
        0,
        0,
        10,
        0,
        0,
        1,
        192,
        0,
        2,
        1,
    ];
    [&header[..], data].concat()
}

/// The same over IPv6, behind destination options.
fn v6(offset: u16, more: bool, data: &[u8]) -> Vec<u8> {
    let [place_high, place_low] = (offset | u16::from(more)).to_be_bytes();
    let mut packet = vec![0x60, 0, 0, 0, 0, 16 + data.len() as u8, 60, 64];
    packet.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    packet.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    packet.extend([44, 0, 1, 4, 0, 0, 0, 0]);
    packet.extend([17, 0, place_high, place_low, 0, 0, 0, 9]);
    packet.extend(data);
    packet
}

/// A UDP datagram of 24 bytes in three pieces.
const HEAD: [u8; 8] = [0x12, 0x34, 0, 53, 0, 24, 0, 0];
const BODY: [u8; 8] = *b"abcdefgh";
const TAIL: [u8; 8] = *b"ijklmnop";

struct Bench {
    fragments: Fragments,
    number: u64,
    released: Vec<Vec<u64>>,
}

impl Bench {
    fn new() -> Bench {
        Bench { fragments: Fragments::default(), number: 0, released: Vec::new() }
    }

    fn take(&mut self, data: &[u8], seconds: i64) -> Taken {
        self.number += 1;
        let packet = decoded(101, data);
        let Body::Ip(ip) = packet.body else { panic!() };
        assert!(ip.fragment);
        let part = Part {
            number: self.number,
            time: Timestamp(seconds * SECOND),
            seen: Timestamp(seconds * SECOND),
            wire_length: data.len() as u32,
            ip_length: ip.length,
            payload_length: payload_length(&ip),
        };
        let released = &mut self.released;
        self.fragments.take(&packet, &ip, &[part], &mut |given_up| {
            released.push(given_up.parts.iter().map(|part| part.number).collect());
        })
    }
}

fn payload(taken: Taken) -> (Vec<u8>, Vec<u64>) {
    let Taken::Whole(whole, mut parts) = taken else { panic!("{taken:?}") };
    let numbers = parts.iter().map(|part| part.number).collect();
    let packet = whole.packet(&mut parts);
    let Body::Ip(ip) = packet.body else { panic!() };
    assert!(!ip.fragment && ip.bad_checksum.is_none() && ip.stopped.is_none());
    let Transport::Udp { payload, .. } = ip.transport else { panic!() };
    (payload.to_vec(), numbers)
}

#[test]
fn any_order_and_repeats() {
    let whole = [&BODY[..], &TAIL].concat();
    let mut bench = Bench::new();
    assert!(matches!(bench.take(&v4(1, 16, false, &TAIL), 0), Taken::Held));
    assert!(matches!(bench.take(&v4(1, 0, true, &HEAD), 0), Taken::Held));
    assert!(matches!(bench.take(&v4(1, 0, true, &HEAD), 0), Taken::Held));
    // Another datagram between them.
    assert!(matches!(bench.take(&v4(2, 8, true, &HEAD), 0), Taken::Held));
    let taken = bench.take(&v4(1, 8, true, &BODY), 0);
    assert_eq!(payload(taken), (whole, vec![1, 2, 3, 5]));
    assert_eq!(bench.fragments.losses, FragmentLosses::default());
    assert_eq!(bench.fragments.held.len(), 1);
}

#[test]
fn behind_extension_headers() {
    let whole = [&BODY[..], &TAIL].concat();
    let mut bench = Bench::new();
    assert!(matches!(bench.take(&v6(0, true, &HEAD), 0), Taken::Held));
    let taken = bench.take(&v6(8, false, &whole), 0);
    assert_eq!(payload(taken), (whole, vec![1, 2]));
}

#[test]
fn overlaps_are_not_believed() {
    let mut changed = HEAD;
    changed[3] = 54;
    for second in [
        v4(1, 8, true, &[BODY, TAIL].concat()),
        v4(1, 0, true, &changed),
        v4(1, 24, false, &TAIL),
        v4(1, 0, true, &[0; 16]),
    ] {
        let mut bench = Bench::new();
        bench.take(&v4(1, 0, true, &HEAD), 0);
        bench.take(&v4(1, 16, false, &TAIL), 0);
        assert!(matches!(bench.take(&second, 0), Taken::Unusable));
        assert_eq!(bench.released, [[1, 2]]);
        assert_eq!(bench.fragments.losses.contradictory, 1);
        // What comes later of the same datagram is not believed either.
        let late = bench.take(&v4(1, 8, true, &BODY), 1);
        assert!(matches!(late, Taken::Unusable));
        assert_eq!(bench.fragments.losses.contradictory, 1);
    }
}

#[test]
fn waits_are_bounded() {
    let mut bench = Bench::new();
    bench.take(&v4(1, 0, true, &HEAD), 5);
    assert!(bench.fragments.expired(Timestamp(65 * SECOND)).is_none());
    let late = Timestamp(65 * SECOND + 1);
    assert!(bench.fragments.is_due(late));
    assert_eq!(bench.fragments.expired(late).unwrap().parts[0].number, 1);
    assert!(!bench.fragments.is_due(Timestamp(i64::MAX)));
}

#[test]
fn room_is_bounded() {
    let mut bench = Bench::new();
    for index in 0..=DATAGRAMS_MAX {
        let mut data = v4(0, 0, true, &HEAD);
        data[4..6].copy_from_slice(&(index as u16).to_be_bytes());
        bench.take(&data, 0);
    }
    assert_eq!(bench.released, [[1]]);
    assert_eq!(bench.fragments.held.len(), DATAGRAMS_MAX);
    assert_eq!(bench.fragments.losses.evicted, 1);
    let mut bench = Bench::new();
    for _ in 0..=PARTS_MAX {
        bench.take(&v4(1, 0, true, &HEAD), 0);
    }
    assert_eq!(bench.released[0].len(), PARTS_MAX);
}

#[test]
fn no_datagram_is_longer_than_its_length_can_say() {
    let mut bench = Bench::new();
    bench.take(&v4(1, 0, true, &HEAD), 0);
    let beyond = bench.take(&v4(1, 65_528, false, &TAIL), 0);
    assert!(matches!(beyond, Taken::Unusable));
}

#[test]
fn pieces_that_were_cut_are_left_alone() {
    let mut bench = Bench::new();
    let data = v4(1, 0, true, &HEAD);
    assert!(matches!(bench.take(&data[..27], 0), Taken::Unusable));
    assert!(matches!(bench.take(&v4(1, 0, true, &HEAD[..7]), 0), Taken::Unusable));
    assert!(bench.fragments.held.is_empty());
}
