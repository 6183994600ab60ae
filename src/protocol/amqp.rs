//! AMQP 0-9-1 and 1.0 on any port: message queues of gateways and platforms; a PLAIN login sends
//! the password readable.
//!
//! Documents: AMQP 0-9-1 §2.3 and §4.2; AMQP 1.0 §2.2.
//!
//! Fixed: `AMQP` and a version of the few there are: 64 bits; without the beginning a kind, a short
//! length, a class of the seven there are and an end mark: 43 bits.
//! Bounds: those of `framed.rs`.

use super::syntax::default::is_default;
use super::syntax::framed::{Framed, Grammar, Message, Size, Voice, is_printable, u32_be};
use super::{Content, Dissector, IdentityKind, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// AMQP.
pub struct Amqp;

const HEADER_BYTES: usize = 8;
/// A frame that holds a method, and what ends every frame (0-9-1 §4.2.3).
const METHOD: u8 = 1;
const FRAME_END: u8 = 0xce;
const FRAME_BYTES_MAX: u32 = 16 * 1024 * 1024;

impl Dissector for Amqp {
    fn name(&self) -> &'static str {
        "amqp"
    }

    fn rule(&self) -> &'static str {
        "AMQP and a known version, or a method in a whole frame"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(METHOD, METHOD), (b'A', b'A')]
    }

    fn probe(&self, _flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let first = seen.first().0;
        match header(first) {
            Some(true) => Probe::Yes,
            None if b"AMQP".starts_with(&first[..first.len().min(4)]) => Probe::More,
            _ => looks_like_midstream(first),
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages { new: false })
    }
}

/// Whether it is a protocol header; `None` while too little is there.
fn header(bytes: &[u8]) -> Option<bool> {
    let (name, version) = bytes.get(..HEADER_BYTES)?.split_at(4);
    Some(
        name == b"AMQP"
            && matches!(version, [0, 0, 9, 1] | [1, 1, 0 | 8, 9 | 10] | [0 | 2 | 3, 1, 0, 0]),
    )
}

/// A method of a class that there is, in a frame that ends with its mark (0-9-1 §2.3.5): of a
/// connection whose beginning the capture does not hold.
fn looks_like_midstream(bytes: &[u8]) -> Probe {
    let begins: [&dyn Fn(u8) -> bool; 9] = [
        &|b| b == METHOD,
        &|_| true,
        &|_| true,
        &|b| b == 0,
        &|b| b == 0,
        &|_| true,
        &|b| b >= 4,
        &|b| b == 0,
        &|class| matches!(class, 10 | 20 | 40 | 50 | 60 | 85 | 90),
    ];
    let fits = begins.iter().zip(bytes).all(|(fits, byte)| fits(*byte));
    match u32_be(bytes, 3) {
        _ if !fits => Probe::No,
        Some(size) => match bytes.get(7 + size as usize) {
            Some(&FRAME_END) => Probe::Yes,
            Some(_) => Probe::No,
            None => Probe::More,
        },
        None => Probe::More,
    }
}

struct Messages {
    /// Version 1.0, whose frames are others.
    new: bool,
}

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        if b"AMQP".starts_with(&start[..start.len().min(4)]) {
            return match header(start) {
                None => Size::Need(HEADER_BYTES),
                Some(true) => Size::Whole(HEADER_BYTES),
                Some(false) => Size::Broken,
            };
        }
        if self.new {
            // Size of all, where the data begins in words, kind (1.0 §2.3.1).
            return match (u32_be(start, 0), start.get(4), start.get(5)) {
                (Some(size @ 8..=FRAME_BYTES_MAX), Some(2..), Some(0 | 1)) => {
                    Size::Whole(size as usize)
                }
                (_, _, Some(_)) => Size::Broken,
                _ => Size::Need(6),
            };
        }
        // Kind, channel, size, payload, end (0-9-1 §2.3.5).
        match (start.first(), u32_be(start, 3)) {
            (Some(1 | 2 | 3 | 8), Some(size @ 0..=FRAME_BYTES_MAX)) => {
                Size::Whole(size as usize + 8)
            }
            (Some(1 | 2 | 3 | 8), None) => Size::Need(7),
            _ => Size::Broken,
        }
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let bytes = message.bytes;
        if let Some(version) = bytes.strip_prefix(b"AMQP").and_then(|rest| rest.get(..4)) {
            self.new = version[1] == 1 && version[0] != 1;
            voice.note("amqp.version", if self.new { b"1.0" } else { b"0-9" });
            return Next::More;
        }
        if self.new {
            return Next::More;
        }
        match bytes.get(7..) {
            // connection.start-ok: a table, then mechanism, answer, locale (§1.4.2.2).
            Some([0, 10, 0, 11, rest @ ..]) => {
                let length = u32_be(rest, 0).unwrap_or_default() as usize;
                if let Some(login) = rest.get(4..).and_then(|rest| rest.get(length..)) {
                    let _ = plain(login, voice);
                }
                product(rest, voice);
            }
            // connection.start of the server.
            Some([0, 10, 0, 10, rest @ ..]) => product(rest, voice),
            // basic.publish: ticket, exchange, routing key (§1.8.3.7).
            Some([0, 60, 0, 40, _, _, rest @ ..]) => {
                let exchange = usize::from(rest.first().copied().unwrap_or_default());
                if let Some([length, key @ ..]) = rest.get(1 + exchange..)
                    && let Some(key) =
                        key.get(..usize::from(*length)).filter(|key| is_printable(key))
                {
                    voice.note("amqp.routing_key", key);
                }
            }
            _ => {}
        }
        Next::More
    }
}

