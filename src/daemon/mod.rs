//! The daemon: one loop that decides, threads that do.
//!
//! ```text
//! signals ─┐
//! watcher ─┼─▶ bell ─▶ the loop ──▶ a thread a job ──▶ worker processes
//! jobs ────┘             │   └────▶ the mail thread ──▶ a sender process
//!                        └ scan, claim, fire schedules, reload, stop, status, watchdog
//! ```
//!
//! The loop owns the spool and is the only one that claims. It never touches a picture, an output
//! or the relay, so it is never kept waiting by one. A job's thread takes its claim from manifest
//! to report ([`conduct`]); the mail thread delivers what the outbox holds. Both only ring when
//! something is over.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};

use crate::config::{self, Config, ConfigError, Flags, Settings};
use crate::job::manifest;
use crate::job::run::{Ask, Cancel};
use crate::pulse::Pulse;
use crate::report::Notice;
use crate::spool::watch::Watch;
use crate::spool::{
    self, Came, Claim, JobId, Look, Recovered, Scanned, Settle, Spool, SpoolError, State,
};
use crate::worker::{Pool, PoolError};

pub mod answer;
pub mod board;
pub mod conduct;
mod heart;
mod idle;
mod journal;
mod metrics;
pub mod people;
mod post;
mod requests;
mod schedule;
mod serve;
mod shown;
pub mod space;
mod systemd;

use board::{Board, Posting};
use conduct::Epoch;
use heart::{Heart, Hung, Thread};
use metrics::Metrics;
use post::Post;
use schedule::SCHEDULES;
use serve::{ServeError, Service};
use space::Incidents;

/// Requests are looked for, and the board is written, at most this often.
const TICK: Duration = Duration::from_secs(1);
/// And this often while nothing happens.
const QUIET_TICK: Duration = Duration::from_secs(5);
/// At an orderly stop, running jobs are waited for this long. Together with the end of the mail
/// thread it stays below the unit's `TimeoutStopSec=45`.
const STOP: Duration = Duration::from_secs(35);
/// How long the mail in the sender's hands may take at the end.
const LAST_MAIL: Duration = Duration::from_secs(5);
/// Jobs at work at the same time; the others wait on disk.
const MOST_JOBS: usize = 64;
/// Jobs in memory, with those that wait for assets or for room.
const MOST_THREADS: usize = 256;
/// How long a last word about the jobs is waited for when a thread hangs.
const A_WORD: Duration = Duration::from_secs(1);
/// How soon a full or missing folder is tried again by the loop.
const AGAIN: Duration = Duration::from_secs(5);
/// How long the drop folder may be out of reach before it is worth a mail.
const LASTS: Duration = Duration::from_secs(300);
/// Who waits for room in the spool, beside jobs.
const ACCEPTING: &str = "accepting";
/// As [`ACCEPTING`].
const CLAIMING: &str = "claiming";
/// How long jobs are begun, each of which waits for the disk, before the loop looks at all else.
const BEGINNING: Duration = Duration::from_millis(250);
/// The spool is looked through for old jobs this often.
const SWEEP: Duration = Duration::from_secs(3600);

/// Why the daemon ended other than asked.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Another daemon holds the spool.
    #[error("another exportd holds {0}")]
    Held(PathBuf),
    /// An asset folder is not there.
    #[error("the asset folder {0} is not there")]
    NoAssets(PathBuf),
    /// A folder cannot be made or used.
    #[error("{path}: {source}")]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(SpoolError),
    /// What a job is doing cannot be written down; it is taken up again at the next start.
    #[error("the journal cannot be written: {0}")]
    Journal(String),
    /// The workers cannot be started.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// Something that must not happen.
    #[error("{0}")]
    Bug(String),
}

/// What rings the bell.
enum Ring {
    /// The drop folder may have changed.
    Drop,
    /// A signal came.
    Signal(i32),
    /// A job only waits now.
    Rest,
    /// A job's thread is done with its claim.
    Over { id: String, result: Result<(), ServeError> },
}

/// What the threads share.
struct Hall {
    mail: Post,
    postings: Mutex<BTreeMap<String, Posting>>,
    bell: Sender<Ring>,
    full: Incidents,
    metrics: Metrics,
    /// How many jobs only wait.
    resting: AtomicUsize,
}

