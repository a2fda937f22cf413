//! What a report says, before it is set: as text ([`super::text`]) or as HTML ([`super::html`]).
//!
//! Everything is words already, and whatever comes from outside has passed through
//! [`crate::diag::shown`]. The order of the fields is that of every text.

use std::ops::Range;
use std::path::Path;

use jiff::Zoned;
use serde::Serialize;

use super::locale::{Language, Say};
use super::text::page::{cut, duration};
use super::text::{self, MOST_LISTED, number};
use super::words::Words;
use super::{Places, Report};
use crate::diag::{Diagnostic, render_in, shown};
use crate::job::log::{AssetEntry, AssetOutcome, Counts, JobLog};
use crate::job::{MailContent, Verdict};

/// Of a manifest's line at most so many characters are shown on either side of a mistake.
const MOST_EXCERPT: usize = 80;

/// A report in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// The language of what it says.
    #[serde(skip)]
    pub language: Language,
    /// Its tag, for a page.
    pub lang: &'static str,
    /// Words that are the same for every run.
    pub words: Words,
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
    pub label: String,
    /// The value.
    pub value: String,
    /// What it is in every language, such as `count-failed`; empty where nobody asks.
    pub key: &'static str,
}

impl Row {
    pub(super) fn new(label: &str, value: &str) -> Self {
        Self { label: label.to_owned(), value: shown(value), key: "" }
    }

    /// A row whose label is a message.
    pub(super) fn said(language: Language, label: Say<'_>, value: &str) -> Self {
        Self { key: label.id(), ..Self::new(&language.say(label), value) }
    }
}

/// The first of many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct List<T> {
    /// What they are and how many: `Failed (2)`.
    pub heading: String,
    /// How many there are, grouped.
    pub total: String,
    /// How many of them are not listed, grouped, if any.
    pub more: Option<String>,
    /// The same in words.
    pub rest: Option<Rest>,
    /// Those that are.
    pub items: Vec<T>,
}

/// How many are not listed, in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rest {
    /// No more than that.
    pub plain: String,
    /// With a pointer to `report.json`.
    pub in_report: String,
    /// With a pointer to the table of a page.
    pub in_table: String,
}

