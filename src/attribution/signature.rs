//! Vendor and service signatures: data files that say whose a name or network is, each fact with
//! its source. `signatures/README.md` documents the format.

mod care;
mod fact;
mod pattern;
mod shows;

pub(super) use care::check;
pub(crate) use care::{is_date, sourced};
pub use fact::{
    About, By, Confidence, Dhcp, Domain, Example, Kind, Match, Network, Operator, Oui, Ownership,
    Said, Shows, Signature,
};
pub(crate) use pattern::literal_suffix;
pub(super) use pattern::{address_bits, parse_network, starts_with_words};
pub use shows::{BEGINS, FlowSeen, Pattern};

use super::flows::Flows;
pub use super::flows::Word;
use super::lookup::{Networks, Registrants};
use super::pack::{Disabled, Pack};
use super::texts::{Begins, Texts};
use crate::base::file::{self, FileError};
use crate::base::table::Map;
use crate::base::text::{bytes_of_hex, hex};
use crate::protocol::beginnings::Beginnings;
use pattern::{glob, glob_text};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Path, text, and what the text says as JSON, which is read in a fifth of the time.
static EMBEDDED: &[(&str, &str, &str)] = include!(concat!(env!("OUT_DIR"), "/signatures.rs"));

/// Longest signature file, bytes.
pub(super) const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Where a match was found: signature and fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Found {
    /// A `[[domain]]`.
    Domain(usize, usize),
    /// A `[[network]]`.
    Network(usize, usize),
    /// A `[[flow]]`.
    Flow(usize, usize),
}

