//! `svc.upnp-hole`: a device asks the router to let the internet in.

use super::{About, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};
use crate::base::text::safe;

/// See the module.
pub struct PortOpening;

impl Check for PortOpening {
    fn id(&self) -> &'static str {
        "svc.upnp-hole"
    }

    fn title(&self) -> &'static str {
        "A router was asked to open a port"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "NAT-PMP and PCP mapping requests (RFC 6886, RFC 6887) and the UPnP \
                actions AddPortMapping and AddAnyPortMapping.",
            why: "An open port makes the device reachable, and attackable, for the whole \
                internet, mostly without the owner knowing.",
            false_positives: "Games consoles and peer-to-peer programs do it by design. The answer of \
                the router is not judged.",
            verify: "Open the deciding frame in Wireshark: it dissects NAT-PMP and PCP; for \
                UPnP read the SOAPAction header and the body after it.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Internet {
            return None;
        }
        let not_shown = &["that the router did it", "that anyone came in through it"];
        let mut draft = Draft::marked(view, contact, Mark::Opening, not_shown, |_, evidence| {
            Some(format!("{}: {}", evidence.what, safe(&evidence.value)))
        })?;
        draft.may_say = format!(
            "The device {} asked {} to open a port to the internet; in those flows: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
