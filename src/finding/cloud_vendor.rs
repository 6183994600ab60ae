//! `cloud.vendor`: data goes to a cloud that a sourced signature attributes to a vendor.

use super::attributed::attributed;
use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::signature::Kind;
use crate::attribution::world::{Contact, Zone};

/// See the module.
pub struct CloudVendor;

impl Check for CloudVendor {
    fn id(&self) -> &'static str {
        "cloud.vendor"
    }

    fn title(&self) -> &'static str {
        "Data went to a vendor's cloud"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "Traffic with a name or network that a sourced signature lists for a \
                vendor.",
            why: "It says which company's systems the data reaches, with the source of \
                that statement.",
            false_positives: "A name that changed hands; another name on the same address where the \
                name came from DNS alone.",
            verify: "Read the name in the deciding frame and the source given in the facts.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &[
            "what the encrypted content is",
            "what the data is used for, or who reads it at the other end",
            "that a company or a state has asked for or used it",
            "where the data is stored",
        ];
        let (mut draft, said) = attributed(view, contact, Kind::Vendor, not_shown)?;
        let first = said[0];
        let mut roles: Vec<&str> = said.iter().map(|claim| claim.role.as_str()).collect();
        roles.sort_unstable();
        roles.dedup();
        let made_up = if first.fictional { " (made up)" } else { "" };
        draft.may_say = format!(
            "The device {} exchanged data with {}; signature \"{}\"{made_up} lists these \
             names or addresses for {}: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
            first.name,
            roles.join(", "),
        );
        Some(draft)
    }
}
