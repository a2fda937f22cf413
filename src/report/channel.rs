//! The ways by which people and programs hear that a run is over.

use std::io;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::outbox::{Outbox, Queued};
use super::webhook::Webhook;
use super::{Address, Letter, Notice, Report};
use crate::pulse::Pulse;

/// A receiver that has taken nothing for so long is told of to whoever runs the daemon.
const SILENT: SignedDuration = SignedDuration::from_hours(4);

/// A way by which a finished run is told about. Each keeps what is to go out until it has.
#[derive(Debug, Clone)]
pub enum Channel {
    /// Mail, one letter a recipient.
    Mail(Arc<Outbox>),
    /// A document, posted to one address.
    Webhook(Arc<Webhook>),
}

/// What came of one round of sending.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Delivery {
    /// When there is something to do again.
    pub next_due: Option<Timestamp>,
    /// Why nothing leaves, if so.
    pub trouble: Option<String>,
    /// What whoever runs the daemon should hear by mail.
    pub letters: Vec<Letter>,
}

impl Channel {
    /// Hands a report over, durably. Doing it again changes nothing.
    ///
    /// Returns whether something is new.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn announce(&self, report: &Report<'_>, to: &[Address]) -> io::Result<bool> {
        match self {
            Self::Mail(outbox) => outbox.announce(report, to),
            Self::Webhook(webhook) => webhook.announce(report),
        }
    }

    /// Sends what is due, begins nothing once `goes_on` says no, and says when to come again.
    /// Blocks as long as the other side takes, so it belongs on a thread of its own.
    ///
    /// `outbox` is where letters go to.
    ///
    /// # Errors
    /// The system's, when what became of something cannot be written down.
    pub fn deliver_while(
        &self,
        now: Timestamp,
        goes_on: &dyn Fn() -> bool,
        outbox: &Outbox,
    ) -> io::Result<Delivery> {
        match self {
            Self::Mail(outbox) => {
                let summary = outbox.deliver_while(now, goes_on)?;
                let (next_due, trouble) = (summary.next_due, summary.relay_trouble);
                Ok(Delivery { next_due, trouble, letters: Vec::new() })
            }
            Self::Webhook(webhook) => {
                let summary = webhook.deliver_while(now, goes_on)?;
                let host = webhook.settings().host();
                let mut letters = Vec::new();
                if let Some((run, reason)) = summary.dead.first() {
                    let given_up = summary.dead.len();
                    let notice = Notice::CallsGivenUp { host, run, given_up, reason };
                    letters.extend(outbox.to_operators(&notice, now));
                }
                let trouble = summary.trouble.map(|trouble| {
                    if now.duration_since(trouble.since) >= SILENT {
                        let (since, reason) = (trouble.since, trouble.words.as_str());
                        let notice = Notice::WebhookSilent { host, since, reason };
                        letters.extend(outbox.to_operators(&notice, now));
                    }
                    trouble.words
                });
                Ok(Delivery { next_due: summary.next_due, trouble, letters })
            }
        }
    }

    /// Returns what tells whether a round of sending hangs.
    #[must_use]
    pub fn pulse(&self) -> Pulse {
        match self {
            Self::Mail(outbox) => outbox.pulse(),
            Self::Webhook(webhook) => webhook.pulse(),
        }
    }
}

impl Outbox {
    /// Hands a report over, a letter to each recipient that its level asks for; tells whether one is
    /// new.
    ///
    /// # Errors
    /// When it cannot be written down.
    pub fn announce(&self, report: &Report<'_>, to: &[Address]) -> io::Result<bool> {
        let mut new = false;
        for recipient in to {
            let Some(letter) = report.letter(self.settings(), recipient) else {
                continue;
            };
            new |= self.enqueue(&letter)? == Queued::New;
        }
        Ok(new)
    }

    /// Writes what whoever runs the daemon is told, a letter to each.
    #[must_use]
    pub fn to_operators(&self, notice: &Notice<'_>, now: Timestamp) -> Vec<Letter> {
        let settings = self.settings();
        settings.operators().iter().map(|to| notice.letter(settings, to, now)).collect()
    }
}
