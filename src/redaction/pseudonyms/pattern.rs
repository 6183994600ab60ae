//! Finds identifiers in bytes, as they are, in hexadecimal and other spellings that keep characters
//! apart (each is a pattern of its own), and within base64, and puts others of the same length there.

use hashbrown::HashMap;
use std::ops::Range;

/// Shortest pattern, bytes: shorter ones stand by chance anywhere.
pub(in crate::redaction) const LENGTH_MIN: usize = 4;

/// What is looked for, and what takes its place.
#[derive(Debug, Clone)]
pub(super) struct Pattern {
    pub find: Vec<u8>,
    pub put: Vec<u8>,
    /// Bytes, not text: capital letters are other bytes.
    pub exact: bool,
    /// A number that must not be part of a longer one.
    pub number: bool,
    /// One whose stand-in may be another's original, as of addresses of one network.
    pub address: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(in crate::redaction) struct Patterns {
    all: Vec<Pattern>,
    /// By the first four bytes in lower case, the longest first.
    starts: HashMap<[u8; LENGTH_MIN], Vec<u32>>,
    /// What is too short to be replaced: whatever holds it is withheld.
    short: Vec<Vec<u8>>,
}

impl Patterns {
    pub(super) fn add(&mut self, pattern: Pattern) {
        debug_assert_eq!(pattern.find.len(), pattern.put.len());
        let Some(start) = start(&pattern.find) else {
            if !pattern.find.is_empty() {
                self.short.push(pattern.find.to_ascii_lowercase());
            }
            return;
        };
        let position = self.all.len() as u32;
        let same = self.starts.entry(start).or_default();
        let known = |&at: &u32| {
            let other = &self.all[at as usize];
            other.find == pattern.find && other.exact == pattern.exact
        };
        if same.iter().any(known) {
            return;
        }
        let length =
            |&at: &u32| self.all.get(at as usize).map_or(pattern.find.len(), |p| p.find.len());
        let place =
            same.iter().position(|at| length(at) < pattern.find.len()).unwrap_or(same.len());
        same.insert(place, position);
        self.all.push(pattern);
    }

    /// Replaces everything; gives the places that changed.
    pub fn replace(&self, bytes: &mut [u8]) -> Vec<Range<usize>> {
        let mut changed = self.replace_plain(bytes);
        for run in base64_runs(bytes) {
            for skew in 0..4usize.min(run.len()) {
                let text = &mut bytes[run.start + skew..run.end];
                let mut decoded = decoded(text);
                let inside = self.replace_plain(&mut decoded);
                if !inside.is_empty() {
                    encode_into(text, &decoded, &inside);
                    let at = |byte: usize| run.start + skew + byte;
                    let places =
                        inside.iter().map(|r| at(r.start * 4 / 3)..at((r.end * 4).div_ceil(3)));
                    changed.extend(places.map(|r| r.start..r.end.min(run.end)));
                }
            }
        }
        // What stands at the edge of what is kept may be half of a name.
        changed.extend(self.replace_edges(bytes));
        merged(changed)
    }

    fn replace_plain(&self, bytes: &mut [u8]) -> Vec<Range<usize>> {
        let mut changed = Vec::new();
        let mut at = 0;
        while let Some((place, pattern)) = self.next(bytes, at) {
            put(pattern, &mut bytes[place.clone()]);
            at = place.end;
            changed.push(place);
        }
        changed
    }

    /// The next pattern at or behind a place.
    fn next(&self, bytes: &[u8], from: usize) -> Option<(Range<usize>, &Pattern)> {
        (from..bytes.len()).find_map(|at| {
            let candidates = self.starts.get(&start(&bytes[at..])?)?;
            candidates.iter().find_map(|&position| {
                let pattern = &self.all[position as usize];
                let end = at + pattern.find.len();
                let there = bytes.get(at..end)?;
                let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
                let alone = !pattern.number
                    || !(digit(bytes.get(end)) || at > 0 && digit(bytes.get(at - 1)));
                (is(pattern, there) && alone).then_some((at..end, pattern))
            })
        })
    }

    fn replace_edges(&self, bytes: &mut [u8]) -> Vec<Range<usize>> {
        let whole = bytes.len();
        let mut changed = Vec::new();
        for pattern in self.all.iter().filter(|pattern| !pattern.exact) {
            let most = whole.min(pattern.find.len() - 1);
            let same = |a: &[u8], b: &[u8]| a.eq_ignore_ascii_case(b);
            for length in (LENGTH_MIN..=most).rev() {
                let cut = pattern.find.len() - length;
                if same(&bytes[..length], &pattern.find[cut..]) {
                    spell(&pattern.put[cut..], &mut bytes[..length]);
                    changed.push(0..length);
                }
                if same(&bytes[whole - length..], &pattern.find[..length]) {
                    spell(&pattern.put[..length], &mut bytes[whole - length..]);
                    changed.push(whole - length..whole);
                }
            }
        }
        changed
    }

    /// Whether the bytes begin or end with a part of what is looked for.
    pub fn is_cut_off(&self, bytes: &[u8]) -> bool {
        !self.replace_edges(&mut bytes.to_vec()).is_empty()
    }

