//! Packets made to measure.

/// An Ethernet frame around an IP packet.
pub fn ethernet(ip: &[u8]) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    frame.extend(if ip.first().is_some_and(|b| b >> 4 == 6) { [0x86, 0xdd] } else { [8, 0] });
    frame.extend(ip);
    frame
}

/// An IPv4 packet without options; `place` is flags and fragment offset.
pub fn v4(ends: [u8; 2], protocol: u8, identification: u16, place: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend((20 + payload.len() as u16).to_be_bytes());
    packet.extend(identification.to_be_bytes());
    packet.extend(place.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 10, 0, 0, ends[0], 10, 0, 0, ends[1]]);
    packet.extend(payload);
    packet
}

/// An IPv6 packet.
pub fn v6(ends: [u8; 2], protocol: u8, payload: &[u8]) -> Vec<u8> {
    let address = |end| [[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, end]].concat();
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend((payload.len() as u16).to_be_bytes());
    packet.extend([protocol, 64]);
    packet.extend(address(ends[0]));
    packet.extend(address(ends[1]));
    packet.extend(payload);
    packet
}

/// A TCP segment between the ports 1000 and 2000; `out` is from the lower one.
pub fn tcp(out: bool, sequence: u32, acknowledgment: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let ports = if out { [1000, 2000] } else { [2000, 1000] };
    tcp_between(ports, sequence, acknowledgment, flags, payload)
}

/// A TCP segment without options.
pub fn tcp_between(
    ports: [u16; 2],
    sequence: u32,
    acknowledgment: u32,
    flags: u8,
    payload: &[u8],
) -> Vec<u8> {
    let mut segment: Vec<u8> = ports.into_iter().flat_map(u16::to_be_bytes).collect();
    segment.extend(sequence.to_be_bytes());
    segment.extend(acknowledgment.to_be_bytes());
    segment.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    segment.extend(payload);
    segment
}
