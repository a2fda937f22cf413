//! What is told to people: findings in what they wrote, and faults in what was done.
//!
//! A [`Diagnostic`] points into a text somebody wrote (a manifest, the configuration, a modifier
//! string). Parsing never stops at the first one: parsers return a value and a list of findings,
//! and the caller decides what a finding stops. A [`Fault`] is the reason one asset or one run did
//! not come to its end. Mail, report, exit code and retry policy follow from it, so every error
//! type that can reach a log turns into one.

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

mod fault;
mod phrase;
mod render;
mod spanned;
mod step;

pub use fault::{Fault, Remedy, Waiting};
pub use phrase::{Argument, Phrase};
pub(crate) use phrase::{phrase, words};
pub use render::{
    JsonFinding, Labels, MOST_CHARS, MOST_FINDINGS, Rendering, grouped_by, human_bytes, json,
    nearest, position, render, render_in, shown,
};
pub use spanned::{Spanned, Text};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is stopped.
    Warning,
    /// Stops what it belongs to: the manifest, the rendition or the asset.
    Error,
}

/// The fault code of the IPS API that a finding stands for; printed behind our own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// 30003: the text does not parse.
    Syntax,
    /// 30001: a value that is not allowed.
    Value,
    /// 30002: something required is missing.
    Missing,
    /// 20007: a user nobody knows.
    UnknownUser,
    /// 20003: a sender who may not do this.
    Sender,
    /// 20006: a company nobody knows.
    Company,
    /// 30000: anything else.
    Other,
}

impl Code {
    /// Returns the number the IPS API gives this fault.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Syntax => 30003,
            Self::Value => 30001,
            Self::Missing => 30002,
            Self::UnknownUser => 20007,
            Self::Sender => 20003,
            Self::Company => 20006,
            Self::Other => 30000,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.number())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.number())
    }
}

/// One finding in a text that a person wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether it stops anything.
    pub severity: Severity,
    /// The IPS fault it stands for.
    pub code: Code,
    /// What was found and what is allowed: lower case, no full stop, at most 300 characters.
    pub message: Phrase,
    /// Where, in bytes of the text.
    pub span: Range<usize>,
    /// What to write instead.
    pub help: Option<Phrase>,
}

impl Diagnostic {
    /// Makes an error without help.
    #[must_use]
    pub fn error(code: Code, span: Range<usize>, message: impl Into<Phrase>) -> Self {
        Self { severity: Severity::Error, code, message: message.into().cut(), span, help: None }
    }

    /// Makes a warning without help.
    #[must_use]
    pub fn warning(code: Code, span: Range<usize>, message: impl Into<Phrase>) -> Self {
        Self { severity: Severity::Warning, code, message: message.into().cut(), span, help: None }
    }

    /// Adds what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<Phrase>) -> Self {
        self.help = Some(help.into().cut());
        self
    }

    /// Tells whether this stops what it belongs to.
    #[must_use]
    pub const fn is_error(&self) -> bool {
        matches!(self.severity, Severity::Error)
    }
}
