//! SIP over UDP and TCP on any port, and what GB/T 28181 makes of it: cameras of Chinese cities
//! that register with numbers of 20 digits and carry XML called MANSCDP.
//!
//! Documents: RFC 3261 §7, §20; GB/T 28181 (numbers and commands).
//!
//! Fixed: a start line with `SIP/2.0`.
//! Bounds: one head of 32 KiB a side and 4 KiB of a body; 65 536 segments of a flow; those of
//! `framed.rs` for what is said.

use super::super::syntax::announce;
use super::super::syntax::document::{Entry, Meaning, tell};
use super::super::syntax::framed::{THINGS_MAX, Voice};
use super::super::syntax::header::{self, Authorization, Head, Start};
use super::super::syntax::stream::{Firsts, Taken, pass};
use super::super::{
    Content, Dissector, Fact, IdentityKind, Next, Over, Prefix, Probe, Session, TCP, UDP, Weakness,
    What,
};
use crate::flow::{Flow, Segment};

/// SIP.
pub struct Sip;

const VERSION: &[u8] = b"SIP/2.";
const BODY_BYTES_MAX: usize = 4 * 1024;
/// Segments read in one flow.
const MESSAGES_MAX: usize = 64 * 1024;
/// Digits of a device's number (GB/T 28181-2016 annex D).
const NUMBER_DIGITS: usize = 20;

const TABLE: &[Entry] = &[
    ("CmdType", Meaning::Note, "sip.gb28181_command"),
    ("DeviceID", Meaning::Note, "sip.gb28181_device"),
    ("DeviceName", Meaning::Identity(IdentityKind::HostName), "sip.device_name"),
    ("Manufacturer", Meaning::Identity(IdentityKind::Product), "sip.manufacturer"),
    ("Model", Meaning::Identity(IdentityKind::Model), "sip.model"),
    ("Firmware", Meaning::Identity(IdentityKind::Firmware), "sip.firmware"),
    ("Longitude", Meaning::Identity(IdentityKind::Location), "sip.longitude"),
    ("Latitude", Meaning::Identity(IdentityKind::Location), "sip.latitude"),
];

impl Dissector for Sip {
    fn name(&self) -> &'static str {
        "sip"
    }

    fn rule(&self) -> &'static str {
        "a start line with SIP/2.0"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Both
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        header::FIRST_BYTES
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let (first, _) = seen.first();
        match flow.key.protocol {
            TCP => header::looks_like(first, VERSION),
            // A datagram is whole.
            UDP if header::looks_like(first, VERSION) == Probe::Yes => Probe::Yes,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Dialogue {
            halves: Default::default(),
            said: Firsts::new(THINGS_MAX),
            messages: 0,
        })
    }
}

struct Dialogue {
    halves: [Half; 2],
    said: Firsts,
    messages: usize,
}

#[derive(Default)]
struct Half {
    head: Head,
    body: Vec<u8>,
    /// Bytes of the body to come.
    left: u64,
    lost: bool,
}

impl Session for Dialogue {
    fn held_bytes(&self) -> usize {
        self.halves.iter().map(|half| half.body.capacity() + half.head.so_far().len()).sum()
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let voice = &mut Voice::new(&mut self.said, segment.frame, say);
        if segment.datagram {
            let end = segment.data.windows(4).position(|part| part == b"\r\n\r\n");
            let (head, body) = segment.data.split_at(end.map_or(segment.data.len(), |at| at + 4));
            if header::looks_like(head, VERSION) == Probe::Yes {
                message(head, voice);
                tell_body(&body[..body.len().min(BODY_BYTES_MAX)], voice);
            }
        } else {
            self.halves[segment.side.index()].stream(segment, voice);
        }
        // A platform asks for pictures again and again over one flow, and each time it announces
        // another one, long after nothing else is new.
        self.messages += 1;
        if self.messages >= MESSAGES_MAX { Next::Done } else { Next::More }
    }
}

