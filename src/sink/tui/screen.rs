//! The whole screen: what always stands on top, the view, and the keys at the bottom.

use super::app::{App, Asking, VIEWS, View};
use super::doc::Doc;
use super::feed::{State, Status};
use super::rows::List;
use super::text::{columns, cut};
use super::view::{destination, device, finding, help, lists, map, numbers, overview, timeline};
use super::words::{self, clock, grouped};
use crate::attribution::world::Device;
use crate::base::text::{bytes, span};
use crate::base::time::SECOND;
use crate::snapshot::{Coverage, Snapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Smallest screen on which a view can be read.
const LEAST: (u16, u16) = (50, 12);

/// Draws all of it.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let area = area.intersection(buffer.area);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("too small: {} x {} at least", LEAST.0, LEAST.1);
        for (y, line) in (area.top()..area.bottom()).zip(super::doc::wrap(&text, area.width.into()))
        {
            buffer.set_stringn(area.x, y, line, area.width.into(), Style::new());
        }
    } else {
        let body = top(app, area, buffer);
        view(app, Rect { height: body.height.saturating_sub(1), ..body }, buffer);
        bottom(app, Rect { y: area.bottom() - 1, height: 1, ..area }, buffer);
    }
    app.theme.last_look(buffer);
}

/// Whether the view is a page that scrolls, and that page.
pub fn page(app: &App, width: u16) -> Option<Doc> {
    match (app.view, &app.page) {
        (View::Devices, Some(_)) => Some(device::page(app, width)),
        (View::Destinations, Some(_)) => Some(destination::page(app, width)),
        (View::Findings, Some(_)) => Some(finding::page(app, width)),
        (View::Numbers, _) => Some(numbers::page(app, width)),
        (View::Help, _) => Some(help::page(app, width)),
        _ => None,
    }
}

/// The area that a view has on a screen of this size.
pub fn body_height(app: &App, height: u16) -> u16 {
    height.saturating_sub(3 + banners(app).len().min(BANNERS_MAX) as u16)
}

fn view(app: &App, area: Rect, buffer: &mut Buffer) {
    if app.model.is_none() && app.view != View::Help {
        buffer.set_stringn(area.x, area.y, "waiting for the first packets …", 40, app.theme.dim());
        return;
    }
    if let Some(page) = page(app, area.width) {
        page.draw(app.scroll, area, buffer);
        return;
    }
    let list = match app.view {
        View::Overview => return overview::draw(app, area, buffer),
        View::Map => return map::draw(app, area, buffer),
        View::Timeline => return timeline::draw(app, area, buffer),
        View::Devices => List::Devices,
        View::Destinations => List::Destinations,
        View::Contacts => List::Contacts,
        View::Flows => List::Flows,
        View::Findings => List::Findings,
        View::Numbers | View::Help => return,
    };
    lists::draw(app, list, false, area, buffer);
}

/// Two lines, and one for each thing that must not be overlooked; what is left of the area.
fn top(app: &App, area: Rect, buffer: &mut Buffer) -> Rect {
    let mut x = area.x;
    for (text, style) in pieces(app, area.width.into()) {
        (x, _) = buffer.set_stringn(x, area.y, text, area.right().saturating_sub(x).into(), style);
        x = (x + 2).min(area.right());
    }
    tabs(app, Rect { y: area.y + 1, height: 1, ..area }, buffer);
    let mut y = area.y + 2;
    for (text, style) in banners(app).into_iter().take(BANNERS_MAX) {
        let width = usize::from(area.width);
        let text = super::text::fit(&text, width);
        buffer.set_stringn(area.x, y, text, width, style);
        y += 1;
    }
    Rect { y, height: area.bottom() - y, ..area }
}

