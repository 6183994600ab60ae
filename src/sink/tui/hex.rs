//! The bytes of a frame: fetched on a thread of its own, since the walk to a frame of a large file
//! takes a while and the screen must not wait.

use super::doc::Doc;
use super::theme::Theme;
use crate::source::frame_reader::{Fetched, FrameReader};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use ratatui::style::Style;
use std::ops::Range;
use std::path::PathBuf;

/// Input and frame.
pub type Wanted = (usize, u64);
/// What came of it.
pub type Answer = (Wanted, Result<Fetched, String>);

/// Bytes in a line.
const LINE: usize = 16;

/// Starts the thread; it ends when the sender is dropped.
pub fn start(paths: Vec<PathBuf>) -> (Sender<Wanted>, Receiver<Answer>) {
    let (ask, asked) = unbounded::<Wanted>();
    let (tell, told) = bounded(4);
    std::thread::spawn(move || {
        let mut reader: Option<(usize, FrameReader)> = None;
        while let Ok(wanted) = asked.recv() {
            // Only the latest wish counts.
            let wanted = asked.try_iter().last().unwrap_or(wanted);
            let (input, frame) = wanted;
            let Some(path) = paths.get(input) else {
                let _ = tell.send((wanted, Err("the input is not known".to_owned())));
                continue;
            };
            if reader.as_ref().is_none_or(|(open, _)| *open != input) {
                reader = Some((input, FrameReader::new(path)));
            }
            let Some((_, reader)) = &mut reader else { continue };
            let answer = reader.fetch(frame, &|| asked.is_empty());
            if tell.send((wanted, answer)).is_err() {
                return;
            }
        }
    });
    (ask, told)
}

/// Bytes before which no credential stands: the headers of Ethernet, IPv4 and TCP or less.
const HEADERS: usize = 54;

/// The part of a frame that may hold a secret: what follows the word that announces it, up to the
/// end of its line, or all behind the headers where no such word is found.
pub fn secret(data: &[u8], words: &[&str]) -> Vec<Range<usize>> {
    let mut hidden = Vec::new();
    for word in words.iter().map(|word| word.as_bytes()) {
        for (at, window) in data.windows(word.len()).enumerate() {
            if window.eq_ignore_ascii_case(word) {
                let begin = at + word.len();
                let end = data[begin..].iter().position(|byte| matches!(byte, b'\r' | b'\n'));
                hidden.push(begin..end.map_or(data.len(), |end| begin + end));
            }
        }
    }
    if hidden.is_empty() {
        hidden.push(HEADERS.min(data.len())..data.len());
    }
    hidden
}

/// Adds the bytes to a page, sixteen a line, as on every hex page; those of `needles` are marked,
/// and stars stand for those that are hidden.
pub fn add(
    page: &mut Doc,
    frame: &Fetched,
    needles: &[Vec<u8>],
    hidden: &[Range<usize>],
    theme: &Theme,
) {
    let marked = marked(&frame.data, needles);
    let is_hidden = |at: usize| hidden.iter().any(|range| range.contains(&at));
    let found = marked.iter().any(|&marked| marked);
    if found {
        page.styled(2, "In [brackets]: bytes that spell what the finding speaks of.", theme.dim());
    }
    for (index, line) in frame.data.chunks(LINE).enumerate() {
        let start = index * LINE;
        let mut hex = String::with_capacity(64);
        let mut plain = String::with_capacity(LINE);
        let is_marked = |at: usize| at < marked.len() && marked[at];
        for (place, &byte) in line.iter().enumerate() {
            let at = start + place;
            let opens = is_marked(at) && (place == 0 || !is_marked(at - 1));
            let closes = place > 0 && is_marked(at - 1) && !is_marked(at);
            hex.push(if opens {
                '['
            } else if closes {
                ']'
            } else {
                ' '
            });
            if is_hidden(at) {
                hex.push_str("**");
                plain.push('*');
                continue;
            }
            hex.push_str(&format!("{byte:02x}"));
            plain.push(if (b' '..=b'~').contains(&byte) { byte.into() } else { '.' });
        }
        let ends = is_marked(start + line.len() - 1);
        hex.push(if ends { ']' } else { ' ' });
        let has = (start..start + line.len()).any(is_marked);
        let style = if has { theme.strong() } else { Style::new() };
        page.line(vec![
            (format!("  {start:04x} "), theme.dim()),
            (format!("{hex:<50}"), style),
            (plain, style),
        ]);
    }
    if frame.captured > frame.data.len() {
        let more = frame.captured - frame.data.len();
        page.styled(2, &format!("{more} more bytes of this frame are not shown"), theme.dim());
    }
}

fn marked(data: &[u8], needles: &[Vec<u8>]) -> Vec<bool> {
    let mut marked = vec![false; data.len()];
    for needle in needles.iter().filter(|needle| needle.len() >= 4).take(16) {
        for (at, window) in data.windows(needle.len()).enumerate() {
            if window.eq_ignore_ascii_case(needle) {
                marked[at..at + needle.len()].fill(true);
            }
        }
    }
    marked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_to_the_end_of_their_line() {
        let data = b"GET / HTTP/1.1\r\nAuthorization: Basic abc\r\nHost: x";
        let hidden = secret(data, &["Authorization:", "PASS "]);
        assert_eq!(&data[hidden[0].clone()], b" Basic abc");
        assert_eq!(secret(&[0; 100], &["PASS "]), vec![54..100; 1], "unknown: all of the payload");
        assert_eq!(secret(&[0; 9], &["PASS "]), vec![9..9; 1]);
    }

    #[test]
    fn what_is_sought_is_marked() {
        let data = b"..Camera..";
        let all = marked(data, &[b"camera".to_vec(), b"..".to_vec()]);
        assert_eq!(all.iter().filter(|&&m| m).count(), 6, "short needles would mark anything");
        assert!(all[2] && all[7] && !all[8]);
        assert!(marked(b"", &[b"camera".to_vec()]).is_empty());
    }
}
