//! `update.none-seen`: in a week with a start nothing was seen that looks for updates.

use super::boot::has_started;
use super::firmware::looks_for_updates;
use super::words::{msg, text, told};
use super::{Check, Draft, Fact, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Ledger;
use crate::attribution::world::{Contact, Level, World, Zone};
use crate::base::table::Map;
use crate::base::text::span;
use crate::base::time::SECOND;
use std::sync::Arc;

/// How long a device must be seen.
const WEEK: i64 = 7 * 86_400 * SECOND;

/// All that a device exchanged with the internet in a week without a search for updates, told at the
/// contact whose destination comes first by its id.
pub struct Silence {
    destination: Arc<str>,
    rows: Vec<usize>,
    destinations: usize,
    lasted: i64,
}

/// By position of the device.
pub struct Silences(Map<usize, Silence>);

impl Silences {
    /// Indexes the contacts of a world.
    #[must_use]
    pub fn of(ledger: &Ledger, world: &World) -> Silences {
        let mut all = Map::default();
        for of_device in world.contacts.chunk_by(|a, b| a.device_index == b.device_index) {
            let at = of_device[0].device_index;
            if let Some(silence) = silence(ledger, world, of_device) {
                all.insert(at, silence);
            }
        }
        Silences(all)
    }

    fn at(&self, contact: &Contact) -> Option<&Silence> {
        let silence = self.0.get(&contact.device_index)?;
        (silence.destination == contact.destination).then_some(silence)
    }
}

fn silence(ledger: &Ledger, world: &World, contacts: &[Contact]) -> Option<Silence> {
    let device = &world.devices[contacts[0].device_index];
    let seen = &device.visibility;
    let lasted = seen.last?.since(seen.first?);
    let whole = seen.both_directions && seen.acknowledged_unseen_flows == 0;
    if lasted < WEEK || !whole || device.role == "gateway" || !device.behind.is_empty() {
        return None;
    }
    let internet = || contacts.iter().filter(|contact| contact.zone == Zone::Internet);
    let looks = |&row: &usize| looks_for_updates(world, row, &ledger.rows[row]);
    if internet().any(|contact| contact.rows.iter().any(looks)) {
        return None;
    }
    let exchanged = |&row: &usize| {
        let row = &ledger.rows[row];
        !row.is_icmp() && row.totals.iter().any(|sent| sent.packets > 0)
    };
    let rows: Vec<usize> =
        internet().flat_map(|contact| &contact.rows).copied().filter(exchanged).collect();
    let destination = internet().map(|contact| &contact.destination).min()?.clone();
    let destinations = internet().count();
    (!rows.is_empty()).then_some(Silence { destination, rows, destinations, lasted })
}

/// See the module.
pub struct UpdateNone;

impl Check for UpdateNone {
    fn rule(&self) -> Rule {
        Rule { id: "update.none-seen", version: 1, severity: Severity::Low }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let silence = view.silences.at(contact)?;
        let device = view.device(contact);
        if view.lossy {
            return None;
        }
        let started = has_started(view, device)?;
        let mut draft = Draft::new(
            Level::Inferred,
            &[msg!("update.none-seen.not_cannot"), msg!("update.none-seen.not_never")],
        );
        for &row in &silence.rows {
            draft.traffic.push((row, None));
            draft.cites.extend(view.ledger.rows[row].beginnings().next());
        }
        draft.facts.push(Fact::new(
            told!(
                "update.none-seen.destinations",
                count = silence.destinations,
                lasted = span(silence.lasted)
            ),
            view.ledger.rows[silence.rows[0]].frames[0],
        ));
        draft.facts.push(Fact { text: started.into(), frames: Vec::new() });
        for key in [msg!("update.none-seen.unknown_service"), msg!("update.none-seen.app")] {
            draft.not_excluded(text(key), text("update.none-seen.only_names"));
        }
        draft.may_say = told!(
            "update.none-seen.may_say",
            lasted = span(silence.lasted),
            device = spoken_device(device),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
