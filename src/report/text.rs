//! The words of a report, in English: subject, body, and the text files that people find.
//!
//! The reader is somebody in a studio who wants to know three things: is it done, do I have to do
//! anything, where are the files. So what to do comes first, and the same order holds in every
//! text: what to do, the counts, what failed and why, what else is worth knowing, where the files
//! are, why this mail came. Whatever comes from outside (names, messages, the manifest) passes
//! through [`shown`], so that it can neither begin a line nor turn its reading direction.

use super::sheet::{Row, Sheet};
use super::{Gist, Report};
use crate::diag::{Code, Diagnostic, Fault, Remedy, position, shown};
use crate::job::log::{AssetEntry, AssetOutcome, JobLog};
use crate::job::{EmailSetting, MailContent, Verdict};

pub(super) mod page;
mod retry;

pub use page::grouped;
pub(super) use page::{Page, count, number};
use page::{cut, sentence};
use retry::level_word;
pub use retry::{RETRY_OF, retry_manifest};

/// So many failures or warnings are written out; the rest is counted.
pub(super) const MOST_LISTED: usize = 50;
/// So few failures stand before the counts.
const FEW: u64 = 3;
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
    letter(&Sheet::new(report, content).mailed(report.log))
}

/// Sets a sheet as the text part of a mail.
#[must_use]
pub fn letter(sheet: &Sheet) -> String {
    let mut page = Page::default();
    set(&mut page, sheet);
    page.finish()
}

/// Writes what `once` prints and `WHY-IT-FAILED.txt` holds: the mail without the reason for it.
#[must_use]
pub fn summary(report: &Report<'_>) -> String {
    let mut page = Page::default();
    page.paragraph(&format!("{}: {}", shown(&report.log.about.job_name), outcome(report.log)));
    set(&mut page, &Sheet::new(report, MailContent::Lists));
    page.finish()
}

/// Writes `NAME.toml.FAILED.txt`, which lies in the drop folder in place of a refused manifest.
#[must_use]
pub fn beside_the_drop(report: &Report<'_>) -> String {
    let name = shown(&report.log.about.manifest_name);
    let mut page = Page::default();
    page.paragraph(&format!("{name} was not taken."));
    set(&mut page, &Sheet::new(report, MailContent::Lists));
    page.paragraph(&format!(
        "This note goes away by itself as soon as a {name} is dropped that can be taken."
    ));
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
        page.heading("Result");
        for Row { label, value } in &sheet.counts {
            page.line(&format!("  {label:<40}{value:>10}"));
        }
        page.gap();
    }
    if sheet.then.is_none() {
        failures(page, sheet);
    }
    if !sheet.warnings.items.is_empty() {
        page.heading(&format!("Warnings ({})", sheet.warnings.total));
        for warning in &sheet.warnings.items {
            page.item("  - ", &warning.place);
            page.item("    ", &warning.what);
        }
        and_more(page, sheet.warnings.more.as_deref());
    }
    page.heading("Where");
    for Row { label, value } in &sheet.places {
        page.line(&format!("  {label:<9}{value}"));
    }
    page.gap();
    for Row { label, value } in &sheet.facts {
        match *label {
            "About" => page.item("  About    ", value),
            _ => page.line(&format!("  {label:<9}{value}")),
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
    page.heading(&format!("Failed ({})", sheet.failures.total));
    for (n, failure) in sheet.failures.items.iter().enumerate() {
        page.item(&format!("{:>3}. ", n + 1), &failure.name);
        page.item("     ", &failure.cause);
        page.item("     What to do: ", &failure.todo);
    }
    and_more(page, sheet.failures.more.as_deref());
}

fn and_more(page: &mut Page, more: Option<&str>) {
    if let Some(more) = more {
        page.line(&format!("and {more} more, see report.json"));
    }
    page.gap();
}

/// The first paragraph.
pub(super) fn what_to_do(report: &Report<'_>, content: MailContent) -> String {
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
                "{} of {} {need} you; the others are ready.{}",
                grouped(failed),
                grouped(counts.total_file_count),
                mend_and_retry(report, content)
            )
        }
        Verdict::Failed => {
            format!("Nothing was exported.{}", mend_and_retry(report, content))
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

/// Tells whether what failed is so little that it is the first that is said.
pub(super) fn leads(log: &JobLog, content: MailContent) -> bool {
    let lists = matches!(content, MailContent::ErrorList | MailContent::Lists);
    let ended = matches!(log.verdict(), Verdict::Partial | Verdict::Failed);
    lists && ended && (1..=FEW).contains(&log.counts().file_error_count)
}

/// How to come from failed assets to good ones.
fn mend_and_retry(report: &Report<'_>, content: MailContent) -> String {
    if leads(report.log, content) {
        // Each stands below with its own, and then the rest.
        return String::new();
    }
    let mut steps: Vec<String> = failed(report.log).map(|(_, fault)| fault.next_step()).collect();
    steps.sort_unstable();
    steps.dedup();
    let first = match steps.as_slice() {
        [step] => format!("What to do: {}", sentence(step)),
        _ if content == MailContent::Counts => {
            "report.json in the report folder says what is wrong with each.".into()
        }
        _ => "Correct what is listed below.".into(),
    };
    format!(" {first} {}", again(report))
}

/// What to do when everything that failed is mended.
pub(super) fn again(report: &Report<'_>) -> String {
    if !report.has_retry() {
        return "Then drop the manifest again.".into();
    }
    let several = report.log.counts().file_error_count > 1;
    let these = if several { "exactly these files" } else { "exactly this file" };
    format!(
        "Then copy retry-failed.toml from the report folder into the drop folder: it asks for {these} again."
    )
}

/// Says why a run was mailed about, and how to have it otherwise.
pub(super) fn why_this_mail(log: &JobLog) -> String {
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
        return format!(
            "You get this mail because {name} could not be read far enough to see whether mail \
             is wanted (emailSetting). {to_you}"
        );
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
    format!(
        "You get this mail because {name} says emailSetting = \"{word}\": {meaning}. {change} \
         {to_you}"
    )
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
