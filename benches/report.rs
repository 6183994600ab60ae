//! A report of 1 000 devices and 100 000 contacts: it takes less than 2 s and 10 MiB.
//! `PHONEHOME_PAGE=FILE` keeps the page, to look at it.

#[path = "large.rs"]
mod large;

use criterion::{Criterion, criterion_group, criterion_main};
use phonehome::sink::report;
use std::hint::black_box;
use std::time::{Duration, Instant};

const TIME_MAX: Duration = Duration::from_secs(2);
const BYTES_MAX: usize = 10 * 1024 * 1024;

fn page(criterion: &mut Criterion) {
    let snapshot = large::snapshot();
    // The fastest of three: what else the machine does is not the report's doing.
    let timed = || {
        let begun = Instant::now();
        let page = report::page(&snapshot);
        (begun.elapsed(), page)
    };
    let (spent, page) = [timed(), timed(), timed()].into_iter().min().expect("three");
    let bytes = page.len();
    println!("report of 1 000 devices and 100 000 contacts: {bytes} bytes in {spent:.2?}");
    if let Some(path) = std::env::var_os("PHONEHOME_PAGE") {
        std::fs::write(path, &page).expect("the page can be written");
    }
    assert!(bytes <= BYTES_MAX, "{bytes} bytes");
    assert!(cfg!(debug_assertions) || spent <= TIME_MAX, "{spent:?}");
    criterion.bench_function("report of 1000 devices", |bench| {
        bench.iter(|| report::page(black_box(&snapshot)));
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10);
    targets = page
}
criterion_main!(benches);
