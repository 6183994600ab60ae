//! QUIC's Initial packets (RFC 9000 §17.2.2) are encrypted with keys that follow from a connection
//! ID in the open (RFC 9001 §5.2), so that anyone on the path reads the hellos: the keys, and the
//! removal of both protections. Version 2 (RFC 9369 §3.3) and drafts differ in salt and labels.

use crate::base::bytes::Reader;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey, quic};
use ring::hkdf::{HKDF_SHA256, KeyType, Prk, Salt};

/// How the keys follow from a connection ID; `None` for versions without known Initial keys.
fn salt(version: u32) -> Option<[u8; 20]> {
    Some(match version {
        // RFC 9001 §5.2.
        1 | 0xff00_0021..=0xff00_0022 => {
            *b"\
            \x38\x76\x2c\xf7\xf5\x59\x34\xb3\x4d\x17\x9a\xe6\xa4\xc8\x0c\xad\xcc\xbb\x7f\x0a"
        }
        // RFC 9369 §3.3.1.
        0x6b33_43cf => {
            *b"\
            \x0d\xed\xe3\xde\xf7\x00\xa6\xdb\x81\x93\x81\xbe\x6e\x26\x9d\xcb\xf9\xbd\x2e\xd9"
        }
        // draft-ietf-quic-tls-29 §5.2, to 32.
        0xff00_001d..=0xff00_0020 => {
            *b"\
            \xaf\xbf\xec\x28\x99\x93\xd2\x4c\x9e\x97\x86\xf1\x9c\x61\x11\xe0\x43\x90\xa8\x99"
        }
        // draft-ietf-quic-tls-23 §5.2, to 28, and what Facebook built on it.
        0xff00_0017..=0xff00_001c | 0xface_b002 | 0xface_b00e => {
            *b"\
            \xc3\xee\xf7\x12\xc7\x2e\xbb\x5a\x11\xa7\xd2\x43\x2b\xb4\x63\x65\xbe\xf9\xf5\x02"
        }
        // draft-ietf-quic-tls-21 §5.2, to 22.
        0xff00_0015..=0xff00_0016 | 0xface_b001 => {
            *b"\
            \x7f\xbc\xdb\x0e\x7c\x66\xbb\xe9\x19\x3a\x96\xcd\x21\x51\x9e\xbd\x7a\x02\x64\x4a"
        }
        // Google's T050 and T051, which have TLS inside.
        0x5430_3530 => {
            *b"\
            \x7f\xf5\x79\xe5\xac\xd0\x72\x91\x55\x80\x30\x4c\x43\xa2\x36\x7c\x60\x48\x83\x10"
        }
        0x5430_3531 => {
            *b"\
            \x7a\x4e\xde\xf4\xe7\xcc\xee\x5f\xa4\x50\x6c\x19\x12\x4f\xc8\xcc\xda\x6e\x03\x3d"
        }
        _ => return None,
    })
}

/// Labels of key, initialisation vector and header protection (RFC 9001 §5.1, RFC 9369 §3.3.2).
fn labels(version: u32) -> [&'static [u8]; 3] {
    if version == 0x6b33_43cf {
        [b"quicv2 key", b"quicv2 iv", b"quicv2 hp"]
    } else {
        [b"quic key", b"quic iv", b"quic hp"]
    }
}

/// Opens the Initial packets of one side.
pub struct Keys {
    key: LessSafeKey,
    vector: [u8; 12],
    header: quic::HeaderProtectionKey,
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// RFC 8446 §7.1 without context.
fn expand<const N: usize>(secret: &Prk, label: &[u8]) -> Option<[u8; N]> {
    let head = [0, N as u8, 6 + label.len() as u8];
    let info: [&[u8]; 4] = [&head, b"tls13 ", label, &[0]];
    let mut out = [0; N];
    secret.expand(&info, Length(N)).ok()?.fill(&mut out).ok()?;
    Some(out)
}

impl Keys {
    /// Versions whose keys may be those of `version`: one that only asks for negotiation (RFC 9000
    /// §15) is sealed with those of the version that the client really speaks.
    #[must_use]
    pub fn versions(version: u32) -> [u32; 2] {
        if version & 0x0f0f_0f0f == 0x0a0a_0a0a { [1, 0xff00_001d] } else { [version, 0] }
    }

    /// The keys of client and server that follow from the destination connection ID of the
    /// client's first packet.
    #[must_use]
    pub fn pair(version: u32, connection_id: &[u8]) -> Option<[Keys; 2]> {
        let secret = Salt::new(HKDF_SHA256, &salt(version)?).extract(connection_id);
        Some([Keys::of(&secret, b"client in", version)?, Keys::of(&secret, b"server in", version)?])
    }

