//! The threads of a pool: whose task is next, and which process does it.
//!
//! All threads share one state under one lock, which is never held while something takes time.
//! Workers belong to all of them: the one used last takes the next task, so that a pool with
//! little to do keeps few.
//!
//! A large picture is lent the threads of the cores that would idle otherwise: as many as there
//! are workers, less those at work, queued or announced. It takes a worker that has helpers, which
//! others do not; it is started when it is needed, and counts as one of the processes.

use std::collections::{BTreeMap, VecDeque};
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::lane::Ticket;
use super::process::{BURIAL, Farewell, GREETING, Launch, Process, Served};
use super::progress::Progress;
use super::sandbox::Sandbox;
use super::wire::Channel;
use super::{Answer, Task};
use crate::diag::Fault;
use crate::pulse::Pulse;

/// Most workers with helpers, busy or idle: what a daemon has of threads must not grow with the
/// square of its cores.
const MOST_WITH_HELPERS: usize = 2;

/// How often a task that no worker has begun is given to another one.
const ATTEMPTS: usize = 3;

/// How long to wait before the second and the third attempt: a system that is out of processes or
/// memory for a moment must not fail a whole job.
const PAUSES: [Duration; ATTEMPTS - 1] = [Duration::from_millis(100), Duration::from_secs(1)];

/// What is one thread's own.
#[derive(Debug)]
pub(super) struct Post {
    /// Its number.
    pub(super) slot: usize,
    /// What it promises: each wait for a worker has its limit.
    pub(super) pulse: Pulse,
}

/// A task that waits for its turn.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) task: Task,
    pub(super) ticket: Ticket,
}

/// A lane that has something queued.
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) lane: u64,
    pub(super) queue: VecDeque<Queued>,
}

/// What a pool is about; it only goes forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) enum Phase {
    /// Taking tasks.
    #[default]
    Open,
    /// Running tasks may finish.
    Draining,
    /// Nothing may.
    Aborting,
}

/// A worker without work.
#[derive(Debug)]
struct Idle {
    process: Process,
    since: Instant,
}

/// What changes, under one lock.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// Lanes opened so far; the number of the last one.
    lanes: u64,
    /// The lanes with something to do, the next one first.
    pub(super) turns: VecDeque<Turn>,
    pub(super) running: usize,
    /// Threads lent to running tasks.
    lent: usize,
    /// Running tasks that were lent more than one.
    shared: usize,
    /// Workers alive that have helpers.
    with_helpers: usize,
    /// Tasks that lanes are about to queue, by lane.
    announced: BTreeMap<u64, usize>,
    /// Workers without work, the one used last at the end.
    idle: Vec<Idle>,
    /// Sockets of the workers at work, by thread.
    busy: BTreeMap<usize, Arc<Channel>>,
    /// Ids of all workers alive.
    pub(super) processes: Vec<u32>,
    /// Workers that were killed and did not go: each hangs in the kernel.
    stuck: Vec<Child>,
    pub(super) broken: u64,
    pub(super) sandbox: Option<Sandbox>,
}

impl State {
    /// Numbers a new lane.
    pub(super) fn open_lane(&mut self) -> u64 {
        self.lanes += 1;
        self.lanes
    }

    /// Takes the next task: the first of the lane whose turn it is.
    pub(super) fn next(&mut self) -> Option<Queued> {
        let mut turn = self.turns.pop_front()?;
        let queued = turn.queue.pop_front();
        if !turn.queue.is_empty() {
            self.turns.push_back(turn);
        }
        queued
    }

    /// Notes how many tasks a lane is about to queue.
    pub(super) fn announce(&mut self, lane: u64, tasks: usize) {
        if tasks > 0 {
            self.announced.insert(lane, tasks);
        } else {
            self.announced.remove(&lane);
        }
    }

