//! What an operator noted while a capture was recorded. Our recorder writes it into comments of
//! interface statistics, which shift no frame; a note stands for the frames behind it in the file.

use crate::base::time::Timestamp;

/// The vocabulary of phases.
pub const PHASES: [&str; 10] =
    ["factory", "power-on", "setup", "idle", "use", "motion", "update", "outage", "reset", "after"];

/// Longest text of a note that is kept, bytes.
const TEXT_BYTES_MAX: usize = 1024;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// When it was noted, by the recorder's clock.
    pub time: Timestamp,
    /// What.
    pub what: Noted,
}

/// What was noted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// A phase began: one of [`PHASES`].
    Phase(&'static str),
    /// A moment, in the operator's words.
    Mark(String),
}

impl Note {
    /// As it stands in a comment.
    #[must_use]
    pub fn comment(&self) -> String {
        match &self.what {
            Noted::Phase(phase) => format!("{} phase: {phase}", self.time),
            Noted::Mark(text) => format!("{} mark: {text}", self.time),
        }
    }

    /// Reads a comment; `None` for one that says something else.
    pub(super) fn read(comment: &[u8]) -> Option<Note> {
        let comment = std::str::from_utf8(comment).ok()?;
        let (time, rest) = comment.split_once(' ')?;
        let (kind, text) = rest.split_once(": ")?;
        let what = match kind {
            "phase" => Noted::Phase(PHASES.into_iter().find(|&phase| phase == text)?),
            "mark" => {
                let ends = text.char_indices().map(|(at, character)| at + character.len_utf8());
                let end = ends.take_while(|&end| end <= TEXT_BYTES_MAX).last().unwrap_or(0);
                Noted::Mark(text[..end].to_owned())
            }
            _ => return None,
        };
        Some(Note { time: time.parse().ok()?, what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_written_and_nothing_else() {
        let time = Timestamp(1_700_000_000_000_000_007);
        for what in [Noted::Phase("idle"), Noted::Mark("lens: covered".to_owned())] {
            let note = Note { time, what };
            assert_eq!(Note::read(note.comment().as_bytes()), Some(note));
        }
        for other in ["", "phase: idle", "2026-11-24T00:00:00Z phase: asleep", "x mark: y"] {
            assert_eq!(Note::read(other.as_bytes()), None, "{other}");
        }
        assert_eq!(Note::read(b"\xff\xfe"), None);
        let long = format!("{time} mark: {}", "\u{e9}".repeat(5000));
        let Some(Note { what: Noted::Mark(text), .. }) = Note::read(long.as_bytes()) else {
            panic!()
        };
        assert_eq!(text.len(), TEXT_BYTES_MAX);
    }
}
