//! Names with where they come from.

use crate::attribution::names::NameId;
use crate::flow::Cite;

/// Where a name comes from, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NameSource {
    /// The flow's own TLS server name.
    Sni,
    /// The flow's own HTTP host.
    Host,
    /// A DNS answer that the device itself received before.
    Dns,
    /// The server's certificate.
    Certificate,
    /// A DNS answer that another device received.
    DnsOther,
    /// The capture file's own name table.
    File,
}

impl serde::Serialize for NameSource {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl NameSource {
    /// Every source, best first.
    pub const ALL: [NameSource; 6] = [
        NameSource::Sni,
        NameSource::Host,
        NameSource::Dns,
        NameSource::Certificate,
        NameSource::DnsOther,
        NameSource::File,
    ];

    /// The word for it in outputs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            NameSource::Sni => "sni",
            NameSource::Host => "host",
            NameSource::Dns => "dns",
            NameSource::Certificate => "cert",
            NameSource::DnsOther => "dns-other",
            NameSource::File => "file",
        }
    }
}

/// A name with its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: NameId,
    /// Where it comes from.
    pub source: NameSource,
    /// The frame that says it; number 0 for the file's own table.
    pub cite: Cite,
    /// The address has other names too, so this one is a guess.
    pub several: bool,
}
