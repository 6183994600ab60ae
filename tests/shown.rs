//! What flows and devices show beside names and addresses: whose service a remote without a name is,
//! and who made a device, in hand-made conversations and in near misses.

mod common;

use common::conversation::{AWAY, Capture, DEVICE, End, NEIGHBOUR, OK, get};
use phonehome::attribution::Signatures;
use phonehome::attribution::geo::Geo;
use phonehome::attribution::world::{Choice, Claim, Device, World};
use phonehome::engine::{Engine, Settings};
use phonehome::source::Sources;

const CLOUD: End = (AWAY, 8886);

fn world(capture: &Capture, name: &str) -> World {
    let signatures = Signatures::embedded().unwrap();
    let path = capture.write(name);
    let mut sources = Sources::open(std::slice::from_ref(&path), false).unwrap();
    let geo = Geo::default();
    let engine = Engine::new(Settings::default(), &geo, None);
    let engine = engine.looking_for(signatures.beginnings());
    let ledger = engine.read(&mut sources, &mut |_| {}).ledger;
    std::fs::remove_file(path).unwrap();
    World::build(&ledger, &geo, &signatures, &Choice::default())
}

fn claims(world: &World) -> Vec<&Claim> {
    world.destinations.iter().flat_map(|destination| &destination.claims).collect()
}

fn device(world: &World) -> &Device {
    world.devices.iter().find(|device| &*device.id == "ip:192.168.1.9").unwrap()
}

fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u32).to_be_bytes();
    let message = [&[kind][..], &length[1..], body].concat();
    [&[22, 3, 3][..], &(message.len() as u16).to_be_bytes(), &message].concat()
}

/// The beginning of TLS 1.2 with a key that both sides had before, and the name of that key.
fn handshake(cipher: [u8; 2], key_name: &[u8]) -> [Vec<u8>; 3] {
    let client = [&[3, 3][..], &[7; 32], &[0, 0, 2], &cipher, &[1, 0, 0, 0]].concat();
    let server = [&[3, 3][..], &[9; 32], &[0], &cipher, &[0]].concat();
    let name = [&(key_name.len() as u16).to_be_bytes(), key_name].concat();
    let served = [message(2, &server), message(14, b"")].concat();
    [message(1, &client), served, message(16, &name)]
}

fn with_key(cipher: [u8; 2], key_name: &[u8]) -> Capture {
    let [hello, served, key] = handshake(cipher, key_name);
    let mut capture = Capture::default();
    let from = (DEVICE, 40_000);
    capture.talk(from, CLOUD, &hello, &served);
    let numbers = [101 + hello.len() as u32, 501 + served.len() as u32];
    capture.tcp(from, CLOUD, numbers, 0x18, &key);
    capture
}

#[test]
fn the_name_of_a_key_tells_maker_and_service() {
    let name = b"\x02BAohbmd6aG91IFR10123456789abcdef";
    let world = world(&with_key([0, 0xae], name), "psk");
    let claims = claims(&world);
    assert_eq!(claims.len(), 1, "{claims:?}");
    assert_eq!((claims[0].signature.as_str(), claims[0].basis), ("tuya", "said"));
    assert_eq!(claims[0].level.name(), "inferred", "a device may speak to another server");
    let maker = device(&world).maker.as_ref().unwrap();
    assert_eq!((maker.vendor.as_deref(), maker.by), (Some("tuya"), "said"));
}

#[test]
fn other_keys_and_other_ciphers_tell_nothing() {
    for (case, (cipher, name)) in [
        ([0, 0xae], &b"\x02BAohbmd6aG91IFR20123456789abcdef"[..]),
        // Not a cipher suite with such a key: the message is another.
        ([0, 0x2f], b"\x02BAohbmd6aG91IFR10123456789abcdef"),
    ]
    .into_iter()
    .enumerate()
    {
        let world = world(&with_key(cipher, name), &format!("psk-not-{case}"));
        assert!(claims(&world).is_empty(), "{case}");
        assert!(device(&world).maker.is_none(), "{case}");
    }
}

