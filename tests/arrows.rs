//! Who may import whom: a module only modules that stand above it in `src/lib.rs`.

use std::fs;
use std::path::{Path, PathBuf};

/// Modules that join the stages and so see everything.
const JOINERS: [&str; 11] = [
    "engine",
    "canary",
    "analysis",
    "extract",
    "mud",
    "labels",
    "redaction",
    "recorder",
    "live",
    "doctor",
    "cli",
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Top-level modules in the order of `src/lib.rs`.
fn order() -> Vec<String> {
    let text = fs::read_to_string(root().join("lib.rs")).unwrap();
    let modules = text.lines().filter_map(|line| line.strip_prefix("pub mod "));
    modules.map(|name| name.trim_end_matches(';').to_owned()).collect()
}

/// First path segments behind `crate::`, also within braces.
fn imports(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        // `$crate::` in macros of others is not ours.
        let rest = &text[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let list = list.split("};").next().unwrap();
            let mut depth = 0;
            let mut name = String::new();
            for character in list.chars() {
                match character {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 0 => found.push(std::mem::take(&mut name)),
                    _ if depth == 0 => name.push(character),
                    _ => {}
                }
            }
            found.push(name);
        } else {
            found.push(rest.to_owned());
        }
    }
    let segment = |path: &String| {
        let path = path.trim_start();
        path.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap().to_owned()
    };
    found.iter().map(segment).filter(|name| !name.is_empty()).collect()
}

#[test]
fn no_module_imports_one_that_stands_below_it() {
    let order = order();
    assert!(order.len() >= 10, "{order:?}");
    let place = |name: &str| order.iter().position(|module| module == name);
    let mut checked = 0;
    for path in sources(&root()) {
        let inside = path.strip_prefix(root()).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
        let module = first.trim_end_matches(".rs");
        let Some(own) = place(module).filter(|_| !JOINERS.contains(&module)) else { continue };
        for import in imports(&fs::read_to_string(&path).unwrap()) {
            let other =
                place(&import).unwrap_or_else(|| panic!("{}: crate::{import}", path.display()));
            assert!(other <= own, "{} imports crate::{import}", path.display());
            checked += 1;
        }
    }
    assert!(checked > 100, "only {checked} imports were found");
}

#[test]
fn sinks_and_dissectors_do_not_know_each_other() {
    for (folder, shared) in [
        ("sink", &["compare", "flows", "html", "messages", "report", "signatures", "tui"][..]),
        ("protocol", &["syntax", "testing", "port", "sessions"][..]),
        (
            "finding",
            &[
                "attributed",
                "boot",
                "certificate",
                "filter",
                "firmware",
                "offered",
                "placed",
                "told",
                "words",
            ][..],
        ),
    ] {
        let files = sources(&root().join(folder));
        let names: Vec<&str> =
            files.iter().map(|path| path.file_stem().unwrap().to_str().unwrap()).collect();
        for path in &files {
            let own = path.strip_prefix(root().join(folder)).unwrap();
            let own = own.components().next().unwrap().as_os_str().to_str().unwrap();
            let own = own.trim_end_matches(".rs");
            if own == "mod" || shared.contains(&own) {
                continue;
            }
            let text = fs::read_to_string(path).unwrap();
            for name in names.iter().filter(|name| **name != own && !shared.contains(name)) {
                for import in [format!("super::{name}::"), format!("{folder}::{name}::")] {
                    assert!(!text.contains(&import), "{} uses {import}", path.display());
                }
            }
        }
    }
}

#[test]
fn no_unsafe_code() {
    for path in sources(&root()) {
        let text = fs::read_to_string(&path).unwrap();
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        for line in code {
            assert!(!line.contains("unsafe ") || line.contains("deny("), "{}", path.display());
        }
    }
}
