//! `stop`, `pause`, `resume`, `delete`, `run-now`: asking the daemon through files.
//!
//! Whoever may drop manifests may ask. A request waits for a daemon that does not run, as a
//! manifest does, if it is about a job that is known to be there.

use std::path::Path;
use std::time::{Duration, Instant};

use clap::Args;

use super::{Exit, Places, complain, say};
use crate::config::Settings;
use crate::daemon::answer::{Answer, Outcome};
use crate::daemon::board::Board;
use crate::spool::control::{Operation, Request, request};

#[derive(Debug, Args)]
pub(super) struct ControlArgs {
    /// The run as `exportd status` shows it, a job name, or the file name of a manifest
    run: String,
}

/// How often an answer is looked for.
const LOOK: Duration = Duration::from_millis(50);
/// How long a daemon may take to answer.
const PATIENCE: Duration = Duration::from_secs(15);

/// Asks, and says what came of it.
pub(super) fn ask(places: &Places, op: Operation, args: &ControlArgs) -> Result<Exit, Exit> {
    let settings = places.settings()?.settings;
    let drop = &settings.folders.drop;
    let alive = Board::read(drop).is_some();
    if !alive && !is_known(&settings, &args.run) {
        complain(&format!("exportd is not running for {}", drop.display()));
        return Err(Exit::Unavailable);
    }
    let name = request(drop, &Request { op, run: args.run.clone() }).map_err(|error| {
        complain(&format!("{}: {error}", drop.display()));
        Exit::Unavailable
    })?;
    if !alive {
        say("exportd is not running for this folder; the request is kept until it is started");
        return Ok(Exit::Well);
    }
    let Some(answer) = await_answer(&settings, &name) else {
        complain("the daemon did not answer; the request stays until it does");
        return Err(Exit::Unavailable);
    };
    match answer.outcome {
        Outcome::Done => {
            say(&answer.words);
            Ok(Exit::Well)
        }
        Outcome::Absent => {
            complain(&answer.words);
            Err(Exit::Absent)
        }
        Outcome::Refused => {
            complain(&answer.words);
            Err(Exit::Failed)
        }
    }
}

fn await_answer(settings: &Settings, name: &str) -> Option<Answer> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        if let Some(answer) = Answer::read(&settings.folders.reports, name) {
            return Some(answer);
        }
        std::thread::sleep(LOOK);
    }
    None
}

/// Tells whether there is such a job, as far as anybody can see who may drop: the last daemon
/// showed it, or its run has a folder among the reports and is not over.
fn is_known(settings: &Settings, name: &str) -> bool {
    let board = Board::last(&settings.folders.drop);
    let mut shown = board.iter().flat_map(|board| &board.jobs);
    if shown.any(|job| job.run.as_deref() == Some(name) || job.is_of(name)) {
        return true;
    }
    let is_name = !name.starts_with('.') && Path::new(name).components().count() == 1;
    let folder = settings.folders.reports.join(name);
    is_name && folder.is_dir() && crate::report::folder::verdict(&folder).is_none()
}
