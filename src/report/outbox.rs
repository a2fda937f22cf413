//! Mail that is to be sent, until it is: a folder of frozen messages and the loop that empties it.
//!
//! ```text
//! mail/tmp/        being written
//! mail/new/        never tried          <mid>.eml  the message, bytes as they will go out
//! mail/deferred/   to be tried again    <mid>.env  who, when, how often, what the relay said
//! mail/sent/       taken by the relay (or, without [mail], where messages end)
//! mail/dead/       refused for good, or older than five days
//! ```
//!
//! A message is there once its `.eml` is: the `.env` is put beside its place first and belongs to
//! whatever `.eml` lies next to it. A name that is in any of the folders is not written again, so
//! reporting a run twice sends one mail. A crash leaves at most a stray `.env` or something in
//! `tmp/`, which [`Outbox::open`] clears, and at worst a mail that was taken and is still in its
//! old place: it goes out a second time with the same Message-ID (the gap of RFC 1047).
//!
//! What the relay says about one mail changes that mail. What says that the relay takes nothing at
//! all changes none: the breaker opens, one mail is tried a minute later, again a minute later,
//! then every five minutes, and the first that gets a real answer closes it.

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::smtp::{self, Address, Class, Envelope, Outcome, Phase};
use super::{Letter, MailSettings, Mid, SmtpSettings};
use crate::fs::{publish, remove_durable, sha256, sync_dir, write_atomic, write_new};

/// Minutes before the next attempt, after so many; then every hour.
const BACK_OFF: [i64; 7] = [1, 2, 5, 10, 20, 30, 60];
/// Minutes to wait when nobody knows whether the relay took the mail.
const AFTER_DOUBT: i64 = 10;
/// A mail that could not leave for so long is dead (RFC 5321 §4.5.4.1: at least 4–5 days).
const EXPIRY: SignedDuration = SignedDuration::from_hours(5 * 24);
/// No wait is longer, so a longer one is a clock that jumped: an hour and its jitter.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(72);
/// Waits of the breaker: the first few failures, then.
const PROBES: [i64; 3] = [1, 1, 5];
/// At most so many mails in one round, so that an orderly stop is not kept waiting.
const MOST_A_ROUND: usize = 50;
/// Messages and their envelopes are ours alone.
const MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;

/// The folders of a mail's life, in the order of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// Never tried.
    New,
    /// Tried, to be tried again.
    Deferred,
    /// Taken by the relay, or never meant for one.
    Sent,
    /// Given up.
    Dead,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::New, Self::Deferred, Self::Sent, Self::Dead];

    const fn folder(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Deferred => "deferred",
            Self::Sent => "sent",
            Self::Dead => "dead",
        }
    }
}

/// What is known about one mail: `<mid>.env`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Env {
    /// The one recipient, `name@domain`.
    pub recipient: String,
    /// The sender, `name@domain`.
    pub from: String,
    /// When it was queued.
    pub created: Timestamp,
    /// How often the relay was asked to take it and gave an answer about it.
    pub attempts: u32,
    /// Not to be tried before.
    pub next_try: Timestamp,
    /// The relay's last code.
    pub last_code: Option<u16>,
    /// The last thing that was said.
    pub last_text: Option<String>,
    /// How far the last attempt came.
    pub phase: Option<Phase>,
}

/// What [`Outbox::enqueue`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Queued {
    /// The mail is new.
    New,
    /// It was there already, wherever in its life.
    Already,
}

/// What one round did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Taken by the relay.
    pub sent: usize,
    /// To be tried again.
    pub deferred: usize,
    /// Given up.
    pub dead: usize,
    /// When there is something to do again.
    pub next_due: Option<Timestamp>,
    /// Why the relay takes nothing at all, if so.
    pub relay_trouble: Option<String>,
}

/// One mail, for `exportd mail list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Item {
    /// Its name.
    pub mid: String,
    /// Where it is.
    pub state: State,
    /// What is known about it; absent when it was never meant for a relay.
    pub env: Option<Env>,
}

/// Whether the relay takes mail.
#[derive(Debug, Clone, Default)]
struct Breaker {
    failures: usize,
    next_probe: Option<Timestamp>,
    trouble: Option<String>,
}

impl Breaker {
    fn open(&mut self, now: Timestamp, why: &str) {
        let minutes = PROBES[self.failures.min(PROBES.len() - 1)];
        self.failures += 1;
        self.next_probe = Some(later(now, minutes));
        self.trouble = Some(why.to_owned());
    }

