//! Flow records as CSV (RFC 4180) that a spreadsheet cannot take for formulas: names on the wire
//! are chosen by whoever sent them.

use super::Spelling;
use super::columns::{COLUMNS, Value};
use crate::attribution::record::FlowRecord;
use std::borrow::Cow;
use std::io::{self, Write};

/// See the module.
pub struct Csv<W: Write> {
    out: W,
    begun: bool,
}

impl<W: Write> Csv<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Csv<W> {
        Csv { out, begun: false }
    }

    fn begin(&mut self) -> io::Result<()> {
        if !std::mem::replace(&mut self.begun, true) {
            let names: Vec<&str> = COLUMNS.iter().map(|column| column.name).collect();
            write!(self.out, "{}\r\n", names.join(","))?;
        }
        Ok(())
    }
}

impl<W: Write + Send> Spelling for Csv<W> {
    fn record(&mut self, record: &FlowRecord) -> io::Result<()> {
        self.begin()?;
        for (index, column) in COLUMNS.iter().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            match (column.get)(record) {
                Value::Text(text) => write!(self.out, "{comma}{}", cell(&text))?,
                Value::Whole(number) => write!(self.out, "{comma}{number}")?,
                Value::YesNo(yes) => write!(self.out, "{comma}{yes}")?,
                Value::Time(time) => write!(self.out, "{comma}{time}")?,
                Value::Missing => write!(self.out, "{comma}")?,
            }
        }
        write!(self.out, "\r\n")
    }

    fn finish(&mut self) -> io::Result<()> {
        self.begin()?;
        self.out.flush()
    }
}

/// Text as a cell: with an apostrophe before what a spreadsheet would calculate, and in quotes
/// where it holds what separates cells.
fn cell(text: &str) -> Cow<'_, str> {
    let tame = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    };
    if tame.contains(['"', ',', '\r', '\n']) {
        Cow::Owned(format!("\"{}\"", tame.replace('"', "\"\"")))
    } else {
        tame
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_ends_early() {
        for (text, written) in [
            ("camera.example", "camera.example"),
            ("=1+1", "'=1+1"),
            ("+a", "'+a"),
            ("-a", "'-a"),
            ("@a", "'@a"),
            ("\ta", "'\ta"),
            ("\ra", "\"'\ra\""),
            ("a,b", "\"a,b\""),
            ("=\"x\"", "\"'=\"\"x\"\"\""),
            ("a=b", "a=b"),
            ("", ""),
        ] {
            assert_eq!(cell(text), written);
        }
    }
}
