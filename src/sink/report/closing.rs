//! What stands at the end, for those who check: clauses of standards, frames, versions and hashes.

use super::View;
use super::words::{ROWS_MAX, grouped};
use crate::base::frame;
use crate::sink::html::{Heading, boxed, head};
use crate::sink::messages::{say, text};
use crate::snapshot::Snapshot;
use maud::{Markup, html};

/// Frames that are named for one finding; all that decide it stand with the finding.
const FRAMES_MAX: usize = 12;

/// Which frames decide which finding, in one list to go through with Wireshark.
pub fn references(snapshot: &Snapshot) -> Markup {
    let with_frames: Vec<(usize, &crate::finding::Finding)> = snapshot
        .findings
        .iter()
        .enumerate()
        .filter(|(_, finding)| !finding.refs.is_empty())
        .collect();
    let spelling = snapshot.spelling();
    let table = html! {
        table.small {
            (head(&[
                Heading::Words(text("references.finding")),
                Heading::Words(text("references.rule")),
                Heading::Words(text("references.frames")),
            ]))
            tbody {
                @for (at, finding) in with_frames.iter().take(ROWS_MAX) {
                    tr {
                        th scope="row" { a href={ "#finding-" (at + 1) } { (say("references.one", &[("number", html! { (at + 1) })])) } }
                        td { code { (finding.id) } }
                        td {
                            @let numbers: Vec<u64> = finding.refs.iter().take(FRAMES_MAX).map(|r| frame::base(r.input) + r.frame).collect();
                            (spelling.all(&numbers))
                            @if finding.refs.len() > FRAMES_MAX {
                                " " (say("references.more", &[("count", html! { (finding.refs.len() - FRAMES_MAX) })]))
                            }
                        }
                    }
                }
            }
        }
    };
    html! {
        section id="references" {
            h2 { (text("references.title")) }
            @if with_frames.is_empty() { p { (text("references.none")) } }
            @else {
                p { (text("references.how")) }
                (boxed(text("references.title"), table))
                @if with_frames.len() > ROWS_MAX {
                    p { (say("table.rest", &[("count", html! { (grouped((with_frames.len() - ROWS_MAX) as u64)) })])) }
                }
            }
        }
    }
}

/// Inputs and what they were read with: enough to do it again.
pub fn versions(view: &View<'_>, inputs: Markup, knowledge: Markup) -> Markup {
    html! {
        section id="versions" {
            h2 { (text("versions.title")) }
            p { (text("versions.again")) }
            (inputs)
            (knowledge)
            @if let Some(zone) = &view.clock.0 {
                p { (say("versions.zone", &[("zone", html! { (zone.name()) })])) }
            }
        }
    }
}
