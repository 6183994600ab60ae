use crate::common::{generated, places, program, tshark};
use crate::{Schema, camera, lines, python, scripted};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

fn flows(capture: &Path, format: &str, more: &[&str]) -> String {
    let capture = capture.to_str().unwrap();
    let mut arguments = vec!["flows", "--format", format, capture];
    arguments.extend(more);
    let outcome = program::phonehome(&arguments);
    assert!(matches!(outcome.code, Some(0 | 3)), "{capture}: {}", outcome.stderr);
    outcome.text().to_owned()
}

fn zeek(capture: &Path, threads: &str) -> [String; 4] {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().to_str().unwrap();
    flows(capture, "zeek", &["--output", output, "--threads", threads]);
    ["conn", "dns", "http", "ssl"]
        .map(|log| std::fs::read_to_string(folder.path().join(format!("{log}.log"))).unwrap())
}

fn sum(rows: &[Value], field: impl Fn(&Value) -> u64) -> u64 {
    rows.iter().map(field).sum()
}

#[test]
fn zeek_logs_have_every_flow_and_name_it_alike() {
    for capture in places::bundled() {
        let ours = lines(&flows(&capture, "jsonl", &[]));
        let [conn, dns, http, ssl] = zeek(&capture, "1").map(|text| lines(&text));
        assert_eq!(conn.len(), ours.len(), "{}", capture.display());
        let number = |row: &Value, key: &str| row[key].as_u64().unwrap();
        assert_eq!(
            sum(&conn, |row| number(row, "orig_pkts") + number(row, "resp_pkts")),
            sum(&ours, |row| row["packets"]
                .as_array()
                .unwrap()
                .iter()
                .map(|n| n.as_u64().unwrap())
                .sum())
        );
        let uids: BTreeSet<&str> = conn.iter().map(|row| row["uid"].as_str().unwrap()).collect();
        assert_eq!(uids.len(), conn.len(), "uids are unique");
        for (mine, zeeks) in ours.iter().zip(&conn) {
            assert_eq!(mine["community_id"], zeeks["community_id"]);
            assert!(
                zeeks["ts"].is_f64()
                    && zeeks["id.orig_p"].is_u64()
                    && zeeks["local_orig"].is_boolean()
            );
        }
        for row in dns.iter().chain(&http).chain(&ssl) {
            assert!(uids.contains(row["uid"].as_str().unwrap()), "{row}");
        }
        let states = "S0 S1 SF REJ S2 S3 RSTO RSTR RSTOS0 RSTRH SH SHR OTH";
        assert!(conn.iter().all(|row| states.split(' ').any(|state| row["conn_state"] == state)));
    }
}

#[test]
fn every_question_that_tshark_sees_is_in_the_dns_log() {
    if !tshark::is_there() {
        return;
    }
    for capture in places::bundled() {
        let filter = "dns.flags.response == 0 && !mdns && !llmnr && !icmp && !icmpv6";
        let asked = tshark::frames(&capture, &[], filter).unwrap().len();
        let [_, dns, ..] = zeek(&capture, "1").map(|text| lines(&text));
        let ours = dns.iter().filter(|row| row["trans_id"].is_u64() && !is_answer_alone(row));
        assert_eq!(ours.count(), asked, "{}", capture.display());
    }
}

/// An answer whose question the capture does not hold.
fn is_answer_alone(row: &Value) -> bool {
    row["rcode"].is_u64() && row["rtt"].is_null()
}

#[test]
fn events_are_what_suricatas_schema_allows() {
    let schema = Schema::load("eve.schema.json");
    let mut captures = places::bundled();
    if let Some(shared) = places::shared() {
        captures.extend(places::spread(places::captures_under(&shared), 40));
    }
    let mut kinds = BTreeSet::new();
    for capture in captures {
        let outcome = program::phonehome(&["flows", "--format", "eve", capture.to_str().unwrap()]);
        if outcome.code == Some(4) {
            continue;
        }
        let events = lines(outcome.text());
        for event in &events {
            let complaint = schema.complaint(event);
            assert!(complaint.is_none(), "{}: {event}: {complaint:?}", capture.display());
            kinds.insert(event["event_type"].as_str().unwrap().to_owned());
        }
        let count = events.iter().filter(|event| event["event_type"] == "flow").count();
        assert_eq!(count, flows(&capture, "jsonl", &[]).lines().count());
    }
    for kind in ["flow", "dns", "tls", "http", "dhcp"] {
        assert!(kinds.contains(kind), "{kinds:?}");
    }
    let mut event = lines(&flows(&camera(), "eve", &[])).remove(0);
    event["device"] = "x".into();
    assert!(schema.complaint(&event).is_some(), "the schema refuses what Suricata does not know");
}

