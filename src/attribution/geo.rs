//! Where an address is and whose network it is, as databases see it. Every answer names its
//! database; two that disagree both stand. No database is right alone, so the embedded one holds
//! two opinions on the country.

use super::unpacked;
use crate::base::text::{hex, safe};
use crate::base::time::{SECOND, Timestamp};
use maxminddb::Reader;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

static PACKED: &[u8] = include_bytes!("../../signatures/databases/geo.mmdb.zst");
static UNPACKED: OnceLock<Vec<u8>> = OnceLock::new();

/// Days after which a database is called old.
const OLD_DAYS: i64 = 90;

/// A database that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GeoError {
    /// The system refused.
    #[error("{path}: {error}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        error: std::io::Error,
    },
    /// Not a MaxMind DB file, or a broken one.
    #[error("{path}: not a usable MMDB file: {error}")]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        error: maxminddb::MaxMindDbError,
    },
}

/// What is told of a database in every output.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct About {
    /// Its type as it names itself, and the file's name for a user's own.
    pub name: String,
    /// Build time as it states it.
    pub build: Timestamp,
    /// SHA-256 of the file, hex.
    pub sha256: String,
}

impl About {
    /// Days by which the database is older than `moment`, where that is too many.
    #[must_use]
    pub fn too_old_for(&self, moment: Timestamp) -> Option<i64> {
        let days = moment.since(self.build) / (86_400 * SECOND);
        (days > OLD_DAYS).then_some(days)
    }
}

struct Database {
    about: About,
    reader: Reader<Bytes>,
}

enum Bytes {
    Embedded(&'static [u8]),
    Owned(Vec<u8>),
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Bytes::Embedded(bytes) => bytes,
            Bytes::Owned(bytes) => bytes,
        }
    }
}

/// One database's opinion on a country.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Country {
    /// ISO 3166-1 alpha-2 code.
    pub country: String,
    /// Which database, and which of its lists.
    pub database: String,
}

/// One database's word on the network of an address.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asn {
    /// Autonomous system number.
    pub number: u64,
    /// Its holder as registered.
    pub organisation: String,
    /// Which database.
    pub database: String,
}

/// All that the databases say of one address.
#[derive(Debug, Clone, Default, Serialize, PartialEq, Eq)]
pub struct Place {
    /// Opinions on the country, in the order of the databases.
    pub countries: Vec<Country>,
    /// Networks, in the order of the databases.
    pub networks: Vec<Asn>,
}

impl Place {
    /// The different countries named, in the order of the databases.
    #[must_use]
    pub fn country_codes(&self) -> Vec<&str> {
        let mut codes: Vec<&str> = Vec::new();
        for opinion in &self.countries {
            if !codes.contains(&opinion.country.as_str()) {
                codes.push(&opinion.country);
            }
        }
        codes
    }
}

/// The loaded databases.
#[derive(Default)]
pub struct Geo {
    databases: Vec<Database>,
}

impl Geo {
    /// The embedded database.
    #[must_use]
    pub fn embedded() -> Geo {
        let bytes = Bytes::Embedded(unpacked(&UNPACKED, PACKED));
        let mut geo = Geo::default();
        if let Ok(reader) = Reader::from_source(bytes) {
            let about = about(&reader, None, hex(&Sha256::digest(PACKED)));
            geo.databases.push(Database { about, reader });
        }
        geo
    }

    /// Adds a user's own file.
    ///
    /// # Errors
    /// When it cannot be read or is no MMDB file.
    pub fn add_file(&mut self, path: &Path) -> Result<(), GeoError> {
        let bytes =
            std::fs::read(path).map_err(|error| GeoError::Read { path: path.to_owned(), error })?;
        let sha256 = hex(&Sha256::digest(&bytes));
        let reader = Reader::from_source(Bytes::Owned(bytes))
            .map_err(|error| GeoError::Invalid { path: path.to_owned(), error })?;
        let about = about(&reader, path.file_name().map(|n| n.as_encoded_bytes()), sha256);
        self.databases.push(Database { about, reader });
        Ok(())
    }

    /// Whether no database is loaded.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.databases.is_empty()
    }

    /// What is loaded.
    pub fn about(&self) -> impl Iterator<Item = &About> {
        self.databases.iter().map(|database| &database.about)
    }

    /// What the databases say of `address`.
    #[must_use]
    pub fn place(&self, address: IpAddr) -> Place {
        let address = address.to_canonical();
        let mut place = Place::default();
        for Database { about, reader } in &self.databases {
            let found = reader.lookup(address).ok().and_then(|found| found.decode::<Value>().ok());
            let Some(Some(record)) = found else { continue };
            for (list, label) in [("country", ""), ("registry_country", ", registry list")] {
                let code = record[list]["iso_code"]
                    .as_str()
                    .or_else(|| record[list].as_str())
                    .or_else(|| record["country_code"].as_str().filter(|_| list == "country"))
                    .filter(|code| is_country(code));
                if let Some(country) = code {
                    let database = format!("{}{label}", about.name);
                    place.countries.push(Country { country: country.to_owned(), database });
                }
            }
            if let Some(asn) = network(&record, &about.name) {
                place.networks.push(asn);
            }
        }
        place
    }
}

fn about(reader: &Reader<Bytes>, file: Option<&[u8]>, sha256: String) -> About {
    let metadata = reader.metadata();
    let kind = safe(metadata.database_type.as_bytes());
    let seconds = i64::try_from(metadata.build_epoch).unwrap_or(0).min(i64::MAX / SECOND);
    About {
        name: file.map_or(kind.clone(), |file| format!("{kind} ({})", safe(file))),
        build: Timestamp(seconds * SECOND),
        sha256,
    }
}

/// The layouts of GeoLite2 and DB-IP (`autonomous_system_number`) and of IPinfo (`asn`: "AS123").
fn network(record: &Value, database: &str) -> Option<Asn> {
    let number = record["autonomous_system_number"].as_u64().or_else(|| {
        let text = record["asn"].as_str()?;
        text.trim_start_matches("AS").parse().ok()
    })?;
    let organisation = ["autonomous_system_organization", "as_name", "name"]
        .into_iter()
        .find_map(|key| record[key].as_str())
        .unwrap_or_default();
    Some(Asn { number, organisation: safe(organisation.as_bytes()), database: database.to_owned() })
}

fn is_country(code: &str) -> bool {
    code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_database_answers() {
        let geo = Geo::embedded();
        let about = geo.about().next().unwrap();
        assert!(about.name.starts_with("phonehome"), "{about:?}");
        assert!(about.build > Timestamp(1_750_000_000 * SECOND));
        // The RIPE NCC's own network, registered and located in the Netherlands.
        let place = geo.place("193.0.6.139".parse().unwrap());
        assert_eq!(place.country_codes(), ["NL"]);
        assert_eq!(place.networks[0].number, 3333);
        assert_eq!(geo.place("192.168.1.1".parse().unwrap()), Place::default());
        assert_eq!(geo.place("::ffff:193.0.6.139".parse().unwrap()), place);
    }

    #[test]
    fn old_databases_are_told() {
        let about = About { name: String::new(), build: Timestamp(0), sha256: String::new() };
        assert_eq!(about.too_old_for(Timestamp(91 * 86_400 * SECOND)), Some(91));
        assert_eq!(about.too_old_for(Timestamp(90 * 86_400 * SECOND)), None);
    }
}
