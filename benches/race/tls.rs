//! TLS as it looks on the wire: hellos that can be read, records that cannot.

use crate::random::Random;

/// Content types (RFC 8446 §5.1).
pub const HANDSHAKE: u8 = 22;
pub const APPLICATION_DATA: u8 = 23;

/// A record with this body, TLS 1.2 on the wire as in every version since.
pub fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind, 3, 3];
    out.extend((body.len() as u16).to_be_bytes());
    out.extend_from_slice(body);
    out
}

/// A record that hides `length` bytes.
pub fn sealed(length: usize, random: &mut Random) -> Vec<u8> {
    let mut out = vec![APPLICATION_DATA, 3, 3];
    out.extend((length as u16).to_be_bytes());
    random.extend(&mut out, length);
    out
}

/// What a Client Hello offers.
pub struct Offer<'a> {
    pub name: &'a str,
    pub alpn: &'a [&'a str],
    /// TLS 1.3 with its key share, else 1.2.
    pub newest: bool,
    /// Transport parameters: the hello travels in QUIC.
    pub quic: bool,
}

/// The handshake message, without a record around it (RFC 8446 §4.1.2).
pub fn client_hello(offer: &Offer<'_>, random: &mut Random) -> Vec<u8> {
    let mut body = vec![3, 3];
    random.extend(&mut body, 32);
    if offer.quic {
        body.push(0);
    } else {
        body.push(32);
        random.extend(&mut body, 32);
    }
    let suites: &[u16] = if offer.newest {
        &[0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8]
    } else {
        &[0xc02b, 0xc02f, 0xc02c, 0xc030, 0x009e, 0x009f, 0x002f, 0x0035]
    };
    sized(&mut body, 2, |body| suites.iter().for_each(|suite| body.extend(suite.to_be_bytes())));
    body.extend([1, 0]);
    sized(&mut body, 2, |body| extensions(offer, body, random));
    message(1, &body)
}

fn extensions(offer: &Offer<'_>, out: &mut Vec<u8>, random: &mut Random) {
    extension(out, 0, |out| {
        sized(out, 2, |out| {
            out.push(0);
            sized(out, 2, |out| out.extend(offer.name.bytes()));
        });
    });
    extension(out, 23, |_| {});
    extension(out, 10, |out| out.extend([0, 6, 0, 29, 0, 23, 0, 24]));
    extension(out, 11, |out| out.extend([1, 0]));
    extension(out, 13, |out| out.extend([0, 8, 4, 3, 8, 4, 4, 1, 2, 1]));
    if !offer.alpn.is_empty() {
        extension(out, 16, |out| {
            sized(out, 2, |out| {
                for protocol in offer.alpn {
                    sized(out, 1, |out| out.extend(protocol.bytes()));
                }
            });
        });
    }
    if offer.newest {
        extension(out, 43, |out| out.extend([4, 3, 4, 3, 3]));
        extension(out, 45, |out| out.extend([1, 1]));
        extension(out, 51, |out| {
            sized(out, 2, |out| {
                out.extend([0, 29]);
                sized(out, 2, |out| random.extend(out, 32));
            });
        });
    }
    if offer.quic {
        // max_idle_timeout and initial_max_data (RFC 9000 §18.2).
        extension(out, 57, |out| out.extend([1, 4, 0x80, 0, 0x75, 0x30, 4, 4, 0x80, 0x10, 0, 0]));
    }
}

/// The answer, without a record around it (RFC 8446 §4.1.3).
pub fn server_hello(newest: bool, random: &mut Random) -> Vec<u8> {
    let mut body = vec![3, 3];
    random.extend(&mut body, 32);
    body.push(32);
    random.extend(&mut body, 32);
    body.extend(if newest { [0x13, 0x01] } else { [0xc0, 0x2f] });
    body.push(0);
    sized(&mut body, 2, |out| {
        if newest {
            extension(out, 43, |out| out.extend([3, 4]));
            extension(out, 51, |out| {
                out.extend([0, 29]);
                sized(out, 2, |out| random.extend(out, 32));
            });
        } else {
            extension(out, 23, |_| {});
            extension(out, 0xff01, |out| out.push(0));
        }
    });
    message(2, &body)
}

/// A handshake message: type, 24-bit length, body.
pub fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    sized(&mut out, 3, |out| out.extend_from_slice(body));
    out
}

fn extension(out: &mut Vec<u8>, kind: u16, content: impl FnOnce(&mut Vec<u8>)) {
    out.extend(kind.to_be_bytes());
    sized(out, 2, content);
}

/// What `content` appends, behind its length in `width` bytes.
fn sized(out: &mut Vec<u8>, width: usize, content: impl FnOnce(&mut Vec<u8>)) {
    let at = out.len();
    out.resize(at + width, 0);
    content(out);
    let length = (out.len() - at - width) as u32;
    out[at..at + width].copy_from_slice(&length.to_be_bytes()[4 - width..]);
}
