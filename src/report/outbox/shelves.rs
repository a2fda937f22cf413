//! The folders and what lies in them.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};

use super::round::Round;
use super::{Env, MODE, Outbox, State};
use crate::fs::{publish, remove_durable, write_atomic};
use crate::report::Mid;
use crate::report::pace::Ledger;

/// Days that a mail is kept when it is over: taken, and given up.
const KEPT: [(State, i64); 2] = [(State::Sent, 7), (State::Dead, 30)];
/// No wait is longer, so a longer one is a clock that jumped: an hour and its jitter.
pub(super) const LONGEST_WAIT: SignedDuration = SignedDuration::from_mins(72);
/// A mail that could not leave for so long is dead (RFC 5321 §4.5.4.1: at least 4–5 days).
pub(super) const EXPIRY: SignedDuration = SignedDuration::from_hours(5 * 24);

/// One mail that is to be sent.
#[derive(Debug, Clone)]
pub(super) struct Waiting {
    pub(super) mid: String,
    pub(super) state: State,
    pub(super) env: Env,
    /// When it may go, if that is later than when it would be tried.
    pub(super) ready: Option<Timestamp>,
}

impl Waiting {
    pub(super) fn is_old(&self, now: Timestamp) -> bool {
        now.duration_since(self.env.created) > EXPIRY
    }
}

impl Outbox {
    /// Reads everything that is to be sent, the longest due first.
    ///
    /// Times that lie further ahead than any wait come from a clock that was wrong, and are now.
    pub(super) fn waiting(&self, now: Timestamp) -> io::Result<Vec<Waiting>> {
        let mut out = Vec::new();
        for state in [State::New, State::Deferred] {
            for mid in self.names(state)? {
                self.pulse.renew();
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
    pub(super) fn bury_nameless(&self, state: State, mid: &str) -> io::Result<()> {
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

    /// Removes mails that have been over for long. What was never meant for a relay stays.
    pub(super) fn sweep(&self, now: Timestamp) -> io::Result<()> {
        for (state, days) in KEPT {
            let old = SignedDuration::from_hours(24 * days);
            for mid in self.names(state)? {
                self.pulse.renew();
                let ended = self.read_env(state, &mid)?.and_then(|env| env.ended);
                if ended.is_some_and(|at| now.duration_since(at) > old) {
                    remove_durable(&self.eml(state, &mid))?;
                    remove_durable(&self.env(state, &mid))?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn ledger_path(&self) -> PathBuf {
        self.settings.folder.join("pace.json")
    }

    /// Reads what was sent before; without it, or when it is damaged, nothing was.
    pub(super) fn read_ledger(&self) -> Ledger {
        let bytes = fs::read(self.ledger_path()).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    pub(super) fn write_ledger(&self, round: &Round) -> io::Result<()> {
        write_atomic(&self.ledger_path(), &serde_json::to_vec(&round.ledger)?, MODE)
    }

    /// Moves a mail: envelope into the new place, message after it, old envelope away.
    pub(super) fn shift(&self, mid: &str, from: State, to: State, env: &Env) -> io::Result<()> {
        self.pulse.renew();
        self.write_env(to, mid, env)?;
        if from == to {
            return Ok(());
        }
        crate::fs::replace(&self.eml(from, mid), &self.eml(to, mid))?;
        remove_durable(&self.env(from, mid))
    }

    /// Clears `tmp/` and envelopes without a message: nothing there was ever acknowledged.
    pub(super) fn clear(&self) -> io::Result<()> {
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

    pub(super) fn names(&self, state: State) -> io::Result<Vec<String>> {
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
    pub(super) fn read_env(&self, state: State, mid: &str) -> io::Result<Option<Env>> {
        match fs::read(self.env(state, mid)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn write_env(&self, state: State, mid: &str, env: &Env) -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(env)?;
        bytes.push(b'\n');
        write_atomic(&self.env(state, mid), &bytes, MODE)
    }

    pub(super) fn folder(&self, state: State) -> PathBuf {
        self.settings.folder.join(state.folder())
    }

    pub(super) fn eml(&self, state: State, mid: &str) -> PathBuf {
        self.folder(state).join(format!("{mid}.eml"))
    }

    pub(super) fn env(&self, state: State, mid: &str) -> PathBuf {
        self.folder(state).join(format!("{mid}.env"))
    }
}

/// A message that is in our hands only, until this is dropped.
#[derive(Debug)]
pub(super) struct Held(pub(super) File);

impl Drop for Held {
    fn drop(&mut self) {
        // Closing is not enough: a process that is being started right now may have the file too.
        let _ = rustix::fs::flock(&self.0, rustix::fs::FlockOperation::Unlock);
    }
}

/// Opens a message and locks it; `None` while it is in another process's hands, or has just left
/// them.
pub(super) fn hold(path: &Path) -> io::Result<Option<Held>> {
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
