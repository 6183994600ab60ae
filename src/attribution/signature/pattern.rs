//! How names and addresses are compared with what signatures say.

use super::Match;
use std::net::IpAddr;

pub fn starts_with_words(text: &str, beginning: &str) -> bool {
    let Some(head) = text.get(..beginning.len()) else {
        return false;
    };
    let boundary = text[beginning.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric());
    boundary && head.eq_ignore_ascii_case(beginning)
}

/// What a pattern has in plain labels at its end.
pub fn literal_suffix(host: &str, matching: Match) -> &str {
    match matching {
        Match::Exact | Match::Suffix => host,
        Match::Glob => match host.rfind('*') {
            Some(star) => host[star..].split_once('.').map_or("", |(_, rest)| rest),
            None => host,
        },
    }
}

/// Label by label, `*` standing for any characters within a label.
pub fn glob(pattern: &str, name: &str) -> bool {
    let (mut patterns, mut labels) = (pattern.split('.'), name.split('.'));
    loop {
        match (patterns.next(), labels.next()) {
            (None, None) => return true,
            (Some(pattern), Some(label)) if glob_text(pattern, label) => {}
            _ => return false,
        }
    }
}

/// `*` stands for any characters; linear, by matching the pieces between stars from the left.
pub fn glob_text(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

pub fn address_bits(address: IpAddr) -> (u128, bool) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, true),
        IpAddr::V6(v6) => (v6.to_bits(), false),
    }
}

/// Network bits, mask, and whether it is IPv4.
pub fn parse_network(text: &str) -> Option<(u128, u128, bool)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let (bits, v4) = address_bits(address.parse().ok()?);
    let longest = if v4 { 32 } else { 128 };
    let length = length.unwrap_or(longest);
    if length > longest {
        return None;
    }
    let mask = if length == 0 { 0 } else { u128::MAX << (128 - length) };
    (bits & !mask == 0).then_some((bits, mask, v4))
}
