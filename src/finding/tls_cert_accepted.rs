//! `tls.cert-bad-accepted`: the device went on to send data although something is wrong with the
//! server's certificate.

use super::certificate::told;
use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};

/// See the module.
pub struct TlsCertAccepted;

impl Check for TlsCertAccepted {
    fn id(&self) -> &'static str {
        "tls.cert-bad-accepted"
    }

    fn title(&self) -> &'static str {
        "A bad certificate was accepted"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "A certificate as in tls.cert-bad, after which the client sent its own part of the \
                handshake and then application data.",
            why: "Somebody in between could show a certificate of the same kind, and read and change all.",
            false_positives: "As for tls.cert-bad: a device may know this very certificate, so that signed by itself, \
                or under another name, is inferred at most. Where the handshake was resumed no \
                certificate is sent.",
            verify: "In the stream of the deciding frame, the certificate comes before the first application \
                data (tls.record.content_type == 23) of the device.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown =
            &["that the device would take any certificate", "that anyone stood in between"];
        let mut draft = told(view, contact, Mark::CertificateAccepted, not_shown)?;
        draft.may_say = format!(
            "The device {} sent data to {} although something is wrong with the certificate shown \
             to it; in those flows: {bytes}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
            bytes = "{bytes}",
        );
        Some(draft)
    }
}
