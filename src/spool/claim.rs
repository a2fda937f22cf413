//! Claimed jobs, as values that can be ended once.

use std::sync::Arc;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::journal::{By, Journal, JournalError};
use super::record::{JOURNAL, JobId, Record, Unusable};
use super::schedule::Due;
use super::{Home, Spool, SpoolError, State, at, is_passing, is_space};

/// How often a job is begun before it is given up because it never came to an end.
pub const MOST_ATTEMPTS: u32 = 3;

/// Where a job rests when it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Ended {
    /// It has run, and its report says how.
    Done,
    /// It could not run, or delivered nothing.
    Failed,
    /// It was interrupted [`MOST_ATTEMPTS`] times.
    Corrupt,
}

impl Ended {
    pub(super) const fn state(self) -> State {
        match self {
            Self::Done => State::Done,
            Self::Failed => State::Failed,
            Self::Corrupt => State::Corrupt,
        }
    }
}

/// The spool's own lines in a journal.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "step")]
pub(super) enum Step {
    /// Work may begin.
    Attempt {
        /// From 1; counts those since the last that ended in order.
        n: u32,
    },
    /// An orderly stop.
    Released,
    /// A person put it on hold.
    Held,
    /// It goes on after that.
    GoesOn,
    /// Put off.
    Deferred {
        /// To when.
        until: Timestamp,
    },
    /// Over; only the rename is missing.
    Finished {
        /// To where.
        ended: Ended,
    },
    /// Handed out to be reported on, not to be run.
    GaveUp,
}

/// What the steps of a journal come to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// Attempts that nothing ended.
    pub(super) attempts: u32,
    pub(super) ended: Option<Ended>,
    pub(super) deferred: Option<Timestamp>,
    pub(super) gave_up: bool,
    /// It rests; only the rename may be missing.
    pub(super) rests: bool,
    /// It rested, and has not gone on since.
    pub(super) held: bool,
}

impl Past {
    pub(super) fn read(journal: &Journal) -> Result<Self, JournalError> {
        let steps: Vec<Step> = journal.read_by(By::Spool)?;
        Ok(steps.into_iter().fold(Self::default(), Self::then))
    }

    fn then(self, step: Step) -> Self {
        match step {
            Step::Attempt { n } => Self { attempts: n, ended: None, rests: false, ..self },
            Step::Released => Self { attempts: 0, ..self },
            Step::Held => Self { attempts: 0, rests: true, held: true, ..self },
            Step::GoesOn => Self { held: false, ..self },
            Step::Deferred { until } => Self { attempts: 0, deferred: Some(until), ..self },
            // Somebody may move it back into the queue: then it begins anew.
            Step::Finished { ended } => Self { ended: Some(ended), ..Self::default() },
            Step::GaveUp => Self { gave_up: true, ..self },
        }
    }
}

/// A job that is ours to run: it ends by [`Claim::finish`], [`Claim::release`], [`Claim::defer`] or
/// [`Claim::hold`], and once only.
///
/// Dropping it instead is what a crash does: it stays in `active/` until the next start, and the
/// attempt counts as interrupted. So does any error of the four, whether fatal by its kind or not:
/// the claim is gone, and only a new start takes the job up.
#[must_use = "a claimed job stays in active/ until it is finished, released, deferred or held"]
#[derive(Debug)]
pub struct Claim {
    home: Arc<Home>,
    record: Record,
    manifest: Vec<u8>,
    journal: Journal,
    attempt: u32,
    deferred: Option<Timestamp>,
    given_up: bool,
    held: bool,
}

impl Claim {
    /// Tells whether it was on hold and [`Claim::go_on`] has not been called since.
    #[must_use]
    pub fn was_held(&self) -> bool {
        self.held
    }

    /// Writes down what the end of the hold means for the job.
    ///
    /// # Errors
    /// The journal's.
    pub fn go_on(&mut self, step: &impl Serialize) -> Result<(), SpoolError> {
        self.home.with_room(|| {
            self.journal.append_lazily(step)?;
            Ok(self.journal.append_by(By::Spool, &Step::GoesOn)?)
        })?;
        self.held = false;
        Ok(())
    }

    /// Tells whether it was handed out to be reported on, not to be run.
    #[must_use]
    pub fn is_given_up(&self) -> bool {
        self.given_up
    }

    /// Returns what was recorded when the manifest was accepted.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Returns the manifest's bytes as received; only the beginning when the record says
    /// `oversize`.
    #[must_use]
    pub fn manifest(&self) -> &[u8] {
        &self.manifest
    }

    /// Returns which attempt this is, from 1; those before it were interrupted.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Returns the time to which the job was last deferred, so that a job whose time has come is
    /// told from one that came too late.
    #[must_use]
    pub fn deferred_until(&self) -> Option<Timestamp> {
        self.deferred
    }

    /// Returns the job's journal.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// Reads back what the job journalled, in this attempt and those before.
    ///
    /// # Errors
    /// As [`Journal::read`].
    pub fn steps<T: DeserializeOwned>(&self) -> Result<Vec<T>, JournalError> {
        self.journal.read()
    }

    /// Ends the job: the end is in the journal first, then it leaves `active/`.
    ///
    /// # Errors
    /// The journal's and the disk's; the next start does what is missing.
    pub fn finish(self, ended: Ended) -> Result<(), SpoolError> {
        self.leave(Step::Finished { ended }, ended.state())
    }

    /// Gives the job back because the daemon stops; the attempt does not count as interrupted.
    ///
    /// # Errors
    /// The journal's and the disk's.
    pub fn release(self) -> Result<(), SpoolError> {
        let (home, id) = (Arc::clone(&self.home), self.record.id.clone());
        self.leave(Step::Released, State::Queue)?;
        home.shared().waiting.push(id);
        Ok(())
    }

