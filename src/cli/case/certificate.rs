//! The text of a certificate for a person to complete: what a case holds is filled in, what only a
//! person can know is left blank.

use super::{check_is_case, say, shown};
use crate::base::text::{hex, safe};
use crate::case::journal::{Book, Event, walk};
use crate::case::verify::{Trust, Verdict, verify_with};
use crate::case::{layout, seal, tree};
use crate::cli::Failure;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

const TEXT: &str = include_str!("certificate.txt");

pub(super) fn run(case: &Path, authorities: &[PathBuf]) -> Result<u8, Failure> {
    check_is_case(case)?;
    if !layout::is_sealed(case) {
        Err(anyhow::anyhow!(
            "{}: is not sealed; a certificate is about a sealed case",
            shown(case)
        ))?;
    }
    let report = verify_with(case, Trust { authorities, ..Trust::default() });
    if !report.holds {
        let error = anyhow::anyhow!("{}: does not hold: see phonehome case verify", shown(case));
        return Err(Failure { error, code: 5 });
    }
    let told = told(case)?;
    let path = case.join(seal::TAG_MANIFEST);
    let tags = tree::text(&path, 64 * 1024)
        .map_err(|error| anyhow::anyhow!("{}: {error}", shown(&path)))?;
    let detail = |id: &str| {
        let promise = report.promises.iter().find(|promise| promise.id == id);
        promise.map(|promise| promise.details.join("; ")).unwrap_or_default()
    };
    let signed = detail("signature");
    let signed = signed.strip_prefix("phonehome case sealed ").unwrap_or(&signed);
    let promises = report.promises.iter().map(|promise| {
        let verdict = match promise.verdict {
            Verdict::Holds => "holds",
            Verdict::Broken => "broken",
            Verdict::NotMade => "not made",
        };
        format!("   - {}: {verdict}", promise.promise)
    });
    let times = report.promises.iter().any(|p| p.id == "time" && p.verdict != Verdict::Broken);
    let stamped = times && detail("time").contains(".tsr");
    let values = [
        ("{case}", shown(case)),
        ("{tags}", hex(&Sha256::digest(tags.as_bytes()))),
        ("{signed}", signed.split(',').next().unwrap_or_default().to_owned()),
        ("{key}", report.signed_by.clone().unwrap_or_default()),
        ("{process}", told.process),
        ("{tool}", told.tool),
        ("{captures}", told.captures.join("\n")),
        ("{promises}", promises.collect::<Vec<_>>().join("\n")),
        ("{lost}", told.lost),
        ("{stamps}", if stamped { format!("; {}", detail("time")) } else { String::new() }),
    ];
    say(filled(&values).trim_end())?;
    Ok(0)
}

/// Puts each value in once; what a value holds is never taken for a place.
fn filled(values: &[(&str, String)]) -> String {
    let mut text = String::new();
    let mut rest = TEXT;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        text += before;
        let end = from.find('}').map_or(from.len(), |end| end + 1);
        let (place, behind) = from.split_at(end);
        let value = values.iter().find(|(name, _)| *name == place);
        text += value.map_or(place, |(_, value)| value);
        rest = behind;
    }
    text + rest
}

/// What the journal says of how the captures came about.
struct Told {
    process: String,
    tool: String,
    captures: Vec<String>,
    lost: String,
}

fn told(case: &Path) -> Result<Told, Failure> {
    let mut told = Told {
        process: String::new(),
        tool: String::new(),
        captures: Vec::new(),
        lost: "not known".to_owned(),
    };
    let mut open = String::new();
    walk(&layout::journal(&layout::parts(case)), Book::Recording, &mut |entry| match entry.event {
        Event::Begin { tool, host, system, interfaces, .. } => {
            let from = match interfaces.is_empty() {
                true => "Captures made elsewhere were received".to_owned(),
                false => format!("Traffic was recorded from {}", interfaces.join(", ")),
            };
            let process =
                format!("{from} on the machine \"{host}\" ({system}) from {}.", entry.clocks.wall);
            told.process = safe(process.as_bytes());
            told.tool = safe(tool.as_bytes());
        }
        Event::Checkpoint { sha256, drops, .. } => {
            open = sha256;
            let sum = drops.kernel.saturating_add(drops.interface).saturating_add(drops.own);
            told.lost = sum.to_string();
        }
        Event::Imported { name, sha256, .. } => {
            open = format!("{sha256} (received as {name})");
        }
        Event::Sealed { segment } => {
            let line = format!("{segment}  {open}");
            told.captures.push(format!("     {}", safe(line.as_bytes())));
        }
        _ => {}
    })
    .map_err(|error| Failure { error: error.into(), code: 4 })?;
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_is_filled_and_a_value_is_no_place() {
        let names = [
            "case", "tags", "signed", "key", "process", "tool", "captures", "promises", "lost",
            "stamps",
        ];
        let values: Vec<(String, String)> =
            names.iter().map(|name| (format!("{{{name}}}"), "{tags}!".to_owned())).collect();
        let values: Vec<(&str, String)> =
            values.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
        let text = filled(&values);
        assert_eq!(text.matches("{tags}!").count(), names.len());
        assert_eq!(text.matches('{').count(), names.len(), "{text}");
    }
}
