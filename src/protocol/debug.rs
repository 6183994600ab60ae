//! Protocols by which developers look into running programs: Android's debug bridge (adb, AOSP
//! packages/modules/adb protocol.txt), GDB's remote serial protocol (GDB manual, appendix E) and the
//! debug wire protocol of Java (JDWP specification). What is said in them is not kept.
//!
//! Fixed bits: the bridge 64, a command and its complement; GDB a packet of each side whose check sum
//! fits; JDWP 112.

use super::syntax::framed::u32_le;
use super::{
    Content, Dissector, Fact, IdentityKind, Next, Over, Prefix, Probe, Session, Subject, What,
};
use crate::flow::{Flow, Segment};

/// Android's debug bridge.
pub struct Adb;
/// GDB's remote serial protocol.
pub struct Gdb;
/// The debug wire protocol of Java.
pub struct Jdwp;

const ADB_HEADER_BYTES: usize = 24;
/// What a connection begins with: a greeting, or the wish for encryption.
const ADB_OPENING: [&[u8; 4]; 2] = [b"CNXN", b"STLS"];
/// Longest banner that is said, bytes.
const BANNER_BYTES_MAX: usize = 512;
/// Longest packet of GDB that a beginning is recognised by, bytes.
const GDB_BYTES_MAX: usize = 4096;
const JDWP_HELLO: &[u8] = b"JDWP-Handshake";

/// Whether a protocol is for debugging, with its name for people.
#[must_use]
pub fn debugging(label: &str) -> Option<&'static str> {
    Some(match label {
        "adb" => "the Android debug bridge",
        "gdb-remote" => "GDB's remote protocol",
        "jdwp" => "the Java debug wire protocol",
        _ => return None,
    })
}

impl Dissector for Adb {
    fn name(&self) -> &'static str {
        "adb"
    }

    fn rule(&self) -> &'static str {
        "a greeting and its complement"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn probe(&self, _: &Flow, seen: &Prefix<'_>) -> Probe {
        let bytes = seen.first().0;
        let there = bytes.len().min(4);
        if !ADB_OPENING.iter().any(|word| word[..there] == bytes[..there]) {
            return Probe::No;
        }
        match (u32_le(bytes, 0), u32_le(bytes, 20)) {
            (Some(command), Some(magic)) if magic == !command => Probe::Yes,
            (_, None) => Probe::More,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Greetings { begun: [false; 2] })
    }
}

/// The greetings of both sides, which name the product.
struct Greetings {
    begun: [bool; 2],
}

impl Session for Greetings {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let begun = std::mem::replace(&mut self.begun[segment.side.index()], true);
        let banner = segment.data.get(ADB_HEADER_BYTES..).unwrap_or_default();
        let banner = &banner[..banner.len().min(BANNER_BYTES_MAX)];
        if !begun && segment.gap == 0 && segment.data.starts_with(ADB_OPENING[0]) {
            for (key, kind, name) in [
                ("ro.product.model=", IdentityKind::Model, "adb.model"),
                ("ro.product.name=", IdentityKind::Product, "adb.product"),
            ] {
                let values = banner.split(|&byte| matches!(byte, b':' | b';' | 0));
                let value = values.filter_map(|part| part.strip_prefix(key.as_bytes())).next();
                if let Some(value) = value.filter(|value| !value.is_empty()) {
                    let what = What::Identity { subject: Subject::Sender, kind };
                    say(Fact { what, name, value, frame: segment.frame });
                }
            }
        }
        if self.begun == [true; 2] { Next::Done } else { Next::More }
    }
}

impl Dissector for Gdb {
    fn name(&self) -> &'static str {
        "gdb-remote"
    }

    fn rule(&self) -> &'static str {
        "a packet of each side whose sum fits"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn probe(&self, _: &Flow, seen: &Prefix<'_>) -> Probe {
        match (packet(seen.first().0), packet(seen.second())) {
            (Probe::Yes, second) => second,
            (first, _) => first,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Unread)
    }
}

