//! What in a case names somebody, for redaction: the same that a check before publication lists.

use super::told::{Kind, Told};
use super::{Read, inputs, read, said};
use crate::attribution::Ledger;
use crate::attribution::ledger::{EVIDENCE_MAX, Mark};
use crate::base::address::{Mac, Scope, scope};
use crate::base::frame;
use crate::cli::Failure;
use crate::cli::work::Run;
use crate::redaction::Cited;
use crate::redaction::pseudonyms::Identifiers;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

/// Most names and addresses of a case that can be replaced.
const NAMES_MAX: usize = 16_384;

/// See the module.
pub struct Named {
    /// Names and addresses.
    pub identifiers: Identifiers,
    /// Frames with readable secrets, as findings speak of frames.
    pub secrets: Cited,
    /// Ends between which there were more secrets than were listed.
    pub silent: BTreeSet<(IpAddr, IpAddr)>,
}

/// Reads a case for them.
pub fn named(case: &Path, run: &Run) -> Result<Named, Failure> {
    let (files, form) = inputs(case)?;
    let Read { outcome, frames, mut told, .. } = read(case, &files, form, run)?;
    let ledger = &outcome.ledger;
    frames.tell(&BTreeSet::new(), &mut told);
    said::of(ledger, &mut told);
    let mut identifiers = identifiers(&told);
    identifiers.addresses.extend(inside(ledger));
    // As whom somebody logged in.
    let evidence = ledger.rows.iter().flat_map(|row| &row.evidence);
    let users = evidence.filter(|e| e.mark == Mark::Credential && !e.value.is_empty());
    identifiers.words.extend(users.map(|evidence| evidence.value.to_vec()));
    let Identifiers { macs, addresses, words, hosts } = &identifiers;
    let lost = frames.lost + told.lost + ledger.losses().total();
    if lost > 0 || macs.len() + addresses.len() + words.len() + hosts.len() > NAMES_MAX {
        Err(anyhow::anyhow!(
            "{}: has more names and addresses than can be kept apart",
            super::shown(case)
        ))?;
    }
    let (secrets, silent) = secrets(ledger);
    Ok(Named { identifiers, secrets, silent })
}

fn identifiers(told: &Told) -> Identifiers {
    let mut all = Identifiers::default();
    for (kind, value) in told.raw() {
        let text = || std::str::from_utf8(value).unwrap_or_default();
        match kind {
            Kind::UnitMac | Kind::NeighbourMac | Kind::Mac | Kind::Bssid => {
                match text().parse::<Mac>() {
                    Ok(mac) => drop(all.macs.insert(mac)),
                    Err(()) => drop(all.words.insert(value.to_vec())),
                }
            }
            Kind::PublicAddress => {
                let address = text().split('/').next().unwrap_or_default();
                all.addresses.extend(address.parse::<IpAddr>().ok());
            }
            Kind::HostName => {
                // Of a service, its own name: `Living room._airplay._tcp.local`.
                match value.windows(2).position(|pair| pair == b"._") {
                    Some(end) => drop(all.words.insert(value[..end].to_vec())),
                    None => drop(all.hosts.insert(value.to_vec())),
                }
            }
            Kind::Ssid | Kind::Serial | Kind::DeviceId | Kind::Account | Kind::Location => {
                all.words.insert(value.to_vec());
            }
            Kind::Credential
            | Kind::NamedText
            | Kind::SigningKey
            | Kind::CaseText
            | Kind::CaptureText => {}
        }
    }
    all
}

/// Addresses in the network under test.
fn inside(ledger: &Ledger) -> impl Iterator<Item = IpAddr> {
    let seen = ledger.hardware.values().flat_map(|hardware| hardware.addresses().map(|(a, _)| *a));
    let ends = ledger.rows.iter().flat_map(|row| [row.local.address, row.remote.address]);
    seen.chain(ends).filter(|&address| scope(address) == Scope::Inside)
}

/// Where readable secrets stand, and between whom there were more of them than are listed.
fn secrets(ledger: &Ledger) -> (Cited, BTreeSet<(IpAddr, IpAddr)>) {
    let (mut frames, mut silent) = (Cited::new(), BTreeSet::new());
    for row in &ledger.rows {
        let found = row.evidence.iter().filter(|evidence| evidence.mark == Mark::Credential);
        let mut count = 0;
        for evidence in found {
            count += 1;
            let number = evidence.cite.frame;
            frames.insert((frame::input(number) as u32, frame::within(number)));
        }
        if count > 0 && (count >= EVIDENCE_MAX || row.evidence_lost > 0) {
            silent.insert((row.local.address, row.remote.address));
        }
    }
    (frames, silent)
}
