//! The flat form of a record, for tables: what CSV and Parquet share. Lists are joined by `;`; the
//! full ones, with the source of each name and the database of each country, are in JSON lines.

use crate::attribution::record::FlowRecord;
use crate::base::time::Timestamp;
use std::borrow::Cow;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Whole,
    YesNo,
    Time,
}

/// What one record has in a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value<'r> {
    Text(Cow<'r, str>),
    Whole(u64),
    YesNo(bool),
    Time(Timestamp),
    Missing,
}

/// One column.
pub(super) struct Column {
    pub name: &'static str,
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "CSV has no types"))]
    pub kind: Kind,
    pub get: fn(&FlowRecord) -> Value<'_>,
}

fn text(value: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(value))
}

fn spelled(value: impl ToString) -> Value<'static> {
    Value::Text(Cow::Owned(value.to_string()))
}

fn maybe<'r>(value: Option<&'r str>) -> Value<'r> {
    value.map_or(Value::Missing, text)
}

fn number(value: Option<impl Into<u64>>) -> Value<'static> {
    value.map_or(Value::Missing, |value| Value::Whole(value.into()))
}

fn joined(items: impl Iterator<Item = String>) -> Value<'static> {
    let items: Vec<String> = items.collect();
    if items.is_empty() { Value::Missing } else { Value::Text(Cow::Owned(items.join(";"))) }
}

/// Different ones, in their order.
fn distinct(items: impl Iterator<Item = String>) -> Value<'static> {
    let mut seen: Vec<String> = Vec::new();
    for item in items {
        if !seen.contains(&item) {
            seen.push(item);
        }
    }
    joined(seen.into_iter())
}

macro_rules! column {
    ($name:literal, $kind:ident, $get:expr) => {
        Column { name: $name, kind: Kind::$kind, get: $get }
    };
}

/// All of them, in the order in which they are written.
pub(super) static COLUMNS: &[Column] = &[
    column!("first", Time, |r| Value::Time(r.first)),
    column!("last", Time, |r| Value::Time(r.last)),
    column!("proto", Text, |r| text(&r.proto)),
    column!("src", Text, |r| spelled(r.src)),
    column!("src_port", Whole, |r| number(r.src_port)),
    column!("dst", Text, |r| spelled(r.dst)),
    column!("dst_port", Whole, |r| number(r.dst_port)),
    column!("icmp_type", Whole, |r| number(r.icmp_type)),
    column!("icmp_code", Whole, |r| number(r.icmp_code)),
    column!("initiator_known", YesNo, |r| Value::YesNo(r.initiator_known)),
    column!("protocol", Text, |r| text(r.label.protocol)),
    column!("label_method", Text, |r| text(r.label.method)),
    column!("label_frame", Whole, |r| number(r.label.frame)),
    column!("content", Text, |r| text(r.label.content)),
    column!("packets_out", Whole, |r| Value::Whole(r.packets[0])),
    column!("packets_back", Whole, |r| Value::Whole(r.packets[1])),
    column!("wire_bytes_out", Whole, |r| Value::Whole(r.wire_bytes[0])),
    column!("wire_bytes_back", Whole, |r| Value::Whole(r.wire_bytes[1])),
    column!("ip_bytes_out", Whole, |r| Value::Whole(r.ip_bytes[0])),
    column!("ip_bytes_back", Whole, |r| Value::Whole(r.ip_bytes[1])),
    column!("payload_bytes_out", Whole, |r| Value::Whole(r.payload_bytes[0])),
    column!("payload_bytes_back", Whole, |r| Value::Whole(r.payload_bytes[1])),
    column!("delivered_bytes_out", Whole, |r| Value::Whole(r.delivered_bytes[0])),
    column!("delivered_bytes_back", Whole, |r| Value::Whole(r.delivered_bytes[1])),
    column!("missed_bytes_out", Whole, |r| Value::Whole(r.missed_bytes[0])),
    column!("missed_bytes_back", Whole, |r| Value::Whole(r.missed_bytes[1])),
    column!("duplicate_packets", Whole, |r| Value::Whole(r.duplicates[0])),
    column!("first_frame", Whole, |r| Value::Whole(r.frames[0])),
    column!("last_frame", Whole, |r| Value::Whole(r.frames[1])),
    column!("ended_by", Text, |r| text(r.ended_by)),
    column!("state", Text, |r| maybe(r.state)),
    column!("history", Text, |r| maybe(r.history.as_deref())),
    column!("rtt_ns", Whole, |r| number(r.rtt_ns.and_then(|rtt| u64::try_from(rtt).ok()))),
    column!("vlan", Text, |r| joined(r.vlan.iter().map(u16::to_string))),
    column!("tunnel", Text, |r| joined(
        r.tunnel.iter().map(|t| format!("{} {}>{}", t.kind, t.outer[0], t.outer[1]))
    )),
    column!("community_id", Text, |r| text(&r.community_id)),
    column!("name", Text, |r| maybe(r.names.first().map(|name| name.name.text.as_str()))),
    column!("name_source", Text, |r| maybe(r.names.first().map(|name| name.source))),
    column!("names", Text, |r| joined(
        r.names.iter().map(|name| format!("{}:{}", name.source, name.name.text))
    )),
    column!("sni", Text, |r| maybe(r.sni.as_deref())),
    column!("sni_outer", YesNo, |r| Value::YesNo(r.sni_outer)),
    column!("alpn", Text, |r| maybe(r.alpn.as_deref())),
    column!("ja3", Text, |r| maybe(r.ja3.as_deref())),
    column!("ja4", Text, |r| maybe(r.ja4.as_deref())),
    column!("http_hosts", Text, |r| joined(r.http_hosts.iter().cloned())),
    column!("device", Text, |r| text(&r.device)),
    column!("destination", Text, |r| maybe(r.destination.as_deref())),
    column!("countries", Text, |r| distinct(
        r.countries.iter().map(|opinion| opinion.country.to_string())
    )),
    column!("asn", Text, |r| distinct(r.asn.iter().map(|asn| asn.number.to_string()))),
    column!("as_organisation", Text, |r| distinct(r.asn.iter().map(|a| a.organisation.clone()))),
];
