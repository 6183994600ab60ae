//! Which devices a run shows.

use super::argument::{parse_country, parse_device, parse_key};
use crate::attribution::ledger::DeviceKey;
use crate::attribution::world::Choice;
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
    /// Country of the test network (ISO 3166-1, two letters): countries that the round-trip time
    /// excludes are then said to be excluded, and a map draws its lines from there
    #[arg(long, value_name = "COUNTRY", value_parser = parse_country)]
    pub here: Option<String>,
}

impl Shown {
    /// For the analysis.
    pub fn choice(&self) -> Choice {
        Choice {
            devices: self.device.clone(),
            exclude: self.exclude.clone(),
            here: self.here.clone(),
        }
    }
}
