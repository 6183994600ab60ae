use crate::camera;
use crate::common::program;

#[test]
fn settings_stand_behind_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.toml");
    let text = "threads = 2\n[analyze]\nfail-on = \"high\"\nquiet = true\njson = false\n";
    std::fs::write(&file, text).unwrap();
    let (file, camera) = (file.to_str().unwrap(), camera());
    let camera = camera.to_str().unwrap();
    let outcome = program::phonehome(&["--config", file, "analyze", camera]);
    assert_eq!((outcome.code, &*outcome.stdout), (Some(1), &b""[..]));
    assert!(outcome.stderr.contains("lab.toml: "), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("fail-on (line 3)") && outcome.stderr.contains("threads (line 1)")
    );
    let plain = program::phonehome(&["analyze", camera]);
    assert_eq!((plain.code, &*plain.stderr), (Some(0), ""));
    let low =
        program::phonehome(&["analyze", camera, "--config", file, "--no-geo", "--fail-on=low"]);
    assert!(!low.stderr.contains("fail-on"), "{}", low.stderr);
    let other = program::phonehome(&["--config", file, "count", camera]);
    assert_eq!(other.code, Some(0));
    assert!(other.stderr.contains("threads (line 1)") && !other.stderr.contains("quiet"));
}

#[test]
fn wrong_settings_are_told_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lab.toml");
    let camera = camera();
    for (text, said) in [
        ("# a\n\nhear = 1\n", "lab.toml:3: no command has a flag --hear"),
        ("[analyze]\nspeed = 1\n", "lab.toml:2: analyze has no flag --speed"),
        ("[analyze\n", "lab.toml:1: "),
        ("[analyze]\nhere = \"Holland\"\n", "--here"),
    ] {
        std::fs::write(&file, text).unwrap();
        let arguments = ["--config", file.to_str().unwrap(), "analyze", camera.to_str().unwrap()];
        let outcome = program::phonehome(&arguments);
        assert_eq!(outcome.code, Some(2), "{text}");
        assert!(outcome.stderr.contains(said), "{text}: {}", outcome.stderr);
    }
    let gone =
        program::phonehome(&["--config", "/nowhere.toml", "analyze", camera.to_str().unwrap()]);
    assert_eq!(gone.code, Some(2));
}

#[test]
fn init_writes_what_is_read_back_and_overwrites_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("phonehome.toml");
    let path = file.to_str().unwrap();
    assert_eq!(program::phonehome(&["init", path]).code, Some(0));
    let before = std::fs::read(&file).unwrap();
    assert_eq!(program::phonehome(&["init", path]).code, Some(2));
    assert_eq!(std::fs::read(&file).unwrap(), before);
    let camera = camera();
    let camera = camera.to_str().unwrap();
    let with = program::phonehome(&["--config", path, "analyze", camera]);
    assert!(with.stdout == program::phonehome(&["analyze", camera]).stdout);
    // With every word given, every word is known.
    let all: Vec<String> = String::from_utf8(before)
        .unwrap()
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(word) if word.contains(" = ") && !word.starts_with(' ') => word.to_owned(),
            _ => line.to_owned(),
        })
        .collect();
    std::fs::write(&file, all.join("\n")).unwrap();
    let full = program::phonehome(&["--config", path, "data", "status"]);
    assert!(
        full.stderr.contains("settings of") && !full.stderr.contains("has no flag"),
        "{}",
        full.stderr
    );
}

#[test]
fn shells_get_completions() {
    for (shell, has) in
        [("bash", "complete -F"), ("zsh", "#compdef phonehome"), ("fish", "complete -c phonehome")]
    {
        let outcome = program::phonehome(&["completions", shell]);
        assert_eq!(outcome.code, Some(0));
        assert!(outcome.text().contains(has) && outcome.text().contains("extract"), "{shell}");
    }
}
