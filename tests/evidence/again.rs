//! The findings of a sealed case are made again, wherever and however: every byte is the same.

use super::{Random, phonehome, rounds, seal};
use std::process::Command;
use std::time::Instant;

#[test]
fn analysed_anywhere_it_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    seal(at, "one", &["camera.pcapng", "meter.pcap"]);
    let mut random = Random(77);
    let (began, count) = (Instant::now(), rounds(100).max(6));
    for round in 0..count {
        let threads = ["1", "2", "4"][round % 3];
        let zone =
            ["UTC", "Asia/Shanghai", "America/St_Johns", "Pacific/Kiritimati"][random.below(4)];
        let language = ["C", "de_DE.UTF-8", "tr_TR.UTF-8", "ar_EG.UTF-8"][random.below(4)];
        let home = ["/", "/nonexistent", at.to_str().unwrap()][random.below(3)];
        let mut command = Command::new(super::PROGRAM);
        command.args(["case", "reanalyse", "one-sealed", "--threads", threads]).current_dir(at);
        command.env("TZ", zone).env("LANG", language).env("LC_ALL", language).env("HOME", home);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && said.contains("byte for byte"),
            "{zone} {language}: {said}"
        );
    }
    // Where it lies is nobody's business either.
    std::fs::create_dir(at.join("elsewhere")).unwrap();
    std::fs::rename(at.join("one-sealed"), at.join("elsewhere/renamed")).unwrap();
    assert!(phonehome(at, &["case", "reanalyse", "elsewhere/renamed"]).status.success());
    println!("re-analyses: {count} in {:.0} s, all the same", began.elapsed().as_secs_f64());
}
