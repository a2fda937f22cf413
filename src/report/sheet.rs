//! What a report says, before it is set: as text ([`super::text`]), or otherwise.
//!
//! Everything is words already, and whatever comes from outside has passed through
//! [`crate::diag::shown`]. The order of the fields is that of every text.

use std::path::Path;

use serde::Serialize;

use super::text::page::{duration, sentence};
use super::text::{self, MOST_LISTED, grouped, number};
use super::{Places, Report};
use crate::diag::{Diagnostic, Rendering, render, shown};
use crate::job::log::{AssetEntry, AssetOutcome, Counts, JobLog};
use crate::job::{MailContent, Verdict};

/// A report in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// The job's name.
    pub job: String,
    /// How it ended, in a few words: the subject without its head.
    pub outcome: String,
    /// How it ended, in one word.
    pub verdict: &'static str,
    /// What the reader has to do; the first thing that is said.
    pub todo: String,
    /// What is wrong with a manifest that was refused, in lines with carets.
    pub findings: Option<String>,
    /// The counts that are worth saying.
    pub counts: Vec<Row>,
    /// What failed.
    pub failures: List<Failure>,
    /// What else is worth knowing.
    pub warnings: List<Warning>,
    /// Where the files and the report are.
    pub places: Vec<Row>,
    /// About the run.
    pub facts: Vec<Row>,
    /// Why this mail came; only a mail says it.
    pub why: Option<String>,
}

/// One line of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it is; begins with two spaces when it is a part of the row before.
    pub label: &'static str,
    /// The value.
    pub value: String,
}

impl Row {
    fn new(label: &'static str, value: &str) -> Self {
        Self { label, value: shown(value) }
    }
}

/// The first of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct List<T> {
    /// How many there are, grouped.
    pub total: String,
    /// How many of them are not listed, grouped, if any.
    pub more: Option<String>,
    /// Those that are.
    pub items: Vec<T>,
}

impl<T> List<T> {
    fn new(total: usize, items: impl Iterator<Item = T>) -> Self {
        Self {
            total: grouped(number(total)),
            more: (total > MOST_LISTED).then(|| grouped(number(total - MOST_LISTED))),
            items: items.take(MOST_LISTED).collect(),
        }
    }

    fn nothing() -> Self {
        Self::new(0, std::iter::empty())
    }
}

/// An asset that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// Its handle and rendition.
    pub name: String,
    /// Why, a sentence.
    pub cause: String,
    /// What to do about it, a sentence.
    pub todo: String,
}

/// Something else that is worth knowing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// The asset or the place in the manifest.
    pub place: String,
    /// What it is.
    pub what: String,
}

impl Sheet {
    /// Puts a report into words, as much of it as is asked for.
    #[must_use]
    pub fn new(report: &Report<'_>, content: MailContent) -> Self {
        let log = report.log;
        let refused = log.verdict() == Verdict::Refused;
        let lists_failures = matches!(content, MailContent::ErrorList | MailContent::Lists);
        let lists_warnings = content == MailContent::Lists && !refused;
        Self {
            job: shown(&log.about.job_name),
            outcome: text::outcome(log),
            verdict: log.verdict().word(),
            todo: text::what_to_do(report, content),
            findings: refused.then(|| findings(log)),
            counts: if refused { Vec::new() } else { counts(&log.counts(), log.warnings()) },
            failures: if lists_failures { failures(log) } else { List::nothing() },
            warnings: if lists_warnings { warnings(log) } else { List::nothing() },
            places: places(report),
            facts: facts(log),
            why: None,
        }
    }

    /// Adds why it is a mail.
    #[must_use]
    pub fn mailed(mut self, log: &JobLog) -> Self {
        self.why = Some(text::why_this_mail(log));
        self
    }
}

fn findings(log: &JobLog) -> String {
    render(&shown(&log.about.manifest_name), &log.manifest, &log.findings, Rendering::Plain)
}

fn counts(counts: &Counts, warnings: usize) -> Vec<Row> {
    if counts.total_file_count == 0 {
        return Vec::new();
    }
    let rows = [
        ("Listed", counts.total_file_count, true),
        ("Exported", counts.file_success_count, true),
        ("  of these already there and identical", counts.file_duplicate_count, false),
        ("  of these replaced what was there", counts.file_update_count, false),
        ("Failed", counts.file_error_count, false),
        ("Left out, see the warnings", counts.file_warning_count, false),
        ("Not done, because stopped", counts.file_cancel_count, false),
        ("Warnings", number(warnings), false),
    ];
    rows.into_iter()
        .filter(|(_, value, always)| *always || *value > 0)
        .map(|(label, value, _)| Row { label, value: grouped(value) })
        .collect()
}

fn failures(log: &JobLog) -> List<Failure> {
    let failed = text::failed(log).map(|(asset, fault)| Failure {
        name: name_of(asset),
        cause: sentence(&fault.to_string()),
        todo: sentence(&fault.next_step()),
    });
    List::new(text::failed(log).count(), failed)
}

fn warnings(log: &JobLog) -> List<Warning> {
    let manifest = log.findings.iter().filter(|finding| !finding.is_error()).map(|finding| {
        Warning { place: text::finding_place(log, finding), what: finding_text(finding) }
    });
    let assets = log.assets.iter().flat_map(|asset| {
        let reasons: Vec<String> = match &asset.outcome {
            AssetOutcome::NotExportable { reason } => vec![format!("left out: {reason}")],
            other => other.warnings().to_vec(),
        };
        let warning = |reason: String| Warning { place: name_of(asset), what: sentence(&reason) };
        reasons.into_iter().map(warning)
    });
    List::new(log.warnings(), manifest.chain(assets))
}

fn finding_text(finding: &Diagnostic) -> String {
    match &finding.help {
        Some(help) => format!("{} {}", sentence(&finding.message), sentence(help)),
        None => sentence(&finding.message),
    }
}

fn name_of(asset: &AssetEntry) -> String {
    match &asset.rendition {
        Some(rendition) => format!("{} ({})", shown(&asset.handle), shown(rendition)),
        None => shown(&asset.handle),
    }
}

fn places(report: &Report<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    if let Some(folder) = report.places.output(report.log) {
        place(&mut rows, "Files", &folder, report.places);
    }
    place(&mut rows, "Report", &report.places.report(report.log), report.places);
    rows
}

fn place(rows: &mut Vec<Row>, label: &'static str, path: &Path, places: &Places) {
    rows.push(Row::new(label, &path.to_string_lossy()));
    rows.extend(places.share(path).map(|share| Row::new("Windows", &share)));
}

fn facts(log: &JobLog) -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(log.about.description.as_ref().map(|text| Row::new("About", text)));
    rows.push(Row::new("Run", &log.run));
    rows.push(Row::new("Took", &duration(log.start, log.end)));
    let again = log.about.retry_of.as_ref();
    rows.extend(again.map(|earlier| Row::new("Again", &format!("what failed in {earlier}"))));
    rows
}
