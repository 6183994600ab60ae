//! `svc.info-leak`: a device tells whoever asks, or everybody, what helps to attack or recognise it.

use super::told::told;
use super::{About, Check, Draft, Severity, View};
use crate::attribution::world::Contact;
use crate::protocol::IdentityKind;

/// What is better not told to everybody.
const KINDS: &[IdentityKind] = &[
    IdentityKind::Serial,
    IdentityKind::DeviceId,
    IdentityKind::Firmware,
    IdentityKind::Location,
    IdentityKind::Account,
];

/// See the module.
pub struct InfoLeak;

impl Check for InfoLeak {
    fn id(&self) -> &'static str {
        "svc.info-leak"
    }

    fn title(&self) -> &'static str {
        "A device tells its firmware, number, place or owner without a login"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn about(&self) -> About {
        About {
            looks_for: "A version of firmware, a serial number, an id, a position or an account that a device says readable to others on the test network, unasked (mDNS, discovery of vendors) or as an answer, in flows without a visible credential.",
            why: "Who is in the network learns which known flaws fit, can recognise the device elsewhere, or learns whose it is.",
            false_positives: "A login in an earlier flow, or a client that is known by its address, cannot be seen. A model alone is not counted: it is meant to be recognised (id.device-identified). Names of hosts, and texts such as Server: in HTTP, are not counted either.",
            verify: "Open the deciding frame in Wireshark and search its bytes for the value in the facts.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &["that somebody used what was told", "that what was told is true"];
        let (mut draft, [device, to]) = told(view, contact, KINDS, not_shown)?;
        draft.may_say = format!(
            "The device {device} told {to} readable, with no login in those flows, what tells its \
             firmware, its number, its place or its owner: {{bytes}}.",
        );
        Some(draft)
    }
}
