//! `ntp.unauth-foreign`: a device takes its time from one server on the internet that proves nothing.

use super::{About, Check, Draft, Fact, Service, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::{Ledger, Row};
use crate::attribution::world::{Contact, Level, World, Zone};
use crate::base::table::{Map, Set};
use crate::protocol::Method;
use std::net::IpAddr;

/// See the module.
pub struct NtpUnauthenticated;

impl Check for NtpUnauthenticated {
    fn id(&self) -> &'static str {
        "ntp.unauth-foreign"
    }

    fn title(&self) -> &'static str {
        "The time came from one server that proves nothing"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "NTP answers from one internet address, and from no other, in datagrams of 48 bytes: the bare header (RFC 5905 §7.3), without a key's digest or the fields of NTS (RFC 8915 §5).",
            why: "Who is on the path can set the device's clock: expired certificates become valid, and records get wrong times. One server can do so alone; of several the odd one is noticed.",
            false_positives: "One server of the device's own maker is usual. A name can stand for several servers of which one was asked.",
            verify: "Filter on ntp with the address in the filter; udp.length is 56 in every datagram.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || !view.one_clock.contains(&contact.device_index) {
            return None;
        }
        let not_shown = &["that a wrong time was given", "that no other source is compared"];
        let mut draft = Draft::new(Level::Shown, not_shown);
        for (index, row) in view.rows(contact).filter(|(_, row)| is_clock(row)) {
            let bare = row.totals.iter().all(|sent| sent.payload_bytes == 48 * sent.packets);
            if !bare {
                return None;
            }
            draft.traffic.push((index, None));
            draft.cites.extend(row.beginnings());
            let text = format!("{} answers from {}", row.totals[1].packets, Service(row));
            draft.facts.push(Fact::new(text, row.frames[0]));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.may_say = format!(
            "The device {} took its time from {} alone, in datagrams that nothing proves: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}

/// Whether the local end was told the time in a row, by payload that is that.
fn is_clock(row: &Row) -> bool {
    row.label.protocol == "ntp"
        && row.label.method == Method::Payload
        && row.begun_here
        && row.totals.iter().all(|sent| sent.payload_bytes > 0)
}

/// Positions of the devices that one internet address alone told the time.
pub(super) fn one_clock(ledger: &Ledger, world: &World) -> Set<usize> {
    let mut clocks: Map<usize, Option<IpAddr>> = Map::default();
    for contact in world.contacts.iter().filter(|contact| contact.zone != Zone::Group) {
        if world.devices[contact.device_index].role == "gateway" {
            continue;
        }
        for row in contact.rows.iter().map(|&row| &ledger.rows[row]).filter(|row| is_clock(row)) {
            let address = Some(row.remote.address);
            let known = clocks.entry(contact.device_index).or_insert(address);
            if *known != address {
                *known = None;
            }
        }
    }
    clocks.into_iter().filter_map(|(device, clock)| clock.map(|_| device)).collect()
}
