//! Reads facts out of payload. One file a protocol: a [`Dissector`] recognises it from the start
//! of both directions, its [`Session`] says what was said. Later stages match on [`What`], never
//! on a protocol's name, so a new protocol is one file, one `mod` line and one line in
//! [`DISSECTORS`].

mod amqp;
pub mod beginnings;
mod candidates;
mod city;
mod coap;
mod debug;
mod dhcp;
mod dhcpv6;
mod dns;
mod dtls;
mod ftp;
mod http;
mod icmpv6;
mod igmp;
mod irc;
mod legacy;
pub mod link;
mod mqtt;
mod nat_pmp;
mod nbns;
mod ntp;
mod openvpn;
pub mod port;
mod quic;
mod rtmp;
mod rtp;
mod rtsp;
mod sessions;
mod smtp;
mod snmp;
mod ssdp;
mod ssh;
mod stun;
pub mod syntax;
mod syslog;
mod telnet;
mod tftp;
mod tls;
pub mod unknown;
mod wireguard;
mod vendor;
mod ws_discovery;

pub use debug::debugging;
pub use legacy::legacy;
pub use sessions::Sessions;

use crate::base::address::Mac;
use crate::flow::{End, Flow, Segment, Side};
use std::net::IpAddr;
use std::sync::Arc;
use syntax::known::Known;

/// Whether flows are called so by what they say.
#[must_use]
pub fn is_label(name: &str) -> bool {
    DISSECTORS.iter().any(|dissector| dissector.name() == name)
}

/// Every dissector, in the order in which they are asked: strict formats first, so that a loose
/// one cannot take a flow away from them.
pub static DISSECTORS: &[&dyn Dissector] = &[
    &tls::Tls,
    &http::Http,
    &rtsp::Rtsp,
    &ssdp::Ssdp,
    &ssh::Ssh,
    &mqtt::Mqtt,
    &vendor::sadp::Sadp,
    &vendor::dahua::Dhip,
    &vendor::dahua::Directory,
    &vendor::tuya::Tuya,
    &vendor::tuya::Announcement,
    &vendor::miio::Miio,
    &vendor::baichuan::Baichuan,
    &vendor::ezviz::Ezviz,
    &vendor::kasa::Kasa,
    &vendor::tapo::Tapo,
    &vendor::xmeye::Xmeye,
    &vendor::tutk::Tutk,
    &city::sip::Sip,
    &amqp::Amqp,
    &rtmp::Rtmp,
    &irc::Irc,
    &debug::Adb,
    &debug::Jdwp,
    &debug::Gdb,
    &stun::Stun,
    &ws_discovery::WsDiscovery,
    &snmp::Snmp,
    &snmp::Snmp3,
    &nbns::Nbns,
    &tftp::Tftp,
    &syslog::Syslog,
    &city::opcua::Opcua,
    &city::dnp3::Dnp3,
    &city::iso::Mms,
    &city::iso::S7,
    &city::bacnet::Bacnet,
    &city::knxnet::Knxnet,
    &city::lorawan::Lorawan,
    &city::gb32960::Gb32960,
    &city::jt808::Jt808,
    &city::dlms::Hdlc,
    &city::mbus::Mbus,
    &city::iec104::Iec104,
    &city::enip::Enip,
    &city::dlms::Dlms,
    &city::c1222::C1222,
    &city::modbus::Modbus,
    &vendor::pppp::Pppp,
    &vendor::dahua::Private,
    &coap::Coap,
    &nat_pmp::NatPmp,
    &dhcp::Dhcp,
    &dhcpv6::Dhcpv6,
    &quic::Quic,
    &dtls::Dtls,
    &wireguard::WireGuard,
    &openvpn::OpenVpn,
    &dns::Dns,
    &dns::Mdns,
    &dns::Llmnr,
    &ntp::Ntp,
    &smtp::Smtp,
    &ftp::Ftp,
    &telnet::Telnet,
    &rtp::Rtp,
    &rtp::Rtcp,
    &icmpv6::Icmpv6,
    &igmp::Igmp,
];

