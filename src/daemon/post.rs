//! What goes out, by mail and otherwise: a thread a channel, so that no job ever waits for a relay, and
//! no channel for another.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::DaemonError;
use super::heart::Thread;
use super::space::Room;
use crate::config::{Folders, Settings};
use crate::pulse::Pulse;
use crate::report::daily::{Daily, Day, Disk};
use crate::report::outbox::{Outbox, Queued};
use crate::report::webhook::Webhook;
use crate::report::{Address, Channel, Letter, MailSettings, Notice, Report, WebhookSettings};

/// So many times faster than the wall clock runs the time of the outbox, for tests that cannot wait
/// for hours: an outage of a day, or a relay that is silent.
const HASTE: &str = "EXPORTD_MAIL_HASTE";

/// Without anything due the outbox is looked at this often; the clock may have been set.
const LOOK: Duration = Duration::from_secs(60);
/// A day has settled so long after its end: what ended in it is on disk.
const SETTLED: SignedDuration = SignedDuration::from_mins(1);
/// What the disk did not take is brought to it again this often.
const AGAIN: Duration = Duration::from_secs(2);
/// So many letters wait in memory for a disk that takes them; more is in the log only.
const MOST_UNSAID: usize = 100;

/// What the thread of a channel is told.
enum Word {
    /// There is something new.
    Look,
    /// The configuration has changed.
    Settings(Channel, House),
    /// The daemon ends, or the channel does.
    End,
}

/// The channels as the daemon has them: reports are put in by the jobs, and each channel has a thread
/// that empties it.
pub(super) struct Post {
    house: Mutex<House>,
    desks: Mutex<Vec<Desk>>,
}

/// What the threads of all channels have in common.
#[derive(Clone)]
struct House {
    /// Where letters to whoever runs the daemon go.
    outbox: Arc<Outbox>,
    folders: Arc<Folders>,
    unsaid: Arc<Unsaid>,
    /// What the thread of the mail hears by.
    mail: Option<Sender<Word>>,
    clock: Clock,
}

/// Why nothing leaves, by what does not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Troubles {
    /// Mail, and what is not even queued.
    pub(super) mail: Option<String>,
    /// Calls of the webhook.
    pub(super) webhook: Option<String>,
}

/// A channel and its thread.
struct Desk {
    channel: Channel,
    words: Sender<Word>,
    trouble: Trouble,
    ending: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

/// Why nothing leaves by a channel, while it does not.
type Trouble = Arc<Mutex<Option<String>>>;

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

/// Our own executable, also after it was replaced on disk.
fn program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

/// Opens every channel of a configuration, mail first; `open` opens the webhook's queue.
fn channels(
    settings: &Settings,
    outbox: &Arc<Outbox>,
    open: impl Fn(WebhookSettings, PathBuf) -> std::io::Result<Webhook>,
) -> Result<Vec<Channel>, DaemonError> {
    let mut channels = vec![Channel::Mail(Arc::clone(outbox))];
    if let Some(webhook) = &settings.webhook {
        let failed = |source| DaemonError::Folder { path: webhook.folder.clone(), source };
        let webhook = open(webhook.clone(), program()).map_err(failed)?;
        channels.push(Channel::Webhook(Arc::new(webhook)));
    }
    Ok(channels)
}

impl Post {
    /// Opens the channels and starts their threads.
    pub(super) fn open(settings: &Settings) -> Result<Self, DaemonError> {
        let clock = Clock::start();
        let mail = clock.hurry(&settings.mail);
        let failed = |source| DaemonError::Folder { path: settings.mail.folder.clone(), source };
        let outbox = Arc::new(Outbox::open(mail, program()).map_err(failed)?);
        let (folders, unsaid) = (Arc::new(settings.folders.clone()), Arc::new(Unsaid::default()));
        let mut house = House { outbox, folders, unsaid, mail: None, clock };
        let mut desks = Vec::new();
        for channel in channels(settings, &house.outbox, Webhook::open)? {
            let desk = Desk::open(channel, &house).map_err(failed)?;
            if matches!(desk.channel, Channel::Mail(_)) {
                house.mail = Some(desk.words.clone());
            }
            desks.push(desk);
        }
        Ok(Self { house: Mutex::new(house), desks: Mutex::new(desks) })
    }

