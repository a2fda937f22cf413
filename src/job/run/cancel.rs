//! Asking a running job to end.

use std::sync::atomic::{AtomicU8, Ordering};

/// Asks a running job to end early.
#[derive(Debug, Default)]
pub struct Cancel(AtomicU8);

/// Why a job should end early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// Go on.
    Nothing,
    /// A person paused the job: what is begun is finished, and the job is taken up again later.
    Pause,
    /// A person stopped the job: what is not begun is cancelled.
    Stop,
    /// The daemon stops: the job is taken up again later.
    Suspend,
}

impl Cancel {
    const PAUSE: u8 = 1;
    const STOP: u8 = 2;
    const SUSPEND: u8 = 4;

    /// Asks; what was asked is never taken back.
    pub fn ask(&self, ask: Ask) {
        let bit = match ask {
            Ask::Nothing => 0,
            Ask::Pause => Self::PAUSE,
            Ask::Stop => Self::STOP,
            Ask::Suspend => Self::SUSPEND,
        };
        self.0.fetch_or(bit, Ordering::SeqCst);
    }

    /// Returns what is asked; a daemon that stops comes first, because a stopped job goes on
    /// stopping when it is taken up again. A person who has paused a job may still stop it.
    #[must_use]
    pub fn asked(&self) -> Ask {
        let bits = self.0.load(Ordering::SeqCst);
        match bits {
            0 => Ask::Nothing,
            _ if bits & Self::SUSPEND != 0 => Ask::Suspend,
            _ if bits & Self::STOP != 0 => Ask::Stop,
            _ => Ask::Pause,
        }
    }

    /// Tells whether the job is to rest when it is left unfinished.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.0.load(Ordering::SeqCst) & (Self::PAUSE | Self::STOP) == Self::PAUSE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stop_is_not_forgotten_and_a_suspension_comes_first() {
        let cancel = Cancel::default();
        assert_eq!(cancel.asked(), Ask::Nothing);
        cancel.ask(Ask::Stop);
        assert_eq!(cancel.asked(), Ask::Stop);
        cancel.ask(Ask::Suspend);
        assert_eq!(cancel.asked(), Ask::Suspend);
    }

    #[test]
    fn a_paused_job_rests_when_the_daemon_stops_and_can_be_stopped_for_good() {
        let cancel = Cancel::default();
        cancel.ask(Ask::Pause);
        assert_eq!((cancel.asked(), cancel.is_paused()), (Ask::Pause, true));
        cancel.ask(Ask::Suspend);
        assert_eq!((cancel.asked(), cancel.is_paused()), (Ask::Suspend, true));
        let cancel = Cancel::default();
        cancel.ask(Ask::Pause);
        cancel.ask(Ask::Stop);
        assert_eq!((cancel.asked(), cancel.is_paused()), (Ask::Stop, false));
    }
}
