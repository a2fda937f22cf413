//! The manifest that asks again for what failed.

use std::collections::HashSet;

use super::failed;
use crate::diag::shown;
use crate::job::{EmailSetting, Fmt};
use crate::report::{Report, RetryRendition};

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Verdict;
    use crate::report::samples;

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
}
