//! `telemetry.third-party`: data goes to a company that measures, and that is not the maker.

use super::attributed::attributed;
use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::signature::Kind;
use crate::attribution::world::{Contact, Party, Zone};

/// See the module.
pub struct ThirdParty;

impl Check for ThirdParty {
    fn id(&self) -> &'static str {
        "telemetry.third-party"
    }

    fn title(&self) -> &'static str {
        "Data went to a third party that measures"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "Traffic with a name or network that a sourced signature lists for analytics, crash reports \
                or advertising, of another company than the maker of the device.",
            why: "Another company learns that the device is there and when it is used, and often an id.",
            false_positives: "An app on a phone speaks to such services too. Some makers run the service themselves under \
                a name of their own.",
            verify: "Read the name in the deciding frame and the source given in the facts.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || contact.party == Party::First {
            return None;
        }
        let not_shown = &[
            "what is measured",
            "that a person can be recognised by it",
            "what the maker of the device has agreed on with that company",
        ];
        let (mut draft, claims) = attributed(view, contact, Kind::Analytics, not_shown)?;
        let made_up = if claims[0].fictional { " (made up)" } else { "" };
        draft.may_say = format!(
            "The device {} exchanged data with {}; signature \"{}\"{made_up} lists these names or \
             addresses for analytics: {bytes}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
            claims[0].name,
            bytes = "{bytes}",
        );
        Some(draft)
    }
}
