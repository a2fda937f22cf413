//! What machines that watch machines read: a file in the text format of Prometheus.
//!
//! It is meant for the textfile collector of a node exporter and is replaced whole, at most every
//! [`PAUSE`], by a rename. Counters begin at zero with each start of the daemon, as counters may.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::space::Room;
use crate::config::Folders;
use crate::job::Verdict;
use crate::job::log::Counts;

/// How often it is written.
pub(super) const PAUSE: Duration = Duration::from_secs(15);

/// What is counted as runs end.
#[derive(Debug)]
pub(super) struct Metrics {
    begun: Timestamp,
    ended: Mutex<Ended>,
}

#[derive(Debug, Default)]
struct Ended {
    runs: BTreeMap<&'static str, u64>,
    files: Counts,
    last: Option<Timestamp>,
}

/// How things are when it is written.
#[derive(Debug)]
pub(super) struct Standing<'s> {
    pub(super) now: Timestamp,
    /// Jobs by what they do.
    pub(super) jobs: [(&'static str, usize); 4],
    /// Whether mail leaves.
    pub(super) relay: bool,
    /// Whether the webhook is reached, where there is one.
    pub(super) webhook: Option<bool>,
    pub(super) folders: &'s Folders,
}

impl Metrics {
    pub(super) fn new(begun: Timestamp) -> Self {
        Self { begun, ended: Mutex::default() }
    }

    /// Counts a run that is over.
    pub(super) fn count(&self, verdict: Verdict, counts: &Counts, end: Timestamp) {
        let mut ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        *ended.runs.entry(verdict.word()).or_default() += 1;
        ended.files.file_success_count += counts.file_success_count;
        ended.files.file_error_count += counts.file_error_count;
        ended.files.file_warning_count += counts.file_warning_count;
        ended.files.file_cancel_count += counts.file_cancel_count;
        ended.last = Some(end);
    }

    /// Writes the file.
    pub(super) fn write(&self, path: &Path, standing: &Standing<'_>) -> std::io::Result<()> {
        crate::fs::write_swiftly(path, self.text(standing).as_bytes(), 0o644)
    }

    fn text(&self, standing: &Standing<'_>) -> String {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let mut page = Page::default();
        page.family("exportd_build_info", Kind::Gauge, "The program, as a label; always 1.");
        page.sample("exportd_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1);
        page.one("exportd_start_time_seconds", "When the daemon started.", seconds(self.begun));
        page.one("exportd_written_time_seconds", "When this was written.", seconds(standing.now));
        page.family("exportd_runs_total", Kind::Counter, "Runs that are over, by their verdict.");
        for verdict in Verdict::ALL.map(Verdict::word) {
            let count = ended.runs.get(verdict).copied().unwrap_or_default();
            page.sample("exportd_runs_total", &[("verdict", verdict)], count);
        }
        page.family("exportd_files_total", Kind::Counter, "Listed files of runs that are over.");
        let Counts { file_success_count, file_error_count, file_warning_count, .. } = ended.files;
        for (outcome, count) in [
            ("exported", file_success_count),
            ("failed", file_error_count),
            ("left_out", file_warning_count),
            ("cancelled", ended.files.file_cancel_count),
        ] {
            page.sample("exportd_files_total", &[("outcome", outcome)], count);
        }
        if let Some(last) = ended.last {
            page.one("exportd_last_run_time_seconds", "When the last run ended.", seconds(last));
        }
        page.family("exportd_jobs", Kind::Gauge, "Jobs that are not over, by what they do.");
        for (state, count) in standing.jobs {
            page.sample("exportd_jobs", &[("state", state)], count);
        }
        page.one("exportd_mail_leaves", "Whether mail leaves: 1, or 0.", u8::from(standing.relay));
        if let Some(reached) = standing.webhook {
            let about = "Whether the webhook takes calls: 1, or 0.";
            page.one("exportd_webhook_reached", about, u8::from(reached));
        }
        page.family("exportd_folder_free_bytes", Kind::Gauge, "Room on the disk of a folder.");
        let Folders { drop, assets: _, catalogs: _, out, reports, spool, mail } = standing.folders;
        for (name, path) in
            [("drop", drop), ("out", out), ("reports", reports), ("spool", spool), ("mail", mail)]
        {
            let free = Room::left(path).bytes;
            page.sample("exportd_folder_free_bytes", &[("folder", name)], free);
        }
        page.text
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

/// The text as it grows.
#[derive(Default)]
struct Page {
    text: String,
}

impl Page {
    fn family(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// Adds a sample; labels are ours and need no escaping.
    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl fmt::Display) {
        let labels: Vec<String> =
            labels.iter().map(|(key, of)| format!("{key}=\"{of}\"")).collect();
        let _ = writeln!(self.text, "{name}{{{}}} {value}", labels.join(","));
    }

    /// Adds a gauge that has one sample.
    fn one(&mut self, name: &str, help: &str, value: impl fmt::Display) {
        self.family(name, Kind::Gauge, help);
        let _ = writeln!(self.text, "{name} {value}");
    }
}

fn seconds(at: Timestamp) -> String {
    let ms = at.as_millisecond();
    format!("{}.{:03}", ms / 1000, ms % 1000)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    #[test]
    fn the_page_is_what_prometheus_reads() {
        let start: Timestamp = "2026-12-01T05:00:00Z".parse().unwrap();
        let metrics = Metrics::new(start);
        let counts = Counts {
            total_file_count: 10,
            file_success_count: 7,
            file_error_count: 2,
            file_warning_count: 1,
            ..Counts::NONE
        };
        metrics.count(Verdict::Partial, &counts, start + Duration::from_millis(1500));
        metrics.count(Verdict::Partial, &counts, start + Duration::from_millis(2500));
        let here = || PathBuf::from("/");
        let folders = Folders {
            drop: here(),
            assets: vec![here()],
            catalogs: None,
            out: here(),
            reports: here(),
            spool: here(),
            mail: PathBuf::from("/nowhere"),
        };
        let standing = Standing {
            now: start + Duration::from_secs(60),
            jobs: [("running", 1), ("waiting", 2), ("scheduled", 3), ("resting", 4)],
            relay: true,
            webhook: Some(false),
            folders: &folders,
        };
        let text = metrics.text(&standing);
        for line in [
            "# TYPE exportd_runs_total counter",
            "exportd_runs_total{verdict=\"partial\"} 2",
            "exportd_runs_total{verdict=\"clean\"} 0",
            "exportd_files_total{outcome=\"exported\"} 14",
            "exportd_files_total{outcome=\"failed\"} 4",
            "exportd_start_time_seconds 1796101200.000",
            "exportd_last_run_time_seconds 1796101202.500",
            "exportd_jobs{state=\"resting\"} 4",
            "exportd_mail_leaves 1",
            "exportd_webhook_reached 0",
            "exportd_folder_free_bytes{folder=\"mail\"} 0",
        ] {
            assert!(text.lines().any(|have| have == line), "{line}\n{text}");
        }
        // Every sample belongs to the family above it, and each family comes once.
        let mut family = "";
        let mut seen = std::collections::BTreeSet::new();
        for line in text.lines() {
            if let Some(named) = line.strip_prefix("# HELP ") {
                family = named.split(' ').next().unwrap();
                assert!(seen.insert(family), "{family} comes twice");
            } else if !line.starts_with('#') {
                let (name, value) = line.rsplit_once(' ').unwrap();
                assert_eq!(name.split('{').next(), Some(family));
                assert!(value.parse::<f64>().is_ok(), "{line}");
            }
        }
    }
}
