//! `cred.same-across-devices`: two devices show one certificate or key, so that one secret opens both.

use super::told::by_either_end;
use super::words::{msg, text, told};
use super::{Check, Draft, Rule, Severity, View, spoken_device};
use crate::attribution::ledger::{Evidence, Ledger, Mark, Row};
use crate::attribution::world::{Contact, Signs, World, Zone};
use crate::base::table::Map;
use crate::base::text::safe;
use crate::protocol::IdentityKind;
use std::collections::BTreeSet;

/// Most devices that are named.
const NAMED_MAX: usize = 3;

/// Which devices showed each key.
pub struct Keys(Map<Box<[u8]>, BTreeSet<usize>>);

impl Keys {
    /// Indexes the contacts of a world; `by_id` has the positions of devices.
    #[must_use]
    pub fn of(ledger: &Ledger, world: &World, by_id: &Map<&str, usize>) -> Keys {
        let mut all: Map<Box<[u8]>, BTreeSet<usize>> = Map::default();
        for contact in world.contacts.iter().filter(|one| one.signs.has(Signs::TELLS)) {
            let evidence = contact.rows.iter().flat_map(|&row| &ledger.rows[row].evidence);
            for one in evidence.filter(|one| one.kind == Some(IdentityKind::Key)) {
                let peer = || by_id.get(&*contact.destination).copied();
                let who = match one.mark {
                    Mark::TellsHere => Some(contact.device_index),
                    Mark::TellsThere if contact.zone == Zone::Private => peer(),
                    _ => None,
                };
                if let Some(who) = who {
                    all.entry(one.value.clone()).or_default().insert(who);
                }
            }
        }
        all.retain(|_, devices| devices.len() > 1);
        Keys(all)
    }
}

/// See the module.
pub struct SameKey;

impl Check for SameKey {
    fn rule(&self) -> Rule {
        Rule { id: "cred.same-across-devices", version: 1, severity: Severity::High }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TELLS] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let Keys(shared) = &view.keys;
        if shared.is_empty() {
            return None;
        }
        let not_shown = &[
            msg!("cred.same-across-devices.not_key"),
            msg!("cred.same-across-devices.not_misused"),
        ];
        let tell = |who: usize, _: &Row, evidence: &Evidence| {
            let known = evidence.kind == Some(IdentityKind::Key);
            let devices = shared.get(&evidence.value).filter(|_| known)?;
            let others = devices.iter().filter(|&&other| other != who);
            let named: Vec<String> = others
                .take(NAMED_MAX)
                .map(|&other| spoken_device(&view.world.devices[other]))
                .collect();
            Some(told!(
                "cred.same-across-devices.shown_by",
                what = evidence.what,
                print = safe(&evidence.value),
                others = named.join(", "),
                count = devices.len()
            ))
        };
        let (mut draft, [device, to]) = by_either_end(view, contact, not_shown, tell)?;
        draft.not_tested(
            text("cred.same-across-devices.one_owner"),
            text("cred.same-across-devices.who_made"),
        );
        draft.may_say = told!("cred.same-across-devices.may_say", device, to);
        Some(draft)
    }
}
