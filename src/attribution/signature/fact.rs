//! What a signature file holds, as it is written.

use serde::Deserialize;

/// One file: a vendor or service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// Format version, 1.
    pub schema: u32,
    /// Stable id, the file's stem.
    pub id: String,
    /// What outputs call it.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Trade names.
    #[serde(default)]
    pub brands: Vec<String>,
    /// Made up, for the bundled captures.
    #[serde(default)]
    pub fictional: bool,
    /// Remarks for readers of the file.
    #[serde(default)]
    pub note: Option<String>,
    /// Who operates it, where a filing, a register or its own notice establishes that.
    #[serde(default)]
    pub operator: Option<Operator>,
    /// Dated facts about ownership and listings.
    #[serde(default)]
    pub ownership: Vec<Ownership>,
    /// Host names.
    #[serde(default)]
    pub domain: Vec<Domain>,
    /// Addresses and networks.
    #[serde(default)]
    pub network: Vec<Network>,
    /// What flows to its services show.
    #[serde(default)]
    pub flow: Vec<Shows>,
    /// Registrants of hardware addresses.
    #[serde(default)]
    pub oui: Vec<Oui>,
    /// What its devices say in DHCP.
    #[serde(default)]
    pub dhcp: Vec<Dhcp>,
    /// What its devices say of themselves otherwise.
    #[serde(default)]
    pub said: Vec<Said>,
    /// Names that must and must not match; the tests run them.
    #[serde(default)]
    pub example: Vec<Example>,
}

/// What a signature describes.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, serde::Serialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Makes devices, or runs the cloud they talk to.
    Vendor,
    /// Rents out servers: the landlord, not the tenant.
    Hosting,
    /// Delivers content of others.
    Cdn,
    /// Answers DNS for the public.
    Resolver,
    /// Tells the time.
    Time,
    /// Relays traffic between others.
    Relay,
    /// Collects usage data for others.
    Analytics,
    /// Tells others where they are, by the radio networks around them.
    Location,
}

/// How a fact is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// A document, register or working implementation states it.
    Documented,
    /// Seen on the wire or in a log.
    Observed,
}

impl Confidence {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Confidence::Documented => "documented",
            Confidence::Observed => "observed",
        }
    }
}

/// The company behind a service.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// Registered name.
    pub legal_name: String,
    /// Country of the head office, ISO 3166-1 alpha-2.
    #[serde(default)]
    pub head_office: Option<String>,
    /// Companies that control it.
    #[serde(default)]
    pub parents: Vec<String>,
    /// Filing, register or own notice.
    pub source: String,
    /// How it is known.
    pub confidence: Confidence,
    /// When the source was read, RFC 3339 date.
    pub checked: String,
}

/// A dated fact about a company.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, serde::Serialize)]
#[serde(deny_unknown_fields)]
pub struct Ownership {
    /// Stable word: `state-ownership`, `us-entity-list`, …
    pub kind: String,
    /// One sentence.
    pub fact: String,
    /// When it happened, as precise as the source.
    #[serde(default)]
    pub date: Option<String>,
    /// Where it is stated.
    pub source: String,
    /// How it is known.
    pub confidence: Confidence,
    /// When the source was read.
    pub checked: String,
}

/// How a domain's host is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Match {
    /// The host itself.
    Exact,
    /// The host and every name below it.
    Suffix,
    /// `*` stands for any characters within one label.
    Glob,
}

/// A fact about remotes: what it matches, and the fields that all of these have. Serde cannot both
/// flatten a shared struct and refuse unknown fields, and a misspelt field must not pass unseen.
macro_rules! remote_fact {
    ($(#[$about:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            $($own)*
            /// What the service does.
            pub role: String,
            /// Who operates it, where it is not the vendor of the file.
            #[serde(default)]
            pub operator: Option<String>,
            /// Region that the name or source states.
            #[serde(default)]
            pub region: Option<String>,
            /// Where it is stated.
            pub source: String,
            /// How it is known.
            pub confidence: Confidence,
            /// When the source was read.
            pub checked: String,
            /// Remark.
            #[serde(default)]
            pub note: Option<String>,
            /// First day it holds, judged against packet time.
            #[serde(default)]
            pub valid_from: Option<String>,
            /// Last day it holds.
            #[serde(default)]
            pub valid_to: Option<String>,
            /// Why it no longer counts; it stays in the file.
            #[serde(default)]
            pub withdrawn: Option<String>,
        }

        impl $name {
            pub(in crate::attribution) fn about(&self) -> About<'_> {
                About {
                    source: &self.source,
                    confidence: self.confidence,
                    checked: &self.checked,
                    valid_from: self.valid_from.as_deref(),
                    valid_to: self.valid_to.as_deref(),
                }
            }
        }
    };
}

