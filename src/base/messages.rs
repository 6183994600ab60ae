//! Sentences that people read, kept apart from the code that says them, so that other languages can
//! stand beside English: TOML, a table a subject, a message a key, values in braces. A sentence is
//! one message with its values, never glued from parts, since other languages order them differently.

use super::table::Map;
use std::collections::BTreeMap;
use std::fmt::{Display, Write as _};

/// The messages of one language, by `table.key`.
pub struct Messages(Map<String, Message>);

struct Message {
    said: String,
    /// Where its values begin and end, braces included: lines are said by the ten thousand.
    values: Vec<[usize; 2]>,
    /// A brace that is not closed ends it.
    end: usize,
}

impl Message {
    fn new(said: String) -> Message {
        let mut at = 0;
        let mut values = Vec::new();
        pieces(&said, |piece| match piece {
            Piece::Text(text) => at += text.len(),
            Piece::Value(name) => {
                let end = at + name.len() + 2;
                values.push([at, end]);
                at = end;
            }
        });
        Message { said, values, end: at }
    }

    fn fill(&self, values: &[(&str, &dyn Display)]) -> String {
        let mut out = String::with_capacity(self.said.len() + 32 * self.values.len());
        let mut done = 0;
        for &[start, end] in &self.values {
            out.push_str(&self.said[done..start]);
            let name = &self.said[start + 1..end - 1];
            match values.iter().find(|(known, _)| *known == name) {
                // Writing to a string cannot fail.
                Some((_, value)) => drop(write!(out, "{value}")),
                None => out.push_str(&self.said[start..end]),
            }
            done = end;
        }
        out.push_str(&self.said[done..self.end]);
        out
    }
}

/// A part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece<'a> {
    /// As it stands.
    Text(&'a str),
    /// The name of a value that goes here.
    Value(&'a str),
}

impl Messages {
    /// Reads files that are part of the program; tests see to it that they can be read.
    #[must_use]
    pub fn read(files: &[&str]) -> Messages {
        let mut all = Map::default();
        for file in files {
            let tables: BTreeMap<String, BTreeMap<String, String>> =
                toml::from_str(file).unwrap_or_default();
            for (table, entries) in tables {
                all.extend(
                    entries
                        .into_iter()
                        .map(|(key, said)| (format!("{table}.{key}"), Message::new(said))),
                );
            }
        }
        Messages(all)
    }

    /// A message as it stands in the file.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(|message| message.said.as_str())
    }

    /// A message without values. A key that is missing stands for itself.
    #[must_use]
    pub fn text(&'static self, key: &'static str) -> &'static str {
        self.get(key).unwrap_or(key)
    }

    /// A message with its values. A value that is not given stays as it is written, in its braces.
    #[must_use]
    pub fn line(&self, key: &str, values: &[(&str, &dyn Display)]) -> String {
        match self.0.get(key) {
            Some(message) => message.fill(values),
            None => Message::new(key.to_owned()).fill(values),
        }
    }

    /// Every key, in their order.
    #[cfg(test)]
    pub fn keys(&self) -> std::collections::BTreeSet<String> {
        self.0.keys().cloned().collect()
    }
}

/// Calls `take` for what stands between braces and for what does not.
pub fn pieces<'a>(mut rest: &'a str, mut take: impl FnMut(Piece<'a>)) {
    while let Some((before, behind)) = rest.split_once('{') {
        take(Piece::Text(before));
        let Some((name, after)) = behind.split_once('}') else { return };
        take(Piece::Value(name));
        rest = after;
    }
    take(Piece::Text(rest));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stand_where_the_message_wants_them() {
        let messages = Messages::read(&["[a]\nb = \"{count} of {all}: {bytes}\"\n"]);
        let said = messages.line("a.b", &[("all", &7), ("count", &"{all}")]);
        assert_eq!(said, "{all} of 7: {bytes}", "a value is no message");
        assert_eq!(messages.line("a.c", &[]), "a.c");
        assert_eq!(messages.keys().into_iter().collect::<Vec<_>>(), ["a.b"]);
    }
}
