//! The hellos with which TLS begins, as TLS, DTLS and QUIC carry them (RFC 5246 §7.4.1, RFC 8446
//! §4.1, RFC 6347 §4.2.1): what a client offers and what a server takes of it. A hello that is
//! damaged half-way is read up to there. Nothing is kept: everything is lent from the message.

use super::cipher;
use super::ja::Fingerprint;
use super::known::Known;
use crate::base::bytes::Reader;
use crate::protocol::{
    Fact, FingerprintKind, IdentityKind, NameKind, Offer, Subject, Weakness, What,
};
use std::sync::Arc;

/// What carries the hello; it stands first in a JA4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// TLS over TCP.
    Tcp,
    /// DTLS, over datagrams.
    Datagrams,
    /// QUIC.
    Quic,
}

/// Most extensions, values of one list and application protocols looked at; real hellos have about
/// twenty of each.
const LIST_MAX: usize = 512;
/// Room for the extensions of a usual hello.
const MOSTLY_AT_MOST: usize = 24;
/// Most application protocols said of one hello.
const ALPN_SAID_MAX: usize = 16;

mod extension {
    pub const SERVER_NAME: u16 = 0;
    pub const GROUPS: u16 = 10;
    pub const POINT_FORMATS: u16 = 11;
    pub const SIGNATURES: u16 = 13;
    pub const ALPN: u16 = 16;
    pub const TICKET: u16 = 35;
    pub const PSK: u16 = 41;
    pub const VERSIONS: u16 = 43;
    pub const KEY_SHARES: u16 = 51;
    pub const ENCRYPTED_HELLO: u16 = 0xfe0d;
}

/// Values that mean nothing and keep the other side used to unknown ones (RFC 8701 §2).
#[inline]
#[must_use]
pub fn is_grease(value: u16) -> bool {
    value & 0x0f0f == 0x0a0a && value >> 8 == value & 0xff
}

/// What a client offers; lists as they were sent, GREASE included.
#[derive(Debug, Default)]
pub struct ClientHello<'a> {
    /// The version before there was an extension for it.
    pub version: u16,
    /// Cipher suites.
    pub ciphers: Vec<u16>,
    /// Extensions, by number.
    pub extensions: Vec<u16>,
    /// Key exchange groups (RFC 8446 §4.2.7).
    pub groups: Vec<u16>,
    /// Formats of points (RFC 8422 §5.1.2).
    pub point_formats: &'a [u8],
    /// Signature algorithms (RFC 8446 §4.2.3).
    pub signatures: Vec<u16>,
    /// Versions (RFC 8446 §4.2.1).
    pub versions: Vec<u16>,
    /// Application protocols (RFC 7301 §3.1).
    pub alpn: Vec<&'a [u8]>,
    /// The server's name (RFC 6066 §3).
    pub server_name: Option<&'a [u8]>,
    /// Groups for which a key was sent along (RFC 8446 §4.2.8).
    pub key_shares: Vec<u16>,
    /// A hello is encrypted inside (RFC 9849), or seems to be: clients send the like of it without.
    pub encrypted_hello: bool,
    /// Resumption is offered by a key of an earlier session (RFC 8446 §4.2.11).
    pub psk: bool,
    /// Resumption is offered by a ticket (RFC 5077).
    pub ticket: bool,
    /// Resumption may be meant by a session identifier (RFC 5246 §7.4.1.2).
    pub session: bool,
}

