//! Time as captures carry it: nanoseconds since 1970-01-01 UTC. The clock is never read here;
//! time comes in with the packet, so that one capture gives the same output on any day.

use std::fmt;

/// Nanoseconds in a second.
pub const SECOND: i64 = 1_000_000_000;

/// A moment, in nanoseconds since 1970-01-01T00:00:00Z; covers the years 1678 to 2262.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Nanoseconds from `earlier` to `self`, negative when the clock stepped back.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Year, month and day of this moment in UTC (proleptic Gregorian calendar).
    #[must_use]
    pub fn date(self) -> (i64, u32, u32) {
        civil(self.0.div_euclid(86_400 * SECOND))
    }
}

/// Days since 1970-01-01 as year, month, day, by counting whole 400-year eras from 0000-03-01,
/// where leap days fall at the end of a year.
fn civil(days: i64) -> (i64, u32, u32) {
    let from_era_start = days + 719_468;
    let era = from_era_start.div_euclid(146_097);
    let day_of_era = from_era_start.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u32;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

impl fmt::Display for Timestamp {
    /// RFC 3339, UTC, nanoseconds: `2026-11-24T10:43:48.000000001Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(SECOND);
        let nanoseconds = self.0.rem_euclid(SECOND);
        let (year, month, day) = civil(seconds.div_euclid(86_400));
        let of_day = seconds.rem_euclid(86_400);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{nanoseconds:09}Z",
            of_day / 3600,
            of_day / 60 % 60,
            of_day % 60
        )
    }
}

impl serde::Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_rfc_3339() {
        assert_eq!(Timestamp(0).to_string(), "1970-01-01T00:00:00.000000000Z");
        assert_eq!(Timestamp(-1).to_string(), "1969-12-31T23:59:59.999999999Z");
        let leap_day = Timestamp(1_709_210_096 * SECOND + 5);
        assert_eq!(leap_day.to_string(), "2024-02-29T12:34:56.000000005Z");
        assert_eq!(leap_day.date(), (2024, 2, 29));
    }
}
