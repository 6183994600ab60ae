//! `video`: 1 GiB of full frames in 50 flows, half RTP over UDP and half TLS. What a byte costs
//! when nobody wants to look at it.

use crate::About;
use crate::address::{GATEWAY, local, mac, remote};
use crate::frame::{ACK, Ends, Frame, SYN, SYN_OPTIONS, Tcp};
use crate::pcap::Pcap;
use crate::random::Random;
use crate::tls::{self, HANDSHAKE, Offer};
use std::io;

const BYTES: f64 = (1u64 << 30) as f64;
const FLOWS: u64 = 50;
const STEP_US: u64 = 100;
const RTP_PAYLOAD: usize = 1_500 - 20 - 8;
const SEGMENT: usize = 1_500 - 20 - 20;
/// A large record, as video servers send them, fills this many segments.
const RECORD_SEGMENTS: usize = 11;
/// Receivers that join segments acknowledge many at once; more would be frames that are not full.
const SEGMENTS_ACKNOWLEDGED: u64 = 32;

#[derive(Default)]
struct Flow {
    packets: u64,
    sent: u32,
    answered: u32,
}

pub fn write(out: &mut Pcap, scale: f64) -> io::Result<About> {
    let mut random = Random::new(3);
    let mut writer = Writer { out, frame: Frame::default(), payload: Vec::new(), time_us: 0 };
    let mut flows: Vec<Flow> = (0..FLOWS).map(|_| Flow::default()).collect();
    for (index, flow) in (0..).zip(&mut flows).filter(|(index, _)| !is_rtp(*index)) {
        writer.greet(index, flow, &mut random)?;
    }
    while (writer.out.bytes() as f64) < BYTES * scale {
        let index = random.below(FLOWS);
        let flow = &mut flows[index as usize];
        if is_rtp(index) {
            writer.rtp(index, flow, &mut random)?;
        } else {
            writer.segment(index, flow, &mut random)?;
        }
        flow.packets += 1;
    }
    Ok(About { flows: FLOWS, live: Some(FLOWS) })
}

fn is_rtp(index: u64) -> bool {
    index.is_multiple_of(2)
}

fn ends(index: u64) -> Ends {
    let (port, service) = if is_rtp(index) { (5_004, 5_004) } else { (49_152, 443) };
    Ends::new([mac(index), GATEWAY], [(local(index), port), (remote(1_000 + index), service)])
}

struct Writer<'a> {
    out: &'a mut Pcap,
    frame: Frame,
    payload: Vec<u8>,
    time_us: u64,
}

impl Writer<'_> {
    /// A datagram of H.264 in parts (RFC 3550 §5.1, RFC 6184 §5.8).
    fn rtp(&mut self, index: u64, flow: &Flow, random: &mut Random) -> io::Result<()> {
        let number = flow.packets as u16;
        let clock = (flow.packets / 10 * 3_000) as u32;
        self.payload.clear();
        self.payload.extend([0x80, 96]);
        self.payload.extend(number.to_be_bytes());
        self.payload.extend(clock.to_be_bytes());
        self.payload.extend((0x5000_0000 + index as u32).to_be_bytes());
        self.payload.extend([0x7c, 0x05]);
        random.extend(&mut self.payload, RTP_PAYLOAD - 14);
        let frame = self.frame.udp(&ends(index), &self.payload);
        self.out.frame(self.time_us, frame)?;
        self.time_us += STEP_US;
        Ok(())
    }

    /// One segment of a stream of records; the receiver acknowledges now and then.
    fn segment(&mut self, index: u64, flow: &mut Flow, random: &mut Random) -> io::Result<()> {
        self.payload.clear();
        if flow.packets.is_multiple_of(RECORD_SEGMENTS as u64) {
            let length = RECORD_SEGMENTS * SEGMENT - 5;
            self.payload.extend([tls::APPLICATION_DATA, 3, 3]);
            self.payload.extend((length as u16).to_be_bytes());
        }
        let rest = SEGMENT - self.payload.len();
        random.extend(&mut self.payload, rest);
        let payload = std::mem::take(&mut self.payload);
        self.tcp(index, flow, true, ACK, &payload)?;
        self.payload = payload;
        if flow.packets.is_multiple_of(SEGMENTS_ACKNOWLEDGED) {
            self.tcp(index, flow, false, ACK, &[])?;
        }
        Ok(())
    }

    /// Handshakes of TCP and TLS.
    fn greet(&mut self, index: u64, flow: &mut Flow, random: &mut Random) -> io::Result<()> {
        let name = format!("media{index}.video.example");
        let offer = Offer { name: &name, alpn: &["http/1.1"], newest: true, quic: false };
        let hello = tls::record(HANDSHAKE, &tls::client_hello(&offer, random));
        let answer = tls::record(HANDSHAKE, &tls::server_hello(true, random));
        self.tcp(index, flow, true, SYN, &[])?;
        self.tcp(index, flow, false, SYN | ACK, &[])?;
        self.tcp(index, flow, true, ACK, &[])?;
        self.tcp(index, flow, true, ACK, &hello)?;
        self.tcp(index, flow, false, ACK, &answer)
    }

    fn tcp(
        &mut self,
        index: u64,
        flow: &mut Flow,
        from_device: bool,
        flags: u8,
        payload: &[u8],
    ) -> io::Result<()> {
        let ends = if from_device { ends(index) } else { ends(index).turned() };
        let (own, other) = if from_device {
            (&mut flow.sent, flow.answered)
        } else {
            (&mut flow.answered, flow.sent)
        };
        let options = if flags & SYN == 0 { &[][..] } else { SYN_OPTIONS };
        let acknowledgement = if flags & ACK == 0 { 0 } else { other };
        let tcp = Tcp { sequence: *own, acknowledgement, flags, options };
        *own = own.wrapping_add(payload.len() as u32 + u32::from(flags & SYN != 0));
        let frame = self.frame.tcp(&ends, tcp, payload);
        self.out.frame(self.time_us, frame)?;
        self.time_us += STEP_US;
        Ok(())
    }
}
