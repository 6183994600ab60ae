//! Pages of text: headings, paragraphs, lines; broken at spaces, scrolled as a whole.

use super::text::{cut, shown};
use super::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// Lines of a page; what is beyond is counted and told.
const LINES_MAX: usize = 4000;
/// Characters of one paragraph; longer names are cut and said to be.
const PARAGRAPH_MAX: usize = 20_000;

/// See the module.
pub struct Doc {
    /// Lines of pieces.
    pub lines: Vec<Vec<(String, Style)>>,
    width: usize,
    theme: Theme,
    left_out: usize,
}

impl Doc {
    /// An empty page.
    pub fn new(width: u16, theme: Theme) -> Doc {
        Doc { lines: Vec::new(), width: width.max(20).into(), theme, left_out: 0 }
    }

    fn push(&mut self, line: Vec<(String, Style)>) {
        if self.lines.len() < LINES_MAX { self.lines.push(line) } else { self.left_out += 1 }
    }

    /// A heading after an empty line.
    pub fn title(&mut self, text: &str) {
        if !self.lines.is_empty() {
            self.push(Vec::new());
        }
        let style = self.theme.head();
        self.push(vec![(cut(text, self.width), style)]);
    }

    /// A paragraph.
    pub fn text(&mut self, indent: usize, text: &str) {
        self.styled(indent, text, Style::new());
    }

    /// A paragraph in a style; lines after the first hang two columns.
    pub fn styled(&mut self, indent: usize, text: &str, style: Style) {
        let room = self.width.saturating_sub(indent + 2).max(10);
        for (index, line) in wrap(text, room).into_iter().enumerate() {
            let indent = if index == 0 { indent } else { indent + 2 };
            self.push(vec![(" ".repeat(indent) + &line, style)]);
        }
    }

    /// `name   value`, the value hanging beside the name.
    pub fn field(&mut self, name: &str, value: &str) {
        const NAME: usize = 14;
        let room = self.width.saturating_sub(NAME + 2).max(10);
        for (index, line) in wrap(value, room).into_iter().enumerate() {
            let name = if index == 0 { name } else { "" };
            let name = (super::text::fit(name, NAME) + "  ", self.theme.dim());
            self.push(vec![name, (line, Style::new())]);
        }
    }

    /// One line as it is, cut at the edge.
    pub fn line(&mut self, pieces: Vec<(String, Style)>) {
        self.push(pieces);
    }

    /// Draws from the line `scroll` on; the bottom line tells that there is more.
    pub fn draw(&self, scroll: usize, area: Rect, buffer: &mut Buffer) {
        let height = usize::from(area.height);
        let scroll = scroll.min(self.last_scroll(height));
        for (row, line) in self.lines.iter().skip(scroll).take(height).enumerate() {
            let y = area.y + row as u16;
            let mut x = area.x;
            for (text, style) in line {
                let room = area.right().saturating_sub(x);
                let text = cut(text, room.into());
                let (next, _) = buffer.set_stringn(x, y, text, room.into(), *style);
                x = next;
            }
        }
        let below = self.lines.len().saturating_sub(scroll + height) + self.left_out;
        if below > 0 && area.height > 0 {
            let text = format!(" {below} more lines below (PgDn) ");
            let text = cut(&text, area.width.into());
            let x = area.right() - text.chars().count() as u16;
            buffer.set_stringn(
                x,
                area.bottom() - 1,
                text,
                area.width.into(),
                self.theme.selected(),
            );
        }
    }

    /// The farthest that it makes sense to scroll.
    pub fn last_scroll(&self, height: usize) -> usize {
        self.lines.len().saturating_sub(height)
    }
}

/// Breaks text at spaces; words longer than a line are cut into pieces.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(4);
    let mut lines = Vec::new();
    let (mut line, mut columns) = (String::new(), 0);
    let mut walked = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let wide = super::text::columns(&word[..word.floor_char_boundary_at(width * 8)]);
        if columns > 0 && columns + 1 + wide > width {
            lines.push(std::mem::take(&mut line));
            columns = 0;
        }
        if columns > 0 {
            line.push(' ');
            columns += 1;
        }
        let mut marks = 0;
        for character in word.chars() {
            let (character, wide) = shown(character);
            walked += 1;
            marks = if wide == 0 { marks + 1 } else { 0 };
            if walked > PARAGRAPH_MAX {
                line.push('…');
                lines.push(line);
                return lines;
            }
            if marks > 2 || (wide == 0 && columns == 0) {
                continue;
            }
            if columns + wide > width {
                lines.push(std::mem::take(&mut line));
                columns = 0;
            }
            line.push(character);
            columns += wide;
        }
    }
    lines.push(line);
    lines
}

trait Boundary {
    fn floor_char_boundary_at(&self, index: usize) -> usize;
}

impl Boundary for str {
    /// The last boundary of a character at or before a byte.
    fn floor_char_boundary_at(&self, index: usize) -> usize {
        let mut index = index.min(self.len());
        while !self.is_char_boundary(index) {
            index -= 1;
        }
        index
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_at_spaces_and_loses_nothing() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrap("", 10), [""]);
        assert!(wrap(&"x".repeat(100_000), 80).concat().len() < 21_000);
        assert!(wrap("a\u{1b}[2Jb", 80)[0].starts_with("a?[2J"));
    }
}
