//! What devices run over HTTP, told by path, header or body: GA/T 1400 video platforms (paths
//! below `/VIID/`), TR-069 home gateways (CWMP, Broadband Forum TR-069 amendment 6 §A), ONVIF
//! (SOAP, ONVIF Core §5), UPnP descriptions of devices (UPnP Device Architecture 1.1 §2.3), OCPP charging stations (OCPP-J 1.6 §3, over WebSocket, RFC 6455 §5),
//! ZKTeco attendance terminals (ADMS) and eWeLink switches in the local network.
//!
//! OCPP: OCPP-J 1.6 §4 and OCPP 2.0.1 part 4 §4 for the frames, OCPP 1.6 §6 and 2.0.1 part 2 for
//! their fields. Cards of drivers are told by their length alone. A WebSocket that packs its frames
//! (RFC 7692) is not read.
//!
//! Bounds: those of the caller for heads and bodies, those of `framed.rs` for WebSocket frames.

use super::super::{IdentityKind, Next, Session};
use super::document::{self, Entry, Meaning, contains};
use super::framed::{Framed, Grammar, Message, Size, Voice, u16_be, u32_be};
use super::header::{self, Parted};
use super::parameter;

/// Something that runs over HTTP.
#[derive(Debug, PartialEq, Eq)]
pub enum Application {
    /// GA/T 1400.
    Viid,
    /// TR-069.
    Cwmp,
    /// ONVIF.
    Onvif,
    /// OCPP.
    Ocpp,
    /// ZKTeco.
    Adms,
    /// eWeLink.
    Ewelink,
    /// UPnP.
    Upnp,
}

const VIID: &[Entry] = &[
    ("DeviceID", Meaning::Identity(IdentityKind::DeviceId), "viid.device_id"),
    ("IPAddr", Meaning::Note, "viid.address"),
    ("PlateNo", Meaning::Note, "viid.plate"),
    ("Longitude", Meaning::Identity(IdentityKind::Location), "viid.longitude"),
    ("Latitude", Meaning::Identity(IdentityKind::Location), "viid.latitude"),
    ("ShotTime", Meaning::Note, "viid.shot_time"),
];
const CWMP: &[Entry] = &[
    ("Manufacturer", Meaning::Identity(IdentityKind::Product), "cwmp.manufacturer"),
    ("ProductClass", Meaning::Identity(IdentityKind::Model), "cwmp.product_class"),
    ("SerialNumber", Meaning::Identity(IdentityKind::Serial), "cwmp.serial"),
    ("EventCode", Meaning::Note, "cwmp.event"),
];
const ONVIF: &[Entry] = &[
    ("Manufacturer", Meaning::Identity(IdentityKind::Product), "onvif.manufacturer"),
    ("Model", Meaning::Identity(IdentityKind::Model), "onvif.model"),
    ("FirmwareVersion", Meaning::Identity(IdentityKind::Firmware), "onvif.firmware"),
    ("SerialNumber", Meaning::Identity(IdentityKind::Serial), "onvif.serial"),
    ("HwAddress", Meaning::Identity(IdentityKind::Mac), "onvif.mac"),
    ("Uri", Meaning::Note, "onvif.uri"),
];
const OCPP: &[Entry] = &[
    ("chargePointVendor", Meaning::Identity(IdentityKind::Product), "ocpp.vendor"),
    ("vendorName", Meaning::Identity(IdentityKind::Product), "ocpp.vendor"),
    ("chargePointModel", Meaning::Identity(IdentityKind::Model), "ocpp.model"),
    ("model", Meaning::Identity(IdentityKind::Model), "ocpp.model"),
    ("chargePointSerialNumber", Meaning::Identity(IdentityKind::Serial), "ocpp.serial"),
    ("chargeBoxSerialNumber", Meaning::Identity(IdentityKind::Serial), "ocpp.serial"),
    ("serialNumber", Meaning::Identity(IdentityKind::Serial), "ocpp.serial"),
    ("firmwareVersion", Meaning::Identity(IdentityKind::Firmware), "ocpp.firmware"),
    ("iccid", Meaning::Identity(IdentityKind::DeviceId), "ocpp.iccid"),
    ("imsi", Meaning::Identity(IdentityKind::DeviceId), "ocpp.imsi"),
    ("meterSerialNumber", Meaning::Note, "ocpp.meter"),
    // Whoever knows the number of a card can charge on its owner's account, so it is never shown.
    ("idTag", Meaning::Secret("ocpp card"), "ocpp.card"),
    ("idToken", Meaning::Secret("ocpp card"), "ocpp.card"),
    ("parentIdTag", Meaning::Secret("ocpp card"), "ocpp.card"),
    // OCPP 1.6 S: the header of every message names the station, whoever sends it.
    ("chargeBoxIdentity", Meaning::Note, "ocpp.charge_box"),
];
/// Calls of the central system that switch, write or restart something, of 1.6 and 2.0.1.
const OCPP_COMMANDS: &[&[u8]] = &[
    b"ChangeAvailability",
    b"ChangeConfiguration",
    b"ClearCache",
    b"RemoteStartTransaction",
    b"RemoteStopTransaction",
    b"RequestStartTransaction",
    b"RequestStopTransaction",
    b"Reset",
    b"SendLocalList",
    b"SetChargingProfile",
    b"SetNetworkProfile",
    b"SetVariables",
    b"SignedUpdateFirmware",
    b"UnlockConnector",
    b"UpdateFirmware",
];
const EWELINK: &[Entry] = &[
    ("deviceid", Meaning::Identity(IdentityKind::DeviceId), "ewelink.device_id"),
    ("fwVersion", Meaning::Identity(IdentityKind::Firmware), "ewelink.firmware"),
    ("switch", Meaning::Note, "ewelink.switch"),
];
/// What a switch is asked without being told to do anything.
const EWELINK_QUESTIONS: &[&[u8]] =
    &[b"info", b"signal_strength", b"getState", b"subDevList", b"statistics"];

