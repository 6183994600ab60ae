//! CoAP over UDP: sensors and actuators; and LwM2M registration, which names the device.
//!
//! Documents: RFC 7252 §3 and §5.10; OMA LwM2M 1.1 transport §6.4.3.
//!
//! Fixed: version 1, a token length, a code that exists and options that end exactly: few bits. So
//! on port 5683 all options must be defined ones of a defined length, and off it a request must be
//! answered with its own token or number.
//! Bounds: one datagram at a time; those of `framed.rs`; 64 options.

use super::syntax::framed::{Framed, Grammar, Message, Size, Voice, is_printable, on_port, u16_be};
use super::{Content, Dissector, IdentityKind, NameKind, Next, Over, Prefix, Probe, Session, What};
use crate::flow::Flow;

/// CoAP.
pub struct Coap;

const PORTS: [u16; 1] = [5683];
const OPTIONS_MAX: usize = 64;

const URI_HOST: u32 = 3;
const URI_PATH: u32 = 11;
const URI_QUERY: u32 = 15;

impl Dissector for Coap {
    fn name(&self) -> &'static str {
        "coap"
    }

    fn rule(&self) -> &'static str {
        "version 1, options that end exactly"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0x40, 0x7f)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let Some(first) = parse(seen.first().0) else {
            return Probe::No;
        };
        if on_port(flow, &PORTS) {
            return if is_plausible(&first) { Probe::Yes } else { Probe::No };
        }
        // Off the port: a request that names a path, and its answer.
        let asks = first.code < 32 && first.options.iter().any(|&(number, _)| number == URI_PATH);
        match parse(seen.second()) {
            _ if !asks => Probe::No,
            Some(answer) if answer.code >= 64 || answer.code == 0 => {
                let same = answer.token == first.token
                    && (answer.id == first.id || !first.token.is_empty());
                if same { Probe::Yes } else { Probe::No }
            }
            None if seen.second().is_empty() => Probe::More,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

struct Parsed<'a> {
    code: u8,
    id: u16,
    token: &'a [u8],
    /// Number and value (§5.10; RFC 7641, 7959, 7967, 8613, 8768, 9175, 9177).
    options: Vec<(u32, &'a [u8])>,
    /// Nothing follows the options.
    ends: bool,
}

fn parse(datagram: &[u8]) -> Option<Parsed<'_>> {
    let (&first, &code) = (datagram.first()?, datagram.get(1)?);
    let token_length = usize::from(first & 15);
    // Classes 0, 2, 4, 5; methods end at 7 (RFC 8132); empty messages are four bytes.
    let known = match code >> 5 {
        0 => code <= 7,
        2 | 4 | 5 => true,
        _ => false,
    };
    if first >> 6 != 1 || token_length > 8 || !known || code == 0 && datagram.len() != 4 {
        return None;
    }
    let (id, token) = (u16_be(datagram, 2)?, datagram.get(4..4 + token_length)?);
    let mut rest = &datagram[4 + token_length..];
    let (mut options, mut number) = (Vec::new(), 0u32);
    while let Some((&head, after)) = rest.split_first() {
        if head == 0xff {
            // A marker without payload is an error (§3).
            let ends = false;
            return (!after.is_empty()).then_some(Parsed { code, id, token, options, ends });
        }
        rest = after;
        let delta = extended(head >> 4, &mut rest)?;
        let length = extended(head & 15, &mut rest)? as usize;
        let (value, after) = rest.split_at_checked(length)?;
        rest = after;
        number += delta;
        options.push((number, value));
        if options.len() > OPTIONS_MAX || number > 0xffff {
            return None;
        }
    }
    Some(Parsed { code, id, token, options, ends: true })
}

/// Whether every option is one that is defined, and of a length that is. Without any, nothing may
/// follow the token: a message with content says what it is about.
fn is_plausible(message: &Parsed<'_>) -> bool {
    let text =
        |value: &[u8]| std::str::from_utf8(value).is_ok_and(|t| !t.contains(char::is_control));
    let fits = |&(number, value): &(u32, &[u8])| {
        let lengths = match number {
            1 | 292 => 0..=8,
            5 => 0..=0,
            3 | 39 => 1..=255,
            8 | 9 | 11 | 15 | 20 => 0..=255,
            4 => 1..=8,
            6 | 19 | 23 | 27 | 31 => 0..=3,
            7 | 12 | 17 => 0..=2,
            14 | 28 | 60 => 0..=4,
            16 => 1..=1,
            35 => 1..=1034,
            252 => 1..=40,
            258 => 0..=1,
            _ => return false,
        };
        let is_text = matches!(number, 3 | 8 | 11 | 15 | 20 | 35 | 39);
        lengths.contains(&value.len()) && (!is_text || text(value))
    };
    // A request says what it wants, an answer what it brings.
    let tells = |&(number, value): &(u32, &[u8])| match message.code {
        0..32 => matches!(number, 3 | 11 | 15 | 35) && !value.is_empty(),
        _ => matches!(number, 6 | 8 | 12 | 14 | 23 | 27),
    };
    let options = &message.options;
    options.iter().all(fits) && (options.iter().any(tells) || options.is_empty() && message.ends)
}

