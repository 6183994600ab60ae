//! The screens, from a snapshot made by hand.

mod fixture;
mod lists;

use super::Still;
use super::app::{App, VIEWS, View};
use super::feed::Options;
use super::screen;
use crate::attribution::world::{Contact, Fresh, Traffic};
use crate::base::text::is_shown;
use crate::base::time::Timestamp;
use crate::source::frame_reader::Fetched;
use fixture::{MOMENT, options, snapshot, update};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::crossterm::event::{KeyCode, KeyEvent};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use std::sync::Arc;
use unicode_width::UnicodeWidthStr;

/// A screen with the view open and, in the lists, the page of the first row.
fn open(options: Options, view: View, page: bool) -> App {
    let mut app = App::new(options);
    app.take(update(&str::to_owned));
    app.go(view, None);
    if page {
        app.open();
    }
    if let Some(wanted) = app.wanted() {
        let data = b"\0\0\x5e\0\x53\x01GET /relay.exempla.example".to_vec();
        let frame = Fetched { time: MOMENT, wire_length: 60, captured: data.len(), data };
        app.fetched((wanted, Ok(frame)));
    }
    app
}

const SIZES: [&str; 3] = ["80x24", "140x40", "250x50"];

fn screens(app: &App) -> [TestBackend; 3] {
    [(80, 24), (140, 40), (250, 50)].map(|(width, height)| {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| screen::draw(app, frame.area(), frame.buffer_mut())).unwrap();
        terminal.backend().clone()
    })
}

#[test]
fn every_view_and_page() {
    for (_, name, view) in VIEWS {
        for page in [false, true] {
            let app = open(options(), view, page);
            if page && app.page.is_none() {
                continue;
            }
            let page = if page { "-page" } else { "" };
            for (backend, size) in screens(&app).iter().zip(SIZES) {
                insta::assert_snapshot!(format!("{name}{page}-{size}"), backend);
            }
        }
    }
}

/// One letter a cell for how it looks: the colour, in capitals where bold; `~` dim, `#` turned
/// round, `.` plain. Blanks stay.
fn looks(backend: &TestBackend) -> String {
    let look = |cell: &Cell| {
        let letter = match cell.fg {
            Color::Reset => '.',
            Color::LightRed | Color::Red => 'r',
            Color::Yellow => 'y',
            Color::Magenta => 'm',
            Color::Green => 'g',
            Color::Cyan => 'c',
            Color::Blue => 'b',
            Color::DarkGray | Color::Gray => '-',
            other => panic!("{other:?} is none of the colours that are used"),
        };
        match cell.modifier {
            has if has.contains(Modifier::REVERSED) => '#',
            has if has.contains(Modifier::BOLD) => letter.to_ascii_uppercase(),
            has if has.contains(Modifier::DIM) => '~',
            _ if cell.symbol() == " " => ' ',
            _ => letter,
        }
    };
    let buffer = backend.buffer();
    let lines = buffer.content.chunks(buffer.area.width.into());
    lines.map(|line| line.iter().map(look).chain(['\n']).collect::<String>()).collect()
}

#[test]
fn sixteen_colours_on_dark_and_light_ground() {
    for (_, name, view) in VIEWS {
        for (ground, light) in [("dark", false), ("light", true)] {
            let options = Options { colour: true, light, ..options() };
            let [small, _, wide] = screens(&open(options, view, false));
            for (backend, size) in [(&small, SIZES[0]), (&wide, SIZES[2])] {
                insta::assert_snapshot!(format!("{name}-{size}-{ground}"), looks(backend));
            }
        }
    }
}

#[test]
fn ascii_only() {
    let app = open(Options { ascii: true, ..options() }, View::Overview, false);
    let [small, ..] = screens(&app);
    assert!(small.buffer().content.iter().all(|cell| cell.symbol().is_ascii()));
    insta::assert_snapshot!("overview-ascii", small);
}

#[test]
fn monochrome_has_no_colour_and_loses_no_meaning() {
    for (_, name, view) in VIEWS {
        let plain = screens(&open(options(), view, false));
        let coloured = screens(&open(Options { colour: true, ..options() }, view, false));
        for (plain, coloured) in plain.iter().zip(&coloured) {
            let cells = || plain.buffer().content.iter();
            assert!(cells().all(|cell| cell.fg == Color::Reset && cell.bg == Color::Reset));
            let symbols = |backend: &TestBackend| -> Vec<String> {
                backend.buffer().content.iter().map(|cell| cell.symbol().to_owned()).collect()
            };
            assert_eq!(symbols(plain), symbols(coloured), "{name}: told by colour alone");
        }
    }
    let [small, ..] = screens(&open(Options { colour: true, ..options() }, View::Overview, false));
    assert!(small.buffer().content.iter().any(|cell| cell.fg != Color::Reset));
}

