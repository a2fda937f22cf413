//! One mail is tried, and what came of it written down.

use std::io::{self, Read as _};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::breaker::{Breaker, PROBES};
use super::round::Round;
use super::shelves::{Waiting, hold};
use super::{BUSY, LOOKS, MODE, Outbox, State, Summary, in_seconds, later};
use crate::fs::{sha256, write_atomic};
use crate::report::pace::Ledger;
use crate::report::smtp::{self, Class, Envelope, Line, Outcome, Phase};

/// Minutes before the next attempt, after so many; then every hour.
const BACK_OFF: [i64; 7] = [1, 2, 5, 10, 20, 30, 60];
/// Minutes to wait when nobody knows whether the relay took the mail.
pub(super) const AFTER_DOUBT: i64 = 10;
/// What is done with the relay, for whoever finds it hanging.
const SPEAKS: &str = "speaks to the relay";

impl Outbox {
    /// Tries one mail; gives it back when it is to be tried again.
    pub(super) fn attempt(
        &self,
        mut mail: Waiting,
        line: &mut Line<'_>,
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
        let mut held = vec![match read {
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
        }];
        let mut outcome = self.transact(&mail, line, &message, now);
        if outcome.class == Class::TooBig
            && !mail.env.shortened
            && let Some(short) = smtp::shortened(&message)
        {
            tracing::warn!(mid = mail.mid, text = outcome.text, "mail is sent as text only");
            // It is only sent when it is also what lies there: after a doubtful end it is sent again.
            match write_atomic(&path, &short, MODE).and_then(|()| hold(&path)) {
                Ok(Some(again)) => {
                    held.push(again);
                    mail.env.shortened = true;
                    outcome = self.transact(&mail, line, &short, now);
                }
                Ok(None) => {
                    mail.env.next_try = in_seconds(now, BUSY);
                    return Ok(Some(mail));
                }
                Err(error) => {
                    tracing::error!(mid = mail.mid, %error, "a mail cannot be made shorter");
                    mail.env.next_try = later(now, PROBES[2]);
                    return Ok(Some(mail));
                }
            }
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
        line: &mut Line<'_>,
        message: &[u8],
        now: Timestamp,
    ) -> Outcome {
        let envelope = Envelope { from: &mail.env.from, to: &mail.env.recipient };
        let (longest, answer) = (line.longest(), line.longest_answer());
        self.pulse.promise(SPEAKS, longest);
        let outcome = line.send(envelope, message, &mut || {
            self.pulse.promise(SPEAKS, answer);
            let mut env = mail.env.clone();
            (env.phase, env.last_code) = (Some(Phase::Dot), None);
            env.last_text = Some("nobody waited for the relay's answer".into());
            env.next_try = later(now, AFTER_DOUBT);
            if let Err(error) = self.write_env(mail.state, &mail.mid, &env) {
                tracing::warn!(mid = mail.mid, %error, "the envelope cannot be written");
            }
        });
        self.pulse.promise(LOOKS, Duration::ZERO);
        outcome
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

/// Says when a mail is tried again: the back-off of its attempts ± a fifth, which depends on its
/// name and the attempt alone, so that mails put off together do not come back together.
pub(super) fn next_try(mail: &Waiting, class: Class, now: Timestamp) -> Timestamp {
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
