//! Help: how to read what is shown, keys, filter; and what this run rests on.

use crate::sink::tui::app::{App, PHASES};
use crate::sink::tui::doc::Doc;
use crate::sink::tui::keys::HELP;

/// Makes it.
pub fn page(app: &App, width: u16) -> Doc {
    let mut page = Doc::new(width, app.theme);
    page.title("How to read it");
    for text in [
        "device → operator (law) → network → place: who gets what. The law is that of the \
         operator's head office, by a sourced signature; (law ?) means not established.",
        "Place. JP: all databases agree. BR or UY: they disagree. not US: the round-trip time \
         excludes it. US*: a service that answers from many places. ?: not known. A country is \
         where databases place an address, not where data is kept.",
        "Severity: ▲ high, ◆ medium, ● low, ○ info. The sign before a row is the worst finding \
         about it.",
        "Content. clear: anyone on the path can read it. encrypted: they cannot, and neither can \
         we. A protocol with ? is a guess by the port alone.",
        "Sent and received are payload, each byte once, seen from the device. SENT/s is now, in \
         packet time.",
        "findings 7 s old: bytes, times and coverage are of now; names, places, what is spoken, \
         flows and findings are as old as that, in capture time. What came since is \"not looked \
         up yet\".",
        "complete: every frame was inspected with everything needed. INCOMPLETE says what was \
         not; then nothing can be said to be absent. No finding is not a clean bill.",
    ] {
        page.text(2, text);
    }
    page.title("Keys");
    HELP.iter().for_each(|(keys, what)| page.field(keys, what));
    page.title("Filter: f, then for example dest:tuya country:CN bytes>1M");
    for (what, means) in [
        ("word", "anywhere in the row"),
        (
            "field:text",
            "device dest operator law country net addr proto port content party zone sev finding \
             level",
        ),
        ("number", "bytes out in flows packets, with > < =, and k M G: out>10k"),
        ("-term", "must not hold: -country:DE"),
    ] {
        page.field(what, means);
    }
    page.title("Phases of an experiment");
    page.text(2, &PHASES.join(", "));
    run(app, &mut page);
    page
}

fn run(app: &App, page: &mut Doc) {
    let Some(model) = &app.model else { return };
    let (status, coverage) = (&model.update().status, model.coverage());
    page.title("This run");
    status.inputs.iter().take(20).for_each(|input| page.field("input", input));
    if let Some(recording) = &status.recording {
        page.field("recorded in", recording);
    }
    for (what, holds) in status.protections.iter().take(20) {
        page.field(if *holds { "protected" } else { "NOT PROTECTED" }, what);
    }
    page.field("signatures", &format!("{} files", coverage.signatures.count));
    for database in &coverage.databases {
        let build = &database.about.build.to_string()[..10];
        let old = database.days_older_than_capture;
        let old = old.map(|days| format!(", {days} days older than the capture"));
        let (name, old) = (&database.about.name, old.unwrap_or_default());
        page.field("database", &format!("{name}, of {build}{old}"));
    }
    let canary = if coverage.canary.passed { "passed" } else { "FAILED" };
    page.field("self-test", &format!("{canary}: {}", coverage.canary.says));
    let frames = &coverage.frames;
    let refused: u64 = frames.refused.values().sum();
    let text =
        format!("{} read = {} explained + {refused} refused", frames.total, frames.explained);
    page.field("frames", &text);
    for (reason, count) in &frames.refused {
        page.field("", &format!("refused: {reason} {count}"));
    }
}
