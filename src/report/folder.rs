//! The folder `reports/RUN/`, which people open when they want to know more than a mail says.
//!
//! | file | when |
//! |---|---|
//! | `manifest.toml` | from the beginning, as received |
//! | `SHA256SUMS` | of a run that went into a destination |
//! | `thumbnails/` | small pictures, as they are made |
//! | `status.json` | while the run goes on; replaced whole, removed at the end |
//! | `WHY-IT-FAILED.txt` | failed, fatal, refused |
//! | `retry-failed.toml` | some assets failed |
//! | `report.csv` | at the end |
//! | `report.html` | of a run that takes its time, showing how far it is; in the end the whole |
//! | `report.json` | last, by one rename: who sees it may rely on the run being over |
//!
//! A crash leaves a folder without `report.json`; the run is then taken up again and writes the
//! same files over. Once `report.json` is there it stays as it is: it has been read. Only a run that
//! was stopped, and that somebody lets go on, is not over any more ([`ReportFolder::reopen`]).

use std::io::{self, Write};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, Zoned};
use serde::{Deserialize, Serialize};

use super::html::Broken;
use super::locale::{Language, Say};
use super::page::Front;
use super::sheet::Doing;
use super::thumbnails::{self, Thumbnails};
use super::{Report, csv, html, text};
use crate::diag::{Diagnostic, position, shown};
use crate::fs::{
    ContentHash, RelPath, publish, remove_durable, remove_temporaries, sync_dir, write_ahead_by,
    write_atomic, write_atomic_by, write_swiftly,
};
use crate::imaging::thumbnail::Thumbnail;
use crate::job::Verdict;
use crate::job::log::{AssetEntry, AssetOutcome, Change, Counts, Delivered, JobLog};
use crate::job::run::{Progress, Subject};
use crate::library::AssetType;

/// Everybody on the machine may read what is written for people.
const FILE_MODE: u32 = 0o644;
/// As [`FILE_MODE`], of folders.
const FOLDER_MODE: u32 = 0o755;

/// The active states of an IPS job that a run shows in `status.json`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ActiveState {
    /// Accepted, not begun.
    New,
    /// Waiting for assets that are not there yet, or for the person who paused or stopped it.
    WaitingClient,
    /// Waiting for its turn, or for space.
    WaitingCoordinator,
    /// At work.
    Running,
    /// Asked to stop.
    Stopping,
    /// Over.
    Done,
}

impl ActiveState {
    /// Returns its name in the public forms.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "New",
            Self::WaitingClient => "WaitingClient",
            Self::WaitingCoordinator => "WaitingCoordinator",
            Self::Running => "Running",
            Self::Stopping => "Stopping",
            Self::Done => "Done",
        }
    }
}

/// What a run waits for, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waiting {
    /// Assets that are not there yet.
    WaitingAssets,
    /// Room on a disk.
    WaitingSpace,
    /// A person, who has paused it.
    Paused,
    /// A person, who has stopped it: what is done is kept.
    Stopped,
}

/// One state of a run, as `status.json` shows it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Status<'a> {
    /// `j|<company>|<jobName>|<RUN>|<number>`.
    pub job_handle: &'a str,
    /// The run.
    pub run: &'a str,
    /// What it is doing.
    pub state: ActiveState,
    /// From 0 to 1.
    pub progress: f64,
    /// The counts so far.
    #[serde(flatten)]
    pub counts: Counts,
    /// When this was true.
    pub last_progress_update: Timestamp,
    /// What it waits for, while it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// When it goes on without what it waits for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_until: Option<Timestamp>,
}

/// The folder of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportFolder {
    path: PathBuf,
}

