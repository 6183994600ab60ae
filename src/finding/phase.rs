//! In which phase of an experiment a frame lies.

use crate::base::frame;
use crate::base::time::Timestamp;
use crate::flow::Cite;

/// A phase, by its beginning; it lasts until the next begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period {
    /// `None` for what came before the first phase.
    pub name: Option<&'static str>,
    /// When it began, by the recorder's clock.
    pub began: Timestamp,
    /// Its first frame, 0 where it has none.
    pub first_frame: u64,
}

impl Period {
    /// Whether it had begun at a frame: by number within one input, as frames are counted in
    /// phases; over several by time, since numbers follow the order of the inputs.
    fn holds(&self, cite: &Cite) -> bool {
        if frame::input(self.first_frame) == frame::input(cite.frame) {
            self.first_frame <= cite.frame
        } else {
            self.began <= cite.time
        }
    }
}

/// Position of the phase that a frame is in.
#[must_use]
pub fn position(periods: &[Period], cite: &Cite) -> Option<usize> {
    periods.iter().rposition(|period| period.first_frame > 0 && period.holds(cite))
}

/// From when until when the phases with a name lasted, in order.
pub(super) fn spans(periods: &[Period], name: &str) -> Vec<[Timestamp; 2]> {
    let ends = periods.iter().skip(1).map(|next| next.began);
    let ends = ends.chain([Timestamp(i64::MAX)]);
    let all = periods.iter().zip(ends).filter(|(period, _)| period.name == Some(name));
    let mut spans: Vec<[Timestamp; 2]> = all.map(|(period, end)| [period.began, end]).collect();
    spans.sort_unstable();
    spans
}

/// The name of the one phase that all frames lie in, whether it came once or several times.
pub(super) fn shared(periods: &[Period], cites: &[Cite]) -> Option<&'static str> {
    if periods.is_empty() {
        return None;
    }
    let mut names = cites.iter().map(|cite| periods[position(periods, cite)?].name);
    let first = names.next()??;
    names.all(|name| name == Some(first)).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(name: Option<&'static str>, began: i64, first_frame: u64) -> Period {
        Period { name, began: Timestamp(began), first_frame }
    }

    fn cite(frame: u64, time: i64) -> Cite {
        Cite { frame, time: Timestamp(time), length: 60 }
    }

    #[test]
    fn frames_of_one_phase_name_it_and_frames_of_two_do_not() {
        let periods = [
            period(None, 0, 1),
            period(Some("idle"), 10, 5),
            period(Some("outage"), 20, 0),
            period(Some("use"), 30, 9),
            period(Some("idle"), 40, 12),
        ];
        assert_eq!(shared(&periods, &[cite(5, 11), cite(8, 29)]), Some("idle"));
        assert_eq!(shared(&periods, &[cite(8, 29), cite(12, 41)]), Some("idle"), "twice idle");
        assert_eq!(shared(&periods, &[cite(8, 29), cite(9, 30)]), None);
        assert_eq!(shared(&periods, &[cite(4, 9)]), None, "before the first");
        assert_eq!(shared(&periods, &[cite(3, 9), cite(5, 11)]), None);
        assert_eq!(shared(&periods, &[]), None);
        assert_eq!(shared(&[], &[cite(5, 11)]), None);
        let other = frame::base(1) + 1;
        assert_eq!(shared(&periods, &[cite(other, 31)]), Some("use"), "another file, by time");
    }
}
