//! The lists: devices, destinations, contacts, flows, findings, and who gets what.

use crate::attribution::place::{is_spread, place};
use crate::attribution::record::FlowRecord;
use crate::attribution::world::{Contact, Device, Zone};
use crate::base::text::{bytes, span};
use crate::finding::Severity;
use crate::sink::tui::app::App;
use crate::sink::tui::fields;
use crate::sink::tui::model::Model;
use crate::sink::tui::rows::List;
use crate::sink::tui::table::{Cell, Column, Table, name, number, text};
use crate::sink::tui::theme::Theme;
use crate::sink::tui::words;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;
use std::net::IpAddr;

/// Columns of a sparkline.
const SPARK: usize = 14;

const WHO: &[Column] = &[
    text("", 1, 0, 0),
    name("DEVICE", 12, 2, 0),
    name("→ DESTINATION", 20, 3, 2),
    name("→ OPERATOR", 20, 4, 0),
    text("LAW", 4, 0, 0),
    text("→ NETWORK", 14, 3, 1),
    text("→ PLACE", 12, 1, 0),
    number("SENT", 6, 0),
    number("RECEIVED", 9, 3),
    text("CONTENT", 9, 0, 4),
];

const DEVICES: &[Column] = &[
    text("", 1, 0, 0),
    name("DEVICE", 14, 3, 0),
    number("SENT/s", 9, 0),
    number("RECV/s", 9, 1),
    number("SENT", 7, 0),
    number("RECEIVED", 9, 0),
    text("SENT OVER TIME", SPARK as u16, 0, 3),
    number("TO", 4, 4),
    text("MAKER", 16, 2, 5),
    text("SEEN", 14, 0, 2),
    text("LAST", 8, 0, 6),
];

const DEVICES_SHORT: &[Column] = &[
    text("", 1, 0, 0),
    name("DEVICE", 10, 3, 0),
    number("SENT/s", 9, 0),
    number("RECV/s", 9, 0),
    number("SENT", 6, 0),
    number("RECEIVED", 9, 0),
    text("SENT OVER TIME", SPARK as u16, 0, 3),
    text("SEEN", 14, 0, 2),
];

const DESTINATIONS: &[Column] = &[
    text("", 1, 0, 0),
    name("DESTINATION", 18, 4, 0),
    text("OPERATOR (LAW)", 20, 4, 0),
    text("NETWORK", 14, 3, 2),
    text("PLACE", 9, 1, 0),
    number("SENT", 6, 0),
    number("RECEIVED", 9, 1),
    number("DEVICES", 7, 3),
    text("NAMED BY", 9, 1, 4),
];

const CONTACTS: &[Column] = &[
    text("", 1, 0, 0),
    name("DEVICE", 12, 2, 0),
    name("DESTINATION", 23, 4, 0),
    number("SENT", 6, 0),
    number("RECEIVED", 9, 0),
    text("PLACE", 9, 1, 1),
    text("CONTENT", 9, 0, 2),
    text("SPOKEN", 16, 4, 3),
    text("OPERATOR (LAW)", 18, 3, 4),
    text("LAST", 8, 0, 5),
    number("FLOWS", 6, 6),
    text("PARTY", 7, 0, 7),
];

const FLOWS: &[Column] = &[
    text("LAST", 8, 0, 0),
    name("FROM", 19, 2, 0),
    name("TO", 19, 2, 0),
    name("NAME", 12, 4, 1),
    text("PROTOCOL", 9, 0, 0),
    number("SENT", 6, 0),
    number("RECEIVED", 9, 2),
    text("PLACE", 8, 0, 3),
    text("STATE", 7, 0, 4),
    number("ROUND TRIP", 10, 5),
    text("FRAMES", 15, 1, 6),
    name("DEVICE", 21, 1, 7),
];

