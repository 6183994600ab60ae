//! One file a view. A view reads the app and draws into its area; it changes nothing.

pub mod destination;
pub mod device;
pub mod finding;
pub mod help;
pub mod lists;
pub mod map;
pub mod numbers;
pub mod overview;
pub mod timeline;
