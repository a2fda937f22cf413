//! The words of a report, in English: subject, body, and the text files that people find.
//!
//! The reader is somebody in a studio who wants to know three things: is it done, do I have to do
//! anything, where are the files. So what to do comes first, and the same order holds in every
//! text: what to do, the counts, what failed and why, what else is worth knowing, where the files
//! are, why this mail came. Whatever comes from outside (names, messages, the manifest) passes
//! through [`shown`], so that it can neither begin a line nor turn its reading direction.

use std::collections::HashSet;
use std::path::Path;

use jiff::Timestamp;

use super::{Gist, Places, Report, RetryRendition};
use crate::diag::{Code, Diagnostic, Fault, Remedy, Rendering, position, render, shown};
use crate::job::log::{AssetEntry, AssetOutcome, Counts, JobLog};
use crate::job::{EmailSetting, Fmt, MailContent, Verdict};

/// Lines are broken at this many characters where they can be (RFC 5322 §2.1.1).
const WIDTH: usize = 78;
/// So many failures or warnings are written out; the rest is counted.
const MOST_LISTED: usize = 50;
/// A subject gives at most so many characters of a cause.
const MOST_CAUSE: usize = 120;

/// Writes the subject of a run's mail.
#[must_use]
pub fn subject(log: &JobLog) -> String {
    format!("[exportd] {}: {}", shown(&log.about.job_name), outcome(log))
}

/// Writes how a run ended, in a few words: the subject without its head.
#[must_use]
pub fn outcome(log: &JobLog) -> String {
    let counts = log.counts();
    let done = counts.file_success_count;
    let total = grouped(counts.total_file_count);
    let failed = grouped(counts.file_error_count);
    match log.verdict() {
        Verdict::Clean => format!("done, {}", count(done, "file")),
        Verdict::Warnings => {
            format!("done, {}, {}", count(done, "file"), count(warnings(log), "warning"))
        }
        Verdict::Partial => format!("{failed} of {total} need you"),
        Verdict::Failed => format!("NOT exported (all {failed} failed)"),
        Verdict::Fatal | Verdict::Refused => {
            format!("NOT exported ({})", cut(&cause(log).to_string(), MOST_CAUSE))
        }
        Verdict::Stopped => format!("stopped, {} of {total} done", grouped(done)),
    }
}

/// Says of a run what a digest needs: how it ended, why, and what to do.
#[must_use]
pub fn gist(log: &JobLog) -> Gist {
    let (cause, todo) = match log.verdict() {
        Verdict::Clean | Verdict::Warnings | Verdict::Stopped => (String::new(), String::new()),
        Verdict::Partial | Verdict::Failed => {
            let mut causes: Vec<String> = failed(log).map(|(_, fault)| fault.to_string()).collect();
            let mut steps: Vec<String> = failed(log).map(|(_, fault)| fault.next_step()).collect();
            for list in [&mut causes, &mut steps] {
                list.sort_unstable();
                list.dedup();
            }
            let todo = match steps.as_slice() {
                [step] => sentence(step),
                _ => "See what the report of each says.".into(),
            };
            (cut(&causes.join("; "), 2 * MOST_CAUSE), todo)
        }
        Verdict::Fatal | Verdict::Refused => {
            let fault = cause(log);
            (cut(&fault.to_string(), 2 * MOST_CAUSE), sentence(&fault.next_step()))
        }
    };
    Gist {
        run: Some(log.run.clone()),
        verdict: Some(log.verdict()),
        outcome: outcome(log),
        cause,
        todo,
    }
}

/// Writes the text part of a run's mail.
#[must_use]
pub fn body(report: &Report<'_>, content: MailContent) -> String {
    let mut page = Page::default();
    report_into(&mut page, report, content);
    why_this_mail(&mut page, report.log);
    page.finish()
}

/// Writes what `once` prints and `WHY-IT-FAILED.txt` holds: the mail without the reason for it.
#[must_use]
pub fn summary(report: &Report<'_>) -> String {
    let mut page = Page::default();
    page.paragraph(&format!("{}: {}", shown(&report.log.about.job_name), outcome(report.log)));
    report_into(&mut page, report, MailContent::Lists);
    page.finish()
}

