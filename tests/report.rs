//! The report as people open it: in a browser, from disk, at several widths, and on paper; and what
//! the commands that make it promise.

mod common;

#[cfg(unix)]
use common::browser::Browser;
use common::places::of_project;
#[cfg(unix)]
use common::places::skipped;
use common::program::{command, phonehome};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// A report of a bundled capture; what is asked for besides.
fn report(folder: &Path, more: &[&str]) -> PathBuf {
    let page = folder.join("camera.html");
    let capture = of_project("captures/camera.pcapng");
    let mut args = vec!["report", capture.to_str().unwrap(), "-o", page.to_str().unwrap()];
    args.extend(more);
    let outcome = phonehome(&args);
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    page
}

const ALL: &[&str] = &["--map", "--here", "NL", "--tz", "Europe/Amsterdam"];

#[test]
fn the_same_bytes_whatever_the_threads() {
    let folder = tempfile::tempdir().unwrap();
    let read = |threads: &str| {
        let mut more = ALL.to_vec();
        more.extend(["--threads", threads]);
        std::fs::read(report(folder.path(), &more)).unwrap()
    };
    let once = read("1");
    assert!(once.len() < 1 << 20);
    assert!(once == read("1"), "a second run gives other bytes");
    assert!(once == read("2") && once == read("5"), "threads change the page");
}

#[test]
fn wrong_zones_and_missing_outputs_are_refused() {
    let capture = of_project("captures/camera.pcapng");
    let capture = capture.to_str().unwrap();
    let outcome = phonehome(&["report", capture, "-o", "x.html", "--tz", "Mars/Olympus"]);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("Mars/Olympus"), "{}", outcome.stderr);
    assert_eq!(phonehome(&["report", capture]).code, Some(2));
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("x.html");
    let args = ["report", capture, "-o", page.to_str().unwrap(), "--fail-on", "high"];
    assert_eq!(phonehome(&args).code, Some(1), "the camera has a finding of high severity");
    let nowhere = phonehome(&["report", capture, "-o", "/nonexistent/x.html"]);
    assert_eq!(nowhere.code, Some(2));
    assert!(nowhere.stderr.contains("/nonexistent/x.html"), "{}", nowhere.stderr);
}

#[test]
fn without_chromium_pdf_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let capture = of_project("captures/camera.pcapng");
    let pdf = folder.path().join("x.pdf");
    let mut command =
        command(&["report", capture.to_str().unwrap(), "--pdf", pdf.to_str().unwrap()]);
    let output = command.env("PATH", folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("Chromium") && said.contains("-o"), "{said}");
}

#[test]
fn a_comparison_with_itself_is_empty() {
    let capture = of_project("captures/camera.pcapng");
    let capture = capture.to_str().unwrap();
    let same = phonehome(&["compare", capture, capture, "--fail-on-difference"]);
    assert_eq!(same.code, Some(0), "{}", same.stderr);
    assert!(same.text().contains("No difference."), "{}", same.text());
    let other = of_project("captures/sensor.pcapng");
    let json = phonehome(&["compare", capture, other.to_str().unwrap(), "--json"]).json();
    assert_eq!(json["schema"], "phonehome.comparison/1");
    let whats = |list: &str| -> Vec<String> {
        let items = json["pairs"][0][list].as_array().unwrap();
        items.iter().map(|item| item["what"].as_str().unwrap().to_owned()).collect()
    };
    assert!(whats("gone").iter().any(|what| what == "exempla-vision.example"));
    assert!(whats("new").iter().any(|what| what == "placeholder-air.example"));
    let args = ["compare", capture, other.to_str().unwrap(), "--fail-on-difference"];
    assert_eq!(phonehome(&args).code, Some(1));
    let args = ["compare", capture, "--phase", "idle", "--against", "motion"];
    let none = phonehome(&args);
    assert_eq!(none.code, Some(2));
    assert!(none.stderr.contains("has no phase"), "{}", none.stderr);
}

/// The bundled capture with phases in it, as the recorder notes them: comments of interface
/// statistics, before these packets.
fn with_phases(notes: &[(usize, &str)]) -> Vec<u8> {
    let bytes = std::fs::read(of_project("captures/camera.pcapng")).unwrap();
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
    let (mut out, mut at, mut packets) = (Vec::new(), 0, 0);
    while at < bytes.len() {
        let (kind, length) = (number(at), number(at + 4) as usize);
        if kind == 6 {
            for (_, text) in notes.iter().filter(|(before, _)| *before == packets) {
                let mut body = vec![0; 12];
                body.extend_from_slice(&1u16.to_le_bytes());
                body.extend_from_slice(&(text.len() as u16).to_le_bytes());
                body.extend_from_slice(text.as_bytes());
                body.resize(body.len().next_multiple_of(4) + 4, 0);
                let whole = (body.len() as u32 + 12).to_le_bytes();
                out.extend([5u32.to_le_bytes(), whole].concat());
                out.extend(body);
                out.extend(whole);
            }
            packets += 1;
        }
        out.extend_from_slice(&bytes[at..at + length]);
        at += length;
    }
    out
}

