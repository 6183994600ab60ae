//! MQTT 3.1, 3.1.1 and 5.0 on any port: who connects with which secret, and which topics are
//! published and asked for.
//!
//! Documents: OASIS MQTT 3.1.1 §2 and §3, MQTT 5.0 §2 and §3; IBM's MQTT V3.1.
//! Bounds: 64 KiB of a packet are kept, 4 KiB of a PUBLISH; 16 different topics a side; 4096
//! packets. A connection whose CONNECT was not captured is recognised on port 1883, elsewhere by a
//! message and its acknowledgment, or by a ping and its answer.

use super::syntax::stream::{Once, Pending, may_begin_later, pass};
use super::{
    Content, Dissector, Fact, IdentityKind, Next, Over, Prefix, Probe, Session, Subject,
    VALUE_BYTES_MAX, What,
};
use crate::base::bytes::Reader;
use crate::flow::{Flow, Segment};

/// MQTT over TCP.
pub struct Mqtt;

const PORT: u16 = 1883;

// Packet types (MQTT 5.0 §2.1.2), the upper four bits of the first byte.
const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const SUBSCRIBE: u8 = 8;
const UNSUBSCRIBE: u8 = 10;
/// First bytes of a request that keeps the connection, and of its answer.
const PING: u8 = 12 << 4;
const PONG: u8 = 13 << 4;

/// Kept of a PUBLISH, bytes: its topic stands first and its payload is not read.
const PUBLISH_BYTES_MAX: usize = 4 * 1024;
/// Different topics said of one side.
const TOPICS_MAX: usize = 16;
/// Packets read in one flow.
const PACKETS_MAX: usize = 4096;

impl Dissector for Mqtt {
    fn name(&self) -> &'static str {
        "mqtt"
    }

    fn rule(&self) -> &'static str {
        "a CONNECT, packets that fit, or a message and its receipt"
    }

    fn content(&self) -> Content {
        Content::Clear
    }

    fn over(&self) -> Over {
        Over::Tcp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        // Every type with the flags that it may have.
        &[
            (0x10, 0x10),
            (0x20, 0x20),
            (0x30, 0x3d),
            (0x40, 0x40),
            (0x50, 0x50),
            (0x62, 0x62),
            (0x70, 0x70),
            (0x82, 0x82),
            (0x90, 0x90),
            (0xa2, 0xa2),
            (0xb0, 0xb0),
            (0xc0, 0xc0),
            (0xd0, 0xd0),
            (0xe0, 0xe0),
            (0xf0, 0xf0),
        ]
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        let usual_port = flow.key.port(flow.initiator) == Some(PORT)
            || flow.key.port(flow.initiator.other()) == Some(PORT);
        match looks_like_connect(seen.first().0) {
            Probe::No if usual_port => match looks_like_midstream(seen.first().0) {
                Probe::No if looks_like_midstream(seen.newest()) == Probe::Yes => Probe::FromHere,
                Probe::No if may_begin_later(flow, seen) => Probe::More,
                answer => answer,
            },
            Probe::No => match looks_acknowledged(seen.first().0, seen.second()) {
                // A connection begins with something else.
                Probe::No if !flow.initiator_known => looks_alive(seen.first().0, seen.second()),
                answer => answer,
            },
            answer => answer,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        let half = || Half {
            state: State::Header,
            pending: Pending::default(),
            topics: Once::new(TOPICS_MAX),
        };
        Box::new(Connection { halves: [half(), half()], version: None, packets: 0 })
    }
}

