//! `cloud.vendor`: data goes to a cloud that a sourced signature attributes to a vendor.

use super::{About, Alternative, Check, Draft, Fact, Severity, View, spoken, spoken_device};
use crate::attribution::ledger::NameSource;
use crate::attribution::signature::Kind;
use crate::attribution::world::{Claim, Contact, Level, Zone};

/// See the module.
pub struct CloudVendor;

impl Check for CloudVendor {
    fn id(&self) -> &'static str {
        "cloud.vendor"
    }

    fn title(&self) -> &'static str {
        "Data went to a vendor's cloud"
    }

    fn version(&self) -> u32 {
        1
    }

    fn severity(&self) -> Severity {
        Severity::Info
    }

    fn about(&self) -> About {
        About {
            looks_for: "Traffic with a name or network that a sourced signature lists for a \
                vendor.",
            why: "It says which company's systems the data reaches, with the source of \
                that statement.",
            false_positives: "A name that changed hands; another name on the same address where the \
                name came from DNS alone.",
            verify: "Read the name in the deciding frame and the source given in the facts.",
        }
    }

    fn run(&self, view: &View<'_>, contact: &Contact) -> Option<Draft> {
        if contact.zone != Zone::Internet {
            return None;
        }
        let mut draft = Draft {
            level: Level::Inferred,
            facts: Vec::new(),
            may_say: String::new(),
            does_not_show: &[
                "what the encrypted content is",
                "what the data is used for, or who reads it at the other end",
                "that a company or a state has asked for or used it",
                "where the data is stored",
            ],
            alternatives: Vec::new(),
            cites: Vec::new(),
            traffic: Vec::new(),
        };
        let mut said: Vec<&Claim> = Vec::new();
        for (row_index, row) in
            view.rows(contact).filter(|(_, row)| row.totals[0].packets > 0 && !row.is_icmp())
        {
            let claim = view.world.claims.of(row_index);
            let Some(claim) = claim.filter(|claim| claim.kind == Kind::Vendor) else {
                continue;
            };
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
        let first = said.first()?;
        for claim in &said {
            draft.facts.push(fact(claim));
        }
        if draft.level == Level::Inferred {
            draft.alternatives.push(Alternative {
                text: "the address also serves other names, and this traffic was for one of them"
                    .into(),
                status: "not excluded",
                by: "the name comes from DNS, not from the traffic itself".into(),
            });
        }
        let mut roles: Vec<&str> = said.iter().map(|claim| claim.role.as_str()).collect();
        roles.sort_unstable();
        roles.dedup();
        let made_up = if first.fictional { " (made up)" } else { "" };
        draft.may_say = format!(
            "The device {} exchanged data with {}; signature \"{}\"{made_up} lists these \
             names or addresses for {}: {{bytes}}.",
            spoken_device(view.device(contact)),
            spoken(view, &draft),
            first.name,
            roles.join(", "),
        );
        Some(draft)
    }
}

fn fact(claim: &Claim) -> Fact {
    let text = format!(
        "{} ({}) matches {} of {}, role {}; source: {} ({}, read {})",
        claim.matched.text,
        claim.basis,
        claim.pattern,
        claim.name,
        claim.role,
        claim.source,
        claim.confidence.name(),
        claim.checked
    );
    Fact::new(text, claim.frame)
}