/// Writes `NAME.toml.FAILED.txt`, which lies in the drop folder in place of a refused manifest.
#[must_use]
pub fn beside_the_drop(report: &Report<'_>) -> String {
    let name = shown(&report.log.about.manifest_name);
    let mut page = Page::default();
    page.paragraph(&format!("{name} was not taken."));
    report_into(&mut page, report, MailContent::Lists);
    page.paragraph(&format!(
        "This note goes away by itself as soon as a {name} is dropped that can be taken."
    ));
    page.finish()
}

fn report_into(page: &mut Page, report: &Report<'_>, content: MailContent) {
    let log = report.log;
    page.paragraph(&what_to_do(report, content));
    if log.verdict() == Verdict::Refused {
        let name = shown(&log.about.manifest_name);
        page.block(&render(&name, &log.manifest, &log.findings, Rendering::Plain));
    } else {
        counts(page, &log.counts(), warnings(log));
    }
    if matches!(content, MailContent::ErrorList | MailContent::Lists) {
        failures(page, log);
    }
    if matches!(content, MailContent::Lists) && log.verdict() != Verdict::Refused {
        warning_list(page, log);
    }
    places(page, report);
    run_facts(page, log);
}

/// The first paragraph.
fn what_to_do(report: &Report<'_>, content: MailContent) -> String {
    let log = report.log;
    let counts = log.counts();
    let done = counts.file_success_count;
    match log.verdict() {
        Verdict::Clean if done == 1 => "Nothing to do: the file is ready.".into(),
        Verdict::Clean => format!("Nothing to do: the {} are ready.", count(done, "file")),
        Verdict::Warnings => {
            let look = if warnings(log) == 1 { "the warning" } else { "the warnings" };
            let place = if content == MailContent::Lists {
                "below"
            } else {
                "in report.json in the report folder"
            };
            let ready = if done == 1 { "file is" } else { "files are" };
            format!("{} {ready} ready. Please look at {look} {place}.", grouped(done))
        }
        Verdict::Partial => {
            let failed = counts.file_error_count;
            let need = if failed == 1 { "file needs" } else { "files need" };
            format!(
                "{} of {} {need} you; the others are ready. {}",
                grouped(failed),
                grouped(counts.total_file_count),
                mend_and_retry(report, content)
            )
        }
        Verdict::Failed => {
            format!("Nothing was exported. {}", mend_and_retry(report, content))
        }
        Verdict::Fatal => {
            let fault = cause(log);
            let after = match fault.remedy() {
                Remedy::Operator => "If you cannot do that, show this to whoever runs exportd.",
                Remedy::Submitter => "Then drop the manifest again.",
            };
            format!(
                "Nothing was exported: {}. What to do: {} {after}",
                shown(&fault.to_string()),
                sentence(&fault.next_step())
            )
        }
        Verdict::Refused => refused(log),
        Verdict::Stopped => {
            let rest = if counts.file_cancel_count == 1 { "file" } else { "files" };
            format!(
                "Somebody stopped this export after {} of {}. To get the other {} {rest}, drop \
                 the manifest again.",
                grouped(done),
                count(counts.total_file_count, "file"),
                grouped(counts.file_cancel_count),
            )
        }
    }
}

fn refused(log: &JobLog) -> String {
    let errors = log.findings.iter().filter(|finding| finding.is_error()).count();
    let name = shown(&log.about.manifest_name);
    if errors > 1 {
        format!(
            "Nothing was exported, because {name} has {} mistakes. Correct them, all are shown \
             below, and drop the file again.",
            grouped(number(errors))
        )
    } else if errors == 1 {
        format!(
            "Nothing was exported, because {name} has a mistake. Correct it, it is shown below, \
             and drop the file again."
        )
    } else {
        format!(
            "Nothing was exported, because {name} is wrong in {}. Correct it and drop the file \
             again.",
            shown(&cause(log).to_string())
        )
    }
}

