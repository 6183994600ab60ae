//! DHCP and BOOTP with its magic cookie: what a device calls itself, which address it was given and
//! which name servers it was told to use.
//!
//! Documents: RFC 2131, RFC 2132, RFC 4702 (names); RFC 951 and RFC 1497 (BOOTP).
//! Bounds: one datagram at a time, nothing is kept.

use super::{
    Content, Dissector, Fact, IdentityKind, Next, Over, Prefix, Probe, Session, Subject, What,
};
use crate::base::address::Mac;
use crate::base::bytes::Reader;
use crate::flow::{Flow, Segment};
use std::net::{IpAddr, Ipv4Addr};

/// DHCP on any port.
pub struct Dhcp;

/// RFC 2131 §3.
const MAGIC_COOKIE: [u8; 4] = [99, 130, 83, 99];
const REQUEST: u8 = 1;
const REPLY: u8 = 2;
const ETHERNET: u8 = 1;
/// Relays a message may pass (RFC 1542 §4.1.1).
const HOPS_MAX: u8 = 16;

/// Options (RFC 2132, section in brackets).
mod option {
    /// Padding (§3.1).
    pub const PAD: u8 = 0;
    /// Name servers (§3.8).
    pub const NAME_SERVERS: u8 = 6;
    /// Host name (§3.14).
    pub const HOST_NAME: u8 = 12;
    /// The file and server name fields hold options too (§9.3).
    pub const OVERLOAD: u8 = 52;
    /// Message type (§9.6).
    pub const MESSAGE_TYPE: u8 = 53;
    /// Options the client asks for (§9.8).
    pub const PARAMETER_LIST: u8 = 55;
    /// Vendor class (§9.13).
    pub const VENDOR_CLASS: u8 = 60;
    /// Client identifier (RFC 2132 §9.14).
    pub const CLIENT_ID: u8 = 61;
    /// Client FQDN (RFC 4702).
    pub const FQDN: u8 = 81;
    /// End (§3.2).
    pub const END: u8 = 255;
}

/// Message type of an acknowledgment (RFC 2132 §9.6).
const ACK: u8 = 5;

impl Dissector for Dhcp {
    fn name(&self) -> &'static str {
        "dhcp"
    }

    fn rule(&self) -> &'static str {
        "the magic cookie behind a header that fits"
    }

    fn content(&self) -> Content {
        Content::Service
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        &[(REQUEST, REPLY)]
    }

    fn probe(&self, _flow: &Flow, seen: &Prefix<'_>) -> Probe {
        match message(seen.first().0) {
            Some(_) => Probe::Yes,
            _ => Probe::No,
        }
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Box::new(Messages)
    }
}

struct Messages;

impl Session for Messages {
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next {
        if let Some(message) = message(segment.data) {
            match message.operation {
                REQUEST => message.request(segment.frame, say),
                _ => message.reply(segment.frame, say),
            }
        }
        Next::More
    }
}

/// RFC 2131 §2.
struct Message<'a> {
    operation: u8,
    your_address: Ipv4Addr,
    /// `None` for hardware that has no such addresses.
    client: Option<Mac>,
    server_name: &'a [u8],
    file: &'a [u8],
    options: &'a [u8],
}

fn message(bytes: &[u8]) -> Option<Message<'_>> {
    let mut reader = Reader::new(bytes);
    let operation = reader.u8()?;
    let hardware = reader.u8()?;
    let hardware_length = reader.u8()?;
    let hops = reader.u8()?;
    if !matches!(operation, REQUEST | REPLY) || hardware_length > 16 || hops > HOPS_MAX {
        return None;
    }
    // Transaction, seconds, flags and the client's address.
    reader.skip(4 + 2 + 2 + 4)?;
    let your_address = Ipv4Addr::from(reader.u32()?);
    reader.skip(4 + 4)?;
    let address = reader.take(16)?;
    let server_name = reader.take(64)?;
    let file = reader.take(128)?;
    if reader.take(4)? != MAGIC_COOKIE {
        return None;
    }
    let has_mac = hardware == ETHERNET && hardware_length == 6;
    let client =
        Mac::from_slice(address).filter(|mac| has_mac && !mac.is_zero() && !mac.is_group());
    Some(Message { operation, your_address, client, server_name, file, options: reader.rest() })
}