/// What keeps the drop folder from being read.
struct Trouble {
    words: String,
    since: Timestamp,
    seen: Instant,
    told: bool,
}

/// A job only waits, as long as this is there.
struct Rest<'h>(&'h AtomicUsize);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Hall {
    fn post(&self, id: &str, posting: Posting) {
        self.postings().insert(id.to_owned(), posting);
    }

    /// Notes that a job gives its place to another while it waits.
    fn rest(&self) -> Rest<'_> {
        self.resting.fetch_add(1, Ordering::Relaxed);
        let _ = self.bell.send(Ring::Rest);
        Rest(&self.resting)
    }

    /// Notes that a disk is full.
    fn no_room(&self, folder: &Path, who: &str) {
        if self.full.begin(folder, who) {
            tracing::error!(
                "no room left in {}: what needs it waits and goes on by itself",
                folder.display()
            );
            self.mail.tell_operator(&Notice::DiskFull { folder, since: now() });
        }
    }

    /// Notes that it no longer is, for one of those that waited.
    fn has_room(&self, folder: &Path, who: &str) {
        if self.full.end(folder, who) {
            tracing::info!(folder = %folder.display(), "there is room again");
        }
    }

    fn postings(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Posting>> {
        self.postings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A job at work.
struct Running {
    cancel: Arc<Cancel>,
    /// Whether it is to go on when it has come to rest.
    go_on: bool,
    thread: JoinHandle<()>,
}

struct Daemon {
    flags: Flags,
    epoch: Arc<Epoch>,
    spool: Spool,
    watch: Watch,
    hall: Arc<Hall>,
    rings: Receiver<Ring>,
    running: BTreeMap<String, Running>,
    clock: Clock,
    heart: Heart,
    /// How many threads hung at the last look.
    hung: usize,
    posted: Option<Board>,
    /// The jobs on hold, as the board shows them.
    held: BTreeMap<JobId, Posting>,
    /// Whether anything has happened that the board does not show yet.
    news: bool,
    /// Why not everything in the drop folder can be taken, as it was said last.
    trouble: Option<Trouble>,
    /// Whether a job may wait although there is place for it.
    unbegun: bool,
    /// How often an end was asked for.
    stops: u32,
    /// Jobs that are left in the spool's `active/` and are not to blame for it.
    excused: Vec<JobId>,
    fatal: Option<DaemonError>,
}

/// When what is due next.
struct Clock {
    scan: Instant,
    claim: Instant,
    tick: Instant,
    ticked: Instant,
    schedules: Instant,
    sweep: Instant,
    post: Instant,
    metrics: Instant,
    /// When code that is not used is given back, if nothing happens before.
    idle: Option<Instant>,
    ping: Option<(Duration, Instant)>,
}

/// Reads the wall clock: the one place where it is read.
#[expect(clippy::disallowed_methods, reason = "the edge: everything below is given the time")]
pub fn now() -> Timestamp {
    Timestamp::try_from(std::time::SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Runs the daemon until it is asked to end.
///
/// # Errors
/// See [`DaemonError`].
pub fn run(flags: &Flags) -> Result<(), DaemonError> {
    let config = config::load(flags)?;
    journal::start();
    let mut daemon = Daemon::open(flags, config)?;
    daemon.work();
    daemon.close();
    daemon.fatal.map_or(Ok(()), Err)
}

impl Epoch {
    /// Makes everything ready that a configuration asks for.
    ///
    /// # Errors
    /// When an asset folder is missing or no worker can be started.
    pub fn open(settings: Settings) -> Result<Self, DaemonError> {
        for root in &settings.folders.assets {
            if !root.is_dir() {
                return Err(DaemonError::NoAssets(root.clone()));
            }
        }
        let shares = settings.path_prefixes.iter();
        let places = crate::report::Places {
            out: settings.folders.out.clone(),
            reports: settings.folders.reports.clone(),
            shares: shares.map(|(ours, theirs)| (PathBuf::from(ours), theirs.clone())).collect(),
            templates: settings.mail.templates.clone(),
        };
        let directory = people::directory(&settings);
        let pool = Pool::start(settings.pool.clone())?;
        Ok(Self { settings, pool, places, directory })
    }
}

fn make_folder(path: &Path) -> Result<(), DaemonError> {
    std::fs::create_dir_all(path)
        .map_err(|source| DaemonError::Folder { path: path.to_owned(), source })
}

/// Starts the thread that hears signals.
fn listen(bell: Sender<Ring>) -> Result<(), DaemonError> {
    let failed = |source| DaemonError::Folder { path: PathBuf::from("signals"), source };
    let mut signals =
        signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1]).map_err(failed)?;
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            for signal in signals.forever() {
                if bell.send(Ring::Signal(signal)).is_err() {
                    return;
                }
            }
        })
        .map(drop)
        .map_err(failed)
}

