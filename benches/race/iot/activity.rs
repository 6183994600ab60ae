//! Begins what a device does: who with, over which protocols, at which addresses.

use super::household::{Activity, DAY_US, Device, Household, Kind, Start, gateway};
use super::talk::{Packets, datagrams};
use super::{dhcp, dns, http, local, mqtt, name, ntp, quic, rtsp, session, stream::stream};
use crate::random::Random;
use crate::tls::Offer;
use std::net::IpAddr;

const IPV6_OF_1000: u64 = 150;
/// Connections for which the name was still known.
const REMEMBERED_OF_1000: u64 = 300;
/// By when the answer to a question is there.
const ANSWERED_US: u64 = 60_000;

/// Conversations, each with its delay.
pub type Conversations = Vec<(u64, Packets)>;

pub fn begin(start: &Start, household: &mut Household, random: &mut Random) -> Conversations {
    let other = random.below(household.devices.len() as u64) as usize;
    let other = (household.devices[other].mac, household.devices[other].v4);
    let device = &mut household.devices[start.device];
    match start.activity {
        Activity::Cloud => named(device, random, |device, name, address, random| {
            let newest = random.chance(600);
            let alpn: &[&str] = if newest { &["h2", "http/1.1"] } else { &[] };
            let offer = Offer { name, alpn, newest, quic: false };
            let ends = device.towards(address, 443);
            vec![(0, stream(ends, session::cloud(&offer, random), random))]
        }),
        Activity::Broker => named(device, random, |device, name, address, random| {
            let left_us = (DAY_US - start.time_us).min(random.long_tail(3_600_000_000, 4));
            let talk = mqtt::connected(device.index, left_us, random);
            if matches!(device.kind, Kind::Sensor) {
                vec![(0, stream(device.towards(address, 1_883), talk, random))]
            } else {
                let offer = Offer { name, alpn: &[], newest: random.chance(500), quic: false };
                let sealed = session::around(&offer, Box::new(talk), random);
                vec![(0, stream(device.towards(address, 8_883), sealed, random))]
            }
        }),
        Activity::Web => named(device, random, |device, name, address, random| {
            let ends = device.towards(address, 80);
            vec![(0, stream(ends, http::fetch(name, random), random))]
        }),
        Activity::Quic => named(device, random, |device, name, address, random| {
            vec![(0, datagrams(device.towards(address, 443), quic::connection(name, random)))]
        }),
        Activity::Video => named(device, random, rtsp::push),
        Activity::Clock => {
            let name = name::TIME[random.below(name::TIME.len() as u64) as usize];
            let address = pick(name, random);
            let mut talks = lookup(device, name, address.is_ipv6(), random);
            talks.truncate(usize::from(random.chance(500)));
            let ends = device.towards(address, 123);
            talks.push((ANSWERED_US, datagrams(ends, ntp::exchange(start.time_us, random))));
            talks
        }
        Activity::Lookup => {
            let name = device.name(random);
            lookup(device, &name, random.chance(IPV6_OF_1000), random)
        }
        Activity::Search => local::search(device, other, random),
        Activity::Announcement => local::announcement(device, random),
        Activity::Lease => vec![(0, dhcp::lease(device, random))],
        Activity::Ping => {
            let address = if random.chance(500) {
                gateway(random.chance(IPV6_OF_1000))
            } else {
                pick(&device.name(random), random)
            };
            vec![(0, local::ping(device.towards(address, 0), random))]
        }
        Activity::Neighbour => vec![(0, local::neighbour(device, random))],
    }
}

/// A question for a name, unless its answer is remembered, then what `connect` makes of it.
fn named(
    device: &mut Device,
    random: &mut Random,
    connect: impl FnOnce(&mut Device, &str, IpAddr, &mut Random) -> Conversations,
) -> Conversations {
    let name = device.name(random);
    let address = pick(&name, random);
    let mut talks = Vec::new();
    if !random.chance(REMEMBERED_OF_1000) {
        talks = lookup(device, &name, address.is_ipv6(), random);
    }
    let connected = connect(device, &name, address, random);
    talks.extend(connected.into_iter().map(|(after_us, talk)| (after_us + ANSWERED_US, talk)));
    talks
}

fn pick(name: &str, random: &mut Random) -> IpAddr {
    let addresses = &name::addresses(name)[usize::from(random.chance(IPV6_OF_1000))];
    addresses[random.below(addresses.len() as u64) as usize]
}

fn lookup(device: &mut Device, name: &str, both: bool, random: &mut Random) -> Conversations {
    let ends = device.towards(device.resolver, 53);
    // Plain stacks ask for IPv4 alone; others for both at once, from one port.
    let both = both || random.chance(400);
    vec![(0, datagrams(ends, dns::questions(name, both, random)))]
}
