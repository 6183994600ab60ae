//! Vendor and service signatures: data files that say whose a name or network is, each fact with
//! its source. `signatures/README.md` documents the format.

use super::lookup::{Networks, Registrants, address_bits};
use super::names::registrable;
use super::pack::{Disabled, Pack};
use crate::base::table::Map;
use crate::base::text::hex;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

static EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/signatures.rs"));

/// Longest signature file, bytes.
pub(super) const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A signature that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// The folder or a file cannot be read.
    #[error("{path}: {error}")]
    Read {
        /// The folder or file.
        path: PathBuf,
        /// The system's answer.
        error: std::io::Error,
    },
    /// The file is not what `signatures/README.md` describes.
    #[error("{path}: {reason}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column where known.
        reason: String,
    },
}

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
    /// Registrants of hardware addresses.
    #[serde(default)]
    pub oui: Vec<Oui>,
    /// What its devices say in DHCP.
    #[serde(default)]
    pub dhcp: Vec<Dhcp>,
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

/// A host name.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Domain {
    /// The name or pattern, lower case.
    pub host: String,
    /// How it is compared.
    #[serde(rename = "match")]
    pub matching: Match,
    /// What the service does.
    pub role: String,
    /// Who operates the host, where it is not the vendor of the file.
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

/// An address or network.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// Address or CIDR.
    pub addr: String,
    /// What the service does.
    pub role: String,
    /// Who operates it, where it is not the vendor of the file.
    #[serde(default)]
    pub operator: Option<String>,
    /// Region that the source states.
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

/// Where a fact comes from and when it holds.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Where it is stated.
    pub source: &'a str,
    /// How it is known.
    pub confidence: Confidence,
    /// When the source was read.
    pub checked: &'a str,
    valid_from: Option<&'a str>,
    valid_to: Option<&'a str>,
}

macro_rules! about {
    ($fact:expr) => {
        About {
            source: &$fact.source,
            confidence: $fact.confidence,
            checked: &$fact.checked,
            valid_from: $fact.valid_from.as_deref(),
            valid_to: $fact.valid_to.as_deref(),
        }
    };
}

impl Domain {
    fn about(&self) -> About<'_> {
        about!(self)
    }
}

impl Network {
    fn about(&self) -> About<'_> {
        about!(self)
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

/// Where a match was found: signature and fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    /// A `[[domain]]`.
    Domain(usize, usize),
    /// A `[[network]]`.
    Network(usize, usize),
}

/// What a matching fact says, borrowed from its signature.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// The signature.
    pub signature: &'a Signature,
    /// The pattern that matched.
    pub pattern: &'a str,
    /// What the service does.
    pub role: &'a str,
    /// Who operates the host, where it is another than the signature's.
    pub operator: Option<&'a str>,
    /// Region stated by name or source.
    pub region: Option<&'a str>,
    /// Source, confidence and validity.
    pub about: About<'a>,
}

/// All signatures, compiled for look-up.
#[derive(Default)]
pub struct Signatures {
    signatures: Vec<Signature>,
    /// By host, or for globs by the literal labels behind the last pattern.
    domains: Map<Box<str>, Vec<(usize, usize)>>,
    networks: Networks,
    registrants: Registrants,
    /// Signatures that know what devices say in DHCP.
    dhcp: Vec<usize>,
    by_id: Map<String, usize>,
    /// Folders of the user, in the order of loading.
    pub(super) packs: Vec<Pack>,
    pub(super) disabled: Vec<Disabled>,
    pub(super) digest: Sha256,
}

impl Signatures {
    /// The signatures that come with phonehome.
    ///
    /// # Errors
    /// When an embedded file is invalid, which the tests exclude.
    pub fn embedded() -> Result<Signatures, SignatureError> {
        let mut all = Signatures::default();
        all.add_texts(embedded_texts())?;
        Ok(all)
    }

    /// Adds one file by its text.
    ///
    /// # Errors
    /// When it is invalid.
    pub fn add_text(&mut self, path: &Path, text: &str) -> Result<(), SignatureError> {
        self.add_texts([(path, text)])
    }

