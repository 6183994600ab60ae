//! DLMS/COSEM of electricity, gas and water meters: behind the TCP and UDP wrapper and in HDLC
//! frames that a serial gateway sends over TCP or UDP. The association says which secret is used:
//! the lowest level has none, the low one sends the password itself.
//!
//! Documents: IEC 62056-4-7 §5 (wrapper); IEC 62056-46 §6.4 (HDLC); IEC 62056-5-3 annexes B and C.
//!
//! Fixed: the wrapper's version and a length, and one of the tags of IEC 62056-5-3 behind it: about
//! 28 bits, therefore both sides off port 4059; HDLC flag, format and the check sequence over the
//! header, 36 bits.
//! Bounds: those of `framed.rs`.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, on_port, probe, u16_be, u16_le,
};
use super::super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::base::text::hex;
use crate::flow::Flow;

/// DLMS in its wrapper.
pub struct Dlms;
/// DLMS in HDLC frames.
pub struct Hdlc;

const PORTS: [u16; 1] = [4059];
/// Version, source, destination, length.
const HEADER_BYTES: usize = 8;
const FLAG: u8 = 0x7e;

impl Dissector for Dlms {
    fn name(&self) -> &'static str {
        "dlms"
    }

    fn rule(&self) -> &'static str {
        "wrapper version, a length that holds, a known tag"
    }

    /// Ciphered or not is a choice of each association.
    fn content(&self) -> Content {
        Content::Unknown
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(0, 0)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let usual = on_port(flow, &PORTS);
        probe(flow, seen, size, if usual { Demand::One } else { Demand::Both })
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn size(start: &[u8]) -> Size {
    if let Some(size) = Size::of_magic(start, &[0, 1], HEADER_BYTES + 1) {
        return size;
    }
    let [source, destination, length] = [2, 4, 6].map(|at| u16_be(start, at).unwrap_or_default());
    // One of the two is a client (1 to 127), and an unencrypted length is never long.
    let fits = (source < 128 || destination < 128) && length >= 2 && is_tag(start[HEADER_BYTES]);
    if fits { Size::Whole(HEADER_BYTES + usize::from(length)) } else { Size::Broken }
}

/// Tags of IEC 62056-5-3 §8: association, the services of logical and short names, the same
/// ciphered, general ciphering, notification.
fn is_tag(tag: u8) -> bool {
    matches!(tag, 0x01 | 0x05 | 0x06 | 0x08 | 0x0c..=0x0f | 0x18 | 0x21 | 0x25 | 0x26 | 0x28
        | 0x2c..=0x2e | 0x38 | 0x60..=0x63 | 0xc0..=0xc7 | 0xc8..=0xd9 | 0xdb..=0xe0)
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        apdu(message.bytes.get(HEADER_BYTES..).unwrap_or_default(), voice);
        Next::More
    }
}

impl Dissector for Hdlc {
    fn name(&self) -> &'static str {
        "dlms-hdlc"
    }

    fn rule(&self) -> &'static str {
        "HDLC flag and format, header check sequence"
    }

    fn content(&self) -> Content {
        Content::Unknown
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(FLAG, FLAG)]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, hdlc_size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Frames)
    }
}

/// Flag, format `1010s` with 11 bits of length, two addresses of 1, 2 or 4 bytes (the lowest bit
/// ends one), control, check sequence.
fn hdlc_size(start: &[u8]) -> Size {
    if start.first().is_some_and(|&flag| flag != FLAG)
        || start.get(1).is_some_and(|&format| format & 0xf0 != 0xa0)
    {
        return Size::Broken;
    }
    let Some(format) = u16_be(start, 1) else {
        return Size::Need(3);
    };
    let length = usize::from(format & 0x07ff);
    if length < 7 {
        return Size::Broken;
    }
    let Some(control) = control_at(start) else {
        return if start.len() >= 12 { Size::Broken } else { Size::Need(start.len() + 1) };
    };
    // Flag to control is what the first check sequence covers.
    match u16_le(start, control + 1) {
        None => Size::Need(control + 3),
        Some(check) if check == fcs(&start[1..=control]) => Size::Whole(length + 2),
        Some(_) => Size::Broken,
    }
}

