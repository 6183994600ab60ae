//! A screen of 1 000 devices and 100 000 contacts: what a drawing costs, and what a new snapshot
//! and a filter cost before it.

#[path = "large.rs"]
mod large;

use criterion::{Criterion, criterion_group, criterion_main};
use phonehome::base::time::Timestamp;
use phonehome::sink::tui::{Options, State, Status, Still, Update};
use phonehome::snapshot::{Numbers, Snapshot};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;

fn update(snapshot: &Arc<Snapshot>) -> Update {
    Update {
        snapshot: snapshot.clone(),
        numbers: Arc::new(Numbers::of(snapshot)),
        flows: Arc::default(),
        status: Arc::new(Status {
            state: State::Ended,
            inputs: vec!["bench".to_owned()],
            recording: None,
            now: Timestamp(1_000_000_000_000),
            packets: 1,
            bytes: 1,
            drops: [0; 3],
            lag_bytes: 0,
            disk_free: None,
            phase: None,
            marks: Vec::new(),
            gaps: Vec::new(),
            protections: Vec::new(),
            warnings: Vec::new(),
            ask: None,
        }),
    }
}

fn screen(criterion: &mut Criterion) {
    let snapshot = Arc::new(large::snapshot());
    let options = Options {
        paths: Vec::new(),
        here: None,
        colour: true,
        light: false,
        ascii: false,
        folder: PathBuf::from("."),
    };
    let mut buffer = Buffer::empty(Rect::new(0, 0, 250, 60));
    let mut still = Still::new(options);
    still.take(update(&snapshot));
    let views = ["overview", "map", "devices", "destinations", "contacts", "timeline"];
    for (key, view) in ["1", "2", "3", "4", "5", "8"].into_iter().zip(views) {
        still.press(key);
        criterion.bench_function(&format!("draw {view} 250x60"), |bench| {
            bench.iter(|| still.draw(black_box(&mut buffer)));
        });
    }
    still.press("5");
    criterion.bench_function("new snapshot and draw contacts", |bench| {
        bench.iter(|| {
            still.take(update(&snapshot));
            still.draw(black_box(&mut buffer));
        });
    });
    let same = update(&snapshot);
    still.take(same.clone());
    criterion.bench_function("the same snapshot, and draw contacts", |bench| {
        bench.iter(|| {
            still.take(same.clone());
            still.draw(black_box(&mut buffer));
        });
    });
    // One in a hundred contacts has new bytes, as between two light looks.
    let mut numbers = Numbers::of(&snapshot);
    let mut round = 0;
    still.take(same.clone());
    criterion.bench_function("new numbers, and draw contacts", |bench| {
        bench.iter(|| {
            round += 1;
            for at in (round % 100..numbers.contacts.len()).step_by(100) {
                if let Some(now) = numbers.contacts.get_mut(at) {
                    now.traffic.wire_bytes[0] += 1500;
                }
            }
            still.take(Update { numbers: Arc::new(numbers.clone()), ..same.clone() });
            still.draw(black_box(&mut buffer));
        });
    });
    still.press("fhost77 out>1k\n");
    criterion.bench_function("new snapshot, filter and draw contacts", |bench| {
        bench.iter(|| {
            still.take(update(&snapshot));
            still.draw(black_box(&mut buffer));
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = screen
}
criterion_main!(benches);
