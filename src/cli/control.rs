//! The edges of a running capture: signals, the socket through which another shell sends marks,
//! and the service manager's notifications.

use crate::base::time::Timestamp;
use crate::case::clock::Clocks;
use crate::live::{Recorder, Story};
use crate::plan::{Plan, Run, Say};
use crate::recorder::Order;
use crate::source::Finished;
use anyhow::{Context, bail};
use crossbeam_channel::{Receiver, Sender, unbounded};
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

/// Longest order that is read from the socket, bytes.
const ORDER_BYTES_MAX: u64 = 8192;

/// What a capture says of itself to another shell.
#[derive(Debug, Serialize, Deserialize)]
struct Greeting {
    pid: u32,
    recording: Option<String>,
}

/// What another shell may ask for: it notes, it does not end a recording.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Note a moment.
    Mark(String),
    /// Enter a phase.
    Phase(String),
    /// Answer the question of the plan.
    Answer(String),
}

impl Shared {
    /// False where nothing was asked.
    fn answer(&self, text: String) -> bool {
        let asked = lock(&self.question).is_some();
        if asked {
            *lock(&self.answer) = Some(text);
        }
        asked
    }
}

/// What steers a capture beside the operator.
#[derive(Default)]
pub struct Experiment {
    /// Seconds after which it ends.
    pub duration: Option<u64>,
    /// The plan that is carried out.
    pub plan: Option<Plan>,
    /// Is given every question of the plan, and `None` when it is settled.
    pub ask: Option<Ask>,
}

/// See [`Experiment::ask`].
pub type Ask = Box<dyn Fn(Option<&str>) + Send>;

/// What the threads of a capture share.
#[derive(Default)]
struct Shared {
    question: Mutex<Option<String>>,
    answer: Mutex<Option<String>>,
    signalled: AtomicBool,
}

/// A running capture.
pub struct Control {
    recorder: Arc<Mutex<Option<Recorder>>>,
    story: Arc<Mutex<Story>>,
    status: Receiver<()>,
    status_ends: Mutex<Option<Sender<()>>>,
    shared: Arc<Shared>,
    edges: Option<JoinHandle<()>>,
    notify: Option<UnixDatagram>,
}

impl Control {
    /// Takes over a recorder. `finished` is set when it has ended.
    ///
    /// # Errors
    /// When the system gives no thread or no socket.
    pub fn start(
        recorder: Recorder,
        finished: Finished,
        experiment: Experiment,
        recording: Option<&str>,
    ) -> anyhow::Result<Control> {
        let story = recorder.shared();
        let recorder = Arc::new(Mutex::new(Some(recorder)));
        let (asked, status) = unbounded();
        let shared: Arc<Shared> = Arc::default();
        let folder = Control::folder();
        let listener = listen(&folder)?;
        let greeting =
            Greeting { pid: std::process::id(), recording: recording.map(str::to_owned) };
        let edges = Edges {
            recorder: recorder.clone(),
            finished,
            duration: experiment.duration.map(Duration::from_secs),
            plan: experiment.plan.map(Run::new),
            begun: Instant::now(),
            shared: shared.clone(),
            ask: experiment.ask,
            greeting: serde_json::to_string(&greeting)?,
            asked: asked.clone(),
            // A manager that does not listen now must hold up nothing: it is told again soon.
            notify: notifier().filter(|socket| socket.set_nonblocking(true).is_ok()),
            story: story.clone(),
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let edges = thread::Builder::new().name("edges".to_owned()).spawn(move || {
            runtime.block_on(edges.run(listener));
        })?;
        Ok(Control {
            recorder,
            story,
            status,
            status_ends: Mutex::new(Some(asked)),
            shared,
            edges: Some(edges),
            notify: notifier(),
        })
    }

    /// Folder of the sockets: the user's own where the system has one.
    pub fn folder() -> PathBuf {
        let base = match user() {
            (user, Some(_)) => Some(PathBuf::from(format!("/run/user/{user}"))),
            _ => std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from),
        };
        let base = base.filter(|path| path.is_dir());
        base.map_or_else(temporary, |base| base.join("phonehome"))
    }

    /// What the recorder has told so far.
    pub fn story(&self) -> Story {
        self.story.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether a signal asked for the end.
    pub fn was_signalled(&self) -> bool {
        self.shared.signalled.load(Ordering::Relaxed)
    }

    /// The question of the plan that waits for an answer.
    pub fn question(&self) -> Option<String> {
        lock(&self.shared.question).clone()
    }

    /// Answers it; false where nothing was asked.
    pub fn answer(&self, text: String) -> bool {
        self.shared.answer(text)
    }

    /// Passes an order on.
    pub fn order(&self, order: &Order) -> anyhow::Result<()> {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.as_mut().context("the recorder is gone")?.order(order)
    }

    /// Tells the service manager that everything is open.
    pub fn ready(&self) {
        if let Some(socket) = &self.notify {
            drop(socket.send(b"READY=1\nSTATUS=recording"));
        }
    }

    /// Calls `show` whenever a status is asked for by SIGUSR1, until [`Control::no_more_status`].
    pub fn each_status(&self, show: impl Fn()) {
        while self.status.recv().is_ok() {
            if self.status_ends.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
                return;
            }
            show();
        }
    }

