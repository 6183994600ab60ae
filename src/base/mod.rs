//! Words that every stage uses: time, byte reader, addresses, safe text. Imports nothing of ours.

pub mod address;
pub mod bytes;
pub mod file;
pub mod frame;
pub mod messages;
pub mod table;
pub mod text;
pub mod time;
