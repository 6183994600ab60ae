//! What names addresses have, and who learnt it when: answers to the device itself, answers to
//! others, and names the capture file declares.

use super::ledger::{Endpoint, GLANCES_MAX};
use crate::base::address::{Mac, hash_words};
use crate::base::table::{BuildHasher, Map};
use crate::flow::Cite;
use hashbrown::HashTable;
use std::hash::{BuildHasher as _, Hash, Hasher};
use std::net::IpAddr;

/// Most different names kept.
pub const NAMES_MAX: usize = 4_000_000;
/// Most (client, address) pairs whose answers are kept.
pub const ANSWERS_MAX: usize = 4_000_000;
/// Most names kept for one client and address.
const NAMES_PER_ADDRESS_MAX: usize = 16;

/// A name that is kept once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NameId(u32);

impl NameId {
    /// Its number: names are numbered as they come.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0
    }
}

/// All names, each kept once, as bytes from the wire in lower case.
#[derive(Default, Clone)]
pub struct Names {
    ids: HashTable<NameId>,
    names: Vec<Box<[u8]>>,
    hasher: BuildHasher,
    /// A name in lower case.
    lower: Vec<u8>,
    /// The name that was asked for last.
    latest: Option<NameId>,
    /// Names not kept because the table was full.
    pub lost: u64,
}

impl Names {
    /// The id of a name; `None` when the table is full.
    pub fn intern(&mut self, name: &[u8]) -> Option<NameId> {
        // Answers of one message have one name.
        if let Some(latest) = self.latest
            && !name.ends_with(b".")
            && *self.names[latest.0 as usize] == *name
        {
            return Some(latest);
        }
        let rooted = name.strip_suffix(b".").filter(|name| !name.is_empty());
        self.lower.clear();
        self.lower.extend_from_slice(rooted.unwrap_or(name));
        self.lower.make_ascii_lowercase();
        let Names { ids, names, hasher, lower, latest, .. } = self;
        let hash = hasher.hash_one(&lower[..]);
        if let Some(&id) = ids.find(hash, |id| *names[id.0 as usize] == lower[..]) {
            *latest = Some(id);
            return Some(id);
        }
        if names.len() >= NAMES_MAX {
            self.lost += 1;
            return None;
        }
        let id = NameId(names.len() as u32);
        *latest = Some(id);
        names.push(lower[..].into());
        ids.insert_unique(hash, id, |id| hasher.hash_one(&names[id.0 as usize][..]));
        Some(id)
    }

    /// The bytes of a name.
    #[must_use]
    pub fn get(&self, id: NameId) -> &[u8] {
        &self.names[id.0 as usize]
    }
}

/// One DNS answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answered {
    /// The name that was asked for.
    pub name: NameId,
    /// The frame of the answer.
    pub cite: Cite,
    /// Other names were answered with the same address too, so the name of one flow is a guess.
    pub several: bool,
    /// The device itself received the answer, not another one.
    pub own: bool,
}

/// Names of one address, each with the frame of its latest answer.
#[derive(Clone)]
struct Known {
    latest: (NameId, Cite),
    /// Latest last. Few addresses have any.
    earlier: Option<Box<Earlier>>,
}

#[derive(Default, Clone)]
struct Earlier(Vec<(NameId, Cite)>);

impl Known {
    /// Whether the latest answer had another name.
    fn learn(&mut self, name: NameId, cite: Cite) -> bool {
        let is_other = self.latest.0 != name;
        if is_other {
            let Earlier(earlier) = &mut **self.earlier.get_or_insert_default();
            earlier.retain(|&(known, _)| known != name);
            if earlier.len() == NAMES_PER_ADDRESS_MAX - 1 {
                earlier.remove(0);
            }
            earlier.push(self.latest);
        }
        self.latest = (name, cite);
        is_other
    }

    /// Whether it has more than one name.
    fn is_several(&self) -> bool {
        self.earlier.is_some()
    }

    fn has(&self, name: NameId) -> bool {
        self.cite(name).is_some()
    }

    /// The latest answer with a name.
    fn cite(&self, name: NameId) -> Option<Cite> {
        let all = self.earlier.iter().flat_map(|earlier| &earlier.0).chain([&self.latest]);
        all.rev().find(|&&(known, _)| known == name).map(|&(_, cite)| cite)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Client {
    Address(IpAddr),
    Hardware(Mac),
}

impl Hash for Client {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        match *self {
            Client::Address(address) => hash_words(address, state),
            Client::Hardware(mac) => mac.hash(state),
        }
    }
}

/// An address that names are at.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Host(IpAddr);

impl Hash for Host {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash_words(self.0, state);
    }
}

