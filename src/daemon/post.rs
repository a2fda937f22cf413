//! The mail thread: delivers what the outbox holds, so that no job ever waits for a relay.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::DaemonError;
use crate::report::outbox::Outbox;
use crate::report::{Address, Channel, MailSettings, Notice, Report};

/// So many times faster than the wall clock runs the time of the outbox, for tests that cannot wait
/// for hours: an outage of a day, or a relay that is silent.
const HASTE: &str = "EXPORTD_MAIL_HASTE";

/// Without anything due the outbox is looked at this often; the clock may have been set.
const LOOK: Duration = Duration::from_secs(60);

/// What the mail thread is told.
enum Word {
    /// There is something new.
    Look,
    /// The configuration has changed.
    Settings(Arc<Outbox>),
    /// The daemon ends.
    End,
}

/// The outbox as the daemon has it: letters are put in by the jobs, delivered by one thread.
pub(super) struct Post {
    channel: Mutex<Channel>,
    words: Sender<Word>,
    trouble: Arc<Mutex<Option<String>>>,
    ending: Arc<AtomicBool>,
    clock: Clock,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// The time that the outbox is given.
#[derive(Debug, Clone, Copy)]
struct Clock {
    start: Timestamp,
    haste: u32,
}

impl Clock {
    fn start() -> Self {
        let haste = std::env::var(HASTE).ok().and_then(|text| text.parse().ok());
        Self { start: super::now(), haste: haste.unwrap_or(1).max(1) }
    }

    fn now(self) -> Timestamp {
        let now = super::now();
        if self.haste == 1 {
            return now;
        }
        let since = now.duration_since(self.start);
        since
            .checked_mul(i32::try_from(self.haste).unwrap_or(i32::MAX))
            .and_then(|since| self.start.checked_add(since).ok())
            .unwrap_or(now)
    }

    /// Makes a relay's time as short as everything else.
    fn hurry(self, settings: &MailSettings) -> MailSettings {
        let mut settings = settings.clone();
        settings.pace.gap /= self.haste;
        if let Some(smtp) = &mut settings.smtp {
            smtp.patience.transaction /= self.haste;
            smtp.patience.answer /= self.haste;
        }
        settings
    }
}

fn failed(settings: &MailSettings) -> impl FnOnce(std::io::Error) -> DaemonError + '_ {
    |source| DaemonError::Folder { path: settings.folder.clone(), source }
}

/// Our own executable, also after it was replaced on disk.
fn program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

impl Post {
    /// Opens the outbox and starts the thread.
    pub(super) fn open(settings: &MailSettings) -> Result<Self, DaemonError> {
        let clock = Clock::start();
        let outbox = Outbox::open(clock.hurry(settings), program()).map_err(failed(settings))?;
        let outbox = Arc::new(outbox);
        let (words, told) = mpsc::channel();
        let trouble = Arc::new(Mutex::new(None));
        let ending = Arc::new(AtomicBool::new(false));
        let courier = Courier {
            outbox: Arc::clone(&outbox),
            trouble: Arc::clone(&trouble),
            ending: Arc::clone(&ending),
            clock,
        };
        let thread = std::thread::Builder::new()
            .name("mail".into())
            .spawn(move || courier.deliver(&told))
            .map_err(failed(settings))?;
        let channel = Mutex::new(Channel::Mail(outbox));
        Ok(Self { channel, words, trouble, ending, clock, thread: Mutex::new(Some(thread)) })
    }

    fn channel(&self) -> MutexGuard<'_, Channel> {
        self.channel.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the letters of a report into the outbox, durably.
    ///
    /// # Errors
    /// The disk's; calling again is harmless.
    pub(super) fn announce(&self, report: &Report<'_>, to: &[Address]) -> std::io::Result<()> {
        if self.channel().announce(report, to)? > 0 {
            let _ = self.words.send(Word::Look);
        }
        Ok(())
    }

    /// Tells whoever runs the daemon, once an incident. What cannot be written is in the log.
    pub(super) fn tell_operator(&self, notice: &Notice<'_>) {
        match self.channel().tell_operator(notice, super::now()) {
            Ok(0) => {}
            Ok(_) => drop(self.words.send(Word::Look)),
            Err(error) => tracing::error!(%error, ?notice, "the operator cannot be told"),
        }
    }

    /// Goes on with other settings.
    pub(super) fn reopen(&self, settings: &MailSettings) -> Result<(), DaemonError> {
        let outbox =
            Outbox::attach(self.clock.hurry(settings), program()).map_err(failed(settings))?;
        let outbox = Arc::new(outbox);
        *self.channel() = Channel::Mail(Arc::clone(&outbox));
        let _ = self.words.send(Word::Settings(outbox));
        Ok(())
    }

    /// Returns why mail does not leave, while it does not.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Ends the thread, waiting for the mail in its hands as long as `patience`.
    pub(super) fn close(&self, patience: Duration) {
        self.ending.store(true, Ordering::Relaxed);
        let _ = self.words.send(Word::End);
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        let until = Instant::now() + patience;
        while thread.as_ref().is_some_and(|thread| !thread.is_finished()) && Instant::now() < until
        {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// The thread that delivers.
struct Courier {
    outbox: Arc<Outbox>,
    trouble: Arc<Mutex<Option<String>>>,
    /// Set when no further mail is to begin.
    ending: Arc<AtomicBool>,
    clock: Clock,
}

impl Courier {
    /// Delivers until it is told to end.
    fn deliver(mut self, told: &Receiver<Word>) {
        loop {
            let wait = self.round();
            match told.recv_timeout(wait / self.clock.haste) {
                Ok(Word::Look) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Word::Settings(other)) => self.outbox = other,
                Ok(Word::End) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Delivers what is due; says how long there is nothing to do.
    fn round(&self) -> Duration {
        let now = self.clock.now();
        let goes_on = || !self.ending.load(Ordering::Relaxed);
        match self.outbox.deliver_while(now, &goes_on) {
            Ok(summary) => {
                *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) =
                    summary.relay_trouble;
                summary.next_due.map_or(LOOK, |due| until(now, due).min(LOOK))
            }
            Err(error) => {
                tracing::error!(%error, "the outbox cannot be written");
                LOOK
            }
        }
    }
}

fn until(now: Timestamp, due: Timestamp) -> Duration {
    Duration::try_from(due.duration_since(now)).unwrap_or_default()
}
