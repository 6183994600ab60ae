//! `many-flows`: 2 million flows of two packets, about a million of them alive at the same time.
//! What a flow costs, in time and in memory.

use crate::About;
use crate::address::{GATEWAY, local, mac, remote};
use crate::frame::{ACK, Ends, Frame, SYN, SYN_OPTIONS, Tcp};
use crate::pcap::Pcap;
use crate::random::{Random, mix};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;

const FLOWS: f64 = 2e6;
const DEVICES: u64 = 4_000;
const CONTACTS: u64 = DEVICES * 16;
/// Chosen so that at the end of the UDP time-out a million flows are alive: of UDP 180 s of these
/// 240 s, of half-open TCP 60 s.
const SPAN_US: u64 = 240_000_000;
/// Odd and no multiple of five, so that it walks through all contacts before it comes back.
const STRIDE: u64 = 37_813;
const FIRST_EPHEMERAL: u64 = 16_384;
/// Frames of 60 to 90 bytes.
const UDP_PAYLOAD: std::ops::Range<u64> = 18..49;

pub fn write(out: &mut Pcap, scale: f64) -> io::Result<About> {
    let flows = (FLOWS * scale).max(1.0) as u64;
    let mut writer = Writer { out, frame: Frame::default(), payload: Vec::new() };
    // Answers on their way, by time.
    let mut answers = BinaryHeap::new();
    for flow in 0..flows {
        let time_us = flow * SPAN_US / flows;
        while let Some(&Reverse((answer_us, asked))) = answers.peek()
            && answer_us <= time_us
        {
            writer.packet(answer_us, asked, false)?;
            answers.pop();
        }
        writer.packet(time_us, flow, true)?;
        answers.push(Reverse((time_us + 5_000 + mix(flow) % 75_000, flow)));
    }
    while let Some(Reverse((answer_us, asked))) = answers.pop() {
        writer.packet(answer_us, asked, false)?;
    }
    let udp_live = flows / 2 * 180 / 240;
    let tcp_live = flows / 2 * 60 / 240;
    Ok(About { flows, live: Some(udp_live + tcp_live) })
}

struct Writer<'a> {
    out: &'a mut Pcap,
    frame: Frame,
    payload: Vec<u8>,
}

impl Writer<'_> {
    fn packet(&mut self, time_us: u64, flow: u64, asks: bool) -> io::Result<()> {
        let ends = ends(flow);
        let ends = if asks { ends } else { ends.turned() };
        let frame = if is_tcp(flow) {
            let [device, remote] = [mix(flow) as u32, (mix(flow) >> 32) as u32];
            let tcp = if asks {
                Tcp { sequence: device, flags: SYN, options: SYN_OPTIONS, ..Tcp::default() }
            } else {
                Tcp {
                    sequence: remote,
                    acknowledgement: device.wrapping_add(1),
                    flags: SYN | ACK,
                    options: SYN_OPTIONS,
                }
            };
            self.frame.tcp(&ends, tcp, &[])
        } else {
            let mut random = Random::new(flow * 2 + u64::from(asks));
            let range = UDP_PAYLOAD.end - UDP_PAYLOAD.start;
            let length = UDP_PAYLOAD.start + random.below(range);
            self.payload.clear();
            random.extend(&mut self.payload, length as usize);
            self.frame.udp(&ends, &self.payload)
        };
        self.out.frame(time_us, frame)
    }
}

/// Each flow of a contact has a port of its own, so that no two flows are one.
fn ends(flow: u64) -> Ends {
    let contact = flow % CONTACTS * STRIDE % CONTACTS;
    let device = contact / 16;
    let round = flow / CONTACTS;
    let port = FIRST_EPHEMERAL + (mix(contact) + round) % (65_536 - FIRST_EPHEMERAL);
    let services: [u16; 4] =
        if is_tcp(flow) { [443, 8_883, 80, 8_800] } else { [32_100, 10_001, 5_683, 6_667] };
    Ends::new(
        [mac(device), GATEWAY],
        [
            (local(device), port as u16),
            (remote(contact), services[(mix(contact) >> 20) as usize % 4]),
        ],
    )
}

/// In turn for the flows of one contact: the number of contacts is even, so not by the flow alone.
fn is_tcp(flow: u64) -> bool {
    (flow + flow / CONTACTS).is_multiple_of(2)
}
