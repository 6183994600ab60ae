//! What senders say of themselves in frames without IP. These are no flows: nothing but the sender's
//! hardware address tells whose they are, and the frame ledger counts them by name. A reader of a
//! protocol is one file and one line in [`READERS`].

mod cdp;
mod eapol;
mod goose;
mod lldp;
mod sampled;

use super::IdentityKind;

/// Hears what a frame says of its sender: kind, name of the fact, value.
pub type Say<'s> = dyn FnMut(IdentityKind, &'static str, &[u8]) + 's;

/// Reads what stands behind the link header.
type Read = fn(&[u8], &mut Say<'_>);

/// By the name of the protocol in the frame ledger.
pub const READERS: &[(&str, Read)] = &[
    ("cdp", cdp::read),
    ("eapol", eapol::read),
    ("goose", goose::read),
    ("lldp", lldp::read),
    ("sampled_values", sampled::read),
];

/// Says what a frame of the protocol `name` tells of its sender.
pub fn read(name: &str, said: &[u8], say: &mut Say<'_>) {
    if let Some((_, read)) = READERS.iter().find(|(known, _)| *known == name) {
        read(said, say);
    }
}

/// Says a text; what cannot be one is passed over, and so is what fills a text up.
fn text(kind: IdentityKind, name: &'static str, value: &[u8], say: &mut Say<'_>) {
    let end = value.iter().rposition(|&byte| !matches!(byte, 0 | b' ' | b'\r' | b'\n'));
    let value = &value[..end.map_or(0, |end| end + 1)];
    let is_text = std::str::from_utf8(value).is_ok_and(|text| {
        text.chars().all(|letter| !letter.is_control() || matches!(letter, '\r' | '\n' | '\t'))
    });
    if is_text && !value.is_empty() {
        say(kind, name, value);
    }
}

/// What a frame says, as tests want it.
#[cfg(test)]
fn said(read: Read, frame: &[u8]) -> Vec<(IdentityKind, &'static str, Vec<u8>)> {
    let mut all = Vec::new();
    read(frame, &mut |kind, name, value| all.push((kind, name, value.to_vec())));
    all
}

/// Every beginning of a frame says a part of what the whole one does, and no byte that differs ends
/// the reading badly.
#[cfg(test)]
fn holds_when_cut(read: Read, frame: &[u8]) {
    let whole = said(read, frame);
    for end in 0..frame.len() {
        assert!(said(read, &frame[..end]).iter().all(|one| whole.contains(one)), "{end}");
    }
    for at in 0..frame.len() {
        let mut other = frame.to_vec();
        for value in [0, 0x7f, 0x80, 0x84, 0xff] {
            other[at] = value;
            said(read, &other);
        }
    }
}