impl Daemon {
    fn open(flags: &Flags, config: Config) -> Result<Self, DaemonError> {
        let mut settings = config.settings;
        lend_secrets(&mut settings);
        let spool_folders =
            spool::Folders { aside: systemd::runtime_folder(), ..settings.spool_folders() };
        let (spool, recovered) = match Spool::open(&spool_folders) {
            Err(SpoolError::AlreadyRunning { folder }) => return Err(DaemonError::Held(folder)),
            other => other.map_err(DaemonError::Spool)?,
        };
        let given_up = recovered.poisoned.iter();
        let given_up: Vec<_> = given_up.map(|claim| claim.record().id.clone()).collect();
        let mut this = Self::furnish(flags, settings, spool.clone())
            .inspect_err(|_| take_leave(&spool, &given_up))?;
        this.watch_threads();
        this.recover(recovered);
        Ok(this)
    }

    /// Makes everything ready but the jobs.
    fn furnish(flags: &Flags, settings: Settings, spool: Spool) -> Result<Self, DaemonError> {
        let folders = settings.folders.clone();
        for path in [&folders.drop, &folders.out, &folders.reports, &folders.mail] {
            make_folder(path)?;
        }
        let (bell, rings) = mpsc::channel();
        listen(bell.clone())?;
        let mail = Post::open(&settings)?;
        let epoch = Arc::new(Epoch::open(settings)?);
        let (now, watchdog) = (Instant::now(), systemd::watchdog());
        let ring = bell.clone();
        let watch = Watch::start(&folders.drop, now, move || {
            let _ = ring.send(Ring::Drop);
        });
        let hall = Hall {
            mail,
            postings: Mutex::default(),
            bell,
            full: Incidents::default(),
            metrics: Metrics::new(self::now()),
            resting: AtomicUsize::new(0),
        };
        Ok(Self {
            flags: flags.clone(),
            epoch,
            spool,
            watch,
            hall: Arc::new(hall),
            rings,
            running: BTreeMap::new(),
            heart: Heart::new(watchdog),
            hung: 0,
            clock: Clock {
                scan: now,
                claim: now,
                tick: now,
                ticked: now,
                schedules: now,
                sweep: now,
                post: now,
                metrics: now,
                idle: Some(now + idle::QUIET),
                // Twice as often as it has to be.
                ping: watchdog.map(|allowed| (allowed / 2, now)),
            },
            posted: None,
            held: BTreeMap::new(),
            news: true,
            trouble: None,
            unbegun: false,
            stops: 0,
            excused: Vec::new(),
            fatal: None,
        })
    }

    /// Watches the threads of the configuration in force.
    fn watch_threads(&mut self) {
        for (thread, pulse) in self.hall.mail.pulses() {
            self.heart.watch(thread, pulse);
        }
        for pulse in self.epoch.pool.pulses() {
            self.heart.watch(Thread::Pool, pulse.clone());
        }
    }

