//! `submit` and `retry`: putting manifests into the drop folder.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;

use super::jobs::{library, read};
use super::logs::find_run;
use super::progress::Bar;
use super::{Exit, Places, complain, print, say};
use crate::config::Settings;
use crate::daemon::board::Board;
use crate::job::Verdict;
use crate::report::folder;

#[derive(Debug, Args)]
pub(super) struct SubmitArgs {
    /// Manifests
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<PathBuf>,
    /// Wait until each run has finished, say how it ended and return its exit code
    #[arg(long)]
    wait: bool,
}

#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    /// The run, or the name of its job for the newest run of that
    run: String,
    /// Wait until the new run has finished, say how it ended and return its exit code
    #[arg(long)]
    wait: bool,
}

/// How often a waiting command looks.
const LOOK: Duration = Duration::from_millis(100);
/// How long a daemon may take to take up a manifest.
const PATIENCE: Duration = Duration::from_secs(15);

pub(super) fn submit(places: &Places, args: &SubmitArgs) -> Result<Exit, Exit> {
    let settings = places.settings()?.settings;
    let library = library(&settings)?;
    let mut reads = Vec::new();
    let mut wrong = false;
    for path in &args.jobs {
        let read = read(path, &library, &settings)?;
        read.say();
        wrong |= read.is_wrong();
        reads.push((path, read));
    }
    if wrong {
        complain("nothing was submitted");
        return Err(Exit::Wrong);
    }
    let mut exit = Exit::Well;
    for (path, read) in reads {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.ends_with(".toml") {
            complain(&format!("{}: the name does not end in .toml", path.display()));
            return Err(Exit::Usage);
        }
        exit = worse(exit, drop_in(&settings, name, &read.bytes, args.wait)?);
    }
    Ok(exit)
}

pub(super) fn retry(places: &Places, args: &RetryArgs) -> Result<Exit, Exit> {
    let settings = places.settings()?.settings;
    let run = find_run(&settings, &args.run)?;
    let reports = settings.folders.reports.join(&run);
    let Some(verdict) = folder::verdict(&reports) else {
        complain(&format!("{run} has not finished"));
        return Err(Exit::Failed);
    };
    let again = match verdict {
        Verdict::Partial | Verdict::Failed => reports.join(folder::RETRY),
        Verdict::Fatal | Verdict::Refused => reports.join("manifest.toml"),
        Verdict::Clean | Verdict::Warnings => {
            say(&format!("nothing failed in {run}"));
            return Ok(Exit::Well);
        }
        Verdict::Stopped => {
            complain(&format!("{run} was stopped: `exportd resume {run}` goes on with it"));
            return Err(Exit::Failed);
        }
    };
    let read = read(&again, &library(&settings)?, &settings)?;
    read.say();
    if read.is_wrong() {
        complain("nothing was submitted");
        return Err(Exit::Wrong);
    }
    drop_in(&settings, &format!("retry-{run}.toml"), &read.bytes, args.wait)
}

/// Puts a manifest into the drop folder under a free name and says so; waits for its run when
/// asked to.
fn drop_in(settings: &Settings, name: &str, bytes: &[u8], wait: bool) -> Result<Exit, Exit> {
    let drop = &settings.folders.drop;
    let name = free_name(drop, name);
    let before = folder::runs(&settings.folders.reports);
    crate::spool::drop_manifest(drop, &name, bytes).map_err(|error| {
        complain(&format!("{}: {error}", drop.display()));
        Exit::NoOutput
    })?;
    print(&format!("{name}\n"));
    say(&format!("dropped into {}", drop.display()));
    if wait {
        return await_run(settings, bytes, &before);
    }
    if Board::read(drop).is_none() {
        say("exportd is not running for this folder; the manifests are kept until it is started");
    }
    Ok(Exit::Well)
}

/// Returns a name like that one that is free in the drop folder, and that the daemon does not pass
/// over.
fn free_name(drop: &Path, name: &str) -> String {
    let stem = name.strip_suffix(".toml").unwrap_or(name).trim_start_matches(['.', '_', '~']);
    let stem = if stem.is_empty() { "job" } else { stem };
    let mut n = 1;
    loop {
        let name = if n == 1 { format!("{stem}.toml") } else { format!("{stem}-{n}.toml") };
        if !drop.join(&name).exists() {
            return name;
        }
        n += 1;
    }
}

fn worse(a: Exit, b: Exit) -> Exit {
    let rank = |exit: Exit| match exit {
        Exit::Well => 0,
        Exit::Partial => 1,
        _ => 2,
    };
    if rank(b) > rank(a) { b } else { a }
}

/// Waits until a run that was not there before, of this very manifest, is over.
fn await_run(settings: &Settings, manifest: &[u8], before: &[String]) -> Result<Exit, Exit> {
    let reports = &settings.folders.reports;
    let since = Instant::now();
    let bar = Bar::new("waiting for the daemon");
    loop {
        for run in folder::runs(reports) {
            if before.contains(&run) || !is_of(&reports.join(&run), manifest) {
                continue;
            }
            if let Some(verdict) = folder::verdict(&reports.join(&run)) {
                drop(bar);
                print(&format!("{run}: {}\n", verdict.word()));
                return Ok(verdict.into());
            }
            let board = Board::read(&settings.folders.drop);
            let jobs = board.iter().flat_map(|board| &board.jobs);
            for posting in jobs.filter(|posting| posting.run.as_ref() == Some(&run)) {
                bar.show_posting(posting);
            }
        }
        if since.elapsed() > PATIENCE && Board::read(&settings.folders.drop).is_none() {
            drop(bar);
            complain(
                "exportd is not running for this folder; the manifest is kept until it is started",
            );
            return Err(Exit::Unavailable);
        }
        std::thread::sleep(LOOK);
    }
}

fn is_of(run: &Path, manifest: &[u8]) -> bool {
    std::fs::read(run.join("manifest.toml")).is_ok_and(|kept| kept == manifest)
}
