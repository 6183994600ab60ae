//! Who lives there, and what each does in a day.

use super::name;
use crate::address::{GATEWAY, Mac, local, local_v6, mac, remote};
use crate::frame::Ends;
use crate::random::Random;
use std::net::IpAddr;

pub const DAY_US: u64 = 86_400 * 1_000_000;
const HEADS: [(Kind, u64); 5] = [
    (Kind::Camera, 30),
    (Kind::Sensor, 70),
    (Kind::Plug, 60),
    (Kind::Speaker, 25),
    (Kind::Hub, 15),
];

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Camera,
    Sensor,
    Plug,
    Speaker,
    Hub,
}

#[derive(Clone, Copy)]
pub enum Activity {
    /// A name, then TLS with a cloud.
    Cloud,
    /// A name, then MQTT that stays connected for hours.
    Broker,
    /// A name, then HTTP.
    Web,
    /// A name, then QUIC.
    Quic,
    /// A name, then video pushed by RTSP.
    Video,
    /// NTP.
    Clock,
    /// A name that nothing follows.
    Lookup,
    /// SSDP.
    Search,
    /// mDNS.
    Announcement,
    /// DHCP.
    Lease,
    /// ICMP echo.
    Ping,
    /// ARP.
    Neighbour,
}

/// How often a day, for camera, sensor, plug, speaker, hub.
const DAY: [(Activity, [u64; 5]); 12] = [
    (Activity::Cloud, [150, 60, 80, 200, 300]),
    (Activity::Broker, [1, 2, 2, 1, 3]),
    (Activity::Web, [40, 20, 30, 100, 60]),
    (Activity::Quic, [0, 0, 0, 120, 40]),
    (Activity::Video, [10, 0, 0, 0, 2]),
    (Activity::Clock, [48, 72, 60, 24, 48]),
    (Activity::Lookup, [60, 80, 60, 200, 150]),
    (Activity::Search, [20, 0, 40, 200, 100]),
    (Activity::Announcement, [96, 0, 48, 288, 288]),
    (Activity::Lease, [2, 2, 2, 2, 2]),
    (Activity::Ping, [10, 10, 10, 10, 10]),
    (Activity::Neighbour, [144, 144, 144, 144, 144]),
];

pub struct Device {
    pub index: u64,
    pub kind: Kind,
    pub mac: Mac,
    pub v4: IpAddr,
    pub v6: IpAddr,
    pub resolver: IpAddr,
    /// Names it asks for, most often the first.
    pub names: Vec<usize>,
    next_port: u16,
}

impl Device {
    fn new(index: u64, kind: Kind, random: &mut Random) -> Device {
        // One in ten has a resolver of its own.
        let resolver = if random.chance(100) { remote(random.below(3)) } else { gateway(false) };
        // The first is of its vendor: one that a signature knows, for two of three.
        let mut names = vec![random.below(42) as usize];
        names.resize_with(7 + random.below(8) as usize, || {
            random.below(name::count() as u64) as usize
        });
        Device {
            index,
            kind,
            mac: mac(index),
            v4: local(index),
            v6: local_v6(index),
            resolver,
            names,
            next_port: 32_768 + random.below(28_000) as u16,
        }
    }

    pub fn name(&self, random: &mut Random) -> String {
        let place = if random.chance(400) { 0 } else { random.below(self.names.len() as u64) };
        name::text(self.names[place as usize])
    }

    /// Towards a remote or the gateway, from a port of its own.
    pub fn towards(&mut self, remote: IpAddr, service: u16) -> Ends {
        let own = if remote.is_ipv4() { self.v4 } else { self.v6 };
        let port = self.port();
        Ends::new([self.mac, GATEWAY], [(own, port), (remote, service)])
    }

    /// Ephemeral, in turn, as most stacks do.
    pub fn port(&mut self) -> u16 {
        self.next_port = if self.next_port == 60_999 { 32_768 } else { self.next_port + 1 };
        self.next_port
    }
}

pub fn gateway(v6: bool) -> IpAddr {
    if v6 { local_v6(0xffff) } else { IpAddr::from([192, 168, 0, 1]) }
}

pub struct Start {
    pub time_us: u64,
    pub device: usize,
    pub activity: Activity,
}

pub struct Household {
    pub devices: Vec<Device>,
}

impl Household {
    pub fn new(random: &mut Random) -> Household {
        let kinds = HEADS.iter().flat_map(|(kind, count)| (0..*count).map(|_| *kind));
        let devices = (0..).zip(kinds).map(|(index, kind)| Device::new(index, kind, random));
        Household { devices: devices.collect() }
    }

    /// Everything that begins in the day, by time. At another scale the day is as long and fuller
    /// or emptier.
    pub fn starts(&self, scale: f64, random: &mut Random) -> Vec<Start> {
        let mut starts = Vec::new();
        for (number, device) in self.devices.iter().enumerate() {
            for (activity, counts) in DAY {
                let wanted = counts[device.kind as usize] as f64 * scale;
                // The fraction decides by lot, so that rare things happen at a small scale too.
                let more = random.chance((wanted.fract() * 1000.0) as u64);
                let count = wanted as u64 + u64::from(more);
                for turn in 0..count {
                    let span = DAY_US / count;
                    let time_us = turn * span + random.below(span / 1000) * 1000;
                    starts.push(Start { time_us, device: number, activity });
                }
            }
        }
        starts.sort_by_key(|start| start.time_us);
        starts
    }
}