impl Half {
    fn stream(&mut self, segment: &Segment<'_>, voice: &mut Voice<'_>) {
        if segment.gap > 0 {
            *self = Half { lost: true, ..Half::default() };
        }
        let mut data = segment.data;
        if self.lost && header::looks_like(data, VERSION) == Probe::Yes {
            self.lost = false;
        }
        while !data.is_empty() && !self.lost {
            if self.left > 0 {
                let piece = pass(&mut data, &mut self.left);
                let room = BODY_BYTES_MAX - self.body.len();
                self.body.extend_from_slice(&piece[..piece.len().min(room)]);
                if self.left == 0 {
                    tell_body(&std::mem::take(&mut self.body), voice);
                }
                continue;
            }
            match self.head.take(&mut data) {
                Taken::Whole(head) => match message(head, voice) {
                    Some(length) => self.left = length,
                    None => self.lost = true,
                },
                Taken::TooLong => self.lost = true,
                Taken::More => self.lost = self.head.is_hopeless(VERSION),
            }
        }
    }
}

/// Says what a head holds; returns the length of its body, `None` where it is no head.
fn message(head: &[u8], voice: &mut Voice<'_>) -> Option<u64> {
    let start = header::start(head, VERSION)?;
    let asking = match start {
        Start::Request(method, _) => {
            voice.note("sip.method", method);
            true
        }
        Start::Response(_) => false,
    };
    let mut length = 0;
    for (name, value) in header::fields(head) {
        let is = |long: &str, short: &str| {
            name.eq_ignore_ascii_case(long.as_bytes())
                || name.eq_ignore_ascii_case(short.as_bytes())
        };
        if is("content-length", "l") {
            length = std::str::from_utf8(value).ok()?.parse().ok()?;
        } else if is("user-agent", "user-agent") && asking || is("server", "server") && !asking {
            voice.identity(IdentityKind::Product, "sip.user_agent", value);
        } else if is("from", "f") && asking {
            let user = user(value);
            if user.len() == NUMBER_DIGITS && user.iter().all(u8::is_ascii_digit) {
                voice.standard("gb28181", "sip.gb28181_form");
                voice.identity(IdentityKind::DeviceId, "sip.gb28181_id", user);
            } else {
                voice.note("sip.from", user);
            }
        } else if is("to", "t") {
            voice.note("sip.to", user(value));
        } else if is("contact", "m") {
            voice.note("sip.contact", address(value));
        } else if is("content-type", "c") {
            voice.note("sip.content_type", value);
        } else if is("authorization", "proxy-authorization") {
            match header::authorization(value) {
                Some(Authorization::Basic(user, length)) => {
                    voice.credential("sip basic", length, "sip.authorization", &user);
                }
                Some(Authorization::Digest(user, true)) => {
                    voice.say(What::Weak(Weakness::SignIn), "sip.digest_user", &user);
                }
                Some(Authorization::Digest(user, false)) => voice.note("sip.digest_user", &user),
                _ => {}
            }
        }
    }
    Some(length)
}

fn tell_body(body: &[u8], voice: &mut Voice<'_>) {
    tell(body, TABLE, voice);
    announce::description(body, &mut |announced| voice.announce(announced, "sip.announced"));
    // SDP (RFC 8866 §5.14): what is going to be sent.
    for line in body.split(|&byte| byte == b'\n') {
        let line = line.trim_ascii_end();
        if let Some(media) = line.strip_prefix(b"m=")
            && (media.starts_with(b"audio ") || media.starts_with(b"video "))
        {
            // Secure profiles have another name (RFC 3711 §12).
            let name = "sip.media";
            if media.windows(5).any(|part| part == b"SAVP ")
                || media.windows(5).any(|p| p == b"SAVPF")
            {
                voice.note(name, media);
            } else {
                voice.media(name, media);
            }
        }
    }
}

/// What stands between `<` and `>`, or before the parameters.
fn address(value: &[u8]) -> &[u8] {
    let value = match value.iter().position(|&byte| byte == b'<') {
        Some(open) => &value[open + 1..],
        None => value,
    };
    let end = value.iter().position(|byte| matches!(byte, b'>' | b';')).unwrap_or(value.len());
    value[..end].trim_ascii()
}