    /// See [`Control::each_status`].
    pub fn no_more_status(&self) {
        let last = self.status_ends.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(last) = last {
            let _ = last.send(());
        }
    }

    /// Waits for the end of everything.
    pub fn wait(mut self) -> anyhow::Result<Story> {
        if let Some(edges) = self.edges.take() {
            drop(edges.join());
        }
        drop(std::fs::remove_file(socket_path(&Control::folder(), std::process::id())));
        let recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (_, story) = recorder.context("the recorder is gone")?.wait()?;
        Ok(story)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn socket_path(folder: &Path, pid: u32) -> PathBuf {
    folder.join(format!("{pid}.sock"))
}

/// Makes a folder that nobody else can write to, and makes sure that it is one.
pub fn private(folder: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700).create(folder).with_context(|| shown(folder))?;
    let about = std::fs::symlink_metadata(folder).with_context(|| shown(folder))?;
    // Somebody else could have made it before, to listen in or to write.
    let (user, group) = user();
    let mine = about.is_dir() && [user, rustix::process::getuid().as_raw()].contains(&about.uid());
    if !mine || about.permissions().mode() & 0o022 != 0 {
        bail!("{}: belongs to somebody else, or others may write there", shown(folder));
    }
    if group.is_some() {
        std::os::unix::fs::lchown(folder, Some(user), group).with_context(|| shown(folder))?;
    }
    Ok(())
}

/// Whose capture this is: under sudo, of who called it. With the group where that has to be changed.
fn user() -> (u32, Option<u32>) {
    let number = |name| std::env::var(name).ok()?.parse::<u32>().ok();
    let own = rustix::process::getuid().as_raw();
    match (own, number("SUDO_UID"), number("SUDO_GID")) {
        (0, Some(user), Some(group)) => (user, Some(group)),
        _ => (own, None),
    }
}

/// Folder of temporary recordings.
pub fn temporary() -> PathBuf {
    std::env::temp_dir().join(format!("phonehome-{}", user().0))
}

fn listen(folder: &Path) -> anyhow::Result<std::os::unix::net::UnixListener> {
    private(folder)?;
    let path = socket_path(folder, std::process::id());
    // Left by a process that had this number before.
    drop(std::fs::remove_file(&path));
    let listener = std::os::unix::net::UnixListener::bind(&path).with_context(|| shown(&path))?;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
        .with_context(|| shown(&path))?;
    if let (user, Some(group)) = user() {
        std::os::unix::fs::lchown(&path, Some(user), Some(group)).with_context(|| shown(&path))?;
    }
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// The service manager's socket, where one started this (sd_notify(3)).
fn notifier() -> Option<UnixDatagram> {
    let name = std::env::var_os("NOTIFY_SOCKET")?;
    let socket = UnixDatagram::unbound().ok()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = name.as_encoded_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt;
        let address = std::os::unix::net::SocketAddr::from_abstract_name(name).ok()?;
        socket.connect_addr(&address).ok()?;
        return Some(socket);
    }
    socket.connect(name).ok()?;
    Some(socket)
}

/// How often the service manager is told that all is well, where it wants to be: twice as often.
fn watchdog() -> Duration {
    let microseconds = std::env::var("WATCHDOG_USEC").ok().and_then(|text| text.parse().ok());
    microseconds.map_or(Duration::from_secs(10), |all| Duration::from_micros(all) / 2)
}

struct Edges {
    recorder: Arc<Mutex<Option<Recorder>>>,
    finished: Finished,
    duration: Option<Duration>,
    plan: Option<Run>,
    begun: Instant,
    shared: Arc<Shared>,
    ask: Option<Ask>,
    greeting: String,
    asked: Sender<()>,
    notify: Option<UnixDatagram>,
    story: Arc<Mutex<Story>>,
}

/// How often it is looked whether the recorder still runs.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// After how long without a word from the recorder not all is well.
const SILENT_MOST: Duration = Duration::from_secs(5);

impl Edges {
    async fn run(mut self, listener: std::os::unix::net::UnixListener) {
        let kinds = [
            SignalKind::interrupt(),
            SignalKind::terminate(),
            SignalKind::hangup(),
            SignalKind::user_defined1(),
        ];
        let [Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup), Ok(mut user)] =
            kinds.map(signal)
        else {
            return self.finished.set();
        };
        let Ok(listener) = UnixListener::from_std(listener) else { return self.finished.set() };
        let mut look = tokio::time::interval(LOOK_EVERY);
        let every = watchdog();
        // Not before it is told that everything is open.
        let first = tokio::time::Instant::now() + every;
        let mut watchdog = tokio::time::interval_at(first, every);
        let mut left = Box::pin(tokio::time::sleep(self.duration.unwrap_or(Duration::MAX / 4)));
        let mut over = false;
        loop {
            tokio::select! {
                _ = interrupt.recv() => self.signalled("interrupted by the operator"),
                _ = terminate.recv() => self.signalled("terminated"),
                _ = hangup.recv() => { self.order(&Order::Rotate); }
                _ = user.recv() => drop(self.asked.send(())),
                () = &mut left, if !over && self.duration.is_some() => {
                    over = true;
                    self.stop("the time asked for is over");
                }
                Ok((stream, _)) = listener.accept() => self.serve(stream).await,
                _ = watchdog.tick() => if self.is_recording() {
                    self.notify(b"WATCHDOG=1");
                },
                _ = look.tick() => {
                    self.carry_out();
                    if self.has_ended() {
                        self.notify(b"STOPPING=1");
                        return self.finished.set();
                    }
                }
            }
        }
    }

