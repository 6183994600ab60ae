//! `data.media-upload-unprompted`: much is sent while nobody uses the device.

use super::words::{msg, text, told};
use super::{
    Alternative, Check, Draft, Fact, Service, Severity, View, position, spoken, spoken_device,
};
use crate::attribution::ledger::{FlowRef, Mark};
use crate::attribution::world::{Contact, Level, Zone};
use crate::base::text::span;
use crate::base::time::SECOND;
use crate::flow::Cite;

/// Most flows told one by one.
const FACTS_MAX: usize = 16;

/// See the module.
pub struct Upload;

impl Check for Upload {
    fn id(&self) -> &'static str {
        "data.media-upload-unprompted"
    }

    fn version(&self) -> u32 {
        2
    }

    fn severity(&self) -> Severity {
        Severity::Low
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
                let Some(counts) = &flow.marked else { continue };
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
        for other in [
            text("data.media-upload-unprompted.logs"),
            text("data.media-upload-unprompted.looked_at"),
        ] {
            draft.alternatives.push(Alternative {
                text: other.into(),
                status: "not excluded",
                by: text("data.media-upload-unprompted.recording_lens_covered").into(),
            });
        }
        draft.may_say = told!(
            "data.media-upload-unprompted.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}

/// Whether a flow begins and ends in the same idle phase.
fn lies_idle(view: &View<'_>, flow: &FlowRef) -> bool {
    let Some(counts) = &flow.marked else { return false };
    let last = Cite { frame: flow.last_frame, time: counts.last, length: 0 };
    let [first, last] = [&flow.cite, &last].map(|cite| position(&view.periods, cite));
    first == last && first.is_some_and(|at| view.periods[at].name == Some("idle"))
}
