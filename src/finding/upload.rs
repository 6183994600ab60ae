//! `data.media-upload-unprompted`: much is sent while nobody uses the device.

use super::{
    About, Alternative, Check, Draft, Fact, Service, Severity, View, position, spoken,
    spoken_device,
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

    fn title(&self) -> &'static str {
        "Much was sent while the device was left alone"
    }

    fn version(&self) -> u32 {
        2
    }

    fn severity(&self) -> Severity {
        Severity::Low
    }

    fn about(&self) -> About {
        About {
            looks_for: "Flows with an internet address that lie wholly in a phase idle that the operator noted, in \
                which the device sent 480 kB of payload or more (half a minute of pictures at 128 \
                kbit/s) and four times what it received.",
            why: "A camera or microphone that nobody uses has little to send; pictures and sound are the most \
                that such a device can give away.",
            false_positives: "Logs, statistics, thumbnails and uploads left over from earlier use. Encrypted content cannot be \
                told, so that this is inferred at most; a recording with the lens covered, or the \
                microphone in silence, is the control that tells more. Flows that reach into another \
                phase are left out.",
            verify: "Compare bytes over time (Statistics, I/O Graphs) with the moments of the phases, and with a \
                recording in which the lens is covered.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet || view.periods.is_empty() {
            return None;
        }
        let not_shown = &[
            "that pictures or sound were sent",
            "that nobody asked for it: an app elsewhere may have",
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
                    format!(
                        "{sent} bytes sent to {} ({}) and {received} received within {}: {rate} \
                         kbit/s",
                        Service(row),
                        row.label.protocol,
                        span(lasted)
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
        for text in [
            "logs, statistics, or an upload left over from earlier use",
            "somebody looked at the device from elsewhere",
        ] {
            draft.alternatives.push(Alternative {
                text: text.into(),
                status: "not excluded",
                by: "no recording with the lens covered is compared".into(),
            });
        }
        draft.may_say = format!(
            "While the device {} was noted to be idle it sent much more to {} than it received: \
             {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
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
