//! Values of arguments: devices, countries, severities.

use crate::attribution::ledger::DeviceKey;
use crate::base::address::Mac;
use crate::finding::Severity;
use clap::{Args, ValueEnum};
use std::net::IpAddr;

/// A device, by hardware or network address.
pub fn parse_key(text: &str) -> Result<DeviceKey, String> {
    if let Ok(mac) = text.parse::<Mac>() {
        return Ok(DeviceKey::Mac(mac));
    }
    text.parse::<IpAddr>()
        .map(DeviceKey::Address)
        .map_err(|_| format!("{text:?} is neither a hardware address nor a network address"))
}

/// The same, with a name if one is given.
pub fn parse_device(text: &str) -> Result<(Option<String>, DeviceKey), String> {
    match text.split_once('=') {
        Some((name, address)) => {
            let name = crate::base::text::safe(name.as_bytes());
            Ok((Some(name), parse_key(address)?))
        }
        None => Ok((None, parse_key(text)?)),
    }
}

/// A country by its code.
pub fn parse_country(text: &str) -> Result<String, String> {
    let code = text.to_ascii_uppercase();
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(code)
    } else {
        Err(format!("{text:?} is not a country code of two letters"))
    }
}

/// When the exit code tells of findings.
#[derive(Debug, Clone, Copy, Default, Args)]
pub struct Gate {
    /// Exit with 1 when a finding has at least this severity
    #[arg(long, value_name = "SEVERITY")]
    fail_on: Option<FailOn>,
}

impl Gate {
    /// The severity, where one was named.
    pub fn severity(self) -> Option<Severity> {
        self.fail_on.map(FailOn::severity)
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum FailOn {
    Info,
    Low,
    Medium,
    High,
}

impl FailOn {
    fn severity(self) -> Severity {
        match self {
            FailOn::Info => Severity::Info,
            FailOn::Low => Severity::Low,
            FailOn::Medium => Severity::Medium,
            FailOn::High => Severity::High,
        }
    }
}
