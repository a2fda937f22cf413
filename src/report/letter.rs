//! One mail to one recipient, before it is bytes, and its name.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Address;
use super::html::Broken;
use super::pictures::Attached;
use crate::fs::sha256;
use crate::job::Verdict;

/// What a mail is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// The end of a run.
    Report,
    /// Many ends of runs in one mail.
    Digest,
    /// Something about the daemon itself.
    Notice,
    /// What a day brought.
    Daily,
    /// Other mails that did not arrive.
    Undelivered,
    /// A test of the way to the relay.
    Test,
}

impl Event {
    const fn word(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Digest => "digest",
            Self::Notice => "notice",
            Self::Daily => "daily",
            Self::Undelivered => "undelivered",
            Self::Test => "test",
        }
    }
}

/// The name of one mail: `<run>.<event>.<first 8 hex of sha256(recipient)>`.
///
/// The same run, event and recipient give the same name, so a second enqueue is recognised. It is
/// a dot-atom of RFC 5322 in ASCII and at most 160 bytes long, fit for a file name and for the
/// left part of a Message-ID; a run whose name is not gets the first 8 hex of its hash instead of
/// what is lost.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mid(String);

impl Mid {
    const MOST_OF_RUN: usize = 120;

    /// Names a mail.
    #[must_use]
    pub fn new(run: &str, event: Event, to: &Address) -> Self {
        let mut kept = String::new();
        for c in run.chars() {
            let fits = c.is_ascii_alphanumeric() || c == '-' || c == '_';
            let dot = c == '.' && !kept.is_empty() && !kept.ends_with('.');
            if fits || dot {
                kept.push(c);
            }
        }
        kept.truncate(Self::MOST_OF_RUN);
        if kept.is_empty() || kept != run || kept.ends_with('.') {
            while kept.ends_with('.') {
                kept.pop();
            }
            kept.push('-');
            kept.push_str(&sha256(run.as_bytes())[..8]);
        }
        let recipient = &sha256(to.mailbox().to_lowercase().as_bytes())[..8];
        Self(format!("{kept}.{}.{recipient}", event.word()))
    }

    /// Takes a file's stem for what it is; `None` when it cannot be one of ours.
    #[must_use]
    pub fn from_stem(stem: &str) -> Option<Self> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let parts = stem.split('.').count();
        (parts >= 3 && stem.len() <= 200 && stem.chars().all(fits)).then(|| Self(stem.to_owned()))
    }

    /// Returns the text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Tells whether a name is that of a mail about such an event.
    #[must_use]
    pub fn is_about(mid: &str, event: Event) -> bool {
        mid.rsplit('.').nth(1) == Some(event.word())
    }
}

impl fmt::Display for Mid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One mail to one recipient, before it is bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// `From:`, as configured.
    pub from: String,
    /// The one recipient.
    pub to: Address,
    /// Host part of Message-IDs and `List-Id`.
    pub host: String,
    /// Its name, also in `Message-ID`.
    pub mid: Mid,
    /// The mail of the run that this one retries.
    pub in_reply_to: Option<Mid>,
    /// `Date:`; fixed, so that the same letter is the same bytes.
    pub date: Timestamp,
    /// What it is about.
    pub matter: Matter,
    /// `Subject:`.
    pub subject: String,
    /// The text part, complete in itself.
    pub text: String,
    /// The same as HTML, where there is such a part.
    pub html: Option<String>,
    /// The pictures that it shows.
    pub pictures: Vec<Attached>,
    /// Why it is not set by the template of whoever runs the daemon.
    pub broken: Option<Broken>,
    /// What a digest says of it.
    pub gist: Gist,
}

/// What a mail is about, as its headers say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matter {
    /// One run.
    Run {
        /// `X-Exportd-Run`.
        run: String,
        /// `X-Exportd-Verdict`.
        verdict: Verdict,
    },
    /// Many reports in one mail.
    Digest {
        /// `X-Exportd-Digest`: how many.
        reports: usize,
    },
    /// The daemon itself.
    Notice {
        /// `X-Exportd-Notice`: one word.
        word: &'static str,
    },
}

/// What a digest says of a mail that is folded into it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Gist {
    /// The run, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// How the run ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// How it ended, in a few words.
    pub outcome: String,
    /// Why. Runs that came to nothing for one cause stand together.
    pub cause: String,
    /// What to do about it; empty when nothing is.
    pub todo: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_named_by_run_and_recipient() {
        let mia = Address::parse("Mia <Mia@studio.example>").unwrap();
        let same = Address::parse("mia@studio.example").unwrap();
        let tom = Address::parse("tom@studio.example").unwrap();
        let mid = Mid::new("tops_2026-12-01-06-00-00", Event::Report, &mia);
        assert!(mid.as_str().starts_with("tops_2026-12-01-06-00-00.report."), "{mid}");
        assert_eq!(mid, Mid::new("tops_2026-12-01-06-00-00", Event::Report, &same));
        assert_ne!(mid, Mid::new("tops_2026-12-01-06-00-00", Event::Report, &tom));
        assert_eq!(Mid::from_stem(mid.as_str()), Some(mid));
        let chinese = Mid::new("春_2026-12-01-06-00-00", Event::Report, &mia);
        assert_ne!(chinese, Mid::new("秋_2026-12-01-06-00-00", Event::Report, &mia));
        for run in ["春", "...", "a..b", "a.", "", &"x".repeat(240)] {
            let mid = Mid::new(run, Event::Report, &mia);
            assert!(mid.as_str().is_ascii() && mid.as_str().len() <= 160, "{mid}");
            assert!(mid.as_str().split('.').all(|part| !part.is_empty()), "{mid}");
        }
    }
}
