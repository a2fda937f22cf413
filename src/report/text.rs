//! The words of a report: subject, body, and the text files that people find. How each language says
//! them is [`super::locale`]'s.
//!
//! The reader is somebody in a studio who wants to know three things: is it done, do I have to do
//! anything, where are the files. So what to do comes first, and the same order holds in every
//! text: what to do, the counts, what failed and why, what else is worth knowing, where the files
//! are, why this mail came. Of up to three failures, what to do is said of each by name, so that
//! they come before the counts. Whatever comes from outside (names, messages, the manifest) passes
//! through [`shown`], so that it can neither begin a line nor turn its reading direction.

use super::locale::{Language, Say};
use super::sheet::{Rest, Row, Sheet};
use super::{Gist, Report};
use crate::diag::{Code, Diagnostic, Fault, Remedy, position, shown};
use crate::job::log::{AssetEntry, AssetOutcome, JobLog};
use crate::job::{EmailSetting, MailContent, Verdict};

pub(super) mod page;
mod retry;

use page::cut;
pub use page::grouped;
pub(super) use page::{Page, columns, count, number, padded};
pub use retry::{RETRY_OF, retry_manifest};

/// So many failures or warnings are written out; the rest is counted.
pub(super) const MOST_LISTED: usize = 50;
/// So few failures stand before the counts.
const FEW: u64 = 3;
/// A subject gives at most so many characters of a cause.
const MOST_CAUSE: usize = 120;
/// Columns of what counts are of, at least.
const LABEL: usize = 40;
/// Columns of what places and facts are, at least.
const SHORT_LABEL: usize = 9;

/// Writes the subject of a run's mail.
#[must_use]
pub fn subject(log: &JobLog) -> String {
    format!("[exportd] {}: {}", shown(&log.about.job_name), outcome(log, Language::of(log)))
}

/// Writes how a run ended, in a few words: the subject without its head.
#[must_use]
pub fn outcome(log: &JobLog, language: Language) -> String {
    let counts = log.counts();
    let (done, failed) = (counts.file_success_count, counts.file_error_count);
    let total = counts.total_file_count;
    language.say(match log.verdict() {
        Verdict::Clean => Say::OutcomeClean { files: done },
        Verdict::Warnings => Say::OutcomeWarnings { files: done, warnings: warnings(log) },
        Verdict::Partial => Say::OutcomePartial { failed, total },
        Verdict::Failed => Say::OutcomeFailed { failed },
        Verdict::Fatal | Verdict::Refused => {
            let cause = &cut(&language.cause(cause(log)), MOST_CAUSE);
            return language.say(Say::OutcomeNothing { cause });
        }
        Verdict::Stopped => Say::OutcomeStopped { done, total },
    })
}

/// Says of a run what a digest needs: how it ended, why, and what to do. Digests are in English.
#[must_use]
pub fn gist(log: &JobLog) -> Gist {
    let language = Language::English;
    let (cause, todo) = match log.verdict() {
        Verdict::Clean | Verdict::Warnings | Verdict::Stopped => (String::new(), String::new()),
        Verdict::Partial | Verdict::Failed => {
            let mut causes: Vec<String> =
                failed(log).map(|(_, fault)| language.cause(fault)).collect();
            causes.sort_unstable();
            causes.dedup();
            let todo = match steps(log, language).as_slice() {
                [step] => language.sentence(step),
                _ => "Each run's report says what to do.".into(),
            };
            (cut(&causes.join("; "), 2 * MOST_CAUSE), todo)
        }
        Verdict::Fatal | Verdict::Refused => {
            let fault = cause(log);
            let cause = cut(&language.cause(fault), 2 * MOST_CAUSE);
            (cause, language.sentence(&language.next_step(fault)))
        }
    };
    Gist {
        run: Some(log.run.clone()),
        verdict: Some(log.verdict()),
        outcome: outcome(log, language),
        cause,
        todo,
    }
}

/// Writes the text part of a run's mail.
#[must_use]
pub fn body(report: &Report<'_>, content: MailContent) -> String {
    letter(&Sheet::new(report, content).mailed(report.log))
}

/// Sets a sheet as the text part of a mail.
#[must_use]
pub fn letter(sheet: &Sheet) -> String {
    let mut page = Page::new(sheet.language);
    set(&mut page, sheet);
    page.finish()
}

/// Writes what `once` prints and `WHY-IT-FAILED.txt` holds: the mail without the reason for it.
#[must_use]
pub fn summary(report: &Report<'_>, language: Language) -> String {
    let mut page = Page::new(language);
    let job = shown(&report.log.about.job_name);
    page.paragraph(&format!("{job}: {}", outcome(report.log, language)));
    set(&mut page, &Sheet::in_language(report, MailContent::Lists, language));
    page.finish()
}

