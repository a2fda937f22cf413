//! One order from its manifest to its report: the road that `run` and `once` share.
//!
//! The order of what is durable is: the name of the run, the outcome of each asset, the decision
//! to publish, the outputs in their place, the report, the mail. A job that is taken up again goes
//! the same road and finds what is done; nothing on it undoes anything.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::idle;
use super::requests::local;
use super::space::{Room, Shortage};
use crate::config::Settings;
use crate::diag::{Code, Diagnostic, Fault, Text, phrase};
use crate::fs::RelPath;
use crate::job::check::{
    Destination, Existing, ExportJob, Judged, Make, Moment, When, about, judge, judge_beginning,
};
use crate::job::log::{About, AssetEntry, AssetOutcome, JobLog};
use crate::job::manifest::{self, Manifest};
use crate::job::publish::{Place, Stage, sums};
use crate::job::recipe::recipes;
use crate::job::run::{Ask, Bench, Cancel, Decided, Event, Progress, Step, WorkError, work};
use crate::job::{Fmt, Verdict};
use crate::library::Library;
use crate::pulse::Pulse;
use crate::report::folder::{ActiveState, ReportFolder, Status, Waiting};
use crate::report::html::Broken;
use crate::report::page::AGAIN;
use crate::report::sheet::Doing;
use crate::report::text::RETRY_OF;
use crate::report::{Directory, Places, Report, RetryRendition, RetryRequest};
use crate::spool::{Due, Journal, JournalError};
use crate::worker::{Lane, Pool};

/// How often assets that are not there yet are looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
/// How long what workers have in hand is waited for when a disk is full.
const HANDS: Duration = Duration::from_secs(30);
/// What is done in a journal, for whoever finds it hanging.
const WRITES: &str = "writes its journal";
/// How long a run takes before its page shows how far it is; most are over by then.
const FIRST_PAGE: Duration = Duration::from_secs(2);
/// How often that is written again, at most.
const NEXT_PAGE: Duration = Duration::from_secs(AGAIN as u64);
/// How often progress is written down, at most.
const POSTING: Duration = Duration::from_secs(1);
/// A run that begins so much after its time says so.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// What every job of one configuration works with.
pub struct Epoch {
    /// The configuration.
    pub settings: Settings,
    /// The workers.
    pub pool: Pool,
    /// Where things are, as people reach them.
    pub places: Places,
    /// Who gets mail.
    pub directory: Directory,
}

/// A manifest with what is known about it from outside.
pub struct Order<'o> {
    /// The spool's id, or one made up for `once`.
    pub id: &'o str,
    /// The manifest's file name.
    pub name: &'o str,
    /// Its bytes; only the beginning of one that is too large.
    pub bytes: &'o [u8],
    /// Whether these are all of it.
    pub whole: bool,
    /// Owner of the dropped file.
    pub uid: Option<u32>,
    /// When it was accepted, or when its schedule fired.
    pub received: Timestamp,
    /// When it was to begin, if not as soon as it was handed in.
    pub due: Option<Timestamp>,
    /// Number in the job handle.
    pub number: u64,
    /// Whether its time has come already.
    pub fired: Fired,
    /// Why it is not even tried, when it broke the daemon too often.
    pub given_up: Option<Fault>,
}

/// Whether a schedule is still to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fired {
    /// `execTime` and `execSchedule` decide.
    NotYet,
    /// This is a firing, or schedules are not obeyed.
    Now,
}

/// Where the steps of a run are kept.
pub enum Ledger<'l> {
    /// In the job's journal.
    Journal {
        /// Which.
        journal: &'l Journal,
        /// What tells whether writing hangs.
        pulse: &'l Pulse,
    },
    /// Nowhere: what is interrupted is not taken up again.
    Nowhere,
}

