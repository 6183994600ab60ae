//! SMTP on any port: cameras mail their pictures of motion, with the password of the mailbox
//! readable when the server is asked without TLS.
//!
//! Documents: RFC 5321 §4, RFC 4954, RFC 3207.
//!
//! Recognised by a greeting `220`, `EHLO` or `HELO` of the other side, and a command behind it; a
//! connection that begins TLS at once is left to TLS, which has more to say. Where it begins later,
//! its handshake is read here.
//! Bounds: a line 4 KiB, [`LINES_MAX`] lines, those of `framed.rs` for what is said; mail itself is
//! not kept.

use super::syntax::framed::{THINGS_MAX, Voice};
use super::syntax::handshake::Handshake;
use super::syntax::stream::{Firsts, Pending, Taken};
use super::{Content, Dissector, Fact, IdentityKind, Next, Over, Prefix, Probe, Session, What};
use crate::flow::{Flow, Segment};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// SMTP.
pub struct Smtp;

const LINE_BYTES_MAX: usize = 4 * 1024;
/// Lines read in one flow.
const LINES_MAX: usize = 4096;
/// Looked at of a side to recognise it, bytes.
const PROBE_TEXT_BYTES_MAX: usize = 1024;

impl Dissector for Smtp {
    fn name(&self) -> &'static str {
        "smtp"
    }

    fn rule(&self) -> &'static str {
        "a greeting and commands of mail"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        // Greetings of either side, in either case.
        &[(b'2', b'2'), (b'E', b'E'), (b'e', b'e'), (b'H', b'H'), (b'h', b'h')]
    }

    fn probe(&self, _flow: &Flow, seen: &Prefix<'_>) -> Probe {
        match (role(seen.first().0), role(seen.second())) {
            (None, _) | (_, None) => Probe::No,
            (Some(Role::Server), Some(Role::Client)) => goes_on(seen.second()),
            (Some(Role::Client), Some(Role::Server)) => goes_on(seen.first().0),
            (Some(Role::Open), _) | (_, Some(Role::Open)) => Probe::More,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Dialogue {
            halves: Default::default(),
            login: Login::None,
            user: Vec::new(),
            in_mail: false,
            encrypting: false,
            tls: None,
            said: Firsts::new(THINGS_MAX),
            lines: 0,
        })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Server,
    Client,
    /// Too little to tell.
    Open,
}

/// `None` where it is neither.
fn role(bytes: &[u8]) -> Option<Role> {
    let greetings: [(&[u8], Role); 5] = [
        (b"220 ", Role::Server),
        (b"220-", Role::Server),
        (b"EHLO ", Role::Client),
        (b"HELO ", Role::Client),
        (b"EHLO\r\n", Role::Client),
    ];
    let line = &bytes[..bytes.len().min(PROBE_TEXT_BYTES_MAX)];
    for (greeting, role) in greetings {
        let there = line.len().min(greeting.len());
        if line[..there].eq_ignore_ascii_case(&greeting[..there]) {
            return Some(if there == greeting.len() { role } else { Role::Open });
        }
    }
    None
}

/// Whether the client goes on without TLS, which it may have asked for in vain: what begins it is
/// left to the dissector of TLS.
fn goes_on(client: &[u8]) -> Probe {
    let lines = client.split_inclusive(|&byte| byte == b'\n').skip(1);
    for line in lines.filter(|line| line.ends_with(b"\n")) {
        let is =
            |verb: &&[u8]| line.get(..verb.len()).is_some_and(|l| l.eq_ignore_ascii_case(verb));
        let plain: [&[u8]; 7] = [b"MAIL", b"AUTH", b"RSET", b"NOOP", b"QUIT", b"VRFY", b"RCPT"];
        if plain.iter().any(is) {
            return Probe::Yes;
        }
    }
    if client.len() > PROBE_TEXT_BYTES_MAX { Probe::No } else { Probe::More }
}

#[derive(Default)]
struct Half {
    pending: Pending,
    lost: bool,
}

/// What the client's next line is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Login {
    None,
    Plain,
    User,
    Password,
}

