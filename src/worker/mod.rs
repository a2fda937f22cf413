//! The worker pool: everything that touches the bytes of a picture happens in child processes.
//!
//! A decoder may panic, abort, loop or ask for all memory there is; a hostile picture may make it
//! do worse. So probing, converting and copying run in processes of the same binary (`exportd
//! worker`) that hold one socket and, during a request, its descriptors: the input and what else is
//! read (masks, colour profiles) read-only, each output write-only. They know no paths and have no network ([`Sandbox`]). What a worker dies of
//! is the fault of one asset, in words; another worker takes its place.
//!
//! ```text
//! Lane ── submit ──▶ queue ─┐                        ┌── socket, descriptors ──▶ worker process
//! Lane ── submit ──▶ queue ─┼─ in turn ─▶ N threads ─┤                           (one thread)
//! Lane ◀── wait ────────────┴─────────── answers ◀───┴── reports ◀──────────────
//! ```
//!
//! A worker is one thread, as there is one for each core. Only a large picture that would leave
//! cores idle is worked on by several, in a worker that was started with helpers.
//!
//! Each running job has a [`Lane`]. Lanes are served in turn, one task at a time, so a job of
//! three assets is not kept waiting by one of thirty thousand. A lane holds its tasks in order.
//!
//! The pool keeps at most as many processes as it has threads, starts them when they are needed,
//! hands the next task to the one used last, and ends those idle for a minute: a daemon without
//! work is one process. The threads live as long as the pool, because the kernel ends a child
//! together with the *thread* that started it.

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};

mod child;
mod crew;
mod engine;
mod lane;
mod process;
mod progress;
mod sandbox;
mod wire;

#[cfg(test)]
mod tests;

pub use child::child_main;
pub use lane::Lane;
pub use sandbox::{Held, Sandbox};

use crate::diag::Fault;
use crate::imaging::plan::{Aux, Plan};
use crate::imaging::thumbnail::Thumbnail;
use crate::imaging::{Limits, Showing, SourceInfo};
use crate::pulse::Pulse;
use crew::{Crew, Phase, Post};
use process::Launch;
use wire::Setup;

/// From so many pixels on, of a source or of what is made of it, a picture is worth several threads.
const LARGE: u64 = 8_000_000;

/// Most threads of one picture: more of them wait for what cannot be divided.
const MOST_THREADS: usize = 8;

/// How long an idle worker is kept.
const IDLE: Duration = Duration::from_secs(60);

/// Most files a [`Task::Convert`] reads beside its source.
pub const MAX_AUX: usize = 50;

/// Most outputs of one [`Task::Convert`].
pub const MAX_OUTPUTS: usize = wire::MAX_FILES - 1 - MAX_AUX;

/// Longest file in bytes that is read beside a source.
const MAX_AUX_BYTES: u64 = 256 << 20;

/// What a pool is.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolSettings {
    /// Worker processes, at least 1.
    pub workers: usize,
    /// Address space of one worker in bytes.
    pub memory: u64,
    /// Longest time one output may take: from the beginning of a request, or from the output
    /// before, until it is written.
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
            workers: cores(),
            memory: 1 << 30,
            deadline: Duration::from_secs(120),
            max_output: 4 << 30,
            limits: Limits::default(),
            exif_orientation: true,
            program: PathBuf::from("/proc/self/exe"),
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
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
/// open for writing only; what they held is lost. After a fault their content is undefined.
#[derive(Debug)]
pub enum Task {
    /// Reads the header.
    Probe {
        /// The source.
        input: File,
    },
    /// Decodes once and makes one output per plan, at most [`MAX_OUTPUTS`].
    ///
    /// What is named beside the source is opened for reading only.
    Convert {
        /// The source.
        input: File,
        /// What the plans name beside it, each once; at most [`MAX_AUX`].
        aux: Vec<(Aux, File)>,
        /// What to make.
        plans: Vec<Plan>,
        /// Where, one per plan.
        outputs: Vec<File>,
        /// Whether thumbnails come with the answer.
        showing: Showing,
    },
    /// Copies byte for byte, by reflink where the file system can.
    Copy {
        /// The source.
        input: File,
        /// Where to.
        output: File,
    },
    /// Makes a thumbnail, and nothing else.
    Show {
        /// The source.
        input: File,
    },
}

impl Task {
    /// Tells whether several threads would be of use.
    fn is_large(&self) -> bool {
        let Self::Convert { plans, .. } = self else { return false };
        let sizes = |plan: &Plan| [plan.source, plan.composite, plan.reply];
        plans.iter().flat_map(sizes).any(|size| size.pixels() >= LARGE)
    }
}

/// What came of a task.
#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    /// The header.
    Probed(SourceInfo),
    /// What came of each plan, in their order, and a thumbnail of the source where it was asked for
    /// and could be made.
    Converted(Vec<Result<Written, Fault>>, Option<Thumbnail>),
    /// The copy.
    Copied(Written),
    /// The thumbnail, if it can be made.
    Shown(Option<Thumbnail>),
}

/// A finished output. Its content is durable; its name is the caller's business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the content, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// What it looks like, where that was asked for and could be shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<Thumbnail>,
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
    crew: Arc<Crew>,
    threads: Vec<JoinHandle<()>>,
    pulses: Vec<Pulse>,
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
        let setup = Setup { memory, max_output, seconds, limits, exif_orientation, helpers: 0 };
        let launch = Launch { program, arguments, setup, deadline };
        let threads = workers.min(cores()).min(MOST_THREADS);
        let crew = Arc::new(Crew::new((workers, threads), idle, launch));
        // From here on an early return drops the pool, which ends the threads there are.
        let mut pool = Self { crew, threads: Vec::with_capacity(workers), pulses: Vec::new() };
        for slot in 0..workers {
            let crew = Arc::clone(&pool.crew);
            let pulse = Pulse::default();
            pool.pulses.push(pulse.clone());
            let thread = std::thread::Builder::new()
                .name(format!("worker-{slot}"))
                .spawn(move || crew.run(&Post { slot, pulse }))
                .map_err(PoolError::Thread)?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Opens a lane; one per running job.
    #[must_use]
    pub fn lane(&self) -> Lane {
        let id = self.crew.lock().open_lane();
        Lane::open(id, Arc::clone(&self.crew))
    }

    /// Returns what tells of each of its threads whether it hangs.
    #[must_use]
    pub fn pulses(&self) -> &[Pulse] {
        &self.pulses
    }

    /// Tells what the pool is doing.
    #[must_use]
    pub fn status(&self) -> PoolStatus {
        let state = self.crew.lock();
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
        self.crew.end(Phase::Draining);
        self.join();
    }

    /// Kills every worker at once. Running and queued tasks end without an answer: they did not
    /// fail, and are to be done again some day.
    pub fn abort(&self) {
        self.crew.end(Phase::Aborting);
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
