//! `doctor`: what keeps the service from doing its work, and what to do about it.
//!
//! Nothing is changed. Folders are looked at with the rights of the account that the daemon has:
//! the superuser takes them on for that, anybody else looks with his own and is told so.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{Exit, Places, complain, print, print_json};
use crate::config::Settings;
use crate::daemon::board::Board;
use crate::daemon::people::Account;

mod account;
mod clock;
mod folders;
mod relay;
mod unit;
mod webhook;

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Look at this unit, and at the drop-ins in FILE.d, instead of the installed one
    #[arg(long, value_name = "FILE")]
    unit: Option<PathBuf>,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    /// Nothing to do.
    Ok,
    /// It works, but not as it could, or not for long.
    Warning,
    /// It does not work.
    Error,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    /// What was looked at.
    check: &'static str,
    state: State,
    /// What was found: lower case, no full stop.
    message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, message: impl Into<String>) -> Self {
        Self { check, state: State::Ok, message: message.into(), help: None }
    }

    fn warning(check: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { check, state: State::Warning, message: message.into(), help: Some(help.into()) }
    }

    fn error(check: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { state: State::Error, ..Self::warning(check, message, help) }
    }

    fn text(&self) -> String {
        let word = match self.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Error => "ERROR",
        };
        let mut text = format!("{word:<8} {:<14} {}\n", self.check, self.message);
        for line in self.help.iter().flat_map(|help| help.lines()) {
            text.push_str(&format!("{:24}{line}\n", ""));
        }
        text
    }
}

pub(super) fn doctor(places: &Places, args: &DoctorArgs) -> Result<Exit, Exit> {
    let settings = match crate::config::load(&places.flags()) {
        Ok(config) => config.settings,
        Err(error) => {
            if args.json {
                print_json(&[Finding::error("configuration", error.to_string(), "correct it")]);
            }
            complain(&error.to_string());
            return Err(Exit::Configuration);
        }
    };
    let findings = examine(&settings, args);
    if args.json {
        print_json(&findings);
    } else {
        findings.iter().for_each(|finding| print(&finding.text()));
    }
    let worst = findings.iter().map(|finding| finding.state).max();
    Ok(if worst == Some(State::Error) { Exit::Failed } else { Exit::Well })
}

fn examine(settings: &Settings, args: &DoctorArgs) -> Vec<Finding> {
    let board = Board::read(&settings.folders.drop);
    let mut findings = vec![Finding::ok("configuration", "can be read")];
    let account = Account::of_the_daemon(settings, board.as_ref().map(|board| board.pid));
    findings.push(account::account(&account));
    findings.push(unit::daemon(board.as_ref(), &settings.folders.drop));
    findings.extend(unit::unit(settings, args.unit.as_deref()));
    findings.extend(account.act(|| folders::folders(settings)));
    findings.extend(clock::clock(settings, crate::daemon::now()));
    findings.extend(account.act(|| relay::relay(settings)));
    findings.extend(account.act(|| webhook::webhook(settings)));
    findings
}
