//! `telemetry.volume`: how much a device exchanges with a destination in a day.

use super::{About, Check, Draft, Fact, Severity, View, spoken, spoken_device};
use crate::attribution::world::{Contact, Level, Zone};
use crate::base::text::span;
use crate::base::time::SECOND;

/// The least that a device must be seen for, and what bytes are told for.
const DAY: i64 = 86_400 * SECOND;

/// See the module.
pub struct Volume;

impl Check for Volume {
    fn id(&self) -> &'static str {
        "telemetry.volume"
    }

    fn title(&self) -> &'static str {
        "How much went to a destination in a day"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "The payload between a device and a destination on the internet, each byte once, where the device was seen for a day or longer.",
            why: "What a device sends without being used is what it says of its own accord; much more than its function needs is worth a question.",
            false_positives: "Updates and use by people count too. The bytes of each phase stand in the report and in compare --phase.",
            verify: "Statistics, Conversations in Wireshark with the filter: bytes there count headers and repetitions too.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let device = view.device(contact);
        let seen = device.visibility.first.zip(device.visibility.last);
        let lasted = seen.map(|(first, last)| last.since(first)).filter(|&lasted| lasted >= DAY)?;
        if contact.zone != Zone::Internet || device.role == "gateway" {
            return None;
        }
        let not_shown = &["what was sent", "that it was too much for the device's purpose"];
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
            format!("{sent} bytes sent and {received} received a day, over {}", span(lasted)),
            contact.frames[0],
        ));
        draft.may_say = format!(
            "In {} the device {} and {} exchanged, in all: {{bytes}}; that is {sent} bytes sent and \
             {received} received a day.",
            span(lasted),
            spoken_device(device),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