impl<'a> Message<'a> {
    /// Visits every option, those in overloaded fields too, as far as they are readable.
    fn options(&self, visit: &mut dyn FnMut(u8, &'a [u8])) {
        let mut overload = 0;
        walk(self.options, &mut |kind, value| match (kind, value) {
            (option::OVERLOAD, [which]) => overload = *which,
            _ => visit(kind, value),
        });
        if overload & 1 != 0 {
            walk(self.file, visit);
        }
        if overload & 2 != 0 {
            walk(self.server_name, visit);
        }
    }

    /// What the client says about itself, in every message it sends.
    fn request(&self, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        let Some(client) = self.client else { return };
        self.options(&mut |kind, value| {
            let mut identity = |kind, name, value: &[u8]| {
                if !value.is_empty() {
                    let what = What::Identity { subject: Subject::Hardware(client), kind };
                    say(Fact { what, name, value, frame });
                }
            };
            // Some clients count the terminator (RFC 2132 §2 forbids it).
            let text = value.strip_suffix(b"\0").unwrap_or(value);
            match kind {
                option::HOST_NAME => identity(IdentityKind::HostName, "dhcp.host_name", text),
                option::VENDOR_CLASS => {
                    identity(IdentityKind::VendorClass, "dhcp.vendor_class", text);
                }
                option::FQDN => {
                    if let Some(name) = qualified_name(value) {
                        identity(IdentityKind::HostName, "dhcp.fqdn", &name);
                    }
                }
                // A type, of which 1 is the hardware address that the message names anyway.
                option::CLIENT_ID if !matches!(value, [] | [1, _, _, _, _, _, _]) => {
                    let what = What::Note;
                    let value = value.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
                    say(Fact { what, name: "dhcp.client_id", value: value.as_bytes(), frame });
                }
                option::PARAMETER_LIST => {
                    let list: Vec<String> = value.iter().map(u8::to_string).collect();
                    let list = list.join(",");
                    identity(IdentityKind::Software, "dhcp.parameter_list", list.as_bytes());
                }
                _ => {}
            }
        });
    }

    /// What the network gave: an acknowledgment counts, an offer does not. BOOTP has no message
    /// types, its reply is the gift.
    fn reply(&self, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        let Some(client) = self.client else { return };
        let (mut kind, mut servers) = (ACK, &[][..]);
        self.options(&mut |option, value| match (option, value) {
            (option::MESSAGE_TYPE, [found]) => kind = *found,
            (option::NAME_SERVERS, value) => servers = value,
            _ => {}
        });
        if kind != ACK {
            return;
        }
        // The answer to an INFORM gives no address (RFC 2131 §4.3.5).
        if !self.your_address.is_unspecified() {
            let address = IpAddr::V4(self.your_address);
            let text = address.to_string();
            let what = What::Lease { client, address };
            say(Fact { what, name: "dhcp.lease", value: text.as_bytes(), frame });
        }
        for server in servers.chunks_exact(4) {
            let resolver = IpAddr::V4(Ipv4Addr::new(server[0], server[1], server[2], server[3]));
            let text = resolver.to_string();
            let what = What::Resolver { client, resolver };
            say(Fact { what, name: "dhcp.resolver", value: text.as_bytes(), frame });
        }
    }
}

fn walk<'a>(options: &'a [u8], visit: &mut dyn FnMut(u8, &'a [u8])) {
    let mut reader = Reader::new(options);
    while let Some(kind) = reader.u8() {
        match kind {
            option::PAD => {}
            option::END => return,
            _ => match reader.nested_u8() {
                Some(value) => visit(kind, value.rest()),
                None => return,
            },
        }
    }
}

/// The name in a client FQDN option (RFC 4702 §2): flags, two retired result codes, and the name
/// as text or, with the E flag, as DNS labels.
fn qualified_name(value: &[u8]) -> Option<Vec<u8>> {
    const LABELS: u8 = 0x04;
    let mut reader = Reader::new(value);
    let flags = reader.u8()?;
    reader.skip(2)?;
    if flags & LABELS == 0 {
        return Some(reader.rest().strip_suffix(b"\0").unwrap_or(reader.rest()).to_vec());
    }
    let mut name = Vec::new();
    while let Some(length @ 1..=63) = reader.u8() {
        if !name.is_empty() {
            name.push(b'.');
        }
        name.extend_from_slice(reader.take(usize::from(length))?);
    }
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Said, converse_datagrams, flow};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    const MAC: Mac = Mac([0, 0, 0x5e, 0, 0x53, 1]);
    const ADDRESS: [u8; 4] = [10, 0, 0, 7];