/// Recognises one protocol.
pub trait Dissector: Sync {
    /// Lower case, unique: the label.
    fn name(&self) -> &'static str;
    /// What its recognition goes by, as a short phrase to show beside the label.
    fn rule(&self) -> &'static str;
    /// What the protocol does with its content.
    fn content(&self) -> Content;
    /// Which flows it is asked about.
    fn over(&self) -> Over;
    /// What a flow may begin with, as first bytes from and to: where its first payload begins
    /// otherwise and the capture holds its beginning, the dissector is not asked, since `probe` would
    /// say no while nobody else has spoken. Any, where the port alone may keep it from saying so.
    fn first_bytes(&self, _carrier: u8) -> &'static [(u8, u8)] {
        ANY_BYTE
    }
    /// Looks at the start of both directions.
    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe;
    /// A session that is fed the flow from its start.
    fn start(&self, flow: &Flow) -> Box<dyn Session>;
    /// The same for a flow that begins with something else, which `seen` shows.
    fn start_after(&self, flow: &Flow, _seen: &Prefix<'_>) -> Box<dyn Session> {
        self.start(flow)
    }
}

/// All first bytes there are.
const ANY_BYTE: &[(u8, u8)] = &[(0, 255)];

/// What carries a protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Over {
    /// TCP alone.
    Tcp,
    /// UDP alone.
    Udp,
    /// Either.
    Both,
    /// IGMP itself.
    Igmp,
    /// ICMPv6 itself.
    Icmpv6,
}

impl Over {
    /// Whether flows of an IANA protocol number may be it.
    const fn fits(self, protocol: u8) -> bool {
        match self {
            Over::Tcp => protocol == TCP,
            Over::Udp => protocol == UDP,
            Over::Both => matches!(protocol, TCP | UDP),
            Over::Igmp => protocol == IGMP,
            Over::Icmpv6 => protocol == ICMPV6,
        }
    }
}

/// Follows one flow.
pub trait Session: Send {
    /// Takes the next piece of payload and says the facts in it.
    fn feed(&mut self, segment: &Segment<'_>, say: &mut dyn FnMut(Fact<'_>)) -> Next;
    /// The flow ended; what was only partly read may be said now.
    fn end(&mut self, _why: End, _say: &mut dyn FnMut(Fact<'_>)) {}
    /// Told before anything else what it has in common with the other sessions of its partition.
    fn join(&mut self, _common: &Common) {}
    /// Payload it keeps, bytes, so that all sessions together can be bounded.
    fn held_bytes(&self) -> usize {
        0
    }
}

/// What the sessions of a partition have in common.
#[derive(Debug, Default)]
pub struct Common {
    /// Somebody takes notes; else what would be none but a note need not be put together.
    notes: bool,
    known: Arc<Known>,
}

/// Answer of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Probe {
    /// This protocol.
    Yes,
    /// This protocol, but only from the newest piece on: what came before was another's, such as
    /// a command to begin encryption.
    FromHere,
    /// Not this protocol, whatever follows.
    No,
    /// Cannot be told yet.
    More,
}

/// Whether a session wants more of a flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Go on.
    More,
    /// Everything of interest was said; the flow only counts from here on.
    Done,
}

/// What a protocol does with its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// Application data that anyone on the path can read.
    Clear,
    /// Encrypted.
    Encrypted,
    /// A network service that is open by design: names, time, addresses, discovery.
    Service,
    /// Not known.
    Unknown,
}

impl Content {
    /// The word for it in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Content::Clear => "clear",
            Content::Encrypted => "encrypted",
            Content::Service => "service",
            Content::Unknown => "unknown",
        }
    }
}

/// The start of both directions of a flow, contiguous, at most [`PROBE_BYTES_MAX`] each. For
/// datagrams, the first one of each side.
#[derive(Debug, Clone, Copy)]
pub struct Prefix<'a> {
    sides: [&'a [u8]; 2],
    first: Side,
    newest: &'a [u8],
}

impl<'a> Prefix<'a> {
    /// The bytes of one side.
    #[must_use]
    pub fn of(&self, side: Side) -> &'a [u8] {
        self.sides[side.index()]
    }

    /// The bytes of the side that spoke first, and which that is.
    #[must_use]
    pub fn first(&self) -> (&'a [u8], Side) {
        (self.of(self.first), self.first)
    }

    /// The newest piece, of whichever side.
    #[must_use]
    pub fn newest(&self) -> &'a [u8] {
        self.newest
    }

    /// The bytes of the side that did not speak first.
    #[must_use]
    pub fn second(&self) -> &'a [u8] {
        self.of(self.first.other())
    }
}

