//! Signs of life: what a thread is about to do and how long that can take, for whoever watches.
//!
//! A thread that others depend on says before each thing that might keep it what that is and after
//! what time its own limits have ended it; while it only waits for work, it rests. Nobody has to
//! answer: a promise that is not kept is found by looking ([`Pulse::overdue`]). Files have no limit
//! of their own, so for them a promise is for no time at all, and only the allowance of whoever
//! looks counts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What one thread has promised; clones are the same promise.
#[derive(Debug, Clone, Default)]
pub struct Pulse {
    promise: Arc<Mutex<Option<Promise>>>,
}

#[derive(Debug, Clone, Copy)]
struct Promise {
    doing: &'static str,
    made: Instant,
    within: Duration,
}

/// A promise that was not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdue {
    /// What the thread was about to do, as "writes the journal".
    pub doing: &'static str,
    /// How long ago that was.
    pub ago: Duration,
}

impl Pulse {
    /// Promises to be done with something within its own limit. It replaces what was promised.
    pub fn promise(&self, doing: &'static str, within: Duration) {
        *self.lock() = Some(Promise { doing, made: Instant::now(), within });
    }

    /// Promises to get through work on files, until the value is dropped.
    #[must_use]
    pub fn step(&self, doing: &'static str) -> Step<'_> {
        self.promise(doing, Duration::ZERO);
        Step { pulse: self }
    }

    /// Says that what was promised goes on; nothing at rest.
    pub fn renew(&self) {
        if let Some(promise) = self.lock().as_mut() {
            promise.made = Instant::now();
        }
    }

    /// Says that there is nothing to do but wait.
    pub fn rest(&self) {
        *self.lock() = None;
    }

    /// Returns when the promise is broken that is in force, if one is.
    #[must_use]
    pub fn due(&self, allowance: Duration) -> Option<Instant> {
        self.lock().map(|promise| promise.made + promise.within + allowance)
    }

    /// Tells whether more time has passed than was promised and the allowance.
    #[must_use]
    pub fn overdue(&self, now: Instant, allowance: Duration) -> Option<Overdue> {
        let Promise { doing, made, within } = (*self.lock())?;
        let ago = now.saturating_duration_since(made);
        (ago >= within + allowance).then_some(Overdue { doing, ago })
    }

    /// Tells whether the thread is gone, so that only the asker holds it.
    #[must_use]
    pub fn is_abandoned(&self) -> bool {
        Arc::strong_count(&self.promise) == 1
    }

    fn lock(&self) -> MutexGuard<'_, Option<Promise>> {
        self.promise.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread is at work on files as long as this is there.
#[derive(Debug)]
pub struct Step<'p> {
    pulse: &'p Pulse,
}

impl Drop for Step<'_> {
    fn drop(&mut self) {
        self.pulse.rest();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_promise_is_broken_after_its_time_and_the_allowance() {
        let pulse = Pulse::default();
        let start = Instant::now();
        assert_eq!(pulse.overdue(start + 100 * MINUTE, MINUTE), None, "nothing was promised");
        assert_eq!(pulse.due(MINUTE), None);
        pulse.promise("speaks", 2 * MINUTE);
        assert_eq!(pulse.overdue(start + 3 * MINUTE - Duration::from_millis(1), MINUTE), None);
        let overdue = pulse.overdue(Instant::now() + 3 * MINUTE, MINUTE).unwrap();
        assert_eq!(overdue.doing, "speaks");
        assert!(overdue.ago >= 3 * MINUTE && overdue.ago < 4 * MINUTE);
        assert!(pulse.due(MINUTE).unwrap() >= start + 3 * MINUTE);
        pulse.rest();
        assert_eq!(pulse.overdue(start + 100 * MINUTE, MINUTE), None, "it was kept");
    }

    #[test]
    fn a_step_ends_with_its_scope_and_a_renewed_one_begins_anew() {
        let pulse = Pulse::default();
        pulse.renew();
        assert_eq!(pulse.due(MINUTE), None, "at rest there is nothing to renew");
        let step = pulse.step("writes");
        let first = pulse.due(MINUTE).unwrap();
        while Instant::now() + MINUTE == first {}
        pulse.renew();
        assert!(pulse.due(MINUTE).unwrap() > first);
        drop(step);
        assert_eq!(pulse.due(MINUTE), None);
    }

    #[test]
    fn who_watches_sees_that_the_thread_is_gone() {
        let pulse = Pulse::default();
        let watched = pulse.clone();
        assert!(!watched.is_abandoned());
        drop(pulse);
        assert!(watched.is_abandoned());
    }
}
