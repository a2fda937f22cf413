//! How a worker shuts itself in before it sees the first byte of a picture.
//!
//! Four fences, each enough on its own to keep most mishaps in, and each put up as far as the
//! system allows:
//!
//! - **Limits** of the kernel (`setrlimit`): address space, processor time, file size, open files,
//!   no core dumps, no new processes. They always work.
//! - **Ties**: the worker is the first to go when memory is short (`oom_score_adj`), and goes when
//!   its parent does.
//! - **Landlock**: no file can be opened, no TCP port used, no signal sent outside. The descriptors
//!   that were handed over are not affected.
//! - **seccomp**: only the system calls that computing, reading and writing need. Everything else
//!   fails with `EPERM`, which libraries take well; what only an intruder would call kills.
//!
//! Landlock and seccomp may be missing (an old kernel, a container in a container). The worker
//! then goes on with what is left and says so: see [`Sandbox`].
//!
//! Of the system calls, `openat` and its kin are refused even where Landlock would, `mmap` and
//! `mprotect` may not make memory executable, `ioctl` knows only the reflink, and signals can be
//! sent only to oneself (`abort`).
//!
//! A worker is one thread, unless it is one for large pictures: then it has helpers
//! ([`crate::imaging::hands`]), and every fence holds for them as for itself. They are started
//! between the fences: Landlock binds the thread that puts it up and all that it starts later, so
//! they are born behind it, with `no_new_privs`; limits bind the process; and the filters of system
//! calls are put on all threads at once (`SECCOMP_FILTER_FLAG_TSYNC`), which succeeds for all of
//! them or fails. So what [`Sandbox`] says holds for each thread. After that none can be started.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use landlock::{
    ABI, Access, AccessFs, AccessNet, LandlockStatus, Ruleset, RulesetAttr, RulesetError,
    RulesetStatus, Scope,
};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use rustix::time::ClockId;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};
use serde::{Deserialize, Serialize};

use super::wire::{MAX_FILES, Setup};
use crate::imaging::hands::Helpers;

/// `ioctl_ficlone(2)`; C libraries differ in its type.
const FICLONE: u64 = 0x4004_9409;

/// Stack of a helper in bytes: what is done in bands keeps its pictures elsewhere.
const HELPER_STACK: usize = 1 << 20;

/// Address space that a helper takes: its stack, the page that guards it, and another for signals.
pub(super) const HELPER_SPACE: u64 = (HELPER_STACK + (64 << 10)) as u64;

/// How far one fence stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Held {
    /// Entirely.
    Fully,
    /// In part, and why not entirely.
    Partly(String),
    /// Not at all, and why.
    Not(String),
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fully => f.write_str("full"),
            Self::Partly(why) => write!(f, "partial ({why})"),
            Self::Not(why) => write!(f, "none ({why})"),
        }
    }
}

/// What a worker is confined by, as it reports itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Sandbox {
    /// Memory, time, files, processes.
    pub limits: Held,
    /// Dying first and with the parent.
    pub ties: Held,
    /// No file, no TCP.
    pub landlock: Held,
    /// Few system calls.
    pub seccomp: Held,
}

impl Sandbox {
    /// Tells whether every fence stands entirely.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let Self { limits, ties, landlock, seccomp } = self;
        [limits, ties, landlock, seccomp].into_iter().all(|held| *held == Held::Fully)
    }
}

impl fmt::Display for Sandbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limits, ties, landlock, seccomp } = self;
        write!(f, "limits {limits}, ties {ties}, landlock {landlock}, seccomp {seccomp}")
    }
}

/// Shuts the calling process in, for good, as far as the system allows, with its helpers.
///
/// There must be no other thread yet.
pub(super) fn enter(setup: &Setup) -> (Sandbox, Helpers) {
    // The order matters: each step needs what a later one takes away, and gives what a later
    // thread is to have.
    let ties = held(&tie());
    let landlock = forbid_files().unwrap_or_else(|error| Held::Not(error.to_string()));
    let helpers = Helpers::start(setup.helpers, HELPER_STACK);
    let limits = held(&limit(setup));
    let seccomp = match forbid_calls() {
        Ok(()) => Held::Fully,
        Err(error) => Held::Not(error.to_string()),
    };
    (Sandbox { limits, ties, landlock, seccomp }, helpers)
}

fn held(failures: &[String]) -> Held {
    if failures.is_empty() { Held::Fully } else { Held::Partly(failures.join(", ")) }
}