/// How to come from failed assets to good ones.
fn mend_and_retry(report: &Report<'_>, content: MailContent) -> String {
    let mut steps: Vec<String> = failed(report.log).map(|(_, fault)| fault.next_step()).collect();
    let several = steps.len() > 1;
    steps.sort_unstable();
    steps.dedup();
    let first = match steps.as_slice() {
        [step] => format!("What to do: {}", sentence(step)),
        _ if content == MailContent::Counts => {
            "report.json in the report folder says what is wrong with each.".into()
        }
        _ => "Correct what is listed below.".into(),
    };
    let then = if report.has_retry() {
        let these = if several { "exactly these files" } else { "exactly this file" };
        format!(
            "Then copy retry-failed.toml from the report folder into the drop folder: it asks for {these} again."
        )
    } else {
        "Then drop the manifest again.".into()
    };
    format!("{first} {then}")
}

fn counts(page: &mut Page, counts: &Counts, warnings: u64) {
    let rows = [
        ("Listed", counts.total_file_count, true),
        ("Exported", counts.file_success_count, true),
        ("  of these already there and identical", counts.file_duplicate_count, false),
        ("  of these replaced what was there", counts.file_update_count, false),
        ("Failed", counts.file_error_count, false),
        ("Left out, see the warnings", counts.file_warning_count, false),
        ("Not done, because stopped", counts.file_cancel_count, false),
        ("Warnings", warnings, false),
    ];
    if counts.total_file_count == 0 {
        return;
    }
    page.heading("Result");
    for (label, value, always) in rows {
        if always || value > 0 {
            page.line(&format!("  {label:<40}{:>10}", grouped(value)));
        }
    }
    page.gap();
}

fn failures(page: &mut Page, log: &JobLog) {
    let total = failed(log).count();
    if total == 0 {
        return;
    }
    page.heading(&format!("Failed ({})", grouped(number(total))));
    for (n, (asset, fault)) in failed(log).take(MOST_LISTED).enumerate() {
        let head = format!("{:>3}. ", n + 1);
        page.item(&head, &name_of(asset));
        page.item("     ", &sentence(&fault.to_string()));
        page.item("     What to do: ", &sentence(&fault.next_step()));
    }
    and_more(page, total);
}

fn warning_list(page: &mut Page, log: &JobLog) {
    let total = log.warnings();
    if total == 0 {
        return;
    }
    page.heading(&format!("Warnings ({})", grouped(number(total))));
    let manifest = log
        .findings
        .iter()
        .filter(|finding| !finding.is_error())
        .map(|finding| (finding_place(log, finding), finding_text(finding)));
    let assets = log.assets.iter().flat_map(|asset| {
        let reasons: Vec<String> = match &asset.outcome {
            AssetOutcome::NotExportable { reason } => vec![format!("left out: {reason}")],
            other => other.warnings().to_vec(),
        };
        reasons.into_iter().map(|reason| (name_of(asset), sentence(&reason)))
    });
    for (place, what) in manifest.chain(assets).take(MOST_LISTED) {
        page.item("  - ", &place);
        page.item("    ", &what);
    }
    and_more(page, total);
}

fn and_more(page: &mut Page, total: usize) {
    if total > MOST_LISTED {
        page.line(&format!("and {} more, see report.json", grouped(number(total - MOST_LISTED))));
    }
    page.gap();
}

fn places(page: &mut Page, report: &Report<'_>) {
    page.heading("Where");
    if let Some(folder) = report.places.output(report.log) {
        place(page, "Files", &folder, report.places);
    }
    place(page, "Report", &report.places.report(report.log), report.places);
    page.gap();
}

fn place(page: &mut Page, label: &str, path: &Path, places: &Places) {
    page.line(&format!("  {label:<9}{}", shown(&path.to_string_lossy())));
    if let Some(share) = places.share(path) {
        page.line(&format!("  {:<9}{}", "Windows", shown(&share)));
    }
}

fn run_facts(page: &mut Page, log: &JobLog) {
    if let Some(description) = &log.about.description {
        page.item("  About    ", &shown(description));
    }
    page.line(&format!("  Run      {}", shown(&log.run)));
    page.line(&format!("  Took     {}", duration(log.start, log.end)));
    if let Some(earlier) = &log.about.retry_of {
        page.line(&format!("  Again    what failed in {}", shown(earlier)));
    }
    page.gap();
}

