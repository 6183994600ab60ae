//! The bundled captures, held against what tshark says of them and what people decided about
//! them (`captures/*.expected.json`).

mod common;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use common::program::phonehome;
use common::{none, places, truth};
use phonehome::finding::CHECKS;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use truth::{number, rows, text, texts};

/// One capture with all that the program says of it.
struct Case {
    name: String,
    path: PathBuf,
    truth: Value,
    snapshot: Value,
    flows: Vec<Value>,
}

/// All cases; the program runs once for all tests.
fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(run)
}

fn run() -> Vec<Case> {
    let mut cases = Vec::new();
    places::visit(&places::of_project("captures"), &mut |path| {
        let Some(name) = path.to_str().and_then(|path| path.strip_suffix(".expected.json")) else {
            return;
        };
        let truth = truth::read(path);
        let capture = path.with_file_name(text(&truth["file"]));
        let options = texts(truth["facts"].get("options").unwrap_or(&Value::Array(Vec::new())));
        let mut arguments = vec!["analyze".as_ref(), capture.as_os_str(), "--json".as_ref()];
        arguments.extend(options.iter().map(std::ffi::OsStr::new));
        let analysis = phonehome(&arguments);
        assert_eq!(analysis.code, Some(0), "{}", analysis.stderr);
        let flows = phonehome(&["flows".as_ref(), capture.as_os_str()]);
        assert_eq!(flows.code, Some(0), "{}", flows.stderr);
        let lines = flows.text().lines();
        cases.push(Case {
            name: Path::new(name).file_name().unwrap().to_string_lossy().into_owned(),
            path: capture,
            snapshot: analysis.json(),
            flows: lines.map(|line| serde_json::from_str(line).unwrap()).collect(),
            truth,
        });
    });
    assert_eq!(cases.len(), 12, "captures/README.md names twelve");
    cases
}

/// Runs `check` on every case and fails with everything that was said.
fn every_case(check: impl Fn(&Case, &mut dyn FnMut(String))) {
    let mut complaints = Vec::new();
    for case in cases() {
        check(case, &mut |said| complaints.push(format!("{}: {said}", case.name)));
    }
    none(&complaints);
}

fn compare<T: PartialEq + std::fmt::Debug>(
    what: &str,
    ours: T,
    truth: T,
    say: &mut dyn FnMut(String),
) {
    if ours != truth {
        say(format!("{what}: we say {ours:?}, tshark {truth:?}"));
    }
}

#[test]
fn frames_bytes_times_and_hash_are_those_of_the_file() {
    every_case(|case, say| {
        let input = &case.snapshot["inputs"][0];
        compare("frames", &input["frames"], &case.truth["packets"], say);
        compare("bytes", &input["bytes"], &case.truth["bytes"], say);
        compare("sha256", &input["sha256"], &case.truth["sha256"], say);
        for key in ["first", "last"] {
            let ours: String = text(&input[key]).chars().filter(char::is_ascii_digit).collect();
            let truth = text(&case.truth[key]);
            let fraction = truth.split_once('.').unwrap().1;
            if !ours.ends_with(fraction) {
                say(format!("{key}: {ours} does not end in {fraction}"));
            }
        }
    });
}

#[test]
fn every_flow_has_the_packets_and_bytes_each_way_that_tshark_counts() {
    every_case(|case, say| {
        let ours = truth::flow_records(&case.flows);
        let rows = truth::flow_rows(&case.truth);
        for key in ours.keys().chain(rows.keys()).collect::<BTreeSet<_>>() {
            compare(&format!("{key:?}"), ours.get(key), rows.get(key), say);
        }
    });
}

#[test]
fn names_asked_and_addresses_answered_are_those_of_the_capture() {
    every_case(|case, say| {
        // Bytes of a tunnel, which every program spells in its own way.
        let unspellable = case.truth["facts"].get("unspellable").map(text);
        let is_spelled = |name: &str| unspellable.as_ref().is_none_or(|end| !name.ends_with(end));
        let mut asked: BTreeMap<String, u64> = BTreeMap::new();
        for query in rows(&case.truth["dns"]["queries"]) {
            // Names are kept in lower case, since case does not matter in them (RFC 4343).
            let name = text(&query[1]).to_ascii_lowercase();
            *asked.entry(name).or_default() += number(&query[3]);
        }
        let ours: BTreeMap<String, u64> = rows(&case.snapshot["names"])
            .iter()
            .filter(|name| number(&name["queries"]) > 0 && is_spelled(&text(&name["text"])))
            .map(|name| (text(&name["text"]), number(&name["queries"])))
            .collect();
        compare("names asked", ours, asked, say);
        for (name, addresses) in case.truth["dns"]["answers"].as_object().unwrap() {
            let known = rows(&case.snapshot["names"]).iter().find(|row| row["text"] == **name);
            let ours = known.map(|row| texts(&row["addresses"]).into_iter().collect());
            let truth: BTreeSet<String> = texts(addresses).into_iter().collect();
            compare(&format!("addresses of {name}"), ours, Some(truth), say);
        }
    });
}

