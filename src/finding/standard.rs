//! `standard.*`: what a device speaks has the form of a nation's own standard. One check for every
//! nation, by the same rule: the dissector that reads the standard names it.

use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::Contact;

/// See the module.
pub struct Standard {
    /// The finding's id.
    pub id: &'static str,
    /// What the dissector calls the standard.
    pub key: &'static str,
    /// The standard as it is cited.
    pub name: &'static str,
    /// The finding in plain words.
    pub title: &'static str,
}

impl Check for Standard {
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
            looks_for: "Messages with the form that a nation's standard for surveillance, vehicles \
                or meters gives them, recognised by the dissector of that standard.",
            why: "It says for which system the device was built and in which form its data can be \
                taken over by others who speak the standard.",
            false_positives: "A test tool that speaks the standard. Use of a standard says nothing \
                on who operates the other end.",
            verify: "Compare the bytes of the deciding frame with the message layout in the standard; \
                docs/protocols.md says which fields are read.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &[
            "who operates the other end, or in which country",
            "that an authority takes part",
            "that the device conforms to the standard",
        ];
        let mut draft = Draft::marked(view, contact, Mark::Standard, not_shown, |_, evidence| {
            (evidence.what == self.key).then(|| format!("a message in the form of {}", self.name))
        })?;
        draft.may_say = format!(
            "The device {} and {} exchanged messages in the form of {}: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
            self.name,
        );
        Some(draft)
    }
}
