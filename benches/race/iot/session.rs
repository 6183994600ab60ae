//! TLS sessions: handshake of version 1.2 or 1.3, then records.

use super::certificate;
use super::talk::{Message, Messages, hears, says};
use crate::random::Random;
use crate::tls::{self, HANDSHAKE, Offer, message, record, sealed};

const CHANGE_CIPHER_SPEC: [u8; 6] = [20, 3, 3, 0, 1, 1];
const CERTIFICATE: u8 = 11;
const SERVER_KEY_EXCHANGE: u8 = 12;
const SERVER_HELLO_DONE: u8 = 14;
const CLIENT_KEY_EXCHANGE: u8 = 16;
const RECORD_MAX: usize = 16_384;
/// What sealing adds: a tag, the inner type or the explicit nonce.
const SEAL: usize = 24;

/// Some requests, their answers, and sometimes an upload.
pub fn cloud(offer: &Offer<'_>, random: &mut Random) -> impl Iterator<Item = Message> + use<> {
    let opening = handshake(offer, random);
    let mut random = Random::new(random.next());
    let exchanges = (0..random.long_tail(1, 3)).flat_map(move |number| {
        let pause_us = if number == 0 { 500 } else { random.long_tail(15_000, 8) };
        let think_us = random.long_tail(9_000, 4);
        let doublings = if random.chance(60) { 8 } else { 3 };
        let request = random.long_tail(150, doublings);
        let response = random.long_tail(200, 5);
        [
            says(pause_us, records(request as usize, &mut random)),
            hears(think_us, records(response as usize, &mut random)),
        ]
    });
    opening.into_iter().chain(exchanges)
}

/// Another protocol's messages, sealed.
pub fn around(
    offer: &Offer<'_>,
    talk: Messages,
    random: &mut Random,
) -> impl Iterator<Item = Message> + use<> {
    let opening = handshake(offer, random);
    let mut random = Random::new(random.next());
    opening.into_iter().chain(talk.map(move |message| {
        let bytes = records(message.bytes.len(), &mut random);
        Message { bytes, ..message }
    }))
}

fn records(mut length: usize, random: &mut Random) -> Vec<u8> {
    let mut out = Vec::with_capacity(length + 64);
    while length > 0 {
        let part = length.min(RECORD_MAX);
        out.extend(sealed(part + SEAL, random));
        length -= part;
    }
    out
}

fn handshake(offer: &Offer<'_>, random: &mut Random) -> Vec<Message> {
    let hello = record(HANDSHAKE, &tls::client_hello(offer, random));
    let think_us = random.long_tail(9_000, 4);
    if offer.newest {
        let mut answer = record(HANDSHAKE, &tls::server_hello(true, random));
        answer.extend(CHANGE_CIPHER_SPEC);
        // Extensions, chain and proof in one flight, then Finished.
        let chain = random.long_tail(1_400, 2);
        answer.extend(sealed(chain as usize, random));
        let mut finished = CHANGE_CIPHER_SPEC.to_vec();
        finished.extend(sealed(53, random));
        return vec![says(300, hello), hears(think_us, answer), says(4_000, finished)];
    }
    let mut answer = record(HANDSHAKE, &tls::server_hello(false, random));
    answer.extend(record(HANDSHAKE, &message(CERTIFICATE, &chain(offer.name, random))));
    // Curve, point and signature (RFC 8422 §5.4).
    let mut exchange = vec![3, 0, 29, 32];
    random.extend(&mut exchange, 32);
    exchange.extend([4, 3, 0, 71]);
    random.extend(&mut exchange, 71);
    answer.extend(record(HANDSHAKE, &message(SERVER_KEY_EXCHANGE, &exchange)));
    answer.extend(record(HANDSHAKE, &message(SERVER_HELLO_DONE, &[])));
    let mut point = vec![32];
    random.extend(&mut point, 32);
    let mut finished = record(HANDSHAKE, &message(CLIENT_KEY_EXCHANGE, &point));
    finished.extend(CHANGE_CIPHER_SPEC);
    finished.extend(sealed_handshake(random));
    let mut last = CHANGE_CIPHER_SPEC.to_vec();
    last.extend(sealed_handshake(random));
    vec![says(300, hello), hears(think_us, answer), says(6_000, finished), hears(think_us, last)]
}

/// Finished, sealed (TLS 1.2 shows that it is a handshake message).
fn sealed_handshake(random: &mut Random) -> Vec<u8> {
    let mut body = Vec::new();
    random.extend(&mut body, 40);
    record(HANDSHAKE, &body)
}

/// Certificates of the server and of who signed it, each behind its length (RFC 5246 §7.4.2).
fn chain(name: &str, random: &mut Random) -> Vec<u8> {
    let parent = name.split_once('.').map_or(name, |(_, parent)| parent);
    let own = certificate::certificate(name, &[name, parent], random);
    let signer = certificate::certificate("Example Issuing CA 1", &[], random);
    let mut list = Vec::new();
    for one in [own, signer] {
        list.extend_from_slice(&(one.len() as u32).to_be_bytes()[1..]);
        list.extend(one);
    }
    let mut out = (list.len() as u32).to_be_bytes()[1..].to_vec();
    out.extend(list);
    out
}
