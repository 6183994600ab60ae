//! A capture that is watched while it is recorded: starts the recorder, reads what it records as
//! it grows, and makes a snapshot of what is known a few times a second.

mod follow;
mod recorder;

pub use follow::Follower;
pub use recorder::{Recorder, Story};
