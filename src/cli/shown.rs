//! Which devices a run shows, and what it knows beside packets.

use super::{FailOn, parse_country, parse_device, parse_key};
use crate::analysis::Analysis;
use crate::attribution::Signatures;
use crate::attribution::geo::Geo;
use crate::attribution::ledger::DeviceKey;
use crate::attribution::world::Choice;
use crate::canary;
use crate::engine::{FLOWS_MAX, Settings};
use crate::flow::FLOW_BYTES;
use clap::Args;

/// See the module.
#[derive(Debug, Args)]
pub struct Shown {
    /// Show only this device, by hardware or network address, with a name if given; repeatable
    #[arg(long, value_name = "[NAME=]MAC|IP", value_parser = parse_device)]
    pub device: Vec<(Option<String>, DeviceKey)>,
    /// Leave out a device, such as the lab's own phone; repeatable
    #[arg(long, value_name = "MAC|IP", value_parser = parse_key)]
    pub exclude: Vec<DeviceKey>,
    /// Country of the test network (ISO 3166-1, two letters): arcs on the map begin there, and
    /// countries that the round-trip time excludes are said to be excluded
    #[arg(long, value_name = "COUNTRY", value_parser = parse_country)]
    pub here: Option<String>,
    /// Exit with 1 when a finding has at least this severity
    #[arg(long, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Most memory for live flows, MiB
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub flow_memory: Option<u32>,
}

impl Shown {
    /// How the engine works: what grows or is replayed is read by one thread.
    pub fn settings(&self) -> Settings {
        let flows = |mib: u32| (mib as usize * 1024 * 1024) / FLOW_BYTES;
        Settings { flows_max: self.flow_memory.map_or(FLOWS_MAX, flows), ..Settings::default() }
    }

    /// With what is known beside packets.
    pub fn analysis<'k>(&self, signatures: &'k Signatures, geo: &'k Geo) -> Analysis<'k> {
        Analysis {
            signatures,
            geo,
            canary: canary::run(signatures, geo),
            choice: Choice {
                devices: self.device.clone(),
                exclude: self.exclude.clone(),
                here: self.here.clone(),
            },
            fail_on: self.fail_on.map(FailOn::severity),
            hashed: false,
        }
    }
}
