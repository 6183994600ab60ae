//! `resil.offline-loop`: while the internet is away a device tries again and again without slowing down.

use super::{About, Check, Draft, Fact, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::{Mark, Row};
use crate::attribution::world::{Contact, Level, Zone};
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
    fn id(&self) -> &'static str {
        "resil.offline-loop"
    }

    fn title(&self) -> &'static str {
        "Tries in an outage come without slowing down"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn about(&self) -> About {
        About {
            looks_for: "Connections without an answer, or DNS questions, that a device begins with one destination within a phase outage that the operator noted: 24 or more over two minutes or longer, twelve a minute or more, and in the second half of the time no fewer than three quarters of those in the first.",
            why: "Many such devices keep a service that comes back down, and crowd the network they are in.",
            false_positives: "What the phase is called is the operator's word. Tries at different destinations are not added up, and of each service at most 64 questions are looked at.",
            verify: "Show the first packets of the flows with tcp.flags.syn == 1 (or dns.flags.response == 0) and the time between them.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if view.outages.is_empty() || contact.zone == Zone::Group {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &["that the device would not slow down later", "that a service was hurt by it"],
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
            format!(
                "{} tries within {} of the outage, {half} of them in the first half of it",
                tries.len(),
                span(lasted)
            ),
            first.frame,
        ));
        draft.cites = tries;
        draft.may_say = format!(
            "In the outage the device {} tried {} about {a_minute} times a minute without slowing \
             down; in all flows of those services: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
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
