//! A job's thread: from its claim to the end of it.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::board::Posting;
use super::conduct::{ConductError, Conducted, Fired, Ledger, Order, Over, Stand, conduct};
use super::space::{self, Room, Shortage};
use super::{Epoch, Hall};
use crate::diag::Fault;
use crate::job::Verdict;
use crate::job::run::{Ask, Cancel, Step};
use crate::pulse::Pulse;
use crate::report::folder::ReportFolder;
use crate::report::html::Broken;
use crate::report::{Notice, Report, text};
use crate::spool::{Claim, Ended, JournalError, Spool, SpoolError};

/// What a job's thread works with.
pub(super) struct Service {
    pub(super) epoch: Arc<Epoch>,
    pub(super) hall: Arc<Hall>,
    pub(super) spool: Spool,
    pub(super) cancel: Arc<Cancel>,
    pub(super) pulse: Pulse,
}

/// Why a claim could not be brought to its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServeError {
    #[error(transparent)]
    Conduct(#[from] ConductError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Spool(#[from] SpoolError),
    #[error("the mail cannot be written: {0}")]
    Mail(std::io::Error),
    /// The job's thread died; the job stays claimed and is taken up again at the next start.
    #[error("the job's thread ended without a word")]
    Panicked,
}

/// How long a job waits at first that could not write its outputs, report or mail for another
/// reason than a full disk. Every time it is twice as long, up to [`LONGEST`].
const AGAIN: Duration = Duration::from_secs(1);
/// A job looks at least this often whether it can go on.
const LONGEST: Duration = Duration::from_secs(60);
/// What a job's thread does at its end, for whoever finds it hanging.
const LEAVES: &str = "moves its job in the spool";

impl Service {
    /// Takes a claim to its end. What cannot be written is tried again until it can, or until the
    /// daemon stops. A job that broke the daemon too often is reported on, without being tried.
    pub(super) fn serve(&self, mut claim: Claim) -> Result<(), ServeError> {
        let id = claim.record().id.to_string();
        let _span =
            tracing::info_span!("job", id = id.as_str(), manifest = claim.record().name).entered();
        if claim.was_held() {
            // Whoever moved it out of the hold by hand has not said so in its journal.
            match claim.go_on(&Step::Resumed) {
                Err(error) if error.is_fatal() => return Err(error.into()),
                Err(error) => tracing::warn!(%error, "it is taken for what it was before the hold"),
                Ok(()) => {}
            }
        }
        let _waiter = Waiter { hall: &self.hall, id: &id };
        let mut shortages: BTreeSet<PathBuf> = BTreeSet::new();
        let mut tries = 0;
        let given_up = claim.is_given_up().then(|| Fault::Poison { attempts: claim.attempt() });
        let (mut wait, mut stopped) = (AGAIN, false);
        loop {
            let tried =
                self.conduct(&claim, given_up.clone()).and_then(|conducted| match conducted {
                    Conducted::Over(over) => self.tell(&over).map(|()| Conducted::Over(over)),
                    other => Ok(other),
                });
            match tried {
                Ok(Conducted::Over(over)) => {
                    shortages.iter().for_each(|folder| self.hall.has_room(folder, &id));
                    return self.end(claim, &over);
                }
                Ok(Conducted::Later(due)) => {
                    tracing::info!(at = %due.at(), "waits for its time");
                    let _step = self.pulse.step(LEAVES);
                    return Ok(claim.defer(due)?);
                }
                Ok(Conducted::Suspended) => return self.put_back(claim),
                Err(error) if error.is_fatal() => return Err(error),
                Err(error) => {
                    if let Some(short) = self.shortage(&error)
                        && self.cancel.asked() != Ask::Stop
                    {
                        self.hall.no_room(&short.folder, &id);
                        tracing::info!(reason = %error, "waits for room");
                        shortages.insert(short.folder.clone());
                        if !self.wait_for_room(&claim, &short, tries) {
                            return self.put_back(claim);
                        }
                        tries += 1;
                        continue;
                    }
                    if wait == AGAIN {
                        tracing::error!(%error, "the job waits until this changes");
                    } else {
                        tracing::debug!(%error, "still waiting");
                    }
                    let _idle = self.hall.rest();
                    let until = Instant::now() + wait;
                    wait = LONGEST.min(wait * 2);
                    while Instant::now() < until {
                        match self.cancel.asked() {
                            Ask::Pause | Ask::Suspend => return self.put_back(claim),
                            // Once: what stops it may meet the same disk.
                            Ask::Stop if !std::mem::replace(&mut stopped, true) => break,
                            Ask::Stop | Ask::Nothing => {}
                        }
                        std::thread::sleep(Duration::from_millis(200));
                    }
                }
            }
        }
    }

    /// Shows the job as waiting until there may be room; `false` when the daemon stops.
    fn wait_for_room(&self, claim: &Claim, short: &Shortage, tries: u32) -> bool {
        let record = claim.record();
        let before = self.hall.postings().get(record.id.as_str()).cloned();
        let posting = Posting::short_of_room(before, record, super::now());
        self.hall.post(record.id.as_str(), posting);
        let _idle = self.hall.rest();
        space::wait(short, tries, &self.cancel)
    }

