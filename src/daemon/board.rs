//! What the daemon is doing, for everybody who may look into the drop folder.
//!
//! The spool is private; `drop/.exportd/status.json` is the window into it that `exportd status`
//! reads. It is written when something changed, at most once a second, and says which process
//! wrote it: when that one is gone, so is what the file says.

use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fs;
use crate::job::log::Counts;
use crate::report::folder::{ActiveState, Status, Waiting};
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
    /// What it waits for, while it does: `waiting-assets`, `waiting-space`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting: Option<Waiting>,
    /// When it goes on without what it waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiting_until: Option<Timestamp>,
    /// When it runs (next), for jobs that wait for their time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_fire_time: Option<Timestamp>,
}

impl Posting {
    /// Shows a running job.
    pub(super) fn of(status: &Status<'_>, manifest: &str) -> Self {
        Self {
            job_handle: Some(status.job_handle.to_owned()),
            run: Some(status.run.to_owned()),
            manifest: manifest.to_owned(),
            state: format!("{:?}", status.state),
            progress: status.progress,
            counts: status.counts,
            last_progress_update: status.last_progress_update,
            waiting: status.waiting,
            waiting_until: status.waiting_until,
            next_fire_time: None,
        }
    }

    /// Shows a job that waits, for its turn or for its time.
    pub(super) fn waiting(listed: Listed) -> Option<Self> {
        let mut posting = Self::new(&listed.record?);
        posting.next_fire_time = listed.due.map(Due::at);
        Some(posting)
    }

    /// Shows a job of which no more is known than its record.
    fn new(record: &Record) -> Self {
        Self {
            job_handle: None,
            run: None,
            manifest: record.name.clone(),
            state: format!("{:?}", ActiveState::New),
            progress: 0.0,
            counts: Counts::NONE,
            last_progress_update: record.received,
            waiting: None,
            waiting_until: None,
            next_fire_time: None,
        }
    }

    /// Shows that a job waits for room, keeping what else was shown of it.
    pub(super) fn short_of_room(before: Option<Self>, record: &Record, now: Timestamp) -> Self {
        Self {
            state: format!("{:?}", ActiveState::WaitingCoordinator),
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
    /// In words, as `systemctl status` shows it.
    pub status: String,
    /// Why mail does not leave, while it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mail: Option<String>,
    /// Running, waiting and scheduled jobs, in this order.
    pub jobs: Vec<Posting>,
}

/// Returns where the board of a drop folder is.
#[must_use]
pub fn path(drop: &Path) -> PathBuf {
    drop.join(".exportd").join("status.json")
}

impl Board {
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
        let board: Self = serde_json::from_slice(&std::fs::read(path(drop)).ok()?).ok()?;
        Path::new("/proc").join(board.pid.to_string()).exists().then_some(board)
    }

    /// Takes the board down, at the end of the daemon.
    pub fn remove(drop: &Path) {
        let _ = std::fs::remove_file(path(drop));
    }
}
