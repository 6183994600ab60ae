//! `flood`: 10 million flows of one packet, all addresses and ports random. An attack on every
//! table: memory must stay where it is, and the time must not run away.

use crate::About;
use crate::address::{GATEWAY, mac};
use crate::frame::{Ends, Frame, SYN, SYN_OPTIONS, Tcp};
use crate::pcap::Pcap;
use crate::random::Random;
use std::io;
use std::net::Ipv4Addr;

const FLOWS: f64 = 1e7;
const STEP_US: u64 = 10;

pub fn write(out: &mut Pcap, scale: f64) -> io::Result<About> {
    let flows = (FLOWS * scale).max(1.0) as u64;
    let mut random = Random::new(4);
    let mut frame = Frame::default();
    let mut payload = Vec::new();
    for flow in 0..flows {
        let [source, destination] = [random.next(), random.next()];
        let ports = random.next();
        // Half from one device that lies about its address, half about its hardware address too.
        let own = if flow % 2 == 0 { mac(1) } else { invented_mac(ports >> 32) };
        let ends = Ends::new(
            [own, GATEWAY],
            [
                (Ipv4Addr::from_bits((source >> 32) as u32).into(), ports as u16),
                (Ipv4Addr::from_bits((destination >> 32) as u32).into(), (ports >> 16) as u16),
            ],
        );
        let bytes = if random.chance(500) {
            let sequence = random.next() as u32;
            let tcp = Tcp { sequence, flags: SYN, options: SYN_OPTIONS, ..Tcp::default() };
            frame.tcp(&ends, tcp, &[])
        } else {
            payload.clear();
            let length = random.below(33) as usize;
            random.extend(&mut payload, length);
            frame.udp(&ends, &payload)
        };
        out.frame(flow * STEP_US, bytes)?;
    }
    Ok(About { flows, live: None })
}

fn invented_mac(bits: u64) -> [u8; 6] {
    let [a, b, c, d, ..] = bits.to_le_bytes();
    [2, 1, a, b, c, d]
}