impl<T> List<T> {
    fn new(
        (language, what): (Language, Say<'_>),
        total: usize,
        items: impl Iterator<Item = T>,
    ) -> Self {
        let more = number(total.saturating_sub(MOST_LISTED));
        let what = &language.say(what);
        Self {
            heading: language.say(Say::Counted { what, total: number(total) }),
            total: language.number(number(total)),
            more: (more > 0).then(|| language.number(more)),
            rest: (more > 0).then(|| Rest {
                plain: language.say(Say::More { more }),
                in_report: language.say(Say::MoreInReport { more }),
                in_table: language.say(Say::MoreInTable { more }),
            }),
            items: items.take(MOST_LISTED).collect(),
        }
    }

    fn nothing() -> Self {
        let (heading, total) = (String::new(), "0".to_owned());
        Self { heading, total, more: None, rest: None, items: Vec::new() }
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
    /// The same, and that it is what to do.
    pub advice: String,
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
    /// Puts a report into words of its run's language, as much of it as is asked for.
    #[must_use]
    pub fn new(report: &Report<'_>, content: MailContent) -> Self {
        Self::in_language(report, content, Language::of(report.log))
    }

    /// Puts a report into words.
    #[must_use]
    pub fn in_language(report: &Report<'_>, content: MailContent, language: Language) -> Self {
        let log = report.log;
        let refused = log.verdict() == Verdict::Refused;
        let lists_failures = matches!(content, MailContent::ErrorList | MailContent::Lists);
        let lists_warnings = content == MailContent::Lists && !refused;
        let mut sheet = Self {
            outcome: text::outcome(log, language),
            verdict: log.verdict().word(),
            todo: text::what_to_do(report, content, language),
            then: text::leads(log, content).then(|| text::again(report, language)),
            facts: facts(log, language),
            ..Self::bare(report, language)
        };
        if refused {
            sheet.findings = Some(findings(log, language));
            sheet.mistakes = mistakes(log, language);
        } else {
            sheet.counts = counts(&log.counts(), log.warnings(), language);
        }
        if lists_failures {
            sheet.failures = failures(log, language);
        }
        if lists_warnings {
            sheet.warnings = warnings(log, language);
        }
        sheet
    }

    /// Puts a run that goes on into words, as it is at some time.
    #[must_use]
    pub fn running(report: &Report<'_>, (so_far, now): (&Counts, &Zoned), state: Doing) -> Self {
        let language = Language::of(report.log);
        let done = so_far.total_file_count;
        Self {
            outcome: state.said(language),
            verdict: "running",
            todo: language.say(Say::TodoRunning { done }),
            counts: if done == 0 { Vec::new() } else { running(so_far, language) },
            facts: super::page::facts_of(report.log, now, language),
            ..Self::bare(report, language)
        }
    }

    /// What is the same of every report.
    fn bare(report: &Report<'_>, language: Language) -> Self {
        Self {
            language,
            lang: language.tag(),
            words: Words::new(language),
            job: shown(&report.log.about.job_name),
            outcome: String::new(),
            verdict: "",
            todo: String::new(),
            then: None,
            findings: None,
            mistakes: List::nothing(),
            counts: Vec::new(),
            failures: List::nothing(),
            warnings: List::nothing(),
            pictures: Vec::new(),
            places: places(report, language),
            facts: Vec::new(),
            why: None,
        }
    }

    /// Adds why it is a mail.
    #[must_use]
    pub fn mailed(mut self, log: &JobLog) -> Self {
        self.why = Some(text::why_this_mail(log, self.language));
        self
    }
}

/// What a run is at, for its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It is about to begin.
    New,
    /// It works.
    Running,
    /// It was asked to stop.
    Stopping,
    /// It waits for its turn.
    Waiting,
    /// It waits for assets that are not there yet.
    WaitingAssets,
    /// It waits for room on a disk.
    WaitingSpace,
    /// It is over.
    Over,
    /// The daemon ends.
    Interrupted,
    /// Left unfinished, because a person paused it.
    Paused,
}

impl Doing {
    fn said(self, language: Language) -> String {
        language.say(match self {
            Self::New => Say::StateNew,
            Self::Running => Say::StateRunning,
            Self::Stopping => Say::StateStopping,
            Self::Waiting => Say::StateWaiting,
            Self::WaitingAssets => Say::StateWaitingAssets,
            Self::WaitingSpace => Say::StateWaitingSpace,
            Self::Over => Say::StateOver,
            Self::Interrupted => Say::StateInterrupted,
            Self::Paused => Say::StatePaused,
        })
    }
}

fn findings(log: &JobLog, language: Language) -> String {
    let findings: Vec<Diagnostic> =
        log.findings.iter().map(|finding| language.finding(finding)).collect();
    let file = shown(&log.about.manifest_name);
    render_in(&language.labels(&findings), &file, &log.manifest, &findings)
}

fn mistakes(log: &JobLog, language: Language) -> List<Mistake> {
    let mut sorted: Vec<&Diagnostic> = log.findings.iter().collect();
    sorted.sort_by_key(|finding| finding.span.start);
    let mistakes = sorted.iter().map(|finding| {
        let [before, marked, after] = excerpt(&log.manifest, &finding.span);
        Mistake {
            what: language.sentence(&language.phrase(&finding.message)),
            place: text::finding_place(log, finding, language),
            before,
            marked,
            after,
            help: finding.help.as_ref().map(|help| language.sentence(&language.phrase(help))),
        }
    });
    List::new((language, Say::PageCorrect), sorted.len(), mistakes)
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

fn counts(counts: &Counts, warnings: usize, language: Language) -> Vec<Row> {
    if counts.total_file_count == 0 {
        return Vec::new();
    }
    let rows = [
        (Say::CountListed, counts.total_file_count),
        (Say::CountExported, counts.file_success_count),
        (Say::CountIdentical, counts.file_duplicate_count),
        (Say::CountReplaced, counts.file_update_count),
        (Say::CountFailed, counts.file_error_count),
        (Say::CountLeftOut, counts.file_warning_count),
        (Say::CountCancelled, counts.file_cancel_count),
        (Say::CountWarnings, number(warnings)),
    ];
    let always = |label: &Say<'_>| matches!(label, Say::CountListed | Say::CountExported);
    let worth = rows.into_iter().filter(|(label, n)| *n > 0 || always(label));
    worth.map(|(label, n)| counted(label, n, language)).collect()
}

fn running(so_far: &Counts, language: Language) -> Vec<Row> {
    let rows = [
        (Say::CountDone, so_far.total_file_count),
        (Say::CountExported, so_far.file_success_count),
        (Say::CountFailed, so_far.file_error_count),
        (Say::CountLeftOutSoFar, so_far.file_warning_count),
    ];
    let worth = rows.into_iter().filter(|(label, n)| *n > 0 || matches!(label, Say::CountDone));
    worth.map(|(label, n)| counted(label, n, language)).collect()
}

fn counted(label: Say<'_>, n: u64, language: Language) -> Row {
    let mut row = Row::said(language, label, &language.number(n));
    if matches!(label, Say::CountIdentical | Say::CountReplaced) {
        row.label.insert_str(0, "  ");
    }
    row
}

fn failures(log: &JobLog, language: Language) -> List<Failure> {
    let failed = text::failed(log).map(|(asset, fault)| {
        let step = language.next_step(fault);
        Failure {
            name: name_of(asset),
            cause: language.sentence(&language.cause(fault)),
            todo: language.sentence(&step),
            advice: text::advice(&step, language),
            picture: None,
        }
    });
    List::new((language, Say::Failed), text::failed(log).count(), failed)
}

fn warnings(log: &JobLog, language: Language) -> List<Warning> {
    let manifest =
        log.findings.iter().filter(|finding| !finding.is_error()).map(|finding| Warning {
            place: text::finding_place(log, finding, language),
            what: finding_text(finding, language),
        });
    let assets = log.assets.iter().flat_map(|asset| {
        let reasons: Vec<String> = match &asset.outcome {
            AssetOutcome::NotExportable { reason } => {
                vec![language.say(Say::LeftOut { reason: &language.phrase(reason) })]
            }
            other => other.warnings().iter().map(|warning| language.phrase(warning)).collect(),
        };
        let warning =
            |reason: String| Warning { place: name_of(asset), what: language.sentence(&reason) };
        reasons.into_iter().map(warning)
    });
    List::new((language, Say::Warnings), log.warnings(), manifest.chain(assets))
}

fn finding_text(finding: &Diagnostic, language: Language) -> String {
    let help = finding.help.as_ref().map(|help| language.sentence(&language.phrase(help)));
    let message = language.sentence(&language.phrase(&finding.message));
    language.join(&[message, help.unwrap_or_default()])
}

fn name_of(asset: &AssetEntry) -> String {
    match &asset.rendition {
        Some(rendition) => format!("{} ({})", shown(&asset.handle), shown(rendition)),
        None => shown(&asset.handle),
    }
}

fn places(report: &Report<'_>, language: Language) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut place = |label: Say<'_>, path: &Path, places: &Places| {
        rows.push(Row::said(language, label, &path.to_string_lossy()));
        let share = places.share(path);
        rows.extend(share.map(|share| Row::said(language, Say::PlaceWindows, &share)));
    };
    if let Some(folder) = report.places.output(report.log) {
        place(Say::PlaceFiles, &folder, report.places);
    }
    place(Say::PlaceReport, &report.places.report(report.log), report.places);
    rows
}

fn facts(log: &JobLog, language: Language) -> Vec<Row> {
    let row = |label: Say<'_>, value: &str| Row::said(language, label, value);
    let mut rows = Vec::new();
    rows.extend(log.about.description.as_ref().map(|text| row(Say::FactAbout, text)));
    rows.push(row(Say::FactRun, &log.run));
    rows.push(row(Say::FactTook, &duration(language, log.start, log.end)));
    let again = log.about.retry_of.as_ref();
    rows.extend(again.map(|run| row(Say::FactAgain, &language.say(Say::FailedIn { run }))));
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
