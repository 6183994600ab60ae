//! What checks share that are about who offers a service. Between two devices of the test network it
//! is the one that was asked, which stands at the far end of a contact.

use super::{Draft, View, spoken, spoken_device};
use crate::attribution::ledger::Row;
pub(super) use crate::attribution::world::is_answered;
use crate::attribution::world::{Contact, Zone};
use crate::base::address::Spelled;
use std::fmt;

/// Where the service of a row is offered: `192.0.2.1 port 23`.
pub(super) struct At<'a>(pub &'a Row, pub Zone);

impl fmt::Display for At<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let At(row, zone) = self;
        let end = if *zone == Zone::Private { row.remote } else { row.local };
        Spelled(end.address).fmt(out)?;
        row.port.map_or(Ok(()), |port| write!(out, " port {port}"))
    }
}

impl Draft {
    /// Makes the draft one about who was asked, and says who that is and who asked. Nothing where who
    /// was asked is left out on purpose, so that there is no device to speak of.
    pub(super) fn about_who_was_asked(
        &mut self,
        view: &View<'_>,
        contact: &Contact,
    ) -> Option<[String; 2]> {
        let device = view.device(contact);
        if contact.zone != Zone::Private {
            return Some([spoken_device(device), spoken(view, self)]);
        }
        let peer = view.peer(contact)?;
        self.turned = true;
        Some([spoken_device(peer), spoken_device(device)])
    }
}