fn control_at(frame: &[u8]) -> Option<usize> {
    let mut at = 3;
    for _ in 0..2 {
        let length = frame.get(at..)?.iter().take(4).position(|byte| byte & 1 == 1)? + 1;
        at += length;
    }
    (at < frame.len()).then_some(at)
}

/// The check sequence of HDLC (ISO 3309, RFC 1662 annex C).
fn fcs(bytes: &[u8]) -> u16 {
    let mut value = 0xffffu16;
    for &byte in bytes {
        value ^= u16::from(byte);
        for _ in 0..8 {
            value = if value & 1 != 0 { value >> 1 ^ 0x8408 } else { value >> 1 };
        }
    }
    !value
}

struct Frames;

impl Grammar for Frames {
    fn size(&self, start: &[u8]) -> Size {
        hdlc_size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let Some(control) = control_at(message.bytes) else {
            return Next::More;
        };
        // Behind the header's check sequence an LLC header (e6 e6/e7 00) precedes the message.
        if let Some([0xe6, 0xe6 | 0xe7, 0, apdu_bytes @ ..]) = message.bytes.get(control + 3..) {
            apdu(apdu_bytes, voice);
        }
        Next::More
    }
}

fn apdu(bytes: &[u8], voice: &mut Voice<'_>) {
    let Some(&tag) = bytes.first() else {
        return;
    };
    let name: &[u8] = match tag {
        0x60 => b"associate",
        0x61 => b"associated",
        0x62 | 0x63 => b"release",
        0x0f => b"notification",
        0xc0 | 0xc8 | 0xd0 => b"get",
        0xc4 | 0xcc | 0xd4 => b"get response",
        0xc1 | 0xc9 | 0xd1 => b"set",
        0xc3 | 0xcb | 0xd3 => b"action",
        0xc2 | 0xca | 0xd2 => b"event",
        0x21..=0x3f | 0xdb..=0xe0 => b"ciphered",
        _ => b"other",
    };
    voice.note("dlms.service", name);
    match tag {
        0x60 | 0x61 => associate(tag == 0x60, bytes, voice),
        // General ciphering begins with the system title: three letters of the maker, a number.
        0xdb => {
            if let [_, 8, title @ ..] = bytes
                && let Some(title) = title.get(..8)
            {
                system_title(title, voice);
            }
        }
        // Get, set, action of one attribute: class and the OBIS code of what is asked for.
        0xc0 | 0xc1 | 0xc3 => {
            if let [_, 1, _, _, _, a, b, c, d, e, f, ..] = bytes {
                let obis = format!("{a}-{b}:{c}.{d}.{e}.{f}");
                voice.note(if tag == 0xc0 { "dlms.get" } else { "dlms.command" }, obis.as_bytes());
            }
        }
        _ => {}
    }
}

/// The association (IEC 62056-5-3 §9.4.2): BER fields, of which a6 and a4 hold titles, 8b the
/// mechanism (its last byte the level), ac the secret.
fn associate(asking: bool, bytes: &[u8], voice: &mut Voice<'_>) {
    let mut rest = bytes.get(2..).unwrap_or_default();
    let mut level = 0;
    while let [tag, length, field @ ..] = rest {
        let Some((field, after)) = field.split_at_checked(usize::from(*length)) else {
            return;
        };
        rest = after;
        match (tag, field) {
            (0xa6, [4, 8, title @ ..]) if asking && title.len() == 8 => system_title(title, voice),
            (0xa4, [4, 8, title @ ..]) if !asking && title.len() == 8 => system_title(title, voice),
            (0x8b | 0x89, [.., last]) if field.len() == 7 => {
                level = *last;
                voice.note("dlms.authentication", last.to_string().as_bytes());
            }
            (0xac, [0x80, length, secret @ ..])
                if level == 1 && usize::from(*length) == secret.len() =>
            {
                voice.credential("dlms password", secret.len(), "dlms.password", &[]);
            }
            _ => {}
        }
    }
}