#[test]
fn the_beginning_of_an_unknown_message_tells_at_its_place_alone() {
    for (message, port, told) in [
        (&b"\xce\xfa\xbe\xba\0\0\0\x08payload."[..], 7000, Some("alibaba-cloud")),
        (b"\xce\xfa\xbe\xbb\0\0\0\x08payload.", 7000, None),
        (b"\0\xce\xfa\xbe\xba\0\0\0\x08payload", 7000, None),
        // The port must fit as well.
        (b"\xc2\xfe\0\x05\0\0\0\x08payload.", 5222, Some("xiaomi")),
        (b"\xc2\xfe\0\x05\0\0\0\x08payload.", 5223, None),
    ] {
        let mut capture = Capture::default();
        capture.talk((DEVICE, 40_000), (AWAY, port), message, b"\x01\x02\x03\x04\x05\x06\x07\x09");
        let world = world(&capture, &format!("begins-{port}-{}", message[0] ^ message[3]));
        let claims = claims(&world);
        assert_eq!(claims.first().map(|claim| claim.signature.as_str()), told, "{message:?}");
        assert!(claims.iter().all(|claim| claim.level.name() == "inferred"));
    }
}

#[test]
fn a_vendors_protocol_tells_and_a_port_alone_does_not() {
    for (datagram, told) in [
        (&b"\xf1\x20\0\x14ABCD\0\0\0\0\0\x01\x02\x03ABCDE\0\0\0"[..], true),
        (b"hello, here is a port and no more", false),
    ] {
        let mut capture = Capture::default();
        for _ in 0..3 {
            capture.udp((DEVICE, 40_000), (AWAY, 32_100), datagram);
            capture.udp((AWAY, 32_100), (DEVICE, 40_000), b"\xf1\x21\0\x04\0\0\0\0");
        }
        if !told {
            capture.packets.retain(|(_, packet)| packet[12..16] == DEVICE);
        }
        let world = world(&capture, &format!("pppp-{told}"));
        let claims = claims(&world);
        let found = claims.iter().any(|c| c.signature == "cs2-pppp" && c.basis == "protocol");
        assert_eq!(found, told, "{claims:?}");
    }
}

#[test]
fn a_description_over_http_names_the_maker() {
    let body = "<root xmlns=\"urn:schemas-upnp-org:device-1-0\"><device>\
        <friendlyName>Lamp</friendlyName><manufacturer>Signify</manufacturer>\
        <modelName>Philips hue bridge 2015</modelName><serialNumber>00178800</serialNumber>\
        </device></root>";
    for (body, told) in
        [(body.to_owned(), Some("philips-hue")), (body.replace("urn:schemas-upnp-org", "x"), None)]
    {
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut capture = Capture::default();
        let (asks, tells) = ((NEIGHBOUR, 40_000), (DEVICE, 80));
        capture.talk(asks, tells, &get("/description.xml", ""), answer.as_bytes());
        let world = world(&capture, &format!("upnp-{}", told.is_some()));
        let device = device(&world);
        let vendor = device.maker.as_ref().and_then(|maker| maker.vendor.as_deref());
        assert_eq!(vendor, told);
        let model = device.model.as_ref().map(|model| model.value.text.as_str());
        assert_eq!(model.is_some(), told.is_some(), "{model:?}");
    }
}

#[test]
fn a_name_or_an_address_goes_before_what_is_shown() {
    let mut capture = Capture::default();
    let ask = get("/", "").iter().map(|&byte| char::from(byte)).collect::<String>();
    let ask = ask.replace("cloud.example", "www.ezvizlife.com");
    capture.talk((DEVICE, 40_000), (AWAY, 80), ask.as_bytes(), OK);
    let world = world(&capture, "named");
    assert!(claims(&world).iter().all(|claim| claim.basis == "host"), "{:?}", claims(&world));
}