impl ReportFolder {
    /// Makes a folder that nobody has, named `wanted`, or `wanted-2`, `wanted-3` … when a folder of
    /// that name exists here or `is_free` says no. The name is its run's from then on.
    ///
    /// `id` is the job's: asked again by the same job, before its run has begun, it gives the same
    /// folder. The folder appears by a rename with the id in it, so there is never one that is
    /// nobody's.
    ///
    /// # Errors
    /// The system's; `InvalidInput` when the name cannot be one.
    pub fn claim(
        reports: &Path,
        wanted: &str,
        id: &str,
        is_free: &dyn Fn(&str) -> bool,
    ) -> io::Result<(RelPath, Self)> {
        let made = reports.join(format!(".exportd-{id}"));
        match std::fs::DirBuilder::new().mode(0o700).create(&made) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        write_atomic(&made.join(OWNER), id.as_bytes(), 0o600)?;
        rustix::fs::chmod(&made, rustix::fs::Mode::from_raw_mode(FOLDER_MODE))?;
        for n in 1_u32.. {
            let name = if n == 1 { wanted.to_owned() } else { format!("{wanted}-{n}") };
            let path = RelPath::parse(&name)
                .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
            let folder = Self::open(reports.join(&name));
            if std::fs::read(folder.path.join(OWNER)).is_ok_and(|owner| owner == id.as_bytes()) {
                std::fs::remove_dir_all(&made)?;
                // Renamed by an attempt of which nobody knows whether it came to the sync.
                sync_dir(reports)?;
                return Ok((path, folder));
            }
            if !is_free(&name) {
                continue;
            }
            match publish(&made, &folder.path) {
                Ok(()) => return Ok((path, folder)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::from(io::ErrorKind::AlreadyExists))
    }

    /// Takes up again a folder that was claimed.
    #[must_use]
    pub fn open(path: PathBuf) -> Self {
        Self { path }
    }

    /// Puts the manifest into it, as received, and clears what an interrupted attempt left. A
    /// folder that somebody removed meanwhile is made again.
    ///
    /// # Errors
    /// The system's.
    pub fn begin(&self, manifest: &[u8]) -> io::Result<()> {
        match std::fs::DirBuilder::new().mode(FOLDER_MODE).create(&self.path) {
            Ok(()) => {
                rustix::fs::chmod(&self.path, rustix::fs::Mode::from_raw_mode(FOLDER_MODE))?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        remove_temporaries(&self.path, |_| true)?;
        self.write("manifest.toml", manifest)
    }

    /// Takes back that the run is over: it goes on.
    ///
    /// # Errors
    /// The system's; calling again is harmless.
    pub fn reopen(&self) -> io::Result<()> {
        remove_durable(&self.path.join("report.json"))?;
        // May have nothing left to ask for in the end.
        remove_durable(&self.path.join(RETRY))
    }

    /// Writes in `status.json` that the run rests until a person lets it go on.
    ///
    /// # Errors
    /// The system's, and `NotFound` when the run shows no status.
    pub fn rest(&self) -> io::Result<()> {
        let path = self.path.join("status.json");
        let mut status: serde_json::Value = serde_json::from_slice(&std::fs::read(path)?)?;
        if let Some(status) = status.as_object_mut() {
            status.insert("state".into(), serde_json::to_value(ActiveState::WaitingClient)?);
            status.insert("waiting".into(), serde_json::to_value(Waiting::Paused)?);
            status.remove("waitingUntil");
        }
        self.write("status.json", &json(&status)?)
    }

    /// Writes the hashes of files that went into a destination.
    ///
    /// # Errors
    /// The system's.
    pub fn write_sums(&self, sums: &str) -> io::Result<()> {
        self.write("SHA256SUMS", sums.as_bytes())
    }

    /// Keeps a thumbnail. One that cannot be kept is worth no report.
    pub fn show(&self, subject: Subject<'_>, thumbnail: &Thumbnail) {
        if let Err(error) = thumbnails::keep(&self.path, subject, thumbnail) {
            tracing::debug!(run = %self.path.display(), %error, "a thumbnail was not kept");
        }
    }

    /// Returns its path.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Tells whether the run is over.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.path.join("report.json").exists()
    }

    /// Reads how far the run is, or was when it ended, and its counts.
    #[must_use]
    pub fn progress(&self) -> Option<(f64, Counts)> {
        #[derive(Deserialize)]
        struct Shown {
            #[serde(default)]
            progress: Option<f64>,
            #[serde(flatten)]
            counts: Counts,
        }
        let read = |name: &str| -> Option<Shown> {
            serde_json::from_slice(&std::fs::read(self.path.join(name)).ok()?).ok()
        };
        let Shown { progress, counts } = read("report.json").or_else(|| read("status.json"))?;
        Some((progress.unwrap_or_else(|| counts.share_done()), counts))
    }

    /// Replaces `status.json`. At most once a second is the caller's duty.
    ///
    /// # Errors
    /// The system's.
    pub fn write_status(&self, status: &Status<'_>) -> io::Result<()> {
        self.write("status.json", &json(status)?)
    }

    /// Writes everything that is left once the run is over, `report.json` last; does nothing when
    /// that is there already. Returns the template that the page could not be set by, if there is one.
    ///
    /// # Errors
    /// The system's; calling again is harmless.
    pub fn finish(&self, report: &Report<'_>) -> io::Result<Option<Broken>> {
        if self.is_finished() {
            // As far as somebody can see; an attempt before may not have come to the sync.
            return sync_dir(&self.path).map(|()| None);
        }
        let verdict = report.log.verdict();
        if matches!(verdict, Verdict::Failed | Verdict::Fatal | Verdict::Refused) {
            self.write(
                "WHY-IT-FAILED.txt",
                text::summary(report, Language::of(report.log)).as_bytes(),
            )?;
        }
        if let Some(manifest) = text::retry_manifest(report) {
            self.write(RETRY, manifest.as_bytes())?;
        }
        let thumbnails = Thumbnails::of(&self.path);
        thumbnails.clear(&report.log.assets);
        self.write_by("report.csv", |file| csv::write(report.log, file))?;
        let broken = self.write_page(report, &thumbnails)?;
        remove_durable(&self.path.join("status.json"))?;
        remove_durable(&self.path.join(OWNER))?;
        // Of many assets it is long: it is written as it is made.
        let path = self.path.join("report.json");
        write_atomic_by(&path, FILE_MODE, |file| report_json(report.log, file))?;
        Ok(broken)
    }

    /// Replaces `report.html` while the run goes on. At most every few seconds is the caller's duty.
    ///
    /// # Errors
    /// The system's.
    pub fn write_progress(
        &self,
        report: &Report<'_>,
        at: (&Progress, &Zoned),
        state: Doing,
    ) -> io::Result<()> {
        let front = Front::running(report, at, state);
        let mut page = Vec::new();
        html::progress(&front, report.templates(), &mut page)?;
        write_swiftly(&self.path.join(PAGE), &page, FILE_MODE)
    }

    /// Tells whether there is a `report.html`.
    #[must_use]
    pub fn has_page(&self) -> bool {
        self.path.join(PAGE).exists()
    }

    /// Writes `report.html`, by the template of whoever runs the daemon if that can be used.
    fn write_page(
        &self,
        report: &Report<'_>,
        thumbnails: &Thumbnails,
    ) -> io::Result<Option<Broken>> {
        let front = Front::over(report);
        let by = |folder: Option<&Path>| {
            self.write_by(PAGE, |file| html::page(&front, (report.log, thumbnails), folder, file))
        };
        let Some(folder) = report.templates() else { return by(None).map(|()| None) };
        match by(Some(folder)) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                by(None)?;
                Ok(Some(Broken { file: folder.join(PAGE), reason: error.to_string() }))
            }
            done => done.map(|()| None),
        }
    }

    /// Writes a file that `report.json` makes durable: its content is, its name when the folder is.
    fn write_by(
        &self,
        name: &str,
        fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        write_ahead_by(&self.path.join(name), FILE_MODE, fill)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        write_atomic(&self.path.join(name), bytes, FILE_MODE)
    }
}

fn json(value: &impl Serialize) -> io::Result<Vec<u8>> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// What asks for the failed assets again.
pub const RETRY: &str = "retry-failed.toml";

/// The page of a run.
const PAGE: &str = "report.html";

/// Says, in a folder whose run is not over, which job it is of.
const OWNER: &str = ".job";

/// Names the runs that have a report folder, sorted.
#[must_use]
pub fn runs(reports: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(reports).into_iter().flatten().flatten();
    let mut runs: Vec<String> =
        entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    runs.retain(|run| !run.starts_with('.'));
    runs.sort();
    runs
}

/// Returns how a run ended, from its `report.json`; `None` while it is not over.
#[must_use]
pub fn verdict(run: &Path) -> Option<Verdict> {
    #[derive(serde::Deserialize)]
    struct Ending {
        verdict: Verdict,
    }
    let ending: Ending =
        serde_json::from_slice(&std::fs::read(run.join("report.json")).ok()?).ok()?;
    Some(ending.verdict)
}

/// Writes `report.json`.
///
/// # Errors
/// Those of `to`.
pub fn report_json(log: &JobLog, to: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *to, &JsonReport::new(log))?;
    to.write_all(b"\n")
}

