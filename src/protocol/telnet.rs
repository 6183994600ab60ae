//! Telnet on any port: logins whose password passes readable.
//!
//! Documents: RFC 854, RFC 855.
//! Bounds: 64 bytes of what the server wrote last, 64 bytes of user name; 64 KiB a flow, since a
//! login stands at its beginning. A password is counted while it is typed and never kept.

use super::{Content, Dissector, Fact, Next, Over, Prefix, Probe, Session, What};
use crate::flow::{Flow, Segment, Side};

/// Telnet: by its negotiation on any port, by text on port 23.
pub struct Telnet;

const PORT: u16 = 23;

// Commands (RFC 854, "TELNET COMMAND STRUCTURE").
const IAC: u8 = 255;
const SB: u8 = 250;
const SE: u8 = 240;
const WILL: u8 = 251;
const DONT: u8 = 254;
/// Options with a number (IANA Telnet options) up to the long ones used in practice.
const OPTION_MAX: u8 = 49;

/// Text on the usual port that is enough without a line end, bytes.
const TEXT_BYTES_MIN: usize = 2048;
/// What the server wrote last, bytes.
const TAIL_BYTES_MAX: usize = 64;
/// Longest user name kept, bytes.
const USER_BYTES_MAX: usize = 64;
/// Read in one flow, bytes.
const FLOW_BYTES_MAX: usize = 64 * 1024;

const LOGIN_PROMPTS: [&[u8]; 5] = [b"login:", b"username:", b"user name:", b"user:", b"account:"];
const PASSWORD_PROMPTS: [&[u8]; 4] = [b"password:", b"passwd:", b"passcode:", b"pass:"];

impl Dissector for Telnet {
    fn name(&self) -> &'static str {
        "telnet"
    }

    fn rule(&self) -> &'static str {
        "negotiation of options, or text on its port"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let (first, second) = (seen.first().0, seen.second());
        match negotiation(first) {
            Probe::No if server(flow).is_some() => match first {
                _ if !second.is_empty() || first.contains(&b'\n') => Probe::Yes,
                _ if first.len() >= TEXT_BYTES_MIN => Probe::Yes,
                _ => Probe::More,
            },
            answer => answer,
        }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        Box::new(Terminal {
            server: server(flow).unwrap_or(flow.initiator.other()),
            commands: Default::default(),
            tail: Vec::new(),
            state: State::Idle,
            user: Vec::new(),
            typed: 0,
            bytes: 0,
        })
    }
}

/// The side with the usual port.
fn server(flow: &Flow) -> Option<Side> {
    [flow.initiator.other(), flow.initiator].into_iter().find(|&s| flow.key.port(s) == Some(PORT))
}

/// Two commands that negotiate known options (RFC 854): other formats begin with the same two
/// bytes, MPEG audio among them.
fn negotiation(bytes: &[u8]) -> Probe {
    for (index, &byte) in bytes.iter().take(6).enumerate() {
        let fits = match index % 3 {
            0 => byte == IAC,
            1 => (WILL..=DONT).contains(&byte) || index == 4 && byte == SB,
            _ => byte <= OPTION_MAX,
        };
        if !fits {
            // One command and then text is a negotiation too, where the text is one.
            let text = index == 3 && (byte.is_ascii_graphic() || byte.is_ascii_whitespace());
            return if text { Probe::Yes } else { Probe::No };
        }
    }
    if bytes.len() >= 6 { Probe::Yes } else { Probe::More }
}

struct Terminal {
    server: Side,
    commands: [Commands; 2],
    /// What the server wrote last, in lower case.
    tail: Vec<u8>,
    state: State,
    /// What was typed at the latest login prompt.
    user: Vec<u8>,
    /// Bytes typed at the prompt.
    typed: usize,
    bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    Login,
    Password,
}

/// Takes commands out of one side's bytes (RFC 854, RFC 855).
#[derive(Default, Clone, Copy)]
enum Commands {
    #[default]
    Text,
    Command,
    Option,
    Parameters,
    ParametersCommand,
}

impl Commands {
    /// Whether `byte` is text.
    fn is_text(&mut self, byte: u8) -> bool {
        let (next, text) = match (*self, byte) {
            (Commands::Text, IAC) => (Commands::Command, false),
            (Commands::Text, _) => (Commands::Text, true),
            // Twice is the byte itself.
            (Commands::Command, IAC) => (Commands::Text, true),
            (Commands::Command, SB) => (Commands::Parameters, false),
            (Commands::Command, WILL..=DONT) => (Commands::Option, false),
            (Commands::Command | Commands::Option, _) => (Commands::Text, false),
            (Commands::Parameters, IAC) => (Commands::ParametersCommand, false),
            (Commands::ParametersCommand, SE) => (Commands::Text, false),
            (Commands::Parameters | Commands::ParametersCommand, _) => {
                (Commands::Parameters, false)
            }
        };
        *self = next;
        text
    }
}

impl Session for Terminal {
    fn held_bytes(&self) -> usize {
        self.tail.capacity() + self.user.capacity()
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        if segment.gap > 0 {
            // Neither what was asked nor what was typed is certain any more.
            self.commands[segment.side.index()] = Commands::Text;
            self.ask(State::Idle);
            self.tail.clear();
            self.user.clear();
        }
        self.bytes += segment.data.len();
        for &byte in segment.data {
            if !self.commands[segment.side.index()].is_text(byte) {
                continue;
            }
            if segment.side == self.server {
                self.written(byte);
            } else {
                self.typed(byte, segment.frame, say);
            }
        }
        if self.bytes >= FLOW_BYTES_MAX { Next::Done } else { Next::More }
    }
}

