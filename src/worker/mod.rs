//! The worker pool: everything that touches the bytes of a picture happens in child processes.
//!
//! A decoder may panic, abort, loop or ask for all memory there is; a hostile picture may make it
//! do worse. So probing, converting and copying run in processes of the same binary (`exportd
//! worker`) that hold one socket and, during a request, its descriptors: the input read-only, each
//! output write-only. They know no paths and have no network ([`sandbox`]). What a worker dies of
//! is the fault of one asset, in words; another worker takes its place.
//!
//! ```text
//! Lane ── submit ──▶ queue ─┐                        ┌── socket, descriptors ──▶ worker process
//! Lane ── submit ──▶ queue ─┼─ in turn ─▶ N threads ─┤                           (one thread)
//! Lane ◀── wait ────────────┴─────────── answers ◀───┴── reports ◀──────────────
//! ```
//!
//! Each running job has a [`Lane`]. Lanes are served in turn, one task at a time, so a job of
//! three assets is not kept waiting by one of thirty thousand. A lane holds its tasks in order.
//!
//! The pool keeps at most as many processes as it has threads, starts them when they are needed,
//! hands the next task to the one used last, and ends those idle for a minute: a daemon without
//! work is one process. The threads live as long as the pool, because the kernel ends a child
//! together with the *thread* that started it.

use std::collections::{BTreeMap, VecDeque};
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

mod child;
mod engine;
mod process;
mod progress;
mod sandbox;
mod wire;

#[cfg(test)]
mod tests;

pub use child::child_main;
pub use sandbox::{Held, Sandbox};

use crate::diag::Fault;
use crate::imaging::plan::Plan;
use crate::imaging::{Limits, SourceInfo};
use process::{Farewell, Launch, Process, Served};
use progress::Progress;
use wire::{Channel, Setup};

/// How long an idle worker is kept.
const IDLE: Duration = Duration::from_secs(60);

/// How often a task that no worker has begun is given to another one.
const ATTEMPTS: usize = 3;

/// How long to wait before the second and the third attempt: a system that is out of processes or
/// memory for a moment must not fail a whole job.
const PAUSES: [Duration; ATTEMPTS - 1] = [Duration::from_millis(100), Duration::from_secs(1)];

/// Most outputs of one [`Task::Convert`].
pub const MAX_OUTPUTS: usize = wire::MAX_FILES - 1;

/// What a pool is.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolSettings {
    /// Worker processes, at least 1.
    pub workers: usize,
    /// Address space of one worker in bytes.
    pub memory: u64,
    /// Longest time one output may take: from the beginning of a request, or from the output
    /// before, until it is on the disk.
    pub deadline: Duration,
    /// Largest output in bytes.
    pub max_output: u64,
    /// What a source may be.
    pub limits: Limits,
    /// Whether EXIF orientation is applied.
    pub exif_orientation: bool,
    /// The binary that is started with the argument `worker`; `/proc/self/exe` in the daemon.
    pub program: PathBuf,
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            workers: std::thread::available_parallelism().map_or(1, usize::from),
            memory: 1 << 30,
            deadline: Duration::from_secs(120),
            max_output: 4 << 30,
            limits: Limits::default(),
            exif_orientation: true,
            program: PathBuf::from("/proc/self/exe"),
        }
    }
}

/// Why a pool cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum PoolError {
    /// The settings ask for no worker at all.
    #[error("a pool needs at least one worker")]
    NoWorkers,
    /// The system gives no more threads.
    #[error("a thread of the worker pool cannot be started")]
    Thread(#[source] io::Error),
}

/// One thing to do with one source.
///
/// Descriptors carry their position with them, so every task brings files of its own, opened for
/// it; a [`File::try_clone`] shared by two tasks is read by both at once. Outputs are empty files
/// open for writing only. After a fault their content is undefined.
#[derive(Debug)]
pub enum Task {
    /// Reads the header.
    Probe {
        /// The source.
        input: File,
    },
    /// Decodes once and makes one output per plan, at most [`MAX_OUTPUTS`].
    Convert {
        /// The source.
        input: File,
        /// What to make.
        plans: Vec<Plan>,
        /// Where, one per plan.
        outputs: Vec<File>,
    },
    /// Copies byte for byte, by reflink where the file system can.
    Copy {
        /// The source.
        input: File,
        /// Where to.
        output: File,
    },
}

