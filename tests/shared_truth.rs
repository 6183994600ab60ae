//! Over a thousand captures of other people, held against what tshark says of them.

mod common;

use common::known::{Complaint, Known, unexplained};
use common::walk::{Walked, walk};
use common::{none, places, truth, two_at_a_time};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use truth::{number, rows, text};

/// Where we differ from tshark, and why.
const KNOWN: &[Known] = &[
    (
        "bulk/Malcolm-Test-Artifacts__DNS.pcap",
        "dns",
        "binary labels: tshark writes replacement characters, we write \\xNN",
    ),
    ("bulk/Malcolm-Test-Artifacts__SSL.pcap", "sni", "inside a tunnel, which is not opened yet"),
    ("bulk/mercury__emix.pcap", "http", "inside a tunnel, which is not opened yet"),
    ("ja4/gre-sample.pcap", "dns", "inside a tunnel, which is not opened yet"),
    ("malcolm/Tunnels.pcap", "dns", "inside a tunnel, which is not opened yet"),
    ("malcolm/Tunnels.pcap", "http", "inside a tunnel, which is not opened yet"),
    ("malcolm/Tunnels.pcap", "sni", "inside a tunnel, which is not opened yet"),
    ("mercury/ip_encapsulation.pcap", "http", "inside a tunnel, which is not opened yet"),
    ("mercury/socks4_5.pcap", "http", "behind a SOCKS proxy: not a name of the responder"),
    ("ndpi/capwap_data.pcapng", "sni", "inside a tunnel, which is not opened yet"),
    (
        "ndpi/dns-invalid-chars.pcap",
        "dns",
        "binary labels: tshark writes replacement characters, we write \\xNN",
    ),
    ("ndpi/false_positives.pcapng", "http", "inside a tunnel, which is not opened yet"),
    (
        "ndpi/ja3_lots_of_cipher_suites_2_anon.pcap",
        "sni",
        "inside a tunnel, which is not opened yet",
    ),
    ("ndpi/socks.pcap", "http", "behind a SOCKS proxy: not a name of the responder"),
    (
        "suricata-verify/bug-7414-decoder-event-01.pcap",
        "flows",
        "tshark gives up at a broken IP option; the packet belongs to the flow",
    ),
    (
        "suricata-verify/dns__dns-forward-pointer.pcap",
        "dns",
        "a compression pointer to a later place is not valid (RFC 1035 section 4.1.4)",
    ),
    (
        "suricata-verify/firewall__tcp-session-decode-malformed-ipv4.pcap",
        "flows",
        "tshark gives up at a broken IP option; the packet belongs to the flow",
    ),
    ("tcpdump/bgp-aigp.pcap", "flows", "the link type is refused by name so far"),
    (
        "tcpdump/vtp_asan-2.pcap",
        "totals",
        "tshark does not know the link type and reads nothing; the records are there",
    ),
    (
        "tcpdump/vtp_asan-3.pcap",
        "totals",
        "tshark does not know the link type and reads nothing; the records are there",
    ),
    (
        "tcpdump/vtp_asan.pcap",
        "totals",
        "tshark does not know the link type and reads nothing; the records are there",
    ),
    ("zeek/dns__dns-invalid-names.pcap", "dns", "tshark's words for a name that cannot be read"),
    ("zeek/http__no-uri.pcap", "http", "a request line without a target is not HTTP"),
    ("zeek/llc.pcap", "flows", "the link type is refused by name so far"),
    ("zeek/nflog-http.pcap", "flows", "the link type is refused by name so far"),
    ("zeek/nflog-http.pcap", "http", "the link type is refused by name so far"),
    (
        "zeek/quic__vector-max-size-crash.pcap",
        "dns",
        "tshark's words for a name that cannot be read",
    ),
    ("zeek/radiotap.pcap", "dns", "the link type is refused by name so far"),
    ("zeek/radiotap.pcap", "flows", "the link type is refused by name so far"),
    ("zeek/socks.pcap", "http", "behind a SOCKS proxy: not a name of the responder"),
    ("zeek/tunnels__geneve-47101.pcap", "sni", "inside a tunnel, which is not opened yet"),
    (
        "zeek/tunnels__geneve-vxlan-dns-truncated.pcap",
        "dns",
        "inside a tunnel, which is not opened yet",
    ),
    ("zeek/tunnels__gre-over-udp-4754.pcap", "dns", "inside a tunnel, which is not opened yet"),
    ("zeek/tunnels__gre-over-udp-4754.pcap", "http", "inside a tunnel, which is not opened yet"),
    ("zeek/tunnels__gre-pptp.pcap", "dns", "inside a tunnel, which is not opened yet"),
    (
        "zeek/tunnels__gtp__gtp1_gn_normal_incl_fragmentation.pcap",
        "http",
        "inside a tunnel, which is not opened yet",
    ),
    (
        "zeek/tunnels__gtp__gtp2_different_udp_port.pcap",
        "http",
        "inside a tunnel, which is not opened yet",
    ),
    ("zeek/tunnels__socks.pcap", "http", "behind a SOCKS proxy: not a name of the responder"),
    (
        "zeek/tunnels__vxlan-encapsulated-http.pcap",
        "http",
        "inside a tunnel, which is not opened yet",
    ),
];

/// Layers in which a second IP header hides; the truth has the outermost one, we the innermost.
const TUNNELS: &[&str] = &[
    "gre", "vxlan", "geneve", "erspan", "gtp", "teredo", "l2tp", "ipip", "capwap", "tzsp", "mpls",
    "pppoes",
];

