//! DNS: a question for A, perhaps one for AAAA, and the answers (RFC 1035 §4).

use super::name;
use super::talk::{Message, hears, says};
use crate::random::Random;
use std::net::IpAddr;

const A: u16 = 1;
const CNAME: u16 = 5;
pub const PTR: u16 = 12;
const AAAA: u16 = 28;
const IN: u16 = 1;

pub fn questions(
    name: &str,
    both: bool,
    random: &mut Random,
) -> impl Iterator<Item = Message> + use<> {
    let [v4, v6] = name::addresses(name);
    let identifiers = [random.next() as u16, random.next() as u16];
    let alias = random.chance(300).then(|| format!("front.{name}"));
    let after_us = random.long_tail(900, 5);
    let mut talk = vec![says(0, question(identifiers[0], name, A))];
    if both {
        talk.push(says(40, question(identifiers[1], name, AAAA)));
    }
    talk.push(hears(after_us, answer(identifiers[0], name, A, alias.as_deref(), &v4)));
    if both {
        talk.push(hears(150, answer(identifiers[1], name, AAAA, alias.as_deref(), &v6)));
    }
    talk.into_iter()
}

fn question(identifier: u16, name: &str, kind: u16) -> Vec<u8> {
    let mut out = header(identifier, 0x0100, [1, 0, 0, 0]);
    out.extend(labels(name));
    out.extend([kind, IN].into_iter().flat_map(u16::to_be_bytes));
    out
}

fn answer(
    identifier: u16,
    name: &str,
    kind: u16,
    alias: Option<&str>,
    addresses: &[IpAddr],
) -> Vec<u8> {
    let count = addresses.len() + usize::from(alias.is_some());
    let mut out = question(identifier, name, kind);
    out[2..4].copy_from_slice(&0x8180u16.to_be_bytes());
    out[6..8].copy_from_slice(&(count as u16).to_be_bytes());
    // The name asked for stands at offset 12 (RFC 1035 §4.1.4).
    let mut owner = vec![0xc0, 12];
    if let Some(alias) = alias {
        record(&mut out, &owner, CNAME, 300, &labels(alias));
        owner = labels(alias);
    }
    for address in addresses {
        match address {
            IpAddr::V4(address) => record(&mut out, &owner, kind, 60, &address.octets()),
            IpAddr::V6(address) => record(&mut out, &owner, kind, 60, &address.octets()),
        }
    }
    out
}

/// Counts are of questions, answers, authorities, additional records.
pub fn header(identifier: u16, flags: u16, counts: [u16; 4]) -> Vec<u8> {
    let words = [identifier, flags].into_iter().chain(counts);
    words.flat_map(u16::to_be_bytes).collect()
}

pub fn labels(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.') {
        out.push(label.len() as u8);
        out.extend(label.bytes());
    }
    out.push(0);
    out
}

pub fn record(out: &mut Vec<u8>, owner: &[u8], kind: u16, life_s: u32, data: &[u8]) {
    out.extend_from_slice(owner);
    out.extend([kind, IN].into_iter().flat_map(u16::to_be_bytes));
    out.extend(life_s.to_be_bytes());
    out.extend((data.len() as u16).to_be_bytes());
    out.extend_from_slice(data);
}
