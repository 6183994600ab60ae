//! `dns.doh-dot`: names are asked for inside encryption, where the network cannot see them.

use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs, Zone};

/// See the module.
pub struct DnsEncrypted;

impl Check for DnsEncrypted {
    fn rule(&self) -> Rule {
        Rule { id: "dns.doh-dot", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TO_ONE, Signs::of(Mark::DnsOver)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Group {
            return None;
        }
        let not_shown =
            &[msg!("dns.doh-dot.not_names_asked"), msg!("dns.doh-dot.not_network_s_own")];
        let mut draft = Draft::marked(view, contact, Mark::DnsOver, not_shown, |row, evidence| {
            Some(told!("dns.doh-dot.dns_over", what = evidence.what, address = row.remote.address))
        })?;
        draft.may_say = told!(
            "dns.doh-dot.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