/// A client's address and hardware address, and the numbers of both.
#[derive(Clone, Copy)]
struct Numbered {
    client: (IpAddr, Option<Mac>),
    numbers: (u32, Option<u32>),
}

/// The numbers of a client and of an address.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Pair {
    client: u32,
    host: u32,
}

impl Hash for Pair {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(u64::from(self.client) << 32 | u64::from(self.host));
    }
}

/// All DNS answers, by who received them. Clients and addresses have numbers, so that the table of
/// all pairs stays small: it is asked for each flow and each answer.
#[derive(Default, Clone)]
pub struct Answers {
    clients: Map<Client, u32>,
    addresses: Map<Host, u32>,
    /// By the number of an address: what anyone was told.
    anyone: Vec<Known>,
    /// By the numbers of a client and of an address: position of what the client was told.
    pairs: Map<Pair, u32>,
    own: Vec<Known>,
    /// Who learnt something last, with the numbers of its address and its hardware address: one message
    /// has several answers.
    latest: Option<Numbered>,
    /// Answers not kept because the table was full.
    pub lost: u64,
}

impl Answers {
    /// Whether nothing was learnt yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.anyone.is_empty()
    }

    /// Notes that a client was told that `name` is at `address`; whether that may be news to all.
    pub fn learn(
        &mut self,
        client: IpAddr,
        hardware: Option<Mac>,
        address: IpAddr,
        name: NameId,
        cite: Cite,
    ) -> bool {
        if self.own.len() + self.anyone.len() >= ANSWERS_MAX {
            self.lost += 1;
            return true;
        }
        let host = number(&mut self.addresses, Host(address));
        let is_news = learn(&mut self.anyone, host, name, cite);
        let (by_address, by_hardware) = self.numbers_of(client, hardware);
        self.learn_of(by_address, host, name, cite);
        if let Some(by_hardware) = by_hardware {
            self.learn_of(by_hardware, host, name, cite);
        }
        is_news
    }

    /// The numbers of a client's addresses.
    fn numbers_of(&mut self, client: IpAddr, hardware: Option<Mac>) -> (u32, Option<u32>) {
        if let Some(Numbered { client: latest, numbers }) = self.latest
            && latest == (client, hardware)
        {
            return numbers;
        }
        let mut of = |client| number(&mut self.clients, client);
        let numbers = (of(Client::Address(client)), hardware.map(Client::Hardware).map(of));
        self.latest = Some(Numbered { client: (client, hardware), numbers });
        numbers
    }

    fn learn_of(&mut self, client: u32, host: u32, name: NameId, cite: Cite) {
        let place = number(&mut self.pairs, Pair { client, host });
        learn(&mut self.own, place, name, cite);
    }

    /// Reads a little of what [`Answers::learn`] and [`Answers::find`] will need of clients and
    /// addresses, in short steps; the sum means nothing.
    #[must_use]
    pub fn glance(&self, about: impl Iterator<Item = (Endpoint, IpAddr)>) -> u64 {
        const NONE: Pair = Pair { client: u32::MAX, host: u32::MAX };
        let mut pairs = [[NONE; 2]; GLANCES_MAX];
        let mut count = 0;
        let known = about.filter_map(|(end, address)| {
            let host = *self.addresses.get(&Host(address))?;
            Some((end, host))
        });
        for (pair, (end, host)) in pairs.iter_mut().zip(known) {
            let of = |client| {
                let client = self.clients.get(&client).copied();
                Pair { client: client.unwrap_or(u32::MAX), host }
            };
            pair[0] = of(Client::Address(end.address));
            if let Some(mac) = end.mac {
                pair[1] = of(Client::Hardware(mac));
            }
            count += 1;
        }
        let mut places = [[u32::MAX; 2]; GLANCES_MAX];
        for (place, pair) in places.iter_mut().zip(&pairs[..count]) {
            *place = pair.each_ref().map(|pair| self.pairs.get(pair).copied().unwrap_or(u32::MAX));
        }
        let mut sum = 0;
        for (place, pair) in places[..count].iter().zip(&pairs) {
            let own = place.iter().filter_map(|&place| self.own.get(place as usize));
            let all = own.chain(self.anyone.get(pair[0].host as usize));
            sum ^= all.fold(0, |sum, known| sum ^ known.latest.1.frame);
        }
        sum
    }

    /// The latest answer for `address`: one the client received itself (over IPv4 or IPv6, which
    /// a hardware address ties together), else one that anyone received.
    #[must_use]
    pub fn find(&self, client: IpAddr, hardware: Option<Mac>, address: IpAddr) -> Option<Answered> {
        let own = self.own(client, hardware, address);
        let known =
            own.or_else(|| self.anyone.get(*self.addresses.get(&Host(address))? as usize))?;
        let (name, cite) = known.latest;
        let several = known.is_several();
        Some(Answered { name, cite, several, own: own.is_some() })
    }

    /// Whether the client was itself told that `name` is at `address`; `None` where it was told
    /// nothing about the address.
    #[must_use]
    pub fn agrees(
        &self,
        client: IpAddr,
        hardware: Option<Mac>,
        address: IpAddr,
        name: NameId,
    ) -> Option<bool> {
        let known = self.own(client, hardware, address)?;
        Some(known.has(name))
    }

    /// The answer with which the client was itself told that `name` is at `address`.
    #[must_use]
    pub fn told(
        &self,
        client: IpAddr,
        hardware: Option<Mac>,
        address: IpAddr,
        name: NameId,
    ) -> Option<Answered> {
        let known = self.own(client, hardware, address)?;
        let several = known.is_several();
        known.cite(name).map(|cite| Answered { name, cite, several, own: true })
    }

    fn own(&self, client: IpAddr, hardware: Option<Mac>, address: IpAddr) -> Option<&Known> {
        let host = *self.addresses.get(&Host(address))?;
        let told = |client: Client| {
            let client = *self.clients.get(&client)?;
            self.own.get(*self.pairs.get(&Pair { client, host })? as usize)
        };
        told(Client::Address(client)).or_else(|| told(Client::Hardware(hardware?)))
    }
}