const UPNP: &[Entry] = &[
    ("friendlyName", Meaning::Identity(IdentityKind::HostName), "upnp.name"),
    ("manufacturer", Meaning::Identity(IdentityKind::Product), "upnp.manufacturer"),
    ("modelName", Meaning::Identity(IdentityKind::Model), "upnp.model"),
    ("modelNumber", Meaning::Note, "upnp.model_number"),
    ("serialNumber", Meaning::Identity(IdentityKind::Serial), "upnp.serial"),
    ("firmwareVersion", Meaning::Identity(IdentityKind::Firmware), "upnp.firmware"),
];

impl Application {
    /// The word for it in outputs.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Application::Viid => "ga-t-1400",
            Application::Cwmp => "tr-069",
            Application::Onvif => "onvif",
            Application::Ocpp => "ocpp",
            Application::Adms => "zkteco-adms",
            Application::Ewelink => "ewelink",
            Application::Upnp => "upnp",
        }
    }

    fn table(&self) -> &'static [Entry] {
        match self {
            Application::Viid => VIID,
            Application::Cwmp => CWMP,
            Application::Onvif => ONVIF,
            Application::Ocpp => OCPP,
            Application::Adms => &[],
            Application::Ewelink => EWELINK,
            Application::Upnp => UPNP,
        }
    }
}

