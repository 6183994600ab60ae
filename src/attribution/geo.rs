//! Where an address is and whose network it is, as databases see it. Every answer names its
//! database; two that disagree both stand. No database is right alone, so the embedded one holds
//! two opinions on the country.

use super::database;
use crate::base::table::Map;
use crate::base::text::{hex, safe};
use crate::base::time::{SECOND, Timestamp};
use maxminddb::{LookupResult, PathElement, Reader};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// What opinions from its first and from its second list are headed with.
    titles: [Arc<str>; 2],
    reader: Reader<Bytes>,
}

impl Database {
    fn new(reader: Reader<Bytes>, file: Option<&[u8]>, sha256: String) -> Database {
        let about = about(&reader, file, sha256);
        let titles = LISTS.map(|(_, label)| format!("{}{label}", about.name).into());
        Database { about, titles, reader }
    }
}

/// The lists of countries that a database may hold: key, and what is added to its name.
const LISTS: [(&str, &str); 2] = [("country", ""), ("registry_country", ", registry list")];

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

/// A country: ISO 3166-1 alpha-2, two capitals.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountryCode([u8; 2]);

impl CountryCode {
    /// Nothing but two capitals is a code.
    #[must_use]
    pub fn new(text: &str) -> Option<CountryCode> {
        let code: [u8; 2] = text.as_bytes().try_into().ok()?;
        code.iter().all(u8::is_ascii_uppercase).then_some(CountryCode(code))
    }

    /// The two letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl fmt::Debug for CountryCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.as_str())
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.as_str())
    }
}

impl Serialize for CountryCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// One database's opinion on a country.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Country {
    /// The country.
    pub country: CountryCode,
    /// Which database, and which of its lists.
    pub database: Arc<str>,
}

/// One database's word on the network of an address.
#[derive(Debug, Clone, Serialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asn {
    /// Autonomous system number.
    pub number: u64,
    /// Its holder as registered.
    pub organisation: String,
    /// Which database.
    pub database: Arc<str>,
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
    pub fn country_codes(&self) -> Vec<CountryCode> {
        let mut codes = Vec::new();
        for opinion in &self.countries {
            if !codes.contains(&opinion.country) {
                codes.push(opinion.country);
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
        let bytes = Bytes::Embedded(database::GEO);
        let mut geo = Geo::default();
        if let Ok(reader) = Reader::from_source(bytes) {
            let sha256 = database::GEO_SHA256.to_owned();
            geo.databases.push(Database::new(reader, None, sha256));
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
        let name = path.file_name().map(|name| name.as_encoded_bytes());
        self.databases.push(Database::new(reader, name, sha256));
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
        self.place_among(address, &mut Records::default())
    }

    /// The same, of one address of many.
    #[must_use]
    pub fn place_among(&self, address: IpAddr, records: &mut Records) -> Place {
        let address = address.to_canonical();
        let mut place = Place::default();
        for (at, database) in self.databases.iter().enumerate() {
            let Ok(record) = database.reader.lookup(address) else { continue };
            let Some(offset) = record.offset() else { continue };
            let read = || database.read(&record);
            let said = records.0.entry((at, offset)).or_insert_with(read);
            place.countries.extend_from_slice(&said.countries);
            place.networks.extend_from_slice(&said.networks);
        }
        place
    }
}

/// What records of the databases say, each read once: many addresses have the same.
#[derive(Default)]
pub struct Records(Map<(usize, usize), Place>);

impl Database {
    fn read(&self, record: &Record<'_>) -> Place {
        let Database { titles, .. } = self;
        let mut place = Place::default();
        for ((list, _), title) in LISTS.into_iter().zip(titles) {
            let code = text(record, [list, "iso_code"])
                .or_else(|| text(record, [list]))
                .or_else(|| text(record, ["country_code"]).filter(|_| list == "country"));
            if let Some(country) = code.and_then(CountryCode::new) {
                place.countries.push(Country { country, database: title.clone() });
            }
        }
        place.networks.extend(network(record, &titles[0]));
        place
    }
}

type Record<'a> = LookupResult<'a, Bytes>;

/// One value of a record, where it is there and of the right type: the keys of other values are
/// only passed over, which is much cheaper than to decode them all.
fn value<'a, T: Deserialize<'a>, const DEPTH: usize>(
    record: &Record<'a>,
    path: [&str; DEPTH],
) -> Option<T> {
    record.decode_path(&path.map(PathElement::Key)).ok().flatten()
}

fn text<'a, const DEPTH: usize>(record: &Record<'a>, path: [&str; DEPTH]) -> Option<&'a str> {
    value(record, path)
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
fn network(record: &Record<'_>, database: &Arc<str>) -> Option<Asn> {
    // Asked for as a signed number, the reader takes an integer of any width.
    let number = value::<i64, 1>(record, ["autonomous_system_number"])
        .and_then(|number| u64::try_from(number).ok())
        .or_else(|| text(record, ["asn"])?.trim_start_matches("AS").parse().ok())?;
    let organisation = ["autonomous_system_organization", "as_name", "name"]
        .into_iter()
        .find_map(|key| text(record, [key]))
        .unwrap_or_default();
    Some(Asn { number, organisation: safe(organisation.as_bytes()), database: database.clone() })
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
        assert_eq!(place.country_codes(), [CountryCode::new("NL").unwrap()]);
        assert_eq!(place.networks[0].number, 3333);
        assert_eq!(geo.place("192.168.1.1".parse().unwrap()), Place::default());
        assert_eq!(geo.place("::ffff:193.0.6.139".parse().unwrap()), place);
    }

    #[test]
    fn a_country_is_two_capitals() {
        assert_eq!(CountryCode::new("NL").unwrap().as_str(), "NL");
        for text in ["", "N", "nl", "NLD", "N1", "é"] {
            assert_eq!(CountryCode::new(text), None, "{text}");
        }
    }

    #[test]
    fn old_databases_are_told() {
        let about = About { name: String::new(), build: Timestamp(0), sha256: String::new() };
        assert_eq!(about.too_old_for(Timestamp(91 * 86_400 * SECOND)), Some(91));
        assert_eq!(about.too_old_for(Timestamp(90 * 86_400 * SECOND)), None);
    }
}
