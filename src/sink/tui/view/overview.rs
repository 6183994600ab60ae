//! The first picture: which devices there are, who gets what under which law, what was found.

use super::lists;
use crate::finding::{self, Severity};
use crate::sink::tui::app::App;
use crate::sink::tui::rows::List;
use crate::sink::tui::text::{columns, cut};
use crate::sink::tui::theme::Theme;
use crate::sink::tui::words;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

/// From this width on, devices stand beside who gets what.
const WIDE: u16 = 170;

/// Draws it.
pub fn draw(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(model) = &app.model else { return };
    let count = |length: usize| u16::try_from(length).unwrap_or(u16::MAX).saturating_add(2);
    // Findings get what they need, up to a quarter, or to what the others leave.
    let [devices_count, who_count] =
        [List::Devices, List::Who].map(|list| count(app.chosen(list).order.len()));
    let others = match area.width >= WIDE {
        true => devices_count.max(who_count),
        false => devices_count.saturating_add(who_count),
    };
    let most = (area.height / 4).max(3).max(area.height.saturating_sub(others));
    let low = count(model.snapshot().findings.len()).clamp(3, most).min(area.height);
    let [above, low] = split(area, area.height - low);
    if area.width >= WIDE {
        let left = Rect { width: above.width * 2 / 5, ..above };
        let x = left.right() + 1;
        devices(app, left, buffer);
        who(app, Rect { x, width: above.right() - x, ..above }, buffer);
    } else {
        let devices_most = (above.height / 3).max(4);
        let rows = devices_count.clamp(3, devices_most);
        let [top, middle] = split(above, rows);
        devices(app, top, buffer);
        who(app, middle, buffer);
    }
    findings(app, low, buffer);
}

fn split(area: Rect, at: u16) -> [Rect; 2] {
    let at = at.min(area.height);
    let below = Rect { y: area.y + at, height: area.height - at, ..area };
    [Rect { height: at, ..area }, below]
}

fn heading(app: &App, text: &str, area: Rect, buffer: &mut Buffer) -> Rect {
    let width = usize::from(area.width);
    let line = cut(&format!("── {text} "), width);
    let rest = "─".repeat(width.saturating_sub(columns(&line)));
    buffer.set_stringn(area.x, area.y, line + &rest, width, app.theme.dim());
    Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area }
}

fn devices(app: &App, area: Rect, buffer: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let count = app.chosen(List::Devices).order.len();
    let many = if count == 1 { "device" } else { "devices" };
    let text = format!("{count} {many}: payload to and from the internet, now and in total");
    let area = heading(app, &text, area, buffer);
    lists::draw(app, List::Devices, true, area, buffer);
}

fn who(app: &App, area: Rect, buffer: &mut Buffer) {
    if area.height < 2 {
        return;
    }
    let count = app.chosen(List::Who).order.len();
    let many = if count == 1 { "contact" } else { "contacts" };
    let area = heading(app, &format!("{count} {many}: who gets what"), area, buffer);
    lists::draw(app, List::Who, true, area, buffer);
}

fn findings(app: &App, area: Rect, buffer: &mut Buffer) {
    let Some(model) = &app.model else { return };
    if area.height < 2 {
        return;
    }
    let snapshot = model.snapshot();
    let standing = finding::standing(&snapshot.findings);
    let title = standing.map_or("findings".to_owned(), |said| format!("findings: {said}"));
    let area = heading(app, &title, area, buffer);
    let mut x = area.x + 2;
    for severity in [Severity::High, Severity::Medium, Severity::Low, Severity::Info] {
        let count = model.facts().severities[severity as usize];
        let style = if count > 0 { app.theme.severity(severity) } else { app.theme.dim() };
        let text = format!("{} {count} {}   ", Theme::shape(severity), severity.name());
        (x, _) = buffer.set_stringn(x, area.y, text, area.right().saturating_sub(x).into(), style);
    }
    if snapshot.findings.is_empty() {
        let text = match model.coverage().complete {
            true => "that is not a clean bill",
            false => "but the result is partial",
        };
        let room = area.right().saturating_sub(x);
        buffer.set_stringn(x, area.y, text, room.into(), app.theme.dim());
    }
    let rows = usize::from(area.height - 1);
    let all = snapshot.findings.len();
    // Where not all fit, the last line says how many more.
    let fits = if all > rows { rows.saturating_sub(1) } else { rows };
    let width = usize::from(area.width.saturating_sub(2));
    for (row, finding) in snapshot.findings.iter().take(fits).enumerate() {
        let subject = &finding.subject;
        let device = model.device_called(&subject.device);
        let device = device.map_or_else(|| subject.device.to_string(), words::device);
        let to = words::subject(model, &subject.destination);
        let shape = Theme::shape(finding.severity);
        let text = cut(&format!("{shape} {}: {device} → {to}", finding.title), width);
        let y = area.y + 1 + row as u16;
        buffer.set_stringn(area.x + 2, y, text, width, app.theme.severity(finding.severity));
    }
    if all > fits && rows > 0 {
        let text = format!("… and {} more (key 7 lists all {all})", all - fits);
        buffer.set_stringn(area.x + 2, area.bottom() - 1, text, width, app.theme.dim());
    }
}