/// `report.json`; what has no meaning is absent.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonReport<'a> {
    job_handle: &'a str,
    job_name: &'a str,
    run: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_handle: Option<&'a str>,
    start_date: Timestamp,
    end_date: Timestamp,
    state: ActiveState,
    verdict: Verdict,
    #[serde(flatten)]
    counts: Counts,
    fatal_error: bool,
    details: Vec<Detail<'a>>,
}

/// The log types of the IPS API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
enum LogType {
    BeginExport,
    EndExport,
    ExportSuccess,
    ExportWarning,
    ExportError,
    FatalError,
    FileCancel,
    DuplicateSkipped,
    FileUpdated,
    TotalFileCount,
}

/// One record of `details`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Detail<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_handle: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asset_type: Option<AssetType>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rendition: Option<&'a str>,
    log_type: LogType,
    log_message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<ContentHash>,
}

impl<'a> JsonReport<'a> {
    fn new(log: &'a JobLog) -> Self {
        let verdict = log.verdict();
        Self {
            job_handle: &log.job_handle,
            job_name: &log.about.job_name,
            run: &log.run,
            description: log.about.description.as_deref(),
            client_id: log.about.client_id.as_deref(),
            user_handle: log.about.user_handle.as_deref(),
            start_date: log.start,
            end_date: log.end,
            state: ActiveState::Done,
            verdict,
            counts: log.counts(),
            fatal_error: matches!(verdict, Verdict::Fatal | Verdict::Refused),
            details: details(log, verdict),
        }
    }
}

