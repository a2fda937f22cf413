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
//! When more mail waits for one person than [`super::Pace`] lets go, all of it is folded into one
//! digest, whose envelope lists what it stands for. What is folded stays where it is, unsent, until
//! the digest is taken, and then lies in `sent/` too; a digest that is given up takes it to `dead/`.
//!
//! What the relay says about one mail changes that mail. What says that the relay takes nothing at
//! all changes none: the breaker opens, one mail is tried a minute later, again a minute later,
//! then every five minutes, and the first that gets a real answer closes it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::pace::Ledger;
use super::smtp::{self, Address, Class, Envelope, Outcome, Phase};
use super::{Gist, Letter, MailSettings, Mid, SmtpSettings};
use crate::fs::{FolderLock, publish, remove_durable, sha256, sync_dir, write_atomic, write_new};

mod folding;

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
/// Seconds until another look at what somebody else has in his hands.
const BUSY: i64 = 5;
/// Old mails are looked for this often, in minutes.
const SWEEP: i64 = 60;
/// Days that a mail is kept when it is over: taken, and given up.
const KEPT: [(State, i64); 2] = [(State::Sent, 7), (State::Dead, 30)];
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
    /// What a digest says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gist: Option<Gist>,
    /// The mails that this one stands for, when it is a digest.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged: Vec<String>,
    /// When somebody asked for another attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked: Option<Timestamp>,
    /// It was too large and is now its text alone.
    #[serde(default, skip_serializing_if = "is_false")]
    pub shortened: bool,
    /// When it was taken or given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// Whoever runs the daemon has been told that it is late.
    #[serde(default, skip_serializing_if = "is_false")]
    pub told_late: bool,
    /// Whoever runs the daemon has been told that it was given up.
    #[serde(default, skip_serializing_if = "is_false")]
    pub told_dead: bool,
    /// A digest has told its recipient that it was given up.
    #[serde(default, skip_serializing_if = "is_false")]
    pub in_digest: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}

impl Env {
    fn new(recipient: String, from: String, created: Timestamp) -> Self {
        Self {
            recipient,
            from,
            created,
            attempts: 0,
            next_try: created,
            last_code: None,
            last_text: None,
            phase: None,
            gist: None,
            merged: Vec::new(),
            asked: None,
            shortened: false,
            ended: None,
            told_late: false,
            told_dead: false,
            in_digest: false,
        }
    }

    /// Whether the relay may have it: the final dot went out and no answer is known.
    const fn is_in_doubt(&self) -> bool {
        matches!(self.phase, Some(Phase::Dot)) && self.last_code.is_none()
    }
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
    /// Made part of a digest.
    pub folded: usize,
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
    opened: Option<Timestamp>,
    next_probe: Option<Timestamp>,
    trouble: Option<String>,
}

impl Breaker {
    fn open(&mut self, now: Timestamp, why: &str) {
        let minutes = PROBES[self.failures.min(PROBES.len() - 1)];
        self.failures += 1;
        self.opened = Some(now);
        self.next_probe = Some(later(now, minutes));
        self.trouble = Some(why.to_owned());
    }

    fn close(&mut self) {
        *self = Self::default();
    }

    fn is_open(&self) -> bool {
        self.trouble.is_some()
    }

    fn lets_try(&self, now: Timestamp) -> bool {
        self.next_probe.is_none_or(|at| at <= now)
    }

    /// Somebody who asks for an attempt has mended something, or wants to see what happens.
    fn heed(&mut self, asked: Option<Timestamp>) {
        if asked > self.opened {
            self.next_probe = None;
        }
    }

    /// A probe that lies further ahead than any wait comes from a clock that was wrong.
    fn mend(&mut self, now: Timestamp) {
        self.next_probe =
            self.next_probe.map(|at| if at > later(now, PROBES[2]) { now } else { at });
    }
}

