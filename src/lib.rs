//! phonehome answers, with evidence, what a device on a network sends, how much, to whom,
//! in which country and under whose law.
//!
//! A packet walks one way: `source` yields frames, `decode` turns bytes into packets, `flow`
//! joins packets into two-way flows and puts their payload in order, `protocol` reads facts out
//! of it, `attribution` turns facts into a ledger of devices and remotes, `finding` states what
//! matters with the frames that show it, `snapshot` holds all that is known at one moment, and
//! `sink` shows or writes it. `engine` joins the stages. A module imports only modules that
//! stand above it in this list; `tests/arrows.rs` checks that.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod base;
pub mod case;
pub mod source;
pub mod plan;
pub mod decode;
pub mod flow;
pub mod protocol;
pub mod attribution;
pub mod finding;
pub mod standard;
pub mod policy;
pub mod snapshot;
pub mod sink;
pub mod engine;
pub mod canary;
pub mod analysis;
pub mod extract;
pub mod mud;
pub mod labels;
pub mod redaction;
#[cfg(feature = "live")]
pub mod recorder;
#[cfg(feature = "live")]
pub mod live;
#[cfg(feature = "live")]
pub mod doctor;
pub mod cli;
