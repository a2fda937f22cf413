//! `submit`, `status`, `stop`: speaking with a daemon through files.

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;

use super::jobs::{library, read};
use super::progress::{Bar, words};
use super::{Exit, Places, complain, print, print_json, say};
use crate::config::Settings;
use crate::daemon::board::{Board, Posting};
use crate::report::folder::Waiting;
use crate::spool::control::{Operation, Request, request};

#[derive(Debug, Args)]
pub(super) struct SubmitArgs {
    /// Manifests
    #[arg(required = true, value_name = "JOB")]
    jobs: Vec<PathBuf>,
    /// Wait until each run is over, say how it ended and return its exit code
    #[arg(long)]
    wait: bool,
}

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Only this one: a run, or the file name of a manifest
    run: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Keep showing it until interrupted; of one run, until it is over, and return its exit code
    #[arg(long, conflicts_with = "json")]
    watch: bool,
}

#[derive(Debug, Args)]
pub(super) struct StopArgs {
    /// The run, as `exportd status` shows it
    run: String,
}

/// How often a waiting command looks.
const LOOK: Duration = Duration::from_millis(100);
/// How long a daemon may take to take up a request or a manifest.
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
        let name = free_name(&settings.folders.drop, path).ok_or_else(|| {
            complain(&format!("{}: the name does not end in .toml", path.display()));
            Exit::Usage
        })?;
        let before = crate::report::folder::runs(&settings.folders.reports);
        crate::spool::drop_manifest(&settings.folders.drop, &name, &read.bytes).map_err(
            |error| {
                complain(&format!("{}: {error}", settings.folders.drop.display()));
                Exit::NoOutput
            },
        )?;
        print(&format!("{name}\n"));
        say(&format!("dropped into {}", settings.folders.drop.display()));
        if args.wait {
            exit = worse(exit, await_run(&settings, &read.bytes, &before)?);
        }
    }
    if !args.wait && Board::read(&settings.folders.drop).is_none() {
        say("no daemon runs over this folder: the manifests wait there for `exportd run`");
    }
    Ok(exit)
}

/// Returns a name for the manifest that is free in the drop folder.
fn free_name(drop: &Path, path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?;
    let stem = name.strip_suffix(".toml")?;
    let stem = stem.trim_start_matches(['.', '_', '~']);
    let stem = if stem.is_empty() { "job" } else { stem };
    (1..)
        .map(|n| if n == 1 { format!("{stem}.toml") } else { format!("{stem}-{n}.toml") })
        .find(|name| !drop.join(name).exists())
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
        for run in crate::report::folder::runs(reports) {
            if before.contains(&run) || !is_of(&reports.join(&run), manifest) {
                continue;
            }
            if let Some(verdict) = crate::report::folder::verdict(&reports.join(&run)) {
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
            complain("no daemon runs over this folder: the manifest waits there for `exportd run`");
            return Err(Exit::Unavailable);
        }
        std::thread::sleep(LOOK);
    }
}

fn is_of(run: &Path, manifest: &[u8]) -> bool {
    std::fs::read(run.join("manifest.toml")).is_ok_and(|kept| kept == manifest)
}

pub(super) fn status(places: &Places, args: &StatusArgs) -> Result<Exit, Exit> {
    let settings = places.settings()?.settings;
    if args.watch {
        return watch(&settings, args);
    }
    let Some(board) = Board::read(&settings.folders.drop) else {
        if args.json {
            print_json(&Vec::<Posting>::new());
        }
        return Err(nobody(&settings));
    };
    let jobs: Vec<&Posting> = board.jobs.iter().filter(|job| args.mean(job)).collect();
    if args.json {
        print_json(&jobs);
    } else {
        say(&board.status);
        for job in &jobs {
            print(&line(job));
        }
    }
    if args.run.is_some() && jobs.is_empty() {
        return Err(Exit::Absent);
    }
    Ok(Exit::Well)
}

impl StatusArgs {
    fn mean(&self, posting: &Posting) -> bool {
        match &self.run {
            None => true,
            Some(run) => posting.run.as_ref() == Some(run) || posting.manifest == *run,
        }
    }
}

fn nobody(settings: &Settings) -> Exit {
    complain(&format!("no daemon runs over {}", settings.folders.drop.display()));
    Exit::Unavailable
}