/// What the head of a request says it belongs to, and who asks.
pub fn of_request(target: &[u8], head: &Parted<'_>, voice: &mut Voice<'_>) -> Option<Application> {
    let path = target.split(|&byte| byte == b'?').next().unwrap_or_default();
    let is_ocpp = |value: &[u8]| {
        value.split(|&byte| byte == b',').any(|one| {
            one.trim_ascii().get(..4).is_some_and(|start| start.eq_ignore_ascii_case(b"ocpp"))
        })
    };
    let application = if path.starts_with(b"/VIID/") {
        voice.standard("gat1400", "viid.form");
        // The header repeats the number of whoever asks.
        let id = head.field("user-identify").unwrap_or_default();
        voice.identity(IdentityKind::DeviceId, "viid.device_id", id);
        Application::Viid
    } else if head.field("sec-websocket-protocol").is_some_and(is_ocpp) {
        let station = path.rsplit(|&byte| byte == b'/').next().unwrap_or_default();
        voice.identity(IdentityKind::DeviceId, "ocpp.station", station);
        Application::Ocpp
    } else if path.starts_with(b"/iclock/") {
        let query = target.get(path.len() + 1..).unwrap_or_default();
        let serial = query.split(|&byte| byte == b'&').find_map(|pair| pair.strip_prefix(b"SN="));
        voice.identity(IdentityKind::Serial, "adms.serial", serial.unwrap_or_default());
        Application::Adms
    } else if path.starts_with(b"/onvif/") {
        Application::Onvif
    } else if let Some(command) = path.strip_prefix(b"/zeroconf/") {
        if head.head.starts_with(b"POST ") && !EWELINK_QUESTIONS.contains(&command) {
            voice.control("ewelink.command", command);
        }
        Application::Ewelink
    } else {
        return None;
    };
    voice.note("http.application", application.name().as_bytes());
    Some(application)
}

/// Whether a body of this type is worth keeping for [`tell`].
#[must_use]
pub fn is_document(kind: &[u8]) -> bool {
    let kind = kind.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    [&b"application/viid+json"[..], b"application/soap+xml", b"text/xml", b"application/xml"]
        .iter()
        .any(|wanted| kind.eq_ignore_ascii_case(wanted))
}

/// Says what a body tells, of what its head named or it names itself.
pub fn tell(body: &[u8], named: Option<&Application>, voice: &mut Voice<'_>) {
    if contains(body, b"PortMapping") {
        mapping(body, voice);
    }
    let own = if contains(body, b"urn:dslforum-org:cwmp-1-") {
        Some(Application::Cwmp)
    } else if contains(body, b"http://www.onvif.org/ver") {
        Some(Application::Onvif)
    } else if contains(body, b"urn://Ocpp/C") {
        Some(Application::Ocpp)
    } else if contains(body, b"urn:schemas-upnp-org:device-1-0") {
        Some(Application::Upnp)
    } else {
        None
    };
    let Some(application) = own.as_ref().or(named) else {
        return;
    };
    voice.note("http.application", application.name().as_bytes());
    document::tell(body, application.table(), voice);
    match application {
        Application::Cwmp => parameters(body, voice),
        Application::Onvif => token(body, voice),
        _ => {}
    }
}

/// Name and value of each parameter stand side by side (TR-069 §A.3.1.1).
fn parameters(body: &[u8], voice: &mut Voice<'_>) {
    let mut last: Vec<u8> = Vec::new();
    document::elements(body, &mut |name, value| match name {
        b"Name" => last = value.to_vec(),
        b"Value" if last.ends_with(b".SoftwareVersion") => {
            voice.identity(IdentityKind::Firmware, "cwmp.firmware", value);
        }
        b"Value" if last.ends_with(b"Password") => {
            voice.credential("cwmp parameter", value.len(), "cwmp.parameter", &last);
        }
        _ => {}
    });
}

/// A port that a router is asked to open (UPnP WANIPConnection:2 §2.5.16), to whom and as what.
fn mapping(body: &[u8], voice: &mut Voice<'_>) {
    let [mut protocol, mut inner, mut outer, mut client] = [&[][..]; 4].map(<[u8]>::to_vec);
    document::elements(body, &mut |name, value| match name {
        b"NewProtocol" => protocol = value.to_ascii_lowercase(),
        b"NewInternalPort" => inner = value.to_vec(),
        b"NewExternalPort" => outer = value.to_vec(),
        b"NewInternalClient" => client = value.to_vec(),
        _ => {}
    });
    if !inner.is_empty() && !outer.is_empty() {
        let asked = [&protocol[..], b" ", &inner, b" as ", &outer, b" to ", &client].concat();
        voice.note("upnp.mapping", &asked);
    }
}