/// A CONNECT up to its flags (MQTT 3.1.1 §3.1.2).
fn looks_like_connect(bytes: &[u8]) -> Probe {
    if bytes.first().is_some_and(|&first| first != CONNECT << 4) {
        return Probe::No;
    }
    let Some((length, rest)) = bytes.get(1..).map(remaining_length).unwrap_or(Length::Cut).whole()
    else {
        return if bytes.len() < 5 { Probe::More } else { Probe::No };
    };
    // Names of the protocol: MQIsdp up to 3.1, MQTT since.
    for name in [&b"\0\x04MQTT"[..], b"\0\x06MQIsdp"] {
        if rest.len() <= name.len() + 1 && name.starts_with(&rest[..rest.len().min(name.len())]) {
            return Probe::More;
        }
        if let [level, flags, ..] = *rest.strip_prefix(name).unwrap_or(&[]) {
            // Bridges set the top bit of the level; the lowest flag is reserved.
            let fits = matches!(level & 0x7f, 3..=5)
                && flags & 1 == 0
                && flags >> 3 & 3 != 3
                && length as usize >= name.len() + 4;
            return if fits { Probe::Yes } else { Probe::No };
        }
    }
    Probe::No
}

/// A message with a topic that asks for an acknowledgment, and that acknowledgment (MQTT 5.0 §3.4,
/// §3.5): of a connection whose CONNECT was not captured, on whatever port.
fn looks_acknowledged(message: &[u8], answer: &[u8]) -> Probe {
    let quality = match message.first() {
        Some(first) if first >> 4 == PUBLISH && flags_fit(*first) => first >> 1 & 3,
        _ => return Probe::No,
    };
    let Some((_, length, body)) = header(message) else {
        return if message.len() < 5 { Probe::More } else { Probe::No };
    };
    let Some(body) = body.get(..length as usize) else {
        let cut = length as usize <= PUBLISH_BYTES_MAX && quality > 0;
        return if cut { Probe::More } else { Probe::No };
    };
    let Some(topic) = topic_of_publish(body).filter(|topic| is_topic(topic)) else {
        return Probe::No;
    };
    let (Some(identifier), 1 | 2) = (body.get(2 + topic.len()..4 + topic.len()), quality) else {
        return Probe::No;
    };
    let expected = [[0x30 + 0x10 * quality, 2].as_slice(), identifier].concat();
    match answer.get(..expected.len()) {
        Some(answer) if answer == expected => Probe::Yes,
        None if expected.starts_with(answer) => Probe::More,
        _ => Probe::No,
    }
}

/// Pings first, of either side, and their answers from the other (MQTT 5.0 §3.12, §3.13); behind
/// them packets that fit.
fn looks_alive(first: &[u8], second: &[u8]) -> Probe {
    let begins = |bytes: &[u8], with: [u8; 2]| {
        let there = bytes.len().min(2);
        bytes[..there] == with[..there]
    };
    let sides = match first.first() {
        Some(&PING) => [(first, [PING, 0]), (second, [PONG, 0])],
        _ => [(first, [PONG, 0]), (second, [PING, 0])],
    };
    let fit = sides.iter().map(|&(bytes, with)| match bytes {
        _ if !begins(bytes, with) => Probe::No,
        [_, _, ..] => looks_like_midstream(bytes),
        _ => Probe::More,
    });
    let fit: Vec<Probe> = fit.collect();
    match fit[..] {
        [Probe::Yes, Probe::Yes] => Probe::Yes,
        [Probe::No, _] | [_, Probe::No] => Probe::No,
        _ => Probe::More,
    }
}

/// Whole packets up to the end, as they are sent on a connection that began long ago.
fn looks_like_midstream(bytes: &[u8]) -> Probe {
    let mut rest = bytes;
    while !rest.is_empty() {
        let Some(after) = header(rest) else {
            return if rest.len() < 5 && header_may_follow(rest) { Probe::More } else { Probe::No };
        };
        let (first, length, body) = after;
        let Some(body_whole) = body.get(..length as usize) else {
            return Probe::More;
        };
        if first >> 4 == PUBLISH && topic_of_publish(body_whole).is_none_or(|t| !is_topic(t)) {
            return Probe::No;
        }
        rest = &body[length as usize..];
    }
    if bytes.is_empty() { Probe::More } else { Probe::Yes }
}

