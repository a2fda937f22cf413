//! One round of sending: what is due goes, and when to come again is said.

use std::collections::BTreeMap;
use std::io;
use std::sync::{MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use super::breaker::{Breaker, PROBES};
use super::folding;
use super::shelves::Waiting;
use super::{BUSY, Env, LOOKS, Outbox, State, Summary, in_seconds};
use crate::fs::FolderLock;
use crate::report::pace::Ledger;
use crate::report::smtp::Line;

/// At most so many mails in one round, so that an orderly stop is not kept waiting.
pub(super) const MOST_A_ROUND: usize = 50;
/// Old mails are looked for this often, in minutes.
const SWEEP: i64 = 60;

/// What one round hands to the next.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) breaker: Breaker,
    pub(super) ledger: Option<Ledger>,
    /// What the relay decided and the disk did not take: it must not be sent again.
    pub(super) unwritten: BTreeMap<String, (State, State, Env)>,
    pub(super) swept: Option<Timestamp>,
    /// When the last mail began.
    pub(super) last: Option<Instant>,
    /// Why the relay took nothing, the last time that it did not.
    pub(super) outage: Option<String>,
    /// Nothing is given up of which whoever runs the daemon was not told.
    pub(super) all_told: bool,
}

impl Outbox {
    /// Sends what is due, one mail after the other, and says when to come again.
    ///
    /// Blocks as long as the relay takes, at most the limits of [`crate::report::Patience`] a mail
    /// and 50 mails; belongs on a thread of its own.
    ///
    /// # Errors
    /// The system's, when the state of a mail cannot be written down.
    pub fn deliver_due(&self, now: Timestamp) -> io::Result<Summary> {
        self.deliver_while(now, &|| true)
    }

    /// Delivers as [`Outbox::deliver_due`] does, and begins no mail once `goes_on` says no.
    ///
    /// # Errors
    /// As [`Outbox::deliver_due`].
    pub fn deliver_while(&self, now: Timestamp, goes_on: &dyn Fn() -> bool) -> io::Result<Summary> {
        let mut summary = Summary::default();
        let Some(relay) = &self.settings.smtp else { return Ok(summary) };
        let _step = self.pulse.step(LOOKS);
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
        let mut line = Line::new(&self.program, relay, &self.settings.host);
        while round.breaker.lets_try(now) && goes_on() && !due.is_empty() {
            let batch = if probing {
                // One mail finds out, whichever has waited longest.
                due.drain(..1).collect()
            } else {
                self.choose(&mut due, &mut later, &mut round, (now, &mut summary))?
            };
            for mail in batch {
                if round.breaker.lets_try(now) && goes_on() {
                    self.keep_the_pace(&mut round);
                    later.extend(self.attempt(mail, &mut line, now, (&mut round, &mut summary))?);
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

    /// Waits until the next mail may follow the last one.
    fn keep_the_pace(&self, round: &mut Round) {
        let rest = round
            .last
            .map_or(Duration::ZERO, |last| self.settings.pace.gap.saturating_sub(last.elapsed()));
        std::thread::sleep(rest);
        round.last = Some(Instant::now());
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

    /// Says when there is something to do again.
    fn next_due(&self, waiting: &[Waiting], round: &Round, now: Timestamp) -> Option<Timestamp> {
        let ledger = round.ledger.as_ref();
        let room = ledger.and_then(|ledger| ledger.ready(&self.settings.pace));
        let soonest = waiting.iter().map(|mail| mail.ready.unwrap_or(mail.env.next_try)).min()?;
        let gates = [room, round.breaker.next_probe, Some(soonest)];
        gates.into_iter().flatten().max().map(|at| at.max(now))
    }
}