    /// Says what the start found, and reports on jobs that are given up.
    fn recover(&mut self, recovered: Recovered) {
        for id in &recovered.resumed {
            tracing::info!(%id, "interrupted job is taken up again");
        }
        for notice in &recovered.notices {
            self.put_aside(notice);
        }
        let states = [State::Queue, State::Active, State::Hold];
        let live: Result<Vec<_>, _> = states.into_iter().map(|s| self.spool.ids(s)).collect();
        match live {
            Ok(live) => {
                let live = live.into_iter().flatten().map(String::from).collect();
                crate::job::publish::sweep(&self.epoch.settings.folders.out, &live);
            }
            // Nothing is removed that may belong to somebody.
            Err(error) => tracing::warn!(%error, "old staging folders stay"),
        }
        for claim in recovered.poisoned {
            let id = claim.record().id.to_string();
            tracing::error!(id, "job given up");
            self.hall.mail.tell_operator(&Notice::PutAside {
                found: &format!("active/{id}"),
                moved_to: &format!("corrupt/{id}"),
                reason: "it broke the daemon every time it was tried",
            });
            self.begin(claim);
        }
    }

    /// Says what was found in the spool that could not be used.
    fn put_aside(&self, notice: &spool::Notice) {
        tracing::warn!(found = notice.found, reason = notice.reason, "put aside");
        self.hall.mail.tell_operator(&Notice::PutAside {
            found: &notice.found,
            moved_to: &notice.moved_to,
            reason: &notice.reason,
        });
    }

    fn service(&self, cancel: Arc<Cancel>, pulse: Pulse) -> Service {
        Service {
            epoch: Arc::clone(&self.epoch),
            hall: Arc::clone(&self.hall),
            spool: self.spool.clone(),
            cancel,
            pulse,
        }
    }

    /// The loop.
    fn work(&mut self) {
        let mut ready = false;
        let mut give_up = None;
        // What was asked while no daemon ran comes before what waited.
        self.requests();
        loop {
            let now = Instant::now();
            if self.stops == 0 {
                self.look(now);
            }
            let scheduled = now >= self.clock.schedules && now >= self.clock.ticked + TICK;
            if now >= self.clock.tick || (scheduled && self.stops == 0) {
                self.clock.ticked = now;
                self.tick(now);
                let quiet = self.running.is_empty() && self.watch.hears_requests();
                self.clock.tick = now + if quiet { QUIET_TICK } else { TICK };
            }
            self.beat(now);
            if !ready {
                ready = true;
                systemd::ready(&self.status(self.waiting()));
                tracing::info!(drop = %self.epoch.settings.folders.drop.display(), "ready");
            }
            if self.stops > 0 {
                let until = *give_up.get_or_insert(now + STOP);
                if self.running.is_empty() || now >= until || self.stops > 1 {
                    return;
                }
            }
            self.wait(now);
        }
    }

    /// Feeds the watchdog while every thread that matters moves; when one does not, asks for the
    /// restart that the watchdog would order.
    fn beat(&mut self, now: Instant) {
        let hung = self.heart.look(now);
        let before = std::mem::replace(&mut self.hung, hung.len());
        let Some((every, due)) = &mut self.clock.ping else { return };
        if now < *due && hung.len() <= before {
            return;
        }
        *due = now + *every;
        // An orderly stop has its own end.
        if hung.is_empty() || self.stops > 0 {
            return systemd::alive();
        }
        self.excuse(&hung);
        let words: Vec<String> = hung.iter().map(Hung::to_string).collect();
        tracing::error!("the service manager is asked for a restart");
        systemd::hung(&words.join("; "));
    }

    /// Says of the jobs that have nothing to do with what hangs that it is not they.
    fn excuse(&self, hung: &[Hung]) {
        // Behind a thread of the pool there may be any job.
        if hung.iter().any(|hung| hung.thread == Thread::Pool) {
            return;
        }
        let is_free =
            |id: &&String| hung.iter().all(|hung| hung.thread != Thread::Job((*id).clone()));
        let excused = self.running.keys().filter(is_free).filter_map(|id| JobId::parse(id).ok());
        let (spool, excused) = (self.spool.clone(), excused.collect::<Vec<_>>());
        // The disk may be what hangs.
        let (done, heard) = mpsc::channel();
        let thread = std::thread::Builder::new().spawn(move || {
            take_leave(&spool, &excused);
            let _ = done.send(());
        });
        match thread {
            Ok(_) => drop(heard.recv_timeout(A_WORD)),
            Err(error) => tracing::error!(%error, "the other jobs count as interrupted, too"),
        }
    }

