//! Manufacturer Usage Descriptions (RFC 8520): what a device may do on the network, made from what
//! it was seen doing, or held against it. Nothing is widened: an entry names a remote, and a port,
//! a message type or a protocol. What was seen once has an entry of its own.

mod check;
mod generate;
mod policy;
mod seen;

pub use check::{Controllers, Verdict, Violation, check};
pub use generate::{Generated, Note, generate};
pub use policy::{FILE_BYTES_MAX, Policy, PolicyError};
pub use seen::{Counts, Observed, Observer, Peer, Port, Seen, Way};

/// Resolvers, as RFC 8520 §3.11 names them.
pub const DNS_CONTROLLER: &str = "urn:ietf:params:mud:dns";
