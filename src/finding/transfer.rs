//! `transfer.no-adequacy` and `transfer.partial-adequacy`: data goes to a country of which transfer
//! decisions under the GDPR say nothing, or only something of some recipients. The same check for
//! every country; legal facts stand beside a finding and never in its sentence.

use super::placed::placed;
use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::legal::{self, Transfer as Decided};
use crate::attribution::world::{Contact, Zone};

/// See the module.
pub struct Transfer {
    /// Id of the check.
    pub id: &'static str,
    /// What the decisions say.
    pub decided: Decided,
    /// In plain words.
    pub title: &'static str,
}

impl Check for Transfer {
    fn id(&self) -> &'static str {
        self.id
    }

    fn title(&self) -> &'static str {
        self.title
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "Payload that a device sent to an address that every loaded database places \
                in a country without a full decision under Article 45 GDPR on the day of the \
                capture, and that no round-trip time excludes.",
            why: "Personal data may leave the European Economic Area for such a country only with \
                safeguards of another kind; the finding raises the question and cannot answer it.",
            false_positives: "Databases place content networks and relays at their owner's seat or \
                anywhere. Data that is not personal, devices outside the area, and recipients that a \
                decision covers after all are not told apart.",
            verify: "Look the address up in another database, and the decision in signatures/legal.toml \
                by its source.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let legal = legal::shipped().filter(|_| contact.zone == Zone::Internet)?;
        let decided = |code: &str| legal.transfer(code, &view.day) == self.decided;
        let not_shown = &[
            "that personal data is in it",
            "that the GDPR applies, or that safeguards are missing",
            "where the data is kept",
        ];
        let draft = placed(view, contact, not_shown, decided)?;
        Some(Draft {
            may_say: format!(
                "The device {} sent data to {}, which databases place in {}: {{bytes}}.",
                spoken_device(view.device(contact)),
                spoken(view, &draft.draft),
                draft.countries.join(" and "),
            ),
            ..draft.draft
        })
    }
}
