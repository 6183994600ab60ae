//! `svc.legacy`: a service that sends passwords and data readable by design was answered.

use super::offered::{At, is_answered};
use super::{About, Check, Draft, Fact, Severity, View};
use crate::attribution::world::{Contact, Level};
use crate::protocol::{Method, legacy};
use std::collections::BTreeSet;

/// See the module.
pub struct SvcLegacy;

impl Check for SvcLegacy {
    fn id(&self) -> &'static str {
        "svc.legacy"
    }

    fn title(&self) -> &'static str {
        "An old, unprotected service is offered"
    }

    fn version(&self) -> u32 {
        2
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "Telnet, FTP, TFTP, and SNMP of versions 1 and 2c, recognised from their \
                payload and answered by a device on the test network.",
            why: "They protect neither passwords nor data; Telnet is how most botnets of \
                IoT devices spread.",
            false_positives: "A service that was opened for the test. SSH, HTTP and vendor services \
                are not counted here.",
            verify: "Follow the stream of the filter in Wireshark: the device's banner or \
                answer must be there.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let mut draft = Draft::new(
            Level::Shown,
            &["that a login is possible", "that others than this peer can reach it"],
        );
        let mut named = BTreeSet::new();
        for (index, row) in view.rows(contact) {
            let known = legacy(row.label.protocol).filter(|_| row.label.method == Method::Payload);
            let Some(name) = known.filter(|_| is_answered(contact.zone, row)) else { continue };
            draft.traffic.push((index, None));
            draft.cites.extend(row.beginnings());
            draft.facts.push(Fact::new(
                format!("{name} was answered at {}", At(row, contact.zone)),
                row.label.frame,
            ));
            named.insert(name);
        }
        if draft.traffic.is_empty() {
            return None;
        }
        let named: Vec<&str> = named.into_iter().collect();
        let [device, asking] = draft.about_who_was_asked(view, contact)?;
        draft.may_say = format!(
            "The device {device} answered {} to {asking}: {{bytes}}.",
            named.join(" and "),
        );
        Some(draft)
    }
}
