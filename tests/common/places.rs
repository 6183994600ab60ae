//! Where captures lie, and which of them a test takes.

use std::io::Write;
use std::path::{Path, PathBuf};

/// Says that a test did not run; not through `eprintln!`, whose output a passing test swallows.
pub fn skipped(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

/// A file of the repository.
pub fn of_project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The captures that the project made itself.
pub fn bundled() -> Vec<PathBuf> {
    captures_under(&of_project("captures"))
}

/// Those of them that show a device as it is, without those that are about single checks.
pub fn whole_devices() -> Vec<PathBuf> {
    let of_checks = |path: &PathBuf| path.parent().is_some_and(|folder| folder.ends_with("checks"));
    bundled().into_iter().filter(|path| !of_checks(path)).collect()
}

/// The captures of other people, where they are laid beside the project.
pub fn shared() -> Option<PathBuf> {
    let root = of_project("../shared/captures");
    if root.is_dir() {
        return Some(root);
    }
    skipped("no ../shared");
    None
}

/// All capture files under a folder, by path. Expected answers lie between them.
pub fn captures_under(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    visit(root, &mut |path| {
        let name = path.to_string_lossy();
        if [".pcap", ".pcapng", ".cap", ".gz"].iter().any(|end| name.ends_with(end)) {
            found.push(path.to_owned());
        }
    });
    found.sort();
    assert!(!found.is_empty(), "no captures under {}", root.display());
    found
}

/// Every file under a folder.
pub fn visit(folder: &Path, take: &mut dyn FnMut(&Path)) {
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            visit(&path, take);
        } else {
            take(&path);
        }
    }
}

/// At most `count` items, evenly spread; all of them where `PHONEHOME_ALL=1` asks for that.
pub fn spread<T>(items: Vec<T>, count: usize) -> Vec<T> {
    if items.len() <= count || std::env::var_os("PHONEHOME_ALL").is_some_and(|value| value == "1") {
        return items;
    }
    let all = items.len();
    let chosen = |index: &usize| (index * count) % all < count;
    items.into_iter().enumerate().filter(|(index, _)| chosen(index)).map(|(_, item)| item).collect()
}

/// A path for complaints: what comes after the folder that holds all captures.
pub fn short(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.rsplit_once("/captures/").map_or(text.to_string(), |(_, rest)| rest.to_owned())
}
