//! Moments for people: UTC first, and beside it the time of a zone that the reader lives by.

use super::words::{exact_moment, moment};
use crate::base::time::{SECOND, Timestamp};
use crate::sink::messages::line;
use jiff::tz::TimeZone;
use maud::{Markup, html};

/// A time zone of the IANA database that the program carries: the same on every machine.
#[derive(Debug, Clone)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

impl Zone {
    /// The zone of that name, such as `Europe/Amsterdam`.
    ///
    /// # Errors
    /// When the database has no such zone; in words.
    pub fn named(name: &str) -> Result<Zone, String> {
        let unknown =
            || format!("{name:?} is not a time zone like Europe/Amsterdam (IANA time zone names)");
        let zone = TimeZone::get(name).map_err(|_| unknown())?;
        // The database's own spelling: what was typed may differ in case.
        let name = zone.iana_name().ok_or_else(unknown)?.to_owned();
        Ok(Zone { name, zone })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Date, time of day to the second, and offset.
    fn local(&self, time: Timestamp) -> Option<(String, String, String)> {
        let instant = jiff::Timestamp::from_second(time.0.div_euclid(SECOND)).ok()?;
        let local = instant.to_zoned(self.zone.clone());
        let (date, clock) = (local.date(), local.time());
        let (hour, minute, second) = (clock.hour(), clock.minute(), clock.second());
        let offset = local.offset().seconds();
        let sign = if offset < 0 { '-' } else { '+' };
        let minutes = offset.abs() / 60;
        Some((
            date.to_string(),
            format!("{hour:02}:{minute:02}:{second:02}"),
            format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60),
        ))
    }
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Clock(pub Option<Zone>);

impl Clock {
    /// Date and time to the second; UTC, and the local time below it.
    pub fn moment(&self, time: Timestamp) -> Markup {
        html! { (moment(time)) (self.beside(time)) }
    }

    /// The same to the nanosecond.
    pub fn exact(&self, time: Timestamp) -> Markup {
        html! { (exact_moment(time)) (self.beside(time)) }
    }

    /// First and last moment, once where they read the same.
    pub fn moments(&self, first: Timestamp, last: Timestamp) -> Markup {
        let same = first.to_string()[..19] == last.to_string()[..19];
        html! { (self.moment(first)) @if !same { br; (self.moment(last)) } }
    }

    /// The same as plain text, for pictures.
    pub fn plain(&self, time: Timestamp) -> String {
        let utc = time.to_string()[..19].replace('T', " ");
        match self.0.as_ref().and_then(|zone| zone.local(time)) {
            Some((_, clock, offset)) => {
                line("unit.utc_local", &[("time", &utc), ("local", &clock), ("offset", &offset)])
            }
            None => line("unit.utc", &[("time", &utc)]),
        }
    }

    fn beside(&self, time: Timestamp) -> Markup {
        let Some((date, clock, offset)) = self.0.as_ref().and_then(|zone| zone.local(time)) else {
            return html! {};
        };
        let other_day = date != time.to_string()[..10];
        html! {
            " " span.local { "(" @if other_day { (date) " " } (clock) " " (offset) ")" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_time_stands_beside_utc() {
        let zone = Zone::named("europe/amsterdam").unwrap();
        assert_eq!(zone.name(), "Europe/Amsterdam");
        let summer = Timestamp(1_719_786_600 * SECOND);
        let clock = Clock(Some(zone));
        let shown = clock.moment(summer).0;
        assert!(shown.contains("2024-06-30 22:30:00"), "{shown}");
        assert!(shown.contains("(2024-07-01 00:30:00 +02:00)"), "{shown}");
        let west = Zone::named("America/St_Johns").unwrap();
        assert_eq!(
            Clock(Some(west)).plain(Timestamp(1_709_210_096 * SECOND)),
            "2024-02-29 12:34:56 UTC (09:04:56 -03:30)"
        );
        assert!(!Clock(None).moment(summer).0.contains("local"));
    }

    #[test]
    fn what_is_no_zone_is_refused() {
        assert!(Zone::named("Mars/Olympus").unwrap_err().contains("Mars/Olympus"));
    }
}