    /// Waits for the bell, or until something is due, and does what was rung for.
    fn wait(&mut self, now: Instant) {
        let mut due = self.clock.tick;
        if self.stops == 0 {
            due = due.min(self.clock.scan);
            // What is due is found at a tick.
            due = due.min(self.clock.schedules.max(self.clock.ticked + TICK));
            if self.unbegun {
                due = now;
            }
        }
        if let Some((_, ping)) = self.clock.ping {
            due = due.min(ping);
        }
        due = self.heart.next().map_or(due, |next| due.min(next));
        match self.rings.recv_timeout(due.saturating_duration_since(now)) {
            Ok(ring) => {
                self.answer(ring);
                // All of a burst at once, so that it costs one look.
                while let Ok(ring) = self.rings.try_recv() {
                    self.answer(ring);
                }
            }
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
        }
    }

    fn answer(&mut self, ring: Ring) {
        self.news = true;
        self.clock.idle = Some(Instant::now() + idle::QUIET);
        self.clock.tick = self.clock.tick.min(self.clock.ticked + TICK);
        match ring {
            Ring::Drop | Ring::Signal(SIGUSR1) => self.clock.scan = Instant::now(),
            Ring::Rest => {}
            Ring::Signal(SIGHUP) => self.reload(),
            Ring::Signal(_) => self.stop(),
            Ring::Over { id, result } => self.over(&id, result),
        }
    }

    fn over(&mut self, id: &str, result: Result<(), ServeError>) {
        self.hall.postings().remove(id);
        // It may have been put off.
        self.clock.schedules = Instant::now();
        self.news = true;
        let mut go_on = false;
        if let Some(running) = self.running.remove(id) {
            let _ = running.thread.join();
            go_on = running.go_on;
        }
        if let Ok(id) = JobId::parse(id) {
            self.held.remove(&id);
            if go_on {
                self.resume_rested(&id);
            }
        }
        // While we stop, a job that was given up ends well and still lies where a crash would have
        // left it.
        if result.as_ref().map_or_else(|error| !error.is_of_the_job(), |()| self.stops > 0) {
            self.excused.extend(JobId::parse(id).ok());
        }
        if let Err(error) = result {
            tracing::error!(id, %error, "job cannot go on");
            self.fail(match error {
                ServeError::Panicked => DaemonError::Bug(format!("{id}: {error}")),
                error => DaemonError::Journal(error.to_string()),
            });
        }
    }

    /// Begins an end that is not well: what is there is read back at the next start.
    fn fail(&mut self, error: DaemonError) {
        self.fatal.get_or_insert(error);
        // The second stop is the one that waits for nobody, and only people order it.
        if self.stops == 0 {
            self.stop();
        }
    }

    fn stop(&mut self) {
        self.stops += 1;
        systemd::stopping();
        tracing::info!(jobs = self.running.len(), "stopping");
        for running in self.running.values() {
            running.cancel.ask(Ask::Suspend);
        }
        if self.stops > 1 {
            self.epoch.pool.abort();
        }
    }

    /// Looks at the drop folder when that is due, and begins what waits.
    fn look(&mut self, now: Instant) {
        let before = self.watch.mode().clone();
        self.watch.check(now);
        self.news |= before != *self.watch.mode();
        if now >= self.clock.scan {
            let news = self.watch.take();
            let look = Look {
                now,
                wall: self::now(),
                settle: Settle::default(),
                moved_in: &news.moved_in,
                complete: &|bytes, came| match came {
                    Came::ByRename => manifest::is_complete(bytes),
                    Came::Otherwise => manifest::is_finished(bytes),
                },
            };
            match self.spool.scan(&look) {
                Ok(scanned) => self.scanned(now, &scanned),
                Err(error) => self.fail(DaemonError::Spool(error)),
            }
        }
        self.unbegun = false;
        let until = Instant::now() + BEGINNING;
        while self.stops == 0 && now >= self.clock.claim && self.has_place() {
            if Instant::now() >= until {
                self.unbegun = true;
                return;
            }
            match self.spool.claim() {
                Ok(Some(claim)) => {
                    self.hall.has_room(&self.epoch.settings.folders.spool, CLAIMING);
                    self.begin(claim);
                }
                Ok(None) => {
                    self.hall.has_room(&self.epoch.settings.folders.spool, CLAIMING);
                    if self.spool.has_unreadable() {
                        // A scan gives them another try.
                        self.clock.scan = self.clock.scan.min(now + AGAIN);
                    }
                    return;
                }
                Err(error) if error.is_fatal() => return self.fail(DaemonError::Spool(error)),
                Err(error) => {
                    self.clock.claim = now + AGAIN;
                    if error.lacks_room() {
                        self.hall.no_room(&self.epoch.settings.folders.spool, CLAIMING);
                        self.news = true;
                    } else {
                        tracing::warn!(%error, "no job can be begun");
                    }
                    return;
                }
            }
        }
    }

