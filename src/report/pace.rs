//! How much mail one person, and all together, are sent in what time.
//!
//! A person gets some mails at once and then so many an hour. When more waits than may go, it is
//! folded into one digest; the digests of one storm come after 3, 6, 12, 24, 48 and then every 60
//! minutes, so that ten thousand failures are some ten mails. What was sent is kept in
//! `mail/pace.json`: a restart begins no new storm.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Minutes after which a storm may send its next digest, by how many it has sent; then hourly.
const QUIET: [i64; 6] = [3, 6, 12, 24, 48, 60];
/// A storm is over when so long after its last quiet time nothing had to be folded.
const CALM: SignedDuration = SignedDuration::from_hours(1);

/// How many mails leave: so many at once, then so many an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// To one person at once.
    pub burst: u32,
    /// To one person an hour.
    pub hourly: u32,
    /// To all together at once.
    pub all_burst: u32,
    /// To all together an hour.
    pub all_hourly: u32,
    /// Least time between two mails, so that a relay that has come back is not overrun.
    pub gap: Duration,
}

impl Default for Pace {
    /// 5 and then 20 an hour to one person; in no hour more than 200 to all, and never more than 5
    /// a second.
    fn default() -> Self {
        let gap = Duration::from_millis(200);
        Self { burst: 5, hourly: 20, all_burst: 50, all_hourly: 150, gap }
    }
}

/// What may go to one person now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plan {
    /// So many mails as they are.
    Singly(usize),
    /// Everything that waits, as one digest.
    Fold,
    /// Nothing before.
    Wait(Timestamp),
}

/// One bucket: when it would be full again (the virtual scheduling of ITU-T I.371).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Bucket(Timestamp);

impl Bucket {
    fn every(hourly: u32) -> i64 {
        (3600 / i64::from(hourly.max(1))).max(1)
    }

    /// How many mails may go now.
    fn room(self, burst: u32, hourly: u32, now: Timestamp) -> usize {
        let every = Self::every(hourly);
        let ahead = self.0.duration_since(now).as_secs().max(0);
        usize::try_from((i64::from(burst) * every - ahead) / every).unwrap_or(0)
    }

    fn take(&mut self, hourly: u32, now: Timestamp) {
        self.0 = after(self.0.max(now), Self::every(hourly));
    }

    /// When the next mail may go.
    fn ready(self, burst: u32, hourly: u32) -> Timestamp {
        after(self.0, -(i64::from(burst) - 1) * Self::every(hourly))
    }

    /// A clock that was ahead must not close it for longer than it can be closed.
    fn mend(&mut self, burst: u32, hourly: u32, now: Timestamp) {
        self.0 = self.0.min(after(now, i64::from(burst) * Self::every(hourly)));
    }
}

/// What one person was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Person {
    bucket: Bucket,
    /// Digests of the storm that is going on.
    digests: u32,
    /// Nothing is sent before; what comes goes into the next digest.
    quiet: Timestamp,
}

/// What everybody was sent, as far as it still counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(super) struct Ledger {
    all: Option<Bucket>,
    people: BTreeMap<String, Person>,
}

impl Ledger {
    /// Forgets what no longer counts, and takes times that lie too far ahead for a clock that was
    /// wrong.
    pub(super) fn mend(&mut self, pace: &Pace, now: Timestamp) {
        if let Some(all) = &mut self.all {
            all.mend(pace.all_burst, pace.all_hourly, now);
        }
        self.people.retain(|_, person| {
            person.bucket.mend(pace.burst, pace.hourly, now);
            if person.quiet.duration_since(now) > SignedDuration::from_mins(QUIET[5]) {
                person.quiet = now;
            }
            let storm = person.digests > 0 && now.duration_since(person.quiet) <= CALM;
            person.bucket.0 > now || storm
        });
    }

    /// How many mails may leave now, to whomever.
    pub(super) fn room(&self, pace: &Pace, now: Timestamp) -> usize {
        let bucket = self.all.unwrap_or(Bucket(now));
        bucket.room(pace.all_burst, pace.all_hourly, now)
    }

    /// When the next mail may leave, to whomever.
    pub(super) fn ready(&self, pace: &Pace) -> Option<Timestamp> {
        self.all.map(|bucket| bucket.ready(pace.all_burst, pace.all_hourly))
    }

    /// Decides about the mails to one person that are due.
    pub(super) fn plan(&self, pace: &Pace, who: &str, due: usize, now: Timestamp) -> Plan {
        let Some(person) = self.people.get(&key(who)) else {
            let burst = usize::try_from(pace.burst).unwrap_or(usize::MAX);
            return Plan::Singly(due.min(burst));
        };
        if person.quiet > now {
            return Plan::Wait(person.quiet);
        }
        let room = person.bucket.room(pace.burst, pace.hourly, now);
        if room == 0 {
            return Plan::Wait(person.bucket.ready(pace.burst, pace.hourly));
        }
        if due <= room { Plan::Singly(due) } else { Plan::Fold }
    }