/// The records in the order of the run: its beginning, the findings in the manifest, every asset
/// in the manifest's order, what ended it, its end.
fn details(log: &JobLog, verdict: Verdict) -> Vec<Detail<'_>> {
    let counts = log.counts();
    let language = Language::of(log);
    let mut out = vec![
        Detail::of_run(LogType::BeginExport, language.say(Say::LogBegan { run: &log.run })),
        Detail::of_run(LogType::TotalFileCount, counts.total_file_count.to_string()),
    ];
    for finding in log.findings.iter().filter(|finding| !finding.is_error()) {
        out.push(Detail::of_run(LogType::ExportWarning, finding_line(log, finding, language)));
    }
    for asset in &log.assets {
        asset_details(asset, language, &mut out);
    }
    match verdict {
        Verdict::Refused if log.findings.iter().any(Diagnostic::is_error) => {
            for finding in log.findings.iter().filter(|finding| finding.is_error()) {
                out.push(Detail::of_run(LogType::FatalError, finding_line(log, finding, language)));
            }
        }
        Verdict::Fatal | Verdict::Refused => {
            out.push(Detail::of_run(
                LogType::FatalError,
                language.cause_and_step(text::cause(log)),
            ));
        }
        Verdict::Clean
        | Verdict::Warnings
        | Verdict::Partial
        | Verdict::Failed
        | Verdict::Stopped => {}
    }
    out.push(Detail::of_run(LogType::EndExport, text::outcome(log, language)));
    out
}

