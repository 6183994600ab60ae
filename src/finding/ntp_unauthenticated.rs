//! `ntp.unauth-foreign`: a device takes its time from one server on the internet that proves nothing.

use super::words::{msg, told};
use super::{Check, Draft, Fact, Rule, Service, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::{Ledger, Row};
use crate::attribution::world::{Contact, Level, Signs, World, Zone};
use crate::base::table::{Map, Set};
use crate::protocol::Method;
use std::net::IpAddr;

/// See the module.
pub struct NtpUnauthenticated;

impl Check for NtpUnauthenticated {
    fn rule(&self) -> Rule {
        Rule { id: "ntp.unauth-foreign", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::CLOCK] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || !view.one_clock.contains(&contact.device_index) {
            return None;
        }
        let not_shown =
            &[msg!("ntp.unauth-foreign.not_wrong_time"), msg!("ntp.unauth-foreign.not_no_other")];
        let mut draft = Draft::new(Level::Shown, not_shown);
        for (index, row) in view.rows(contact).filter(|(_, row)| is_clock(row)) {
            let bare = row.totals.iter().all(|sent| sent.payload_bytes == 48 * sent.packets);
            if !bare {
                return None;
            }
            draft.traffic.push((index, None));
            draft.cites.extend(row.beginnings());
            let text = told!(
                "ntp.unauth-foreign.answers",
                count = row.totals[1].packets,
                service = Service(row)
            );
            draft.facts.push(Fact::new(text, row.frames[0]));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.may_say = told!(
            "ntp.unauth-foreign.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
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
    let clocks_asked = world.contacts.iter().filter(|one| one.signs.has(Signs::CLOCK));
    for contact in clocks_asked.filter(|contact| contact.zone != Zone::Group) {
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
