//! What checks of certificates share.

use super::words::{text, told};
use super::{Draft, View};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level};
use crate::base::text::safe;
use crate::protocol::syntax::certificate::may_be_meant;

/// A draft about certificates that bear a mark; inferred where each may be meant as it is.
pub(super) fn told(
    view: &View<'_>,
    contact: &Contact,
    mark: Mark,
    not_shown: &'static [&'static str],
) -> Option<Draft> {
    let meant = std::cell::Cell::new(true);
    let mut draft = Draft::marked(view, contact, mark, not_shown, |row, one| {
        meant.set(meant.get() && may_be_meant(&one.value));
        Some(told!("shared.certificate", address = row.remote.address, value = safe(&one.value)))
    })?;
    if meant.get() {
        draft.level = Level::Inferred;
    }
    draft.not_excluded(text("shared.device_knows_very"), text("shared.passive_capture_show"));
    Some(draft)
}
