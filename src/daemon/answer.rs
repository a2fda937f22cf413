//! What the daemon says to a request of the command line: `reports/.exportd/answers/NAME.json`.
//!
//! `NAME` is the request's. An answer is written once, by one rename, and removed after an hour:
//! whoever asked has read it by then, or does not wait for it.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::Mode;
use serde::{Deserialize, Serialize};

use crate::fs;

/// How long an answer stays.
const KEEP: Duration = Duration::from_secs(3600);
/// Whoever may read reports may read answers.
const MODE: u32 = 0o644;
/// As [`MODE`], of folders.
const FOLDER_MODE: u32 = 0o755;

/// What came of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// How it was taken.
    pub outcome: Outcome,
    /// The same for people: lower case, no full stop.
    pub words: String,
}

/// How a request was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was obeyed, or there was nothing left to do.
    Done,
    /// There is no such job.
    Absent,
    /// It cannot be done to that job as it is.
    Refused,
}

impl Answer {
    pub(super) fn done(words: impl Into<String>) -> Self {
        Self { outcome: Outcome::Done, words: words.into() }
    }

    pub(super) fn refused(words: impl Into<String>) -> Self {
        Self { outcome: Outcome::Refused, words: words.into() }
    }

    pub(super) fn absent(words: impl Into<String>) -> Self {
        Self { outcome: Outcome::Absent, words: words.into() }
    }

    /// Writes the answer to the request of that name.
    pub(super) fn write(&self, reports: &Path, name: &str) -> io::Result<()> {
        make(&reports.join(".exportd"))?;
        make(&folder(reports))?;
        fs::write_atomic(&path(reports, name), &serde_json::to_vec_pretty(self)?, MODE)
    }

    /// Reads the answer to the request of that name, once it is there.
    #[must_use]
    pub fn read(reports: &Path, name: &str) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(path(reports, name)).ok()?).ok()
    }
}

/// Makes a folder that whoever may read reports may read, whatever the umask says.
fn make(folder: &Path) -> io::Result<()> {
    match std::fs::create_dir(folder) {
        Ok(()) => Ok(rustix::fs::chmod(folder, Mode::from_raw_mode(FOLDER_MODE))?),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

fn folder(reports: &Path) -> PathBuf {
    reports.join(".exportd").join("answers")
}

fn path(reports: &Path, name: &str) -> PathBuf {
    folder(reports).join(format!("{name}.json"))
}

/// Removes answers that nobody waits for any more.
pub(super) fn sweep(reports: &Path) {
    let entries = std::fs::read_dir(folder(reports)).into_iter().flatten().flatten();
    for entry in entries {
        let age = entry.metadata().and_then(|meta| meta.modified()).map(|at| at.elapsed());
        if let Ok(Ok(age)) = age
            && age > KEEP
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_until_it_is_an_hour_old() {
        let reports = tempfile::tempdir().unwrap();
        assert_eq!(Answer::read(reports.path(), "7-1-0"), None);
        let answer = Answer::refused("it is running");
        answer.write(reports.path(), "7-1-0").unwrap();
        answer.write(reports.path(), "7-1-1").unwrap();
        assert_eq!(Answer::read(reports.path(), "7-1-0"), Some(answer.clone()));
        let old = std::fs::File::open(path(reports.path(), "7-1-0")).unwrap();
        let hours_ago = old.metadata().unwrap().modified().unwrap() - KEEP * 2;
        old.set_modified(hours_ago).unwrap();
        sweep(reports.path());
        assert_eq!(Answer::read(reports.path(), "7-1-0"), None);
        assert_eq!(Answer::read(reports.path(), "7-1-1"), Some(answer));
    }
}
