//! `data.media-cleartext`: sound or pictures go over the internet readable.

use super::words::{msg, text, told};
use super::{Check, Draft, Rule, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Signs, Zone};
use crate::base::text::safe;
use crate::protocol::Content;

/// See the module.
pub struct MediaCleartext;

impl Check for MediaCleartext {
    fn rule(&self) -> Rule {
        Rule { id: "data.media-cleartext", version: 1, severity: Severity::Medium }
    }

    fn needs(&self) -> &'static [Signs] {
        const { &[Signs::INTERNET, Signs::of(Mark::Media)] }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &[
            msg!("data.media-cleartext.not_can_heard_seen"),
            msg!("data.media-cleartext.not_anyone_but_two"),
            msg!("data.media-cleartext.not_live_recorded_public"),
        ];
        let mut draft = Draft::marked(view, contact, Mark::Media, not_shown, |row, evidence| {
            // Announced readable, but sent encrypted: not this finding.
            let encrypted = row.content() == Content::Encrypted || is_protected(&evidence.value);
            (!encrypted).then(|| format!("{}: {}", evidence.what, safe(&evidence.value)))
        })?;
        draft.not_tested(
            text("data.media-cleartext.media_came_device"),
            text("data.media-cleartext.announcement_say_way"),
        );
        draft.may_say = told!(
            "data.media-cleartext.may_say",
            device = spoken_device(view.device(contact)),
            remote = spoken(view, &draft)
        );
        Some(draft)
    }
}

/// Whether an announcement names a profile of SRTP (RFC 3711 §10, RFC 5124).
fn is_protected(announced: &[u8]) -> bool {
    announced.windows(5).any(|part| part == b"/SAVP")
}
