//! Jobs that wait for a time: once, or again and again.

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::record::{JobId, Record, Unusable, read_bounded};
use super::{Home, Shared, Spool, SpoolError, State, at, disk, shelf};

const DUE: &str = "due.json";

/// When a scheduled job is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Due {
    /// It goes back to the queue then (`execTime`, or waiting for something).
    Once(Timestamp),
    /// It is fired then, and goes on waiting (`execSchedule`).
    Repeats(Timestamp),
}

impl Due {
    /// Returns the time.
    #[must_use]
    pub const fn at(self) -> Timestamp {
        match self {
            Self::Once(at) | Self::Repeats(at) => at,
        }
    }

    pub(super) fn read(job: &Path) -> Result<Self, Unusable> {
        serde_json::from_slice(&read_bounded(&job.join(DUE), 1024)?)
            .map_err(|_| Unusable::Garbage(format!("its {DUE} cannot be read")))
    }

    pub(super) fn write(self, job: &Path) -> Result<(), SpoolError> {
        let path = job.join(DUE);
        // What a killed attempt to do this has left.
        crate::fs::remove_temporaries(job, |name| name == DUE).map_err(at("clear", job))?;
        let json = serde_json::to_vec(&self).map_err(std::io::Error::other);
        json.and_then(|json| disk::write_atomic(&path, &json)).map_err(at("write", &path))
    }
}

/// A job that waits for its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    /// Its record.
    pub record: Record,
    /// Its manifest, from which a schedule's next time is computed.
    pub manifest: Vec<u8>,
    /// When it is due.
    pub due: Due,
}

impl Spool {
    /// Returns the scheduled jobs, the earliest due first; what cannot be read is put aside, see
    /// [`Spool::notices`].
    ///
    /// # Errors
    /// The disk's.
    pub fn scheduled(&self) -> Result<Vec<Scheduled>, SpoolError> {
        let home = &self.home;
        let mut shared = home.shared();
        let mut jobs = Vec::new();
        for id in shelf::ids(&home.folder(State::Scheduled))? {
            match read(home, &id) {
                Ok(job) => jobs.push(job),
                Err(why) => {
                    let entry = (State::Scheduled, id.as_str().as_ref());
                    home.put_aside(&mut shared, entry, why)?;
                }
            }
        }
        jobs.sort_by(|a, b| (a.due.at(), &a.record.id).cmp(&(b.due.at(), &b.record.id)));
        Ok(jobs)
    }

    /// Moves the jobs that were due once, at `now` or before, back to the queue.
    ///
    /// # Errors
    /// The disk's.
    pub fn release_due(&self, now: Timestamp) -> Result<Vec<JobId>, SpoolError> {
        let home = &self.home;
        let mut shared = home.shared();
        let mut released = Vec::new();
        for id in shelf::ids(&home.folder(State::Scheduled))? {
            match Due::read(&home.job(State::Scheduled, &id)) {
                Ok(Due::Once(at)) if at <= now => {
                    home.shift(&id, State::Scheduled, State::Queue)?;
                    shared.waiting.push(id.clone());
                    released.push(id);
                }
                Ok(Due::Once(_) | Due::Repeats(_)) => {}
                Err(why) => {
                    let entry = (State::Scheduled, id.as_str().as_ref());
                    home.put_aside(&mut shared, entry, why)?;
                }
            }
        }
        Ok(released)
    }

    /// Makes the job of one firing and stores when the schedule is due `next`; without one the
    /// schedule is over and goes to `done/`.
    ///
    /// `due` is the time for which the schedule was waiting. Asked again for the same time, after
    /// a crash or by mistake, it makes no second job. Returns the job, `None` when the schedule
    /// does not wait for that time (any more).
    ///
    /// # Errors
    /// The disk's.
    pub fn fire(
        &self,
        id: &JobId,
        due: Timestamp,
        next: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<Option<JobId>, SpoolError> {
        let home = &self.home;
        let mut shared = home.shared();
        let job = match read(home, id) {
            Ok(job) if job.due == Due::Repeats(due) => job,
            Ok(_) | Err(Unusable::Gone) => return Ok(None),
            Err(why) => {
                home.put_aside(&mut shared, (State::Scheduled, id.as_str().as_ref()), why)?;
                return Ok(None);
            }
        };
        let firing = id.firing(due);
        if let Some(state) = home.find(&firing) {
            // Made before a crash, perhaps without having reached the disk.
            let folder = home.folder(state);
            disk::sync_folder(&folder).map_err(at("sync", &folder))?;
        } else {
            home.make_firing(&mut shared, job, due, now)?;
        }
        home.set_next(id, next)?;
        Ok(Some(firing))
    }

    /// Lets a scheduled job run at once: of a schedule the job of one firing is made and the
    /// schedule goes on waiting for its time; what was due once goes back to the queue.
    ///
    /// Returns the job that runs.
    ///
    /// # Errors
    /// [`SpoolError::NotWaiting`] when it is not scheduled or cannot be read, else the disk's.
    pub fn run_now(&self, id: &JobId, now: Timestamp) -> Result<JobId, SpoolError> {
        let home = &self.home;
        let mut shared = home.shared();
        let job = read(home, id).map_err(|_| SpoolError::NotWaiting { id: id.clone() })?;
        match job.due {
            Due::Once(_) => {
                home.shift(id, State::Scheduled, State::Queue)?;
                shared.waiting.push(id.clone());
                Ok(id.clone())
            }
            Due::Repeats(_) => {
                let firing = id.firing(now);
                if home.find(&firing).is_none() {
                    home.make_firing(&mut shared, job, now, now)?;
                }
                Ok(firing)
            }
        }
    }

    /// Stores when a schedule is due next without firing it, because an earlier run of it is still
    /// going; without a next time it goes to `done/`.
    ///
    /// # Errors
    /// [`SpoolError::NotWaiting`] when it is not scheduled, else the disk's.
    pub fn skip(&self, id: &JobId, next: Option<Timestamp>) -> Result<(), SpoolError> {
        let _shared = self.home.shared();
        self.home.find_in(id, &[State::Scheduled])?;
        self.home.set_next(id, next)
    }
}

impl Home {
    /// Makes the job of the firing that was due at `due`.
    fn make_firing(
        &self,
        shared: &mut Shared,
        job: Scheduled,
        due: Timestamp,
        now: Timestamp,
    ) -> Result<(), SpoolError> {
        let firing = job.record.id.firing(due);
        let record = Record {
            id: firing.clone(),
            number: shared.numbers.take(&self.number_file(), 1)?,
            received: now,
            firing: Some(due),
            ..job.record
        };
        self.enqueue(&[(&record, &job.manifest)]).1?;
        shared.waiting.push(firing);
        Ok(())
    }

    fn set_next(&self, id: &JobId, next: Option<Timestamp>) -> Result<(), SpoolError> {
        match next {
            Some(next) => Due::Repeats(next).write(&self.job(State::Scheduled, id)),
            None => self.shift(id, State::Scheduled, State::Done),
        }
    }
}

fn read(home: &Home, id: &JobId) -> Result<Scheduled, Unusable> {
    let folder = home.job(State::Scheduled, id);
    let record = Record::read(&folder)?;
    let manifest = record.read_manifest(&folder)?;
    Ok(Scheduled { due: Due::read(&folder)?, record, manifest })
}
