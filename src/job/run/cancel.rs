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
    /// A person stopped the job: what is not begun is cancelled.
    Stop,
    /// The daemon stops: the job is taken up again later.
    Suspend,
}

impl Cancel {
    const STOP: u8 = 1;
    const SUSPEND: u8 = 2;

    /// Asks; what was asked is never taken back.
    pub fn ask(&self, ask: Ask) {
        let bit = match ask {
            Ask::Nothing => 0,
            Ask::Stop => Self::STOP,
            Ask::Suspend => Self::SUSPEND,
        };
        self.0.fetch_or(bit, Ordering::SeqCst);
    }

    /// Returns what is asked; a daemon that stops comes first, because a stopped job goes on
    /// stopping when it is taken up again.
    #[must_use]
    pub fn asked(&self) -> Ask {
        match self.0.load(Ordering::SeqCst) {
            0 => Ask::Nothing,
            Self::STOP => Ask::Stop,
            _ => Ask::Suspend,
        }
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
}
