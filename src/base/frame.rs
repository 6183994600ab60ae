//! Frame numbers of runs over several inputs: the number within the input, as Wireshark counts,
//! below, and the input's position above. With one input it is simply the frame's number.

use super::time::Timestamp;

const INPUT_SHIFT: u32 = 40;
/// Most segments of one recording: as many as a flow can remember one of.
pub const SEGMENTS_MAX: usize = 65_536;
/// Most inputs of one run: numbers stay below 2⁵³, so that every JSON reader keeps them exact.
pub const INPUTS_MAX: usize = 4096;

/// The first number of an input; its frames count from one more.
#[must_use]
pub fn base(input: usize) -> u64 {
    (input as u64) << INPUT_SHIFT
}

/// Position of the input that a frame is in.
#[must_use]
pub fn input(number: u64) -> usize {
    (number >> INPUT_SHIFT) as usize
}

/// Number of the frame within its input, from 1, as Wireshark counts.
#[must_use]
pub fn within(number: u64) -> u64 {
    number & ((1 << INPUT_SHIFT) - 1)
}

/// Puts what happened at frames in order: by number within one input, whose clock may have stepped
/// back; over several by time, since their numbers follow the order in which they were given.
pub fn sort<T>(items: &mut [T], at: impl Fn(&T) -> (u64, Timestamp)) {
    items.sort_by_key(|item| at(item).0);
    let inputs = [items.first(), items.last()].map(|item| item.map(|item| input(at(item).0)));
    if inputs[0] != inputs[1] {
        items.sort_by_key(|item| at(item).1);
    }
}

/// The number of the earlier of two frames.
#[must_use]
pub fn earlier(a: (u64, Timestamp), b: (u64, Timestamp)) -> u64 {
    if input(a.0) == input(b.0) || a.1 == b.1 {
        a.0.min(b.0)
    } else if a.1 < b.1 {
        a.0
    } else {
        b.0
    }
}

/// The number of the later of two frames.
#[must_use]
pub fn later(a: (u64, Timestamp), b: (u64, Timestamp)) -> u64 {
    if input(a.0) == input(b.0) || a.1 == b.1 {
        a.0.max(b.0)
    } else if a.1 < b.1 {
        b.0
    } else {
        a.0
    }
}

/// How frames are spoken of to people, who think of files by their place on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spelling {
    several: bool,
}

impl Spelling {
    /// For a run over this many inputs.
    #[must_use]
    pub fn of(inputs: usize) -> Spelling {
        Spelling { several: inputs > 1 }
    }

    /// `417` with one input, `417 of file 2` with several.
    #[must_use]
    pub fn one(self, number: u64) -> String {
        self.all(&[number])
    }

    /// `85, 90 of file 1; 12 of file 2`: in the order given, each file named once in a row.
    #[must_use]
    pub fn all(self, numbers: &[u64]) -> String {
        let same_input = numbers.chunk_by(|&a, &b| input(a) == input(b));
        let spelled = same_input.map(|group| {
            let frames: Vec<String> = group.iter().map(|&n| within(n).to_string()).collect();
            let frames = frames.join(", ");
            if self.several { format!("{frames} of file {}", input(group[0]) + 1) } else { frames }
        });
        spelled.collect::<Vec<_>>().join("; ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_its_input_and_stays_exact_in_json() {
        let number = base(INPUTS_MAX - 1) + 417;
        assert_eq!((input(number), within(number)), (INPUTS_MAX - 1, 417));
        assert!(base(INPUTS_MAX) <= 1 << 53);
        assert_eq!(base(0) + 417, 417);
    }

    #[test]
    fn order_is_by_number_within_an_input_and_by_time_over_several() {
        let sorted = |mut items: Vec<(u64, i64)>| {
            sort(&mut items, |&(number, time)| (number, Timestamp(time)));
            items
        };
        assert_eq!(sorted(vec![(2, 5), (3, 4), (1, 9)]), [(1, 9), (2, 5), (3, 4)]);
        let other = base(1) + 1;
        assert_eq!(sorted(vec![(2, 9), (1, 9), (other, 5)]), [(other, 5), (1, 9), (2, 9)]);
    }

    #[test]
    fn of_two_inputs_the_time_tells_which_frame_is_earlier() {
        let [late, early] = [(1, Timestamp(9)), (base(1) + 1, Timestamp(5))];
        assert_eq!((earlier(late, early), later(late, early)), (early.0, late.0));
        assert_eq!((earlier(early, late), later(early, late)), (early.0, late.0));
        let stepped_back = (2, Timestamp(3));
        assert_eq!((earlier(late, stepped_back), later(late, stepped_back)), (1, 2));
    }

    #[test]
    fn people_read_the_place_on_the_command_line() {
        let numbers = [85, 90, base(1) + 12];
        assert_eq!(Spelling::of(1).all(&numbers[..2]), "85, 90");
        assert_eq!(Spelling::of(2).all(&numbers), "85, 90 of file 1; 12 of file 2");
        assert_eq!(Spelling::of(2).one(417), "417 of file 1");
    }
}