/// The top line: what matters most is never left out.
fn pieces(app: &App, room: usize) -> Vec<(String, Style)> {
    let theme = &app.theme;
    let Some(model) = &app.model else {
        return vec![("phonehome".to_owned(), theme.head())];
    };
    let (status, snapshot) = (&model.update().status, model.snapshot());
    let state = match status.state {
        State::Recording => ("REC".to_owned(), theme.bad()),
        State::Replaying { speed, progress } => {
            let percent = (progress.clamp(0.0, 1.0) * 100.0) as u32;
            let speed = if speed.is_finite() { format!(" x{speed}") } else { String::new() };
            (format!("REPLAY{speed} {percent} %"), theme.head())
        }
        State::Ended => ("ENDED".to_owned(), theme.strong()),
    };
    // Each with how soon it is left out; 0 stays.
    let mut all: Vec<(u8, (String, Style))> = Vec::new();
    if app.frozen {
        all.push((0, ("FROZEN".to_owned(), theme.bad())));
    }
    all.push((0, state));
    all.push((0, (format!("{} UTC", clock(status.now)), Style::new())));
    if let Some(phase) = &status.phase {
        all.push((1, (format!("phase {phase}"), theme.strong())));
    }
    let fresh = &model.numbers().fresh;
    let is_told = !snapshot.devices.is_empty() && fresh.devices.is_empty();
    if is_told && half_seen(snapshot).next().is_none() {
        all.push((2, ("all seen both ways".to_owned(), theme.good())));
    }
    all.push((2, (format!("{} packets", grouped(status.packets)), Style::new())));
    all.push((3, (bytes(status.bytes), Style::new())));
    all.push((0, drops(app, status, model.coverage())));
    if status.state == State::Recording || status.lag_bytes > 0 {
        let style = if status.lag_bytes > 10_000_000 { theme.warn() } else { Style::new() };
        all.push((2, (format!("lag {}", bytes(status.lag_bytes)), style)));
    }
    if let Some(free) = status.disk_free {
        let style = if free < 1_000_000_000 { theme.bad() } else { Style::new() };
        all.push((4, (format!("disk {} free", bytes(free)), style)));
    }
    if model.age() > SECOND {
        let text = format!("findings {} old", span(model.age() / SECOND * SECOND));
        all.push((1, (text, theme.warn())));
    }
    if fresh.more > 0 {
        let text = format!("{} more contacts not looked up yet", grouped(fresh.more));
        all.push((1, (text, theme.warn())));
    }
    let coverage = match (model.coverage().complete, status.state) {
        (true, State::Ended) => ("coverage complete".to_owned(), theme.good()),
        (true, _) => ("complete so far".to_owned(), theme.good()),
        (false, _) => ("INCOMPLETE".to_owned(), theme.bad()),
    };
    all.push((0, coverage));
    let need = |all: &[(u8, (String, Style))]| -> usize {
        all.iter().map(|(_, (text, _))| columns(text) + 2).sum::<usize>().saturating_sub(2)
    };
    while need(&all) > room {
        // One after the other: all of a rank at once would leave out what there is room for.
        let last = (0..all.len()).max_by_key(|&at| all[at].0).filter(|&at| all[at].0 > 0);
        let Some(last) = last else { break };
        all.remove(last);
    }
    all.into_iter().map(|(_, piece)| piece).collect()
}

fn drops(app: &App, status: &Status, coverage: &Coverage) -> (String, Style) {
    let [kernel, interface, own] = status.drops;
    let live = kernel.saturating_add(interface).saturating_add(own);
    let declared = coverage.drops.declared;
    match (live, declared) {
        (0, Some(0)) => ("drops 0".to_owned(), app.theme.good()),
        (0, None) if status.state == State::Recording => ("drops 0".to_owned(), app.theme.good()),
        // Classic pcap has no word of it: that is not none.
        (0, None) => ("drops not stated".to_owned(), Style::new()),
        (0, Some(declared)) => (format!("DROPS {}", grouped(declared)), app.theme.bad()),
        _ => {
            let parts = [(kernel, "kernel"), (interface, "interface"), (own, "own")];
            let parts = parts.iter().filter(|(count, _)| *count > 0);
            let parts: Vec<String> = parts.map(|(n, name)| format!("{name} {n}")).collect();
            (format!("DROPS {} ({})", grouped(live), parts.join(", ")), app.theme.bad())
        }
    }
}

fn tabs(app: &App, area: Rect, buffer: &mut Buffer) {
    let need: usize = VIEWS.iter().map(|(_, name, _)| name.len() + 4).sum();
    let short = need > usize::from(area.width);
    let mut x = area.x;
    for (key, name, view) in VIEWS {
        let is_open = app.view == view;
        // On a narrow screen names are cut, but for that of the open view.
        let name = if short && !is_open { &name[..name.len().min(4)] } else { name };
        let text = match (is_open, short) {
            (true, _) => format!("[{key} {name}]"),
            (false, true) => format!("{key} {name} "),
            (false, false) => format!(" {key} {name} "),
        };
        let style = if is_open { app.theme.selected() } else { Style::new() };
        let room = area.right().saturating_sub(x);
        (x, _) = buffer.set_stringn(x, area.y, text, room.into(), style);
    }
}