fn system_title(title: &[u8], voice: &mut Voice<'_>) {
    let (maker, number) = title.split_at(3);
    let mut text = if maker.iter().all(u8::is_ascii_alphanumeric) {
        String::from_utf8_lossy(maker).into_owned()
    } else {
        hex(maker)
    };
    text.push_str(&hex(number));
    voice.identity(IdentityKind::Serial, "dlms.system_title", text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::super::super::What;
    use super::super::super::testing::{
        Said, converse_anywhere, converse_datagrams_here, converse_tcp, flow, values,
    };
    use super::*;
    use crate::flow::Side;
    use crate::protocol::{TCP, UDP};

    /// Client 16 to meter 1: application context with short list of fields, password of 8 bytes.
    const AARQ: &[u8] = b"\0\x01\0\x10\0\x01\0\x38\x60\x36\xa1\x09\x06\x07\x60\x85\x74\x05\x08\
        \x01\x01\x8a\x02\x07\x80\x8b\x07\x60\x85\x74\x05\x08\x02\x01\xac\x0a\x80\x0812345678\
        \xbe\x10\x04\x0e\x01\0\0\0\x06\x5f\x1f\x04\0\0\x7e\x1f\x04\xb0";
    const GET: &[u8] = b"\0\x01\0\x10\0\x01\0\x0d\xc0\x01\xc1\0\x01\0\0\x60\x01\0\xff\x02\0";
    const GOT: &[u8] = b"\0\x01\0\x01\0\x10\0\x05\xc4\x01\xc1\0\0";

    fn secret(said: &[Said]) -> usize {
        let secret = |said: &Said| match said.what {
            What::Credential { length, .. } => Some(length),
            _ => None,
        };
        said.iter().find_map(secret).unwrap_or_default()
    }

    #[test]
    fn the_password_passes_readable() {
        let pieces = [(Side::Low, AARQ), (Side::Low, GET), (Side::High, GOT)];
        for port in [4059, 5_123] {
            let (label, said) = converse_tcp(&flow(TCP, 50_000, port), &pieces);
            assert_eq!(label.protocol, "dlms");
            assert_eq!(secret(&said), 8);
            assert_eq!(values(&said, "dlms.get"), [b"0-0:96.1.0.255"]);
        }
        let (label, _) = converse_datagrams_here(&flow(UDP, 50_000, 4059), &pieces[1..]);
        assert_eq!(label.protocol, "dlms");
        let (label, _) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces[..1]);
        assert_eq!(label.protocol, "unknown");
    }

    #[test]
    fn frames_of_hdlc_are_checked() {
        assert_eq!(fcs(b"123456789"), 0x906e, "the check value of CRC-16/X-25");
        let mut frame = b"\x7e\xa0\x19\x03\x21\x13".to_vec();
        frame.extend(fcs(&frame[1..]).to_le_bytes());
        frame.extend(b"\xe6\xe6\0\xc0\x01\xc1\0\x01\0\0\x60\x01\0\xff\x02\0");
        frame[2] = frame.len() as u8 + 1;
        let header = fcs(&frame[1..6]).to_le_bytes();
        frame[6..8].copy_from_slice(&header);
        frame.extend(fcs(&frame[1..]).to_le_bytes());
        frame.push(FLAG);
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &[(Side::Low, &frame)]);
        assert_eq!(label.protocol, "dlms-hdlc");
        assert_eq!(values(&said, "dlms.get"), [b"0-0:96.1.0.255"]);
        frame[6] ^= 1;
        let (label, _) = converse_anywhere(&flow(TCP, 50_000, 5_123), &[(Side::Low, &frame)]);
        assert_ne!(label.protocol, "dlms-hdlc");
    }

    #[test]
    fn a_system_title_is_a_serial_number() {
        let bytes = b"\0\x01\0\x01\0\x10\0\x0b\xdb\x08TST\0\0\x01\x02\x03\x10";
        let (_, said) = converse_tcp(&flow(TCP, 50_000, 4059), &[(Side::High, bytes)]);
        assert_eq!(values(&said, "dlms.system_title"), [b"TST0000010203"]);
    }
}