    fn of(secret: &Prk, side: &[u8], version: u32) -> Option<Keys> {
        let secret = Prk::new_less_safe(HKDF_SHA256, &expand::<32>(secret, side)?);
        let [key, vector, header] = labels(version);
        let key: [u8; 16] = expand(&secret, key)?;
        let header: [u8; 16] = expand(&secret, header)?;
        Some(Keys {
            key: LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).ok()?),
            vector: expand(&secret, vector)?,
            header: quic::HeaderProtectionKey::new(&quic::AES_128, &header).ok()?,
        })
    }

    /// The frames in a packet; `None` where it is sealed with other keys. `packet` ends where its
    /// length says, `number_at` is where the packet number begins.
    #[must_use]
    pub fn open(&self, packet: &[u8], number_at: usize) -> Option<Vec<u8>> {
        // As if the number had four bytes (RFC 9001 §5.4.2).
        let sample = packet.get(number_at + 4..number_at + 4 + 16)?;
        let mask = self.header.new_mask(sample).ok()?;
        let first = packet.first()? ^ mask[0] & 0x0f;
        let length = usize::from(first & 3) + 1;
        let mut head = packet.get(..number_at + length)?.to_vec();
        head[0] = first;
        let mut nonce = self.vector;
        for at in 0..length {
            head[number_at + at] ^= mask[1 + at];
            // The number stands at the end of the nonce (RFC 9001 §5.3); an Initial's is small, so
            // that its cut form is the whole (RFC 9000 §17.1).
            nonce[12 - length + at] ^= head[number_at + at];
        }
        let mut body = packet.get(number_at + length..)?.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        let frames = self.key.open_in_place(nonce, Aad::from(&head), &mut body).ok()?.len();
        body.truncate(frames);
        Some(body)
    }
}

/// PADDING frames that are passed over together.
const PADDING: [u8; 16] = [0; 16];

/// Variable-length integer (RFC 9000 §16).
pub fn number(reader: &mut Reader<'_>) -> Option<u64> {
    let first = reader.u8()?;
    let mut value = u64::from(first & 0x3f);
    for _ in 1..1 << (first >> 6) {
        value = value << 8 | u64::from(reader.u8()?);
    }
    Some(value)
}

/// Hands out each piece of the handshake in the frames of an Initial packet with its offset. Only
/// a few frames may stand there (RFC 9000 §17.2.2); an unknown one ends the reading.
pub fn crypto(frames: &[u8], visit: &mut dyn FnMut(usize, &[u8])) -> Option<()> {
    let mut reader = Reader::new(frames);
    while let Some(kind) = reader.u8() {
        match kind {
            // PADDING, a thousand bytes of it behind most hellos.
            0 => {
                let words = reader.rest().chunks_exact(PADDING.len());
                let padding = words.take_while(|&word| word == PADDING).count();
                reader.skip(padding * PADDING.len())?;
            }
            // PING; 7 is Google's, as is 8 below.
            1 | 7 => {}
            // ACK, with counts of congestion marks in the second form (RFC 9000 §19.3).
            2 | 3 => {
                number(&mut reader)?;
                number(&mut reader)?;
                let ranges = number(&mut reader)?;
                number(&mut reader)?;
                for _ in 0..ranges {
                    number(&mut reader)?;
                    number(&mut reader)?;
                }
                for _ in 0..if kind == 3 { 3 } else { 0 } {
                    number(&mut reader)?;
                }
            }
            // CRYPTO (RFC 9000 §19.6).
            6 | 8 => {
                let offset = usize::try_from(number(&mut reader)?).ok()?;
                let length = usize::try_from(number(&mut reader)?).ok()?;
                visit(offset, reader.take(length)?);
            }
            _ => return None,
        }
    }
    Some(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Seals frames as [`Keys::open`] opens them, with a packet number of two bytes.
    pub fn seal(keys: &Keys, mut head: Vec<u8>, packet_number: u16, frames: &[u8]) -> Vec<u8> {
        let number_at = head.len();
        head.extend(packet_number.to_be_bytes());
        let mut nonce = keys.vector;
        nonce[10] ^= head[number_at];
        nonce[11] ^= head[number_at + 1];
        let mut body = frames.to_vec();
        let nonce = Nonce::assume_unique_for_key(nonce);
        keys.key.seal_in_place_append_tag(nonce, Aad::from(&head), &mut body).expect("sealed");
        let mask = keys.header.new_mask(&body[2..18]).expect("16 bytes");
        head[0] ^= mask[0] & 0x0f;
        head[number_at] ^= mask[1];
        head[number_at + 1] ^= mask[2];
        [head, body].concat()
    }

    fn bytes(text: &str) -> Vec<u8> {
        (0..text.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&text[at..at + 2], 16).expect("hex"))
            .collect()
    }

    /// The server's Initial of RFC 9001 appendix A.3.
    #[test]
    fn opens_the_packet_of_the_document() {
        let first = "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a5816b6394100\
            f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c\
            73cc3f3bded74b562bfb19fb84022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4\
            2158407dd074ee";
        let packet = bytes(first);
        let id = bytes("8394c8f03e515708");
        let [client, server] = Keys::pair(1, &id).expect("keys");
        let number_at = 18;
        let frames = server.open(&packet, number_at).expect("the right keys");
        let mut found = Vec::new();
        assert_eq!(
            crypto(&frames, &mut |at, data| found.push((at, data[0], data.len()))),
            Some(())
        );
        assert_eq!(found, [(0, 2, 90)]);
        assert!(client.open(&packet, number_at).is_none());
        let [_, other] = Keys::pair(0x6b33_43cf, &id).expect("keys");
        assert!(other.open(&packet, number_at).is_none());
        for cut in 0..packet.len() {
            assert!(server.open(&packet[..cut], number_at).is_none());
        }
    }

    #[test]
    fn the_second_version_has_keys_of_its_own() {
        let id = bytes("8394c8f03e515708");
        let secret = Salt::new(HKDF_SHA256, &salt(0x6b33_43cf).expect("known")).extract(&id);
        let client =
            Prk::new_less_safe(HKDF_SHA256, &expand::<32>(&secret, b"client in").expect("32"));
        // RFC 9369 appendix A.1.
        let key = expand::<16>(&client, b"quicv2 key").expect("16").to_vec();
        assert_eq!(key, bytes("8b1a0bc121284290a29e0971b5cd045d"));
    }
}
