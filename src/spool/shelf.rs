//! The state folders as shelves: what lies on which, and moving from one to another.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::record::{JobId, Record, Written};
use super::schedule::Due;
use super::{Folders, Home, Notice, SpoolError, at, disk};

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Accepted, waits to be claimed.
    Queue,
    /// Claimed.
    Active,
    /// Waits for its time.
    Scheduled,
    /// Put aside by a person, or written by a later release.
    Hold,
    /// Finished, whatever its report says.
    Done,
    /// Finished without output.
    Failed,
    /// Not understood, or given up.
    Corrupt,
}

impl State {
    /// All states.
    pub const ALL: [Self; 7] = [
        Self::Queue,
        Self::Active,
        Self::Scheduled,
        Self::Hold,
        Self::Done,
        Self::Failed,
        Self::Corrupt,
    ];

    /// Returns the name of its folder.
    #[must_use]
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Active => "active",
            Self::Scheduled => "scheduled",
            Self::Hold => "hold",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Corrupt => "corrupt",
        }
    }
}

/// Where what is being written or removed lies.
pub(super) const TMP: &str = "tmp";

/// A job as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub id: JobId,
    /// Its record; `None` when it cannot be read.
    pub record: Option<Record>,
    /// When it is due; only of scheduled jobs and those that were.
    pub due: Option<Due>,
}

/// Lists the jobs in one state, oldest first, without taking the spool; a job that moves on
/// meanwhile may be left out.
///
/// # Errors
/// The system's, when the folder cannot be read.
pub fn list(folders: &Folders, state: State) -> Result<Vec<Listed>, SpoolError> {
    Ok(list_oldest(folders, state, usize::MAX)?.0)
}

/// As [`list`], the oldest only; and how many there are.
pub(super) fn list_oldest(
    folders: &Folders,
    state: State,
    most: usize,
) -> Result<(Vec<Listed>, usize), SpoolError> {
    let folder = folders.spool.join(state.folder());
    let mut ids = ids(&folder)?;
    let count = ids.len();
    keep_oldest(&mut ids, most);
    let listed = ids.into_iter().map(|id| {
        let job = folder.join(id.as_str());
        Listed { record: Record::read(&job).ok(), due: Due::read(&job).ok(), id }
    });
    Ok((listed.collect(), count))
}

/// Keeps the oldest, in order.
pub(super) fn keep_oldest(ids: &mut Vec<JobId>, most: usize) {
    if ids.len() > most {
        ids.select_nth_unstable_by(most, |a, b| a.age().cmp(&b.age()));
        ids.truncate(most);
    }
    ids.sort_unstable_by(|a, b| a.age().cmp(&b.age()));
}

/// Returns the names in a state folder that are names of jobs, unsorted.
pub(super) fn ids(folder: &Path) -> Result<Vec<JobId>, SpoolError> {
    Ok(names(folder)?.iter().filter_map(|name| JobId::parse(name.to_str()?).ok()).collect())
}

/// Returns all names in a folder, unsorted.
pub(super) fn names(folder: &Path) -> Result<Vec<OsString>, SpoolError> {
    let read = || -> io::Result<Vec<OsString>> {
        std::fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
    };
    read().map_err(at("list", folder))
}

/// Moves something out of a state folder under a name that is free; `None` when it is gone.
pub(super) fn set_aside(
    spool: &Path,
    (state, name): (State, &OsStr),
    to: State,
    reason: String,
) -> Result<Option<Notice>, SpoolError> {
    let from = spool.join(state.folder()).join(name);
    let mut free = name.to_owned();
    for n in 1_u32.. {
        let target = spool.join(to.folder()).join(&free);
        match disk::publish(&from, &target) {
            Ok(()) => break,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                free = name.to_owned();
                free.push(format!(".{n}"));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at("move aside", &from)(error)),
        }
    }
    let place = |state: State, name: &OsStr| {
        format!("{}/{}", state.folder(), name.to_string_lossy().escape_debug())
    };
    Ok(Some(Notice { found: place(state, name), moved_to: place(to, &free), reason }))
}

impl Home {
    pub(super) fn folder(&self, state: State) -> PathBuf {
        self.folders.spool.join(state.folder())
    }

    pub(super) fn job(&self, state: State, id: &JobId) -> PathBuf {
        self.folder(state).join(id.as_str())
    }

    /// Finds the state of a job; the caller holds `shared`.
    pub(super) fn find(&self, id: &JobId) -> Option<State> {
        State::ALL.into_iter().find(|&state| self.job(state, id).symlink_metadata().is_ok())
    }