struct Dialogue {
    halves: [Half; 2],
    login: Login,
    user: Vec<u8>,
    in_mail: bool,
    encrypting: bool,
    /// TLS goes on from here.
    tls: Option<Box<Handshake>>,
    said: Firsts,
    lines: usize,
}

impl Session for Dialogue {
    fn held_bytes(&self) -> usize {
        let halves: usize = self.halves.iter().map(|half| half.pending.held_bytes()).sum();
        let tls = self.tls.as_ref().map_or(0, |tls| tls.held_bytes());
        halves + self.user.capacity() + tls
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        if let Some(tls) = &mut self.tls {
            return tls.feed(segment, say);
        }
        let mut half = std::mem::take(&mut self.halves[segment.side.index()]);
        let mut data = segment.data;
        if segment.gap > 0 {
            half.pending.reset();
            half.lost = true;
        }
        if half.lost {
            // The rest of a line whose beginning is missing.
            let feed = data.iter().position(|&byte| byte == b'\n');
            data = feed.map_or(&[][..], |at| &data[at + 1..]);
            half.lost = feed.is_none();
        }
        let mut next = Next::More;
        while next == Next::More {
            match half.pending.line(&mut data, LINE_BYTES_MAX) {
                Taken::Whole(line) => next = self.line(line.trim_ascii_end(), segment.frame, say),
                Taken::TooLong => {}
                Taken::More => break,
            }
        }
        self.halves[segment.side.index()] = half;
        next
    }
}

impl Dialogue {
    fn line(&mut self, line: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let mut said = std::mem::replace(&mut self.said, Firsts::new(0));
        let next = self.read(line, &mut Voice::new(&mut said, frame, say));
        self.said = said;
        self.lines += 1;
        if self.lines >= LINES_MAX || self.said.is_full() { Next::Done } else { next }
    }

    fn read(&mut self, line: &[u8], voice: &mut Voice<'_>) -> Next {
        // A reply begins with three digits; mail could too, and is passed over until its end.
        let is_reply = !self.in_mail && line.len() >= 3 && line[..3].iter().all(u8::is_ascii_digit);
        if is_reply {
            if self.encrypting {
                self.encrypting = false;
                if line.starts_with(b"220") {
                    voice.say(What::Handover, "smtp.starttls", &[]);
                    voice.say(What::Carries("tls"), "smtp.carries", b"tls");
                    self.tls = Some(Box::new(Handshake::new(false)));
                    return Next::More;
                }
            } else if line.starts_with(b"220 ") {
                voice.note("smtp.greeting", &line[4..]);
            } else if line.starts_with(b"354") {
                self.in_mail = true;
            } else if !line.starts_with(b"334") {
                self.login = Login::None;
            }
            return Next::More;
        }
        if self.in_mail {
            self.in_mail = line != b".";
            return Next::More;
        }
        match self.login {
            Login::None => self.command(line, voice),
            login => self.answer(login, line, voice),
        }
        Next::More
    }

    fn command(&mut self, line: &[u8], voice: &mut Voice<'_>) {
        let space = line.iter().position(|&byte| byte == b' ').unwrap_or(line.len());
        let (verb, argument) = (line[..space].to_ascii_uppercase(), line[space..].trim_ascii());
        match &verb[..] {
            b"EHLO" | b"HELO" => voice.identity(IdentityKind::HostName, "smtp.client", argument),
            b"MAIL" => voice.note("smtp.from", argument.get(5..).unwrap_or_default()),
            b"RCPT" => voice.note("smtp.to", argument.get(3..).unwrap_or_default()),
            b"STARTTLS" => self.encrypting = true,
            b"AUTH" => {
                let mut words = argument.split(|&byte| byte == b' ');
                let mechanism = words.next().unwrap_or_default().to_ascii_uppercase();
                let login = match &mechanism[..] {
                    b"PLAIN" => Login::Plain,
                    b"LOGIN" => Login::User,
                    _ => return voice.note("smtp.auth", &mechanism),
                };
                self.login = login;
                if let Some(first) = words.next() {
                    self.answer(login, first, voice);
                }
            }
            _ => {}
        }
    }