    /// Adds files by their texts, in this order.
    ///
    /// # Errors
    /// When one is invalid.
    pub fn add_texts<'t>(
        &mut self,
        texts: impl IntoIterator<Item = (&'t Path, &'t str)>,
    ) -> Result<(), SignatureError> {
        for (path, text) in texts {
            self.add(path, text)?;
        }
        self.compile();
        Ok(())
    }

    pub(super) fn add(&mut self, path: &Path, text: &str) -> Result<(), SignatureError> {
        let invalid = |reason: String| SignatureError::Invalid { path: path.to_owned(), reason };
        let signature: Signature =
            toml::from_str(text).map_err(|error| invalid(error.to_string().trim().to_owned()))?;
        check(&signature, path).map_err(invalid)?;
        self.digest.update((text.len() as u64).to_be_bytes());
        self.digest.update(text.as_bytes());
        match self.by_id.get(&signature.id) {
            Some(&index) => self.signatures[index] = signature,
            None => {
                self.by_id.insert(signature.id.clone(), self.signatures.len());
                self.signatures.push(signature);
            }
        }
        Ok(())
    }

    /// Builds the look-up tables anew, after files were added or replaced.
    pub(super) fn compile(&mut self) {
        self.domains.clear();
        self.networks = Networks::default();
        self.registrants = Registrants::default();
        self.dhcp.clear();
        let is_off = |id: &str, fact: &str| self.disabled.iter().any(|one| one.concerns(id, fact));
        let wholly = |id: &str| self.disabled.iter().any(|one| one.id == id && one.fact.is_none());
        let all = self.signatures.iter().enumerate();
        for (index, signature) in all.filter(|(_, signature)| !wholly(&signature.id)) {
            for (fact, domain) in signature.domain.iter().enumerate() {
                if domain.withdrawn.is_none() && !is_off(&signature.id, &domain.host) {
                    let key = literal_suffix(&domain.host, domain.matching);
                    self.domains.entry(key.into()).or_default().push((index, fact));
                }
            }
            for (fact, network) in signature.network.iter().enumerate() {
                if network.withdrawn.is_none()
                    && !is_off(&signature.id, &network.addr)
                    && let Some(network) = parse_network(&network.addr)
                {
                    self.networks.add(network, (index, fact));
                }
            }
            let products = signature.oui.iter().enumerate().filter(|(_, oui)| !oui.module);
            for (fact, oui) in products {
                self.registrants.add(&oui.registrant, (index, fact));
            }
            if !signature.dhcp.is_empty() {
                self.dhcp.push(index);
            }
        }
    }

    /// Whether a signature has this id.
    #[must_use]
    pub fn has(&self, id: &str) -> bool {
        self.by_id.contains_key(id)
    }

    /// Folders of the user, in the order of loading.
    #[must_use]
    pub fn packs(&self) -> &[Pack] {
        &self.packs
    }

    /// What the user has put out of use.
    #[must_use]
    pub fn disabled(&self) -> &[Disabled] {
        &self.disabled
    }

    /// Number of files loaded.
    #[must_use]
    pub fn len(&self) -> usize {
        self.signatures.len()
    }

    /// Whether none is loaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.signatures.is_empty()
    }

    /// All signatures.
    #[must_use]
    pub fn all(&self) -> &[Signature] {
        &self.signatures
    }

    /// SHA-256 over all files in the order of loading, in hex.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex(&self.digest.clone().finalize())
    }

    /// Whose host name this is. The most specific fact wins: exact, then pattern, then the
    /// longest suffix; among equals the first file. `day` (RFC 3339 date) is the day of the
    /// packets.
    #[must_use]
    pub fn by_name(&self, name: &[u8], day: &str) -> Option<Found> {
        let name = std::str::from_utf8(name).ok()?;
        let mut suffix = name;
        let mut whole = true;
        let mut globbed = None;
        let mut suffixed = None;
        loop {
            for &(index, fact) in self.domains.get(suffix).into_iter().flatten() {
                let domain = &self.signatures[index].domain[fact];
                if !domain.about().holds_on(day) {
                    continue;
                }
                match domain.matching {
                    Match::Exact if whole => return Some(Found::Domain(index, fact)),
                    Match::Exact => {}
                    Match::Glob if globbed.is_none() && glob(&domain.host, name) => {
                        globbed = Some(Found::Domain(index, fact));
                    }
                    Match::Glob => {}
                    Match::Suffix => suffixed = suffixed.or(Some(Found::Domain(index, fact))),
                }
            }
            match suffix.split_once('.') {
                Some((_, rest)) => suffix = rest,
                None => break,
            }
            whole = false;
        }
        globbed.or(suffixed)
    }

    /// Whose address this is, by the longest network.
    #[must_use]
    pub fn by_address(&self, address: IpAddr, day: &str) -> Option<Found> {
        let mut places = self.networks.of(address);
        places
            .find(|&(index, fact)| self.signatures[index].network[fact].about().holds_on(day))
            .map(|(index, fact)| Found::Network(index, fact))
    }

    /// What a match says.
    #[must_use]
    pub fn claim(&self, found: Found) -> Claim<'_> {
        match found {
            Found::Domain(index, fact) => {
                let signature = &self.signatures[index];
                let domain = &signature.domain[fact];
                Claim {
                    signature,
                    pattern: &domain.host,
                    role: &domain.role,
                    operator: domain.operator.as_deref(),
                    region: domain.region.as_deref(),
                    about: domain.about(),
                }
            }
            Found::Network(index, fact) => {
                let signature = &self.signatures[index];
                let network = &signature.network[fact];
                Claim {
                    signature,
                    pattern: &network.addr,
                    role: &network.role,
                    operator: network.operator.as_deref(),
                    region: network.region.as_deref(),
                    about: network.about(),
                }
            }
        }
    }

    /// The vendor whose registrant string this is.
    #[must_use]
    pub fn by_registrant(&self, registrant: &str) -> Option<&Signature> {
        self.registrants.of(registrant, &self.signatures).map(|index| &self.signatures[index])
    }

    /// The vendor whose devices say this in DHCP.
    #[must_use]
    pub fn by_dhcp(&self, host_name: Option<&str>, class: Option<&str>) -> Option<&Signature> {
        let fits = |pattern: &Option<String>, value: Option<&str>| match (pattern, value) {
            (None, _) => true,
            (Some(pattern), Some(value)) => glob_text(pattern, &value.to_lowercase()),
            (Some(_), None) => false,
        };
        self.dhcp.iter().map(|&index| &self.signatures[index]).find(|signature| {
            signature.dhcp.iter().any(|dhcp| {
                (dhcp.hostname.is_some() || dhcp.vendor_class.is_some())
                    && fits(&dhcp.hostname, host_name)
                    && fits(&dhcp.vendor_class, class)
            })
        })
    }
}

