//! `phonehome watch` and `phonehome browse`: flags to a screen and a replay.

use super::following::Following;
use super::knowledge::Knowledge;
use super::replay::Replay;
use super::{Failure, input};
use crate::case::layout;
use crate::labels::Labels;
use crate::sink::tui::{self, Options};
use anyhow::{Context, bail};
use clap::Args;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub struct Watch {
    /// Capture files (pcap or pcapng, plain, gzip or zstd); several are read as one, in the order
    /// of capture time. Or, with --interface, nothing: then what comes in is recorded and shown
    #[cfg_attr(
        feature = "live",
        arg(required_unless_present = "interface", conflicts_with = "interface")
    )]
    #[cfg_attr(not(feature = "live"), arg(required = true))]
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,
    #[cfg(feature = "live")]
    #[command(flatten)]
    recording: super::capture::Recording,
    /// Packet time over clock time, or `max`. Pauses of more than three seconds are cut short
    #[arg(long, value_name = "N|max", default_value = "1", value_parser = parse_speed)]
    speed: f64,
    #[command(flatten)]
    following: Following,
    #[command(flatten)]
    screen: ScreenArgs,
    #[command(flatten)]
    knowledge: Knowledge,
}

#[derive(Debug, Args)]
pub struct Browse {
    /// A capture file, the folder of a recording, or a folder of captures
    #[arg(value_name = "PATH")]
    path: PathBuf,
    #[command(flatten)]
    following: Following,
    #[command(flatten)]
    screen: ScreenArgs,
    #[command(flatten)]
    knowledge: Knowledge,
}

/// What the terminal can show.
#[derive(Debug, Args)]
pub struct ScreenArgs {
    /// ASCII only; otherwise as the locale says
    #[arg(long)]
    ascii: bool,
    /// Colours for a light background
    #[arg(long)]
    light: bool,
}

impl ScreenArgs {
    /// With what the environment says of the terminal.
    ///
    /// # Errors
    /// When there is no terminal.
    pub fn options(&self, paths: Vec<PathBuf>, here: Option<String>) -> anyhow::Result<Options> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            bail!("the screen needs a terminal; `phonehome analyze` writes to files and pipes");
        }
        let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(set).unwrap_or_default();
        let locale = locale.to_ascii_lowercase().replace('-', "");
        let dumb = set("TERM").is_some_and(|term| matches!(term.as_str(), "dumb" | "vt100"));
        // What rxvt, konsole and others set: text colour; ground, of the first sixteen.
        let ground = set("COLORFGBG").and_then(|text| text.rsplit(';').next()?.parse::<u8>().ok());
        Ok(Options {
            paths,
            here,
            colour: set("NO_COLOR").is_none() && !dumb,
            light: self.light || ground.is_some_and(|ground| matches!(ground, 7 | 15)),
            ascii: self.ascii || !locale.contains("utf8"),
            folder: PathBuf::from("."),
        })
    }
}

fn parse_speed(text: &str) -> Result<f64, String> {
    if text == "max" {
        return Ok(f64::INFINITY);
    }
    let speed = text.trim_start_matches('x').parse::<f64>().ok();
    speed
        .filter(|speed| speed.is_finite() && (0.001..=1e6).contains(speed))
        .ok_or_else(|| format!("{text:?} is neither `max` nor a number from 0.001 to 1000000"))
}

/// Replays files.
pub fn watch(args: &Watch) -> Result<u8, Failure> {
    #[cfg(feature = "live")]
    if !args.recording.interface.is_empty() {
        let Watch { recording, following, screen, knowledge, .. } = args;
        return super::live_screen::run(recording, following, screen, knowledge);
    }
    show(&args.files, Labels::default(), args.speed, &args.following, &args.screen, &args.knowledge)
}

/// Shows a finished capture: a replay as fast as it goes.
pub fn browse(args: &Browse) -> Result<u8, Failure> {
    let files = captures(&args.path)?;
    let labels = Labels::of_case(&args.path);
    show(&files, labels, f64::INFINITY, &args.following, &args.screen, &args.knowledge)
}

/// The capture files that a path stands for.
fn captures(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let path = &layout::parts(path);
    let folder = if layout::is_recording(path) { layout::segments(path) } else { path.to_owned() };
    let is_capture = |path: &PathBuf| {
        let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase());
        let name = name.unwrap_or_default();
        let name = name.trim_end_matches(".gz").trim_end_matches(".zst");
        path.is_file()
            && [".pcap", ".pcapng", ".cap", ".capture"].iter().any(|end| name.ends_with(end))
    };
    let entries = std::fs::read_dir(&folder).with_context(|| folder.display().to_string())?;
    let mut files: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_capture).collect();
    files.sort();
    if files.is_empty() {
        bail!("{}: no capture file is in this folder", folder.display());
    }
    Ok(files)
}

fn show(
    files: &[PathBuf],
    labels: Labels,
    speed: f64,
    following: &Following,
    screen: &ScreenArgs,
    knowledge: &Knowledge,
) -> Result<u8, Failure> {
    let options = screen.options(files.to_vec(), following.shown.here.clone())?;
    let sources = input::open(files, false)?;
    let known = knowledge.known()?;
    let (analysis, settings) = (following.analysis(&known), following.settings());
    // So few wait that a slow screen slows the replay instead of filling the memory.
    let (tell, updates) = crossbeam_channel::bounded(2);
    let (order, commands) = crossbeam_channel::unbounded();
    #[cfg(feature = "live")]
    super::leave::on_signal({
        let order = order.clone();
        move || drop(order.send(tui::Command::Quit))
    });
    let end = std::thread::scope(|scope| {
        let replay = Replay { analysis, settings, labels, speed, tell, commands };
        let replay = scope.spawn(move || replay.run(sources));
        let screen = tui::run(updates, order, options);
        // The replay ends when nobody listens any more.
        screen.map(|()| replay.join())
    });
    let end = end.context("the terminal cannot be used")?;
    let Ok(end) = end else {
        return Err(anyhow::anyhow!("the analysis failed").into());
    };
    input::complain(&end.endings);
    Ok(end.code)
}
