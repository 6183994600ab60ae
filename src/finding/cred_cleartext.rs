//! `cred.cleartext`: a password or token was sent readable. The secret itself is never shown.

use super::{About, Check, Draft, Fact, Severity, View, capped, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Zone};
use crate::base::text::safe;
use std::collections::BTreeSet;

/// See the module.
pub struct CredCleartext;

impl Check for CredCleartext {
    fn id(&self) -> &'static str {
        "cred.cleartext"
    }

    fn title(&self) -> &'static str {
        "A password or token was sent readable"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn about(&self) -> About {
        About {
            looks_for: "A password, token, key or community that a dissector read in a flow: \
                HTTP, FTP, Telnet, MQTT, RTSP, SNMP, SMTP, SIP and others.",
            why: "Whoever is on the path can read it and use it.",
            false_positives: "Values that were made up for a test, or a public user such as anonymous.",
            verify: "Follow the stream of the deciding frame in Wireshark; the secret stands \
                there readable. phonehome never shows it.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let mut draft = Draft::new(
            Level::Shown,
            &["whether the credentials are valid", "that anyone but the two ends has read them"],
        );
        let mut kinds = BTreeSet::new();
        for (row_index, row) in view.rows(contact) {
            let secrets: Vec<_> =
                row.evidence.iter().filter(|e| e.mark == Mark::Credential).collect();
            if secrets.is_empty() {
                continue;
            }
            draft.traffic.push((row_index, Some(Mark::Credential)));
            draft.level = draft.level.max(capped(Level::Shown, row));
            for secret in secrets {
                draft.cites.push(secret.cite);
                kinds.insert(secret.what.as_str());
                let owner = if secret.value.is_empty() {
                    String::new()
                } else {
                    format!(" of user {}", safe(&secret.value))
                };
                let text = format!("{}{owner}: {} bytes, not shown", secret.what, secret.length);
                if !draft.facts.iter().any(|fact| fact.text == text) {
                    draft.facts.push(Fact::new(text, secret.cite.frame));
                }
            }
        }
        if draft.traffic.is_empty() {
            return None;
        }
        let place = if contact.zone == Zone::Internet { "over the internet" } else { "locally" };
        let kinds: Vec<&str> = kinds.into_iter().collect();
        draft.may_say = format!(
            "Credentials went readable ({}) between the device {} and {}, {place}; in those \
             flows: {{bytes}}.",
            kinds.join(", "),
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
