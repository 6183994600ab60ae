//! `data.pii-cleartext`: what tells a device, its place or its owner from others goes over the internet readable.

use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};
use crate::base::text::safe;
use crate::protocol::Content;

/// See the module.
pub struct PiiCleartext;

impl Check for PiiCleartext {
    fn id(&self) -> &'static str {
        "data.pii-cleartext"
    }

    fn title(&self) -> &'static str {
        "An identifier went readable over the internet"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "A serial number, device id, hardware address, position or account that a \
                dissector read in a message from the device to an internet address.",
            why: "An identifier that does not change lets anyone on the path recognise the \
                device wherever it is, and ties what it sends to one household or \
                vehicle.",
            false_positives: "Identifiers inside protocols that phonehome does not read are not found. \
                An id that changes at every start is not told from a lasting one.",
            verify: "Open the deciding frame in Wireshark and search its bytes for the value \
                shown in the facts.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.device(contact).role == "gateway" {
            return None;
        }
        let not_shown =
            &["that anyone but the two ends has read it", "that a person was identified by it"];
        let mut draft =
            Draft::marked(view, contact, Mark::Identifier, not_shown, |row, evidence| {
                // A place or an account is a person's: its length is enough to find it by.
                let text = if is_personal(&evidence.what) {
                    format!("{}: {} bytes, not shown", evidence.what, evidence.length)
                } else {
                    format!("{}: {}", evidence.what, safe(&evidence.value))
                };
                (row.content() != Content::Encrypted).then_some(text)
            })?;
        draft.may_say = format!(
            "The device {} sent what identifies it, its place or its account readable to {}; in those flows: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}

pub(super) fn is_personal(fact: &str) -> bool {
    const PERSONAL: [&str; 8] =
        ["position", "latitude", "longitude", "location", "account", "mail", "owner_hash", "phone"];
    PERSONAL.iter().any(|word| fact.ends_with(word))
}
