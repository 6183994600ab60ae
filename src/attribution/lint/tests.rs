use super::*;
use crate::attribution::Signatures;
use crate::attribution::signature::embedded_texts;

const GOOD: &str = r#"schema = 1
id = "x"
name = "X"
kind = "vendor"

[operator]
legal_name = "X Ltd."
head_office = "US"
source = "annual report"
confidence = "documented"
checked = "2026-11-01"

[[domain]]
host = "x.example"
match = "suffix"
role = "web"
source = "s"
confidence = "observed"
checked = "2026-11-24"

[[example]]
name = "x.example"
matches = true

[[example]]
name = "a.x.example"
matches = true

[[example]]
name = "notx.example"
matches = false

[[example]]
name = "x.example.net"
matches = false
"#;

fn problems(texts: &[(&str, &str)], as_of: Option<&str>) -> Vec<String> {
    let texts: Vec<(PathBuf, String)> =
        texts.iter().map(|(path, text)| (PathBuf::from(path), (*text).to_owned())).collect();
    let report = lint(&texts, &Legal::embedded().unwrap(), as_of);
    report.problems.iter().map(Problem::to_string).collect()
}

#[test]
fn a_careful_file_has_no_problem() {
    assert_eq!(problems(&[("x.toml", GOOD)], None), Vec::<String>::new());
}

#[test]
fn each_careless_fact_is_told_with_its_line() {
    let domain = |host: &str, matching: &str| {
        GOOD.replace("host = \"x.example\"", &format!("host = \"{host}\""))
            .replace("match = \"suffix\"", &format!("match = \"{matching}\""))
    };
    for (text, wanted) in [
        (GOOD.replacen("source = \"s\"\n", "", 1), "x.toml:13: missing field `source`"),
        (GOOD.replace("\"s\"", "\" \""), "x.toml:13: x.example: has no source"),
        (GOOD.replace("\"s\"", "\"memory\""), "x.toml:13: x.example: memory is no source"),
        (domain("co.uk", "suffix"), "x.toml:13: co.uk: would match a public suffix"),
        (domain("*.s3.amazonaws.com", "glob"), "x.toml:13: *.s3.amazonaws.com: would match a pub"),
        (domain("x.windows.net", "suffix"), "covers names under windows.net"),
        (domain("amazonaws.com", "suffix"), "covers names under amazonaws.com"),
        (
            GOOD.replace("\"2026-11-24\"", "\"2026-11-24\"\nvalid_to = \"2026-01-01\""),
            "x.toml:13: x.example: expired on 2026-01-01",
        ),
        (GOOD.replace("2026-11-24", "24.11.2026"), "checked is not YYYY-MM-DD"),
        (
            GOOD.replace("a.x.example\"\nmatches = true", "a.x.example\"\nmatches = false"),
            "names that match",
        ),
        (GOOD.replace("matches = false", "matches = true"), "has 0 near misses"),
        (GOOD.replace("\"US\"", "\"ZZ\""), "x.toml:6: X Ltd., head office ZZ"),
        (GOOD.replace("role = \"web\"", "role = \"web\"\ncolour = 1"), "x.toml:17: unknown field"),
        (GOOD.replace("id = \"x\"", "id = \"y\""), "is not the file's name"),
    ] {
        let told = problems(&[("x.toml", &text)], None);
        let wanted = wanted.replace("X Ltd., head office ZZ", "head office ZZ");
        assert!(told.iter().any(|problem| problem.contains(&wanted)), "{wanted}: {told:?}");
    }
}

#[test]
fn a_fact_that_ended_may_stay_with_a_note_and_is_judged_by_the_day_asked_for() {
    let ended = GOOD.replace("\"2026-11-24\"", "\"2026-11-24\"\nvalid_to = \"2026-12-31\"");
    assert!(problems(&[("x.toml", &ended)], None).is_empty());
    assert_eq!(problems(&[("x.toml", &ended)], Some("2027-01-01")).len(), 1);
    let noted = ended.replace("role = \"web\"", "role = \"web\"\nnote = \"sold\"");
    assert!(problems(&[("x.toml", &noted)], Some("2027-01-01")).is_empty());
}

#[test]
fn two_files_may_not_state_the_same() {
    let other = GOOD.replace("id = \"x\"", "id = \"y\"");
    let told = problems(&[("x.toml", GOOD), ("y.toml", &other)], None);
    assert_eq!(told, ["y.toml:13: x.example: is there already, in x.toml:13"]);
    let later = other.replace("\"2026-11-24\"", "\"2026-11-24\"\nvalid_from = \"2026-06-01\"");
    let until = "\"2026-11-24\"\nvalid_to = \"2026-05-31\"\nnote = \"sold\"";
    let earlier = GOOD.replace("\"2026-11-24\"", until);
    assert!(problems(&[("x.toml", &earlier), ("y.toml", &later)], None).is_empty());
}

#[test]
fn what_ships_has_no_problem_and_passes_its_examples() {
    let texts: Vec<(PathBuf, String)> =
        embedded_texts().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let report = lint(&texts, &Legal::embedded().unwrap(), None);
    assert!(report.files >= 80 && report.facts >= 600, "{} {}", report.files, report.facts);
    assert_eq!(report.problems, Vec::new());
    let tried = try_examples(&Signatures::embedded().unwrap(), &report.as_of);
    assert!(tried.run >= 400, "{}", tried.run);
    assert_eq!(tried.failed, Vec::new());
}

#[test]
fn an_example_that_goes_wrong_is_told() {
    let mut all = Signatures::default();
    let wrong = GOOD.replace("notx.example", "b.x.example");
    all.add_text(Path::new("x.toml"), &wrong).unwrap();
    let tried = try_examples(&all, "2026-11-24");
    assert_eq!(tried.failed.len(), 1);
    assert!(tried.failed[0].reason.contains("must not match, but x matches"));
}

#[test]
fn a_head_office_without_a_word_on_its_law_fails_for_every_shipped_country() {
    let shipped: Vec<(PathBuf, String)> =
        embedded_texts().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let legal = Legal::embedded().unwrap();
    let told = lint(&shipped, &legal, None);
    assert!(told.problems.is_empty(), "{:?}", told.problems);
    let offices: std::collections::BTreeSet<String> = shipped
        .iter()
        .filter_map(|(_, text)| toml::from_str::<Signature>(text).unwrap().operator?.head_office)
        .filter(|office| office != FICTIONAL_COUNTRY)
        .collect();
    assert!(offices.len() >= 5, "{offices:?}");
    for office in offices {
        let mut without = legal.clone();
        without.fact.retain(|fact| fact.jurisdiction != office);
        without.not_researched.retain(|entry| entry.jurisdiction != office);
        let told = lint(&shipped, &without, None);
        let wanted = format!("head office {office}: legal.toml has neither");
        let found = told.problems.iter().filter(|problem| problem.reason.starts_with(&wanted));
        assert!(found.count() > 0, "{office}");
    }
}