    /// Tells which disk is full, when that is why a claim could not be brought to its end.
    fn shortage(&self, error: &ServeError) -> Option<Shortage> {
        let folders = &self.epoch.settings.folders;
        let full = |error: &std::io::Error| {
            matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
        };
        let here = |folder| Some(Shortage::now(folder, Room::default()));
        match error {
            ServeError::Conduct(ConductError::NoRoom(short)) => Some(short.clone()),
            ServeError::Conduct(ConductError::Report(error)) if full(error) => {
                here(&folders.reports)
            }
            ServeError::Mail(error) if full(error) => here(&folders.mail),
            ServeError::Conduct(ConductError::Journal(JournalError::Write { source, .. }))
            | ServeError::Journal(JournalError::Write { source, .. })
                if full(source) =>
            {
                here(&folders.spool)
            }
            ServeError::Spool(error) if error.lacks_room() => here(&folders.spool),
            _ => None,
        }
    }

    fn conduct(&self, claim: &Claim, given_up: Option<Fault>) -> Result<Conducted, ServeError> {
        let record = claim.record();
        let come =
            record.firing.is_some() || claim.deferred_until().is_some() || given_up.is_some();
        let order = Order {
            id: record.id.as_str(),
            name: &record.name,
            bytes: claim.manifest(),
            whole: !record.oversize,
            uid: Some(record.uid),
            received: record.firing.unwrap_or(record.received),
            due: record.firing.or(claim.deferred_until()),
            number: record.number,
            fired: if come { Fired::Now } else { Fired::NotYet },
            given_up,
        };
        // One that only waits gives its place to another.
        let resting = RefCell::new(None);
        let watch = |status: &crate::report::folder::Status<'_>| {
            if status.waiting.is_some() {
                resting.borrow_mut().get_or_insert_with(|| self.hall.rest());
            } else {
                resting.replace(None);
            }
            self.hall.post(record.id.as_str(), Posting::of(status, &record.name));
        };
        let stand = Stand {
            cancel: &self.cancel,
            ledger: Ledger::Journal { journal: claim.journal(), pulse: &self.pulse },
            watch: &watch,
            refused: &|report| self.leave_note(&record.name, report),
            now: super::now,
        };
        let steps: Vec<Step> = claim.steps()?;
        Ok(conduct(&order, &self.epoch, &stand, steps)?)
    }

    fn end(&self, claim: Claim, over: &Over) -> Result<(), ServeError> {
        let verdict = over.log.verdict();
        let counts = over.log.counts();
        tracing::info!(
            run = over.log.run,
            verdict = verdict.word(),
            total = counts.total_file_count,
            failed = counts.file_error_count,
            "job over"
        );
        self.hall.metrics.count(verdict, &counts, over.log.end);
        let ended = match verdict {
            _ if claim.is_given_up() => Ended::Corrupt,
            Verdict::Clean | Verdict::Warnings | Verdict::Partial | Verdict::Stopped => Ended::Done,
            Verdict::Failed | Verdict::Fatal | Verdict::Refused => Ended::Failed,
        };
        let _step = self.pulse.step(LEAVES);
        if over.log.is_kept() {
            return Ok(claim.hold()?);
        }
        Ok(claim.finish(ended)?)
    }

    /// Gives a claim back because the daemon stops, or because it was paused. One that was given up
    /// stays to be reported on; what it is not given is another try.
    fn put_back(&self, claim: Claim) -> Result<(), ServeError> {
        let _step = self.pulse.step(LEAVES);
        if claim.is_given_up() {
            return Ok(());
        }
        if !self.cancel.is_paused() {
            return Ok(claim.release()?);
        }
        let run = self.hall.postings().get(claim.record().id.as_str()).and_then(|p| p.run.clone());
        if let Some(run) = run {
            let folder = ReportFolder::open(self.epoch.settings.folders.reports.join(&run));
            if let Err(error) = folder.rest() {
                tracing::debug!(run, %error, "status.json not written");
            }
        }
        tracing::info!("paused");
        Ok(claim.hold()?)
    }

    /// Puts the note where a refused manifest was.
    fn leave_note(&self, manifest: &str, report: &Report<'_>) {
        let note = text::beside_the_drop(report);
        if let Err(error) = self.spool.refuse_note(manifest, &note) {
            tracing::warn!(%error, "no note beside the refused manifest");
        }
    }

    /// Puts the mails into the outbox.
    fn tell(&self, over: &Over) -> Result<(), ServeError> {
        let report = over.report(&self.epoch.places);
        let to = self.epoch.directory.recipients(&over.log.about);
        let _step = self.pulse.step("writes its mail");
        self.hall.mail.announce(&report, &to).map_err(ServeError::Mail)?;
        if let Some(Broken { file, reason }) = &over.broken {
            tracing::warn!(file = %file.display(), reason, "a template cannot be used");
            self.hall.mail.tell_operator(&Notice::BadTemplate { file, reason });
        }
        Ok(())
    }
}

/// A job as one of those that may wait for room: it is no longer when it leaves, wherever to.
struct Waiter<'s> {
    hall: &'s Hall,
    id: &'s str,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.hall.full.leave(self.id);
    }
}

impl ServeError {
    /// Tells whether the job itself may be what broke its thread.
    pub(super) const fn is_of_the_job(&self) -> bool {
        match self {
            Self::Panicked => true,
            Self::Conduct(_) | Self::Journal(_) | Self::Spool(_) | Self::Mail(_) => false,
        }
    }

    /// Tells whether the daemon must end and read back what there really is.
    pub(super) fn is_fatal(&self) -> bool {
        match self {
            Self::Conduct(ConductError::Journal(error)) | Self::Journal(error) => error.is_fatal(),
            Self::Spool(error) => error.is_fatal(),
            Self::Conduct(
                ConductError::Report(_) | ConductError::Output(_) | ConductError::NoRoom(_),
            )
            | Self::Mail(_) => false,
            Self::Panicked => true,
        }
    }
}
