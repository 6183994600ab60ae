//! Whether an interface is up, as the system's files say. Where there are no such files nothing is
//! ever said.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// What happened to an interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was switched off, or lost its link.
    Down,
    /// It is back.
    Up,
}

/// Watches one interface.
pub(super) struct LinkState {
    flags: Option<File>,
    carrier: Option<File>,
    up: bool,
}

/// IFF_UP of Linux's netdevice(7).
const IFF_UP: u32 = 1;

impl LinkState {
    pub fn new(interface: &str) -> LinkState {
        let folder = Path::new("/sys/class/net").join(interface);
        // A name with a slash in it is not one.
        let known = !interface.contains('/') && folder.is_dir();
        let open = |name| known.then(|| File::open(folder.join(name)).ok()).flatten();
        let (flags, carrier) = (open("flags"), open("carrier"));
        let mut state = LinkState { flags, carrier, up: true };
        state.up = state.is_up();
        state
    }

    pub fn change(&mut self) -> Option<Change> {
        let up = self.is_up();
        let change = (up != self.up).then_some(if up { Change::Up } else { Change::Down });
        self.up = up;
        change
    }

    fn is_up(&mut self) -> bool {
        let Some(flags) = self.flags.as_mut().and_then(read) else { return self.up };
        let flags = flags.strip_prefix("0x").and_then(|hex| u32::from_str_radix(hex, 16).ok());
        // Not readable while the interface is down.
        let carrier = self.carrier.as_mut().and_then(read);
        flags.is_none_or(|flags| flags & IFF_UP != 0) && carrier.as_deref() != Some("0")
    }
}

/// These files are made anew with each reading from their beginning.
fn read(file: &mut File) -> Option<String> {
    let mut text = [0; 32];
    file.seek(SeekFrom::Start(0)).ok()?;
    let length = file.read(&mut text).ok()?;
    Some(String::from_utf8_lossy(&text[..length]).trim().to_owned())
}
