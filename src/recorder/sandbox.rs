//! What the recorder and the analysis give up once they have what they need. Best effort: what the
//! kernel does not offer is said, not hidden.

use serde::{Deserialize, Serialize};

/// One thing that a process is protected by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// What.
    pub what: String,
    /// Whether it holds, as the kernel answered.
    pub holds: bool,
}

#[cfg(target_os = "linux")]
pub use linux::{drop_thread, keep_reopening, protect_analysis, protect_recorder, with_reopening};

#[cfg(not(target_os = "linux"))]
pub use elsewhere::{
    drop_thread, keep_reopening, protect_analysis, protect_recorder, with_reopening,
};

#[cfg(target_os = "linux")]
mod linux {
    use super::Protection;
    use caps::{CapSet, Capability};
    use landlock::{
        ABI, Access, AccessFs, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus,
        path_beneath_rules,
    };
    use nix::unistd::{Gid, Uid, geteuid, setgroups, setresgid, setresuid};
    use seccompiler::{
        SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule, apply_filter,
    };
    use std::collections::{BTreeMap, HashSet};
    use std::path::Path;

    /// Newest version of Landlock whose file rights are asked for; older kernels hold what they can.
    const LANDLOCK: ABI = ABI::V5;

    /// Gives up everything that recording does not need, in this thread and those it starts. What
    /// stays is the right to open an interface that comes back, not in use until
    /// [`with_reopening`].
    pub fn protect_recorder(folder: &Path, owned: &[&Path]) -> Vec<Protection> {
        let user = become_user(owned);
        let kept: HashSet<Capability> = [Capability::CAP_NET_RAW].into();
        let lowered = lower_capabilities(&kept);
        let files = restrict_files(&[folder]);
        let calls = filter_calls(&recorder_calls());
        let may_reopen = caps::has_cap(None, CapSet::Permitted, Capability::CAP_NET_RAW);
        let capabilities = match may_reopen {
            Ok(true) => "no capability in use; NET_RAW is kept for an interface that comes back",
            _ => "no capability in use, none kept",
        };
        let mut protections = vec![
            Protection { what: capabilities.to_owned(), holds: lowered },
            new_privileges(),
            Protection {
                what: "no connection, no other program (seccomp)".to_owned(),
                holds: calls,
            },
            Protection { what: "writes only where it records (Landlock)".to_owned(), holds: files },
        ];
        if let Some((uid, holds)) = user {
            let what = format!("runs as user {uid}, who called sudo");
            protections.insert(0, Protection { what, holds });
        }
        protections
    }

    /// Gives up everything that analysis does not need: all capabilities, connections, other
    /// programs, writing anywhere but below these folders.
    pub fn protect_analysis(folders: &[&Path]) -> Vec<Protection> {
        // What it reads belongs to the same user.
        let user = become_user(&[]);
        let lowered = lower_capabilities(&HashSet::new());
        let files = restrict_files(folders);
        let calls = filter_calls(&analysis_calls());
        let user = user.map(|(uid, holds)| Protection {
            what: format!("analysis: runs as user {uid}, who called sudo"),
            holds,
        });
        let mut protections = vec![
            Protection { what: "analysis: no capability".to_owned(), holds: lowered },
            Protection {
                what: "analysis: no connection, no other program (seccomp)".to_owned(),
                holds: calls,
            },
            Protection {
                what: "analysis: writes only to its own folders (Landlock)".to_owned(),
                holds: files,
            },
        ];
        protections.extend(user);
        protections
    }

    /// Gives up, in this thread, also what was kept for reopening.
    pub fn drop_thread() {
        drop(caps::clear(None, CapSet::Effective));
        drop(caps::clear(None, CapSet::Permitted));
        drop(caps::clear(None, CapSet::Inheritable));
    }

    /// This thread may have to open an interface once more: it keeps what that needs, unused.
    pub fn keep_reopening() {
        drop(caps::clear(None, CapSet::Effective));
    }

    /// Takes the kept right into use while `attempt` runs.
    pub fn with_reopening<T>(attempt: impl FnOnce() -> T) -> T {
        drop(caps::raise(None, CapSet::Effective, Capability::CAP_NET_RAW));
        let result = attempt();
        drop(caps::clear(None, CapSet::Effective));
        result
    }

    /// Under sudo: becomes the user who called it, so that what is recorded belongs to them.
    fn become_user(owned: &[&Path]) -> Option<(Uid, bool)> {
        if !geteuid().is_root() {
            return None;
        }
        let number = |name| std::env::var(name).ok()?.parse::<u32>().ok();
        let (uid, gid) = (number("SUDO_UID")?, number("SUDO_GID")?);
        if uid == 0 {
            return None;
        }
        let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
        for path in owned {
            drop(std::os::unix::fs::chown(path, Some(uid.as_raw()), Some(gid.as_raw())));
        }
        let switch = || -> nix::Result<()> {
            rustix::thread::set_keep_capabilities(true)
                .map_err(|error| nix::Error::from_raw(error.raw_os_error()))?;
            setgroups(&[])?;
            setresgid(gid, gid, gid)?;
            setresuid(uid, uid, uid)
        };
        Some((uid, switch().is_ok() && geteuid() == uid))
    }