fn asset_details<'a>(asset: &'a AssetEntry, language: Language, out: &mut Vec<Detail<'a>>) {
    match &asset.outcome {
        AssetOutcome::Copied { .. } | AssetOutcome::Converted { .. } => {
            for file in asset.outcome.files() {
                out.push(Detail::of_file(asset, file, language));
            }
            for warning in asset.outcome.warnings() {
                out.push(Detail::of_asset(asset, LogType::ExportWarning, language.phrase(warning)));
            }
        }
        AssetOutcome::NotExportable { reason } => {
            out.push(Detail::of_asset(asset, LogType::ExportWarning, language.phrase(reason)));
        }
        AssetOutcome::Failed { fault } => {
            out.push(Detail::of_asset(asset, LogType::ExportError, language.cause_and_step(fault)));
        }
        AssetOutcome::Cancelled => {
            let why = language.say(Say::LogCancelled);
            out.push(Detail::of_asset(asset, LogType::FileCancel, why));
        }
    }
}

fn finding_line(log: &JobLog, finding: &Diagnostic, language: Language) -> String {
    let (line, column) = position(&log.manifest, finding.span.start);
    let help = finding.help.as_ref().map(|help| format!("; {}", language.phrase(help)));
    let message = &format!(
        "{} ({}){}",
        language.phrase(&finding.message),
        finding.code,
        help.unwrap_or_default()
    );
    let (line, column) = (&line.to_string(), &column.to_string());
    shown(&language.say(Say::LogFinding { line, column, message }))
}

impl<'a> Detail<'a> {
    const fn of_run(log_type: LogType, log_message: String) -> Self {
        Self {
            asset_handle: None,
            asset_name: None,
            asset_type: None,
            rendition: None,
            log_type,
            log_message,
            source: None,
            output: None,
            bytes: None,
            width: None,
            height: None,
            sha256: None,
        }
    }

    fn of_asset(asset: &'a AssetEntry, log_type: LogType, log_message: String) -> Self {
        Self {
            asset_handle: Some(&asset.handle),
            asset_name: Some(&asset.name),
            asset_type: asset.asset_type,
            rendition: asset.rendition.as_deref(),
            source: asset.source.as_deref(),
            ..Self::of_run(log_type, log_message)
        }
    }

