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

use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::html::Broken;
use super::smtp::{self, Address, Phase};
use super::{Gist, Letter, MailSettings, Mid, Notice};
use crate::fs::{publish, remove_durable, sync_dir, write_new};
use crate::pulse::Pulse;

mod attempt;
mod breaker;
mod folding;
mod round;
mod shelves;

use round::Round;
use shelves::{Held, hold};

/// Seconds until another look at what somebody else has in his hands.
const BUSY: i64 = 5;
/// Messages and their envelopes are ours alone.
const MODE: u32 = 0o600;
const FOLDER_MODE: u32 = 0o700;
/// What a round does by itself, for whoever finds it hanging.
const LOOKS: &str = "looks through the outbox";

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
    /// The recipient's name as people see it, for a digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
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
            name: None,
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
    /// Of the thread whose round it is.
    pulse: Pulse,
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
        let outbox = Self { settings, program, round: Mutex::default(), pulse: Pulse::default() };
        for name in ["tmp", "new", "deferred", "sent", "dead"] {
            let folder = outbox.settings.folder.join(name);
            fs::DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(folder)?;
        }
        sync_dir(&outbox.settings.folder)?;
        Ok(outbox)
    }

    /// Returns what tells whether a round of sending hangs.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        self.pulse.clone()
    }

    /// Returns its settings.
    #[must_use]
    pub const fn settings(&self) -> &MailSettings {
        &self.settings
    }

    /// Writes a letter down, durably; it will go out with exactly these bytes.
    ///
    /// Without a relay it is put into `sent/` at once. Of a template that the letter could not be set
    /// by, whoever runs the daemon is told.
    ///
    /// # Errors
    /// The system's; `InvalidInput` when the letter has an address that is none.
    pub fn enqueue(&self, letter: &Letter) -> io::Result<Queued> {
        let queued = self.put(letter, |_| {})?;
        self.tell_of_template(letter);
        Ok(queued)
    }

    /// Tells of the template that a letter could not be set by, once. The letter itself is out, so
    /// this may fail.
    fn tell_of_template(&self, letter: &Letter) {
        let Some(Broken { file, reason }) = &letter.broken else { return };
        tracing::warn!(file = %file.display(), reason, "a template cannot be used");
        for told in self.to_operators(&Notice::BadTemplate { file, reason }, letter.date) {
            // Not by `enqueue`: what is told of a template may have been set by the same one.
            if let Err(error) = self.put(&told, |_| {}) {
                tracing::error!(%error, "the operator cannot be told");
            }
        }
    }

    /// Tells whether there is a mail of that name, wherever in its life.
    #[must_use]
    pub fn knows(&self, mid: &Mid) -> bool {
        State::ALL.iter().any(|&state| self.eml(state, mid.as_str()).exists())
    }

    fn put(&self, letter: &Letter, complete: impl FnOnce(&mut Env)) -> io::Result<Queued> {
        let mid = letter.mid.as_str();
        if self.knows(&letter.mid) {
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
            env.name = letter.to.name().map(str::to_owned);
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
}

/// Adds minutes; at the end of time it stays there.
fn later(now: Timestamp, minutes: i64) -> Timestamp {
    in_seconds(now, minutes * 60)
}

fn in_seconds(now: Timestamp, seconds: i64) -> Timestamp {
    now.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

/// Writes a mail's place for people who look for it.
#[must_use]
pub fn sent_path(folder: &Path, mid: &Mid) -> PathBuf {
    folder.join(State::Sent.folder()).join(format!("{mid}.eml"))
}

#[cfg(test)]
mod tests;
