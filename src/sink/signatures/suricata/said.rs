//! What flows show and devices say, as Suricata can look for it: in the fields that it reads, else in
//! payload, where programs usually write them.

use super::super::seen::{Glob, Seen, seen};
use super::content::{behind, content, following, whole};
use crate::attribution::fact::FactRef;
use crate::attribution::signature::{By, Signature};

/// The part of a rule that tests.
pub(super) struct Test {
    pub protocol: &'static str,
    pub header: String,
    pub options: String,
}

const OF_DEVICE: &str = "$HOME_NET any -> any any";
/// Bytes that begin the options of DHCP (RFC 2131 §3).
const COOKIE: &[u8] = b"\x63\x82\x53\x63";
const HOST_NAME: u8 = 12;
const VENDOR_CLASS: u8 = 60;

/// The tests for a fact, or why there are none.
pub(super) fn tests(signature: &Signature, fact: &FactRef<'_>) -> Result<Vec<Test>, &'static str> {
    match seen(signature, fact).ok_or("cannot be read")? {
        Seen::Begins { transport, ports, by, runs } => {
            Ok(beginnings(transport, &services(ports), by, &runs))
        }
        Seen::Text { fact, value } => text(fact, &value).map(|test| vec![test]),
        Seen::Dhcp { hostname, vendor_class } => {
            let parts = [(HOST_NAME, hostname), (VENDOR_CLASS, vendor_class)];
            Ok(vec![dhcp(&parts)])
        }
        Seen::Spoken => Err("only phonehome's dissectors know the protocol"),
    }
}

/// The beginning of a message, in as many transports as it may come in.
fn beginnings(
    transport: Option<&str>,
    ports: &str,
    by: Option<By>,
    runs: &[(usize, Vec<u8>)],
) -> Vec<Test> {
    let all = ["tcp", "udp"].into_iter().filter(|name| transport.is_none_or(|t| t == *name));
    let options: String = runs
        .iter()
        .map(|(at, run)| match at {
            0 => format!("{}startswith; ", content(run)),
            at => format!("{}offset:{at}; depth:{}; ", content(run), run.len()),
        })
        .collect();
    let arrow = if by == Some(By::Device) { "->" } else { "<>" };
    all.map(|protocol| {
        let established = if protocol == "tcp" { "flow:established; " } else { "" };
        Test {
            protocol,
            header: format!("{protocol} $HOME_NET any {arrow} any {ports}"),
            options: format!("{established}{options}"),
        }
    })
    .collect()
}

/// Ports as a header spells them.
fn services(ports: &[String]) -> String {
    match ports {
        [] => "any".to_owned(),
        ports => format!("[{}]", ports.join(",").replace('-', ":")),
    }
}

fn text(fact: &str, value: &Glob<'_>) -> Result<Test, &'static str> {
    let of_device = |protocol| format!("{protocol} {OF_DEVICE}");
    let test = |protocol, options| Test { protocol, header: of_device(protocol), options };
    let to_client = "flow:established,to_client; ";
    let to_server = "flow:established,to_server; ";
    Ok(match fact {
        "tls.certificate_holder" => {
            test("tls", format!("{to_client}tls.cert_subject; {}", whole(value)))
        }
        "tls.certificate_issuer" => {
            test("tls", format!("{to_client}tls.cert_issuer; {}", whole(value)))
        }
        // The keyword takes no `nocase`.
        "tls.ja4" => test("tls", format!("ja4.hash; {}", whole(value).replace("nocase; ", ""))),
        "tls.psk_identity" => test("tcp", format!("{to_server}{}", following(value))),
        "mqtt.client_id" => {
            test("mqtt", format!("{to_server}mqtt.connect.clientid; {}", whole(value)))
        }
        "sip.user_agent" => test("sip", behind("User-Agent: ", value)),
        "rtsp.server" => {
            let is_rtsp = format!("{}startswith; ", content(b"RTSP/1."));
            test("tcp", format!("flow:established; {is_rtsp}{}", behind("Server: ", value)))
        }
        "upnp.manufacturer" | "upnp.model" => {
            let element = if fact == "upnp.model" { "<modelName>" } else { "<manufacturer>" };
            let options = behind(element, value);
            test("http", format!("{to_client}http.response_body; {options}"))
        }
        "mdns.service" => mdns(following_labels(value)),
        "mdns.model" => {
            let pattern: Vec<String> = value.pieces.iter().map(|piece| escaped(piece)).collect();
            let between = if value.starts { "" } else { ".*" };
            let expression = format!("(?:md|mdl|model)={between}{}", pattern.join(".*"));
            mdns(format!("{}pcre:\"/{expression}/i\"; ", following(value)))
        }
        _ => return Err("Suricata has no field for it"),
    })
}

fn mdns(options: String) -> Test {
    Test { protocol: "udp", header: "udp $HOME_NET any -> any 5353".to_owned(), options }
}

/// Names as DNS packs them: each label behind its length. Of labels that a star is part of the length
/// is not known.
fn following_labels(value: &Glob<'_>) -> String {
    let mut options = String::new();
    for (index, piece) in value.pieces.iter().enumerate() {
        let opens = index > 0 || !value.starts;
        let closes = index + 1 < value.pieces.len() || !value.ends;
        let labels: Vec<&str> = piece.split('.').collect();
        let mut packed = Vec::new();
        for (at, label) in labels.iter().enumerate() {
            let is_part = at == 0 && opens || at + 1 == labels.len() && closes;
            if !is_part && !label.is_empty() {
                packed.push(label.len() as u8);
            }
            packed.extend(label.as_bytes());
        }
        options.push_str(&format!("{}nocase; ", content(&packed)));
        if index > 0 {
            options.push_str("distance:0; ");
        }
    }
    options
}

/// Options of DHCP: a code, a length that is not known, and what it begins with.
fn dhcp(parts: &[(u8, Option<Glob<'_>>)]) -> Test {
    let mut options = content(COOKIE);
    for (code, value) in parts {
        let Some(value) = value else { continue };
        for (index, piece) in value.pieces.iter().enumerate() {
            if index == 0 && value.starts {
                // From the cookie on, since options come in any order.
                let option = escaped(piece);
                options.push_str(&format!("{}nocase; ", content(piece.as_bytes())));
                options.push_str(&format!("pcre:\"/\\x{code:02x}.{option}/si\"; "));
            } else {
                options.push_str(&format!("{}nocase; ", content(piece.as_bytes())));
            }
        }
    }
    Test { protocol: "udp", header: "udp any 68 -> any 67".to_owned(), options }
}

/// Text within a regular expression of a rule.
fn escaped(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == ' ' || c == '_';
    text.bytes()
        .map(|byte| match char::from(byte) {
            c if plain(c) => c.to_string(),
            _ => format!("\\x{byte:02x}"),
        })
        .collect()
}
