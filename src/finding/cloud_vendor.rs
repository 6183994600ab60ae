//! `cloud.vendor`: data goes to a cloud that a sourced signature attributes to a vendor.

use super::attributed::attributed;
use super::words::{msg, text, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::signature::Kind;
use crate::attribution::world::{Contact, Signs, Zone};

/// See the module.
pub struct CloudVendor;

impl Check for CloudVendor {
    fn rule(&self) -> Rule {
        Rule { id: "cloud.vendor", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of_claim(Kind::Vendor)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &[
            msg!("cloud.vendor.not_encrypted_content"),
            msg!("cloud.vendor.not_data_used_reads"),
            msg!("cloud.vendor.not_company_state_asked"),
            msg!("cloud.vendor.not_where_data_stored"),
        ];
        let (mut draft, said) = attributed(view, contact, Kind::Vendor, not_shown)?;
        let first = said[0];
        let mut roles: Vec<&str> = said.iter().map(|claim| claim.role.as_str()).collect();
        roles.sort_unstable();
        roles.dedup();
        let made_up = if first.fictional { text("shared.made_up") } else { "" };
        draft.may_say = told!(
            "cloud.vendor.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft),
            name = first.name,
            made_up,
            roles = roles.join(", ")
        );
        Some(draft)
    }
}
