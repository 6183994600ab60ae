//! The page of a finding: what may be said, on which frames it rests, and their bytes.

use crate::base::text::{bytes, span};
use crate::finding::{Bearing, Counted, Finding};
use crate::sink::tui::app::App;
use crate::sink::tui::doc::Doc;
use crate::sink::tui::theme::Theme;
use crate::sink::tui::{hex, words};
use crate::snapshot::Snapshot;

/// Rows of one kind on the page; the rest is counted.
const ROWS_MAX: usize = 30;
/// Inputs whose counts are shown.
const INPUTS_MAX: usize = 4;
/// Words after which a secret comes.
const SECRET_WORDS: [&str; 5] = ["Authorization:", "USER ", "PASS ", "password", "token"];
/// Characters of a filter that are shown; `c` copies it whole.
const FILTER_MAX: usize = 1200;

/// Makes it.
pub fn page(app: &App, width: u16) -> Doc {
    let mut page = Doc::new(width, app.theme);
    let Some((finding, model)) = app.finding().zip(app.model.as_ref()) else {
        page.text(0, "This finding is not there any more.");
        return page;
    };
    let snapshot = model.snapshot();
    page.title(&format!("{} {}", Theme::shape(finding.severity), finding.title));
    let (severity, level) = (finding.severity.name(), finding.level.name());
    let text = format!("{} · severity {severity} · {level} · {}", finding.id, finding.review.state);
    page.styled(2, &text, app.theme.severity(finding.severity));
    page.text(2, &finding.may_say);
    if let Some(phase) = finding.phase {
        page.text(2, &format!("All deciding frames lie in the phase {phase}."));
    }
    page.title("What was seen");
    for fact in finding.facts.iter().take(ROWS_MAX) {
        let shown = &fact.frames[..fact.frames.len().min(8)];
        let more = if fact.frames.len() > shown.len() { ", …" } else { "" };
        let frames = match shown {
            [] => String::new(),
            [one] => format!(" (frame {})", snapshot.spelling().one(*one)),
            several => format!(" (frames {}{more})", snapshot.spelling().all(several)),
        };
        page.text(2, &format!("{}{frames}", fact.text));
    }
    if finding.facts.len() > ROWS_MAX {
        let more = finding.facts.len() - ROWS_MAX;
        page.text(2, &format!("… and {more} more; all are in --json"));
    }
    page.title("What it does not show");
    finding.does_not_show.iter().for_each(|text| page.text(2, text));
    if !finding.alternatives.is_empty() {
        page.title("Other explanations");
    }
    for other in finding.alternatives.iter().take(ROWS_MAX) {
        page.text(2, &format!("{}: {} ({})", other.text, other.status, other.by));
    }
    page.title("Check it without us (c copies the filter)");
    finding.traffic.iter().take(INPUTS_MAX).for_each(|one| counted(&mut page, snapshot, one));
    if finding.traffic.len() > INPUTS_MAX {
        let more = finding.traffic.len() - INPUTS_MAX;
        page.text(2, &format!("… and in {more} more files; see --json"));
    }
    if !finding.clauses.is_empty() {
        page.title("Clauses of standards, with the verdict of all traffic of the device");
    }
    for of_standard in finding.clauses.chunk_by(|a, b| a.standard == b.standard) {
        let spelled = |one: &Bearing| format!("{} {}", one.clause, one.verdict);
        let all: Vec<String> = of_standard.iter().map(spelled).collect();
        page.text(2, &format!("{}: {}", of_standard[0].standard, all.join(", ")));
    }
    frames(app, snapshot, finding, &mut page);
    page
}

/// ` of file 2`, where there are several.
fn place(snapshot: &Snapshot, input: usize) -> String {
    if snapshot.inputs.len() > 1 { format!(" of file {}", input + 1) } else { String::new() }
}

fn counted(page: &mut Doc, snapshot: &Snapshot, counted: &Counted) {
    let [sent, received] = counted.delivered_bytes.map(bytes);
    let text = format!(
        "{} frames counted{}; {sent} of payload sent, {received} received; {} to {} UTC",
        counted.frames,
        place(snapshot, counted.input),
        words::moment(counted.first),
        words::clock(counted.last)
    );
    page.text(2, &text);
    let filter = match (&counted.wireshark_filter, counted.no_filter_because) {
        (Some(filter), _) if filter.len() <= FILTER_MAX => format!("Wireshark: {filter}"),
        (Some(filter), _) => format!("Wireshark: a filter of {} characters", filter.len()),
        (None, because) => format!("No filter: {}", because.unwrap_or("not possible")),
    };
    page.text(4, &filter);
}

/// The deciding frames, and the bytes of one of them.
fn frames(app: &App, snapshot: &Snapshot, finding: &Finding, page: &mut Doc) {
    let refs = &finding.refs;
    let at = app.reference.min(refs.len().saturating_sub(1));
    let Some(reference) = refs.get(at) else {
        page.title("Deciding frames");
        page.text(2, "None is named.");
        return;
    };
    page.title(&format!(
        "Deciding frame {} of {} (left, right): frame {}{}",
        at + 1,
        refs.len(),
        reference.frame,
        place(snapshot, reference.input)
    ));
    let moment = words::moment(reference.time);
    page.text(2, &format!("{moment} UTC, {} bytes on the wire", reference.length));
    let wanted = (reference.input, reference.frame);
    match &app.frame {
        Some((which, Ok(frame))) if *which == wanted => {
            if frame.time != reference.time || frame.wire_length != reference.length {
                let off = span(frame.time.since(reference.time).saturating_abs());
                let text = format!(
                    "THE FILE HAS CHANGED: its frame {} has {} bytes and is off by {off}",
                    reference.frame, frame.wire_length
                );
                page.styled(2, &text, app.theme.bad());
            }
            // A finding tells that a secret was sent, never the secret, unless somebody wants it.
            let has_secret = finding.id.starts_with("cred.") && !app.reveal;
            let hidden = match has_secret {
                true => hex::secret(&frame.data, &SECRET_WORDS),
                false => Vec::new(),
            };
            if has_secret {
                let text = "The secret is hidden by stars (x shows it, also to others here).";
                page.styled(2, text, app.theme.warn());
            }
            hex::add(page, frame, &needles(snapshot, finding), &hidden, &app.theme);
        }
        Some((which, Err(because))) if *which == wanted => {
            page.styled(2, &format!("The bytes cannot be shown: {because}"), app.theme.warn());
        }
        _ => page.styled(2, "The bytes are fetched from the recording …", app.theme.dim()),
    }
}

/// What the deciding bytes may spell: the names of the destination, and how credentials are said.
fn needles(snapshot: &Snapshot, finding: &Finding) -> Vec<Vec<u8>> {
    let to = snapshot.destinations.iter().find(|to| to.id == finding.subject.destination);
    let names = to.into_iter().flat_map(|to| &to.names).map(|seen| seen.name.text.as_str());
    let mut needles: Vec<&str> = Vec::new();
    for name in names.take(4) {
        // In DNS a length stands in place of each dot.
        let longest = name.split('.').max_by_key(|label| label.len()).unwrap_or(name);
        needles.extend([name, longest]);
    }
    needles.extend(SECRET_WORDS);
    needles.into_iter().map(|needle| needle.as_bytes().to_vec()).collect()
}
