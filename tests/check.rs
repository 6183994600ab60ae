//! `phonehome check` and `phonehome signatures`, as people call them: results, exit codes, files, and
//! clear words for files that are hostile.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn capture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures").join(name)
}

fn run(arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_phonehome")).args(arguments).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code().unwrap(), text(stdout), text(stderr))
}

fn check(more: &[&str], name: &str) -> (i32, Value) {
    let path = capture(name);
    let mut all = vec!["check", "--json"];
    all.extend(more);
    all.push(path.to_str().unwrap());
    let (code, out, error) = run(&all);
    (code, serde_json::from_str(&out).unwrap_or_else(|_| panic!("{out}{error}")))
}

fn decision<'a>(result: &'a Value, rule: &str) -> &'a str {
    let rules = result["rules"].as_array().unwrap();
    let found = rules.iter().find(|one| one["rule"] == rule).unwrap_or_else(|| panic!("{rule}"));
    found["decision"].as_str().unwrap()
}

#[test]
fn a_breach_fails_and_what_is_open_is_never_zero() {
    let (code, result) = check(&["--policy", "local-only"], "camera.pcapng");
    assert_eq!((code, decision(&result, "no-internet")), (1, "fail"));
    assert_eq!(result["record"]["decision"], "fail");
    let (code, result) = check(&["--policy", "ndaa-889"], "camera.pcapng");
    assert_eq!((code, decision(&result, "no-named-service")), (3, "not decided"));
    // Without signatures nothing can be told, so that nothing passes.
    let (code, result) = check(&["--policy", "ndaa-889", "--no-signatures"], "camera.pcapng");
    assert_eq!(code, 3);
    assert!(result["rules"].as_array().unwrap().iter().all(|rule| rule["decision"] != "pass"));
}

#[test]
fn clauses_are_refuted_by_what_was_found_and_nothing_is_called_compliant() {
    let (code, result) = check(&["--standard", "en303645"], "camera.pcapng");
    assert_eq!((code, decision(&result, "5.5-6")), (1, "fail"));
    assert_eq!(decision(&result, "5.3-5"), "not decided");
    let blind = result["record"]["not_observable"].as_array().unwrap();
    assert!(blind.iter().any(|line| line.as_str().unwrap().contains("5.2-1")));
    let text = result.to_string().to_lowercase();
    assert!(!text.contains("compliant") && !text.contains("certified"));
}

#[test]
fn a_declaration_is_compared_and_the_record_names_unit_and_firmware() {
    let folder = tempfile::tempdir().unwrap();
    let declared = folder.path().join("d.csv");
    let junit = folder.path().join("j.xml");
    let write = |lines: &str| {
        std::fs::write(&declared, format!("host,purpose,country,operator,retention\n{lines}"))
            .unwrap();
    };
    let [declared, junit] = [declared.to_str().unwrap(), junit.to_str().unwrap()];
    let all = ["--declared", declared, "--unit", "0042", "--firmware", "5.2", "--junit", junit];
    write("*.exempla-vision.example,video,DE,Exempla Vision,30 days\nunseen.example,x,DE,X,none\n");
    let (code, result) = check(&all, "camera.pcapng");
    assert_eq!((code, decision(&result, "declared.endpoints")), (1, "fail"));
    let text = result.to_string();
    assert!(text.contains("stats.analytics-maker.example is not declared"), "{text}");
    assert!(text.contains("declared, but not contacted: unseen.example"));
    assert_eq!(
        (&result["record"]["unit"], &result["record"]["firmware"]),
        (&"0042".into(), &"5.2".into())
    );
    let xml = std::fs::read_to_string(junit).unwrap();
    assert!(xml.contains("failures=\"1\"") && xml.contains("<error type=\"not decided\""), "{xml}");
    write("*.exempla-vision.example,video,DE,Exempla Vision,30 days\n<b>,x,DE,X,none\n");
    let path = capture("camera.pcapng");
    let (code, _, error) = run(&["check", "--declared", declared, path.to_str().unwrap()]);
    assert!(code == 2 && error.contains("d.csv:3: "), "{code} {error}");
}

