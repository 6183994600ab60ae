//! Grammar that several dissectors share.

pub mod dns;
pub mod header;
pub mod parameter;
pub mod stream;
