//! What the journals of a case say, for people.

use super::{check_is_case, say, shown};
use crate::base::text::{bytes, safe};
use crate::case::intake::Answer;
use crate::case::journal::{Book, Entry, Event, Walked, walk};
use crate::case::{layout, seal};
use crate::cli::Failure;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Prints what the journals say.
pub(super) fn log(case: &Path) -> Result<u8, Failure> {
    check_is_case(case)?;
    let parts = layout::parts(case);
    let mut out = BufWriter::new(io::stdout().lock());
    let mut code = 0;
    let after = layout::custody(&layout::after(case));
    let books = [
        (layout::journal(&parts), Book::Recording),
        (layout::custody(&parts), Book::Custody),
        (after.clone(), Book::Custody),
    ];
    let begun = layout::custody(&parts).symlink_metadata().is_ok();
    for (path, book) in books {
        let there = path.symlink_metadata().is_ok();
        if !there && (book == Book::Custody || begun && !layout::is_sealed(case)) {
            continue;
        }
        if path == after {
            writeln!(out, "after sealing:").map_err(anyhow::Error::from)?;
        }
        let mut written = Ok(());
        let walked = walk(&path, book, &mut |entry| {
            if written.is_ok()
                && let Some(text) = told(&entry.event)
            {
                let second = entry.clocks.wall.to_string();
                let line = safe(text.as_bytes());
                written = writeln!(out, "{}Z  {line}", second.get(..19).unwrap_or(&second));
            }
        });
        written.map_err(anyhow::Error::from)?;
        let broken = match walked {
            Ok(walked) => walked.broken.map(|broken| broken.to_string()),
            Err(error) => Some(error.to_string()),
        };
        if let Some(broken) = broken {
            writeln!(out, "BROKEN  {}", safe(broken.as_bytes())).map_err(anyhow::Error::from)?;
            code = 5;
        }
    }
    out.flush().map_err(anyhow::Error::from)?;
    Ok(code)
}

/// An event for people; checkpoints are too many.
fn told(event: &Event) -> Option<String> {
    Some(match event {
        Event::Begin { tool, host, interfaces, .. } if interfaces.is_empty() => {
            format!("import by {tool} on {host}")
        }
        Event::Begin { tool, host, interfaces, .. } => {
            format!("recording by {tool} on {host}: {}", interfaces.join(", "))
        }
        Event::Checkpoint { .. } => return None,
        Event::Sealed { segment } => format!("{segment} is complete"),
        Event::Phase { phase, .. } => format!("phase {phase}"),
        Event::Mark { text, .. } => format!("mark: {text}"),
        Event::Label { device, label } => format!("{device} is called {label}"),
        Event::Gap { interface, from, to, reason } => {
            format!("nothing recorded from {from} to {to} on {interface}: {reason}")
        }
        Event::ClockStep { nanoseconds } => format!("the clock was set by {nanoseconds} ns"),
        Event::Warning { text } => format!("warning: {text}"),
        Event::Imported { segment, name, bytes: count, sha256, statement } => {
            format!("{segment}: {name}, {count} bytes, SHA-256 {sha256}; {statement}")
        }
        Event::Custody { host, minisign_key, .. } => {
            format!("from here on signed with {minisign_key}, on {host}")
        }
        Event::Note { text } => format!("note: {text}"),
        Event::Attached { file, name, bytes: count, sha256, text, answer_from, findings } => {
            let answer = match (answer_from.is_empty(), findings.is_empty()) {
                (true, _) => String::new(),
                (false, true) => format!("; answer of {answer_from}"),
                (false, false) => format!("; answer of {answer_from} to {}", findings.join(", ")),
            };
            format!("attachments/{file}: {name}, {count} bytes, SHA-256 {sha256}; {text}{answer}")
        }
        Event::Created { purpose, intake_skipped } => match intake_skipped.is_empty() {
            true => format!("made: {purpose}"),
            false => format!("made: {purpose}; without answers about the unit: {intake_skipped}"),
        },
        Event::Unit { make, model, serial, firmware, photo, photo_sha256 } => {
            let photo = match photo.is_empty() {
                true => "no picture".to_owned(),
                false => format!("attachments/{photo}, SHA-256 {photo_sha256}"),
            };
            format!("unit: {make} {model}, serial {serial}, firmware {firmware}; {photo}")
        }
        Event::Handled { act, whom, text } => {
            let to = if whom.is_empty() { String::new() } else { format!(" ({whom})") };
            format!("{act}{to}: {text}")
        }
        Event::Asked { whom, deadline, findings, sha256 } => {
            let findings = findings.join(", ");
            format!(
                "{whom} was asked until {deadline} about {findings}; SHA-256 of what was sent {sha256}"
            )
        }
        Event::Intake { answers } => {
            answers.iter().fold("intake:".to_owned(), |all, (name, answer)| {
                let (how, text) = match answer {
                    Answer::Answered(text) => ("", text),
                    Answer::Skipped(text) => ("skipped: ", text),
                };
                format!("{all} {name}: {how}{text};")
            })
        }
        Event::Review { finding, state, text } => {
            format!("finding {finding} is {state}: {text}")
        }
        Event::Sealing { findings_sha256 } => {
            format!("made ready to be sealed; SHA-256 of findings.json {findings_sha256}")
        }
        Event::End { reason } => format!("end: {reason}"),
    })
}