/// The newest warnings that are shown.
const WARNINGS_SHOWN: usize = 2;
/// Banners shown at once.
const BANNERS_MAX: usize = 4;

/// What must not be overlooked, each on a line of its own.
fn banners(app: &App) -> Vec<(String, Style)> {
    let Some(model) = &app.model else { return Vec::new() };
    let (status, snapshot, theme) = (&model.update().status, model.snapshot(), &app.theme);
    let mut all = Vec::new();
    if let Some(ask) = &status.ask {
        all.push((format!("THE PLAN ASKS (a: answer): {ask}"), theme.selected()));
    }
    let coverage = model.coverage();
    let because = &coverage.incomplete_because;
    if !coverage.complete {
        let first = because.first().map_or("not everything was inspected", String::as_str);
        let more = match because.len() {
            0 | 1 => String::new(),
            many => format!(" (and {} more reasons)", many - 1),
        };
        all.push((format!("INCOMPLETE: {first}{more}"), theme.bad()));
    }
    if let Some(device) = half_seen(snapshot).next() {
        let (name, seen) = (words::device(device), words::sight(device).0);
        let more = match half_seen(snapshot).count() - 1 {
            0 => String::new(),
            more => format!(", and {more} more devices are not seen whole"),
        };
        let text = format!("TAP: {name}: {seen}{more} (key 3; doctor says what mends it)");
        all.push((text, theme.warn()));
    }
    let older = status.warnings.len().saturating_sub(WARNINGS_SHOWN);
    for (index, warning) in status.warnings.iter().rev().take(WARNINGS_SHOWN).enumerate() {
        let more = match (index, older) {
            (0, 1..) => format!(" (and {older} earlier warnings)"),
            _ => String::new(),
        };
        all.push((format!("! {warning}{more}"), theme.warn()));
    }
    if !app.filter_text.is_empty() {
        let text = format!("FILTER {} (rows that do not pass are hidden; Esc)", app.filter_text);
        all.push((text, theme.warn()));
    }
    all
}

/// Devices that the tap does not show whole.
fn half_seen(snapshot: &Snapshot) -> impl Iterator<Item = &Device> {
    let devices = snapshot.devices.iter().filter(|device| device.role != "gateway");
    devices.filter(|device| !words::sight(device).1)
}

fn bottom(app: &App, area: Rect, buffer: &mut Buffer) {
    let width = usize::from(area.width);
    let (text, style) = if let Some((asking, typed)) = &app.prompt {
        let (question, hint) = match asking {
            Asking::Filter => ("filter", "dest:tuya country:CN bytes>1M"),
            Asking::Search => ("search", ""),
            Asking::Mark => ("mark this moment as", ""),
            Asking::Phase => ("phase", "factory power-on setup idle use motion update …"),
            Asking::Label => ("name of this device", ""),
            Asking::Answer => ("answer", ""),
            Asking::Quit => ("stop recording and quit? y/n", ""),
        };
        let problem = app.message.as_deref().map(|m| format!("   {m}")).unwrap_or_default();
        let hint = if typed.is_empty() { hint } else { "" };
        (format!("{question}: {typed}_ {hint}{problem}"), app.theme.strong())
    } else if let Some(message) = &app.message {
        (message.clone(), app.theme.strong())
    } else {
        (keys(app).to_owned(), app.theme.dim())
    };
    buffer.set_stringn(area.x, area.y, cut(&text, width), width, style);
}

/// The keys that matter in this view, the most needed first: a narrow screen cuts the rest.
fn keys(app: &App) -> &'static str {
    match (app.view, app.page.is_some()) {
        (View::Findings, true) => {
            "Esc back  left/right other frame  PgDn more  c copy filter  e export  ? help  q quit"
        }
        (_, true) => "Esc back  PgUp PgDn scroll  ? help  q quit  c copy filter  e export  l label",
        (View::Help | View::Numbers | View::Map, _) => {
            "PgUp PgDn scroll  1-9 views  ? help  q quit  e export  Space freeze"
        }
        (View::Timeline, _) => "? help  q quit  m mark  p phase  + - speed  Space freeze  e export",
        (View::Devices, _) => {
            "? help  q quit  Enter page  f filter  / search  s sort  l label  c copy  e export"
        }
        (View::Findings, _) => {
            "? help  q quit  Enter evidence  f filter  / search  s sort  c copy  e export"
        }
        _ => "? help  q quit  Enter page  f filter  / search  s sort  Space freeze  m mark  c copy",
    }
}
