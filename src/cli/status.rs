//! `status`: what the daemon is doing.

use std::io::IsTerminal as _;
use std::time::Duration;

use clap::Args;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::progress::words;
use super::{Exit, Places, complain, print, print_json, say};
use crate::config::Settings;
use crate::daemon::board::{Board, Posting, ScheduleState};
use crate::daemon::now;
use crate::report::folder::Waiting;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Only this one: a run, a job name, or the file name of a manifest
    run: Option<String>,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Keep showing it until interrupted; of one run, until it is over, and return its exit code
    #[arg(long, conflicts_with = "json")]
    watch: bool,
}

/// How often a waiting command looks.
const LOOK: Duration = Duration::from_millis(100);

pub(super) fn status(places: &Places, args: &StatusArgs) -> Result<Exit, Exit> {
    let settings = places.settings()?.settings;
    if args.watch {
        return watch(&settings, args);
    }
    let board = Board::last(&settings.folders.drop);
    let all = board.as_ref().map_or(&[][..], |board| &board.jobs);
    let jobs: Vec<&Posting> = all.iter().filter(|job| args.mean(job)).collect();
    let alive = board.as_ref().filter(|board| board.is_alive());
    if args.json {
        print_json(&jobs);
    } else {
        match (&board, alive) {
            (_, Some(board)) => say(&board.status),
            (Some(board), None) if !jobs.is_empty() => {
                say(&format!("as it was at {}:", local(board.at).strftime("%Y-%m-%d %H:%M:%S")));
            }
            _ => {}
        }
        jobs.iter().for_each(|job| print(&line(job, now())));
    }
    if alive.is_none() {
        return Err(nobody(&settings));
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
            Some(run) => posting.run.as_ref() == Some(run) || posting.is_of(run),
        }
    }
}

fn nobody(settings: &Settings) -> Exit {
    complain(&format!("exportd is not running for {}", settings.folders.drop.display()));
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
        // One that was stopped is over, although it rests.
        let is_over = |job: &&Posting| job.waiting == Some(Waiting::Stopped);
        if args.run.is_some() && jobs.iter().all(is_over) {
            run = jobs.iter().find_map(|job| job.run.clone()).or(run);
            return ended(settings, run.or_else(|| args.run.clone()));
        }
        run = jobs.iter().find_map(|job| job.run.clone()).or(run);
        let mut text: String = jobs.iter().map(|job| line(job, now())).collect();
        if args.run.is_none() {
            text = format!("{}\n{text}", board.status);
        }
        if text != before {
            let back = before.lines().count();
            // To the first line of what was shown, and clears from there on. Lines are cut at the
            // right edge, so that each is one line there, too.
            let (clear, end) = match (terminal, back) {
                (false, _) => (String::new(), ""),
                (true, 0) => ("\x1b[?7l".to_owned(), "\x1b[?7h"),
                (true, back) => (format!("\x1b[?7l\x1b[{back}F\x1b[J"), "\x1b[?7h"),
            };
            print(&format!("{clear}{text}{end}"));
            before = text;
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

fn line(job: &Posting, now: Timestamp) -> String {
    let name = job.name();
    if let (Some(at), Some(state)) = (job.next_fire_time, job.schedule_state) {
        let when = firing(at, now);
        return match state {
            ScheduleState::Normal => format!("{name}  scheduled  next {when}\n"),
            ScheduleState::Paused => format!("{name}  paused  would run next {when}\n"),
            ScheduleState::Blocked => {
                format!("{name}  scheduled  a run of it is going  next {when}\n")
            }
        };
    }
    let counts = &job.counts;
    let mut out = format!("{name}  {}  {:.0} %", job.state, job.progress * 100.0);
    match job.waiting {
        Some(Waiting::WaitingSpace) => out.push_str("  waiting-space: its disk is full"),
        Some(Waiting::WaitingAssets) => {
            out.push_str("  waiting-assets");
            if let Some(until) = job.waiting_until {
                out.push_str(&format!(" until {}", local(until).strftime("%H:%M:%S %Z")));
            }
        }
        Some(Waiting::Paused) => out.push_str("  paused"),
        Some(Waiting::Stopped) => out.push_str("  stopped, what is done is kept"),
        None => {}
    }
    if counts.total_file_count > 0 {
        out.push_str(&format!("  {}", words(counts)));
    }
    out.push('\n');
    out
}

/// Says when something runs next: day and time as on the wall, and how far off that is.
fn firing(at: Timestamp, now: Timestamp) -> String {
    let left = at.duration_since(now).as_secs().max(0);
    let (days, hours, minutes) = (left / 86_400, left / 3600 % 24, left / 60 % 60);
    let far = match (days, hours, minutes) {
        (0, 0, 0) => "in less than a minute".to_owned(),
        (0, 0, minutes) => format!("in {minutes} min"),
        (0, hours, minutes) => format!("in {hours} h {minutes} min"),
        (1, hours, _) => format!("in 1 day {hours} h"),
        (days, ..) => format!("in {days} days"),
    };
    format!("{}, {far}", local(at).strftime("%A %Y-%m-%d %H:%M:%S %Z"))
}

fn local(at: Timestamp) -> Zoned {
    at.to_zoned(TimeZone::system())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_firing_is_told_as_people_say_it() {
        let now: Timestamp = "2026-11-29T12:00:00Z".parse().unwrap();
        let told = |after: i64| {
            let at = now + jiff::SignedDuration::from_secs(after);
            firing(at, now).split_once(", ").unwrap().1.to_owned()
        };
        assert_eq!(told(-5), "in less than a minute");
        assert_eq!(told(119), "in 1 min");
        assert_eq!(told(18 * 3600 + 59), "in 18 h 0 min");
        assert_eq!(told(30 * 3600), "in 1 day 6 h");
        assert_eq!(told(12 * 86_400), "in 12 days");
        assert!(firing(now, now).contains("day 2026-11-"), "{}", firing(now, now));
    }
}
