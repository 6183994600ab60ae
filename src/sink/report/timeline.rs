//! Payload over time, with the phases and marks of the experiment.

use super::View;
use super::picture::{WIDTH, figure, number};
use super::words::wire;
use crate::base::text::{bytes, shorten, span};
use crate::base::time::Timestamp;
use crate::sink::messages::{line, say, text};
use crate::snapshot::{Snapshot, TimelineShown};
use maud::{Markup, html};
use std::cmp::Reverse;
use std::fmt::Write;

/// Bars of a picture; several slots share one where there are more.
const BARS: usize = 320;
/// Height of the bars of one direction.
const TALL: f64 = 70.0;
/// Devices with a picture of their own.
const DEVICES: usize = 4;
/// Notes that are listed.
const NOTES_MAX: usize = 40;

pub fn picture(view: &View<'_>) -> Markup {
    let Some(timeline) = &view.snapshot.timeline else { return html! {} };
    let title = text("timeline.title");
    if timeline.all.is_empty() {
        return html! { figure.picture id="timeline" { figcaption { (title) } p { (text("timeline.nothing")) } } };
    }
    let mut devices: Vec<(usize, u64)> = timeline
        .devices
        .iter()
        .map(|(device, slots)| (*device, slots.iter().map(|[a, b]| a + b).sum()))
        .collect();
    devices.sort_by_key(|(device, bytes)| (Reverse(*bytes), *device));
    let devices: Vec<usize> = match devices[..] {
        [_] => Vec::new(),
        _ => devices.into_iter().take(DEVICES).map(|(device, _)| device).collect(),
    };
    let together = Axis::of(timeline);
    let mut y = 52.0;
    let mut inner = html! { (phases(view.snapshot, &together)) };
    inner = html! { (inner) (bars(&together, &timeline.all, y, text("timeline.all"))) };
    for device in devices {
        y += 2.0 * TALL + 34.0;
        let name = view.snapshot.devices[device].title();
        inner = html! { (inner) (bars(&together, &timeline.devices[&device], y, &name)) };
    }
    let bottom = y + 2.0 * TALL + 20.0;
    inner = html! { (inner) (axis(view, &together, bottom)) };
    let most = timeline.all.iter().enumerate().max_by_key(|(at, [a, b])| (a + b, Reverse(*at)));
    let (at, [sent, received]) = most.map_or((0, [0, 0]), |(at, slot)| (at, *slot));
    let when = Timestamp(timeline.start.0.saturating_add(at as i64 * timeline.slot));
    let alternative = line(
        "timeline.alternative",
        &[
            ("when", &view.clock.plain(when)),
            ("width", &span(timeline.slot)),
            ("sent", &bytes(sent)),
            ("received", &bytes(received)),
        ],
    );
    figure("timeline", title, &alternative, bottom + 24.0, inner, notes(view, timeline, &together))
}

struct Axis {
    start: Timestamp,
    /// Slots that share a bar.
    group: usize,
    bars: usize,
    slot: i64,
}

impl Axis {
    fn of(timeline: &TimelineShown) -> Axis {
        let group = timeline.all.len().div_ceil(BARS).max(1);
        let bars = timeline.all.len().div_ceil(group).max(1);
        Axis { start: timeline.start, group, bars, slot: timeline.slot }
    }

    fn end(&self) -> Timestamp {
        let span = self.slot.saturating_mul((self.bars * self.group) as i64);
        Timestamp(self.start.0.saturating_add(span))
    }

    fn x(&self, time: Timestamp) -> f64 {
        let whole = self.end().since(self.start).max(1) as f64;
        (time.since(self.start) as f64 / whole).clamp(0.0, 1.0) * WIDTH
    }
}

