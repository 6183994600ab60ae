//! Shows or writes a snapshot. Sinks do not know each other.

pub mod compare;
pub mod counts;
pub mod flows;
pub mod json;
pub mod report;
pub mod stix;
pub mod summary;
pub mod tui;
