//! What was inspected, and what was not.

use super::Page;
use crate::attribution::pack;
use crate::snapshot::Snapshot;
use std::fmt::Write as _;

impl Page {
    pub fn coverage(&mut self, snapshot: &Snapshot) {
        let coverage = &snapshot.coverage;
        self.title("What was inspected");
        let frames = &coverage.frames;
        let refused: u64 = frames.refused.values().sum();
        let mut text = format!(
            "Frames: {} read = {} explained + {refused} refused",
            frames.total, frames.explained
        );
        if refused > 0 {
            let reasons: Vec<String> =
                frames.refused.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
            let _ = write!(text, " ({})", reasons.join(", "));
        }
        let kinds: Vec<String> =
            frames.explained_by.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let _ = write!(text, ". Explained: {}.", kinds.join(", "));
        self.wrap(2, &text);
        let drops = match coverage.drops.declared {
            Some(drops) => format!("{drops} by the capture's own word"),
            None => "the capture does not say".to_owned(),
        };
        let mut text = format!("Lost packets: {drops}. Cut frames: {}.", coverage.truncated);
        if coverage.duplicates.frames > 0 {
            let frames = coverage.duplicates.frames;
            let _ = write!(text, " Frames seen twice, as on a mirror port: {frames}.");
        }
        if coverage.conflicting_segments > 0 {
            let _ = write!(
                text,
                " TCP segments that say something else than an earlier copy: {}.",
                coverage.conflicting_segments
            );
        }
        for (what, counts) in [
            ("Checksums that do not fit", &coverage.checksum_bad),
            ("Headers not read", &coverage.stopped),
        ] {
            if !counts.is_empty() {
                let counts: Vec<String> =
                    counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
                let _ = write!(text, " {what}: {}.", counts.join(", "));
            }
        }
        self.wrap(2, &text);
        let losses = &snapshot.losses;
        let datagrams = losses.datagrams_evicted + losses.datagrams_contradictory;
        let unread = losses.gaps_given_up + losses.flows_unread;
        let lost = losses.flows_evicted
            + datagrams
            + unread
            + losses.dissector_faults
            + losses.ledger.total();
        if lost > 0 {
            let text = format!(
                "Bounds reached: {} flows ended early, {datagrams} fragmented packets given up, \
                 {unread} streams not read to their end, {} dissector faults, {} other entries not \
                 kept; details in --json.",
                losses.flows_evicted,
                losses.dissector_faults,
                losses.ledger.total()
            );
            self.wrap(2, &text);
        }
        let signatures = &coverage.signatures;
        self.wrap(
            2,
            &format!("Signatures: {} files, {}.", signatures.count, &signatures.sha256[..12]),
        );
        for text in pack::spoken(&signatures.packs, &signatures.disabled) {
            self.wrap(2, &text);
        }
        for database in &coverage.databases {
            let build = database.about.build.to_string();
            let mut text = format!(
                "Country and network database: {}, of {}, {}.",
                database.about.name,
                &build[..10],
                &database.about.sha256[..12]
            );
            if let Some(days) = database.days_older_than_capture {
                let _ = write!(text, " It is {days} days older than the capture.");
            }
            self.wrap(2, &text);
        }
        if coverage.databases.is_empty() {
            self.line("  Country and network database: none loaded.");
        }
        let state = if coverage.canary.passed { "passed" } else { "FAILED" };
        self.wrap(2, &format!("Self-test {state}: {}.", coverage.canary.says));
        self.wrap(
            2,
            "A country is where a database places an address, not where data is kept. Encrypted \
             content was not read.",
        );
    }
}
