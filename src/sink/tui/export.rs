//! Writes what a view shows to a text file: never over another, and never outside the folder.

use crate::base::time::Timestamp;
use ratatui::buffer::Buffer;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Files of one name that are tried before it is given up.
const TRIES: u32 = 1000;

/// Writes the lines of a buffer; the path of the new file.
pub fn write(folder: &Path, view: &str, now: Timestamp, buffer: &Buffer) -> io::Result<PathBuf> {
    let moment = now.to_string()[..19].replace([':', '-'], "");
    for number in 1..=TRIES {
        let again = if number > 1 { format!("-{number}") } else { String::new() };
        let path = folder.join(format!("phonehome-{view}-{moment}{again}.txt"));
        // Fails where there is something already, also a link.
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(text(buffer).as_bytes())?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::new(io::ErrorKind::AlreadyExists, "a thousand such files are there already"))
}

/// The lines of a buffer as text, without what is empty at their ends.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in buffer.area.top()..buffer.area.bottom() {
        let mut skip = 0;
        let mut line = String::new();
        for x in buffer.area.left()..buffer.area.right() {
            let symbol = buffer[(x, y)].symbol();
            // The cell behind a wide character is its second half.
            if skip == 0 {
                line.push_str(symbol);
            }
            skip = unicode_width::UnicodeWidthStr::width(symbol).max(skip).saturating_sub(1);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    let end = out.trim_end().len();
    out.truncate(end);
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_over_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let buffer = Buffer::with_lines(["a 摄像 b  ", "", "c", ""]);
        let write = || write(folder.path(), "contacts", Timestamp(0), &buffer).unwrap();
        let [one, two] = [write(), write()];
        assert_eq!(one.file_name().unwrap(), "phonehome-contacts-19700101T000000.txt");
        assert_ne!(one, two);
        assert_eq!(std::fs::read_to_string(one).unwrap(), "a 摄像 b\n\nc\n");
    }
}