impl Ledger<'_> {
    /// Writes a step; durable when this returns.
    fn write(&self, step: &impl Serialize) -> Result<(), ConductError> {
        match self {
            Self::Journal { journal, pulse } => {
                let _step = pulse.step(WRITES);
                journal.append(step).map_err(ConductError::Journal)
            }
            Self::Nowhere => Ok(()),
        }
    }

    /// Writes a step that may be lost in a crash: its work is then done again.
    fn note(&self, step: &Step) -> Result<(), JournalError> {
        match self {
            Self::Journal { journal, pulse } => {
                let _step = pulse.step(WRITES);
                journal.append_lazily(step)
            }
            Self::Nowhere => Ok(()),
        }
    }
}

/// How an order came out.
pub enum Conducted {
    /// It is over; the report is written.
    Over(Box<Over>),
    /// It waits for its time.
    Later(Due),
    /// The daemon stops, or a person paused it; it is taken up again.
    Suspended,
}

/// A run that is over.
pub struct Over {
    /// What came of it.
    pub log: JobLog,
    /// What a retry would ask.
    pub retry: Option<RetryRequest>,
    /// The template that its page could not be set by.
    pub broken: Option<Broken>,
}

/// Why an order cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ConductError {
    /// The journal cannot be written; the daemon must end and recover.
    #[error(transparent)]
    Journal(JournalError),
    /// The report cannot be written; the order stays and is tried again.
    #[error("the report cannot be written: {0}")]
    Report(std::io::Error),
    /// The outputs do not fit on their disk; the order stays and is tried again.
    #[error("no room left in {}", .0.folder.display())]
    NoRoom(Shortage),
    /// The output's disk takes nothing; the order waits and is tried again.
    #[error("{0}")]
    Output(Fault),
}

/// Names a run after its job and the local time: `<jobName>_<YYYY-MM-DD-HH-MM-SS>`.
#[must_use]
pub fn run_name(job_name: &str, at: Timestamp, zone: &TimeZone) -> String {
    let job_name: String = job_name
        .chars()
        .map(|c| if c.is_whitespace() || c == '/' || crate::fs::is_invisible(c) { '-' } else { c })
        .collect();
    let job_name = job_name.trim_start_matches('.');
    let cut = job_name.floor_char_boundary(200.min(job_name.len()));
    let job_name = if cut == 0 { "job" } else { &job_name[..cut] };
    format!("{job_name}_{}", at.to_zoned(zone.clone()).strftime("%Y-%m-%d-%H-%M-%S"))
}

/// What a run has around it.
pub struct Stand<'s> {
    /// Whether to end early.
    pub cancel: &'s Cancel,
    /// Where its steps are kept.
    pub ledger: Ledger<'s>,
    /// Told how far it is, at most once a second.
    pub watch: &'s dyn Fn(&Status<'_>),
    /// Told of a refused manifest, before its report is there.
    pub refused: &'s dyn Fn(&Report<'_>),
    /// Reads the wall clock.
    pub now: fn() -> Timestamp,
}

/// Takes an order from its manifest to its report. `steps` is what its journal says.
///
/// # Errors
/// See [`ConductError`].
pub fn conduct(
    order: &Order<'_>,
    epoch: &Epoch,
    stand: &Stand<'_>,
    steps: Vec<Step>,
) -> Result<Conducted, ConductError> {
    let next_page = Cell::new(Instant::now() + FIRST_PAGE);
    Course { order, epoch, stand, past: Past::of(steps), next_page }.run()
}

/// What the journal of earlier attempts says.
#[derive(Default)]
struct Past {
    named: Option<(RelPath, String, Timestamp)>,
    assets: Vec<AssetEntry>,
    stopping: bool,
    decision: Option<Decision>,
    published: Option<(Timestamp, BTreeMap<usize, Fault>)>,
    /// How often it was over, because somebody had stopped it, and goes on all the same.
    resumed: u32,
}