    /// Tells whether another job may begin.
    fn has_place(&self) -> bool {
        let resting = self.hall.resting.load(Ordering::Relaxed);
        self.running.len() < MOST_THREADS && self.running.len() < MOST_JOBS + resting
    }

    fn scanned(&mut self, now: Instant, scanned: &Scanned) {
        self.news |= !scanned.accepted.is_empty();
        for accepted in &scanned.accepted {
            tracing::info!(id = %accepted.id, manifest = accepted.name, "accepted");
        }
        for skipped in &scanned.skipped {
            tracing::warn!(name = skipped.name, reason = skipped.reason, "not a manifest");
        }
        self.troubled(scanned.trouble.as_ref());
        let mut interval = self.watch.mode().interval();
        if scanned.trouble.is_some() {
            interval = interval.min(AGAIN);
        }
        self.clock.scan = now + scanned.next.map_or(interval, |next| next.min(interval));
    }

    /// Says, once, why not everything in the drop folder can be taken; whoever runs the daemon gets
    /// a mail when that lasts.
    fn troubled(&mut self, trouble: Option<&SpoolError>) {
        let folders = &self.epoch.settings.folders;
        let full = trouble.is_some_and(SpoolError::lacks_room);
        let words = trouble.map(|trouble| {
            let cause = std::error::Error::source(trouble);
            cause.map_or_else(|| trouble.to_string(), |cause| format!("{trouble}: {cause}"))
        });
        if words.as_ref() != self.trouble.as_ref().map(|trouble| &trouble.words) {
            match &words {
                Some(_) if full => self.hall.no_room(&folders.spool, ACCEPTING),
                Some(words) => tracing::warn!(trouble = words, "drop folder"),
                None => {
                    self.hall.has_room(&folders.spool, ACCEPTING);
                    tracing::info!("the drop folder is read again");
                }
            }
            self.news = true;
        }
        let before = self.trouble.take();
        self.trouble = words.map(|words| match before {
            Some(before) => Trouble { words, ..before },
            None => Trouble { words, since: now(), seen: Instant::now(), told: false },
        });
        if let Some(trouble) = &mut self.trouble
            && !full
            && !trouble.told
            && trouble.seen.elapsed() >= LASTS
        {
            trouble.told = true;
            self.hall.mail.tell_operator(&Notice::DropGone {
                folder: &folders.drop,
                since: trouble.since,
                reason: &trouble.words,
            });
        }
    }

    fn begin(&mut self, claim: Claim) {
        let id = claim.record().id.to_string();
        let cancel = Arc::new(Cancel::default());
        let pulse = Pulse::default();
        self.heart.watch(Thread::Job(id.clone()), pulse.clone());
        let service = self.service(Arc::clone(&cancel), pulse);
        let mut over = Over { id: id.clone(), bell: self.hall.bell.clone(), result: None };
        let thread = std::thread::Builder::new().name("job".into()).spawn(move || {
            // The whole of it moves in, and rings when it is dropped, however the thread ends.
            let over = &mut over;
            over.result = Some(service.serve(claim));
        });
        match thread {
            Ok(thread) => {
                self.running.insert(id, Running { cancel, go_on: false, thread });
            }
            Err(error) => {
                // It has not begun, although its claim rings as if it had broken off.
                self.excused.extend(JobId::parse(&id).ok());
                self.fail(DaemonError::Bug(format!("no thread for a job: {error}")));
            }
        }
    }

