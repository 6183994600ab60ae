//! The world: which countries databases name, and how much was sent there. An arc is drawn only
//! where nothing speaks against the place: not where databases disagree, the service answers from
//! many places, or the round-trip time excludes it.

use crate::attribution::world::Zone;
use crate::base::text::bytes;
use crate::sink::tui::app::App;
use crate::sink::tui::country::{self, Country};
use crate::sink::tui::doc::Doc;
use crate::sink::tui::words::{Place, is_spread, place};
use crate::snapshot::Snapshot;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Map, MapResolution, Points};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Arcs drawn at most; those with the most bytes.
const ARCS_MAX: usize = 40;

/// Columns of the list beside the map, and lines of it below.
const LIST: u16 = 48;
const LIST_LINES: u16 = 9;

/// What may be drawn, and what may not.
#[derive(Default)]
struct Tally {
    /// By code: sent, received, addresses.
    certain: BTreeMap<String, [u64; 3]>,
    disputed: [u64; 3],
    anywhere: [u64; 3],
    excluded: [u64; 3],
    unknown: [u64; 3],
}

impl Tally {
    fn of(snapshot: &Snapshot) -> Tally {
        let mut tally = Tally::default();
        for to in snapshot.destinations.iter().filter(|to| to.zone == Zone::Internet) {
            let spread = is_spread(to);
            for remote in &to.remotes {
                let counts = match place(remote, spread) {
                    Place::In(code) => tally.certain.entry(code.to_string()).or_default(),
                    Place::Disputed(_) => &mut tally.disputed,
                    Place::Anywhere(_) => &mut tally.anywhere,
                    Place::Excluded(_) => &mut tally.excluded,
                    Place::Unknown => &mut tally.unknown,
                };
                let [sent, received] = remote.traffic.delivered_bytes;
                for (count, more) in counts.iter_mut().zip([sent, received, 1]) {
                    *count = count.saturating_add(more);
                }
            }
        }
        tally
    }

    /// Most sent first.
    fn ranked(&self) -> Vec<(&str, [u64; 3])> {
        let mut all: Vec<(&str, [u64; 3])> =
            self.certain.iter().map(|(code, counts)| (code.as_str(), *counts)).collect();
        all.sort_by_key(|(_, [sent, received, _])| Reverse((*sent, *received)));
        all
    }
}

/// Draws it.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(model) = &app.model else { return };
    let tally = Tally::of(model.snapshot());
    let ranked = tally.ranked();
    // Characters are twice as high as wide: so the world keeps its shape.
    let shape = |width: u16| (width / 4).max(6);
    let [map, list] = if area.width >= 120 {
        let width = area.width - LIST - 1;
        let height = area.height.min(shape(width));
        let list = Rect { x: area.x + width + 1, width: LIST, ..area };
        [Rect { width, height, ..area }, list]
    } else {
        let height = area.height.saturating_sub(LIST_LINES).min(shape(area.width));
        let below = Rect { y: area.y + height, height: area.height - height, ..area };
        [Rect { height, ..area }, below]
    };
    canvas(app, &ranked, map, buffer);
    let mut page = Doc::new(list.width, app.theme);
    lines(app, &tally, &ranked, &mut page);
    page.draw(app.scroll, list, buffer);
}

fn here(app: &App) -> Option<&'static Country> {
    country::find(app.options.here.as_deref()?)
}