const FINDINGS: &[Column] = &[
    text("SEVERITY", 9, 0, 0),
    text("FINDING", 24, 5, 0),
    name("DEVICE", 12, 2, 0),
    name("DESTINATION", 14, 3, 0),
    text("HOW SURE", 10, 0, 2),
    number("FRAMES", 7, 3),
    number("SENT", 7, 4),
    text("ID", 18, 1, 5),
];

/// Draws a list; `short` where it is a part of another view.
pub fn draw(app: &App, list: List, short: bool, area: Rect, buffer: &mut Buffer) {
    let Some(model) = &app.model else { return };
    let chosen = app.chosen(list);
    let columns = match (list, short) {
        (List::Who, _) => WHO,
        (List::Devices, true) => DEVICES_SHORT,
        (List::Devices, false) => DEVICES,
        (List::Destinations, _) => DESTINATIONS,
        (List::Contacts, _) => CONTACTS,
        (List::Flows, _) => FLOWS,
        (List::Findings, _) => FINDINGS,
    };
    let row = |at: usize, is_shown: &dyn Fn(usize) -> bool| {
        let row = chosen.order.get(at).map(|&row| row as usize);
        let maker = Maker { app, model, is_shown };
        row.and_then(|row| maker.row(list, short, row)).unwrap_or_default()
    };
    Table {
        columns,
        rows: chosen.order.len(),
        selected: (app.list() == Some(list)).then_some(chosen.selected),
        sorted: (list.sorts()[chosen.sort % list.sorts().len()], chosen.turned),
        row: &row,
        empty: empty(app, model, list),
    }
    .draw(area, buffer, &app.theme);
}

/// Nothing found is not nothing there.
fn empty(app: &App, model: &Model, list: List) -> &'static str {
    match list {
        _ if !app.filter_text.is_empty() => "No row passes the filter. Esc takes it away.",
        List::Findings if !model.coverage().complete => {
            "None of the checks found anything, but the result is partial: see the line above."
        }
        List::Findings => {
            "None of the checks found anything in what was inspected. That is not a clean bill."
        }
        List::Who => "Nothing to or from the internet was seen.",
        _ => "Nothing yet.",
    }
}

fn plain(text: impl Into<String>) -> Cell {
    (text.into(), Style::new())
}

fn arrow((text, style): Cell) -> Cell {
    (format!("→ {text}"), style)
}

/// Makes the cells of rows.
struct Maker<'a> {
    app: &'a App,
    model: &'a Model,
    is_shown: &'a dyn Fn(usize) -> bool,
}