remote_fact! {
    /// A host name.
    Domain {
        /// The name or pattern, lower case.
        pub host: String,
        /// How it is compared.
        #[serde(rename = "match")]
        pub matching: Match,
    }
}

remote_fact! {
    /// An address or network.
    Network {
        /// Address or CIDR.
        pub addr: String,
    }
}

/// Which end of a flow says a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum By {
    /// The device on the test network.
    Device,
    /// The service that it speaks to.
    Service,
}

remote_fact! {
    /// What a flow to a service shows; everything given must fit.
    Shows {
        /// Protocol, known by payload.
        #[serde(default)]
        pub label: Option<String>,
        /// `tcp` or `udp`.
        #[serde(default)]
        pub transport: Option<String>,
        /// Ports of the service: numbers, or two with a hyphen between.
        #[serde(default)]
        pub ports: Vec<String>,
        /// What dissectors call what an end says of itself: `tls.psk_identity`.
        #[serde(default)]
        pub fact: Option<String>,
        /// Pattern for its value, lower case.
        #[serde(default)]
        pub value: Option<String>,
        /// How a message begins that no dissector knows, in hex; `..` stands for any byte.
        #[serde(default)]
        pub first: Option<String>,
        /// Where in the message that stands, bytes.
        #[serde(default)]
        pub at: usize,
        /// Which end says it; either, where it is left out.
        #[serde(default)]
        pub by: Option<By>,
        /// What fits: a value, the hex of a message, or label, transport and port.
        pub example: String,
        /// What does not.
        pub near_miss: String,
    }
}

/// Where a fact comes from and when it holds.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Where it is stated.
    pub source: &'a str,
    /// How it is known.
    pub confidence: Confidence,
    /// When the source was read.
    pub checked: &'a str,
    pub(super) valid_from: Option<&'a str>,
    pub(super) valid_to: Option<&'a str>,
}

impl About<'_> {
    /// RFC 3339 dates compare as text.
    pub(in crate::attribution) fn holds_on(&self, day: &str) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day <= to)
    }
}

/// Registrant of hardware addresses.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oui {
    /// Beginning of the registrant's name.
    pub registrant: String,
    /// Where it is stated.
    pub source: String,
    /// How it is known.
    pub confidence: Confidence,
    /// When the source was read.
    pub checked: String,
    /// It makes modules that others build in: its addresses do not tell who made a product.
    #[serde(default)]
    pub module: bool,
    /// Remark.
    #[serde(default)]
    pub note: Option<String>,
}

/// What devices say in DHCP; every pattern given must fit.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dhcp {
    /// Host name pattern, lower case.
    #[serde(default)]
    pub hostname: Option<String>,
    /// Vendor class pattern, lower case.
    #[serde(default)]
    pub vendor_class: Option<String>,
    /// Where it is stated.
    pub source: String,
    /// How it is known.
    pub confidence: Confidence,
    /// When the source was read.
    pub checked: String,
    /// Remark.
    #[serde(default)]
    pub note: Option<String>,
}

/// What devices say of themselves in another protocol than DHCP.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// What dissectors call it: `mdns.service`; `flow.begins` goes with `first`.
    pub fact: String,
    /// Pattern for its value, lower case.
    #[serde(default)]
    pub value: Option<String>,
    /// How a message begins that no dissector knows, in hex; `..` stands for any byte.
    #[serde(default)]
    pub first: Option<String>,
    /// Where in the message that stands, bytes.
    #[serde(default)]
    pub at: usize,
    /// A value that fits.
    pub example: String,
    /// One that does not.
    pub near_miss: String,
    /// Where it is stated.
    pub source: String,
    /// How it is known.
    pub confidence: Confidence,
    /// When the source was read.
    pub checked: String,
    /// Remark.
    #[serde(default)]
    pub note: Option<String>,
}

/// A name with the answer the signature must give.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// A host name or address.
    pub name: String,
    /// Whether this signature claims it.
    pub matches: bool,
    /// The role it must have.
    #[serde(default)]
    pub role: Option<String>,
    /// Why it must not match.
    #[serde(default)]
    pub why: Option<String>,
}