/// Payload looked at in each direction before a flow's protocol is given up as unknown, bytes.
pub const PROBE_BYTES_MAX: usize = 16 * 1024;
/// Longest value kept from the wire, bytes.
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// One thing that was said on the wire.
#[derive(Debug, Clone, Copy)]
pub struct Fact<'a> {
    /// What the tool does with it.
    pub what: What,
    /// What the protocol calls it: `mqtt.client_id`.
    pub name: &'static str,
    /// The value as it was on the wire; borrowed, whoever needs it later copies it.
    pub value: &'a [u8],
    /// The deciding frame.
    pub frame: u64,
}

/// What the tool does with a fact. Later stages match on this alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The value is a name that was asked for.
    Query {
        /// Record type (RFC 1035 §3.2.2).
        record: u16,
    },
    /// The value is a name that was answered with an address, to the receiver of the message.
    Answer {
        /// The address.
        address: IpAddr,
        /// Seconds it may be remembered.
        ttl: u32,
    },
    /// The value is a name that the sender of the message has for one of its own addresses.
    OwnName {
        /// The address.
        address: IpAddr,
    },
    /// The value is the name that this flow gives its responder.
    Name(NameKind),
    /// The value describes a device.
    Identity {
        /// Which device.
        subject: Subject,
        /// What it describes.
        kind: IdentityKind,
    },
    /// The network gave a device this address.
    Lease {
        /// Hardware address of the device.
        client: Mac,
        /// The address.
        address: IpAddr,
    },
    /// The network told a device to use this name server.
    Resolver {
        /// Hardware address of the device.
        client: Mac,
        /// The name server.
        resolver: IpAddr,
    },
    /// The network told all devices to use this name server.
    LinkResolver {
        /// The name server.
        resolver: IpAddr,
    },
    /// A secret was sent readable. The value is never the secret but who it belongs to (a user
    /// name) or empty.
    Credential {
        /// How it was sent: `http basic`, `mqtt password`.
        kind: &'static str,
        /// Length of the secret, bytes.
        length: usize,
    },
    /// The value is the protocol version that both sides settled on.
    Encryption {
        /// Whether the version is deprecated by its standards body (RFC 8996).
        deprecated: bool,
    },
    /// Encryption was settled on or begun in a way that is known to be weak; the value says how.
    Weak(Weakness),
    /// A client's first message offers this; the value says how it is called.
    Offers(Offer),
    /// A program for a device, or the list of newer ones, was asked for readable; the value is the
    /// file's name.
    Update {
        /// The name says that it is an image; else that is only likely.
        image: bool,
    },
    /// The value is an application protocol that goes inside encryption (RFC 7301).
    Alpn {
        /// Whether the server took it; else the client offered it, the one it likes best first.
        settled: bool,
    },
    /// The value is a fingerprint of the client's software.
    Fingerprint(FingerprintKind),
    /// Names are asked for through this flow (RFC 7858, RFC 8484, RFC 9250); the value says what
    /// shows it.
    DnsOver(&'static str),
    /// Sound or pictures were announced or sent; the value says which.
    Media,
    /// From here on the flow carries another protocol, so that nothing can be said of the
    /// content: a proxy's tunnel, or encryption begun by a command.
    Handover,
    /// Another flow is going to be spoken; the value is the text that says so.
    Expect(Announced),
    /// Something was switched, written or restarted by this message, readable; the value says
    /// what.
    Control,
    /// The sender asks a router to let the internet in; the value says to which port.
    Opening,
    /// The message has the form of a nation's own standard.
    Standard(&'static str),
    /// A server is asked for a way to a peer behind a router, or to carry the data to it; the
    /// value says how.
    Relay,
    /// Another protocol goes through the same flow, and both are right names for it.
    Carries(&'static str),
    /// Something worth showing; no later stage acts on it.
    Note,
}

/// A flow that another one announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced {
    /// The end that listens; it need not be an end of the flow that says so.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// The end that it will hear from, where that is told.
    pub peer: Option<IpAddr>,
    /// IANA protocol number.
    pub protocol: u8,
    /// The label it gives the flow.
    pub label: &'static str,
    /// What is announced about the content.
    pub content: Content,
}

impl Announced {
    /// A port is told and an address that can be one end of a flow.
    #[must_use]
    pub fn is_useful(&self) -> bool {
        self.port != 0 && !self.address.is_unspecified()
    }
}

/// Where a flow's own name comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameKind {
    /// TLS server name indication (RFC 6066 §3).
    Sni,
    /// The server name outside an encrypted ClientHello: the front, not the service.
    SniOuter,
    /// HTTP Host header or its like.
    Host,
    /// A host asked of this responder that is no name of it: the target of a proxy, or an address.
    Requested,
    /// A name in the server's certificate.
    Certificate,
}

