//! The terminal: taken over and given back, whatever happens in between.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{cursor, execute};
use std::io::{self, BufWriter, Stdout, Write, stdout};
use std::panic;
use std::sync::{Arc, Mutex};
use std::thread;

/// Messages of other threads that are kept while they cannot be shown.
const MESSAGES_MAX: usize = 8;
/// Bytes that terminals take as a clipboard; longer ones they drop in silence.
const CLIPBOARD_MAX: usize = 50_000;

/// See the module.
pub struct Screen {
    /// To draw on.
    pub terminal: Terminal<CrosstermBackend<BufWriter<Stdout>>>,
    messages: Arc<Mutex<Vec<String>>>,
}

impl Screen {
    /// Takes the terminal over. A panic of this thread gives it back before it is told; that of
    /// another thread, which may be caught there, is told when the screen is gone.
    pub fn open() -> io::Result<Screen> {
        enable_raw_mode()?;
        let opened = || -> io::Result<_> {
            execute!(stdout(), EnterAlternateScreen, cursor::Hide)?;
            Terminal::new(CrosstermBackend::new(BufWriter::with_capacity(1 << 16, stdout())))
        };
        let terminal = opened().inspect_err(|_| give_back())?;
        let messages = Arc::new(Mutex::new(Vec::new()));
        let kept = messages.clone();
        let own = thread::current().id();
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |about| {
            if thread::current().id() == own {
                give_back();
                before(about);
            } else if let Ok(mut kept) = kept.lock()
                && kept.len() < MESSAGES_MAX
            {
                kept.push(about.to_string());
            }
        }));
        Ok(Screen { terminal, messages })
    }

    /// Puts a text, which we made, into the clipboard of the terminal (OSC 52); whether it fits.
    pub fn copy(text: &str) -> io::Result<bool> {
        if text.len() > CLIPBOARD_MAX {
            return Ok(false);
        }
        let mut out = stdout();
        write!(out, "\x1b]52;c;{}\x07", STANDARD.encode(text))?;
        out.flush()?;
        Ok(true)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if !thread::panicking() {
            give_back();
            // The hook of before is inside ours; the default one does what it did.
            drop(panic::take_hook());
        }
        for message in self.messages.lock().iter().flat_map(|messages| messages.iter()) {
            eprintln!("phonehome: {}", crate::base::text::safe(message.as_bytes()));
        }
    }
}

fn give_back() {
    let _ = execute!(stdout(), LeaveAlternateScreen, cursor::Show);
    let _ = disable_raw_mode();
}
