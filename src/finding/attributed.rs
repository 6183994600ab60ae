//! What checks share that go by whose a name or network is.

use super::words::{text, told};
use super::{Draft, Fact, View};
use crate::attribution::ledger::NameSource;
use crate::attribution::signature::Kind;
use crate::attribution::world::{Claim, Contact, Level};

/// A draft about traffic with what signatures list for one kind of service, with the claims, of
/// which there is at least one.
pub(super) fn attributed<'v>(
    view: &View<'v>,
    contact: &'v Contact,
    kind: Kind,
    not_shown: &'static [&'static str],
) -> Option<(Draft, Vec<&'v Claim>)> {
    let mut draft = Draft::new(Level::Inferred, not_shown);
    let mut said: Vec<&Claim> = Vec::new();
    for (row_index, row) in
        view.rows(contact).filter(|(_, row)| row.totals[0].packets > 0 && !row.is_icmp())
    {
        let claim = view.world.claims.of(row_index);
        let Some(claim) = claim.filter(|claim| claim.kind == kind) else { continue };
        draft.traffic.push((row_index, None));
        draft.level = draft.level.min(claim.level);
        // A DNS answer names the remote but is not traffic with it: it is in the facts.
        let own = row.name.filter(|n| matches!(n.source, NameSource::Sni | NameSource::Host));
        draft.cites.extend(own.map(|named| named.cite));
        draft.cites.extend(row.beginnings().next());
        if !said.iter().any(|other| other.pattern == claim.pattern) {
            said.push(claim);
        }
    }
    draft.facts.extend(said.iter().map(|claim| fact(claim)));
    if said.iter().any(|claim| matches!(claim.basis, "said" | "protocol")) {
        draft.not_excluded(text("shared.speaks_elsewhere"), text("shared.by_protocol"));
    } else if draft.level == Level::Inferred {
        draft.not_excluded(text("shared.address_also_serves"), text("shared.name_comes_dns"));
    }
    (!said.is_empty()).then_some((draft, said))
}

fn fact(claim: &Claim) -> Fact {
    let text = told!(
        "shared.matches_role_source",
        text = claim.matched.text,
        basis = claim.basis,
        pattern = claim.pattern,
        name = claim.name,
        role = claim.role,
        source = claim.source,
        confidence = claim.confidence.name(),
        checked = claim.checked
    );
    Fact::new(text, claim.frame)
}
