//! What happened when: bytes sent and received over the whole time, phases, marks and gaps, and
//! each device below.

use super::lists::bar;
use crate::base::text::{bytes, span};
use crate::base::time::Timestamp;
use crate::sink::tui::app::App;
use crate::sink::tui::text::{cut, fit_middle};
use crate::sink::tui::words;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Columns left of the chart.
const NAMES: u16 = 18;

/// Draws it.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(model) = &app.model else { return };
    if area.height < 6 || area.width < NAMES + 12 {
        return;
    }
    let (status, theme) = (&model.update().status, &app.theme);
    let all = usize::from(area.width);
    let chart = Rect { x: area.x + NAMES, width: area.width - NAMES - 1, ..area };
    let (start, now) = (app.history.start, app.history.now);
    let steps = app.history.columns(None, chart.width.into());
    let step = app.history.step.max(now.since(start) / i64::from(chart.width.max(1)));
    let head = format!(
        "{} to {} UTC ({}); drawn in steps of {}; payload with the internet",
        words::moment(start),
        words::clock(now),
        span(now.since(start)),
        span(step)
    );
    buffer.set_stringn(area.x, area.y, cut(&head, all), all, theme.dim());
    let height = ((area.height - 4) / 4).clamp(1, 8);
    let mut y = area.y + 1;
    for (way, name, style) in [(0, "sent", theme.sent()), (1, "received", theme.received())] {
        let values: Vec<u64> = steps.iter().map(|step| step[way]).collect();
        let most = values.iter().copied().max().unwrap_or(0);
        let sum: u64 = app.history.steps(None).iter().map(|step| step[way]).sum();
        let name = format!("{name}, {}", bytes(sum));
        buffer.set_stringn(area.x, y, cut(&name, NAMES.into()), NAMES.into(), style);
        if height > 1 {
            let most = format!("full: {}", bytes(most));
            buffer.set_stringn(area.x, y + 1, most, NAMES.into(), theme.dim());
        }
        bars(&values, most, Rect { y, height, ..chart }, style, buffer);
        y += height;
    }
    let axis = "─".repeat(chart.width.into());
    buffer.set_stringn(chart.x, y, axis, chart.width.into(), theme.dim());
    let column = |time: Timestamp| {
        let last = f64::from(chart.width.saturating_sub(1));
        let at = time.since(start) as f64 / now.since(start).max(1) as f64 * last;
        chart.x + at.clamp(0.0, last) as u16
    };
    for (begin, end, _) in &status.gaps {
        for x in column(*begin)..=end.map_or(chart.right() - 1, column) {
            buffer.set_stringn(x, y, "×", 1, theme.bad());
        }
    }
    for (time, _) in &status.marks {
        buffer.set_stringn(column(*time), y, "↑", 1, theme.strong());
    }
    y += 1;
    let room = usize::from(area.bottom().saturating_sub(y) / 2).max(1);
    for (text, style) in notes(app).into_iter().take(room) {
        buffer.set_stringn(area.x, y, cut(&text, all), all, style);
        y += 1;
    }
    devices(app, Rect { y, height: area.bottom().saturating_sub(y), ..area }, buffer);
}

/// Gaps first: they are the limits of what can be said. Then the latest marks.
fn notes(app: &App) -> Vec<(String, Style)> {
    let Some(model) = &app.model else { return Vec::new() };
    let status = &model.update().status;
    let mut notes = Vec::new();
    for (begin, end, why) in &status.gaps {
        let end = end.map_or("now".to_owned(), words::clock);
        let text = format!("× {} to {end}: nothing recorded: {why}", words::clock(*begin));
        notes.push((text, app.theme.bad()));
    }
    for (time, what) in status.marks.iter().rev() {
        notes.push((format!("↑ {} {what}", words::clock(*time)), Style::new()));
    }
    if notes.is_empty() {
        notes.push(("no phase and no mark yet (p, m)".to_owned(), app.theme.dim()));
    }
    notes
}

fn bars(values: &[u64], most: u64, area: Rect, style: Style, buffer: &mut Buffer) {
    let full = u64::from(area.height) * 8;
    for (x, &value) in (area.x..area.right()).zip(values) {
        let eighths = match (value, most) {
            (0, _) | (_, 0) => 0,
            _ => ((value as f64 / most as f64 * full as f64).ceil() as u64).clamp(1, full),
        };
        for row in 0..area.height {
            let below = u64::from(area.height - 1 - row) * 8;
            let symbol = bar(eighths.saturating_sub(below).min(8), 8);
            if symbol != ' ' {
                buffer.set_stringn(x, area.y + row, symbol.to_string(), 1, style);
            }
        }
    }
}

fn devices(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(model) = &app.model else { return };
    if area.height < 2 {
        return;
    }
    let title = "sent by each device, each on its own scale";
    buffer.set_stringn(area.x, area.y, title, area.width.into(), app.theme.head());
    let width = area.width - NAMES - 1;
    let fresh = model.numbers().fresh.devices.iter().map(|device| &**device);
    let devices = model.snapshot().devices.iter().chain(fresh);
    let devices = devices.filter(|device| device.role != "gateway");
    for (row, device) in devices.take(usize::from(area.height - 1)).enumerate() {
        let y = area.y + 1 + row as u16;
        let name = fit_middle(&words::device(device), usize::from(NAMES) - 1);
        buffer.set_stringn(area.x, y, name, NAMES.into(), Style::new());
        let steps = app.history.columns(Some(&device.id), width.into());
        let most = steps.iter().map(|step| step[0]).max().unwrap_or(0);
        let line: String = steps.iter().map(|step| bar(step[0], most)).collect();
        buffer.set_stringn(area.x + NAMES, y, line, width.into(), app.theme.sent());
    }
}