    fn close(&mut self) {
        *self = Self::default();
    }

    fn lets_try(&self, now: Timestamp) -> bool {
        self.next_probe.is_none_or(|at| at <= now)
    }

    /// A probe that lies further ahead than any wait comes from a clock that was wrong.
    fn mend(&mut self, now: Timestamp) {
        self.next_probe =
            self.next_probe.map(|at| if at > later(now, PROBES[2]) { now } else { at });
    }
}

/// The queue of outgoing mail.
///
/// One process owns it and sends; others may [`attach`](Outbox::attach) to add to it or look at
/// it. Adding never waits for a round of sending.
#[derive(Debug)]
pub struct Outbox {
    settings: MailSettings,
    program: PathBuf,
    /// Held during a whole round, so that there is one at a time.
    round: Mutex<Breaker>,
}

impl Outbox {
    /// Opens the queue as its owner: makes its folders and clears what a crash left half done.
    ///
    /// `program` is our own executable, which is started as the sender.
    ///
    /// # Errors
    /// The system's; `InvalidInput` when the settings cannot be used.
    pub fn open(settings: MailSettings, program: PathBuf) -> io::Result<Self> {
        let outbox = Self::attach(settings, program)?;
        outbox.clear()?;
        Ok(outbox)
    }

    /// Opens the queue beside its owner: nothing that may be half done is touched.
    ///
    /// # Errors
    /// As [`Outbox::open`].
    pub fn attach(settings: MailSettings, program: PathBuf) -> io::Result<Self> {
        settings.check().map_err(|e| io::Error::new(io::ErrorKind::InvalidInput, e))?;
        let outbox = Self { settings, program, round: Mutex::default() };
        for name in ["tmp", "new", "deferred", "sent", "dead"] {
            let folder = outbox.settings.folder.join(name);
            fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
        }
        sync_dir(&outbox.settings.folder)?;
        Ok(outbox)
    }

    /// Returns its settings.
    #[must_use]
    pub const fn settings(&self) -> &MailSettings {
        &self.settings
    }

