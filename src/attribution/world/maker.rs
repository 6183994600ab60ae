//! Who made a device: what it says of itself, in DHCP and otherwise, who registered its hardware
//! address, and to whose services it speaks, with how sure that makes us. One that says two things is
//! not guessed at.

use super::{Contact, Destination, Device, IdentitySeen, Level, Maker, MakerEvidence, Zone};
use crate::attribution::signature::{Kind, Signature, Signatures};
use crate::base::text::safe;
use crate::protocol::IdentityKind;
use std::collections::BTreeMap;

/// Pieces of evidence kept of one device.
const EVIDENCE_MAX: usize = 8;

/// Two ways agree.
const HIGH: &str = "high";
/// The device says so in one way.
const MEDIUM: &str = "medium";
/// By the hardware address or its software alone, or something else speaks against it.
const LOW: &str = "low";

/// Makers by id, with what speaks for each.
type Votes<'a> = BTreeMap<&'a str, (&'a Signature, Vec<MakerEvidence>)>;

/// The maker, before anything is known of whom the device speaks to.
pub(super) fn maker(
    signatures: &Signatures,
    identities: &[IdentitySeen],
    oui: Option<&str>,
) -> Option<Maker> {
    let by_oui = oui.and_then(|oui| signatures.by_registrant(oui));
    let registered = oui.map(|oui| MakerEvidence {
        by: "oui",
        text: format!("hardware address registered to {}", safe(oui.as_bytes())),
        frame: 0,
    });
    let Said { votes, programs } = said_of(signatures, identities);
    let disagree = votes.len() > 1;
    let agreed = match votes.len() {
        0 => None,
        1 => votes.into_values().next(),
        // Of two that it names, the one that registered its address, else none.
        _ => by_oui.and_then(|oui| votes.get(oui.id.as_str()).cloned()),
    };
    let of = |signature: &Signature, by, confidence, evidence| Maker {
        vendor: Some(signature.id.clone()),
        name: signature.name.clone(),
        by,
        confidence,
        evidence,
    };
    if let Some((signature, mut evidence)) = agreed {
        let by = if evidence.iter().any(|one| one.by == "dhcp") { "dhcp" } else { "said" };
        let several = evidence.iter().any(|one| one.by != by);
        let confidence = match by_oui {
            _ if disagree => LOW,
            Some(other) if other.id == signature.id => HIGH,
            Some(_) => LOW,
            None if several => HIGH,
            None => MEDIUM,
        };
        evidence.truncate(EVIDENCE_MAX - 1);
        evidence.extend(registered);
        return Some(of(signature, by, confidence, evidence));
    }
    let mut evidence: Vec<MakerEvidence> = registered.into_iter().collect();
    // Programs go round: they second the hardware address, and name a maker only where nothing else does.
    if let Some(signature) = by_oui {
        let seconds = programs.get(signature.id.as_str()).filter(|_| !disagree);
        let confidence = if seconds.is_some() { MEDIUM } else { LOW };
        evidence.extend(seconds.into_iter().flat_map(|(_, more)| more.iter().cloned()));
        evidence.truncate(EVIDENCE_MAX);
        return Some(of(signature, "oui", confidence, evidence));
    }
    if oui.is_none() && !disagree && programs.len() == 1 {
        let (signature, mut evidence) = programs.into_values().next()?;
        evidence.truncate(EVIDENCE_MAX);
        return Some(of(signature, "software", LOW, evidence));
    }
    let name = safe(oui?.as_bytes());
    Some(Maker { vendor: None, name, by: "oui", confidence: LOW, evidence })
}

/// What a device says that names makers.
#[derive(Default)]
struct Said<'a> {
    votes: Votes<'a>,
    /// What only its programs tell.
    programs: Votes<'a>,
}

fn said_of<'a>(signatures: &'a Signatures, identities: &[IdentitySeen]) -> Said<'a> {
    let mut all = Said::default();
    let add = |votes: &mut Votes<'a>, signature: &'a Signature, by, said: &IdentitySeen| {
        let text = format!("{}: {}", said.fact, said.value.text);
        let (_, evidence) = votes.entry(&signature.id).or_insert((signature, Vec::new()));
        evidence.push(MakerEvidence { by, text, frame: said.frame });
    };
    let in_dhcp = |kind: IdentityKind| {
        let fits =
            |said: &&IdentitySeen| said.kind == kind.name() && said.fact.starts_with("dhcp.");
        identities.iter().find(fits)
    };
    let [name, class] = [IdentityKind::HostName, IdentityKind::VendorClass].map(in_dhcp);
    let text = |said: Option<&'_ IdentitySeen>| said.map(|said| said.value.text.clone());
    if let Some(signature) = signatures.by_dhcp(text(name).as_deref(), text(class).as_deref())
        && let Some(said) = name.or(class)
    {
        add(&mut all.votes, signature, "dhcp", said);
    }
    for said in identities {
        match signatures.by_said(said.fact, &said.value.text) {
            Some((signature, fact)) if fact.is_of_programs() => {
                add(&mut all.programs, signature, "software", said);
            }
            Some((signature, _)) => add(&mut all.votes, signature, "said", said),
            None => {}
        }
    }
    all
}

