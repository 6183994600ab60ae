//! What sort of thing a device is, by what it says of itself. Only what a standard or a protocol made
//! for one sort of thing tells: a device can serve more than one purpose, and can say anything.

use super::IdentitySeen;

/// Beginning of a fact's name, what its value has in it (any, where empty), and what says so.
const KINDS: [(&str, &str, &str); 19] = [
    // ONVIF Core Specification, scopes and types of WS-Discovery.
    ("ws_discovery.types", "networkvideotransmitter", "camera"),
    ("ws_discovery.types", "networkvideodisplay", "video display"),
    ("ws_discovery.types", "networkvideostorage", "video recorder"),
    // Registered services of DNS-SD (RFC 6763 and the registry of IANA).
    ("mdns.service", "_axis-video._tcp.", "camera"),
    ("mdns.service", "_ipp._tcp.", "printer"),
    ("mdns.service", "_ipps._tcp.", "printer"),
    ("mdns.service", "_printer._tcp.", "printer"),
    ("mdns.service", "_pdl-datastream._tcp.", "printer"),
    ("mdns.service", "_scanner._tcp.", "scanner"),
    ("mdns.service", "_hue._tcp.", "lighting hub"),
    // Protocols that are made for one sort of thing.
    ("ocpp.station", "", "charging station"),
    ("ocpp.model", "", "charging station"),
    ("gbt32960.vin", "", "vehicle"),
    ("jtt808.terminal_id", "", "vehicle terminal"),
    ("dlms.system_title", "", "meter"),
    ("goose.device", "", "substation device"),
    ("sampled.id", "", "substation device"),
    ("lorawan.gateway", "", "LoRaWAN gateway"),
    ("adms.serial", "", "access terminal"),
];

/// The sort of thing, and which of the descriptions says so.
pub(super) fn kind_of(identities: &[IdentitySeen]) -> Option<(&'static str, &IdentitySeen)> {
    let fits = |said: &&IdentitySeen, fact: &str, part: &str| {
        said.fact == fact && said.value.text.to_ascii_lowercase().contains(part)
    };
    KINDS.iter().find_map(|&(fact, part, kind)| {
        identities.iter().find(|said| fits(said, fact, part)).map(|said| (kind, said))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_made_for_one_sort_of_thing_tells_it() {
        let said = |fact, value: &str| IdentitySeen {
            kind: "service",
            fact,
            value: value.as_bytes().into(),
            frame: 7,
        };
        for (fact, value, kind) in [
            ("ws_discovery.types", "dn:NetworkVideoTransmitter tds:Device", Some("camera")),
            ("ws_discovery.types", "wsdp:Device", None),
            ("mdns.service", "Office._ipp._tcp.local", Some("printer")),
            ("mdns.service", "Office._http._tcp.local", None),
            ("http.server", "_ipp._tcp.local", None),
            ("dlms.system_title", "KAM123", Some("meter")),
        ] {
            let all = [said("mdns.service", "x._http._tcp.local"), said(fact, value)];
            assert_eq!(kind_of(&all).map(|(kind, _)| kind), kind, "{fact} {value}");
        }
    }
}
