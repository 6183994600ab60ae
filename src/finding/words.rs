//! What findings say, in `messages/en.toml`: a table for each check, by its id.

use crate::base::messages::Messages;
use std::sync::LazyLock;

pub static ENGLISH: LazyLock<Messages> =
    LazyLock::new(|| Messages::read(&[include_str!("messages/en.toml")]));

/// Marks the key of a message that is looked up later.
macro_rules! msg {
    ($key:literal) => {
        $key
    };
}

/// A message with its values: `told!("net.scan.ports", count = ports.len(), lowest)`.
macro_rules! told {
    ($key:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {
        $crate::finding::words::ENGLISH.line(
            $key,
            &[$((
                stringify!($name),
                &$crate::finding::words::told!(@ $name $(= $value)?) as &dyn std::fmt::Display,
            )),*],
        )
    };
    (@ $name:ident) => { $name };
    (@ $name:ident = $value:expr) => { $value };
}
pub(super) use {msg, told};

/// A message without values; what is no key stands for itself.
pub fn text(key: &'static str) -> &'static str {
    ENGLISH.text(key)
}

/// What the catalogue says of a check.
pub fn of(check: &str, part: &str) -> &'static str {
    ENGLISH.get(&format!("{check}.{part}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::messages::{Piece, pieces};
    use crate::finding::CHECKS;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn sources() -> Vec<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/finding");
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let code = paths.filter(|path| {
            path.extension().is_some_and(|end| end == "rs") && !path.ends_with("words.rs")
        });
        code.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    /// Calls in the code: the key, and what stands behind it.
    fn calls<'c>(code: &'c str, call: &'c str) -> impl Iterator<Item = (&'c str, &'c str)> {
        code.split(call).skip(1).filter_map(|rest| {
            let rest = rest.trim_start().strip_prefix('"')?;
            rest.split_once('"')
        })
    }

    #[test]
    fn no_message_is_missing_and_none_is_unused() {
        let mut used = BTreeSet::new();
        for code in sources() {
            for call in ["text(", "told!(", "msg!("] {
                used.extend(calls(&code, call).map(|(key, _)| key.to_owned()));
            }
        }
        for check in CHECKS {
            for part in ["looks_for", "why", "false_positives", "verify"] {
                assert!(!of(check.words(), part).is_empty(), "{} {part}", check.id());
                used.insert(format!("{}.{part}", check.words()));
            }
            assert!(!check.title().is_empty(), "{}", check.id());
            used.insert(format!("{}.title", check.id()));
        }
        let known = ENGLISH.keys();
        assert!(known.len() > 300, "the file of messages is read");
        let missing: Vec<_> = used.difference(&known).collect();
        let unused: Vec<_> = known.difference(&used).collect();
        assert!(missing.is_empty() && unused.is_empty(), "missing {missing:?}, unused {unused:?}");
    }

    #[test]
    fn every_sentence_gets_the_values_that_it_wants_and_no_other() {
        let mut seen = 0;
        for code in sources() {
            for (key, rest) in calls(&code, "told!(") {
                let given = given(rest);
                let mut wanted = BTreeSet::new();
                pieces(ENGLISH.get(key).unwrap_or_default(), |piece| {
                    // How much went either way is counted after a check has said its sentence.
                    if let Piece::Value(name) = piece
                        && name != "bytes"
                    {
                        wanted.insert(name.to_owned());
                    }
                });
                let given: BTreeSet<String> = given.into_iter().filter(|n| n != "bytes").collect();
                assert_eq!(given, wanted, "{key}");
                seen += 1;
            }
        }
        assert!(seen > 80, "{seen}");
    }

    /// Names of the values of a call, up to its closing bracket.
    fn given(rest: &str) -> Vec<String> {
        let (mut depth, mut quoted, mut names, mut begins) = (0, false, Vec::new(), 0);
        for (at, character) in rest.char_indices() {
            let ends = match character {
                '"' => {
                    quoted = !quoted;
                    continue;
                }
                _ if quoted => continue,
                '(' | '[' | '{' => {
                    depth += 1;
                    continue;
                }
                ')' | ']' | '}' => {
                    depth -= 1;
                    depth < 0
                }
                ',' => depth == 0,
                _ => continue,
            };
            if !ends {
                continue;
            }
            let name = rest[begins..at].split('=').next().unwrap().trim();
            names.extend((!name.is_empty()).then(|| name.to_owned()));
            begins = at + 1;
            if depth < 0 {
                break;
            }
        }
        names
    }
}
