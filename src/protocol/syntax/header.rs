//! Messages of a start line, header fields and an empty line: HTTP/1 (RFC 9112 §2 to §5), RTSP
//! (RFC 2326 §4, RFC 7826 §5) and SSDP. Bounds: a start line 8 KiB, a head 32 KiB; what is
//! longer is read as far as that.
//!
//! Devices write headers that no specification allows: bare line feeds, folded lines, spaces
//! before the colon. All of them are read; recognition alone is strict.

use super::super::{Probe, Weakness, What};
use super::parameter;
use super::stream::Taken;
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest start line, bytes (RFC 9112 §3 asks for 8000 at least).
pub const START_LINE_BYTES_MAX: usize = 8 * 1024;
/// Longest head kept, bytes.
pub const HEAD_BYTES_MAX: usize = 32 * 1024;
/// Longest method, bytes: the longest registered is UPDATEREDIRECTREF.
const METHOD_BYTES_MAX: usize = 20;
/// Longest encoded user name and password, bytes.
const BASIC_BYTES_MAX: usize = 4 * 1024;

/// What start lines begin with, from and to: a method or a version.
pub const FIRST_BYTES: &[(u8, u8)] = &[(b'-', b'-'), (b'A', b'Z'), (b'_', b'_')];

/// The first line of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start<'a> {
    /// Method and target.
    Request(&'a [u8], &'a [u8]),
    /// Status code.
    Response(u16),
}

/// Whether `bytes` begin with a start line of the protocol whose version begins with `version`
/// (`HTTP/1.`), the last digit left out.
#[must_use]
pub fn looks_like(bytes: &[u8], version: &[u8]) -> Probe {
    if version.starts_with(bytes) {
        return Probe::More;
    }
    if let Some(rest) = bytes.strip_prefix(version) {
        let fits = |(at, byte): (usize, &u8)| match at {
            1 => *byte == b' ',
            _ => byte.is_ascii_digit(),
        };
        // Minor version, space, three digits (RFC 9112 §4).
        return match rest.iter().take(5).enumerate().all(fits) {
            true if rest.len() >= 5 => Probe::Yes,
            true => Probe::More,
            false => Probe::No,
        };
    }
    let is_method = |byte: &u8| matches!(byte, b'A'..=b'Z' | b'-' | b'_');
    let method = bytes.iter().take_while(|byte| is_method(byte)).count();
    if method > METHOD_BYTES_MAX
        || bytes.get(method).is_some_and(|&byte| byte != b' ' || method < 2)
    {
        return Probe::No;
    }
    let line = &bytes[..bytes.len().min(START_LINE_BYTES_MAX)];
    let Some(end) = line.iter().position(|&byte| byte == b'\n') else {
        let open = line.strip_suffix(b"\r").unwrap_or(line);
        let possible = line.len() < START_LINE_BYTES_MAX && !open.iter().any(u8::is_ascii_control);
        return if possible { Probe::More } else { Probe::No };
    };
    match start(&line[..end], version) {
        Some(Start::Request(_, target)) if !target.iter().any(u8::is_ascii_control) => Probe::Yes,
        _ => Probe::No,
    }
}

/// Reads the start line at the front of `head`.
#[must_use]
pub fn start<'a>(head: &'a [u8], version: &[u8]) -> Option<Start<'a>> {
    let line = head.split(|&byte| byte == b'\n').next()?.trim_ascii_end();
    if let Some(rest) = line.strip_prefix(version) {
        let digits = rest.get(2..5)?;
        let code = digits.iter().try_fold(0, |code: u16, byte| {
            byte.is_ascii_digit().then(|| code * 10 + u16::from(byte - b'0'))
        })?;
        return (rest[0].is_ascii_digit() && rest[1] == b' ').then_some(Start::Response(code));
    }
    let method = line.iter().position(|&byte| byte == b' ')?;
    let target_end = line.iter().rposition(|&byte| byte == b' ')?;
    let digit = line[target_end + 1..].strip_prefix(version)?;
    let target = line.get(method + 1..target_end)?.trim_ascii();
    let whole = matches!(digit, [b'0'..=b'9']) && !target.is_empty();
    whole.then_some(Start::Request(&line[..method], target))
}

