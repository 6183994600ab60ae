//! FTP control connections on any port: who logs in with a readable password, what greets them,
//! which files go which way, over which other connections. Behind AUTH the handshake of TLS is read
//! as one.
//!
//! Documents: RFC 959, RFC 4217 (TLS).
//! Bounds: a line 4 KiB, 64 different notes, 64 other different facts and 4096 lines a flow. SMTP
//! and POP3 share words with FTP: a greeting without the word FTP is not enough, and neither are
//! USER and PASS without a command that only FTP has.

use super::syntax::announce;
use super::syntax::default::is_default;
use super::syntax::handshake::{HANDSHAKE, Handshake};
use super::syntax::stream::{Firsts, Pending, Taken};
use super::syntax::update;
use super::{
    Content, Dissector, Fact, IdentityKind, Next, Over, Prefix, Probe, Session, Subject, What,
};
use crate::flow::{Flow, Segment, Side};
use std::net::IpAddr;

/// FTP on any port.
pub struct Ftp;

const PORT: u16 = 21;
/// Longest line, bytes.
const LINE_BYTES_MAX: usize = 4 * 1024;
/// Looked at before a text protocol is given up, bytes a side.
const PROBE_TEXT_BYTES_MAX: usize = 4 * 1024;
/// Longest user name kept, bytes.
const USER_BYTES_MAX: usize = 255;
/// Different notes, and other different facts, said in one flow.
const THINGS_MAX: usize = 64;
/// Lines read in one flow.
const LINES_MAX: usize = 4096;

/// Commands that FTP has and no other protocol with greetings (RFC 959 §4.1, RFC 2389, RFC 2428,
/// RFC 3659, RFC 4217).
const OWN_COMMANDS: [&[u8]; 22] = [
    b"ACCT", b"ALLO", b"APPE", b"CDUP", b"CWD", b"EPRT", b"EPSV", b"FEAT", b"MKD", b"MLSD",
    b"NLST", b"OPTS", b"PASV", b"PBSZ", b"PORT", b"PROT", b"PWD", b"STOR", b"STRU", b"SYST",
    b"TYPE", b"XPWD",
];
/// Commands of mail (RFC 5321 §4.1.1, RFC 2033, RFC 1939): what greets them is no FTP server.
const MAIL_COMMANDS: [&[u8]; 9] =
    [b"EHLO", b"HELO", b"LHLO", b"MAIL", b"RCPT", b"STARTTLS", b"CAPA", b"UIDL", b"APOP"];

impl Dissector for Ftp {
    fn name(&self) -> &'static str {
        "ftp"
    }

    fn rule(&self) -> &'static str {
        "a greeting or commands that only FTP has"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        // A greeting's code, or a command.
        &[(b'1', b'2'), (b'4', b'4'), (b'A', b'Z'), (b'a', b'z')]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let sides = [seen.first().0, seen.second()];
        let server = sides.into_iter().find(|side| begins_with_code(side));
        let client = sides.into_iter().find(|side| !side.is_empty() && !begins_with_code(side));
        let usual_port = flow.key.port(flow.initiator) == Some(PORT)
            || flow.key.port(flow.initiator.other()) == Some(PORT);
        let by_server = server.map_or(Probe::More, |text| greeting(text, usual_port));
        let by_client =
            client.map_or(Probe::More, |text| commands(text, server.is_some(), usual_port));
        match (by_server, by_client) {
            (Probe::No, _) | (_, Probe::No) => Probe::No,
            (Probe::Yes, _) | (_, Probe::Yes) => Probe::Yes,
            _ => Probe::More,
        }
    }

    fn start(&self, flow: &Flow) -> Box<dyn Session> {
        // Corrected by the first line that begins with a code.
        let server = match flow.key.port(flow.initiator) {
            Some(PORT) => flow.initiator,
            _ => flow.initiator.other(),
        };
        Box::new(Control {
            ends: [Side::Low, Side::High].map(|side| flow.key.address(side)),
            pending: Default::default(),
            lost: [false; 2],
            server,
            user: Vec::new(),
            encrypting: false,
            tls: None,
            said: Firsts::new(THINGS_MAX),
            lines: 0,
        })
    }
}

