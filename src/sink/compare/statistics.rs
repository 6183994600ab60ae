//! Exact tests for few repeats: every way to deal the measured values out to two sides is counted,
//! nothing is assumed of how they are distributed.

/// Repeats of each side from which on a probability is given: with fewer, none could be small.
pub const REPEATS_LEAST: usize = 3;
/// Repeats of both sides together up to which all ways are counted.
pub const REPEATS_MOST: usize = 20;

/// Two-sided probability, by the Mann-Whitney rank sum, that sides differ as much as these do where
/// in truth they do not differ. None where there are too few repeats, or too many to count.
#[must_use]
pub fn rank_sum(left: &[u64], right: &[u64]) -> Option<f64> {
    let all: Vec<u64> = left.iter().chain(right).copied().collect();
    if left.len().min(right.len()) < REPEATS_LEAST || all.len() > REPEATS_MOST {
        return None;
    }
    // Twice the middle rank of equal values, so that it stays whole.
    let rank = |value: u64| {
        let below = all.iter().filter(|other| **other < value).count() as i64;
        let equal = all.iter().filter(|other| **other == value).count() as i64;
        2 * below + equal + 1
    };
    let ranks: Vec<i64> = all.iter().map(|value| rank(*value)).collect();
    let sum: i64 = ranks.iter().sum();
    // The mean of the rank sums of so many; compared without dividing.
    let off = |of_left: i64| (of_left * all.len() as i64 - sum * left.len() as i64).abs();
    let seen = off(ranks[..left.len()].iter().sum());
    let (mut ways, mut as_far) = (0u64, 0u64);
    deal(&ranks, left.len(), 0, &mut |of_left| {
        ways += 1;
        as_far += u64::from(off(of_left) >= seen);
    });
    Some(as_far as f64 / ways as f64)
}

/// Every way to choose `count` of the ranks, by their sum.
fn deal(ranks: &[i64], count: usize, so_far: i64, take: &mut dyn FnMut(i64)) {
    if count == 0 {
        return take(so_far);
    }
    let Some((first, rest)) = ranks.split_first() else { return };
    if rest.len() + 1 < count {
        return;
    }
    deal(rest, count - 1, so_far + first, take);
    deal(rest, count, so_far, take);
}

/// Probabilities made comparable where many were looked at (Holm): the chance that any of them is
/// small by luck stays what it says.
#[must_use]
pub fn holm(probabilities: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> =
        probabilities.iter().enumerate().filter_map(|(at, p)| Some((at, (*p)?))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut out = vec![None; probabilities.len()];
    let (count, mut least) = (order.len(), 0.0f64);
    for (place, (at, p)) in order.into_iter().enumerate() {
        least = least.max((p * (count - place) as f64).min(1.0));
        out[at] = Some(least);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: Option<f64>, b: f64) -> bool {
        a.is_some_and(|a| (a - b).abs() < 1e-9)
    }

    #[test]
    fn known_values() {
        // Three against three without overlap: 2 of 20 ways are as far apart.
        assert!(near(rank_sum(&[1, 2, 3], &[4, 5, 6]), 0.1));
        // Four against four: 2 of 70.
        assert!(near(rank_sum(&[1, 2, 3, 4], &[9, 8, 7, 6]), 2.0 / 70.0));
        assert!(near(rank_sum(&[5, 5, 5], &[5, 5, 5]), 1.0));
        // Presence in 3 of 3 against 0 of 3 is the same as Fisher's exact test.
        assert!(near(rank_sum(&[1, 1, 1], &[0, 0, 0]), 0.1));
    }

    #[test]
    fn too_few_and_too_many_give_none() {
        assert_eq!(rank_sum(&[1, 2], &[4, 5, 6]), None);
        assert_eq!(rank_sum(&[1; 15], &[2; 15]), None);
    }

    #[test]
    fn many_looks_are_paid_for() {
        let adjusted = holm(&[Some(0.01), None, Some(0.04), Some(0.03)]);
        assert!(near(adjusted[0], 0.03) && near(adjusted[3], 0.06) && near(adjusted[2], 0.06));
        assert_eq!(adjusted[1], None);
    }
}
