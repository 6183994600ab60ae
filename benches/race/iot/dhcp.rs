//! DHCP: the four messages of a new lease (RFC 2131 §3.1).

use super::household::{Device, gateway};
use super::talk::{Packet, Packets, Timed};
use crate::address::GATEWAY;
use crate::frame::Ends;
use crate::random::Random;
use std::net::{IpAddr, Ipv4Addr};

const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACKNOWLEDGE: u8 = 5;

pub fn lease(device: &Device, random: &mut Random) -> Packets {
    let nobody = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
    let everybody = IpAddr::V4(Ipv4Addr::BROADCAST);
    let asks = Ends::new([device.mac, [0xff; 6]], [(nobody, 68), (everybody, 67)]);
    let answers = Ends::new([GATEWAY, device.mac], [(gateway(false), 67), (device.v4, 68)]);
    let transaction = random.next() as u32;
    let messages = [(DISCOVER, 0), (OFFER, 4_000), (REQUEST, 1_000), (ACKNOWLEDGE, 6_000)];
    let packets = messages.map(|(kind, after_us)| {
        let ends = if matches!(kind, DISCOVER | REQUEST) { asks } else { answers };
        Timed { after_us, packet: Packet::Udp(ends, message(kind, transaction, device)) }
    });
    Box::new(packets.into_iter())
}

fn message(kind: u8, transaction: u32, device: &Device) -> Vec<u8> {
    let asks = matches!(kind, DISCOVER | REQUEST);
    let octets = |address: IpAddr| match address {
        IpAddr::V4(address) => address.octets(),
        IpAddr::V6(_) => [0; 4],
    };
    let (own, server) = (octets(device.v4), octets(gateway(false)));
    let mut out = vec![if asks { 1 } else { 2 }, 1, 6, 0];
    out.extend(transaction.to_be_bytes());
    out.extend([0; 8]);
    out.extend(if asks { [0; 4] } else { own });
    out.extend([0; 8]);
    out.extend(device.mac);
    out.extend([0; 10 + 64 + 128]);
    out.extend([99, 130, 83, 99]);
    option(&mut out, 53, &[kind]);
    if asks {
        let host = format!("device-{:03}", device.index);
        option(&mut out, 12, host.as_bytes());
        option(&mut out, 60, b"udhcp 1.35.0");
        option(&mut out, 55, &[1, 3, 6, 12, 15, 28, 42]);
        if kind == REQUEST {
            option(&mut out, 50, &own);
            option(&mut out, 54, &server);
        }
    } else {
        option(&mut out, 54, &server);
        option(&mut out, 51, &43_200u32.to_be_bytes());
        option(&mut out, 1, &[255, 255, 255, 0]);
        option(&mut out, 3, &server);
        option(&mut out, 6, &server);
    }
    out.push(255);
    out.resize(out.len().max(300), 0);
    out
}

fn option(out: &mut Vec<u8>, code: u8, value: &[u8]) {
    out.extend([code, value.len() as u8]);
    out.extend_from_slice(value);
}
