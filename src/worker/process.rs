//! One worker process as its parent sees it: started, asked, and explained when it ends.
//!
//! A worker that ends in the middle of a request has said why in one of three ways: the signal it
//! died of, what it wrote to its standard error, or our own clock. [`Process::serve`] turns that
//! into the [`Fault`] of the asset at hand.
//!
//! Standard error is a pipe that nobody waits for: both ends are non-blocking, the child's writes
//! are lost beyond the pipe's capacity, and the parent reads what is there after each request.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::Signal;

use super::progress::{Progress, Step};
use super::sandbox::{Sandbox, whole_seconds};
use super::wire::{Channel, Report, Setup, WireError};
use super::{Answer, child};
use crate::diag::{Fault, Phrase, phrase};
use crate::pulse::Pulse;

/// How long a worker may take to get ready, and to begin with a request.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a worker that was told to end, or killed, may take to be gone.
const FAREWELL: Duration = Duration::from_secs(5);

/// How long [`Process::bury`] may take: a good-bye, and a death.
pub(super) const BURIAL: Duration = Duration::from_secs(2 * FAREWELL.as_secs());

/// How long [`Process::greet`] may take: it hears, or ends what does not answer.
pub(super) const GREETING: Duration = Duration::from_secs(PATIENCE.as_secs() + BURIAL.as_secs());

/// Most bytes of standard error that are looked at: what a pipe holds.
const MOST_WORDS: u64 = 64 << 10;

/// How a worker's memory is managed, where the C library is glibc: a picture's buffers come from a
/// heap that is kept from one picture to the next, up to 256 MiB, in huge pages. Otherwise the
/// system clears and maps each of their pages anew, which is a sixth to a third of a conversion.
/// What is kept goes with the worker, which goes when it has been idle for a while. Helpers share
/// that heap: one of their own would take 64 MiB of the worker's address space each.
const ALLOCATOR: &str = "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=1073741824\
    :glibc.malloc.trim_threshold=268435456:glibc.malloc.arena_max=1";

/// What is executed, and what it is told.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    /// The binary.
    pub(super) program: PathBuf,
    /// What makes it a worker.
    pub(super) arguments: Vec<String>,
    /// Its bounds.
    pub(super) setup: Setup,
    /// Longest silence after a request has begun.
    pub(super) deadline: Duration,
}

/// What became of a request.
#[derive(Debug)]
pub(super) enum Served {
    /// It is over and the worker can take another.
    Answered(Result<Answer, Fault>),
    /// The worker is of no more use, and this is why.
    Broken(Fault),
    /// The worker was gone before it began: nothing was read or written.
    NotBegun,
}

/// One worker process. It must be given to [`Process::bury`] in the end, else it stays a zombie.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    channel: Arc<Channel>,
    stderr: File,
    launch: Arc<Launch>,
    helpers: usize,
}

impl Process {
    /// Starts a worker with so many helpers and tells it its bounds; does not wait for it.
    ///
    /// The calling thread must outlive the worker: to the kernel it is the parent whose death
    /// ends the child (`PR_SET_PDEATHSIG`).
    ///
    /// # Errors
    /// The system's.
    pub(super) fn start(launch: Arc<Launch>, helpers: usize) -> io::Result<Self> {
        let (channel, theirs) = Channel::pair(PATIENCE)?;
        let (stderr, words) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let child = Command::new(&launch.program)
            .arg0("exportd")
            .args(&launch.arguments)
            .env_clear()
            .env("GLIBC_TUNABLES", ALLOCATOR)
            .current_dir("/")
            // Ctrl-C at a terminal is for the parent, which ends its workers in order.
            .process_group(0)
            .stdin(Stdio::from(theirs))
            .stdout(Stdio::null())
            .stderr(Stdio::from(words))
            .spawn()?;
        // A worker that is gone already is found by `greet`.
        let _ = channel.send(&Setup { helpers, ..launch.setup.clone() }, &[]);
        Ok(Self { child, channel: Arc::new(channel), stderr: File::from(stderr), launch, helpers })
    }

    /// Tells whether it has helpers.
    pub(super) fn has_helpers(&self) -> bool {
        self.helpers > 0
    }

    /// Returns the socket, so that another thread can shut it and thereby end the worker.
    pub(super) fn channel(&self) -> Arc<Channel> {
        Arc::clone(&self.channel)
    }

    /// Returns the process id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until the worker is confined and ready.
    ///
    /// # Errors
    /// Why it is not, for the operator. It is of no use then.
    pub(super) fn greet(&mut self) -> Result<Sandbox, String> {
        match self.channel.receive(Instant::now() + PATIENCE) {
            Ok(Report::Ready(sandbox)) => Ok(sandbox),
            Ok(_) => Err("it did not introduce itself".into()),
            Err(error) => {
                let End { how, words, .. } = self.end(&error);
                Err(if words.is_empty() { how } else { words })
            }
        }
    }

    /// Hands over what is left of a task, with its descriptors, and waits for the end of it.
    ///
    /// `pulse` is the calling thread's.
    pub(super) fn serve(&mut self, progress: &mut Progress<'_>, pulse: &Pulse) -> Served {
        loop {
            pulse.promise("hands a task to a worker", 2 * PATIENCE);
            let (request, files) = progress.request();
            match self.channel.send(&request, &files) {
                Ok(()) => {}
                Err(error @ (WireError::TooLarge { .. } | WireError::Garbled(_))) => {
                    return Served::Answered(Err(Fault::Internal {
                        detail: error.to_string().into(),
                    }));
                }
                Err(WireError::Closed | WireError::TimedOut | WireError::Socket(_)) => {
                    return Served::NotBegun;
                }
            }
            match self.channel.receive(Instant::now() + PATIENCE) {
                Ok(Report::Started) => {}
                Ok(_) | Err(_) => return Served::NotBegun,
            }
            if let Some(served) = self.follow(progress, pulse) {
                return served;
            }
        }
    }

