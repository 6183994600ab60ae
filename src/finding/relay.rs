//! `cloud.relay`: a way to a peer is sought through a server of the internet.

use super::{About, Check, Draft, Service, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};
use crate::base::text::safe;

/// See the module.
pub struct Relay;

impl Check for Relay {
    fn id(&self) -> &'static str {
        "cloud.relay"
    }

    fn title(&self) -> &'static str {
        "A relay or meeting point was used"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "STUN and TURN messages and the peer-to-peer directories of vendors that \
                phonehome reads, exchanged with an internet address.",
            why: "The server learns that the device exists, its public address and often \
                its id, and may carry its data. It often belongs to another company than \
                the vendor.",
            false_positives: "Browsers and video calls use STUN as well. A peer that is reached \
                directly answers STUN too and is then named here.",
            verify: "In Wireshark: filter on stun for STUN and TURN; an allocate request asks \
                for a relay, a binding request only for the own address.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &[
            "who the peer is",
            "what is carried to it",
            "that data went through the server rather than around it",
        ];
        let mut draft = Draft::marked(view, contact, Mark::Relay, not_shown, |row, evidence| {
            Some(format!("{}: {}, with {}", evidence.what, safe(&evidence.value), Service(row)))
        })?;
        draft.may_say = format!(
            "The device {} sought a way to a peer by {}; in those flows: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