    fn of_file(asset: &'a AssetEntry, file: &'a Delivered, language: Language) -> Self {
        let (log_type, message) = match file.change {
            Change::New => (LogType::ExportSuccess, Say::LogExported),
            Change::Identical => (LogType::DuplicateSkipped, Say::LogIdentical),
            Change::Replaced => (LogType::FileUpdated, Say::LogReplaced),
        };
        Self {
            output: Some(file.output.as_str()),
            bytes: Some(file.bytes),
            width: file.width,
            height: file.height,
            sha256: Some(file.sha256),
            ..Self::of_asset(asset, log_type, language.say(message))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::report::samples;

    fn claim(reports: &Path, wanted: &str, id: &str) -> (RelPath, ReportFolder) {
        ReportFolder::claim(reports, wanted, id, &|name| name != "taken").unwrap()
    }

    #[test]
    fn a_name_is_given_once_and_again_to_the_same_job() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(claim(dir.path(), "run", "a").0.as_str(), "run");
        assert_eq!(claim(dir.path(), "run", "b").0.as_str(), "run-2");
        // After a crash before the name was journalled.
        assert_eq!(claim(dir.path(), "run", "a").0.as_str(), "run");
        // The outputs' folder has the name.
        assert_eq!(claim(dir.path(), "taken", "c").0.as_str(), "taken-2");
        assert_eq!(runs(dir.path()), ["run", "run-2", "taken-2"]);
        let there = std::fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(there, 3, "a folder that was being made is left");
    }

    #[test]
    fn what_an_interrupted_attempt_was_writing_is_cleared() {
        let dir = tempfile::tempdir().unwrap();
        let (_, folder) = claim(dir.path(), "run", "a");
        for name in [".job.7-1.tmp", "..job.7-1.tmp", ".status.json.7-2.tmp"] {
            crate::fs::write_new(&folder.path().join(name), b"half", FILE_MODE).unwrap();
        }
        folder.begin(b"text").unwrap();
        assert_eq!(names(&folder), [".job", "manifest.toml"]);
    }

    fn finished(verdict: Verdict) -> (tempfile::TempDir, ReportFolder, serde_json::Value) {
        let dir = tempfile::tempdir().unwrap();
        let log = samples::log(verdict);
        let places = samples::places();
        let request = samples::retry();
        let report = Report { log: &log, places: &places, retry: Some(&request) };
        let (_, folder) = claim(dir.path(), &log.run, "id");
        folder.begin(log.manifest.as_bytes()).unwrap();
        folder.finish(&report).unwrap();
        let bytes = std::fs::read(folder.path().join("report.json")).unwrap();
        (dir, folder, serde_json::from_slice(&bytes).unwrap())
    }

    fn names(folder: &ReportFolder) -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn each_verdict_leaves_its_files() {
        for (verdict, further) in [
            (Verdict::Clean, &[][..]),
            (Verdict::Warnings, &[]),
            (Verdict::Partial, &["retry-failed.toml"]),
            (Verdict::Failed, &["WHY-IT-FAILED.txt", "retry-failed.toml"]),
            (Verdict::Fatal, &["WHY-IT-FAILED.txt"]),
            (Verdict::Refused, &["WHY-IT-FAILED.txt"]),
            (Verdict::Stopped, &[]),
        ] {
            let (_dir, folder, json) = finished(verdict);
            let mut expected = vec!["manifest.toml", "report.csv", "report.html", "report.json"];
            expected.extend(further);
            expected.sort_unstable();
            assert_eq!(names(&folder), expected, "{verdict:?}");
            assert_eq!(json["verdict"], verdict.word());
            assert_eq!(json["state"], "Done");
            assert_eq!(
                json["fatalError"],
                matches!(verdict, Verdict::Fatal | Verdict::Refused),
                "{verdict:?}"
            );
            let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(folder.path()), 0o755);
            assert_eq!(mode(&folder.path().join("report.json")), 0o644);
        }
    }