/// What is weak about encryption.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Weakness {
    /// The cipher suite.
    Cipher,
    /// Keys that one long-lived secret opens, also afterwards.
    NoForwardSecrecy,
    /// The server's certificate.
    Certificate,
    /// The client went on to send data despite the server's certificate.
    CertificateAccepted,
    /// A login whose secret can be guessed from what is said readable.
    SignIn,
}

/// What the first message of a client offers beyond its cipher suites.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Offer {
    /// Its name for the server inside encryption.
    EncryptedHello,
    /// Keys that are meant to withstand quantum computers.
    PostQuantum,
}

/// How a client's offer is boiled down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FingerprintKind {
    /// MD5 over the numbers in the order sent.
    Ja3,
    /// Sorted, SHA-256.
    Ja4,
}

/// Which device a description is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Whoever sent the message.
    Sender,
    /// The device with this hardware address.
    Hardware(Mac),
}

/// What a description says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IdentityKind {
    /// A host name.
    HostName,
    /// DHCP vendor class (RFC 2132 §9.13).
    VendorClass,
    /// The software or product a device names itself as.
    Product,
    /// A service it offers.
    Service,
    /// A serial number.
    Serial,
    /// What it is known by in its system: an account of the device, a gateway's or meter's id.
    DeviceId,
    /// Its model.
    Model,
    /// The version of its firmware.
    Firmware,
    /// A hardware address it says it has.
    Mac,
    /// Where it stands, or part of that.
    Location,
    /// The account of a person or an organisation that it works for.
    Account,
    /// How its software asks: the same program asks alike on devices of several makers.
    Software,
    /// How a message begins that no dissector knows, in hex.
    Beginning,
    /// The print of a certificate that it shows as its own.
    Key,
}

impl IdentityKind {
    /// The word for it in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            IdentityKind::HostName => "host_name",
            IdentityKind::VendorClass => "vendor_class",
            IdentityKind::Product => "product",
            IdentityKind::Service => "service",
            IdentityKind::Serial => "serial",
            IdentityKind::DeviceId => "device_id",
            IdentityKind::Model => "model",
            IdentityKind::Firmware => "firmware",
            IdentityKind::Mac => "mac",
            IdentityKind::Location => "location",
            IdentityKind::Account => "account",
            IdentityKind::Software => "software",
            IdentityKind::Beginning => "beginning",
            IdentityKind::Key => "key",
        }
    }
}

/// The protocol of a flow and how it was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Lower-case name; `unknown` where nothing is known.
    pub protocol: &'static str,
    /// How it was reached.
    pub method: Method,
    /// The frame that decided it, 0 where none did.
    pub frame: u64,
    /// What the protocol does with its content; a port alone says nothing about that.
    pub content: Content,
}

impl Label {
    /// What the label goes by, in a few words.
    #[must_use]
    pub fn rule(&self) -> Option<&'static str> {
        match self.method {
            Method::Payload => {
                let dissector = DISSECTORS.iter().find(|known| known.name() == self.protocol);
                Some(dissector.map_or("the protocol number of IP", |known| known.rule()))
            }
            Method::Expected => Some("announced by another flow"),
            Method::Port => Some("the port number alone"),
            Method::None => None,
        }
    }
}

/// How a label was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// By what the payload says.
    Payload,
    /// Another flow announced it.
    Expected,
    /// By the port number alone: a guess.
    Port,
    /// Not at all.
    None,
}

impl Method {
    /// The word for it in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Method::Payload => "payload",
            Method::Expected => "expected",
            Method::Port => "port",
            Method::None => "none",
        }
    }
}

/// TCP, as an IANA protocol number.
pub const TCP: u8 = 6;
/// UDP, as an IANA protocol number.
pub const UDP: u8 = 17;
const IGMP: u8 = 2;
const ICMPV6: u8 = 58;

#[cfg(test)]
mod harness;
#[cfg(test)]
mod page;
#[cfg(test)]
pub(crate) mod testing;