    /// Whether something is left that should not be: a name, or what is too short to be replaced.
    pub fn remains(&self, bytes: &[u8]) -> bool {
        let lower = bytes.to_ascii_lowercase();
        if self.short.iter().any(|short| lower.windows(short.len()).any(|part| part == short)) {
            return true;
        }
        let plain = |bytes: &[u8]| {
            let mut at = 0;
            while let Some((place, pattern)) = self.next(bytes, at) {
                if !pattern.address {
                    return true;
                }
                at = place.start + 1;
            }
            false
        };
        plain(bytes)
            || base64_runs(bytes).iter().any(|run| {
                (0..4usize.min(run.len()))
                    .any(|skew| plain(&decoded(&bytes[run.start + skew..run.end])))
            })
    }
}

fn start(bytes: &[u8]) -> Option<[u8; LENGTH_MIN]> {
    let mut start: [u8; LENGTH_MIN] = bytes.get(..LENGTH_MIN)?.try_into().ok()?;
    start.make_ascii_lowercase();
    Some(start)
}

fn is(pattern: &Pattern, bytes: &[u8]) -> bool {
    match pattern.exact {
        true => pattern.find == bytes,
        false => pattern.find.eq_ignore_ascii_case(bytes),
    }
}

fn put(pattern: &Pattern, place: &mut [u8]) {
    match pattern.exact {
        true => place.copy_from_slice(&pattern.put),
        false => spell(&pattern.put, place),
    }
}

/// Writes a text in the capitals of what stands there.
fn spell(text: &[u8], place: &mut [u8]) {
    let capitals = place.iter().any(u8::is_ascii_uppercase);
    let all = capitals && !place.iter().any(u8::is_ascii_lowercase);
    for (byte, &new) in place.iter_mut().zip(text) {
        let upper = all || byte.is_ascii_uppercase();
        *byte = if upper { new.to_ascii_uppercase() } else { new };
    }
}

fn merged(mut places: Vec<Range<usize>>) -> Vec<Range<usize>> {
    places.sort_by_key(|place| (place.start, place.end));
    let mut merged: Vec<Range<usize>> = Vec::new();
    for place in places {
        match merged.last_mut() {
            Some(last) if place.start <= last.end => last.end = last.end.max(place.end),
            _ => merged.push(place),
        }
    }
    merged
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

/// Where base64 of either alphabet may stand (RFC 4648 §4 and §5).
fn base64_runs(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut runs = Vec::new();
    let mut begin = None;
    for at in 0..=bytes.len() {
        let inside = bytes.get(at).is_some_and(|&byte| sextet(byte).is_some());
        match (inside, begin) {
            (true, None) => begin = Some(at),
            (false, Some(from)) => {
                begin = None;
                if at - from > LENGTH_MIN {
                    runs.push(from..at);
                }
            }
            _ => {}
        }
    }
    runs
}

fn decoded(text: &[u8]) -> Vec<u8> {
    let (mut bits, mut held) = (0u32, 0);
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    for sextet in text.iter().filter_map(|&byte| sextet(byte)) {
        bits = bits << 6 | u32::from(sextet);
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

/// Writes the bytes in some places back into the text that they were decoded from.
fn encode_into(text: &mut [u8], bytes: &[u8], places: &[Range<usize>]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let for_urls = text.iter().any(|byte| b"-_".contains(byte));
    for bit in places.iter().flat_map(|place| place.start * 8..place.end * 8) {
        let one = bytes[bit / 8] >> (7 - bit % 8) & 1;
        let digit = &mut text[bit / 6];
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
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    fn patterns() -> Patterns {
        let mut patterns = Patterns::default();
        let word = |find: &str, put: &str, number| Pattern {
            find: find.into(),
            put: put.into(),
            exact: false,
            number,
            address: number,
        };
        patterns.add(word("serial7788", "qwertz1234", false));
        patterns.add(word("serial", "qwertz", false));
        patterns.add(word("192.168.1.23", "192.168.4.56", true));
        patterns
    }

    #[test]
    fn everything_is_replaced_in_its_own_capitals() {
        let patterns = patterns();
        let mut text = b"id=Serial7788&from=192.168.1.23, 192.168.1.234 SERIAL seri".to_vec();
        let places = patterns.replace(&mut text);
        assert_eq!(
            String::from_utf8_lossy(&text),
            "id=Qwertz1234&from=192.168.4.56, 192.168.1.234 QWERTZ qwer"
        );
        assert_eq!(places[0], 3..13);
        assert!(!patterns.remains(&text));
        assert!(patterns.remains(b"xserialx"));
    }

    #[test]
    fn base64_is_looked_into_wherever_it_begins() {
        let patterns = patterns();
        for front in ["", "a", "ab", "abc"] {
            for junk in ["", "/", "x/", "xy-"] {
                let mut text = format!("{junk}{}", STANDARD.encode(format!("{front}serial7788!")));
                assert!(patterns.remains(text.as_bytes()));
                let mut bytes = std::mem::take(&mut text).into_bytes();
                assert!(!patterns.replace(&mut bytes).is_empty());
                assert!(!patterns.remains(&bytes));
                let back = STANDARD.decode(&bytes[junk.len()..]).unwrap();
                assert_eq!(back, format!("{front}qwertz1234!").as_bytes());
            }
        }
    }
}
