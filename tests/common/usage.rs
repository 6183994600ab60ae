//! Runs the program on a generated capture and says what it used, as the kernel counted it.

use super::program::{Outcome, command};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Stdio};
use std::time::Duration;

pub struct Usage {
    /// Without what was printed: gigabytes of it would count as the next program's memory, which
    /// the kernel measures from before it is loaded.
    pub outcome: Outcome,
    /// Most resident memory, bytes.
    pub resident: u64,
    /// Processor time, user and system.
    pub time: Duration,
}

/// Feeds `input` to the program's standard input; `line` receives what it prints.
pub fn used(args: &[&str], input: &mut (impl Read + Send), line: &mut dyn FnMut(&str)) -> Usage {
    #[expect(clippy::zombie_processes, reason = "`wait` below waits for it")]
    let mut child = command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut stderr = child.stderr.take().unwrap();
    let (mut text, mut complaints) = (String::new(), String::new());
    std::thread::scope(|scope| {
        // The program may stop reading at damage: a closed pipe is no failure of the test.
        scope.spawn(move || drop(std::io::copy(input, &mut stdin)));
        scope.spawn(|| stderr.read_to_string(&mut complaints).unwrap());
        while stdout.read_line(&mut text).unwrap() > 0 {
            line(&text);
            text.clear();
        }
    });
    let (code, resident, time) = wait(&child);
    Usage { outcome: Outcome { code, stdout: Vec::new(), stderr: complaints }, resident, time }
}

/// Waits for the child and asks what it used: the standard library asks only how it ended.
fn wait(child: &Child) -> (Option<i32>, u64, Duration) {
    let mut status = 0;
    // SAFETY: all bits zero are a valid `rusage`, which holds only numbers.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to locals that outlive the call; nobody else waits for this child.
    let waited = unsafe { libc::wait4(child.id() as i32, &mut status, 0, &mut usage) };
    assert_eq!(waited, child.id() as i32, "{}", std::io::Error::last_os_error());
    let code = libc::WIFEXITED(status).then(|| libc::WEXITSTATUS(status));
    let time = |t: libc::timeval| {
        Duration::from_secs(t.tv_sec as u64) + Duration::from_micros(t.tv_usec as u64)
    };
    (code, usage.ru_maxrss as u64 * 1024, time(usage.ru_utime) + time(usage.ru_stime))
}
