//! Whether the relay takes mail at all.

use jiff::Timestamp;

use super::later;

/// Waits of the breaker: the first few failures, then.
pub(super) const PROBES: [i64; 3] = [1, 1, 5];

/// Whether the relay takes mail.
#[derive(Debug, Clone, Default)]
pub(super) struct Breaker {
    pub(super) failures: usize,
    opened: Option<Timestamp>,
    pub(super) next_probe: Option<Timestamp>,
    pub(super) trouble: Option<String>,
}

impl Breaker {
    pub(super) fn open(&mut self, now: Timestamp, why: &str) {
        let minutes = PROBES[self.failures.min(PROBES.len() - 1)];
        self.failures += 1;
        self.opened = Some(now);
        self.next_probe = Some(later(now, minutes));
        self.trouble = Some(why.to_owned());
    }

    pub(super) fn close(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_open(&self) -> bool {
        self.trouble.is_some()
    }

    pub(super) fn lets_try(&self, now: Timestamp) -> bool {
        self.next_probe.is_none_or(|at| at <= now)
    }

    /// Somebody who asks for an attempt has mended something, or wants to see what happens.
    pub(super) fn heed(&mut self, asked: Option<Timestamp>) {
        if asked > self.opened {
            self.next_probe = None;
        }
    }

    /// A probe that lies further ahead than any wait comes from a clock that was wrong.
    pub(super) fn mend(&mut self, now: Timestamp) {
        self.next_probe =
            self.next_probe.map(|at| if at > later(now, PROBES[2]) { now } else { at });
    }
}
