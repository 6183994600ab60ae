//! DNS over UDP and TCP, multicast DNS and LLMNR.
//!
//! Documents: RFC 1035, RFC 7766 (TCP); RFC 6762 (multicast DNS); RFC 4795 (LLMNR).
//! Bounds: names 255 bytes; over TCP a message of at most 65,535 bytes is put together.

use super::syntax::dns::{self, Name, Record, record};
use super::{
    Common, Content, Dissector, Fact, IdentityKind, Next, Over, Prefix, Probe, Session, Subject,
    TCP, UDP, What,
};
use crate::base::text::push_hex;
use crate::flow::{Flow, Segment, Side};
use itoa::Buffer;

/// DNS on any port.
pub struct Dns;
/// Multicast DNS, port 5353.
pub struct Mdns;
/// Link-local multicast name resolution, port 5355.
pub struct Llmnr;

/// Whether either end has a port that fits.
fn has_port(flow: &Flow, fits: impl Fn(u16) -> bool) -> bool {
    flow.key.port(Side::Low).is_some_and(&fits) || flow.key.port(Side::High).is_some_and(&fits)
}

impl Dissector for Dns {
    fn name(&self) -> &'static str {
        "dns"
    }

    fn rule(&self) -> &'static str {
        "a header and questions that parse"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let (bytes, _) = seen.first();
        let usual_port = has_port(flow, |port| port == 53);
        match flow.key.protocol {
            // Multicast has dissectors of its own; NetBIOS encodes its names differently.
            UDP if has_port(flow, |port| matches!(port, 5353 | 5355 | 137)) => Probe::No,
            UDP => looks_like_message(bytes, usual_port),
            TCP if bytes.len() < framed(bytes) => {
                if usual_port {
                    Probe::More
                } else {
                    plausible_frame(bytes)
                }
            }
            TCP => {
                let end = framed(bytes).min(bytes.len());
                looks_like_message(bytes.get(2..end).unwrap_or(&[]), usual_port)
            }
            _ => Probe::No,
        }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        match flow.key.protocol {
            TCP => Box::new(Stream { sides: Default::default(), noted: true }),
            _ => Box::new(Datagrams { multicast: false, noted: true }),
        }
    }
}

/// Length of a TCP message with its own length field.
fn framed(bytes: &[u8]) -> usize {
    match bytes {
        [high, low, ..] => usize::from(u16::from_be_bytes([*high, *low])) + 2,
        _ => usize::MAX,
    }
}

/// Off the usual port, a few bytes must already look like a length and a query header.
fn plausible_frame(bytes: &[u8]) -> Probe {
    let length_fits = bytes.len() < 2 || (19..=4098).contains(&framed(bytes));
    let flags_fit = bytes.get(4).is_none_or(|flags| flags & 0x78 == 0);
    if length_fits && flags_fit { Probe::More } else { Probe::No }
}

/// Off the usual port, exactly one whole question of class IN must be there; on it, a header with
/// possible counts.
fn looks_like_message(bytes: &[u8], usual_port: bool) -> Probe {
    let Some(header) = dns::header(bytes) else {
        return Probe::No;
    };
    let entries: usize = header.counts.iter().map(|&count| usize::from(count)).sum();
    let known_opcode = matches!(header.opcode, 0..=2 | 4..=6);
    // The shortest question is 5 bytes.
    let plausible = known_opcode && entries > 0 && entries * 5 <= bytes.len() * 2;
    if !plausible && !usual_port {
        return Probe::No;
    }
    if usual_port && (header.response || dns::question(bytes).is_some()) {
        return Probe::Yes;
    }
    let mut questions = 0;
    let mut fits = true;
    let (end, whole) = dns::walk(bytes, &mut |record| {
        if record.section == 0 {
            questions += 1;
            fits &= matches!(record.class, 1 | 3 | 4 | 254 | 255) && record.kind != 0;
            fits &= record.name.iter().all(|byte| (0x21..0x7f).contains(byte));
        }
    });
    let strict = header.counts[0] == 1
        && questions == 1
        && fits
        && (header.response || header.counts[1] == 0)
        && (whole && end == bytes.len() || header.truncated);
    if strict || usual_port && whole { Probe::Yes } else { Probe::No }
}

impl Dissector for Mdns {
    fn name(&self) -> &'static str {
        "mdns"
    }

    fn rule(&self) -> &'static str {
        "port 5353 and a message that parses"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        by_port(flow, seen, 5353)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Datagrams { multicast: true, noted: true })
    }
}

impl Dissector for Llmnr {
    fn name(&self) -> &'static str {
        "llmnr"
    }

    fn rule(&self) -> &'static str {
        "port 5355 and a message that parses"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        by_port(flow, seen, 5355)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Datagrams { multicast: true, noted: true })
    }
}

