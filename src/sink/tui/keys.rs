//! Keys to what they do. The help page is made from the same table.

use super::app::{App, Asking, VIEWS, View, Wish};
use super::feed::{Command, State};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

/// Keys and what they do, for the help page.
pub const HELP: [(&str, &str); 21] = [
    ("1 to 9, Tab", "views; Shift-Tab goes the other way"),
    ("up down j k", "select a row, or scroll a page; PgUp PgDn Home End"),
    ("Enter", "open the page of the selected row; Esc goes back"),
    ("left right", "on a finding: the frames that decide it, one after the other"),
    ("x", "on a finding: show a secret in the bytes, or hide it again"),
    ("f", "filter: only rows for which all of it holds; Esc takes it away"),
    ("/ n N", "search in this list; next, the one before"),
    ("s r", "sort by the next heading; turn the order round"),
    ("Space", "freeze the screen; recording and counting go on"),
    ("F", "follow: the newest stays selected"),
    ("c", "copy a Wireshark display filter for what is selected"),
    ("e", "export this view to a text file in the working directory"),
    ("m", "mark this moment with a note"),
    ("p", "say which phase of the experiment begins"),
    ("l", "label: give the selected device a name"),
    ("a", "answer a question of the running plan"),
    ("+ - =", "replay faster, slower; as fast as possible"),
    ("Ctrl-L", "draw the screen anew"),
    ("?", "this help"),
    ("q", "quit"),
    ("Ctrl-C", "quit"),
];

/// Rows that PgUp and PgDn move by.
const PAGE: i64 = 15;

/// What a key does.
pub fn press(app: &mut App, key: KeyEvent) -> Option<Wish> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    if control {
        return match key.code {
            KeyCode::Char('c' | 'd') => quit(app),
            KeyCode::Char('l') => Some(Wish::Redraw),
            KeyCode::Char('u') => {
                if let Some((_, text)) = &mut app.prompt {
                    text.clear();
                }
                None
            }
            _ => None,
        };
    }
    app.message = None;
    if app.prompt.is_some() {
        return prompt(app, key.code);
    }
    match key.code {
        KeyCode::Char('q') => return quit(app),
        KeyCode::Char('?') | KeyCode::F(1) => app.go(View::Help, None),
        KeyCode::Char(digit @ '1'..='9') => {
            if let Some((_, _, view)) = VIEWS.iter().find(|(key, ..)| *key == digit) {
                app.go(*view, None);
            }
        }
        KeyCode::Tab => next(app, 1),
        KeyCode::BackTab => next(app, VIEWS.len() - 1),
        KeyCode::Up | KeyCode::Char('k') => app.step(-1),
        KeyCode::Down | KeyCode::Char('j') => app.step(1),
        KeyCode::PageUp => app.step(-PAGE),
        KeyCode::PageDown => app.step(PAGE),
        KeyCode::Home | KeyCode::Char('g') => {
            app.step(i64::from(i32::MIN));
        }
        KeyCode::End | KeyCode::Char('G') => app.step(i64::from(i32::MAX)),
        KeyCode::Left => app.turn(-1),
        KeyCode::Right => app.turn(1),
        KeyCode::Enter => app.open(),
        KeyCode::Esc | KeyCode::Backspace => app.escape(),
        KeyCode::Char('x') => app.reveal = !app.reveal,
        KeyCode::Char('f') => app.ask(Asking::Filter),
        KeyCode::Char('/') => app.ask(Asking::Search),
        KeyCode::Char('n') => app.find(1, false),
        KeyCode::Char('N') => app.find(-1, false),
        KeyCode::Char('s') => app.sort(false),
        KeyCode::Char('r') => app.sort(true),
        KeyCode::Char(' ') => app.freeze(),
        KeyCode::Char('F') => app.set_follow(),
        KeyCode::Char('e') => return Some(Wish::Export),
        KeyCode::Char('c') => match app.wireshark() {
            Ok(filter) => return Some(Wish::Copy(filter)),
            Err(because) => app.message = Some(because),
        },
        KeyCode::Char('m') => app.ask(Asking::Mark),
        KeyCode::Char('p') => app.ask(Asking::Phase),
        KeyCode::Char('a') => app.ask(Asking::Answer),
        KeyCode::Char('l') => match app.device() {
            Some(_) => app.ask(Asking::Label),
            None => app.message = Some("select a device first (view 3)".to_owned()),
        },
        KeyCode::Char(sign @ ('+' | '-' | '=')) => return speed(app, sign),
        _ => {}
    }
    None
}

fn prompt(app: &mut App, code: KeyCode) -> Option<Wish> {
    match code {
        KeyCode::Enter => return app.entered(),
        KeyCode::Esc => app.prompt = None,
        KeyCode::Backspace => {
            if let Some((_, text)) = &mut app.prompt {
                text.pop();
            }
        }
        KeyCode::Char(character) => {
            app.typed(character);
            // A yes needs no Enter.
            if matches!(app.prompt, Some((Asking::Quit, _))) {
                return app.entered();
            }
        }
        _ => {}
    }
    None
}

fn quit(app: &mut App) -> Option<Wish> {
    let is_asked = matches!(app.prompt, Some((Asking::Quit, _)));
    if app.state() == Some(State::Recording) && !is_asked {
        app.ask(Asking::Quit);
        return None;
    }
    Some(Wish::Quit)
}

fn next(app: &mut App, by: usize) {
    let at = VIEWS.iter().position(|(.., view)| *view == app.view).unwrap_or(0);
    app.go(VIEWS[(at + by) % VIEWS.len()].2, None);
}

fn speed(app: &mut App, sign: char) -> Option<Wish> {
    let Some(State::Replaying { speed, .. }) = app.state() else {
        app.message = Some("only a replay has a speed".to_owned());
        return None;
    };
    let faster = if speed.is_finite() { speed * 2.0 } else { speed };
    let slower = if speed.is_finite() { (speed / 2.0).max(0.125) } else { 64.0 };
    Some(Wish::Send(Command::Speed(match sign {
        '+' => faster,
        '-' => slower,
        _ => f64::INFINITY,
    })))
}
