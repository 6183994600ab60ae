//! `update.cleartext`: a program for the device, or the list of newer ones, is fetched readable.

use super::{About, Alternative, Check, Draft, Service, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Level, Zone};
use crate::base::text::safe;

/// See the module.
pub struct UpdateCleartext;

impl Check for UpdateCleartext {
    fn id(&self) -> &'static str {
        "update.cleartext"
    }

    fn title(&self) -> &'static str {
        "Firmware was asked for without encryption"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "A request over HTTP, FTP or TFTP, begun by the device, for a file whose name looks like \
                an image (.bin, .fw, .img, .swu and the like) or that lies where updates do (firmware, \
                ota, upgrade).",
            why: "Anyone on the path sees what the device runs and can hold back or change it, unless the \
                image itself is signed.",
            false_positives: "A name is no proof of what is in a file: only an image in a place for updates is shown, the \
                rest inferred. Many devices check a signature inside the image.",
            verify: "Follow the stream of the deciding frame: the path of the request, and the first bytes of the \
                answer (27 05 19 56 for U-Boot, hsqs for SquashFS).",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone == Zone::Group {
            return None;
        }
        let image = std::cell::Cell::new(false);
        let not_shown = &[
            "that the file is a program for the device",
            "whether the device checks a signature before it takes it",
        ];
        let mut draft = Draft::marked(view, contact, Mark::Update, not_shown, |row, one| {
            if !row.begun_here {
                return None;
            }
            image.set(image.get() || one.what == "image");
            Some(format!(
                "asked {} for {} ({})",
                Service(row),
                safe(&one.value),
                row.label.protocol
            ))
        })?;
        if !image.get() {
            draft.level = Level::Inferred;
        }
        draft.alternatives.push(Alternative {
            text: "a file that only looks like an update".into(),
            status: "not excluded",
            by: "the name alone is read".into(),
        });
        draft.may_say = format!(
            "The device {} asked {} readably for what looks like firmware; in those flows: {bytes}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
            bytes = "{bytes}",
        );
        Some(draft)
    }
}
