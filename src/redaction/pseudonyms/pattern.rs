//! Finds identifiers in bytes, as they are, in hexadecimal and other spellings that keep characters
//! apart (each is a pattern of its own), and within base64, and puts others of the same length there.

use super::{base64, escape};
use crate::redaction::packed::{self, Look, Room};
use hashbrown::HashMap;
use std::ops::Range;

/// Shortest pattern, bytes: shorter ones stand by chance anywhere.
pub(in crate::redaction) const LENGTH_MIN: usize = 4;
/// What may be packed within each other; more is not looked into.
const PACKED_DEPTH: u8 = 3;

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

/// Why content cannot be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::redaction) enum Why {
    /// What must not be told stands in it, or half of that at its edge.
    Told,
    /// It cannot be looked into.
    Closed(&'static str),
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
        for run in base64::runs(bytes) {
            for skew in 0..4 {
                let mut digits = run.digits(bytes);
                let Some(text) = digits.get_mut(skew..) else { break };
                let mut decoded = base64::decoded(text);
                let inside = self.replace_plain(&mut decoded);
                if inside.is_empty() {
                    continue;
                }
                base64::encode_into(text, &decoded, &inside);
                let at = |byte: usize| (skew + byte).min(digits.len());
                let places =
                    inside.iter().map(|r| at(r.start * 4 / 3)..at((r.end * 4).div_ceil(3)));
                let places = merged(places.collect());
                run.put(&digits, bytes);
                changed.extend(run.within(bytes, &places));
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
        let (place, number) = self.find(bytes, from)?;
        Some((place, &self.all[number as usize]))
    }

    fn find(&self, bytes: &[u8], from: usize) -> Option<(Range<usize>, u32)> {
        (from..bytes.len()).find_map(|at| {
            let candidates = self.starts.get(&start(&bytes[at..])?)?;
            candidates.iter().find_map(|&position| {
                let pattern = &self.all[position as usize];
                let end = at + pattern.find.len();
                let there = bytes.get(at..end)?;
                let digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
                let alone = !pattern.number
                    || !(digit(bytes.get(end)) || at > 0 && digit(bytes.get(at - 1)));
                (is(pattern, there) && alone).then_some((at..end, position))
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
        if self.has_short(bytes) {
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
        plain(bytes) || base64::runs(bytes).iter().any(|run| is_in(&run.digits(bytes), plain))
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty() && self.short.is_empty()
    }

    /// Whether something is said in what is packed, as far as that can be opened.
    pub fn tells(&self, bytes: &[u8]) -> bool {
        let contents = match packed::look(bytes, &mut Room::of(bytes.len())) {
            Look::Open(contents) => contents,
            Look::Closed(_) => Vec::new(),
        };
        let views = [escape::form(bytes), escape::text(bytes)].into_iter().flatten();
        contents.into_iter().chain(views).any(|view| self.remains(&view))
    }

    /// Whether something is said in a spelling in which it cannot be replaced, or may be said in what
    /// cannot be looked into.
    pub fn hides(&self, bytes: &[u8]) -> Option<Why> {
        self.hidden(bytes, &mut Room::of(bytes.len()), PACKED_DEPTH)
    }

    fn hidden(&self, bytes: &[u8], room: &mut Room, depth: u8) -> Option<Why> {
        let contents = match packed::look(bytes, room) {
            Look::Closed(what) => return Some(Why::Closed(what)),
            Look::Open(contents) => contents,
        };
        let mut told = |content: &[u8]| match depth.checked_sub(1) {
            None => Some(Why::Closed("content that is packed again and again")),
            Some(_) if self.has_short(content) => Some(Why::Told),
            Some(_) if !self.counted(content).is_empty() => Some(Why::Told),
            Some(depth) => self.hidden(content, room, depth),
        };
        if let Some(why) = contents.iter().find_map(|content| told(content)) {
            return Some(why);
        }
        // What is packed within base64.
        for run in base64::runs(bytes) {
            let mut why = None;
            is_in(&run.digits(bytes), |said| {
                why = packed::begins(said).and_then(|_| told(said));
                why.is_some()
            });
            if why.is_some() {
                return why;
            }
        }
        let mut views = [escape::form(bytes), escape::text(bytes)].into_iter().flatten().peekable();
        views.peek()?;
        let plain = self.counted(bytes);
        let is_told = views.any(|view| {
            let more =
                |(pattern, times): (&u32, &u32)| plain.get(pattern).is_none_or(|n| n < times);
            self.counted(&view).iter().any(more) || self.has_short(&view)
        });
        is_told.then_some(Why::Told)
    }

    /// How often each pattern stands there, in base64 too.
    fn counted(&self, bytes: &[u8]) -> HashMap<u32, u32> {
        let mut counts = HashMap::new();
        let mut count = |bytes: &[u8]| {
            let mut at = 0;
            while let Some((place, number)) = self.find(bytes, at) {
                at = place.end;
                *counts.entry(number).or_default() += 1;
            }
            false
        };
        count(bytes);
        for run in base64::runs(bytes) {
            is_in(&run.digits(bytes), &mut count);
        }
        counts
    }

    fn has_short(&self, bytes: &[u8]) -> bool {
        let lower = bytes.to_ascii_lowercase();
        self.short.iter().any(|short| lower.windows(short.len()).any(|part| part == short))
    }
}

/// Whether something holds of what digits of base64 say, wherever the text begins among them.
fn is_in(digits: &[u8], mut holds: impl FnMut(&[u8]) -> bool) -> bool {
    (0..4usize.min(digits.len())).any(|skew| holds(&base64::decoded(&digits[skew..])))
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

#[cfg(test)]
mod tests {
    use super::*;
    use ::base64::Engine;
    use ::base64::engine::general_purpose::STANDARD;
    use std::io::Write;

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
    #[test]
    fn base64_over_several_lines_is_looked_into() {
        let patterns = patterns();
        let whole = STANDARD.encode("a text with serial7788 in it, and at the end serial7788");
        for width in [4, 7, 19] {
            for end in ["\n", "\r\n", "\\r\\n", "%0A"] {
                let lines: Vec<&str> = whole
                    .as_bytes()
                    .chunks(width)
                    .map(|c| std::str::from_utf8(c).unwrap())
                    .collect();
                let mut bytes = lines.join(end).into_bytes();
                assert!(patterns.remains(&bytes), "{width} {end:?}");
                assert!(!patterns.replace(&mut bytes).is_empty());
                assert!(!patterns.remains(&bytes));
                let joined = String::from_utf8(bytes).unwrap().replace(end, "");
                let back = STANDARD.decode(joined).unwrap();
                assert_eq!(back, b"a text with qwertz1234 in it, and at the end qwertz1234");
            }
        }
    }

    #[test]
    fn what_is_packed_or_escaped_hides_a_name() {
        let patterns = patterns();
        let gzip = |text: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Default::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let told = gzip(b"{\"id\":\"Serial7788\"}");
        let hidden: [Vec<u8>; 9] = [
            told.clone(),
            gzip(&told),
            STANDARD.encode(&told).into_bytes(),
            gzip(STANDARD.encode("serial7788").as_bytes()),
            gzip(b"from 192.168.1.23"),
            told[..told.len() - 1].to_vec(),
            b"id=%73erial7788".to_vec(),
            br"ser\u0069al7788".to_vec(),
            b"&#115;erial".to_vec(),
        ];
        for bytes in &hidden {
            assert!(patterns.hides(bytes).is_some(), "{bytes:?}");
        }
        // Deeper than anyone looks.
        let deep = (0..8).fold(b"nothing".to_vec(), |inside, _| gzip(&inside));
        assert!(matches!(patterns.hides(&deep), Some(Why::Closed(_))));
        for bytes in [&gzip(b"nothing of anybody")[..], b"a%20b serial7788 \\n", b"plain"] {
            assert_eq!(patterns.hides(bytes), None, "{bytes:?}");
        }
    }
}
