//! Display filters for rows of the screen. Those of findings select exactly the frames counted and
//! come from the finding itself; these select by address and port, for a look around.

use crate::attribution::record::FlowRecord;
use crate::attribution::world::{Contact, Destination, Device};
use crate::base::address::Spelled;
use std::net::IpAddr;

/// Addresses in one filter; Wireshark takes no filter of any length.
const ADDRESSES_MAX: usize = 400;

/// Headers quoted in ICMP errors hold the addresses too, and are no traffic of theirs.
const NOT_QUOTED: &str = " && !icmp && !icmpv6";

/// All of a device.
pub fn device(device: &Device) -> Result<String, String> {
    match device.mac {
        Some(mac) => Ok(format!("eth.addr == {mac}")),
        None => any(device.addresses.iter().map(|seen| seen.address)),
    }
}

/// All with a destination.
pub fn destination(destination: &Destination) -> Result<String, String> {
    let any = any(destination.remotes.iter().map(|remote| remote.address))?;
    Ok(any + NOT_QUOTED)
}

/// A device with a destination.
pub fn contact(of: &Device, contact: &Contact) -> Result<String, String> {
    let remotes = any(contact.hosts.iter().flat_map(|host| host.addresses.iter().copied()))?;
    Ok(format!("{} && {remotes}{NOT_QUOTED}", device(of)?))
}

/// A flow.
pub fn flow(flow: &FlowRecord) -> String {
    let port = |port: Option<u16>| match (port, flow.proto.as_ref()) {
        (Some(port), "tcp" | "udp") => format!(" && {}.port == {port}", flow.proto),
        _ => String::new(),
    };
    let [src, dst] = [flow.src, flow.dst].map(equals);
    format!("{src} && {dst}{}{}", port(flow.src_port), port(flow.dst_port))
}

fn equals(address: IpAddr) -> String {
    let field = if address.is_ipv4() { "ip.addr" } else { "ipv6.addr" };
    format!("{field} == {}", Spelled(address))
}

fn any(addresses: impl Iterator<Item = IpAddr>) -> Result<String, String> {
    let mut addresses: Vec<IpAddr> = addresses.take(ADDRESSES_MAX + 1).collect();
    addresses.sort_unstable();
    addresses.dedup();
    if addresses.len() > ADDRESSES_MAX {
        return Err(format!("no filter: more than {ADDRESSES_MAX} addresses"));
    }
    let terms: Vec<String> = addresses.into_iter().map(equals).collect();
    match terms.len() {
        0 => Err("no filter: no address is known".to_owned()),
        1 => Ok(terms.concat()),
        _ => Ok(format!("({})", terms.join(" || "))),
    }
}
