//! `net.amplifier`: a device answers the internet with more than it was asked.

use super::words::{msg, text, told};
use super::{Check, Draft, Fact, Rule, Service, Severity, View, spoken, spoken_device};
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::protocol::{Method, UDP};

/// Protocols known to be used for it.
const AMPLIFIERS: [&str; 10] =
    ["dns", "mdns", "ntp", "ssdp", "snmp", "nbns", "tftp", "ws-discovery", "coap", "dahua-dhip"];
/// Least that comes out for what goes in.
const FACTOR_MIN: u64 = 3;

/// See the module.
pub struct Amplifier;

impl Check for Amplifier {
    fn rule(&self) -> Rule {
        Rule { id: "net.amplifier", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::ANSWERED] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown =
            &[msg!("net.amplifier.not_sender_forged"), msg!("net.amplifier.not_attack_took_place")];
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
                told!(
                    "net.amplifier.bytes_answered_bytes",
                    sent,
                    protocol = row.label.protocol,
                    received,
                    service = Service(row)
                ),
                row.frames[0],
            ));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.not_excluded(
            text("net.amplifier.end_asked_says"),
            text("net.amplifier.udp_prove_where"),
        );
        draft.may_say = told!(
            "net.amplifier.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
