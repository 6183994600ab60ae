//! NTP: one question, one answer (RFC 5905 §7.3).

use super::talk::{Message, hears, says};
use crate::random::Random;

/// Of the first frame of the corpus, seconds since 1900.
const START_S: u64 = 2_208_988_800 + 1_700_000_000;

pub fn exchange(time_us: u64, random: &mut Random) -> impl Iterator<Item = Message> + use<> {
    let after_us = random.long_tail(8_000, 4);
    let asked = stamp(time_us);
    let mut question = vec![0x23, 0, 6, 0xec];
    question.extend([0; 36]);
    question.extend(asked);
    let mut answer = vec![0x24, 2, 6, 0xe9, 0, 0, 0, 12, 0, 0, 0, 40];
    random.extend(&mut answer, 4);
    let answered = stamp(time_us + after_us / 2);
    answer.extend([stamp(time_us - time_us % 64_000_000), asked, answered, answered].concat());
    [says(0, question), hears(after_us, answer)].into_iter()
}

fn stamp(time_us: u64) -> [u8; 8] {
    let seconds = START_S + time_us / 1_000_000;
    let fraction = ((time_us % 1_000_000) << 32) / 1_000_000;
    (seconds << 32 | fraction).to_be_bytes()
}