impl<'a> ClientHello<'a> {
    /// Reads the body of a ClientHello message; `None` unless it holds the cipher suites.
    #[must_use]
    pub fn read(body: &'a [u8], carrier: Carrier) -> Option<ClientHello<'a>> {
        let mut reader = Reader::new(body);
        let mut hello = ClientHello { version: reader.u16()?, ..ClientHello::default() };
        reader.skip(32)?;
        hello.session = !reader.nested_u8()?.is_empty();
        if carrier == Carrier::Datagrams {
            // The cookie (RFC 6347 §4.2.1).
            reader.nested_u8()?;
        }
        hello.ciphers = numbers(reader.nested_u16()?);
        if reader.nested_u8().is_some() {
            let _ = hello.read_extensions(&mut reader);
        }
        Some(hello)
    }

    /// A hello in the form of SSL 2.0 (RFC 5246 appendix E.2), behind its record's length. Three
    /// bytes a cipher; those of SSL 2.0 itself begin with something else than 0.
    #[must_use]
    pub fn read_old(body: &'a [u8]) -> Option<ClientHello<'a>> {
        let mut reader = Reader::new(body);
        reader.skip(1)?;
        let version = reader.u16()?;
        let length = reader.u16()?;
        reader.skip(4)?;
        let ciphers = reader.take(usize::from(length))?;
        let new = ciphers.chunks_exact(3).filter(|cipher| cipher[0] == 0);
        let ciphers = new.map(|cipher| u16::from_be_bytes([cipher[1], cipher[2]]));
        Some(ClientHello { version, ciphers: ciphers.collect(), ..ClientHello::default() })
    }

    fn read_extensions(&mut self, reader: &mut Reader<'a>) -> Option<()> {
        let mut extensions = reader.nested_u16()?;
        self.extensions.reserve(MOSTLY_AT_MOST);
        while let Some(kind) = extensions.u16() {
            let mut content = extensions.nested_u16()?;
            if self.extensions.len() == LIST_MAX {
                return None;
            }
            self.extensions.push(kind);
            let _ = self.read_extension(kind, &mut content);
        }
        Some(())
    }

    fn read_extension(&mut self, kind: u16, content: &mut Reader<'a>) -> Option<()> {
        match kind {
            extension::SERVER_NAME => {
                // A list, of which only host_name (0) exists.
                let mut list = content.nested_u16()?;
                if list.u8()? == 0 {
                    self.server_name = Some(list.nested_u16()?.rest());
                }
            }
            extension::GROUPS => self.groups = numbers(content.nested_u16()?),
            extension::POINT_FORMATS => self.point_formats = content.nested_u8()?.rest(),
            extension::SIGNATURES => self.signatures = numbers(content.nested_u16()?),
            extension::ALPN => self.alpn = protocols(content),
            extension::TICKET => self.ticket = !content.is_empty(),
            extension::PSK => self.psk = true,
            extension::VERSIONS => self.versions = numbers(content.nested_u8()?),
            extension::KEY_SHARES => {
                let mut list = content.nested_u16()?;
                while let (Some(group), Some(_)) = (list.u16(), list.nested_u16()) {
                    if self.key_shares.len() < LIST_MAX {
                        self.key_shares.push(group);
                    }
                }
            }
            extension::ENCRYPTED_HELLO => self.encrypted_hello = content.u8()? == 0,
            _ => {}
        }
        Some(())
    }

    /// Says everything of interest, the name first.
    pub fn say(
        &self,
        carrier: Carrier,
        frame: u64,
        known: Option<&Known>,
        say: &mut dyn FnMut(Fact<'_>),
    ) {
        let server_name = self.server_name.filter(|name| !name.is_empty());
        if let Some(value) = server_name {
            // Whether a hello is inside or only the like of one, nobody on the path can tell.
            let (kind, name) = match self.encrypted_hello {
                true => (NameKind::SniOuter, "tls.sni_outer"),
                false => (NameKind::Sni, "tls.sni"),
            };
            say(Fact { what: What::Name(kind), name, value, frame });
        }
        for &value in self.alpn.iter().take(ALPN_SAID_MAX) {
            say(Fact { what: What::Alpn { settled: false }, name: "tls.alpn", value, frame });
        }
        let mut fingerprint = |kind, name, value: &str| {
            let what = What::Fingerprint(kind);
            say(Fact { what, name, value: value.as_bytes(), frame });
        };
        let of_client = match known {
            Some(known) => known.fingerprint(self, carrier),
            None => Arc::new(Fingerprint::of(self, carrier)),
        };
        fingerprint(FingerprintKind::Ja3, "tls.ja3", &of_client.ja3);
        fingerprint(FingerprintKind::Ja4, "tls.ja4", &of_client.ja4);
        let mut note = |name, value: &str| {
            say(Fact { what: What::Note, name, value: value.as_bytes(), frame });
        };
        let versions: Vec<_> =
            self.versions.iter().filter(|&&version| !is_grease(version)).collect();
        if !versions.is_empty() {
            let names: Vec<_> = versions.iter().map(|&&version| version_name(version)).collect();
            note("tls.offered_versions", &names.join(", "));
        }
        if let Some(by) = self.resumption() {
            note("tls.resumption_offered", by);
        }
        let mut offers = |offer, name, value: &[u8]| {
            say(Fact { what: What::Offers(offer), name, value, frame });
        };
        for group in self.key_shares.iter().filter_map(|&group| cipher::post_quantum(group)) {
            offers(Offer::PostQuantum, "tls.post_quantum", group.as_bytes());
        }
        if self.encrypted_hello {
            offers(Offer::EncryptedHello, "tls.ech_offered", server_name.unwrap_or_default());
        }
    }

    /// By what an earlier session is to be taken up. With TLS 1.3 a session identifier is sent for
    /// the looks of it only (RFC 8446 appendix D.4).
    fn resumption(&self) -> Option<&'static str> {
        match self {
            ClientHello { psk: true, .. } => Some("psk"),
            ClientHello { ticket: true, .. } => Some("ticket"),
            ClientHello { session: true, versions, .. } if versions.is_empty() => {
                Some("session id")
            }
            _ => None,
        }
    }
}

/// What a server takes.
#[derive(Debug, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// The version both sides settled on.
    pub version: u16,
    /// The cipher suite.
    pub cipher: u16,
    /// The application protocol, where it is said readable.
    pub alpn: Option<&'a [u8]>,
    /// The client is asked to begin again (RFC 8446 §4.1.4).
    pub retry: bool,
}

/// The random value that makes a ServerHello a request to begin again (RFC 8446 §4.1.3), its
/// first bytes.
const RETRY: [u8; 8] = [0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11];

impl<'a> ServerHello<'a> {
    /// Reads the body of a ServerHello message.
    #[must_use]
    pub fn read(body: &'a [u8]) -> Option<ServerHello<'a>> {
        let mut reader = Reader::new(body);
        let version = reader.u16()?;
        let retry = reader.take(32)?.starts_with(&RETRY);
        // The drafts of TLS 1.3 up to 21 had no session identifier here, nor compression.
        let draft = version & 0xff00 == 0x7f00;
        if !draft {
            reader.nested_u8()?;
        }
        let cipher = reader.u16()?;
        let mut hello = ServerHello { version, cipher, alpn: None, retry };
        if !draft {
            reader.skip(1)?;
        }
        if let Some(mut extensions) = reader.nested_u16() {
            while let (Some(kind), Some(mut content)) = (extensions.u16(), extensions.nested_u16())
            {
                match kind {
                    extension::VERSIONS => hello.version = content.u16().unwrap_or(version),
                    extension::ALPN => hello.alpn = protocols(&mut content).first().copied(),
                    _ => {}
                }
            }
        }
        Some(hello)
    }

    /// Says version, cipher suite and application protocol.
    pub fn say(&self, frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
        let value = version_name(self.version);
        let what = What::Encryption { deprecated: is_deprecated(self.version) };
        say(Fact { what, name: "tls.version", value: value.as_bytes(), frame });
        let cipher = cipher::name(self.cipher);
        say(Fact { what: What::Note, name: "tls.cipher", value: cipher.as_bytes(), frame });
        let weak = cipher::weak(self.cipher).map(|why| (Weakness::Cipher, why));
        let fixed = cipher::without_forward_secrecy(self.cipher);
        let weak = weak.or(fixed.map(|why| (Weakness::NoForwardSecrecy, why)));
        if let Some((weakness, why)) = weak {
            let value = format!("{cipher}: {why}");
            let what = What::Weak(weakness);
            say(Fact { what, name: "tls.weak_cipher", value: value.as_bytes(), frame });
        }
        if let Some(value) = self.alpn {
            say(Fact { what: What::Alpn { settled: true }, name: "tls.alpn", value, frame });
        }
    }
}

/// Says the name of the key that both sides had before (RFC 4279 §2; the other three ways to exchange
/// keys with one begin alike). It is sent readable, and tells a device from others.
pub fn say_key_name(body: &[u8], frame: u64, say: &mut dyn FnMut(Fact<'_>)) {
    let mut reader = Reader::new(body);
    let length = reader.u16().map(usize::from);
    let Some(value) = length.and_then(|length| reader.take(length)).filter(|n| !n.is_empty())
    else {
        return;
    };
    let what = What::Identity { subject: Subject::Sender, kind: IdentityKind::DeviceId };
    say(Fact { what, name: "tls.psk_identity", value, frame });
}

/// The name of a version; DTLS counts downwards (RFC 6347 §4.1).
#[must_use]
pub fn version_name(version: u16) -> &'static str {
    match version {
        0x0002 => "SSL 2.0",
        0x0300 => "SSL 3.0",
        0x0301 => "TLS 1.0",
        0x0302 => "TLS 1.1",
        0x0303 => "TLS 1.2",
        0x0304 | 0x7f00..=0x7fff => "TLS 1.3",
        0xfeff => "DTLS 1.0",
        0xfefd => "DTLS 1.2",
        0xfefc => "DTLS 1.3",
        _ => "TLS of an unknown version",
    }
}

/// RFC 8996 deprecates TLS 1.0, TLS 1.1 and DTLS 1.0, RFC 7568 SSL 3.0, RFC 6176 SSL 2.0.
fn is_deprecated(version: u16) -> bool {
    version <= 0x0302 || version == 0xfeff
}

fn numbers(list: Reader<'_>) -> Vec<u16> {
    let pairs = list.rest().chunks_exact(2).take(LIST_MAX);
    pairs.map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect()
}

fn protocols<'a>(content: &mut Reader<'a>) -> Vec<&'a [u8]> {
    let mut names = Vec::new();
    let Some(mut list) = content.nested_u16() else {
        return names;
    };
    while let Some(name) = list.nested_u8() {
        if !name.is_empty() && names.len() < LIST_MAX {
            names.push(name.rest());
        }
    }
    names
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    fn short(n: usize) -> [u8; 2] {
        (n as u16).to_be_bytes()
    }

