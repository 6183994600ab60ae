//! What an operator noted while a capture was recorded. Our recorder writes it into comments of
//! interface statistics, which shift no frame; a note stands for the frames behind it in the file.
//! When nothing could be recorded, and that the clock was set, stands there too.

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
    /// Nothing could be recorded since this time, up to that of the note.
    Gap {
        /// Since when.
        from: Timestamp,
        /// Of this interface; of none at all where it is missing, since the machine slept.
        interface: Option<String>,
        /// Why.
        why: String,
    },
    /// The clock was set, in words.
    Clock(String),
}

/// What stands for all interfaces; none can be called so.
const ALL: &str = "all interfaces";

impl Note {
    /// As it stands in a comment.
    #[must_use]
    pub fn comment(&self) -> String {
        match &self.what {
            Noted::Phase(phase) => format!("{} phase: {phase}", self.time),
            Noted::Mark(text) => format!("{} mark: {text}", self.time),
            Noted::Gap { from, interface, why } => {
                let place = interface.as_deref().unwrap_or(ALL);
                format!("gap: {place} from {from} to {}: {why}", self.time)
            }
            Noted::Clock(text) => format!("{} clock: {text}", self.time),
        }
    }

    /// Reads a comment; `None` for one that says something else.
    pub(super) fn read(comment: &[u8]) -> Option<Note> {
        let comment = std::str::from_utf8(comment).ok()?;
        if let Some(gap) = comment.strip_prefix("gap: ") {
            return Note::gap(gap);
        }
        let (time, rest) = comment.split_once(' ')?;
        let (kind, text) = rest.split_once(": ")?;
        let what = match kind {
            "phase" => Noted::Phase(PHASES.into_iter().find(|&phase| phase == text)?),
            "mark" => Noted::Mark(cut(text)),
            "clock" => Noted::Clock(cut(text)),
            _ => return None,
        };
        Some(Note { time: time.parse().ok()?, what })
    }

    fn gap(text: &str) -> Option<Note> {
        let (place, times) = text.split_once(" from ")?;
        let (from, rest) = times.split_once(" to ")?;
        let (time, why) = rest.split_once(": ")?;
        let interface = (place != ALL).then(|| cut(place));
        let (from, time) = (from.parse().ok()?, time.parse().ok()?);
        (from <= time).then(|| Note { time, what: Noted::Gap { from, interface, why: cut(why) } })
    }
}

fn cut(text: &str) -> String {
    let ends = text.char_indices().map(|(at, character)| at + character.len_utf8());
    let end = ends.take_while(|&end| end <= TEXT_BYTES_MAX).last().unwrap_or(0);
    text[..end].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_was_written_and_nothing_else() {
        let time = Timestamp(1_700_000_000_000_000_007);
        let from = Timestamp(1_600_000_000_000_000_000);
        let gap = |interface: Option<&str>| Noted::Gap {
            from,
            interface: interface.map(str::to_owned),
            why: "it was: gone".to_owned(),
        };
        for what in [
            Noted::Phase("idle"),
            Noted::Mark("lens: covered".to_owned()),
            gap(Some("eth0")),
            gap(None),
            Noted::Clock("the clock was set back".to_owned()),
        ] {
            let note = Note { time, what };
            assert_eq!(Note::read(note.comment().as_bytes()), Some(note));
        }
        for other in [
            "",
            "phase: idle",
            "2026-11-24T00:00:00Z phase: asleep",
            "x mark: y",
            "gap: eth0 from 2026-11-24T00:00:01Z to 2026-11-24T00:00:00Z: backwards",
            "gap: eth0 from then to now: why",
        ] {
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