fn why_this_mail(page: &mut Page, log: &JobLog) {
    let name = shown(&log.about.manifest_name);
    let unknown = log.findings.iter().any(|finding| finding.code == Code::UnknownUser);
    let named = log.about.user_handle.as_ref().filter(|_| !unknown);
    let to_you = named.map_or_else(
        || {
            "It comes to you because you dropped the file, or because you look after exports."
                .into()
        },
        |user| format!("It comes to you because the file names userHandle \"{}\".", shown(user)),
    );
    let Some(level) = log.about.email_setting else {
        page.paragraph(&format!(
            "You get this mail because {name} could not be read far enough to see whether mail \
             is wanted (emailSetting). {to_you}"
        ));
        return;
    };
    let (meaning, change) = match level {
        EmailSetting::All => (
            "a mail after every run",
            "For less mail write \"ErrorAndWarning\", \"Error\" or \"None\" there.",
        ),
        EmailSetting::JobCompletion => (
            "a short mail after every run",
            "Write \"All\" there to have failures and warnings listed, or \"None\" for no mail.",
        ),
        EmailSetting::ErrorAndWarning => (
            "a mail when something failed or there are warnings",
            "For less mail write \"Error\" or \"None\" there, for more \"All\".",
        ),
        EmailSetting::Error => (
            "a mail when something failed",
            "For no mail write \"None\" there, for more \"ErrorAndWarning\" or \"All\".",
        ),
        EmailSetting::None => ("no mail", ""),
    };
    let word = level_word(level);
    page.paragraph(&format!(
        "You get this mail because {name} says emailSetting = \"{word}\": {meaning}. {change} \
         {to_you}"
    ));
}

/// The first line of a `retry-failed.toml` begins with this; the run that is tried again follows.
/// The mail about the retry then stands below that run's.
pub const RETRY_OF: &str = "#:retry-of ";

/// Writes `retry-failed.toml`: the same job, asking only for what failed. `None` when nothing did
/// or when the caller gave no request.
#[must_use]
pub fn retry_manifest(report: &Report<'_>) -> Option<String> {
    let request = report.retry.filter(|_| report.has_retry())?;
    let log = report.log;
    let mut out = format!(
        "{RETRY_OF}{}\n\
         # What failed there, to be tried again.\n\
         # Correct what the report names, then copy this file into the drop folder.\n",
        shown(&log.run)
    );
    let uses_n = |r: &RetryRendition| r.output_name.as_ref().is_some_and(|n| n.contains("{n}"));
    if request.renditions.iter().any(uses_n) {
        out.push_str("# Note: the numbers {n} in outputName begin at 1 again.\n");
    }
    out.push('\n');
    key(&mut out, "jobName", Some(&log.about.job_name));
    key(&mut out, "description", request.description.as_deref());
    key(&mut out, "userHandle", request.user_handle.as_deref());
    key(&mut out, "locale", request.locale.as_deref());
    key(&mut out, "clientId", request.client_id.as_deref());
    key(&mut out, "emailSetting", Some(level_word(request.email_setting)));
    key(&mut out, "destination", request.destination.as_deref());
    if request.overwrite {
        out.push_str("overwrite = true\n");
    }
    for rendition in &request.renditions {
        let mut seen = HashSet::new();
        let handles: Vec<&str> = failed(log)
            .filter(|(asset, _)| asset.rendition == rendition.rendition)
            .map(|(asset, _)| asset.handle.as_str())
            .filter(|&handle| seen.insert(handle))
            .collect();
        if !handles.is_empty() {
            retry_rendition(&mut out, rendition, &handles);
        }
    }
    Some(out)
}

fn retry_rendition(out: &mut String, rendition: &RetryRendition, handles: &[&str]) {
    if rendition.rendition.is_some() {
        out.push_str("\n[[exportJob]]\n");
        key(out, "rendition", rendition.rendition.as_deref());
    }
    let fmt = match rendition.fmt {
        Fmt::Orig => "orig",
        Fmt::Convert => "convert",
    };
    key(out, "fmt", Some(fmt));
    key(out, "is_modifier", rendition.is_modifier.as_deref());
    key(out, "macro", rendition.preset.as_deref());
    key(out, "outputName", rendition.output_name.as_deref());
    out.push_str("assetHandleArray = [\n");
    for handle in handles {
        out.push_str(&format!("  {},\n", quoted(handle)));
    }
    out.push_str("]\n");
}

