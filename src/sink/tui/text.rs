//! The one way of text to the screen: no control, invisible or direction-changing character, and
//! cut to columns. Text of a snapshot is escaped already; this holds whatever comes.

use crate::base::text::is_shown;
use unicode_width::UnicodeWidthChar;

/// Most marks kept above or below one character: more only hide the lines around them.
const MARKS_MAX: usize = 2;

/// At most `width` columns of `text`, the end replaced by `…` where it was cut. Its cost depends
/// on `width` and not on the length of the text.
pub fn cut(text: &str, width: usize) -> String {
    take(text, width).0
}

/// Exactly `width` columns: padded or cut.
pub fn fit(text: &str, width: usize) -> String {
    let (mut out, columns) = take(text, width);
    out.extend(std::iter::repeat_n(' ', width - columns));
    out
}

/// Exactly `width` columns, cut in the middle: the end of a hardware address or a model's name
/// tells more than its beginning, and of a host's name both do.
pub fn fit_middle(text: &str, width: usize) -> String {
    const END_MAX: usize = 512;
    if width < 8 || take(text, width).1 < width || !take(text, width).0.ends_with('…') {
        return fit(text, width);
    }
    let keep = (width - 1) / 2;
    let (mut end, mut columns, mut walked) = (Vec::new(), 0, 0);
    for character in text.chars().rev() {
        let (character, wide) = shown(character);
        walked += 1;
        if columns + wide > keep || walked > END_MAX {
            break;
        }
        // Marks would stand on another character when what is before them is cut.
        if wide > 0 {
            end.push(character);
            columns += wide;
        }
    }
    let mut out = take(text, width - columns).0;
    out.extend(end.into_iter().rev());
    fit(&out, width)
}

/// Exactly `width` columns, padded on the left.
pub fn fit_right(text: &str, width: usize) -> String {
    let (out, columns) = take(text, width);
    " ".repeat(width - columns) + &out
}

/// Columns that a text takes.
pub fn columns(text: &str) -> usize {
    text.chars().map(|character| shown(character).1).sum()
}

/// What stands for a character, and its columns.
pub fn shown(character: char) -> (char, usize) {
    if is_shown(character) { (character, character.width().unwrap_or(1)) } else { ('?', 1) }
}

fn take(text: &str, width: usize) -> (String, usize) {
    let mut out = String::with_capacity(width.min(text.len()) + 3);
    let (mut columns, mut marks) = (0, 0);
    // Where to cut if it turns out that not all fits beside the `…`.
    let mut last = (0, 0);
    for character in text.chars() {
        let (character, wide) = shown(character);
        marks = if wide == 0 { marks + 1 } else { 0 };
        if marks > MARKS_MAX || (wide == 0 && columns == 0) {
            continue;
        }
        if columns + wide > width {
            out.truncate(last.0);
            if width > 0 {
                out.push('…');
            }
            return (out, last.1 + usize::from(width > 0));
        }
        out.push(character);
        columns += wide;
        if columns < width {
            last = (out.len(), columns);
        }
        // A text of nothing but marks must not be walked to its end.
        if out.len() > width.saturating_mul(16) + 64 {
            break;
        }
    }
    (out, columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_by_columns() {
        assert_eq!(cut("camera", 6), "camera");
        assert_eq!(cut("cameras", 6), "camer…");
        assert_eq!(cut("摄像头", 6), "摄像头");
        assert_eq!(cut("摄像头", 5), "摄像…");
        assert_eq!(cut("摄像头", 4), "摄…");
        assert_eq!(fit("摄像头", 4), "摄… ");
        assert_eq!(fit_right("7 B", 5), "  7 B");
        assert_eq!(cut("abc", 0), "");
        assert_eq!(fit_middle("00:00:5e:00:53:02", 12), "00:00:…53:02");
        assert_eq!(fit_middle("摄像头摄像头摄像头", 12).chars().count(), 7);
        assert_eq!(fit_middle("camera", 9), "camera   ");
        assert_eq!(cut(&"x".repeat(10_000), 3), "xx…");
    }

    #[test]
    fn lets_no_command_through() {
        assert_eq!(cut("a\u{1b}[2J\u{202e}b\u{9b}", 20), "a?[2J?b?");
        let tower = format!("a{}", "\u{301}".repeat(10_000));
        assert!(cut(&tower, 5).chars().count() <= 1 + MARKS_MAX);
        assert_eq!(columns("a\u{1b}b"), 3);
    }
}