/// The user in `sip:user@host`, or the whole address.
fn user(value: &[u8]) -> &[u8] {
    let address = address(value);
    let plain = address.strip_prefix(b"sip:").or(address.strip_prefix(b"sips:")).unwrap_or(address);
    match plain.iter().position(|&byte| byte == b'@') {
        Some(at) => &plain[..at],
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::What;
    use super::super::super::testing::{converse_anywhere, converse_datagrams_here, flow, values};
    use super::*;
    use crate::flow::Side;

    const REGISTER: &[u8] = b"REGISTER sip:34020000002000000001@3402000000 SIP/2.0\r\n\
        From: <sip:34020000001320000001@3402000000>;tag=1\r\nTo: <sip:a@b>\r\n\
        User-Agent: IP Camera\r\nContact: <sip:34020000001320000001@192.0.2.9:5060>\r\n\
        Content-Length: 0\r\n\r\n";
    const MESSAGE: &[u8] = b"MESSAGE sip:a@b SIP/2.0\r\nf: <sip:34020000001320000001@b>\r\n\
        Content-Type: Application/MANSCDP+xml\r\nl: 97\r\n\r\n<?xml version=\"1.0\"?>\r\n\
        <Notify><CmdType>MobilePosition</CmdType><Latitude>1.5</Latitude></Notify>";
    const INVITE: &[u8] = b"SIP/2.0 200 OK\r\nServer: x/1\r\nContent-Length: 36\r\n\r\n\
        v=0\r\ns=Play\r\nm=video 6000 RTP/AVP 96\r\n";
    const ELSEWHERE: &[u8] = b"INVITE sip:34020000001320000001@b SIP/2.0\r\nl: 59\r\n\r\n\
        v=0\r\nc=IN IP4 198.51.100.9\r\ns=Play\r\nm=video 6000 RTP/AVP 96\r\n";

    #[test]
    fn media_to_another_host_is_announced() {
        let pieces = [(Side::High, ELSEWHERE), (Side::High, ELSEWHERE)];
        let udp = converse_datagrams_here(&flow(UDP, 50_000, 5060), &pieces);
        let tcp = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        for (_, said) in [udp, tcp] {
            let announced = said.iter().filter_map(|said| match said.what {
                What::Expect(one) => Some(format!("{}:{} {}", one.address, one.port, one.label)),
                _ => None,
            });
            let once = ["198.51.100.9:6000 rtp", "198.51.100.9:6001 rtcp"];
            assert_eq!(announced.collect::<Vec<_>>(), [once, once].concat());
        }
    }

    #[test]
    fn a_camera_registers_and_tells_where_it_is() {
        let pieces = [(Side::Low, REGISTER), (Side::Low, MESSAGE), (Side::High, INVITE)];
        let udp = converse_datagrams_here(&flow(UDP, 50_000, 5060), &pieces);
        let tcp = converse_anywhere(&flow(TCP, 50_000, 5_123), &pieces);
        for (label, said) in [udp, tcp] {
            assert_eq!((label.protocol, label.content), ("sip", Content::Clear));
            assert_eq!(values(&said, "sip.gb28181_id"), [b"34020000001320000001"]);
            assert_eq!(values(&said, "sip.user_agent"), [&b"IP Camera"[..], b"x/1"]);
            assert_eq!(values(&said, "sip.gb28181_command"), [b"MobilePosition"]);
            assert_eq!(values(&said, "sip.latitude"), [b"1.5"]);
            assert_eq!(said.iter().filter(|said| said.what == What::Media).count(), 1);
        }
        let http = b"OPTIONS / HTTP/1.1\r\n\r\n";
        let (label, _) = converse_datagrams_here(&flow(UDP, 50_000, 5060), &[(Side::Low, http)]);
        assert_eq!(label.frame, 0, "by its port at most");
    }
}