fn by_port(flow: &Flow, seen: &Prefix<'_>, port: u16) -> Probe {
    let fits = || dns::header(seen.first().0).is_some_and(|header| header.opcode == 0);
    if has_port(flow, |one| one == port) && fits() { Probe::Yes } else { Probe::No }
}

struct Datagrams {
    multicast: bool,
    /// Somebody takes notes.
    noted: bool,
}

impl Session for Datagrams {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        message(segment.data, segment.frame, (self.multicast, self.noted), say);
        Next::More
    }

    fn join(&mut self, common: &Common) {
        self.noted = common.notes;
    }
}

struct Stream {
    sides: [Vec<u8>; 2],
    noted: bool,
}

impl Session for Stream {
    fn held_bytes(&self) -> usize {
        self.sides.iter().map(Vec::capacity).sum()
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        if segment.gap > 0 {
            // Without the missing bytes nobody knows where the next message begins.
            return Next::Done;
        }
        let buffer = &mut self.sides[segment.side.index()];
        buffer.extend_from_slice(segment.data);
        let mut start = 0;
        while buffer.len() - start >= framed(&buffer[start..]).min(buffer.len() + 1) {
            let length = framed(&buffer[start..]);
            let bytes = &buffer[start + 2..start + length];
            message(bytes, segment.frame, (false, self.noted), say);
            start += length;
        }
        buffer.drain(..start);
        Next::More
    }

    fn join(&mut self, common: &Common) {
        self.noted = common.notes;
    }
}