/// The number of a key, which is the next one for a new key.
fn number<K: Eq + Hash>(numbers: &mut Map<K, u32>, key: K) -> u32 {
    let next = numbers.len() as u32;
    *numbers.entry(key).or_insert(next)
}

/// Notes an answer at a place, which may be the one behind the last; whether the latest one there
/// had another name.
fn learn(all: &mut Vec<Known>, place: u32, name: NameId, cite: Cite) -> bool {
    match all.get_mut(place as usize) {
        Some(known) => known.learn(name, cite),
        None => {
            all.push(Known { latest: (name, cite), earlier: None });
            true
        }
    }
}

/// The registrable domain of a host name by the public suffix list, its private section
/// included: `camera.example.co.uk` gives `example.co.uk`. `None` for names that are a public
/// suffix or no host name at all.
#[must_use]
pub fn registrable(name: &[u8]) -> Option<&str> {
    let name = name.strip_prefix(b"*.").unwrap_or(name);
    let host = std::str::from_utf8(name).ok().or_else(|| text_at_end(name))?;
    if host.parse::<IpAddr>().is_ok() || !host.contains('.') {
        return None;
    }
    psl::domain_str(host)
}

/// The labels behind those that are no text: tunnels put any bytes into a name.
fn text_at_end(name: &[u8]) -> Option<&str> {
    let last = name.iter().rposition(|byte| !byte.is_ascii())?;
    let dot = name[last..].iter().position(|&byte| byte == b'.')?;
    std::str::from_utf8(&name[last + dot + 1..]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(frame: u64) -> Cite {
        Cite { frame, ..Cite::default() }
    }

    #[test]
    fn own_answers_come_before_those_of_others() {
        let (mut names, mut answers) = (Names::default(), Answers::default());
        let [camera, phone, remote] =
            ["10.0.0.1", "10.0.0.2", "192.0.2.1"].map(|a| a.parse::<IpAddr>().unwrap());
        let a = names.intern(b"A.example.").unwrap();
        let b = names.intern(b"b.example").unwrap();
        assert_eq!(names.get(a), b"a.example");
        answers.learn(camera, None, remote, a, at(5));
        answers.learn(phone, None, remote, b, at(9));
        let found = answers.find(camera, None, remote).unwrap();
        assert_eq!(found, Answered { name: a, cite: at(5), several: false, own: true });
        let stranger = answers.find("10.0.0.3".parse().unwrap(), None, remote).unwrap();
        assert_eq!(stranger, Answered { name: b, cite: at(9), several: true, own: false });
        assert_eq!(answers.agrees(camera, None, remote, b), Some(false));
    }

    #[test]
    fn registrable_domains() {
        assert_eq!(registrable(b"a.b.example.co.uk"), Some("example.co.uk"));
        assert_eq!(registrable(b"*.example.com"), Some("example.com"));
        assert_eq!(registrable(b"bucket.s3.amazonaws.com"), Some("bucket.s3.amazonaws.com"));
        assert_eq!(registrable(b"192.0.2.1"), None);
        assert_eq!(registrable(b"localhost"), None);
        assert_eq!(registrable(b"0a\xff\xfe.\xe9b.t.example.com"), Some("example.com"));
        assert_eq!(registrable(b"\xff.com"), None);
        assert_eq!(registrable(b"\xff"), None);
    }
}
