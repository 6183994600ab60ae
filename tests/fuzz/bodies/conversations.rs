//! Bytes as conversations of one family of protocols, over TCP and UDP, begun by either end, to a
//! port of the family: through the engine, so that every session is fed the way real ones are.
//! No dissector may panic, and what is said must fit into its records.

use super::packets::{tcp_between, v4};
use phonehome::attribution::geo::Geo;
use phonehome::attribution::record::FlowRecord;
use phonehome::engine::{Engine, Records, Settings};
use phonehome::source::Sources;
use std::io::Cursor;
use std::sync::LazyLock;

/// Pieces of one conversation; a fuzzer gains nothing by more.
const PIECES_MAX: usize = 64;
const CLIENT_PORT: u16 = 50_000;
const SYN: u8 = 2;
const ACK: u8 = 0x10;

/// The ports that a family is usual on, and one that is nobody's.
pub const NAMES: &[u16] = &[53, 5353, 5355, 67, 547, 137, 1900, 123, 3702, 5351, 29_999];
pub const WEB: &[u16] = &[80, 8080, 7547, 1883, 5683, 5672, 25, 161, 514, 69, 6667, 21, 23, 29_999];
pub const CRYPTO: &[u16] = &[443, 853, 22, 51_820, 1194, 784, 29_999];
pub const MEDIA: &[u16] = &[554, 8554, 5060, 1935, 5004, 3478, 29_999];
pub const VENDOR: &[u16] =
    &[37_777, 37_810, 37_020, 34_567, 9000, 9999, 6668, 54_321, 10_001, 32_100, 20_002, 29_999];
pub const CITY: &[u16] =
    &[502, 20_000, 2404, 102, 4059, 1153, 47_808, 4840, 3671, 44_818, 1700, 808, 29_999];

static GEO: LazyLock<Geo> = LazyLock::new(Geo::embedded);

struct Piece<'a> {
    from_client: bool,
    /// Bytes that are missing before it.
    gap: u32,
    data: &'a [u8],
}

/// The first byte chooses the port. Then pieces: a byte of flags, one of length, the payload.
/// Flags: sender, a hole before it, and how often the length counts.
pub fn run(data: &[u8], ports: &[u16]) {
    let Some((&choice, mut rest)) = data.split_first() else { return };
    let port = ports[usize::from(choice) % ports.len()];
    let mut pieces = Vec::new();
    while let [flags, length, behind @ ..] = rest {
        let length = usize::from(*length) * (1 + usize::from(flags >> 5));
        let (data, after) = behind.split_at(length.min(behind.len()));
        let gap = u32::from(flags >> 1 & 1) * 3;
        pieces.push(Piece { from_client: flags & 1 == 0, gap, data });
        rest = after;
        if pieces.len() >= PIECES_MAX {
            break;
        }
    }
    let mut packets = Vec::new();
    for (number, client_begins) in [true, false].into_iter().enumerate() {
        let client_port = CLIENT_PORT + number as u16;
        datagrams(&pieces, client_begins, [client_port, port], &mut packets);
        stream(&pieces, client_begins, [client_port, port], &mut packets);
    }
    walk(&capture(&packets), packets.len() as u64);
}

fn datagrams(pieces: &[Piece<'_>], turn: bool, ports: [u16; 2], packets: &mut Vec<Vec<u8>>) {
    for piece in pieces {
        let out = piece.from_client == turn;
        let [from, to] = if out { ports } else { [ports[1], ports[0]] };
        let mut datagram = [from.to_be_bytes(), to.to_be_bytes()].concat();
        datagram.extend((8 + piece.data.len() as u16).to_be_bytes());
        datagram.extend([0, 0]);
        datagram.extend(piece.data);
        packets.push(v4(if out { [1, 2] } else { [2, 1] }, 17, 0, 0, &datagram));
    }
}

fn stream(pieces: &[Piece<'_>], turn: bool, ports: [u16; 2], packets: &mut Vec<Vec<u8>>) {
    let mut next = [1u32, 1];
    let mut send = |out: bool, sequence, acknowledged, flags, data: &[u8]| {
        let ports = if out { ports } else { [ports[1], ports[0]] };
        let segment = tcp_between(ports, sequence, acknowledged, flags, data);
        packets.push(v4(if out { [1, 2] } else { [2, 1] }, 6, 0, 0, &segment));
    };
    send(true, 0, 0, SYN, &[]);
    send(false, 0, 1, SYN | ACK, &[]);
    for piece in pieces {
        let out = piece.from_client == turn;
        let (mine, other) = (usize::from(!out), usize::from(out));
        next[mine] += piece.gap;
        send(out, next[mine], next[other], ACK, piece.data);
        next[mine] += piece.data.len() as u32;
    }
}

/// A little-endian pcap of raw IP.
fn capture(packets: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    bytes.extend([0, 0, 4, 0, 101, 0, 0, 0]);
    for (number, packet) in packets.iter().enumerate() {
        let length = packet.len() as u32;
        let header = [number as u32 / 10, number as u32 % 10, length, length];
        bytes.extend(header.into_iter().flat_map(u32::to_le_bytes));
        bytes.extend(packet);
    }
    bytes
}

fn walk(capture: &[u8], packets: u64) {
    let reader = Cursor::new(capture.to_vec());
    let mut sources = Sources::of_reader("fuzz", Box::new(reader)).expect("it is a capture");
    let mut counted = 0;
    let mut take = |record: FlowRecord| {
        counted += record.packets.iter().sum::<u64>();
        serde_json::to_value(record).expect("a record is JSON");
    };
    let take: &mut Records<'_> = &mut take;
    let engine = Engine::new(Settings::default(), &GEO, Some(take));
    let outcome = engine.read(&mut sources, &mut |_| {});
    assert_eq!(outcome.sums.faults, 0, "a dissector panicked");
    assert_eq!(outcome.frames.total, packets);
    assert_eq!(counted, packets, "packets of all flows");
}