fn message(
    bytes: &[u8],
    frame: u64,
    (multicast, noted): (bool, bool),
    say: &mut dyn FnMut(Fact<'_>),
) {
    let Some(header) = dns::header(bytes) else {
        return;
    };
    if header.response && !multicast {
        let question = dns::question(bytes);
        if noted {
            note_message(&header, question.as_ref(), frame, say);
        }
        let (asked, _) = question.unwrap_or_default();
        answers(bytes, asked, frame, say);
        return;
    }
    if !multicast && noted {
        note_message(&header, None, frame, say);
    }
    dns::walk(bytes, &mut |record| {
        if record.section == 0 {
            if !header.response {
                // The root has no labels; it is written as a dot.
                let value = if record.name.is_empty() { b"." } else { record.name };
                let what = What::Query { record: record.kind };
                say(Fact { what, name: "dns.query", value, frame });
            }
        } else if header.response {
            own_record(bytes, record, frame, say);
        }
    });
}

/// Says that a message came, so that whoever tells transactions can put questions and answers
/// together: its number, its flags in hexadecimal and, of an answer, type and name of the question.
fn note_message(
    header: &dns::Header,
    question: Option<&(Name, u16)>,
    frame: u64,
    say: &mut dyn FnMut(Fact<'_>),
) {
    let mut digits = Buffer::new();
    let mut about = String::with_capacity(24);
    about.push_str(digits.format(header.id));
    about.push(' ');
    push_hex(&mut about, &header.flags.to_be_bytes());
    let mut value = about.into_bytes();
    if let Some((name, kind)) = question {
        value.push(b' ');
        value.extend_from_slice(digits.format(*kind).as_bytes());
        value.push(b' ');
        value.extend_from_slice(name);
    }
    say(Fact { what: What::Note, name: "dns.message", value: &value, frame });
}

/// Says each address under the name that was asked for, and under the alias it was found by.
fn answers(bytes: &[u8], mut asked: Name, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
    asked.make_ascii_lowercase();
    let mut aliases: Vec<Box<[u8]>> = Vec::new();
    dns::walk(bytes, &mut |record| {
        if record.section != 1 {
            return;
        }
        let fact = |what, name, value| Fact { what, name, value, frame };
        let owns = |name: &[u8]| record.name.eq_ignore_ascii_case(name);
        let in_chain = owns(&asked) || aliases.iter().any(|alias| owns(alias));
        if record.kind == record::CNAME && in_chain {
            if let Some(alias) = dns::name_in(bytes, record, 0) {
                say(fact(What::Note, "dns.alias", &alias));
                aliases.push(alias[..].into());
            }
        } else if let Some(address) = record.address() {
            let what = What::Answer { address, ttl: record.ttl };
            if in_chain && !asked.is_empty() {
                say(fact(what, "dns.answer", &asked));
            } else {
                say(fact(what, "dns.answer", record.name));
            }
        }
    });
}

/// Properties in which services on the local network say what they run on.
const PROPERTIES: [(&[u8], IdentityKind, &str); 5] = [
    (b"md=", IdentityKind::Model, "mdns.model"),
    (b"model=", IdentityKind::Model, "mdns.model"),
    (b"mdl=", IdentityKind::Model, "mdns.model"),
    (b"manufacturer=", IdentityKind::Product, "mdns.manufacturer"),
    (b"fv=", IdentityKind::Firmware, "mdns.firmware"),
];

/// A record that the sender gives about itself (RFC 6762 §8.3, RFC 6763).
fn own_record(bytes: &[u8], record: &Record<'_>, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
    let identity = |kind| What::Identity { subject: Subject::Sender, kind };
    if let Some(address) = record.address() {
        say(Fact {
            what: What::OwnName { address },
            name: "mdns.address",
            value: record.name,
            frame,
        });
        return;
    }
    match record.kind {
        record::SRV => {
            let what = identity(IdentityKind::Service);
            say(Fact { what, name: "mdns.service", value: record.name, frame });
        }
        record::TXT => {
            let mut rest = record.data;
            while let [length, tail @ ..] = rest {
                let Some((text, after)) = tail.split_at_checked(usize::from(*length)) else {
                    return;
                };
                for (key, kind, name) in PROPERTIES {
                    if let Some(value) = text.strip_prefix(key).filter(|v| !v.is_empty()) {
                        say(Fact { what: identity(kind), name, value, frame });
                    }
                }
                rest = after;
            }
        }
        record::PTR
            if record.name.ends_with(b"._tcp.local") || record.name.ends_with(b"._udp.local") =>
        {
            if let Some(instance) = dns::name_in(bytes, record, 0) {
                let what = identity(IdentityKind::Service);
                say(Fact { what, name: "mdns.service", value: &instance, frame });
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::syntax::dns::tests::ALIASED;
    use super::super::testing::{converse, converse_datagrams_here, converse_tcp, flow};
    use super::*;
    use crate::flow::Side;

    const QUERY: &[u8] = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x06camera\x07example\0\0\x01\0\x01";

    #[test]
    fn names_an_address_by_what_was_asked() {
        for port in [53, 5300] {
            let conversation = [(Side::Low, QUERY), (Side::High, ALIASED)];
            let (label, said) = converse_datagrams_here(&flow(UDP, 40_000, port), &conversation);
            assert_eq!(label.protocol, "dns", "port {port}");
            let answer = said.iter().find(|f| f.name == "dns.answer").unwrap();
            assert_eq!(answer.value, b"camera.example");
            assert!(said.iter().any(|f| f.name == "dns.alias" && f.value == b"cdn.example"));
        }
    }

    #[test]
    fn reads_messages_out_of_a_stream() {
        let frame = |message: &[u8]| [&(message.len() as u16).to_be_bytes()[..], message].concat();
        let twice = [frame(QUERY), frame(QUERY)].concat();
        let answer = frame(ALIASED);
        for port in [53, 5300] {
            let conversation = [(Side::Low, &twice[..]), (Side::High, &answer[..])];
            let (label, said) = converse_tcp(&flow(TCP, 40_000, port), &conversation);
            assert_eq!(label.protocol, "dns", "port {port}");
            assert_eq!(said.iter().filter(|f| f.name == "dns.query").count(), 2);
        }
    }

    #[test]
    fn other_bytes_on_other_ports_are_not_dns() {
        let other = [
            &b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x06came"[..],
            &[0; 24],
            &[0xff; 40],
            b"GET / HTTP/1.1",
        ];
        for bytes in other {
            let (label, _) = converse(&flow(UDP, 40_000, 5300), true, &[(Side::Low, bytes)]);
            assert_eq!(label.protocol, "unknown", "{bytes:?}");
        }
    }

    #[test]
    fn a_multicast_announcement_names_its_sender() {
        let announcement = b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x03cam\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\0\0\x01";
        let pieces = [(Side::Low, &announcement[..])];
        let (label, said) = converse_datagrams_here(&flow(UDP, 5353, 5353), &pieces);
        assert_eq!(label.protocol, "mdns");
        assert_eq!(said[0].value, b"cam.local");
        let second = b"\0\0\x84\0\0\0\0\x01\0\0\0\0\x03tap\x05local\0\0\x01\x80\x01\0\0\0\x78\0\x04\x0a\0\0\x01";
        let both = [(Side::Low, &announcement[..]), (Side::Low, second)];
        let (_, said) = converse_datagrams_here(&flow(UDP, 5353, 5353), &both);
        let names: Vec<_> = said.iter().map(|said| &said.value[..]).collect();
        assert!(names.contains(&&b"cam.local"[..]) && names.contains(&&b"tap.local"[..]));
        let pieces = [(Side::Low, QUERY)];
        let (label, said) = converse_datagrams_here(&flow(UDP, 50_000, 5355), &pieces);
        assert_eq!((label.protocol, said.is_empty()), ("llmnr", false));
        let second = b"\x12\x35\x01\0\0\x01\0\0\0\0\0\0\x04lamp\0\0\x01\0\x01";
        let both = [(Side::Low, QUERY), (Side::Low, second)];
        let (_, said) = converse_datagrams_here(&flow(UDP, 50_000, 5355), &both);
        assert!(said.iter().any(|said| said.value == b"lamp"));
    }
}