    /// Writes a letter down, durably; it will go out with exactly these bytes.
    ///
    /// Without a relay it is put into `sent/` at once.
    ///
    /// # Errors
    /// The system's; `InvalidInput` when the letter has an address that is none.
    pub fn enqueue(&self, letter: &Letter) -> io::Result<Queued> {
        let mid = letter.mid.as_str();
        if State::ALL.iter().any(|&state| self.eml(state, mid).exists()) {
            return Ok(Queued::Already);
        }
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let message = smtp::render(letter).map_err(|e| invalid(e.to_string()))?;
        let tmp = self.settings.folder.join("tmp").join(format!("{mid}.eml"));
        remove_durable(&tmp)?;
        write_new(&tmp, &message, MODE)?;
        let state = if self.settings.smtp.is_some() {
            let from = Address::parse(&letter.from).map_err(|e| invalid(e.to_string()))?;
            let env = Env {
                recipient: letter.to.mailbox().to_owned(),
                from: from.mailbox().to_owned(),
                created: letter.date,
                attempts: 0,
                next_try: letter.date,
                last_code: None,
                last_text: None,
                phase: None,
            };
            self.write_env(State::New, mid, &env)?;
            State::New
        } else {
            State::Sent
        };
        match publish(&tmp, &self.eml(state, mid)) {
            Ok(()) => Ok(Queued::New),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                remove_durable(&tmp)?;
                Ok(Queued::Already)
            }
            Err(error) => Err(error),
        }
    }

    /// Sends what is due, one mail after the other, and says when to come again.
    ///
    /// Blocks as long as the relay takes, at most the limits of [`super::Patience`] a mail and 50
    /// mails; belongs on a thread of its own.
    ///
    /// # Errors
    /// The system's, when the state of a mail cannot be written down.
    pub fn deliver_due(&self, now: Timestamp) -> io::Result<Summary> {
        let mut summary = Summary::default();
        let Some(relay) = &self.settings.smtp else { return Ok(summary) };
        let mut breaker = self.round();
        breaker.mend(now);
        let mut waiting = self.waiting(now)?;
        if breaker.lets_try(now) {
            let mut due: Vec<Waiting> =
                waiting.extract_if(.., |mail| mail.env.next_try <= now).collect();
            waiting.extend(due.split_off(MOST_A_ROUND.min(due.len())));
            for mail in due {
                if !breaker.lets_try(now) {
                    waiting.push(mail);
                    continue;
                }
                waiting.extend(self.attempt(mail, relay, now, (&mut breaker, &mut summary))?);
            }
        }
        if let Some(why) = breaker.trouble.clone() {
            waiting = self.expire(waiting, now, &why, &mut summary)?;
        }
        summary.relay_trouble.clone_from(&breaker.trouble);
        let soonest = waiting.iter().map(|mail| mail.env.next_try).min();
        summary.next_due = soonest.map(|at| at.max(breaker.next_probe.unwrap_or(at)));
        Ok(summary)
    }

    fn round(&self) -> MutexGuard<'_, Breaker> {
        self.round.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists every mail, by state and name.
    ///
    /// # Errors
    /// The system's.
    pub fn list(&self) -> io::Result<Vec<Item>> {
        let mut items = Vec::new();
        for state in State::ALL {
            for mid in self.names(state)? {
                let env = self.read_env(state, &mid);
                items.push(Item { mid, state, env });
            }
        }
        Ok(items)
    }

    /// Makes a waiting or dead mail due at once, as if it were new; waits for a round that is
    /// going on.
    ///
    /// # Errors
    /// `NotFound` when there is none of that name that could be sent, else the system's.
    pub fn retry(&self, mid: &Mid, now: Timestamp) -> io::Result<()> {
        let mid = mid.as_str();
        let mut breaker = self.round();
        for state in [State::Deferred, State::Dead, State::New] {
            let Some(mut env) = self.read_env(state, mid).filter(|_| self.eml(state, mid).exists())
            else {
                continue;
            };
            (env.attempts, env.created, env.next_try) = (0, now, now);
            breaker.close();
            return self.shift(mid, state, State::New, &env);
        }
        Err(io::Error::from(io::ErrorKind::NotFound))
    }

    /// Tries one mail; gives it back when it is to be tried again.
    fn attempt(
        &self,
        mut mail: Waiting,
        relay: &SmtpSettings,
        now: Timestamp,
        (breaker, summary): (&mut Breaker, &mut Summary),
    ) -> io::Result<Option<Waiting>> {
        let message = match fs::read(self.eml(mail.state, &mail.mid)) {
            Ok(message) => message,
            // Taken away by hand: so it is not to be sent.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let envelope =
            Envelope { from: &mail.env.from, to: &mail.env.recipient, hello: &self.settings.host };
        let outcome = smtp::send(&self.program, relay, envelope, &message);
        let class = outcome.class;
        mail.env.last_code = outcome.code;
        mail.env.last_text = Some(outcome.text.clone());
        mail.env.phase = Some(outcome.phase);
        if class == Class::Relay {
            self.relay_trouble(&mut mail, &outcome, now, breaker)?;
            return Ok(Some(mail));
        }
        breaker.close();
        mail.env.attempts += 1;
        let to = match class {
            Class::Sent => State::Sent,
            Class::Dead => State::Dead,
            Class::Deferred | Class::Unknown | Class::Relay if mail.is_old(now) => State::Dead,
            Class::Deferred | Class::Unknown | Class::Relay => State::Deferred,
        };
        mail.env.next_try = next_try(&mail, class, now);
        self.shift(&mail.mid, mail.state, to, &mail.env)?;
        mail.state = to;
        log_outcome(&mail, &outcome);
        match to {
            State::Sent => summary.sent += 1,
            State::Dead => summary.dead += 1,
            State::New | State::Deferred => {
                summary.deferred += 1;
                return Ok(Some(mail));
            }
        }
        Ok(None)
    }

    /// Opens the breaker. The mail is not to blame, but one that got as far as its recipient goes
    /// behind the others, lest it be the only one that is ever tried.
    fn relay_trouble(
        &self,
        mail: &mut Waiting,
        outcome: &Outcome,
        now: Timestamp,
        breaker: &mut Breaker,
    ) -> io::Result<()> {
        if breaker.failures == 0 {
            tracing::warn!(
                phase = ?outcome.phase, code = outcome.code, text = outcome.text,
                "the relay takes no mail"
            );
        }
        breaker.open(now, &outcome.text);
        if outcome.phase >= Phase::Rcpt {
            mail.env.next_try = later(now, PROBES[2]);
        }
        self.write_env(mail.state, &mail.mid, &mail.env)
    }

    /// Gives up what has waited five days for a relay that still takes nothing.
    fn expire(
        &self,
        waiting: Vec<Waiting>,
        now: Timestamp,
        why: &str,
        summary: &mut Summary,
    ) -> io::Result<Vec<Waiting>> {
        let mut kept = Vec::new();
        for mail in waiting {
            if mail.is_old(now) {
                let mut env = mail.env.clone();
                env.last_text = Some(format!("given up after 5 days: {why}"));
                self.shift(&mail.mid, mail.state, State::Dead, &env)?;
                tracing::error!(mid = mail.mid, to = env.recipient, "mail given up");
                summary.dead += 1;
            } else {
                kept.push(mail);
            }
        }
        Ok(kept)
    }

    /// Reads everything that is to be sent, the longest due first.
    ///
    /// Times that lie further ahead than any wait come from a clock that was wrong, and are now.
    fn waiting(&self, now: Timestamp) -> io::Result<Vec<Waiting>> {
        let mut out = Vec::new();
        for state in [State::New, State::Deferred] {
            for mid in self.names(state)? {
                let Some(mut env) = self.read_env(state, &mid) else {
                    self.bury_nameless(state, &mid)?;
                    continue;
                };
                if env.next_try.duration_since(now) > LONGEST_WAIT {
                    env.next_try = now;
                }
                env.created = env.created.min(now);
                out.push(Waiting { mid, state, env });
            }
        }
        out.sort_by(|a, b| (a.env.next_try, &a.mid).cmp(&(b.env.next_try, &b.mid)));
        Ok(out)
    }

    /// A message without an envelope cannot be sent, and must not be looked at for ever.
    fn bury_nameless(&self, state: State, mid: &str) -> io::Result<()> {
        tracing::error!(mid, "mail without a readable envelope");
        remove_durable(&self.env(state, mid))?;
        match publish(&self.eml(state, mid), &self.eml(State::Dead, mid)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                remove_durable(&self.eml(state, mid))
            }
            other => other,
        }
    }

    /// Moves a mail: envelope into the new place, message after it, old envelope away.
    fn shift(&self, mid: &str, from: State, to: State, env: &Env) -> io::Result<()> {
        self.write_env(to, mid, env)?;
        if from == to {
            return Ok(());
        }
        crate::fs::replace(&self.eml(from, mid), &self.eml(to, mid))?;
        remove_durable(&self.env(from, mid))
    }

    /// Clears `tmp/` and envelopes without a message: nothing there was ever acknowledged.
    fn clear(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.settings.folder.join("tmp"))? {
            remove_durable(&entry?.path())?;
        }
        for state in State::ALL {
            for entry in fs::read_dir(self.folder(state))? {
                let path = entry?.path();
                let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
                let stray =
                    name.strip_suffix(".env").is_some_and(|mid| !self.eml(state, mid).exists());
                if stray || (name.starts_with('.') && name.ends_with(".tmp")) {
                    remove_durable(&path)?;
                }
            }
        }
        Ok(())
    }

    fn names(&self, state: State) -> io::Result<Vec<String>> {
        let mut out = Vec::new();
        for entry in fs::read_dir(self.folder(state))? {
            let name = entry?.file_name();
            let mid = name.to_str().and_then(|n| n.strip_suffix(".eml")).and_then(Mid::from_stem);
            out.extend(mid.map(|mid| mid.to_string()));
        }
        out.sort_unstable();
        Ok(out)
    }

    fn read_env(&self, state: State, mid: &str) -> Option<Env> {
        serde_json::from_slice(&fs::read(self.env(state, mid)).ok()?).ok()
    }

    fn write_env(&self, state: State, mid: &str, env: &Env) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(env)?;
        bytes.push(b'\n');
        write_atomic(&self.env(state, mid), &bytes, MODE)
    }

    fn folder(&self, state: State) -> PathBuf {
        self.settings.folder.join(state.folder())
    }

    fn eml(&self, state: State, mid: &str) -> PathBuf {
        self.folder(state).join(format!("{mid}.eml"))
    }

    fn env(&self, state: State, mid: &str) -> PathBuf {
        self.folder(state).join(format!("{mid}.env"))
    }
}