    /// Puts the job off: into `scheduled/`, with its time.
    ///
    /// # Errors
    /// The journal's and the disk's.
    pub fn defer(self, due: Due) -> Result<(), SpoolError> {
        let folder = self.home.job(State::Active, &self.record.id);
        self.home.with_room(|| due.write(&folder))?;
        self.leave(Step::Deferred { until: due.at() }, State::Scheduled)
    }

    /// Puts the job on hold, until [`Spool::resume`].
    ///
    /// # Errors
    /// The journal's and the disk's; the next start does what is missing.
    pub fn hold(self) -> Result<(), SpoolError> {
        self.leave(Step::Held, State::Hold)
    }

    fn leave(self, step: Step, to: State) -> Result<(), SpoolError> {
        self.home.with_room(|| Ok(self.journal.append_by(By::Spool, &step)?))?;
        let _shared = self.home.shared();
        self.home.with_room(|| self.home.shift(&self.record.id, State::Active, to))
    }

    /// Makes the claim of a job that is in `active/`, in whose journal `step` has just been written.
    pub(super) fn begun(
        home: &Arc<Home>,
        (record, manifest): (Record, Vec<u8>),
        (journal, past): (Journal, Past),
        step: &Step,
    ) -> Self {
        let attempt = match step {
            Step::Attempt { n } => *n,
            _ => past.attempts,
        };
        Self {
            home: Arc::clone(home),
            record,
            manifest,
            journal,
            attempt,
            deferred: past.deferred,
            given_up: matches!(step, Step::GaveUp),
            held: past.held,
        }
    }
}

impl Spool {
    /// Takes the oldest waiting job; `None` when none waits.
    ///
    /// What is in the queue and is no job is put aside on the way, see [`Spool::notices`].
    ///
    /// # Errors
    /// The journal's and the disk's; after one that [lacks room](SpoolError::lacks_room) the job
    /// waits as before.
    pub fn claim(&self) -> Result<Option<Claim>, SpoolError> {
        let home = &self.home;
        let mut guard = home.shared();
        let shared = &mut *guard;
        let queue = home.folder(State::Queue);
        while let Some(id) = shared.waiting.next(&queue, &shared.unreadable)? {
            match take(home, &id)? {
                Ok(claim) => return Ok(Some(claim)),
                Err(why) => {
                    if matches!(&why, Unusable::Io(error) if is_passing(error)) {
                        shared.unreadable.insert(id.clone());
                    }
                    home.put_aside(shared, (State::Queue, id.as_str().as_ref()), why)?;
                }
            }
        }
        Ok(None)
    }

    /// Tells whether jobs wait that could not be read. The next [`Spool::scan`] gives them another
    /// try; it should not be long in coming.
    #[must_use]
    pub fn has_unreadable(&self) -> bool {
        !self.home.shared().unreadable.is_empty()
    }
}

/// Takes one job; the inner error says why it cannot be used.
fn take(home: &Arc<Home>, id: &JobId) -> Result<Result<Claim, Unusable>, SpoolError> {
    let folder = home.job(State::Queue, id);
    let read = || {
        let record = Record::read(&folder)?;
        let manifest = record.read_manifest(&folder)?;
        Ok((record, manifest))
    };
    let job = match read() {
        Ok(job) => job,
        Err(why) => return Ok(Err(why)),
    };
    let (journal, past) = match open_journal(&folder)? {
        Ok(opened) => opened,
        Err(why) => return Ok(Err(why)),
    };
    if home.job(State::Active, id).symlink_metadata().is_ok() {
        return Ok(Err(Unusable::Garbage("a job of that name is running".into())));
    }
    if let Err(error) = home.shift(id, State::Queue, State::Active) {
        return Err(give_back(home, id, error));
    }
    let journal = journal.moved(&home.job(State::Active, id));
    let step = Step::Attempt { n: past.attempts + 1 };
    match journal.append_by(By::Spool, &step) {
        Err(error) => Err(give_back(home, id, error.into())),
        Ok(()) => Ok(Ok(Claim::begun(home, job, (journal, past), &step))),
    }
}

/// Lets a job that could not be begun for lack of room wait as it waited before; the rename to
/// `active/` may be done and only its sync refused. Where that cannot be, the error is fatal:
/// nobody would run it before the next start.
fn give_back(home: &Home, id: &JobId, error: SpoolError) -> SpoolError {
    let active = home.job(State::Active, id);
    if !error.lacks_room() || active.symlink_metadata().is_err() {
        return error;
    }
    let moved = home.shift(id, State::Active, State::Queue);
    match moved {
        Err(why) if active.symlink_metadata().is_ok() => {
            at("move back", &active)(std::io::Error::other(why))
        }
        _ => error,
    }
}

/// Opens a job's journal; only a journal that may have lost its last lines is an error of ours.
pub(super) fn open_journal(
    folder: &std::path::Path,
) -> Result<Result<(Journal, Past), Unusable>, SpoolError> {
    let opened = Journal::open(&folder.join(JOURNAL))
        .and_then(|journal| Past::read(&journal).map(|past| (journal, past)));
    match opened {
        Ok(opened) => Ok(Ok(opened)),
        Err(error @ (JournalError::Lost { .. } | JournalError::Write { .. })) => Err(error.into()),
        Err(JournalError::Read { path, source }) if is_space(&source) => {
            Err(at("make", &path)(source))
        }
        Err(JournalError::Read { source, .. }) => Ok(Err(Unusable::Io(source))),
        Err(
            error @ (JournalError::TooLong { .. }
            | JournalError::Event { .. }
            | JournalError::Encode(_)),
        ) => Ok(Err(Unusable::Garbage(error.to_string()))),
    }
}