/// What a matching fact says, borrowed from its signature.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// The signature.
    pub signature: &'a Signature,
    /// The pattern that matched.
    pub pattern: Cow<'a, str>,
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
    /// What devices say otherwise, by the name of the fact.
    said: Map<Box<str>, Texts>,
    said_begins: Begins,
    flows: Flows,
    beginnings: Arc<Beginnings>,
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
    pub fn embedded() -> Result<Signatures, FileError> {
        let mut all = Signatures::default();
        for &(path, text, json) in EMBEDDED {
            let path = Path::new(path);
            let said = serde_json::from_str(json).map_err(|error| invalid(path, &error))?;
            all.add_read(path, text, said)?;
        }
        all.compile();
        Ok(all)
    }

    /// Adds one file by its text.
    ///
    /// # Errors
    /// When it is invalid.
    pub fn add_text(&mut self, path: &Path, text: &str) -> Result<(), FileError> {
        self.add_texts([(path, text)])
    }

    /// Adds files by their texts, in this order.
    ///
    /// # Errors
    /// When one is invalid.
    pub fn add_texts<'t>(
        &mut self,
        texts: impl IntoIterator<Item = (&'t Path, &'t str)>,
    ) -> Result<(), FileError> {
        for (path, text) in texts {
            self.add(path, text)?;
        }
        self.compile();
        Ok(())
    }

    pub(super) fn add(&mut self, path: &Path, text: &str) -> Result<(), FileError> {
        let signature = toml::from_str(text).map_err(|error| invalid(path, &error))?;
        self.add_read(path, text, signature)
    }

    fn add_read(&mut self, path: &Path, text: &str, signature: Signature) -> Result<(), FileError> {
        check(&signature, path).map_err(|reason| FileError::invalid(path, reason))?;
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
        self.said.clear();
        self.said_begins = Begins::default();
        self.flows = Flows::default();
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
            for (fact, said) in signature.said.iter().enumerate() {
                if is_off(&signature.id, &said.spoken()) {
                    continue;
                }
                if let Some(value) = &said.value {
                    let texts = self.said.entry(said.fact.as_str().into()).or_default();
                    texts.add(value, (index, fact));
                } else if let Some(first) = &said.first
                    && let Ok(pattern) = Pattern::read(first, said.at)
                {
                    self.said_begins.add(pattern, (index, fact));
                }
            }
            for (fact, shows) in signature.flow.iter().enumerate() {
                if shows.withdrawn.is_none() && !is_off(&signature.id, &shows.spoken()) {
                    self.flows.add(shows, (index, fact));
                }
            }
            if !signature.dhcp.is_empty() {
                self.dhcp.push(index);
            }
        }
        let mut beginnings = Beginnings::default();
        self.said_begins.ask(&mut beginnings);
        self.flows.begins().ask(&mut beginnings);
        self.beginnings = Arc::new(beginnings);
    }

    /// Beginnings of messages to look for in flows that no dissector knows.
    #[must_use]
    pub fn beginnings(&self) -> &Arc<Beginnings> {
        &self.beginnings
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

    /// Whose service a flow is for, by what it shows, and which of the words that rests on.
    #[must_use]
    pub fn by_flow(
        &self,
        flow: &FlowSeen<'_>,
        words: &[Word<'_>],
        day: &str,
    ) -> Option<(Found, Option<usize>)> {
        let ((index, fact), word) = self.flows.of(flow, words, &self.signatures, day)?;
        Some((Found::Flow(index, fact), word))
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
                    pattern: Cow::Borrowed(&domain.host),
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
                    pattern: Cow::Borrowed(&network.addr),
                    role: &network.role,
                    operator: network.operator.as_deref(),
                    region: network.region.as_deref(),
                    about: network.about(),
                }
            }
            Found::Flow(index, fact) => {
                let signature = &self.signatures[index];
                let shows = &signature.flow[fact];
                Claim {
                    signature,
                    pattern: Cow::Owned(shows.spoken()),
                    role: &shows.role,
                    operator: shows.operator.as_deref(),
                    region: shows.region.as_deref(),
                    about: shows.about(),
                }
            }
        }
    }

    /// The vendor whose registrant string this is.
    #[must_use]
    pub fn by_registrant(&self, registrant: &str) -> Option<&Signature> {
        self.registrants.of(registrant, &self.signatures).map(|index| &self.signatures[index])
    }

    /// The vendor whose devices say this of themselves, and the fact that knows it.
    #[must_use]
    pub fn by_said(&self, fact: &str, value: &str) -> Option<(&Signature, &Said)> {
        let places = match fact {
            BEGINS => self.said_begins.of(&bytes_of_hex(value)?),
            _ => self.said.get(fact)?.candidates(&value.to_lowercase()),
        };
        places.into_iter().find_map(|(index, fact)| {
            let signature = &self.signatures[index];
            let said = &signature.said[fact];
            said.fits(value).then_some((signature, said))
        })
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

fn invalid(path: &Path, error: &impl std::fmt::Display) -> FileError {
    FileError::invalid(path, error.to_string().trim().to_owned())
}

/// The files that come with phonehome.
pub fn embedded_texts() -> impl Iterator<Item = (&'static Path, &'static str)> {
    EMBEDDED.iter().map(|&(path, text, _)| (Path::new(path), text))
}

/// The text of every `*.toml` in a folder, in the order of their names.
///
/// # Errors
/// When one cannot be read or is too long.
pub fn texts(folder: &Path) -> Result<Vec<(PathBuf, String)>, FileError> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| FileError::read(folder, error))? {
        let path = entry.map_err(|error| FileError::read(folder, error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
    }
    paths.sort();
    let mut texts = Vec::new();
    for path in paths {
        let text = file::text(&path, FILE_BYTES_MAX)?;
        texts.push((path, text));
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The day on which the shipped facts were read.
    const TODAY: &str = "2026-11-29";

    fn with(text: &str) -> Result<Signatures, FileError> {
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

    fn said(value: &str, example: &str, near_miss: &str) -> String {
        format!(
            "[[said]]\nfact = \"mdns.model\"\nvalue = \"{value}\"\nexample = \"{example}\"\n\
             near_miss = \"{near_miss}\"\nsource = \"s\"\nconfidence = \"observed\"\n\
             checked = \"2026-11-24\"\n"
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
    fn what_was_read_while_building_is_what_the_files_say() {
        let (built, mut read) = (Signatures::embedded().unwrap(), Signatures::default());
        read.add_texts(embedded_texts()).unwrap();
        assert!(built.signatures.len() > 100);
        assert_eq!(format!("{:?}", built.signatures), format!("{:?}", read.signatures));
        assert_eq!(built.digest.finalize(), read.digest.finalize());
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
            (said("*a*", "xax", "b"), "4 or more characters"),
            (said("Camera*", "camera", "b"), "lower case"),
            (said("camera*", "a camera", "b"), "must fit"),
            (said("camera*", "camera 1", "cameras"), "must not"),
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
        }
        let tried = crate::attribution::lint::try_examples(&all, TODAY);
        assert!(tried.failed.is_empty(), "{:?}", tried.failed);
        for signature in all.all() {
            for said in &signature.said {
                let found =
                    |value: &str| all.by_said(&said.fact, value).map(|(s, _)| s.id.as_str());
                assert_eq!(found(&said.example), Some(signature.id.as_str()), "{}", said.spoken());
                assert_ne!(
                    found(&said.near_miss),
                    Some(signature.id.as_str()),
                    "{}",
                    said.spoken()
                );
            }
        }
    }
}
