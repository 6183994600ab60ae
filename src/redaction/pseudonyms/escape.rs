//! Text as it was before a form, JSON or XML had to spell it otherwise.

/// A form (WHATWG URL §5.1): `%3A`, and `+` for a blank. None where nothing is spelled so.
pub(super) fn form(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut changed = false;
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let (value, length) = match byte {
            b'+' => (b' ', 1),
            b'%' => number(bytes.get(at + 1..at + 3), 16).map_or((byte, 1), |n| (n as u8, 3)),
            _ => (byte, 1),
        };
        changed |= value != byte;
        plain.push(value);
        at += length;
    }
    changed.then_some(plain)
}

/// JSON (RFC 8259 §7) and the references of XML and HTML. None where there are none.
pub(super) fn text(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut changed = false;
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let rest = &bytes[at..];
        let found = match byte {
            b'\\' => json(rest),
            b'&' => reference(rest),
            _ => None,
        };
        match found {
            Some((character, length)) => {
                changed = true;
                plain.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                at += length;
            }
            None => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    changed.then_some(plain)
}

fn json(rest: &[u8]) -> Option<(char, usize)> {
    let character = match rest.get(1)? {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        &byte @ (b'/' | b'"' | b'\\' | b'\'') => byte.into(),
        b'u' => return Some((char::from_u32(number(rest.get(2..6), 16)?)?, 6)),
        b'x' => return Some((char::from_u32(number(rest.get(2..4), 16)?)?, 4)),
        _ => return None,
    };
    Some((character, 2))
}

fn reference(rest: &[u8]) -> Option<(char, usize)> {
    // The longest one looked for is `&#x10ffff;`.
    let end = rest.iter().take(10).position(|&byte| byte == b';')?;
    let character = match &rest[1..end] {
        b"amp" => '&',
        b"lt" => '<',
        b"gt" => '>',
        b"quot" => '"',
        b"apos" => '\'',
        [b'#', b'x' | b'X', digits @ ..] => char::from_u32(number(Some(digits), 16)?)?,
        [b'#', digits @ ..] => char::from_u32(number(Some(digits), 10)?)?,
        _ => return None,
    };
    Some((character, end + 1))
}

fn number(digits: Option<&[u8]>, radix: u32) -> Option<u32> {
    let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))?;
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_escaped_is_plain_again() {
        assert_eq!(form(b"mac=00%3a5E%3A01&n=Anna+E%").unwrap(), b"mac=00:5E:01&n=Anna E%");
        assert_eq!(form(b"100% %zz").as_deref(), None);
        let escaped = br#"p\u0061ss\/word \x41 &#97;&#x62;&amp; \q &none;"#;
        assert_eq!(text(escaped).unwrap(), br"pass/word A ab& \q &none;");
        assert_eq!(text(b"nothing"), None);
        for cut in 0..escaped.len() {
            let _ = (text(&escaped[..cut]), form(&escaped[cut..]));
        }
    }
}