    /// An extension of a hello.
    pub fn extension(kind: u16, content: &[u8]) -> Vec<u8> {
        [&kind.to_be_bytes()[..], &short(content.len()), content].concat()
    }

    /// The server_name extension.
    pub fn server_name(name: &[u8]) -> Vec<u8> {
        let entry = [&[0][..], &short(name.len()), name].concat();
        extension(0, &[&short(entry.len())[..], &entry].concat())
    }

    /// The body of a ClientHello; `cookie` is where DTLS has one.
    pub fn client_hello(ciphers: &[u16], cookie: Option<&[u8]>, extensions: &[u8]) -> Vec<u8> {
        let mut body = if cookie.is_some() { vec![0xfe, 0xfd] } else { vec![3, 3] };
        body.extend([7; 32]);
        body.push(0);
        if let Some(cookie) = cookie {
            body.push(cookie.len() as u8);
            body.extend(cookie);
        }
        body.extend(short(ciphers.len() * 2));
        body.extend(ciphers.iter().flat_map(|cipher| cipher.to_be_bytes()));
        body.extend([1, 0]);
        body.extend(short(extensions.len()));
        body.extend(extensions);
        body
    }

    fn said(hello: &ClientHello<'_>) -> Vec<(&'static str, String)> {
        let mut all = Vec::new();
        hello.say(Carrier::Tcp, 1, None, &mut |fact| {
            all.push((fact.name, String::from_utf8_lossy(fact.value).into_owned()));
        });
        all
    }

