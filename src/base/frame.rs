//! Frame numbers of runs over several inputs: the number within the input, as Wireshark counts,
//! below, and the input's position above. With one input it is simply the frame's number.

const INPUT_SHIFT: u32 = 40;
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
