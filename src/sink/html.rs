//! What every page of ours is: one file without script that loads nothing from anywhere.

use super::messages::text;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing may be loaded or sent, whatever slipped through: a second lock behind the escaping.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A page: its title, style beside that of all pages, and what stands in its body. `large` is one
/// that a browser should not lay out all at once.
pub fn document(title: &Markup, style: &str, large: bool, body: &Markup) -> String {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { (title) }
                style { (PreEscaped(include_str!("report.css"))) (PreEscaped(hints())) (PreEscaped(style)) }
            }
            body.large[large] { (body) }
        }
    }
    .into_string()
}

/// Style that puts a line on every page of paper. The words are ours, and hold digits besides.
pub fn on_every_page(line: &str) -> String {
    format!("@page{{@bottom-left{{content:{}}}}}", quoted(line))
}

/// What narrow screens say above that which is wider than they are. A picture of a scroll bar would
/// do, but phones hide theirs.
fn hints() -> String {
    let [table, picture] = [text("table.goes_on"), text("picture.goes_on")].map(quoted);
    format!(":root{{--table-goes-on:{table};--picture-goes-on:{picture}}}")
}

/// A string of CSS.
fn quoted(words: &str) -> String {
    format!("\"{}\"", words.replace(['"', '\\', '<'], ""))
}

/// A wide table in a box of its own, which scrolls where the screen is narrow. The box takes the
/// keyboard's focus, since some browsers scroll only what has it. It is a group and no landmark: a
/// page of a hundred landmarks has none.
pub fn boxed(label: &str, table: Markup) -> Markup {
    html! { div.scroll role="group" tabindex="0" aria-label=(label) { (table) } }
}

/// What stands above a column of a table.
#[derive(Debug, Clone, Copy)]
pub enum Heading {
    /// Of words, with its heading.
    Words(&'static str),
    /// Of numbers, which stand at its right side.
    Number(&'static str),
}

/// The headings of a table.
pub fn head(columns: &[Heading]) -> Markup {
    html! {
        thead {
            tr {
                @for column in columns {
                    @match column {
                        Heading::Words(name) => { th scope="col" { (name) } }
                        Heading::Number(name) => { th.number scope="col" { (name) } }
                    }
                }
            }
        }
    }
}
