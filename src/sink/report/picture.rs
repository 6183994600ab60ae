//! What the pictures share. A picture is drawn from data, reads without colour, and what it shows
//! also stands beside it as text.

use crate::sink::messages::text;
use maud::{Markup, html};

/// Width of a picture in its own units, which are pixels where there is room.
pub const WIDTH: f64 = 960.0;

/// A picture with its title, its text alternative and what stands below it.
pub fn figure(
    id: &str,
    title: &str,
    alternative: &str,
    height: f64,
    inner: Markup,
    below: Markup,
) -> Markup {
    html! {
        figure.picture id=(id) {
            figcaption { (title) }
            div.scroll role="group" tabindex="0" aria-label=(title) {
                svg viewBox={ "0 0 " (WIDTH) " " (number(height)) }
                    role="img" aria-labelledby={ (id) "-title " (id) "-alternative" } {
                    title id={ (id) "-title" } { (title) }
                    desc id={ (id) "-alternative" } { (alternative) }
                    (inner)
                }
            }
            p.aside { (alternative) }
            (below)
        }
    }
}

/// A coordinate with as few digits as a picture needs.
pub fn number(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    if rounded == rounded.trunc() { format!("{rounded:.0}") } else { format!("{rounded:.1}") }
}

/// Whole per cent for people; what is little is not nothing.
pub fn share(part: u64, whole: u64) -> String {
    if whole == 0 || part == 0 {
        return "0 %".to_owned();
    }
    let percent = part as f64 / whole as f64 * 100.0;
    if percent < 1.0 {
        return text("picture.little").to_owned();
    }
    // What is not all does not read as all.
    let rounded = if part < whole { percent.round().min(99.0) } else { 100.0 };
    format!("{rounded:.0} %")
}

/// Fills that differ without colour: plain, hatched, dotted, empty; defined once for the page.
pub fn patterns() -> Markup {
    html! {
        svg.patterns width="0" height="0" aria-hidden="true" {
            defs {
                pattern id="hatched" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)" {
                    rect width="6" height="6" class="ground" {}
                    rect width="2.5" height="6" class="ink" {}
                }
                pattern id="dotted" width="6" height="6" patternUnits="userSpaceOnUse" {
                    rect width="6" height="6" class="ground" {}
                    rect x="1" y="1" width="2" height="2" class="ink" {}
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_neither_hide_a_little_nor_claim_all() {
        assert_eq!(share(0, 10), "0 %");
        assert_eq!(share(1, 1000), "less than 1 %");
        assert_eq!(share(9_999, 10_000), "99 %");
        assert_eq!(share(10, 10), "100 %");
        assert_eq!(number(1.25), "1.3");
        assert_eq!(number(2.0), "2");
    }
}
