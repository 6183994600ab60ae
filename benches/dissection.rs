//! What dissection costs: the walk that counts flows, and the one that reads payload too but tells
//! nobody, in turns. `cargo bench --bench dissection -- CAPTURE`; prints a table, medians of CPU
//! time and of the ratios of neighbours, which `docs/protocols.md` quotes.

use phonehome::attribution::geo::Geo;
use phonehome::engine::{Depth, Engine, Settings};
use phonehome::source::Sources;
use rustix::time::{ClockId, clock_gettime};
use std::path::PathBuf;

const ROUNDS: usize = 9;

/// Processor time of this process, seconds: others may work too.
fn spent_so_far() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn walk(file: &PathBuf, depth: Depth) -> f64 {
    let geo = Geo::default();
    let mut sources = Sources::open(std::slice::from_ref(file), false).expect("a capture");
    let begun = spent_so_far();
    let settings = Settings { depth, ..Settings::default() };
    let outcome = Engine::new(settings, &geo, None).read(&mut sources, &mut |_| {});
    let spent = spent_so_far() - begun;
    assert!(outcome.sums.flows_created > 0, "no flow in {}", file.display());
    spent
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    // Cargo itself adds --bench.
    let file = std::env::args().skip(1).find(|argument| argument != "--bench");
    let Some(file) = file.map(PathBuf::from) else {
        eprintln!("usage: cargo bench --bench dissection -- CAPTURE");
        std::process::exit(2);
    };
    let (mut flows, mut protocols, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let one = walk(&file, Depth::Flows);
        let other = walk(&file, Depth::Protocols);
        flows.push(one);
        protocols.push(other);
        ratios.push(other / one);
    }
    println!("flows only {:.3} s, with dissection {:.3} s", median(flows), median(protocols));
    println!("ratio {:.2}", median(ratios));
}