const fn level_word(level: EmailSetting) -> &'static str {
    match level {
        EmailSetting::All => "All",
        EmailSetting::Error => "Error",
        EmailSetting::ErrorAndWarning => "ErrorAndWarning",
        EmailSetting::JobCompletion => "JobCompletion",
        EmailSetting::None => "None",
    }
}

fn key(out: &mut String, name: &str, value: Option<&str>) {
    if let Some(value) = value {
        out.push_str(&format!("{name} = {}\n", quoted(value)));
    }
}

/// Writes a TOML basic string (TOML 1.0, "String"): everything that is not printed is escaped.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if crate::fs::is_invisible(c) => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Says why a run as a whole came to nothing.
pub(super) fn cause(log: &JobLog) -> &Fault {
    log.fatal.as_ref().unwrap_or(&Fault::NothingExportable)
}

/// Places a finding for a reader: `spring.toml, line 3`.
pub(super) fn finding_place(log: &JobLog, finding: &Diagnostic) -> String {
    let (line, _) = position(&log.manifest, finding.span.start);
    format!("{}, line {line}", shown(&log.about.manifest_name))
}

fn finding_text(finding: &Diagnostic) -> String {
    match &finding.help {
        Some(help) => format!("{} {}", sentence(&finding.message), sentence(help)),
        None => sentence(&finding.message),
    }
}

fn failed(log: &JobLog) -> impl Iterator<Item = (&AssetEntry, &Fault)> {
    log.assets.iter().filter_map(|asset| match &asset.outcome {
        AssetOutcome::Failed { fault } => Some((asset, fault)),
        _ => None,
    })
}

fn name_of(asset: &AssetEntry) -> String {
    match &asset.rendition {
        Some(rendition) => format!("{} ({})", shown(&asset.handle), shown(rendition)),
        None => shown(&asset.handle),
    }
}

fn warnings(log: &JobLog) -> u64 {
    number(log.warnings())
}

pub(super) fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}

/// Writes a number with its thousands apart: `1,984`.
pub(super) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

pub(super) fn count(n: u64, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{} {noun}s", grouped(n)) }
}

/// Makes a sentence of a message: a capital first, a full stop last.
fn sentence(message: &str) -> String {
    let message = shown(message);
    let mut chars = message.trim_end_matches('.').chars();
    let Some(first) = chars.next() else { return String::new() };
    let mut out: String = first.to_uppercase().collect();
    out.push_str(chars.as_str());
    if !out.ends_with(['?', '!', '…']) {
        out.push('.');
    }
    out
}

fn cut(text: &str, most: usize) -> String {
    let text = shown(text);
    if text.chars().count() <= most {
        return text;
    }
    let mut out: String = text.chars().take(most - 1).collect();
    out.push('…');
    out
}