/// One mail that is to be sent.
#[derive(Debug, Clone)]
struct Waiting {
    mid: String,
    state: State,
    env: Env,
}

impl Waiting {
    fn is_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.env.created) > EXPIRY
    }
}

fn log_outcome(mail: &Waiting, outcome: &Outcome) {
    let (mid, to, code, text) =
        (&mail.mid, &mail.env.recipient, outcome.code, outcome.text.as_str());
    match mail.state {
        State::Sent => tracing::info!(mid, to, "mail sent"),
        State::Dead => tracing::error!(mid, to, code, text, "mail given up"),
        State::New | State::Deferred => tracing::info!(mid, to, code, text, "mail put off"),
    }
}

/// Adds minutes; at the end of time it stays there.
fn later(now: Timestamp, minutes: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(Timestamp::MAX)
}

/// Says when a mail is tried again: the back-off of its attempts ± a fifth, which depends on its
/// name and the attempt alone, so that mails put off together do not come back together.
fn next_try(mail: &Waiting, class: Class, now: Timestamp) -> Timestamp {
    let n = usize::try_from(mail.env.attempts.saturating_sub(1)).unwrap_or(usize::MAX);
    let minutes = BACK_OFF[n.min(BACK_OFF.len() - 1)];
    let minutes = if class == Class::Unknown { minutes.max(AFTER_DOUBT) } else { minutes };
    let hash = sha256(format!("{} {}", mail.mid, mail.env.attempts).as_bytes());
    let dice = i64::from_str_radix(&hash[..4], 16).unwrap_or(0);
    // From -200 to 200 thousandths; never earlier than what doubt asks for.
    let thousandths = dice % 401 - 200;
    let thousandths = if class == Class::Unknown { thousandths.abs() } else { thousandths };
    let seconds = minutes * 60 + minutes * 60 * thousandths / 1000;
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Writes a mail's place for people who look for it.
#[must_use]
pub fn sent_path(folder: &Path, mid: &Mid) -> PathBuf {
    folder.join(State::Sent.folder()).join(format!("{mid}.eml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Verdict;
    use crate::report::{Patience, Report, Tls, samples};

    fn settings(folder: &Path, smtp: Option<SmtpSettings>) -> MailSettings {
        MailSettings {
            folder: folder.to_owned(),
            smtp,
            from: "exportd <exportd@studio.example>".into(),
            host: "studio.example".into(),
        }
    }

    /// A relay that nobody listens on; the sender is a program that ends without a word.
    fn nowhere() -> SmtpSettings {
        SmtpSettings {
            host: "127.0.0.1".into(),
            port: 1,
            tls: Tls::None,
            user: None,
            password_file: None,
            ca_file: None,
            patience: Patience::default(),
        }
    }

    fn letter(settings: &MailSettings) -> Letter {
        let log = samples::log(Verdict::Clean);
        let places = samples::places();
        let to = Address::parse("mia@studio.example").unwrap();
        Report { log: &log, places: &places, retry: None }.letter(settings, &to).unwrap()
    }

    fn states(outbox: &Outbox) -> Vec<State> {
        outbox.list().unwrap().into_iter().map(|item| item.state).collect()
    }

    fn waiting(attempts: u32) -> Waiting {
        let at = "2026-12-01T06:00:00Z".parse().unwrap();
        Waiting {
            mid: "a.report.0".into(),
            state: State::Deferred,
            env: Env {
                recipient: "mia@studio.example".into(),
                from: "exportd@studio.example".into(),
                created: at,
                attempts,
                next_try: at,
                last_code: None,
                last_text: None,
                phase: None,
            },
        }
    }

    #[test]
    fn without_a_relay_mail_ends_in_sent_and_is_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), None);
        let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
        let letter = letter(&settings);
        assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::New);
        assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::Already);
        let path = sent_path(dir.path(), &letter.mid);
        assert_eq!(fs::read(&path).unwrap(), smtp::render(&letter).unwrap());
        assert!(!path.with_extension("env").exists());
        assert_eq!(outbox.deliver_due(letter.date).unwrap(), Summary::default());
    }

    #[test]
    fn a_name_in_any_folder_is_queued_already() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), Some(nowhere()));
        let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
        let letter = letter(&settings);
        outbox.enqueue(&letter).unwrap();
        let env = outbox.read_env(State::New, letter.mid.as_str()).unwrap();
        let mut at = State::New;
        for state in [State::Deferred, State::Sent, State::Dead] {
            outbox.shift(letter.mid.as_str(), at, state, &env).unwrap();
            at = state;
            assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::Already, "{state:?}");
            assert_eq!(states(&outbox), [state]);
        }
    }

    #[test]
    fn what_a_crash_leaves_is_cleared_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), Some(nowhere()));
        let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
        let letter = letter(&settings);
        outbox.enqueue(&letter).unwrap();
        for name in ["tmp/x.report.1.eml", "new/x.report.1.env", "deferred/.x.env.1-1.tmp"] {
            write_new(&dir.path().join(name), b"{", MODE).unwrap();
        }
        drop(outbox);
        let outbox = Outbox::open(settings, "/bin/false".into()).unwrap();
        assert_eq!(fs::read_dir(dir.path().join("tmp")).unwrap().count(), 0);
        assert_eq!(fs::read_dir(dir.path().join("new")).unwrap().count(), 2);
        assert_eq!(fs::read_dir(dir.path().join("deferred")).unwrap().count(), 0);
        assert_eq!(states(&outbox), [State::New]);
        assert_eq!(outbox.enqueue(&letter).unwrap(), Queued::Already);
    }

    #[test]
    fn a_relay_that_is_down_punishes_no_mail_until_five_days_are_over() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), Some(nowhere()));
        let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
        let letter = letter(&settings);
        outbox.enqueue(&letter).unwrap();
        let mut now = letter.date;
        let mut waits = Vec::new();
        for _ in 0..5 {
            let summary = outbox.deliver_due(now).unwrap();
            assert_eq!((summary.sent, summary.deferred, summary.dead), (0, 0, 0));
            assert!(summary.relay_trouble.is_some());
            let next = summary.next_due.unwrap();
            waits.push(next.duration_since(now).as_secs() / 60);
            // Nothing happens before its time.
            let early = now + SignedDuration::from_secs(30);
            assert_eq!(outbox.deliver_due(early).unwrap().next_due, Some(next));
            now = next;
        }
        assert_eq!(waits, [1, 1, 5, 5, 5]);
        assert_eq!(states(&outbox), [State::New]);
        let env = outbox.read_env(State::New, letter.mid.as_str()).unwrap();
        assert_eq!((env.attempts, env.phase), (0, Some(Phase::Start)));
        let summary = outbox.deliver_due(letter.date + SignedDuration::from_hours(121)).unwrap();
        assert_eq!((summary.dead, summary.next_due), (1, None));
        assert_eq!(states(&outbox), [State::Dead]);
        let env = outbox.read_env(State::Dead, letter.mid.as_str()).unwrap();
        assert!(env.last_text.unwrap().starts_with("given up after 5 days"));
        outbox.retry(&letter.mid, now).unwrap();
        assert_eq!(states(&outbox), [State::New]);
    }

    #[test]
    fn waits_grow_to_an_hour_and_differ_a_little() {
        let now = "2026-12-01T06:00:00Z".parse().unwrap();
        for (n, minutes) in [1, 2, 5, 10, 20, 30, 60, 60, 60].into_iter().enumerate() {
            let mail = waiting(u32::try_from(n).unwrap() + 1);
            let wait = next_try(&mail, Class::Deferred, now).duration_since(now).as_secs();
            assert!((wait - minutes * 60).abs() <= minutes * 12, "attempt {n}: {wait} s");
            assert_eq!(
                next_try(&mail, Class::Deferred, now),
                next_try(&mail, Class::Deferred, now)
            );
            let doubt = next_try(&mail, Class::Unknown, now).duration_since(now).as_secs();
            assert!(doubt >= 600, "attempt {n}: {doubt} s");
        }
    }

    #[test]
    fn a_clock_that_was_ahead_does_not_hold_mail_back() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), Some(nowhere()));
        let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
        let letter = letter(&settings);
        outbox.enqueue(&letter).unwrap();
        let before = letter.date - SignedDuration::from_hours(24 * 365);
        let waiting = outbox.waiting(before).unwrap();
        assert_eq!(waiting[0].env.next_try, before);
        assert_eq!(waiting[0].env.created, before);
    }

    #[test]
    fn a_message_without_its_envelope_is_buried() {
        let dir = tempfile::tempdir().unwrap();
        let settings = settings(dir.path(), Some(nowhere()));
        let outbox = Outbox::open(settings.clone(), "/bin/false".into()).unwrap();
        let letter = letter(&settings);
        outbox.enqueue(&letter).unwrap();
        fs::remove_file(outbox.env(State::New, letter.mid.as_str())).unwrap();
        assert_eq!(outbox.deliver_due(letter.date).unwrap().next_due, None);
        assert_eq!(states(&outbox), [State::Dead]);
    }
}
