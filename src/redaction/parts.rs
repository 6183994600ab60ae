//! Where a frame is cut: headers in front, and behind them what was said. When in doubt a byte
//! belongs to what was said.

use crate::decode::ip::{Ip, Tcp, Transport};
use crate::decode::{Body, Packet, decode};
use crate::source::Frame;

/// LINKTYPE_ETHERNET.
const ETHERNET: u16 = 1;
/// Destination, source, type.
const ETHERNET_HEADER: usize = 14;
/// ARP for IPv4 over Ethernet (RFC 826).
const ARP: usize = 28;

/// Length of the headers at the front of a frame, bytes.
#[must_use]
pub fn headers(frame: &Frame<'_>) -> usize {
    let packet = decode(frame);
    let length = match &packet.body {
        Body::Ip(ip) => ip_headers(frame, &packet, ip),
        Body::Arp(_) => link(frame, &packet).map_or(0, |link| link + ARP),
        Body::Other(_) | Body::Told(..) | Body::Refused(_) => link(frame, &packet).unwrap_or(0),
    };
    length.min(frame.data.len())
}

fn ip_headers(frame: &Frame<'_>, packet: &Packet<'_>, ip: &Ip<'_>) -> usize {
    let payload = match ip.transport {
        Transport::Tcp(Tcp { payload, .. }) | Transport::Udp { payload, .. } => payload,
        _ => &[],
    };
    if let Some(start) = offset(frame.data, payload) {
        return start;
    }
    // Without payload there is nothing behind the headers but what fills the frame up.
    let plain = link(frame, packet).unwrap_or(0);
    match ip.transport {
        _ if plain == 0 => 0,
        Transport::Tcp(_) | Transport::Udp { .. } => plain + ip.length as usize,
        // Messages of ICMP quote packets; of other protocols nothing is known.
        _ if ip.source.is_ipv4() => plain + 20,
        _ => plain + 40,
    }
}

/// Length of the link header where nothing lies around the packet.
fn link(frame: &Frame<'_>, packet: &Packet<'_>) -> Option<usize> {
    let tags = packet.vlans.ids().len();
    (frame.link == ETHERNET && packet.tunnels.is_empty()).then_some(ETHERNET_HEADER + 4 * tags)
}

fn offset(whole: &[u8], part: &[u8]) -> Option<usize> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    (!part.is_empty() && start + part.len() <= whole.len()).then_some(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;

    fn of(data: &[u8]) -> usize {
        let wire_length = data.len() as u32;
        headers(&Frame { number: 1, time: Timestamp(0), wire_length, link: ETHERNET, data })
    }

    /// An IPv4 packet in an Ethernet frame.
    fn ipv4(protocol: u8, behind: &[u8]) -> Vec<u8> {
        let length = (20 + behind.len() as u16).to_be_bytes();
        let mut frame = vec![2; 12];
        frame.extend([8, 0, 0x45, 0, length[0], length[1], 0, 0, 0, 0, 64, protocol, 0, 0]);
        frame.extend([10, 0, 0, 1, 192, 0, 2, 1]);
        frame.extend(behind);
        frame
    }

    #[test]
    fn what_was_said_is_never_among_the_headers() {
        let udp = [0x13, 0x88, 0x13, 0x89, 0, 14, 0, 0, b's', b'e', b'c', b'r', b'e', b't'];
        assert_eq!(of(&ipv4(17, &udp)), 14 + 20 + 8);
        let mut tcp = vec![0x13, 0x88, 0, 80, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 1, 0, 0, 0, 0, 0];
        // A pure acknowledgement, and what fills its frame up.
        let mut filled = ipv4(6, &tcp);
        filled.extend(b"secret");
        assert_eq!(of(&filled), 14 + 20 + 20);
        tcp.extend(b"secret");
        assert_eq!(of(&ipv4(6, &tcp)), 14 + 20 + 20);
        // ICMP quotes; other protocols are unknown; so are other ethertypes.
        assert_eq!(of(&ipv4(1, b"\x03\x03\0\0\0\0\0\0secret")), 34);
        assert_eq!(of(&ipv4(99, b"secret")), 34);
        let mut other = vec![2; 12];
        other.extend(b"\x88\xccsecret");
        assert_eq!(of(&other), 14);
        assert_eq!(of(b"short"), 5.min(of(b"short")));
    }
}
