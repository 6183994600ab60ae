//! The `content` option of a rule.

use super::super::seen::Glob;
use std::fmt::Write;

/// Bytes as `content` spells them: what means something to Suricata, or cannot be printed, in hex.
pub(super) fn content(bytes: &[u8]) -> String {
    let mut text = String::from("content:\"");
    let mut in_hex = false;
    for &byte in bytes {
        let plain = byte.is_ascii_alphanumeric() || b" ._-/=<>,+@#()".contains(&byte);
        if plain == in_hex {
            text.push('|');
            in_hex = !plain;
        } else if in_hex {
            text.push(' ');
        }
        if plain {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
    }
    if in_hex {
        text.push('|');
    }
    text.push_str("\"; ");
    text
}

/// A pattern in a buffer that holds nothing but the value.
pub(super) fn whole(value: &Glob<'_>) -> String {
    let mut options = following(value);
    if value.starts {
        // Behind the first content.
        let end = options.find("nocase; ").map_or(0, |at| at + "nocase; ".len());
        options.insert_str(end, "startswith; ");
    }
    if value.ends {
        options.push_str("endswith; ");
    }
    options
}

/// A pattern somewhere in a buffer, piece behind piece; after another content it is looked for
/// behind that.
pub(super) fn following(value: &Glob<'_>) -> String {
    let mut options = String::new();
    for (index, piece) in value.pieces.iter().enumerate() {
        options.push_str(&content(piece.as_bytes()));
        options.push_str("nocase; ");
        if index > 0 {
            options.push_str("distance:0; ");
        }
    }
    options
}

/// A pattern right behind some text.
pub(super) fn behind(text: &str, value: &Glob<'_>) -> String {
    let Some((first, rest)) = value.pieces.split_first() else { return String::new() };
    let text = if value.starts { format!("{text}{first}") } else { text.to_owned() };
    let mut options = format!("{}nocase; ", content(text.as_bytes()));
    let rest = if value.starts { rest } else { &value.pieces[..] };
    for piece in rest {
        options.push_str(&format!("{}nocase; distance:0; ", content(piece.as_bytes())));
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_suricata_is_spelt_in_hex() {
        assert_eq!(content(b"|a;b\"c:d"), "content:\"|7c|a|3b|b|22|c|3a|d\"; ");
        assert_eq!(content(b"\xc2\xfe\0\x05"), "content:\"|c2 fe 00 05|\"; ");
    }

    #[test]
    fn stars_leave_a_gap_and_ends_are_held() {
        let pattern = |text| whole(&Glob::of(text));
        assert_eq!(pattern("ab*"), "content:\"ab\"; nocase; startswith; ");
        assert_eq!(pattern("*ab"), "content:\"ab\"; nocase; endswith; ");
        assert_eq!(
            pattern("a*b"),
            "content:\"a\"; nocase; startswith; content:\"b\"; nocase; distance:0; endswith; "
        );
        assert_eq!(behind("X", &Glob::of("a*")), "content:\"Xa\"; nocase; ");
        assert_eq!(
            behind("X", &Glob::of("*a")),
            "content:\"X\"; nocase; content:\"a\"; nocase; distance:0; "
        );
    }
}