/// What came of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The header.
    Probed(SourceInfo),
    /// What came of each plan, in their order.
    Converted(Vec<Result<Written, Fault>>),
    /// The copy.
    Copied(Written),
}

/// A finished output. Its content is durable; its name is the caller's business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

/// What a pool is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolStatus {
    /// Worker processes alive, by id.
    pub processes: Vec<u32>,
    /// Tasks being worked on.
    pub running: usize,
    /// Tasks waiting for a worker.
    pub queued: usize,
    /// Workers that broke so far.
    pub broken: u64,
    /// How the newest worker is confined; `None` before the first.
    pub sandbox: Option<Sandbox>,
}

/// The worker processes of this daemon, shared by its jobs.
///
/// Dropping it is [`Pool::abort`] and a wait for the threads: no process outlives it.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts the threads of a pool, and no process yet.
    ///
    /// # Errors
    /// See [`PoolError`].
    pub fn start(settings: PoolSettings) -> Result<Self, PoolError> {
        Self::start_with(settings, vec!["worker".to_owned()], IDLE)
    }

    fn start_with(
        settings: PoolSettings,
        arguments: Vec<String>,
        idle: Duration,
    ) -> Result<Self, PoolError> {
        let PoolSettings {
            workers,
            memory,
            deadline,
            max_output,
            limits,
            exif_orientation,
            program,
        } = settings;
        if workers == 0 {
            return Err(PoolError::NoWorkers);
        }
        let seconds = sandbox::whole_seconds(deadline);
        let setup = Setup { memory, max_output, seconds, limits, exif_orientation };
        let launch = Arc::new(Launch { program, arguments, setup, deadline });
        let shared = Arc::new(Shared {
            workers,
            idle,
            launch,
            state: Mutex::new(State::default()),
            wake: Condvar::new(),
        });
        // From here on an early return drops the pool, which ends the threads there are.
        let mut pool = Self { shared, threads: Vec::with_capacity(workers) };
        for slot in 0..workers {
            let shared = Arc::clone(&pool.shared);
            let thread = std::thread::Builder::new()
                .name(format!("worker-{slot}"))
                .spawn(move || shared.run(slot))
                .map_err(PoolError::Thread)?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Opens a lane; one per running job.
    #[must_use]
    pub fn lane(&self) -> Lane {
        let mut state = self.shared.lock();
        state.lanes += 1;
        let (sender, answers) = channel();
        let shared = Arc::clone(&self.shared);
        Lane { id: state.lanes, shared, sender, answers, outstanding: 0.into() }
    }

    /// Tells what the pool is doing.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let state = self.shared.lock();
        PoolStatus {
            processes: state.processes.clone(),
            running: state.running,
            queued: state.turns.iter().map(|turn| turn.queue.len()).sum(),
            broken: state.broken,
            sandbox: state.sandbox.clone(),
        }
    }

    /// Lets running tasks finish, drops queued ones, ends the processes. Blocks as long as that
    /// takes, which the deadline of the tasks bounds; [`Pool::abort`] cuts it short.
    pub fn stop(mut self) {
        self.shared.end(Phase::Draining);
        self.join();
    }

    /// Kills every worker at once. Running and queued tasks end without an answer: they did not
    /// fail, and are to be done again some day.
    pub fn abort(&self) {
        self.shared.end(Phase::Aborting);
    }

    fn join(&mut self) {
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the worker pool panicked");
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.abort();
        self.join();
    }
}

