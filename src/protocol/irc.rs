//! IRC on any port: what bots in hijacked devices are led by.
//!
//! Documents: RFC 2812 §2.3, §3.1; IRCv3 CAP.
//!
//! Recognised by NICK and USER lines of one side, in either order, perhaps behind PASS or CAP.
//! Bounds: a line 1 KiB, [`LINES_MAX`] lines, those of `framed.rs` for what is said.

use super::syntax::framed::{THINGS_MAX, Voice};
use super::syntax::stream::{Firsts, Pending, Taken};
use super::{Content, Dissector, Fact, Next, Over, Prefix, Probe, Session};
use crate::flow::{Flow, Segment};

/// IRC.
pub struct Irc;

const LINE_BYTES_MAX: usize = 1024;
/// Lines read in one flow.
const LINES_MAX: usize = 1024;
/// Lines a client may send before it has named itself.
const OPENING_LINES_MAX: usize = 6;

const OPENING: [&[u8]; 4] = [b"NICK ", b"USER ", b"PASS ", b"CAP "];

impl Dissector for Irc {
    fn name(&self) -> &'static str {
        "irc"
    }

    fn rule(&self) -> &'static str {
        "NICK and USER lines"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        // The words of `OPENING`, NOTICE, and the name of a server.
        &[
            (b'C', b'C'),
            (b'c', b'c'),
            (b'N', b'N'),
            (b'n', b'n'),
            (b'P', b'P'),
            (b'p', b'p'),
            (b'U', b'U'),
            (b'u', b'u'),
            (b':', b':'),
        ]
    }

    fn probe(&self, _flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let (first, second) = (opens(seen.first().0), opens(seen.second()));
        match (first, second) {
            (Probe::Yes, _) | (_, Probe::Yes) => Probe::Yes,
            (Probe::More, _) => Probe::More,
            // A server may speak first: `NOTICE AUTH`.
            (_, Probe::More)
                if seen.first().0.starts_with(b":") || seen.first().0.starts_with(b"NOTICE ") =>
            {
                Probe::More
            }
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Dialogue { halves: Default::default(), said: Firsts::new(THINGS_MAX), lines: 0 })
    }
}

fn opens(bytes: &[u8]) -> Probe {
    let (mut nick, mut user) = (false, false);
    for line in bytes.split_inclusive(|&byte| byte == b'\n').take(OPENING_LINES_MAX) {
        let known = OPENING.iter().find(|word| {
            let there = line.len().min(word.len());
            line[..there].eq_ignore_ascii_case(&word[..there])
        });
        let Some(word) = known else {
            return Probe::No;
        };
        if line.ends_with(b"\n") {
            nick |= *word == OPENING[0];
            // `USER name mode unused :real name` (§3.1.3): FTP has one argument.
            user |= *word == OPENING[1] && line.split(|&byte| byte == b' ').count() >= 5;
        }
    }
    if nick && user { Probe::Yes } else { Probe::More }
}

struct Dialogue {
    halves: [Pending; 2],
    said: Firsts,
    lines: usize,
}

impl Session for Dialogue {
    fn held_bytes(&self) -> usize {
        self.halves.iter().map(Pending::held_bytes).sum()
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let pending = &mut self.halves[segment.side.index()];
        if segment.gap > 0 {
            pending.reset();
        }
        let mut data = segment.data;
        loop {
            match pending.line(&mut data, LINE_BYTES_MAX) {
                Taken::Whole(line) => {
                    let voice = &mut Voice::new(&mut self.said, segment.frame, say);
                    read(line.trim_ascii_end(), voice);
                    self.lines += 1;
                }
                Taken::TooLong => {}
                Taken::More => break,
            }
        }
        if self.lines >= LINES_MAX || self.said.is_full() { Next::Done } else { Next::More }
    }
}

fn read(line: &[u8], voice: &mut Voice<'_>) {
    let mut words = line.split(|&byte| byte == b' ');
    let (verb, first) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if verb.eq_ignore_ascii_case(b"NICK") {
        voice.note("irc.nick", first);
    } else if verb.eq_ignore_ascii_case(b"JOIN") {
        voice.note("irc.channel", first);
    } else if verb.eq_ignore_ascii_case(b"PASS") {
        let secret = first.strip_prefix(b":").unwrap_or(first);
        voice.credential("irc password", secret.len(), "irc.pass", &[]);
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{converse_anywhere, flow, values};
    use crate::flow::Side;
    use crate::protocol::TCP;

    #[test]
    fn a_bot_joins() {
        let pieces: [(Side, &[u8]); 3] = [
            (Side::Low, b"PASS secret\r\nNICK bot1\r\nUSER a 0 * :real\r\n"),
            (Side::High, b":s 001 bot1 :hello\r\n"),
            (Side::Low, b"JOIN #cams\r\n"),
        ];
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        assert_eq!(label.protocol, "irc");
        assert_eq!(values(&said, "irc.channel"), [b"#cams"]);
        assert_eq!(values(&said, "irc.pass"), [b""]);
        let ftp: [(Side, &[u8]); 1] = [(Side::Low, b"USER a\r\nPASS b\r\n")];
        let (label, _) = converse_anywhere(&flow(TCP, 50_000, 5_123), &ftp);
        assert_ne!(label.protocol, "irc");
    }
}