fn header_may_follow(bytes: &[u8]) -> bool {
    bytes.first().is_none_or(|&first| flags_fit(first))
        && !matches!(remaining_length(&bytes[1.min(bytes.len())..]), Length::Broken)
}

/// First byte, remaining length, and what follows.
fn header(bytes: &[u8]) -> Option<(u8, u32, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    let (length, rest) = remaining_length(rest).whole()?;
    (flags_fit(first) && length_fits(first, length)).then_some((first, length, rest))
}

/// Flags are fixed for every type but PUBLISH, whose quality of service is at most 2 (MQTT 5.0
/// §2.1.3, §3.3.1.2).
fn flags_fit(first: u8) -> bool {
    match (first >> 4, first & 15) {
        (0, _) => false,
        (PUBLISH, flags) => flags >> 1 & 3 != 3,
        (6 | SUBSCRIBE | UNSUBSCRIBE, flags) => flags == 2,
        (_, flags) => flags == 0,
    }
}

fn length_fits(first: u8, length: u32) -> bool {
    match first >> 4 {
        12 | 13 => length == 0,
        14 | 15 => true,
        CONNECT => length >= 10,
        SUBSCRIBE | UNSUBSCRIBE => length >= 5,
        _ => length >= 2,
    }
}

enum Length<'a> {
    Whole(u32, &'a [u8]),
    Cut,
    Broken,
}

impl<'a> Length<'a> {
    fn whole(self) -> Option<(u32, &'a [u8])> {
        match self {
            Length::Whole(length, rest) => Some((length, rest)),
            _ => None,
        }
    }
}

/// A number of one to four bytes, seven bits each, lowest first (MQTT 5.0 §1.5.5).
fn remaining_length(bytes: &[u8]) -> Length<'_> {
    let mut value = 0;
    for (index, &byte) in bytes.iter().take(4).enumerate() {
        value |= u32::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            // The encoding must be as short as it can be.
            let shortest = index == 0 || byte != 0;
            return if shortest {
                Length::Whole(value, &bytes[index + 1..])
            } else {
                Length::Broken
            };
        }
    }
    if bytes.len() < 4 { Length::Cut } else { Length::Broken }
}

struct Connection {
    halves: [Half; 2],
    /// Protocol level of the CONNECT.
    version: Option<u8>,
    packets: usize,
}

struct Half {
    state: State,
    pending: Pending,
    topics: Once,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Header,
    /// First byte, bytes of the packet to read, and bytes behind them to pass over.
    Body(u8, usize, u64),
    Passing(u64),
    /// Not known where the next packet begins.
    Lost,
}

impl Session for Connection {
    fn held_bytes(&self) -> usize {
        self.halves.iter().map(|half| half.pending.held_bytes()).sum()
    }

    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        let index = segment.side.index();
        let half = &mut self.halves[index];
        half.miss(segment.gap);
        let mut data = segment.data;
        if half.state == State::Lost && looks_like_midstream(data) == Probe::Yes {
            half.state = State::Header;
        }
        while !data.is_empty() {
            let half = &mut self.halves[index];
            match half.state {
                State::Header => half.header(&mut data),
                State::Body(first, count, behind) => {
                    let Some(body) = half.pending.exactly(&mut data, count) else {
                        break;
                    };
                    let (version, topics) = (&mut self.version, &mut half.topics);
                    packet(first, body, behind == 0, version, topics, segment.frame, say);
                    half.state = if behind > 0 { State::Passing(behind) } else { State::Header };
                    self.packets += 1;
                }
                State::Passing(mut left) => {
                    pass(&mut data, &mut left);
                    half.state = if left > 0 { State::Passing(left) } else { State::Header };
                }
                State::Lost => break,
            }
        }
        let enough = self.halves.iter().all(|half| half.topics.is_full());
        if enough || self.packets >= PACKETS_MAX { Next::Done } else { Next::More }
    }
}

