//! What a report says, before it is set: as text ([`super::text`]) or as HTML ([`super::html`]).
//!
//! Everything is words already, and whatever comes from outside has passed through
//! [`crate::diag::shown`]. The order of the fields is that of every text.

use std::ops::Range;
use std::path::Path;

use jiff::Zoned;
use serde::Serialize;

use super::text::page::{cut, duration, sentence};
use super::text::{self, MOST_LISTED, grouped, number};
use super::{Places, Report};
use crate::diag::{Diagnostic, Rendering, render, shown};
use crate::job::log::{AssetEntry, AssetOutcome, Counts, JobLog};
use crate::job::{MailContent, Verdict};

/// Of a manifest's line at most so many characters are shown on either side of a mistake.
const MOST_EXCERPT: usize = 80;

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
    /// What to do when what failed is mended. Where it is said failures stand before the counts:
    /// of few, they are what is to be done.
    pub then: Option<String>,
    /// What is wrong with a manifest that was refused, in lines with carets.
    pub findings: Option<String>,
    /// The same, one by one.
    pub mistakes: List<Mistake>,
    /// The counts that are worth saying.
    pub counts: Vec<Row>,
    /// What failed.
    pub failures: List<Failure>,
    /// What else is worth knowing.
    pub warnings: List<Warning>,
    /// What some of the files look like; only a mail has them.
    pub pictures: Vec<Picture>,
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
    pub(super) fn new(label: &'static str, value: &str) -> Self {
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

/// Something that is wrong, or odd, in a manifest that was refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mistake {
    /// What it is, a sentence.
    pub what: String,
    /// The file and the line.
    pub place: String,
    /// What stands before it in its line.
    pub before: String,
    /// What it is about.
    pub marked: String,
    /// What stands behind it in its line.
    pub after: String,
    /// What to write instead, a sentence.
    pub help: Option<String>,
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
    /// What the source looks like; only in a mail, and only of some.
    pub picture: Option<Picture>,
}

/// A picture that goes with a mail.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Picture {
    /// Its name in the mail.
    pub cid: String,
    /// What it shows.
    pub alt: String,
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
            then: text::leads(log, content).then(|| text::again(report)),
            findings: refused.then(|| findings(log)),
            mistakes: if refused { mistakes(log) } else { List::nothing() },
            counts: if refused { Vec::new() } else { counts(&log.counts(), log.warnings()) },
            failures: if lists_failures { failures(log) } else { List::nothing() },
            warnings: if lists_warnings { warnings(log) } else { List::nothing() },
            pictures: Vec::new(),
            places: places(report),
            facts: facts(log),
            why: None,
        }
    }

    /// Puts a run that goes on into words, as it is at some time.
    #[must_use]
    pub fn running(
        report: &Report<'_>,
        (so_far, now): (&Counts, &Zoned),
        state: &'static str,
    ) -> Self {
        let done = grouped(so_far.total_file_count);
        Self {
            job: shown(&report.log.about.job_name),
            outcome: state.to_owned(),
            verdict: "running",
            todo: format!("Nothing to do yet: {done} done so far."),
            then: None,
            findings: None,
            mistakes: List::nothing(),
            counts: if so_far.total_file_count == 0 { Vec::new() } else { running(so_far) },
            failures: List::nothing(),
            warnings: List::nothing(),
            pictures: Vec::new(),
            places: places(report),
            facts: super::page::facts_of(report.log, now),
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

fn mistakes(log: &JobLog) -> List<Mistake> {
    let mut sorted: Vec<&Diagnostic> = log.findings.iter().collect();
    sorted.sort_by_key(|finding| finding.span.start);
    let mistakes = sorted.iter().map(|finding| {
        let [before, marked, after] = excerpt(&log.manifest, &finding.span);
        Mistake {
            what: sentence(&finding.message),
            place: text::finding_place(log, finding),
            before,
            marked,
            after,
            help: finding.help.as_deref().map(sentence),
        }
    });
    List::new(sorted.len(), mistakes)
}

/// Takes the line in which a span begins apart: before it, of it, behind it.
fn excerpt(text: &str, span: &Range<usize>) -> [String; 3] {
    let place = |offset: usize| text.floor_char_boundary(offset.min(text.len()));
    let start = place(span.start);
    let first = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let last = text[start..].find('\n').map_or(text.len(), |at| start + at);
    let end = place(span.end).clamp(start, last);
    let (before, after) = (&text[first..start], &text[end..last]);
    let skipped = before.chars().count().saturating_sub(MOST_EXCERPT);
    let head = if skipped > 0 { "…" } else { "" };
    let kept: String = before.chars().skip(skipped).collect();
    [
        shown(&format!("{head}{kept}")),
        cut(&text[start..end], MOST_EXCERPT),
        cut(after.trim_end(), MOST_EXCERPT),
    ]
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

fn running(so_far: &Counts) -> Vec<Row> {
    let done = so_far.total_file_count;
    let rows = [
        ("Done", done),
        ("Exported", so_far.file_success_count),
        ("Failed", so_far.file_error_count),
        ("Left out", so_far.file_warning_count),
    ];
    let worth = rows.into_iter().filter(|(label, n)| *n > 0 || *label == "Done");
    worth.map(|(label, n)| Row { label, value: grouped(n) }).collect()
}

fn failures(log: &JobLog) -> List<Failure> {
    let failed = text::failed(log).map(|(asset, fault)| Failure {
        name: name_of(asset),
        cause: sentence(&fault.to_string()),
        todo: sentence(&fault.next_step()),
        picture: None,
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_mistake_is_shown_in_its_line() {
        let text = "a = 1\nfmt = \"convrt\"  \nb = 2\n";
        let of = |span| excerpt(text, &span);
        assert_eq!(of(12..20), ["fmt = ", "\"convrt\"", ""]);
        assert_eq!(of(6..9), ["", "fmt", " = \"convrt\""]);
        // Only its first line, and nothing beyond the text.
        assert_eq!(of(6..99), ["", "fmt = \"convrt\"  ", ""]);
        assert_eq!(of(99..120), ["", "", ""]);
        let long = format!("x = \"{}\"", "y".repeat(500));
        let [before, marked, after] = excerpt(&long, &(200..400));
        for part in [&before, &marked, &after] {
            assert!((80..=81).contains(&part.chars().count()), "{part}");
        }
        assert!(before.starts_with('…') && marked.ends_with('…') && after.ends_with('…'));
    }

    proptest! {
        #[test]
        fn an_excerpt_is_one_line_whatever_it_is_of(
            text in any::<String>(), start in 0..40_usize, length in 0..40_usize,
        ) {
            for part in excerpt(&text, &(start..start + length)) {
                prop_assert!(!part.chars().any(char::is_control), "{part:?}");
            }
        }
    }
}
