//! `resil.offline-loop`: while the internet is away a device tries again and again without slowing down.

use super::words::{msg, told};
use super::{Check, Draft, Fact, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::{Mark, Row};
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::base::text::span;
use crate::base::time::SECOND;
use crate::flow::Cite;
use crate::protocol::TCP;

/// Fewest tries.
const TRIES_MIN: usize = 24;
/// Fewest tries a minute: a pause of a minute is what many back-offs end at.
const A_MINUTE_MIN: i64 = 12;
/// Shortest time.
const LASTED_MIN: i64 = 120 * SECOND;

/// See the module.
pub struct OfflineLoop;

impl Check for OfflineLoop {
    fn rule(&self) -> Rule {
        Rule { id: "resil.offline-loop", version: 1, severity: Severity::Low }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::TO_ONE] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if view.outages.is_empty() || contact.zone == Zone::Group {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[msg!("resil.offline-loop.not_later"), msg!("resil.offline-loop.not_hurt")],
        );
        let mut tries: Vec<Cite> = Vec::new();
        for (index, row) in view.rows(contact).filter(|(_, row)| row.begun_here) {
            let before = tries.len();
            tries.extend(attempts(row).filter(|cite| view.is_in_outage(cite.time)));
            if tries.len() > before {
                draft.traffic.push((index, None));
            }
        }
        tries.sort_unstable_by_key(|cite| (cite.time, cite.frame));
        let (first, last) = (tries.first()?, tries.last()?);
        let lasted = last.time.since(first.time);
        let half = tries.iter().take_while(|cite| cite.time.since(first.time) < lasted / 2).count();
        let a_minute = tries.len() as i64 * 60 * SECOND / lasted.max(1);
        let storm = tries.len() >= TRIES_MIN
            && lasted >= LASTED_MIN
            && a_minute >= A_MINUTE_MIN
            && (tries.len() - half) * 4 >= half * 3;
        if !storm {
            return None;
        }
        draft.facts.push(Fact::new(
            told!("resil.offline-loop.tries", count = tries.len(), lasted = span(lasted), half),
            first.frame,
        ));
        draft.cites = tries;
        draft.may_say = told!(
            "resil.offline-loop.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft),
            a_minute
        );
        Some(draft)
    }
}

/// Questions of a row; else, where nothing came back, the beginnings of its flows.
fn attempts(row: &Row) -> impl Iterator<Item = Cite> {
    let questions = row.evidence.iter().filter(|one| one.mark == Mark::Query);
    let asks = row.evidence.iter().any(|one| one.mark == Mark::Query);
    let in_vain = !asks && row.protocol == TCP && row.totals[1].payload_bytes == 0;
    let connections = row.beginnings().filter(move |_| in_vain);
    questions.map(|one| one.cite).chain(connections)
}
