//! Looks: 16 colours of the terminal's own palette, on dark or light ground, or none; and ASCII
//! for terminals without more. Nothing is told by colour alone.

use super::text::shown;
use crate::finding::Severity;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Theme {
    /// Colours may be used.
    pub colour: bool,
    /// The ground is light.
    pub light: bool,
    /// ASCII only.
    pub ascii: bool,
}

impl Theme {
    fn coloured(&self, dark: Color, light: Color) -> Style {
        match (self.colour, self.light) {
            (false, _) => Style::new(),
            (true, false) => Style::new().fg(dark),
            (true, true) => Style::new().fg(light),
        }
    }

    /// Headings.
    pub fn head(&self) -> Style {
        self.coloured(Color::Cyan, Color::Blue).add_modifier(Modifier::BOLD)
    }

    /// What matters less.
    pub fn dim(&self) -> Style {
        Style::new().add_modifier(Modifier::DIM)
    }

    /// What must not be overlooked.
    pub fn bad(&self) -> Style {
        self.coloured(Color::LightRed, Color::Red).add_modifier(Modifier::BOLD)
    }

    /// What should be noticed.
    pub fn warn(&self) -> Style {
        self.coloured(Color::Yellow, Color::Magenta)
    }

    /// What is as it should be.
    pub fn good(&self) -> Style {
        self.coloured(Color::Green, Color::Green)
    }

    /// Out of the house: sent.
    pub fn sent(&self) -> Style {
        self.coloured(Color::Yellow, Color::Magenta)
    }

    /// Into the house: received.
    pub fn received(&self) -> Style {
        self.coloured(Color::Cyan, Color::Blue)
    }

    /// Bold and nothing else.
    pub fn strong(&self) -> Style {
        Style::new().add_modifier(Modifier::BOLD)
    }

    /// The row that keys act on; it has a mark of its own besides.
    pub fn selected(&self) -> Style {
        Style::new().add_modifier(Modifier::REVERSED)
    }

    /// The shape of a severity.
    pub fn shape(severity: Severity) -> &'static str {
        match severity {
            Severity::High => "▲",
            Severity::Medium => "◆",
            Severity::Low => "●",
            Severity::Info => "○",
        }
    }

    /// Its style.
    pub fn severity(&self, severity: Severity) -> Style {
        match severity {
            Severity::High => self.bad(),
            Severity::Medium => self.coloured(Color::LightRed, Color::Red),
            Severity::Low => self.warn(),
            Severity::Info => self.coloured(Color::Cyan, Color::Blue),
        }
    }

    /// How points are drawn.
    pub fn marker(&self) -> Marker {
        if self.ascii { Marker::Dot } else { Marker::Braille }
    }

    /// The colour of coasts, which must stay in the background.
    pub fn coast(&self) -> Color {
        match (self.colour, self.light) {
            (false, _) => Color::Reset,
            (true, false) => Color::DarkGray,
            (true, true) => Color::Gray,
        }
    }

    /// The colour of what is drawn upon a map.
    pub fn ink(&self) -> Color {
        self.sent().fg.unwrap_or(Color::Reset)
    }

    /// The last look at a screen before it goes to the terminal: whatever view drew it, no cell
    /// holds a command, and none what the terminal cannot show.
    pub fn last_look(&self, buffer: &mut Buffer) {
        for cell in &mut buffer.content {
            let symbol = cell.symbol();
            let plain = symbol.len() == 1 && matches!(symbol.as_bytes()[0], b' '..=b'~');
            if plain || symbol.is_empty() {
                continue;
            }
            if self.ascii {
                cell.set_symbol(ascii(symbol));
            } else if symbol.chars().any(|character| shown(character).0 != character) {
                cell.set_symbol("?");
            }
        }
    }
}

/// What stands for a symbol where only ASCII is shown.
fn ascii(symbol: &str) -> &'static str {
    match symbol.chars().next().unwrap_or(' ') {
        '▲' => "!",
        '◆' => "*",
        '●' => "-",
        '○' | '·' | '•' => ".",
        '→' | '›' | '▸' => ">",
        '←' | '‹' => "<",
        '▼' | '↓' => "v",
        '↑' => "^",
        '…' => "~",
        '—' | '–' | '─' | '━' => "-",
        '│' | '┃' => "|",
        '┌' | '┐' | '└' | '┘' | '├' | '┤' | '┬' | '┴' | '┼' => "+",
        'µ' => "u",
        '×' => "x",
        '≥' => ">",
        '█' | '▓' | '▇' | '▆' => "#",
        '▅' | '▄' => "=",
        '▃' | '▂' => "-",
        '▁' => "_",
        '\u{2801}'..='\u{28ff}' => ".",
        '\u{2800}' => " ",
        ' ' => " ",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ratatui::layout::Rect;

    #[test]
    fn the_last_look_leaves_nothing_that_commands() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 5, 1));
        for (cell, symbol) in buffer.content.iter_mut().zip(["\u{1b}", "\u{202e}", "é", "a", "▲"])
        {
            cell.set_symbol(symbol);
        }
        let theme = Theme { colour: false, light: false, ascii: false };
        theme.last_look(&mut buffer);
        let symbols =
            |b: &Buffer| b.content.iter().map(|c| c.symbol().to_owned()).collect::<String>();
        assert_eq!(symbols(&buffer), "??éa▲");
        Theme { ascii: true, ..theme }.last_look(&mut buffer);
        assert_eq!(symbols(&buffer), "???a!");
    }

    #[test]
    fn severities_differ_in_shape_also_in_ascii() {
        let all = [Severity::High, Severity::Medium, Severity::Low, Severity::Info];
        let shapes: std::collections::BTreeSet<&str> =
            all.iter().map(|&s| ascii(Theme::shape(s))).collect();
        assert_eq!(shapes.len(), 4);
        assert!(!shapes.contains("?"));
    }
}