/// Names and values of all fields below the start line. Names are compared without regard to
/// case; a folded value (RFC 9112 §5.2) is handed out with the fold in it.
pub fn fields(head: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest =
        head.iter().position(|&byte| byte == b'\n').map_or(&[][..], |at| &head[at + 1..]);
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let mut end = 0;
            // A line that begins with white space goes on with the one before it.
            loop {
                let length = rest[end..].iter().position(|&byte| byte == b'\n');
                end = length.map_or(rest.len(), |length| end + length + 1);
                if !matches!(rest.get(end), Some(b' ' | b'\t')) {
                    break;
                }
            }
            let (line, after) = rest.split_at(end);
            rest = after;
            if let Some(colon) = line.iter().position(|&byte| byte == b':') {
                return Some((line[..colon].trim_ascii(), line[colon + 1..].trim_ascii()));
            }
        }
        None
    })
}

/// The value of the first field called `name`.
#[must_use]
pub fn field<'a>(head: &'a [u8], name: &str) -> Option<&'a [u8]> {
    fields(head).find(|(found, _)| found.eq_ignore_ascii_case(name.as_bytes())).map(|(_, v)| v)
}

/// A head and its fields, taken apart once for those who ask for many of them.
#[derive(Debug)]
pub struct Parted<'a> {
    /// All of it.
    pub head: &'a [u8],
    /// What [`fields`] hands out.
    pub fields: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Parted<'a> {
    /// Takes a head apart.
    #[must_use]
    pub fn of(head: &'a [u8]) -> Parted<'a> {
        const MOSTLY_AT_MOST: usize = 16;
        let mut parted = Vec::with_capacity(MOSTLY_AT_MOST);
        parted.extend(fields(head));
        Parted { head, fields: parted }
    }

    /// The value of the first field called `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'a [u8]> {
        let found = self.fields.iter().find(|one| one.0.eq_ignore_ascii_case(name.as_bytes()));
        found.map(|one| one.1)
    }
}

/// Puts one side's heads together.
#[derive(Debug, Default)]
pub struct Head {
    kept: Vec<u8>,
    given: bool,
    /// The current line holds more than a carriage return.
    line_has_text: bool,
    /// A line feed was seen: the start line is whole.
    start_whole: bool,
    /// The whole start line was looked at.
    judged: bool,
}

impl Head {
    /// Takes bytes off the front of `data` until a head is whole, up to and including its empty
    /// line. When it is too long, [`Head::so_far`] has the part that fits.
    pub fn take<'s, 'd: 's>(&'s mut self, data: &mut &'d [u8]) -> Taken<'s> {
        if self.given {
            self.reset();
        }
        if self.kept.is_empty() {
            // Some senders put an empty line between messages (RFC 9112 §2.2).
            while let [b'\r' | b'\n', rest @ ..] = data {
                *data = rest;
            }
        }
        let bytes = *data;
        let mut at = 0;
        while at < bytes.len() {
            let feed = bytes[at..].iter().position(|&byte| byte == b'\n');
            let line = &bytes[at..feed.map_or(bytes.len(), |feed| at + feed)];
            self.line_has_text |= line.iter().any(|&byte| byte != b'\r');
            if feed.is_none() {
                break;
            }
            at += line.len() + 1;
            self.start_whole = true;
            if !std::mem::take(&mut self.line_has_text) {
                return self.finish(data, at);
            }
        }
        let room = HEAD_BYTES_MAX - self.kept.len();
        self.kept.extend_from_slice(&bytes[..bytes.len().min(room)]);
        *data = &[];
        if self.kept.len() == HEAD_BYTES_MAX { Taken::TooLong } else { Taken::More }
    }

    fn finish<'s, 'd: 's>(&'s mut self, data: &mut &'d [u8], end: usize) -> Taken<'s> {
        let (head, rest) = data.split_at(end);
        *data = rest;
        if self.kept.len() + head.len() > HEAD_BYTES_MAX {
            let room = HEAD_BYTES_MAX - self.kept.len();
            self.kept.extend_from_slice(&head[..room]);
            return Taken::TooLong;
        }
        if self.kept.is_empty() {
            self.reset();
            return Taken::Whole(head);
        }
        self.kept.extend_from_slice(head);
        self.given = true;
        Taken::Whole(&self.kept)
    }

