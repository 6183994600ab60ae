//! What comes before TLS where a connection begins as something else: mail and chat that change over
//! on a command, databases and directories that are asked first, proxies. Where the hello begins is
//! found by its own fixed bytes and lengths, so that it does not matter how segments were cut.
//!
//! Documents: RFC 3207 (SMTP), RFC 9051 §6.2.1 (IMAP), RFC 2595 §4 (POP3), RFC 4642 (NNTP), RFC 4217
//! (FTP), RFC 6120 §5 (XMPP), RFC 4511 §4.14 (LDAP), RFC 1928 (SOCKS), the protocols of PostgreSQL and
//! MySQL, MS-RDPBCGR. Bounds: `BYTES_MAX` bytes a side.

use super::super::{Fact, Prefix, Probe, What};
use super::handshake::{CLIENT_HELLO, HANDSHAKE, SERVER_HELLO};
use crate::flow::Side;

/// The longest conversation after which TLS is still waited for, bytes a side: a greeting and a few
/// commands.
const BYTES_MAX: usize = 2048;

/// Bytes in front of a hello, and whose they are.
#[derive(Debug)]
pub struct Begun {
    /// Still to come, by side.
    left: [usize; 2],
    /// The protocol they are of, and what it began TLS with.
    by: Option<(&'static str, &'static str)>,
}

impl Begun {
    /// `None` where no side has a hello behind something else.
    #[must_use]
    pub fn of(seen: &Prefix<'_>) -> Option<Begun> {
        let sides = [Side::Low, Side::High].map(|side| seen.of(side));
        sides.into_iter().find_map(|side| find(side, CLIENT_HELLO).filter(|&at| at > 0))?;
        let left = sides.map(|side| {
            let hello = find(side, CLIENT_HELLO).or_else(|| find(side, SERVER_HELLO));
            hello.unwrap_or(side.len())
        });
        Some(Begun { left, by: whose(seen) })
    }

    /// What of a piece is behind the beginning.
    pub fn pass<'a>(&mut self, side: Side, data: &'a [u8]) -> &'a [u8] {
        let left = &mut self.left[side.index()];
        let passed = data.len().min(*left);
        *left -= passed;
        &data[passed..]
    }

    /// Says what the flow was before.
    pub fn say(&self, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        if let Some((protocol, command)) = self.by {
            say(Fact {
                what: What::Carries(protocol),
                name: "tls.begun_by",
                value: command.as_bytes(),
                frame,
            });
        }
    }
}

/// Whether TLS has begun behind something else, or may yet.
#[must_use]
pub fn probe(seen: &Prefix<'_>) -> Probe {
    let sides = [seen.first().0, seen.second()];
    // Before any hello there are these two bytes: of most flows they are neither.
    if let [one, two, ..] = *sides[0]
        && ![one, two].contains(&HANDSHAKE)
        && !may_come([&[one, two], &[]])
    {
        return Probe::No;
    }
    let hellos = sides.map(|side| find(side, CLIENT_HELLO));
    let before = [0, 1].map(|index| match hellos[index] {
        Some(at) => &sides[index][..at],
        None => without_half_a_hello(sides[index]),
    });
    match may_come(before) {
        true if hellos.iter().any(Option::is_some) => Probe::Yes,
        true => Probe::More,
        false => Probe::No,
    }
}

/// Whether what the first and the second speaker said may come before TLS.
fn may_come([first, second]: [&[u8]; 2]) -> bool {
    let short = |bytes: &[u8]| bytes.len() <= BYTES_MAX;
    short(first) && short(second) && (may_be_binary(first) || is_text(first) && is_text(second))
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\r' | b'\n' | b'\t' | 0x20..=0x7e))
}

/// A beginning that is no text.
struct Beginning {
    /// From and to, of each byte.
    bytes: &'static [(u8, u8)],
    /// The protocol, and what it begins TLS with.
    of: (&'static str, &'static str),
}

