//! `webhook`: looking at the calls that tell another program of runs, beside the daemon that makes
//! them.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::mail::become_owner;
use super::{Exit, Places, complain, print, print_json, say};
use crate::config::Settings;
use crate::daemon::board::Board;
use crate::daemon::{lend_secrets, now};
use crate::diag::shown;
use crate::report::WebhookSettings;
use crate::report::webhook::{Answer, Item, Meaning, State, Webhook};

/// Why a key that the service has is not here, and how to have it.
const WHERE_IT_IS: &str = "\
the call was not signed: the systemd credential webhook-secret is lent to the service alone. To test with it, let
systemd lend it:
  systemd-run --pipe --wait --collect --property=User=exportd \\
    --property=LoadCredential=webhook-secret:/etc/exportd/webhook-secret exportd webhook test";

#[derive(Debug, Args)]
pub(super) struct WebhookArgs {
    #[command(subcommand)]
    command: WebhookCommand,
}

#[derive(Debug, Subcommand)]
enum WebhookCommand {
    /// List the calls that wait or were given up
    List {
        /// Those that were taken, too
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Have calls made again that were given up
    Retry {
        /// The calls, as `exportd webhook list` shows them
        #[arg(required_unless_present = "all", value_name = "CALL")]
        calls: Vec<String>,
        /// All that were given up
        #[arg(long)]
        all: bool,
    },
    /// Post a test document now, and say what is answered
    Test,
}

pub(super) fn webhook(places: &Places, args: &WebhookArgs) -> Result<Exit, Exit> {
    let mut settings = places.settings()?.settings;
    lend_secrets(&mut settings);
    let Some(webhook) = settings.webhook.clone() else {
        complain("there is no webhook: webhook.url is not in the configuration");
        return Err(Exit::Configuration);
    };
    match &args.command {
        WebhookCommand::List { all, json } => list(&settings, webhook, *all, *json),
        WebhookCommand::Retry { calls, all } => retry(webhook, calls, *all),
        WebhookCommand::Test => test(webhook),
    }
}

/// Opens the queue beside its owner.
fn open(webhook: WebhookSettings) -> Result<Webhook, Exit> {
    let folder = webhook.folder.clone();
    let failed = |error| unavailable(&folder, &error);
    // Of the outbox, which is there before anything in it.
    let outbox = folder.parent().unwrap_or(&folder);
    if outbox.is_dir() {
        become_owner(outbox).map_err(failed)?;
    }
    Webhook::attach(webhook, PathBuf::from("/proc/self/exe")).map_err(failed)
}

fn unavailable(folder: &Path, error: &std::io::Error) -> Exit {
    complain(&format!("{}: {error}", folder.display()));
    Exit::Unavailable
}

fn list(
    settings: &Settings,
    webhook: WebhookSettings,
    all: bool,
    json: bool,
) -> Result<Exit, Exit> {
    let folder = webhook.folder.clone();
    let mut items = if folder.is_dir() {
        open(webhook)?.list().map_err(|error| unavailable(&folder, &error))?
    } else {
        Vec::new()
    };
    items.retain(|item| all || item.state != State::Sent);
    if json {
        print_json(&items);
        return Ok(Exit::Well);
    }
    items.iter().for_each(|item| print(&described(item)));
    if items.is_empty() {
        say("no call waits, and none was given up");
    }
    if let Some(why) = Board::read(&settings.folders.drop).and_then(|board| board.webhook) {
        say(&format!("the webhook is not reached: {}", shown(&why)));
    }
    Ok(Exit::Well)
}

fn described(item: &Item) -> String {
    let state = format!("{:?}", item.state).to_lowercase();
    let call = &item.call;
    let mut out = format!("{state:<9}{}\n         {}", item.id, shown(&call.run));
    if item.state == State::Waiting {
        out.push_str(&format!(", next try {:.0}", call.next_try));
    }
    if call.last_text.is_some() {
        out.push_str(&format!("\n         {}", shown(&call.words())));
    }
    out.push('\n');
    out
}

fn retry(webhook: WebhookSettings, calls: &[String], all: bool) -> Result<Exit, Exit> {
    let folder = webhook.folder.clone();
    let queue = open(webhook)?;
    let ids = if all {
        let items = queue.list().map_err(|error| unavailable(&folder, &error))?;
        items.into_iter().filter(|item| item.state == State::Dead).map(|item| item.id).collect()
    } else {
        calls.to_vec()
    };
    let mut exit = Exit::Well;
    for id in &ids {
        match queue.retry(id, now()) {
            Ok(()) => print(&format!("{id}\n")),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                complain(&format!("{}: no such call was given up", shown(id)));
                exit = Exit::Absent;
            }
            Err(error) => exit = unavailable(&folder, &error),
        }
    }
    if exit == Exit::Well && !ids.is_empty() {
        say("made at the daemon's next try");
    }
    Ok(exit)
}

fn test(webhook: WebhookSettings) -> Result<Exit, Exit> {
    let (host, signed) = (webhook.host().to_owned(), webhook.secret_file.is_some());
    let answer: Answer = open(webhook)?.test(now());
    if answer.meaning() == Meaning::Taken {
        let signed = if signed { "signed" } else { "not signed" };
        print(&format!("{host} took it ({signed}): {}\n", answer.words()));
        return Ok(Exit::Well);
    }
    complain(&format!("{host} did not take it: {}", answer.words()));
    if !signed {
        say(WHERE_IT_IS);
    }
    Ok(Exit::Unavailable)
}