    fn house(&self) -> House {
        self.house.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn desks(&self) -> MutexGuard<'_, Vec<Desk>> {
        self.desks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands a report to every channel, durably.
    ///
    /// # Errors
    /// The disk's; calling again is harmless.
    pub(super) fn announce(&self, report: &Report<'_>, to: &[Address]) -> std::io::Result<()> {
        let channels: Vec<_> =
            self.desks().iter().map(|desk| (desk.channel.clone(), desk.words.clone())).collect();
        for (channel, words) in channels {
            if channel.announce(report, to)? {
                let _ = words.send(Word::Look);
            }
        }
        Ok(())
    }

    /// Tells whoever runs the daemon, once an incident. What cannot be written down now, because
    /// it is the mail's own disk that is full, is kept until it can be.
    pub(super) fn tell_operator(&self, notice: &Notice<'_>) {
        let house = self.house();
        house.hand_over(house.outbox.to_operators(notice, super::now()));
    }

    /// Goes on with other settings.
    pub(super) fn reopen(&self, settings: &Settings) -> Result<(), DaemonError> {
        let failed = |source| DaemonError::Folder { path: settings.mail.folder.clone(), source };
        let house = self.house();
        let mail = house.clock.hurry(&settings.mail);
        let outbox = Arc::new(Outbox::attach(mail, program()).map_err(failed)?);
        let house = House { outbox, folders: Arc::new(settings.folders.clone()), ..house };
        let mut desks = self.desks();
        let before = desks.iter().find_map(|desk| match &desk.channel {
            Channel::Webhook(webhook) => Some(Arc::clone(webhook)),
            Channel::Mail(_) => None,
        });
        let attach = |settings, program| {
            let webhook = Webhook::attach(settings, program)?;
            Ok(match &before {
                Some(before) => webhook.after(before),
                None => webhook,
            })
        };
        let channels = channels(settings, &house.outbox, attach)?;
        let is_new = |channel: &&Channel| !desks.iter().any(|desk| desk.serves(channel));
        let new = channels
            .iter()
            .filter(is_new)
            .map(|channel| Desk::open(channel.clone(), &house))
            .collect::<Result<Vec<_>, _>>()
            .map_err(failed)?;
        desks.retain_mut(|desk| match channels.iter().find(|channel| desk.serves(channel)) {
            Some(channel) => {
                desk.take_over(channel.clone(), &house);
                true
            }
            None => {
                desk.end();
                false
            }
        });
        desks.extend(new);
        *self.house.lock().unwrap_or_else(PoisonError::into_inner) = house;
        Ok(())
    }

    /// Returns what tells whether the threads hang.
    pub(super) fn pulses(&self) -> Vec<(Thread, Pulse)> {
        let of = |desk: &Desk| match &desk.channel {
            Channel::Mail(_) => (Thread::Mail, desk.channel.pulse()),
            Channel::Webhook(_) => (Thread::Webhook, desk.channel.pulse()),
        };
        self.desks().iter().map(of).collect()
    }

    /// Returns why nothing leaves, while something does not.
    pub(super) fn troubles(&self) -> Troubles {
        let (mut troubles, unsaid) = (Troubles::default(), self.house().unsaid);
        for desk in self.desks().iter() {
            let trouble = desk.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone();
            match &desk.channel {
                Channel::Mail(_) => {
                    let all: Vec<String> = unsaid.words().into_iter().chain(trouble).collect();
                    troubles.mail = (!all.is_empty()).then(|| all.join("; "));
                }
                Channel::Webhook(_) => troubles.webhook = trouble,
            }
        }
        troubles
    }

    /// Ends the threads, waiting for what is in their hands as long as `patience`.
    pub(super) fn close(&self, patience: Duration) {
        // A job that ends meanwhile still has its report queued.
        self.desks().iter().for_each(Desk::end);
        let until = Instant::now() + patience;
        let at_work = || self.desks().iter().any(|desk| !desk.thread.is_finished());
        while at_work() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Desk {
    /// Starts the thread of a channel.
    fn open(channel: Channel, house: &House) -> std::io::Result<Self> {
        let (words, told) = mpsc::channel();
        let (trouble, ending) = (Trouble::default(), Arc::new(AtomicBool::new(false)));
        let courier = Courier {
            channel: channel.clone(),
            house: house.clone(),
            trouble: Arc::clone(&trouble),
            ending: Arc::clone(&ending),
            told: None,
            writer: None,
        };
        let name = match &channel {
            Channel::Mail(_) => "mail",
            Channel::Webhook(_) => "webhook",
        };
        let thread =
            std::thread::Builder::new().name(name.into()).spawn(move || courier.deliver(&told))?;
        Ok(Self { channel, words, trouble, ending, thread })
    }

    fn serves(&self, channel: &Channel) -> bool {
        std::mem::discriminant(&self.channel) == std::mem::discriminant(channel)
    }

    /// Goes on with a channel of other settings.
    fn take_over(&mut self, channel: Channel, house: &House) {
        let _ = self.words.send(Word::Settings(channel.clone(), house.clone()));
        self.channel = channel;
    }

    fn end(&self) {
        self.ending.store(true, Ordering::Relaxed);
        let _ = self.words.send(Word::End);
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

    /// Puts letters into the outbox, and keeps what it does not take; tells whether there is something
    /// for the thread to do.
    fn hand_over(&self, outbox: &Outbox, letters: Vec<Letter>) -> bool {
        let mut new = false;
        for letter in letters {
            match outbox.enqueue(&letter) {
                Ok(queued) => new |= queued == Queued::New,
                Err(error) => {
                    let about = letter.subject.as_str();
                    tracing::error!(%error, about, "the operator cannot be told yet");
                    self.keep(letter, &error);
                    new = true;
                }
            }
        }
        new
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

/// The thread of a channel.
struct Courier {
    channel: Channel,
    house: House,
    trouble: Trouble,
    /// Set when nothing further is to begin.
    ending: Arc<AtomicBool>,
    /// The day of the last daily digest.
    told: Option<Day>,
    /// What writes the next.
    writer: Option<JoinHandle<std::io::Result<Day>>>,
}

impl Courier {
    /// Delivers until it is told to end.
    fn deliver(mut self, told: &Receiver<Word>) {
        let haste = self.house.clock.haste;
        loop {
            let all_said = self.bring();
            let wait = self.round();
            let wait = if all_said { wait } else { wait.min(AGAIN * haste) };
            match told.recv_timeout(wait / haste) {
                Ok(Word::Look) | Err(RecvTimeoutError::Timeout) => {}
                Ok(Word::Settings(channel, house)) => {
                    (self.channel, self.house, self.told) = (channel, house, None);
                }
                Ok(Word::End) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Brings to the outbox what it did not take, and the digest of the day when it is time; the
    /// mail's own thread does. Tells whether all is there.
    fn bring(&mut self) -> bool {
        match self.channel.clone() {
            Channel::Mail(outbox) => {
                let pulse = outbox.pulse();
                let _step = pulse.step("brings letters to the outbox");
                self.tell_of_the_day();
                self.house.unsaid.bring(&outbox)
            }
            Channel::Webhook(_) => true,
        }
    }

    /// Delivers what is due; says how long there is nothing to do.
    fn round(&self) -> Duration {
        let now = self.house.clock.now();
        let goes_on = || !self.ending.load(Ordering::Relaxed);
        let house = &self.house;
        match self.channel.deliver_while(now, &goes_on, &house.outbox) {
            Ok(delivery) => {
                house.hand_over(delivery.letters);
                *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = delivery.trouble;
                delivery.next_due.map_or(LOOK, |due| until(now, due).min(LOOK))
            }
            Err(error) => {
                tracing::error!(%error, "what is to go out cannot be written down");
                LOOK
            }
        }
    }
}

impl Courier {
    /// Has the daily digest written, where one is wanted and was not written before. It looks at
    /// people's folders, which may be away: that has a thread of its own, and one at a time.
    fn tell_of_the_day(&mut self) {
        if let Some(writer) = self.writer.take_if(|writer| writer.is_finished()) {
            match writer.join() {
                Ok(Ok(day)) => self.told = Some(day),
                Ok(Err(error)) => tracing::error!(%error, "no digest of the day"),
                Err(_) => tracing::error!("no digest of the day: its thread broke"),
            }
        }
        let settings = self.house.outbox.settings();
        let now = after(self.house.clock.now(), -SETTLED);
        let day = settings.daily.and_then(|time| Day::before(now, time, &TimeZone::system()));
        let Some(day) = day.filter(|day| self.told != Some(*day)) else { return };
        let mut to = settings.operators();
        to.retain(|to| !self.house.outbox.knows(&day.mid(to)));
        if to.is_empty() {
            self.told = Some(day);
        } else if self.writer.is_none() {
            let house = self.house.clone();
            let write = move || house.write_of_the_day(day, &to).map(|()| day);
            self.writer = std::thread::Builder::new().name("daily".into()).spawn(write).ok();
        }
    }
}

impl House {
    /// Puts letters to whoever runs the daemon into the outbox, and has the mail's thread look.
    fn hand_over(&self, letters: Vec<Letter>) {
        if self.unsaid.hand_over(&self.outbox, letters)
            && let Some(mail) = &self.mail
        {
            let _ = mail.send(Word::Look);
        }
    }

    fn write_of_the_day(&self, day: Day, to: &[Address]) -> std::io::Result<()> {
        let Folders { drop, assets: _, catalogs: _, out, reports, spool, mail } = &*self.folders;
        let folders =
            [("drop", drop), ("out", out), ("reports", reports), ("spool", spool), ("mail", mail)];
        let disk = |(name, path): (_, &PathBuf)| {
            let free = Room::left(path).bytes;
            Disk { name, path: path.clone(), free }
        };
        let daily = Daily::read(reports, day, folders.map(disk).into())?;
        let settings = self.outbox.settings();
        self.hand_over(to.iter().map(|to| daily.letter(settings, to)).collect());
        Ok(())
    }
}

fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
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
        let none = dir.path().join("none.toml");
        crate::fs::write_new(&none, b"", 0o600).unwrap();
        let flags = crate::config::Flags { config: Some(none), root: Some(dir.path().into()) };
        let mut settings = crate::config::load(&flags).unwrap().settings;
        settings.mail = MailSettings { folder: folder.clone(), ..samples::mail() };
        let post = Post::open(&settings).unwrap();
        // A disk that takes nothing.
        std::fs::remove_dir(folder.join("tmp")).unwrap();
        let since = super::super::now();
        let notice = Notice::DiskFull { folder: &folder, since };
        post.tell_operator(&notice);
        post.tell_operator(&notice);
        let words = post.troubles().mail.unwrap();
        assert!(words.starts_with("1 mail to whoever runs exportd cannot be queued ("), "{words}");
        std::fs::create_dir(folder.join("tmp")).unwrap();
        let until = Instant::now() + Duration::from_secs(20);
        while post.troubles().mail.is_some() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(post.troubles().mail, None);
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