#[test]
fn hostile_policies_get_a_line_and_a_reason() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("p.toml");
    for (text, reason) in [
        ("[[rule", "line 1"),
        (
            "schema = 1\nid = \"p\"\ntitle = \"p\"\nsource = \"s\"\nchecked = \"2026-11-28\"\nrule = []\n",
            "no rule",
        ),
        ("\u{0}", "p.toml"),
    ] {
        std::fs::write(&policy, text).unwrap();
        let path = capture("camera.pcapng");
        let (code, _, error) =
            run(&["check", "--policy", policy.to_str().unwrap(), path.to_str().unwrap()]);
        assert!(code == 2 && error.contains(reason), "{text}: {code} {error}");
    }
}

#[test]
fn policies_and_laws_stand_in_every_output_and_the_same_on_every_run() {
    let path = capture("meter.pcap");
    let path = path.to_str().unwrap();
    let all = ["analyze", "--json", "--policy", "gdpr-transfers", path];
    let (_, first, _) = run(&all);
    let (_, again, _) = run(&all);
    assert!(first == again);
    let result: Value = serde_json::from_str(&first).unwrap();
    assert_eq!(result["policies"].as_array().unwrap().len(), 3);
    assert!(result["clauses"].as_array().unwrap().len() >= 80);
    let (_, summary, _) = run(&["analyze", "--policy", "gdpr-transfers", path]);
    assert!(summary.contains("Policies") && summary.contains("gdpr-transfers"), "{summary}");
    for finding in result["findings"].as_array().unwrap() {
        let said = finding["may_say"].as_str().unwrap();
        assert!(!said.contains("CLOUD Act") && !said.contains("Intelligence Law"), "{said}");
    }
}

#[test]
fn lint_names_file_line_and_reason_with_its_exit_code() {
    let (code, out, _) = run(&["signatures", "lint"]);
    assert!(code == 0 && out.contains("0 problems"), "{out}");
    let folder = tempfile::tempdir().unwrap();
    let good = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("signatures/vendors/ezviz.toml"),
    )
    .unwrap();
    let bad = good.replacen("source = \"RenierM26", "source = \"\" # ", 1);
    std::fs::write(folder.path().join("ezviz.toml"), bad).unwrap();
    let (code, out, _) = run(&["signatures", "lint", folder.path().to_str().unwrap()]);
    assert!(code == 5 && out.contains("ezviz.toml:") && out.contains("has no source"), "{out}");
    let (code, _, error) = run(&["signatures", "lint", "no-such-folder"]);
    assert!(code == 2 && error.contains("no-such-folder"), "{code} {error}");
    let (code, out, _) = run(&["signatures", "test"]);
    assert!(code == 0 && out.contains(" 0 wrong"), "{out}");
    let (code, _, error) = run(&["signatures", "explain", "nobody"]);
    assert!(code == 2 && error.contains("nobody"), "{code} {error}");
}

/// Raw IPv4: a question and its answer between two devices of one network.
fn local_talk(path: &Path) {
    let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 101, 0, 0, 0]);
    let ends: [([u8; 4], u16); 2] = [([192, 168, 1, 9], 5000), ([192, 168, 1, 2], 7000)];
    for turn in 0..4_u32 {
        let (from, to) = (ends[turn as usize % 2], ends[1 - turn as usize % 2]);
        let mut packet = vec![0x45, 0, 0, 36, 0, 0, 0, 0, 64, 17, 0, 0];
        packet.extend(from.0.iter().chain(&to.0));
        packet.extend([from.1, to.1, 16, 0].map(u16::to_be_bytes).concat());
        packet.extend(b"question");
        bytes.extend([1_790_000_000 + turn, 0, 36, 36].map(u32::to_le_bytes).concat());
        bytes.extend(packet);
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn what_was_wholly_seen_without_a_breach_passes_and_no_clause_is_supported_by_so_little() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("local.pcap");
    local_talk(&path);
    let path = path.to_str().unwrap();
    let (code, out, error) = run(&["check", "--json", "--policy", "local-only", path]);
    let result: Value = serde_json::from_str(&out).unwrap();
    assert!(code == 0, "{code} {out} {error}");
    assert_eq!(decision(&result, "no-internet"), "pass");
    let (code, out, _) = run(&["check", "--json", "--standard", "cra", path]);
    assert_eq!(code, 3);
    assert!(!out.contains("\"pass\""), "{out}");
    // Damage takes the pass away.
    let bytes = std::fs::read(path).unwrap();
    std::fs::write(path, &bytes[..bytes.len() - 5]).unwrap();
    let (code, out, _) = run(&["check", "--json", "--policy", "local-only", path]);
    assert!(code == 3 && !out.contains("\"pass\""), "{code} {out}");
}
