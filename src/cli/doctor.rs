//! `phonehome doctor`.

use super::Failure;
use super::argument::parse_key;
use super::capture::{Recording, segments};
use super::knowledge::Knowledge;
use crate::attribution::ledger::DeviceKey;
use crate::attribution::world::{Choice, device_id};
use crate::base::time::{SECOND, Timestamp};
use crate::case::clock::Clocks;
use crate::doctor::{Advice, Health, sight, surroundings};
use crate::engine;
use crate::labels::Labels;
use crate::live::{Follower, Recorder};
use crate::recorder::{Order, Report, Target};
use crate::source::Finished;
use clap::{Args, Parser};
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// A day that has certainly passed: that of the embedded databases.
const MADE: Timestamp = Timestamp(1_780_272_000 * SECOND);

#[derive(Debug, Args)]
pub struct Doctor {
    /// Interface to look at and to listen on; all the others are only listed
    #[arg(long, short, value_name = "NAME")]
    interface: Option<String>,
    /// The device that must be visible there
    #[arg(long, value_name = "MAC|IP", value_parser = parse_key, requires = "interface")]
    device: Option<DeviceKey>,
    /// How long to listen, seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    seconds: u64,
    /// Where recordings will go
    #[arg(long, value_name = "DIR", default_value = ".")]
    folder: PathBuf,
    #[command(flatten)]
    knowledge: Knowledge,
}

/// Looks, listens, and says what to mend. Exit code 0 where nothing is bad, else 1.
pub fn run(args: &Doctor) -> Result<u8, Failure> {
    let mut worst = Health::Good;
    let mut out = io::stdout();
    write(args, &mut |text, health| {
        worst = worst.max(health);
        Ok(writeln!(out, "{text}")?)
    })?;
    Ok(u8::from(worst == Health::Bad))
}

/// Takes a line and how bad it is.
type Show<'s> = dyn FnMut(&dyn Display, Health) -> anyhow::Result<()> + 's;

fn write(args: &Doctor, show: &mut Show<'_>) -> Result<(), Failure> {
    let advise = |all: Vec<Advice>, show: &mut Show<'_>| {
        all.iter().try_for_each(|advice| show(advice, advice.health))
    };
    show(&"This machine", Health::Good)?;
    advise(surroundings::clock(Clocks::now().wall, MADE), show)?;
    advise(vec![surroundings::disk(&args.folder)], show)?;
    let Some(interface) = &args.interface else {
        show(&"\nInterfaces (choose one with -i)", Health::Good)?;
        let all = crate::source::live::interfaces();
        let all = all.map_err(|error| Failure::unreadable(error.into()))?;
        let up = all.iter().filter(|interface| interface.up);
        // Not being able to use one of many is no fault of the machine.
        for interface in up {
            let advice = surroundings::permission(&interface.name);
            show(&advice, advice.health.min(Health::Poor))?;
        }
        return Ok(());
    };
    let name = crate::base::text::safe(interface.as_bytes());
    show(&format!("\nInterface {name}"), Health::Good)?;
    let permission = surroundings::permission(interface);
    let usable = permission.health == Health::Good;
    advise(vec![permission], show)?;
    advise(surroundings::interface(interface), show)?;
    advise(vec![surroundings::offloads(interface)], show)?;
    if usable {
        show(&format!("\nListening for {} seconds", args.seconds), Health::Good)?;
        advise(listen(args, interface)?, show)?;
    }
    Ok(())
}

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    recording: Recording,
}

fn listen(args: &Doctor, interface: &str) -> Result<Vec<Advice>, Failure> {
    let known = args.knowledge.known()?;
    let defaults = Defaults::parse_from(["phonehome", "--interface", interface]);
    let settings = defaults.recording.settings()?;
    let finished = Finished::default();
    let told = finished.clone();
    let mut recorder = Recorder::start(&settings, move |report| {
        if let Report::End { .. } = report {
            told.set();
        }
    })
    .map_err(Failure::unreadable)?;
    let mut advice: Vec<Advice> = recorder
        .story()
        .protections
        .into_iter()
        .map(|protection| match protection.holds {
            true => Advice::good(format!("recorder: {}", protection.what)),
            false => Advice::of(
                Health::Poor,
                format!("recorder: does not hold here: {}", protection.what),
                "a newer kernel; recording works without it",
            ),
        })
        .collect();
    let follower = Follower {
        analysis: known.analysis(Choice::default(), None, false),
        settings: engine::Settings::default(),
        labels: Labels::default(),
        read: Default::default(),
        is_watched: false,
    };
    let segments = segments(&settings.target, &finished);
    let view = thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_secs(args.seconds));
            drop(recorder.order(&Order::Stop("enough was heard".to_owned())));
            // However the recorder ends, the analysis must.
            while !recorder.has_ended() {
                thread::sleep(Duration::from_millis(20));
            }
            finished.set();
        });
        follower.run(segments, &mut |_| {})
    });
    remove_ring(&settings.target);
    let wanted = args.device.map(device_id);
    advice.extend(sight::judge(&view.snapshot, wanted.as_deref()));
    Ok(advice)
}

/// Removes what was only recorded to be read now.
pub fn remove_ring(target: &Target) {
    if let Target::Ring { folder, .. } = target {
        let folder: &Path = folder;
        drop(std::fs::remove_dir_all(folder));
    }
}
