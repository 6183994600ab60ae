//! `telemetry.volume`: how much a device exchanges with a destination in a day.

use super::words::{msg, told};
use super::{Check, Draft, Fact, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::base::text::span;
use crate::base::time::SECOND;

/// The least that a device must be seen for, and what bytes are told for.
const DAY: i64 = 86_400 * SECOND;

/// See the module.
pub struct Volume;

impl Check for Volume {
    fn rule(&self) -> Rule {
        Rule { id: "telemetry.volume", version: 1, severity: Severity::Info }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let device = view.device(contact);
        let seen = device.visibility.first.zip(device.visibility.last);
        let lasted = seen.map(|(first, last)| last.since(first)).filter(|&lasted| lasted >= DAY)?;
        if contact.zone != Zone::Internet || device.role == "gateway" {
            return None;
        }
        let not_shown = &[msg!("telemetry.volume.not_what"), msg!("telemetry.volume.not_too_much")];
        let mut draft = Draft::new(Level::Shown, not_shown);
        let mut delivered = [0_u128; 2];
        for (index, row) in view.rows(contact).filter(|(_, row)| !row.is_icmp()) {
            draft.traffic.push((index, None));
            draft.cites.extend(row.beginnings().next());
            for (sum, sent) in delivered.iter_mut().zip(&row.totals) {
                *sum += u128::from(sent.delivered_bytes);
            }
        }
        if delivered == [0, 0] {
            return None;
        }
        let [sent, received] = delivered.map(|bytes| bytes * DAY as u128 / lasted as u128);
        draft.facts.push(Fact::new(
            told!("telemetry.volume.a_day", sent, received, lasted = span(lasted)),
            contact.frames[0],
        ));
        draft.may_say = told!(
            "telemetry.volume.may_say",
            lasted = span(lasted),
            device = spoken_device(device),
            remote = spoken(view, &draft),
            sent,
            received
        );
        Some(draft)
    }
}
