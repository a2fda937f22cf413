//! What people ask of the daemon: stop, pause, resume, delete, run now.
//!
//! A request names a run, a manifest's file (with or without `.toml`), a job name or a job handle.
//! A run or a handle is one job. A file or a job name means the schedule of that name where there is
//! one, except for stopping, which is about what runs; else the job at work, else the oldest that
//! waits. Each request is answered in words ([`Answer`]); what it changes
//! is durable before the answer is there.
//!
//! | | at work | waits for its turn | scheduled | paused | stopped |
//! |---|---|---|---|---|---|
//! | stop | ends; what is done stays staged | is forgotten | – | – | – |
//! | pause | what is begun is finished, then it rests | rests | rests | – | – |
//! | resume | – | – | – | goes on | goes on |
//! | delete | – | is forgotten | is forgotten | is over, nothing delivered | what is staged goes |
//! | run now | – | – | runs, besides its time | – | – |

use std::time::Instant;

use super::answer::{self, Answer};
use super::board::Posting;
use super::{BEGINNING, Daemon, Running};
use crate::job::manifest;
use crate::job::publish::Stage;
use crate::job::run::{Ask, Step};
use crate::report::folder::{ActiveState, ReportFolder};
use crate::spool::control::{Asked, Operation};
use crate::spool::{Due, JobId, Listed, SpoolError, State};

/// Where a job was found.
enum Found {
    /// A thread has it.
    AtWork(String),
    /// It lies in the spool.
    Lying(Box<Listed>, State),
}

impl Daemon {
    /// Obeys and answers what was asked.
    pub(super) fn requests(&mut self) {
        // Finding what is meant may read every job that waits: the rest has its turn at the next tick.
        let until = Instant::now() + BEGINNING;
        while self.stops == 0 && Instant::now() < until {
            let Asked { name, request, uid } = match self.spool.take_request() {
                Ok(Some(asked)) => asked,
                Ok(None) => return,
                Err(error) => {
                    tracing::debug!(%error, "requests");
                    return;
                }
            };
            let answer = self.obey(request.op, &request.run).unwrap_or_else(|error| {
                tracing::warn!(%error, "request");
                if error.is_fatal() {
                    self.fail(super::DaemonError::Spool(error));
                    return Answer::refused("the spool cannot be written: the daemon ends");
                }
                Answer::refused(error.to_string())
            });
            let (op, words) = (request.op, answer.words.as_str());
            tracing::info!(?op, run = request.run, uid, words, "request");
            self.news = true;
            // What was let go on, or is to run now, has its turn at once.
            self.unbegun = true;
            let reports = &self.epoch.settings.folders.reports;
            if let Err(error) = answer.write(reports, &name) {
                tracing::warn!(%error, "a request is not answered");
            }
        }
    }

    /// Removes answers that are old.
    pub(super) fn sweep_answers(&self) {
        answer::sweep(&self.epoch.settings.folders.reports);
    }

    fn obey(&mut self, op: Operation, run: &str) -> Result<Answer, SpoolError> {
        let Some(found) = self.find(op, run)? else {
            return Ok(self.nothing_of(run));
        };
        match (op, found) {
            (Operation::Stop, Found::AtWork(id)) => Ok(self.stop_running(&id)),
            (Operation::Pause, Found::AtWork(id)) => Ok(self.pause_running(&id)),
            (Operation::Resume, Found::AtWork(id)) => Ok(self.resume_running(&id)),
            (Operation::Delete, Found::AtWork(_)) => {
                Ok(Answer::refused(format!("{run} is at work: stop it first")))
            }
            (Operation::RunNow, Found::AtWork(_)) => {
                Ok(Answer::done(format!("{run} is running already")))
            }
            (op, Found::Lying(job, state)) => self.obey_of_lying(op, (&job, state), run),
        }
    }

