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
    ("tcpdump/bgp-aigp.pcap", "flows", 1, "link type 178, Ethernet behind a header of Juniper"),
    ("tcpdump/vtp_asan.pcap", "totals", 1, UNKNOWN_LINK),
    ("tcpdump/vtp_asan-2.pcap", "totals", 1, UNKNOWN_LINK),
    ("tcpdump/vtp_asan-3.pcap", "totals", 1, UNKNOWN_LINK),
    ("suricata-verify/bug-7414-decoder-event-01.pcap", "flows", 1, OPTION),
    ("suricata-verify/firewall__tcp-session-decode-malformed-ipv4.pcap", "flows", 1, OPTION),
    ("suricata-verify/dns__dns-forward-pointer.pcap", "dns", 1, FORWARDS),
    ("zeek/dns__dns-invalid-names.pcap", "dns", 1, NOT_A_NAME),
    ("zeek/quic__vector-max-size-crash.pcap", "dns", 1, NOT_A_NAME),
    ("bulk/Malcolm-Test-Artifacts__DNS.pcap", "dns", 3, NOT_DNS),
    ("ndpi/netbios_wildcard_dns_query.pcap", "dns", 1, NETBIOS),
    ("zeek/http__no-uri.pcap", "http", 1, "the request line has no target (RFC 9112 §3)"),
    ("mercury/socks4_5.pcap", "http", 1, SOCKS),
    ("ndpi/socks.pcap", "http", 2, SOCKS),
    ("zeek/socks.pcap", "http", 1, SOCKS),
    ("zeek/tunnels__socks.pcap", "http", 1, SOCKS),
    ("bulk/mercury__emix.pcap", "http", 1, SOCKS),
    ("ndpi/http_on_sip_port.pcap", "http, more", 1, PORT),
    ("ndpi/ookla.pcap", "sni, more", 1, PORT),
    ("zeek/http__get-to-ssh-server.pcap", "http, more", 1, PORT),
    ("zeek/http__http-to-ssh.pcap", "http, more", 1, PORT),
    ("zeek/http__zeek-image-post-1080-8000-x.pcap", "http, more", 1, PORT),
    ("zeek/http__http-bad-request-with-version.pcap", "http, more", 1, NO_REQUEST),
    ("ja4/tls-handshake.pcapng", "ja3", 5, AGAIN),
    ("malcolm/RADIUS.pcap", "ja3", 1, INSIDE),
    ("ndpi/443-opvn.pcap", "ja3", 1, INSIDE),
    ("ndpi/openvpn.pcap", "ja3", 2, INSIDE),
    ("ndpi/openvpn_nohmac.pcapng", "ja3", 1, INSIDE),
    ("ndpi/tls_cipher_lens.pcap", "ja3", 1, NO_CIPHERS),
    ("ndpi/tls_cipher_lens.pcap", "ja3, more", 1, NO_CIPHERS),
    ("ndpi/ookla.pcap", "ja3, more", 1, PORT),
    ("ndpi/tls_port_80.pcapng", "ja3, more", 1, PORT),
    ("smart_home/dlink-cam__base-firewall__wlan2.4.pcap", "ja3, more", 1, PORT),
    ("smart_home/dlink-cam__base-firewall__wlan5.0.pcap", "ja3, more", 1, PORT),
    ("zeek/tls__https-to-http.pcap", "ja3, more", 1, PORT),
    ("bulk/Malcolm-Test-Artifacts__SSL.pcap", "ja3, more", 1, OLD_FORM),
    ("iot_sentinel/D-LinkCam/Setup-A-3-STA.pcap", "ja3, more", 1, OLD_FORM),
    ("iot_sentinel/D-LinkCam/Setup-A-5-STA.pcap", "ja3, more", 1, OLD_FORM),
    ("iot_sentinel/D-LinkCam/Setup-B-3-STA.pcap", "ja3, more", 1, OLD_FORM),
    ("iot_sentinel/D-LinkCam/Setup-B-5-STA.pcap", "ja3, more", 1, OLD_FORM),
    ("misc/retina__tls_ciphers.pcap", "ja3, more", 3, OLD_FORM),
    ("ndpi/google_ssl.pcap", "ja3, more", 1, OLD_FORM),
    ("ndpi/quic-forcing-vn-with-data.pcapng", "ja3, more", 1, FORCED),
    ("tcpdump/quic_vn.pcap", "sni, more", 1, FORCED),
    ("tcpdump/quic_vn.pcap", "ja3, more", 1, FORCED),
    ("ndpi/http2.pcapng", "http, more", 1, HTTP_2),
    ("suricata-verify/http2-compression-bug.pcap", "http, more", 2, HTTP_2),
    ("suricata-verify/http2-continuation.pcap", "http, more", 1, HTTP_2),
    ("ipfixprobe/rtsp.pcap", "http, more", 1, "the host of an RTSP request"),
];