    /// What there is of a head that is not whole.
    #[must_use]
    pub fn so_far(&self) -> &[u8] {
        if self.given { &[] } else { &self.kept }
    }

    /// Whether what there is cannot become a head of this protocol. Looks at the first bytes and
    /// once more when the start line is whole, so that tiny segments cost no more than large ones.
    #[must_use]
    pub fn is_hopeless(&mut self, version: &[u8]) -> bool {
        const METHOD_SEEN: usize = 32;
        let due = self.kept.len() <= METHOD_SEEN || self.start_whole && !self.judged;
        self.judged = self.start_whole;
        due && looks_like(self.so_far(), version) == Probe::No
    }

    /// Forgets what there is.
    pub fn reset(&mut self) {
        self.kept.clear();
        self.given = false;
        self.line_has_text = false;
        self.start_whole = false;
        self.judged = false;
    }
}

/// What an Authorization field says (RFC 9110 §11.6.2). Never the secret itself.
#[derive(Debug, PartialEq, Eq)]
pub enum Authorization {
    /// User and password readable by all (RFC 7617): the user, and the length of the password.
    Basic(Vec<u8>, usize),
    /// A token that works for whoever holds it (RFC 6750): its length.
    Bearer(usize),
    /// A user and a proof that does not show the password (RFC 7616).
    Digest(Vec<u8>, bool),
}

/// Reads the value of an Authorization field.
#[must_use]
pub fn authorization(value: &[u8]) -> Option<Authorization> {
    let space = value.iter().position(|byte| byte.is_ascii_whitespace())?;
    let (scheme, rest) = (&value[..space], value[space..].trim_ascii());
    if scheme.eq_ignore_ascii_case(b"basic") {
        let (user, length) = basic(rest)?;
        return Some(Authorization::Basic(user, length));
    }
    if scheme.eq_ignore_ascii_case(b"bearer") {
        return (!rest.is_empty()).then_some(Authorization::Bearer(rest.len()));
    }
    if scheme.eq_ignore_ascii_case(b"digest") {
        // MD5 is what counts where no algorithm is named (RFC 7616 §3.3).
        let algorithm = quoted(rest, b"algorithm=").unwrap_or(b"MD5");
        let weak = algorithm.get(..3).is_some_and(|name| name.eq_ignore_ascii_case(b"MD5"));
        return quoted(rest, b"username=").map(|user| Authorization::Digest(user.to_vec(), weak));
    }
    None
}

/// How a protocol calls what an Authorization field says.
pub struct SignIn {
    /// The fact of a secret.
    pub field: &'static str,
    /// User and password.
    pub basic: &'static str,
    /// A token.
    pub bearer: &'static str,
    /// The fact of a user who did not show the password.
    pub digest_user: &'static str,
}

/// What an Authorization field shows, in a protocol's words: a fact's kind, name and user.
#[must_use]
pub fn sign_in(value: &[u8], words: &SignIn) -> Option<(What, &'static str, Vec<u8>)> {
    let secret = |kind, length| What::Credential { kind, length };
    Some(match authorization(value)? {
        Authorization::Basic(user, length) => (secret(words.basic, length), words.field, user),
        Authorization::Bearer(length) => (secret(words.bearer, length), words.field, Vec::new()),
        Authorization::Digest(user, true) => {
            (What::Weak(Weakness::SignIn), words.digest_user, user)
        }
        Authorization::Digest(user, false) => (What::Note, words.digest_user, user),
    })
}

fn basic(encoded: &[u8]) -> Option<(Vec<u8>, usize)> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, config);
    let mut user = engine.decode(encoded.get(..encoded.len().min(BASIC_BYTES_MAX))?).ok()?;
    let colon = user.iter().position(|&byte| byte == b':')?;
    let length = user.len() - colon - 1;
    user.truncate(colon);
    Some((user, length))
}

