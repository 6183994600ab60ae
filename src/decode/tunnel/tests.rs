use super::super::testing::{IPV4_UDP, decoded};
use super::*;

const ETHERNET: [u8; 14] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00];
const OUTER: [&str; 2] = ["198.51.100.1", "203.0.113.1"];

/// An IPv4 packet between the ends of a tunnel.
fn outer(protocol: u8, parts: &[&[u8]]) -> Vec<u8> {
    let payload = parts.concat();
    let [high, low] = (20 + payload.len() as u16).to_be_bytes();
    let header =
        [0x45, 0, high, low, 0, 0, 0, 0, 64, protocol, 0, 0, 198, 51, 100, 1, 203, 0, 113, 1];
    [&header[..], &payload].concat()
}

fn udp(port: u16, parts: &[&[u8]]) -> Vec<u8> {
    let payload = parts.concat();
    let [high, low] = (8 + payload.len() as u16).to_be_bytes();
    let [port_high, port_low] = port.to_be_bytes();
    let header = [0xc0, 0, port_high, port_low, high, low, 0, 0];
    outer(17, &[&header, &payload])
}

/// The same packet as `IPV4_UDP`, with a header checksum that is right.
fn checked() -> Vec<u8> {
    let mut packet = IPV4_UDP.to_vec();
    let sum = packet[..20]
        .chunks(2)
        .map(|word| u32::from(u16::from_be_bytes([word[0], word[1]])))
        .sum::<u32>();
    let sum = !(((sum & 0xffff) + (sum >> 16)) as u16);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    packet
}

fn ipv6(source: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0, 0, payload.len() as u8, 59, 64];
    packet.extend(source);
    packet.extend([0; 11]);
    packet.push(1);
    packet.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
    packet.extend(payload);
    packet
}

/// Kinds of the tunnels and the destination of the innermost packet.
fn read(data: &[u8]) -> (Vec<&'static str>, String) {
    let packet = decoded(101, data);
    let Body::Ip(ip) = packet.body else { panic!("{:?}", packet.body) };
    for tunnel in packet.tunnels.iter() {
        let ends = tunnel.outer.map(|end| end.to_string());
        if tunnel == packet.tunnels.iter().next().unwrap() {
            assert_eq!(ends, OUTER);
        }
    }
    let kinds = packet.tunnels.iter().map(|tunnel| tunnel.kind.name());
    (kinds.collect(), ip.destination.to_string())
}

fn inner(kind: &'static str) -> (Vec<&'static str>, String) {
    (vec![kind], "192.0.2.1".to_owned())
}

fn not_read() -> (Vec<&'static str>, String) {
    (vec![], OUTER[1].to_owned())
}

#[test]
fn ip_in_ip() {
    assert_eq!(read(&outer(4, &[&IPV4_UDP])), inner("ipip"));
    let six = ipv6([0x20, 1, 0x0d, 0xb8], &[]);
    let (kinds, destination) = read(&outer(41, &[&six]));
    assert_eq!((kinds, &*destination), (vec!["6in4"], "2001:db8::2"));
    // Protocol 4 cannot hold IPv6.
    assert_eq!(read(&outer(4, &[&six])), not_read());
    assert_eq!(read(&outer(4, &[&IPV4_UDP[..19]])), not_read());
    assert_eq!(read(&outer(97, &[&[0x30, 0], &ETHERNET, &IPV4_UDP])), inner("etherip"));
    assert_eq!(read(&outer(137, &[&[0, 0, 0x11, 64], &IPV4_UDP])), inner("mpls-in-ip"));
}

#[test]
fn gre_with_and_without_fields() {
    for header in [
        &[0, 0, 8, 0][..],
        &[0x80, 0, 8, 0, 1, 2, 0, 0],
        &[0xb0, 0, 8, 0, 1, 2, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1],
        &[0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 4, 10, 0, 0, 1, 0, 0, 0, 0],
        &[0, 0, 0x88, 0x3e],
        &[0, 0, 0x88, 0x3e, 0, 0, 0, 0],
        &[0, 0, 0x88, 0x0b, 0xff, 0x03, 0, 0x21],
    ] {
        assert_eq!(read(&outer(47, &[header, &IPV4_UDP])), inner("gre"));
    }
    assert_eq!(read(&outer(47, &[&[0, 0, 0x65, 0x58], &ETHERNET, &IPV4_UDP])), inner("gre"));
    for near_miss in [
        &[0, 2, 8, 0][..],
        &[0, 0, 0, 0],
        &[0, 0, 0x20, 0],
        &[0x40, 0, 8, 0, 0, 0, 0, 0, 8, 0, 0, 255],
    ] {
        assert_eq!(read(&outer(47, &[near_miss, &IPV4_UDP])), not_read());
    }
}

