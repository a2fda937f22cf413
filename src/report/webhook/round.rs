//! One round of calls: what is due goes, and when to come again is said.

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::call::{self, LEAVE, Meaning};
use super::{Call, State, Webhook};
use crate::fs::{FolderLock, remove_durable};

/// At most so many calls in one round, so that an orderly stop is not kept waiting.
const MOST_A_ROUND: usize = 50;
/// Minutes until the next call, after so many that failed one after the other.
const PROBES: [i64; 3] = [1, 1, 5];
/// Seconds until another look at what somebody else has in his hands.
const BUSY: i64 = 5;
/// A call that could not be made for so long is given up.
const EXPIRY: SignedDuration = SignedDuration::from_hours(5 * 24);
/// No wait is longer, so a longer one is a clock that jumped.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// Days that a call is kept when it is over: taken, and given up.
const KEPT: [(State, i64); 2] = [(State::Sent, 7), (State::Dead, 30)];
/// Old calls are looked for this often.
const SWEEP: SignedDuration = SignedDuration::from_hours(1);
/// What a round does by itself, and with the receiver, for whoever finds it hanging.
const LOOKS: &str = "looks through the calls";
const CALLS: &str = "calls the webhook";

/// What one round hands to the next.
#[derive(Debug, Default)]
pub(super) struct Round {
    /// What waits, as far as it was read. Only this process changes it there.
    known: BTreeMap<String, Wait>,
    /// Whether what waited at the start was read.
    begun: bool,
    /// What the receiver decided and the disk did not take: it must not be posted again.
    unwritten: BTreeMap<String, (State, Call)>,
    /// How many calls have failed one after the other.
    failures: usize,
    /// The receiver is left alone until then.
    closed: Option<Timestamp>,
    trouble: Option<Trouble>,
    swept: Option<Timestamp>,
}

/// A call that waits.
#[derive(Debug, Clone, Copy)]
struct Wait {
    /// Those that were tried least come first, lest one be the only one that is ever tried.
    attempts: u32,
    due: Timestamp,
    created: Timestamp,
}

impl Wait {
    fn of(call: &Call, now: Timestamp) -> Self {
        Self { attempts: call.attempts, due: call.next_try, created: call.created.min(now) }
    }

    fn is_old(self, now: Timestamp) -> bool {
        now.duration_since(self.created) > EXPIRY
    }
}

/// Why the receiver takes nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What was said last.
    pub words: String,
    /// Since when.
    pub since: Timestamp,
}

/// What one round did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Summary {
    /// Taken by the receiver.
    pub sent: usize,
    /// Given up, with what was said last.
    pub dead: Vec<(String, String)>,
    /// When there is something to do again.
    pub next_due: Option<Timestamp>,
    /// Why the receiver takes nothing at all, if so.
    pub trouble: Option<Trouble>,
}