#[test]
fn phases_are_told_apart_and_add_up() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("phases.pcapng");
    let notes = [
        (0, "2026-11-24T11:38:30.000000000Z phase: idle"),
        (150, "2026-11-24T11:38:44.000000000Z phase: motion"),
        (300, "2026-11-24T11:38:52.000000000Z phase: idle"),
        (310, "2026-11-24T11:38:53.000000000Z mark: <b>lens covered</b>"),
    ];
    std::fs::write(&capture, with_phases(&notes)).unwrap();
    let file = capture.to_str().unwrap();
    let args = ["compare", file, "--phase", "idle", "--against", "motion", "--json"];
    let run = |threads: &str| phonehome(&[&args[..], &["--threads", threads]].concat());
    let outcome = run("1");
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(outcome.stdout == run("3").stdout, "threads change the comparison");
    let json = outcome.json();
    assert_eq!(json["sides"][0]["runs"].as_array().unwrap().len(), 2, "idle came twice");
    assert_eq!(json["sides"][1]["runs"][0]["frames"], 150);
    let differs = |list: &str, kind: &str, what: &str| {
        let items = json["pairs"][0][list].as_array().unwrap().iter();
        items
            .filter(|item| item["kind"] == kind)
            .any(|item| item["what"].as_str().unwrap().starts_with(what))
    };
    // Frame 85, in the first phase, holds the secret; RTSP began in the second.
    assert!(differs("gone", "finding", "cred.cleartext: "), "{json:#}");
    let rtsp = |list| differs(list, "protocol", "rtsp tcp/");
    assert!(rtsp("new") || rtsp("changed") || rtsp("gone"), "{json:#}");
    // What programs get of it: the same payload by phase as in the timeline.
    let timeline = &phonehome(&["analyze", file, "--json", "--no-hash"]).json()["timeline"];
    let sent = |rows: &Value| -> u64 {
        rows.as_array().unwrap().iter().map(|row| row[0].as_u64().unwrap()).sum()
    };
    let by_phase: Vec<Value> =
        timeline["phases"].as_array().unwrap().iter().map(|row| row["bytes"].clone()).collect();
    assert_eq!(sent(&timeline["all"]), sent(&Value::Array(by_phase)));
    assert!(sent(&timeline["all"]) > 50_000);
    // With itself nothing differs; the mark is in the report, as text.
    let args = ["compare", file, "--phase", "idle", "--against", "idle", "--fail-on-difference"];
    assert_eq!(phonehome(&args).code, Some(0));
    let page = folder.path().join("phases.html");
    phonehome(&["report", file, "-o", page.to_str().unwrap()]);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("class=\"phase"), "phases are drawn");
    assert!(page.contains("&lt;b&gt;lens covered") && !page.contains("<b>lens"));
}

/// One finding in one phase says so, one in several says none; each clause that a finding bears on
/// names the finding in turn.
#[test]
fn findings_say_their_phase_and_the_clauses_they_bear_on() {
    let folder = tempfile::tempdir().unwrap();
    let capture = folder.path().join("phases.pcapng");
    let notes = [
        (0, "2026-11-24T11:38:30.000000000Z phase: idle"),
        (150, "2026-11-24T11:38:44.000000000Z phase: motion"),
        (300, "2026-11-24T11:38:52.000000000Z phase: idle"),
    ];
    std::fs::write(&capture, with_phases(&notes)).unwrap();
    let file = capture.to_str().unwrap();
    let json = phonehome(&["analyze", "--json", file]).json();
    let mut seen = std::collections::BTreeSet::new();
    for finding in json["findings"].as_array().unwrap() {
        let refs = finding["refs"].as_array().unwrap();
        let motion = |frame: u64| (151..=300).contains(&frame);
        let in_motion = refs.iter().filter(|one| motion(one["frame"].as_u64().unwrap())).count();
        let phase = match in_motion {
            0 => Some("idle"),
            all if all == refs.len() => Some("motion"),
            _ => None,
        };
        // More frames may decide it than are named.
        if refs.len() < 64 {
            assert_eq!(finding["phase"].as_str(), phase, "{finding}");
            seen.insert(phase);
        }
        for bearing in finding["clauses"].as_array().unwrap() {
            let clauses = json["clauses"].as_array().unwrap().iter();
            let device = &finding["subject"]["device"];
            let named = clauses
                .filter(|one| ["standard", "clause"].iter().all(|key| one[key] == bearing[key]))
                .flat_map(|one| one["devices"].as_array().unwrap())
                .filter(|one| one["device"] == *device && one["verdict"] == bearing["verdict"])
                .flat_map(|one| one["findings"].as_array().unwrap())
                .filter(|key| **key == finding["key"]);
            assert_eq!(named.count(), 1, "{bearing} of {finding}");
        }
    }
    assert!(seen.contains(&Some("idle")) && seen.len() > 1, "{seen:?}");
    let of = |id: &str| json["findings"].as_array().unwrap().iter().find(|one| one["id"] == id);
    let clauses = of("cred.cleartext").unwrap()["clauses"].to_string();
    let refuted = r#"{"clause":"5.5-6","standard":"en303645","verdict":"refuted"}"#;
    assert!(clauses.contains(refuted), "{clauses}");
    let page = folder.path().join("page.html");
    phonehome(&["report", file, "-o", page.to_str().unwrap()]);
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("ETSI EN 303 645: 5.1-3 refuted"), "the report has the clauses");
}

