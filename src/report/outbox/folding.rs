//! Which mails go now, and which are folded into a digest instead.

use std::collections::{BTreeMap, HashSet};
use std::io;

use jiff::Timestamp;

use super::round::{MOST_A_ROUND, Round};
use super::shelves::Waiting;
use super::{Env, Outbox, State, Summary};
use crate::fs::{rename_new, sync_dir};
use crate::report::digest::{Digest, LATE, Part};
use crate::report::notice::{self, Missed};
use crate::report::pace::{Ledger, Plan};
use crate::report::{Address, Event, Gist, Mid};

/// Names everything that waits inside a digest.
pub(super) fn claimed(waiting: &[Waiting]) -> HashSet<String> {
    waiting.iter().flat_map(|mail| mail.env.merged.iter().cloned()).collect()
}

impl Waiting {
    /// Whether it goes as it is, however much else waits: a digest, what somebody asked for, and
    /// what the relay may have, which must come again under its own name or not at all.
    fn goes_alone(&self) -> bool {
        !self.env.merged.is_empty() || self.env.asked.is_some() || self.env.is_in_doubt()
    }

    fn gist(&self) -> Gist {
        gist_of(&self.mid, &self.env)
    }
}

fn gist_of(mid: &str, env: &Env) -> Gist {
    env.gist.clone().unwrap_or_else(|| Gist { outcome: mid.to_owned(), ..Gist::default() })
}

impl Outbox {
    /// Takes from what is due the mails that go now; the others are put to `later` with the time at
    /// which they may, or are folded.
    pub(super) fn choose(
        &self,
        due: &mut Vec<Waiting>,
        later: &mut Vec<Waiting>,
        round: &mut Round,
        (now, summary): (Timestamp, &mut Summary),
    ) -> io::Result<Vec<Waiting>> {
        let pace = &self.settings.pace;
        let ledger = round.ledger.get_or_insert_with(Ledger::default);
        let mut room = ledger.room(pace, now).min(MOST_A_ROUND);
        let mut batch: Vec<Waiting> = due.extract_if(.., |mail| mail.goes_alone()).collect();
        due.extend(batch.split_off(room.min(batch.len())));
        room -= batch.len();
        let mut people: BTreeMap<String, Vec<Waiting>> = BTreeMap::new();
        // In the order in which the longest waiting mail of each is due.
        let mut order = Vec::new();
        for mail in due.drain(..) {
            if mail.goes_alone() {
                later.push(mail);
                continue;
            }
            let who = mail.env.recipient.to_lowercase();
            let of_one = people.entry(who.clone()).or_default();
            if of_one.is_empty() {
                order.push(who);
            }
            of_one.push(mail);
        }
        for who in order {
            let mut mails = people.remove(&who).unwrap_or_default();
            match ledger.plan(pace, &who, mails.len(), now) {
                Plan::Singly(n) => {
                    let rest = mails.split_off(n.min(room));
                    room -= mails.len();
                    batch.append(&mut mails);
                    later.extend(rest);
                }
                Plan::Fold if room > 0 => {
                    room -= 1;
                    summary.folded += mails.len();
                    batch.extend(self.fold(&mails, round.outage.as_deref(), now)?);
                    ledger.folded(&who, now);
                }
                Plan::Fold => later.append(&mut mails),
                Plan::Wait(until) => {
                    mails.iter_mut().for_each(|mail| mail.ready = Some(until));
                    later.append(&mut mails);
                }
            }
        }
        Ok(batch)
    }

    /// Writes one mail that stands for many to the same person. They stay where they are.
    fn fold(
        &self,
        mails: &[Waiting],
        outage: Option<&str>,
        now: Timestamp,
    ) -> io::Result<Option<Waiting>> {
        let Some(first) = mails.first() else { return Ok(None) };
        let who = first.env.recipient.clone();
        let oldest = mails.iter().map(|mail| mail.env.created).min().unwrap_or(now);
        let told = self.dead_mails_to(&who)?;
        let digest = Digest {
            parts: mails
                .iter()
                .map(|mail| Part {
                    mid: mail.mid.clone(),
                    created: mail.env.created,
                    gist: mail.gist(),
                })
                .collect(),
            delayed_by: mails
                .iter()
                .find_map(|mail| mail.env.last_text.as_deref())
                .or(outage)
                .map(str::to_owned),
            dead: told
                .iter()
                .map(|(mid, env)| (gist_of(mid, env), env.last_text.clone().unwrap_or_default()))
                .collect(),
        };
        let name = mails.iter().rev().find_map(|mail| mail.env.name.clone());
        let to = match Address::parse(&who) {
            Ok(to) => to.named(name),
            Err(error) => {
                // Only an envelope that was written by hand says so. The others go on.
                tracing::error!(%error, "mail cannot be folded");
                return Ok(None);
            }
        };
        let letter = digest.letter(&self.settings, &to, now);
        self.put(&letter, |env| {
            // Its five days are those of the oldest.
            env.created = oldest;
            env.merged = mails.iter().map(|mail| mail.mid.clone()).collect();
        })?;
        self.tell_of_template(&letter);
        tracing::info!(mid = %letter.mid, to = who, reports = mails.len(), "mail folded");
        for (mid, mut env) in told {
            self.pulse.renew();
            env.in_digest = true;
            self.write_env(State::Dead, &mid, &env)?;
        }
        let mid = letter.mid.to_string();
        let env = self.read_env(State::New, &mid)?;
        Ok(env.map(|env| Waiting { mid, state: State::New, env, ready: None }))
    }