    /// Takes the reports of one request; `None` when there is another to be made.
    fn follow(&mut self, progress: &mut Progress<'_>, pulse: &Pulse) -> Option<Served> {
        loop {
            pulse.promise("waits for a worker", self.launch.deadline + BURIAL);
            let step = match self.channel.receive(Instant::now() + self.launch.deadline) {
                Ok(report) => progress.take(report),
                Err(error) => Step::Broken(self.end(&error).fault),
            };
            match step {
                Step::Wait => {}
                Step::Ask => return None,
                Step::Over(answer) => {
                    self.words();
                    return Some(Served::Answered(answer));
                }
                Step::Broken(fault) => return Some(Served::Broken(fault)),
            }
        }
    }

    /// Ends the worker, if it has not ended by itself, and finds out how it ended.
    fn end(&mut self, error: &WireError) -> End {
        let status = match error {
            // About to end by itself, and how is what we want to know.
            WireError::Closed if !self.channel.is_shut() => self.wait(FAREWELL),
            WireError::Closed
            | WireError::TimedOut
            | WireError::TooLarge { .. }
            | WireError::Garbled(_)
            | WireError::Socket(_) => None,
        };
        if status.is_none() {
            self.kill();
        }
        let words = self.words();
        let fault = match (error, status) {
            (WireError::TimedOut, _) => self.too_slow(),
            (_, Some(status)) => self.fault_of(status, &words),
            (_, None) => Fault::WorkerDied { how: stopped() },
        };
        let how = status.map_or_else(|| error.to_string(), |status| status.to_string());
        if !self.channel.is_shut() {
            tracing::warn!(worker = self.id(), %fault, how, words, "a worker ended");
        }
        End { fault, how, words }
    }

    fn too_slow(&self) -> Fault {
        Fault::TooSlow { seconds: whole_seconds(self.launch.deadline) }
    }

    /// Explains how a worker ended that we did not end.
    fn fault_of(&self, status: ExitStatus, words: &str) -> Fault {
        let died = |how: Phrase| Fault::WorkerDied { how };
        match status.signal().and_then(Signal::from_named_raw) {
            // musl's `abort` may end in the one of a forbidden instruction.
            Some(Signal::ABORT | Signal::SEGV) if words.contains("memory allocation of") => {
                Fault::OutOfMemory { limit: self.launch.setup.memory }
            }
            Some(Signal::ABORT) if words.contains("overflowed its stack") => {
                died(phrase!("stack-overflowed", "it is nested too deeply"))
            }
            Some(Signal::XCPU) => self.too_slow(),
            Some(Signal::XFSZ) => child::too_long(self.launch.setup.max_output),
            Some(Signal::SYS) => {
                died(phrase!("tried-forbidden", "it was blocked by a safety rule"))
            }
            Some(Signal::KILL) => died(phrase!(
                "killed-for-memory",
                "the system stopped it, probably because memory ran out"
            )),
            // What the system says of it stands in the log.
            Some(_) | None => died(stopped()),
        }
    }

    /// Sees to it that the worker is gone: by itself within five seconds when it is idle and its
    /// socket is shut, else killed. Returns it only when the kernel keeps it nevertheless, which
    /// happens while a read hangs in a dead network file system.
    pub(super) fn bury(mut self, farewell: Farewell) -> Option<Child> {
        self.channel.shut();
        let gone = match farewell {
            Farewell::Dismissed => self.wait(FAREWELL),
            Farewell::Killed => None,
        };
        if gone.is_some() || self.kill() { None } else { Some(self.child) }
    }

    /// Kills the worker; tells whether it is gone.
    fn kill(&mut self) -> bool {
        // Fails only when it is gone already.
        let _ = self.child.kill();
        self.wait(FAREWELL).is_some()
    }

    /// Waits for the end, looking more and more seldom.
    fn wait(&mut self, patience: Duration) -> Option<ExitStatus> {
        let until = Instant::now() + patience;
        let mut pause = Duration::from_micros(200);
        loop {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            if Instant::now() >= until {
                return None;
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(20));
        }
    }

    /// Reads what the worker has written to its standard error by now.
    fn words(&self) -> String {
        let mut words = Vec::new();
        // Ends with `WouldBlock` while the worker lives.
        let _ = (&self.stderr).take(MOST_WORDS).read_to_end(&mut words);
        let words = String::from_utf8_lossy(&words).trim().to_owned();
        if !words.is_empty() {
            tracing::debug!(worker = self.id(), words, "a worker wrote to its standard error");
        }
        words
    }
}

/// Says that a worker ended, and nobody knows why.
pub(super) fn stopped() -> Phrase {
    phrase!("stopped-without-reason", "it stopped without a reason")
}

/// How a worker is sent away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Farewell {
    /// It is idle and may end by itself.
    Dismissed,
    /// It is broken or not wanted any more.
    Killed,
}

/// How a worker ended.
#[derive(Debug)]
struct End {
    fault: Fault,
    /// What the system, or the wire, says of it.
    how: String,
    words: String,
}
