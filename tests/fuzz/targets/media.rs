#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

use bodies::conversations;

libfuzzer_sys::fuzz_target!(|data: &[u8]| conversations::run(data, conversations::MEDIA));