    fn packet(operation: u8, address: [u8; 4], options: &[u8]) -> Vec<u8> {
        let mut bytes = vec![operation, 1, 6, 0];
        bytes.extend([7; 4]);
        bytes.extend([0; 8]);
        bytes.extend(address);
        bytes.extend([0; 8]);
        bytes.extend(MAC.0);
        bytes.extend([0; 10 + 64 + 128]);
        bytes.extend(MAGIC_COOKIE);
        bytes.extend(options);
        bytes
    }

    fn read(bytes: &[u8]) -> (&'static str, Vec<Said>) {
        let (label, said) = converse_datagrams(&flow(UDP, 68, 6767), &[(Side::Low, bytes)]);
        (label.protocol, said)
    }

    #[test]
    fn a_request_describes_its_client() {
        let options = b"\x35\x01\x03\0\0\x0c\x05cam-1\x3c\x06udhcp\0\x37\x03\x01\x03\x06\
            \x51\x0a\x04\0\0\x03cam\x02lo\0\xff\x0c\x01x";
        let (label, said) = read(&packet(REQUEST, [0; 4], options));
        assert_eq!(label, "dhcp");
        let said: Vec<_> = said.iter().map(|said| (said.name, &said.value[..])).collect();
        let expected: [(&str, &[u8]); 4] = [
            ("dhcp.host_name", b"cam-1"),
            ("dhcp.vendor_class", b"udhcp"),
            ("dhcp.parameter_list", b"1,3,6"),
            ("dhcp.fqdn", b"cam.lo"),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn the_order_of_messages_does_not_matter() {
        let discover = packet(REQUEST, [0; 4], b"\x35\x01\x01\x0c\x05cam-1\xff");
        let request = packet(REQUEST, [0; 4], b"\x35\x01\x03\x3c\x06udhcp\0\xff");
        let pieces = [(Side::Low, &discover[..]), (Side::Low, &request)];
        let (label, said) = converse_datagrams(&flow(UDP, 68, 6767), &pieces);
        assert_eq!(label.protocol, "dhcp");
        let names: Vec<_> = said.iter().map(|said| said.name).collect();
        assert_eq!(names, ["dhcp.host_name", "dhcp.vendor_class"]);
    }

    #[test]
    fn an_identifier_that_is_no_hardware_address_is_said() {
        let client_id = |options: &[u8]| {
            let (_, said) = read(&packet(REQUEST, [0; 4], options));
            said.iter().find(|one| one.name == "dhcp.client_id").map(|one| one.value.clone())
        };
        // A DUID behind a number of the interface (RFC 4361 §6.1).
        let duid = b"\x35\x01\x01\x3d\x07\xff\x01\x02\x03\x04\0\x04\xff";
        assert_eq!(client_id(duid).as_deref(), Some(&b"ff010203040004"[..]));
        assert_eq!(client_id(b"\x35\x01\x01\x3d\x07\x01\0\0\x5e\0\x53\x01\xff"), None);
    }

    #[test]
    fn an_acknowledgment_gives_address_and_resolvers() {
        let options = b"\x35\x01\x05\x06\x08\x0a\0\0\x01\xc0\0\x02\x35\xff";
        let (_, said) = read(&packet(REPLY, ADDRESS, options));
        assert_eq!(said[0].what, What::Lease { client: MAC, address: ADDRESS.into() });
        assert_eq!(said[0].value, b"10.0.0.7");
        let resolver = [192, 0, 2, 53].into();
        assert_eq!(said[2].what, What::Resolver { client: MAC, resolver });
        let (_, said) = read(&packet(REPLY, ADDRESS, b"\x35\x01\x02\x06\x04\x0a\0\0\x01\xff"));
        assert!(said.is_empty(), "an offer gives nothing yet");
    }

    #[test]
    fn overloaded_fields_and_cut_options_are_read_as_far_as_possible() {
        let mut bytes = packet(REQUEST, [0; 4], b"\x34\x01\x01\x0c\x09cut");
        bytes[108..113].copy_from_slice(b"\x0c\x02hi\xff");
        let (_, said) = read(&bytes);
        assert_eq!(said.len(), 1);
        assert_eq!(said[0].value, b"hi");
    }

    #[test]
    fn near_misses_are_not_dhcp() {
        let good = packet(REQUEST, [0; 4], b"\x35\x01\x01\xff");
        for (at, byte) in [(0, 3), (2, 17), (3, 17), (236, 98)] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            assert_eq!(read(&bytes).0, "unknown", "{at}");
        }
        assert_eq!(read(&good[..239]).0, "unknown");
    }
}