    /// Finds the dead mails that no digest has told their recipient of.
    fn dead_mails_to(&self, who: &str) -> io::Result<Vec<(String, Env)>> {
        let mut dead = self.dead()?;
        dead.retain(|(_, env)| !env.in_digest && env.recipient.eq_ignore_ascii_case(who));
        Ok(dead)
    }

    /// Lists the dead mails that have an envelope and are not just part of a dead digest.
    fn dead(&self) -> io::Result<Vec<(String, Env)>> {
        let mut found = Vec::new();
        for mid in self.names(State::Dead)? {
            self.pulse.renew();
            found.extend(self.read_env(State::Dead, &mid)?.map(|env| (mid, env)));
        }
        let parts: HashSet<String> =
            found.iter().flat_map(|(_, env)| env.merged.iter().cloned()).collect();
        found.retain(|(mid, _)| !parts.contains(mid));
        Ok(found)
    }

    /// Lets what a digest stands for share its fate. Doing it again is harmless.
    pub(super) fn finish_digest(&self, env: &Env, to: State) -> io::Result<()> {
        if env.merged.is_empty() || !matches!(to, State::Sent | State::Dead) {
            return Ok(());
        }
        for mid in &env.merged {
            self.pulse.renew();
            for from in [State::New, State::Deferred, State::Dead].into_iter().filter(|f| *f != to)
            {
                // The message first: without it an envelope is nothing, and is cleared away.
                carry(&self.eml(from, mid), &self.eml(to, mid))?;
                carry(&self.env(from, mid), &self.env(to, mid))?;
            }
        }
        // Once for all of them. What a power cut takes back is done again at the next start.
        for state in State::ALL {
            sync_dir(&self.folder(state))?;
        }
        Ok(())
    }

    /// Does for all digests what a crash may have interrupted.
    pub(super) fn finish_digests(&self) -> io::Result<()> {
        for state in [State::Sent, State::Dead] {
            for mid in self.names(state)? {
                if Mid::is_about(&mid, Event::Digest)
                    && let Some(env) = self.read_env(state, &mid)?
                {
                    self.finish_digest(&env, state)?;
                }
            }
        }
        Ok(())
    }

    /// Tells whoever runs the daemon of mails that did not arrive, each once when it is late and
    /// once when it is given up. What is said of such a mail itself is not told again.
    pub(super) fn tell_of_missed(
        &self,
        waiting: &mut [Waiting],
        now: Timestamp,
        all_told: &mut bool,
    ) -> io::Result<()> {
        let mut missed = Vec::new();
        let telling = |mid: &str| Mid::is_about(mid, Event::Undelivered);
        let mut dead = if *all_told { Vec::new() } else { self.dead()? };
        dead.retain(|(mid, env)| !env.told_dead && !telling(mid));
        let mut late: Vec<&mut Waiting> = waiting
            .iter_mut()
            .filter(|mail| {
                let env = &mail.env;
                let age = now.duration_since(env.created);
                env.attempts > 0 && age > LATE && !env.told_late && !telling(&mail.mid)
            })
            .collect();
        let late_ones = late.iter().map(|mail| (mail.mid.as_str(), &mail.env, false));
        for (mid, env, dead) in
            dead.iter().map(|(mid, env)| (mid.as_str(), env, true)).chain(late_ones)
        {
            missed.push(Missed {
                mid: mid.to_owned(),
                recipient: env.recipient.clone(),
                gist: gist_of(mid, env),
                why: env.last_text.clone().unwrap_or_default(),
                dead,
            });
        }
        if missed.is_empty() {
            *all_told = true;
            return Ok(());
        }
        for to in self.settings.operators() {
            self.enqueue(&notice::undelivered(&self.settings, &to, &missed, now))?;
        }
        for (mid, env) in &mut dead {
            self.pulse.renew();
            env.told_dead = true;
            self.write_env(State::Dead, mid, env)?;
        }
        for mail in &mut late {
            self.pulse.renew();
            mail.env.told_late = true;
            self.write_env(mail.state, &mail.mid, &mail.env)?;
        }
        *all_told = true;
        Ok(())
    }
}

/// Renames what is there, and takes what was there already for the same.
fn carry(from: &std::path::Path, to: &std::path::Path) -> io::Result<()> {
    match rename_new(from, to) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => std::fs::remove_file(from),
        Err(error) => Err(error),
    }
}