    pub(super) fn find_in(&self, id: &JobId, states: &[State]) -> Result<State, SpoolError> {
        self.find(id)
            .filter(|state| states.contains(state))
            .ok_or_else(|| SpoolError::NotWaiting { id: id.clone() })
    }

    /// Moves a job from one state to another, durably; the caller holds `shared`.
    pub(super) fn shift(&self, id: &JobId, from: State, to: State) -> Result<(), SpoolError> {
        let from = self.job(from, id);
        disk::publish(&from, &self.job(to, id)).map_err(at("move", &from))
    }

    /// Writes jobs into `tmp/`, syncs them all and renames them into `queue/`; the caller holds
    /// `shared`.
    ///
    /// Returns how many of them, from the first on, are in the queue for good, and what kept the
    /// others.
    pub(super) fn enqueue(&self, jobs: &[(&Record, &[u8])]) -> (usize, Result<(), SpoolError>) {
        let (written, wrote) = self.write_jobs(jobs);
        let (moved, result) = self.queue_jobs(&written, jobs);
        match self.sync_queue() {
            Ok(()) => (moved, result.and(wrote)),
            Err(error) => (0, Err(error)),
        }
    }

    /// Writes jobs into `tmp/` and makes them durable there.
    ///
    /// Returns the folders of the first ones, and what kept the others. What is written first and
    /// synced then costs few trips to the disk: with the first file, the file system stores what it
    /// knows of all.
    pub(super) fn write_jobs(
        &self,
        jobs: &[(&Record, &[u8])],
    ) -> (Vec<PathBuf>, Result<(), SpoolError>) {
        let tmp = self.folders.spool.join(TMP);
        let mut result = Ok(());
        let mut written = Vec::with_capacity(jobs.len());
        for (record, manifest) in jobs {
            let folder = tmp.join(record.id.as_str());
            // An attempt that met a full disk.
            let step = disk::remove_tree(&folder)
                .map_err(at("remove", &folder))
                .and_then(|()| record.write(&folder, manifest).map_err(at("write", &folder)));
            match step {
                Ok(one) => written.push(one),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        let (folders, synced) = Written::sync_all(written);
        (folders, synced.map_err(at("sync", &tmp)).and(result))
    }

    /// Renames written jobs into `queue/`; the caller holds `shared`. Not durable before
    /// [`Home::sync_queue`].
    pub(super) fn queue_jobs(
        &self,
        written: &[PathBuf],
        jobs: &[(&Record, &[u8])],
    ) -> (usize, Result<(), SpoolError>) {
        for (count, (folder, (record, _))) in written.iter().zip(jobs).enumerate() {
            let queue = self.job(State::Queue, &record.id);
            if let Err(error) = disk::rename_new(folder, &queue) {
                return (count, Err(at("move", folder)(error)));
            }
        }
        (written.len(), Ok(()))
    }

    /// Makes durable what [`Home::queue_jobs`] did.
    pub(super) fn sync_queue(&self) -> Result<(), SpoolError> {
        for folder in [self.folder(State::Queue), self.folders.spool.join(TMP)] {
            disk::sync_folder(&folder).map_err(at("sync", &folder))?;
        }
        Ok(())
    }

    pub(super) fn sweep(
        &self,
        now: Timestamp,
        keep: Duration,
        in_drop: &dyn Fn(&str) -> bool,
    ) -> Result<usize, SpoolError> {
        let mut swept = 0;
        for state in [State::Done, State::Failed] {
            for id in ids(&self.folder(state))? {
                let job = self.job(state, &id);
                let Ok(ended) = changed(&job) else { continue };
                let since = now.duration_since(ended);
                if since.is_negative() || since.unsigned_abs() <= keep {
                    continue;
                }
                // One without a record is no job of ours to remove.
                if Record::read(&job).map_or(true, |record| in_drop(&record.name)) {
                    continue;
                }
                let tmp = self.folders.spool.join(TMP).join(id.as_str());
                disk::publish(&job, &tmp).map_err(at("move", &job))?;
                disk::remove_tree(&tmp).map_err(at("remove", &tmp))?;
                swept += 1;
            }
        }
        Ok(swept)
    }
}

/// Returns when a job's folder was last renamed.
fn changed(job: &Path) -> io::Result<Timestamp> {
    use std::os::unix::fs::MetadataExt;
    let meta = job.symlink_metadata()?;
    Timestamp::new(meta.ctime(), i32::try_from(meta.ctime_nsec()).unwrap_or(0))
        .map_err(io::Error::other)
}
