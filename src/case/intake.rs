//! What has to be known of a unit under test before a finding about it means anything: asked once,
//! answered or skipped with a reason, and signed.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest answer, bytes.
const ANSWER_BYTES_MAX: usize = 4096;

/// Name of each question, and the question.
pub const QUESTIONS: [(&str, &str); 10] = [
    ("unit", "Make, model and serial number, as printed on the unit"),
    ("purchase", "Where and when it was bought, by whom, with which record"),
    ("state", "Whether its packaging was sealed, and how it was reset"),
    ("firmware", "Firmware version, and where that was read"),
    ("app", "App and its version, on which telephone"),
    ("account_region", "Region that the account was made for"),
    ("settings", "Every setting that was changed, and to what; those left as they were"),
    ("uplink_country", "Country in which the uplink ends"),
    ("uplink_provider", "Provider of the uplink; whether a VPN or proxy was in between"),
    ("other_stations", "What else was on the test network"),
];

/// An answer, or the reason why there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// What was found out.
    Answered(String),
    /// Why it was not.
    Skipped(String),
}

/// Answers by the name of their question.
pub type Answers = BTreeMap<String, Answer>;

/// A form to be filled in.
#[must_use]
pub fn form() -> String {
    let head = "# Answers, each in quotes; where there is none, why: { skipped = \"...\" }\n";
    QUESTIONS.iter().fold(head.to_owned(), |form, (name, question)| {
        format!("{form}\n# {question}.\n{name} = \"\"\n")
    })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Given {
    Answer(String),
    Skipped { skipped: String },
}

/// Reads a form that was filled in.
///
/// # Errors
/// What is missing, unknown or too long.
pub fn read(form: &str) -> Result<Answers, String> {
    let given: BTreeMap<String, Given> =
        toml::from_str(form).map_err(|error| error.to_string().trim_end().to_owned())?;
    if let Some(name) = given.keys().find(|name| !QUESTIONS.iter().any(|(known, _)| known == name))
    {
        return Err(format!("nobody asks for `{}`", crate::base::text::safe(name.as_bytes())));
    }
    let mut answers = Answers::new();
    for (name, question) in QUESTIONS {
        let answer = match given.get(name) {
            Some(Given::Answer(text)) => Answer::Answered(text.trim().to_owned()),
            Some(Given::Skipped { skipped }) => Answer::Skipped(skipped.trim().to_owned()),
            None => return Err(format!("`{name}` is missing: {question}")),
        };
        let (Answer::Answered(text) | Answer::Skipped(text)) = &answer;
        if text.is_empty() {
            return Err(format!("`{name}` is empty; say why: {{ skipped = \"...\" }}"));
        }
        if text.len() > ANSWER_BYTES_MAX {
            return Err(format!("`{name}` has more than {ANSWER_BYTES_MAX} bytes"));
        }
        answers.insert(name.to_owned(), answer);
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_asks_and_every_question_wants_an_answer_or_a_reason() {
        let form = form();
        assert!(read(&form).unwrap_err().contains("is empty"));
        let filled = form.replace("= \"\"", "= \"yes\"");
        assert_eq!(read(&filled).unwrap().len(), QUESTIONS.len());
        let skipped = filled.replace("app = \"yes\"", "app = { skipped = \"none\" }");
        assert_eq!(read(&skipped).unwrap()["app"], Answer::Skipped("none".to_owned()));
        for (wrong, says) in [
            (filled.replace("app = \"yes\"", ""), "`app` is missing"),
            (format!("{filled}colour = \"red\""), "nobody asks"),
            (filled.replace("app = \"yes\"", "app = { skipped = \" \" }"), "is empty"),
            (filled.replace("app = \"yes\"", &format!("app = \"{}\"", "a".repeat(5000))), "4096"),
            ("app = [".to_owned(), "line 1"),
        ] {
            let error = read(&wrong).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }
}
