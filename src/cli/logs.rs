//! `logs`: what happened in a run, or which runs there were.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Args, ValueEnum};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Deserialize;

use super::progress::words;
use super::{Exit, Places, complain, print, say};
use crate::config::Settings;
use crate::job::Verdict;
use crate::report::folder::{ReportFolder, runs};

#[derive(Debug, Args)]
pub(super) struct LogsArgs {
    /// The run, or the name of its job for the newest run of that; without it the newest runs are listed
    run: Option<String>,
    /// Print the whole report as JSON, or the status of a run that has not finished
    #[arg(long, requires = "run")]
    json: bool,
    /// Show only records of this kind
    #[arg(long, value_name = "KIND", requires = "run")]
    only: Option<Only>,
    /// How many runs to list
    #[arg(long, value_name = "N", default_value_t = 20, conflicts_with = "run")]
    last: usize,
}

/// What is shown of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    /// What failed
    Errors,
    /// What was left out, or delivered with a warning
    Warnings,
}

/// What is read of `report.json`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Log {
    start_date: Timestamp,
    end_date: Timestamp,
    details: Vec<Record>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    asset_handle: Option<String>,
    rendition: Option<String>,
    log_type: String,
    log_message: String,
    output: Option<String>,
}

impl Only {
    fn keeps(self, record: &Record) -> bool {
        match self {
            Self::Errors => matches!(record.log_type.as_str(), "ExportError" | "FatalError"),
            Self::Warnings => record.log_type == "ExportWarning",
        }
    }
}

pub(super) fn logs(places: &Places, args: &LogsArgs) -> Result<Exit, Exit> {
    let settings = places.settings()?.settings;
    let Some(name) = &args.run else {
        return Ok(list(&settings, args.last));
    };
    let run = find_run(&settings, name)?;
    let folder = settings.folders.reports.join(&run);
    let read = |name: &str| std::fs::read(folder.join(name));
    let Ok(report) = read("report.json") else {
        let Ok(status) = read("status.json") else {
            complain(&format!("{run} has not begun"));
            return Err(Exit::Absent);
        };
        if args.json {
            print(&String::from_utf8_lossy(&status));
        } else {
            say(&format!("{run} has not finished; its log appears when it has"));
            if let Some((progress, counts)) = ReportFolder::open(folder.clone()).progress() {
                print(&format!("{:.0} %  {}\n", progress * 100.0, words(&counts)));
            }
        }
        return Ok(Exit::Well);
    };
    if args.json {
        print(&String::from_utf8_lossy(&report));
        return Ok(Exit::Well);
    }
    let log: Log = serde_json::from_slice(&report).map_err(|error| {
        complain(&format!("{}: {error}", folder.join("report.json").display()));
        Exit::Failed
    })?;
    print(&log.text(args.only));
    Ok(Exit::Well)
}

impl Log {
    fn text(&self, only: Option<Only>) -> String {
        let mut out = String::new();
        for record in &self.details {
            if only.is_some_and(|only| !only.keeps(record)) {
                continue;
            }
            let at = match record.log_type.as_str() {
                "BeginExport" => Some(self.start_date),
                "EndExport" => Some(self.end_date),
                _ => None,
            };
            let _ = write!(out, "{:<16}", record.log_type);
            if let Some(at) = at {
                let _ = write!(out, "  {}", clock(at));
            }
            if let Some(handle) = &record.asset_handle {
                let _ = write!(out, "  {}", crate::diag::shown(handle));
            }
            if let Some(rendition) = &record.rendition {
                let _ = write!(out, " [{rendition}]");
            }
            if let Some(output) = &record.output {
                let _ = write!(out, " -> {}", crate::diag::shown(output));
            }
            if !record.log_message.is_empty() {
                let _ = write!(out, "  {}", record.log_message);
            }
            out.push('\n');
        }
        out
    }
}

/// Lists the newest runs, the last one last.
fn list(settings: &Settings, most: usize) -> Exit {
    let reports = &settings.folders.reports;
    let mut begun: Vec<(std::time::SystemTime, String)> = runs(reports)
        .into_iter()
        .filter_map(|run| {
            let manifest = reports.join(&run).join("manifest.toml");
            Some((manifest.metadata().ok()?.modified().ok()?, run))
        })
        .collect();
    begun.sort();
    for (_, run) in begun.iter().rev().take(most).rev() {
        let folder = ReportFolder::open(reports.join(run));
        let verdict = crate::report::folder::verdict(folder.path());
        let word = verdict.map_or("not over", Verdict::word);
        let counts = folder.progress().map(|(_, counts)| counts);
        match counts.filter(|counts| counts.total_file_count > 0) {
            Some(counts) => print(&format!("{run}  {word}  {}\n", words(&counts))),
            None => print(&format!("{run}  {word}\n")),
        }
    }
    if begun.is_empty() {
        say(&format!("no run has a report in {}", reports.display()));
    }
    Exit::Well
}

/// Finds a run by its name, or the newest one of a job of that name.
pub(super) fn find_run(settings: &Settings, name: &str) -> Result<String, Exit> {
    let known = runs(&settings.folders.reports);
    if known.iter().any(|run| run == name) {
        return Ok(name.to_owned());
    }
    let job = name.strip_suffix(".toml").unwrap_or(name).replace(' ', "-");
    let of_job = known.iter().filter(|run| is_run_of(run, &job));
    // A name ends in its time, so the last in order is the newest.
    of_job.max_by_key(|run| order(run, &job)).cloned().ok_or_else(|| {
        let path: &Path = &settings.folders.reports;
        complain(&format!("there is no run {name} in {}", path.display()));
        Exit::Absent
    })
}

/// Tells whether a run is `JOB_<YYYY-MM-DD-HH-MM-SS>`, perhaps with a number behind it.
fn is_run_of(run: &str, job: &str) -> bool {
    run.strip_prefix(job).and_then(|rest| rest.strip_prefix('_')).is_some_and(|time| {
        let mut parts = time.split('-');
        let lengths = [4, 2, 2, 2, 2, 2];
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        lengths.iter().all(|&length| parts.next().is_some_and(|p| p.len() == length && digits(p)))
            && parts.next().is_none_or(digits)
            && parts.next().is_none()
    })
}

/// What puts the runs of a job in order: the time, then the number behind it.
fn order(run: &str, job: &str) -> (String, u32) {
    let rest = &run[job.len() + 1..];
    let (time, number) = rest.split_at(19);
    (time.to_owned(), number.trim_start_matches('-').parse().unwrap_or(1))
}

fn clock(at: Timestamp) -> String {
    at.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_name_means_its_newest_run_and_no_other_job() {
        let runs = [
            "tops_2026-12-01-06-00-00",
            "tops_2026-12-01-06-00-00-10",
            "tops_2026-12-01-06-00-00-9",
            "tops_2025-12-31-23-59-59",
            "tops_2_2027-01-01-00-00-00",
            "tops_2027-01-01",
            "spring-tops_2027-01-01-00-00-00",
        ];
        let of_job: Vec<_> = runs.iter().filter(|run| is_run_of(run, "tops")).collect();
        assert_eq!(of_job.len(), 4);
        let newest = of_job.iter().max_by_key(|run| order(run, "tops"));
        assert_eq!(newest, Some(&&"tops_2026-12-01-06-00-00-10"));
    }
}
