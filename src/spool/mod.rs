//! The spool: the life of a manifest on disk, from the drop folder to its last resting place.
//!
//! ```text
//! DROP/                       people's; NAME.toml to run, NAME.toml.FAILED.txt when refused
//!   .exportd/control/         requests of the command line, see `control`
//!   .exportd/taken/           a manifest on its way out of the drop folder, for an instant
//! SPOOL/                      ours alone (0700), one file system, no bind mount inside it
//!   lock                      flock; a second daemon ends with AlreadyRunning
//!   farewell                  jobs whose last attempt does not count, until the next start
//!   number                    upper end of the job numbers that may be in use
//!   ballast                   4 MiB that are given up on a full disk, so that jobs can still end
//!   tmp/                      being written or being removed; nothing here was ever promised
//!   queue/ID/                 accepted, waits to be claimed
//!   active/ID/                claimed
//!   scheduled/ID/             waits for its time (`due.json`)
//!   hold/ID/                  put aside by a person, or written by a later release
//!   done/ID/  failed/ID/      finished; kept some days
//!   corrupt/ID/               could not be understood, or broke the daemon three times
//!     manifest.toml           the bytes as received
//!     job.json                the record: whose it is, what it was
//!     journal                 every step since, see `journal`
//! ```
//! The state of a job is the folder its own folder lies in; every change of state is one rename.
//! So `ls` is the status display, and `mv` between `queue`, `hold` and `failed` is allowed at any
//! time. `ID` follows from the dropped file alone ([`JobId`]), and one `ID` is in one state folder
//! only.
//!
//! # The way through, and what a crash leaves
//! 1. **Settle.** Only listing the drop folder counts; events of the watcher wake us and tell which
//!    names came by rename. In a flood one listing serves several scans (see `backlog`). A file is taken when it is complete (see [`Settle`]). *Crash:* nothing
//!    has happened; it settles again.
//! 2. **Accept.** Bytes and record are written to `tmp/ID/` and synced, the folder is synced, then
//!    renamed to `queue/ID` and both parents synced. **That rename is the promise.** *Crash before
//!    it:* the manifest is still in the drop folder and `tmp/` is emptied. *After it:* the scan
//!    computes the same `ID`, finds it in some state folder, syncs that folder (a killed process
//!    may have renamed without having synced) and goes on with step 3 only. A copy
//!    and not a rename of the dropped file, because under a hardened unit the two folders are
//!    different mounts, and because whoever wrote the file may still hold it open.
//! 3. **Clear.** The old refusal note goes, then the dropped file: it is renamed to
//!    `.exportd/taken/ID`, looked at once more and removed. The detour is there because between
//!    looking at a name and removing it somebody may have put a new manifest under that name; one
//!    that is not what was accepted is put back. *Crash:* a file left in `taken` is removed when it
//!    is the one of job `ID`, else put back.
//! 4. **Claim.** `queue/ID` is renamed to `active/ID`, and `attempt n` is durable in the journal
//!    before any work. *Crash:* the daemon holds the lock, so whatever is in `active` at the start
//!    was interrupted: back to `queue`, where the next attempt reads from the journal how far it
//!    was. An attempt is not interrupted when the daemon said so as it ended ([`Spool::farewell`]):
//!    that it cannot write a journal, or has no more time, is no job's fault. After the third
//!    interrupted attempt the job is handed out once more, only to be reported
//!    on ([`Recovered::poisoned`]), and then rests in `corrupt`. If even that interrupts us, the
//!    next start moves it there without asking.
//! 5. **Leave.** [`Claim::finish`] journals the end, then renames to `done`, `failed` or
//!    `corrupt`. *Crash between:* the start does the rename. [`Claim::release`] (an orderly stop),
//!    [`Claim::defer`] (another time) and [`Claim::hold`] (a person said so) journal that this
//!    attempt was not interrupted, and rename to `queue`, `scheduled` or `hold`.
//! 6. **Fire.** A schedule stays in `scheduled`; each firing is a new job `ID-TIME`, made as in
//!    step 2, and only then the next time is stored. *Crash between:* the same firing is asked for
//!    again, its `ID-TIME` exists, and only the next time is stored.
//! 7. **Sweep.** A job whose days are over is renamed into `tmp/` and removed there; not
//!    while a file of its manifest's name lies in the drop folder, for if that could not be
//!    cleared, only the `ID` keeps it from running again.
//!
//! # Start
//! Lock, empty `tmp/`, then the table of step 4 for every folder in `active/`: record and journal
//! are read, nothing else, and of the other state folders only the names. What is not understood
//! goes to `corrupt/` and is said ([`Notice`]); a record of a later release goes to `hold/` as it
//! is. What the disk does not let us read now says nothing about the job: it waits in `queue/`
//! until it can be read. No single job can keep the daemon from starting, and nothing unexplained
//! is deleted.
//!
//! # Errors
//! A full disk is a state to wait in ([`Scanned::trouble`]): the manifest is still in the drop
//! folder. For ending what runs there is the ballast. Any other failure of a durable step means that memory and disk may differ; the daemon
//! ends with exit code 74 ([`SpoolError::is_fatal`]) and the next start reads what there is.

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fs::FolderLock;