/// Writes `NAME.toml.FAILED.txt`, which lies in the drop folder in place of a refused manifest.
#[must_use]
pub fn beside_the_drop(report: &Report<'_>) -> String {
    let language = Language::of(report.log);
    let name = report.log.about.manifest_name.as_str();
    let mut page = Page::new(language);
    page.paragraph(&language.say(Say::NotTaken { name }));
    set(&mut page, &Sheet::new(report, MailContent::Lists));
    page.paragraph(&language.say(Say::NoteGoes { name }));
    page.finish()
}

/// Sets what a sheet says as lines.
fn set(page: &mut Page, sheet: &Sheet) {
    page.paragraph(&sheet.todo);
    if let Some(findings) = &sheet.findings {
        page.block(findings);
    }
    if let Some(then) = &sheet.then {
        failures(page, sheet);
        page.paragraph(then);
    }
    if !sheet.counts.is_empty() {
        page.heading(&sheet.words.result);
        let most = sheet.counts.iter().map(|row| columns(&row.label) + 1).max().unwrap_or(0);
        for Row { label, value, .. } in &sheet.counts {
            page.line(&format!("  {}{value:>10}", padded(label, most.max(LABEL))));
        }
        page.gap();
    }
    if sheet.then.is_none() {
        failures(page, sheet);
    }
    if !sheet.warnings.items.is_empty() {
        page.heading(&sheet.warnings.heading);
        for warning in &sheet.warnings.items {
            page.name("  - ", &warning.place);
            page.item("    ", &warning.what);
        }
        and_more(page, sheet.warnings.rest.as_ref());
    }
    page.heading(&sheet.words.place);
    let rows = sheet.places.iter().chain(&sheet.facts);
    let most = rows.map(|row| columns(&row.label) + 2).max().unwrap_or(0).max(SHORT_LABEL);
    for Row { label, value, .. } in &sheet.places {
        page.line(&format!("  {}{value}", padded(label, most)));
    }
    page.gap();
    for Row { label, value, key } in &sheet.facts {
        let label = format!("  {}", padded(label, most));
        if *key == Say::FactAbout.id() {
            page.item(&label, value);
        } else {
            page.line(&format!("{label}{value}"));
        }
    }
    page.gap();
    if let Some(why) = &sheet.why {
        page.paragraph(why);
    }
}

fn failures(page: &mut Page, sheet: &Sheet) {
    if sheet.failures.items.is_empty() {
        return;
    }
    page.heading(&sheet.failures.heading);
    for (n, failure) in sheet.failures.items.iter().enumerate() {
        page.name(&format!("{:>3}. ", n + 1), &failure.name);
        page.item("     ", &failure.cause);
        page.item("     ", &failure.advice);
    }
    and_more(page, sheet.failures.rest.as_ref());
}

fn and_more(page: &mut Page, rest: Option<&Rest>) {
    if let Some(rest) = rest {
        page.line(&rest.in_report);
    }
    page.gap();
}

/// The first paragraph.
pub(super) fn what_to_do(report: &Report<'_>, content: MailContent, language: Language) -> String {
    let log = report.log;
    let counts = log.counts();
    let (done, failed) = (counts.file_success_count, counts.file_error_count);
    let total = counts.total_file_count;
    let say = |message: Say<'_>| language.say(message);
    let mut said = match log.verdict() {
        Verdict::Clean => vec![say(Say::TodoClean { files: done })],
        Verdict::Warnings => {
            let warnings = warnings(log);
            let look = if content == MailContent::Lists {
                Say::LookBelow { warnings }
            } else {
                Say::LookInReport { warnings }
            };
            vec![say(Say::FilesReady { files: done }), say(look)]
        }
        Verdict::Partial => vec![say(Say::TodoPartial { failed, total })],
        Verdict::Failed => vec![say(Say::NothingExported)],
        Verdict::Fatal => {
            let fault = cause(log);
            let after: &[Say<'_>] = match fault.remedy() {
                // Its step says both.
                _ if matches!(fault, Fault::Poison { .. }) => &[],
                Remedy::Operator if fault.is_of_the_surroundings() => {
                    &[Say::ShowOperator, Say::DropAgain]
                }
                Remedy::Operator => &[Say::ShowOperator],
                Remedy::Submitter => &[Say::DropAgain],
            };
            let mut said =
                vec![language.nothing_because(fault), advice(&language.next_step(fault), language)];
            said.extend(after.iter().map(|message| say(*message)));
            said
        }
        Verdict::Refused => vec![refused(log, language)],
        Verdict::Stopped => {
            let rest = if log.is_kept() {
                Say::StoppedKept { run: &log.run }
            } else {
                Say::StoppedRest { rest: counts.file_cancel_count }
            };
            vec![say(Say::StoppedAfter { done, total }), say(rest)]
        }
    };
    if matches!(log.verdict(), Verdict::Partial | Verdict::Failed) {
        said.extend(mend_and_retry(report, content, language));
    }
    language.join(&said)
}

