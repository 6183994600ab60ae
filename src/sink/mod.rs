//! Shows or writes a snapshot. Sinks do not know each other.

pub mod compare;
pub mod annex;
pub mod counts;
pub mod flows;
mod html;
pub mod json;
pub mod junit;
mod messages;
pub mod report;
pub mod stix;
pub mod signatures;
pub mod summary;
pub mod tui;