    fn obey_of_lying(
        &mut self,
        op: Operation,
        (job, state): (&Listed, State),
        run: &str,
    ) -> Result<Answer, SpoolError> {
        self.held.remove(&job.id);
        match (op, state) {
            (Operation::Stop, State::Hold) => Ok(Answer::refused(format!(
                "{run} rests already: `exportd resume` lets it go on, `exportd delete` forgets it"
            ))),
            (Operation::Stop, State::Scheduled) => Ok(Answer::refused(format!(
                "{run} is not running: `exportd delete` forgets what is to come"
            ))),
            (Operation::Stop, _) => self.forget(&job.id, run),
            (Operation::Pause, State::Hold) => Ok(Answer::done(format!("{run} rests already"))),
            (Operation::Pause, _) => {
                self.spool.hold(&job.id)?;
                Ok(Answer::done(format!("{run} is paused")))
            }
            (Operation::Resume, State::Hold) => self.resume_held(job, run),
            (Operation::Resume, _) => {
                Ok(Answer::done(format!("{run} is not paused: {}", waits(state))))
            }
            (Operation::Delete, State::Hold) => self.delete_held(&job.id, run),
            (Operation::Delete, _) => self.forget(&job.id, run),
            (Operation::RunNow, State::Scheduled) => self.run_now(&job.id, run),
            (Operation::RunNow, State::Hold) => {
                Ok(Answer::refused(format!("{run} is paused: resume it first")))
            }
            (Operation::RunNow, _) => Ok(Answer::done(format!("{run} waits for its turn already"))),
        }
    }

    /// Finds what a name means.
    fn find(&self, op: Operation, name: &str) -> Result<Option<Found>, SpoolError> {
        let at_work = |is_it: &dyn Fn(&Posting, &str) -> bool| {
            let postings = self.hall.postings();
            let found = postings.iter().find(|(id, posting)| is_it(posting, id))?;
            Some(Found::AtWork(found.0.clone()))
        };
        if let Some(found) = at_work(&|posting, id| posting.is_run(name, id)) {
            return Ok(Some(found));
        }
        let may_be_schedule = match op {
            Operation::Stop => false,
            Operation::Pause | Operation::Resume | Operation::Delete | Operation::RunNow => true,
        };
        if may_be_schedule
            && let Some(found) = self.find_lying(&[State::Scheduled, State::Hold], &|job| {
                matches!(job.due, Some(Due::Repeats(_))) && self.is_meant(job, name)
            })?
        {
            return Ok(Some(found));
        }
        if let Some(found) = at_work(&|posting, _| posting.is_of(name)) {
            return Ok(Some(found));
        }
        let states = [State::Queue, State::Scheduled, State::Hold];
        self.find_lying(&states, &|job| self.is_meant(job, name))
    }

    fn find_lying(
        &self,
        states: &[State],
        is_it: &dyn Fn(&Listed) -> bool,
    ) -> Result<Option<Found>, SpoolError> {
        for &state in states {
            if let Some(job) = self.spool.list(state)?.into_iter().find(|job| is_it(job)) {
                return Ok(Some(Found::Lying(Box::new(job), state)));
            }
        }
        Ok(None)
    }

    fn is_meant(&self, job: &Listed, name: &str) -> bool {
        let id = job.id.as_str();
        let Some(record) = &job.record else { return id == name };
        let posting = Posting::new(record);
        if posting.is_run(name, id) || posting.is_of(name) {
            return true;
        }
        // A name of a run has a time in it, one of a job need not be that of its file.
        self.spool.steps::<Step>(&job.id).iter().any(|step| {
            matches!(step, Step::Named { run, job_handle, .. }
                if run.as_str() == name || job_handle == name)
        }) || self.spool.manifest(&job.id).and_then(|bytes| job_name(&bytes)).as_deref()
            == Some(name)
    }

    /// Says that nothing can be done to what is over, or was never there.
    fn nothing_of(&self, run: &str) -> Answer {
        let folder = &self.epoch.settings.folders.reports;
        let known = crate::report::folder::runs(folder).iter().any(|known| known == run);
        if known {
            Answer::refused(format!("{run} is over"))
        } else {
            Answer::absent(format!("there is no job {run} at work, waiting or paused"))
        }
    }

    fn stop_running(&mut self, id: &str) -> Answer {
        let mut postings = self.hall.postings();
        let Some((running, posting)) = self.running.get_mut(id).zip(postings.get_mut(id)) else {
            return Answer::absent(format!("{id} has just ended"));
        };
        running.cancel.ask(Ask::Stop);
        running.go_on = false;
        posting.state = ActiveState::Stopping.word().into();
        Answer::done(format!("{} is stopping", posting.name()))
    }

    fn pause_running(&mut self, id: &str) -> Answer {
        let Some(Running { cancel, go_on, .. }) = self.running.get_mut(id) else {
            return Answer::absent(format!("{id} has just ended"));
        };
        cancel.ask(Ask::Pause);
        *go_on = false;
        Answer::done("it is paused as soon as what is begun is finished")
    }