impl Webhook {
    /// Posts what is due, one call after the other, begins none once `goes_on` says no, and says
    /// when to come again. Blocks as long as the receiver takes, so it belongs on a thread of its
    /// own.
    ///
    /// # Errors
    /// The system's, when the folders cannot be read.
    pub fn deliver_while(&self, now: Timestamp, goes_on: &dyn Fn() -> bool) -> io::Result<Summary> {
        let _step = self.pulse.step(LOOKS);
        let mut summary = Summary::default();
        let _alone = match FolderLock::take(&self.settings.folder) {
            Ok(lock) => lock,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                summary.next_due = Some(after(now, SignedDuration::from_secs(BUSY)));
                return Ok(summary);
            }
            Err(error) => return Err(error),
        };
        let mut round = self.round();
        self.sweep(&mut round, now)?;
        for (id, (to, call)) in std::mem::take(&mut round.unwritten) {
            self.put(&id, to, call, (&mut round, &mut summary));
        }
        self.learn(&mut round, now)?;
        round.mend(now);
        let mut due: Vec<_> = round.known.iter().filter(|(_, wait)| wait.due <= now).collect();
        due.sort_by_key(|(_, wait)| (wait.attempts, wait.due));
        let due: Vec<String> =
            due.into_iter().take(MOST_A_ROUND).map(|(id, _)| id.clone()).collect();
        // A call takes its time, and what is signed is when it began.
        let begun = Instant::now();
        let clock =
            || after(now, SignedDuration::from_secs(begun.elapsed().as_secs().cast_signed()));
        for id in due {
            if !goes_on() || round.closed.is_some_and(|at| at > clock()) {
                break;
            }
            self.attempt(&id, &clock, (&mut round, &mut summary));
        }
        if round.failures >= PROBES.len()
            && let Some(words) = round.trouble.as_ref().map(|trouble| trouble.words.clone())
        {
            self.expire(clock(), &words, (&mut round, &mut summary));
        }
        if round.known.is_empty() {
            (round.closed, round.trouble) = (None, None);
        }
        summary.trouble.clone_from(&round.trouble);
        let soonest = round.known.values().map(|wait| wait.due).min();
        summary.next_due = soonest.map(|soonest| soonest.max(round.closed.unwrap_or(now)).max(now));
        Ok(summary)
    }

    /// Gives up what has waited five days for a receiver that still takes nothing.
    fn expire(&self, now: Timestamp, words: &str, (round, summary): (&mut Round, &mut Summary)) {
        let old: Vec<String> = round
            .known
            .iter()
            .filter(|(_, wait)| wait.is_old(now))
            .map(|(id, _)| id.clone())
            .collect();
        for id in old {
            self.pulse.renew();
            let Some(mut call) = self.take(&id, round) else { continue };
            call.last_text = Some(format!("given up after 5 days: {words}"));
            call.last_status = None;
            call.ended = Some(now);
            self.note(&id, &call, (words, round.failures), State::Dead);
            self.put(&id, State::Dead, call, (round, summary));
        }
    }

    /// Reads what has come since the last round. What cannot be read is tried again at the next.
    fn learn(&self, round: &mut Round, now: Timestamp) -> io::Result<()> {
        let ids = self.ids(State::Waiting)?;
        round.known.retain(|id, _| ids.binary_search(id).is_ok());
        for id in ids {
            if round.known.contains_key(&id) || round.unwritten.contains_key(&id) {
                continue;
            }
            self.pulse.renew();
            match self.read(State::Waiting, &id) {
                Ok(call) => {
                    let mut wait = Wait::of(&call, now);
                    if !round.begun {
                        // Whoever starts the daemon, or changes its configuration, may have mended it.
                        wait.due = wait.due.min(now);
                    }
                    round.known.insert(id, wait);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tracing::error!(call = id, %error, "a call cannot be read"),
            }
        }
        round.begun = true;
        Ok(())
    }

    /// Reads a call that waits; one that is gone or cannot be read is no longer known.
    fn take(&self, id: &str, round: &mut Round) -> Option<Call> {
        match self.read(State::Waiting, id) {
            Ok(call) => return Some(call),
            // Taken away by hand: so it is not to be made.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => tracing::error!(call = id, %error, "a call cannot be read"),
        }
        round.known.remove(id);
        None
    }

    /// Makes one call and writes down what came of it.
    fn attempt(
        &self,
        id: &str,
        clock: &dyn Fn() -> Timestamp,
        (round, summary): (&mut Round, &mut Summary),
    ) {
        let Some(mut call) = self.take(id, round) else { return };
        self.pulse.promise(CALLS, self.settings.timeout + 2 * LEAVE);
        let answer = call::post(&self.program, &self.settings, (id, &call.body), clock());
        self.pulse.promise(LOOKS, Duration::ZERO);
        let now = clock();
        call.attempts += 1;
        call.last_status = answer.status;
        call.last_text = Some(answer.text.clone());
        let to = match answer.meaning() {
            Meaning::Taken => State::Sent,
            Meaning::Refused => State::Dead,
            Meaning::Later => State::Waiting,
        };
        if to == State::Waiting {
            round.fail(&answer, now);
            call.next_try = after(now, SignedDuration::from_mins(PROBES[2]));
        } else {
            (round.failures, round.closed, round.trouble) = (0, None, None);
            call.ended = Some(now);
        }
        self.note(id, &call, (&answer.words(), round.failures), to);
        if to == State::Sent {
            summary.sent += 1;
        }
        self.put(id, to, call, (round, summary));
    }

    /// Puts a call where it belongs now. What the disk does not take is kept until it does.
    fn put(&self, id: &str, to: State, call: Call, (round, summary): (&mut Round, &mut Summary)) {
        let wait = Wait::of(&call, call.created);
        let result = self.shift(id, to, &call);
        if to == State::Waiting {
            round.known.insert(id.to_owned(), wait);
            if let Err(error) = result {
                tracing::error!(call = id, %error, "what became of a call cannot be written down");
            }
            return;
        }
        round.known.remove(id);
        match result {
            Ok(()) if to == State::Dead => {
                let words = call.words();
                summary.dead.push((call.run, words));
            }
            Ok(()) => {}
            // Taken away by hand.
            Err(_) if !self.path(State::Waiting, id).exists() => {}
            Err(error) => {
                tracing::error!(call = id, %error, "what became of a call cannot be written down");
                round.unwritten.insert(id.to_owned(), (to, call));
            }
        }
    }

    fn note(&self, id: &str, call: &Call, (words, failures): (&str, usize), to: State) {
        let (run, host) = (call.run.as_str(), self.settings.host());
        match to {
            State::Sent => tracing::info!(call = id, run, host, "webhook called"),
            State::Dead => {
                tracing::error!(call = id, run, host, words, "call of the webhook given up");
            }
            // Its silence is said once.
            State::Waiting if failures == 1 => {
                tracing::warn!(call = id, run, host, words, "the webhook takes no call");
            }
            State::Waiting => tracing::debug!(call = id, run, host, words, "no call taken yet"),
        }
    }

    /// Removes calls that have been over for long.
    fn sweep(&self, round: &mut Round, now: Timestamp) -> io::Result<()> {
        match round.swept {
            Some(at) if now.duration_since(at).abs() < SWEEP => return Ok(()),
            // Not at once: what is taken up again after a crash still asks what was sent.
            None => {
                round.swept = Some(now);
                return Ok(());
            }
            Some(_) => round.swept = Some(now),
        }
        for (state, days) in KEPT {
            let old = SignedDuration::from_hours(24 * days);
            for id in self.ids(state)? {
                self.pulse.renew();
                let call = self.read(state, &id).ok();
                // Of one that came here while the disk was full it is not known when.
                let ended = call.map(|call| call.ended.unwrap_or(call.created));
                if ended.is_some_and(|at| now.duration_since(at) > old) {
                    remove_durable(&self.path(state, &id))?;
                }
            }
        }
        Ok(())
    }
}

impl Round {
    /// Times that lie further ahead than any wait come from a clock that was wrong, and are now.
    fn mend(&mut self, now: Timestamp) {
        let far = |at: Timestamp| at.duration_since(now) > LONGEST_WAIT;
        self.closed = self.closed.filter(|&at| !far(at));
        for wait in self.known.values_mut().filter(|wait| far(wait.due)) {
            wait.due = now;
        }
    }

    /// Notes that the receiver took nothing, and until when it is left alone.
    fn fail(&mut self, answer: &call::Answer, now: Timestamp) {
        let minutes = PROBES[self.failures.min(PROBES.len() - 1)];
        self.failures += 1;
        let wish = SignedDuration::try_from(answer.rest()).unwrap_or_default();
        self.closed = Some(after(now, SignedDuration::from_mins(minutes).max(wish)));
        let since = self.trouble.as_ref().map_or(now, |trouble| trouble.since);
        self.trouble = Some(Trouble { words: answer.words(), since });
    }
}

fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}
