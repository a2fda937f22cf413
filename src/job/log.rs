//! What came of a run: the one record from which mail, report, status and exit code are made.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::recipe::Recipe;
use super::{EmailSetting, Verdict};
use crate::diag::{Diagnostic, Fault, Phrase};
use crate::fs::{ContentHash, RelPath};
use crate::library::AssetType;

/// One file that was delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Delivered {
    /// Where, below the run's folder (or below `destination`).
    pub output: RelPath,
    /// Length in bytes.
    pub bytes: u64,
    /// The hash of the content.
    pub sha256: ContentHash,
    /// Pixels from left to right; absent where the file is not a picture that was read.
    pub width: Option<u32>,
    /// Pixels from top to bottom.
    pub height: Option<u32>,
    /// Its colour profile, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Cow<'static, str>>,
    /// How it relates to what was there.
    pub change: Change,
}

/// How a delivered file relates to what was in the destination before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Change {
    /// Nothing was there.
    New,
    /// The same bytes were there and were left (`fileDuplicateCount`).
    Identical,
    /// Other bytes were there and were replaced (`fileUpdateCount`).
    Replaced,
}

/// What came of one asset in one rendition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "outcome")]
pub enum AssetOutcome {
    /// The original was copied.
    Copied {
        /// The file.
        file: Box<Delivered>,
        /// Why the original and not a conversion, or anything else worth knowing.
        warnings: Vec<Phrase>,
    },
    /// It was converted; a document gives one file a page.
    Converted {
        /// The files, at least one.
        files: Vec<Delivered>,
        /// What is worth knowing.
        warnings: Vec<Phrase>,
    },
    /// It is of a kind that is never exported; not an error.
    NotExportable {
        /// Why, for people.
        reason: Phrase,
    },
    /// It failed.
    Failed {
        /// Why.
        fault: Fault,
    },
    /// The run was stopped before it.
    Cancelled,
}

impl AssetOutcome {
    /// Returns the files that were delivered.
    #[must_use]
    pub fn files(&self) -> &[Delivered] {
        match self {
            Self::Copied { file, .. } => std::slice::from_ref(&**file),
            Self::Converted { files, .. } => files,
            Self::NotExportable { .. } | Self::Failed { .. } | Self::Cancelled => &[],
        }
    }

    /// Returns the warnings of a delivered asset.
    #[must_use]
    pub fn warnings(&self) -> &[Phrase] {
        match self {
            Self::Copied { warnings, .. } | Self::Converted { warnings, .. } => warnings,
            Self::NotExportable { .. } | Self::Failed { .. } | Self::Cancelled => &[],
        }
    }
}

/// One asset of the run, in the manifest's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssetEntry {
    /// The handle as listed; for a glob the path it matched.
    pub handle: String,
    /// Name for people: the catalogue's, else the file name, else the handle.
    pub name: String,
    /// Its type; absent when the handle names nothing.
    pub asset_type: Option<AssetType>,
    /// The rendition; absent when the manifest has none.
    pub rendition: Option<String>,
    /// The source below its asset root.
    pub source: Option<String>,
    /// What came of it.
    pub outcome: AssetOutcome,
}

/// The counts of `report.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Distinct listed assets per rendition: the sum of the next four.
    pub total_file_count: u64,
    /// Delivered.
    pub file_success_count: u64,
    /// Failed.
    pub file_error_count: u64,
    /// Not exported, with a warning.
    pub file_warning_count: u64,
    /// Not done because the run was stopped.
    pub file_cancel_count: u64,
    /// Delivered, identical to what was there, not rewritten.
    pub file_duplicate_count: u64,
    /// Delivered, replacing what was there.
    pub file_update_count: u64,
}

impl Counts {
    /// Returns which part of the listed assets was not left undone, from 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share that is shown in per cent")]
    pub fn share_done(&self) -> f64 {
        1.0 - self.file_cancel_count as f64 / self.total_file_count.max(1) as f64
    }

    /// Nothing counted.
    pub const NONE: Self = Self {
        total_file_count: 0,
        file_success_count: 0,
        file_error_count: 0,
        file_warning_count: 0,
        file_cancel_count: 0,
        file_duplicate_count: 0,
        file_update_count: 0,
    };

    /// Adds one outcome.
    pub fn add(&mut self, outcome: &AssetOutcome) {
        self.total_file_count += 1;
        match outcome {
            AssetOutcome::Copied { .. } | AssetOutcome::Converted { .. } => {
                self.file_success_count += 1;
                let files = outcome.files();
                if files.iter().any(|f| f.change == Change::Replaced) {
                    self.file_update_count += 1;
                } else if files.iter().all(|f| f.change == Change::Identical) {
                    self.file_duplicate_count += 1;
                }
            }
            AssetOutcome::NotExportable { .. } => self.file_warning_count += 1,
            AssetOutcome::Failed { .. } => self.file_error_count += 1,
            AssetOutcome::Cancelled => self.file_cancel_count += 1,
        }
    }
}