impl Terminal {
    fn written(&mut self, byte: u8) {
        // Once the client has begun to answer, what comes back is its echo.
        if self.typed > 0 {
            return;
        }
        if self.tail.len() == TAIL_BYTES_MAX {
            self.tail.remove(0);
        }
        self.tail.push(byte.to_ascii_lowercase());
        let text = self.tail.trim_ascii_end();
        let ends = |prompts: &[&[u8]]| prompts.iter().any(|prompt| text.ends_with(prompt));
        self.state = if ends(&PASSWORD_PROMPTS) {
            State::Password
        } else if ends(&LOGIN_PROMPTS) {
            State::Login
        } else {
            State::Idle
        };
    }

    fn typed(&mut self, byte: u8, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        const BACKSPACE: u8 = 8;
        const DELETE: u8 = 127;
        const ERASE_LINE: u8 = 21;
        match (self.state, byte) {
            (State::Idle, _) => {}
            // The line ends with CR LF, CR NUL or either alone (RFC 854); what is left of it
            // finds nobody asking.
            (state, b'\r' | b'\n' | 0) => {
                if state == State::Password && self.typed > 0 {
                    let what = What::Credential { kind: "telnet password", length: self.typed };
                    let value = &std::mem::take(&mut self.user)[..];
                    say(Fact { what, name: "telnet.user", value, frame });
                }
                self.ask(State::Idle);
                self.tail.clear();
            }
            (state, BACKSPACE | DELETE) => {
                self.typed = self.typed.saturating_sub(1);
                if state == State::Login {
                    self.user.truncate(self.typed);
                }
            }
            (state, ERASE_LINE) => self.ask(state),
            (state, _) => {
                if state == State::Login {
                    if self.typed == 0 {
                        self.user.clear();
                    }
                    if self.user.len() < USER_BYTES_MAX {
                        self.user.push(byte);
                    }
                }
                self.typed += 1;
            }
        }
    }

    /// Begins to wait for an answer of this kind.
    fn ask(&mut self, state: State) {
        self.state = state;
        self.typed = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Said, converse_anywhere, converse_tcp, flow, segment};
    use super::*;
    use crate::protocol::TCP;

    const OFFER: &[u8] = b"\xff\xfd\x18\xff\xfb\x01\xff\xfa\x18\x01\xff\xf0";

    fn server_port(port: u16) -> Flow {
        flow(TCP, 40_000, port)
    }

    fn secret(user: &[u8], length: usize) -> Said {
        let what = What::Credential { kind: "telnet password", length };
        Said { what, name: "telnet.user", value: user.to_vec() }
    }

    #[test]
    fn a_login_line_by_line() {
        let pieces = [
            (Side::High, OFFER),
            (Side::High, &b"Welcome, last login: Mon\r\ncam login: "[..]),
            (Side::Low, b"root\r\n"),
            (Side::High, b"root\r\nPassword: "),
            (Side::Low, b"xc3511\r\0"),
            (Side::High, b"\r\nLogin incorrect\r\ncam login: "),
            (Side::Low, b"admin\r\0"),
            (Side::High, b"admin\r\nPassword: "),
            (Side::Low, b"1234\r\n"),
            (Side::High, b"\r\n# "),
            (Side::Low, b"ls\r\n"),
        ];
        let (label, said) = converse_anywhere(&server_port(2323), &pieces);
        assert_eq!((label.protocol, label.content), ("telnet", Content::Clear));
        assert_eq!(said, [secret(b"root", 6), secret(b"admin", 4)]);
    }

    #[test]
    fn a_login_key_by_key_with_echo_and_corrections() {
        let mut pieces: Vec<(Side, &[u8])> = vec![(Side::High, b"Username: ")];
        for key in [&b"r"[..], b"x", b"\x7f", b"o", b"\r"] {
            pieces.extend([(Side::Low, key), (Side::High, key)]);
        }
        pieces.push((Side::High, b"\nPassword:"));
        for key in [&b"a"[..], b"b", b"\x15", b"c", b"d", b"\xff\xff", b"\r"] {
            pieces.push((Side::Low, key));
        }
        let (label, said) = converse_tcp(&server_port(PORT), &pieces);
        assert_eq!(label.protocol, "telnet");
        assert_eq!(said, [secret(b"ro", 3)]);
    }

    #[test]
    fn a_later_password_is_nobodys() {
        let pieces =
            [(Side::High, OFFER), (Side::High, &b"\r\nPassword: "[..]), (Side::Low, b"12\r\n")];
        let (_, said) = converse_tcp(&server_port(PORT), &pieces);
        assert_eq!(said, [secret(b"", 2)]);
    }

    #[test]
    fn after_missing_bytes_nothing_is_taken_for_a_password() {
        let mut session = Telnet.start(&server_port(PORT));
        let mut said = 0;
        for (side, gap, data) in
            [(Side::High, 0, &b"Password: "[..]), (Side::Low, 4, b"rest of something\r\n")]
        {
            let piece = Segment { gap, ..segment(side, data, 1) };
            session.feed(&piece, &mut |_| said += 1);
        }
        assert_eq!(said, 0);
    }

    #[test]
    fn near_misses_are_not_telnet() {
        // MPEG audio, JPEG, and a prompt off the usual port.
        for bytes in
            [&b"\xff\xfb\x90\x44\0\0"[..], b"\xff\xd8\xff\xe0", b"login: ", b"\xff\xfb\x01\x80"]
        {
            let (label, _) = converse_tcp(&server_port(9999), &[(Side::High, bytes)]);
            assert_eq!(label.protocol, "unknown", "{bytes:?}");
        }
    }
}