impl Half {
    /// Bytes are missing: inside what is passed over they do no harm.
    fn miss(&mut self, gap: u64) {
        self.state = match self.state {
            state if gap == 0 => state,
            State::Passing(left) if left == gap => State::Header,
            State::Passing(left) if left > gap => State::Passing(left - gap),
            _ => {
                self.pending.reset();
                State::Lost
            }
        };
    }

    fn header(&mut self, data: &mut &[u8]) {
        // Mostly a header lies whole in one segment and needs no copy.
        if self.pending.waiting().is_empty()
            && let [first, rest @ ..] = *data
            && let Length::Whole(length, behind) = remaining_length(rest)
        {
            *data = behind;
            return self.begin(*first, length);
        }
        // Byte by byte, since the length says how long it is itself.
        let count = self.pending.waiting().len() + 1;
        let Some(bytes) = self.pending.exactly(data, count) else {
            return;
        };
        match remaining_length(&bytes[1..]) {
            Length::Whole(length, _) => {
                let first = bytes[0];
                self.begin(first, length);
            }
            Length::Cut => {
                let kept = bytes.to_vec();
                self.pending.put_back(kept);
            }
            Length::Broken => self.begin(0, 0),
        }
    }

    /// A packet of this first byte and so many bytes begins, if there is such a one.
    fn begin(&mut self, first: u8, length: u32) {
        self.state = if flags_fit(first) && length_fits(first, length) {
            let limit = if first >> 4 == PUBLISH { PUBLISH_BYTES_MAX } else { VALUE_BYTES_MAX };
            let read = (length as usize).min(limit);
            match length {
                0 => State::Header,
                _ => State::Body(first, read, (length as usize - read) as u64),
            }
        } else {
            self.pending.reset();
            State::Lost
        };
    }
}