/// The schema is under the GPL, so that it does not lie here. `PHONEHOME_SURICATA_SCHEMA` names a copy of
/// `etc/schema.json` of Suricata's source.
#[test]
fn events_are_what_the_published_schema_allows() {
    let Some(path) = std::env::var_os("PHONEHOME_SURICATA_SCHEMA") else {
        return places::skipped(
            "PHONEHOME_SURICATA_SCHEMA does not name Suricata's etc/schema.json",
        );
    };
    let schema = Schema::of(&std::fs::read_to_string(path).unwrap());
    let mut captures = places::bundled();
    if let Some(shared) = places::shared() {
        captures.extend(places::spread(places::captures_under(&shared), 40));
    }
    let mut seen = 0;
    for capture in captures {
        let outcome = program::phonehome(&["flows", "--format", "eve", capture.to_str().unwrap()]);
        if outcome.code == Some(4) {
            continue;
        }
        for event in lines(outcome.text()) {
            let complaint = schema.complaint(&event);
            assert!(complaint.is_none(), "{}: {event}: {complaint:?}", capture.display());
            seen += 1;
        }
    }
    assert!(seen > 100, "{seen}");
}

/// zat is what Zeek's users read logs into pandas with.
#[test]
fn zat_reads_the_zeek_logs() {
    let Some(_) = python("zat.json_log_to_dataframe") else { return };
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().to_str().unwrap();
    flows(&camera(), "zeek", &["--output", output]);
    let script = "import sys\nfrom zat.json_log_to_dataframe import JSONLogToDataFrame\n\
        d = JSONLogToDataFrame().create_dataframe(sys.argv[1])\n\
        print(len(d), d.index.min().strftime('%Y-%m-%dT%H:%M'), 'uid' in d, 'id.orig_h' in d)";
    for log in ["conn", "dns", "http", "ssl"] {
        let path = folder.path().join(format!("{log}.log"));
        let count = std::fs::read_to_string(&path).unwrap().lines().count();
        let python = python("zat.json_log_to_dataframe").unwrap();
        let said = scripted(python, script, &path);
        assert_eq!(said.trim(), format!("{count} 2026-11-24T11:38 True True"), "{log}");
        assert!(count > 0, "{log}");
    }
}

/// The cells of RFC 4180.
fn table(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && characters.peek() == Some(&'\n') => {
                characters.next();
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            _ => cell.push(character),
        }
    }
    assert!(row.is_empty() && cell.is_empty() && !quoted, "the last line ends");
    rows
}

#[test]
fn csv_has_a_row_a_flow_and_every_row_has_all_cells() {
    for capture in places::bundled() {
        let rows = table(&flows(&capture, "csv", &["--sort", "first"]));
        let ours = lines(&flows(&capture, "jsonl", &["--sort", "first"]));
        assert_eq!(rows.len(), ours.len() + 1);
        assert!(rows.iter().all(|row| row.len() == rows[0].len()));
        let at = |name: &str| rows[0].iter().position(|column| column == name).unwrap();
        for (row, record) in rows[1..].iter().zip(&ours) {
            assert_eq!(row[at("community_id")], record["community_id"]);
            assert_eq!(row[at("device")], record["device"]);
            assert_eq!(row[at("delivered_bytes_out")], record["delivered_bytes"][0].to_string());
        }
    }
}

/// A request whose names are chosen to be run.
fn hostile() -> Vec<u8> {
    let mut bytes = Vec::new();
    let request =
        b"GET /?x HTTP/1.1\r\nHost: =cmd|'/c calc'!a,\"b\r\nUser-Agent: \x1b[2J\xff\r\n\r\n";
    let packets = [(2, Vec::new()), (0x18, request.to_vec())];
    let packet = |number: u64, frame: &mut Vec<u8>| {
        let (flags, data) = &packets[number as usize];
        let segment = generated::tcp([40_000, 80], 1 + number as u32, *flags, data);
        let macs = [generated::DEVICE, generated::ROUTER];
        generated::ipv4(frame, macs, [0x0a00_0001, 0xcb00_7105], 6, [1, 0], &segment);
        1_700_000_000_000_000 + number
    };
    generated::Generated::new(2, packet).read_to_end(&mut bytes).unwrap();
    bytes
}

