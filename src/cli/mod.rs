//! The command line: one file per group of commands.
//!
//! Data goes to stdout, words to stderr; `--json` where a machine may read. Nothing ever asks.

use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Flags};
use crate::daemon::DaemonError;
use crate::diag::Rendering;
use crate::spool::control::Operation;

mod completions;
mod control;
mod demo;
mod doctor;
mod explain;
mod jobs;
mod logs;
mod mail;
mod manual;
mod once;
mod presets;
mod progress;
mod provenance;
mod settings;
mod starter;
mod status;
mod submit;
mod webhook;

/// What the process ends with; the numbers are part of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All well, warnings included.
    Well,
    /// Failed, fatal or stopped.
    Failed,
    /// The command line is wrong.
    Usage,
    /// Some assets failed, some were delivered.
    Partial,
    /// A manifest or modifiers are wrong.
    Wrong,
    /// A named manifest or an asset root is absent.
    Absent,
    /// Mail or the service cannot be reached.
    Unavailable,
    /// Outputs cannot be made.
    NoOutput,
    /// The journal cannot be written.
    Journal,
    /// Another daemon holds the spool.
    Held,
    /// The configuration is wrong.
    Configuration,
}

impl Exit {
    /// Returns the number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Partial => 3,
            Self::Wrong => 65,
            Self::Absent => 66,
            Self::Unavailable => 69,
            Self::NoOutput => 73,
            Self::Journal => 74,
            Self::Held => 75,
            Self::Configuration => 78,
        }
    }
}

impl From<crate::job::Verdict> for Exit {
    fn from(verdict: crate::job::Verdict) -> Self {
        use crate::job::Verdict;
        match verdict {
            Verdict::Clean | Verdict::Warnings => Self::Well,
            Verdict::Partial => Self::Partial,
            Verdict::Refused => Self::Wrong,
            Verdict::Failed | Verdict::Fatal | Verdict::Stopped => Self::Failed,
        }
    }
}

/// Watches a folder for manifests, exports the pictures they list and mails what came of it
#[derive(Debug, Parser)]
#[command(name = "exportd", version, disable_help_subcommand = true, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    command: Command,
}

/// Where things are; taken by every command.
#[derive(Debug, Clone, Default, Args)]
struct Places {
    /// Read this configuration instead of /etc/exportd
    #[arg(long, global = true, value_name = "FILE", display_order = 100)]
    config: Option<PathBuf>,
    /// Put drop, assets, out, reports, spool and mail below this folder
    #[arg(long, global = true, value_name = "DIR", display_order = 100)]
    root: Option<PathBuf>,
}

impl Places {
    fn flags(&self) -> Flags {
        let absolute = |path: &PathBuf| std::path::absolute(path).unwrap_or_else(|_| path.clone());
        Flags { config: self.config.as_ref().map(absolute), root: self.root.as_ref().map(absolute) }
    }