    /// Whether the recorder still says something: one that hangs is not restarted by itself.
    fn is_recording(&self) -> bool {
        lock(&self.story).heard.is_some_and(|heard| heard.elapsed() < SILENT_MOST)
    }

    fn notify(&self, what: &[u8]) {
        if let Some(socket) = &self.notify {
            drop(socket.send(what));
        }
    }

    fn order(&self, order: &Order) -> bool {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.as_mut().is_some_and(|recorder| recorder.order(order).is_ok())
    }

    /// Carries the plan on.
    fn carry_out(&mut self) {
        let Some(plan) = &mut self.plan else { return };
        let answer = lock(&self.shared.answer).take();
        for say in plan.tick(self.begun.elapsed(), answer.as_deref()) {
            match say {
                Say::Ask(question) => {
                    if let Some(ask) = &self.ask {
                        ask(question.as_deref());
                    }
                    *lock(&self.shared.question) = question;
                }
                Say::Mark(text) => {
                    self.order(&Order::Mark(text));
                }
                Say::Phase(phase) => {
                    self.order(&Order::Phase(phase));
                }
                Say::End => self.stop("the plan is over"),
            }
        }
    }

    fn signalled(&self, why: &str) {
        self.shared.signalled.store(true, Ordering::Relaxed);
        self.stop(why);
    }

    fn stop(&self, why: &str) {
        self.order(&Order::Stop(why.to_owned()));
    }

    fn has_ended(&self) -> bool {
        let mut recorder = self.recorder.lock().unwrap_or_else(PoisonError::into_inner);
        recorder.as_mut().is_none_or(Recorder::has_ended)
    }

    /// One order of another shell. It has a second to say it.
    async fn serve(&self, stream: tokio::net::UnixStream) {
        let talk = async {
            let (reader, mut writer) = stream.into_split();
            writer.write_all(format!("{}\n", self.greeting).as_bytes()).await.ok()?;
            let mut line = String::new();
            let limited = reader.take(ORDER_BYTES_MAX);
            tokio::io::BufReader::new(limited).read_line(&mut line).await.ok()?;
            let wish: Wish = serde_json::from_str(&line).ok()?;
            let granted = match wish {
                Wish::Mark(text) => self.order(&Order::Mark(text)),
                Wish::Phase(phase) => self.order(&Order::Phase(phase)),
                Wish::Answer(text) => self.shared.answer(text),
            };
            let time: Timestamp = Clocks::now().wall;
            let answer = if granted { time.to_string() } else { "refused".to_owned() };
            writer.write_all(format!("{answer}\n").as_bytes()).await.ok()
        };
        drop(tokio::time::timeout(Duration::from_secs(1), talk).await);
    }
}

/// Sends a wish to the capture that runs, or to the one with this process number. Returns when it
/// was noted.
pub fn send(pid: Option<u32>, wish: &Wish) -> anyhow::Result<String> {
    let folder = Control::folder();
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
        let Ok(stream) = UnixStream::connect(entry.path()) else {
            // Its process is gone.
            drop(std::fs::remove_file(entry.path()));
            continue;
        };
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        let mut reader = BufReader::new(stream.try_clone()?.take(ORDER_BYTES_MAX));
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let greeting: Greeting = serde_json::from_str(&line).context("an unclear capture")?;
        found.push((greeting, reader, stream));
    }
    if let Some(pid) = pid {
        found.retain(|(greeting, ..)| greeting.pid == pid);
    }
    let known: Vec<String> = found
        .iter()
        .map(|(greeting, ..)| match &greeting.recording {
            Some(recording) => format!("{} (into {recording})", greeting.pid),
            None => greeting.pid.to_string(),
        })
        .collect();
    let (mut reader, mut stream) = match found.pop() {
        Some((_, reader, stream)) if found.is_empty() => (reader, stream),
        Some(_) => bail!("several captures run; choose one with --pid: {}", known.join(", ")),
        None => bail!("no capture of yours runs; start one with `phonehome capture` or `watch`"),
    };
    writeln!(stream, "{}", serde_json::to_string(wish)?)?;
    let mut answer = String::new();
    reader.read_line(&mut answer).context("the capture does not answer")?;
    match answer.trim() {
        "refused" | "" => bail!("the capture refused"),
        noted => Ok(noted.to_owned()),
    }
}
