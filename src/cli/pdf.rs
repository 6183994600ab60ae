//! A page to PDF, by a Chromium that is installed: no crate lays out HTML for paper as well, and
//! the page is the same that people read on a screen.

use crate::base::time::Timestamp;
use anyhow::{Context, bail};
use std::env;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Programs that print, in the order in which they are looked for.
const PROGRAMS: &[&str] =
    &["chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"];

/// It must be done by then.
const WAIT_MAX: Duration = Duration::from_secs(180);

/// The page holds nothing that loads anything; these keep the browser itself from asking around.
const QUIET: &[&str] = &[
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-features=OptimizationHints,MediaRouter,Translate,DialMediaRouteProvider",
    "--metrics-recording-only",
    "--no-pings",
    "--disable-javascript",
    // No name resolves, and there is no way out.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--proxy-server=127.0.0.1:1",
    "--no-pdf-header-footer",
];

/// Prints a page. The document is dated to the last packet, not to the day of printing, so that the
/// same page printed by the same browser gives the same bytes.
///
/// # Errors
/// When no program is installed, or when it does not print.
pub fn print(page: &str, made: Timestamp, to: &Path) -> anyhow::Result<()> {
    let Some(program) = find() else {
        bail!(
            "--pdf needs a Chromium; none of {} is on the PATH. Install one, or write the page \
             with -o and print it from any browser",
            PROGRAMS.join(", ")
        );
    };
    let work = Work::new()?;
    let source = work.0.join("report.html");
    let printed = work.0.join("report.pdf");
    fs::write(&source, page).with_context(|| format!("{}: cannot be written", source.display()))?;
    let complaints = work.0.join("complaints");
    let file = fs::File::create(&complaints).context("no file for what the browser says")?;
    let mut command = Command::new(&program);
    command
        .args(QUIET)
        .arg(format!("--user-data-dir={}", work.0.join("profile").display()))
        .arg(format!("--print-to-pdf={}", printed.display()))
        .env("HOME", &work.0)
        .env("XDG_CONFIG_HOME", work.0.join("config"))
        .env("XDG_CACHE_HOME", work.0.join("cache"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(file);
    if rustix::process::geteuid().is_root() {
        // Chromium's sandbox does not start for root. The page holds no script, and scripts are off.
        command.arg("--no-sandbox");
    }
    command.arg(format!("file://{}", source.display()));
    let mut child =
        command.spawn().with_context(|| format!("{}: does not start", program.display()))?;
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().context("the browser is lost")? {
            break status;
        }
        if begun.elapsed() > WAIT_MAX {
            let _ = child.kill();
            let _ = child.wait();
            bail!("{}: did not print within {} s", program.display(), WAIT_MAX.as_secs());
        }
        std::thread::sleep(Duration::from_millis(50));
    };
    if !printed.is_file() {
        bail!("{}: printed nothing ({status}): {}", program.display(), last_words(&complaints));
    }
    let mut document = fs::read(&printed).context("what was printed cannot be read")?;
    date(&mut document, made);
    fs::write(to, document).with_context(|| format!("{}: cannot be written", to.display()))
}

/// Sets the dates in the document's information, which are as long as ours (ISO 32000-1 §7.9.4).
fn date(document: &mut [u8], made: Timestamp) {
    let digits: Vec<u8> = made.to_string().bytes().filter(u8::is_ascii_digit).take(14).collect();
    for key in [&b"/CreationDate (D:"[..], b"/ModDate (D:"] {
        let found = document.windows(key.len()).position(|window| window == key);
        let field = found.and_then(|at| document[at + key.len()..].get_mut(..digits.len()));
        if let Some(field) = field.filter(|field| field.iter().all(u8::is_ascii_digit)) {
            field.copy_from_slice(&digits);
        }
    }
}

/// The first of the programs that is on the PATH.
fn find() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let at = |name: &&str| folders.iter().map(|folder| folder.join(name)).find(|p| p.is_file());
    PROGRAMS.iter().find_map(at)
}

fn last_words(complaints: &Path) -> String {
    let mut text = String::new();
    let file = fs::File::open(complaints).ok();
    let read = file.map(|file| file.take(1 << 16).read_to_string(&mut text));
    let last = text.lines().rev().find(|line| !line.trim().is_empty());
    match (read, last) {
        (Some(Ok(_)), Some(line)) => crate::base::text::safe(line.as_bytes()),
        _ => "it said nothing".to_owned(),
    }
}

/// A folder that only this user can look into, gone when dropped.
struct Work(PathBuf);

impl Work {
    fn new() -> anyhow::Result<Work> {
        for attempt in 0..100 {
            let name = format!("phonehome-pdf-{}-{attempt}", std::process::id());
            let path = env::temp_dir().join(name);
            let mut folder = fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
            // One that is there already is somebody else's.
            if folder.create(&path).is_ok() {
                return Ok(Work(path));
            }
        }
        bail!("{}: no folder can be made there", env::temp_dir().display());
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_the_date_of_the_last_packet() {
        let mut document = b"<</CreationDate (D:20261128200602+00'00')\n\
            /ModDate (D:20261128200602+00'00')>> /CreationDate (D:x"
            .to_vec();
        date(&mut document, Timestamp(1_700_000_000_000_000_000));
        let text = String::from_utf8(document).unwrap();
        assert_eq!(text.matches("D:20231114221320+00").count(), 2, "{text}");
        date(&mut b"/ModDate (D:2026".to_vec(), Timestamp(0));
    }
}