fn tie() -> Vec<String> {
    let mut failures = Vec::new();
    let mut note = |what: &str, result: io::Result<()>| {
        if let Err(error) = result {
            failures.push(format!("{what}: {error}"));
        }
    };
    note(
        "parent death signal",
        rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).map_err(Into::into),
    );
    note("name", rustix::thread::set_name(c"exportd-worker").map_err(Into::into));
    note("no new privileges", rustix::thread::set_no_new_privs(true).map_err(Into::into));
    note(
        "oom_score_adj",
        std::fs::OpenOptions::new()
            .write(true)
            .open("/proc/self/oom_score_adj")
            .and_then(|mut file| file.write_all(b"900")),
    );
    failures
}

fn limit(setup: &Setup) -> Vec<String> {
    // What is open already (three standard streams, the socket) and one request's descriptors.
    let files = MAX_FILES as u64 + 8;
    let limits = [
        ("memory", Resource::As, setup.memory + setup.helpers as u64 * HELPER_SPACE),
        ("file size", Resource::Fsize, setup.max_output),
        ("open files", Resource::Nofile, files),
        ("core", Resource::Core, 0),
        ("processes", Resource::Nproc, 0),
    ];
    let mut failures = Vec::new();
    for (what, resource, most) in limits {
        let most = getrlimit(resource).maximum.map_or(most, |hard| hard.min(most));
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        if let Err(error) = setrlimit(resource, limit) {
            failures.push(format!("{what}: {error}"));
        }
    }
    if let Err(error) = grant_time(setup.seconds) {
        failures.push(format!("time: {error}"));
    }
    failures
}

/// Allows this process another so many seconds of processor time, counted from now; those of all
/// its threads count.
///
/// The parent's deadline comes first as a rule; this holds when the parent is stopped.
///
/// # Errors
/// The system's.
pub(super) fn grant_time(seconds: u64) -> io::Result<()> {
    let spent = rustix::time::clock_gettime(ClockId::ProcessCPUTime);
    let spent = u64::try_from(spent.tv_sec).unwrap_or(0);
    let hard = getrlimit(Resource::Cpu).maximum;
    // One more for the second that has begun.
    let wanted = spent.saturating_add(seconds).saturating_add(1);
    let soft = hard.map_or(wanted, |hard| hard.min(wanted));
    Ok(setrlimit(Resource::Cpu, Rlimit { current: Some(soft), maximum: hard })?)
}

/// Rounds a duration up to whole seconds, at least one.
pub(super) fn whole_seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0)).max(1)
}

fn forbid_files() -> Result<Held, RulesetError> {
    // Everything a ruleset handles and no rule allows is refused; there are no rules.
    let abi = ABI::V6;
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    let why = match status.landlock {
        LandlockStatus::NotEnabled => "not enabled in this kernel",
        LandlockStatus::NotImplemented => "not in this kernel",
        LandlockStatus::Available { .. } => "this kernel knows an older form",
    };
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => Held::Fully,
        RulesetStatus::PartiallyEnforced => Held::Partly(why.into()),
        RulesetStatus::NotEnforced => Held::Not(why.into()),
    })
}

/// Installs two filters for all threads; the kernel heeds the stricter answer of both.
fn forbid_calls() -> Result<(), seccompiler::Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH)?;
    let deadly = filter(deadly(), SeccompAction::Allow, SeccompAction::KillProcess, arch)?;
    let refuse = SeccompAction::Errno(libc::EPERM.unsigned_abs());
    let allowed = filter(allowed()?, refuse, SeccompAction::Allow, arch)?;
    // The second is last: it does not allow another.
    seccompiler::apply_filter_all_threads(&deadly)?;
    seccompiler::apply_filter_all_threads(&allowed)
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn filter(
    rules: Rules,
    otherwise: SeccompAction,
    matched: SeccompAction,
    arch: TargetArch,
) -> Result<BpfProgram, seccompiler::BackendError> {
    SeccompFilter::new(rules, otherwise, matched, arch)?.try_into()
}

/// Calls no decoder, no library and no mistake makes, only somebody who has taken over.
fn deadly() -> Rules {
    [
        libc::SYS_execve,
        libc::SYS_execveat,
        libc::SYS_ptrace,
        libc::SYS_process_vm_readv,
        libc::SYS_process_vm_writev,
        libc::SYS_bpf,
        libc::SYS_io_uring_setup,
        libc::SYS_userfaultfd,
        libc::SYS_perf_event_open,
        libc::SYS_unshare,
        libc::SYS_setns,
        libc::SYS_mount,
        libc::SYS_pivot_root,
        libc::SYS_init_module,
        libc::SYS_finit_module,
        libc::SYS_add_key,
        libc::SYS_keyctl,
    ]
    .map(|call| (call, Vec::new()))
    .into()
}