/// What must be on every screen, whatever its size.
#[test]
fn drops_and_coverage_are_always_seen() {
    for (_, name, view) in VIEWS {
        for (width, height) in [(60, 14), (80, 24), (250, 60)] {
            let app = open(options(), view, false);
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
            screen::draw(&app, buffer.area, &mut buffer);
            let text = super::export::text(&buffer);
            for part in ["DROPS 5", "INCOMPLETE", "5 packets were lost"] {
                assert!(text.contains(part), "{name} at {width}x{height}: {part}\n{text}");
            }
        }
    }
}

/// A tap that shows half of a device is said on every view.
#[test]
fn what_the_tap_does_not_show_is_always_seen() {
    for (_, name, view) in VIEWS {
        for (both, group_only, missing, says) in [
            (false, true, 0, "BROADCAST ONLY"),
            (false, false, 0, "ONE WAY ONLY"),
            (true, false, 2, "DATA MISSING"),
        ] {
            let mut app = App::new(options());
            let mut next = update(&str::to_owned);
            let mut half = snapshot(&str::to_owned);
            let seen = &mut half.devices[1].visibility;
            (seen.both_directions, seen.group_only) = (both, group_only);
            seen.acknowledged_unseen_flows = missing;
            next.snapshot = half.into();
            app.take(next);
            app.go(view, None);
            let text = shown(&app);
            let line = text.lines().find(|line| line.contains("TAP: ")).unwrap_or_default();
            assert!(line.contains(says) && line.contains("53:02"), "{name}: {text}");
            assert!(!text.contains("all seen both ways"), "{name}");
        }
    }
    assert!(shown(&open(options(), View::Overview, false)).contains("all seen both ways"));
}

/// Texts that move the cursor, hide or reorder what follows, or have no end.
fn hostile(seed: u32) -> impl Fn(&str) -> String {
    const PIECES: &[&str] = &[
        "\u{1b}[2J",
        "\u{1b}]52;c;AAAA\u{7}",
        "\u{9b}31m",
        "\r\n",
        "\u{202e}",
        "\u{2066}",
        "\0",
        "\u{200b}",
        "\u{feff}",
        "\u{85}",
        "\u{e0041}",
        "\u{301}\u{301}\u{301}\u{301}",
        "摄像头",
        "👩‍👩‍👧",
        "עברית",
        "a",
        "exempla",
        ".",
        " ",
        "\\",
        "\u{7f}",
        "\u{fe0f}",
    ];
    move |text| {
        let mut state = seed ^ text.bytes().fold(17u32, |a, b| a.wrapping_mul(31) ^ u32::from(b));
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state >> 16
        };
        let count = if next() % 4 == 0 { 10_000 } else { next() % 40 };
        (0..count).map(|_| PIECES[next() as usize % PIECES.len()]).collect()
    }
}