    /// Loads the configuration, or says what is wrong with it.
    fn settings(&self) -> Result<Config, Exit> {
        crate::config::load(&self.flags()).map_err(|error| {
            complain(&error.to_string());
            Exit::Configuration
        })
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the drop folder and export what arrives, until stopped: the daemon
    Run,
    /// Run one manifest here and now, without a daemon; the manifest stays where it is
    Once(once::OnceArgs),
    /// Report every mistake in manifests; nothing is written
    Check(jobs::CheckArgs),
    /// Show what a manifest would make, file by file; nothing is written
    Plan(jobs::PlanArgs),
    /// Show step by step what modifiers do to a picture
    Explain(explain::ExplainArgs),
    /// Check manifests and put them into the drop folder (IPS: submitJob)
    Submit(submit::SubmitArgs),
    /// Write a commented manifest to start from
    Init(starter::InitArgs),
    /// Show running, waiting, scheduled and paused jobs (IPS: getActiveJobs, getScheduledJobs)
    Status(status::StatusArgs),
    /// Show what happened in a run, asset by asset, or list the runs (IPS: getJobLogs, getJobLogDetails)
    Logs(logs::LogsArgs),
    /// Stop a job; what is done is kept until it is resumed or deleted (IPS: stopJob)
    Stop(control::ControlArgs),
    /// Pause a job once its current files are done, or suspend a schedule (IPS: pauseJob)
    Pause(control::ControlArgs),
    /// Resume a paused or stopped job (IPS: resumeJob)
    Resume(control::ControlArgs),
    /// Forget a job that is not at work, with what it has done so far (IPS: deleteJob)
    Delete(control::ControlArgs),
    /// Ask again for what failed in a run
    Retry(submit::RetryArgs),
    /// Run a scheduled job at once, in addition to its schedule (IPS: executeJob)
    RunNow(control::ControlArgs),
    /// Show unsent mail, resend it, test the mail server
    Mail(mail::MailArgs),
    /// Show webhook calls not yet made, retry them, test it
    Webhook(webhook::WebhookArgs),
    /// List the presets, or show what one stands for
    Presets(presets::PresetsArgs),
    /// Show the configuration in force and where each value came from
    Config(settings::ConfigArgs),
    /// Look for what keeps the service from working, and say what to do about it
    Doctor(doctor::DoctorArgs),
    /// Print the JSON schema of a manifest, for editors
    Schema,
    /// Make a folder with sample pictures and manifests, run the daemon over it, show the result
    Demo(demo::DemoArgs),
    /// Print what lets a shell complete commands and options
    Completions(completions::CompletionsArgs),
    /// Print a manual page: this program's, the configuration's or the manifest's
    Man(manual::ManArgs),
    /// A worker process; started by the daemon alone
    #[command(hide = true)]
    Worker,
    /// A mail sender process; started by the daemon alone
    #[command(hide = true)]
    Mailer,
    /// A process that makes one call of the webhook; started by the daemon alone
    #[command(hide = true)]
    Caller,
}

/// Runs the command that the arguments ask for.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let exit = match &cli.command {
        Command::Worker => return crate::worker::child_main(),
        Command::Mailer => return crate::report::smtp::mailer_main(),
        Command::Caller => return crate::report::webhook::caller_main(),
        Command::Run => run(&cli.places),
        Command::Once(args) => once::once(&cli.places, args),
        Command::Check(args) => jobs::check(&cli.places, args),
        Command::Plan(args) => jobs::plan(&cli.places, args),
        Command::Explain(args) => explain::explain(&cli.places, args),
        Command::Submit(args) => submit::submit(&cli.places, args),
        Command::Init(args) => starter::init(args),
        Command::Status(args) => status::status(&cli.places, args),
        Command::Logs(args) => logs::logs(&cli.places, args),
        Command::Stop(args) => control::ask(&cli.places, Operation::Stop, args),
        Command::Pause(args) => control::ask(&cli.places, Operation::Pause, args),
        Command::Resume(args) => control::ask(&cli.places, Operation::Resume, args),
        Command::Delete(args) => control::ask(&cli.places, Operation::Delete, args),
        Command::Retry(args) => submit::retry(&cli.places, args),
        Command::RunNow(args) => control::ask(&cli.places, Operation::RunNow, args),
        Command::Mail(args) => mail::mail(&cli.places, args),
        Command::Webhook(args) => webhook::webhook(&cli.places, args),
        Command::Presets(args) => presets::presets(&cli.places, args),
        Command::Config(args) => settings::config(&cli.places, args),
        Command::Doctor(args) => doctor::doctor(&cli.places, args),
        Command::Schema => Ok(starter::print_schema()),
        Command::Demo(args) => demo::demo(&cli.places, args),
        Command::Completions(args) => Ok(completions::completions(args)),
        Command::Man(args) => Ok(manual::man(args)),
    };
    ExitCode::from(exit.unwrap_or_else(|exit| exit).code())
}

fn run(places: &Places) -> Result<Exit, Exit> {
    crate::daemon::run(&places.flags()).map(|()| Exit::Well).map_err(|error| {
        complain(&error.to_string());
        match error {
            DaemonError::Config(_) => Exit::Configuration,
            DaemonError::Held(_) => Exit::Held,
            DaemonError::NoAssets(_) => Exit::Absent,
            DaemonError::Folder { .. } => Exit::NoOutput,
            DaemonError::Spool(_) | DaemonError::Journal(_) => Exit::Journal,
            DaemonError::Pool(_) | DaemonError::Bug(_) => Exit::Failed,
        }
    })
}

/// Writes data to stdout; a reader that went away is no error.
fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Writes a value as one JSON document to stdout.
fn print_json(value: &impl serde::Serialize) {
    if let Ok(text) = serde_json::to_string_pretty(value) {
        print(&text);
        print("\n");
    }
}

/// Writes words to stderr.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Writes an error to stderr.
fn complain(text: &str) {
    say(&format!("error: {}", text.trim_end()));
}

/// Says what is wrong with a file that a person named, without the system's shorthand.
fn complain_of(path: &Path, error: &std::io::Error) {
    let why = match error.kind() {
        ErrorKind::NotFound => "there is no such file".to_owned(),
        ErrorKind::IsADirectory => "that is a folder".to_owned(),
        ErrorKind::PermissionDenied => "you have no permission to read it".to_owned(),
        _ => error.to_string(),
    };
    complain(&format!("{}: {why}", path.display()));
}

/// Tells how findings are rendered: colours only on a terminal, and never with `NO_COLOR`.
fn rendering() -> Rendering {
    let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if std::io::stderr().is_terminal() && !plain { Rendering::Colour } else { Rendering::Plain }
}
