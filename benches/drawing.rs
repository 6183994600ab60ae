//! What the screen's thread needs from a new snapshot, or new numbers, to the picture: for each list, order,
//! filter and size, with 1 000 devices and 100 000 contacts that the engine itself made out of packets. Prints
//! tables; `docs/live.md` quotes them. Fails where a first picture takes longer than it may.

#[allow(dead_code)]
mod corpus;

use phonehome::analysis::Analysis;
use phonehome::attribution::Signatures;
use phonehome::attribution::geo::Geo;
use phonehome::attribution::record::FlowRecord;
use phonehome::base::time::Timestamp;
use phonehome::canary;
use phonehome::engine::{Engine, Job, Records, Settings};
use phonehome::sink::tui::{Options, Ready, State, Status, Still, Update};
use phonehome::snapshot::{Numbers, Snapshot};
use phonehome::source::{Chunk, Frame};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use rustix::time::{ClockId, clock_gettime};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

const DEVICES: usize = 1_000;
const EACH: usize = 100;
const FLOWS: usize = 10_000;
const ROUNDS: usize = 5;
/// What a first picture may take.
const MOST: Duration = Duration::from_millis(16);

/// Keys, names and numbers of orders of the lists.
const LISTS: [(char, &str, usize); 6] = [
    ('1', "overview", 5),
    ('3', "devices", 5),
    ('4', "destinations", 4),
    ('5', "contacts", 6),
    ('6', "flows", 5),
    ('7', "findings", 3),
];
const OTHERS: [(char, &str); 4] =
    [('2', "map"), ('8', "timeline"), ('9', "numbers"), ('?', "help")];
const FILTERS: [&str; 14] = [
    "",
    "host77 out>1k",
    "nowhere",
    "1.7",
    "443",
    "tls encrypted",
    "-nowhere -nothing -neither",
    "dest:host77",
    "addr:203.0",
    "net:AS1",
    "country:CN",
    "operator:tuya law:US",
    "sev:high",
    "a e o h x 1 2 3 0",
];
const SIZES: [[u16; 2]; 3] = [[80, 24], [250, 60], [400, 100]];

