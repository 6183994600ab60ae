//! `small`: 5 million packets of 60 bytes in 100,000 flows, the next packet of any of them. What a
//! packet costs when it carries next to nothing.

use crate::About;
use crate::address::{GATEWAY, local, mac, remote};
use crate::frame::{ACK, Ends, Frame, PUSH, SYN, Tcp};
use crate::pcap::Pcap;
use crate::random::Random;
use std::io;

const PACKETS: f64 = 5e6;
const FLOWS: f64 = 1e5;
const DEVICES: u64 = 1_000;
const REMOTES: u64 = 10;
const STEP_US: u64 = 20;
/// What 60 bytes have room for.
const TCP_PAYLOAD_MAX: u64 = 6;
const UDP_PAYLOAD_MAX: u64 = 18;

/// Next sequence numbers, [device, remote].
#[derive(Clone, Copy, Default)]
struct Stream {
    next: [u32; 2],
    packets: u32,
}

pub fn write(out: &mut Pcap, scale: f64) -> io::Result<About> {
    let flows = (FLOWS * scale).max(1.0) as u64;
    let mut random = Random::new(1);
    let mut frame = Frame::default();
    let mut streams = vec![Stream::default(); flows as usize];
    let mut payload = Vec::new();
    for packet in 0..(PACKETS * scale) as u64 {
        // Each flow once, then any: then the number of flows is exact.
        let flow = if packet < flows { packet } else { random.below(flows) };
        let stream = &mut streams[flow as usize];
        let from_device = stream.packets == 0 || (stream.packets > 1 && random.chance(500));
        let ends = ends(flow);
        let ends = if from_device { ends } else { ends.turned() };
        payload.clear();
        let bytes = if is_tcp(flow) {
            tcp(stream, from_device, &ends, &mut frame, &mut payload, &mut random)
        } else {
            let length = 1 + random.below(UDP_PAYLOAD_MAX) as usize;
            random.extend(&mut payload, length);
            frame.udp(&ends, &payload)
        };
        out.frame(packet * STEP_US, bytes)?;
        stream.packets += 1;
    }
    Ok(About { flows, live: Some(flows) })
}

fn tcp<'f>(
    stream: &mut Stream,
    from_device: bool,
    ends: &Ends,
    frame: &'f mut Frame,
    payload: &mut Vec<u8>,
    random: &mut Random,
) -> &'f [u8] {
    // The option for the segment size is what a SYN of 60 bytes has room for.
    let (flags, options): (u8, &[u8]) = match stream.packets {
        0 => (SYN, &[2, 4, 5, 0xb4]),
        1 => (SYN | ACK, &[2, 4, 5, 0xb4]),
        2 => (ACK, &[]),
        _ => {
            let length = random.below(TCP_PAYLOAD_MAX + 1) as usize;
            random.extend(payload, length);
            (if length > 0 { ACK | PUSH } else { ACK }, &[])
        }
    };
    let (own, other) = if from_device { (0, 1) } else { (1, 0) };
    let sequence = stream.next[own];
    stream.next[own] += payload.len() as u32 + u32::from(flags & SYN != 0);
    let acknowledgement = if flags & ACK != 0 { stream.next[other] } else { 0 };
    frame.tcp(ends, Tcp { sequence, acknowledgement, flags, options }, payload)
}

/// A device has ten remotes; each pair has as many flows of TCP as of UDP.
fn ends(flow: u64) -> Ends {
    let device = flow % DEVICES;
    let contact = flow % (DEVICES * REMOTES);
    let port = 40_000 + (flow / (DEVICES * REMOTES)) as u16;
    let service = if is_tcp(flow) { 8_883 } else { 32_100 };
    Ends::new([mac(device), GATEWAY], [(local(device), port), (remote(contact), service)])
}

/// In turn for the flows of one pair: the number of pairs is even, so not by the flow alone.
fn is_tcp(flow: u64) -> bool {
    (flow + flow / (DEVICES * REMOTES)).is_multiple_of(2)
}