/// The quoted text behind `name` in a list of parameters (RFC 9110 §11.2).
#[must_use]
pub fn quoted<'a>(parameters: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let starts = |at: usize| {
        let at_start = at == 0 || matches!(parameters[at - 1], b' ' | b',' | b'\t' | b'\n');
        at_start && parameters[at..].get(..name.len()).is_some_and(|p| p.eq_ignore_ascii_case(name))
    };
    let at = (0..parameters.len()).find(|&at| starts(at))?;
    let rest = &parameters[at + name.len()..];
    match rest {
        [b'"', rest @ ..] => Some(&rest[..rest.iter().position(|&byte| byte == b'"')?]),
        _ => Some(&rest[..rest.iter().position(|&byte| byte == b',').unwrap_or(rest.len())]),
    }
}

/// Parts of an absolute URL (RFC 3986 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Url<'a> {
    /// What stands before `://`.
    pub scheme: &'a [u8],
    /// What stands before an `@`, where there is one.
    pub user_info: Option<&'a [u8]>,
    /// Host and, where there is one, port.
    pub authority: &'a [u8],
    /// The rest, with its slash.
    pub path: &'a [u8],
}

/// Takes a URL apart; `None` when it is not absolute.
#[must_use]
pub fn url(target: &[u8]) -> Option<Url<'_>> {
    let colon = target.iter().position(|byte| !byte.is_ascii_alphanumeric())?;
    let rest = target[colon..].strip_prefix(b"://")?;
    let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    // The last one: user names that are mail addresses are often not escaped.
    let (user_info, authority) = match authority.iter().rposition(|&byte| byte == b'@') {
        Some(at) => (Some(&authority[..at]), &authority[at + 1..]),
        None => (None, authority),
    };
    Some(Url { scheme: &target[..colon], user_info, authority, path })
}

impl Url<'_> {
    /// User and length of the password, when both stand in the URL (RFC 3986 §3.2.1).
    #[must_use]
    pub fn secret(&self) -> Option<(&[u8], usize)> {
        let user_info = self.user_info?;
        let colon = user_info.iter().position(|&byte| byte == b':')?;
        let length = user_info.len() - colon - 1;
        (length > 0).then_some((&user_info[..colon], length))
    }
}

/// The target without user information, without the values of its query, and without secrets
/// that, as some recorders have it, stand in the path.
#[must_use]
pub fn without_secrets(target: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(target.len());
    let mut path = target;
    if let Some(url) = url(target) {
        out.extend_from_slice(&[url.scheme, b"://", url.authority].concat());
        path = url.path;
    }
    let (mut in_query, mut hidden, mut name_at) = (false, false, 0);
    for (at, &byte) in path.iter().enumerate() {
        match byte {
            b'&' | b'?' => {
                in_query |= byte == b'?';
                hidden = false;
                name_at = at + 1;
            }
            b'/' if !hidden => name_at = at + 1,
            b'=' => hidden |= in_query || parameter::is_secret(&path[name_at..at]),
            _ => {}
        }
        if !hidden {
            out.push(byte);
        }
    }
    out
}

/// The host of `host[:port]`, without the brackets of an IPv6 address.
#[must_use]
pub fn host(authority: &[u8]) -> &[u8] {
    if let [b'[', rest @ ..] = authority {
        return rest.split(|&byte| byte == b']').next().unwrap_or(rest);
    }
    authority.split(|&byte| byte == b':').next().unwrap_or(authority)
}