/// A reply begins with a digit (RFC 959 §4.2).
fn begins_with_code(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(u8::is_ascii_digit)
}

fn is_text(bytes: &[u8]) -> bool {
    !bytes.iter().any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace())
}

/// `220` and a text that calls itself FTP; on the usual port any that does not call itself mail.
fn greeting(bytes: &[u8], usual_port: bool) -> Probe {
    let contains =
        |word: &[u8]| bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word));
    let codes: &[&[u8]] = if usual_port { &[b"220", b"120", b"421"] } else { &[b"220"] };
    let fits = |code: &&&[u8]| code.starts_with(&bytes[..bytes.len().min(3)]);
    let Some(_) = codes.iter().find(fits) else {
        return Probe::No;
    };
    if bytes.len() > 3 && !matches!(bytes[3], b' ' | b'-' | b'\r' | b'\n') || !is_text(bytes) {
        return Probe::No;
    }
    if contains(b"SMTP") {
        return Probe::No;
    }
    let whole = bytes.contains(&b'\n');
    match contains(b"FTP") {
        // Not before the end of the line, which may still say SMTP.
        true if whole => Probe::Yes,
        false if whole && usual_port => Probe::Yes,
        _ if bytes.len() > PROBE_TEXT_BYTES_MAX => Probe::No,
        _ => Probe::More,
    }
}

/// The first commands of a client.
fn commands(bytes: &[u8], greeted: bool, usual_port: bool) -> Probe {
    let mut lines = bytes.split_inclusive(|&byte| byte == b'\n').take(8).peekable();
    if !bytes[0].is_ascii_alphabetic() || !is_text(bytes) || bytes.len() > PROBE_TEXT_BYTES_MAX {
        return Probe::No;
    }
    while let Some(line) = lines.next() {
        let (verb, argument) = command(line);
        let is = |list: &[&[u8]]| list.iter().any(|known| verb.eq_ignore_ascii_case(known));
        if !line.ends_with(b"\n") {
            let possible = verb.len() <= 4 && verb.iter().all(u8::is_ascii_alphabetic);
            return if possible { Probe::More } else { Probe::No };
        }
        if is(&MAIL_COMMANDS) {
            return Probe::No;
        }
        let has_tls = is(&[b"AUTH"])
            && (argument.eq_ignore_ascii_case(b"TLS") || argument.eq_ignore_ascii_case(b"SSL"));
        if is(&OWN_COMMANDS) || has_tls {
            return Probe::Yes;
        }
        match is(&[b"USER"]) {
            true if greeted || usual_port => return Probe::Yes,
            // POP3 and IRC begin like this too.
            true => {}
            false if is(&[b"PASS", b"HOST", b"NOOP", b"CLNT"]) => {}
            false => return Probe::No,
        }
        if lines.peek().is_none() {
            return Probe::More;
        }
    }
    Probe::No
}

/// Verb and argument of a line.
fn command(line: &[u8]) -> (&[u8], &[u8]) {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line.iter().position(|&byte| byte == b' ') {
        Some(space) => (&line[..space], &line[space + 1..]),
        None => (line, &[]),
    }
}

struct Control {
    /// Addresses of the connection, by side.
    ends: [IpAddr; 2],
    pending: [Pending; 2],
    /// Bytes are missing and no line has begun since, by side.
    lost: [bool; 2],
    server: Side,
    user: Vec<u8>,
    /// The client asked for TLS.
    encrypting: bool,
    /// TLS goes on from here.
    tls: Option<Box<Handshake>>,
    said: Firsts,
    lines: usize,
}

