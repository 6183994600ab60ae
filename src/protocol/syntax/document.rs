//! Descriptions of devices in JSON (RFC 8259) and XML: each protocol has a table of the names it
//! uses, and what a value of that name is.
//!
//! Both are read in one pass and only as far as that needs: no tree, no entities, no depth.

use super::super::IdentityKind;
use super::framed::Voice;
use super::parameter;

/// What the value of a name is.
#[derive(Debug, Clone, Copy)]
pub enum Meaning {
    /// The sender describes itself.
    Identity(IdentityKind),
    /// Worth showing.
    Note,
    /// The receiver is told to do something.
    Control,
    /// A readable secret; the kind of it.
    Secret(&'static str),
}

/// A name in a document, what it means, and what we call it.
pub type Entry = (&'static str, Meaning, &'static str);

/// Says what `table` knows of a JSON or XML text; anything else is passed over.
pub fn tell(text: &[u8], table: &[Entry], voice: &mut Voice<'_>) {
    let mut visit = |name: &[u8], value: &[u8]| {
        let known = table.iter().find(|entry| name.eq_ignore_ascii_case(entry.0.as_bytes()));
        match known {
            _ if value.is_empty() => {}
            Some(&(_, Meaning::Identity(kind), fact)) => voice.identity(kind, fact, value),
            Some(&(_, Meaning::Note, fact)) => voice.note(fact, value),
            Some(&(_, Meaning::Control, fact)) => voice.control(fact, value),
            Some(&(_, Meaning::Secret(kind), fact)) => {
                voice.credential(kind, value.len(), fact, &[]);
            }
            None => {}
        }
    };
    match text.trim_ascii_start() {
        json @ [b'{' | b'[', ..] => parameter::json(json, &mut visit),
        xml @ [b'<', ..] => elements(xml, &mut visit),
        _ => {}
    }
}

/// Every `<name>text</name>` that holds text alone, without its prefix.
pub fn elements(text: &[u8], visit: &mut dyn FnMut(&[u8], &[u8])) {
    let mut at = 0;
    while let Some(open) = find(text, at, b'<') {
        let Some(close) = find(text, open, b'>') else {
            return;
        };
        let tag = &text[open + 1..close];
        at = close + 1;
        if matches!(tag.first(), None | Some(b'/' | b'?' | b'!')) || tag.ends_with(b"/") {
            continue;
        }
        let end = find(text, at, b'<').unwrap_or(text.len());
        if text.get(end + 1) == Some(&b'/') {
            visit(local_name(tag), text[at..end].trim_ascii());
        }
        at = end;
    }
}

/// The name of a tag without attributes and namespace prefix.
fn local_name(tag: &[u8]) -> &[u8] {
    let end = tag.iter().position(u8::is_ascii_whitespace).unwrap_or(tag.len());
    let name = &tag[..end];
    name.iter().rposition(|&byte| byte == b':').map_or(name, |colon| &name[colon + 1..])
}

fn find(text: &[u8], from: usize, wanted: u8) -> Option<usize> {
    text.get(from..)?.iter().position(|&byte| byte == wanted).map(|at| from + at)
}

/// Whether `text` holds `part`.
#[must_use]
pub fn contains(text: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && text.windows(part.len()).any(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_leaves_are_found_without_their_prefix() {
        let mut seen = Vec::new();
        let text = b"<?xml version=\"1.0\"?><!-- c --><a:Probe x=\"1\"><b:SN>\n 12 </b:SN><Empty/>\
            <Mac></Mac><Open>cut";
        elements(text, &mut |name, value| seen.push((name.to_vec(), value.to_vec())));
        let expected = [(b"SN".to_vec(), b"12".to_vec()), (b"Mac".to_vec(), Vec::new())];
        assert_eq!(seen, expected);
        elements(b"<a", &mut |_, _| panic!("no element is whole"));
        elements(b"<><></>", &mut |name, _| assert!(name.is_empty()));
    }
}