/// The user name token (WS-Security UsernameToken 1.1.1 §3.1): the password itself or a digest.
fn token(body: &[u8], voice: &mut Voice<'_>) {
    let plain = contains(body, b"#PasswordText");
    let mut user: Vec<u8> = Vec::new();
    document::elements(body, &mut |name, value| match name {
        b"Username" => user = value.to_vec(),
        b"Password" if plain => {
            voice.credential("onvif password", value.len(), "onvif.user", &user);
        }
        b"Password" => voice.note("onvif.digest_user", &user),
        _ => {}
    });
}

/// Reads on after the switch to WebSocket, where the application is one whose texts are known.
#[must_use]
pub fn websocket(application: Option<&Application>) -> Option<Box<dyn Session>> {
    (application? == &Application::Ocpp).then(|| Framed::start(Texts) as Box<dyn Session>)
}

/// Texts of OCPP in frames of WebSocket.
struct Texts;

/// Secrets that a station is given: the password of its own login, by the name of the setting (OCPP
/// 1.6 security whitepaper; SecurityCtrlr of OCPP 2.0.1 part 2), and those in places to fetch
/// programs from and to send logs to.
fn settings(text: &[u8], voice: &mut Voice<'_>) {
    let mut key: Vec<u8> = Vec::new();
    let mut given = 0;
    parameter::json(text, &mut |name, value| match name {
        b"key" => key = value.to_vec(),
        b"value" if key == b"AuthorizationKey" => {
            voice.credential("ocpp setting", value.len(), "ocpp.setting", &key);
        }
        b"attributeValue" => given = value.len(),
        b"name" if value == b"BasicAuthPassword" => {
            voice.credential("ocpp setting", given, "ocpp.setting", value);
        }
        b"location" | b"remoteLocation" => {
            if let Some(url) = header::url(value)
                && let Some((user, length)) = url.secret()
            {
                voice.credential("ocpp url", length, "ocpp.url", user);
            }
            voice.note("ocpp.location", &header::without_secrets(value));
        }
        _ => {}
    });
}

/// Header and extended length (RFC 6455 §5.2): reserved bits are zero, as no extension is read.
fn websocket_size(start: &[u8]) -> Size {
    let [first, second, ..] = *start else {
        return Size::Need(2);
    };
    if !matches!(first & 0x7f, 0..=2 | 8..=10) {
        return Size::Broken;
    }
    let (header, length) = match second & 0x7f {
        126 => (4, u16_be(start, 2).map(u32::from)),
        127 => (10, u32_be(start, 6)),
        length => (2, Some(u32::from(length))),
    };
    match length {
        None => Size::Need(header),
        Some(length) => {
            let mask = if second & 0x80 != 0 { 4 } else { 0 };
            Size::Whole(header + mask + length as usize)
        }
    }
}

impl Grammar for Texts {
    fn size(&self, start: &[u8]) -> Size {
        websocket_size(start)
    }