impl Session for Control {
    fn held_bytes(&self) -> usize {
        let tls = self.tls.as_ref().map_or(0, |tls| tls.held_bytes());
        self.pending.iter().map(Pending::held_bytes).sum::<usize>() + self.user.capacity() + tls
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let index = segment.side.index();
        let mut pending = std::mem::take(&mut self.pending[index]);
        let mut data = segment.data;
        if segment.gap > 0 {
            // A user name from before may belong to another login.
            self.user.clear();
            pending.reset();
            self.lost[index] = !begins_line(data);
        }
        let mut next = Next::More;
        while next == Next::More {
            // The client may begin TLS where the server's answer was not captured.
            if self.encrypting
                && self.tls.is_none()
                && segment.side != self.server
                && pending.waiting().is_empty()
                && data.first() == Some(&HANDSHAKE)
            {
                self.hand_over(segment.frame, say);
            }
            if let Some(tls) = &mut self.tls {
                return match data {
                    [] => Next::More,
                    data => tls.feed(&Segment { data, ..*segment }, say),
                };
            }
            match pending.line(&mut data, LINE_BYTES_MAX) {
                Taken::Whole(_) if self.lost[index] => self.lost[index] = false,
                Taken::Whole(line) => next = self.line(line, segment, say),
                Taken::TooLong => {}
                Taken::More => break,
            }
        }
        self.pending[index] = pending;
        next
    }
}

/// A segment behind missing bytes that begins with a command or a reply: other beginnings may be
/// the second half of a line.
fn begins_line(data: &[u8]) -> bool {
    let word = data.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    let end = matches!(data.get(word), Some(b' ' | b'-' | b'\r' | b'\n'));
    let known = [&b"USER"[..], b"PASS", b"AUTH", b"STOR", b"RETR", b"QUIT"];
    let verb = &data[..word];
    let is_verb = known.iter().chain(&OWN_COMMANDS).any(|known| verb.eq_ignore_ascii_case(known));
    let is_code = word == 3 && verb.iter().all(u8::is_ascii_digit);
    end && (is_verb || is_code)
}

impl Control {
    fn line(&mut self, line: &[u8], segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        self.lines += 1;
        let is_reply = line.len() >= 4 && line[..3].iter().all(u8::is_ascii_digit);
        if is_reply {
            self.server = segment.side;
        }
        let next = if segment.side == self.server {
            if is_reply { self.reply(line, segment.frame, say) } else { Next::More }
        } else {
            self.command(line, segment.frame, say)
        };
        if self.lines >= LINES_MAX { Next::Done } else { next }
    }

    fn reply(&mut self, line: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let text = line[4..].trim_ascii();
        match &line[..3] {
            b"220" if !text.is_empty() => {
                let what = What::Identity { subject: Subject::Sender, kind: IdentityKind::Product };
                self.say(what, "ftp.greeting", text, frame, say);
            }
            // The answer to AUTH: TLS begins (RFC 4217 §4).
            b"234" | b"334" if self.encrypting => self.hand_over(frame, say),
            // The server listens (RFC 959 §4.1.2).
            b"227" => {
                if let Some((address, port)) = announce::six_numbers(text) {
                    self.announce(Some(address), port, self.server, (text, frame), say);
                }
            }
            b"229" => {
                let open = text.iter().position(|&byte| byte == b'(');
                let told = open.and_then(|open| announce::extended(&text[open + 1..]));
                if let Some((address, port)) = told {
                    self.announce(address, port, self.server, (text, frame), say);
                }
            }
            _ => {}
        }
        Next::More
    }

    /// What was read so far is all that can be read; what follows is TLS.
    fn hand_over(&mut self, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        self.say(What::Handover, "ftp.auth_tls", &[], frame, say);
        self.say(What::Carries("tls"), "ftp.carries", b"tls", frame, say);
        self.tls = Some(Box::new(Handshake::new(false)));
    }

    /// A gateway may translate the address that is told to that of the connection itself, so both
    /// are meant. Said as often as it comes: ports are taken again.
    fn announce(
        &self,
        told: Option<IpAddr>,
        port: u16,
        listener: Side,
        (value, frame): (&[u8], u64),
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        let own = self.ends[listener.index()];
        for address in [Some(own), told.filter(|told| *told != own)].into_iter().flatten() {
            let announced = announce::file_transfer(address, port);
            if announced.is_useful() {
                say(Fact { what: What::Expect(announced), name: "ftp.announced", value, frame });
            }
        }
    }