    /// A line of the login dialogue, in base64 (RFC 4954 §4; RFC 4616 for PLAIN).
    fn answer(&mut self, login: Login, line: &[u8], voice: &mut Voice<'_>) {
        let text = STANDARD.decode(line).unwrap_or_default();
        self.login = Login::None;
        match login {
            Login::Plain => {
                let mut parts = text.splitn(3, |&byte| byte == 0);
                if let (Some(_), Some(user), Some(secret)) =
                    (parts.next(), parts.next(), parts.next())
                {
                    voice.credential("smtp plain", secret.len(), "smtp.login", user);
                }
            }
            Login::User => {
                self.user = text;
                self.login = Login::Password;
            }
            Login::Password => {
                let user = std::mem::take(&mut self.user);
                voice.credential("smtp login", text.len(), "smtp.login", &user);
            }
            Login::None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::syntax::handshake::tests::hello;
    use super::super::testing::{converse_anywhere, converse_tcp, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::TCP;

    #[test]
    fn a_camera_logs_in_to_its_mailbox() {
        let pieces: [(Side, &[u8]); 10] = [
            (Side::High, b"220 mail.example ESMTP\r\n"),
            (Side::Low, b"EHLO cam1\r\n"),
            (Side::High, b"250-mail.example\r\n250 AUTH LOGIN PLAIN\r\n"),
            (Side::Low, b"AUTH LOGIN\r\n"),
            (Side::High, b"334 VXNlcm5hbWU6\r\n"),
            (Side::Low, b"Y2FtQGEuZXhhbXBsZQ==\r\n"),
            (Side::High, b"334 UGFzc3dvcmQ6\r\n"),
            (Side::Low, b"c2VjcmV0\r\n"),
            (Side::High, b"235 ok\r\n"),
            (Side::Low, b"MAIL FROM:<cam@a.example>\r\n"),
        ];
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        assert_eq!((label.protocol, label.content), ("smtp", Content::Clear));
        assert_eq!(values(&said, "smtp.client"), [b"cam1"]);
        assert_eq!(values(&said, "smtp.login"), [b"cam@a.example"]);
        let secret = said.iter().find(|said| said.name == "smtp.login").unwrap();
        assert_eq!(secret.what, What::Credential { kind: "smtp login", length: 6 });
        assert_eq!(values(&said, "smtp.from"), [b"<cam@a.example>"]);
    }

    #[test]
    fn encryption_is_read_as_such_and_files_are_no_mail() {
        let hello = hello(b"mail.example", 10);
        let pieces: [(Side, &[u8]); 6] = [
            (Side::High, b"220 mail.example\r\n"),
            (Side::Low, b"EHLO a\r\n"),
            (Side::Low, b"NOOP\r\n"),
            (Side::Low, b"STARTTLS\r\n"),
            (Side::High, b"220 go\r\n"),
            (Side::Low, &hello),
        ];
        let (label, said) = converse_tcp(&flow(TCP, 50_000, 25), &pieces);
        assert_eq!(label.protocol, "smtp");
        let whats: Vec<What> = said.iter().map(|said| said.what).collect();
        assert!(whats.contains(&What::Handover) && whats.contains(&What::Carries("tls")));
        assert_eq!(values(&said, "tls.sni"), [b"mail.example"]);
        let refused = [
            pieces[0],
            pieces[1],
            pieces[3],
            (Side::High, &b"454 not now\r\n"[..]),
            (Side::Low, b"AUTH PLAIN AGEAYmM=\r\n"),
        ];
        let (label, said) = converse_anywhere(&flow(TCP, 50_000, 5_123), &refused);
        assert_eq!((label.protocol, values(&said, "smtp.login").len()), ("smtp", 1));
        let at_once = [pieces[0], pieces[1], pieces[3], pieces[4]];
        let (label, _) = converse_anywhere(&flow(TCP, 50_000, 5_123), &at_once);
        assert_eq!(label.protocol, "unknown", "until TLS begins");
        let ftp: [(Side, &[u8]); 2] =
            [(Side::High, b"220 FTP ready\r\n"), (Side::Low, b"USER a\r\n")];
        let (label, _) = converse_anywhere(&flow(TCP, 50_000, 5_123), &ftp);
        assert_ne!(label.protocol, "smtp");
    }
}