/// One job's way to the workers.
///
/// Dropping it forgets what is queued; tasks that are running end unseen.
#[derive(Debug)]
pub struct Lane {
    id: u64,
    shared: Arc<Shared>,
    sender: Sender<Ended>,
    answers: Receiver<Ended>,
    /// Tasks submitted and not yet ended, as far as [`Lane::wait`] has seen.
    outstanding: std::cell::Cell<usize>,
}

impl Lane {
    /// Puts a task at the end of this lane; never blocks. `tag` comes back with the answer.
    ///
    /// A queued task holds its files open: a job with many assets submits as long as there is
    /// [`Lane::room`], then waits for an answer.
    pub fn submit(&self, tag: u64, task: Task) {
        self.outstanding.set(self.outstanding.get() + 1);
        let ticket = Ticket { tag, sender: Some(self.sender.clone()) };
        self.shared.enqueue(self.id, Queued { task, ticket });
    }

    /// Counts how many more tasks are worth submitting now: enough that no worker waits for this
    /// job, few enough that its open files stay bounded.
    #[must_use]
    pub fn room(&self) -> usize {
        (2 * self.shared.workers).saturating_sub(self.outstanding())
    }

    /// Counts the tasks submitted whose end [`Lane::wait`] has not seen yet.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.outstanding.get()
    }

    /// Waits for the next answer, which may be to any task of this lane.
    ///
    /// Returns `None` when the time has passed, and at once when nothing is outstanding: nothing
    /// was submitted, everything has been answered, or the pool has dropped what was left (then
    /// [`Lane::is_open`] is false).
    #[must_use]
    pub fn wait(&self, patience: Duration) -> Option<(u64, Result<Answer, Fault>)> {
        let until = Instant::now() + patience;
        while self.outstanding.get() > 0 {
            let left = until.saturating_duration_since(Instant::now());
            match self.answers.recv_timeout(left) {
                Ok(ended) => {
                    self.outstanding.set(self.outstanding.get() - 1);
                    if let Ended::Answered(tag, answer) = ended {
                        return Some((tag, answer));
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
        None
    }

    /// Takes back what no worker has begun, for a job that is to stop; running tasks go on and
    /// are answered. Returns the tags.
    #[must_use]
    pub fn withdraw(&self) -> Vec<u64> {
        let queue = self.shared.lock().take_lane(self.id);
        queue.iter().map(|queued| queued.ticket.tag).collect()
    }

    /// Tells whether the pool takes tasks.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shared.lock().phase == Phase::Open
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        // Outside the lock: closing files may take its time.
        let queue = self.shared.lock().take_lane(self.id);
        drop(queue);
    }
}

/// How a task ended, for its lane.
#[derive(Debug)]
enum Ended {
    Answered(u64, Result<Answer, Fault>),
    Dropped,
}

/// The promise that a lane hears of the end of each of its tasks, whatever happens.
#[derive(Debug)]
struct Ticket {
    tag: u64,
    /// `None` once it was kept.
    sender: Option<Sender<Ended>>,
}

impl Ticket {
    fn answer(mut self, answer: Result<Answer, Fault>) {
        self.tell(Ended::Answered(self.tag, answer));
    }

    fn tell(&mut self, ended: Ended) {
        if let Some(sender) = self.sender.take() {
            // Fails when the lane is gone: the task ends unseen.
            let _ = sender.send(ended);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.tell(Ended::Dropped);
    }
}

#[derive(Debug)]
struct Queued {
    task: Task,
    ticket: Ticket,
}

/// A lane that has something queued.
#[derive(Debug)]
struct Turn {
    lane: u64,
    queue: VecDeque<Queued>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Phase {
    #[default]
    Open,
    /// Running tasks may finish.
    Draining,
    /// Nothing may.
    Aborting,
}

#[derive(Debug)]
struct Idle {
    process: Process,
    since: Instant,
}

#[derive(Debug, Default)]
struct State {
    phase: Phase,
    /// Lanes opened so far; the number of the last one.
    lanes: u64,
    /// The lanes with something to do, the next one first.
    turns: VecDeque<Turn>,
    running: usize,
    /// Workers without work, the one used last at the end.
    idle: Vec<Idle>,
    /// Sockets of the workers at work, by thread.
    busy: BTreeMap<usize, Arc<Channel>>,
    /// Ids of all workers alive.
    processes: Vec<u32>,
    /// Workers that were killed and did not go: each hangs in the kernel.
    stuck: Vec<std::process::Child>,
    broken: u64,
    sandbox: Option<Sandbox>,
}

impl State {
    /// Takes the next task: the first of the lane whose turn it is.
    fn next(&mut self) -> Option<Queued> {
        let mut turn = self.turns.pop_front()?;
        let queued = turn.queue.pop_front();
        if !turn.queue.is_empty() {
            self.turns.push_back(turn);
        }
        queued
    }

    fn take_lane(&mut self, lane: u64) -> VecDeque<Queued> {
        let place = self.turns.iter().position(|turn| turn.lane == lane);
        place.and_then(|place| self.turns.remove(place)).map_or_else(VecDeque::new, |t| t.queue)
    }

    /// Notes that a thread uses a worker.
    fn employ(&mut self, slot: usize, process: &Process) {
        if self.phase == Phase::Aborting {
            // Whoever set it could not see this worker's socket.
            process.channel().shut();
        }
        self.busy.insert(slot, process.channel());
    }

    /// Takes the workers that have been idle too long.
    fn take_expired(&mut self, limit: Duration) -> Vec<Process> {
        let expired = |idle: &mut Idle| idle.since.elapsed() >= limit;
        self.idle.extract_if(.., expired).map(|idle| idle.process).collect()
    }
}

/// What the threads, the pool and the lanes share.
#[derive(Debug)]
struct Shared {
    workers: usize,
    /// How long an idle worker is kept.
    idle: Duration,
    launch: Arc<Launch>,
    state: Mutex<State>,
    /// Something is queued, or the phase has changed.
    wake: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // No invariant spans a panic: every change under the lock is a single step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(&self, lane: u64, queued: Queued) {
        let mut state = self.lock();
        if state.phase != Phase::Open {
            drop(state);
            drop(queued);
            return;
        }
        match state.turns.iter_mut().find(|turn| turn.lane == lane) {
            Some(turn) => turn.queue.push_back(queued),
            None => state.turns.push_back(Turn { lane, queue: [queued].into() }),
        }
        drop(state);
        self.wake.notify_one();
    }

    fn end(&self, phase: Phase) {
        let mut state = self.lock();
        state.phase = state.phase.max(phase);
        let dropped = std::mem::take(&mut state.turns);
        if state.phase == Phase::Aborting {
            for channel in state.busy.values() {
                channel.shut();
            }
        }
        drop(state);
        self.wake.notify_all();
        drop(dropped);
    }

    /// The life of one thread.
    fn run(&self, slot: usize) {
        while let Some(Queued { task, ticket }) = self.next() {
            let shift = Shift { shared: self };
            let answer = self.perform(slot, &task);
            // Closes its files before the lane hears of it and opens more.
            drop(task);
            drop(shift);
            match answer {
                Some(answer) => ticket.answer(answer),
                None => drop(ticket),
            }
        }
        // Not before the last task is done: another thread may be using a worker of ours.
        let mut state = self.lock();
        while state.running > 0 {
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        for idle in idle {
            self.bury(idle.process, Farewell::Dismissed);
        }
    }

    /// Waits for a task; ends workers that have nothing to do meanwhile. `None` is the end.
    fn next(&self) -> Option<Queued> {
        let mut state = self.lock();
        loop {
            if state.phase != Phase::Open {
                return None;
            }
            if let Some(queued) = state.next() {
                state.running += 1;
                return Some(queued);
            }
            let expired = state.take_expired(self.idle);
            if !expired.is_empty() {
                drop(state);
                for process in expired {
                    self.bury(process, Farewell::Dismissed);
                }
                state = self.lock();
                continue;
            }
            let oldest = state.idle.iter().map(|idle| idle.since).min();
            state = match oldest.map(|since| (since + self.idle).duration_since(Instant::now())) {
                Some(wait) => {
                    let waited = self.wake.wait_timeout(state, wait);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.wake.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Does a task, with as many workers as it takes; `None` when the pool was aborted.
    fn perform(&self, slot: usize, task: &Task) -> Option<Result<Answer, Fault>> {
        let mut progress = Progress::of(task, self.launch.setup.memory);
        let mut failure = String::new();
        let mut pauses = PAUSES.into_iter();
        loop {
            let served = match self.engage(slot) {
                Ok(mut process) => {
                    let served = process.serve(&mut progress);
                    self.release(slot, process, &served);
                    served
                }
                Err(why) => {
                    failure = why;
                    Served::NotBegun
                }
            };
            if self.lock().phase == Phase::Aborting {
                return None;
            }
            match served {
                Served::Answered(answer) => return Some(answer),
                Served::Broken(fault) => {
                    if let Some(answer) = progress.blame(&fault) {
                        return Some(answer);
                    }
                }
                Served::NotBegun => match pauses.next() {
                    Some(pause) => std::thread::sleep(pause),
                    None => return Some(progress.conclude(&no_worker(&failure))),
                },
            }
        }
    }

    /// Finds an idle worker or starts one.
    fn engage(&self, slot: usize) -> Result<Process, String> {
        let mut state = self.lock();
        if let Some(Idle { process, .. }) = state.idle.pop() {
            state.employ(slot, &process);
            return Ok(process);
        }
        state.stuck.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if state.stuck.len() >= 2 * self.workers {
            return Err(format!("{} workers hang in the system", state.stuck.len()));
        }
        drop(state);
        let mut process = Process::start(Arc::clone(&self.launch)).map_err(|e| e.to_string())?;
        let mut state = self.lock();
        state.processes.push(process.id());
        state.employ(slot, &process);
        drop(state);
        match process.greet() {
            Ok(sandbox) => {
                self.remember(sandbox);
                Ok(process)
            }
            Err(why) => {
                tracing::error!(why, "a worker does not start");
                self.lock().busy.remove(&slot);
                self.bury(process, Farewell::Killed);
                Err(why)
            }
        }
    }

    /// Takes a worker back after a request.
    fn release(&self, slot: usize, process: Process, served: &Served) {
        let mut state = self.lock();
        state.busy.remove(&slot);
        match served {
            Served::Answered(_) if state.phase == Phase::Open => {
                state.idle.push(Idle { process, since: Instant::now() });
            }
            Served::Answered(_) => {
                drop(state);
                self.bury(process, Farewell::Dismissed);
            }
            Served::Broken(_) | Served::NotBegun => {
                state.broken += 1;
                drop(state);
                self.bury(process, Farewell::Killed);
            }
        }
    }

    fn remember(&self, sandbox: Sandbox) {
        let mut state = self.lock();
        if state.sandbox.as_ref() != Some(&sandbox) {
            if sandbox.is_full() {
                tracing::info!(%sandbox, "workers are confined");
            } else {
                tracing::warn!(%sandbox, "workers are not fully confined");
            }
            state.sandbox = Some(sandbox);
        }
    }

    fn bury(&self, process: Process, farewell: Farewell) {
        let id = process.id();
        let stuck = process.bury(farewell);
        let mut state = self.lock();
        state.processes.retain(|other| *other != id);
        if let Some(child) = stuck {
            tracing::error!(worker = id, "a worker that was killed hangs in the system");
            state.stuck.push(child);
        }
    }
}

/// A thread at work on a task that is counted as running.
struct Shift<'s> {
    shared: &'s Shared,
}

impl Drop for Shift<'_> {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.running -= 1;
        let last = state.running == 0 && state.phase != Phase::Open;
        drop(state);
        if last {
            self.shared.wake.notify_all();
        }
    }
}

fn no_worker(why: &str) -> Fault {
    let why = if why.is_empty() { "they end before they begin" } else { why };
    Fault::Internal { detail: format!("workers cannot be started: {why}") }
}
