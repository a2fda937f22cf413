//! Whether every thread that matters still moves, so that the watchdog is fed for all of them.
//!
//! The loop feeds the service manager's watchdog, so a loop that hangs is found by it. The other
//! threads say before each thing that may keep them how long that can take (see [`crate::pulse`]),
//! and the loop looks whether they are back. Beyond its own limit, each has as much time as the
//! manager gives the loop. One that is not back then is as good as a loop that hangs: it is said
//! which one it is, and the manager is asked for the restart that it would order for the loop.
//!
//! Watched are the threads of mail and webhook, all the time; the threads of the pool, while they have a task; and
//! a job's thread while it writes its journal or its mail. What a job does in folders that belong
//! to others (assets, outputs, reports) is not watched: a network disk that does not answer is not
//! mended by starting again.

use std::fmt;
use std::time::{Duration, Instant};

use crate::pulse::{Overdue, Pulse};

/// What a thread may be late by where no watchdog is.
const UNWATCHED: Duration = Duration::from_secs(60);

/// A thread that is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Thread {
    /// The one that sends mail.
    Mail,
    /// The one that calls the webhook.
    Webhook,
    /// One of those that do the work of all jobs.
    Pool,
    /// That of the job of this id.
    Job(String),
}

impl fmt::Display for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mail => f.write_str("the mail thread"),
            Self::Webhook => f.write_str("the thread of the webhook"),
            Self::Pool => f.write_str("the worker pool"),
            Self::Job(id) => write!(f, "the thread of job {id}"),
        }
    }
}

/// A thread that did not come back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hung {
    pub(super) thread: Thread,
    pub(super) overdue: Overdue,
}

impl fmt::Display for Hung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Overdue { doing, ago } = self.overdue;
        write!(f, "{} has not come back for {} s: {doing}", self.thread, ago.as_secs())
    }
}

#[derive(Debug)]
struct Watched {
    thread: Thread,
    pulse: Pulse,
    /// Whether it was said that it hangs.
    said: bool,
}

/// The threads that are watched.
#[derive(Debug)]
pub(super) struct Heart {
    allowance: Duration,
    watched: Vec<Watched>,
}

impl Heart {
    /// Watches nobody yet; `allowed` is what the service manager gives the loop.
    pub(super) fn new(allowed: Option<Duration>) -> Self {
        Self { allowance: allowed.unwrap_or(UNWATCHED), watched: Vec::new() }
    }

    /// Watches a thread until it is gone.
    pub(super) fn watch(&mut self, thread: Thread, pulse: Pulse) {
        self.watched.push(Watched { thread, pulse, said: false });
    }

    /// Says of each thread once that it hangs, or moves again; returns those that hang.
    pub(super) fn look(&mut self, now: Instant) -> Vec<Hung> {
        self.watched.retain(|watched| !watched.pulse.is_abandoned());
        let mut hung = Vec::new();
        for Watched { thread, pulse, said } in &mut self.watched {
            let overdue = pulse.overdue(now, self.allowance);
            match &overdue {
                Some(Overdue { doing, ago }) if !*said => {
                    tracing::error!(%thread, doing, seconds = ago.as_secs(), "a thread hangs");
                }
                None if *said => tracing::info!(%thread, "the thread moves again"),
                Some(_) | None => {}
            }
            *said = overdue.is_some();
            hung.extend(overdue.map(|overdue| Hung { thread: thread.clone(), overdue }));
        }
        hung
    }

    /// Returns when the next look can find something new.
    pub(super) fn next(&self) -> Option<Instant> {
        let waited_for = self.watched.iter().filter(|watched| !watched.said);
        waited_for.filter_map(|watched| watched.pulse.due(self.allowance)).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn heart() -> (Heart, Pulse, Pulse) {
        let (mail, job) = (Pulse::default(), Pulse::default());
        let mut heart = Heart::new(Some(MINUTE));
        heart.watch(Thread::Mail, mail.clone());
        heart.watch(Thread::Job("a".into()), job.clone());
        (heart, mail, job)
    }

    fn threads(hung: &[Hung]) -> Vec<&Thread> {
        hung.iter().map(|hung| &hung.thread).collect()
    }

    #[test]
    fn only_who_is_late_by_more_than_the_manager_allows_hangs() {
        let (mut heart, mail, job) = heart();
        let start = Instant::now();
        assert_eq!(heart.next(), None, "nobody has promised anything");
        mail.promise("speaks to the relay", 5 * MINUTE);
        let _step = job.step("writes the journal");
        assert_eq!(heart.look(start + MINUTE - Duration::from_millis(1)), []);
        let next = heart.next().unwrap();
        assert!(next >= start + MINUTE && next < start + 2 * MINUTE, "the earlier of both");
        assert_eq!(threads(&heart.look(next)), [&Thread::Job("a".into())]);
        let later = heart.next().unwrap();
        assert!(later >= start + 6 * MINUTE, "who hangs is not waited for again");
        let hung = heart.look(later);
        assert_eq!(threads(&hung), [&Thread::Mail, &Thread::Job("a".into())]);
        assert_eq!(
            hung[0].to_string(),
            "the mail thread has not come back for 360 s: speaks to the relay"
        );
    }

    #[test]
    fn who_comes_back_hangs_no_more_and_can_hang_again() {
        let (mut heart, mail, _job) = heart();
        mail.promise("looks", Duration::ZERO);
        let late = Instant::now() + 2 * MINUTE;
        assert_eq!(heart.look(late).len(), 1);
        mail.rest();
        assert_eq!(heart.look(late), []);
        mail.promise("looks", Duration::ZERO);
        assert!(heart.next().is_some());
        assert_eq!(heart.look(late).len(), 1);
    }

    #[test]
    fn who_is_gone_is_forgotten_with_what_it_promised() {
        let (mut heart, mail, job) = heart();
        job.promise("writes the journal", Duration::ZERO);
        drop(job);
        assert_eq!(heart.look(Instant::now() + 9 * MINUTE), []);
        assert_eq!(heart.watched.len(), 1);
        drop(mail);
        heart.look(Instant::now());
        assert!(heart.watched.is_empty());
    }

    #[test]
    fn without_a_watchdog_a_minute_is_allowed() {
        let mut heart = Heart::new(None);
        let pulse = Pulse::default();
        heart.watch(Thread::Pool, pulse.clone());
        pulse.promise("waits for a worker", MINUTE);
        let made = Instant::now();
        assert_eq!(heart.look(made + 2 * MINUTE - Duration::from_secs(1)), []);
        assert_eq!(heart.look(made + 2 * MINUTE).len(), 1);
    }
}
