use super::*;
use crate::standard::shipped;

fn mapping(text: &str) -> Mapping {
    toml::from_str(text).unwrap()
}

fn standard(mapping: Mapping) -> Vec<Standard> {
    let mut all = shipped().unwrap();
    all.truncate(1);
    all[0].clause = vec![mapping];
    all
}

#[test]
fn what_cannot_be_seen_says_so_and_without_devices_nothing_is_supported() {
    let blind = mapping("id = \"1\"\nsays = \"s\"\ncan = []\nfindings = []");
    let window = Window::default();
    let clauses = judge(&standard(blind), &[], &[], &mut [], &window);
    assert_eq!(clauses[0].verdict, Verdict::NotObservable);
    let seen = mapping("id = \"1\"\nsays = \"s\"\ncan = [\"support\"]\nfindings = [\"tls.none\"]");
    let clauses = judge(&standard(seen), &[], &[], &mut [], &window);
    assert_eq!(clauses[0].verdict, Verdict::Inconclusive);
}

#[test]
fn verdicts_sort_from_the_worst() {
    assert!(Verdict::Refuted < Verdict::Inconclusive);
    assert!(Verdict::Inconclusive < Verdict::Supported);
    assert!(Verdict::Supported < Verdict::NotObservable);
}
