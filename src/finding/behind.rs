//! What a device behind a hub does falls to the hub, for its packets bear the hub's hardware address:
//! a finding about the hub says so.

use super::words::{text, told};
use super::{Draft, Fact, View};
use crate::attribution::world::{Behind, Contact};
use crate::base::address::Spelled;
use std::net::IpAddr;

/// Says how much of a draft may be the doing of something else.
pub(super) fn note(view: &View<'_>, contact: &Contact, draft: &mut Draft) {
    let behind = &view.subject(contact, draft).behind;
    if behind.is_empty() {
        return;
    }
    let of = |row: usize| -> Option<&Behind> {
        let row = &view.ledger.rows[row];
        let end = if draft.turned { row.remote } else { row.local };
        behind.iter().find(|one| one.address == Some(end.address))
    };
    let all: Vec<Option<&Behind>> = draft.traffic.iter().map(|&(row, _)| of(row)).collect();
    let mut addresses: Vec<IpAddr> = all.iter().filter_map(|one| one.as_ref()?.address).collect();
    addresses.sort_unstable();
    addresses.dedup();
    if let Some(first) = all.iter().find_map(|one| *one) {
        let spelled: Vec<String> =
            addresses.iter().map(|&address| Spelled(address).to_string()).collect();
        let how =
            if all.iter().all(Option::is_some) { text("shared.all") } else { text("shared.part") };
        draft.facts.push(Fact::new(
            told!("shared.came_reached_through", how, spelled = spelled.join(", "), by = first.by),
            first.frame,
        ));
    }
    draft.not_excluded(text("shared.something_behind_device"), text("shared.packets_both_bear"));
}
