//! The lines on which the facts of a file stand.

use crate::attribution::fact::{FactRef, Table};
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

/// Where tables begin, in bytes.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Spans {
    operator: Option<Spanned<IgnoredAny>>,
    ownership: Vec<Spanned<IgnoredAny>>,
    domain: Vec<Spanned<IgnoredAny>>,
    network: Vec<Spanned<IgnoredAny>>,
    flow: Vec<Spanned<IgnoredAny>>,
    oui: Vec<Spanned<IgnoredAny>>,
    dhcp: Vec<Spanned<IgnoredAny>>,
    said: Vec<Spanned<IgnoredAny>>,
}

/// Lines by table and place.
#[derive(Default)]
pub struct Lines {
    tables: [Vec<usize>; 8],
}

impl Lines {
    /// Of a file's text.
    pub fn of(text: &str) -> Lines {
        let spans: Spans = toml::from_str(text).unwrap_or_default();
        let lines = |spans: &[Spanned<IgnoredAny>]| {
            spans.iter().map(|span| of(text, span.span().start)).collect()
        };
        let mut tables = <[Vec<usize>; 8]>::default();
        tables[Table::Operator as usize] = lines(spans.operator.as_slice());
        tables[Table::Ownership as usize] = lines(&spans.ownership);
        tables[Table::Domain as usize] = lines(&spans.domain);
        tables[Table::Network as usize] = lines(&spans.network);
        tables[Table::Flow as usize] = lines(&spans.flow);
        tables[Table::Oui as usize] = lines(&spans.oui);
        tables[Table::Dhcp as usize] = lines(&spans.dhcp);
        tables[Table::Said as usize] = lines(&spans.said);
        Lines { tables }
    }

    /// The line of a fact, 1 where it is not known.
    pub fn at(&self, fact: &FactRef<'_>) -> usize {
        self.tables[fact.table as usize].get(fact.index).copied().unwrap_or(1)
    }
}

/// The line of a byte, from 1.
pub fn of(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|&byte| byte == b'\n').count() + 1
}
