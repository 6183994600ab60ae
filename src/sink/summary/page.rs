//! Lines of at most 80 columns, in colour where asked for.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Columns of a line.
pub const WIDTH: usize = 80;

/// What is written so far.
pub struct Page {
    pub text: String,
    pub colour: bool,
}

impl Page {
    pub fn line(&mut self, text: &str) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
    }

    /// A paragraph, broken at spaces, every line after `indent` spaces.
    pub fn wrap(&mut self, indent: usize, text: &str) {
        self.wrap_hanging(indent, indent, text);
    }

    pub fn wrap_hanging(&mut self, first: usize, indent: usize, text: &str) {
        let mut line = " ".repeat(first);
        let mut empty = true;
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if !empty && line.width() + 1 + word.width() > WIDTH {
                self.line(&line);
                line = " ".repeat(indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
            }
            // A word longer than a line is cut into pieces; nothing of it is left out.
            for character in word.chars() {
                if line.width() + character.width().unwrap_or(0) > WIDTH {
                    self.line(&line);
                    line = " ".repeat(indent);
                }
                line.push(character);
            }
            empty = false;
        }
        self.line(&line);
    }

    pub fn title(&mut self, text: &str) {
        let text = self.paint(text, "1");
        self.text.push('\n');
        self.line(&text);
    }

    pub fn paint(&self, text: &str, code: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// Exactly `width` columns: padded, or cut with `…`.
pub fn fit(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut columns = 0;
    let whole = text.width() <= width;
    let room = if whole { width } else { width - 1 };
    for character in text.chars() {
        let wide = character.width().unwrap_or(0);
        if columns + wide > room {
            break;
        }
        out.push(character);
        columns += wide;
    }
    if !whole {
        out.push('…');
        columns += 1;
    }
    out + &" ".repeat(width - columns)
}
