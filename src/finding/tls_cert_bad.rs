//! `tls.cert-bad`: something is wrong with a server's certificate that the capture shows.

use super::certificate::told;
use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};

/// See the module.
pub struct TlsCertBad;

impl Check for TlsCertBad {
    fn id(&self) -> &'static str {
        "tls.cert-bad"
    }

    fn title(&self) -> &'static str {
        "A certificate has something wrong with it"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "A server's certificate, readable up to TLS 1.2, that had expired or was not valid yet, \
                was made out to another name than the one asked for, signed by itself, with an RSA key \
                below 2048 bits or a curve below 224, or signed over MD5 or SHA-1 (RFC 9325 §4.4, RFC \
                9155).",
            why: "A client that does not mind takes anybody for the server.",
            false_positives: "Who signed it, and whether the device trusts that, cannot be seen: a cheap or unknown \
                authority is no finding. A device may know this very certificate, whatever is in it; \
                signed by itself, or under another name, is therefore inferred at most. A wrong clock \
                of the recorder looks like an expired certificate. TLS 1.3 hides certificates.",
            verify: "Open the certificate in the deciding frame (tls.handshake.certificate): validity, subject \
                alternative names, key length, algorithm.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &["that anyone but the server has used it", "who signed it"];
        let mut draft = told(view, contact, Mark::Certificate, not_shown)?;
        draft.may_say = format!(
            "{} proved itself to the device {} by a certificate with something wrong with it; in \
             those flows: {bytes}.",
            spoken(view, &draft),
            spoken_device(view.device(contact)),
            bytes = "{bytes}",
        );
        Some(draft)
    }
}
