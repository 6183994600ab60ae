use super::*;

fn key(kind: Kind, what: &str) -> Key {
    Key { kind, device: String::new(), what: what.to_owned() }
}

fn run(amounts: &[(&str, u64)]) -> Profile {
    Profile {
        name: "a.pcap".to_owned(),
        sha256: vec![None],
        devices: Vec::new(),
        seconds: 60.0,
        frames: 10,
        complete: true,
        weak: Vec::new(),
        amounts: amounts
            .iter()
            .map(|(what, sent)| (key(Kind::Destination, what), [*sent, 1]))
            .collect(),
        levels: Default::default(),
        reviews: Default::default(),
    }
}

fn side(runs: Vec<Profile>) -> Side {
    Side { name: "side".to_owned(), runs }
}

fn compare(left: Vec<Profile>, right: Vec<Profile>) -> Comparison {
    Comparison::of(vec![side(left), side(right)], Amounts::Delivered)
}

fn whats(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.key.what.as_str()).collect()
}

#[test]
fn identical_recordings_give_an_empty_difference() {
    let comparison = compare(vec![run(&[("a", 5), ("b", 7)])], vec![run(&[("a", 5), ("b", 7)])]);
    assert!(!comparison.differs());
    assert_eq!(comparison.pairs[0].same, 2);
    let mut text = Vec::new();
    write(&comparison, &mut text).unwrap();
    assert!(String::from_utf8(text).unwrap().contains("No difference."));
    assert!(page(&comparison).contains("No difference."));
}

#[test]
fn new_gone_and_changed_are_told_apart() {
    let left = vec![run(&[("a", 100), ("b", 7), ("c", 100)])];
    let comparison = compare(left, vec![run(&[("a", 300), ("c", 110), ("d", 1)])]);
    let pair = &comparison.pairs[0];
    assert_eq!(whats(&pair.new), ["d"]);
    assert_eq!(whats(&pair.gone), ["b"]);
    assert_eq!(whats(&pair.changed), ["a"]);
    assert_eq!((pair.smaller, pair.same), (1, 0));
    assert!(pair.statistics.contains("One recording"));
    assert_eq!(pair.changed[0].p, None);
}

#[test]
fn repeats_are_the_noise_floor() {
    let repeats =
        |values: [u64; 3]| values.into_iter().map(|sent| run(&[("a", sent)])).collect::<Vec<_>>();
    let within = compare(repeats([100, 400, 900]), repeats([150, 500, 800]));
    assert!(!within.differs());
    assert_eq!(within.pairs[0].smaller, 1);
    let apart = compare(repeats([100, 110, 120]), repeats([130, 140, 150]));
    let item = &apart.pairs[0].changed[0];
    assert!((item.p.unwrap() - 0.1).abs() < 1e-9);
    // What was received is the same in all, so one test was made.
    assert!((item.p_holm.unwrap() - 0.1).abs() < 1e-9);
    assert_eq!(range(&item.left.sent), [100, 120]);
}

#[test]
fn a_worse_recording_withdraws_gone_and_new() {
    let mut worse = run(&[]);
    worse.weak.push("packets were lost".to_owned());
    let comparison = compare(vec![run(&[("a", 5)])], vec![worse.clone()]);
    let pair = &comparison.pairs[0];
    assert_eq!(whats(&pair.gone), ["a"]);
    assert!(pair.gone_withdrawn_because[0].contains("packets were lost"));
    let mut text = Vec::new();
    write(&comparison, &mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    assert!(text.contains("not called gone") && !text.contains("  Gone"), "{text}");
    let turned = compare(vec![worse], vec![run(&[("a", 5)])]);
    assert!(!turned.pairs[0].new_withdrawn_because.is_empty());
    let mut short = run(&[]);
    short.seconds = 10.0;
    let comparison = compare(vec![run(&[("a", 5)])], vec![short]);
    assert!(comparison.pairs[0].gone_withdrawn_because[0].contains("shorter"));
}

#[test]
fn what_the_wire_chose_stays_text() {
    let comparison = compare(vec![run(&[])], vec![run(&[("<script>x</script>", 5)])]);
    let page = page(&comparison);
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
}
