//! How much of a device's start a capture shows: what it spoke to without asking for a name may have
//! been looked up before, or be remembered from an earlier run.

use super::words::{text, told};
use super::{Alternative, View, position};
use crate::attribution::ledger::{Ledger, Mark};
use crate::attribution::world::{Device, Signs, World};
use crate::base::table::Set;
use crate::flow::Cite;

/// Phases in which a device starts.
const STARTS: [&str; 3] = ["factory", "power-on", "reset"];

/// The phase of a start in which the first of these frames lies, if it does.
pub(super) fn started_in(view: &View<'_>, cites: &[Cite]) -> Option<&'static str> {
    let first = cites.iter().min_by_key(|cite| (cite.time, cite.frame))?;
    let name = view.periods[position(&view.periods, first)?].name?;
    STARTS.contains(&name).then_some(name)
}

/// What shows that a device started in this capture, if anything does.
pub(super) fn has_started(view: &View<'_>, device: &Device) -> Option<&'static str> {
    if view.periods.iter().any(|p| p.name.is_some_and(|name| STARTS.contains(&name))) {
        return Some(text("shared.start_noted"));
    }
    device.visibility.dhcp.then(|| text("shared.asked_for_address"))
}

/// From when else `what` may be known: said of very many contacts alike, and so filled in once.
pub(super) fn earlier(what: &str) -> [String; 2] {
    [told!("shared.before_capture_began", what), told!("shared.earlier_run_kept", what)]
}

/// Why an address or a server may be known to a device without the capture saying how.
pub(super) fn remembered(
    view: &View<'_>,
    device: &Device,
    [before, kept]: &'static [String; 2],
) -> [Alternative; 2] {
    let recorded = view.periods.iter().any(|p| p.name.is_some_and(|name| STARTS.contains(&name)));
    let (status, by) = if recorded {
        ("excluded", text("shared.start_recorded"))
    } else if device.visibility.dhcp {
        ("not tested", text("shared.start_maybe"))
    } else {
        ("not excluded", text("shared.start_not_shown"))
    };
    [
        Alternative { text: before.as_str().into(), status, by: by.into() },
        Alternative {
            text: kept.as_str().into(),
            status: "not excluded",
            by: text("shared.only_first_start").into(),
        },
    ]
}

/// Positions of the devices that asked for names inside encryption, so that answers cannot be read.
pub(super) fn asking_encrypted(ledger: &Ledger, world: &World) -> Set<usize> {
    let asks = |&row: &usize| {
        ledger.rows[row].evidence.iter().any(|evidence| evidence.mark == Mark::DnsOver)
    };
    let may = world.contacts.iter().filter(|one| one.signs.has(Signs::of(Mark::DnsOver)));
    let asking = may.filter(|contact| contact.rows.iter().any(asks));
    asking.map(|contact| contact.device_index).collect()
}
