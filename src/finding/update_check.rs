//! `update.check-seen`: the device speaks to a service for its firmware.

use super::firmware::FIRMWARE;
use super::words::{msg, told};
use super::{Check, Draft, Fact, Rule, Service, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::base::text::safe;

/// See the module.
pub struct UpdateCheck;

impl Check for UpdateCheck {
    fn rule(&self) -> Rule {
        Rule { id: "update.check-seen", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::Update).or(Signs::CLAIMED)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.device(contact).role == "gateway" {
            return None;
        }
        let mut draft = Draft::new(
            Level::Attributed,
            &[
                msg!("update.check-seen.not_update_offered_taken"),
                msg!("update.check-seen.not_old_firmware"),
            ],
        );
        for (index, row) in view.rows(contact).filter(|(_, row)| row.begun_here && !row.is_icmp()) {
            let claim = view.world.claims.of(index).filter(|claim| claim.role == FIRMWARE);
            let asked = row.evidence.iter().find(|evidence| evidence.mark == Mark::Update);
            let (level, text, frame, mark) = match (claim, asked) {
                (Some(claim), _) => (
                    claim.level,
                    told!(
                        "update.check-seen.matches_role_firmware",
                        text = claim.matched.text,
                        pattern = claim.pattern,
                        name = claim.name,
                        source = claim.source,
                        checked = claim.checked
                    ),
                    claim.frame,
                    None,
                ),
                (None, Some(asked)) => (
                    Level::Inferred,
                    told!(
                        "update.check-seen.asked",
                        service = Service(row),
                        value = safe(&asked.value)
                    ),
                    asked.cite.frame,
                    Some(Mark::Update),
                ),
                (None, None) => continue,
            };
            draft.level = draft.level.max(level);
            match asked.filter(|_| mark.is_some()) {
                Some(asked) => draft.cites.push(asked.cite),
                None => draft.cites.extend(row.beginnings()),
            }
            draft.traffic.push((index, mark));
            if !draft.facts.iter().any(|fact| fact.text == text) {
                draft.facts.push(Fact::new(text, frame));
            }
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.may_say = told!(
            "update.check-seen.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
