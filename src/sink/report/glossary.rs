//! How the statements of the page are known, and its words.

use super::finding::level;
use crate::attribution::world::Level;
use crate::sink::messages::{msg, say, text};
use crate::snapshot::Snapshot;
use maud::{Markup, html};

pub fn how_we_know(snapshot: &Snapshot) -> Markup {
    html! {
        section id="how" {
            h2 { (text("how.how_we_know")) }
            h3 { (text("how.where_three_questions_three_answers")) }
            p { (text("how.they_are_kept_apart_because")) }
            ul {
                li { (say("how.database_estimates_says_where_machine", &[("question", html! { strong { (text("how.where_question")) } " " }), ("name", html! { code { (text("how.phonehome_geo")) } }), ("list", html! { i { (text("how.registry_list")) } })])) }
                li { (say("how.holder_network_autonomous_system_as", &[("question", html! { strong { (text("how.network_question")) } " " })])) }
                li { (say("how.only_sourced_signature_answers_company", &[("question", html! { strong { (text("how.operator_question")) } " " }), ("term", html! { i { (text("how.operator_not_established")) } })])) }
            }
            p {
                @let none = snapshot.destinations.iter().flat_map(|d| &d.remotes).all(|r| r.excluded.is_empty());
                (say("how.country_excluded_where", &[("excluded", html! { i { (text("how.excluded")) } }), ("none", html! { @if none { (text("how.this_run_excluded_nothing_or")) } })]))
            }
            h3 { (text("how.how_sure_level_statement")) }
            dl.facts {
                @for each in [Level::Shown, Level::Attributed, Level::Inferred] {
                    dt { (each.name()) }
                    dd { (level(each)) }
                }
            }
            p { (say("how.statement_never_surer_than_name", &[("level", html! { i { (text("how.inferred")) } })])) }
            h3 { (text("how.how_much_payload")) }
            p { (say("how.are_seen_from_device_they", &[("sent", html! { i { (text("how.sent")) } }), ("received", html! { i { (text("how.received")) } })])) }
        }
    }
}

/// Words with what they mean, as messages.
const WORDS: &[(&str, &str)] = &[
    (msg!("words.frame"), msg!("words.frame_means")),
    (msg!("words.sni"), msg!("words.sni_means")),
    (msg!("words.host"), msg!("words.host_means")),
    (msg!("words.dns"), msg!("words.dns_means")),
    (msg!("words.cert"), msg!("words.cert_means")),
    (msg!("words.dns_other"), msg!("words.dns_other_means")),
    (msg!("words.file"), msg!("words.file_means")),
    (msg!("words.encrypted"), msg!("words.encrypted_means")),
    (msg!("words.in_clear"), msg!("words.in_clear_means")),
    (msg!("words.open_by_design"), msg!("words.open_by_design_means")),
    (msg!("words.by_port_alone"), msg!("words.by_port_alone_means")),
    (msg!("words.internet"), msg!("words.internet_means")),
    (msg!("words.gateway"), msg!("words.gateway_means")),
    (msg!("words.country_codes"), msg!("words.country_codes_means")),
    (msg!("words.registered_to"), msg!("words.registered_to_means")),
    (msg!("words.broadcast_multicast"), msg!("words.broadcast_multicast_means")),
    (msg!("words.made_up"), msg!("words.made_up_means")),
    (msg!("words.json"), msg!("words.json_means")),
    (msg!("words.sha_256"), msg!("words.sha_256_means")),
];

pub fn glossary() -> Markup {
    html! {
        section id="glossary" {
            h2 { (text("how.words")) }
            dl.facts {
                @for (word, meaning) in WORDS {
                    dt { (text(word)) }
                    dd { (text(meaning)) }
                }
            }
        }
    }
}