    fn read(&mut self, message: &Message<'_>, voice: &mut Voice<'_>) -> Next {
        let [first, second, rest @ ..] = message.bytes else {
            return Next::More;
        };
        let skip = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let rest = rest.get(skip..).unwrap_or_default();
        let text: Vec<u8> = match rest.split_first_chunk::<4>() {
            Some((mask, masked)) if second & 0x80 != 0 => {
                masked.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect()
            }
            _ => rest.to_vec(),
        };
        if first & 0x0f == 1 {
            // `[2,"id","Action",{..}]` is a call (OCPP-J §4.2.1).
            if text.trim_ascii_start().starts_with(b"[2,") {
                let action = text.split(|&byte| byte == b'"').nth(3).unwrap_or_default();
                voice.note("ocpp.action", action);
                if OCPP_COMMANDS.contains(&action) {
                    voice.control("ocpp.command", action);
                }
                settings(&text, voice);
            }
            document::tell(&text, OCPP, voice);
        }
        Next::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{Said, converse_tcp, flow, values};
    use super::super::super::{TCP, What};
    use crate::flow::Side;

    fn read(pieces: &[(Side, &[u8])]) -> Vec<Said> {
        let (label, said) = converse_tcp(&flow(TCP, 50_000, 5_123), pieces);
        assert_eq!(label.protocol, "http");
        said
    }

    fn post(head: &str, body: &str) -> Vec<u8> {
        format!("POST {head}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }

    #[test]
    fn a_video_platform_is_told_its_number() {
        let request = post(
            "/VIID/System/Register HTTP/1.1\r\nUser-Identify: 31010000001190000001\r\n\
             Content-Type: application/VIID+JSON\r\n",
            r#"{"RegisterObject":{"DeviceID":"31010000001190000001"}}"#,
        );
        let said = read(&[(Side::Low, &request)]);
        assert_eq!(values(&said, "viid.device_id"), [b"31010000001190000001"]);
        assert_eq!(values(&said, "http.application"), [b"ga-t-1400"]);
    }

    #[test]
    fn a_home_gateway_tells_its_serial_and_password() {
        let request = post(
            "/acs HTTP/1.1\r\nContent-Type: text/xml; charset=utf-8\r\n",
            "<s:Envelope xmlns:cwmp=\"urn:dslforum-org:cwmp-1-2\"><DeviceId>\
             <Manufacturer>Test</Manufacturer><SerialNumber>T0001</SerialNumber></DeviceId>\
             <ParameterValueStruct><Name>InternetGatewayDevice.DeviceInfo.SoftwareVersion</Name>\
             <Value x=\"y\">1.2</Value></ParameterValueStruct><ParameterValueStruct>\
             <Name>A.ConnectionRequestPassword</Name><Value>secret</Value></ParameterValueStruct>\
             </s:Envelope>",
        );
        let said = read(&[(Side::Low, &request)]);
        assert_eq!(values(&said, "cwmp.serial"), [b"T0001"]);
        assert_eq!(values(&said, "cwmp.firmware"), [b"1.2"]);
        assert_eq!(values(&said, "cwmp.parameter"), [b"A.ConnectionRequestPassword"]);
        assert!(said.iter().all(|said| !said.value.windows(6).any(|w| w == b"secret")));
    }

    #[test]
    fn a_camera_answers_onvif() {
        let request = post(
            "/onvif/device_service HTTP/1.1\r\nContent-Type: application/soap+xml\r\n",
            "<Envelope><UsernameToken><Username>admin</Username>\
             <Password Type=\"...#PasswordText\">123456</Password></UsernameToken></Envelope>",
        );
        let body = "<Envelope xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl\">\
            <tds:Model>C1</tds:Model><tds:SerialNumber>S1</tds:SerialNumber></Envelope>";
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/soap+xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let said = read(&[(Side::Low, &request), (Side::High, answer.as_bytes())]);
        assert_eq!(values(&said, "onvif.model"), [b"C1"]);
        assert_eq!(values(&said, "onvif.serial"), [b"S1"]);
        let kind = "onvif password";
        let secret = said.iter().find(|said| said.name == "onvif.user").unwrap();
        assert_eq!(secret.what, What::Credential { kind, length: 6 });
    }

    #[test]
    fn a_charging_station_says_what_it_is() {
        let ask = b"GET /ocpp/STATION1 HTTP/1.1\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Protocol: ocpp1.6, ocpp1.5\r\n\r\n";
        let boot =
            br#"[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M"}]"#;
        let mask = [1, 2, 3, 4];
        let masked = boot.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
        let mut frame = vec![0x81, 0x80 | boot.len() as u8];
        frame.extend(mask);
        frame.extend(masked);
        // The first frame may come with the end of the handshake.
        let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\
            \x81\x0e[3,\"0\",{\"a\":1}]";
        let pieces = [(Side::Low, &ask[..]), (Side::High, &answer[..]), (Side::Low, &frame)];
        let said = read(&pieces);
        assert_eq!(values(&said, "ocpp.station"), [b"STATION1"]);
        assert_eq!(values(&said, "ocpp.vendor"), [b"V"]);
        assert_eq!(values(&said, "ocpp.model"), [b"M"]);
        assert_eq!(values(&said, "ocpp.action"), [b"BootNotification"]);
    }

    fn frame(text: &[u8], from_client: bool) -> Vec<u8> {
        let mask = [1, 2, 3, 4];
        let length = text.len() as u8;
        match (from_client, length) {
            (true, ..126) => {
                let masked = text.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
                [&[0x81, 0x80 | length][..], &mask, &masked.collect::<Vec<_>>()].concat()
            }
            (true, _) => {
                let masked = text.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask);
                [&[0x81, 0xfe, 0, length][..], &mask, &masked.collect::<Vec<_>>()].concat()
            }
            (false, ..126) => [&[0x81, length], text].concat(),
            (false, _) => [&[0x81, 126, 0, length], text].concat(),
        }
    }

    #[test]
    fn stations_of_both_versions_name_themselves_and_cards_stay_unsaid() {
        let boot_16 = br#"[2,"1","BootNotification",{"chargePointVendor":"V","chargePointModel":"M","chargePointSerialNumber":"S1","firmwareVersion":"1.2","imsi":"001010000000001"}]"#;
        let boot_201 = br#"[2,"1","BootNotification",{"reason":"PowerUp","chargingStation":{"model":"M","vendorName":"V","serialNumber":"S1","firmwareVersion":"1.2","modem":{"imsi":"001010000000001"}}}]"#;
        let card_16 = br#"[2,"2","Authorize",{"idTag":"04A1B2C3"}]"#;
        let card_201 =
            br#"[2,"2","Authorize",{"idToken":{"idToken":"04A1B2C3","type":"ISO14443"}}]"#;
        let set_16 = br#"[2,"9","ChangeConfiguration",{"key":"AuthorizationKey","value":"hush"}]"#;
        let set_201 = br#"[2,"9","SetVariables",{"setVariableData":[{"attributeValue":"hush","component":{"name":"SecurityCtrlr"},"variable":{"name":"BasicAuthPassword"}}]}]"#;
        let update =
            br#"[2,"10","UpdateFirmware",{"location":"ftp://u:hush@files.example/f.bin"}]"#;
        for (version, boot, card, set) in [
            ("ocpp1.6", &boot_16[..], &card_16[..], &set_16[..]),
            ("ocpp2.0.1", boot_201, card_201, set_201),
        ] {
            let ask = format!(
                "GET /ws/S1 HTTP/1.1\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: {version}\r\n\r\n"
            );
            let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
            let said = read(&[
                (Side::Low, ask.as_bytes()),
                (Side::High, answer),
                (Side::Low, &frame(boot, true)),
                (Side::Low, &frame(card, true)),
                (Side::High, &frame(set, false)),
                (Side::High, &frame(update, false)),
            ]);
            for (name, value) in [
                ("ocpp.vendor", &b"V"[..]),
                ("ocpp.model", b"M"),
                ("ocpp.serial", b"S1"),
                ("ocpp.firmware", b"1.2"),
                ("ocpp.imsi", b"001010000000001"),
                ("ocpp.location", b"ftp://files.example/f.bin"),
            ] {
                assert_eq!(values(&said, name), [value], "{version} {name}");
            }
            let actions = values(&said, "ocpp.action");
            assert_eq!(actions[..2], [&b"BootNotification"[..], b"Authorize"]);
            assert_eq!(values(&said, "ocpp.command"), actions[2..]);
            let secrets: Vec<_> = said
                .iter()
                .filter_map(|said| match said.what {
                    What::Credential { kind, length } => Some((kind, length)),
                    _ => None,
                })
                .collect();
            assert_eq!(secrets, [("ocpp card", 8), ("ocpp setting", 4), ("ocpp url", 4)]);
            let hidden = |said: &Said| {
                [&b"04A1B2C3"[..], b"hush"]
                    .iter()
                    .all(|secret| !said.value.windows(secret.len()).any(|part| part == *secret))
            };
            assert!(said.iter().all(hidden), "{said:?}");
        }
    }

    #[test]
    fn a_station_that_speaks_soap_is_read_too() {
        let request = post(
            "/cs HTTP/1.1\r\nContent-Type: application/soap+xml; charset=utf-8\r\n",
            "<Envelope xmlns:cs=\"urn://Ocpp/Cs/2015/10/\"><Header><cs:chargeBoxIdentity>CB1\
             </cs:chargeBoxIdentity></Header><cs:bootNotificationRequest><cs:chargePointModel>M\
             </cs:chargePointModel></cs:bootNotificationRequest><cs:idTag>04A1B2C3</cs:idTag>\
             </Envelope>",
        );
        let said = read(&[(Side::Low, &request)]);
        assert_eq!(values(&said, "http.application"), [b"ocpp"]);
        assert_eq!(values(&said, "ocpp.charge_box"), [b"CB1"]);
        assert_eq!(values(&said, "ocpp.model"), [b"M"]);
        let kind = "ocpp card";
        assert!(said.iter().any(|said| said.what == What::Credential { kind, length: 8 }));
    }

    #[test]
    fn a_router_is_asked_for_a_port_by_soap() {
        let request = post(
            "/ctl/IPConn HTTP/1.1\r\nContent-Type: text/xml; charset=\"utf-8\"\r\nSOAPAction: \
             \"urn:schemas-upnp-org:service:WANIPConnection:1#AddPortMapping\"\r\n",
            "<s:Envelope><s:Body><u:AddPortMapping><NewRemoteHost></NewRemoteHost>\
             <NewExternalPort>8080</NewExternalPort><NewProtocol>TCP</NewProtocol>\
             <NewInternalPort>554</NewInternalPort><NewInternalClient>192.0.2.9\
             </NewInternalClient></u:AddPortMapping></s:Body></s:Envelope>",
        );
        let said = read(&[(Side::Low, &request)]);
        assert_eq!(values(&said, "upnp.mapping"), [b"tcp 554 as 8080 to 192.0.2.9"]);
        assert_eq!(said.iter().filter(|said| said.what == What::Opening).count(), 1);
        let other = String::from_utf8(request).unwrap().replace("AddPort", "GetPort");
        let said = read(&[(Side::Low, other.as_bytes())]);
        assert!(said.iter().all(|said| said.what != What::Opening));
    }

    #[test]
    fn a_switch_is_told_and_asked() {
        let head = |path: &str| format!("{path} HTTP/1.1\r\nContent-Type: application/json\r\n");
        let body = r#"{"deviceid":"1000000001","data":{"switch":"on"}}"#;
        let said = read(&[(Side::Low, &post(&head("/zeroconf/switch"), body))]);
        assert_eq!(values(&said, "http.application"), [b"ewelink"]);
        assert_eq!(values(&said, "ewelink.device_id"), [b"1000000001"]);
        assert_eq!(values(&said, "ewelink.switch"), [b"on"]);
        let command = said.iter().find(|said| said.name == "ewelink.command").unwrap();
        assert_eq!((command.what, &command.value[..]), (What::Control, &b"switch"[..]));
        let said = read(&[(Side::Low, &post(&head("/zeroconf/info"), r#"{"deviceid":"1"}"#))]);
        assert!(said.iter().all(|said| said.what != What::Control));
    }

    #[test]
    fn an_attendance_terminal_sends_its_serial() {
        let ask = b"GET /iclock/cdata?SN=T00000001&options=all HTTP/1.1\r\nHost: a.example\r\n\r\n";
        assert_eq!(values(&read(&[(Side::Low, ask)]), "adms.serial"), [b"T00000001"]);
    }
}