/// Services of the maker that a device speaks to are evidence too; they never name one, for telephones
/// speak to everybody's.
pub(super) fn confirm(devices: &mut [Device], destinations: &[Destination], contacts: &[Contact]) {
    for contact in contacts.iter().filter(|contact| contact.zone == Zone::Internet) {
        let Some(maker) = &mut devices[contact.device_index].maker else { continue };
        if maker.evidence.iter().any(|one| one.by == "destination") {
            continue;
        }
        let own = destinations[contact.destination_index].claims.iter().find(|claim| {
            claim.kind == Kind::Vendor
                && claim.level < Level::Inferred
                && maker.vendor.as_deref() == Some(&claim.signature)
        });
        if let Some(claim) = own {
            let text = format!("speaks to {} (role {})", claim.matched.text, claim.role);
            maker.evidence.push(MakerEvidence { by: "destination", text, frame: claim.frame });
            maker.confidence = if maker.confidence == LOW { MEDIUM } else { HIGH };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn signatures() -> Signatures {
        let file = |id: &str| {
            let about = "source = \"s\"\nconfidence = \"observed\"\nchecked = \"2026-11-29\"\n";
            format!(
                "schema = 1\nid = \"{id}\"\nname = \"{id}\"\nkind = \"vendor\"\n\
                 [[oui]]\nregistrant = \"{id} works\"\n{about}\
                 [[dhcp]]\nhostname = \"{id}-*\"\n{about}\
                 [[said]]\nfact = \"mdns.model\"\nvalue = \"{id} *\"\nexample = \"{id} 1\"\n\
                 near_miss = \"{id}\"\n{about}\
                 [[said]]\nfact = \"tls.ja4\"\nvalue = \"t12{id}*\"\nexample = \"t12{id}_a_b\"\n\
                 near_miss = \"t13{id}_a_b\"\n{about}"
            )
        };
        let mut all = Signatures::default();
        for id in ["exempla", "sampla"] {
            all.add_text(Path::new(&format!("{id}.toml")), &file(id)).unwrap();
        }
        all
    }

    fn said(kind: IdentityKind, fact: &'static str, value: &str) -> IdentitySeen {
        IdentitySeen { kind: kind.name(), fact, value: value.as_bytes().into(), frame: 5 }
    }

    #[test]
    fn a_maker_is_as_sure_as_what_speaks_for_it() {
        let host = |value| said(IdentityKind::HostName, "dhcp.host_name", value);
        let model = |value| said(IdentityKind::Model, "mdns.model", value);
        let ja4 = |id| said(IdentityKind::Software, "tls.ja4", &format!("t12{id}_x_y"));
        for (identities, oui, expected) in [
            (vec![], None, None),
            (vec![], Some("Other Ltd."), Some((None, "oui", LOW, 1))),
            (vec![], Some("Exempla Works Ltd."), Some((Some("exempla"), "oui", LOW, 1))),
            (vec![model("Exempla 3")], None, Some((Some("exempla"), "said", MEDIUM, 1))),
            (vec![host("exempla-1")], None, Some((Some("exempla"), "dhcp", MEDIUM, 1))),
            (
                vec![host("exempla-1"), model("Exempla 3")],
                None,
                Some((Some("exempla"), "dhcp", HIGH, 2)),
            ),
            (
                vec![model("Exempla 3")],
                Some("exempla works"),
                Some((Some("exempla"), "said", HIGH, 2)),
            ),
            (
                vec![model("Exempla 3")],
                Some("Sampla Works"),
                Some((Some("exempla"), "said", LOW, 2)),
            ),
            // It names two makers: neither, unless one registered its address.
            (vec![model("Exempla 3"), model("Sampla 1")], None, None),
            (
                vec![model("Exempla 3"), model("Sampla 1")],
                Some("Sampla Works"),
                Some((Some("sampla"), "said", LOW, 2)),
            ),
            (
                vec![model("Exempla 3"), model("Sampla 1")],
                Some("Other Ltd."),
                Some((None, "oui", LOW, 1)),
            ),
            (vec![model("Exemplary")], None, None),
            // Its programs alone tell little, and contradict nobody.
            (vec![ja4("exempla")], None, Some((Some("exempla"), "software", LOW, 1))),
            (vec![ja4("exempla"), ja4("sampla")], None, None),
            (
                vec![ja4("exempla")],
                Some("Exempla Works"),
                Some((Some("exempla"), "oui", MEDIUM, 2)),
            ),
            (vec![ja4("exempla")], Some("Sampla Works"), Some((Some("sampla"), "oui", LOW, 1))),
            (vec![ja4("exempla")], Some("Other Ltd."), Some((None, "oui", LOW, 1))),
            (
                vec![ja4("exempla"), model("Sampla 1")],
                None,
                Some((Some("sampla"), "said", MEDIUM, 1)),
            ),
        ] {
            let signatures = signatures();
            let found = maker(&signatures, &identities, oui);
            let found = found.as_ref().map(|maker| {
                let Maker { vendor, by, confidence, evidence, .. } = maker;
                (vendor.as_deref(), *by, *confidence, evidence.len())
            });
            assert_eq!(found, expected, "{identities:?} {oui:?}");
        }
    }
}
