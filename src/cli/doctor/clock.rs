//! The clock: runs are named by it, schedules obey it, and files are judged still by it.

use std::path::Path;
use std::time::SystemTime;

use jiff::{SignedDuration, Timestamp};

use super::Finding;
use crate::config::Settings;
use crate::report::folder::runs;

/// So far ahead of our clock a file may be dated.
const AHEAD: SignedDuration = SignedDuration::from_mins(5);
/// So many of the newest runs are looked at.
const RUNS: usize = 1000;

pub(super) fn clock(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let reports = &settings.folders.reports;
    let ours = runs(reports).into_iter().rev().take(RUNS).map(|run| reports.join(run));
    let program = std::env::current_exe().ok();
    let files = ours.chain(program).chain([settings.folders.drop.clone()]);
    let newest = files.filter_map(|path| Some((changed(&path)?, path))).max();
    let Some((at, path)) = newest else { return Vec::new() };
    vec![judge(now, at, &path)]
}

fn judge(now: Timestamp, at: Timestamp, path: &Path) -> Finding {
    let ahead = at.duration_since(now);
    if ahead <= AHEAD {
        return Finding::ok("clock", "is not behind what was written");
    }
    let hours = ahead.as_secs() / 3600;
    let far = match (hours / 24, hours, ahead.as_secs() / 60) {
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, _) => format!("{hours} h"),
        (days, ..) => format!("{days} days"),
    };
    Finding::error(
        "clock",
        format!("{} is dated {far} later than now ({now})", path.display()),
        "set the clock (`timedatectl set-ntp true`); schedules and names of runs follow it. \
         On a share it may be the clock of the server that is ahead",
    )
}

/// Reads when a file was changed last.
fn changed(path: &Path) -> Option<Timestamp> {
    let at: SystemTime = path.metadata().ok()?.modified().ok()?;
    Timestamp::try_from(at).ok()
}