impl Past {
    fn of(steps: Vec<Step>) -> Self {
        let mut past = Self::default();
        for step in steps {
            match step {
                Step::Named { run, job_handle, start } => {
                    past.named = Some((run, job_handle, start));
                }
                Step::Stopping => past.stopping = true,
                Step::Asset(entry) => past.assets.push(*entry),
                Step::Publish { place, entries, stopped } => {
                    past.decision = Some(Decision { aim: Aim::Place(place), entries, stopped });
                }
                Step::Stopped { end, entries } => {
                    past.decision =
                        Some(Decision { aim: Aim::Stay { end }, entries, stopped: true });
                }
                Step::Resumed => past.go_on(),
                Step::Published { end, failed } => past.published = Some((end, failed)),
            }
        }
        past
    }

    /// Forgets that it was stopped. What is to be published still is.
    fn go_on(&mut self) {
        self.stopping = false;
        if matches!(self.decision, Some(Decision { aim: Aim::Stay { .. }, .. })) {
            self.decision = None;
            self.resumed += 1;
        }
    }
}

/// What becomes of the outputs; journalled before the first file is moved.
struct Decision {
    aim: Aim,
    entries: Vec<AssetEntry>,
    stopped: bool,
}

/// Where outputs go.
enum Aim {
    /// There.
    Place(Place),
    /// Nowhere: a person stopped the run then, and may let it go on.
    Stay {
        /// When that was.
        end: Timestamp,
    },
}

/// One order on its way.
struct Course<'c> {
    order: &'c Order<'c>,
    epoch: &'c Epoch,
    stand: &'c Stand<'c>,
    past: Past,
    /// When the page of the run is written again.
    next_page: Cell<Instant>,
}