    /// Counts a mail that left.
    pub(super) fn sent(&mut self, pace: &Pace, who: &str, now: Timestamp) {
        self.all.get_or_insert(Bucket(now)).take(pace.all_hourly, now);
        self.person(who, now).bucket.take(pace.hourly, now);
    }

    /// Counts a digest that was made.
    pub(super) fn folded(&mut self, who: &str, now: Timestamp) {
        let person = self.person(who, now);
        let n = usize::try_from(person.digests).unwrap_or(usize::MAX);
        person.quiet = after(now, QUIET[n.min(QUIET.len() - 1)] * 60);
        person.digests += 1;
    }

    fn person(&mut self, who: &str, now: Timestamp) -> &mut Person {
        let fresh = Person { bucket: Bucket(now), digests: 0, quiet: now };
        let person = self.people.entry(key(who)).or_insert(fresh);
        if now.duration_since(person.quiet) > CALM {
            person.digests = 0;
            // Not before now, or the calm that ends this storm would end the next one as well.
            person.quiet = now;
        }
        person
    }
}

fn key(who: &str) -> String {
    who.to_lowercase()
}

fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHO: &str = "mia@studio.example";

    fn at(minutes: i64) -> Timestamp {
        let start: Timestamp = "2026-12-01T06:00:00Z".parse().unwrap();
        start + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn five_at_once_then_one_every_three_minutes() {
        let pace = Pace::default();
        let mut ledger = Ledger::default();
        assert_eq!(ledger.plan(&pace, WHO, 9, at(0)), Plan::Singly(5));
        for _ in 0..5 {
            ledger.sent(&pace, WHO, at(0));
        }
        assert_eq!(ledger.plan(&pace, WHO, 4, at(0)), Plan::Wait(at(3)));
        assert_eq!(ledger.plan(&pace, "MIA@studio.example", 4, at(2)), Plan::Wait(at(3)));
        assert_eq!(ledger.plan(&pace, WHO, 1, at(3)), Plan::Singly(1));
        assert_eq!(ledger.plan(&pace, WHO, 4, at(3)), Plan::Fold);
        assert_eq!(ledger.plan(&pace, "tom@studio.example", 4, at(0)), Plan::Singly(4));
        ledger.mend(&pace, at(15));
        assert_eq!(ledger.plan(&pace, WHO, 5, at(15)), Plan::Singly(5));
    }

    #[test]
    fn the_digests_of_a_storm_come_more_and_more_slowly_until_it_is_over() {
        let pace = Pace::default();
        let mut ledger = Ledger::default();
        let mut now = at(0);
        let mut waits = Vec::new();
        for _ in 0..8 {
            ledger.mend(&pace, now);
            ledger.folded(WHO, now);
            ledger.sent(&pace, WHO, now);
            let Plan::Wait(until) = ledger.plan(&pace, WHO, 1_000, now) else { panic!() };
            waits.push(until.duration_since(now).as_secs() / 60);
            now = until;
        }
        assert_eq!(waits, [3, 6, 12, 24, 48, 60, 60, 60]);
        let calm = now + SignedDuration::from_mins(61);
        ledger.folded(WHO, calm);
        assert_eq!(
            ledger.plan(&pace, WHO, 9, calm),
            Plan::Wait(calm + SignedDuration::from_mins(3))
        );
    }

    #[test]
    fn no_hour_has_more_than_two_hundred() {
        let pace = Pace::default();
        let mut ledger = Ledger::default();
        let mut sent = Vec::new();
        for second in 0..4 * 3600 {
            let now = at(0) + SignedDuration::from_secs(second);
            for _ in 0..ledger.room(&pace, now) {
                ledger.sent(&pace, &format!("{}@studio.example", sent.len()), now);
                sent.push(second);
            }
            ledger.mend(&pace, now);
        }
        let most = sent
            .iter()
            .map(|from| sent.iter().filter(|at| (*from..from + 3600).contains(*at)).count());
        assert!((150..=200).contains(&most.max().unwrap()));
        assert!(ledger.people.len() < 100, "{} people are remembered", ledger.people.len());
    }

    #[test]
    fn a_clock_that_was_ahead_closes_nothing_for_long() {
        let pace = Pace::default();
        let mut ledger = Ledger::default();
        let ahead = at(60 * 24 * 365);
        for _ in 0..60 {
            ledger.sent(&pace, WHO, ahead);
        }
        ledger.folded(WHO, ahead);
        ledger.mend(&pace, at(0));
        let Plan::Wait(until) = ledger.plan(&pace, WHO, 1, at(0)) else { panic!() };
        assert_eq!(until, at(3));
        assert!(ledger.ready(&pace).unwrap() <= at(1));
    }

    #[test]
    fn it_is_kept_as_it_is() {
        let pace = Pace::default();
        let mut ledger = Ledger::default();
        ledger.sent(&pace, WHO, at(0));
        ledger.folded(WHO, at(0));
        let text = serde_json::to_string(&ledger).unwrap();
        assert_eq!(serde_json::from_str::<Ledger>(&text).unwrap(), ledger);
    }
}