    /// Keeps `kept` where it is there, unused; true where nothing is in use and nothing else kept.
    fn lower_capabilities(kept: &HashSet<Capability>) -> bool {
        let lower = || -> Result<bool, caps::errors::CapsError> {
            let permitted = caps::read(None, CapSet::Permitted)?;
            drop(caps::clear(None, CapSet::Ambient));
            let may_bound = permitted.contains(&Capability::CAP_SETPCAP);
            caps::set(None, CapSet::Inheritable, &HashSet::new())?;
            if may_bound {
                // What was dropped here cannot come back through a program started later.
                caps::raise(None, CapSet::Effective, Capability::CAP_SETPCAP)?;
                caps::clear(None, CapSet::Bounding)?;
            }
            let kept: HashSet<Capability> = permitted.intersection(kept).copied().collect();
            caps::clear(None, CapSet::Effective)?;
            caps::set(None, CapSet::Permitted, &kept)?;
            Ok(caps::read(None, CapSet::Effective)?.is_empty()
                && caps::read(None, CapSet::Permitted)? == kept)
        };
        lower().unwrap_or(false)
    }

    /// Reading stays allowed: libpcap and the clock need files of the system.
    fn restrict_files(writable: &[&Path]) -> bool {
        let restrict = || -> Result<RulesetStatus, landlock::RulesetError> {
            let read = AccessFs::ReadFile | AccessFs::ReadDir;
            let everything = AccessFs::from_all(LANDLOCK);
            // The terminal and the bin of the system are written to, and never made.
            let write = AccessFs::WriteFile | AccessFs::ReadFile | AccessFs::IoctlDev;
            let status = Ruleset::default()
                .handle_access(everything)?
                .create()?
                .add_rules(path_beneath_rules(["/"], read))?
                .add_rules(path_beneath_rules(["/dev"], write))?
                .add_rules(path_beneath_rules(writable, everything))?
                .restrict_self()?;
            Ok(status.ruleset)
        };
        matches!(restrict(), Ok(RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced))
    }

    fn new_privileges() -> Protection {
        let holds = rustix::thread::no_new_privs().unwrap_or(false);
        Protection { what: "no new privileges".to_owned(), holds }
    }

    type Calls = BTreeMap<i64, Vec<SeccompRule>>;

    /// Calls that start programs, look into others, or change the system.
    fn never() -> Calls {
        [
            libc::SYS_execve,
            libc::SYS_execveat,
            libc::SYS_ptrace,
            libc::SYS_process_vm_readv,
            libc::SYS_process_vm_writev,
            libc::SYS_mount,
            libc::SYS_umount2,
            libc::SYS_pivot_root,
            libc::SYS_chroot,
            libc::SYS_init_module,
            libc::SYS_finit_module,
            libc::SYS_delete_module,
            libc::SYS_kexec_load,
            libc::SYS_bpf,
            libc::SYS_keyctl,
            libc::SYS_add_key,
            libc::SYS_request_key,
            libc::SYS_settimeofday,
            libc::SYS_clock_settime,
            libc::SYS_setns,
            libc::SYS_unshare,
        ]
        .into_iter()
        .map(|call| (call, Vec::new()))
        .collect()
    }

    fn recorder_calls() -> Calls {
        let mut calls = never();
        for call in [libc::SYS_connect, libc::SYS_listen, libc::SYS_accept, libc::SYS_accept4] {
            calls.insert(call, Vec::new());
        }
        calls.insert(libc::SYS_socket, sockets(&[libc::AF_INET, libc::AF_INET6]));
        calls
    }

    fn analysis_calls() -> Calls {
        let mut calls = never();
        let families = [libc::AF_INET, libc::AF_INET6, libc::AF_PACKET, libc::AF_NETLINK];
        calls.insert(libc::SYS_socket, sockets(&families));
        calls
    }

    fn sockets(families: &[i32]) -> Vec<SeccompRule> {
        let rule = |&family: &i32| {
            let is = SeccompCmpOp::Eq;
            let family = family as u64;
            let condition = SeccompCondition::new(0, SeccompCmpArgLen::Dword, is, family).ok()?;
            SeccompRule::new(vec![condition]).ok()
        };
        families.iter().filter_map(rule).collect()
    }

    /// These calls are answered with EPERM from now on.
    fn filter_calls(calls: &Calls) -> bool {
        let Ok(architecture) = std::env::consts::ARCH.try_into() else { return false };
        let refuse = SeccompAction::Errno(libc::EPERM as u32);
        let filter = SeccompFilter::new(calls.clone(), SeccompAction::Allow, refuse, architecture);
        let program = filter.and_then(TryInto::<seccompiler::BpfProgram>::try_into);
        program.is_ok_and(|program| apply_filter(&program).is_ok())
    }
}

#[cfg(not(target_os = "linux"))]
mod elsewhere {
    use super::Protection;
    use std::path::Path;

    fn nothing() -> Vec<Protection> {
        let what = "this system offers no protection that phonehome knows".to_owned();
        vec![Protection { what, holds: false }]
    }

    /// Nothing to be given up here.
    pub fn protect_recorder(_: &Path, _: &[&Path]) -> Vec<Protection> {
        nothing()
    }

    /// Nothing to be given up here.
    pub fn protect_analysis(_: &[&Path]) -> Vec<Protection> {
        nothing()
    }

    /// Nothing to be given up here.
    pub fn drop_thread() {}

    /// Nothing to be given up here.
    pub fn keep_reopening() {}

    /// As it is.
    pub fn with_reopening<T>(attempt: impl FnOnce() -> T) -> T {
        attempt()
    }
}