    fn command(&mut self, line: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let (verb, argument) = command(line);
        match &verb.to_ascii_uppercase()[..] {
            b"USER" => {
                self.user.clear();
                self.user.extend_from_slice(&argument[..argument.len().min(USER_BYTES_MAX)]);
            }
            b"PASS" => {
                let user = std::mem::take(&mut self.user);
                let kind = match is_default(&user, argument) {
                    true => "ftp password, a well-known default",
                    false => "ftp password",
                };
                let what = What::Credential { kind, length: argument.len() };
                self.say(what, "ftp.user", &user, frame, say);
            }
            b"AUTH" => self.encrypting = true,
            b"STOR" | b"STOU" | b"APPE" => {
                self.say(What::Note, "ftp.stored", argument, frame, say);
            }
            b"PORT" => {
                if let Some((address, port)) = announce::six_numbers(argument) {
                    let client = self.server.other();
                    self.announce(Some(address), port, client, (argument, frame), say);
                }
            }
            b"EPRT" => {
                if let Some((address, port)) = announce::extended(argument) {
                    let client = self.server.other();
                    self.announce(address, port, client, (argument, frame), say);
                }
            }
            b"RETR" => {
                self.say(What::Note, "ftp.retrieved", argument, frame, say);
                if let Some(looks) = update::looks(argument) {
                    let what = What::Update { image: looks == update::Looks::Image };
                    self.say(what, "ftp.update", argument, frame, say);
                }
            }
            _ => {}
        }
        Next::More
    }

