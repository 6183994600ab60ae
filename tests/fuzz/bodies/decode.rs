//! One frame of any link type: it ends in exactly one bucket, and the short way through decoding
//! says what the long way says.

use phonehome::base::time::Timestamp;
use phonehome::decode::{Body, FrameLedger, Ip, Transport, decode};
use phonehome::flow::{Brief, Sight};
use phonehome::source::Frame;

/// Link types that are read.
const LINKS: [u16; 32] = [
    1, 0, 6, 8, 9, 10, 12, 14, 50, 51, 101, 104, 105, 107, 108, 113, 119, 127, 163, 166, 192, 204,
    228, 229, 239, 253, 276, 189, 195, 201, 227, 0xffff,
];

/// A byte chooses the link type, or says that the next two are it; two say how much longer the
/// frame was on the wire than what was captured, which is the rest.
pub fn run(data: &[u8]) {
    let [choice, high, low, longer, data @ ..] = data else { return };
    let link = match LINKS.get(usize::from(*choice)) {
        Some(&link) => link,
        None => u16::from_be_bytes([*high, *low]),
    };
    let wire_length = data.len() as u32 + u32::from(*longer);
    let frame = Frame { number: 1, time: Timestamp(0), wire_length, link, data };
    let packet = decode(&frame);
    let mut ledger = FrameLedger::default();
    ledger.count(&frame, &packet);
    let refused: u64 = ledger.refused_by().values().sum();
    assert_eq!((ledger.total, ledger.explained() + refused), (1, 1), "{ledger:?}");
    assert_eq!(ledger.explained_by().values().sum::<u64>(), ledger.explained());
    if let Body::Ip(ip) = &packet.body {
        let (captured, on_wire, _) = transport(ip);
        assert!(captured.len() as u64 <= u64::from(on_wire), "{} of {on_wire}", captured.len());
    }
    let (seen, hasher) = (frame.time, Default::default());
    // What an earlier packet left does not stay.
    let mut short = Brief::default();
    (short.again, short.icmp, short.tag) = (true, [9; 2], 9);
    let mut rest = None;
    let good_checksum = short.fill_plain(&frame, seen, &hasher, &mut |_, carried, sight| {
        rest = Some((*carried, sight));
    });
    if let (Some(good_checksum), Some((carried, sight))) = (good_checksum, rest) {
        let Body::Ip(long) = packet.body else { panic!("only the short way reads it") };
        let (payload, _, fragment) = transport(&long);
        assert_eq!((carried.payload, fragment), (payload, &[][..]));
        assert_eq!((good_checksum, long.stopped), (long.bad_checksum.is_none(), None));
        let macs = [packet.source_mac, packet.destination_mac];
        let around = (&packet.vlans, &packet.tunnels);
        assert_eq!(short, Brief::of(&frame, seen, &long, macs, around, &hasher));
        assert_eq!(sight, Sight::of(&long, &short));
        assert!(packet.vlans.ids().is_empty() && packet.tunnels.is_empty());
    }
}

/// Captured payload, its length on the wire, and the bytes of a fragment.
fn transport<'a>(ip: &Ip<'a>) -> (&'a [u8], u32, &'a [u8]) {
    match ip.transport {
        Transport::Tcp(tcp) => (tcp.payload, tcp.payload_length, &[]),
        Transport::Udp { payload, payload_length, .. } => (payload, payload_length, &[]),
        Transport::Fragment { packet, payload_length } => (&[], payload_length, packet),
        Transport::Icmp { message, payload_length, .. } => {
            (message.get(8..).unwrap_or_default(), payload_length, &[])
        }
        Transport::Igmp { message, payload_length } => (message, payload_length, &[]),
        Transport::Ports { payload_length, .. } | Transport::None { payload_length } => {
            (&[], payload_length, &[])
        }
    }
}
