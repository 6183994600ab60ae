//! What stands in the way of a good capture, and the command that mends it: first of the machine
//! and its interface, then of what the interface really sees of a device.

pub mod sight;
pub mod surroundings;

use std::fmt;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Health {
    /// As it should be.
    Good,
    /// Not checked, for the reason given.
    Unknown,
    /// Recording works, and will show less than it could.
    Poor,
    /// Recording does not work, or does not show the device.
    Bad,
}

impl Health {
    /// The word for it, all of one width.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Health::Good => "ok  ",
            Health::Unknown => "?   ",
            Health::Poor => "weak",
            Health::Bad => "BAD ",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    /// How it is.
    pub health: Health,
    /// What was found, in a sentence.
    pub found: String,
    /// What mends it, as a command or as something to do; empty where nothing has to be done.
    pub mend: String,
}

impl Advice {
    /// All is well.
    #[must_use]
    pub fn good(found: impl Into<String>) -> Advice {
        Advice { health: Health::Good, found: found.into(), mend: String::new() }
    }

    /// Something to mend.
    #[must_use]
    pub fn of(health: Health, found: impl Into<String>, mend: impl Into<String>) -> Advice {
        Advice { health, found: found.into(), mend: mend.into() }
    }
}

impl fmt::Display for Advice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}] {}", self.health.word(), self.found)?;
        if !self.mend.is_empty() {
            write!(f, "\n       mend: {}", self.mend)?;
        }
        Ok(())
    }
}