/// Sent upwards, filled; received downwards, hatched; each picture on its own scale.
fn bars(axis: &Axis, slots: &[[u64; 2]], top: f64, name: &str) -> Markup {
    let sums: Vec<[u64; 2]> = slots
        .chunks(axis.group)
        .map(|group| group.iter().fold([0, 0], |[a, b], [c, d]| [a + c, b + d]))
        .collect();
    let most = sums.iter().flatten().copied().max().unwrap_or(0).max(1) as f64;
    let width = WIDTH / axis.bars as f64;
    let middle = top + TALL;
    let path = |way: usize| {
        let mut path = String::new();
        for (at, sum) in sums.iter().enumerate().filter(|(_, sum)| sum[way] > 0) {
            let tall = (sum[way] as f64 / most * TALL).max(1.0);
            let from = if way == 0 { middle - tall } else { middle };
            let _ = write!(
                path,
                "M{} {}h{}v{}h-{}z",
                number(at as f64 * width),
                number(from),
                number(width.max(0.8)),
                number(tall),
                number(width.max(0.8))
            );
        }
        path
    };
    let [sent, received] = slots.iter().fold([0, 0], |[a, b], [c, d]| [a + c, b + d]).map(bytes);
    let said = line(
        "timeline.series",
        &[
            ("name", &shorten(name, 40)),
            ("sent", &sent),
            ("received", &received),
            ("most", &bytes(most as u64)),
        ],
    );
    html! {
        path class="part solid" d=(path(0)) {}
        path class="part hatch" d=(path(1)) {}
        path.axis d={ "M0 " (number(middle)) "h" (WIDTH) } {}
        text.note x="0" y=(number(top - 5.0)) { (said) }
    }
}

/// Phases as bands above, each with its name.
fn phases(snapshot: &Snapshot, axis: &Axis) -> Markup {
    let phases = &snapshot.phases;
    html! {
        @for (at, phase) in phases.iter().enumerate() {
            @let end = phases.get(at + 1).map_or(axis.end(), |next| next.began);
            @let (x, width) = (axis.x(phase.began), axis.x(end) - axis.x(phase.began));
            rect class={ "phase" @if at % 2 == 1 { " odd" } } x=(number(x)) y="0" width=(number(width)) height="20" {}
            @if width > 40.0 {
                text.note x=(number(x + 4.0)) y="14" {
                    (shorten(phase.phase.unwrap_or(text("timeline.before")), (width / 7.5) as usize))
                }
            }
        }
        @for mark in &snapshot.marks {
            @let x = axis.x(mark.time);
            path.mark d={ "M" (number(x)) " 22l4 8h-8z" } {}
        }
    }
}

fn axis(view: &View<'_>, axis: &Axis, y: f64) -> Markup {
    let ends = [(axis.start, 0.0, "start"), (axis.end(), WIDTH, "end")];
    html! {
        @for (time, x, anchor) in ends {
            text.note x=(number(x)) y=(number(y + 12.0)) text-anchor=(anchor) { (view.clock.plain(time)) }
        }
    }
}

fn notes(view: &View<'_>, timeline: &TimelineShown, axis: &Axis) -> Markup {
    let all = view.snapshot.notes().all;
    let gaps = || view.snapshot.interruptions.iter().filter(|one| one.is_gap());
    let width = span(axis.slot.saturating_mul(axis.group as i64));
    html! {
        p.aside {
            (say("timeline.limits", &[
                ("bar", html! { (width) }),
                ("slot", html! { (span(timeline.slot)) }),
            ]))
            @let [sent, received] = timeline.untold;
            @if sent + received > 0 {
                " " (say("timeline.untold", &[("bytes", html! { (bytes(sent + received)) })]))
            }
        }
        @if gaps().next().is_some() {
            ul.notes {
                @for gap in gaps().take(NOTES_MAX) {
                    li { (say("timeline.gap", &[
                        ("from", view.clock.moment(gap.from)),
                        ("to", view.clock.moment(gap.to)),
                        ("span", html! { (span(gap.to.since(gap.from))) }),
                        ("why", wire(&gap.reason())),
                    ])) }
                }
            }
            @if gaps().count() > NOTES_MAX {
                p { (say("table.rest", &[("count", html! { (gaps().count() - NOTES_MAX) })])) }
            }
        }
        @if all.is_empty() {
            p.aside { (text("timeline.no_phases")) }
        } @else {
            ol.notes {
                @for (time, what) in all.iter().take(NOTES_MAX) {
                    li { (say("timeline.note", &[("time", view.clock.moment(*time)), ("what", wire(what))])) }
                }
            }
            @if all.len() > NOTES_MAX {
                p { (say("table.rest", &[("count", html! { (all.len() - NOTES_MAX) })])) }
            }
        }
    }
}
