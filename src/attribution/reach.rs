//! A physical check on what databases say: a round trip cannot be faster than light in fibre, so
//! the smallest one seen bounds how far away a remote can be, and a country beyond that bound is
//! excluded.

use super::database;
use super::lines::find;

/// Kilometres that light in fibre travels there and back in a millisecond: two thirds of the
/// speed of light, halved. Real paths are longer, so the bound errs towards not excluding.
const KM_PER_MILLISECOND: f64 = 100.0;

/// The farthest a remote can be, kilometres, given its smallest round trip in nanoseconds.
#[must_use]
pub fn farthest_km(round_trip: i64) -> u64 {
    (round_trip as f64 / 1e6 * KM_PER_MILLISECOND).ceil() as u64
}

/// The least distance between two countries, kilometres, both as ISO 3166-1 alpha-2 codes;
/// `None` where they touch, are the same, or nothing is known.
#[must_use]
pub fn least_km(one: &str, other: &str) -> Option<u64> {
    let (low, high) = if one < other { (one, other) } else { (other, one) };
    find(database::DISTANCE, &format!("{low}\t{high}"))?.parse().ok()
}

/// Whether a remote with this smallest round trip cannot be in `country`, seen from `here`; the
/// least distance between them if so.
#[must_use]
pub fn excludes(here: &str, country: &str, round_trip: i64) -> Option<u64> {
    least_km(here, country).filter(|&least| least > farthest_km(round_trip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_is_found() {
        let text = std::str::from_utf8(database::DISTANCE).unwrap();
        assert!(text.lines().count() > 20_000);
        for line in text.lines().skip(1) {
            let [one, other, km] = line.split('\t').collect::<Vec<_>>()[..] else {
                panic!("{line}");
            };
            assert_eq!(least_km(other, one), km.parse().ok(), "{line}");
        }
    }

    #[test]
    fn light_bounds_the_distance() {
        assert_eq!(farthest_km(5_000_000), 500);
        let least = least_km("NL", "CN").expect("the table has the pair");
        assert!((3_000..8_000).contains(&least), "{least}");
        assert_eq!(least_km("CN", "NL"), Some(least));
        assert_eq!(least_km("DE", "FR"), None, "neighbours");
        assert_eq!(excludes("NL", "CN", 5_000_000), Some(least));
        assert_eq!(excludes("NL", "CN", 200_000_000), None);
        assert_eq!(excludes("NL", "XX", 1), None);
    }
}