impl Course<'_> {
    fn run(&mut self) -> Result<Conducted, ConductError> {
        let settings = &self.epoch.settings;
        if self.past.stopping {
            self.stand.cancel.ask(Ask::Stop);
        }
        let now = (self.stand.now)();
        let library = Library::open(&settings.folders.assets, settings.folders.catalogs.as_deref());
        let judged = library.as_ref().map(|library| self.judge(library, now)).ok();
        let decision = self.past.decision.take();
        let anew = self.past.resumed > 0 && decision.is_none();
        let job = judged.as_ref().and_then(|judged| judged.job.as_ref());
        if self.order.fired == Fired::NotYet
            && self.past.named.is_none()
            && let Some(due) = job.and_then(|job| due(job, now))
        {
            return Ok(Conducted::Later(due));
        }
        let retry = judged
            .as_ref()
            .and_then(|judged| Some(request(judged.manifest.as_ref()?, judged.job.as_ref()?)));
        let (mut log, run, folder) = self.begin(judged.as_ref(), library.as_ref().ok())?;
        if anew {
            folder.reopen().map_err(ConductError::Report)?;
        }
        match (decision, library, judged.and_then(|judged| judged.job)) {
            // Whatever the configuration has become: only forward from here.
            (Some(decision), _, _) => {
                log.findings.retain(|finding| !finding.is_error());
                let stage = Stage::decided(&settings.folders.out, self.order.id);
                self.publish(&stage, decision, (&mut log, &folder))?;
            }
            (None, _, _) if self.order.given_up.is_some() => {
                log.fatal.clone_from(&self.order.given_up);
                Stage::decided(&settings.folders.out, self.order.id).remove();
            }
            (None, Err(error), _) => {
                tracing::warn!(%error, "a job finds no assets");
                log.fatal = Some(error.fault());
            }
            (None, Ok(_), None) => {}
            (None, Ok(library), Some(job)) => {
                log.fatal = None;
                let job = self.wait_for_assets(job, &library, (&log, &folder));
                if !self.export(&job, &library, (&mut log, &run), &folder)? {
                    return Ok(Conducted::Suspended);
                }
            }
        }
        log.end = match &self.past.published {
            Some((end, _)) => *end,
            None => (self.stand.now)(),
        };
        let mut over = Over { log, retry, broken: None };
        if over.log.assets.len() >= idle::MANY {
            idle::give_code_back();
        }
        let report = over.report(&self.epoch.places);
        if over.log.verdict() == Verdict::Refused {
            (self.stand.refused)(&report);
        }
        over.broken = folder.finish(&report).map_err(ConductError::Report)?;
        Ok(Conducted::Over(Box::new(over)))
    }

    fn judge(&self, library: &Library, now: Timestamp) -> Judged {
        let moment = match self.order.fired {
            Fired::NotYet => Moment::HandedIn(now.to_zoned(TimeZone::system())),
            Fired::Now => Moment::Due,
        };
        if !self.order.whole {
            return judge_beginning(self.order.bytes);
        }
        judge(self.order.bytes, library, &self.epoch.settings.policy, &moment)
    }

    /// Names the run, or finds the name it has, and begins its log and its folder. A manifest that
    /// is refused has its reason in the log already.
    fn begin(
        &self,
        judged: Option<&Judged>,
        library: Option<&Library>,
    ) -> Result<(JobLog, RelPath, ReportFolder), ConductError> {
        let settings = &self.epoch.settings;
        let manifest = judged.and_then(|judged| judged.manifest.as_ref());
        let mut about = about(manifest, self.order.name, self.order.uid);
        about.retry_of = judged.and_then(|judged| retried(&judged.text));
        if about.locale.is_none() {
            about.locale = self.epoch.directory.locale(&about).map(str::to_owned);
        }
        let (run, job_handle, start, folder) = match self.past.named.clone() {
            Some((run, job_handle, start)) => {
                let folder = ReportFolder::open(settings.folders.reports.join(run.as_path()));
                (run, job_handle, start, folder)
            }
            None => self.name(&about)?,
        };
        folder.begin(self.order.bytes).map_err(ConductError::Report)?;
        let mut findings = judged.map_or_else(Vec::new, Judged::told);
        findings.extend(manifest.and_then(|manifest| self.lateness(manifest, start)));
        let log = JobLog {
            about,
            run: run.to_string(),
            job_handle,
            start,
            end: start,
            assets: Vec::new(),
            findings,
            fatal: judged.and_then(Judged::refusal),
            stopped: false,
            resumed: self.past.resumed,
            recipes: judged
                .and_then(|judged| judged.job.as_ref())
                .zip(library)
                .map(|(job, library)| recipes(job, library.images(), &settings.policy.macros))
                .unwrap_or_default(),
            manifest: judged.map_or_else(String::new, |judged| judged.text.clone()),
            output_folder: None,
        };
        Ok((log, run, folder))
    }

    /// Says of a run that it began long after its time: no daemon ran then, or none had a place for it.
    fn lateness(&self, manifest: &Manifest, start: Timestamp) -> Option<Diagnostic> {
        let due = self.order.due.filter(|due| start.duration_since(*due) > LATE)?;
        let span = (manifest.exec_time.as_ref().map(|time| time.span.clone()))
            .or_else(|| Some(manifest.exec_schedule.as_ref()?.span.clone()))?;
        let message = phrase!(
            "began-late",
            "it was due at {due} and began at {start}",
            due = local(due),
            start = local(start)
        );
        Some(Diagnostic::warning(Code::Value, span, message))
    }

    /// Gives the run a name that no folder in `out` or `reports` has, by making the latter.
    fn name(
        &self,
        about: &About,
    ) -> Result<(RelPath, String, Timestamp, ReportFolder), ConductError> {
        let settings = &self.epoch.settings;
        let wanted = run_name(&about.job_name, self.order.received, &TimeZone::system());
        let is_free = |name: &str| settings.folders.out.join(name).symlink_metadata().is_err();
        let (run, folder) =
            ReportFolder::claim(&settings.folders.reports, &wanted, self.order.id, &is_free)
                .map_err(ConductError::Report)?;
        let job_handle =
            format!("j|{}|{}|{run}|{}", settings.policy.company, about.job_name, self.order.number);
        let start = (self.stand.now)();
        let step = Step::Named { run: run.clone(), job_handle: job_handle.clone(), start };
        self.stand.ledger.write(&step)?;
        Ok((run, job_handle, start, folder))
    }

    /// Looks again for assets that are not there yet, as long as the configuration says.
    fn wait_for_assets(
        &self,
        mut job: ExportJob,
        library: &Library,
        (log, folder): (&JobLog, &ReportFolder),
    ) -> ExportJob {
        let patience = self.epoch.settings.policy.wait_for_assets;
        let since = log.start;
        let until = SignedDuration::try_from(patience)
            .ok()
            .and_then(|patience| since.checked_add(patience).ok());
        loop {
            let now = (self.stand.now)();
            let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
            if waited >= patience || self.stand.cancel.asked() != Ask::Nothing || is_complete(&job)
            {
                return job;
            }
            let wait = (Waiting::WaitingAssets, until);
            self.post_waiting((log, folder), ActiveState::WaitingClient, &Progress::NONE, wait);
            std::thread::sleep(LOOK_AGAIN);
            library.refresh();
            match self.judge(library, (self.stand.now)()).job {
                Some(again) => job = again,
                None => return job,
            }
        }
    }

    /// Says how far the run is, in `status.json` and to whoever watches.
    fn post(&self, run: (&JobLog, &ReportFolder), state: ActiveState, progress: &Progress) {
        self.tell(run, state, progress, None);
    }

    /// As [`Self::post`], of a run that waits for something, and until when.
    fn post_waiting(
        &self,
        run: (&JobLog, &ReportFolder),
        state: ActiveState,
        progress: &Progress,
        wait: (Waiting, Option<Timestamp>),
    ) {
        self.tell(run, state, progress, Some(wait));
    }

    fn tell(
        &self,
        (log, folder): (&JobLog, &ReportFolder),
        state: ActiveState,
        progress: &Progress,
        wait: Option<(Waiting, Option<Timestamp>)>,
    ) {
        let status = Status {
            job_handle: &log.job_handle,
            run: &log.run,
            state,
            progress: progress.done,
            counts: progress.counts,
            last_progress_update: (self.stand.now)(),
            waiting: wait.map(|(what, _)| what),
            waiting_until: wait.and_then(|(_, until)| until),
        };
        if let Err(error) = folder.write_status(&status) {
            tracing::debug!(run = log.run, %error, "status.json not written");
        }
        (self.stand.watch)(&status);
        if Instant::now() >= self.next_page.get() {
            self.next_page.set(Instant::now() + NEXT_PAGE);
            self.show((log, folder), progress, doing(state, status.waiting));
        }
    }

    /// Shows how far the run is on its page.
    fn show(&self, (log, folder): (&JobLog, &ReportFolder), progress: &Progress, doing: Doing) {
        let report = Report { log, places: &self.epoch.places, retry: None };
        let now = (self.stand.now)().to_zoned(TimeZone::system());
        if let Err(error) = folder.write_progress(&report, (progress, &now), doing) {
            tracing::debug!(run = log.run, %error, "the page of a run was not written");
        }
    }

    /// Works, decides and publishes; `false` when it ends before the decision and is taken up again.
    fn export(
        &mut self,
        job: &ExportJob,
        library: &Library,
        (log, run): (&mut JobLog, &RelPath),
        folder: &ReportFolder,
    ) -> Result<bool, ConductError> {
        let stage = match Stage::open(&self.epoch.settings.folders.out, self.order.id) {
            Ok(stage) => stage,
            Err(error) => {
                let fault = error.fault();
                if self.waits_for(&fault) {
                    let stage = Stage::decided(&self.epoch.settings.folders.out, self.order.id);
                    return Err(self.held_up(fault, &stage, (log, folder)));
                }
                log.fatal = Some(fault);
                return Ok(true);
            }
        };
        let Some(decision) = self.work(job, library, (&stage, folder), (log, run))? else {
            return Ok(false);
        };
        self.publish(&stage, decision, (log, folder))?;
        Ok(true)
    }

    /// Tells whether a fault is waited out instead of being reported: it says nothing about the
    /// job, and the job can be taken up again. A person who stops it wants no waiting.
    fn waits_for(&self, fault: &Fault) -> bool {
        fault.blocks_output()
            && matches!(self.stand.ledger, Ledger::Journal { .. })
            && self.stand.cancel.asked() != Ask::Stop
    }

    fn wait_for_output(
        &self,
        fault: Fault,
        (log, folder): (&JobLog, &ReportFolder),
    ) -> ConductError {
        self.post((log, folder), ActiveState::WaitingCoordinator, &Progress::NONE);
        ConductError::Output(fault)
    }

    /// Says what holds a run up before its outputs are decided on.
    fn held_up(&self, fault: Fault, stage: &Stage, run: (&JobLog, &ReportFolder)) -> ConductError {
        if fault.lacks_room() {
            // What waits for room must not hold any: two that do would wait for ever.
            self.no_room(stage, run)
        } else {
            self.wait_for_output(fault, run)
        }
    }

    /// Gives back the room that a run takes which does not fit, and says what it lacks.
    fn no_room(&self, stage: &Stage, run: (&JobLog, &ReportFolder)) -> ConductError {
        let (bytes, files) = stage.size();
        stage.remove();
        self.lacking(Room { bytes, files }, run)
    }

    fn lacking(&self, tried: Room, run: (&JobLog, &ReportFolder)) -> ConductError {
        let wait = (Waiting::WaitingSpace, None);
        self.post_waiting(run, ActiveState::WaitingCoordinator, &Progress::NONE, wait);
        ConductError::NoRoom(Shortage::now(&self.epoch.settings.folders.out, tried))
    }

    /// Does the work and journals what becomes of it; `None` when it is taken up again later.
    fn work(
        &self,
        job: &ExportJob,
        library: &Library,
        (stage, folder): (&Stage, &ReportFolder),
        (log, run): (&JobLog, &RelPath),
    ) -> Result<Option<Decision>, ConductError> {
        let lane = self.epoch.pool.lane();
        let bench = Bench {
            library,
            lane: &lane,
            defaults: &self.epoch.settings.policy.imaging,
            macros: &self.epoch.settings.policy.macros,
            profiles: &self.epoch.settings.policy.profiles,
            cancel: self.stand.cancel,
            shown: self.epoch.settings.thumbnails,
        };
        self.post((log, folder), ActiveState::Running, &Progress::NONE);
        let mut posted = Instant::now();
        let mut last = Progress::NONE;
        let mut tell = |event: Event<'_>| {
            match event {
                Event::Stopping => {
                    self.stand.ledger.note(&Step::Stopping)?;
                    self.post((log, folder), ActiveState::Stopping, &last);
                }
                Event::Asset(AssetEntry { outcome: AssetOutcome::Failed { fault }, .. })
                    if self.waits_for(fault) =>
                {
                    return Err(WorkError::Output(fault.clone()));
                }
                Event::Asset(entry) => {
                    self.stand.ledger.note(&Step::Asset(Box::new(entry.clone())))?;
                }
                Event::Thumbnail(subject, thumbnail) => folder.show(subject, thumbnail),
                Event::Progress(progress) => {
                    last = *progress;
                    if posted.elapsed() >= POSTING {
                        posted = Instant::now();
                        let state = match self.stand.cancel.asked() {
                            Ask::Nothing | Ask::Pause => ActiveState::Running,
                            Ask::Stop | Ask::Suspend => ActiveState::Stopping,
                        };
                        self.post((log, folder), state, progress);
                    }
                }
            }
            Ok(())
        };
        match work(job, &bench, stage, &self.past.assets, &mut tell) {
            Ok(entries) => self.decide(job, entries, (stage, folder), (log, run)).map(Some),
            Err(WorkError::Suspended) => {
                if folder.has_page() {
                    let paused = self.stand.cancel.is_paused();
                    let doing = if paused { Doing::Paused } else { Doing::Interrupted };
                    self.show((log, folder), &last, doing);
                }
                Ok(None)
            }
            Err(WorkError::Journal(error)) => Err(ConductError::Journal(error)),
            Err(WorkError::Output(fault)) => {
                self.empty(&lane);
                Err(self.held_up(fault, stage, (log, folder)))
            }
        }
    }

    /// Journals what becomes of the outputs.
    fn decide(
        &self,
        job: &ExportJob,
        mut entries: Vec<AssetEntry>,
        (stage, folder): (&Stage, &ReportFolder),
        (log, run): (&JobLog, &RelPath),
    ) -> Result<Decision, ConductError> {
        let stopped = entries.iter().any(|entry| entry.outcome == AssetOutcome::Cancelled);
        // What nobody can take up again is not kept for that.
        if stopped && matches!(self.stand.ledger, Ledger::Journal { .. }) {
            let end = (self.stand.now)();
            self.stand.ledger.write(&Decided::Stopped { end, entries: &entries })?;
            return Ok(Decision { aim: Aim::Stay { end }, entries, stopped });
        }
        let place = match &job.destination {
            None => Place::Run(run.clone()),
            Some(Destination { folder, existing }) => {
                Place::Destination { folder: folder.clone(), existing: *existing }
            }
        };
        let ready = stage.decide(&place, &mut entries).and_then(|()| stage.seal(&place, &entries));
        if let Err(error) = ready {
            let fault = error.fault();
            if self.waits_for(&fault) {
                return Err(self.held_up(fault, stage, (log, folder)));
            }
            fail_delivered(&mut entries, &fault);
        }
        let decided = Decided::Publish { place: &place, entries: &entries, stopped };
        self.stand.ledger.write(&decided)?;
        Ok(Decision { aim: Aim::Place(place), entries, stopped })
    }

    /// Waits until no worker writes for this run any more, so that the disk can be looked at.
    fn empty(&self, lane: &Lane) {
        let _ = lane.withdraw();
        let until = Instant::now() + HANDS;
        while lane.outstanding() > 0
            && lane.is_open()
            && Instant::now() < until
            && self.stand.cancel.asked() != Ask::Suspend
        {
            let _ = lane.wait(Duration::from_millis(200));
        }
    }

    /// Puts the outputs into their place, or finds that they are there; or leaves them staged.
    fn publish(
        &mut self,
        stage: &Stage,
        Decision { aim, entries, stopped }: Decision,
        (log, folder): (&mut JobLog, &ReportFolder),
    ) -> Result<(), ConductError> {
        log.assets = entries;
        log.stopped = stopped;
        log.fatal = None;
        let place = match aim {
            Aim::Place(place) => place,
            Aim::Stay { end } => {
                self.past.published = Some((end, BTreeMap::new()));
                if !log.is_kept() {
                    stage.remove();
                }
                return Ok(());
            }
        };
        let delivers = |log: &JobLog| log.assets.iter().any(|e| !e.outcome.files().is_empty());
        let failed = match self.past.published.take() {
            Some((end, failed)) => {
                self.past.published = Some((end, failed.clone()));
                failed
            }
            None => {
                let failed = if delivers(log) {
                    stage.publish(&place, &log.assets)
                } else {
                    BTreeMap::new()
                };
                if let Some(fault) = failed.values().find(|fault| self.waits_for(fault)) {
                    // It is decided: nothing is taken back, only what is missing is done.
                    return Err(if fault.lacks_room() {
                        self.lacking(Room::default(), (log, folder))
                    } else {
                        self.wait_for_output(fault.clone(), (log, folder))
                    });
                }
                let end = (self.stand.now)();
                self.stand.ledger.write(&Step::Published { end, failed: failed.clone() })?;
                self.past.published = Some((end, failed.clone()));
                failed
            }
        };
        for (at, fault) in failed {
            if let Some(entry) = log.assets.get_mut(at) {
                entry.outcome = AssetOutcome::Failed { fault };
            }
        }
        stage.remove();
        if delivers(log) {
            log.output_folder = Some(match place {
                Place::Run(run) => run,
                Place::Destination { folder: into, .. } => {
                    folder.write_sums(&sums(&log.assets)).map_err(ConductError::Report)?;
                    into
                }
            });
        }
        if !log.stopped && nothing_exportable(&log.assets) {
            log.fatal = Some(Fault::NothingExportable);
        }
        Ok(())
    }
}