/// `$`, a packet, `#`, and the sum of its bytes in two hex digits, perhaps behind acknowledgments.
fn packet(bytes: &[u8]) -> Probe {
    let start = bytes.iter().position(|&byte| byte != b'+').unwrap_or(bytes.len());
    let bytes = &bytes[start..];
    match bytes.split_first() {
        None if start <= 2 => return Probe::More,
        Some((b'$', rest)) => {
            let Some(end) = rest.iter().take(GDB_BYTES_MAX).position(|&byte| byte == b'#') else {
                let printable = rest.iter().all(|byte| (b' '..=b'~').contains(byte));
                let more = printable && rest.len() < GDB_BYTES_MAX;
                return if more { Probe::More } else { Probe::No };
            };
            let Some(digits) = rest.get(end + 1..end + 3) else { return Probe::More };
            let sum = rest[..end].iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
            if digits.eq_ignore_ascii_case(format!("{sum:02x}").as_bytes()) {
                return Probe::Yes;
            }
        }
        _ => {}
    }
    Probe::No
}

impl Dissector for Jdwp {
    fn name(&self) -> &'static str {
        "jdwp"
    }

    fn rule(&self) -> &'static str {
        "the handshake's fourteen letters"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn probe(&self, _: &Flow, seen: &Prefix<'_>) -> Probe {
        let bytes = seen.first().0;
        let there = bytes.len().min(JDWP_HELLO.len());
        match bytes[..there] == JDWP_HELLO[..there] {
            true if there == JDWP_HELLO.len() => Probe::Yes,
            true => Probe::More,
            false => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Unread)
    }
}

/// That it is spoken is all that is told.
struct Unread;

impl Session for Unread {
    fn feed(&mut self, _: &Segment<'_>, _: &mut dyn FnMut(Fact<'_>)) -> Next {
        Next::Done
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse_tcp, flow, values};
    use super::super::{DISSECTORS, TCP};
    use super::*;
    use crate::flow::Side;

    fn adb(command: &[u8; 4], payload: &[u8]) -> Vec<u8> {
        let number = u32::from_le_bytes(*command);
        let mut message = command.to_vec();
        for word in [0x0100_0001, 0x10_0000, payload.len() as u32, 0, !number] {
            message.extend(u32::to_le_bytes(word));
        }
        [&message[..], payload].concat()
    }

    #[test]
    fn the_bridge_names_the_product() {
        let host = adb(b"CNXN", b"host::features=shell_v2\0");
        let device = adb(b"CNXN", b"device::ro.product.name=cam;ro.product.model=C1;\0");
        let pieces = [(Side::Low, &host[..]), (Side::High, &device[..])];
        let (label, said) = converse_tcp(&flow(TCP, 40_000, 5555), &pieces);
        assert_eq!(label.protocol, "adb");
        assert_eq!(values(&said, "adb.model"), [b"C1"]);
        let mut other = adb(b"CNXN", b"");
        other[20] ^= 1;
        let (label, _) = converse_tcp(&flow(TCP, 40_000, 40_001), &[(Side::Low, &other)]);
        assert_eq!(label.protocol, "unknown");
    }

    #[test]
    fn gdb_is_known_by_sums_of_both_sides() {
        let asked = b"+$qSupported:multiprocess+#c6";
        for (answer, label) in [
            (&b"+$PacketSize=1000#f2"[..], "unknown"),
            (b"+$OK#9a", "gdb-remote"),
            (b"hello", "unknown"),
        ] {
            let pieces = [(Side::Low, &asked[..]), (Side::High, answer)];
            let (found, _) = converse_tcp(&flow(TCP, 40_000, 40_001), &pieces);
            assert_eq!(found.protocol, label, "{answer:?}");
        }
    }

    #[test]
    fn java_shakes_hands() {
        let pieces = [(Side::Low, JDWP_HELLO), (Side::High, JDWP_HELLO)];
        let (found, _) = converse_tcp(&flow(TCP, 40_000, 40_001), &pieces);
        assert_eq!(found.protocol, "jdwp");
    }

    #[test]
    fn debugging_protocols_are_labels_that_exist() {
        let all = DISSECTORS.iter().filter(|dissector| debugging(dissector.name()).is_some());
        assert_eq!(all.count(), 3);
        assert_eq!(debugging("ssh"), None);
    }
}
