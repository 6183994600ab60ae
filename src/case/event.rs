//! What lines of a journal say.

use super::intake::Answers;
use crate::base::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a line of the journal says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// A recorder began.
    Begin {
        /// Version of the journal's form.
        journal: u32,
        /// The program and its version.
        tool: String,
        /// Name of the host.
        host: String,
        /// Operating system and its version.
        system: String,
        /// Interfaces that are recorded.
        interfaces: Vec<String>,
        /// Capture filter; empty where there is none.
        filter: String,
        /// Most bytes kept of a packet.
        snap_length: u32,
        /// Public key of the signatures, base64.
        public_key: String,
        /// What the recorder is protected by, and whether that holds.
        protections: Vec<(String, bool)>,
        /// SHA-256 of the last line of custody, hex, where that began earlier; else empty.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        custody: String,
    },
    /// So much is on the disk.
    Checkpoint {
        /// Name of the segment.
        segment: String,
        /// Its length at this moment, bytes.
        bytes: u64,
        /// Packets in it.
        packets: u64,
        /// SHA-256 of so many bytes of it, hex.
        sha256: String,
        /// Packets lost since the recorder began.
        drops: Drops,
    },
    /// A segment is complete; its last checkpoint stands in the line before.
    Sealed {
        /// Name of the segment.
        segment: String,
    },
    /// The operator entered a phase of the experiment.
    Phase {
        /// Its name.
        phase: String,
        /// Frames recorded before it, in the segment of the next checkpoint.
        packets: u64,
    },
    /// The operator noted a moment.
    Mark {
        /// What was noted.
        text: String,
        /// Packets recorded in the segment before it.
        packets: u64,
    },
    /// The operator named a device.
    Label {
        /// The device.
        device: String,
        /// Its name.
        label: String,
    },
    /// Nothing could be recorded for a while.
    Gap {
        /// On which interface; empty for all.
        interface: String,
        /// From when.
        from: Timestamp,
        /// To when.
        to: Timestamp,
        /// Why.
        reason: String,
    },
    /// The wall clock was set.
    ClockStep {
        /// By how much, nanoseconds, as text since JSON numbers are not exact.
        nanoseconds: String,
    },
    /// Something the operator should know.
    Warning {
        /// What.
        text: String,
    },
    /// A capture was received, not recorded here. Its copy is complete where `sealed` follows.
    Imported {
        /// Name of the copy among the segments.
        segment: String,
        /// What the file was called.
        name: String,
        /// Its length, bytes.
        bytes: u64,
        /// Its SHA-256 before it was copied, hex.
        sha256: String,
        /// What this does and does not say.
        statement: String,
    },
    /// Somebody takes the case over; the lines from here on are signed with this key.
    Custody {
        /// Version of the journal's form.
        journal: u32,
        /// The program and its version.
        tool: String,
        /// Name of the host.
        host: String,
        /// Public key of the signatures, base64.
        public_key: String,
        /// The same key as minisign prints it.
        minisign_key: String,
        /// SHA-256 of the last line of the recording's journal at this moment, hex; zeros where nothing
        /// was recorded yet. After sealing, of the list that is signed.
        follows: String,
    },
    /// Somebody noted something after the recording.
    Note {
        /// What.
        text: String,
    },
    /// A file was added to the case, under `attachments/`.
    Attached {
        /// Name of the copy.
        file: String,
        /// What the file was called.
        name: String,
        /// Its length, bytes.
        bytes: u64,
        /// Its SHA-256, hex.
        sha256: String,
        /// What it shows; empty where nothing was said.
        text: String,
        /// Who gave it as an answer; empty where it is none.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        answer_from: String,
        /// Keys of the findings that it answers to; none for all.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        findings: Vec<String>,
    },
    /// A case was made, before anything was recorded.
    Created {
        /// What for.
        purpose: String,
        /// Why the questions about the unit were not answered; empty where they were.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        intake_skipped: String,
    },
    /// A unit was put to the test.
    Unit {
        /// Who makes it, as printed on it.
        make: String,
        /// Which model, as printed on it.
        model: String,
        /// Its serial number.
        serial: String,
        /// Version of its firmware.
        firmware: String,
        /// The attachment that shows it; empty where there is none.
        photo: String,
        /// SHA-256 of that, hex.
        photo_sha256: String,
    },
    /// Somebody did something with the case or a copy of it.
    Handled {
        /// What: one of [`crate::case::custody::ACTS`].
        act: String,
        /// Who received it, or what was made; empty where nobody did.
        whom: String,
        /// Why.
        text: String,
    },
    /// Somebody was asked for an answer.
    Asked {
        /// Who.
        whom: String,
        /// Until when, a date.
        deadline: String,
        /// Keys of the findings that it is about.
        findings: Vec<String>,
        /// SHA-256 of the list of what was sent, hex.
        sha256: String,
    },
    /// The questions about the unit under test were answered.
    Intake {
        /// By the name of the question.
        answers: Answers,
    },
    /// Somebody reviewed a finding.
    Review {
        /// Its key.
        finding: String,
        /// What it came to: `confirmed`, `explained`, `disputed`, or `unreviewed` again.
        state: String,
        /// Why.
        text: String,
    },
    /// The case was made ready to be sealed.
    Sealing {
        /// SHA-256 of the findings, hex.
        findings_sha256: String,
    },
    /// The recorder ended in good order.
    End {
        /// Why.
        reason: String,
    },
}

/// Packets lost, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drops {
    /// By the system, because they were not fetched in time.
    pub kernel: u64,
    /// By the interface.
    pub interface: u64,
    /// By the recorder, because they could not be written.
    pub own: u64,
}

impl Event {
    /// Whether it is said after the recording, with a person's key.
    #[must_use]
    pub fn is_of_custody(&self) -> bool {
        use Event::{
            Asked, Attached, Created, Custody, Handled, Intake, Note, Review, Sealing, Unit,
        };
        matches!(
            self,
            Custody { .. }
                | Created { .. }
                | Unit { .. }
                | Handled { .. }
                | Asked { .. }
                | Intake { .. }
                | Note { .. }
                | Attached { .. }
                | Review { .. }
                | Sealing { .. }
        )
    }
}
