//! Writes the corpora that the race runs on: `cargo bench --bench corpus -- NAME FILE [--scale F]`.
//!
//! The same bytes in every run and on every machine: fixed seeds, integer arithmetic, no clock.
//! Frames are written as they are made, so memory does not grow with the corpus.

mod address;
mod flood;
mod frame;
mod iot;
mod many_flows;
mod pcap;
mod random;
mod small;
mod tls;
mod video;

use pcap::Pcap;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// What the race must know of a corpus beside its bytes.
pub struct About {
    /// Different five-tuples.
    pub flows: u64,
    /// Most flows alive at one time, where the corpus is made for that question.
    pub live: Option<u64>,
}

type Corpus = fn(&mut Pcap, f64) -> io::Result<About>;

const CORPORA: &[(&str, Corpus)] = &[
    ("iot-mix", iot::write),
    ("small", small::write),
    ("many-flows", many_flows::write),
    ("video", video::write),
    ("flood", flood::write),
];

struct Wish {
    corpus: Corpus,
    file: PathBuf,
    scale: f64,
}

fn wish(arguments: impl Iterator<Item = String>) -> Option<Wish> {
    // Cargo itself adds --bench.
    let mut arguments = arguments.filter(|argument| argument != "--bench");
    let name = arguments.next()?;
    let (_, corpus) = CORPORA.iter().find(|(known, _)| *known == name)?;
    let file = arguments.next()?.into();
    let scale = match arguments.next().as_deref() {
        Some("--scale") => arguments.next()?.parse().ok()?,
        Some(_) => return None,
        None => 1.0,
    };
    (arguments.next().is_none() && scale > 0.0).then_some(Wish { corpus: *corpus, file, scale })
}

fn run(wish: &Wish) -> io::Result<()> {
    // Under another name until it is whole, so that a run cut short is not taken for a corpus.
    let mut unfinished = wish.file.clone().into_os_string();
    unfinished.push(".part");
    let mut out = Pcap::create(unfinished.as_ref())?;
    let about = (wish.corpus)(&mut out, wish.scale)?;
    let (packets, bytes) = out.finish()?;
    std::fs::rename(&unfinished, &wish.file)?;
    let live = about.live.map_or("-".to_owned(), |live| live.to_string());
    println!("packets {packets} bytes {bytes} flows {} live {live}", about.flows);
    Ok(())
}

fn main() -> ExitCode {
    let Some(wish) = wish(std::env::args().skip(1)) else {
        let names: Vec<&str> = CORPORA.iter().map(|(name, _)| *name).collect();
        eprintln!("usage: corpus {} FILE [--scale F]", names.join("|"));
        return ExitCode::from(2);
    };
    if let Err(error) = run(&wish) {
        eprintln!("corpus: {}: {error}", wish.file.display());
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