fn canvas(app: &App, ranked: &[(&str, [u64; 3])], area: Rect, buffer: &mut Buffer) {
    if area.height < 5 {
        return;
    }
    let theme = app.theme;
    let here = here(app);
    Canvas::default()
        .marker(theme.marker())
        .x_bounds([-180.0, 180.0])
        .y_bounds([-60.0, 85.0])
        .paint(|context| {
            let resolution = if area.width > 60 { MapResolution::High } else { MapResolution::Low };
            context.draw(&Map { resolution, color: theme.coast() });
            context.layer();
            let drawn = ranked.iter().filter_map(|(code, _)| country::find(code));
            if let Some(here) = here {
                for to in drawn.clone().take(ARCS_MAX) {
                    let coords = arc(here, to);
                    context.draw(&Points::new(&coords, theme.ink()));
                }
            }
            context.layer();
            // The most wanted last, so that they stand on top.
            let others = drawn.filter(|to| here.is_none_or(|here| here.code != to.code));
            for to in others.collect::<Vec<_>>().into_iter().rev() {
                let label = ratatui::text::Line::styled(format!("●{}", to.code), theme.strong());
                context.print(to.longitude, to.latitude, label);
            }
            if let Some(here) = here {
                let label = ratatui::text::Line::styled("◆HERE", theme.good());
                context.print(here.longitude, here.latitude, label);
            }
        })
        .render(area, buffer);
}

/// Points of the great circle between two countries.
fn arc(from: &Country, to: &Country) -> Vec<(f64, f64)> {
    const POINTS: usize = 120;
    let vector = |country: &Country| {
        let (lat, lon) = (country.latitude.to_radians(), country.longitude.to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let (a, b) = (vector(from), vector(to));
    let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    let angle = dot.clamp(-1.0, 1.0).acos();
    if !(0.01..=std::f64::consts::PI - 0.01).contains(&angle) {
        return Vec::new();
    }
    let point = |step: usize| {
        let part = step as f64 / POINTS as f64;
        let (near, far) =
            (((1.0 - part) * angle).sin() / angle.sin(), (part * angle).sin() / angle.sin());
        let [x, y, z] = [0, 1, 2].map(|axis| near * a[axis] + far * b[axis]);
        (y.atan2(x).to_degrees(), z.clamp(-1.0, 1.0).asin().to_degrees())
    };
    (0..=POINTS).map(point).collect()
}

fn lines(app: &App, tally: &Tally, ranked: &[(&str, [u64; 3])], page: &mut Doc) {
    let theme = &app.theme;
    match here(app) {
        Some(here) => page.text(0, &format!("arcs from {} ({})", here.name, here.code)),
        None => page.styled(0, "no arcs: --here COUNTRY says where we are", theme.dim()),
    }
    page.line(vec![("country              sent  received  addresses".to_owned(), theme.head())]);
    for (code, [sent, received, addresses]) in ranked {
        let name = country::find(code).map_or("not on this map", |country| country.name);
        let name = crate::sink::tui::text::fit(&format!("{code} {name}"), 17);
        page.line(vec![
            (name, Style::new()),
            (format!("{:>8}", bytes(*sent)), theme.sent()),
            (format!("{:>10}", bytes(*received)), theme.received()),
            (format!("{addresses:>11}"), Style::new()),
        ]);
    }
    if ranked.is_empty() {
        page.text(0, "no address that databases agree on");
    }
    page.styled(0, "not drawn, since the place is not sure:", theme.dim());
    for (what, [sent, received, addresses]) in [
        ("databases disagree", tally.disputed),
        ("many places", tally.anywhere),
        ("round trip excludes", tally.excluded),
        ("no country known", tally.unknown),
    ] {
        let text = format!("{what:<20}{:>5}{:>10}{addresses:>11}", bytes(sent), bytes(received));
        page.line(vec![(text, if addresses > 0 { theme.warn() } else { theme.dim() })]);
    }
    page.styled(0, "A dot stands for a country, not for where a server is.", theme.dim());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arcs_begin_and_end_where_they_should() {
        let [nl, cn] = ["NL", "CN"].map(|code| country::find(code).unwrap());
        let arc = arc(nl, cn);
        let near = |(x, y): (f64, f64), country: &Country| {
            (x - country.longitude).abs() < 0.1 && (y - country.latitude).abs() < 0.1
        };
        assert!(near(arc[0], nl) && near(*arc.last().unwrap(), cn));
        assert!(arc.iter().all(|(_, y)| *y > 30.0), "the short way goes over the north");
        assert!(super::arc(nl, nl).is_empty());
    }
}
