//! `svc.inbound-from-wan`: an internet address began a session that the device took part in.

use super::{
    About, Alternative, Check, Draft, Fact, Service, Severity, View, spoken, spoken_device,
};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Zone, transport_name};
use crate::protocol::TCP;

/// See the module.
pub struct Inbound;

impl Check for Inbound {
    fn id(&self) -> &'static str {
        "svc.inbound-from-wan"
    }

    fn title(&self) -> &'static str {
        "The internet began a session with a device"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "A TCP or UDP flow that an internet address began and in which the device \
                sent data, or took data over TCP, where the device had not spoken to \
                that address before.",
            why: "Behind a home router nothing should come in unasked: the port was opened \
                by hand, by UPnP, or the device has a public address (IPv6).",
            false_positives: "UDP conversations that were begun before the capture. A lab whose own \
                servers have addresses that look public.",
            verify: "In Wireshark the first frame of the filter must come from the internet \
                address: for TCP a SYN without ACK, answered by the device.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let device = view.device(contact);
        if contact.zone != Zone::Internet || device.role == "gateway" {
            return None;
        }
        let mut draft = Draft::new(
            Level::Shown,
            &[
                "that the sender got in: a refusal can be an answer too",
                "how the router came to let it through",
            ],
        );
        // An answer that came after a time-out, or a data connection that was agreed on.
        let asked: Vec<_> = view
            .rows(contact)
            .filter(|(_, row)| row.begun_here)
            .map(|(_, row)| (row.remote.address, row.first))
            .collect();
        for (index, row) in view.rows(contact) {
            let invited =
                asked.iter().any(|&(to, first)| to == row.remote.address && first <= row.last);
            let mut flows = row.flow_refs.iter().filter(|f| f.marks & Mark::Inbound as u32 != 0);
            let Some(first) = flows.next().filter(|_| !invited) else { continue };
            draft.traffic.push((index, Some(Mark::Inbound)));
            draft.cites.push(first.cite);
            draft.cites.extend(flows.map(|flow| flow.cite));
            if row.protocol != TCP {
                draft.level = Level::Inferred;
            }
            let text = format!(
                "{} began {} to the device ({})",
                Service(row),
                transport_name(row.protocol),
                row.label.protocol
            );
            draft.facts.push(Fact::new(text, first.cite.frame));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        if draft.level == Level::Inferred {
            draft.alternatives.push(Alternative {
                text: "the device began it before the capture did".into(),
                status: "not excluded",
                by: "UDP has no beginning that can be seen".into(),
            });
        }
        draft.may_say = format!(
            "{} began a session with the device {}, which answered: {{bytes}}.",
            spoken(view, &draft),
            spoken_device(device),
        );
        Some(draft)
    }
}
