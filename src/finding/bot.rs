//! `net.bot-signature`: a device knocks at strangers as the bots of a known family do.

use super::words::{msg, text, told};
use super::{Check, Draft, Fact, Rule, Severity, View, spoken, spoken_device};
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
    fn rule(&self) -> Rule {
        Rule { id: "net.bot-signature", version: 1, severity: Severity::High }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let device = view.device(contact);
        let swept = view.sweeps.at(contact).filter(|_| device.role != "gateway")?;
        let not_shown = &[
            msg!("net.bot-signature.not_program"),
            msg!("net.bot-signature.not_gave_order"),
            msg!("net.bot-signature.not_anything_reached_harmed"),
        ];
        let mut draft = Draft::new(Level::Inferred, not_shown);
        let mut ways = Vec::new();
        let is_knock = |marks: u32| marks & Mark::Bot as u32 != 0;
        let knocks = swept.bots.iter().flat_map(|&row| &view.ledger.rows[row].flow_refs);
        let knocks: Vec<_> = knocks.filter(|flow| is_knock(flow.marks)).collect();
        if knocks.len() >= KNOCKS_MIN {
            draft.level = Level::Shown;
            draft.cites.extend(knocks.iter().map(|flow| flow.cite));
            draft.traffic.extend(swept.bots.iter().map(|&row| (row, Some(Mark::Bot))));
            let text = told!("net.bot-signature.connections_tried_address", count = knocks.len());
            let frames = knocks.iter().take(FRAMES_MAX).map(|flow| flow.cite.frame).collect();
            draft.facts.push(Fact { text, frames });
            ways.push(told!("net.bot-signature.knocks"));
        }
        let mut counted: Set<usize> = draft.traffic.iter().map(|&(row, _)| row).collect();
        for sweep in &swept.sweeps {
            if sweep.zone != Zone::Internet || !TELNET.contains(&sweep.port) {
                continue;
            }
            sweep.tell(view, &mut draft, &mut counted);
            ways.push(told!(
                "net.bot-signature.port_addresses",
                port = sweep.port,
                addresses = sweep.addresses
            ));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.traffic.sort_unstable_by_key(|&(row, _)| row);
        draft.not_excluded(
            text("net.bot-signature.somebody_runs_scanner"),
            text("net.bot-signature.packets_say_why"),
        );
        draft.may_say = told!(
            "net.bot-signature.may_say",
            device = spoken_device(device),
            ways = ways.join("; "),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}