    #[test]
    fn the_report_has_the_keys_of_the_contract() {
        let (_dir, _folder, json) = finished(Verdict::Partial);
        let keys: Vec<&str> = json.as_object().unwrap().keys().map(String::as_str).collect();
        let mut expected = vec![
            "jobHandle",
            "jobName",
            "run",
            "description",
            "userHandle",
            "startDate",
            "endDate",
            "state",
            "verdict",
            "totalFileCount",
            "fileSuccessCount",
            "fileErrorCount",
            "fileWarningCount",
            "fileCancelCount",
            "fileDuplicateCount",
            "fileUpdateCount",
            "fatalError",
            "details",
        ];
        expected.sort_unstable();
        let mut sorted = keys.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, expected);
        assert_eq!(json["startDate"], "2026-12-01T05:00:00Z");
        let types: Vec<&str> = json["details"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["logType"].as_str().unwrap())
            .collect();
        assert_eq!(
            types,
            [
                "BeginExport",
                "TotalFileCount",
                "ExportSuccess",
                "ExportWarning",
                "ExportError",
                "ExportError",
                "EndExport",
            ]
        );
        let file = &json["details"][2];
        assert_eq!(file["output"], "tops/front.png");
        assert_eq!((&file["width"], &file["height"]), (&2000.into(), &1500.into()));
        let missing = json["details"][4].as_object().unwrap();
        assert_eq!(missing["assetHandle"], "tops/back.tif");
        assert!(!missing.contains_key("assetType") && !missing.contains_key("output"));
    }

    #[test]
    fn every_kind_of_outcome_has_its_record() {
        let mut log = samples::log(Verdict::Stopped);
        for (name, change) in [("same", Change::Identical), ("new", Change::Replaced)] {
            let file = samples::delivered(name, change);
            let outcome = AssetOutcome::Copied { file: Box::new(file), warnings: Vec::new() };
            log.assets.push(samples::asset(name, outcome));
        }
        let mut json = Vec::new();
        report_json(&log, &mut json).unwrap();
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        let of = |kind: &str| {
            json["details"].as_array().unwrap().iter().filter(|d| d["logType"] == kind).count()
        };
        assert_eq!((of("DuplicateSkipped"), of("FileUpdated"), of("FileCancel")), (1, 1, 2));
        assert_eq!(json["fileDuplicateCount"], 1);
        assert_eq!(json["fileUpdateCount"], 1);
    }

    #[test]
    fn a_refusal_names_every_mistake() {
        let (_dir, folder, json) = finished(Verdict::Refused);
        let fatal: Vec<&str> = json["details"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|d| d["logType"] == "FatalError")
            .map(|d| d["logMessage"].as_str().unwrap())
            .collect();
        assert_eq!(fatal.len(), 2);
        assert!(fatal[0].starts_with("line 2, column 1: unknown key"), "{fatal:?}");
        let why = std::fs::read_to_string(folder.path().join("WHY-IT-FAILED.txt")).unwrap();
        assert!(why.contains("did you mean `emailSetting`?"), "{why}");
        assert!(why.contains("^^^"), "{why}");
    }

    #[test]
    fn a_folder_removed_while_its_run_was_interrupted_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let (_, folder) = claim(dir.path(), "run", "id");
        folder.begin(b"x = 1").unwrap();
        std::fs::remove_dir_all(folder.path()).unwrap();
        let folder = ReportFolder::open(dir.path().join("run"));
        folder.begin(b"x = 1").unwrap();
        assert_eq!(std::fs::read(folder.path().join("manifest.toml")).unwrap(), b"x = 1");
    }

    #[test]
    fn the_status_goes_before_the_report_comes_and_the_report_stays() {
        let dir = tempfile::tempdir().unwrap();
        let log = samples::log(Verdict::Clean);
        let places = samples::places();
        let report = Report { log: &log, places: &places, retry: None };
        let path = dir.path().join(&log.run);
        let (_, folder) = claim(dir.path(), &log.run, "id");
        folder
            .write_status(&Status {
                job_handle: &log.job_handle,
                run: &log.run,
                state: ActiveState::Running,
                progress: 0.5,
                counts: log.counts(),
                last_progress_update: log.start,
                waiting: None,
                waiting_until: None,
            })
            .unwrap();
        let status: serde_json::Value =
            serde_json::from_slice(&std::fs::read(path.join("status.json")).unwrap()).unwrap();
        assert_eq!(status["state"], "Running");
        assert_eq!(status["fileSuccessCount"], 2);
        assert_eq!(status["lastProgressUpdate"], "2026-12-01T05:00:00Z");
        // Taken up again after a crash.
        let folder = ReportFolder::open(path.clone());
        folder.finish(&report).unwrap();
        assert!(!path.join("status.json").exists());
        let first = std::fs::read(path.join("report.json")).unwrap();
        let mut later = log.clone();
        later.end = "2026-12-02T00:00:00Z".parse().unwrap();
        folder.finish(&Report { log: &later, places: &places, retry: None }).unwrap();
        assert_eq!(std::fs::read(path.join("report.json")).unwrap(), first);
    }
}