    /// Does what is done about once a second.
    fn tick(&mut self, now: Instant) {
        if self.stops == 0 {
            self.requests();
            if now >= self.clock.schedules {
                match self.schedules() {
                    Ok(()) => {}
                    Err(error) if error.is_fatal() => self.fail(DaemonError::Spool(error)),
                    Err(error) => {
                        // The disk is full: the firing comes late.
                        tracing::warn!(%error, "no schedule is obeyed");
                        self.clock.schedules = now + SCHEDULES;
                    }
                }
            }
            if now >= self.clock.sweep {
                self.clock.sweep = now + SWEEP;
                self.sweep_answers();
                let days = u64::from(self.epoch.settings.keep_days);
                if let Err(error) =
                    self.spool.sweep(self::now(), Duration::from_secs(days * 86_400))
                {
                    tracing::warn!(%error, "old jobs stay in the spool");
                }
            }
        }
        for notice in self.spool.notices() {
            self.put_aside(&notice);
        }
        self.post();
        self.measure(now);
        if self.running.is_empty() && self.clock.idle.is_some_and(|at| at <= now) {
            self.clock.idle = None;
            idle::give_code_back();
        }
    }

    /// Reads the configuration again; a wrong one changes nothing.
    fn reload(&mut self) {
        systemd::reloading();
        let before = self.epoch.settings.folders.clone();
        let fresh = config::load(&self.flags).map_err(DaemonError::from).and_then(|config| {
            let mut settings = config.settings;
            lend_secrets(&mut settings);
            if settings.folders != before {
                tracing::warn!("folders change at the next start only");
                settings.folders = before;
                settings.mail.folder.clone_from(&settings.folders.mail);
                if let Some(webhook) = &mut settings.webhook {
                    webhook.folder = config::calls(&settings.folders);
                }
            }
            // Whatever can fail comes before anything changes.
            let epoch = Epoch::open(settings)?;
            self.hall.mail.reopen(&epoch.settings)?;
            Ok(epoch)
        });
        match fresh {
            Ok(epoch) => {
                self.epoch = Arc::new(epoch);
                self.watch_threads();
                tracing::info!("configuration read");
                systemd::ready(&self.status(self.waiting()));
            }
            Err(error) => {
                tracing::error!(%error, "the old configuration is kept");
                systemd::ready("the new configuration is wrong, the old one is kept");
            }
        }
    }

    /// Ends what is left, in order.
    fn close(&mut self) {
        if self.stops > 1 || !self.running.is_empty() {
            self.epoch.pool.abort();
        }
        self.excused.extend(self.running.keys().filter_map(|id| JobId::parse(id).ok()));
        take_leave(&self.spool, &self.excused);
        self.hall.mail.close(if self.stops > 1 { Duration::ZERO } else { LAST_MAIL });
        self.post_last();
        tracing::info!("stopped");
    }
}

/// Says of jobs that are left behind that they did not break the daemon.
fn take_leave(spool: &Spool, excused: &[JobId]) {
    if let Err(error) = spool.farewell(excused) {
        tracing::error!(%error, "unfinished jobs count as interrupted");
    }
}

/// Rings when a job's thread ends, however it ends.
struct Over {
    id: String,
    bell: Sender<Ring>,
    result: Option<Result<(), ServeError>>,
}

impl Drop for Over {
    fn drop(&mut self) {
        let result = self.result.take().unwrap_or(Err(ServeError::Panicked));
        let _ = self.bell.send(Ring::Over { id: std::mem::take(&mut self.id), result });
    }
}

/// Takes the relay's password and the webhook's key from the service manager, where the configuration
/// names no file.
pub fn lend_secrets(settings: &mut Settings) {
    if let Some(smtp) = &mut settings.mail.smtp {
        smtp.password_file =
            smtp.password_file.take().or_else(|| systemd::credential("smtp-password"));
    }
    if let Some(webhook) = &mut settings.webhook {
        webhook.secret_file =
            webhook.secret_file.take().or_else(|| systemd::credential("webhook-secret"));
    }
}
