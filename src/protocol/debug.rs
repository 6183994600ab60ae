//! Protocols by which developers look into running programs: Android's debug bridge (adb), GDB's
//! remote serial protocol and the debug wire protocol of Java (JDWP). What is said in them is not
//! kept.
//!
//! Documents: AOSP packages/modules/adb protocol.txt; GDB manual, appendix E; JDWP specification.
//!
//! Fixed bits: the bridge 64, a command and its complement; GDB a packet of each side whose check
//! sum fits; JDWP 112.
//! Bounds: one message of each side, within what probes keep.

use super::syntax::framed::{Demand, Framed, Grammar, Message, Size, Voice, probe, u32_le};
use super::{Content, Dissector, Fact, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::{Flow, Segment};

/// Android's debug bridge.
pub struct Adb;
/// GDB's remote serial protocol.
pub struct Gdb;
/// The debug wire protocol of Java.
pub struct Jdwp;

const ADB_HEADER_BYTES: usize = 24;
/// Greeting, encryption, login, streams.
const ADB_COMMANDS: [&[u8; 4]; 8] =
    [b"CNXN", b"STLS", b"AUTH", b"OPEN", b"OKAY", b"CLSE", b"WRTE", b"SYNC"];
/// Most payload that a side may offer to take in one message, bytes.
const ADB_BYTES_MAX: u32 = 1024 * 1024;
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

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(b'A', b'A'), (b'C', b'C'), (b'O', b'O'), (b'S', b'S'), (b'W', b'W')]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, adb_size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Greetings { begun: [false; 2] })
    }
}

/// Command, two arguments, length, check sum, and the command's complement.
fn adb_size(start: &[u8]) -> Size {
    let there = start.len().min(4);
    if !ADB_COMMANDS.iter().any(|word| word[..there] == start[..there]) {
        return Size::Broken;
    }
    match [0, 12, 20].map(|at| u32_le(start, at)) {
        [Some(command), Some(length), Some(magic)] => {
            let fits = magic == !command && length <= ADB_BYTES_MAX;
            if fits { Size::Whole(ADB_HEADER_BYTES + length as usize) } else { Size::Broken }
        }
        _ => Size::Need(ADB_HEADER_BYTES),
    }
}

/// The greetings of both sides, which name the product.
struct Greetings {
    begun: [bool; 2],
}

impl Grammar for Greetings {
    fn size(&self, start: &[u8]) -> Size {
        adb_size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let begun = std::mem::replace(&mut self.begun[message.side.index()], true);
        if !begun && message.bytes.starts_with(b"CNXN") {
            let banner = message.bytes.get(ADB_HEADER_BYTES..).unwrap_or_default();
            for (key, kind, name) in [
                ("ro.product.model=", IdentityKind::Model, "adb.model"),
                ("ro.product.name=", IdentityKind::Product, "adb.product"),
            ] {
                let mut parts = banner.split(|&byte| matches!(byte, b':' | b';' | 0));
                let value = parts.find_map(|part| part.strip_prefix(key.as_bytes()));
                voice.identity(kind, name, value.unwrap_or_default());
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

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(b'$', b'$'), (b'+', b'+')]
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

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(b'J', b'J')]
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
    use super::super::testing::{converse_anywhere, flow, values};
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
        let (label, said) = converse_anywhere(&flow(TCP, 40_000, 5555), &pieces);
        assert_eq!(label.protocol, "adb");
        assert_eq!(values(&said, "adb.model"), [b"C1"]);
        let mut other = adb(b"CNXN", b"");
        other[20] ^= 1;
        let (label, _) = converse_anywhere(&flow(TCP, 40_000, 40_001), &[(Side::Low, &other)]);
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
            let (found, _) = converse_anywhere(&flow(TCP, 40_000, 40_001), &pieces);
            assert_eq!(found.protocol, label, "{answer:?}");
        }
    }

    #[test]
    fn java_shakes_hands() {
        let pieces = [(Side::Low, JDWP_HELLO), (Side::High, JDWP_HELLO)];
        let (found, _) = converse_anywhere(&flow(TCP, 40_000, 40_001), &pieces);
        assert_eq!(found.protocol, "jdwp");
    }

    #[test]
    fn debugging_protocols_are_labels_that_exist() {
        let all = DISSECTORS.iter().filter(|dissector| debugging(dissector.name()).is_some());
        assert_eq!(all.count(), 3);
        assert_eq!(debugging("ssh"), None);
    }
}