mod accept;
mod backlog;
mod claim;
pub mod control;
mod disk;
mod farewell;
mod journal;
#[cfg(test)]
mod model;
mod record;
mod recover;
mod scan;
mod schedule;
mod shelf;
mod submit;
pub mod watch;

pub use claim::{Claim, Ended, MOST_ATTEMPTS};
pub use journal::{Journal, JournalError, MOST_JOURNAL_BYTES};
pub use record::{
    JobId, MOST_MANIFEST_BYTES, NotAJobId, OVERSIZE_KEPT_BYTES, RECORD_VERSION, Record,
};
pub use recover::Recovered;
pub use scan::{Came, Look, Scanned, Settle, Settling, Skipped, is_manifest_name};
pub use schedule::{Due, Scheduled};
pub use shelf::{Listed, State, list};
pub use submit::drop_manifest;

use journal::By;
use record::Unusable;
use scan::Tracker;

/// Where the spool is and what it watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Where people drop manifests.
    pub drop: PathBuf,
    /// Ours alone: queue, schedules, journals.
    pub spool: PathBuf,
    /// Somewhere else, at best in memory: for what must be said when the spool takes nothing.
    pub aside: Option<PathBuf>,
}

/// Why the spool could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process holds the spool (exit code 75).
    #[error("another daemon holds {}", .folder.display())]
    AlreadyRunning {
        /// The spool.
        folder: PathBuf,
    },
    /// The disk said no.
    #[error("cannot {doing} {}", .path.display())]
    Disk {
        /// What was tried, as an infinitive.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is no such job in a folder where this could be done to it.
    #[error("job {id} is not waiting")]
    NotWaiting {
        /// The job.
        id: JobId,
    },
}

impl SpoolError {
    /// Tells whether the daemon must end with exit code 74 and read back what there really is.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        match self {
            Self::Disk { source, .. } => !is_space(source),
            Self::Journal(error) => error.is_fatal(),
            Self::AlreadyRunning { .. } | Self::NotWaiting { .. } => false,
        }
    }
}

impl SpoolError {
    /// Tells whether there was no room, which may change by itself.
    #[must_use]
    pub fn lacks_room(&self) -> bool {
        match self {
            Self::Disk { source, .. } | Self::Journal(JournalError::Write { source, .. }) => {
                is_space(source)
            }
            Self::Journal(_) | Self::AlreadyRunning { .. } | Self::NotWaiting { .. } => false,
        }
    }
}

/// Tells whether an error means that there is no room, which may change by itself.
fn is_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// Tells whether the process lacks something that has nothing to do with the file.
fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        error.raw_os_error().map(Errno::from_raw_os_error),
        Some(Errno::MFILE | Errno::NFILE | Errno::NOMEM | Errno::INTR)
    )
}

/// Tells whether an error is about the disk or the rights on it and not about what was read: the
/// same may be read later.
fn is_passing(error: &io::Error) -> bool {
    use rustix::io::Errno;
    is_space(error)
        || matches!(
            error.raw_os_error().map(Errno::from_raw_os_error),
            Some(
                Errno::IO
                    | Errno::ACCESS
                    | Errno::PERM
                    | Errno::ROFS
                    | Errno::STALE
                    | Errno::TIMEDOUT
            )
        )
}

