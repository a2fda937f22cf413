//! The manifest: what a person wrote, with the place of everything.
//!
//! [`parse`] never throws and never stops at the first mistake. It reads bytes into a text, the
//! text into a table, the table key by key, and applies every rule that needs nothing but the
//! manifest itself; what has to be looked up (users, assets, presets, the clock) is for
//! [`super::check`]. A value that is wrong is `None` in the [`Manifest`] and a finding beside it,
//! so that the rest of a wrong manifest, above all its mail level, can still be used.

use std::ops::Range;

use jiff::Timestamp;

use super::schedule::Schedule;
use super::{EmailSetting, Fmt};
use crate::diag::{Code, Diagnostic, Phrase, Spanned, Text, phrase};
use crate::fs::RelPath;
use crate::library::AssetHandle;

mod bytes;
mod job_name;
pub mod keys;
mod output_name;
mod rules;
pub mod schema;
mod walk;

pub use bytes::{MOST_BYTES, MOST_PARTS};
pub use job_name::{JobName, JobNameError};
pub use output_name::{Filling, OutputName, OutputNameError, Placeholder};

/// Most handles in one manifest, all lists together; a pattern counts as one.
pub const MOST_HANDLES: usize = 10_000;

/// Most `[[exportJob]]` tables in one manifest.
pub const MOST_RENDITIONS: usize = 1000;

/// Languages of report and mail.
pub const LOCALES: [&str; 7] = ["en", "zh-Hant", "zh-Hans", "ja", "de", "fr", "es"];

/// What came of reading a manifest.
#[derive(Debug, Clone, PartialEq)]
pub struct Parsed {
    /// The text that the findings point into.
    pub text: String,
    /// What was written; `None` when nothing could be read at all.
    pub manifest: Option<Manifest>,
    /// Every mistake, in the text's order.
    pub findings: Vec<Diagnostic>,
}

/// A manifest as written: `None` is not there or not usable, and the latter is a finding.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Manifest {
    /// `jobName`.
    pub job_name: Option<Spanned<JobName>>,
    /// `description`.
    pub description: Option<Text>,
    /// `userHandle`.
    pub user_handle: Option<Text>,
    /// `locale`.
    pub locale: Option<Text>,
    /// `clientId`.
    pub client_id: Option<Text>,
    /// `emailSetting`.
    pub email_setting: Option<Spanned<EmailSetting>>,
    /// `execTime`.
    pub exec_time: Option<Spanned<Timestamp>>,
    /// `execSchedule`.
    pub exec_schedule: Option<Spanned<Schedule>>,
    /// `destination`, in NFC.
    pub destination: Option<Spanned<RelPath>>,
    /// `overwrite`.
    pub overwrite: Option<Spanned<bool>>,
    /// What the top level asks for; with renditions only their defaults.
    pub common: Request,
    /// The `[[exportJob]]` tables.
    pub renditions: Vec<Rendition>,
    /// Whether there is an error, so that no job may be made of it.
    pub refused: bool,
}

/// What is to be made of which assets, at the top level or in one `[[exportJob]]`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// `assetHandleArray`.
    pub handles: Option<Spanned<Vec<Spanned<AssetHandle>>>>,
    /// `fmt`.
    pub fmt: Option<Spanned<Fmt>>,
    /// `is_modifier`.
    pub is_modifier: Option<Text>,
    /// `macro`: the preset's name without its `$`.
    pub preset: Option<Spanned<String>>,
    /// `outputName`.
    pub output_name: Option<Spanned<OutputName>>,
}

/// One `[[exportJob]]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendition {
    /// `rendition`.
    pub name: Option<Spanned<String>>,
    /// What it asks for itself.
    pub request: Request,
    /// Its header.
    pub span: Range<usize>,
}

/// Reads a manifest.
#[must_use]
pub fn parse(bytes: &[u8]) -> Parsed {
    let decoded = bytes::decode(bytes);
    let mut findings: Vec<Diagnostic> = decoded.finding.into_iter().collect();
    if !decoded.readable {
        return Parsed { text: decoded.text, manifest: None, findings };
    }
    let mut manifest = walk::walk(&decoded.text, &mut findings);
    findings.sort_by_key(|finding| finding.span.start);
    manifest.refused = findings.iter().any(Diagnostic::is_error);
    Parsed { text: decoded.text, manifest: Some(manifest), findings }
}

/// Reads the beginning of a manifest that is larger than [`MOST_BYTES`]: whose it is, so that the
/// refusal comes to the right people.
#[must_use]
pub fn parse_beginning(bytes: &[u8]) -> Parsed {
    // The line that was cut through says nothing.
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    let Parsed { text, manifest, findings: _ } = parse(&bytes[..end]);
    let manifest = manifest.map(|manifest| Manifest { refused: true, ..manifest });
    Parsed { text, manifest, findings: vec![bytes::too_large()] }
}

/// Suggests the value that comes nearest.
pub(super) fn did_you_mean_value(near: &str) -> Phrase {
    phrase!("did-you-mean-value", "did you mean \"{near}\"?", near = near)
}

/// Tells whether a file looks finished: it is UTF-8, parses as TOML and holds at least one key.
///
/// A file that is still being written usually does not, which is how the spool tells.
#[must_use]
pub fn is_complete(bytes: &[u8]) -> bool {
    let parses = |text| bytes::is_modest(text) && crate::library::toml::parses(text);
    bytes.len() <= MOST_BYTES && std::str::from_utf8(bytes).is_ok_and(parses)
}

/// Tells whether a file that may still be written looks finished: it also lacks nothing that a
/// manifest must have. A writer that pauses at the end of a line leaves what parses but is half.
#[must_use]
pub fn is_finished(bytes: &[u8]) -> bool {
    let lacks = |finding: &Diagnostic| finding.code == Code::Missing;
    is_complete(bytes) && !parse(bytes).findings.iter().any(lacks)
}

#[cfg(test)]
mod tests;