    /// Lends a task its threads, one at least; `most` are there for one, in a pool of so many
    /// workers.
    pub(super) fn lend(&mut self, task: &Task, (workers, most): (usize, usize)) -> usize {
        let queued: usize = self.turns.iter().map(|turn| turn.queue.len()).sum();
        let waiting = queued + self.announced.values().sum::<usize>();
        let idle = workers.saturating_sub(self.lent).saturating_sub(waiting);
        let several = task.is_large() && self.shared < MOST_WITH_HELPERS;
        let threads = if several { idle.clamp(1, most) } else { 1 };
        self.lent += threads;
        self.shared += usize::from(threads > 1);
        threads
    }

    /// Takes back what [`Self::lend`] lent.
    fn take_back(&mut self, threads: usize) {
        self.lent -= threads;
        self.shared -= usize::from(threads > 1);
    }

    /// Takes an idle worker, the one used last of those that are wanted; for a small task, any.
    fn rouse(&mut self, helpers: bool) -> Option<Process> {
        let wanted = |idle: &Idle| idle.process.has_helpers() == helpers;
        let at = self.idle.iter().rposition(wanted);
        let at = at.or_else(|| self.idle.len().checked_sub(1).filter(|_| !helpers))?;
        Some(self.idle.remove(at).process)
    }