    #[test]
    fn reads_what_is_offered() {
        let extensions = [
            extension(0x1a1a, &[]),
            server_name(b"api.example"),
            extension(16, b"\0\x0c\x02h2\x08http/1.1"),
            extension(43, &[6, 0xfa, 0xfa, 3, 4, 3, 3]),
            extension(51, &[0, 10, 0x11, 0xec, 0, 1, 9, 0, 29, 0, 1, 9]),
            extension(0xfe0d, &[0, 1]),
            extension(41, &[1]),
        ];
        let body = client_hello(&[0x1301], None, &extensions.concat());
        let hello = ClientHello::read(&body, Carrier::Tcp).expect("a hello");
        let said = said(&hello);
        let of = |name| said.iter().filter(move |said| said.0 == name).map(|said| &said.1[..]);
        assert_eq!(said[0], ("tls.sni_outer", "api.example".to_owned()));
        assert_eq!(of("tls.alpn").collect::<Vec<_>>(), ["h2", "http/1.1"]);
        assert_eq!(of("tls.offered_versions").collect::<Vec<_>>(), ["TLS 1.3, TLS 1.2"]);
        assert_eq!(of("tls.post_quantum").collect::<Vec<_>>(), ["X25519MLKEM768"]);
        assert_eq!(of("tls.resumption_offered").collect::<Vec<_>>(), ["psk"]);
        assert_eq!(of("tls.ech_offered").collect::<Vec<_>>(), ["api.example"]);
    }

    #[test]
    fn a_damaged_hello_is_read_up_to_the_damage() {
        let extensions = [server_name(b"api.example"), vec![0, 16, 0, 99, 1]];
        let body = client_hello(&[0x1301], None, &extensions.concat());
        let hello = ClientHello::read(&body, Carrier::Tcp).expect("a hello");
        assert_eq!(hello.server_name, Some(&b"api.example"[..]));
        for cut in 0..body.len() {
            let hello = ClientHello::read(&body[..cut], Carrier::Tcp);
            assert_eq!(hello.is_some(), cut >= 2 + 32 + 1 + 4, "{cut}");
        }
        assert!(ClientHello::read(&body, Carrier::Quic).is_some());
    }

    #[test]
    fn only_the_sixteen_are_grease() {
        let count = (0..=u16::MAX).filter(|&value| is_grease(value)).count();
        assert_eq!(count, 16);
        assert!(is_grease(0x0a0a) && is_grease(0xfafa) && !is_grease(0x0a1a));
    }

    #[test]
    fn a_server_takes_version_cipher_and_protocol() {
        let mut body = vec![3, 3];
        body.extend([9; 32]);
        body.extend([0, 0x13, 0x01, 0, 0, 15, 0, 43, 0, 2, 3, 4, 0, 16, 0, 5, 0, 3, 2, b'h', b'2']);
        let hello = ServerHello::read(&body).expect("a hello");
        let expected =
            ServerHello { version: 0x0304, cipher: 0x1301, alpn: Some(b"h2"), retry: false };
        assert_eq!(hello, expected);
        assert_eq!(ServerHello::read(&body[..38]).map(|hello| hello.version), Some(0x0303));
        assert_eq!(ServerHello::read(&body[..36]), None);
    }
}