/// Says what a run is doing, for its page.
const fn doing(state: ActiveState, waiting: Option<Waiting>) -> Doing {
    match (waiting, state) {
        (Some(Waiting::WaitingAssets), _) => Doing::WaitingAssets,
        (Some(Waiting::WaitingSpace), _) => Doing::WaitingSpace,
        (Some(Waiting::Paused | Waiting::Stopped), _) => Doing::Paused,
        (None, ActiveState::New | ActiveState::WaitingClient) => Doing::New,
        (None, ActiveState::WaitingCoordinator) => Doing::Waiting,
        (None, ActiveState::Running) => Doing::Running,
        (None, ActiveState::Stopping) => Doing::Stopping,
        (None, ActiveState::Done) => Doing::Over,
    }
}

impl Over {
    /// Returns everything that is said about the run.
    #[must_use]
    pub fn report<'a>(&'a self, places: &'a Places) -> Report<'a> {
        Report { log: &self.log, places, retry: self.retry.as_ref() }
    }
}

fn due(job: &ExportJob, now: Timestamp) -> Option<Due> {
    match &job.when {
        When::Now => None,
        When::At(at) => (*at > now).then_some(Due::Once(*at)),
        When::Repeatedly(schedule) => {
            let next = schedule.next_after(&now.to_zoned(TimeZone::system()))?;
            Some(Due::Repeats(next.timestamp()))
        }
    }
}