fn packet(
    first: u8,
    body: &[u8],
    whole: bool,
    version: &mut Option<u8>,
    topics: &mut Once,
    frame: u64,
    say: &mut dyn FnMut(Fact<'_>),
) {
    let publishing = first >> 4 == PUBLISH;
    let mut say_topic = |value: &[u8]| {
        let name = if publishing { "mqtt.topic" } else { "mqtt.topic_filter" };
        if !is_topic(value) || !topics.is_first(name, value) {
            return;
        }
        say(Fact { what: What::Note, name, value, frame });
        // Tuya's devices publish to a topic with their own id (mqtt_service.c of its C library).
        if let Some(id) = value.strip_prefix(b"smart/device/out/").filter(|_| publishing) {
            let kind = IdentityKind::DeviceId;
            let what = What::Identity { subject: Subject::Sender, kind };
            say(Fact { what, name: "mqtt.tuya_device", value: id, frame });
        }
    };
    match first >> 4 {
        PUBLISH => {
            if let Some(topic) = topic_of_publish(body) {
                say_topic(topic);
            }
        }
        SUBSCRIBE | UNSUBSCRIBE => {
            let options = usize::from(first >> 4 == SUBSCRIBE);
            let _ = filters(body, *version == Some(5), options, &mut say_topic);
        }
        CONNECT if whole || body.len() >= 12 => {
            let _ = connect(body, version, frame, say);
        }
        _ => {}
    }
}

/// MQTT 5.0 §3.3.2.1. With a topic alias the name may be empty.
fn topic_of_publish(body: &[u8]) -> Option<&[u8]> {
    Reader::new(body).nested_u16().map(|topic| topic.rest())
}

/// Topic filters of SUBSCRIBE and UNSUBSCRIBE (MQTT 5.0 §3.8.3, §3.10.3), each followed by
/// `options` bytes.
fn filters(
    body: &[u8],
    with_properties: bool,
    options: usize,
    visit: &mut dyn FnMut(&[u8]),
) -> Option<()> {
    let mut reader = Reader::new(body);
    reader.skip(2)?;
    if with_properties {
        skip_properties(&mut reader)?;
    }
    while !reader.is_empty() {
        let filter = reader.nested_u16()?;
        reader.skip(options)?;
        visit(filter.rest());
    }
    Some(())
}

/// Properties (MQTT 5.0 §2.2.2) are passed over whole.
fn skip_properties(reader: &mut Reader<'_>) -> Option<()> {
    let before = reader.rest().len();
    let (length, rest) = remaining_length(reader.rest()).whole()?;
    reader.skip(before - rest.len() + length as usize)
}

/// MQTT 5.0 §3.1.2 and §3.1.3.
fn connect(
    body: &[u8],
    version: &mut Option<u8>,
    frame: u64,
    say: &mut dyn FnMut(Fact<'_>),
) -> Option<()> {
    let mut reader = Reader::new(body);
    reader.nested_u16()?;
    let level = reader.u8()? & 0x7f;
    let flags = reader.u8()?;
    let _keep_alive_s = reader.u16()?;
    *version = Some(level);
    let number: &[u8] = match level {
        3 => b"3.1",
        4 => b"3.1.1",
        5 => b"5.0",
        _ => b"unknown",
    };
    let mut tell = |what, name, value: &[u8]| {
        if !value.is_empty() {
            say(Fact { what, name, value, frame });
        }
    };
    tell(What::Note, "mqtt.version", number);
    if level == 5 {
        skip_properties(&mut reader)?;
    }
    let client_id = reader.nested_u16()?.rest();
    let kind = IdentityKind::DeviceId;
    let device = What::Identity { subject: Subject::Sender, kind };
    tell(device, "mqtt.client_id", client_id);
    if flags & 0x04 != 0 {
        if level == 5 {
            skip_properties(&mut reader)?;
        }
        tell(What::Note, "mqtt.will_topic", reader.nested_u16()?.rest());
        reader.nested_u16()?;
    }
    let user = if flags & 0x80 != 0 { reader.nested_u16()?.rest() } else { &[] };
    // The length is announced before the secret, so a cut packet still tells it.
    match if flags & 0x40 != 0 { reader.u16() } else { None } {
        Some(length) => {
            let what = What::Credential { kind: "mqtt password", length: usize::from(length) };
            say(Fact { what, name: "mqtt.user_name", value: user, frame });
        }
        None => tell(What::Note, "mqtt.user_name", user),
    }
    if let Some(value) = aliyun_device(client_id, user) {
        say(Fact { what: device, name: "mqtt.aliyun_device", value, frame });
    }
    Some(())
}

/// Alibaba Cloud's IoT platform: a client id of `<any>|securemode=2,signmethod=..,timestamp=..|`
/// comes with the user `<device>&<product>` (its own clients for C and Go have that grammar).
fn aliyun_device<'a>(client_id: &[u8], user: &'a [u8]) -> Option<&'a [u8]> {
    let bar = client_id.iter().position(|&byte| byte == b'|')?;
    let parameters = client_id[bar + 1..].strip_suffix(b"|")?;
    let known = parameters.split(|&byte| byte == b',').any(|part| part.starts_with(b"securemode="));
    (known && user.contains(&b'&')).then_some(user)
}