#[test]
fn hostile_text_commands_nothing() {
    for seed in 0..12 {
        let spell = hostile(seed);
        for ascii in [false, true] {
            let mut app = App::new(Options { ascii, ..options() });
            app.take(update(&spell));
            for (_, name, view) in VIEWS {
                for page in [false, true] {
                    app.go(view, None);
                    if page {
                        app.open();
                    }
                    for (width, height) in [(50, 12), (80, 24), (173, 50)] {
                        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
                        screen::draw(&app, buffer.area, &mut buffer);
                        for cell in &buffer.content {
                            let symbol = cell.symbol();
                            let fine = symbol.chars().all(is_shown)
                                && symbol.width() <= 2
                                && symbol.chars().count() <= 8;
                            assert!(fine, "{name}, seed {seed}: {symbol:?}");
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn any_size_and_any_key_does_no_harm() {
    let mut still = Still::new(options());
    still.take(update(&str::to_owned));
    let keys = "123456789?fsev:high\n/relay\nnNsrF jkgG\n\u{1b}\u{1b}clm\u{1b}+-=qa\u{1b}pidle\n";
    for (at, key) in keys.chars().enumerate() {
        still.press(&key.to_string());
        let (width, height) = (at as u16 * 7 % 130, at as u16 * 5 % 41);
        still.draw(&mut Buffer::empty(Rect::new(0, 0, width, height)));
    }
}

fn shown(app: &App) -> String {
    let mut buffer = Buffer::empty(Rect::new(0, 0, 140, 40));
    screen::draw(app, buffer.area, &mut buffer);
    super::export::text(&buffer)
}

fn press(app: &mut App, keys: &str) {
    for key in keys.chars() {
        let code = if key == '\n' { KeyCode::Enter } else { KeyCode::Char(key) };
        super::keys::press(app, KeyEvent::from(code));
    }
}

#[test]
fn filter_search_and_sort() {
    let mut app = open(options(), View::Contacts, false);
    press(&mut app, "fdest:far out>1k\n");
    let text = shown(&app);
    assert!(text.contains("far.example") && !text.contains("cdn.example"), "{text}");
    assert!(text.contains("FILTER dest:far out>1k"));
    app.escape();
    assert!(shown(&app).contains("cdn.example"));
    press(&mut app, "fweight>1\n");
    assert!(shown(&app).contains("\"weight\" is no number"));
    super::keys::press(&mut app, KeyEvent::from(KeyCode::Esc));
    press(&mut app, "/cdn\n");
    let row = shown(&app).lines().find(|line| line.starts_with('›')).unwrap().to_owned();
    assert!(row.contains("cdn.example"), "{row}");
    press(&mut app, "ssss");
    let row = shown(&app).lines().find(|line| line.starts_with('›')).unwrap().to_owned();
    assert!(row.contains("cdn.example"), "the row stays selected when the order changes: {row}");
    assert!(shown(&app).contains("DESTINATION▼"));
}

#[test]
fn a_frozen_screen_stands_still_and_shows_the_newest_after_it() {
    let mut app = open(options(), View::Overview, false);
    press(&mut app, " ");
    let mut next = update(&str::to_owned);
    let mut status = (*next.status).clone();
    status.packets = 9_999;
    next.status = status.into();
    app.take(next);
    assert!(shown(&app).contains("FROZEN") && !shown(&app).contains("9 999"));
    press(&mut app, " ");
    assert!(!shown(&app).contains("FROZEN") && shown(&app).contains("9 999"));
}

/// A recording that begins on a silent interface: the first update has no time.
#[test]
fn time_begins_with_the_recording() {
    let mut app = App::new(options());
    let mut next = update(&str::to_owned);
    for now in [Timestamp::default(), MOMENT, Timestamp(MOMENT.0 + 5_000_000_000)] {
        let mut silent = snapshot(&str::to_owned);
        silent.inputs[0].first = None;
        next.snapshot = silent.into();
        let mut status = (*next.status).clone();
        status.now = now;
        next.status = status.into();
        app.take(next.clone());
    }
    assert_eq!((app.history.start, app.history.now.since(MOMENT)), (MOMENT, 5_000_000_000));
}

#[test]
fn how_the_run_goes_is_new_also_where_the_snapshot_is_not() {
    let mut app = open(options(), View::Contacts, false);
    press(&mut app, "jj");
    let before = shown(&app);
    let Some(model) = &app.model else { panic!("no model") };
    let mut next = model.update().clone();
    let mut status = (*next.status).clone();
    (status.packets, status.drops) = (9_999, [0, 0, 77]);
    next.status = status.into();
    app.take(next);
    let after = shown(&app);
    assert!(after.contains("9 999") && after.contains("own 77"), "{after}");
    let rows = |text: &str| text.lines().skip(4).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(rows(&before), rows(&after));
}

#[test]
fn filters_for_wireshark_hold_no_text_from_packets() {
    let spell = hostile(3);
    let mut app = App::new(options());
    app.take(update(&spell));
    for view in [View::Overview, View::Devices, View::Destinations, View::Contacts, View::Findings]
    {
        app.go(view, None);
        let filter = app.wireshark().expect("a row is selected");
        let plain = |c: char| c.is_ascii_alphanumeric() || " .:=&|!()".contains(c);
        assert!(filter.chars().all(plain), "{filter}");
    }
}

#[test]
fn no_arc_where_the_place_is_in_doubt() {
    let app = open(options(), View::Map, false);
    let text = shown(&app);
    assert!(text.contains("JP Japan") && text.contains("●JP"), "{text}");
    for country in ["●BR", "●UY", "●US", "●AU"] {
        assert!(!text.contains(country), "{country}");
    }
    assert_eq!(snapshot(&str::to_owned).destinations.len(), 5);
    for what in ["databases disagree", "many places", "round trip excludes", "no country known"] {
        let line = text.lines().find(|line| line.contains(what)).unwrap();
        assert!(line.trim_end().ends_with(" 1"), "{line}");
    }
}

/// What came after the names were looked up stands there at once, and is not said to be anybody's.
#[test]
fn what_came_since_is_not_looked_up_yet() {
    let mut next = update(&str::to_owned);
    let snapshot = next.snapshot.clone();
    let mut numbers = (*next.numbers).clone();
    let [devices, destinations, contacts] =
        [snapshot.devices.len(), snapshot.destinations.len(), snapshot.contacts.len()];
    let mut device = snapshot.devices[1].clone();
    device.id = "mac:00:00:5e:00:53:77".into();
    (device.maker, device.identities) = (None, Vec::new());
    let mut to = snapshot.destinations[0].clone();
    to.id = "new.example".into();
    (to.claims, to.names) = (Vec::new(), Vec::new());
    to.remotes.iter_mut().for_each(|remote| remote.countries.clear());
    let contact = Contact {
        device: device.id.clone(),
        destination: to.id.clone(),
        services: Arc::new([]),
        device_index: devices,
        destination_index: destinations,
        ..snapshot.contacts[0].clone()
    };
    numbers.fresh = Arc::new(Fresh {
        devices: vec![Arc::new(device)],
        destinations: vec![Arc::new(to)],
        contacts: vec![Arc::new(contact)],
        more: 1234,
    });
    numbers.devices.grow(devices + 1);
    numbers.destinations.grow(destinations + 1);
    numbers.contacts.grow(contacts + 1);
    let now = Traffic { packets: [1, 1], wire_bytes: [777_000; 2], delivered_bytes: [776_000, 5] };
    numbers.devices.get_mut(devices).unwrap().internet = now;
    *numbers.destinations.get_mut(destinations).unwrap() = now;
    numbers.contacts.get_mut(contacts).unwrap().traffic = now;
    // And of what was there, more by now.
    numbers.contacts.get_mut(1).unwrap().traffic.delivered_bytes[0] = 555_000_000;
    numbers.now = Timestamp(numbers.looked.0 + 7_300_000_000);
    next.numbers = Arc::new(numbers);
    for (view, of_new) in [
        (View::Overview, &["00:00:5e:00:53:77", "776 kB"][..]),
        (View::Devices, &["00:00:5e:00:53:77", "776 kB", "not looked up yet"]),
        (View::Destinations, &["new.example", "776 kB", "not looked up yet"]),
        (View::Contacts, &["00:00:5e:00:53:77", "new.example", "776 kB", "not looked up yet"]),
    ] {
        let mut app = App::new(options());
        app.take(update(&str::to_owned));
        app.take(next.clone());
        app.go(view, None);
        let mut buffer = Buffer::empty(Rect::new(0, 0, 250, 50));
        screen::draw(&app, buffer.area, &mut buffer);
        let text = super::export::text(&buffer);
        let new = text.lines().find(|line| line.contains("776 kB")).unwrap_or_default();
        assert!(of_new.iter().all(|part| new.contains(part)), "{view:?}: {text}");
        // Beside it on the overview stand others.
        let is_alone = view != View::Overview;
        assert!(!is_alone || !new.contains("not established"), "{text}");
        assert!(!new.contains("maker not known"), "{text}");
        assert!(text.contains("findings 7.0 s old"), "{text}");
        assert!(text.contains("1 234 more contacts not looked up yet"), "{text}");
        assert!(!text.contains("all seen both ways"), "{text}");
        if view == View::Contacts {
            assert!(text.contains("555 MB"), "{text}");
        }
        // What makes the rest older or smaller than it looks is not left out where there is room for it.
        for (width, parts) in [
            (110, &["findings 7.0 s old"][..]),
            (160, &["findings 7.0 s old", "1 234 more contacts not looked up yet"]),
        ] {
            let mut buffer = Buffer::empty(Rect::new(0, 0, width, 24));
            screen::draw(&app, buffer.area, &mut buffer);
            let text = super::export::text(&buffer);
            assert!(parts.iter().all(|part| text.contains(part)), "{text}");
        }
    }
}
