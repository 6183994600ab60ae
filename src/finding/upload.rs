//! `data.media-upload-unprompted`: much is sent while nobody uses the device.

use super::words::{msg, text, told};
use super::{
    Check, Draft, Fact, Rule, Service, Severity, View, position, spans, spoken, spoken_device,
};
use crate::attribution::ledger::{FlowRef, Mark};
use crate::attribution::world::{Contact, Level, Signs, Zone};
use crate::base::text::span;
use crate::base::time::{SECOND, Timestamp};
use crate::flow::Cite;
use std::collections::BTreeMap;

/// Most flows told one by one.
const FACTS_MAX: usize = 16;

/// See the module.
pub struct Upload;

impl Check for Upload {
    fn rule(&self) -> Rule {
        Rule { id: "data.media-upload-unprompted", version: 3, severity: Severity::Low }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::Upload)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.periods.is_empty() {
            return None;
        }
        let not_shown = &[
            msg!("data.media-upload-unprompted.not_pictures_sound_sent"),
            msg!("data.media-upload-unprompted.not_nobody_asked_app"),
        ];
        let mut draft = Draft::new(Level::Inferred, not_shown);
        for (index, row) in view.rows(contact) {
            let is_upload = |flow: &&FlowRef| flow.marks & Mark::Upload as u32 != 0;
            let uploads = row.flow_refs.iter().filter(is_upload);
            let uploads: Vec<&FlowRef> = uploads.filter(|flow| lies_idle(view, flow)).collect();
            if uploads.is_empty() {
                continue;
            }
            let firsts = uploads.iter().map(|flow| flow.cite.frame);
            draft.only.get_or_insert_default().extend(firsts);
            for flow in uploads {
                let Some(counts) = view.ledger.counts_of(flow) else { continue };
                let [sent, received] = counts.traffic.delivered_bytes;
                let lasted = counts.last.since(flow.cite.time).max(SECOND);
                let rate = u128::from(sent) * 8 * SECOND as u128 / lasted as u128 / 1000;
                draft.cites.push(flow.cite);
                draft.facts.push(Fact::new(
                    told!(
                        "data.media-upload-unprompted.bytes_sent_received",
                        sent,
                        service = Service(row),
                        protocol = row.label.protocol,
                        received,
                        lasted = span(lasted),
                        rate
                    ),
                    flow.cite.frame,
                ));
            }
            draft.traffic.push((index, Some(Mark::Upload)));
        }
        if draft.traffic.is_empty() {
            return None;
        }
        draft.facts.truncate(FACTS_MAX);
        draft.facts.extend(by_phase(view, contact));
        let control = with_lens_covered(view, contact);
        let by = match control {
            Some(_) => text("data.media-upload-unprompted.lens_compared"),
            None => text("data.media-upload-unprompted.recording_lens_covered"),
        };
        draft.facts.extend(control);
        for other in [
            text("data.media-upload-unprompted.logs"),
            text("data.media-upload-unprompted.looked_at"),
        ] {
            draft.not_excluded(other, by);
        }
        draft.may_say = told!(
            "data.media-upload-unprompted.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}

/// Uploads of a contact: when each began and ended, and what was sent in it.
fn uploads<'v>(
    view: &'v View<'_>,
    contact: &'v Contact,
) -> impl Iterator<Item = (&'v FlowRef, Timestamp, u64)> {
    let flows = view.rows(contact).flat_map(|(_, row)| &row.flow_refs);
    flows.filter(|flow| flow.marks & Mark::Upload as u32 != 0).filter_map(|flow| {
        let counts = view.ledger.counts_of(flow)?;
        Some((flow, counts.last, counts.traffic.delivered_bytes[0]))
    })
}

/// How much was uploaded in each phase that flows began in, in the order of the phases.
fn by_phase(view: &View<'_>, contact: &Contact) -> Vec<Fact> {
    let mut phases: BTreeMap<usize, (u64, u64, u64)> = BTreeMap::new();
    for (flow, _, sent) in uploads(view, contact) {
        let Some(at) = position(&view.periods, &flow.cite) else { continue };
        let (all, count, _) = phases.entry(at).or_insert((0, 0, flow.cite.frame));
        *all += sent;
        *count += 1;
    }
    let told = phases.into_iter().take(FACTS_MAX).map(|(at, (sent, count, frame))| {
        let phase = view.periods[at].name;
        let phase = phase.unwrap_or(text("data.media-upload-unprompted.before_first"));
        let text = told!("data.media-upload-unprompted.in_phase", phase, sent, count);
        Fact::new(text, frame)
    });
    told.collect()
}

/// The control: what was uploaded in idle while the lens was covered.
fn with_lens_covered(view: &View<'_>, contact: &Contact) -> Option<Fact> {
    let idle = spans(&view.periods, "idle");
    let mut lasted = 0;
    for &[from, to] in &view.covered {
        let within = idle.iter().map(|&[began, ended]| to.min(ended).since(from.max(began)).max(0));
        lasted += within.sum::<i64>();
    }
    if lasted == 0 {
        return None;
    }
    let is_covered = |begun: Timestamp, ended: Timestamp| {
        view.covered.iter().any(|&[from, to]| from <= begun && ended <= to)
    };
    let covered: Vec<u64> = uploads(view, contact)
        .filter(|(flow, last, _)| lies_idle(view, flow) && is_covered(flow.cite.time, *last))
        .map(|(_, _, sent)| sent)
        .collect();
    let text = told!(
        "data.media-upload-unprompted.with_lens_covered",
        lasted = span(lasted),
        sent = covered.iter().sum::<u64>(),
        count = covered.len()
    );
    Some(Fact::new(text, 0))
}

/// Whether a flow begins and ends in the same idle phase.
fn lies_idle(view: &View<'_>, flow: &FlowRef) -> bool {
    let Some(counts) = view.ledger.counts_of(flow) else { return false };
    let last = Cite { frame: flow.last_frame, time: counts.last, length: 0 };
    let [first, last] = [&flow.cite, &last].map(|cite| position(&view.periods, cite));
    first == last && first.is_some_and(|at| view.periods[at].name == Some("idle"))
}
