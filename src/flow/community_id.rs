//! Community ID version 1: one id for a flow across tools (corelight community-id-spec).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};
use std::net::IpAddr;

/// The id of a flow between two ends with seed 0. For ICMP the two numbers are type and code of
/// the first message.
#[must_use]
pub fn community_id(
    protocol: u8,
    source: IpAddr,
    destination: IpAddr,
    numbers: Option<(u16, u16)>,
) -> String {
    let (numbers, one_way) = match (protocol, numbers) {
        (1, Some((kind, code))) => pair(kind, code, icmp_counterpart(kind)),
        (58, Some((kind, code))) => pair(kind, code, icmpv6_counterpart(kind)),
        (_, numbers) => (numbers, false),
    };
    let mut ends =
        [(octets(source), numbers.map(|n| n.0)), (octets(destination), numbers.map(|n| n.1))];
    if !one_way && ends[1] < ends[0] {
        ends.swap(0, 1);
    }
    let mut hash = Sha1::new();
    hash.update(0u16.to_be_bytes());
    hash.update(&ends[0].0);
    hash.update(&ends[1].0);
    hash.update([protocol, 0]);
    if let (Some(first), Some(second)) = (ends[0].1, ends[1].1) {
        hash.update(first.to_be_bytes());
        hash.update(second.to_be_bytes());
    }
    format!("1:{}", STANDARD.encode(hash.finalize()))
}

fn pair(kind: u16, code: u16, counterpart: Option<u16>) -> (Option<(u16, u16)>, bool) {
    match counterpart {
        Some(other) => (Some((kind, other)), false),
        None => (Some((kind, code)), true),
    }
}

fn icmp_counterpart(kind: u16) -> Option<u16> {
    Some(match kind {
        8 => 0,
        0 => 8,
        9 => 10,
        10 => 9,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

fn icmpv6_counterpart(kind: u16) -> Option<u16> {
    Some(match kind {
        128 => 129,
        129 => 128,
        130 => 131,
        131 => 130,
        133 => 134,
        134 => 133,
        135 => 136,
        136 => 135,
        139 => 140,
        140 => 139,
        144 => 145,
        145 => 144,
        _ => return None,
    })
}

fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(v4) => v4.octets().to_vec(),
        IpAddr::V6(v6) => v6.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_values() {
        // From the baseline of the specification's repository (tcp.pcap, udp.pcap, icmp.pcap).
        let id = |protocol, source: &str, destination: &str, numbers| {
            community_id(protocol, source.parse().unwrap(), destination.parse().unwrap(), numbers)
        };
        let tcp = id(6, "128.232.110.120", "66.35.250.204", Some((34855, 80)));
        assert_eq!(tcp, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        let back = id(6, "66.35.250.204", "128.232.110.120", Some((80, 34855)));
        assert_eq!(back, tcp);
        let udp = id(17, "192.168.1.52", "8.8.8.8", Some((54585, 53)));
        assert_eq!(udp, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
        let echo = id(1, "192.168.0.89", "192.168.0.1", Some((8, 0)));
        assert_eq!(echo, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
    }
}
