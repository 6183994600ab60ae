//! Results of rules as JUnit XML, for test servers. What is not decided is an error there, so that
//! no server takes it for passed.

use crate::policy::{Decision, Outcome};
use std::io::{self, Write};

/// Writes one suite a policy, in the order given.
///
/// # Errors
/// When the output cannot be written.
pub fn write(outcomes: &[Outcome], out: &mut dyn Write) -> io::Result<()> {
    let count = |of: &[Outcome], decision: Decision| {
        of.iter().filter(|outcome| outcome.decision == decision).count()
    };
    let totals = |of: &[Outcome]| {
        format!(
            "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\"",
            of.len(),
            count(of, Decision::Fail),
            count(of, Decision::NotDecided)
        )
    };
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"phonehome check\" {}>", totals(outcomes))?;
    for suite in outcomes.chunk_by(|a, b| a.policy == b.policy) {
        let name = escaped(&suite[0].policy);
        writeln!(out, "  <testsuite name=\"{name}\" {}>", totals(suite))?;
        for outcome in suite {
            let rule = escaped(&outcome.rule);
            write!(out, "    <testcase classname=\"{name}\" name=\"{rule}\"")?;
            let tag = match outcome.decision {
                Decision::Pass => {
                    writeln!(out, "/>")?;
                    continue;
                }
                Decision::Fail => "failure",
                Decision::NotDecided => "error",
            };
            let because = escaped(&outcome.because);
            writeln!(
                out,
                ">\n      <{tag} type=\"{}\" message=\"{because}\">",
                outcome.decision.name()
            )?;
            writeln!(out, "{}", escaped(&outcome.says))?;
            for evidence in &outcome.evidence {
                writeln!(out, "{}", escaped(&evidence.told()))?;
            }
            if outcome.evidence_more > 0 {
                writeln!(out, "and {} more", outcome.evidence_more)?;
            }
            writeln!(out, "      </{tag}>\n    </testcase>")?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")
}

/// As XML 1.0 takes it: marked characters named, others that it forbids replaced.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}' | '\u{fffe}' | '\u{ffff}' => {
                out.push('\u{fffd}');
            }
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Evidence;

    #[test]
    fn hostile_text_stays_text_and_open_rules_are_errors() {
        let evidence =
            Evidence { text: "</failure><script>\u{0}&\"".to_owned(), ..Evidence::default() };
        let outcome = |rule: &str, decision: Decision, evidence: Vec<Evidence>| Outcome {
            policy: "p".to_owned(),
            rule: rule.to_owned(),
            says: "s".to_owned(),
            decision,
            because: "b".to_owned(),
            evidence,
            evidence_more: 0,
        };
        let outcomes = [
            outcome("a", Decision::Pass, vec![]),
            outcome("b", Decision::Fail, vec![evidence]),
            outcome("c", Decision::NotDecided, vec![]),
        ];
        let mut out = Vec::new();
        write(&outcomes, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("tests=\"3\" failures=\"1\" errors=\"1\""), "{text}");
        assert!(text.contains("&lt;/failure&gt;&lt;script&gt;\u{fffd}&amp;&quot;"), "{text}");
        assert!(
            !text.contains("<script>") && text.contains("<testcase classname=\"p\" name=\"a\"/>")
        );
    }
}