fn duration(start: Timestamp, end: Timestamp) -> String {
    let seconds = end.duration_since(start).as_secs().max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// A text of lines that break at [`WIDTH`].
#[derive(Default)]
pub(super) struct Page {
    out: String,
}

impl Page {
    pub(super) fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    pub(super) fn heading(&mut self, text: &str) {
        self.line(text);
    }

    /// Takes text that is in lines already.
    fn block(&mut self, text: &str) {
        for line in text.trim_end().lines() {
            self.line(line);
        }
        self.gap();
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.item("", text);
        self.gap();
    }

    /// Ends a paragraph: one empty line, never two.
    pub(super) fn gap(&mut self) {
        if !self.out.is_empty() && !self.out.ends_with("\n\n") {
            self.out.push('\n');
        }
    }

    /// Writes text behind a head; further lines stand below its beginning. Words longer than a
    /// line stay whole, so that paths can be copied.
    pub(super) fn item(&mut self, head: &str, text: &str) {
        let indent = if head.trim_start().starts_with("What") { 5 } else { head.chars().count() };
        let mut line = head.to_owned();
        let mut room = WIDTH.saturating_sub(head.chars().count());
        let mut empty = true;
        for word in text.split(' ') {
            let length = word.chars().count();
            if !empty && length + 1 > room {
                self.line(&line);
                line = " ".repeat(indent);
                room = WIDTH.saturating_sub(indent);
                empty = true;
            }
            if !empty {
                line.push(' ');
                room = room.saturating_sub(1);
            }
            line.push_str(word);
            room = room.saturating_sub(length);
            empty = false;
        }
        self.line(&line);
    }

    pub(super) fn finish(self) -> String {
        let mut out = self.out;
        out.truncate(out.trim_end().len());
        out.push('\n');
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;
    use proptest::prelude::*;

    #[test]
    fn subjects_are_those_of_the_table() {
        let expected = [
            "done, 2 files",
            "done, 1 file, 2 warnings",
            "2 of 3 need you",
            "NOT exported (all 2 failed)",
            "NOT exported (the disk of the output folder is full)",
            "NOT exported (line 2: unknown key `emailSeting`)",
            "stopped, 1 of 3 done",
        ];
        for (verdict, expected) in Verdict::ALL.into_iter().zip(expected) {
            let log = samples::log(verdict);
            assert_eq!(log.verdict(), verdict);
            assert_eq!(subject(&log), format!("[exportd] spring-tops: {expected}"));
        }
    }

    #[test]
    fn nothing_exportable_is_its_own_cause() {
        let mut log = samples::log(Verdict::Warnings);
        log.assets.remove(0);
        assert_eq!(log.verdict(), Verdict::Fatal);
        assert_eq!(outcome(&log), "NOT exported (nothing in the list can be exported)");
    }

    #[test]
    fn numbers_are_grouped_and_nouns_agree() {
        assert_eq!(
            [0, 7, 999, 1000, 1984, 1_234_567].map(grouped),
            ["0", "7", "999", "1,000", "1,984", "1,234,567"]
        );
        assert_eq!(count(1, "file"), "1 file");
        assert_eq!(count(0, "file"), "0 files");
        assert_eq!(count(1984, "file"), "1,984 files");
    }

    #[test]
    fn a_cause_from_outside_stays_in_its_line() {
        let mut log = samples::log(Verdict::Refused);
        log.about.job_name = "a\r\nBcc: all@example".into();
        log.fatal = Some(Fault::Refused {
            line: 1,
            message: format!("x\nX-Evil: 1 \u{202e}{}", "y".repeat(400)),
            findings: 1,
        });
        let subject = subject(&log);
        assert!(!subject.chars().any(crate::fs::is_invisible), "{subject:?}");
        assert!(subject.chars().count() < 200, "{subject:?}");
    }

    #[test]
    fn the_fifty_first_failure_is_counted() {
        let mut log = samples::log(Verdict::Failed);
        log.assets =
            (0..1_200).map(|n| samples::failed(&format!("{n:04}"), Fault::Unreadable)).collect();
        let places = samples::places();
        let text = body(&Report { log: &log, places: &places, retry: None }, MailContent::Lists);
        assert!(text.contains(" 50. tops/0049.tif\n"));
        assert!(!text.contains("tops/0050.tif"));
        assert!(text.contains("and 1,150 more, see report.json\n"));
        assert!(text.contains("Failed (1,200)\n"));
    }

    #[test]
    fn lines_are_short_where_they_can_be() {
        let mut log = samples::log(Verdict::Partial);
        log.assets[1].handle = format!("tops/{}", "long".repeat(40));
        let places = samples::places();
        let request = samples::retry();
        let report = Report { log: &log, places: &places, retry: Some(&request) };
        for line in body(&report, MailContent::Lists).lines() {
            let words = line.split_whitespace().count();
            assert!(line.chars().count() <= WIDTH || words <= 3, "{line}");
        }
    }

    #[test]
    fn a_retry_asks_for_what_failed_and_nothing_else() {
        let log = samples::log(Verdict::Partial);
        let places = samples::places();
        let request = samples::retry();
        let report = Report { log: &log, places: &places, retry: Some(&request) };
        insta::assert_snapshot!(retry_manifest(&report).unwrap(), @r#"
        #:retry-of spring-tops_2026-12-01-06-00-00
        # What failed there, to be tried again.
        # Correct what the report names, then copy this file into the drop folder.

        jobName = "spring-tops"
        description = "Spring season, web"
        userHandle = "mia"
        emailSetting = "All"
        fmt = "convert"
        is_modifier = "&wid=2000&fmt=png"
        macro = "$web$"
        assetHandleArray = [
          "tops/back.tif",
          "tops/side.tif",
        ]
        "#);
        for verdict in [Verdict::Clean, Verdict::Warnings, Verdict::Fatal, Verdict::Stopped] {
            let log = samples::log(verdict);
            let report = Report { log: &log, places: &places, retry: Some(&request) };
            assert_eq!(retry_manifest(&report), None, "{verdict:?}");
        }
    }

    #[test]
    fn a_retry_keeps_renditions_apart() {
        let mut log = samples::log(Verdict::Partial);
        let mut request = samples::retry();
        request.renditions[0].rendition = Some("large".into());
        request.renditions.push(RetryRendition {
            rendition: Some("thumb".into()),
            output_name: Some("t/{n}".into()),
            ..request.renditions[0].clone()
        });
        for (asset, rendition) in log.assets.iter_mut().zip(["large", "large", "thumb"]) {
            asset.rendition = Some(rendition.into());
        }
        let places = samples::places();
        let report = Report { log: &log, places: &places, retry: Some(&request) };
        let text = retry_manifest(&report).unwrap();
        let tables: Vec<&str> = text.split("[[exportJob]]").collect();
        assert_eq!(tables.len(), 3);
        assert!(!tables[0].contains("fmt"));
        assert!(tables[1].contains("\"large\"") && tables[1].contains("tops/back.tif"));
        assert!(tables[2].contains("\"thumb\"") && tables[2].contains("tops/side.tif"));
        assert!(text.contains("begin at 1 again"));
    }

    #[test]
    fn every_verdict_reads_well() {
        let places = samples::places();
        let request = samples::retry();
        for verdict in Verdict::ALL {
            let log = samples::log(verdict);
            let report = Report { log: &log, places: &places, retry: Some(&request) };
            let mail = body(&report, report.mail_content().unwrap());
            let whole = format!("Subject: {}\n\n{mail}", subject(&log));
            insta::assert_snapshot!(format!("mail_{}", verdict.word()), whole);
        }
        let log = samples::log(Verdict::Refused);
        let report = Report { log: &log, places: &places, retry: None };
        insta::assert_snapshot!("beside_the_drop", beside_the_drop(&report));
        let log = samples::log(Verdict::Failed);
        let report = Report { log: &log, places: &places, retry: Some(&request) };
        insta::assert_snapshot!("why_it_failed", summary(&report));
    }

    #[test]
    fn a_short_mail_points_to_the_report() {
        let places = samples::places();
        let log = samples::log(Verdict::Partial);
        let report = Report { log: &log, places: &places, retry: None };
        let short = body(&report, MailContent::Counts).replace('\n', " ");
        assert!(short.contains("report.json in the report folder says what is wrong"), "{short}");
        assert!(!short.contains("below"), "{short}");
        let log = samples::log(Verdict::Warnings);
        let report = Report { log: &log, places: &places, retry: None };
        assert!(body(&report, MailContent::Counts).contains("in report.json"));
    }

    #[test]
    fn a_manifest_that_names_no_level_says_why_it_is_mailed() {
        let mut log = samples::log(Verdict::Refused);
        log.about.email_setting = None;
        log.about.user_handle = None;
        let places = samples::places();
        let report = Report { log: &log, places: &places, retry: None };
        assert_eq!(report.mail_content(), Some(MailContent::Lists));
        let text = body(&report, MailContent::Lists);
        assert!(text.contains("could not be read far enough"), "{text}");
    }

    proptest! {
        #[test]
        fn no_name_breaks_out_of_its_place(name in any::<String>(), word in any::<String>()) {
            let mut log = samples::log(Verdict::Partial);
            log.about.job_name.clone_from(&name);
            log.about.manifest_name.clone_from(&name);
            log.about.description = Some(word.clone());
            log.about.user_handle = Some(word.clone());
            log.assets[1].handle.clone_from(&word);
            log.assets[1].outcome =
                AssetOutcome::Failed { fault: Fault::NotFound { nearest: Some(word) } };
            let places = samples::places();
            let report = Report { log: &log, places: &places, retry: None };
            let text = body(&report, MailContent::Lists);
            prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
            prop_assert!(!subject(&log).chars().any(char::is_control));
        }
    }
}