/// [server, port, name] → flows, from records that have `key`.
fn named(flows: &[Value], key: &str) -> BTreeMap<(String, u64, String), u64> {
    let mut found = BTreeMap::new();
    for flow in flows {
        let names = match &flow[key] {
            Value::String(name) => vec![name.clone()],
            names => texts(names),
        };
        for name in names {
            let server = (text(&flow["dst"]), number(&flow["dst_port"]), name);
            *found.entry(server).or_default() += 1;
        }
    }
    found
}

#[test]
fn tls_server_names_are_those_of_the_client_hellos() {
    every_case(|case, say| {
        let mut hellos = BTreeMap::new();
        // Hellos without a name are told by `tls.no-sni`, not here.
        for row in rows(&case.truth["tls"]).iter().filter(|row| row[2] != "") {
            let server = (text(&row[0]), number(&row[1]), text(&row[2]));
            *hellos.entry(server).or_default() += number(&row[4]);
        }
        compare("server names", named(&case.flows, "sni"), hellos, say);
    });
}

#[test]
fn http_hosts_are_those_of_the_requests() {
    every_case(|case, say| {
        let http: Vec<Value> =
            case.flows.iter().filter(|flow| flow["label"]["protocol"] == "http").cloned().collect();
        let truth: BTreeMap<_, _> = rows(&case.truth["http"])
            .iter()
            .map(|row| ((text(&row[0]), number(&row[1]), text(&row[2])), number(&row[3])))
            .collect();
        compare("hosts", named(&http, "http_hosts"), truth, say);
    });
}

#[test]
fn the_device_under_test_is_found_and_is_not_taken_for_a_gateway() {
    every_case(|case, say| {
        let mac = &case.truth["device_mac"];
        match rows(&case.snapshot["devices"]).iter().find(|device| device["mac"] == *mac) {
            Some(device) => compare("role", text(&device["role"]), "device".to_owned(), say),
            None => say(format!("there is no device {mac}")),
        }
    });
}

/// Findings about the device under test.
fn findings(case: &Case) -> Vec<&Value> {
    let device = format!("mac:{}", text(&case.truth["device_mac"]));
    let findings = rows(&case.snapshot["findings"]).iter();
    findings.filter(|finding| finding["subject"]["device"] == *device).collect()
}

/// Those that people decided on, and no other: a check that they do not name must be silent.
#[test]
fn findings_are_those_that_people_expect() {
    every_case(|case, say| {
        let ours: BTreeSet<String> =
            findings(case).iter().map(|finding| text(&finding["id"])).collect();
        let expected: BTreeSet<String> =
            texts(&case.truth["facts"]["findings"]).into_iter().collect();
        for id in expected.difference(&ours) {
            say(format!("{id} is missing"));
        }
        for id in ours.difference(&expected) {
            say(format!("{id} is wrong here"));
        }
    });
}

/// What comes near to a finding of each case and is none, with the reason.
fn near_misses(case: &Case) -> impl Iterator<Item = (&String, String)> {
    let misses = case.truth["facts"].get("near_misses").and_then(Value::as_object);
    misses.into_iter().flatten().map(|(id, why)| (id, text(why)))
}

#[test]
fn every_check_has_a_capture_that_shows_it_and_one_that_comes_near() {
    let mut shown: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut near: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in cases() {
        let expected = texts(&case.truth["facts"]["findings"]);
        for (id, why) in near_misses(case) {
            if expected.contains(id) {
                wrong.push(format!("{}: {id} is said to be there and not to be there", case.name));
            }
            near.entry(id.clone()).or_default().push(format!("{}: {why}", case.name));
        }
        for id in expected {
            shown.entry(id).or_default().push(&case.name);
        }
    }
    let mut table = String::from("| check | shown by | near miss |\n|---|---|---|\n");
    for id in CHECKS.iter().map(|check| check.rule().id) {
        let (shown, near) = (shown.remove(id).unwrap_or_default(), near.remove(id));
        let near = near.unwrap_or_default();
        if shown.is_empty() || near.is_empty() {
            wrong.push(format!("{id}: shown by {shown:?}, near misses {near:?}"));
        }
        table.push_str(&format!("| `{id}` | {} | {} |\n", shown.join(", "), near.join("; ")));
    }
    let unknown = shown.keys().chain(near.keys());
    wrong.extend(unknown.map(|id| format!("{id}: there is no such check")));
    none(&wrong);
    let page = std::fs::read_to_string(places::of_project("captures/checks/README.md")).unwrap();
    assert!(page.contains(&table), "captures/checks/README.md must hold:\n{table}");
}

#[test]
fn a_device_that_does_nothing_wrong_has_only_informational_findings() {
    let sensor = cases().iter().find(|case| case.name == "sensor").unwrap();
    let findings = rows(&sensor.snapshot["findings"]);
    let worse: Vec<_> = findings.iter().filter(|finding| finding["severity"] != "info").collect();
    assert!(worse.is_empty(), "{worse:?}");
    assert!(!findings.is_empty());
}

