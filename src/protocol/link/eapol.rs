//! EAP over LAN, ethertype 888E: who joins a network that asks for a name tells it readable, before
//! anything is encrypted.
//!
//! Documents: IEEE 802.1X-2020 §11; RFC 3748 §4 and §5.1 (EAP).
//! Bounds: one frame at a time; nothing is kept. Handshakes of keys say nothing here.

use super::super::IdentityKind;
use super::{Say, text};

const EAP_PACKET: u8 = 0;
const RESPONSE: u8 = 2;
const IDENTITY: u8 = 1;
/// Code, identifier, length, type.
const EAP_HEADER_BYTES: usize = 5;

/// Reads an answer to the question who somebody is.
pub fn read(frame: &[u8], say: &mut Say<'_>) {
    let [1..=3, EAP_PACKET, _, _, packet @ ..] = frame else { return };
    let &[RESPONSE, _, high, low, IDENTITY, ..] = packet else { return };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if let Some(who) = packet.get(EAP_HEADER_BYTES..length) {
        text(IdentityKind::Account, "eap.identity", who, say);
    }
}

#[cfg(test)]
mod tests {
    use super::super::{holds_when_cut, said};
    use super::*;

    const ANSWER: &[u8] = b"\x01\0\0\x0d\x02\x07\0\x0d\x01cam@city\0\0\0\0";

    #[test]
    fn an_answer_names_who_joins() {
        let expected = [(IdentityKind::Account, "eap.identity", b"cam@city".to_vec())];
        assert_eq!(said(read, ANSWER), expected);
        holds_when_cut(read, ANSWER);
        // A question, another method, and a key.
        for (at, value) in [(4, 1), (8, 4), (1, 3)] {
            let mut other = ANSWER.to_vec();
            other[at] = value;
            assert!(said(read, &other).is_empty());
        }
    }
}