    /// Takes everything a lane has queued.
    pub(super) fn take_lane(&mut self, lane: u64) -> VecDeque<Queued> {
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
pub(super) struct Crew {
    pub(super) workers: usize,
    /// Most threads of one picture.
    threads: usize,
    /// How long an idle worker is kept.
    idle: Duration,
    launch: Arc<Launch>,
    state: Mutex<State>,
    /// Something is queued, or the phase has changed.
    wake: Condvar,
}

impl Crew {
    /// Makes one of so many workers; a picture takes at most so many threads.
    pub(super) fn new((workers, threads): (usize, usize), idle: Duration, launch: Launch) -> Self {
        let (state, wake) = (Mutex::new(State::default()), Condvar::new());
        Self { workers, threads, idle, launch: Arc::new(launch), state, wake }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // No invariant spans a panic: every change under the lock is a single step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a task; drops it when the pool takes none.
    pub(super) fn enqueue(&self, lane: u64, queued: Queued) {
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

    /// Ends the pool in one of the two ways; drops what is queued.
    pub(super) fn end(&self, phase: Phase) {
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
    pub(super) fn run(&self, post: &Post) {
        while let Some((Queued { task, ticket }, threads)) = self.next(post) {
            let shift = Shift { crew: self, threads };
            let answer = self.perform(post, &task, threads);
            drop(shift);
            post.pulse.promise("answers", Duration::ZERO);
            ticket.end(answer, task);
            post.pulse.rest();
        }
        // Not before the last task is done: another thread may be using a worker of ours.
        let mut state = self.lock();
        while state.running > 0 {
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        for idle in idle {
            self.bury(post, idle.process, Farewell::Dismissed);
        }
        post.pulse.rest();
    }

    /// Waits for a task, and how many threads it gets; ends workers that have nothing to do
    /// meanwhile. `None` is the end.
    fn next(&self, post: &Post) -> Option<(Queued, usize)> {
        let mut state = self.lock();
        loop {
            if state.phase != Phase::Open {
                return None;
            }
            if let Some(queued) = state.next() {
                state.running += 1;
                let threads = state.lend(&queued.task, (self.workers, self.threads));
                return Some((queued, threads));
            }
            let expired = state.take_expired(self.idle);
            if !expired.is_empty() {
                drop(state);
                for process in expired {
                    self.bury(post, process, Farewell::Dismissed);
                }
                post.pulse.rest();
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
    fn perform(&self, post: &Post, task: &Task, threads: usize) -> Option<Result<Answer, Fault>> {
        let mut progress = Progress::of(task, self.launch.setup.memory, threads);
        let mut failure = String::new();
        let mut pauses = PAUSES.into_iter();
        loop {
            let helpers = if progress.threads() > 1 { self.threads - 1 } else { 0 };
            let served = match self.engage(post, helpers) {
                Ok(mut process) => {
                    let served = process.serve(&mut progress, &post.pulse);
                    self.release(post, process, &served);
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
                    Some(pause) => {
                        post.pulse.promise("waits before another worker", pause);
                        std::thread::sleep(pause);
                    }
                    None => return Some(progress.conclude(&no_worker(&failure))),
                },
            }
        }
    }

    /// Finds an idle worker or starts one, with so many helpers where there may be another such.
    fn engage(&self, post: &Post, helpers: usize) -> Result<Process, String> {
        let slot = post.slot;
        post.pulse.promise("starts a worker", Duration::ZERO);
        let mut state = self.lock();
        if let Some(process) = state.rouse(helpers > 0) {
            state.employ(slot, &process);
            return Ok(process);
        }
        let helpers = if state.with_helpers < MOST_WITH_HELPERS { helpers } else { 0 };
        // All that there may be, and none is the right one: one makes room.
        let full = state.processes.len() >= self.workers;
        if let Some(Idle { process, .. }) = full.then(|| state.idle.pop()).flatten() {
            drop(state);
            self.bury(post, process, Farewell::Dismissed);
            post.pulse.promise("starts a worker", Duration::ZERO);
            state = self.lock();
        }
        state.stuck.retain_mut(|child| matches!(child.try_wait(), Ok(None)));
        if state.stuck.len() >= 2 * self.workers {
            return Err(format!("{} workers hang in the system", state.stuck.len()));
        }
        drop(state);
        let launch = Arc::clone(&self.launch);
        let mut process = Process::start(launch, helpers).map_err(|e| e.to_string())?;
        let mut state = self.lock();
        state.processes.push(process.id());
        state.with_helpers += usize::from(process.has_helpers());
        state.employ(slot, &process);
        drop(state);
        post.pulse.promise("waits for a worker", GREETING);
        match process.greet() {
            Ok(sandbox) => {
                self.remember(sandbox);
                Ok(process)
            }
            Err(why) => {
                tracing::error!(why, "a worker does not start");
                self.lock().busy.remove(&slot);
                self.bury(post, process, Farewell::Killed);
                Err(why)
            }
        }
    }

    /// Takes a worker back after a request.
    fn release(&self, post: &Post, process: Process, served: &Served) {
        let mut state = self.lock();
        state.busy.remove(&post.slot);
        match served {
            Served::Answered(_) if state.phase == Phase::Open => {
                state.idle.push(Idle { process, since: Instant::now() });
            }
            Served::Answered(_) => {
                drop(state);
                self.bury(post, process, Farewell::Dismissed);
            }
            Served::Broken(_) | Served::NotBegun => {
                state.broken += 1;
                drop(state);
                self.bury(post, process, Farewell::Killed);
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

    fn bury(&self, post: &Post, process: Process, farewell: Farewell) {
        let (id, helpers) = (process.id(), process.has_helpers());
        post.pulse.promise("ends a worker", BURIAL);
        let stuck = process.bury(farewell);
        let mut state = self.lock();
        state.processes.retain(|other| *other != id);
        state.with_helpers -= usize::from(helpers);
        if let Some(child) = stuck {
            tracing::error!(worker = id, "a worker that was killed hangs in the system");
            state.stuck.push(child);
        }
    }
}

/// A thread at work on a task that is counted as running.
struct Shift<'s> {
    crew: &'s Crew,
    /// What it was lent.
    threads: usize,
}

impl Drop for Shift<'_> {
    fn drop(&mut self) {
        let mut state = self.crew.lock();
        state.running -= 1;
        state.take_back(self.threads);
        let last = state.running == 0 && state.phase != Phase::Open;
        drop(state);
        if last {
            self.crew.wake.notify_all();
        }
    }
}

fn no_worker(why: &str) -> Fault {
    let why = if why.is_empty() { "they end before they begin" } else { why };
    Fault::Internal { detail: format!("workers cannot be started: {why}").into() }
}