/// A capture with its truth.
struct Case {
    name: String,
    capture: PathBuf,
    truth: PathBuf,
}

fn cases(root: &Path) -> Vec<Case> {
    let expected = root.join("expected");
    let mut cases = Vec::new();
    places::visit(&expected, &mut |truth| {
        let relative = truth.strip_prefix(&expected).unwrap().with_extension("");
        let capture = root.join(&relative);
        if capture.is_file() {
            let name = relative.to_string_lossy().into_owned();
            cases.push(Case { name, capture, truth: truth.to_owned() });
        }
    });
    assert!(cases.len() > 1000, "only {} captures have a truth", cases.len());
    cases
}

/// What became of one capture.
#[derive(Default)]
struct Verdict {
    complaints: Vec<Complaint>,
    flows_right: u64,
    flows: u64,
}

fn judge(case: &Case) -> Verdict {
    let truth = truth::read(&case.truth);
    let mut verdict = Verdict::default();
    let mut say = |issue: &'static str, said: String| {
        verdict.complaints.push(Complaint { capture: case.name.clone(), issue, said });
    };
    let walked = match walk(&case.capture) {
        Ok(walked) => walked,
        Err(error) => {
            if number(&truth["packets"]) > 0 {
                say("totals", error.to_string());
            }
            return verdict;
        }
    };
    let frames = &walked.engine.frames;
    let ours = (frames.total, frames.wire_bytes);
    let theirs = (number(&truth["packets"]), number(&truth["bytes"]));
    if ours != theirs {
        say("totals", format!("frames and bytes {ours:?}, tshark {theirs:?}"));
    }
    for (issue, ours, theirs) in [
        ("dns", names_asked(&walked), column(&truth["dns"]["queries"], 1)),
        ("sni", server_names(&walked), column(&truth["tls"], 2)),
        ("http", hosts(&walked), column(&truth["http"], 2).into_iter().map(portless).collect()),
    ] {
        let missing: Vec<_> = theirs.difference(&ours).collect();
        if !missing.is_empty() {
            say(issue, format!("{} of {} are missing: {missing:?}", missing.len(), theirs.len()));
        }
    }
    if flows_are_comparable(&truth) {
        let ours = truth::flow_records(&walked.records);
        let theirs = truth::flow_rows(&truth);
        let wrong: Vec<_> =
            theirs.iter().filter(|(key, counts)| ours.get(*key) != Some(counts)).collect();
        if let Some((key, counts)) = wrong.first() {
            let said = format!(
                "{} of {} differ, as {key:?}: we say {:?}, tshark {counts:?}",
                wrong.len(),
                theirs.len(),
                ours.get(*key)
            );
            say("flows", said);
        }
        verdict.flows_right = (theirs.len() - wrong.len()) as u64;
        verdict.flows = theirs.len() as u64;
    }
    verdict
}

/// Only where the truth lists all flows, with the ports of every packet.
fn flows_are_comparable(truth: &Value) -> bool {
    let tunnelled = TUNNELS.iter().any(|layer| truth["protocols"].get(layer).is_some());
    let fragments = truth["ip_fragments"].as_u64().unwrap_or(0) > 0;
    let all = rows(&truth["flows"]).len() as u64 == truth["flows_total"].as_u64().unwrap_or(0);
    !tunnelled && !fragments && all
}

/// Names compare without case (RFC 4343), and the root's dot is not written.
fn plain(name: &str) -> String {
    if name.eq_ignore_ascii_case("<root>") {
        return String::new();
    }
    name.to_lowercase().trim_end_matches('.').to_owned()
}

fn column(table: &Value, at: usize) -> BTreeSet<String> {
    let values = rows(table).iter().map(|row| plain(&text(&row[at])));
    values.filter(|name| !name.is_empty()).collect()
}

fn names_asked(walked: &Walked) -> BTreeSet<String> {
    let ledger = &walked.engine.ledger;
    let asked = ledger.asked.iter().filter(|(_, asked)| asked.queries > 0);
    asked.map(|(&id, _)| plain(&phonehome::base::text::safe(ledger.names.get(id)))).collect()
}

fn server_names(walked: &Walked) -> BTreeSet<String> {
    walked.records.iter().filter_map(|record| record["sni"].as_str()).map(plain).collect()
}

fn hosts(walked: &Walked) -> BTreeSet<String> {
    let hosts = walked.records.iter().flat_map(|record| rows(&record["http_hosts"]));
    hosts.map(|host| portless(plain(&text(host)))).collect()
}

/// A Host header may end in a port.
fn portless(host: String) -> String {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') && port.bytes().all(|b| b.is_ascii_digit()) => {
            name.to_owned()
        }
        _ => host,
    }
}

#[test]
fn totals_flows_and_names_are_those_of_tshark() {
    let Some(root) = places::shared() else { return };
    let cases = cases(&root);
    let verdicts = two_at_a_time(&cases, judge);
    let right: u64 = verdicts.iter().map(|verdict| verdict.flows_right).sum();
    let all: u64 = verdicts.iter().map(|verdict| verdict.flows).sum();
    assert!(all > 10_000, "only {all} flows could be compared");
    assert!(right * 100 >= all * 99, "{right} of {all} flows agree");
    let looked_at = cases.iter().map(|case| case.name.clone()).collect();
    let complaints: Vec<Complaint> =
        verdicts.into_iter().flat_map(|verdict| verdict.complaints).collect();
    none(&unexplained(&complaints, KNOWN, &looked_at));
}
