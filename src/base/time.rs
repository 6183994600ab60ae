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

/// Days from 1970-01-01 to a date, the inverse of [`civil`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let shifted_year = year - i64::from(month <= 2);
    let shifted_month = (month + 9) % 12;
    let era = shifted_year.div_euclid(400);
    let year_of_era = shifted_year.rem_euclid(400);
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Text that is no moment as [`Timestamp`] prints it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a time like 2026-11-24T10:43:48.000000001Z")]
pub struct NoTime;

impl std::str::FromStr for Timestamp {
    type Err = NoTime;

    /// Reads RFC 3339 in UTC, with up to nine digits behind the second.
    fn from_str(text: &str) -> Result<Timestamp, NoTime> {
        let text = text.strip_suffix('Z').ok_or(NoTime)?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let shape = whole.bytes().map(|byte| if byte.is_ascii_digit() { b'0' } else { byte });
        if !shape.eq(*b"0000-00-00T00:00:00") {
            return Err(NoTime);
        }
        let number = |at: std::ops::Range<usize>| whole[at].parse::<i64>().map_err(|_| NoTime);
        let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
        let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
        let digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
        if !digits || !(1..=9).contains(&fraction.len()) || hour > 23 || minute > 59 || second > 59
        {
            return Err(NoTime);
        }
        let day = days(year, month, day);
        if civil(day) != (year, number(5..7)? as u32, number(8..10)? as u32) {
            return Err(NoTime);
        }
        let nanoseconds: i64 = format!("{fraction:0<9}").parse().map_err(|_| NoTime)?;
        let seconds = day * 86_400 + hour * 3600 + minute * 60 + second;
        let all = seconds.checked_mul(SECOND).and_then(|all| all.checked_add(nanoseconds));
        all.map(Timestamp).ok_or(NoTime)
    }
}

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
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

    #[test]
    fn reads_what_it_prints_and_nothing_else() {
        for nanoseconds in [0, 1, 1_709_210_096 * SECOND + 5, 4_102_444_799 * SECOND + 999_999_999]
        {
            let time = Timestamp(nanoseconds);
            assert_eq!(time.to_string().parse(), Ok(time));
        }
        assert_eq!("1970-01-01T00:00:01.5Z".parse(), Ok(Timestamp(SECOND + SECOND / 2)));
        assert_eq!("1970-01-01T00:00:01Z".parse(), Ok(Timestamp(SECOND)));
        for bad in [
            "",
            "Z",
            "1970-01-01T00:00:01",
            "1970-02-30T00:00:01Z",
            "1970-13-01T00:00:01Z",
            "1970-01-01T24:00:01Z",
            "1970-01-01 00:00:01Z",
            "1970-01-01T00:00:01.Z",
            "1970-01-01T00:00:01.0000000001Z",
            "9999-01-01T00:00:01Z",
            "é970-01-01T00:00:01Z",
        ] {
            assert_eq!(bad.parse::<Timestamp>(), Err(NoTime), "{bad}");
        }
    }
}
