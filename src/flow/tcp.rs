//! TCP connection state as Zeek names it: a state word for the whole connection and a history
//! of what was seen in which order, upper case for the initiator.

use super::Side;
use crate::decode::ip::flag;

/// What was seen of each side of a connection, in two bytes, since every packet looks at them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Connection {
    seen: [u8; 2],
}

/// In which order it was seen: four bits an event, the first lowest. The upper bit is the side,
/// the others are the event's place in `EVENTS`, from 1.
#[derive(Debug, Clone, Copy, Default)]
pub struct History(u64);

const SYN: u8 = 1;
const SYN_ACK: u8 = 2;
const ACK: u8 = 4;
const DATA: u8 = 8;
const FIN: u8 = 16;
const RST: u8 = 32;

/// In the order in which one segment shows them, with Zeek's letters.
const EVENTS: [(u8, char); 6] =
    [(SYN, 's'), (SYN_ACK, 'h'), (ACK, 'a'), (DATA, 'd'), (FIN, 'f'), (RST, 'r')];

/// Stands above all flags that are events.
const WITH_DATA: usize = 32;
/// What a segment with these flags shows, and, from [`WITH_DATA`] on, with payload: every segment asks.
const SHOWN: [u8; 2 * WITH_DATA] = {
    let mut all = [0; 2 * WITH_DATA];
    let mut at = 0;
    while at < all.len() {
        all[at] = shown((at % WITH_DATA) as u8, at >= WITH_DATA);
        at += 1;
    }
    all
};

const fn shown(flags: u8, has_data: bool) -> u8 {
    let opens = match (flags & flag::SYN != 0, flags & flag::ACK != 0) {
        (true, true) => SYN_ACK,
        (true, false) => SYN,
        (false, true) if !has_data => ACK,
        (false, _) => 0,
    };
    let data = if has_data { DATA } else { 0 };
    let fin = if flags & flag::FIN != 0 { FIN } else { 0 };
    let rst = if flags & flag::RST != 0 { RST } else { 0 };
    opens | data | fin | rst
}

impl Connection {
    /// Notes one segment; returns what is new of this side.
    #[inline]
    pub(super) fn note(&mut self, side: Side, flags: u8, has_data: bool) -> u8 {
        let at = usize::from(flags) % WITH_DATA + usize::from(has_data) * WITH_DATA;
        let fresh = SHOWN[at] & !self.seen[side.index()];
        self.seen[side.index()] |= fresh;
        fresh
    }

    fn saw(&self, side: Side, event: u8) -> bool {
        self.seen[side.index()] & event != 0
    }

    /// A SYN of `side` was seen.
    pub(super) fn saw_syn(&self, side: Side) -> bool {
        self.saw(side, SYN | SYN_ACK)
    }

    /// A FIN of `side` was seen.
    pub(super) fn saw_fin(&self, side: Side) -> bool {
        self.saw(side, FIN)
    }

    /// Both sides closed or one reset.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let both = self.seen[0] & self.seen[1];
        both & FIN != 0 || (self.seen[0] | self.seen[1]) & RST != 0
    }

    /// Both sides were heard after the handshake, or midstream.
    pub(super) fn is_established(&self) -> bool {
        let established = ACK | DATA;
        self.seen[0] & established != 0 && self.seen[1] & (established | SYN_ACK) != 0
            || self.seen[1] & established != 0 && self.seen[0] & (established | SYN_ACK) != 0
    }

    /// Zeek's `conn_state` (S0, S1, SF, REJ, S2, S3, RSTO, RSTR, RSTOS0, RSTRH, SH, SHR, OTH).
    #[must_use]
    pub fn state(&self, initiator: Side) -> &'static str {
        let responder = initiator.other();
        let begun = self.saw(initiator, SYN);
        let answered = self.saw(responder, SYN_ACK);
        match (begun, answered) {
            (false, false) => "OTH",
            (true, false) => {
                if self.saw(responder, RST) {
                    "REJ"
                } else if self.saw(initiator, RST) {
                    "RSTOS0"
                } else if self.saw(initiator, FIN) {
                    "SH"
                } else if self.seen[responder.index()] != 0 {
                    "OTH"
                } else {
                    "S0"
                }
            }
            (false, true) => {
                if self.saw(responder, RST) {
                    "RSTRH"
                } else if self.saw(responder, FIN) && self.seen[initiator.index()] == 0 {
                    "SHR"
                } else {
                    "OTH"
                }
            }
            (true, true) => match (
                self.saw(initiator, RST),
                self.saw(responder, RST),
                self.saw(initiator, FIN),
                self.saw(responder, FIN),
            ) {
                (true, _, _, _) => "RSTO",
                (_, true, _, _) => "RSTR",
                (_, _, true, true) => "SF",
                (_, _, true, false) => "S2",
                (_, _, false, true) => "S3",
                _ => "S1",
            },
        }
    }
}

impl History {
    /// Adds what is new of a side. Sixteen events have room; each side has six.
    #[cold]
    pub(super) fn add(&mut self, side: Side, fresh: u8) {
        for (place, (bit, _)) in (1..).zip(EVENTS) {
            if fresh & bit != 0 {
                let used = (u64::BITS - self.0.leading_zeros()).next_multiple_of(4);
                self.0 |= (place | (side as u64) << 3) << used;
            }
        }
    }

    /// Zeek's history letters: s SYN, h SYN-ACK, a ACK, d data, f FIN, r RST.
    #[must_use]
    pub fn letters(&self, initiator: Side) -> String {
        let events = (0..u64::BITS).step_by(4).map(|shift| self.0 >> shift & 0xf);
        let spelled = events.take_while(|&event| event != 0).map(|event| {
            let (_, letter) = EVENTS[(event & 7) as usize - 1];
            let by_initiator = event >> 3 == initiator as u64;
            if by_initiator { letter.to_ascii_uppercase() } else { letter }
        });
        spelled.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(segments: &[(Side, u8, bool)]) -> (Connection, History) {
        let (mut connection, mut history) = (Connection::default(), History::default());
        for &(side, flags, data) in segments {
            let fresh = connection.note(side, flags, data);
            history.add(side, fresh);
        }
        (connection, history)
    }

    #[test]
    fn states_and_history_as_zeek_names_them() {
        use Side::{High, Low};
        use flag::{ACK, FIN, RST, SYN};
        let (whole, history) = connection(&[
            (Low, SYN, false),
            (High, SYN | ACK, false),
            (Low, ACK, false),
            (Low, ACK, true),
            (High, ACK, true),
            (Low, FIN | ACK, false),
            (High, FIN | ACK, false),
        ]);
        assert_eq!(whole.state(Low), "SF");
        assert_eq!(history.letters(Low), "ShADdFaf");
        assert!(whole.is_over());
        assert_eq!(connection(&[(Low, SYN, false)]).0.state(Low), "S0");
        assert_eq!(connection(&[(Low, SYN, false), (High, RST | ACK, false)]).0.state(Low), "REJ");
        assert_eq!(connection(&[(Low, ACK, true)]).0.state(Low), "OTH");
    }
}
