//! MQTT 3.1.1: connects, subscribes, publishes readings now and then, and pings in between.

use super::talk::{Message, hears, says};
use crate::random::Random;

const KEEP_ALIVE_S: u16 = 30;
const PING_US: u64 = 27_000_000;
const PUBLISH_OF_1000: u64 = 350;
/// Published with quality of service 1 (§3.3.1.2), so acknowledged.
const CONFIRMED_OF_1000: u64 = 500;

/// A connection that lasts this long.
pub fn connected(
    device: u64,
    lasting_us: u64,
    random: &mut Random,
) -> impl Iterator<Item = Message> + use<> {
    let mut random = Random::new(random.next());
    let client = format!("meter-{device:04}");
    let topic = format!("home/{client}/state");
    let round_trip_us = random.long_tail(9_000, 4);
    let greeting = [
        says(400, connect(&client)),
        hears(round_trip_us, vec![0x20, 2, 0, 0]),
        says(900, subscribe(&format!("home/{client}/set"))),
        hears(round_trip_us, vec![0x90, 3, 0, 1, 1]),
    ];
    let turns = (lasting_us / PING_US) as u16;
    let life = (0..turns).flat_map(move |turn| {
        let pause_us = PING_US - 500_000 + random.below(1_000_000);
        if !random.chance(PUBLISH_OF_1000) {
            return vec![says(pause_us, vec![0xc0, 0]), hears(round_trip_us, vec![0xd0, 0])];
        }
        let identifier = random.chance(CONFIRMED_OF_1000).then_some(turn + 2);
        let size = random.long_tail(24, 4) as usize;
        let mut talk = vec![says(pause_us, publish(&topic, identifier, size, &mut random))];
        if let Some(identifier) = identifier {
            let [high, low] = identifier.to_be_bytes();
            talk.push(hears(round_trip_us, vec![0x40, 2, high, low]));
        }
        talk
    });
    greeting.into_iter().chain(life).chain([says(1_000_000, vec![0xe0, 0])])
}

fn connect(client: &str) -> Vec<u8> {
    let mut body = string("MQTT");
    // Level 4, clean session (§3.1.2.2, §3.1.2.4).
    body.extend([4, 2]);
    body.extend(KEEP_ALIVE_S.to_be_bytes());
    body.extend(string(client));
    packet(0x10, &body)
}

fn subscribe(filter: &str) -> Vec<u8> {
    let mut body = vec![0, 1];
    body.extend(string(filter));
    body.push(1);
    packet(0x82, &body)
}

fn publish(topic: &str, identifier: Option<u16>, size: usize, random: &mut Random) -> Vec<u8> {
    let mut body = string(topic);
    body.extend(identifier.into_iter().flat_map(u16::to_be_bytes));
    let reading = random.below(4_000);
    let text = format!("{{\"power_w\":{reading},\"relay\":true,\"trace\":\"");
    body.extend(text.bytes());
    body.extend((0..size).map(|_| b'a' + random.below(26) as u8));
    body.extend(b"\"}");
    packet(if identifier.is_some() { 0x32 } else { 0x30 }, &body)
}

/// Fixed header with its length in groups of seven bits (§2.2.3).
fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    let mut left = body.len();
    while left >= 128 {
        out.push(left as u8 & 0x7f | 0x80);
        left >>= 7;
    }
    out.push(left as u8);
    out.extend_from_slice(body);
    out
}

fn string(text: &str) -> Vec<u8> {
    let mut out = (text.len() as u16).to_be_bytes().to_vec();
    out.extend(text.bytes());
    out
}
