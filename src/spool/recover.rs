//! The start: taking the spool and putting in order what an earlier process left.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::claim::{Claim, MOST_ATTEMPTS, Step, open_journal};
use super::journal::{By, Journal};
use super::record::{JobId, Record, Unusable};
use super::scan::Tracker;
use super::shelf::{self, TMP};
use super::{
    Folders, Home, Notice, Numbers, Shared, Spool, SpoolError, State, Waiting, at, control, disk,
    farewell, is_passing,
};
use crate::fs::{FolderLock, OpenError, Root};

/// What the start found.
#[derive(Debug, Default)]
#[must_use = "the poisoned jobs must be reported on"]
pub struct Recovered {
    /// Interrupted jobs that wait again.
    pub resumed: Vec<JobId>,
    /// Jobs that had ended and only had to be moved.
    pub finished: Vec<JobId>,
    /// Jobs that were interrupted [`MOST_ATTEMPTS`] times: not to be run, only to be reported on
    /// and then finished as [`super::Ended::Corrupt`]. One that is not is moved at the next start.
    pub poisoned: Vec<Claim>,
    /// What was put aside.
    pub notices: Vec<Notice>,
}

pub(super) fn open(folders: &Folders) -> Result<(Spool, Recovered), SpoolError> {
    let spool = &folders.spool;
    if let Some(above) = spool.parent() {
        std::fs::create_dir_all(above).map_err(at("make", above))?;
    }
    disk::make_folder(spool).map_err(at("make", spool))?;
    let lock = FolderLock::take(spool).map_err(|source| match source.kind() {
        io::ErrorKind::WouldBlock => SpoolError::AlreadyRunning { folder: spool.clone() },
        _ => at("lock", spool)(source),
    })?;
    if let Err(error) = make_drop(&folders.drop) {
        tracing::warn!(folder = %folders.drop.display(), %error, "cannot make the drop folder");
    }
    let mut shared = Shared::default();
    make_state_folders(spool, &mut shared.notices)?;
    remove_half_written(spool)?;
    shared.numbers = numbers(spool)?;
    let home = Arc::new(Home {
        folders: folders.clone(),
        shared: Mutex::new(shared),
        tracker: Mutex::new(Tracker::default()),
        _lock: lock,
    });
    let mut recovered = home.recover()?;
    home.keep_ballast();
    let queue = home.folder(State::Queue);
    home.shared().waiting = Waiting::of(&queue, &BTreeSet::new())?;
    recovered.notices = std::mem::take(&mut home.shared().notices);
    Ok((Spool { home }, recovered))
}

/// Makes the drop folder, and in it the folder for requests, so that it can be watched.
fn make_drop(drop: &Path) -> Result<(), OpenError> {
    std::fs::create_dir_all(drop)?;
    control::open_control(&Root::open(drop)?).map(|_| ())
}

/// Makes the folders; a file that has one's name is put aside.
fn make_state_folders(spool: &Path, notices: &mut Vec<Notice>) -> Result<(), SpoolError> {
    // First of all the folder into which things are put aside.
    let corrupt = spool.join(State::Corrupt.folder());
    disk::make_folder(&corrupt).map_err(at("make", &corrupt))?;
    for name in State::ALL.map(State::folder).into_iter().chain([TMP]) {
        let folder = spool.join(name);
        if folder.symlink_metadata().is_ok() && !disk::is_folder(&folder) {
            let mut free = corrupt.join(name);
            for n in 1_u32.. {
                if free.symlink_metadata().is_err() {
                    break;
                }
                free = corrupt.join(format!("{name}.{n}"));
            }
            disk::publish(&folder, &free).map_err(at("move aside", &folder))?;
            let moved_to = free.strip_prefix(spool).unwrap_or(&free).display().to_string();
            let reason = "it is in the place of a folder".to_owned();
            tracing::warn!(found = name, now = %moved_to, %reason, "put aside");
            notices.push(Notice { found: name.to_owned(), moved_to, reason });
        }
        disk::make_folder(&folder).map_err(at("make", &folder))?;
    }
    disk::sync_folder(spool).map_err(at("sync", spool))
}

/// Removes what a crash left of the files that stand beside the state folders.
fn remove_half_written(spool: &Path) -> Result<(), SpoolError> {
    for name in shelf::names(spool)? {
        let of = |file: &str| name.as_encoded_bytes().starts_with(format!(".{file}.").as_bytes());
        if of(Numbers::FILE) || of(farewell::FILE) {
            let half = spool.join(&name);
            disk::remove_tree(&half).map_err(at("remove", &half))?;
        }
    }
    Ok(())
}

/// Reads the counter; when it is lost, goes on behind the highest number any record holds.
fn numbers(spool: &Path) -> Result<Numbers, SpoolError> {
    let path = spool.join(Numbers::FILE);
    if let Some(numbers) = Numbers::load(&path) {
        return Ok(numbers);
    }
    let mut highest = 0;
    for state in State::ALL {
        let folder = spool.join(state.folder());
        for id in shelf::ids(&folder)? {
            if let Ok(record) = Record::read(&folder.join(id.as_str())) {
                highest = highest.max(record.number);
            }
        }
    }
    // Whatever is there instead is in the way of writing it.
    disk::remove_tree(&path).map_err(at("remove", &path))?;
    Ok(Numbers { next: highest + 1, reserved: 0 })
}

