//! Grammar that several dissectors share.

pub mod application;
pub mod dns;
pub mod document;
pub mod framed;
pub mod header;
pub mod parameter;
pub mod stream;
