//! Expected answers that tshark gave, and flow records in the same terms.

use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

/// Reads an `*.expected.json`, or one of the folder of captures beside the project.
pub fn read(path: &Path) -> Value {
    let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_slice(&bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

pub type End = (IpAddr, u16);

/// Protocol and both ends, the lower first.
pub type Key = (String, End, End);

/// Packets and bytes of the lower end, then those of the higher one.
pub type Counts = [u64; 4];

/// Adds up all rows with the same key: a five-tuple that was used twice counts once.
pub fn add(sums: &mut BTreeMap<Key, Counts>, (key, counts): (Key, Counts)) {
    let sum = sums.entry(key).or_default();
    sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
}

fn turned(proto: &str, a: End, b: End, [p, q, r, s]: Counts) -> (Key, Counts) {
    match a.cmp(&b) {
        std::cmp::Ordering::Less => ((proto.to_owned(), a, b), [p, q, r, s]),
        std::cmp::Ordering::Greater => ((proto.to_owned(), b, a), [r, s, p, q]),
        // Who sent a packet from an end to itself is not defined.
        std::cmp::Ordering::Equal => ((proto.to_owned(), a, b), [p + r, q + s, 0, 0]),
    }
}

/// A row of `flows`: [proto, a, port, b, port, packets a>b, bytes a>b, packets b>a, bytes b>a].
pub fn flow_row(row: &Value) -> (Key, Counts) {
    let end = |at: usize| (address(&row[at]), number(&row[at + 1]) as u16);
    let counts = [5, 6, 7, 8].map(|at| number(&row[at]));
    turned(row[0].as_str().unwrap(), end(1), end(3), counts)
}

/// A TCP or UDP flow record of the program.
pub fn flow_record(record: &Value) -> Option<(Key, Counts)> {
    let proto = record["proto"].as_str().filter(|proto| ["tcp", "udp"].contains(proto))?;
    let port = |key: &str| record[key].as_u64().map(|port| port as u16);
    let source = (address(&record["src"]), port("src_port")?);
    let destination = (address(&record["dst"]), port("dst_port")?);
    let pair = |key: &str, way: usize| number(&record[key][way]);
    let counts =
        [pair("packets", 0), pair("wire_bytes", 0), pair("packets", 1), pair("wire_bytes", 1)];
    Some(turned(proto, source, destination, counts))
}

/// Sums over all TCP and UDP records.
pub fn flow_records(records: &[Value]) -> BTreeMap<Key, Counts> {
    let mut sums = BTreeMap::new();
    records.iter().filter_map(flow_record).for_each(|record| add(&mut sums, record));
    sums
}

/// Sums over all TCP and UDP rows of the truth.
pub fn flow_rows(truth: &Value) -> BTreeMap<Key, Counts> {
    let mut sums = BTreeMap::new();
    let with_ports = rows(&truth["flows"]).iter().filter(|row| row[0] == "tcp" || row[0] == "udp");
    with_ports.for_each(|row| add(&mut sums, flow_row(row)));
    sums
}

pub fn address(value: &Value) -> IpAddr {
    value.as_str().unwrap().parse().unwrap()
}

pub fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("{value} is not a number"))
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is not text")).to_owned()
}

/// The items of an array; none where it is absent.
pub fn rows(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub fn texts(value: &Value) -> Vec<String> {
    rows(value).iter().map(text).collect()
}