/// A packet of a device to one of its destinations, all over the internet.
fn frame(device: usize, to: usize, payload: &[u8], flags: u8) -> Vec<u8> {
    let [_, _, high, low] = (device as u32 + 1).to_be_bytes();
    let mut out = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 1, high, low, 8, 0, 0x45, 0];
    out.extend((40 + payload.len() as u16).to_be_bytes());
    out.extend([0, 0, 0, 0, 64, 6, 0, 0]);
    out.extend([10, 0, high, low]);
    out.extend([11 + (to % 89) as u8, (to % 251) as u8, (to >> 8) as u8, to as u8]);
    let port = 20_000 + (to % 40_000) as u16;
    out.extend([port, 443].into_iter().flat_map(u16::to_be_bytes));
    out.extend([0, 0, 0, 1, 0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    out.extend(payload);
    out
}

/// Another packet of each so many flows; of the first round each begins.
fn more(engine: &mut Engine<'_>, one_in: usize, round: usize) {
    let mut chunk = Chunk::default();
    let mut number = 10_000_000 * round as u64;
    for turn in 0..EACH {
        for device in 0..DEVICES {
            if !(turn * 7 + device * 31).is_multiple_of(one_in) {
                continue;
            }
            number += 1;
            let to = turn * DEVICES.div_ceil(10) + device / 10;
            let data = match round {
                0 => frame(device, to, &corpus::tls(to), 0x18),
                _ => frame(device, to, &[], 0x10),
            };
            chunk.push(&Frame {
                number,
                time: Timestamp(1_700_000_000_000_000_000 + number as i64 * 1_000),
                wire_length: data.len() as u32 + (device * to % 1_400) as u32,
                link: 1,
                data: &data,
            });
        }
    }
    let mut job = Job::default();
    job.replace(chunk);
    engine.job(&mut job);
}

fn update(snapshot: &Arc<Snapshot>, numbers: Arc<Numbers>, flows: &Arc<Vec<FlowRecord>>) -> Update {
    Update {
        snapshot: snapshot.clone(),
        numbers,
        flows: flows.clone(),
        status: Arc::new(Status {
            state: State::Ended,
            inputs: vec!["bench".to_owned()],
            recording: None,
            now: Timestamp(1_700_000_001_000_000_000),
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

/// Processor time of this thread: others may work too.
fn spent_so_far() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The middle of some times.
fn middle(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// The screen, and two states of the run that take turns.
struct Bench {
    still: Still,
    states: [Ready; 2],
    buffer: Buffer,
}

impl Bench {
    /// From an update to its picture.
    fn first(&mut self) -> Duration {
        let times = (0..ROUNDS).map(|round| {
            let ready = self.states[round % 2].clone();
            let begun = spent_so_far();
            self.still.take_ready(ready);
            self.still.draw(&mut self.buffer);
            spent_so_far() - begun
        });
        middle(times.collect())
    }

    /// Works out anew what is worked out beside the screen, with the filter that is set.
    fn prepare(&mut self) -> Duration {
        let Bench { still, states, .. } = self;
        let times = states.each_mut().map(|state| {
            let begun = spent_so_far();
            *state = still.ready(state.update().clone(), None);
            spent_so_far() - begun
        });
        times[0].max(times[1])
    }

    /// From keys to their picture.
    fn keys(&mut self, keys: &str) -> Duration {
        let begun = spent_so_far();
        self.still.press(keys);
        self.still.draw(&mut self.buffer);
        spent_so_far() - begun
    }

    fn size(&mut self, [width, height]: [u16; 2]) {
        self.buffer = Buffer::empty(Rect::new(0, 0, width, height));
    }
}

fn spelled(time: Duration) -> String {
    format!("{:6.1}", time.as_secs_f64() * 1e3)
}

fn main() {
    let (signatures, geo) = (Signatures::embedded().expect("signatures"), Geo::embedded());
    let analysis = Analysis::of(&signatures, &geo, canary::run(&signatures, &geo));
    let settings = Settings { flows_max: 1 << 21, ..Settings::default() };
    let mut engine = Engine::new(settings, &geo, None);
    let mut flows = Vec::new();
    let mut states = Vec::new();
    for round in 0..4 {
        more(&mut engine, if round == 0 { 1 } else { 100 }, round);
        let mut first = |record| {
            if flows.len() < FLOWS {
                flows.push(record);
            }
        };
        let records: &mut Records<'_> = &mut first;
        let outcome = engine.peek(Some(records));
        states.push(Arc::new(analysis.snapshot(&outcome, &[])));
    }
    let flows = Arc::new(flows);
    let options = Options {
        paths: Vec::new(),
        here: Some("NL".to_owned()),
        colour: true,
        light: false,
        ascii: false,
        folder: PathBuf::from("."),
    };
    let still = Still::new(options);
    let mut beside = Vec::new();
    let mut states_ready: Vec<Ready> = states
        .iter()
        .map(|made| {
            let update = update(made, Arc::new(Numbers::of(made)), &flows);
            let begun = spent_so_far();
            let ready = still.ready(update, None);
            beside.push(spent_so_far() - begun);
            ready
        })
        .collect();
    // The last two are to be given away.
    let spare = states_ready.split_off(2);
    let [before, after] = [0, 1].map(|at| states_ready[at].clone());
    drop(states_ready);
    println!(
        "{} devices, {} destinations, {} contacts, {} findings, {} flows",
        states[0].devices.len(),
        states[0].destinations.len(),
        states[0].contacts.len(),
        states[0].findings.len(),
        flows.len()
    );
    println!(
        "worked out beside the screen of each snapshot: {} ms",
        spelled(middle(beside)).trim()
    );
    let snapshot = states.swap_remove(0);
    drop(states);
    let mut bench =
        Bench { still, states: [before, after], buffer: Buffer::empty(Rect::new(0, 0, 250, 60)) };
    bench.first();
    let (mut worst, mut asking) = (Duration::ZERO, Duration::ZERO);

    println!("\nfrom a new snapshot to its picture at 250x60, ms, by order");
    println!("{:14} {:7}  no filter, and with each of these:", "", "order");
    for (at, filter) in FILTERS.iter().enumerate().skip(1) {
        println!("{:14} {at:7}  {filter}", "");
    }
    for (key, name, sorts) in LISTS {
        for sort in 0..sorts {
            bench.still.press(&key.to_string());
            let mut line = Vec::new();
            for filter in FILTERS {
                bench.still.press(&format!("\u{1b}f{filter}\n"));
                asking = asking.max(bench.prepare());
                let time = bench.first();
                worst = worst.max(time);
                line.push(spelled(time));
            }
            println!("{name:14} {sort:7} {}", line.join(" "));
            bench.still.press("\u{1b}s");
        }
    }

    println!("worked out beside the screen, at most: {} ms", spelled(asking).trim());

    println!("\nlikewise by size, without a filter");
    for (key, name) in LISTS.map(|(key, name, _)| (key, name)).into_iter().chain(OTHERS) {
        bench.still.press(&key.to_string());
        let line = SIZES.map(|size| {
            bench.size(size);
            let time = bench.first();
            worst = worst.max(time);
            format!("{}x{} {}", size[0], size[1], spelled(time))
        });
        println!("{name:14} {}", line.join("   "));
    }
    bench.size([250, 60]);

    println!("\nwith a row selected that is elsewhere in the new order; on its page");
    for (key, name, _) in LISTS {
        bench.still.press(&format!("{key}{}", "j".repeat(40)));
        let selected = bench.first();
        bench.still.press("\n");
        let page = bench.first();
        bench.still.press("\u{1b}\u{1b}");
        worst = worst.max(selected).max(page);
        println!("{name:14} {} {}", spelled(selected), spelled(page));
    }

    println!("\nfrom new numbers to the picture: no filter, with 'host77 out>1k', with 'nowhere'");
    for (key, name, _) in LISTS {
        bench.still.press(&key.to_string());
        let line = ["", "host77 out>1k", "nowhere"].map(|filter| {
            bench.still.press(&format!("\u{1b}f{filter}\n"));
            let snapshots = bench.states.clone();
            let numbers = Arc::new(Numbers::of(&snapshot));
            let update = update(&snapshot, numbers, &flows);
            bench.states[1] = bench.still.ready(update, Some(&snapshots[0]));
            bench.first();
            let time = bench.first();
            bench.states = snapshots;
            worst = worst.max(time);
            spelled(time)
        });
        bench.still.press("\u{1b}");
        println!("{name:14} {}", line.join(" "));
    }

    println!("\nfrom a key to the picture: a filter is set, something is not found, sorted anew");
    for (key, name, _) in LISTS {
        bench.still.press(&key.to_string());
        let mut line = Vec::new();
        for keys in ["fnowhere 1.7\n", "\u{1b}", "/nowhere 1.7\n", "n", "s", "r"] {
            line.push(spelled(bench.keys(keys)));
        }
        bench.still.press("\u{1b}");
        println!("{name:14} {}", line.join(" "));
    }

    println!("\na snapshot that nobody else has any more is replaced");
    bench.still.press("5");
    for ready in spare {
        let begun = spent_so_far();
        bench.still.take_ready(ready);
        bench.still.draw(&mut bench.buffer);
        println!("{}", spelled(spent_so_far() - begun));
    }
    let ready = bench.states[0].clone();
    let begun = spent_so_far();
    bench.still.take_ready(ready);
    bench.still.draw(&mut bench.buffer);
    let time = spent_so_far() - begun;
    println!("{}", spelled(time));
    worst = worst.max(time);

    println!("\nthe slowest first picture: {} ms", spelled(worst).trim());
    if worst > MOST {
        eprintln!("that is more than {} ms", MOST.as_millis());
        std::process::exit(1);
    }
}