/// Completes a system's error: `.map_err(at("rename", &path))`.
fn at(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> SpoolError {
    move |source| SpoolError::Disk { doing, path: path.to_owned(), source }
}

/// Something in the spool that an operator should know about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What was found, below the spool, as `queue/NAME`.
    pub found: String,
    /// Where it is now, below the spool.
    pub moved_to: String,
    /// What is wrong with it; lower case, no full stop.
    pub reason: String,
}

/// The open spool; clones are the same spool.
#[derive(Debug, Clone)]
pub struct Spool {
    home: Arc<Home>,
}

/// What all parts of an open spool share.
#[derive(Debug)]
struct Home {
    folders: Folders,
    /// Taken for every change of state, so that a look through the state folders sees each job.
    shared: Mutex<Shared>,
    /// What is known of the drop folder; taken before `shared` where both are.
    tracker: Mutex<Tracker>,
    _lock: FolderLock,
}

#[derive(Debug, Default)]
struct Shared {
    waiting: Waiting,
    numbers: Numbers,
    notices: Vec<Notice>,
    /// Waiting jobs that the disk does not let us read; tried again after the next scan.
    unreadable: BTreeSet<JobId>,
}

impl Spool {
    /// Takes the spool, makes its folders and puts in order what an earlier process left.
    ///
    /// The drop folder is made too if that can be done; when not, [`Spool::scan`] says why.
    ///
    /// # Errors
    /// [`SpoolError::AlreadyRunning`], else the disk's. No job and no file in a state folder is a
    /// reason to fail.
    pub fn open(folders: &Folders) -> Result<(Self, Recovered), SpoolError> {
        recover::open(folders)
    }

    /// Takes what has been noticed since the last call.
    #[must_use]
    pub fn notices(&self) -> Vec<Notice> {
        std::mem::take(&mut self.home.shared().notices)
    }

    /// Lists the jobs in one state, oldest first, as [`list`].
    ///
    /// # Errors
    /// The system's, when the folder cannot be read.
    pub fn list(&self, state: State) -> Result<Vec<Listed>, SpoolError> {
        list(&self.home.folders, state)
    }

    /// Lists the oldest jobs in one state, at most so many, and tells how many there are. Of a
    /// hundred thousand, only the names are read.
    ///
    /// # Errors
    /// The system's, when the folder cannot be read.
    pub fn list_oldest(
        &self,
        state: State,
        most: usize,
    ) -> Result<(Vec<Listed>, usize), SpoolError> {
        shelf::list_oldest(&self.home.folders, state, most)
    }

    /// Returns the names of the jobs in one state, in no order.
    ///
    /// # Errors
    /// The system's, when the folder cannot be read.
    pub fn ids(&self, state: State) -> Result<Vec<JobId>, SpoolError> {
        shelf::ids(&self.home.folder(state))
    }

    /// Puts a waiting or scheduled job on hold.
    ///
    /// # Errors
    /// [`SpoolError::NotWaiting`], else the disk's.
    pub fn hold(&self, id: &JobId) -> Result<(), SpoolError> {
        let _shared = self.home.shared();
        let from = self.home.find_in(id, &[State::Queue, State::Scheduled])?;
        self.home.shift(id, from, State::Hold)
    }

    /// Lets a job on hold wait again, for its time if it has one.
    ///
    /// # Errors
    /// [`SpoolError::NotWaiting`] when it is not on hold, else the disk's.
    pub fn resume(&self, id: &JobId) -> Result<(), SpoolError> {
        let mut shared = self.home.shared();
        let from = self.home.find_in(id, &[State::Hold])?;
        let has_time = Due::read(&self.home.job(from, id)).is_ok();
        let to = if has_time { State::Scheduled } else { State::Queue };
        self.home.shift(id, from, to)?;
        if to == State::Queue {
            shared.waiting.push(id.clone());
        }
        Ok(())
    }

