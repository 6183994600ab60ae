//! The machine: permissions, interface, offloads, clock, disk.

use super::{Advice, Health};
use crate::base::text::{bytes, safe};
use crate::base::time::Timestamp;
use crate::source::live::{InterfaceSeen, LiveSource, Options, SNAP_LENGTH, interfaces};
use std::path::Path;
use std::process::Command;

/// Whether packets can be captured from it at all.
#[must_use]
pub fn permission(interface: &str) -> Advice {
    let options = Options {
        filter: String::new(),
        snap_length: SNAP_LENGTH,
        promiscuous: true,
        immediate: false,
        buffer_bytes: 1024 * 1024,
    };
    let name = safe(interface.as_bytes());
    let Err(error) = LiveSource::open(interface, &options) else {
        return Advice::good(format!("{name} can be captured from"));
    };
    let reason = safe(error.reason.as_bytes());
    let found = format!("{name} cannot be captured from: {reason}");
    Advice::of(Health::Bad, found, error.mend())
}

/// Whether it is up, has a link, and no life of its own.
#[must_use]
pub fn interface(interface: &str) -> Vec<Advice> {
    let name = safe(interface.as_bytes());
    let Some(seen) =
        interfaces().ok().and_then(|all| all.into_iter().find(|i| i.name == interface))
    else {
        return Vec::new();
    };
    let mut advice = Vec::new();
    let InterfaceSeen { up, running, loopback, wireless, addresses, .. } = seen;
    if !up {
        let mend = format!("sudo ip link set {name} up");
        advice.push(Advice::of(Health::Bad, format!("{name} is down"), mend));
    } else if !running {
        let mend = "check the cable and the device at its other end";
        advice.push(Advice::of(Health::Bad, format!("{name} has no link"), mend));
    }
    if loopback {
        let mend = "phonehome interfaces   # choose the one that the device is behind";
        let found = format!("{name} only carries what this machine says to itself");
        advice.push(Advice::of(Health::Bad, found, mend));
    }
    if wireless {
        advice.push(Advice::of(
            Health::Poor,
            format!("{name} is a radio: it sees other stations only as their access point"),
            "make this machine the access point, or use a mirror port: docs/test-network.md",
        ));
    }
    let public = addresses.iter().filter(|address| !address.is_loopback() && !is_own(address));
    let own: Vec<String> = public.map(ToString::to_string).collect();
    if !own.is_empty() && !loopback {
        advice.push(Advice::of(
            Health::Poor,
            format!(
                "{name} has addresses of this machine ({}), whose own traffic is recorded too",
                own.join(", ")
            ),
            "expected on an access point or bridge; on a mirror port, give it none: \
             sudo ip addr flush dev "
                .to_owned()
                + &name,
        ));
    }
    advice
}

/// Link-local: every interface has one.
fn is_own(address: &std::net::IpAddr) -> bool {
    match address {
        std::net::IpAddr::V4(address) => address.is_link_local(),
        std::net::IpAddr::V6(address) => address.is_unicast_link_local(),
    }
}

/// Settings with which the interface joins or splits packets before they are captured.
const OFFLOADS: [(&str, &str); 4] = [
    ("generic-receive-offload", "gro"),
    ("large-receive-offload", "lro"),
    ("tcp-segmentation-offload", "tso"),
    ("generic-segmentation-offload", "gso"),
];

/// Whether frames are recorded as they were on the wire.
#[must_use]
pub fn offloads(interface: &str) -> Advice {
    let name = safe(interface.as_bytes());
    match Command::new("ethtool").args(["-k", interface]).output() {
        Ok(output) if output.status.success() => {
            judge_offloads(&name, &String::from_utf8_lossy(&output.stdout))
        }
        _ => Advice::of(
            Health::Unknown,
            format!("whether {name} joins packets before they are recorded was not checked"),
            "sudo apt-get install ethtool",
        ),
    }
}

