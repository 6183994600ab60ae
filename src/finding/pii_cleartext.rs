//! `data.pii-cleartext`: what tells a device, its place or its owner from others goes over the internet readable.

use super::words::{msg, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs, Zone};
use crate::base::text::safe;
use crate::protocol::Content;

/// See the module.
pub struct PiiCleartext;

impl Check for PiiCleartext {
    fn rule(&self) -> Rule {
        Rule { id: "data.pii-cleartext", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::Identifier)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.device(contact).role == "gateway" {
            return None;
        }
        let not_shown = &[
            msg!("data.pii-cleartext.not_anyone_but_two"),
            msg!("data.pii-cleartext.not_person_identified"),
        ];
        let mut draft =
            Draft::marked(view, contact, Mark::Identifier, not_shown, |row, evidence| {
                // A place or an account is a person's: its length is enough to find it by.
                let text = if is_personal(&evidence.what) {
                    told!(
                        "data.pii-cleartext.bytes_shown",
                        what = evidence.what,
                        length = evidence.length
                    )
                } else {
                    format!("{}: {}", evidence.what, safe(&evidence.value))
                };
                (row.content() != Content::Encrypted).then_some(text)
            })?;
        draft.may_say = told!(
            "data.pii-cleartext.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}

pub(super) fn is_personal(fact: &str) -> bool {
    const PERSONAL: [&str; 8] =
        ["position", "latitude", "longitude", "location", "account", "mail", "owner_hash", "phone"];
    PERSONAL.iter().any(|word| fact.ends_with(word))
}
