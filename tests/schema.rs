//! What the program writes is what `docs/schema/` says, for every bundled capture and for a
//! spread of others where they are at hand; and the schemas refuse what is not that.

use boon::{Compiler, SchemaIndex, Schemas};
use phonehome::base::time::Timestamp;
use phonehome::case::pcapng;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Captures taken from `../shared/captures`.
const SHARED: usize = 60;
/// Larger ones cost more time than they add shapes.
const SHARED_BYTES_MAX: u64 = 4_000_000;

struct Schema {
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    fn load(name: &str) -> Schema {
        let path = root().join("docs/schema").join(name);
        let text = std::fs::read_to_string(path).expect("the schema is there");
        let document: Value = serde_json::from_str(&text).expect("the schema is JSON");
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource(name, document).expect("the schema has an address");
        let index = compiler.compile(name, &mut schemas).expect("the schema is valid");
        Schema { schemas, index }
    }

    fn accepts(&self, document: &Value) -> bool {
        self.schemas.validate(document, self.index).is_ok()
    }

    fn check(&self, document: &Value, what: &Path) {
        if let Err(error) = self.schemas.validate(document, self.index) {
            panic!("{}: {error:#}", what.display());
        }
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Standard output; nothing where the file is no capture at all.
fn output(arguments: &[&str], capture: &Path) -> Option<Vec<u8>> {
    let program = env!("CARGO_BIN_EXE_phonehome");
    let output =
        Command::new(program).args(arguments).arg(capture).output().expect("the program runs");
    match output.status.code() {
        Some(0 | 3) => Some(output.stdout),
        Some(4) => None,
        code => panic!("{} {arguments:?}: exit code {code:?}", capture.display()),
    }
}

fn snapshot(capture: &Path, arguments: &[&str]) -> Option<Value> {
    let mut all = vec!["analyze", "--json"];
    all.extend(arguments);
    let text = output(&all, capture)?;
    Some(serde_json::from_slice(&text).expect("one JSON document"))
}

fn flows(capture: &Path) -> Vec<Value> {
    let text = output(&["flows", "--format", "jsonl"], capture).unwrap_or_default();
    let lines = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("a JSON object a line")).collect()
}

fn is_capture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str());
    matches!(extension, Some("pcap" | "pcapng" | "cap" | "dmp"))
}

fn captures_in(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for path in entries.map(|entry| entry.path()) {
        if path.is_dir() {
            captures_in(&path, found);
        } else if is_capture(&path) {
            found.push(path);
        }
    }
}

/// In turn one capture of each folder, so that no large folder crowds out the small ones.
fn spread(mut captures: Vec<PathBuf>, count: usize) -> Vec<PathBuf> {
    captures.retain(|path| path.metadata().is_ok_and(|about| about.len() <= SHARED_BYTES_MAX));
    captures.sort();
    let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in captures {
        let folder = path.parent().unwrap_or(root()).to_owned();
        folders.entry(folder).or_default().push(path);
    }
    let mut chosen = Vec::new();
    let mut turn = 0;
    while chosen.len() < count && folders.values().any(|files| files.len() > turn) {
        chosen.extend(folders.values().filter_map(|files| files.get(turn)).cloned());
        turn += 1;
    }
    // Thinned out evenly: cutting the end would always leave out the same folders.
    let (all, kept) = (chosen.len(), chosen.len().min(count));
    (0..kept).map(|index| chosen[index * all / kept].clone()).collect()
}

fn check(captures: &[PathBuf]) -> [usize; 2] {
    let of_snapshot = Schema::load("snapshot.schema.json");
    let of_flow = Schema::load("flow.schema.json");
    let mut checked = [0, 0];
    for capture in captures {
        if let Some(document) = snapshot(capture, &[]) {
            of_snapshot.check(&document, capture);
            checked[0] += 1;
        }
        for record in flows(capture) {
            of_flow.check(&record, capture);
            checked[1] += 1;
        }
    }
    checked
}

