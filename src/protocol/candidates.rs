//! Which dissectors are asked about a flow, one bit each: those that its carrier may carry and that
//! begin with the byte it begins with. Asking all of them was half of what a flow costs that nobody
//! knows.

use super::{DISSECTORS, ICMPV6, IGMP, TCP, UDP};
use crate::flow::Flow;
use std::sync::LazyLock;

struct Candidates {
    all: u128,
    by_first_byte: [u128; 256],
}

const CARRIERS: [u8; 4] = [TCP, UDP, IGMP, ICMPV6];

static CANDIDATES: LazyLock<[Candidates; 4]> = LazyLock::new(|| CARRIERS.map(Candidates::of));

impl Candidates {
    fn of(carrier: u8) -> Candidates {
        let mut candidates = Candidates { all: 0, by_first_byte: [0; 256] };
        for (index, dissector) in DISSECTORS.iter().enumerate() {
            if !dissector.over().fits(carrier) {
                continue;
            }
            let bit = 1 << index;
            candidates.all |= bit;
            for &(from, to) in dissector.first_bytes(carrier) {
                let bytes = usize::from(from)..=usize::from(to);
                candidates.by_first_byte[bytes].iter_mut().for_each(|bits| *bits |= bit);
            }
        }
        candidates
    }
}

/// The dissectors that a flow may be for whose first payload this is.
pub fn candidates(flow: &Flow, payload: &[u8]) -> u128 {
    // A connection whose beginning is missing may go on with any byte, and be recognised later.
    let begins = flow.key.protocol != TCP || flow.initiator_known;
    match (of(flow), payload.first()) {
        (Some(candidates), Some(&byte)) if begins => candidates.by_first_byte[usize::from(byte)],
        _ => all(flow),
    }
}

/// The dissectors that a flow may be for.
pub fn all(flow: &Flow) -> u128 {
    of(flow).map_or(0, |candidates| candidates.all)
}

fn of(flow: &Flow) -> Option<&'static Candidates> {
    let carrier = CARRIERS.iter().position(|&carrier| carrier == flow.key.protocol);
    carrier.map(|carrier| &CANDIDATES[carrier])
}

#[cfg(test)]
mod tests {
    use super::super::sessions::tests::BEGINNINGS;
    use super::super::{Prefix, Probe, testing};
    use super::*;
    use crate::decode::{Body, Transport, decode};
    use crate::flow::Side;
    use crate::source::FileSource;
    use std::collections::BTreeSet;
    use std::path::{Path, PathBuf};

    /// Ports that dissectors look at, and two that none does.
    const PORTS: [u16; 33] = [
        21, 23, 25, 53, 69, 80, 102, 123, 137, 161, 443, 502, 514, 546, 547, 554, 1153, 1883, 1900,
        1935, 2404, 3478, 4059, 5351, 5353, 5355, 5683, 8080, 8883, 32_100, 37_777, 29_999, 44_818,
    ];

    fn captures(folder: &Path) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let mut found = Vec::new();
        for path in entries {
            match path.extension().and_then(|extension| extension.to_str()) {
                None if path.is_dir() => found.extend(captures(&path)),
                Some("pcap" | "pcapng" | "gz") => found.push(path),
                _ => {}
            }
        }
        found
    }

    /// What the bundled captures carry, once for each kind and length.
    fn payloads() -> Vec<Vec<u8>> {
        let mut seen = BTreeSet::new();
        let mut payloads: Vec<Vec<u8>> = BEGINNINGS.iter().map(|bytes| bytes.to_vec()).collect();
        let mut paths = captures(&Path::new(env!("CARGO_MANIFEST_DIR")).join("captures"));
        paths.sort();
        assert!(paths.len() > 8, "{paths:?}");
        for path in paths {
            let mut source = FileSource::open(&path, false).unwrap();
            while let Some(frame) = source.next_frame() {
                let Body::Ip(ip) = decode(&frame).body else { continue };
                let payload = match ip.transport {
                    Transport::Tcp(tcp) => tcp.payload,
                    Transport::Udp { payload, .. } => payload,
                    _ => continue,
                };
                let kind = (payload.len(), payload.get(1..6).map(<[u8]>::to_vec));
                if !payload.is_empty() && seen.insert(kind) {
                    payloads.push(payload.to_vec());
                }
            }
        }
        payloads
    }

    /// With first bytes that a dissector does not name, and on every port, it says no.
    #[test]
    fn dissectors_that_are_not_asked_would_say_no() {
        let payloads = payloads();
        assert!(payloads.len() > 300, "{}", payloads.len());
        for (carrier, datagrams) in [(TCP, false), (UDP, true)] {
            let flows = PORTS.map(|port| testing::flow(carrier, 50_000, port));
            let table = Candidates::of(carrier);
            let mut turn = 0;
            for payload in &payloads {
                let mut payload = payload.clone();
                // A few bytes of a stream may come alone.
                let lengths = [payload.len(), 1, 2, 4, 7];
                for length in lengths.into_iter().take(if datagrams { 1 } else { 5 }) {
                    for byte in 0..=255u8 {
                        payload[0] = byte;
                        // Another port each time; 33 and 256 have no common divisor.
                        turn += 1;
                        let flow = &flows[turn % flows.len()];
                        let bytes = &payload[..length.min(payload.len())];
                        let first = if turn % 2 == 0 { Side::Low } else { Side::High };
                        let mut sides: [&[u8]; 2] = [&[], &[]];
                        sides[first.index()] = bytes;
                        let prefix = Prefix { sides, first, newest: bytes };
                        let mut left_out = table.all & !table.by_first_byte[usize::from(byte)];
                        // A part of them each time, all of them in eight rounds.
                        left_out &= 0x0101_0101_0101_0101_0101_0101_0101_0101 << (turn / 7 % 8);
                        while left_out != 0 {
                            let dissector = DISSECTORS[left_out.trailing_zeros() as usize];
                            left_out &= left_out - 1;
                            let answer = dissector.probe(flow, &prefix);
                            let name = dissector.name();
                            let shown = &bytes[..length.min(bytes.len()).min(32)];
                            assert_eq!(answer, Probe::No, "{name}, {shown:02x?}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn most_bytes_leave_few_to_ask() {
        for (carrier, most) in [(TCP, 9), (UDP, 8)] {
            let table = Candidates::of(carrier);
            let sum: u32 = table.by_first_byte.iter().map(|bits| bits.count_ones()).sum();
            assert!(sum / 256 <= most, "{carrier}: {sum}");
        }
    }
}