    fn say(
        &mut self,
        what: What,
        name: &'static str,
        value: &[u8],
        frame: u64,
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        if self.said.is_first(what, name, value) {
            say(Fact { what, name, value, frame });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::syntax::handshake::tests::hello;
    use super::super::testing::{Said, converse_anywhere, converse_tcp, flow, segment, values};
    use super::*;
    use crate::protocol::TCP;

    const GREETING: &[u8] = b"220-Welcome\r\nUSER is a command\r\n220 Camera FTP server ready.\r\n";

    fn client() -> Flow {
        flow(TCP, 40_000, 2121)
    }

    fn facts(said: &[Said]) -> Vec<(&str, &[u8])> {
        said.iter().map(|said| (said.name, &said.value[..])).collect()
    }

    #[test]
    fn a_login_says_user_and_length() {
        let pieces = [
            (Side::High, GREETING),
            (Side::Low, &b"USER admin\r\n"[..]),
            (Side::High, b"331 Password?\r\n"),
            (Side::Low, b"pass secret\r\n"),
            (Side::High, b"230 In\r\n"),
            (Side::Low, b"STOR /motion/1.jpg\r\n"),
        ];
        let (label, said) = converse_anywhere(&client(), &pieces);
        assert_eq!((label.protocol, label.content), ("ftp", Content::Clear));
        let expected: [(&str, &[u8]); 4] = [
            ("ftp.greeting", b"Welcome"),
            ("ftp.greeting", b"Camera FTP server ready."),
            ("ftp.user", b"admin"),
            ("ftp.stored", b"/motion/1.jpg"),
        ];
        assert_eq!(facts(&said), expected);
        assert_eq!(said[2].what, What::Credential { kind: "ftp password", length: 6 });
        let default = b"USER admin\r\nPASS 12345\r\nSYST\r\n";
        let (_, said) = converse_tcp(&client(), &[(Side::Low, default)]);
        let kind = "ftp password, a well-known default";
        assert_eq!(said[0].what, What::Credential { kind, length: 5 });
    }

    #[test]
    fn one_direction_is_enough() {
        let text = b"USER a\r\nPASS b\r\nSYST\r\nRETR c\r\n";
        let (label, said) = converse_tcp(&client(), &[(Side::Low, text)]);
        assert_eq!(label.protocol, "ftp");
        assert_eq!(facts(&said), [("ftp.user", &b"a"[..]), ("ftp.retrieved", b"c")]);
        let usual = flow(TCP, 40_000, PORT);
        let (label, _) = converse_tcp(&usual, &[(Side::High, b"220 ready\r\n")]);
        assert_eq!(label.frame, if label.frame == 0 { 1 } else { label.frame });
        assert_eq!(label.protocol, "ftp");
    }

    #[test]
    fn data_connections_are_announced() {
        let pieces = [
            (Side::High, &b"220 FTP\r\n"[..]),
            (Side::Low, b"PORT 10,0,0,1,4,1\r\nEPRT |1|10.0.0.9|1026|\r\n"),
            (Side::High, b"227 Passive (192,0,2,1,4,3)\r\n229 Extended (|||1028|)\r\n"),
            (Side::High, b"227 Passive (10,9,9,9,4,5)\r\n227 no (1,2)\r\n"),
        ];
        let (_, said) = converse_tcp(&client(), &pieces);
        let announced = said.iter().filter_map(|said| match said.what {
            What::Expect(one) => Some(format!("{}:{}", one.address, one.port)),
            _ => None,
        });
        let expected = [
            "10.0.0.1:1025",
            "10.0.0.1:1026",
            "10.0.0.9:1026",
            "192.0.2.1:1027",
            "192.0.2.1:1028",
            "192.0.2.1:1029",
            "10.9.9.9:1029",
        ];
        assert_eq!(announced.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn tls_ends_the_reading() {
        let hello = b"\x16\x03\x01\x00\x05\n\x16\x03USER x\r\nPASS y\r\n";
        for answer in [&b"234 Go\r\n"[..], b""] {
            let pieces = [
                (Side::High, &b"220 FTP\r\n"[..]),
                (Side::Low, b"AUTH TLS\r\n"),
                (Side::High, answer),
                (Side::Low, hello),
            ];
            let (_, said) = converse_tcp(&client(), &pieces);
            let expected: [(&str, &[u8]); 3] =
                [("ftp.greeting", b"FTP"), ("ftp.auth_tls", b""), ("ftp.carries", b"tls")];
            assert_eq!(facts(&said), expected);
        }
    }

    #[test]
    fn the_hello_behind_auth_is_read() {
        let hello = hello(b"files.example", 700);
        for answer in [&b"234 Go\r\n"[..], b""] {
            let pieces = [
                (Side::High, &b"220 FTP\r\n"[..]),
                (Side::Low, b"AUTH TLS\r\n"),
                (Side::High, answer),
                (Side::Low, &hello),
            ];
            let (label, said) = converse_tcp(&client(), &pieces);
            assert_eq!(label.protocol, "ftp");
            assert!(said.iter().any(|said| said.what == What::Carries("tls")));
            assert_eq!(values(&said, "tls.sni"), [b"files.example"]);
            assert_eq!(values(&said, "tls.ja4").len(), 1);
        }
    }

    #[test]
    fn missing_bytes_separate_user_and_password() {
        let mut session = Ftp.start(&client());
        let mut said = Vec::new();
        for (gap, data) in
            [(0, &b"USER admin\r\nPA"[..]), (9, b"ret\r\nPASS x\r\n"), (9, b"PASS yy\r\n")]
        {
            let piece = Segment { gap, ..segment(Side::Low, data, 1) };
            session.feed(&piece, &mut |fact| said.push((fact.what, fact.value.to_vec())));
        }
        let secret = |length| (What::Credential { kind: "ftp password", length }, Vec::new());
        assert_eq!(said, [secret(1), secret(2)]);
    }

    #[test]
    fn mail_is_not_ftp() {
        for pieces in [
            vec![(Side::High, &b"220 mail.example ESMTP\r\n"[..]), (Side::Low, b"EHLO a\r\n")],
            vec![(Side::High, b"220 mail.example ready\r\n"), (Side::Low, b"EHLO a\r\n")],
            vec![(Side::High, b"220 ftpmail.example SMTP\r\n")],
            vec![(Side::High, b"+OK\r\n"), (Side::Low, b"USER a\r\nPASS b\r\n")],
            vec![(Side::Low, b"USER a\r\nPASS b\r\nSTAT\r\n")],
            vec![(Side::Low, b"USER guest 0 * :Real\r\nNICK a\r\n")],
            vec![(Side::High, b"2200 FTP\r\n")],
        ] {
            let (label, _) = converse_tcp(&client(), &pieces);
            assert_ne!(label.protocol, "ftp", "{pieces:?}");
        }
    }
}
