//! HTTP/1.1: a few requests in one connection, some of them posts.

use super::talk::{Message, hears, says};
use crate::random::Random;

pub fn fetch(name: &str, random: &mut Random) -> impl Iterator<Item = Message> + use<> {
    let name = name.to_owned();
    let mut random = Random::new(random.next());
    (0..1 + random.below(3)).flat_map(move |number| {
        let pause_us = if number == 0 { 300 } else { random.long_tail(20_000, 6) };
        let think_us = random.long_tail(9_000, 4);
        let size = random.long_tail(120, 8) as usize;
        [
            says(pause_us, request(&name, number, &mut random)),
            hears(think_us, response(size, &mut random)),
        ]
    })
}

fn request(name: &str, number: u64, random: &mut Random) -> Vec<u8> {
    let serial = random.next() as u32;
    if random.chance(300) {
        let body = format!("{{\"serial\":\"{serial:08x}\",\"uptime\":{number},\"state\":\"ok\"}}");
        format!(
            "POST /v1/status HTTP/1.1\r\nHost: {name}\r\nUser-Agent: device/2.4\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    } else {
        format!(
            "GET /v1/resource/{serial:08x}?part={number} HTTP/1.1\r\nHost: {name}\r\n\
             User-Agent: device/2.4\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n"
        )
    }
    .into_bytes()
}

fn response(size: usize, random: &mut Random) -> Vec<u8> {
    let mut out = format!(
        "HTTP/1.1 200 OK\r\nServer: front/1.18\r\nContent-Type: application/octet-stream\r\n\
         Content-Length: {size}\r\nCache-Control: no-store\r\n\r\n"
    )
    .into_bytes();
    random.extend(&mut out, size);
    out
}
