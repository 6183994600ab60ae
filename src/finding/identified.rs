//! `id.device-identified`: a device says on the network which model it is.

use super::told::told;
use super::{About, Check, Draft, Severity, View};
use crate::attribution::world::Contact;
use crate::protocol::IdentityKind;

/// See the module.
pub struct Identified;

impl Check for Identified {
    fn id(&self) -> &'static str {
        "id.device-identified"
    }

    fn title(&self) -> &'static str {
        "A device says which model it is"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "A model that a device says readable: ONVIF, SADP and DHIP, mDNS properties, BACnet, Modbus, EtherNet/IP, OCPP, CWMP and others.",
            why: "Who looks after a network can find the devices that an advisory or an update is for.",
            false_positives: "A device can say anything. What it says inside encryption is not seen. Makers known by DHCP or by the hardware address alone are not told here but at the device.",
            verify: "Open the deciding frame in Wireshark and search its bytes for the value in the facts.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &["that what was told is true", "which hardware is inside"];
        let (mut draft, [device, to]) = told(view, contact, &[IdentityKind::Model], not_shown)?;
        draft.may_say =
            format!("The device {device} told {to} readable which model it is: {{bytes}}.");
        Some(draft)
    }
}