    /// Reads what a job that is not running has journalled; nothing when its journal cannot be read.
    ///
    /// The journal stays as it is, whatever is behind its last good line.
    #[must_use]
    pub fn steps<T: DeserializeOwned>(&self, id: &JobId) -> Vec<T> {
        let _shared = self.home.shared();
        let state = self.home.find_in(id, &[State::Queue, State::Scheduled, State::Hold]);
        let folder = state.map(|state| self.home.job(state, id));
        folder.map_or_else(|_| Vec::new(), |folder| journal::peek(&folder.join(record::JOURNAL)))
    }

    /// Reads the manifest of a job that is not running; `None` when it cannot be read.
    #[must_use]
    pub fn manifest(&self, id: &JobId) -> Option<Vec<u8>> {
        let _shared = self.home.shared();
        let states = [State::Queue, State::Scheduled, State::Hold];
        let folder = self.home.job(self.home.find_in(id, &states).ok()?, id);
        Record::read(&folder).ok()?.read_manifest(&folder).ok()
    }

    /// Adds steps to the journal of a job that waits or is on hold, durably; what the hold meant
    /// for it is then said.
    ///
    /// # Errors
    /// [`SpoolError::NotWaiting`], else the journal's and the disk's.
    pub fn note(&self, id: &JobId, steps: &[impl Serialize]) -> Result<(), SpoolError> {
        let _shared = self.home.shared();
        let state = self.home.find_in(id, &[State::Queue, State::Hold])?;
        let journal = Journal::open(&self.home.job(state, id).join(record::JOURNAL))?;
        self.home.with_room(|| {
            steps.iter().try_for_each(|step| journal.append_lazily(step))?;
            Ok(journal.append_by(By::Spool, &claim::Step::GoesOn)?)
        })
    }

    /// Ends a job that is not running, without a run: it goes to `done/` and stays there as long
    /// as every other.
    ///
    /// # Errors
    /// [`SpoolError::NotWaiting`], else the disk's.
    pub fn remove(&self, id: &JobId) -> Result<(), SpoolError> {
        let _shared = self.home.shared();
        let from = self.home.find_in(id, &[State::Queue, State::Scheduled, State::Hold])?;
        self.home.shift(id, from, State::Done)
    }

    /// Removes jobs that ended more than `keep` before `now`; returns how many.
    ///
    /// A job is kept as long as a file of its manifest's name lies in the drop folder, or that is
    /// not known because no scan was made: it may be the one that could not be removed, and would
    /// run again.
    ///
    /// # Errors
    /// The disk's.
    pub fn sweep(&self, now: Timestamp, keep: std::time::Duration) -> Result<usize, SpoolError> {
        self.home.keep_ballast();
        let tracker = self.home.tracker();
        self.home.sweep(now, keep, &|name| tracker.may_hold(name))
    }
}

impl Home {
    fn shared(&self) -> MutexGuard<'_, Shared> {
        // Nothing is left half-changed in it: the truth is on disk.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tracker(&self) -> MutexGuard<'_, Tracker> {
        self.tracker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says why something cannot be used and puts it where it is in nobody's way.
    fn put_aside(
        &self,
        shared: &mut Shared,
        (state, name): (State, &std::ffi::OsStr),
        why: Unusable,
    ) -> Result<(), SpoolError> {
        let (to, reason) = match why {
            Unusable::Gone => return Ok(()),
            Unusable::Newer(version) => (
                State::Hold,
                format!("its record has version {version}, this release knows {RECORD_VERSION}"),
            ),
            Unusable::Garbage(reason) => (State::Corrupt, reason),
            // Too many open files, no memory: that is ours, not the job's.
            Unusable::Io(error) if is_shortage(&error) => {
                return Err(at("read", &self.folder(state).join(name))(error));
            }
            Unusable::Io(error) if is_passing(&error) => {
                tracing::warn!(job = %name.display(), %error, "the job cannot be read and waits");
                return Ok(());
            }
            Unusable::Io(error) => (State::Corrupt, error.to_string()),
        };
        if let Some(notice) = shelf::set_aside(&self.folders.spool, (state, name), to, reason)? {
            tracing::warn!(found = %notice.found, now = %notice.moved_to, reason = %notice.reason,
                "put aside");
            shared.notices.push(notice);
        }
        Ok(())
    }
}