#[cfg(unix)]
#[test]
fn a_browser_opens_it_from_disk_and_nothing_leaves() {
    let Some(mut browser) = Browser::start() else { return };
    let folder = tempfile::tempdir().unwrap();
    let page = report(folder.path(), ALL);
    let comparison = folder.path().join("compare.html");
    let [a, b] = ["camera.pcapng", "sensor.pcapng"].map(|n| of_project("captures").join(n));
    let args = [a.to_str().unwrap(), b.to_str().unwrap()];
    let file = comparison.to_str().unwrap();
    phonehome(&["compare", args[0], args[1], "--report", file]);
    let axe = axe();
    for page in [&page, &comparison] {
        for (width, scheme) in [(360, "light"), (360, "dark"), (1280, "light"), (1280, "dark")] {
            browser.open(page, width, scheme);
            let (asked, said) = browser.asked_and_said();
            assert_eq!(asked.len(), 1, "it loads itself and nothing else: {asked:?}");
            assert!(asked[0].contains("file://"), "{asked:?}");
            assert_eq!(said, Vec::<String>::new());
            assert_eq!(browser.ask("document.scripts.length"), 0);
            let wide = browser.ask("document.documentElement.scrollWidth").as_u64().unwrap();
            assert!(wide <= u64::from(width), "{wide} wide at {width}: the page goes sideways");
            // Whose and where a destination is has a line of its own on a phone, and no torn words.
            let narrow = "Math.min(1e4, ...[...document.querySelectorAll('.cards td[data-label]')]\
                .map(cell => cell.offsetWidth))";
            let narrow = browser.ask(narrow).as_u64().unwrap();
            assert!(narrow >= if width < 600 { 300 } else { 100 }, "{narrow} at {width}");
            if let Some(axe) = &axe {
                browser.ask(&format!("{axe};0"));
                let found = browser.ask(
                    "axe.run().then(r => r.violations.map(v => v.id + ': ' + \
                     v.nodes.slice(0, 3).map(n => n.html.slice(0, 160)).join(' | ')).join('\\n'))",
                );
                assert_eq!(found, "", "axe-core at {width}, {scheme}, {}", page.display());
            }
        }
        let printed =
            browser.call("Page.printToPDF", serde_json::json!({ "preferCSSPageSize": true }));
        assert!(printed["data"].as_str().unwrap().len() > 20_000, "it prints");
        let (asked, said) = browser.asked_and_said();
        assert!(
            asked.len() == 1 && said.is_empty(),
            "printing asks for nothing: {asked:?} {said:?}"
        );
    }
}

/// The source of axe-core, where the npm package lies: `PHONEHOME_AXE` is the path of `axe.min.js`.
#[cfg(unix)]
fn axe() -> Option<String> {
    let told = std::env::var_os("PHONEHOME_AXE").map(PathBuf::from);
    let path = told.unwrap_or_else(|| of_project("node_modules/axe-core/axe.min.js"));
    let source = std::fs::read_to_string(path).ok();
    if source.is_none() {
        skipped("no axe-core: npm install axe-core, or PHONEHOME_AXE=…/axe.min.js");
    }
    source
}

#[cfg(unix)]
#[test]
fn chromium_prints_it_to_a_pdf() {
    if Browser::start().is_none() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let pdf = folder.path().join("camera.pdf");
    report(folder.path(), &["--pdf", pdf.to_str().unwrap()]);
    let bytes = std::fs::read(&pdf).unwrap();
    assert!(bytes.starts_with(b"%PDF-") && bytes.len() > 20_000);
    assert!(
        bytes.windows(20).any(|window| window == b"ModDate (D:202611241"),
        "of the last packet"
    );
    report(folder.path(), &["--pdf", pdf.to_str().unwrap()]);
    assert!(bytes == std::fs::read(&pdf).unwrap(), "the same page gives the same bytes");
}