/// Tells whether every handle names something.
fn is_complete(job: &ExportJob) -> bool {
    let mut items = job.renditions.iter().flat_map(|rendition| &*rendition.items);
    items.all(|item| !matches!(item.asset, Err(Fault::NotFound { .. } | Fault::NothingMatches)))
}

/// Reads which run a manifest tries again: the first line of a `retry-failed.toml` says so.
fn retried(text: &str) -> Option<String> {
    let run = text.lines().next()?.strip_prefix(RETRY_OF)?.trim();
    RelPath::parse(run).ok().filter(|run| run.parent().is_none()).map(|run| run.to_string())
}

/// Takes from a manifest what a retry has to ask for again.
fn request(manifest: &Manifest, job: &ExportJob) -> RetryRequest {
    let text = |text: &Option<Text>| text.as_ref().map(|text| text.value.clone());
    let renditions = job.renditions.iter().map(|rendition| {
        let own = manifest
            .renditions
            .iter()
            .find(|own| own.name.as_ref().map(|name| &name.value) == rendition.name.as_ref())
            .map(|own| &own.request);
        let either = |of: fn(&manifest::Request) -> Option<String>| {
            own.and_then(of).or_else(|| of(&manifest.common))
        };
        RetryRendition {
            rendition: rendition.name.clone(),
            fmt: match rendition.make {
                Make::Orig => Fmt::Orig,
                Make::Convert(_) => Fmt::Convert,
            },
            is_modifier: either(|r| r.is_modifier.as_ref().map(|text| text.value.clone())),
            preset: either(|r| r.preset.as_ref().map(|preset| preset.value.clone())),
            output_name: either(|r| {
                r.output_name.as_ref().map(|name| name.value.as_str().to_owned())
            }),
        }
    });
    RetryRequest {
        description: text(&manifest.description),
        user_handle: text(&manifest.user_handle),
        locale: text(&manifest.locale),
        client_id: text(&manifest.client_id),
        email_setting: job.email_setting,
        destination: job.destination.as_ref().map(|d| d.folder.to_string()),
        overwrite: job.destination.as_ref().is_some_and(|d| d.existing == Existing::Replace),
        renditions: renditions.collect(),
    }
}

/// Fails everything that would have been delivered.
fn fail_delivered(entries: &mut [AssetEntry], fault: &Fault) {
    for entry in entries {
        if !entry.outcome.files().is_empty() {
            entry.outcome = AssetOutcome::Failed { fault: fault.clone() };
        }
    }
}

fn nothing_exportable(entries: &[AssetEntry]) -> bool {
    !entries.is_empty()
        && entries.iter().all(|e| matches!(e.outcome, AssetOutcome::NotExportable { .. }))
}
