//! Jobs: what a manifest asks, what it was decided to mean, what came of it.
//!
//! [`manifest`] reads what a person wrote and keeps every mistake with its place; [`check`] looks
//! everything up and turns it into an [`check::ExportJob`], in which nothing is optional that need
//! not be; `run` does the work and keeps the [`log::JobLog`], from which mail, report, status and
//! exit code are made.

use serde::{Deserialize, Serialize};

pub mod beside;
pub mod check;
pub mod log;
pub mod manifest;
pub mod names;
pub mod precedence;
pub mod publish;
pub mod recipe;
pub mod run;
pub mod schedule;

/// When a report is mailed (`emailSetting`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EmailSetting {
    /// Errors, warnings and completion.
    All,
    /// Only when something failed.
    Error,
    /// When something failed or was warned about.
    ErrorAndWarning,
    /// At the end, counts only.
    JobCompletion,
    /// Never.
    None,
}

/// How much a mail says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MailContent {
    /// What to do, counts and places.
    Counts,
    /// Counts and the list of failed assets.
    ErrorList,
    /// Counts and the lists of failed assets and of warnings.
    Lists,
}

impl EmailSetting {
    /// All levels, in the order of the reference.
    pub const ALL: [Self; 5] =
        [Self::All, Self::Error, Self::ErrorAndWarning, Self::JobCompletion, Self::None];

    /// Returns what a mail about a run with this verdict says; `None` when none is sent.
    #[must_use]
    pub const fn wants(self, verdict: Verdict) -> Option<MailContent> {
        use MailContent::{Counts, ErrorList, Lists};
        match (self, verdict) {
            (Self::None, _)
            | (Self::ErrorAndWarning | Self::Error, Verdict::Clean | Verdict::Stopped)
            | (Self::Error, Verdict::Warnings) => None,
            (Self::All, Verdict::Clean | Verdict::Stopped) | (Self::JobCompletion, _) => {
                match verdict {
                    Verdict::Fatal | Verdict::Refused => Some(Lists),
                    _ => Some(Counts),
                }
            }
            (Self::Error, Verdict::Partial | Verdict::Failed) => Some(ErrorList),
            (Self::All | Self::ErrorAndWarning | Self::Error, _) => Some(Lists),
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Everything delivered, no warning.
    Clean,
    /// Everything delivered or left out with a warning.
    Warnings,
    /// Some assets failed, some were delivered.
    Partial,
    /// An asset failed and none was delivered.
    Failed,
    /// The job could not run.
    Fatal,
    /// The manifest is wrong.
    Refused,
    /// A person stopped it.
    Stopped,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 7] = [
        Self::Clean,
        Self::Warnings,
        Self::Partial,
        Self::Failed,
        Self::Fatal,
        Self::Refused,
        Self::Stopped,
    ];

    /// Returns the word used in headers and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Warnings => "warnings",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Fatal => "fatal",
            Self::Refused => "refused",
            Self::Stopped => "stopped",
        }
    }
}

/// What an asset becomes (`fmt`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fmt {
    /// The original file, byte for byte.
    Orig,
    /// A picture made from it.
    Convert,
}
