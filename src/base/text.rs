//! Text that came from packets, made safe to show. Names on the wire are chosen by whoever sent
//! them; none may move a cursor, hide itself or reorder the line it stands in.

use std::fmt::Write;

/// Escapes bytes into printable text: UTF-8 stays as it is, but control characters, invisible
/// and direction-changing characters (Unicode TR 36) and the backslash are written as `\xNN`,
/// `\u{N}` or `\\`. Different bytes always give different text.
#[must_use]
pub fn safe(bytes: &[u8]) -> String {
    let is_plain = |&byte: &u8| matches!(byte, b' '..=b'~') && byte != b'\\';
    if bytes.iter().all(is_plain) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            push_safe(&mut out, character);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

fn push_safe(out: &mut String, character: char) {
    match character {
        '\\' => out.push_str("\\\\"),
        c if (c as u32) < 0x20 || c as u32 == 0x7f => {
            let _ = write!(out, "\\x{:02x}", c as u32);
        }
        c if is_deceptive(c) => {
            let _ = write!(out, "\\u{{{:x}}}", c as u32);
        }
        c => out.push(c),
    }
}

/// Whether a character shows as itself on a screen and leaves the others of its line in place:
/// what [`safe`] does not escape, the backslash aside.
#[must_use]
pub fn is_shown(character: char) -> bool {
    character as u32 >= 0x20 && character as u32 != 0x7f && !is_deceptive(character)
}

/// Characters that are printed as nothing, as a line break, or change the order of others.
fn is_deceptive(c: char) -> bool {
    matches!(c as u32,
        0x80..=0x9f | 0xad | 0x34f | 0x61c | 0x115f..=0x1160 | 0x17b4..=0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x3164 | 0xfe00..=0xfe0f
        | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
        | 0xe0000..=0xe0fff | 0xe000..=0xf8ff | 0xf0000..=0x10ffff)
        || c.is_control()
}

/// Whether a name can be resolved: letters, digits, hyphens and underscores between dots, and not an
/// address.
#[must_use]
pub fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(fits)
    };
    name.len() <= 253 && name.parse::<std::net::IpAddr>().is_err() && name.split('.').all(label)
}

/// Lower-case hexadecimal digits of `bytes`.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    push_hex(&mut out, bytes);
    out
}

/// The same, at the end of a text. Fingerprints are made of every hello, and formatting was most of
/// their cost.
pub fn push_hex(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = [0; 64];
    for chunk in bytes.chunks(digits.len() / 2) {
        for (pair, byte) in digits.chunks_exact_mut(2).zip(chunk) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        out.push_str(std::str::from_utf8(&digits[..chunk.len() * 2]).unwrap_or_default());
    }
}

/// The bytes that pairs of hex digits stand for; nothing where they are no such pairs.
#[must_use]
pub fn bytes_of_hex(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|value| value as u8);
    let pairs = digits.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// Lower-case hexadecimal digits, exactly as many as so many bytes need.
#[must_use]
pub fn unhex<const N: usize>(digits: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if digits.len() != 2 * N
        || !digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()?;
    }
    Some(bytes)
}

/// At most `limit` characters of `text`, the end replaced by `…` where it was cut.
#[must_use]
pub fn shorten(text: &str, limit: usize) -> String {
    if text.chars().count() <= limit {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(limit.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Bytes for people: `0 B`, `999 B`, `1.2 kB`, `34 MB` (powers of 1000, as networks count).
#[must_use]
pub fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if count < 1000 {
        return format!("{count} B");
    }
    let mut value = count as f64;
    let mut unit = "";
    for next in UNITS {
        value /= 1000.0;
        unit = next;
        if value < 999.5 {
            break;
        }
    }
    if value < 9.95 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// A span of time for people, from nanoseconds: `12 ms`, `3.4 s`, `5 min`, `2.5 h`, `3.0 d`.
#[must_use]
pub fn span(nanoseconds: i64) -> String {
    let seconds = nanoseconds.max(0) as f64 / 1e9;
    match seconds {
        s if s < 0.001 => format!("{:.0} µs", s * 1e6),
        s if s < 1.0 => format!("{:.0} ms", s * 1e3),
        s if s < 120.0 => format!("{s:.1} s"),
        s if s < 7200.0 => format!("{:.0} min", s / 60.0),
        s if s < 172_800.0 => format!("{:.1} h", s / 3600.0),
        s => format!("{:.1} d", s / 86_400.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_could_deceive() {
        assert_eq!(safe(b"camera.example"), "camera.example");
        assert_eq!(safe("пример.example".as_bytes()), "пример.example");
        assert_eq!(safe(b"\x1b[2Jgone"), "\\x1b[2Jgone");
        assert_eq!(safe("a\u{202e}b".as_bytes()), "a\\u{202e}b");
        assert_eq!(safe(b"\xff\n"), "\\xff\\x0a");
        assert_eq!(safe(b"\\xff"), "\\\\xff");
        assert_eq!(safe("\u{9b}31m".as_bytes()), "\\u{9b}31m");
    }

    #[test]
    fn what_is_shown_needs_no_escape() {
        for character in ['a', 'ж', '中', ' ', '\u{301}'] {
            assert!(is_shown(character));
            assert_eq!(safe(character.to_string().as_bytes()), character.to_string());
        }
        for character in ['\u{1b}', '\n', '\u{7f}', '\u{9b}', '\u{202e}', '\u{200b}', '\u{e000}'] {
            assert!(!is_shown(character));
        }
    }

    #[test]
    fn host_names_are_told_from_addresses_and_other_text() {
        for name in ["a", "camera-1.example", "_mqtt._tcp.example", "xn--bcher-kva.example"] {
            assert!(is_host_name(name), "{name}");
        }
        for name in ["", "192.0.2.1", "2001:db8::1", "a..b", "a.", "a b", "\\x1b", "*.example", "é"]
        {
            assert!(!is_host_name(name), "{name}");
        }
        assert!(!is_host_name(&"a".repeat(64)));
    }

    #[test]
    fn plain_text_stays_and_hex_has_two_digits_a_byte() {
        let printable: Vec<u8> = (b' '..=b'~').filter(|&byte| byte != b'\\').collect();
        assert_eq!(safe(&printable).as_bytes(), printable);
        assert_eq!(hex(&[0x00, 0x0f, 0xa5, 0xff]), "000fa5ff");
    }

    #[test]
    fn counts_for_people() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_000), "1.0 kB");
        assert_eq!(bytes(9_960), "10 kB");
        assert_eq!(bytes(999_600), "1.0 MB");
        assert_eq!(span(90 * 1_000_000_000), "90.0 s");
        assert_eq!(span(42_000_000), "42 ms");
        assert_eq!(shorten("abcdef", 4), "abc…");
    }
}