/// The operator covered the lens for a part of the idle phase: that is the control.
#[test]
fn what_was_uploaded_in_each_phase_and_behind_a_covered_lens_is_told() {
    let doorbell = cases().iter().find(|case| case.name == "doorbell").unwrap();
    let all = findings(doorbell);
    let upload = all.iter().find(|one| one["id"] == "data.media-upload-unprompted").unwrap();
    let facts: Vec<String> =
        rows(&upload["facts"]).iter().map(|fact| text(&fact["text"])).collect();
    let told =
        |parts: [&str; 2]| facts.iter().any(|fact| parts.iter().all(|part| fact.contains(part)));
    assert!(told(["phase use:", "in 1 such flow"]), "{facts:?}");
    assert!(told(["phase idle:", "in 2 such flows"]), "{facts:?}");
    assert!(told(["lens was noted to be covered", "in 1 such flow"]), "{facts:?}");
    assert_eq!(upload["level"], "inferred");
    assert_eq!(upload["phase"], "idle");
    let marks: Vec<String> =
        rows(&doorbell.snapshot["marks"]).iter().map(|mark| text(&mark["text"])).collect();
    assert_eq!(marks, ["lens covered", "lens uncovered"]);
}

#[test]
fn frames_that_findings_refer_to_exist_and_lie_in_the_time_told() {
    every_case(|case, say| {
        let input = &case.snapshot["inputs"][0];
        for finding in rows(&case.snapshot["findings"]) {
            let id = &finding["id"];
            let refs = rows(&finding["refs"]);
            if refs.is_empty() {
                say(format!("{id} refers to no frame"));
            }
            let facts = rows(&finding["facts"]).iter().flat_map(|fact| rows(&fact["frames"]));
            for frame in refs.iter().map(|reference| &reference["frame"]).chain(facts) {
                if !(1..=number(&input["frames"])).contains(&number(frame)) {
                    say(format!("{id} refers to frame {frame}"));
                }
            }
            for reference in refs {
                // RFC 3339 in UTC with a fixed number of digits sorts as text.
                let time = text(&reference["time"]);
                if time < text(&input["first"]) || time > text(&input["last"]) {
                    say(format!("{id} refers to a frame at {time}"));
                }
            }
        }
    });
}

#[test]
fn contacts_have_the_wire_bytes_each_way_that_people_counted() {
    every_case(|case, say| {
        let device = format!("mac:{}", text(&case.truth["device_mac"]));
        let contacts = rows(&case.snapshot["contacts"]).iter();
        let hosts: Vec<&Value> = contacts
            .filter(|contact| contact["device"] == *device && contact["zone"] == "internet")
            .flat_map(|contact| rows(&contact["hosts"]))
            .collect();
        let expected = case.truth["facts"]["contacts"].as_object().unwrap();
        for (name, bytes) in expected {
            let is_named = |host: &&&Value| match host.get("text") {
                Some(text) => text == name,
                None => rows(&host["addresses"]).iter().any(|address| address == name),
            };
            let host = hosts.iter().find(is_named).map(|host| &host["traffic"]["wire_bytes"]);
            compare(name, host, Some(bytes), say);
        }
        compare("number of contacts", hosts.len(), expected.len(), say);
    });
}

/// A secret as it is and in the forms in which a program might print it by mistake.
fn forms(secret: &str) -> Vec<String> {
    let hex = |upper: bool, between: &str| {
        let digits = secret.bytes().map(|byte| format!("{byte:02x}"));
        let text = digits.collect::<Vec<_>>().join(between);
        if upper { text.to_uppercase() } else { text }
    };
    let mut forms = vec![secret.to_owned(), URL_SAFE.encode(secret)];
    // Within the encoding of a longer text, whatever stands around it: only the groups that
    // depend on nothing else.
    for before in 0..3 {
        let encoded = STANDARD.encode(format!("{}{secret}", "x".repeat(before)));
        let whole = encoded.trim_end_matches('=');
        let start = if before == 0 { 0 } else { 4 };
        forms.push(whole[start..whole.len() - 1].to_owned());
    }
    forms.extend([hex(false, ""), hex(true, ""), hex(false, ":"), hex(false, " ")]);
    forms
}

#[test]
fn no_output_shows_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    every_case(|case, say| {
        let page = folder.path().join("page.html");
        let run = |args: &[&str]| {
            let mut all: Vec<&std::ffi::OsStr> = vec![args[0].as_ref(), case.path.as_os_str()];
            all.extend(args[1..].iter().map(std::ffi::OsStr::new));
            let outcome = phonehome(&all);
            assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
            format!("{}{}", outcome.text(), outcome.stderr)
        };
        let page_name = page.to_str().unwrap();
        let outputs = [
            ("summary", run(&["analyze"])),
            ("JSON", run(&["analyze", "--json"])),
            ("flows", run(&["flows"])),
            ("report", run(&["analyze", "--quiet", "--report", page_name])),
            ("report", std::fs::read_to_string(&page).unwrap()),
        ];
        for secret in texts(&case.truth["facts"]["secrets"]) {
            for form in forms(&secret) {
                for (name, output) in outputs.iter().filter(|(_, output)| output.contains(&form)) {
                    let at = output.find(&form).unwrap();
                    say(format!("the {name} has {secret} as {form} at {at}"));
                }
            }
        }
    });
}
