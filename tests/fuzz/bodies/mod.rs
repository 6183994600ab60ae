//! What each fuzz target does with its input, and what must hold. `tests/fuzz_seeds.rs` does the
//! same with every committed seed, so that CI guards them without a fuzzer.

#![allow(dead_code, reason = "every target uses one of them")]

pub mod conversations;
pub mod decode;
pub mod engine;
pub mod fragments;
mod packets;
pub mod readers;
pub mod reassembly;