/// Why a run is mailed about, and to whom it belongs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct About {
    /// `jobName`, or the manifest's file stem when it has none that can be read.
    pub job_name: String,
    /// `description`.
    pub description: Option<String>,
    /// `clientId`.
    pub client_id: Option<String>,
    /// `userHandle`.
    pub user_handle: Option<String>,
    /// `locale`.
    pub locale: Option<String>,
    /// The level; `None` when the manifest is too broken to name it, which is mailed.
    pub email_setting: Option<EmailSetting>,
    /// Owner of the dropped file.
    pub submitter_uid: Option<u32>,
    /// The manifest's file name.
    pub manifest_name: String,
    /// The run that this one retries.
    pub retry_of: Option<String>,
}

/// The record of one run.
#[derive(Debug, Clone, PartialEq)]
pub struct JobLog {
    /// What and whose it is.
    pub about: About,
    /// `<jobName>_<YYYY-MM-DD-HH-MM-SS>`, unique.
    pub run: String,
    /// `j|<company>|<jobName>|<RUN>|<number>`.
    pub job_handle: String,
    /// When work began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// Every asset, in the manifest's order.
    pub assets: Vec<AssetEntry>,
    /// What was found in the manifest: warnings of a run, everything of a refusal.
    pub findings: Vec<Diagnostic>,
    /// Why the run as a whole ended without output.
    pub fatal: Option<Fault>,
    /// Whether a person stopped it.
    pub stopped: bool,
    /// How often it was stopped, reported on, and let go on.
    pub resumed: u32,
    /// What was asked for, rendition by rendition; empty of a refusal.
    pub recipes: Vec<Recipe>,
    /// The manifest's text, for showing findings in it.
    pub manifest: String,
    /// Where the outputs are, below the output root; `None` when there are none.
    pub output_folder: Option<RelPath>,
}

impl JobLog {
    /// Counts the outcomes.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for asset in &self.assets {
            counts.add(&asset.outcome);
        }
        counts
    }

    /// Counts the warnings: those of the manifest, assets left out, and each warning of an asset.
    #[must_use]
    pub fn warnings(&self) -> usize {
        let of_assets: usize = self
            .assets
            .iter()
            .map(|asset| match asset.outcome {
                AssetOutcome::NotExportable { .. } => 1,
                _ => asset.outcome.warnings().len(),
            })
            .sum();
        self.findings.iter().filter(|finding| !finding.is_error()).count() + of_assets
    }

    /// Tells whether what was done before a person stopped it is kept, without being published.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.stopped
            && self.output_folder.is_none()
            && self.assets.iter().any(|asset| !asset.outcome.files().is_empty())
    }

    /// Judges the run.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let counts = self.counts();
        match &self.fatal {
            Some(Fault::Refused { .. }) => return Verdict::Refused,
            Some(_) => return Verdict::Fatal,
            None => {}
        }
        if self.stopped {
            return Verdict::Stopped;
        }
        if counts.file_error_count > 0 {
            return if counts.file_success_count > 0 { Verdict::Partial } else { Verdict::Failed };
        }
        if counts.file_success_count == 0 {
            // Every handle names something that is never exported.
            return Verdict::Fatal;
        }
        if self.warnings() > 0 { Verdict::Warnings } else { Verdict::Clean }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::{Argument, phrase};

    #[test]
    fn what_was_found_is_kept_for_every_language() {
        let outcomes = [
            AssetOutcome::NotExportable { reason: crate::library::Reason::Set.words() },
            AssetOutcome::Converted {
                files: Vec::new(),
                warnings: vec![phrase!(
                    "too-many-bytes",
                    "`{what}` has {bytes} bytes, at most {most} are allowed",
                    what = "x",
                    bytes = Argument::count(7),
                    most = phrase!("type-integer", "a whole number"),
                )],
            },
            AssetOutcome::Failed {
                fault: Fault::Page {
                    number: 2,
                    fault: Box::new(Fault::Damaged {
                        detail: phrase!("no-pixels", "it has no pixels"),
                    }),
                },
            },
        ];
        for outcome in outcomes {
            let kept = serde_json::to_string(&outcome).unwrap();
            assert_eq!(serde_json::from_str::<AssetOutcome>(&kept).unwrap(), outcome, "{kept}");
            assert!(kept.contains("\"id\":"), "{kept}");
        }
    }

    #[test]
    fn records_from_before_messages_had_names_are_read() {
        let of = |kept: &str| serde_json::from_str::<AssetOutcome>(kept).unwrap();
        let converted = of(r#"{"outcome":"converted","files":[],"warnings":["odd"]}"#);
        assert_eq!(converted.warnings(), [Phrase::from("odd")]);
        assert_eq!(
            of(r#"{"outcome":"failed","fault":{"damaged":{"detail":"no end"}}}"#),
            AssetOutcome::Failed { fault: Fault::Damaged { detail: "no end".into() } }
        );
        assert_eq!(
            of(r#"{"outcome":"failed","fault":{"modifiers":{"message":"no","help":null}}}"#),
            AssetOutcome::Failed { fault: Fault::Modifiers { message: "no".into(), help: None } }
        );
    }
}