/// Four bits that may be continued (§3.1).
fn extended(nibble: u8, rest: &mut &[u8]) -> Option<u32> {
    let (value, used) = match nibble {
        13 => (u32::from(*rest.first()?) + 13, 1),
        14 => (u32::from(u16_be(rest, 0)?) + 269, 2),
        15 => return None,
        small => (u32::from(small), 0),
    };
    *rest = &rest[used..];
    Some(value)
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        Size::Whole(start.len())
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let Some(parsed) = parse(message.bytes).filter(|parsed| (1..32).contains(&parsed.code))
        else {
            return Next::More;
        };
        let method: &[u8] = match parsed.code {
            1 => b"GET",
            2 => b"POST",
            3 => b"PUT",
            4 => b"DELETE",
            _ => b"other",
        };
        let mut path = [method, b" "].concat();
        for &(number, value) in &parsed.options {
            match number {
                URI_PATH if is_printable(value) => {
                    path.push(b'/');
                    path.extend_from_slice(value);
                }
                URI_HOST if is_printable(value) => {
                    voice.say(What::Name(NameKind::Host), "coap.host", value);
                }
                _ => {}
            }
        }
        voice.note("coap.request", &path);
        // The endpoint's own name; other parameters may be secrets.
        if path.ends_with(b"/rd") {
            for &(number, value) in &parsed.options {
                if let Some(name) = value.strip_prefix(b"ep=").filter(|_| number == URI_QUERY) {
                    voice.identity(IdentityKind::DeviceId, "coap.lwm2m_endpoint", name);
                }
            }
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{
        converse, converse_datagrams, converse_datagrams_here, flow, values,
    };
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    #[test]
    fn noise_on_its_port_is_not_coap() {
        let flow = flow(UDP, 50_000, 5683);
        let mut state = 7u64;
        let mut byte = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 56) as u8
        };
        let mut taken = 0;
        for length in (13..80).cycle().take(100_000) {
            let noise: Vec<u8> = (0..length).map(|_| byte()).collect();
            taken += usize::from(parse(&noise).is_some_and(|parsed| is_plausible(&parsed)));
        }
        assert!(taken <= 5, "{taken} of 100,000");
        let request = [0x40, 1, 0, 1, 0xb2, 0xff, 0xfe];
        let (label, _) = converse(&flow, true, &[(Side::Low, &request)]);
        assert_eq!(label.frame, 0, "by its port alone: a path that is no text");
    }

    const REGISTER: &[u8] = b"\x42\x02\x12\x34tk\xb2rd\x49ep=TEST01\x04lt=9\xff</>";
    const CREATED: &[u8] = b"\x62\x41\x12\x34tk\x82rd\x031/2";

    #[test]
    fn a_registration_names_the_device() {
        let pieces = [(Side::Low, REGISTER), (Side::High, CREATED)];
        for port in [5683, 5_123] {
            let (label, said) = converse_datagrams_here(&flow(UDP, 50_000, port), &pieces);
            assert_eq!((label.protocol, label.frame != 0), ("coap", true));
            assert_eq!(values(&said, "coap.request"), [b"POST /rd"]);
            assert_eq!(values(&said, "coap.lwm2m_endpoint"), [b"TEST01"]);
        }
    }

    #[test]
    fn little_is_not_enough_off_its_port() {
        let label = |pieces: &[(Side, &[u8])]| {
            converse_datagrams(&flow(UDP, 50_000, 5_123), pieces).0.protocol
        };
        assert_eq!(label(&[(Side::Low, REGISTER)]), "unknown");
        let other = b"\x62\x41\x12\x35tx\x82rd\x031/2";
        assert_eq!(label(&[(Side::Low, REGISTER), (Side::High, other)]), "unknown");
        assert_eq!(label(&[(Side::Low, b"\x40\x01\0\0\xff")]), "unknown");
    }
}
