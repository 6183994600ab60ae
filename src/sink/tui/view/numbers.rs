//! Distributions: sizes of frames, gaps between packets of a flow, round trips.

use crate::base::text::{bytes, span};
use crate::sink::tui::app::App;
use crate::sink::tui::doc::Doc;
use crate::sink::tui::words::grouped;
use crate::snapshot::Summary;
use ratatui::style::Style;

/// Columns beside the bars.
const BESIDE: u16 = 42;

/// Makes it.
pub fn page(app: &App, width: u16) -> Doc {
    let mut page = Doc::new(width, app.theme);
    let Some(model) = &app.model else { return page };
    let all = &model.snapshot().distributions;
    let micros = |value: u64| span(i64::try_from(value).unwrap_or(i64::MAX).saturating_mul(1000));
    let picture = Picture { app, room: width.saturating_sub(BESIDE).clamp(10, 100).into() };
    picture.add(&mut page, "Sizes of frames on the wire", &all.frame_bytes, &bytes);
    picture.add(&mut page, "Gaps between packets of a flow", &all.gap_microseconds, &micros);
    let trips = &all.round_trip_microseconds;
    picture.add(&mut page, "Round trips of TCP handshakes", trips, &micros);
    page.text(0, "");
    page.styled(
        0,
        "To two significant digits. A round trip bounds the distance: about 100 km for each \
         millisecond.",
        app.theme.dim(),
    );
    page
}

struct Picture<'a> {
    app: &'a App,
    room: usize,
}

impl Picture<'_> {
    fn add(&self, page: &mut Doc, title: &str, of: &Summary, say: &dyn Fn(u64) -> String) {
        let theme = &self.app.theme;
        page.title(title);
        if of.count == 0 {
            page.styled(2, "none seen", theme.dim());
            return;
        }
        let text = format!(
            "{} values: {} to {}; half are at most {}, nine of ten {}, 99 of 100 {}",
            grouped(of.count),
            say(of.min),
            say(of.max),
            say(of.p50),
            say(of.p90),
            say(of.p99)
        );
        page.text(2, &text);
        let most = of.doubling.iter().map(|step| step[1]).max().unwrap_or(0).max(1);
        let first = of.doubling.iter().position(|step| step[1] > 0).unwrap_or(0);
        let last = of.doubling.iter().rposition(|step| step[1] > 0).map_or(0, |last| last + 1);
        for [upto, count] in of.doubling.get(first..last).unwrap_or_default() {
            // A single value among millions is seen too.
            let long = (*count as f64 / most as f64 * self.room as f64).ceil() as usize;
            let percent = *count as f64 * 100.0 / of.count as f64;
            page.line(vec![
                (format!("  up to {:>8} ", say(*upto)), theme.dim()),
                ("█".repeat(long.min(self.room)), theme.received()),
                (format!(" {} ({percent:.1} %)", grouped(*count)), Style::new()),
            ]);
        }
    }
}