impl Maker<'_> {
    /// A cell that costs something, only where its column is seen.
    fn seen(&self, column: usize, make: impl FnOnce() -> Cell) -> Cell {
        if (self.is_shown)(column) { make() } else { plain("") }
    }

    fn row(&self, list: List, short: bool, row: usize) -> Option<Vec<Cell>> {
        match list {
            List::Who => self.who(row),
            List::Contacts => self.contact(row),
            List::Devices => self.device(row, short),
            List::Destinations => self.destination(row),
            List::Flows => self.flow(row),
            List::Findings => self.finding(row),
        }
    }

    fn worst(&self, severity: Option<Severity>) -> Cell {
        match severity {
            Some(severity) => {
                (Theme::shape(severity).to_owned(), self.app.theme.severity(severity))
            }
            None => plain(" "),
        }
    }

    fn bytes(&self, [sent, received]: [u64; 2]) -> [Cell; 2] {
        let theme = &self.app.theme;
        [(bytes(sent), theme.sent()), (bytes(received), theme.received())]
    }

    fn content(&self, contact: &Contact) -> Cell {
        let content = words::content(contact);
        let is_open = content == "clear" && contact.zone == Zone::Internet;
        (content.to_owned(), if is_open { self.app.theme.warn() } else { Style::new() })
    }

    /// What the tap could see: the limits of every claim about the device.
    fn visibility(&self, device: &Device) -> Cell {
        let (text, is_whole) = words::sight(device);
        (text.to_owned(), if is_whole { Style::new() } else { self.app.theme.warn() })
    }

    fn who(&self, row: usize) -> Option<Vec<Cell>> {
        let model = self.model;
        let contact = model.contact(row)?;
        let device = model.device(contact.device_index)?;
        let at = contact.destination_index;
        let to = model.destination(at)?;
        let name = words::destination_short(model, at);
        let (operator, law) = words::operator_and_law(to);
        let operator = match operator {
            Some(operator) => plain(operator),
            None if (self.is_shown)(2) && model.is_fresh(at) => {
                (words::NOT_YET.to_owned(), self.app.theme.dim())
            }
            // Without a column of its own the destination must be told somewhere.
            None if !(self.is_shown)(2) => plain(name.clone()),
            None => ("not established".to_owned(), self.app.theme.dim()),
        };
        let [sent, received] = self.bytes(model.numbers().contacts[row].traffic.delivered_bytes);
        Some(vec![
            self.worst(model.worst(row)),
            plain(words::device(device)),
            arrow(plain(name)),
            arrow(operator),
            plain(law),
            self.seen(5, || arrow(plain(model.told(at, words::networks)))),
            arrow(plain(model.told(at, words::places))),
            sent,
            received,
            self.content(contact),
        ])
    }

    fn contact(&self, row: usize) -> Option<Vec<Cell>> {
        let model = self.model;
        let contact = model.contact(row)?;
        let device = model.device(contact.device_index)?;
        let at = contact.destination_index;
        let now = &model.numbers().contacts[row];
        let [sent, received] = self.bytes(now.traffic.delivered_bytes);
        Some(vec![
            self.worst(model.worst(row)),
            plain(words::device(device)),
            plain(words::destination_short(model, at)),
            sent,
            received,
            self.seen(5, || plain(model.told(at, words::places))),
            self.content(contact),
            self.seen(7, || plain(words::services(contact))),
            self.seen(8, || plain(model.told(at, words::operator))),
            self.seen(9, || plain(words::clock(now.last))),
            plain(now.flows.to_string()),
            plain(fields::party(contact.party)),
        ])
    }

    fn device(&self, row: usize, short: bool) -> Option<Vec<Cell>> {
        let (app, theme) = (self.app, &self.app.theme);
        let device = self.model.device(row)?;
        let now = &self.model.numbers().devices[row];
        let is_fresh = self.model.is_fresh_device(row);
        let (worst, destinations) = self.model.of_device(row);
        let title = match device.role {
            "gateway" => (format!("{} (gateway)", words::device(device)), theme.dim()),
            _ => (words::device(device), theme.strong()),
        };
        let [sent_now, received_now] = app.history.rate(Some(&device.id));
        let [sent, received] = self.bytes(now.internet.delivered_bytes);
        let mut cells = vec![
            self.worst(worst),
            title,
            (words::rate(sent_now), theme.sent()),
            (words::rate(received_now), theme.received()),
            sent,
            received,
            self.seen(6, || (spark(app, &device.id), theme.sent())),
        ];
        if !short {
            let unknown = if is_fresh { words::NOT_YET } else { "maker not known" };
            let maker = device.maker.as_ref().map_or(unknown, |maker| &maker.name);
            cells.extend([plain(destinations.to_string()), plain(maker)]);
        }
        cells.push(match is_fresh {
            true => (words::NOT_YET.to_owned(), theme.dim()),
            false => self.visibility(device),
        });
        cells.push(plain(now.last.map(words::clock).unwrap_or_default()));
        Some(cells)
    }

    fn destination(&self, row: usize) -> Option<Vec<Cell>> {
        let model = self.model;
        let to = model.destination(row)?;
        let (worst, devices) = model.of_destination(row);
        let [sent, received] = self.bytes(model.numbers().destinations[row].delivered_bytes);
        let mut sources: Vec<&str> = to.names.iter().map(|seen| seen.source).collect();
        sources.sort_unstable();
        sources.dedup();
        Some(vec![
            self.worst(worst),
            plain(words::destination_short(model, row)),
            plain(model.told(row, words::operator)),
            self.seen(3, || plain(model.told(row, words::networks))),
            plain(model.told(row, words::places)),
            sent,
            received,
            plain(devices.to_string()),
            plain(if sources.is_empty() { "-".to_owned() } else { sources.join(" ") }),
        ])
    }

    /// Where the remote end of a flow is, with the doubts that its destination's page has.
    fn place(&self, flow: &FlowRecord) -> String {
        let to = flow.destination.as_deref().and_then(|id| self.model.destination_called(id));
        let ends = [flow.src, flow.dst];
        let remote = to.and_then(|to| to.remotes.iter().find(|r| ends.contains(&r.address)));
        match to.zip(remote) {
            Some((to, remote)) => place(remote, is_spread(to)).short(),
            None => String::new(),
        }
    }

    fn flow(&self, row: usize) -> Option<Vec<Cell>> {
        let flow = self.model.update().flows.get(row)?;
        let end = |address: IpAddr, port: Option<u16>| match port {
            Some(port) if address.is_ipv6() => format!("[{address}]:{port}"),
            Some(port) => format!("{address}:{port}"),
            None => address.to_string(),
        };
        let guess = if flow.label.method == "port" { "?" } else { "" };
        let own = flow.sni.as_deref().filter(|_| !flow.sni_outer);
        let named = own.or(flow.names.first().map(|n| n.name.text.as_str()));
        let [sent, received] = self.bytes(flow.delivered_bytes);
        let spelling = self.model.snapshot().spelling();
        let [first, last] = flow.frames;
        Some(vec![
            plain(words::clock(flow.last)),
            plain(end(flow.src, flow.src_port)),
            plain(end(flow.dst, flow.dst_port)),
            plain(named.unwrap_or("-")),
            plain(match &flow.unknown {
                // Not recognised: only what it looks like.
                Some(unknown) => format!("~{}", unknown.class()),
                None => format!("{}{guess}", flow.label.protocol),
            }),
            sent,
            received,
            self.seen(7, || plain(self.place(flow))),
            plain(flow.state.unwrap_or("")),
            plain(flow.rtt_ns.map(span).unwrap_or_default()),
            self.seen(10, || plain(format!("{}-{}", spelling.one(first), spelling.one(last)))),
            self.seen(11, || {
                let device = self.model.device_called(&flow.device);
                plain(device.map_or_else(|| flow.device.clone(), words::device))
            }),
        ])
    }

    fn finding(&self, row: usize) -> Option<Vec<Cell>> {
        let snapshot = self.model.snapshot();
        let finding = snapshot.findings.get(row)?;
        let subject = &finding.subject;
        let device = self.model.device_called(&subject.device);
        let mark = format!("{} {}", Theme::shape(finding.severity), finding.severity.name());
        let frames: u64 = finding.traffic.iter().map(|counted| counted.frames).sum();
        let sent: u64 = finding.traffic.iter().map(|counted| counted.delivered_bytes[0]).sum();
        Some(vec![
            (mark, self.app.theme.severity(finding.severity)),
            plain(finding.title),
            plain(device.map_or_else(|| subject.device.to_string(), words::device)),
            plain(words::subject(self.model, &subject.destination)),
            plain(finding.level.name()),
            plain(frames.to_string()),
            plain(bytes(sent)),
            plain(finding.id),
        ])
    }
}

/// Bytes sent over the whole time, as a row of bars.
fn spark(app: &App, id: &str) -> String {
    let columns = app.history.columns(Some(id), SPARK);
    let most = columns.iter().map(|column| column[0]).max().unwrap_or(0);
    columns.iter().map(|column| bar(column[0], most)).collect()
}

/// A bar of an eighth to eight eighths; nothing only for nothing.
pub fn bar(value: u64, most: u64) -> char {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    if value == 0 || most == 0 {
        return ' ';
    }
    BARS[((value as f64 / most as f64 * 8.0).ceil() as usize).clamp(1, 8) - 1]
}