/// The files that come with phonehome.
pub fn embedded_texts() -> impl Iterator<Item = (&'static Path, &'static str)> {
    EMBEDDED.iter().map(|&(path, text)| (Path::new(path), text))
}

/// The text of every `*.toml` in a folder, in the order of their names.
///
/// # Errors
/// When one cannot be read or is too long.
pub fn texts(folder: &Path) -> Result<Vec<(PathBuf, String)>, SignatureError> {
    let read = |path: &Path, error| SignatureError::Read { path: path.to_owned(), error };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| read(folder, error))? {
        let path = entry.map_err(|error| read(folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        let about = std::fs::metadata(&path).map_err(|error| read(&path, error))?;
        if about.len() > FILE_BYTES_MAX {
            let reason = format!("{} bytes, more than {FILE_BYTES_MAX}", about.len());
            return Err(SignatureError::Invalid { path, reason });
        }
        let text = std::fs::read_to_string(&path).map_err(|error| read(&path, error))?;
        texts.push((path, text));
    }
    Ok(texts)
}

impl About<'_> {
    /// RFC 3339 dates compare as text.
    fn holds_on(&self, day: &str) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day <= to)
    }
}

pub(super) fn starts_with_words(text: &str, beginning: &str) -> bool {
    let Some(head) = text.get(..beginning.len()) else {
        return false;
    };
    let boundary = text[beginning.len()..].chars().next().is_none_or(|c| !c.is_alphanumeric());
    boundary && head.eq_ignore_ascii_case(beginning)
}