    /// Lets a job go on that is not at rest yet: as soon as it is.
    fn resume_running(&mut self, id: &str) -> Answer {
        let Some(Running { cancel, go_on, .. }) = self.running.get_mut(id) else {
            return Answer::absent(format!("{id} has just ended"));
        };
        if !cancel.is_paused() {
            return Answer::done("it is at work and not paused");
        }
        *go_on = true;
        Answer::done("it goes on as soon as what was begun before the pause is finished")
    }

    /// Lets a job go on that came to rest after somebody had asked for that.
    pub(super) fn resume_rested(&mut self, id: &JobId) {
        let resumed = self.spool.note(id, &[Step::Resumed]).and_then(|()| self.spool.resume(id));
        match resumed {
            // It was over before it could rest.
            Ok(()) | Err(SpoolError::NotWaiting { .. }) => {}
            Err(error) if error.is_fatal() => self.fail(super::DaemonError::Spool(error)),
            Err(error) => tracing::warn!(%id, %error, "the job stays paused"),
        }
    }

    fn resume_held(&mut self, job: &Listed, run: &str) -> Result<Answer, SpoolError> {
        self.spool.note(&job.id, &[Step::Resumed])?;
        self.spool.resume(&job.id)?;
        self.clock.schedules = Instant::now();
        let now = super::now();
        match job.due {
            Some(Due::Repeats(due)) => match self.skip_missed(&job.id, due, now)? {
                Some(next) => Ok(Answer::done(format!("{run} goes on, next at {}", local(next)))),
                None => Ok(Answer::done(format!("{run} has no firing left and is over"))),
            },
            Some(Due::Once(due)) if due > now => {
                Ok(Answer::done(format!("{run} waits for {}", local(due))))
            }
            _ => Ok(Answer::done(format!("{run} goes on when its turn comes"))),
        }
    }

    /// Forgets a job that has not begun; one that has is over as soon as its turn comes, so that its
    /// run gets its report.
    fn forget(&self, id: &JobId, run: &str) -> Result<Answer, SpoolError> {
        if self.is_named(id) {
            self.spool.note(id, &[Step::Stopping])?;
            return Ok(Answer::done(format!("{run} is stopped as soon as its turn comes")));
        }
        self.spool.remove(id)?;
        Ok(Answer::done(format!("{run} is forgotten; it had not begun")))
    }

    fn delete_held(&self, id: &JobId, run: &str) -> Result<Answer, SpoolError> {
        let steps = self.spool.steps::<Step>(id);
        let settings = &self.epoch.settings;
        let named = steps.iter().find_map(|step| match step {
            Step::Named { run, .. } => Some(run),
            _ => None,
        });
        Stage::decided(&settings.folders.out, id.as_str()).remove();
        let Some(named) = named else {
            self.spool.remove(id)?;
            return Ok(Answer::done(format!("{run} is forgotten; it had not begun")));
        };
        if ReportFolder::open(settings.folders.reports.join(named.as_path())).is_finished() {
            self.spool.remove(id)?;
            return Ok(Answer::done(format!(
                "what {run} had done is thrown away; its report stays"
            )));
        }
        // Its run gets its report when its turn comes: stopped, nothing done.
        self.spool.note(id, &[Step::Resumed, Step::Stopping])?;
        self.spool.resume(id)?;
        Ok(Answer::done(format!("what {run} had done is thrown away")))
    }

    fn run_now(&mut self, id: &JobId, run: &str) -> Result<Answer, SpoolError> {
        if self.under_way()?.iter().any(|other| other.schedule() == *id) {
            return Ok(Answer::refused(format!("an earlier run of {run} is still going")));
        }
        self.spool.run_now(id, super::now())?;
        Ok(Answer::done(format!(
            "{run} runs when its turn comes, which is at once if nothing waits"
        )))
    }

    fn is_named(&self, id: &JobId) -> bool {
        self.spool.steps::<Step>(id).iter().any(|step| matches!(step, Step::Named { .. }))
    }
}

/// Says what a job that is not paused does.
const fn waits(state: State) -> &'static str {
    match state {
        State::Scheduled => "it waits for its time",
        _ => "it waits for its turn",
    }
}

fn job_name(bytes: &[u8]) -> Option<String> {
    Some(manifest::parse(bytes).manifest?.job_name?.value.to_string())
}

/// Shows a moment as the clock on the wall does.
pub(super) fn local(at: jiff::Timestamp) -> String {
    at.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}
