//! ThroughTek (TUTK, Kalay): the relay network inside the cameras of many brands, UDP on any port.
//! All bytes pass a fixed shuffle that is the same everywhere, so the device's id can be read by
//! anyone who undoes it. In each block of 16 bytes, words are rotated left, put into an order of
//! bytes, masked with a fixed text and rotated again.
//!
//! Documents: AlexxIT/go2rtc (pkg/tutk: crypto.go, session0.go, conn.go).
//!
//! Fixed, once undone: `04 02`, a version, a stage, a length that holds exactly: 40 bits. Undoing
//! costs a block a datagram, so only lengths that occur are tried.
//! Bounds: one datagram at a time; those of `framed.rs`.

use super::super::syntax::framed::{
    Demand, Framed, Grammar, Message, Size, Voice, is_printable, probe, u16_le,
};
use super::super::{Content, Dissector, Next, Over, Prefix, Probe, Session};
use crate::flow::Flow;

/// ThroughTek.
pub struct Tutk;

const BLOCK: usize = 16;
const HEADER_BYTES: usize = 16;
/// Letters and digits of a device's id.
const ID_BYTES: usize = 20;
/// What every message begins with.
const MARK: [u8; 2] = [4, 2];
/// What every block is masked with.
const TEXT: &[u8; 32] = b"Charlie is the designer of P2P!!";
/// Where each byte of a block comes from.
const ORDER: [usize; BLOCK] = [11, 9, 8, 15, 13, 10, 12, 14, 2, 1, 5, 0, 6, 4, 7, 3];

impl Dissector for Tutk {
    fn name(&self) -> &'static str {
        "tutk"
    }

    fn rule(&self) -> &'static str {
        "04 02 and a length once the shuffle is undone"
    }

    fn content(&self) -> Content {
        Content::Unknown
    }

    fn over(&self) -> Over {
        Over::Udp
    }

    fn probe(&self, flow: &Flow, seen: &Prefix<'_>) -> Probe {
        probe(flow, seen, size, Demand::One)
    }

    fn start(&self, _: &Flow) -> Box<dyn Session> {
        Framed::start(Messages)
    }
}

fn undo_block(block: &[u8; BLOCK]) -> [u8; BLOCK] {
    let words = [0, 1, 2, 3].map(|at| undo_word(block, at));
    std::array::from_fn(|at| words[at / 4][at % 4])
}

/// One of the four words of a block. Words are rotated by four bits more each.
fn undo_word(block: &[u8; BLOCK], at: usize) -> [u8; 4] {
    let by = |first: u32, at: usize| first + 4 * at as u32;
    let ordered: [u8; 4] = std::array::from_fn(|byte| {
        let from = ORDER[4 * at + byte];
        let word = from / 4 * 4;
        let word = [block[word], block[word + 1], block[word + 2], block[word + 3]];
        let rotated = u32::from_le_bytes(word).rotate_left(by(3, from / 4));
        rotated.to_le_bytes()[from % 4] ^ TEXT[4 * at + byte]
    });
    u32::from_le_bytes(ordered).rotate_left(by(1, at)).to_le_bytes()
}

fn undo(bytes: &[u8], at: usize) -> Option<[u8; BLOCK]> {
    bytes.get(at..)?.first_chunk().map(undo_block)
}

fn size(datagram: &[u8]) -> Size {
    // No message is longer than a packet of Ethernet.
    if !(HEADER_BYTES..=1500).contains(&datagram.len()) {
        return Size::Broken;
    }
    let Some(block) = datagram.first_chunk() else {
        return Size::Broken;
    };
    // Nearly all that are asked about are another's, and the first word says so.
    if undo_word(block, 0)[..2] != MARK {
        return Size::Broken;
    }
    let head = undo_block(block);
    let length = u16_le(&head, 4).unwrap_or_default();
    let fits =
        (0x10..=0x20).contains(&head[2]) && usize::from(length) == datagram.len() - HEADER_BYTES;
    if fits { Size::Whole(datagram.len()) } else { Size::Broken }
}

struct Messages;

impl Grammar for Messages {
    fn size(&self, start: &[u8]) -> Size {
        size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let Some(head) = undo(message.bytes, 0) else {
            return Next::More;
        };
        let command = format!("{:02x}{:02x}{:02x}", head[8], head[9], head[10]);
        voice.note("tutk.command", command.as_bytes());
        voice.relay("tutk.p2p", b"peer-to-peer service");
        // Behind the header the id fills a block and a part of the next one.
        let (Some(one), Some(two)) = (undo(message.bytes, BLOCK), undo(message.bytes, 2 * BLOCK))
        else {
            return Next::More;
        };
        let id = [&one[..], &two[..ID_BYTES - BLOCK]].concat();
        if is_printable(&id) && id.iter().all(u8::is_ascii_alphanumeric) {
            voice.note("tutk.uid", &id);
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{converse_datagrams, converse_datagrams_here, flow, values};
    use super::*;
    use crate::flow::Side;
    use crate::protocol::UDP;

    fn shuffle(block: [u8; BLOCK]) -> [u8; BLOCK] {
        let back = |block: [u8; BLOCK], by: u32| {
            let mut out = block;
            for (at, word) in out.chunks_exact_mut(4).enumerate() {
                let value = u32::from_le_bytes([word[0], word[1], word[2], word[3]]);
                word.copy_from_slice(&value.rotate_right(by + 4 * at as u32).to_le_bytes());
            }
            out
        };
        let masked = back(block, 1);
        let mut out = [0; BLOCK];
        for at in 0..BLOCK {
            out[ORDER[at]] = masked[at] ^ TEXT[at];
        }
        back(out, 3)
    }

    #[test]
    fn the_shuffle_is_undone_and_the_id_read() {
        let mut plain = [0; 64];
        plain[..12].copy_from_slice(b"\x04\x02\x19\x02\x30\0\0\0\x01\x06\x21\0");
        plain[16..36].copy_from_slice(b"TESTTESTTESTTEST1111");
        let wire: Vec<u8> =
            plain.chunks(BLOCK).flat_map(|block| shuffle(block.try_into().unwrap())).collect();
        let (label, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &[(Side::Low, &wire)]);
        assert_eq!(label.protocol, "tutk");
        assert_eq!(values(&said, "tutk.uid"), [b"TESTTESTTESTTEST1111"]);
        assert_eq!(values(&said, "tutk.command"), [b"010621"]);
        plain[9] = 7;
        let second: Vec<u8> =
            plain.chunks(BLOCK).flat_map(|block| shuffle(block.try_into().unwrap())).collect();
        let pieces = [(Side::Low, &wire[..]), (Side::Low, &second)];
        let (_, said) = converse_datagrams(&flow(UDP, 50_000, 5_123), &pieces);
        assert_eq!(values(&said, "tutk.command"), [b"010621", b"010721"]);
        let (label, _) =
            converse_datagrams_here(&flow(UDP, 1, 10_001), &[(Side::Low, &wire[..48])]);
        assert_ne!(label.protocol, "tutk", "its length does not hold");
    }
}