/// What a pattern has in plain labels at its end.
pub(crate) fn literal_suffix(host: &str, matching: Match) -> &str {
    match matching {
        Match::Exact | Match::Suffix => host,
        Match::Glob => match host.rfind('*') {
            Some(star) => host[star..].split_once('.').map_or("", |(_, rest)| rest),
            None => host,
        },
    }
}

/// Label by label, `*` standing for any characters within a label.
fn glob(pattern: &str, name: &str) -> bool {
    let (mut patterns, mut labels) = (pattern.split('.'), name.split('.'));
    loop {
        match (patterns.next(), labels.next()) {
            (None, None) => return true,
            (Some(pattern), Some(label)) if glob_text(pattern, label) => {}
            _ => return false,
        }
    }
}

/// `*` stands for any characters; linear, by matching the pieces between stars from the left.
fn glob_text(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else {
        return false;
    };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else {
        return rest.is_empty();
    };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Network bits, mask, and whether it is IPv4.
pub(super) fn parse_network(text: &str) -> Option<(u128, u128, bool)> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length.parse::<u32>().ok()?)),
        None => (text, None),
    };
    let (bits, v4) = address_bits(address.parse().ok()?);
    let longest = if v4 { 32 } else { 128 };
    let length = length.unwrap_or(longest);
    if length > longest {
        return None;
    }
    let mask = if length == 0 { 0 } else { u128::MAX << (128 - length) };
    (bits & !mask == 0).then_some((bits, mask, v4))
}

/// What every file must keep to, beyond its syntax.
pub(super) fn check(signature: &Signature, path: &Path) -> Result<(), String> {
    if signature.schema != 1 {
        return Err(format!("schema {} is not known, only 1 is", signature.schema));
    }
    if path.file_stem().is_none_or(|stem| stem != signature.id.as_str()) {
        return Err(format!("the id {:?} is not the file's name", signature.id));
    }
    let facts = signature.domain.iter().map(|d| (&d.host, d.about()));
    for (what, about) in facts.chain(signature.network.iter().map(|n| (&n.addr, n.about()))) {
        sourced(what, about.source)?;
        for date in [Some(about.checked), about.valid_from, about.valid_to] {
            if date.is_some_and(|date| !is_date(date)) {
                return Err(format!("{what}: a date is not YYYY-MM-DD"));
            }
        }
    }
    if let Some(operator) = &signature.operator {
        sourced(&operator.legal_name, &operator.source)?;
    }
    for fact in &signature.ownership {
        sourced(&fact.kind, &fact.source)?;
    }
    for domain in &signature.domain {
        let host = &domain.host;
        if *host != host.to_lowercase() || host.starts_with('.') || host.ends_with('.') {
            return Err(format!("{host}: must be lower case without a dot at either end"));
        }
        let broad = matches!(domain.matching, Match::Suffix | Match::Glob)
            && registrable(literal_suffix(host, domain.matching).as_bytes()).is_none();
        if broad {
            return Err(format!("{host}: would match a public suffix"));
        }
        if (domain.matching == Match::Glob) != host.contains('*') {
            return Err(format!("{host}: a pattern has a star, other hosts have none"));
        }
    }
    for network in &signature.network {
        if parse_network(&network.addr).is_none() {
            return Err(format!("{}: not an address or network", network.addr));
        }
    }
    Ok(())
}

pub(crate) fn sourced(what: &str, source: &str) -> Result<(), String> {
    if source.trim().is_empty() || source.trim() == "none" {
        return Err(format!("{what}: has no source"));
    }
    Ok(())
}