/// UTF-8 without control characters (MQTT 5.0 §1.5.4), not empty.
fn is_topic(bytes: &[u8]) -> bool {
    !bytes.is_empty()
        && std::str::from_utf8(bytes).is_ok_and(|text| !text.chars().any(char::is_control))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Said, converse, converse_anywhere, converse_tcp, flow, segment};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::TCP;

    /// 3.1.1, client id `cam1`, will topic `w`, user `root`, password of 5 bytes.
    const CONNECT_311: &[u8] =
        b"\x10\x25\0\x04MQTT\x04\xc6\0\x3c\0\x04cam1\0\x01w\0\x03bye\0\x04root\0\x0512345";
    /// 3.1, client id `old`, nothing else.
    const CONNECT_31: &[u8] = b"\x10\x11\0\x06MQIsdp\x03\x02\0\x3c\0\x03old";
    /// 5.0 with a property, client id empty, password without a user.
    const CONNECT_5: &[u8] = b"\x10\x17\0\x04MQTT\x05\x42\0\x3c\x05\x11\0\0\0\x0a\0\0\0\x03abc";
    const PUBLISH_1: &[u8] = b"\x31\x09\0\x03a/bdata";
    const SUBSCRIBE_311: &[u8] = b"\x82\x0b\0\x01\0\x01#\x01\0\x02c/\0";
    const PING: &[u8] = b"\xc0\0";

    fn client() -> Flow {
        flow(TCP, 40_000, 31_006)
    }

    fn of<'a>(said: &'a [Said], name: &str) -> Vec<&'a [u8]> {
        said.iter().filter(|said| said.name == name).map(|said| &said.value[..]).collect()
    }

    #[test]
    fn a_client_of_alibaba_cloud_says_which_device_it_is() {
        let id = b"a1|securemode=3,signmethod=hmacsha1,timestamp=1|";
        assert_eq!(aliyun_device(id, b"lamp&a1b2"), Some(&b"lamp&a1b2"[..]));
        assert_eq!(aliyun_device(&id[..40], b"lamp&a1b2"), None);
        assert_eq!(aliyun_device(b"a|securemode2|", b"lamp&a1b2"), None);
        let packet = b"\x10\x4c\0\x04MQTT\x04\xc0\0\x3c\0\x30a1|securemode=3,signmethod=hmacsha1,\
            timestamp=1|\0\x09lamp&a1b2\0\x03abc";
        let (_, said) = converse_tcp(&client(), &[(Side::Low, packet)]);
        assert_eq!(of(&said, "mqtt.aliyun_device"), [b"lamp&a1b2"]);
        let publish = b"\x30\x19\0\x17smart/device/out/bf0001";
        let (_, said) = converse_tcp(&client(), &[(Side::Low, packet), (Side::Low, publish)]);
        assert_eq!(of(&said, "mqtt.tuya_device"), [b"bf0001"]);
    }

    #[test]
    fn a_message_and_its_acknowledgment_will_do_on_any_port() {
        let message = b"\x32\x0b\0\x03a/b\0\x07data";
        let on = |answer: &[u8]| {
            let pieces = [(Side::High, &message[..]), (Side::Low, answer)];
            converse(&client(), false, &pieces)
        };
        let (label, said) = on(b"\x40\x02\0\x07");
        assert_eq!((label.protocol, label.frame > 0), ("mqtt", true));
        assert_eq!(of(&said, "mqtt.topic"), [b"a/b"]);
        for other in [&b"\x40\x02\0\x08"[..], b"\x50\x02\0\x07", b""] {
            assert_eq!(on(other).0.frame, 0);
        }
    }

    #[test]
    fn a_conversation_says_identity_secret_and_topics() {
        // 10,044 bytes: more than is kept.
        let long = [&b"\x30\xbc\x4e\0\x04long"[..], &[0; 10_044 - 6]].concat();
        let pieces = [
            (Side::Low, CONNECT_311),
            (Side::High, b"\x20\x02\0\0"),
            (Side::Low, SUBSCRIBE_311),
            (Side::High, PUBLISH_1),
            (Side::High, PUBLISH_1),
            (Side::Low, &long),
            (Side::Low, PING),
            (Side::Low, b"\x30\x06\0\x02d/ok"),
        ];
        let (label, said) = converse_anywhere(&client(), &pieces);
        assert_eq!((label.protocol, label.content), ("mqtt", Content::Clear));
        assert_eq!(of(&said, "mqtt.version"), [b"3.1.1"]);
        assert_eq!(of(&said, "mqtt.client_id"), [b"cam1"]);
        assert_eq!(of(&said, "mqtt.will_topic"), [b"w"]);
        assert_eq!(of(&said, "mqtt.topic_filter"), [&b"#"[..], b"c/"]);
        assert_eq!(of(&said, "mqtt.topic"), [&b"a/b"[..], b"long", b"d/"]);
        let secret = said.iter().find(|said| said.name == "mqtt.user_name").unwrap();
        assert_eq!(secret.what, What::Credential { kind: "mqtt password", length: 5 });
        assert_eq!(secret.value, b"root");
    }

    #[test]
    fn reads_all_versions() {
        let (_, said) = converse_tcp(&client(), &[(Side::Low, CONNECT_31)]);
        assert_eq!(of(&said, "mqtt.version"), [b"3.1"]);
        assert_eq!(of(&said, "mqtt.client_id"), [b"old"]);
        let subscribe = b"\x82\x07\0\x01\0\0\x01x\0";
        let (_, said) = converse_tcp(&client(), &[(Side::Low, CONNECT_5), (Side::Low, subscribe)]);
        assert_eq!(of(&said, "mqtt.version"), [b"5.0"]);
        assert_eq!(said[1].what, What::Credential { kind: "mqtt password", length: 3 });
        assert_eq!(of(&said, "mqtt.topic_filter"), [b"x"]);
    }

    #[test]
    fn a_running_connection_is_recognised_on_its_port() {
        let usual = flow(TCP, 40_000, PORT);
        let (label, said) = converse_tcp(&usual, &[(Side::Low, PING), (Side::High, PUBLISH_1)]);
        assert_eq!((label.protocol, of(&said, "mqtt.topic")), ("mqtt", vec![&b"a/b"[..]]));
        let (label, _) = converse_tcp(&client(), &[(Side::Low, PING), (Side::High, PUBLISH_1)]);
        assert_eq!(label.protocol, "unknown");
        let mut running = usual;
        running.initiator_known = false;
        let pieces = [(Side::Low, &b"half a packet"[..]), (Side::High, PUBLISH_1)];
        let (label, said) = converse(&running, false, &pieces);
        assert_eq!((label.protocol, label.frame), ("mqtt", 2));
        assert_eq!(of(&said, "mqtt.topic"), [b"a/b"]);
    }

    #[test]
    fn missing_bytes_are_jumped_over() {
        let mut session = Mqtt.start(&client());
        let mut topics = Vec::new();
        for (gap, data) in
            [(0, CONNECT_311), (7, &PUBLISH_1[3..]), (0, PUBLISH_1), (0, b"\x30\x05\0\x01qxx")]
        {
            let piece = Segment { gap, ..segment(Side::Low, data, 1) };
            session.feed(&piece, &mut |fact| {
                if fact.name == "mqtt.topic" {
                    topics.push(fact.value.to_vec());
                }
            });
        }
        assert_eq!(topics, [b"a/b".to_vec(), b"q".to_vec()]);
    }

    #[test]
    fn near_misses_are_not_mqtt() {
        for bytes in [
            &b"\x10\x26\0\x04MQTX\x04\xc6\0\x3c\0\x04cam1"[..],
            b"\x10\x26\0\x04MQTT\x09\x02\0\x3c\0\x04cam1",
            b"\x10\x26\0\x04MQTT\x04\x03\0\x3c\0\x04cam1",
            b"\x10\xa6\0\0\x04MQTT\x04\x02\0\x3c\0\x04cam1",
            b"\x10\xff\xff\xff\xff\0\x04MQTT\x04\x02\0\x3c",
            b"\x11\x26\0\x04MQTT\x04\xc6\0\x3c\0\x04cam1",
        ] {
            let (label, _) = converse_tcp(&client(), &[(Side::Low, bytes)]);
            assert_eq!(label.protocol, "unknown", "{bytes:?}");
        }
        let usual = flow(TCP, 40_000, PORT);
        let (label, _) = converse_tcp(&usual, &[(Side::Low, b"\x30\x05\0\x03a\x01bx")]);
        assert_eq!(label.method, super::super::Method::Port);
    }
}