const BEGINNINGS: [Beginning; 6] = [
    Beginning { bytes: &[(4, 4), (1, 1)], of: ("socks", "a request to a SOCKS proxy") },
    Beginning { bytes: &[(5, 5), (1, 8)], of: ("socks", "a request to a SOCKS proxy") },
    Beginning {
        bytes: &[(0x30, 0x30), (12, 100), (2, 2), (1, 1)],
        of: ("ldap", "StartTLS of LDAP"),
    },
    Beginning {
        bytes: &[(0, 0), (0, 0), (0, 0), (8, 8), (4, 4), (210, 210), (22, 22), (47, 47)],
        of: ("postgresql", "SSLRequest of PostgreSQL"),
    },
    Beginning {
        bytes: &[(3, 3), (0, 0), (0, 0), (0, 64)],
        of: ("rdp", "a connection request of RDP"),
    },
    Beginning {
        bytes: &[(0, 255), (0, 0), (0, 0), (0, 0), (10, 10)],
        of: ("mysql", "the greeting of MySQL"),
    },
];

/// Whether a beginning is there, as far as it is.
fn may_be_binary(first: &[u8]) -> bool {
    BEGINNINGS.iter().any(|beginning| goes_on_with(first, beginning))
}

fn goes_on_with(first: &[u8], beginning: &Beginning) -> bool {
    let mut both = first.iter().zip(beginning.bytes);
    both.all(|(byte, (from, to))| (from..=to).contains(&byte))
}

fn binary(first: &[u8]) -> Option<(&'static str, &'static str)> {
    let mut whole = BEGINNINGS.iter().filter(|one| first.len() >= one.bytes.len());
    whole.find(|one| goes_on_with(first, one)).map(|one| one.of)
}

fn whose(seen: &Prefix<'_>) -> Option<(&'static str, &'static str)> {
    let (first, second) = (seen.first().0, seen.second());
    if let Some(by) = binary(first) {
        return Some(by);
    }
    let said = |word: &[u8]| {
        let there = |bytes: &[u8]| {
            let bytes = &bytes[..bytes.len().min(BYTES_MAX)];
            bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
        };
        there(first) || there(second)
    };
    let greets = |word: &[u8]| first.starts_with(word) || second.starts_with(word);
    match () {
        () if said(b"urn:ietf:params:xml:ns:xmpp-tls") => Some(("xmpp", "STARTTLS of XMPP")),
        () if said(b"STLS\r\n") => Some(("pop3", "STLS of POP3")),
        () if said(b"AUTH TLS\r\n") || said(b"AUTH SSL\r\n") => Some(("ftp", "AUTH TLS of FTP")),
        () if !said(b"STARTTLS\r\n") => None,
        () if said(b"EHLO ") || said(b"LHLO ") => Some(("smtp", "STARTTLS of SMTP")),
        () if greets(b"* ") => Some(("imap", "STARTTLS of IMAP")),
        () if greets(b"20") => Some(("nntp", "STARTTLS of NNTP")),
        () => None,
    }
}

/// Where a whole hello header of this kind begins.
fn find(bytes: &[u8], kind: u8) -> Option<usize> {
    let looked_at = &bytes[..bytes.len().min(BYTES_MAX)];
    let starts = looked_at.iter().enumerate().filter(|&(_, &byte)| byte == HANDSHAKE);
    starts.map(|(at, _)| at).find(|&at| hello(&bytes[at..], kind) == Probe::Yes)
}

/// Leaves out the end where it may be the first bytes of a hello.
fn without_half_a_hello(bytes: &[u8]) -> &[u8] {
    let tail = bytes.len().saturating_sub(HELLO_BYTES);
    let starts = bytes[tail..].iter().enumerate().filter(|&(_, &byte)| byte == HANDSHAKE);
    let half = starts.map(|(at, _)| tail + at).find(|&at| {
        hello(&bytes[at..], CLIENT_HELLO) == Probe::More
            || hello(&bytes[at..], SERVER_HELLO) == Probe::More
    });
    &bytes[..half.unwrap_or(bytes.len())]
}

