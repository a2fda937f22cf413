//! What the daemon is doing, for everybody who may look into the drop folder.
//!
//! The spool is private; `drop/.exportd/status.json` is the window into it that `exportd status`
//! reads. It is written when something changed, at most once a second, and says which process
//! wrote it: when that one is gone, the file says how things were when it went.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::post::Troubles;
use crate::fs;
use crate::job::log::Counts;
use crate::job::run::Step;
use crate::report::folder::{ActiveState, ReportFolder, Status, Waiting};
use crate::spool::{Due, Listed, Record};

/// One job that is not over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Posting {
    /// `j|<company>|<jobName>|<RUN>|<number>`, once it has a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_handle: Option<String>,
    /// The run, once it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// The manifest's file name.
    pub manifest: String,
    /// An active state of the IPS API.
    pub state: String,
    /// 0 to 1.
    pub progress: f64,
    /// The counts so far.
    #[serde(flatten)]
    pub counts: Counts,
    /// When this was true.
    pub last_progress_update: Timestamp,
    /// What it waits for, while it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// When it goes on without what it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_until: Option<Timestamp>,
    /// When it runs (next), for jobs that wait for their time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_fire_time: Option<Timestamp>,
    /// A schedule's own state, which is beside that of its runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule_state: Option<ScheduleState>,
}

/// The states of a schedule in the IPS API that occur here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScheduleState {
    /// It waits for its time.
    Normal,
    /// A person has paused it.
    Paused,
    /// A run of it is going: a firing that comes now is skipped.
    Blocked,
}

impl Posting {
    /// Shows a running job.
    pub(super) fn of(status: &Status<'_>, manifest: &str) -> Self {
        Self {
            job_handle: Some(status.job_handle.to_owned()),
            run: Some(status.run.to_owned()),
            manifest: manifest.to_owned(),
            state: status.state.word().into(),
            progress: status.progress,
            counts: status.counts,
            last_progress_update: status.last_progress_update,
            waiting: status.waiting,
            waiting_until: status.waiting_until,
            next_fire_time: None,
            schedule_state: None,
        }
    }

    /// Shows a job that waits, for its turn or for its time.
    pub(super) fn waiting(listed: Listed) -> Option<Self> {
        let mut posting = Self::new(&listed.record?);
        posting.next_fire_time = listed.due.map(Due::at);
        posting.schedule_state = listed.due.map(|_| ScheduleState::Normal);
        Some(posting)
    }

    /// Shows a job on hold: a schedule, one that never began, or one whose run began.
    pub(super) fn resting(listed: Listed, steps: &[Step], reports: &Path) -> Option<Self> {
        let record = listed.record?;
        let mut posting = Self::new(&record);
        let named = steps.iter().find_map(|step| match step {
            Step::Named { run, job_handle, .. } => Some((run, job_handle)),
            _ => None,
        });
        posting.waiting = Some(Waiting::Paused);
        if let Some((run, job_handle)) = named {
            posting.job_handle = Some(job_handle.clone());
            posting.run = Some(run.to_string());
            let folder = ReportFolder::open(reports.join(run.as_path()));
            if let Some((progress, counts)) = folder.progress() {
                (posting.progress, posting.counts) = (progress, counts);
            }
            if folder.is_finished() {
                posting.waiting = Some(Waiting::Stopped);
            }
            posting.state = ActiveState::WaitingClient.word().into();
        } else {
            posting.next_fire_time = listed.due.map(Due::at);
            posting.schedule_state = listed.due.map(|_| ScheduleState::Paused);
        }
        Some(posting)
    }

    /// Tells whether this is the run, or the job, of that name.
    pub(super) fn is_run(&self, name: &str, id: &str) -> bool {
        self.run.as_deref() == Some(name) || self.job_handle.as_deref() == Some(name) || id == name
    }

    /// Tells whether this is of the manifest or the `jobName` of that name.
    #[must_use]
    pub fn is_of(&self, name: &str) -> bool {
        let job_name = self.job_handle.as_deref().and_then(|handle| handle.split('|').nth(2));
        self.manifest == name
            || self.manifest.strip_suffix(".toml") == Some(name)
            || job_name == Some(name)
    }

    /// Returns what people call it by.
    #[must_use]
    pub fn name(&self) -> &str {
        self.run.as_deref().unwrap_or(&self.manifest)
    }

    /// Shows a job of which no more is known than its record.
    pub(super) fn new(record: &Record) -> Self {
        Self {
            job_handle: None,
            run: None,
            manifest: record.name.clone(),
            state: ActiveState::New.word().into(),
            progress: 0.0,
            counts: Counts::NONE,
            last_progress_update: record.received,
            waiting: None,
            waiting_until: None,
            next_fire_time: None,
            schedule_state: None,
        }
    }

    /// Shows that a job waits for room, keeping what else was shown of it.
    pub(super) fn short_of_room(before: Option<Self>, record: &Record, now: Timestamp) -> Self {
        Self {
            state: ActiveState::WaitingCoordinator.word().into(),
            last_progress_update: now,
            waiting: Some(Waiting::WaitingSpace),
            waiting_until: None,
            ..before.unwrap_or_else(|| Self::new(record))
        }
    }
}

/// The whole file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Board {
    /// The daemon that wrote it.
    pub pid: u32,
    /// When that process began, in the clock ticks of `/proc`: a number may come again.
    #[serde(default)]
    pub begun: u64,
    /// The version of that program.
    #[serde(default)]
    pub version: String,
    /// When it was written.
    #[serde(default)]
    pub at: Timestamp,
    /// In words, as `systemctl status` shows it.
    pub status: String,
    /// Why mail does not leave, while it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Why the webhook is not reached, while it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// Running, waiting, scheduled and resting jobs, in this order.
    pub jobs: Vec<Posting>,
}

/// Returns where the board of a drop folder is.
#[must_use]
pub fn path(drop: &Path) -> PathBuf {
    drop.join(".exportd").join("status.json")
}

impl Board {
    /// Tells whether it says of these troubles what there is to say.
    pub(super) fn shows(&self, troubles: &Troubles) -> bool {
        self.mail == troubles.mail && self.webhook == troubles.webhook
    }

    /// Writes the board, into the corner of the drop folder that the spool makes. It is no record:
    /// what is lost in a crash is made anew.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, drop: &Path) -> io::Result<()> {
        fs::write_atomic(&path(drop), &serde_json::to_vec_pretty(self)?, 0o644)
    }

    /// Reads the board of a daemon that runs; `None` when none does.
    #[must_use]
    pub fn read(drop: &Path) -> Option<Self> {
        Self::last(drop).filter(Self::is_alive)
    }

    /// Reads the board of the last daemon, whether it runs or not.
    #[must_use]
    pub fn last(drop: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path(drop)).ok()?).ok()
    }

    /// Tells whether the daemon that wrote it runs.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        begun(self.pid).is_some_and(|begun| begun == self.begun)
    }
}

/// Reads when a process began, in clock ticks since the machine started; `None` when there is none.
pub(super) fn begun(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field, the name, may hold blanks and parentheses; the 22nd is asked for.
    stat.rsplit_once(") ")?.1.split(' ').nth(19)?.parse().ok()
}
