//! The dashboard. It is told snapshots and shows them; it never touches packets or the engine.
//! It wakes for what is new and for keys, draws at most thirty times a second, and not at all
//! while nothing changes.

mod app;
mod doc;
mod export;
mod feed;
mod fields;
mod filter;
mod hex;
mod history;
mod keys;
mod model;
mod ranks;
mod rows;
mod screen;
mod sieve;
mod table;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod theme;
mod view;
mod wireshark;
mod words;

pub use feed::{Command, Options, State, Status, Update};
pub use model::Ready;

use app::{App, Wish};
use crossbeam_channel::{Receiver, Sender, bounded, never, select};
use filter::Filter;
use ratatui::buffer::Buffer;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Rect;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use terminal::Screen;

/// Shortest time between two drawings.
const FRAME: Duration = Duration::from_millis(34);
/// How often the thread of keys looks whether it should end.
const KEYS_WAIT: Duration = Duration::from_millis(250);
/// Lines of an exported view.
const EXPORT_LINES_MAX: usize = 2000;
/// Columns of an exported view, at least.
const EXPORT_WIDTH: u16 = 200;

/// The dashboard without a terminal: one picture at a time, for tests and measurements.
pub struct Still(App);

impl Still {
    /// Before the first update.
    #[must_use]
    pub fn new(options: Options) -> Still {
        Still(App::new(options))
    }

    /// Takes what is new.
    pub fn take(&mut self, update: Update) {
        self.0.take(update);
    }

    /// Works out what a picture needs of an update, as is done beside the screen.
    #[must_use]
    pub fn ready(&self, update: Update, before: Option<&Ready>) -> Ready {
        let filter = self.0.wanted_filter.lock().unwrap_or_else(PoisonError::into_inner);
        Ready::of(update, before, &filter)
    }

    /// Takes what is new, where what a picture needs of it is worked out already.
    pub fn take_ready(&mut self, ready: Ready) {
        self.0.take_ready(ready);
    }

    /// Presses keys, one a character; nothing is sent, copied or written.
    pub fn press(&mut self, keys: &str) {
        for key in keys.chars() {
            let code = match key {
                '\n' => KeyCode::Enter,
                '\u{1b}' => KeyCode::Esc,
                key => KeyCode::Char(key),
            };
            keys::press(&mut self.0, KeyEvent::new(code, KeyModifiers::NONE));
        }
    }

    /// Draws it.
    pub fn draw(&self, buffer: &mut Buffer) {
        buffer.reset();
        screen::draw(&self.0, buffer.area, buffer);
    }
}

/// Shows the dashboard until the operator leaves it.
///
/// # Errors
/// When the terminal cannot be used.
pub fn run(
    updates: Receiver<Update>,
    commands: Sender<Command>,
    options: Options,
) -> io::Result<()> {
    let mut screen = Screen::open()?;
    let ended = Arc::new(AtomicBool::new(false));
    let keys = listen(ended.clone());
    let (ask, frames) = hex::start(options.paths.clone());
    let mut app = App::new(options);
    let updates = prepare(updates, app.wanted_filter.clone());
    let result = watch(&mut screen, &mut app, updates, &commands, &keys, (&ask, &frames));
    ended.store(true, Ordering::Relaxed);
    let _ = commands.send(Command::Quit);
    result
}

type Frames<'a> = (&'a Sender<hex::Wanted>, &'a Receiver<hex::Answer>);

