//! QUIC version 1: Initial packets sealed as RFC 9001 §5 says, so that the server name can be read,
//! then packets with short headers that hide all.

use super::talk::{Message, hears, says};
use crate::random::Random;
use crate::tls::{self, Offer};
use ring::aead::quic::{AES_128, HeaderProtectionKey};
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

/// RFC 9001 §5.2.
const SALT: [u8; 20] = [
    0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17, 0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad,
    0xcc, 0xbb, 0x7f, 0x0a,
];
const VERSION: [u8; 4] = [0, 0, 0, 1];
/// Smallest datagram with an Initial (RFC 9000 §14.1).
const INITIAL: usize = 1_200;
const TAG: usize = 16;
/// Of each side's connection identifier.
const IDENTIFIER: usize = 8;
const DATAGRAM_MAX: u64 = 1_350;

pub fn connection(name: &str, random: &mut Random) -> impl Iterator<Item = Message> + use<> {
    let mut random = Random::new(random.next());
    let identifiers = [bytes(IDENTIFIER, &mut random), bytes(IDENTIFIER, &mut random)];
    let chosen = bytes(IDENTIFIER, &mut random);
    let offer = Offer { name, alpn: &["h3"], newest: true, quic: true };
    let hello = tls::client_hello(&offer, &mut random);
    let answer = tls::server_hello(true, &mut random);
    let [device, first] = &identifiers;
    let round_trip_us = random.long_tail(6_000, 5);
    let opening = [
        says(0, initial(first, "client in", [first, device], &crypto(&hello))),
        hears(round_trip_us, {
            // Acknowledges packet 0 (RFC 9000 §19.3).
            let frames = [&[2, 0, 0, 0, 0][..], &crypto(&answer)].concat();
            initial(first, "server in", [device, &chosen], &frames)
        }),
        hears(200, handshake([device, &chosen], 1_100, &mut random)),
        says(2_500, handshake([&chosen, device], 80, &mut random)),
    ];
    let [device, _] = identifiers;
    let rest = (0..random.long_tail(1, 3)).flat_map(move |_| {
        let mut talk = vec![says(random.long_tail(2_000, 9), short(&chosen, 90, &mut random))];
        let mut after_us = round_trip_us;
        for number in 0..random.long_tail(1, 4) {
            talk.push(hears(after_us, short(&device, DATAGRAM_MAX, &mut random)));
            after_us = 150 + random.below(400);
            if number % 8 == 7 {
                talk.push(says(80, short(&chosen, 34, &mut random)));
            }
        }
        talk.push(says(300, short(&chosen, 34, &mut random)));
        talk
    });
    opening.into_iter().chain(rest)
}

/// A CRYPTO frame from offset 0 (RFC 9000 §19.6).
fn crypto(message: &[u8]) -> Vec<u8> {
    let mut out = vec![6, 0];
    out.extend((message.len() as u16 | 0x4000).to_be_bytes());
    out.extend_from_slice(message);
    out
}

/// Initial packet number 0 that fills a datagram. Keys come from the identifier that the client
/// chose first; the header has [destination, source].
fn initial(first: &[u8], label: &str, identifiers: [&[u8]; 2], frames: &[u8]) -> Vec<u8> {
    let mut out = long_header(0xc0, identifiers);
    // No token; then the length of packet number (one byte), frames, padding and tag.
    let length = INITIAL - out.len() - 3;
    out.push(0);
    out.extend((length as u16 | 0x4000).to_be_bytes());
    let number_at = out.len();
    out.push(0);
    let header = out.clone();
    let mut sealed = frames.to_vec();
    sealed.resize(length - 1 - TAG, 0);
    let keys = Keys::new(first, label);
    keys.seal(&header, &mut sealed);
    out.extend(sealed);
    keys.protect(&mut out, number_at);
    out
}

fn handshake(identifiers: [&[u8]; 2], size: usize, random: &mut Random) -> Vec<u8> {
    let mut out = long_header(0xe0 | random.below(16) as u8, identifiers);
    out.extend((size as u16 | 0x4000).to_be_bytes());
    random.extend(&mut out, size);
    out
}

fn long_header(first: u8, identifiers: [&[u8]; 2]) -> Vec<u8> {
    let mut out = vec![first];
    out.extend(VERSION);
    for identifier in identifiers {
        out.push(identifier.len() as u8);
        out.extend_from_slice(identifier);
    }
    out
}

fn short(identifier: &[u8], size: u64, random: &mut Random) -> Vec<u8> {
    let mut out = vec![0x40 | random.below(32) as u8];
    out.extend_from_slice(identifier);
    let least = size / 2 + size / 3;
    let length = if random.chance(700) { size } else { least + random.below(size - least) };
    let hidden = length as usize - out.len();
    random.extend(&mut out, hidden);
    out
}

fn bytes(count: usize, random: &mut Random) -> Vec<u8> {
    let mut out = Vec::new();
    random.extend(&mut out, count);
    out
}

struct Keys {
    key: LessSafeKey,
    vector: [u8; 12],
    header: HeaderProtectionKey,
}

impl Keys {
    fn new(identifier: &[u8], label: &str) -> Keys {
        let initial = Salt::new(HKDF_SHA256, &SALT).extract(identifier);
        let mut secret = [0; 32];
        expand(&initial, label, &mut secret);
        let secret = Prk::new_less_safe(HKDF_SHA256, &secret);
        let mut key = [0; 16];
        expand(&secret, "quic key", &mut key);
        let mut vector = [0; 12];
        expand(&secret, "quic iv", &mut vector);
        let mut header = [0; 16];
        expand(&secret, "quic hp", &mut header);
        let key = UnboundKey::new(&AES_128_GCM, &key).expect("16 bytes");
        let header = HeaderProtectionKey::new(&AES_128, &header).expect("16 bytes");
        Keys { key: LessSafeKey::new(key), vector, header }
    }

    /// Of packet number 0: the vector itself is the nonce.
    fn seal(&self, header: &[u8], body: &mut Vec<u8>) {
        let nonce = Nonce::assume_unique_for_key(self.vector);
        self.key.seal_in_place_append_tag(nonce, Aad::from(header), body).expect("a small packet");
    }

    /// RFC 9001 §5.4: the sample begins four bytes behind the packet number.
    fn protect(&self, packet: &mut [u8], number_at: usize) {
        let sample = &packet[number_at + 4..number_at + 4 + 16];
        let mask = self.header.new_mask(sample).expect("16 bytes");
        packet[0] ^= mask[0] & 0x0f;
        packet[number_at] ^= mask[1];
    }
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446 §7.1).
fn expand(secret: &Prk, label: &str, out: &mut [u8]) {
    let length = (out.len() as u16).to_be_bytes();
    let full = format!("tls13 {label}");
    let info = [&length[..], &[full.len() as u8], full.as_bytes(), &[0]];
    let expanded = secret.expand(&info, Length(out.len())).expect("a short key");
    expanded.fill(out).expect("the length asked for");
}
