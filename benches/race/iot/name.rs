//! The names that devices ask for, and the addresses behind them.

use crate::address::{remote, remote_v6};
use crate::random::mix;
use std::net::IpAddr;

/// Hosts that the project's signatures know, so that attribution has work to do. A device of this
/// corpus that asks for them says nothing about any product.
const KNOWN: &[&str] = &[
    "litedev.hik-connect.com",
    "apiieu.guardingvision.com",
    "dev.ezvizlife.com",
    "alarm.ezviz7.com",
    "www.easy4ipcloud.com",
    "p2p7.reolink.com",
    "pushx.reolink.com",
    "a1.tuyaeu.com",
    "m2.tuyaus.com",
    "h3.iot-dns.com",
    "api.wyzecam.com",
    "fw.ring.com",
    "alerts.ring.com",
    "n-euw1-devs.tplinkcloud.com",
    "de.ots.io.mi.com",
    "logsink.devices.nest.com",
    "updates.nest.com",
    "shelly-78-eu.shelly.cloud",
    "eu-dispd.coolkit.cc",
    "netcom.netatmo.net",
    "ws.meethue.com",
    "discovery.meethue.com",
    "myapi.arlo.com",
    "security-app-eu.eufylife.com",
    "open.imoulife.com",
    "alog.umeng.com",
    "mtalk.google.com",
    "m1.iotcplatform.com",
];

pub const TIME: &[&str] =
    &["time.aws.com", "time.cloudflare.com", "0.pool.ntp.org", "clock.example"];

const INVENTED: usize = 400;
const WORDS: [&str; 8] =
    ["api", "events", "telemetry", "firmware", "media", "config", "edge", "push"];

pub fn count() -> usize {
    KNOWN.len() + INVENTED
}

/// Name number `index`: known ones first.
pub fn text(index: usize) -> String {
    KNOWN.get(index).map_or_else(
        || format!("{}{index}.maker-{:02}.example", WORDS[index % WORDS.len()], index % 37),
        |name| (*name).to_owned(),
    )
}

/// Addresses of a name, first IPv4, then IPv6.
pub fn addresses(name: &str) -> [Vec<IpAddr>; 2] {
    let seed = name.bytes().fold(7, |seed, byte| mix(seed ^ u64::from(byte)));
    let v4 = (0..=seed % 4).map(|number| remote(seed ^ number)).collect();
    let v6 = (0..=seed % 2).map(|number| remote_v6(seed ^ number)).collect();
    [v4, v6]
}
