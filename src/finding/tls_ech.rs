//! `tls.ech`: what the first message of a client offers.

use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};

/// See the module.
pub struct TlsEch;

impl Check for TlsEch {
    fn id(&self) -> &'static str {
        "tls.ech"
    }

    fn title(&self) -> &'static str {
        "A hidden server name was offered"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "A ClientHello with an encrypted one inside (extension 65037, RFC 9849) over TCP, DTLS or QUIC.",
            why: "The name that is readable is then a front's; whom the device really speaks to cannot be read.",
            false_positives: "Clients send the like of it without meaning it, to keep networks used to it: which of both it is cannot be told.",
            verify: "Show tls.handshake.extension.type == 65037 in the deciding frame.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown =
            &["that a name was hidden: clients also offer it for the looks", "the hidden name"];
        let mut draft = Draft::marked(view, contact, Mark::EncryptedHello, not_shown, |_, _| {
            Some("an encrypted hello is offered, or the like of one".to_owned())
        })?;
        draft.may_say = format!(
            "The device {} offered {} an encrypted hello, or the like of one; in those flows: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