#[test]
fn point_to_point_tunneling() {
    let call = [0x30, 0x81, 0x88, 0x0b, 0, 33, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
    let ppp = [0xff, 0x03, 0x00, 0x21];
    assert_eq!(read(&outer(47, &[&call, &ppp, &IPV4_UDP])), inner("pptp"));
    // Only an acknowledgment; a control protocol.
    let only = [0x20, 0x81, 0x88, 0x0b, 0, 0, 0, 1, 0, 0, 0, 1];
    assert_eq!(read(&outer(47, &[&only, &IPV4_UDP])), not_read());
    let control = [0xff, 0x03, 0xc0, 0x21];
    assert_eq!(read(&outer(47, &[&call, &control, &IPV4_UDP])), not_read());
}

#[test]
fn mirrored_frames() {
    for header in [
        &[0, 0, 0x88, 0xbe][..],
        &[0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 1, 0, 1, 0, 0, 0, 0],
        &[0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        &[
            0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1, 9, 9, 9, 9, 9,
            9, 9, 9,
        ],
    ] {
        let data = outer(47, &[header, &ETHERNET, &IPV4_UDP]);
        assert_eq!(read(&data), inner("erspan"));
        assert_eq!(decoded(101, &data).source_mac.unwrap().0[5], 2);
    }
    let header = [1, 0, 0, 1, 0, 10, 2, 9, 9, 1];
    let data = udp(37008, &[&header, &ETHERNET, &IPV4_UDP]);
    assert_eq!(read(&data), inner("tzsp"));
    // A keep-alive, and fields without an end.
    assert_eq!(read(&udp(37008, &[&[1, 4, 0, 1, 1], &ETHERNET, &IPV4_UDP])), not_read());
    assert_eq!(read(&udp(37008, &[&[1, 0, 0, 1, 10, 250], &ETHERNET])), not_read());
}

#[test]
fn virtual_networks() {
    let frame = [&ETHERNET[..], &IPV4_UDP].concat();
    let vxlan = [0x08, 0, 0, 0, 0, 0, 42, 0];
    let data = udp(4789, &[&vxlan, &frame]);
    assert_eq!(read(&data), inner("vxlan"));
    assert_eq!(decoded(101, &data).tunnels.iter().next().unwrap().network, Some(42));
    let group = [0x88, 0x48, 0, 9, 0, 0, 42, 0];
    assert_eq!(read(&udp(4789, &[&group, &frame])), inner("vxlan"));
    let generic = [0x0c, 0, 0, 1, 0, 0, 42, 0];
    assert_eq!(read(&udp(4790, &[&generic, &IPV4_UDP])), inner("vxlan"));
    let geneve = [0x01, 0, 0x65, 0x58, 0, 0, 42, 0, 1, 2, 3, 0];
    assert_eq!(read(&udp(6081, &[&geneve, &frame])), inner("geneve"));
    for (port, header) in [
        (4788, vxlan),
        (4789, [0x08, 0, 0, 0, 0, 0, 42, 1]),
        (4789, [0x08, 0, 1, 0, 0, 0, 42, 0]),
        (4789, [0x00, 0, 0, 0, 0, 0, 42, 0]),
        (6081, [0x40, 0, 0x65, 0x58, 0, 0, 42, 0]),
        (6081, [0x00, 1, 0x65, 0x58, 0, 0, 42, 0]),
        (6081, [0x3f, 0, 0x65, 0x58, 0, 0, 42, 0]),
    ] {
        assert_eq!(read(&udp(port, &[&header, &frame])), not_read());
    }
}

#[test]
fn arp_in_a_virtual_network() {
    let mut frame = vec![0xff; 6];
    frame.extend([2, 0, 0, 0, 0, 2, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 2, 10, 0, 0, 2]);
    frame.extend([0; 10]);
    let data = udp(4789, &[&[0x08, 0, 0, 0, 0, 0, 42, 0], &frame]);
    assert!(matches!(decoded(101, &data).body, Body::Arp(_)));
}

#[test]
fn mobile_networks() {
    let checked = checked();
    let gtp = [0x30, 0xff, 0, 29, 0, 0, 0, 1];
    assert_eq!(read(&udp(2152, &[&gtp, &checked])), inner("gtp"));
    let extended = [0x34, 0xff, 0, 37, 0, 0, 0, 1, 0, 0, 0, 0x85, 1, 0, 0, 0];
    assert_eq!(read(&udp(2152, &[&extended, &checked])), inner("gtp"));
    // A wrong length, an echo request, an inner checksum that is wrong.
    let long = [0x30, 0xff, 0, 30, 0, 0, 0, 1];
    let echo = [0x30, 0x01, 0, 29, 0, 0, 0, 1];
    assert_eq!(read(&udp(2152, &[&long, &checked])), not_read());
    assert_eq!(read(&udp(2152, &[&echo, &checked])), not_read());
    assert_eq!(read(&udp(2152, &[&gtp, &IPV4_UDP])), not_read());
    let endless = [0x34, 0xff, 0, 33, 0, 0, 0, 1, 0, 0, 0, 0x85, 0, 0, 0, 0];
    assert_eq!(read(&udp(2152, &[&endless, &checked])), not_read());
}

#[test]
fn teredo_with_its_indications() {
    let bubble = ipv6([0x20, 1, 0, 0], &[]);
    let authentication = [0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0];
    let origin = [0, 0, 1, 2, 3, 4, 5, 6];
    for parts in [&[&bubble[..]][..], &[&origin, &bubble], &[&authentication, &origin, &bubble]] {
        let (kinds, destination) = read(&udp(3544, parts));
        assert_eq!((kinds, &*destination), (vec!["teredo"], "2001:db8::2"));
    }
    let elsewhere = ipv6([0x20, 1, 0x0d, 0xb8], &[]);
    let mut long = bubble.clone();
    long[5] = 1;
    assert_eq!(read(&udp(3544, &[&elsewhere])), not_read());
    assert_eq!(read(&udp(3544, &[&long])), not_read());
}

#[test]
fn ayiya_with_identity_and_signature() {
    let packet = ipv6([0x20, 1, 0x0d, 0xb8], &[]);
    let header = [&[0x42, 0x52, 0x11, 41][..], &[0; 4 + 16 + 20]].concat();
    let (kinds, destination) = read(&udp(5072, &[&header, &packet]));
    assert_eq!((kinds, &*destination), (vec!["ayiya"], "2001:db8::2"));
    let mut keep_alive = header.clone();
    keep_alive[2] = 0x10;
    assert_eq!(read(&udp(5072, &[&keep_alive, &packet])), not_read());
    assert_eq!(read(&udp(5072, &[&header, &packet, &[0]])), not_read());
}

#[test]
fn layer_two_tunneling() {
    let checked = checked();
    let ppp = [0xff, 0x03, 0x00, 0x21];
    let plain = [0, 2, 0, 1, 0, 1];
    let full = [0x4a, 2, 0, 49, 0, 1, 0, 1, 0, 0, 0, 0, 0, 2, 9, 9];
    assert_eq!(read(&udp(1701, &[&plain, &ppp, &checked])), inner("l2tp"));
    assert_eq!(read(&udp(1701, &[&full, &ppp, &checked])), inner("l2tp"));
    for near_miss in [[0xc8, 2, 0, 1, 0, 1], [0, 3, 0, 1, 0, 1], [0x40, 2, 0, 1, 0, 1]] {
        assert_eq!(read(&udp(1701, &[&near_miss, &ppp, &checked])), not_read());
    }
    assert_eq!(read(&udp(1701, &[&plain, &ppp, &IPV4_UDP])), not_read());
}

#[test]
fn access_points() {
    let wlan = [
        &[0x01, 0x08, 0, 0][..],
        &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 3, 0x76, 0x30],
        &[0xaa, 0xaa, 3, 0, 0, 0, 8, 0],
        &IPV4_UDP,
    ]
    .concat();
    let native = [0, 0x10, 0x03, 0x00, 0, 0, 0, 0];
    assert_eq!(read(&udp(5247, &[&native, &wlan])), inner("capwap"));
    let bridged = [0, 0x10, 0x02, 0x00, 0, 0, 0, 0];
    assert_eq!(read(&udp(5247, &[&bridged, &ETHERNET, &IPV4_UDP])), inner("capwap"));
    for near_miss in [
        [1, 0x10, 0x03, 0x00, 0, 0, 0, 0],
        [0, 0x10, 0x03, 0x08, 0, 0, 0, 0],
        [0, 0x10, 0x03, 0x80, 0, 0, 0, 0],
        [0, 0x00, 0x03, 0x00, 0, 0, 0, 0],
    ] {
        assert_eq!(read(&udp(5247, &[&near_miss, &wlan])), not_read());
    }
}

#[test]
fn layers_are_kept_in_order_and_bounded() {
    let mut data = IPV4_UDP.to_vec();
    for _ in 0..4 {
        data = outer(47, &[&[0, 0, 8, 0], &outer(4, &[&data])]);
    }
    let kinds = ["gre", "ipip"].repeat(4);
    assert_eq!(read(&data), (kinds, "192.0.2.1".to_owned()));
    let Body::Refused(refusal) = decoded(101, &outer(4, &[&data])).body else { panic!() };
    assert_eq!(refusal.to_string(), "too_many_layers");
}
