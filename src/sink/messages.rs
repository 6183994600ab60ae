//! The words of pages: one TOML file a language in the `messages/` of the report and of comparisons.
//! What findings say stands in `finding/messages/`.

use crate::base::messages::{Messages, Piece, pieces};
use maud::{Markup, PreEscaped, html};
use std::fmt::Display;
use std::sync::LazyLock;

static ENGLISH: LazyLock<Messages> = LazyLock::new(|| {
    Messages::read(&[
        include_str!("report/messages/en.toml"),
        include_str!("compare/messages/en.toml"),
    ])
});

/// Marks a key of a message that stands in a table.
macro_rules! msg {
    ($key:literal) => {
        $key
    };
}
pub(in crate::sink) use msg;

/// A message without values. A key that is missing stands for itself; tests see to it that none is.
pub fn text(key: &'static str) -> &'static str {
    ENGLISH.text(key)
}

/// A message with its values, as text.
pub fn line(key: &'static str, values: &[(&str, &str)]) -> String {
    let values: Vec<(&str, &dyn Display)> =
        values.iter().map(|(name, value)| (*name, value as &dyn Display)).collect();
    ENGLISH.line(key, &values)
}

/// A message with its values, as markup; what is text is escaped.
pub fn say(key: &'static str, values: &[(&str, Markup)]) -> Markup {
    let mut out = String::new();
    pieces(text(key), |piece| match piece {
        Piece::Text(text) => out.push_str(&html! { (text) }.0),
        Piece::Value(name) => match values.iter().find(|(known, _)| *known == name) {
            Some((_, markup)) => out.push_str(&markup.0),
            None => debug_assert!(false, "{key} wants {name}"),
        },
    });
    PreEscaped(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// Keys in the code that begin with `call` and a quotation mark.
    fn keys(code: &str) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for call in ["text(", "line(", "say("] {
            for part in code.split(call).skip(1) {
                if let Some(key) = part.trim_start().strip_prefix('"') {
                    found.insert(key.split('"').next().unwrap().to_owned());
                }
            }
        }
        // Tables of keys say so.
        for part in code.split("msg!(\"").skip(1) {
            found.insert(part.split('"').next().unwrap().to_owned());
        }
        found
    }

    /// The code of report and comparison and of what both are made of, file by file.
    fn sources() -> Vec<String> {
        let sinks = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/sink");
        let folders = ["report", "compare"].map(|name| std::fs::read_dir(sinks.join(name)));
        let paths = folders.into_iter().flat_map(Result::unwrap).map(|entry| entry.unwrap().path());
        let code = paths.filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            name.ends_with(".rs") && name != "tests.rs"
        });
        code.chain([sinks.join("html.rs")])
            .map(|path| std::fs::read_to_string(path).unwrap())
            .collect()
    }

    /// What stands between the bracket that `code` begins with and its partner.
    fn bracketed(code: &str) -> &str {
        let (mut depth, mut quoted, mut before) = (0, false, ' ');
        for (at, character) in code.char_indices() {
            match character {
                '"' if before != '\\' => quoted = !quoted,
                '[' if !quoted => depth += 1,
                ']' if !quoted => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return &code[..at];
            }
            before = character;
        }
        code
    }

    #[test]
    fn every_sentence_gets_the_values_that_it_wants() {
        let mut calls = 0;
        for code in sources() {
            // To the end of the file each: a call may hold another.
            let starts = code.match_indices("say(").chain(code.match_indices("line("));
            for call in starts.map(|(at, name)| &code[at + name.len()..]) {
                let Some(rest) = call.trim_start().strip_prefix('"') else { continue };
                let (key, rest) = rest.split_once('"').unwrap();
                let rest = rest.trim_start_matches([',', ' ', '\n', '&']);
                let (Some(message), true) = (ENGLISH.get(key), rest.starts_with('[')) else {
                    continue;
                };
                let given = bracketed(rest);
                calls += 1;
                pieces(message, |piece| {
                    if let Piece::Value(name) = piece {
                        assert!(given.contains(&format!("(\"{name}\"")), "{key} wants {name}");
                    }
                });
            }
        }
        assert!(calls > 80, "calls are found: {calls}");
    }

    #[test]
    fn no_message_is_missing_and_none_is_unused() {
        let mut used = BTreeSet::new();
        sources().iter().for_each(|code| used.extend(keys(code)));
        let known = ENGLISH.keys();
        assert!(known.len() > 50, "the file of messages is read");
        let missing: Vec<_> = used.difference(&known).collect();
        let unused: Vec<_> = known.difference(&used).collect();
        assert!(missing.is_empty() && unused.is_empty(), "missing {missing:?}, unused {unused:?}");
    }

    #[test]
    fn values_stand_where_the_message_wants_them() {
        let markup = say("page.title", &[("files", html! { b { "<" } })]);
        assert!(markup.0.contains("<b>&lt;</b>"));
    }
}