#[test]
fn bundled_captures_fit_the_schemas() {
    let mut captures = Vec::new();
    captures_in(&root().join("captures"), &mut captures);
    let [documents, records] = check(&captures);
    assert!(documents >= 5 && records > 50, "{documents} documents, {records} records");
}

#[test]
fn options_fit_the_schema() {
    let schema = Schema::load("snapshot.schema.json");
    let capture = root().join("captures/camera.pcapng");
    let all: [&[&str]; 6] = [
        &["--policy", "gdpr-transfers", "--policy", "ndaa-889"],
        &["--no-hash"],
        &["--no-geo", "--no-signatures"],
        &["--device", "camera=00:00:5e:00:53:10", "--here", "AU"],
        &["--exclude", "00:00:5e:00:53:02"],
        &["--device", "192.168.77.20"],
    ];
    for arguments in all {
        let document = snapshot(&capture, arguments).expect("a document");
        schema.check(&document, Path::new(&arguments.join(" ")));
    }
}

#[test]
fn several_inputs_one_of_them_missing_fit_the_schemas() {
    let [camera, meter] =
        ["camera.pcapng", "meter.pcap"].map(|name| root().join("captures").join(name));
    let others = [meter.to_str().expect("a path of ours"), "missing.pcap"];
    let document = snapshot(&camera, &others).expect("a document");
    assert_eq!(document["inputs"].as_array().map(Vec::len), Some(3));
    Schema::load("snapshot.schema.json").check(&document, &camera);
    let schema = Schema::load("flow.schema.json");
    let text = output(&["flows", others[0], others[1]], &camera).expect("flow records");
    for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        schema.check(&serde_json::from_slice(line).expect("a JSON object a line"), &camera);
    }
}

#[test]
fn comparisons_fit_their_schema() {
    let schema = Schema::load("comparison.schema.json");
    let captures = root().join("captures");
    let [camera, sensor, meter] =
        ["camera.pcapng", "sensor.pcapng", "meter.pcap"].map(|name| captures.join(name));
    let [camera, sensor, meter] =
        [&camera, &sensor, &meter].map(|path| path.to_str().expect("a path in UTF-8"));
    let three = ["--left", camera, camera, camera, "--right", sensor, sensor];
    for (args, last) in [(&[camera, sensor][..], meter), (&[camera], camera), (&three, sensor)] {
        let args = [&["compare", "--json"], args].concat();
        let text = output(&args, Path::new(last)).expect("a comparison");
        schema.check(&serde_json::from_slice(&text).expect("JSON"), Path::new(last));
    }
}

#[test]
fn other_captures_fit_the_schemas() {
    let folder = root().join("../shared/captures");
    if !folder.is_dir() {
        println!("skipped: no ../shared");
        return;
    }
    let mut captures = Vec::new();
    captures_in(&folder, &mut captures);
    let chosen = spread(captures, SHARED);
    let [documents, records] = check(&chosen);
    println!("{} captures: {documents} documents, {records} records", chosen.len());
    assert!(documents > SHARED / 2 && records > SHARED);
}

/// A recording of ours, as it was while a link was out, the machine slept and the clock was set.
fn interrupted(comments: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    let [hardware, system, application, comment] = ["", "", "phonehome", ""];
    pcapng::section(&mut out, &pcapng::Section { hardware, system, application, comment });
    let about = pcapng::Interface { name: "wire", link: 1, snap_length: 0, filter: "" };
    pcapng::interface(&mut out, &about);
    let time = Timestamp(1_795_900_000_000_000_000);
    pcapng::packet(&mut out, 0, time, 60, &[0xff; 60]);
    let comments: Vec<String> = comments.iter().map(|&comment| comment.to_owned()).collect();
    let statistics = pcapng::Statistics {
        interface: 0,
        time,
        start: time,
        received: 1,
        lost_by_interface: 0,
        lost_by_system: 0,
        delivered: 1,
        comments: &comments,
    };
    pcapng::statistics(&mut out, &statistics);
    out
}