fn judge_offloads(name: &str, settings: &str) -> Advice {
    let on = |wanted: &str| {
        settings.lines().any(|line| {
            line.trim().strip_prefix(wanted).is_some_and(|rest| rest.trim().starts_with(": on"))
        })
    };
    let on: Vec<&str> =
        OFFLOADS.iter().filter(|(long, _)| on(long)).map(|(_, short)| *short).collect();
    if on.is_empty() {
        return Advice::good(format!("{name} hands over frames as they were on the wire"));
    }
    let off: Vec<String> = on.iter().map(|short| format!("{short} off")).collect();
    Advice::of(
        Health::Poor,
        format!(
            "{name} joins packets before they are recorded ({}): sizes and counts are not \
            those of the wire",
            on.join(", ")
        ),
        format!("sudo ethtool -K {name} {}", off.join(" ")),
    )
}

/// Whether the clock can be right. `known` is a day that has certainly passed.
#[must_use]
pub fn clock(now: Timestamp, known: Timestamp) -> Vec<Advice> {
    let mut advice = Vec::new();
    if now < known {
        advice.push(Advice::of(
            Health::Bad,
            format!("the clock says {now}, which is before this program was made"),
            "sudo timedatectl set-time 'YYYY-MM-DD hh:mm:ss'",
        ));
    }
    let asked = Command::new("timedatectl")
        .args(["show", "--property=NTPSynchronized", "--value"])
        .output();
    let answer = asked.ok().filter(|output| output.status.success());
    let answer = answer.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    advice.push(match answer.as_deref() {
        Some("yes") => Advice::good("the clock is kept by a time server"),
        Some("no") => Advice::of(
            Health::Poor,
            "the clock is not kept by a time server: times in the recording may be off",
            "sudo timedatectl set-ntp true",
        ),
        _ => Advice::of(
            Health::Unknown,
            "whether the clock is kept by a time server is not known: timedatectl gives no answer here",
            "compare `date -u` with another clock, and note the difference",
        ),
    });
    advice
}

/// Least room that a week of a busy camera needs, bytes.
const ROOM: u64 = 50_000_000_000;

/// Whether there is room to record.
#[must_use]
pub fn disk(folder: &Path) -> Advice {
    let name = safe(folder.as_os_str().as_encoded_bytes());
    match rustix::fs::statvfs(folder) {
        Ok(disk) => {
            let free = disk.f_bavail * disk.f_frsize;
            let found = format!("{} are free in {name}", bytes(free));
            match free {
                ROOM.. => Advice::good(found),
                2_000_000_000.. => Advice::of(
                    Health::Poor,
                    format!("{found}: less than a week of a camera with video may need"),
                    "record elsewhere: --case /another/disk/NAME",
                ),
                _ => Advice::of(
                    Health::Bad,
                    format!("{found}: too little to record for long"),
                    "record elsewhere: --case /another/disk/NAME",
                ),
            }
        }
        Err(error) => Advice::of(
            Health::Bad,
            format!("{name} cannot be looked at: {error}"),
            format!("mkdir -p {name}"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_command_that_ends_offloads() {
        let settings = "Features for eth1:\nrx-checksumming: on\n\
            tcp-segmentation-offload: on\n\ttx-tcp-segmentation: on\n\
            generic-segmentation-offload: off\ngeneric-receive-offload: on\n\
            large-receive-offload: off [fixed]\n";
        let advice = judge_offloads("eth1", settings);
        assert_eq!(advice.health, Health::Poor);
        assert_eq!(advice.mend, "sudo ethtool -K eth1 gro off tso off");
        let off = settings.replace(": on", ": off");
        assert_eq!(judge_offloads("eth1", &off).health, Health::Good);
    }

    #[test]
    fn a_clock_before_the_program_is_wrong() {
        let known = Timestamp(1_780_000_000_000_000_000);
        assert_eq!(clock(Timestamp(0), known)[0].health, Health::Bad);
        assert_ne!(clock(known, known)[0].health, Health::Bad);
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let advice = disk(Path::new("/no/such/folder"));
        assert_eq!(advice.health, Health::Bad);
        assert_eq!(advice.mend, "mkdir -p /no/such/folder");
    }
}