#[test]
fn hostile_names_stay_text() {
    let capture = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(capture.path(), hostile()).unwrap();
    let rows = table(&flows(capture.path(), "csv", &[]));
    let at = rows[0].iter().position(|column| column == "http_hosts").unwrap();
    assert!(rows[1][at].starts_with("'=cmd"), "{:?}", rows[1][at]);
    for format in ["eve", "csv", "jsonl"] {
        let text = flows(capture.path(), format, &[]);
        let control = |c: char| c.is_control() && c != '\n' && c != '\r';
        assert!(!text.contains(control), "{format}");
    }
    let [_, _, http, _] = zeek(capture.path(), "1");
    let request = &lines(&http)[0];
    assert_eq!(request["user_agent"], "\\x1b[2J\\xff");
}

#[test]
fn threads_do_not_change_a_byte() {
    for format in ["jsonl", "eve", "csv"] {
        let [one, four] =
            ["1", "4"].map(|threads| flows(&camera(), format, &["--threads", threads]));
        assert!(one == four, "{format}");
    }
    assert!(zeek(&camera(), "1") == zeek(&camera(), "4"));
}

#[test]
fn wrong_use_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let camera = folder.path().join("camera.pcapng");
    std::fs::copy(crate::camera(), &camera).unwrap();
    let camera = camera.to_str().unwrap();
    for (arguments, said) in [
        (&["flows", "--format", "zeek", camera][..], "--output DIR"),
        (&["flows", "--format", "eve", "--sort", "first", camera], "cannot be sorted"),
        (&["flows", "--format", "csv", "-o", "/nowhere/x", camera], "cannot be written"),
        (&["flows", "--format", "csv", "-o", camera, camera], "no output replaces a capture"),
        (&["export", "--format", "stix", "-o", camera, camera], "no output replaces a capture"),
    ] {
        let outcome = program::phonehome(arguments);
        assert_eq!(outcome.code, Some(2));
        assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    }
    assert_eq!(std::fs::read(camera).unwrap(), std::fs::read(crate::camera()).unwrap());
}

#[test]
fn other_programs_read_the_tables() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flows.csv");
    std::fs::write(&file, flows(&camera(), "csv", &[])).unwrap();
    let count = flows(&camera(), "jsonl", &[]).lines().count();
    let script = "import duckdb, sys\n\
        print(duckdb.sql(f\"select count(*), sum(delivered_bytes_out) from '{sys.argv[1]}'\").fetchall()[0])";
    let Some(duckdb) = python("duckdb") else { return };
    let by_csv = scripted(duckdb, script, &file);
    assert!(by_csv.starts_with(&format!("({count}, ")), "{by_csv}");
    if !cfg!(feature = "parquet") {
        places::skipped("built without the feature parquet");
        return;
    }
    let file = folder.path().join("flows.parquet");
    flows(&camera(), "parquet", &["--output", file.to_str().unwrap()]);
    assert_eq!(scripted(python("duckdb").unwrap(), script, &file), by_csv);
    let Some(pyarrow) = python("pyarrow.parquet") else { return };
    let script = "import pyarrow.parquet as p, sys\nt = p.read_table(sys.argv[1])\n\
        print(t.num_rows, t.schema.field('first').type, t.schema.field('name').type)";
    let said = scripted(pyarrow, script, &file);
    assert_eq!(said.trim(), format!("{count} timestamp[ns, tz=UTC] string"));
}

#[test]
fn community_ids_are_those_of_the_reference() {
    let Some(python) = python("communityid") else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flows.jsonl");
    std::fs::write(&file, flows(&camera(), "jsonl", &[])).unwrap();
    let script = "
import communityid, json, sys
c = communityid.CommunityID()
n = 0
for line in open(sys.argv[1]):
    r = json.loads(line)
    if r['proto'] in ('tcp', 'udp'):
        make = getattr(communityid.FlowTuple, 'make_' + r['proto'])
        assert c.calc(make(r['src'], r['dst'], r['src_port'], r['dst_port'])) == r['community_id'], r
        n += 1
    elif r['proto'] in ('icmp', 'ipv6-icmp'):
        make = communityid.FlowTuple.make_icmp if r['proto'] == 'icmp' else communityid.FlowTuple.make_icmp6
        assert c.calc(make(r['src'], r['dst'], r['type'], r['code'])) == r['community_id'], r
        n += 1
print(n)";
    let checked: usize = scripted(python, script, &file).trim().parse().unwrap();
    assert!(checked > 40, "{checked}");
}