#[test]
fn interruptions_fit_the_schema_and_only_sleep_makes_a_result_partial() {
    const GAP: &str = "gap: wi\u{1b}[2Jre from 2026-11-29T05:00:00Z to 2026-11-29T05:00:02Z: down";
    const SET: &str = "2026-11-29T05:00:03Z clock: the clock was set forward by 60 min";
    const SLEPT: &str = "gap: all interfaces from 2026-11-29T05:00:04Z to 2026-11-29T05:00:10.5Z: the machine slept";
    let schema = Schema::load("snapshot.schema.json");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("interrupted.pcapng");
    for (comments, partial) in [(&[GAP, SET][..], false), (&[GAP, SET, SLEPT], true)] {
        std::fs::write(&path, interrupted(comments)).expect("room");
        let document = snapshot(&path, &["--no-hash"]).expect("a document");
        schema.check(&document, &path);
        let told = document["interruptions"].as_array().expect("interruptions");
        assert_eq!(told.len(), comments.len());
        assert_eq!(told[0]["interface"], "wi\\x1b[2Jre");
        assert_eq!(told[1]["from"], told[1]["to"], "a clock is set at once");
        let because = document["coverage"]["incomplete_because"].to_string();
        assert_eq!(because.contains("slept while it recorded: 6.5 s are missing"), partial);
        let summary = output(&["analyze", "--no-hash"], &path).expect("a summary");
        let summary = String::from_utf8(summary).expect("UTF-8");
        assert!(summary.contains("Not recorded: 05:00:00 to 05:00:02 UTC"), "{summary}");
        assert!(summary.contains("set forward by 60 min at 05:00:03"), "{summary}");
    }
}

/// Calls `visit` with every path (RFC 6901) to an object.
fn objects(value: &Value, path: &str, visit: &mut dyn FnMut(&str)) {
    match value {
        Value::Object(members) => {
            visit(path);
            for (key, member) in members {
                let key = key.replace('~', "~0").replace('/', "~1");
                objects(member, &format!("{path}/{key}"), visit);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                objects(item, &format!("{path}/{index}"), visit);
            }
        }
        _ => {}
    }
}

/// A key that no document has is refused in every object, and so is a member of another type.
fn is_strict(schema: &Schema, document: &Value) {
    schema.check(document, Path::new("the document itself"));
    let mut paths = Vec::new();
    objects(document, "", &mut |path| paths.push(path.to_owned()));
    for path in paths {
        let mut changed = document.clone();
        let object = changed.pointer_mut(&path).and_then(Value::as_object_mut).expect("an object");
        object.insert("surprise".to_owned(), Value::Bool(true));
        assert!(!schema.accepts(&changed), "an unknown key in {path} is refused");
        object_members(document, &path).into_iter().for_each(|key| {
            let mut changed = document.clone();
            let object = changed.pointer_mut(&path).and_then(Value::as_object_mut).expect("it");
            object.insert(key.clone(), serde_json::json!([[["wrong"]]]));
            assert!(!schema.accepts(&changed), "a wrong type of {path}/{key} is refused");
        });
    }
}

fn object_members(document: &Value, path: &str) -> Vec<String> {
    let object = document.pointer(path).and_then(Value::as_object).expect("an object");
    object.keys().cloned().collect()
}

/// A missing key is refused, apart from those that are named.
fn needs_all_but(schema: &Schema, document: &Value, path: &str, optional: &[&str]) {
    for key in object_members(document, path) {
        let mut changed = document.clone();
        changed.pointer_mut(path).and_then(Value::as_object_mut).expect("it").remove(&key);
        let may_be_absent = optional.contains(&key.as_str());
        assert_eq!(schema.accepts(&changed), may_be_absent, "{path} without {key}");
    }
}

