//! Tables: columns by what fits, the least needed left out first; only the rows that are seen are
//! made, so that a long table costs no more than a short one.

use super::text::{fit, fit_middle, fit_right};
use super::theme::Theme;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// A column of a table.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// Heading.
    pub title: &'static str,
    /// Least columns of the screen.
    pub min: u16,
    /// Share of what is left over.
    pub grow: u16,
    /// Set to the right.
    pub right: bool,
    /// Cut in the middle.
    pub middle: bool,
    /// Left out the sooner, the higher this is.
    pub rank: u8,
}

/// Text column.
pub const fn text(title: &'static str, min: u16, grow: u16, rank: u8) -> Column {
    Column { title, min, grow, right: false, middle: false, rank }
}

/// Column of names and addresses.
pub const fn name(title: &'static str, min: u16, grow: u16, rank: u8) -> Column {
    Column { title, min, grow, right: false, middle: true, rank }
}

/// Number column.
pub const fn number(title: &'static str, min: u16, rank: u8) -> Column {
    Column { title, min, grow: 0, right: true, middle: false, rank }
}

/// What stands in a column of a row.
pub type Cell = (String, Style);

/// Makes the cells of a row; it is told which columns are seen.
pub type RowMaker<'a> = dyn Fn(usize, &dyn Fn(usize) -> bool) -> Vec<Cell> + 'a;

/// A table to draw.
pub struct Table<'a> {
    /// Columns, also those that will not fit.
    pub columns: &'a [Column],
    /// Number of rows.
    pub rows: usize,
    /// The row that keys act on.
    pub selected: Option<usize>,
    /// Heading of the column by which it is sorted, and whether that is turned round.
    pub sorted: (&'a str, bool),
    /// One cell a column; a cell of a column left out need not be made, so its index is told.
    pub row: &'a RowMaker<'a>,
    /// What to say where there is no row.
    pub empty: &'a str,
}

impl Table<'_> {
    /// Draws it with its heading.
    pub fn draw(&self, area: Rect, buffer: &mut Buffer, theme: &Theme) {
        if area.height == 0 || area.width < 4 {
            return;
        }
        let widths = widths(self.columns, area.width.saturating_sub(2));
        let mut x = area.x + 2;
        for (column, &width) in self.columns.iter().zip(&widths) {
            if width == 0 {
                continue;
            }
            let mut title = column.title.to_owned();
            if !title.is_empty() && title.eq_ignore_ascii_case(self.sorted.0) {
                title.push(if self.sorted.1 { '↑' } else { '▼' });
            }
            let title = place(&title, width, column);
            buffer.set_stringn(x, area.y, title, width.into(), theme.head());
            x += width + 1;
        }
        let height = usize::from(area.height - 1);
        if self.rows == 0 {
            let width = usize::from(area.width.saturating_sub(2));
            for (line, part) in super::doc::wrap(self.empty, width).iter().take(height).enumerate()
            {
                buffer.set_stringn(area.x + 2, area.y + 1 + line as u16, part, width, theme.dim());
            }
            return;
        }
        let first = first_row(self.selected.unwrap_or(0), height, self.rows);
        for (line, index) in (first..self.rows.min(first + height)).enumerate() {
            let y = area.y + 1 + line as u16;
            let is_selected = self.selected == Some(index);
            let cells = (self.row)(index, &|column| widths[column] > 0);
            let mut x = area.x + 2;
            for ((column, &width), (text, style)) in self.columns.iter().zip(&widths).zip(&cells) {
                if width == 0 {
                    continue;
                }
                let text = place(text, width, column);
                buffer.set_stringn(x, y, text, width.into(), *style);
                x += width + 1;
            }
            if is_selected {
                buffer.set_stringn(area.x, y, "›", 1, theme.strong());
                buffer.set_style(Rect { y, height: 1, ..area }, theme.selected());
            }
        }
    }
}

fn place(text: &str, width: u16, column: &Column) -> String {
    match (column.right, column.middle) {
        (true, _) => fit_right(text, width.into()),
        (false, true) => fit_middle(text, width.into()),
        (false, false) => fit(text, width.into()),
    }
}

/// The first row shown, so that the selected one is about in the middle.
pub fn first_row(selected: usize, height: usize, rows: usize) -> usize {
    selected.saturating_sub(height / 2).min(rows.saturating_sub(height))
}

/// Widths of the columns, 0 for those left out.
fn widths(columns: &[Column], room: u16) -> Vec<u16> {
    let mut used: Vec<bool> = vec![true; columns.len()];
    let need = |used: &[bool]| {
        let taken = columns.iter().zip(used).filter(|(_, used)| **used);
        taken.map(|(column, _)| u32::from(column.min) + 1).sum::<u32>().saturating_sub(1)
    };
    while need(&used) > u32::from(room) {
        let shown = (0..columns.len()).filter(|&index| used[index] && columns[index].rank > 0);
        match shown.max_by_key(|&index| columns[index].rank) {
            Some(index) => used[index] = false,
            None => break,
        }
    }
    let mut left = u32::from(room).saturating_sub(need(&used));
    let shares =
        columns.iter().zip(&used).filter(|(_, used)| **used).map(|(c, _)| u32::from(c.grow));
    let mut shares: u32 = shares.sum();
    let mut widths = Vec::with_capacity(columns.len());
    for (column, used) in columns.iter().zip(used) {
        let grow = u32::from(column.grow);
        let more = if used && shares > 0 { left * grow / shares } else { 0 };
        if used {
            shares -= grow;
            left -= more;
        }
        widths.push(if used { column.min + more as u16 } else { 0 });
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_fit_and_the_least_needed_go_first() {
        let columns = [text("A", 10, 1, 0), number("B", 8, 1), text("C", 20, 1, 2)];
        assert_eq!(widths(&columns, 80), [30, 8, 40]);
        assert_eq!(widths(&columns, 30), [21, 8, 0]);
        assert_eq!(widths(&columns, 12), [12, 0, 0]);
    }

    #[test]
    fn the_selected_row_is_seen() {
        for (selected, first) in [(0, 0), (5, 0), (50, 45), (99, 90)] {
            assert_eq!(first_row(selected, 10, 100), first);
        }
        assert_eq!(first_row(3, 10, 4), 0);
    }
}