pub(crate) fn is_date(text: &str) -> bool {
    text.len() == 10
        && text.bytes().enumerate().all(|(index, byte)| match index {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The day on which the shipped facts were read.
    const TODAY: &str = "2026-11-24";

    fn with(text: &str) -> Result<Signatures, SignatureError> {
        let mut all = Signatures::default();
        let head = "schema = 1\nid = \"x\"\nname = \"X\"\nkind = \"vendor\"\n";
        all.add(Path::new("x.toml"), &format!("{head}{text}"))?;
        all.compile();
        Ok(all)
    }

    fn domain(host: &str, matching: &str, role: &str) -> String {
        format!(
            "[[domain]]\nhost = \"{host}\"\nmatch = \"{matching}\"\nrole = \"{role}\"\n\
             source = \"s\"\nconfidence = \"observed\"\nchecked = \"2026-11-24\"\n"
        )
    }

    #[test]
    fn names_match_on_label_boundaries_only() {
        let text = domain("cloud.example", "suffix", "suffix")
            + &domain("p2p-*.cloud.example", "glob", "p2p")
            + &domain("time.cloud.example", "exact", "time");
        let all = with(&text).unwrap();
        let role = |name: &str| {
            all.by_name(name.as_bytes(), "2026-11-24").map(|found| all.claim(found).role.to_owned())
        };
        assert_eq!(role("cloud.example").as_deref(), Some("suffix"));
        assert_eq!(role("a.b.cloud.example").as_deref(), Some("suffix"));
        assert_eq!(role("p2p-7.cloud.example").as_deref(), Some("p2p"));
        assert_eq!(role("p2p-7.eu.cloud.example").as_deref(), Some("suffix"));
        assert_eq!(role("time.cloud.example").as_deref(), Some("time"));
        assert_eq!(role("x.time.cloud.example").as_deref(), Some("suffix"));
        for near in ["mycloud.example", "cloud.example.net", "loud.example", "example"] {
            assert_eq!(role(near), None, "{near}");
        }
    }

    #[test]
    fn networks_match_by_the_longest_prefix() {
        let network = |addr: &str, role: &str| {
            format!(
                "[[network]]\naddr = \"{addr}\"\nrole = \"{role}\"\nsource = \"s\"\n\
                 confidence = \"observed\"\nchecked = \"2026-11-24\"\nvalid_to = \"2030-01-01\"\n"
            )
        };
        let all = with(&(network("192.0.2.0/24", "p2p") + &network("192.0.2.9", "relay"))).unwrap();
        let role = |address: &str, day: &str| {
            let found = all.by_address(address.parse().unwrap(), day);
            found.map(|found| all.claim(found).role.to_owned())
        };
        assert_eq!(role("192.0.2.9", "2026-11-24").as_deref(), Some("relay"));
        assert_eq!(role("192.0.2.8", "2026-11-24").as_deref(), Some("p2p"));
        assert_eq!(role("192.0.3.8", "2026-11-24"), None);
        assert_eq!(role("192.0.2.8", "2030-01-02"), None, "the fact has expired");
    }

    #[test]
    fn careless_facts_are_refused() {
        for (text, reason) in [
            (domain("co.uk", "suffix", "web"), "public suffix"),
            (domain("s3.amazonaws.com", "suffix", "web"), "public suffix"),
            (domain("*.com", "glob", "web"), "public suffix"),
            (domain("A.example", "exact", "web"), "lower case"),
            (domain("a.example", "exact", "web").replace("\"s\"", "\"none\""), "no source"),
            ("colour = 1\n".to_owned(), "unknown field"),
        ] {
            let error = with(&text).err().expect(&text).to_string();
            assert!(error.contains(reason), "{error}");
        }
    }

    /// Every shipped file is loaded, and says of its own examples what it must.
    #[test]
    fn shipped_signatures_pass_their_own_examples() {
        let all = Signatures::embedded().unwrap();
        assert!(all.len() >= 15, "only {} signatures", all.len());
        for signature in all.all() {
            let near = signature.example.iter().filter(|example| !example.matches).count();
            assert!(near > 0 && near < signature.example.len(), "{}: examples", signature.id);
            for example in &signature.example {
                let found = match example.name.parse() {
                    Ok(address) => all.by_address(address, TODAY),
                    Err(_) => all.by_name(example.name.as_bytes(), TODAY),
                };
                let claim = found.map(|found| all.claim(found));
                let matches = claim.as_ref().is_some_and(|c| c.signature.id == signature.id);
                assert_eq!(matches, example.matches, "{}: {}", signature.id, example.name);
                if let (Some(claim), Some(role)) = (claim, &example.role) {
                    assert_eq!(claim.role, role, "{}: {}", signature.id, example.name);
                }
            }
        }
    }
}