const UNKNOWN_LINK: &str = "tshark does not support link type 182 and gives the file up; the \
    frames are there, so they are counted, and refused";
const OPTION: &str = "an IP option states a length that cannot be; the header's length is right, \
    so the packet is counted, while tshark stops at the option";
const FORWARDS: &str = "a name points forwards; RFC 1035 §4.1.4 has pointers to prior names only";
const NOT_A_NAME: &str = "tshark writes its complaint where the name should be";
const NOT_DNS: &str = "sent to port 53, but thousands of questions in a few bytes are not DNS";
const NETBIOS: &str = "a NetBIOS node status request (RFC 1002 §4.2.17) sent to port 53: its name is \
    no name of DNS";
const SOCKS: &str = "the request goes through a SOCKS proxy, whose flow it is";
const PORT: &str = "tshark goes by the port, which is that of another protocol";
const NO_REQUEST: &str = "tshark does not take the request for one";
const INSIDE: &str = "the hello is inside another protocol that the flow is called by";
const AGAIN: &str = "the second hello after a HelloRetryRequest; the first one counts";
const NO_CIPHERS: &str = "the length of the list of ciphers is made to be 0, and what follows is \
    read in two ways";
const OLD_FORM: &str = "a hello in the form of SSL 2.0, for which tshark computes nothing";
const FORCED: &str = "a hello in a version that only asks for negotiation; tshark does not decrypt \
    it, we do, and the seal is right";
const HTTP_2: &str = "the truth has HTTP/1 only";

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
    let mut say = |issue: &'static str, count: usize, said: String| {
        verdict.complaints.push(Complaint { capture: case.name.clone(), issue, count, said });
    };
    let walked = match walk(&case.capture) {
        Ok(walked) => walked,
        Err(error) => {
            if number(&truth["packets"]) > 0 {
                say("totals", 1, error.to_string());
            }
            return verdict;
        }
    };
    let frames = &walked.outcome.frames;
    let ours = (frames.total, frames.wire_bytes);
    let theirs = (number(&truth["packets"]), number(&truth["bytes"]));
    if ours != theirs {
        say("totals", 1, format!("frames and bytes {ours:?}, tshark {theirs:?}"));
    }
    let unlike: Vec<_> = published(&truth).difference(&keyed(&walked)).cloned().collect();
    if !unlike.is_empty() {
        say("ja4", unlike.len(), format!("FoxIO's programs have {unlike:?}"));
    }
    let their_hosts = column(&truth["http"], 2).into_iter().map(portless).collect();
    for ([issue, more], ours, theirs) in [
        (["dns", "dns, more"], names_asked(&walked), asked_by_truth(&truth)),
        (["sni", "sni, more"], server_names(&walked), both(&truth, 2)),
        (["ja3", "ja3, more"], fingerprints(&walked), both(&truth, 3)),
        (["http", "http, more"], hosts(&walked), their_hosts),
    ] {
        let invented: Vec<_> = ours.difference(&theirs).filter(|name| !is_netbios(name)).collect();
        if !invented.is_empty() {
            say(more, invented.len(), format!("tshark does not have {invented:?}"));
        }
        let missing: Vec<_> = theirs.difference(&ours).collect();
        if !missing.is_empty() {
            let said = format!("of {} are missing: {missing:?}", theirs.len());
            say(issue, missing.len(), said);
        }
    }
    if flows_are_comparable(&truth, &walked) {
        let ours = truth::flow_records(&walked.records);
        let theirs = truth::flow_rows(&truth);
        let invented: Vec<_> = ours.keys().filter(|key| !theirs.contains_key(*key)).collect();
        if let Some(first) = invented.first() {
            say("flows, more", invented.len(), format!("tshark does not have {first:?}"));
        }
        let wrong: Vec<_> =
            theirs.iter().filter(|(key, counts)| ours.get(*key) != Some(counts)).collect();
        if let Some((key, counts)) = wrong.first() {
            let said = format!(
                "of {}, as {key:?}: we say {:?}, tshark {counts:?}",
                theirs.len(),
                ours.get(*key)
            );
            say("flows", wrong.len(), said);
        }
        verdict.flows_right = (theirs.len() - wrong.len()) as u64;
        verdict.flows = theirs.len() as u64;
    }
    verdict
}

