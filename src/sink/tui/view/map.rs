//! The world: which countries databases name, and how much was sent there. An arc is drawn only
//! where nothing speaks against the place: not where databases disagree, the service answers from
//! many places, or the round-trip time excludes it.

use crate::attribution::country::{self, Country};
use crate::attribution::place::Tally;
use crate::base::text::bytes;
use crate::sink::tui::app::App;
use crate::sink::tui::doc::Doc;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::widgets::Widget;
use ratatui::widgets::canvas::{Canvas, Map, MapResolution, Points};

/// Arcs drawn at most; those with the most bytes.
const ARCS_MAX: usize = 40;

/// Columns of the list beside the map, and lines of it below.
const LIST: u16 = 48;
const LIST_LINES: u16 = 9;

/// Draws it.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(model) = &app.model else { return };
    let tally = Tally::of(&model.snapshot().destinations);
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
                    let coords = country::arc(here, to);
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