/// Whether a host is an address and so names nothing.
#[must_use]
pub fn is_address(host: &[u8]) -> bool {
    std::str::from_utf8(host)
        .is_ok_and(|text| text.parse::<Ipv4Addr>().is_ok() || text.parse::<Ipv6Addr>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: &[u8] =
        b"GET /a HTTP/1.1\r\nHost : cam.example\r\nX: 1\r\n\t2\r\nbroken\r\nY:\r\n\r\n";

    #[test]
    fn recognises_start_lines_whole_and_in_part() {
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\n"[..], Probe::Yes),
            (b"M-SEARCH * HTTP/1.1\n", Probe::Yes),
            (b"GET / HTTP/1.1\r", Probe::More),
            (b"HTTP/1.0 2", Probe::More),
            (b"HTTP/1.0 200", Probe::Yes),
            (b"", Probe::More),
            (b"HTTP/1.0 abc", Probe::No),
            (b"GET / RTSP/1.0\r\n", Probe::No),
            (b"GET / HTTP/1.12\r\n", Probe::No),
            (b"get / HTTP/1.1\r\n", Probe::No),
            (b"GET /\x01", Probe::No),
            (b"GET HTTP/1.1\r\n", Probe::No),
            (b"ATHINGLONGERTHANANYMETHOD", Probe::No),
        ] {
            assert_eq!(looks_like(bytes, b"HTTP/1."), expected, "{bytes:?}");
        }
        let endless = [b"GET /", &[b'a'; START_LINE_BYTES_MAX][..]].concat();
        assert_eq!(looks_like(&endless, b"HTTP/1."), Probe::No);
    }

    #[test]
    fn heads_are_the_same_however_they_are_cut() {
        for size in 1..GET.len() {
            let mut head = Head::default();
            let mut found = Vec::new();
            for mut data in [b"\r\n", GET, b"rest"].concat().chunks(size) {
                while let Taken::Whole(whole) = head.take(&mut data) {
                    found.push(whole.to_vec());
                }
                assert!(found.len() == 1 || !head.is_hopeless(b"HTTP/1."));
            }
            assert_eq!(found, [GET], "{size}");
        }
        let fields: Vec<_> = fields(GET).collect();
        assert_eq!(fields[0], (&b"Host"[..], &b"cam.example"[..]));
        assert_eq!(fields[1], (&b"X"[..], &b"1\r\n\t2"[..]));
        assert_eq!(fields[2], (&b"Y"[..], &b""[..]));
        assert_eq!(fields.len(), 3);
    }

    #[test]
    fn an_endless_head_is_bounded() {
        let mut head = Head::default();
        let line = [b'a'; 999];
        let mut taken = 0;
        loop {
            let mut data = &line[..];
            match head.take(&mut data) {
                Taken::More => taken += line.len(),
                other => break assert_eq!(other, Taken::TooLong),
            }
        }
        assert!(taken <= HEAD_BYTES_MAX);
        assert_eq!(head.so_far().len(), HEAD_BYTES_MAX);
    }

    #[test]
    fn authorizations_never_hold_the_secret() {
        // root:s3cret
        let read = authorization(b"basic cm9vdDpzM2NyZXQ");
        assert_eq!(read, Some(Authorization::Basic(b"root".to_vec(), 6)));
        assert_eq!(authorization(b"Bearer abcde"), Some(Authorization::Bearer(5)));
        let digest = br#"Digest qop=auth, username="admin", realm="cam""#;
        assert_eq!(authorization(digest), Some(Authorization::Digest(b"admin".to_vec(), true)));
        let newer = br#"Digest username="admin", realm="cam", algorithm=SHA-256"#;
        assert_eq!(authorization(newer), Some(Authorization::Digest(b"admin".to_vec(), false)));
        assert_eq!(authorization(b"Basic ****"), None);
        assert_eq!(authorization(b"Basic"), None);
    }

    #[test]
    fn urls_come_apart() {
        let read = url(b"rtsp://admin:12@cam.example:554/live?x=1").unwrap();
        assert_eq!((read.authority, read.path), (&b"cam.example:554"[..], &b"/live?x=1"[..]));
        assert_eq!(read.secret(), Some((&b"admin"[..], 2)));
        assert_eq!(host(b"[2001:db8::1]:80"), b"2001:db8::1");
        assert!(is_address(host(b"[2001:db8::1]:80")) && is_address(b"192.0.2.1"));
        assert!(!is_address(b"cam.example"));
        assert_eq!(url(b"/live"), None);
        assert_eq!(without_secrets(b"h://u:p@a.example:1/x?b=c=d/e&f"), b"h://a.example:1/x?b&f");
        let in_path = without_secrets(b"/track=1/user=a&password=b/c=&channel=1");
        assert_eq!(in_path, b"/track=1/user=a&password&channel=1");
    }
}