/// Only where the truth lists all flows, with the ports of every packet.
fn flows_are_comparable(truth: &Value, walked: &Walked) -> bool {
    let tunnelled = TUNNELS.iter().any(|layer| truth["protocols"].get(layer).is_some())
        || walked.records.iter().any(|record| record.get("tunnel").is_some());
    let fragments = truth["ip_fragments"].as_u64().unwrap_or(0) > 0;
    let all = rows(&truth["flows"]).len() as u64 == truth["flows_total"].as_u64().unwrap_or(0);
    !tunnelled && !fragments && all
}

/// Names compare without case (RFC 4343), and the root's dot is not written.
fn plain(name: &str) -> String {
    name.to_lowercase().trim_end_matches('.').to_owned()
}

fn column(table: &Value, at: usize) -> BTreeSet<String> {
    let values = rows(table).iter().map(|row| plain(&text(&row[at])));
    values.filter(|name| !name.is_empty()).collect()
}

/// What the truth has of TLS and of QUIC.
fn both(truth: &Value, at: usize) -> BTreeSet<String> {
    let (mut all, quic) = (column(&truth["tls"], at), column(&truth["quic"], at));
    all.extend(quic);
    all
}

fn fingerprints(walked: &Walked) -> BTreeSet<String> {
    not_dtls(walked).filter_map(|record| record["ja3"].as_str()).map(plain).collect()
}

/// The truth has no hellos of DTLS.
fn not_dtls(walked: &Walked) -> impl Iterator<Item = &Value> {
    walked.records.iter().filter(|record| {
        let label = &record["label"];
        let also = label["also"].as_array();
        let all = std::iter::once(label).chain(also.into_iter().flatten());
        all.map(|label| &label["protocol"]).all(|protocol| protocol != "dtls")
    })
}

fn asked_by_truth(truth: &Value) -> BTreeSet<String> {
    column(&truth["dns"]["queries"], 1).into_iter().map(ascii).collect()
}

fn names_asked(walked: &Walked) -> BTreeSet<String> {
    let ledger = &walked.outcome.ledger;
    let asked = ledger.asked.iter().filter(|(_, asked)| asked.queries > 0);
    asked.map(|(id, _)| as_tshark_writes(ledger.names.get(id))).collect()
}

/// tshark calls the root `<root>` and writes control characters in octal. What it makes of bytes
/// that are not UTF-8 cannot be told apart, so runs of them are one question mark here.
fn as_tshark_writes(name: &[u8]) -> String {
    if name == b"." {
        return "<root>".to_owned();
    }
    let mut text = String::new();
    for character in String::from_utf8_lossy(name).chars() {
        match character {
            c if c.is_ascii_control() => text.push_str(&format!("\\{:03o}", c as u32)),
            c => text.push(c),
        }
    }
    ascii(plain(&text))
}

/// The truth has no NetBIOS names, which travel as 32 letters (RFC 1001 §14.1).
fn is_netbios(name: &str) -> bool {
    let first = name.split('.').next().unwrap_or_default();
    first.len() == 32 && first.bytes().all(|letter| (b'a'..=b'p').contains(&letter))
}

fn ascii(name: String) -> String {
    let parts: Vec<&str> = name.split(|c: char| !c.is_ascii()).collect();
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index > 0 && !text.ends_with('?') {
            text.push('?');
        }
        text.push_str(part);
    }
    text
}

fn server_names(walked: &Walked) -> BTreeSet<String> {
    not_dtls(walked).filter_map(|record| record["sni"].as_str()).map(plain).collect()
}

/// Both ends of flows with their JA4, as the programs that come with its definition print them.
fn published(truth: &Value) -> BTreeSet<String> {
    let programs = [
        ("ja4_python", "JA4.1", ["srcport", "dstport"]),
        ("ja4_rust", "ja4", ["src_port", "dst_port"]),
    ];
    let values = programs.into_iter().flat_map(|(program, key, ports)| {
        let all = rows(&truth["peer"][program]).iter();
        all.filter(move |row| row[key].is_string()).map(move |row| {
            let ends = ["src", ports[0], "dst", ports[1]].map(|end| plain_text(&row[end]));
            format!("{} {}", ends.join(" "), plain_text(&row[key]))
        })
    });
    values.collect()
}

fn keyed(walked: &Walked) -> BTreeSet<String> {
    let records = walked.records.iter().filter(|record| record["ja4"].is_string());
    let ends = ["src", "src_port", "dst", "dst_port", "ja4"];
    records.map(|record| ends.map(|end| plain_text(&record[end])).join(" ")).collect()
}

/// Ports are text in one program and numbers in the other.
fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
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
