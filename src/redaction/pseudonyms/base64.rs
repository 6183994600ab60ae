//! Where base64 may stand in bytes, over as many lines as it was folded into, and what it says.

use super::pattern::LENGTH_MIN;
use std::ops::Range;

/// What ends a line within base64 that was folded (RFC 2045 §6.8), as JSON, forms and XML spell it
/// too. Of `\/`, which JSON may write for `/`, the first character is nothing either.
const ESCAPED: [&[u8]; 9] =
    [b"\\r", b"\\n", b"\\", b"%0d", b"%0a", b"&#13;", b"&#10;", b"&#xd;", b"&#xa;"];

/// A stretch of base64 of either alphabet (RFC 4648 §4 and §5), with ends of lines in it.
pub(super) struct Run(Range<usize>);

/// All of them; each byte is looked at a bounded number of times.
pub(super) fn runs(bytes: &[u8]) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let begin = at;
        let (mut digits, mut end) = (0, at);
        loop {
            if let Some(length) = fold(&bytes[at..]).filter(|_| digits > 0) {
                at += length;
            } else if bytes.get(at).copied().and_then(sextet).is_some() {
                (digits, at) = (digits + 1, at + 1);
                end = at;
            } else {
                break;
            }
        }
        if digits > LENGTH_MIN {
            runs.push(Run(begin..end));
        }
        at = at.max(begin + 1);
    }
    runs
}

impl Run {
    /// Its digits in one piece.
    pub fn digits(&self, bytes: &[u8]) -> Vec<u8> {
        self.places(bytes).map(|at| bytes[at]).collect()
    }

    /// Writes as many digits over those that are there.
    pub fn put(&self, digits: &[u8], bytes: &mut [u8]) {
        let mut digits = digits.iter();
        let mut at = self.0.start;
        while at < self.0.end {
            match fold(&bytes[at..self.0.end]) {
                Some(length) => at += length,
                None => {
                    if let Some(&digit) = digits.next() {
                        bytes[at] = digit;
                    }
                    at += 1;
                }
            }
        }
    }

    /// Where some of its digits stand, with the ends of lines between them; what is given is in order.
    pub fn within(&self, bytes: &[u8], wanted: &[Range<usize>]) -> Vec<Range<usize>> {
        let mut found = Vec::new();
        let mut places = self.places(bytes).enumerate();
        for range in wanted {
            let mut inside = places
                .by_ref()
                .skip_while(|(digit, _)| *digit < range.start)
                .take(range.len())
                .map(|(_, at)| at);
            if let Some(first) = inside.next() {
                found.push(first..inside.last().unwrap_or(first) + 1);
            }
        }
        found
    }

    fn places(&self, bytes: &[u8]) -> impl Iterator<Item = usize> {
        let mut at = self.0.start;
        std::iter::from_fn(move || {
            while let Some(length) = bytes.get(at..self.0.end).and_then(fold) {
                at += length;
            }
            at += 1;
            (at <= self.0.end).then(|| at - 1)
        })
    }
}

/// Length of what stands between two lines, where bytes begin with that.
fn fold(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        // A header goes on behind a space or tab (RFC 5322 §2.2.3).
        b'\r' | b'\n' => {
            let blank = bytes[1..].iter().take_while(|byte| b" \t".contains(byte)).count();
            Some(1 + blank)
        }
        b'\\' | b'%' | b'&' => {
            let begins = |word: &&&[u8]| {
                bytes.get(..word.len()).is_some_and(|there| there.eq_ignore_ascii_case(word))
            };
            ESCAPED.iter().find(begins).map(|word| word.len())
        }
        _ => None,
    }
}

fn sextet(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

/// What digits say.
pub(super) fn decoded(digits: &[u8]) -> Vec<u8> {
    let (mut bits, mut held) = (0u32, 0);
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for sextet in digits.iter().filter_map(|&byte| sextet(byte)) {
        bits = bits << 6 | u32::from(sextet);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

/// Writes the bytes in some places back into the digits that they were decoded from.
pub(super) fn encode_into(digits: &mut [u8], bytes: &[u8], places: &[Range<usize>]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let for_urls = digits.iter().any(|byte| b"-_".contains(byte));
    for bit in places.iter().flat_map(|place| place.start * 8..place.end * 8) {
        let one = bytes[bit / 8] >> (7 - bit % 8) & 1;
        let digit = &mut digits[bit / 6];
        let old = sextet(*digit).unwrap_or_default();
        let shift = 5 - bit % 6;
        let new = old & !(1 << shift) | one << shift;
        if new != old {
            *digit = match new {
                62 if for_urls => b'-',
                63 if for_urls => b'_',
                _ => DIGITS[usize::from(new)],
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_belong_together_however_their_ends_are_spelled() {
        for end in
            ["\n", "\r\n", "\r\n ", "\n\n\t", "\\n", "\\r\\n", "\\\\n", "%0D%0a", "&#xD;&#10;"]
        {
            let text = format!("=QUJD{end}REVG{end}R0g=");
            let found = runs(text.as_bytes());
            assert_eq!(found.len(), 1, "{text:?}");
            assert_eq!(decoded(&found[0].digits(text.as_bytes())), b"ABCDEFGH", "{text:?}");
            let mut bytes = text.clone().into_bytes();
            found[0].put(b"abcdefghijk", &mut bytes);
            assert_eq!(bytes, format!("=abcd{end}efgh{end}ijk=").into_bytes());
            let (second, third) = (5 + end.len(), 9 + 2 * end.len());
            let places = found[0].within(text.as_bytes(), &[1..2, 3..5, 8..11]);
            assert_eq!(places, [2..3, 4..second + 1, third..third + 3], "{text:?}");
        }
        // Letters of an escape are no digits; a slash that was escaped is one.
        let text = b"AAAA\\/\\nBBBB";
        assert_eq!(runs(text)[0].digits(text), b"AAAA/BBBB");
        assert!(runs(b"\r\n\\n \\\\%0a").is_empty());
        assert!(runs(b"abcd").is_empty());
    }
}