impl Home {
    const BALLAST: &'static str = "ballast";
    const BALLAST_BYTES: u64 = 4 << 20;

    /// Fills the ballast up, if the disk has room for it.
    fn keep_ballast(&self) {
        let path = self.folders.spool.join(Self::BALLAST);
        if let Err(error) = disk::reserve(&path, Self::BALLAST_BYTES) {
            tracing::warn!(%error, "no room is kept for ending jobs on a full disk");
            disk::give_room(&path);
        }
    }

    /// Does what must be done even on a full disk: once more without the ballast.
    fn with_room<T>(&self, act: impl Fn() -> Result<T, SpoolError>) -> Result<T, SpoolError> {
        match act() {
            Err(error) if error.lacks_room() => {
                if disk::give_room(&self.folders.spool.join(Self::BALLAST)) {
                    tracing::warn!("the spool's disk is full: the ballast is given up");
                    act()
                } else {
                    Err(error)
                }
            }
            other => other,
        }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // Gives back the numbers that were not used; the lock is still held.
        let path = self.folders.spool.join(Numbers::FILE);
        self.shared().numbers.give_back(&path);
    }
}

/// The jobs that wait, as far as they are known: the oldest of those listed last.
///
/// Bounded, because a hundred thousand may wait; the folder has the rest.
#[derive(Debug, Default)]
struct Waiting {
    batch: VecDeque<JobId>,
    /// Whether the folder holds jobs that are behind the batch.
    more: bool,
}

impl Waiting {
    const MOST: usize = 1000;

    fn push(&mut self, id: JobId) {
        if self.more || self.batch.len() >= Self::MOST {
            self.more = true;
        } else {
            self.batch.push_back(id);
        }
    }

    /// Lists the folder, `without` some: what waits there comes before all that is added.
    fn of(queue: &Path, without: &BTreeSet<JobId>) -> Result<Self, SpoolError> {
        let mut ids = shelf::ids(queue)?;
        ids.retain(|id| !without.contains(id));
        let more = ids.len() > Self::MOST;
        shelf::keep_oldest(&mut ids, Self::MOST);
        Ok(Self { batch: ids.into(), more })
    }

    /// Takes the next, looking into the folder when none is known.
    fn next(
        &mut self,
        queue: &Path,
        without: &BTreeSet<JobId>,
    ) -> Result<Option<JobId>, SpoolError> {
        if self.batch.is_empty() {
            *self = Self::of(queue, without)?;
        }
        Ok(self.batch.pop_front())
    }
}

/// Numbers for job handles: each one once.
///
/// The file holds a number that no job has reached; it is moved on by a few at a time, so that
/// not every job costs a durable write.
#[derive(Debug, Default)]
struct Numbers {
    next: u64,
    reserved: u64,
}

impl Numbers {
    const FILE: &'static str = "number";
    const AHEAD: u64 = 32;

    /// Reads where to go on; `None` when the file is absent or not understood.
    fn load(path: &Path) -> Option<Self> {
        let bytes = record::read_bounded(path, 32).ok()?;
        let next = std::str::from_utf8(&bytes).ok()?.trim().parse().ok()?;
        Some(Self { next, reserved: next })
    }

    /// Takes the next number, for the first of so `many` that will be needed now.
    fn take(&mut self, path: &Path, many: usize) -> Result<u64, SpoolError> {
        if self.next >= self.reserved {
            let reserved = self.next + Self::AHEAD.max(many as u64);
            disk::write_atomic(path, format!("{reserved}\n").as_bytes())
                .map_err(at("write", path))?;
            self.reserved = reserved;
        }
        self.next += 1;
        Ok(self.next - 1)
    }

    fn give_back(&mut self, path: &Path) {
        if self.next < self.reserved {
            let _ = disk::write_atomic(path, format!("{}\n", self.next).as_bytes());
            self.reserved = self.next;
        }
    }
}

#[cfg(test)]
mod tests;
