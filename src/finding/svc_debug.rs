//! `svc.debug`: a device answered in a protocol for debugging, or sends its log out of the network.

use super::offered::{At, is_answered};
use super::words::{msg, told};
use super::{Check, Draft, Fact, Rule, Service, Severity, View, spoken, spoken_device};
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::protocol::{Content, Method, debugging};

/// See the module.
pub struct SvcDebug;

impl Check for SvcDebug {
    fn rule(&self) -> Rule {
        Rule { id: "svc.debug", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::ANSWERED.or(Signs::READABLE)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        let not_shown = &[msg!("svc.debug.not_let_in"), msg!("svc.debug.not_left_by_maker")];
        let mut draft = Draft::new(Level::Shown, not_shown);
        let mut names: Vec<&str> = Vec::new();
        for (index, row) in view.rows(contact) {
            let known =
                debugging(row.label.protocol).filter(|_| row.label.method == Method::Payload);
            let Some(name) = known.filter(|_| is_answered(contact.zone, row)) else { continue };
            let service = At(row, contact.zone);
            let text = told!("svc.debug.answered_at", name, service);
            draft.traffic.push((index, None));
            draft.cites.extend(row.beginnings());
            draft.facts.push(Fact::new(text, row.label.frame));
            if !names.contains(&name) {
                names.push(name);
            }
        }
        if draft.traffic.is_empty() {
            return logs(view, contact, draft);
        }
        let [device, asking] = draft.about_who_was_asked(view, contact)?;
        draft.may_say = told!("svc.debug.may_say", names = names.join(" and "), device, asking);
        Some(draft)
    }
}

/// A log that leaves the network readable.
fn logs(view: &View<'_>, contact: &Contact, mut draft: Draft) -> Option<Draft> {
    if contact.zone != Zone::Internet || view.device(contact).role == "gateway" {
        return None;
    }
    for (index, row) in view.rows(contact) {
        let label = row.label;
        let readable = label.protocol == "syslog" && label.content == Content::Clear;
        if !readable || label.method != Method::Payload || row.totals[0].payload_bytes == 0 {
            continue;
        }
        let sent = row.totals[0].delivered_bytes;
        draft.traffic.push((index, None));
        draft.cites.extend(row.beginnings());
        let text = told!("svc.debug.log_sent", sent, service = Service(row));
        draft.facts.push(Fact::new(text, label.frame));
    }
    if draft.traffic.is_empty() {
        return None;
    }
    // That it is sent is shown; that it is for developers is likely and no more.
    draft.level = Level::Inferred;
    let device = spoken_device(view.device(contact));
    draft.may_say = told!("svc.debug.may_say_log", device, remote = spoken(view, &draft));
    Some(draft)
}