/// Says a step where it stands alone.
pub(super) fn advice(step: &str, language: Language) -> String {
    language.say(Say::Step { step: &language.sentence(step) })
}

fn refused(log: &JobLog, language: Language) -> String {
    let errors = log.findings.iter().filter(|finding| finding.is_error()).count();
    let name = log.about.manifest_name.as_str();
    match errors {
        0 => {
            let cause = &language.cause(cause(log));
            language.say(Say::RefusedIn { name, cause })
        }
        1 => language.say(Say::RefusedOne { name }),
        _ => language.say(Say::RefusedMany { name, mistakes: number(errors) }),
    }
}

/// Tells whether what failed is so little that it is the first that is said.
pub(super) fn leads(log: &JobLog, content: MailContent) -> bool {
    let lists = matches!(content, MailContent::ErrorList | MailContent::Lists);
    let ended = matches!(log.verdict(), Verdict::Partial | Verdict::Failed);
    lists && ended && (1..=FEW).contains(&log.counts().file_error_count)
}

/// How to come from failed assets to good ones.
fn mend_and_retry(report: &Report<'_>, content: MailContent, language: Language) -> Vec<String> {
    if leads(report.log, content) {
        // Each stands below with its own, and then the rest.
        return Vec::new();
    }
    let first = match steps(report.log, language).as_slice() {
        [step] => advice(step, language),
        _ if content == MailContent::Counts => language.say(Say::SeeReport),
        _ => language.say(Say::CorrectBelow),
    };
    vec![first, again(report, language)]
}

/// What is to be done about all that failed, each step once.
fn steps(log: &JobLog, language: Language) -> Vec<String> {
    let mut steps: Vec<String> = failed(log).map(|(_, fault)| language.next_step(fault)).collect();
    steps.sort_unstable();
    steps.dedup();
    steps
}

/// What to do when everything that failed is mended.
pub(super) fn again(report: &Report<'_>, language: Language) -> String {
    language.say(if report.has_retry() {
        Say::CopyRetry { files: report.log.counts().file_error_count }
    } else {
        Say::DropAgain
    })
}

/// Says why a run was mailed about, and how to have it otherwise.
pub(super) fn why_this_mail(log: &JobLog, language: Language) -> String {
    let name = log.about.manifest_name.as_str();
    let unknown = log.findings.iter().any(|finding| finding.code == Code::UnknownUser);
    let named = log.about.user_handle.as_ref().filter(|_| !unknown);
    let why = match log.about.email_setting {
        None => Say::WhyUnread { name },
        Some(EmailSetting::All) => Say::WhyAll { name },
        Some(EmailSetting::JobCompletion) => Say::WhyCompletion { name },
        Some(EmailSetting::ErrorAndWarning) => Say::WhyErrorAndWarning { name },
        Some(EmailSetting::Error) => Say::WhyError { name },
        Some(EmailSetting::None) => Say::WhyNone { name },
    };
    let to_you = named.map_or(Say::WhyOwner, |user| Say::WhyUser { user });
    language.join(&[language.say(why), language.say(to_you)])
}

/// Says why a run as a whole came to nothing.
pub(super) fn cause(log: &JobLog) -> &Fault {
    log.fatal.as_ref().unwrap_or(&Fault::NothingExportable)
}

/// Places a finding for a reader: `spring.toml, line 3`.
pub(super) fn finding_place(log: &JobLog, finding: &Diagnostic, language: Language) -> String {
    let (line, _) = position(&log.manifest, finding.span.start);
    let file = log.about.manifest_name.as_str();
    language.say(Say::FindingPlace { file, line: &line.to_string() })
}

pub(super) fn failed(log: &JobLog) -> impl Iterator<Item = (&AssetEntry, &Fault)> {
    log.assets.iter().filter_map(|asset| match &asset.outcome {
        AssetOutcome::Failed { fault } => Some((asset, fault)),
        _ => None,
    })
}

fn warnings(log: &JobLog) -> u64 {
    number(log.warnings())
}

#[cfg(test)]
mod tests;
