//! The mail thread: delivers what the outbox holds, so that no job ever waits for a relay.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::DaemonError;
use crate::pulse::Pulse;
use crate::report::outbox::{Outbox, Queued};
use crate::report::{Address, Channel, Letter, MailSettings, Notice, Report};

/// So many times faster than the wall clock runs the time of the outbox, for tests that cannot wait
/// for hours: an outage of a day, or a relay that is silent.
const HASTE: &str = "EXPORTD_MAIL_HASTE";

/// Without anything due the outbox is looked at this often; the clock may have been set.
const LOOK: Duration = Duration::from_secs(60);
/// What the disk did not take is brought to it again this often.
const AGAIN: Duration = Duration::from_secs(2);
/// So many letters wait in memory for a disk that takes them; more is in the log only.
const MOST_UNSAID: usize = 100;

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
    unsaid: Arc<Unsaid>,
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
        let unsaid = Arc::new(Unsaid::default());
        let courier = Courier {
            outbox: Arc::clone(&outbox),
            trouble: Arc::clone(&trouble),
            unsaid: Arc::clone(&unsaid),
            ending: Arc::clone(&ending),
            clock,
        };
        let thread = std::thread::Builder::new()
            .name("mail".into())
            .spawn(move || courier.deliver(&told))
            .map_err(failed(settings))?;
        let channel = Mutex::new(Channel::Mail(outbox));
        Ok(Self {
            channel,
            words,
            trouble,
            unsaid,
            ending,
            clock,
            thread: Mutex::new(Some(thread)),
        })
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

    /// Tells whoever runs the daemon, once an incident. What cannot be written down now, because
    /// it is the mail's own disk that is full, is kept until it can be.
    pub(super) fn tell_operator(&self, notice: &Notice<'_>) {
        let channel = self.channel();
        for letter in channel.to_operators(notice, super::now()) {
            match channel.hand_over(&letter) {
                Ok(Queued::Already) => {}
                Ok(Queued::New) => drop(self.words.send(Word::Look)),
                Err(error) => {
                    tracing::error!(%error, ?notice, "the operator cannot be told yet");
                    self.unsaid.keep(letter, &error);
                    let _ = self.words.send(Word::Look);
                }
            }
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

    /// Returns what tells whether the thread hangs.
    pub(super) fn pulse(&self) -> Pulse {
        let Channel::Mail(outbox) = &*self.channel();
        outbox.pulse()
    }

    /// Returns why mail does not leave, while it does not.
    pub(super) fn trouble(&self) -> Option<String> {
        let relay = self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let all: Vec<String> = self.unsaid.words().into_iter().chain(relay).collect();
        (!all.is_empty()).then(|| all.join("; "))
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

/// Letters to whoever runs the daemon that the disk did not take: a full disk must not be why
/// nobody hears that it is full.
#[derive(Debug, Default)]
struct Unsaid(Mutex<(Vec<Letter>, String)>);

impl Unsaid {
    fn letters(&self) -> MutexGuard<'_, (Vec<Letter>, String)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, letter: Letter, why: &std::io::Error) {
        let mut kept = self.letters();
        kept.1 = why.to_string();
        if kept.0.len() < MOST_UNSAID && kept.0.iter().all(|other| other.mid != letter.mid) {
            kept.0.push(letter);
        }
    }

    /// Brings to the outbox what it did not take; tells whether all of it is there now.
    fn bring(&self, outbox: &Outbox) -> bool {
        let mut kept = self.letters();
        while let Some(letter) = kept.0.first() {
            if let Err(error) = outbox.enqueue(letter) {
                kept.1 = error.to_string();
                return false;
            }
            tracing::info!(mid = %letter.mid, "the operator is told now");
            kept.0.remove(0);
        }
        true
    }

    fn words(&self) -> Option<String> {
        let kept = self.letters();
        let (n, why) = (kept.0.len(), &kept.1);
        let mails = if n == 1 { "mail" } else { "mails" };
        (n > 0).then(|| format!("{n} {mails} to whoever runs exportd cannot be queued ({why})"))
    }
}

/// The thread that delivers.
struct Courier {
    outbox: Arc<Outbox>,
    trouble: Arc<Mutex<Option<String>>>,
    unsaid: Arc<Unsaid>,
    /// Set when no further mail is to begin.
    ending: Arc<AtomicBool>,
    clock: Clock,
}

impl Courier {
    /// Delivers until it is told to end.
    fn deliver(mut self, told: &Receiver<Word>) {
        loop {
            let all_said = self.bring();
            let wait = self.round();
            let wait = if all_said { wait } else { wait.min(AGAIN * self.clock.haste) };
            match told.recv_timeout(wait / self.clock.haste) {
                Ok(Word::Look) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Word::Settings(other)) => self.outbox = other,
                Ok(Word::End) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn bring(&self) -> bool {
        let pulse = self.outbox.pulse();
        let _step = pulse.step("brings letters to the outbox");
        self.unsaid.bring(&self.outbox)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn what_a_full_disk_does_not_take_is_kept_and_said_once_there_is_room() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("mail");
        let settings = MailSettings { folder: folder.clone(), ..samples::mail() };
        let post = Post::open(&settings).unwrap();
        // A disk that takes nothing.
        std::fs::remove_dir(folder.join("tmp")).unwrap();
        let since = super::super::now();
        let notice = Notice::DiskFull { folder: &folder, since };
        post.tell_operator(&notice);
        post.tell_operator(&notice);
        let words = post.trouble().unwrap();
        assert!(words.starts_with("1 mail to whoever runs exportd cannot be queued ("), "{words}");
        std::fs::create_dir(folder.join("tmp")).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while post.trouble().is_some() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(post.trouble(), None);
        assert_eq!(std::fs::read_dir(folder.join("sent")).unwrap().count(), 1);
        // The incident is over for the mail, too.
        post.tell_operator(&notice);
        assert_eq!(std::fs::read_dir(folder.join("sent")).unwrap().count(), 1);
        post.close(Duration::from_secs(10));
    }

    #[test]
    fn no_more_is_kept_than_there_is_memory_for() {
        let unsaid = Unsaid::default();
        let folder = std::path::Path::new("/srv/mail");
        let channel_settings = samples::mail();
        for second in 0..200 {
            let since = Timestamp::from_second(second).unwrap();
            let notice = Notice::DiskFull { folder, since };
            let letter = notice.letter(&channel_settings, &Address::operator(), since);
            unsaid.keep(letter, &std::io::Error::other("no room"));
        }
        assert_eq!(unsaid.letters().0.len(), MOST_UNSAID);
        assert!(unsaid.words().unwrap().starts_with("100 mails "));
    }
}
