//! Elements of ASN.1's basic encoding rules (ITU-T X.690 §8.1) with one byte of tag and up to two of
//! length, and the header that IEC 61850 puts before its frames (IEC 61850-8-1 annex C).

/// Takes one element off the front: its tag and content.
pub fn element<'a>(rest: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (tag, length, at) = match **rest {
        [tag, length @ ..=0x7f, ..] => (tag, usize::from(length), 2),
        [tag, 0x81, length, ..] => (tag, usize::from(length), 3),
        [tag, 0x82, high, low, ..] => (tag, usize::from(u16::from_be_bytes([high, low])), 4),
        _ => return None,
    };
    let content = rest.get(at..at + length)?;
    *rest = &rest[at + length..];
    Some((tag, content))
}

/// Elements up to the first that is broken.
pub fn elements(mut rest: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || element(&mut rest))
}

/// The number of the application and what follows the header, without what fills the frame up: the
/// length counts the header's eight bytes too.
#[must_use]
pub fn behind_header(frame: &[u8]) -> Option<(u16, &[u8])> {
    let &[a, b, high, low, ..] = frame else { return None };
    let length = usize::from(u16::from_be_bytes([high, low]));
    Some((u16::from_be_bytes([a, b]), frame.get(8..length)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_of_every_length() {
        let long = [&b"\x04\x81\x80"[..], &[7; 128], b"\x05\x82\0\x01x\x06\x02a"].concat();
        let found: Vec<_> = elements(&long).map(|(tag, value)| (tag, value.len())).collect();
        assert_eq!(found, [(4, 128), (5, 1)], "the last is cut");
        assert_eq!(elements(b"\x04\x80a").count(), 0, "lengths that are not said are not read");
        assert_eq!(behind_header(b"\x30\x01\0\x09\0\0\0\0ab"), Some((0x3001, &b"a"[..])));
        assert_eq!(behind_header(b"\x30\x01\0\x07\0\0\0\0ab"), None);
    }
}
