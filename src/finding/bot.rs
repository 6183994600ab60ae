//! `net.bot-signature`: a device knocks at strangers as the bots of a known family do.

use super::{About, Alternative, Check, Draft, Fact, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Zone};
use crate::base::table::Set;

/// Fewest connections that are no chance.
const KNOCKS_MIN: usize = 3;
/// Ports of Telnet that the family tries.
const TELNET: [u16; 2] = [23, 2323];
/// Frames named by one fact.
const FRAMES_MAX: usize = 16;

/// See the module.
pub struct Bot;

impl Check for Bot {
    fn id(&self) -> &'static str {
        "net.bot-signature"
    }

    fn title(&self) -> &'static str {
        "A device acts like a bot"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::High
    }

    fn about(&self) -> About {
        About {
            looks_for: "Three or more TCP connections tried with the IPv4 address of the other end for a sequence \
                number, as the Mirai family does (its published scanner.c; mirai.security.gives); or \
                Telnet (ports 23 and 2323) tried in vain at ten or more addresses of the internet.",
            why: "Such a device is most likely infected: it looks for others to infect, and can be ordered to \
                attack.",
            false_positives: "A scanner that somebody runs on purpose. The sequence number of one connection is the address \
                by chance once in four thousand million. Telnet alone is inferred at most. Other \
                families, and bots that are silent while they are watched, are not found.",
            verify: "In Wireshark, with relative sequence numbers off, compare tcp.seq_raw of the SYN in the \
                deciding frames with ip.dst, byte by byte.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let device = view.device(contact);
        let swept = view.sweeps.at(contact).filter(|_| device.role != "gateway")?;
        let not_shown =
            &["which program does it", "who gave the order", "that anything was reached or harmed"];
        let mut draft = Draft::new(Level::Inferred, not_shown);
        let mut ways = Vec::new();
        let is_knock = |marks: u32| marks & Mark::Bot as u32 != 0;
        let knocks = swept.bots.iter().flat_map(|&row| &view.ledger.rows[row].flow_refs);
        let knocks: Vec<_> = knocks.filter(|flow| is_knock(flow.marks)).collect();
        if knocks.len() >= KNOCKS_MIN {
            draft.level = Level::Shown;
            draft.cites.extend(knocks.iter().map(|flow| flow.cite));
            draft.traffic.extend(swept.bots.iter().map(|&row| (row, Some(Mark::Bot))));
            let text = format!(
                "{} connections tried with the address of the other end for a sequence number",
                knocks.len()
            );
            let frames = knocks.iter().take(FRAMES_MAX).map(|flow| flow.cite.frame).collect();
            draft.facts.push(Fact { text, frames });
            ways.push("with the other end's address for a sequence number".to_owned());
        }
        let mut counted: Set<usize> = draft.traffic.iter().map(|&(row, _)| row).collect();
        for sweep in &swept.sweeps {
            if sweep.zone != Zone::Internet || !TELNET.contains(&sweep.port) {
                continue;
            }
            sweep.tell(view, &mut draft, &mut counted);
            ways.push(format!("at port {} of {} addresses", sweep.port, sweep.addresses));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.traffic.sort_unstable_by_key(|&(row, _)| row);
        draft.alternatives.push(Alternative {
            text: "somebody runs a scanner of this kind on the device on purpose".into(),
            status: "not excluded",
            by: "the packets do not say why".into(),
        });
        draft.may_say = format!(
            "The device {} tried connections as bots of the Mirai family do ({}), with {}: {{bytes}}.",
            spoken_device(device),
            ways.join("; "),
            spoken(view, &draft),
        );
        Some(draft)
    }
}