/// Shows what is going on until it is over: on a terminal in one place, elsewhere whenever it changes.
fn watch(settings: &Settings, args: &StatusArgs) -> Result<Exit, Exit> {
    let terminal = std::io::stdout().is_terminal();
    let (mut before, mut run) = (String::new(), None);
    loop {
        let Some(board) = Board::read(&settings.folders.drop) else {
            return Err(nobody(settings));
        };
        let jobs: Vec<&Posting> = board.jobs.iter().filter(|job| args.mean(job)).collect();
        if args.run.is_some() && jobs.is_empty() {
            return ended(settings, run.or_else(|| args.run.clone()));
        }
        run = jobs.iter().find_map(|job| job.run.clone()).or(run);
        let mut now: String = jobs.iter().map(|job| line(job)).collect();
        if args.run.is_none() {
            now = format!("{}\n{now}", board.status);
        }
        if now != before {
            let back = before.lines().count();
            // To the first line of what was shown, and clears from there on.
            let clear =
                if terminal && back > 0 { format!("\x1b[{back}F\x1b[J") } else { String::new() };
            print(&(clear + &now));
            before = now;
        }
        std::thread::sleep(LOOK);
    }
}

/// Says how a run that is watched no more has ended.
fn ended(settings: &Settings, run: Option<String>) -> Result<Exit, Exit> {
    let Some(run) = run else { return Err(Exit::Absent) };
    let verdict = crate::report::folder::verdict(&settings.folders.reports.join(&run));
    let Some(verdict) = verdict else {
        complain(&format!("there is no such run: {run}"));
        return Err(Exit::Absent);
    };
    print(&format!("{run}: {}\n", verdict.word()));
    Ok(verdict.into())
}

fn line(job: &Posting) -> String {
    let name = job.run.as_deref().unwrap_or(&job.manifest);
    if let Some(at) = job.next_fire_time {
        let at = at.to_zoned(jiff::tz::TimeZone::system());
        return format!("{name}  waits for {}\n", at.strftime("%Y-%m-%d %H:%M:%S %Z"));
    }
    let counts = &job.counts;
    let mut out = format!("{name}  {}  {:.0} %", job.state, job.progress * 100.0);
    match job.waiting {
        Some(Waiting::WaitingSpace) => out.push_str("  waiting-space: its disk is full"),
        Some(Waiting::WaitingAssets) => {
            out.push_str("  waiting-assets");
            if let Some(until) = job.waiting_until {
                let until = until.to_zoned(jiff::tz::TimeZone::system());
                out.push_str(&format!(" until {}", until.strftime("%H:%M:%S %Z")));
            }
        }
        None => {}
    }
    if counts.total_file_count > 0 {
        out.push_str(&format!("  {}", words(counts)));
    }
    out.push('\n');
    out
}

pub(super) fn stop(places: &Places, args: &StopArgs) -> Result<Exit, Exit> {
    let settings = places.settings()?.settings;
    let drop = &settings.folders.drop;
    let unavailable = || {
        complain(&format!("no daemon runs over {}", drop.display()));
        Exit::Unavailable
    };
    let find = |board: &Board| {
        let named = |p: &&Posting| p.run.as_ref() == Some(&args.run) || p.manifest == args.run;
        board.jobs.iter().find(named).cloned()
    };
    let board = Board::read(drop).ok_or_else(unavailable)?;
    if find(&board).is_none() {
        complain(&format!("{} is not running", args.run));
        return Err(Exit::Absent);
    }
    let asked = Request { op: Operation::Stop, run: args.run.clone() };
    request(drop, &asked).map_err(|error| {
        complain(&format!("{}: {error}", drop.display()));
        Exit::Unavailable
    })?;
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        let board = Board::read(drop).ok_or_else(unavailable)?;
        match find(&board) {
            None => {
                say(&format!("{} has stopped", args.run));
                return Ok(Exit::Well);
            }
            Some(job) if job.state == "Stopping" => {
                say(&format!("{} is stopping", args.run));
                return Ok(Exit::Well);
            }
            Some(_) => std::thread::sleep(LOOK),
        }
    }
    complain("the daemon did not answer");
    Err(Exit::Unavailable)
}