#[test]
fn the_snapshot_schema_refuses_what_is_not_one() {
    let schema = Schema::load("snapshot.schema.json");
    // The smallest one: each object costs a validation of the whole document.
    let document = snapshot(&root().join("captures/canary.pcap"), &[]).expect("a document");
    is_strict(&schema, &document);
    needs_all_but(&schema, &document, "", &["timeline"]);
    needs_all_but(&schema, &document, "/coverage", &[]);
    needs_all_but(&schema, &document, "/inputs/0", &["interfaces", "damage"]);
    needs_all_but(&schema, &document, "/contacts/0", &[]);
    needs_all_but(&schema, &document, "/losses", &[]);

    let camera = snapshot(&root().join("captures/camera.pcapng"), &[]).expect("a document");
    needs_all_but(&schema, &camera, "/findings/0", &[]);
    needs_all_but(&schema, &camera, "/findings/0/traffic/0", &[]);
    for (path, wrong) in [
        ("/schema", serde_json::json!("phonehome.snapshot/2")),
        ("/findings/0/severity", serde_json::json!("catastrophic")),
        ("/findings/0/level", serde_json::json!("proven")),
        ("/findings/0/traffic/0/wireshark_filter", Value::Null),
        ("/inputs/0/sha256", Value::Null),
        ("/inputs/0/first", serde_json::json!("2026-11-24 11:38:30")),
        ("/inputs/0/bytes", serde_json::json!(-1)),
        ("/inputs/0/frames", serde_json::json!(1.5)),
        ("/coverage/complete", Value::Bool(false)),
        ("/coverage/frames/explained_by/flow", serde_json::json!("443")),
        ("/devices/0/addresses/0/address", serde_json::json!("192.168.77.300")),
        ("/destinations/0/remotes/0/traffic/packets", serde_json::json!([1, 2, 3])),
    ] {
        let mut changed = camera.clone();
        *changed.pointer_mut(path).unwrap_or_else(|| panic!("{path} is there")) = wrong;
        assert!(!schema.accepts(&changed), "{path}");
    }
}

#[test]
fn the_flow_schema_refuses_what_is_not_one() {
    let schema = Schema::load("flow.schema.json");
    let records = flows(&root().join("captures/camera.pcapng"));
    let of = |protocol: &str| {
        let mut all = records.iter();
        all.find(|record| record["label"]["protocol"] == protocol).expect("such a flow")
    };
    let may_be_absent = [
        "rtt_ns",
        "vlan",
        "names",
        "sni",
        "alpn",
        "ja3",
        "ja4",
        "dns_over",
        "http_hosts",
        "destination",
        "countries",
        "asn",
    ];
    for record in [of("tls"), of("http"), of("dns")] {
        is_strict(&schema, record);
        needs_all_but(&schema, record, "", &may_be_absent);
        needs_all_but(&schema, record, "/label", &["frame", "rule"]);
    }
}

/// Short strings that follow `before` in source text.
fn words_after<'a>(source: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    source.split(before).skip(1).filter_map(|rest| rest.split('"').next())
}

#[test]
fn every_bucket_of_the_frame_ledger_is_in_the_schema() {
    let text = include_str!("../docs/schema/snapshot.schema.json");
    let schema: Value = serde_json::from_str(text).expect("JSON");
    let names = |path: &str| {
        let path = format!("/$defs/coverage/properties/{path}/propertyNames/enum");
        schema.pointer(&path).and_then(Value::as_array).expect("a list of names").clone()
    };
    let explained = names("frames/properties/explained_by");
    let ethertypes = words_after(include_str!("../src/decode/ethertype.rs"), "=> \"");
    let links = words_after(include_str!("../src/decode/link.rs"), "Other(\"");
    let mut count = 0;
    for bucket in ethertypes.chain(links) {
        assert!(explained.iter().any(|name| name == bucket), "{bucket}");
        count += 1;
    }
    assert!(count > 50, "{count}");
    let stopped = names("stopped");
    let decode = include_str!("../src/decode/mod.rs");
    let reasons: Vec<&str> = decode
        .lines()
        .filter(|line| line.contains("Stopped::"))
        .flat_map(|line| words_after(line, "=> \""))
        .collect();
    assert!(reasons.len() > 2, "{reasons:?}");
    for reason in reasons {
        assert!(stopped.iter().any(|name| name == reason), "{reason}");
    }
}
