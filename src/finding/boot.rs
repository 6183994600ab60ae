//! How much of a device's start a capture shows: what it spoke to without asking for a name may have
//! been looked up before, or be remembered from an earlier run.

use super::{Alternative, View, position};
use crate::attribution::ledger::{Ledger, Mark};
use crate::attribution::world::{Device, World};
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
        return Some("its start was noted and recorded");
    }
    device.visibility.dhcp.then_some("it asked for its address in this capture")
}

/// Why an address or a server may be known to a device without the capture saying how.
pub(super) fn remembered(view: &View<'_>, device: &Device, what: &str) -> [Alternative; 2] {
    let recorded = view.periods.iter().any(|p| p.name.is_some_and(|name| STARTS.contains(&name)));
    let (status, by) = if recorded {
        ("excluded", "the start of the device was noted and recorded")
    } else if device.visibility.dhcp {
        (
            "not tested",
            "the device asked for its address in this capture, so it may have started here",
        )
    } else {
        ("not excluded", "the capture does not show the device starting")
    };
    [
        Alternative {
            text: format!("{what} before the capture began").into(),
            status,
            by: by.into(),
        },
        Alternative {
            text: format!("{what} in an earlier run, and kept over the restart").into(),
            status: "not excluded",
            by: "only the first start out of the factory, or after a reset, would tell".into(),
        },
    ]
}

/// Positions of the devices that asked for names inside encryption, so that answers cannot be read.
pub(super) fn asking_encrypted(ledger: &Ledger, world: &World) -> Set<usize> {
    let asks = |&row: &usize| {
        ledger.rows[row].evidence.iter().any(|evidence| evidence.mark == Mark::DnsOver)
    };
    let asking = world.contacts.iter().filter(|contact| contact.rows.iter().any(asks));
    asking.map(|contact| contact.device_index).collect()
}
