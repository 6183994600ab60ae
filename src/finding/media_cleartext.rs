//! `data.media-cleartext`: sound or pictures go over the internet readable.

use super::{About, Alternative, Check, Draft, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::Mark;
use crate::attribution::world::{Contact, Zone};
use crate::base::text::safe;
use crate::protocol::Content;

/// See the module.
pub struct MediaCleartext;

impl Check for MediaCleartext {
    fn id(&self) -> &'static str {
        "data.media-cleartext"
    }

    fn title(&self) -> &'static str {
        "Sound or pictures went readable over the internet"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Medium
    }

    fn about(&self) -> About {
        About {
            looks_for: "A readable announcement of sound or pictures (SDP, RTSP, RTMP, SIP, HTTP \
                content type) or the media itself, in a flow with an internet address \
                that is not encrypted.",
            why: "Whoever is on the path can watch or listen. For a camera or a microphone \
                this is the most private data there is.",
            false_positives: "Internet radio, album art and other public media that a device fetches. \
                Media announced in the clear but sent on another, encrypted flow: only \
                flows that bear the announcement are counted.",
            verify: "Follow the stream of the deciding frame in Wireshark and read the media \
                lines (m=, a=rtpmap) or the Content-Type; play the RTP stream from the \
                Telephony menu.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let not_shown = &[
            "what can be heard or seen in it",
            "that anyone but the two ends has watched it",
            "whether it was live or recorded, or public anyway",
        ];
        let mut draft = Draft::marked(view, contact, Mark::Media, not_shown, |row, evidence| {
            // Announced readable, but sent encrypted: not this finding.
            let encrypted = row.content() == Content::Encrypted || is_protected(&evidence.value);
            (!encrypted).then(|| format!("{}: {}", evidence.what, safe(&evidence.value)))
        })?;
        draft.alternatives.push(Alternative {
            text: "the media came to the device, from a public service such as a radio station".into(),
            status: "not tested",
            by: "the announcement does not say which way it goes; compare the bytes sent and received".into(),
        });
        draft.may_say = format!(
            "Sound or pictures were announced or sent readable between the device {} and {}; in those flows: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
        );
        Some(draft)
    }
}

/// Whether an announcement names a profile of SRTP (RFC 3711 §10, RFC 5124).
fn is_protected(announced: &[u8]) -> bool {
    announced.windows(5).any(|part| part == b"/SAVP")
}
