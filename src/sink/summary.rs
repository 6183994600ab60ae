//! The summary for people: what left, to whom, how we know, and what was not seen. At most 80
//! columns; colour only where asked for.

mod coverage;
mod device;
mod finding;
mod page;

use crate::base::text::{bytes, span};
use crate::snapshot::Snapshot;
use page::{Page, WIDTH, fit};
use std::io::{self, Write};

/// Most gaps of a recording that are told one by one.
const GAPS_MAX: usize = 5;
/// Inputs described; the rest is counted and told.
const INPUTS_MAX: usize = 12;

/// Writes the summary.
///
/// # Errors
/// When the output cannot be written.
pub fn write(snapshot: &Snapshot, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let mut page = Page { text: String::new(), colour };
    page.head(snapshot);
    for (index, device) in snapshot.devices.iter().enumerate() {
        if device.role == "device" {
            page.device(snapshot, index, device);
        }
    }
    page.others(snapshot);
    page.findings(snapshot);
    page.coverage(snapshot);
    out.write_all(page.text.as_bytes())
}

impl Page {
    fn head(&mut self, snapshot: &Snapshot) {
        let several = snapshot.inputs.len() > 1;
        for (index, input) in snapshot.inputs.iter().take(INPUTS_MAX).enumerate() {
            let place = if several { format!("File {}: ", index + 1) } else { String::new() };
            let format = if input.format.is_empty() { "not read" } else { &input.format };
            self.wrap(0, &format!("{place}{} — {format}", input.path));
            let frames = format!("{} frames, {} on the wire", input.frames, bytes(input.bytes));
            match (input.first, input.last) {
                (Some(first), Some(last)) => {
                    let [from, to] = [first, last].map(|t| t.to_string()[..19].replace('T', " "));
                    self.wrap(
                        0,
                        &format!("{frames}, {from} to {to} UTC ({})", span(last.since(first))),
                    );
                }
                _ => self.wrap(0, &frames),
            }
        }
        if several {
            let more = snapshot.inputs.len().saturating_sub(INPUTS_MAX);
            let more =
                if more > 0 { format!("… and {more} more files. ") } else { String::new() };
            let coverage = &snapshot.coverage;
            let (frames, wire) = (coverage.frames.total, bytes(coverage.wire_bytes));
            self.wrap(0, &format!("{more}All together: {frames} frames, {wire} on the wire"));
        }
        let gaps = || snapshot.interruptions.iter().filter(|one| one.is_gap());
        for gap in gaps().take(GAPS_MAX) {
            let [from, to] = [gap.from, gap.to].map(|time| time.to_string()[11..19].to_owned());
            let long = span(gap.to.since(gap.from));
            let text = format!("Not recorded: {from} to {to} UTC ({long}): {}", gap.reason());
            self.wrap_hanging(0, 4, &text);
        }
        if gaps().count() > GAPS_MAX {
            let more = gaps().count() - GAPS_MAX;
            self.wrap(0, &format!("… and {more} more gaps in the recording (see the JSON)"));
        }
        for set in snapshot.interruptions.iter().filter(|one| !one.is_gap()).take(GAPS_MAX) {
            let at = &set.from.to_string()[11..19];
            self.wrap_hanging(0, 4, &format!("Times: {} at {at} UTC", set.why));
        }
        if !snapshot.coverage.complete {
            for reason in &snapshot.coverage.incomplete_because {
                let text = format!("PARTIAL RESULT: {reason}");
                self.wrap_hanging(0, 4, &text);
            }
        }
    }

    fn others(&mut self, snapshot: &Snapshot) {
        let gateways: Vec<String> = snapshot
            .devices
            .iter()
            .filter(|device| device.role == "gateway")
            .map(|device| {
                let own = if device.internet.wire_bytes == [0, 0] {
                    String::new()
                } else {
                    let [sent, received] = device.internet.delivered_bytes;
                    format!(", itself {} sent, {} received", bytes(sent), bytes(received))
                };
                format!("{}{own}", device.title())
            })
            .collect();
        if gateways.is_empty() && snapshot.left_out.is_empty() {
            return;
        }
        self.title("Not devices under test");
        if !gateways.is_empty() {
            let text =
                format!("Gateways (they forward the packets of others): {}", gateways.join("; "));
            self.wrap(2, &text);
        }
        for left in &snapshot.left_out {
            let [sent, received] = left.internet.delivered_bytes;
            let text = format!(
                "{}: {}; with the internet {} sent, {} received",
                left.id,
                left.reason,
                bytes(sent),
                bytes(received)
            );
            self.wrap(2, &text);
        }
    }
}