/// A record's header, a handshake message's, and the version in a hello.
const HELLO_BYTES: usize = 11;

/// A whole record header with a hello behind it whose lengths agree (RFC 8446 §5.1, §4).
fn hello(bytes: &[u8], kind: u8) -> Probe {
    let there = &bytes[..bytes.len().min(HELLO_BYTES)];
    let fits = there.iter().enumerate().all(|(at, &byte)| match at {
        0 => byte == HANDSHAKE,
        1 | 9 => byte == 3,
        2 | 10 => byte <= 4,
        5 => byte == kind,
        6 => byte == 0,
        _ => true,
    });
    match *there {
        _ if !fits => Probe::No,
        [_, _, _, high, low, _, _, a, b, ..] if there.len() == HELLO_BYTES => {
            let message = u16::from_be_bytes([a, b]).checked_add(4);
            match message.is_some_and(|length| length <= u16::from_be_bytes([high, low])) {
                true => Probe::Yes,
                false => Probe::No,
            }
        }
        _ => Probe::More,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_anywhere, flow};
    use super::super::handshake::tests::hello;
    use super::*;
    use crate::protocol::TCP;

    type Conversation<'a> = &'a [(Side, &'a [u8])];

    /// Label, what else goes through the flow, and the name asked for.
    fn heard(pieces: &[(Side, &[u8])]) -> (&'static str, Vec<String>, Vec<u8>) {
        let (label, said) = converse_anywhere(&flow(TCP, 40_000, 4143), pieces);
        let carried = said.iter().filter(|said| matches!(said.what, What::Carries(_)));
        let words = carried.map(|said| match said.what {
            What::Carries(other) => format!("{other}: {}", String::from_utf8_lossy(&said.value)),
            _ => String::new(),
        });
        let name = said.iter().find(|said| said.name == "tls.sni");
        (label.protocol, words.collect(), name.map(|said| said.value.clone()).unwrap_or_default())
    }

    #[test]
    fn a_command_that_begins_tls_is_named() {
        let hello = hello(b"mail.example", 700);
        let xmpp = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>";
        let cases: [(Conversation<'_>, &str); 6] = [
            (
                &[
                    (Side::High, b"220 mx ESMTP\r\n"),
                    (Side::Low, b"EHLO cam\r\n"),
                    (Side::High, b"250-mx\r\n250 STARTTLS\r\n"),
                    (Side::Low, b"STARTTLS\r\n"),
                    (Side::High, b"220 go\r\n"),
                ],
                "smtp: STARTTLS of SMTP",
            ),
            (
                &[(Side::High, b"* OK ready\r\n"), (Side::Low, b"a STARTTLS\r\n")],
                "imap: STARTTLS of IMAP",
            ),
            (&[(Side::High, b"+OK\r\n"), (Side::Low, b"STLS\r\n")], "pop3: STLS of POP3"),
            (
                &[(Side::Low, b"<stream:stream to='a'>"), (Side::High, b"<a/>"), (Side::Low, xmpp)],
                "xmpp: STARTTLS of XMPP",
            ),
            (
                &[(Side::Low, &[5, 1, 0]), (Side::High, &[5, 0])],
                "socks: a request to a SOCKS proxy",
            ),
            (
                &[(Side::Low, &[0, 0, 0, 8, 4, 210, 22, 47]), (Side::High, b"S")],
                "postgresql: SSLRequest of PostgreSQL",
            ),
        ];
        for (before, by) in cases {
            let pieces = [before, &[(Side::Low, &hello[..])]].concat();
            let (label, carried, name) = heard(&pieces);
            assert_eq!((label, &name[..]), ("tls", &b"mail.example"[..]), "{by}");
            assert_eq!(carried, [by]);
        }
    }

    #[test]
    fn a_hello_inside_of_something_else_is_not_its_beginning() {
        let hello = hello(b"inner.example", 10);
        let wrapped = [&b"\x07\x20\x01\x02"[..], &hello].concat();
        assert_eq!(heard(&[(Side::Low, &wrapped)]).0, "unknown");
    }
}
