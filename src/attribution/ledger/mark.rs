//! Kinds of evidence, and pieces of it.

use crate::flow::Cite;
use crate::protocol::IdentityKind;
use std::borrow::Cow;

/// Kinds of evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u32)]
pub enum Mark {
    /// A readable secret.
    Credential = 1,
    /// A deprecated version of an encryption protocol.
    Deprecated = 2,
    /// A name was asked for.
    Query = 4,
    /// Sound or pictures.
    Media = 8,
    /// A version of an encryption protocol that is not deprecated.
    Current = 16,
    /// Names are asked for inside encryption.
    DnsOver = 32,
    /// The local end told an internet address what tells it, its place or its owner from others.
    Identifier = 64,
    /// A readable command.
    Control = 128,
    /// A router was asked to let the internet in.
    Opening = 256,
    /// The form of a nation's own standard.
    Standard = 512,
    /// A way to a peer was sought through a server.
    Relay = 1024,
    /// An internet address began it, and the local end answered with data, or took data over TCP.
    Inbound = 2048,
    /// Messages keep a pace within the flow.
    Paced = 4096,
    /// A cipher suite that must not be used any more.
    WeakCipher = 8192,
    /// Keys that one long-lived secret opens.
    NoForwardSecrecy = 16_384,
    /// Something is wrong with the server's certificate.
    Certificate = 32_768,
    /// The client sent data in spite of that.
    CertificateAccepted = 65_536,
    /// A program for a device was asked for readable.
    Update = 131_072,
    /// A connection is tried as the bots of a known family do.
    Bot = 262_144,
    /// Much was sent, and little received.
    Upload = 524_288,
    /// The local end said readable what it is, to the test network.
    TellsHere = 1 << 20,
    /// The remote end said so.
    TellsThere = 1 << 21,
    /// A client's hello names no server.
    NoServerName = 1 << 22,
    /// A client's hello has another inside, encrypted, or seems to.
    EncryptedHello = 1 << 23,
    /// A client offers keys meant to withstand quantum computers.
    PostQuantum = 1 << 24,
    /// A login whose secret can be guessed from what is said readable.
    WeakSignIn = 1 << 25,
}

/// Kinds of evidence.
pub(super) const MARKS: usize = 26;

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// Its kind.
    pub mark: Mark,
    /// The deciding frame.
    pub cite: Cite,
    /// What it is called: kind of secret, protocol version.
    pub what: Cow<'static, str>,
    /// Who or what it concerns, as bytes from the wire, shortened; never a secret.
    pub value: Box<[u8]>,
    /// Length of the secret, bytes.
    pub length: usize,
    /// What of a device it describes.
    pub kind: Option<IdentityKind>,
}