/// What one round hands to the next.
#[derive(Debug, Default)]
struct Round {
    breaker: Breaker,
    ledger: Option<Ledger>,
    /// What the relay decided and the disk did not take: it must not be sent again.
    unwritten: BTreeMap<String, (State, State, Env)>,
    swept: Option<Timestamp>,
    /// Why the relay took nothing, the last time that it did not.
    outage: Option<String>,
    /// Nothing is given up of which whoever runs the daemon was not told.
    all_told: bool,
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
    round: Mutex<Round>,
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
        outbox.finish_digests()?;
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
        self.put(letter, |_| {})
    }

    fn put(&self, letter: &Letter, complete: impl FnOnce(&mut Env)) -> io::Result<Queued> {
        let mid = letter.mid.as_str();
        if State::ALL.iter().any(|&state| self.eml(state, mid).exists()) {
            return Ok(Queued::Already);
        }
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let message = smtp::render(letter).map_err(|e| invalid(e.to_string()))?;
        let tmp = self.settings.folder.join("tmp").join(format!("{mid}.eml"));
        let result = self.put_by_way_of(&tmp, &message, letter, complete);
        if result.is_err() {
            // Nobody may come back to it: what it takes, others need.
            let _ = fs::remove_file(&tmp);
        }
        result
    }

    fn put_by_way_of(
        &self,
        tmp: &Path,
        message: &[u8],
        letter: &Letter,
        complete: impl FnOnce(&mut Env),
    ) -> io::Result<Queued> {
        let invalid = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let mid = letter.mid.as_str();
        remove_durable(tmp)?;
        write_new(tmp, message, MODE)?;
        let state = if self.settings.smtp.is_some() {
            let from = Address::parse(&letter.from).map_err(|e| invalid(e.to_string()))?;
            let mut env =
                Env::new(letter.to.mailbox().to_owned(), from.mailbox().to_owned(), letter.date);
            env.gist = Some(letter.gist.clone());
            complete(&mut env);
            self.write_env(State::New, mid, &env)?;
            State::New
        } else {
            State::Sent
        };
        match publish(tmp, &self.eml(state, mid)) {
            Ok(()) => Ok(Queued::New),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                remove_durable(tmp)?;
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
        let mut round = self.round();
        let _alone = match FolderLock::take(&self.settings.folder) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                // Another process is at it; nothing may be sent by both.
                summary.next_due = Some(in_seconds(now, BUSY));
                return Ok(summary);
            }
            Err(error) => return Err(error),
        };
        self.begin(&mut round, now)?;
        let before = round.ledger.clone();
        let (mut later, mut due) = self.due(&mut round, now)?;
        let mut probing = round.breaker.is_open();
        while round.breaker.lets_try(now) && !due.is_empty() {
            let batch = if probing {
                // One mail finds out, whichever has waited longest.
                due.drain(..1).collect()
            } else {
                self.choose(&mut due, &mut later, &mut round, (now, &mut summary))?
            };
            for mail in batch {
                if round.breaker.lets_try(now) {
                    later.extend(self.attempt(mail, relay, now, (&mut round, &mut summary))?);
                } else {
                    later.push(mail);
                }
            }
            if !std::mem::take(&mut probing) {
                break;
            }
        }
        later.append(&mut due);
        if round.breaker.failures >= PROBES.len() {
            let why = round.breaker.trouble.clone().unwrap_or_default();
            later = self.expire(later, now, &why, &mut summary)?;
        }
        round.all_told &= summary.dead == 0;
        self.tell_of_missed(&mut later, now, &mut round.all_told)?;
        if round.ledger != before {
            self.write_ledger(&round)?;
        }
        summary.relay_trouble.clone_from(&round.breaker.trouble);
        summary.next_due = self.next_due(&later, &round, now);
        Ok(summary)
    }

    /// Puts in order what the last round left, and forgets what is old.
    fn begin(&self, round: &mut Round, now: Timestamp) -> io::Result<()> {
        round.breaker.mend(now);
        for (mid, (from, to, env)) in std::mem::take(&mut round.unwritten) {
            if let Err(error) = self.shift(&mid, from, to, &env) {
                tracing::error!(mid, %error, "what became of a mail cannot be written down");
                round.unwritten.insert(mid, (from, to, env));
            } else if !env.merged.is_empty() {
                self.finish_digest(&env, to)?;
            }
        }
        let ledger = round.ledger.get_or_insert_with(|| self.read_ledger());
        ledger.mend(&self.settings.pace, now);
        let interval = SignedDuration::from_mins(SWEEP);
        match round.swept {
            Some(at) if now.duration_since(at).abs() < interval => {}
            Some(_) => {
                self.sweep(now)?;
                round.swept = Some(now);
            }
            // Not at once: what is taken up again after a crash still asks what was sent.
            None => round.swept = Some(now),
        }
        Ok(())
    }

    /// Reads what waits: what is not due yet, and what is, the longest due first. What waits
    /// inside a digest is neither.
    fn due(&self, round: &mut Round, now: Timestamp) -> io::Result<(Vec<Waiting>, Vec<Waiting>)> {
        let mut waiting = self.waiting(now)?;
        let claimed = folding::claimed(&waiting);
        waiting.retain(|mail| {
            !claimed.contains(&mail.mid) && !round.unwritten.contains_key(&mail.mid)
        });
        let due: Vec<Waiting> = waiting.extract_if(.., |mail| mail.env.next_try <= now).collect();
        round.breaker.heed(due.iter().filter_map(|mail| mail.env.asked).max());
        Ok((waiting, due))
    }

    fn round(&self) -> MutexGuard<'_, Round> {
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
                let env = self.read_env(state, &mid).unwrap_or_default();
                items.push(Item { mid, state, env });
            }
        }
        Ok(items)
    }

    /// Makes a waiting or dead mail due at once, as if it were new. Whoever sends it tries at its
    /// next look, even while the relay is in trouble.
    ///
    /// # Errors
    /// `NotFound` when there is none of that name that could be sent, `WouldBlock` while it is
    /// being sent, else the system's.
    pub fn retry(&self, mid: &Mid, now: Timestamp) -> io::Result<()> {
        let (state, mut env, _held) = self.take(mid)?;
        (env.attempts, env.created, env.next_try) = (0, now, now);
        (env.asked, env.ended) = (Some(now), None);
        (env.told_late, env.told_dead, env.in_digest) = (false, false, false);
        self.shift(mid.as_str(), state, State::New, &env)
    }

    /// Takes a waiting mail off the queue: it is given up. A digest takes what it stands for along.
    ///
    /// # Errors
    /// As [`Outbox::retry`].
    pub fn give_up(&self, mid: &Mid, why: &str, now: Timestamp) -> io::Result<()> {
        let (state, mut env, _held) = self.take(mid)?;
        env.last_text = Some(why.to_owned());
        env.ended = Some(now);
        // Somebody decided it, so nobody needs to be told.
        (env.told_late, env.told_dead) = (true, true);
        self.shift(mid.as_str(), state, State::Dead, &env)?;
        self.finish_digest(&env, State::Dead)
    }

    /// Reads a mail's message, wherever it is.
    ///
    /// # Errors
    /// `NotFound`, else the system's.
    pub fn message(&self, mid: &Mid) -> io::Result<Vec<u8>> {
        let found = State::ALL.iter().map(|&state| self.eml(state, mid.as_str()));
        let found = found.into_iter().find(|path| path.exists());
        fs::read(found.ok_or(io::ErrorKind::NotFound)?)
    }

    /// Takes a mail that could be sent into our hands.
    fn take(&self, mid: &Mid) -> io::Result<(State, Env, Held)> {
        for state in [State::Deferred, State::Dead, State::New] {
            if !self.eml(state, mid.as_str()).exists() {
                continue;
            }
            let held = hold(&self.eml(state, mid.as_str()))?;
            let Some(held) = held else { return Err(io::ErrorKind::WouldBlock.into()) };
            if let Some(env) = self.read_env(state, mid.as_str())? {
                return Ok((state, env, held));
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// Tries one mail; gives it back when it is to be tried again.
    fn attempt(
        &self,
        mut mail: Waiting,
        relay: &SmtpSettings,
        now: Timestamp,
        (round, summary): (&mut Round, &mut Summary),
    ) -> io::Result<Option<Waiting>> {
        let path = self.eml(mail.state, &mail.mid);
        let mut message = Vec::new();
        let read = hold(&path).and_then(|held| {
            let Some(mut held) = held else { return Ok(None) };
            held.0.read_to_end(&mut message)?;
            Ok(Some(held))
        });
        // Kept until what came of it is written down.
        let _held = match read {
            Ok(Some(file)) => file,
            Ok(None) => {
                mail.env.next_try = in_seconds(now, BUSY);
                return Ok(Some(mail));
            }
            // Taken away by hand: so it is not to be sent.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                // One that cannot be read must not keep the others.
                tracing::error!(mid = mail.mid, %error, "mail cannot be read");
                mail.env.next_try = later(now, PROBES[2]);
                return Ok(Some(mail));
            }
        };
        let mut outcome = self.transact(&mail, relay, &message, now);
        if outcome.class == Class::TooBig
            && !mail.env.shortened
            && let Some(short) = smtp::shortened(&message)
        {
            tracing::warn!(mid = mail.mid, text = outcome.text, "mail is sent as text only");
            mail.env.shortened = true;
            write_atomic(&path, &short, MODE)?;
            outcome = self.transact(&mail, relay, &short, now);
        }
        let class = outcome.class;
        mail.env.last_code = outcome.code;
        mail.env.last_text = Some(outcome.text.clone());
        mail.env.phase = Some(outcome.phase);
        if class == Class::Relay {
            round.outage = Some(outcome.text.clone());
            self.relay_trouble(&mut mail, &outcome, now, &mut round.breaker)?;
            return Ok(Some(mail));
        }
        round.breaker.close();
        mail.env.attempts += 1;
        if matches!(class, Class::Sent | Class::Unknown) {
            let ledger = round.ledger.get_or_insert_with(Ledger::default);
            ledger.sent(&self.settings.pace, &mail.env.recipient, now);
        }
        self.settle(mail, &outcome, now, (round, summary))
    }

    /// Writes down what came of an attempt; gives the mail back when it is to be tried again.
    fn settle(
        &self,
        mut mail: Waiting,
        outcome: &Outcome,
        now: Timestamp,
        (round, summary): (&mut Round, &mut Summary),
    ) -> io::Result<Option<Waiting>> {
        let from = mail.state;
        mail.state = match outcome.class {
            Class::Sent => State::Sent,
            Class::Dead | Class::TooBig => State::Dead,
            Class::Deferred | Class::Unknown | Class::Relay if mail.is_old(now) => State::Dead,
            Class::Deferred | Class::Unknown | Class::Relay => State::Deferred,
        };
        mail.env.next_try = next_try(&mail, outcome.class, now);
        mail.env.ended = (mail.state != State::Deferred).then_some(now);
        log_outcome(&mail, outcome);
        match mail.state {
            State::Sent => summary.sent += 1,
            State::Dead => summary.dead += 1,
            State::New | State::Deferred => summary.deferred += 1,
        }
        if let Err(error) = self.shift(&mail.mid, from, mail.state, &mail.env) {
            tracing::error!(mid = mail.mid, %error, "what became of a mail cannot be written down");
            round.unwritten.insert(mail.mid, (from, mail.state, mail.env));
            return Ok(None);
        }
        if mail.state == State::Deferred {
            return Ok(Some(mail));
        }
        self.finish_digest(&mail.env, mail.state)?;
        Ok(None)
    }

    /// Speaks to the relay. From the final dot on it is on disk that the relay may have the mail,
    /// so that a daemon that is killed there waits as one that got no answer.
    fn transact(
        &self,
        mail: &Waiting,
        relay: &SmtpSettings,
        message: &[u8],
        now: Timestamp,
    ) -> Outcome {
        let envelope =
            Envelope { from: &mail.env.from, to: &mail.env.recipient, hello: &self.settings.host };
        smtp::send_watched(&self.program, relay, envelope, message, &mut || {
            let mut env = mail.env.clone();
            (env.phase, env.last_code) = (Some(Phase::Dot), None);
            env.last_text = Some("nobody waited for the relay's answer".into());
            env.next_try = later(now, AFTER_DOUBT);
            if let Err(error) = self.write_env(mail.state, &mail.mid, &env) {
                tracing::warn!(mid = mail.mid, %error, "the envelope cannot be written");
            }
        })
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
                env.ended = Some(now);
                self.shift(&mail.mid, mail.state, State::Dead, &env)?;
                tracing::error!(mid = mail.mid, to = env.recipient, "mail given up");
                self.finish_digest(&env, State::Dead)?;
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
                let mut env = match self.read_env(state, &mid) {
                    Ok(Some(env)) => env,
                    Ok(None) => {
                        self.bury_nameless(state, &mid)?;
                        continue;
                    }
                    Err(error) => {
                        // It may be readable again; nothing is known that would end it.
                        tracing::error!(mid, %error, "envelope cannot be read");
                        continue;
                    }
                };
                if env.next_try.duration_since(now) > LONGEST_WAIT {
                    env.next_try = now;
                }
                env.created = env.created.min(now);
                out.push(Waiting { mid, state, env, ready: None });
            }
        }
        out.sort_by(|a, b| (a.env.next_try, &a.mid).cmp(&(b.env.next_try, &b.mid)));
        Ok(out)
    }

    /// A message without an envelope cannot be sent, and must not be looked at for ever.
    fn bury_nameless(&self, state: State, mid: &str) -> io::Result<()> {
        if !self.eml(state, mid).exists() {
            // It went elsewhere while we looked.
            return Ok(());
        }
        tracing::error!(mid, "mail without a readable envelope");
        match publish(&self.eml(state, mid), &self.eml(State::Dead, mid)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                remove_durable(&self.eml(state, mid))
            }
            other => other,
        }
    }

    /// Says when there is something to do again.
    fn next_due(&self, waiting: &[Waiting], round: &Round, now: Timestamp) -> Option<Timestamp> {
        let ledger = round.ledger.as_ref();
        let room = ledger.and_then(|ledger| ledger.ready(&self.settings.pace));
        let soonest = waiting.iter().map(|mail| mail.ready.unwrap_or(mail.env.next_try)).min()?;
        let gates = [room, round.breaker.next_probe, Some(soonest)];
        gates.into_iter().flatten().max().map(|at| at.max(now))
    }

    /// Removes mails that have been over for long. What was never meant for a relay stays.
    fn sweep(&self, now: Timestamp) -> io::Result<()> {
        for (state, days) in KEPT {
            let old = SignedDuration::from_hours(24 * days);
            for mid in self.names(state)? {
                let ended = self.read_env(state, &mid)?.and_then(|env| env.ended);
                if ended.is_some_and(|at| now.duration_since(at) > old) {
                    remove_durable(&self.eml(state, &mid))?;
                    remove_durable(&self.env(state, &mid))?;
                }
            }
        }
        Ok(())
    }

    fn ledger_path(&self) -> PathBuf {
        self.settings.folder.join("pace.json")
    }

    /// Reads what was sent before; without it, or when it is damaged, nothing was.
    fn read_ledger(&self) -> Ledger {
        let bytes = fs::read(self.ledger_path()).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    fn write_ledger(&self, round: &Round) -> io::Result<()> {
        write_atomic(&self.ledger_path(), &serde_json::to_vec(&round.ledger)?, MODE)
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

    /// Reads an envelope; `None` when there is none, or one that says nothing.
    fn read_env(&self, state: State, mid: &str) -> io::Result<Option<Env>> {
        match fs::read(self.env(state, mid)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
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
    /// When it may go, if that is later than when it would be tried.
    ready: Option<Timestamp>,
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

/// A message that is in our hands only, until this is dropped.
#[derive(Debug)]
struct Held(File);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing is not enough: a process that is being started right now may have the file too.
        let _ = rustix::fs::flock(&self.0, rustix::fs::FlockOperation::Unlock);
    }
}

/// Opens a message and locks it; `None` while it is in another process's hands, or has just left
/// them.
fn hold(path: &Path) -> io::Result<Option<Held>> {
    let file = File::open(path)?;
    match rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(error.into()),
    }
    let held = Held(file);
    let (ours, there) = (held.0.metadata()?, fs::metadata(path)?);
    Ok(((ours.dev(), ours.ino()) == (there.dev(), there.ino())).then_some(held))
}

/// Adds minutes; at the end of time it stays there.
fn later(now: Timestamp, minutes: i64) -> Timestamp {
    in_seconds(now, minutes * 60)
}

fn in_seconds(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
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
mod tests;
