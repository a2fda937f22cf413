//! What is posted.

use std::io;

use jiff::Timestamp;
use serde::Serialize;

use super::super::locale::Language;
use super::super::{Report, text};
use crate::diag::{Diagnostic, shown};
use crate::job::Verdict;
use crate::job::log::Counts;

/// So many failures are told; the report has all.
const MOST_FAILURES: usize = 20;
/// So many bytes of a sentence or a name; the whole is then below 100 KiB.
const MOST_WORDS: usize = 500;

#[derive(Serialize)]
struct Event<T> {
    r#type: &'static str,
    timestamp: Timestamp,
    data: T,
}

/// What came of a run. The names are those of `report.json`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    job_handle: &'a str,
    job_name: &'a str,
    run: &'a str,
    manifest: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_handle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_of: Option<&'a str>,
    /// How often it went on after it was stopped.
    #[serde(skip_serializing_if = "is_zero")]
    resumed: u32,
    start_date: Timestamp,
    end_date: Timestamp,
    verdict: Verdict,
    /// The subject of its mail.
    subject: String,
    #[serde(flatten)]
    counts: Counts,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_folder: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_share: Option<String>,
    report_folder: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    report_share: Option<String>,
    failures: Vec<Failure>,
    /// How many are not told here.
    failures_left_out: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
const fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// Something that failed, in the language of the run.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Failure {
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_handle: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rendition: Option<String>,
    /// Where in the manifest.
    #[serde(skip_serializing_if = "Option::is_none")]
    place: Option<String>,
    cause: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    next_step: String,
}

/// Writes the document about a run that is over.
pub(super) fn of_run(report: &Report<'_>) -> io::Result<String> {
    let log = report.log;
    let about = &log.about;
    let path = |path: &std::path::Path| path.to_string_lossy().into_owned();
    let (output, folder) = (report.places.output(log), report.places.report(log));
    let mut failures = failures(report);
    let failures_left_out = failures.len().saturating_sub(MOST_FAILURES);
    failures.truncate(MOST_FAILURES);
    let data = Run {
        job_handle: &log.job_handle,
        job_name: &about.job_name,
        run: &log.run,
        manifest: &about.manifest_name,
        description: about.description.as_deref().map(cut),
        client_id: about.client_id.as_deref().map(cut),
        user_handle: about.user_handle.as_deref().map(cut),
        retry_of: about.retry_of.as_deref(),
        resumed: log.resumed,
        start_date: log.start,
        end_date: log.end,
        verdict: log.verdict(),
        subject: text::subject(log),
        counts: log.counts(),
        output_share: output.as_deref().and_then(|output| report.places.share(output)),
        output_folder: output.as_deref().map(path),
        report_share: report.places.share(&folder),
        report_folder: path(&folder),
        failures,
        failures_left_out,
    };
    Ok(serde_json::to_string(&Event { r#type: "run.ended", timestamp: log.end, data })?)
}

/// Writes a document that tests the way to its receiver.
pub(super) fn of_test(now: Timestamp) -> String {
    format!(r#"{{"type":"test","timestamp":"{now}","data":{{}}}}"#)
}

/// Makes words of others fit to be shown, and short enough.
fn cut(words: &str) -> String {
    let shown = shown(words);
    shown[..shown.floor_char_boundary(MOST_WORDS)].to_owned()
}

/// Gathers what failed: assets, or what made a manifest be refused, or what ended the run.
fn failures(report: &Report<'_>) -> Vec<Failure> {
    let log = report.log;
    let language = Language::of(log);
    let of_assets = text::failed(log).map(|(asset, fault)| Failure {
        asset_handle: Some(cut(&asset.handle)),
        rendition: asset.rendition.as_deref().map(cut),
        place: None,
        cause: cut(&language.cause(fault)),
        next_step: cut(&language.next_step(fault)),
    });
    let errors = log.findings.iter().filter(|finding| finding.is_error());
    let of_manifest = errors.map(|finding: &Diagnostic| Failure {
        asset_handle: None,
        rendition: None,
        place: Some(cut(&text::finding_place(log, finding, language))),
        cause: cut(&language.phrase(&finding.message)),
        next_step: finding
            .help
            .as_ref()
            .map(|help| cut(&language.phrase(help)))
            .unwrap_or_default(),
    });
    let mut out: Vec<Failure> = of_manifest.chain(of_assets).collect();
    if out.is_empty() && matches!(log.verdict(), Verdict::Fatal | Verdict::Refused) {
        let fault = text::cause(log);
        out.push(Failure {
            asset_handle: None,
            rendition: None,
            place: None,
            cause: cut(&language.cause(fault)),
            next_step: cut(&language.next_step(fault)),
        });
    }
    out
}
