//! `net.amplifier`: a device answers the internet with more than it was asked.

use super::{
    About, Alternative, Check, Draft, Fact, Service, Severity, View, spoken, spoken_device,
};
use crate::attribution::world::{Contact, Level, Zone};
use crate::protocol::{Method, UDP};

/// Protocols known to be used for it.
const AMPLIFIERS: [&str; 10] =
    ["dns", "mdns", "ntp", "ssdp", "snmp", "nbns", "tftp", "ws-discovery", "coap", "dahua-dhip"];
/// Least that comes out for what goes in.
const FACTOR_MIN: u64 = 3;

/// See the module.
pub struct Amplifier;

impl Check for Amplifier {
    fn id(&self) -> &'static str {
        "net.amplifier"
    }

    fn title(&self) -> &'static str {
        "A device can be used to amplify attacks"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "A UDP flow that an internet address began, in a protocol that is known to be used for it \
                (US-CERT TA14-017A: DNS, NTP, SSDP, SNMP, NetBIOS, TFTP, mDNS; and WS-Discovery, CoAP \
                and the discovery of Dahua), recognised from its payload, in which the device sent \
                three times the payload that it received.",
            why: "The sender of a datagram can be forged: whoever is named in it gets the answers of thousands \
                of such devices.",
            false_positives: "A person who asks the device from outside on purpose. A device behind a router that lets \
                nothing in is never asked.",
            verify: "Compare the lengths of the first datagram from the internet and of the answers to it.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &["that the sender was forged", "that an attack took place"];
        let mut draft = Draft::new(Level::Shown, not_shown);
        for (index, row) in view.rows(contact) {
            let [sent, received] = row.totals.map(|sent| sent.payload_bytes);
            let answers = row.protocol == UDP
                && row.begun_there
                && !row.begun_here
                && row.label.method == Method::Payload
                && AMPLIFIERS.contains(&row.label.protocol)
                && received > 0;
            if !answers || sent < received * FACTOR_MIN {
                continue;
            }
            draft.traffic.push((index, None));
            draft.cites.extend(row.beginnings());
            draft.facts.push(Fact::new(
                format!(
                    "{} bytes of {} answered {received} bytes from {}",
                    sent,
                    row.label.protocol,
                    Service(row)
                ),
                row.frames[0],
            ));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.alternatives.push(Alternative {
            text: "the other end asked for it, and is who it says".into(),
            status: "not excluded",
            by: "UDP does not prove where a datagram comes from".into(),
        });
        draft.may_say = format!(
            "The device {} answered {} with several times the bytes it was asked with: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
