//! What checks share that are about what a device says readable of itself to the test network.

use super::pii_cleartext::is_personal;
use super::words::told;
use super::{Draft, View, spoken, spoken_device};
use crate::attribution::ledger::{Evidence, Mark, Row};
use crate::attribution::world::{Contact, Zone};
use crate::base::text::safe;
use crate::protocol::{Content, IdentityKind};

/// Shortest id that can tell a device from all others, bytes.
const ID_BYTES_MIN: usize = 6;

/// Facts that must go readable for a login to begin: the cipher of DLMS is seeded with them.
const BY_DESIGN: [&str; 1] = ["dlms.system_title"];

/// A draft about what one end of a contact says of itself without a login, with who says it and to
/// whom; of two ends that do, about the one that was asked.
pub(super) fn of_itself(
    view: &View<'_>,
    contact: &Contact,
    kinds: &[IdentityKind],
    not_shown: &'static [&'static str],
) -> Option<(Draft, [String; 2])> {
    let tell = |_, row: &Row, evidence: &Evidence| {
        let kind = evidence.kind.filter(|kind| kinds.contains(kind))?;
        // Numbers of a few digits are addresses within a protocol; a client's id is for its server.
        let asks = evidence.mark == Mark::TellsHere && contact.zone == Zone::Private;
        if BY_DESIGN.contains(&&*evidence.what) {
            return None;
        }
        if kind == IdentityKind::DeviceId && (asks || evidence.length < ID_BYTES_MIN) {
            return None;
        }
        let login = |one: &Evidence| matches!(one.mark, Mark::Credential | Mark::WeakSignIn);
        let logged_in = row.evidence.iter().any(login);
        let readable = !logged_in && row.content() != Content::Encrypted;
        readable.then(|| match is_personal(&evidence.what) {
            true => told!("shared.not_shown", what = evidence.what, length = evidence.length),
            false => told!("shared.said", what = evidence.what, value = safe(&evidence.value)),
        })
    };
    by_either_end(view, contact, not_shown, tell)
}

/// A draft about what one end of a contact tells of itself, with who tells it and to whom; of two ends
/// that do, about the one that was asked. `tell` is given the position of whoever tells.
pub(super) fn by_either_end(
    view: &View<'_>,
    contact: &Contact,
    not_shown: &'static [&'static str],
    tell: impl Fn(usize, &Row, &Evidence) -> Option<String>,
) -> Option<(Draft, [String; 2])> {
    let device = spoken_device(view.device(contact));
    if let Some((at, peer)) = view.peer_at(contact)
        && let Some(draft) =
            Draft::marked(view, contact, Mark::TellsThere, not_shown, |row, one| tell(at, row, one))
    {
        return Some((Draft { turned: true, ..draft }, [spoken_device(peer), device]));
    }
    let draft = Draft::marked(view, contact, Mark::TellsHere, not_shown, |row, one| {
        tell(contact.device_index, row, one)
    })?;
    let to = spoken(view, &draft);
    Some((draft, [device, to]))
}
