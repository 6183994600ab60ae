//! The three clocks of a checkpoint. Their differences tell what the wall clock alone would hide:
//! that it was set, and that the machine slept.

use crate::base::time::{SECOND, Timestamp};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Readings of all clocks, as close together as the system lets them be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Wall clock.
    pub wall: Timestamp,
    /// Nanoseconds since some moment; stands still while the machine sleeps, never set.
    pub monotonic: i64,
    /// The same, but goes on while the machine sleeps.
    pub boot: i64,
}

/// A wall clock that moves by more than this against the others was set, nanoseconds. Slewing by a
/// time daemon stays below 0.5 ms a second.
const STEP_MIN: i64 = 20_000_000;
/// A machine that was away for longer than this slept, nanoseconds.
const SLEEP_MIN: i64 = 100_000_000;

/// Readings within this are together, nanoseconds.
const TOGETHER: i64 = 1_000_000;
/// How often they are read at most until they are.
const TRIES: u32 = 8;

/// What happened to the clocks between two readings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disturbance {
    /// How far the wall clock was set forward, nanoseconds, negative for back.
    pub step: Option<i64>,
    /// How long the machine slept, nanoseconds.
    pub sleep: Option<i64>,
}

impl Clocks {
    /// Reads them.
    #[must_use]
    pub fn now() -> Clocks {
        // Narrower on some systems.
        #[allow(clippy::unnecessary_cast)]
        let nanoseconds = |time: Timespec| time.tv_sec as i64 * SECOND + time.tv_nsec as i64;
        let boot = || nanoseconds(clock_gettime(BOOT));
        let mut began = boot();
        let mut tries = TRIES;
        loop {
            let wall = Timestamp(nanoseconds(clock_gettime(ClockId::Realtime)));
            let monotonic = nanoseconds(clock_gettime(ClockId::Monotonic));
            let boot = boot();
            tries -= 1;
            // Another process in between would look as if a clock had been set.
            if boot - began < TOGETHER || tries == 0 {
                return Clocks { wall, monotonic, boot };
            }
            began = boot;
        }
    }

    /// What happened since an earlier reading.
    #[must_use]
    pub fn since(&self, earlier: &Clocks) -> Disturbance {
        let boot = self.boot - earlier.boot;
        let step = self.wall.since(earlier.wall) - boot;
        let sleep = boot - (self.monotonic - earlier.monotonic);
        Disturbance {
            step: (step.abs() >= STEP_MIN).then_some(step),
            sleep: (sleep >= SLEEP_MIN).then_some(sleep),
        }
    }
}

#[cfg(target_os = "linux")]
const BOOT: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const BOOT: ClockId = ClockId::Monotonic;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_set_clock_from_a_sleep() {
        let then = Clocks { wall: Timestamp(1_000 * SECOND), monotonic: 50, boot: 70 };
        let later = |wall: i64, monotonic: i64, boot: i64| {
            let now = Clocks {
                wall: Timestamp(then.wall.0 + wall),
                monotonic: then.monotonic + monotonic,
                boot: then.boot + boot,
            };
            let Disturbance { step, sleep } = now.since(&then);
            (step, sleep)
        };
        assert_eq!(later(SECOND, SECOND, SECOND), (None, None));
        assert_eq!(later(SECOND + 1_000_000, SECOND, SECOND), (None, None), "slewing");
        assert_eq!(later(-9 * SECOND, SECOND, SECOND), (Some(-10 * SECOND), None));
        assert_eq!(later(61 * SECOND, SECOND, 61 * SECOND), (None, Some(60 * SECOND)));
        let both = (Some(3600 * SECOND), Some(60 * SECOND));
        assert_eq!(later(3661 * SECOND, SECOND, 61 * SECOND), both);
    }

    #[test]
    fn clocks_go_forward() {
        let (a, b) = (Clocks::now(), Clocks::now());
        assert!(b.monotonic >= a.monotonic && b.boot >= a.boot);
    }
}