/// `PLAIN`, then nothing, user and password with zeroes between.
fn plain(login: &[u8], voice: &mut Voice<'_>) -> Option<()> {
    let rest = login.strip_prefix(b"\x05PLAIN")?;
    let answer = rest.get(4..4 + u32_be(rest, 0)? as usize)?;
    let mut parts = answer.splitn(3, |&byte| byte == 0);
    let (_, user, secret) = (parts.next()?, parts.next()?, parts.next()?);
    let kind = match is_default(user, secret) {
        true => "amqp plain, a well-known default",
        false => "amqp plain",
    };
    voice.credential(kind, secret.len(), "amqp.login", user);
    Some(())
}

/// The field `product` of a table: its name, `S`, a long string.
fn product(table: &[u8], voice: &mut Voice<'_>) {
    let name = b"\x07productS";
    let Some(at) = table.windows(name.len()).position(|part| part == name) else {
        return;
    };
    let rest = &table[at + name.len()..];
    let length = u32_be(rest, 0).unwrap_or_default() as usize;
    if let Some(text) =
        rest.get(4..).and_then(|rest| rest.get(..length)).filter(|t| is_printable(t))
    {
        voice.identity(IdentityKind::Product, "amqp.product", text);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse_anywhere, converse_tcp, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::TCP;

    fn frame(body: &[u8]) -> Vec<u8> {
        [&b"\x01\0\0"[..], &(body.len() as u32).to_be_bytes(), body, b"\xce"].concat()
    }

    #[test]
    fn a_connection_that_began_before() {
        let publish = frame(b"\0\x3c\0\x28\0\0\x03hub\x07telemet\0");
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &[(Side::Low, &publish)]);
        assert_eq!((label.protocol, label.frame > 0), ("amqp", true));
        assert_eq!(values(&said, "amqp.routing_key"), [b"telemet"]);
        let mut open = publish.clone();
        *open.last_mut().unwrap() = 0xcf;
        let mut other = publish;
        other[8] = 61;
        for damaged in [open, other] {
            let (label, _) = converse_tcp(&flow(TCP, 50_000, 5_123), &[(Side::Low, &damaged)]);
            assert_eq!(label.frame, 0);
        }
    }

    #[test]
    fn a_login_and_a_message() {
        let start_ok = frame(b"\0\x0a\0\x0b\0\0\0\x11\x07productS\0\0\0\x04test\x05PLAIN\0\0\0\x09\0cam\0secr\x05en_US");
        let publish = frame(b"\0\x3c\0\x28\0\0\x01e\x04a.b1\0");
        let pieces = [
            (Side::Low, &b"AMQP\0\0\x09\x01"[..]),
            (Side::High, &frame(b"\0\x0a\0\x0a\0\x09")[..]),
            (Side::Low, &start_ok),
            (Side::Low, &publish),
        ];
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        assert_eq!((label.protocol, label.content), ("amqp", Content::Clear));
        assert_eq!(values(&said, "amqp.login"), [b"cam"]);
        assert_eq!(values(&said, "amqp.product"), [b"test"]);
        assert_eq!(values(&said, "amqp.routing_key"), [b"a.b1"]);
        let (label, _) = converse_tcp(&flow(TCP, 1, 5_672), &[(Side::Low, b"AMQP\x07\0\0\0")]);
        assert_ne!(label.protocol, "amqp");
    }
}
