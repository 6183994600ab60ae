//! Every committed seed of the fuzz targets, through the same functions: what the fuzzer once
//! found stays found, without nightly.

#[path = "fuzz/bodies/mod.rs"]
mod bodies;
mod common;

use common::places;
use std::fs;

fn all(target: &str, run: fn(&[u8])) {
    let folder = places::of_project("tests/fuzz/corpus").join(target);
    let mut seeds = 0;
    places::visit(&folder, &mut |path| {
        // Which seed it was, should it fail.
        println!("{}", path.display());
        run(&fs::read(path).unwrap());
        seeds += 1;
    });
    assert!(seeds > 0, "no seeds for {target}");
}

#[test]
fn readers() {
    all("readers", bodies::readers::run);
}

#[test]
fn decode() {
    all("decode", bodies::decode::run);
}

#[test]
fn fragments() {
    all("fragments", bodies::fragments::run);
}

#[test]
fn reassembly() {
    all("reassembly", bodies::reassembly::run);
}

#[test]
fn engine() {
    all("engine", bodies::engine::run);
}

#[test]
fn names() {
    all("names", |data| bodies::conversations::run(data, bodies::conversations::NAMES));
}

#[test]
fn web() {
    all("web", |data| bodies::conversations::run(data, bodies::conversations::WEB));
}

#[test]
fn crypto() {
    all("crypto", |data| bodies::conversations::run(data, bodies::conversations::CRYPTO));
}

#[test]
fn media() {
    all("media", |data| bodies::conversations::run(data, bodies::conversations::MEDIA));
}

#[test]
fn vendor() {
    all("vendor", |data| bodies::conversations::run(data, bodies::conversations::VENDOR));
}

#[test]
fn city() {
    all("city", |data| bodies::conversations::run(data, bodies::conversations::CITY));
}