/// What computing, reading and writing through open descriptors needs.
fn allowed() -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules = [
        // descriptors
        libc::SYS_read,
        libc::SYS_readv,
        libc::SYS_pread64,
        libc::SYS_write,
        libc::SYS_writev,
        libc::SYS_pwrite64,
        libc::SYS_lseek,
        libc::SYS_close,
        libc::SYS_fstat,
        libc::SYS_fsync,
        libc::SYS_fdatasync,
        libc::SYS_ftruncate,
        libc::SYS_fallocate,
        libc::SYS_fadvise64,
        libc::SYS_copy_file_range,
        libc::SYS_recvmsg,
        libc::SYS_sendmsg,
        // memory
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_brk,
        libc::SYS_madvise,
        // time, chance, locks
        libc::SYS_clock_gettime,
        libc::SYS_clock_getres,
        libc::SYS_clock_nanosleep,
        libc::SYS_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_getrandom,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_sched_getaffinity,
        libc::SYS_getrusage,
        // signals of our own, ending
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_restart_syscall,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ]
    .map(|call| (call, Vec::new()))
    .into();
    let own = u64::from(std::process::id());
    let executable = u64::from(libc::PROT_EXEC.unsigned_abs());
    let not_executable = when(2, SeccompCmpOp::MaskedEq(executable), 0)?;
    for (call, rule) in [
        (libc::SYS_mmap, vec![not_executable.clone()]),
        (libc::SYS_mprotect, vec![not_executable]),
        (libc::SYS_ioctl, vec![when(1, SeccompCmpOp::Eq, FICLONE)?]),
        (libc::SYS_kill, vec![when(0, SeccompCmpOp::Eq, own)?]),
        (libc::SYS_tgkill, vec![when(0, SeccompCmpOp::Eq, own)?]),
        (libc::SYS_prlimit64, vec![when(0, SeccompCmpOp::Eq, 0)?, when(0, SeccompCmpOp::Eq, own)?]),
        (
            libc::SYS_fcntl,
            vec![
                when(1, SeccompCmpOp::Eq, u64::from(libc::F_GETFD.unsigned_abs()))?,
                when(1, SeccompCmpOp::Eq, u64::from(libc::F_GETFL.unsigned_abs()))?,
            ],
        ),
    ] {
        rules.insert(call, rule);
    }
    Ok(rules)
}

/// Makes a rule on the lower half of one argument, from 0.
fn when(
    argument: u8,
    compare: SeccompCmpOp,
    value: u64,
) -> Result<SeccompRule, seccompiler::BackendError> {
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, compare, value)?;
    SeccompRule::new(vec![condition])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_compile_and_never_both_allow_and_kill() {
        let arch = TargetArch::try_from(std::env::consts::ARCH).unwrap();
        let (deadly, allowed) = (deadly(), allowed().unwrap());
        assert!(deadly.keys().all(|call| !allowed.contains_key(call)));
        for call in [libc::SYS_openat, libc::SYS_socket, libc::SYS_connect, libc::SYS_clone3] {
            assert!(!allowed.contains_key(&call));
        }
        filter(deadly, SeccompAction::Allow, SeccompAction::KillProcess, arch).unwrap();
        filter(allowed, SeccompAction::Errno(1), SeccompAction::Allow, arch).unwrap();
    }

    #[test]
    fn a_part_of_a_second_counts_as_one() {
        assert_eq!(whole_seconds(Duration::ZERO), 1);
        assert_eq!(whole_seconds(Duration::from_millis(1001)), 2);
        assert_eq!(whole_seconds(Duration::from_secs(120)), 120);
    }

    #[test]
    fn a_sandbox_says_what_it_lacks() {
        let sandbox = Sandbox {
            limits: Held::Fully,
            ties: Held::Partly("oom_score_adj: denied".into()),
            landlock: Held::Not("not in this kernel".into()),
            seccomp: Held::Fully,
        };
        assert!(!sandbox.is_full());
        assert_eq!(
            sandbox.to_string(),
            "limits full, ties partial (oom_score_adj: denied), landlock none (not in this \
             kernel), seccomp full"
        );
    }
}
