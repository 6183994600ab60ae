//! What a capture really sees of a device: a tap that shows half of it is worse than none, since
//! what is missing looks like silence.

use super::{Advice, Health};
use crate::attribution::world::Device;
use crate::base::text::bytes;
use crate::snapshot::Snapshot;
use std::fmt::Write;

/// Share of one-sided flows from which on a tap is taken to lose a direction.
const ONE_SIDED_SHARE: u64 = 2;

/// Judges what was seen. `wanted` is the id of the device under test.
#[must_use]
pub fn judge(snapshot: &Snapshot, wanted: Option<&str>) -> Vec<Advice> {
    let mut advice = Vec::new();
    let coverage = &snapshot.coverage;
    if coverage.frames.total == 0 {
        return vec![Advice::of(
            Health::Bad,
            "nothing at all was seen in that time",
            "switch the device off and on; check that it is behind this interface; \
             on a mirror port, that the mirror is configured",
        )];
    }
    advice.push(Advice::good(format!(
        "{} frames, {} on the wire were seen",
        coverage.frames.total,
        bytes(coverage.wire_bytes)
    )));
    if let Some(lost) = coverage.drops.declared.filter(|&lost| lost > 0) {
        advice.push(Advice::of(
            Health::Poor,
            format!("{lost} packets were lost"),
            "more room for packets that wait: --buffer 256",
        ));
    }
    let duplicates = coverage.duplicates.frames;
    if duplicates > 0 {
        advice.push(Advice::of(
            Health::Poor,
            format!("{duplicates} frames were seen twice: both legs of a mirror are recorded"),
            "mirror one port in both directions instead of two ports; phonehome counts them once",
        ));
    }
    match wanted {
        Some(wanted) => match snapshot.devices.iter().find(|device| &*device.id == wanted) {
            Some(device) if device.role == "gateway" => advice.push(Advice::of(
                Health::Bad,
                format!("{} forwards for others: it is a router, not a device", name(device)),
                "read the address from the label of the device; \
                 if it is right, move the tap between the device and this router",
            )),
            Some(device) => of_device(device, &mut advice),
            None => {
                let mut found = format!("{wanted} was not seen");
                if !snapshot.devices.is_empty() {
                    found.push_str("; seen were:");
                    for device in snapshot.devices.iter().take(8) {
                        let _ = write!(found, " {}", device.id);
                    }
                }
                let mend = "switch the device off and on; read its address from its label again";
                advice.push(Advice::of(Health::Bad, found, mend));
            }
        },
        None => snapshot.devices.iter().for_each(|device| of_device(device, &mut advice)),
    }
    let foreign = snapshot.devices.iter().filter(|device| {
        wanted.is_some_and(|wanted| &*device.id != wanted) && device.role != "gateway"
    });
    for device in foreign {
        advice.push(Advice::of(
            Health::Poor,
            format!(
                "{} is on the test network too: if that is somebody's phone, they have rights",
                name(device)
            ),
            format!("take it off the network, or leave it out: --exclude {}", address(device)),
        ));
    }
    advice
}

fn address(device: &Device) -> &str {
    device.id.split_once(':').map_or(&device.id, |(_, address)| address)
}

fn name(device: &Device) -> String {
    match &device.maker {
        Some(maker) => format!("{} ({})", device.id, maker.name),
        None => device.id.to_string(),
    }
}

fn of_device(device: &Device, advice: &mut Vec<Advice>) {
    let name = name(device);
    let seen = &device.visibility;
    if device.role == "gateway" {
        advice.push(Advice::of(
            Health::Poor,
            format!("{name} forwards for others: it is a router, not a device"),
            "move the tap between the device and this router",
        ));
        return;
    }
    if seen.group_only {
        advice.push(Advice::of(
            Health::Bad,
            format!("of {name} only broadcast and multicast were seen"),
            "a switch keeps the rest from this port: use a mirror port, a tap, or a bridge \
             (docs/test-network.md)",
        ));
        return;
    }
    if !seen.both_directions || seen.one_sided_flows * ONE_SIDED_SHARE > seen.flows {
        advice.push(Advice::of(
            Health::Bad,
            format!(
                "of {name} only one direction was seen in {} of {} flows",
                seen.one_sided_flows, seen.flows
            ),
            "mirror both directions (rx and tx) of its port",
        ));
    } else if seen.acknowledged_unseen_flows > 0 {
        advice.push(Advice::of(
            Health::Poor,
            format!(
                "{name} acknowledged data that was not seen, in {} of {} flows",
                seen.acknowledged_unseen_flows, seen.flows
            ),
            "the mirror loses packets: give its port more speed than the device's, or use a tap",
        ));
    } else {
        advice.push(Advice::good(format!(
            "{name} is seen in both directions ({} flows)",
            seen.flows
        )));
    }
    if !seen.dhcp {
        advice.push(Advice::of(
            Health::Poor,
            format!("{name} was not seen asking for its address: its start is not recorded"),
            "record first, then switch the device on",
        ));
    }
}
