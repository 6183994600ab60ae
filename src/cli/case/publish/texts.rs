//! What people and machines wrote into a case: journals, attachments, the key that sealed it.

use super::told::{Kind, Told};
use crate::base::text::safe;
use crate::case::intake::Answer;
use crate::case::journal::{Book, Event, walk};
use crate::case::{layout, seal, tree};
use std::path::Path;

/// Longest list of files that is read, bytes.
const LIST_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Tells them; what was not read goes to `unread`.
pub fn of_case(folder: &Path, told: &mut Told, unread: &mut Vec<String>) {
    let parts = layout::parts(folder);
    let books = [
        ("journal.jsonl", layout::journal(&parts), Book::Recording),
        ("custody.jsonl", layout::custody(&parts), Book::Custody),
    ];
    for (name, path, book) in books {
        if path.symlink_metadata().is_err() {
            continue;
        }
        let walked = walk(&path, book, &mut |entry| {
            event(&entry.event, &format!("{name} line {}", entry.seq), told);
        });
        match walked {
            Ok(walked) => {
                let broken = walked.broken.map(|broken| safe(broken.to_string().as_bytes()));
                unread.extend(broken.map(|broken| format!("from there on not read: {broken}")));
            }
            Err(error) => unread.push(safe(error.to_string().as_bytes())),
        }
    }
    sealed(folder, told);
}

/// What a seal names: the key, and files that stayed behind.
pub fn sealed(folder: &Path, told: &mut Told) {
    if let Ok(text) = tree::text(&folder.join(seal::SIGNER), LIST_BYTES_MAX)
        && let Some(key) = text.lines().find(|line| !line.starts_with("untrusted"))
    {
        told.line(Kind::SigningKey, key.as_bytes(), "public key", seal::SIGNER.to_owned());
    }
}

fn event(event: &Event, place: &str, told: &mut Told) {
    let mut say = |what: &str, text: &str| {
        if !text.is_empty() {
            told.line(Kind::CaseText, text.as_bytes(), what, place.to_owned());
        }
    };
    match event {
        Event::Begin { host, system, interfaces, filter, .. } => {
            say("host name of the machine", host);
            say("its system", system);
            interfaces.iter().for_each(|name| say("interface", name));
            say("capture filter", filter);
        }
        Event::Mark { text, .. } => say("mark", text),
        Event::Label { device, label } => say("name of a device", &format!("{device}: {label}")),
        Event::Gap { reason, .. } => say("reason of a gap", reason),
        Event::Warning { text } => say("warning", text),
        Event::Imported { name, .. } => say("name of the capture that was received", name),
        Event::Custody { host, minisign_key, .. } => {
            say("host name of the machine", host);
            let key = minisign_key.as_bytes();
            told.line(Kind::SigningKey, key, "public key", place.to_owned());
        }
        Event::Note { text } => say("note", text),
        Event::Attached { name, text, answer_from, .. } => {
            say("name of an attachment", name);
            say("text of an attachment", text);
            say("who answered", answer_from);
        }
        Event::Created { purpose, intake_skipped } => {
            say("what the case is for", purpose);
            say("why there are no answers", intake_skipped);
        }
        Event::Unit { make, model, serial, firmware, .. } => {
            say("the unit", &format!("{make} {model}, firmware {firmware}"));
            told.line(Kind::Serial, serial.as_bytes(), "the unit", place.to_owned());
        }
        Event::Handled { whom, text, .. } => {
            say("who had it", whom);
            say("why somebody had it", text);
        }
        Event::Asked { whom, .. } => say("who was asked", whom),
        Event::Intake { answers } => {
            for (name, answer) in answers {
                let (Answer::Answered(text) | Answer::Skipped(text)) = answer;
                say(&format!("answer: {}", safe(name.as_bytes())), text);
            }
        }
        Event::Review { text, .. } => say("reason of a review", text),
        Event::End { reason } => say("reason of the end", reason),
        Event::Checkpoint { .. }
        | Event::Sealed { .. }
        | Event::Phase { .. }
        | Event::ClockStep { .. }
        | Event::Sealing { .. } => {}
    }
}