fn watch(
    screen: &mut Screen,
    app: &mut App,
    updates: Receiver<Ready>,
    commands: &Sender<Command>,
    keys: &Receiver<io::Result<Event>>,
    (ask, frames): Frames<'_>,
) -> io::Result<()> {
    let mut asked = None;
    let mut drawn = None::<Instant>;
    let mut is_stale = true;
    loop {
        let wanted = app.wanted();
        if wanted != asked {
            asked = wanted;
            wanted.map(|wanted| ask.send(wanted));
        }
        let due = drawn.map_or(Duration::ZERO, |drawn| FRAME.saturating_sub(drawn.elapsed()));
        if is_stale && due.is_zero() {
            draw(screen, app)?;
            drawn = Some(Instant::now());
            is_stale = false;
        }
        let wait = if is_stale { crossbeam_channel::after(due) } else { never() };
        let mut wish = None;
        select! {
            recv(updates) -> update => match update {
                // Each counts for the history; only the last is drawn.
                Ok(ready) => {
                    app.take_ready(ready);
                    is_stale = true;
                }
                // Whoever told it has ended, and has nothing more to say.
                Err(_) => return Ok(()),
            },
            recv(keys) -> event => match event {
                Ok(Ok(Event::Key(key))) => {
                    wish = keys::press(app, key);
                    is_stale = true;
                }
                Ok(Ok(_)) => is_stale = true,
                Ok(Err(error)) => return Err(error),
                // Without a keyboard nobody could leave.
                Err(_) => return Ok(()),
            },
            recv(frames) -> answer => if let Ok(answer) = answer {
                app.fetched(answer);
                is_stale = true;
            },
            recv(wait) -> _ => {}
        }
        match wish {
            None => {}
            Some(Wish::Quit) => return Ok(()),
            Some(Wish::Redraw) => screen.terminal.clear()?,
            Some(Wish::Export) => app.message = Some(export(app)),
            Some(Wish::Copy(filter)) => {
                let said = if Screen::copy(&filter)? { "copied" } else { "too long to copy" };
                app.message = Some(format!("{said}: {filter}"));
            }
            Some(Wish::Send(command)) => {
                app.message = Some(told(&command));
                // One that nobody takes any more changes nothing.
                let _ = commands.send(command);
            }
        }
    }
}

fn told(command: &Command) -> String {
    match command {
        Command::Mark(text) => format!("marked: {text}"),
        Command::Phase(phase) => format!("phase {phase} begins"),
        Command::Label { label, .. } if label.is_empty() => "name taken away".to_owned(),
        Command::Label { label, .. } => format!("called {label} from now on"),
        Command::Speed(speed) if speed.is_finite() => format!("speed x{speed}"),
        Command::Speed(_) => "as fast as possible".to_owned(),
        Command::Answer(text) => format!("answered: {text}"),
        Command::Quit => String::new(),
    }
}

fn draw(screen: &mut Screen, app: &mut App) -> io::Result<()> {
    let size = screen.terminal.size()?;
    if let Some(page) = screen::page(app, size.width) {
        let height = screen::body_height(app, size.height);
        app.scroll = app.scroll.min(page.last_scroll(height.into()));
    }
    screen.terminal.draw(|frame| {
        let area = frame.area();
        screen::draw(app, area, frame.buffer_mut());
    })?;
    Ok(())
}

/// What a picture needs of a new snapshot is worked out beside the screen, so that keys do not wait for it.
fn prepare(updates: Receiver<Update>, filter: Arc<Mutex<Filter>>) -> Receiver<Ready> {
    let (tell, told) = bounded(1);
    thread::spawn(move || {
        let mut before: Option<Ready> = None;
        for update in updates {
            let filter = filter.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let ready = Ready::of(update, before.as_ref(), &filter);
            if tell.send(ready.clone()).is_err() {
                return;
            }
            before = Some(ready);
        }
    });
    told
}

/// Keys come on a thread of their own, since reading them waits.
fn listen(ended: Arc<AtomicBool>) -> Receiver<io::Result<Event>> {
    let (tell, told) = bounded(64);
    thread::spawn(move || {
        while !ended.load(Ordering::Relaxed) {
            let event = match event::poll(KEYS_WAIT) {
                Ok(false) => continue,
                Ok(true) => event::read(),
                Err(error) => Err(error),
            };
            let failed = event.is_err();
            if tell.send(event).is_err() || failed {
                return;
            }
        }
    });
    told
}

/// Writes the whole view, also what does not fit on the screen; says where.
fn export(app: &App) -> String {
    let rows = app.list().map_or(0, |list| app.chosen(list).order.len());
    let width = EXPORT_WIDTH;
    let lines = screen::page(app, width).map_or(rows, |page| page.lines.len());
    let height = (lines + 12).clamp(40, EXPORT_LINES_MAX) as u16;
    let mut whole = Buffer::empty(Rect::new(0, 0, width, height));
    screen::draw(app, whole.area, &mut whole);
    let name = app::VIEWS.iter().find(|(.., view)| *view == app.view).map_or("view", |(_, n, _)| n);
    match export::write(&app.options.folder, name, app.now(), &whole) {
        Ok(path) => {
            let path = crate::base::text::safe(path.as_os_str().as_encoded_bytes());
            let more = (lines + 12).saturating_sub(EXPORT_LINES_MAX);
            let more = if more > 0 { format!(" ({more} lines left out)") } else { String::new() };
            format!("written: {path}{more}")
        }
        Err(error) => format!("not written: {error}"),
    }
}
