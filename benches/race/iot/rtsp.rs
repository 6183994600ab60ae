//! RTSP 1.0 push to a relay (RFC 2326), the video in the same connection or in RTP over UDP.

use super::activity::Conversations;
use super::household::Device;
use super::stream::stream;
use super::talk::{Message, datagrams, hears, says};
use crate::random::Random;
use std::net::IpAddr;

const RTSP: u16 = 554;
const INTERLEAVED_OF_1000: u64 = 350;
const FRAME_US: u64 = 40_000;
/// RTP clock of video, 90 kHz, a frame.
const FRAME_CLOCK: u32 = 3_600;
/// Every so many frames one that stands alone and is large.
const KEY_FRAME: u32 = 50;
const RTP_PAYLOAD_MAX: usize = 1_400;
const REPORT_US: u64 = 5_000_000;
/// Between RTSP and video.
const AGREED_US: u64 = 500_000;

pub fn push(device: &mut Device, name: &str, relay: IpAddr, random: &mut Random) -> Conversations {
    let control = device.towards(relay, RTSP);
    let frames = random.long_tail(56, 4) as u32;
    let video = Video { frames, source: random.next() as u32, random: Random::new(random.next()) };
    let own = control.addresses[0].ip();
    if random.chance(INTERLEAVED_OF_1000) {
        let opening = dialogue(name, own, "RTP/AVP/TCP;unicast;interleaved=0-1;mode=record", "");
        let talk = opening.into_iter().chain(interleaved(video)).chain(teardown(name));
        return vec![(0, stream(control, talk, random))];
    }
    let port = device.port() & !1;
    let service = 20_000 + (random.below(5_000) * 2) as u16;
    let transport = format!("RTP/AVP;unicast;client_port={port}-{};mode=record", port + 1);
    let server = format!(";server_port={service}-{}", service + 1);
    let opening = dialogue(name, own, &transport, &server);
    // RTSP stays open while the video runs.
    let mut end = teardown(name);
    end[0].after_us += u64::from(frames) * FRAME_US + AGREED_US;
    let control_talk = stream(control, opening.into_iter().chain(end), random);
    let source = video.source;
    let reports = u64::from(frames) * FRAME_US / REPORT_US;
    let media = control.with_ports([port, service]);
    let side = control.with_ports([port + 1, service + 1]);
    vec![
        (0, control_talk),
        (AGREED_US, datagrams(media, video.datagrams())),
        (AGREED_US, datagrams(side, (0..reports).map(move |number| report(number, source)))),
    ]
}

fn dialogue(name: &str, own: IpAddr, transport: &str, server: &str) -> Vec<Message> {
    let url = format!("rtsp://{name}/live/main");
    let family = if own.is_ipv4() { 4 } else { 6 };
    let description = format!(
        "v=0\r\no=- 0 0 IN IP{family} {own}\r\ns=camera\r\nc=IN IP{family} {own}\r\nt=0 0\r\n\
         m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n\
         a=fmtp:96 packetization-mode=1\r\na=control:streamid=0\r\n"
    );
    let ask = |number: u64, method: &str, url: &str, rest: &str| {
        let text = format!(
            "{method} {url} RTSP/1.0\r\nCSeq: {number}\r\nUser-Agent: camera/3.1\r\n{rest}"
        );
        says(2_000, text.into_bytes())
    };
    let answer = |number: u64, rest: &str| {
        hears(30_000, format!("RTSP/1.0 200 OK\r\nCSeq: {number}\r\n{rest}\r\n").into_bytes())
    };
    let length = description.len();
    let announced =
        format!("Content-Type: application/sdp\r\nContent-Length: {length}\r\n\r\n{description}");
    let session = "Session: 5f3a91c2;timeout=60\r\n";
    vec![
        ask(1, "OPTIONS", &url, "\r\n"),
        answer(1, "Public: OPTIONS, ANNOUNCE, SETUP, RECORD, TEARDOWN\r\n"),
        ask(2, "ANNOUNCE", &url, &announced),
        answer(2, ""),
        ask(3, "SETUP", &format!("{url}/streamid=0"), &format!("Transport: {transport}\r\n\r\n")),
        answer(3, &format!("{session}Transport: {transport}{server}\r\n")),
        ask(4, "RECORD", &url, "Session: 5f3a91c2\r\nRange: npt=0.000-\r\n\r\n"),
        answer(4, session),
    ]
}

fn teardown(name: &str) -> [Message; 2] {
    let request = format!(
        "TEARDOWN rtsp://{name}/live/main RTSP/1.0\r\nCSeq: 5\r\nSession: 5f3a91c2\r\n\r\n"
    );
    let response = "RTSP/1.0 200 OK\r\nCSeq: 5\r\n\r\n";
    [says(10_000, request.into_bytes()), hears(30_000, response.into())]
}

struct Video {
    frames: u32,
    source: u32,
    random: Random,
}

impl Video {
    /// The RTP packets of one picture: H.264 in parts (RFC 6184 §5.8).
    fn picture(&mut self, number: u32, sequence: &mut u16) -> Vec<Vec<u8>> {
        let key = number.is_multiple_of(KEY_FRAME);
        let mut left = self.random.long_tail(if key { 20_000 } else { 1_500 }, 2) as usize;
        let mut packets = Vec::new();
        while left > 0 {
            let part = left.min(RTP_PAYLOAD_MAX);
            left -= part;
            let marker = if left == 0 { 0x80 } else { 0 };
            let mut out = vec![0x80, marker | 96];
            out.extend(sequence.to_be_bytes());
            out.extend((number * FRAME_CLOCK).to_be_bytes());
            out.extend(self.source.to_be_bytes());
            let begins = if packets.is_empty() { 0x80 } else { 0 };
            let ends = if left == 0 { 0x40 } else { 0 };
            out.extend([0x7c, begins | ends | if key { 5 } else { 1 }]);
            self.random.extend(&mut out, part);
            *sequence = sequence.wrapping_add(1);
            packets.push(out);
        }
        packets
    }

    fn datagrams(mut self) -> impl Iterator<Item = Message> {
        let mut sequence = 0;
        (0..self.frames).flat_map(move |number| {
            let packets = self.picture(number, &mut sequence);
            let spread = 300 * packets.len() as u64;
            let pause_us = FRAME_US.saturating_sub(spread).max(1_000);
            packets
                .into_iter()
                .enumerate()
                .map(move |(place, bytes)| says(if place == 0 { pause_us } else { 300 }, bytes))
        })
    }
}

/// Pictures as a stream: each RTP packet behind a dollar sign, channel and length
/// (RFC 2326 §10.12).
fn interleaved(mut video: Video) -> impl Iterator<Item = Message> {
    let mut sequence = 0;
    (0..video.frames).map(move |number| {
        let mut out = Vec::new();
        for packet in video.picture(number, &mut sequence) {
            out.extend([b'$', 0]);
            out.extend((packet.len() as u16).to_be_bytes());
            out.extend(packet);
        }
        says(FRAME_US, out)
    })
}

/// A sender report without a word on what is received (RFC 3550 §6.4.1).
fn report(number: u64, source: u32) -> Message {
    let mut out = vec![0x80, 200, 0, 6];
    out.extend(source.to_be_bytes());
    out.extend((number << 32).to_be_bytes());
    out.extend(
        [number as u32 * 450_000, number as u32 * 900, number as u32 * 1_000_000]
            .into_iter()
            .flat_map(u32::to_be_bytes),
    );
    says(REPORT_US, out)
}