/// Prints in a few lines what they add up to.
pub(super) fn status(case: &Path) -> Result<u8, Failure> {
    check_is_case(case)?;
    let parts = layout::parts(case);
    let (mut packets, mut size, mut segments, mut received) = (0u64, 0u64, 0u64, 0u64);
    let (mut open, mut first, mut last, mut end) = ((0, 0), None, None, None);
    let (mut lost, mut gaps, mut clock_steps) = (0u64, 0u64, 0u64);
    let begun = layout::journal(&parts).symlink_metadata().is_ok();
    let mut show = |entry: Entry| {
        first.get_or_insert(entry.clocks.wall);
        last = Some(entry.clocks.wall);
        match entry.event {
            Event::Checkpoint { bytes, packets, drops, .. } => {
                open = (bytes, packets);
                lost = drops.kernel.saturating_add(drops.interface).saturating_add(drops.own);
            }
            Event::Imported { bytes, .. } => {
                received += 1;
                open = (bytes, 0);
            }
            Event::Sealed { .. } => {
                segments += 1;
                size = size.saturating_add(open.0);
                packets = packets.saturating_add(open.1);
                open = (0, 0);
            }
            Event::Gap { .. } => gaps += 1,
            Event::ClockStep { .. } => clock_steps += 1,
            Event::End { reason } => end = Some(reason),
            _ => {}
        }
    };
    // A case may be made before anything is recorded.
    let walked = match begun || layout::is_sealed(case) {
        true => walk(&layout::journal(&parts), Book::Recording, &mut show),
        false => Ok(Walked::default()),
    };
    let walked = walked.map_err(|error| Failure { error: error.into(), code: 4 })?;
    let size = bytes(size.saturating_add(open.0));
    let time = |time: Option<crate::base::time::Timestamp>| {
        time.map_or_else(|| "never".to_owned(), |time| time.to_string())
    };
    if !begun {
        say("recorded  nothing yet: phonehome capture -i INTERFACE --case DIR")?;
    } else if received > 0 {
        say(&format!("received  {received} captures, {size}; not recorded here"))?;
    } else {
        let packets = packets.saturating_add(open.1);
        say(&format!("recorded  {packets} packets, {size}, {segments} complete segments"))?;
        say(&format!("lost      {lost} packets; {gaps} gaps; {clock_steps} steps of the clock"))?;
    }
    if begun {
        say(&format!("journal   {} to {}", time(first), time(last)))?;
        let end = end
            .map_or_else(|| "not in good order, or not yet".to_owned(), |why| safe(why.as_bytes()));
        say(&format!("end       {end}"))?;
    }
    let (mut notes, mut attached) = (0u64, 0u64);
    if layout::custody(&parts).symlink_metadata().is_ok() {
        let walked =
            walk(&layout::custody(&parts), Book::Custody, &mut |entry| match entry.event {
                Event::Note { .. } => notes += 1,
                Event::Attached { .. } => attached += 1,
                _ => {}
            });
        walked.map_err(|error| Failure { error: error.into(), code: 4 })?;
    }
    say(&format!("custody   {notes} notes, {attached} attachments"))?;
    let sealed = match (layout::is_sealed(case), seal::target(case).symlink_metadata().is_ok()) {
        (true, _) => "yes".to_owned(),
        (false, true) => format!("a sealed copy is in {}", shown(&seal::target(case))),
        (false, false) => "no".to_owned(),
    };
    say(&format!("sealed    {sealed}"))?;
    say("This counts what the journals say. `phonehome case verify` checks it.")?;
    Ok(if walked.broken.is_some() { 5 } else { 0 })
}
