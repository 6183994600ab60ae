//! `dns.doh-dot`: names are asked for inside encryption, where the network cannot see them.

use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};

/// See the module.
pub struct DnsEncrypted;

impl Check for DnsEncrypted {
    fn id(&self) -> &'static str {
        "dns.doh-dot"
    }

    fn title(&self) -> &'static str {
        "Names were asked for inside encryption"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "A flow that the protocol itself shows to carry DNS inside TLS, DTLS, \
                HTTP or QUIC: by ALPN, by the port and form of DNS over TLS, or by a \
                readable DoH request.",
            why: "The names a device asks for can then not be seen or filtered on the \
                network, and some of its destinations stay without a name in this \
                report.",
            false_positives: "A resolver that the user or the network chose on purpose. DNS over HTTPS \
                on an ordinary connection cannot be told from other HTTPS and is not \
                found.",
            verify: "Open the filter in Wireshark and look at the ALPN (dot, doq) or the port \
                in the Client Hello of the deciding frame.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Group {
            return None;
        }
        let not_shown = &[
            "which names were asked for",
            "that the network's own name server was avoided on purpose",
        ];
        let mut draft = Draft::marked(view, contact, Mark::DnsOver, not_shown, |row, evidence| {
            Some(format!("DNS over {} with {}", evidence.what, row.remote.address))
        })?;
        draft.may_say = format!(
            "The device {} asked names of {} inside encryption: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