impl Home {
    fn recover(self: &Arc<Self>) -> Result<Recovered, SpoolError> {
        let tmp = self.folders.spool.join(TMP);
        for name in shelf::names(&tmp)? {
            let path = tmp.join(name);
            disk::remove_tree(&path).map_err(at("remove", &path))?;
        }
        for state in [State::Queue, State::Scheduled] {
            self.put_strangers_aside(state)?;
        }
        let mut recovered = Recovered::default();
        let excused = farewell::read(&self.folders);
        for name in shelf::names(&self.folder(State::Active))? {
            let mut decided = self.recover_active(&name, &excused, &mut recovered)?;
            if matches!(&decided, Err(Unusable::Io(error)) if is_passing(error)) {
                decided = self.recover_active(&name, &excused, &mut recovered)?;
            }
            match (decided, job_id(&name)) {
                (Ok(()), _) => {}
                // Where it would not be looked at any more until the next start.
                (Err(Unusable::Io(error)), Some(id)) if is_passing(&error) => {
                    tracing::warn!(%id, %error, "the interrupted job cannot be read and waits");
                    self.shift(&id, State::Active, State::Queue)?;
                }
                (Err(why), _) => {
                    self.put_aside(&mut self.shared(), (State::Active, &name), why)?;
                }
            }
        }
        farewell::forget(&self.folders)?;
        Ok(recovered)
    }

    /// Puts aside what cannot be a job by its name; the jobs themselves are looked at when their
    /// turn comes.
    fn put_strangers_aside(&self, state: State) -> Result<(), SpoolError> {
        for name in shelf::names(&self.folder(state))? {
            if job_id(&name).is_none() {
                let why = Unusable::Garbage("it is not the name of a job".into());
                self.put_aside(&mut self.shared(), (state, &name), why)?;
            }
        }
        Ok(())
    }

    /// Decides about one entry of `active/`; the inner error says why it cannot be used.
    fn recover_active(
        self: &Arc<Self>,
        name: &OsStr,
        excused: &BTreeSet<JobId>,
        recovered: &mut Recovered,
    ) -> Result<Result<(), Unusable>, SpoolError> {
        let Some(id) = job_id(name) else {
            return Ok(Err(Unusable::Garbage("it is not the name of a job".into())));
        };
        let folder = self.job(State::Active, &id);
        if let Err(error) = crate::fs::remove_temporaries(&folder, |_| true) {
            tracing::debug!(%id, %error, "what an interrupted write left stays");
        }
        let record = match Record::read(&folder) {
            Ok(record) => record,
            Err(why) => return Ok(Err(why)),
        };
        let (journal, past) = match open_journal(&folder) {
            Ok(Ok(opened)) => opened,
            Ok(Err(why)) => return Ok(Err(why)),
            // A full disk must not keep the daemon from starting.
            Err(error) if error.lacks_room() => {
                return Ok(Err(Unusable::Io(io::ErrorKind::StorageFull.into())));
            }
            Err(error) => return Err(error),
        };
        let excused = excused.contains(&id);
        let to = match past.ended {
            Some(ended) => ended.state(),
            None if past.rests => State::Hold,
            None if past.attempts < MOST_ATTEMPTS => State::Queue,
            None if excused && !past.gave_up => State::Queue,
            None if past.gave_up && !excused => {
                let why = format!("it was interrupted {} times, and its report too", past.attempts);
                return Ok(Err(Unusable::Garbage(why)));
            }
            None => {
                let manifest = match record.read_manifest(&folder) {
                    Ok(manifest) => manifest,
                    Err(why) => return Ok(Err(why)),
                };
                let give_up = || Ok(journal.append_by(By::Spool, &Step::GaveUp)?);
                match self.with_room(give_up) {
                    Ok(()) => {}
                    Err(error) if error.lacks_room() => {
                        return Ok(Err(Unusable::Io(io::ErrorKind::StorageFull.into())));
                    }
                    Err(error) => return Err(error),
                }
                let job = (record, manifest);
                recovered.poisoned.push(Claim::begun(self, job, (journal, past), &Step::GaveUp));
                return Ok(Ok(()));
            }
        };
        if self.job(to, &id).symlink_metadata().is_ok() {
            let why = format!("a job of that name is in {} already", to.folder());
            return Ok(Err(Unusable::Garbage(why)));
        }
        if excused && to == State::Queue {
            self.excuse(&id, &journal)?;
        }
        self.shift(&id, State::Active, to)?;
        if to == State::Queue { &mut recovered.resumed } else { &mut recovered.finished }.push(id);
        Ok(Ok(()))
    }
}

impl Home {
    /// Writes down that the last attempt was not interrupted.
    fn excuse(&self, id: &JobId, journal: &Journal) -> Result<(), SpoolError> {
        let step = || Ok(journal.append_by(By::Spool, &Step::Released)?);
        match self.with_room(step) {
            // A full disk must not keep the daemon from starting.
            Err(error) if !error.is_fatal() => {
                tracing::warn!(%id, %error, "the attempt counts as interrupted");
                Ok(())
            }
            other => other,
        }
    }
}

fn job_id(name: &OsStr) -> Option<JobId> {
    JobId::parse(name.to_str()?).ok()
}
