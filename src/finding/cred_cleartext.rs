//! `cred.cleartext`: a password or token was sent readable. The secret itself is never shown.

use super::words::{msg, text, told};
use super::{Check, Draft, Fact, Rule, Severity, View, capped, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::base::text::safe;
use std::collections::BTreeSet;

/// See the module.
pub struct CredCleartext;

impl Check for CredCleartext {
    fn rule(&self) -> Rule {
        Rule { id: "cred.cleartext", version: 1, severity: Severity::High }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::of(Mark::Credential)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let mut draft = Draft::new(
            Level::Shown,
            &[
                msg!("cred.cleartext.not_credentials_valid"),
                msg!("cred.cleartext.not_anyone_but_two"),
            ],
        );
        let mut kinds = BTreeSet::new();
        for (row_index, row) in view.rows(contact) {
            let secrets: Vec<_> =
                row.evidence.iter().filter(|e| e.mark == Mark::Credential).collect();
            if secrets.is_empty() {
                continue;
            }
            draft.traffic.push((row_index, Some(Mark::Credential)));
            draft.level = draft.level.max(capped(Level::Shown, row));
            for secret in secrets {
                draft.cites.push(secret.cite);
                kinds.insert(&*secret.what);
                let owner = if secret.value.is_empty() {
                    String::new()
                } else {
                    told!("cred.cleartext.user", value = safe(&secret.value))
                };
                let text = told!(
                    "cred.cleartext.bytes_shown",
                    what = secret.what,
                    owner,
                    length = secret.length
                );
                if !draft.facts.iter().any(|fact| fact.text == text) {
                    draft.facts.push(Fact::new(text, secret.cite.frame));
                }
            }
        }
        if draft.traffic.is_empty() {
            return None;
        }
        let place = if contact.zone == Zone::Internet {
            text("cred.cleartext.internet")
        } else {
            text("cred.cleartext.locally")
        };
        let kinds: Vec<&str> = kinds.into_iter().collect();
        draft.may_say = told!(
            "cred.cleartext.may_say",
            kinds = kinds.join(", "),
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft),
            place
        );
        Some(draft)
    }
}
