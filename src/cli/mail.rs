//! `mail`: looking at the outbox and telling it what to do, beside the daemon that empties it.

use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use rustix::process::{Gid, Uid, geteuid};
use rustix::thread::{set_thread_gid, set_thread_groups, set_thread_uid};

use super::{Exit, Places, complain, print, print_json, say};
use crate::config::Settings;
use crate::daemon::board::Board;
use crate::daemon::space::Room;
use crate::daemon::{lend_secrets, now};
use crate::diag::shown;
use crate::report::outbox::{Item, Outbox, State, sent_path};
use crate::report::smtp::{self, Class, Envelope};
use crate::report::{Address, Letter, MailSettings, Mid, SmtpSettings, notice, reading};

/// Why a password that the service has is not here, and how to have it.
const WHERE_IT_IS: &str = "\
it is not in the configuration (mail.password_file), and the systemd credential smtp-password is lent \
to the service alone. To test with the credential, let systemd lend it:
  systemd-run --pipe --wait --collect --property=User=exportd \\
    --property=LoadCredential=smtp-password:/etc/exportd/smtp-password exportd mail test";

#[derive(Debug, Args)]
pub(super) struct MailArgs {
    #[command(subcommand)]
    command: MailCommand,
}

#[derive(Debug, Subcommand)]
enum MailCommand {
    /// List the mails that wait or were given up
    List {
        /// Those that were sent, too
        #[arg(long)]
        all: bool,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a mail as its reader sees it
    Show {
        /// The mail, as `exportd mail list` shows it
        mail: String,
    },
    /// Have mails sent again that wait or were given up
    Retry {
        /// The mails, as `exportd mail list` shows them
        #[arg(required_unless_present = "all", value_name = "MAIL")]
        mails: Vec<String>,
        /// All that wait or were given up
        #[arg(long)]
        all: bool,
    },
    /// Give up on mails: they will not be sent
    Drop {
        /// The mails, as `exportd mail list` shows them
        #[arg(required = true, value_name = "MAIL")]
        mails: Vec<String>,
    },
    /// Send a test mail now, and say what the mail server answers
    Test {
        /// Recipient (default: mail.to)
        address: Option<String>,
    },
}

pub(super) fn mail(places: &Places, args: &MailArgs) -> Result<Exit, Exit> {
    let settings = places.settings()?.settings;
    match &args.command {
        MailCommand::List { all, json } => list(&settings, *all, *json),
        MailCommand::Show { mail } => show(&settings, mail),
        MailCommand::Retry { mails, all } => retry(&settings, mails, *all),
        MailCommand::Drop { mails } => give_up(&settings, mails),
        MailCommand::Test { address } => test(&settings, address.as_deref()),
    }
}

/// Opens the outbox beside its owner; `None` when there is none yet.
fn outbox(settings: &Settings) -> Result<Option<Outbox>, Exit> {
    let folder = &settings.mail.folder;
    if !folder.is_dir() {
        return Ok(None);
    }
    become_owner(folder).map_err(|error| unavailable(folder, &error))?;
    // Nothing is sent from here, so the relay's password need not be known.
    let ours = MailSettings { smtp: None, ..settings.mail.clone() };
    let outbox = Outbox::attach(ours, program()).map_err(|error| unavailable(folder, &error))?;
    Ok(Some(outbox))
}

/// The superuser works as the folder's owner, so that the daemon can read what is written.
pub(super) fn become_owner(folder: &Path) -> std::io::Result<()> {
    let there = std::fs::metadata(folder)?;
    if geteuid().is_root() && there.uid() != 0 {
        set_thread_groups(&[])?;
        set_thread_gid(Gid::from_raw(there.gid()))?;
        set_thread_uid(Uid::from_raw(there.uid()))?;
    }
    Ok(())
}

fn program() -> PathBuf {
    PathBuf::from("/proc/self/exe")
}

fn unavailable(folder: &Path, error: &std::io::Error) -> Exit {
    complain(&format!("{}: {error}", folder.display()));
    Exit::Unavailable
}

fn items(settings: &Settings, outbox: Option<&Outbox>) -> Result<Vec<Item>, Exit> {
    let listed = outbox.map_or_else(|| Ok(Vec::new()), Outbox::list);
    listed.map_err(|error| unavailable(&settings.mail.folder, &error))
}

fn list(settings: &Settings, all: bool, json: bool) -> Result<Exit, Exit> {
    let outbox = outbox(settings)?;
    let mut items = items(settings, outbox.as_ref())?;
    items.retain(|item| all || item.state != State::Sent);
    if json {
        print_json(&items);
        return Ok(Exit::Well);
    }
    for item in &items {
        print(&described(item));
    }
    if items.is_empty() {
        say("no mail waits, and none was given up");
    }
    for trouble in troubles(settings) {
        say(&trouble);
    }
    Ok(Exit::Well)
}

/// Says why mail may not leave or not even be here.
fn troubles(settings: &Settings) -> Vec<String> {
    let folder = &settings.mail.folder;
    let left = Room::left(folder);
    let full = folder.is_dir() && (left.bytes == 0 || left.files == 0);
    let board = Board::read(&settings.folders.drop);
    let reported = board.and_then(|board| board.mail);
    full.then(|| format!("no room left in {}: no mail can be queued", folder.display()))
        .into_iter()
        .chain(reported.map(|why| format!("mail does not leave: {}", shown(&why))))
        .collect()
}

fn described(item: &Item) -> String {
    let state = format!("{:?}", item.state).to_lowercase();
    let mut out = format!("{state:<9}{}", item.mid);
    if let Some(env) = &item.env {
        out.push_str(&format!("\n         to {}", shown(&env.recipient)));
        if item.state != State::Sent && item.state != State::Dead {
            out.push_str(&format!(", next try {:.0}", env.next_try));
        }
        if !env.merged.is_empty() {
            out.push_str(&format!(", stands for {} mails", env.merged.len()));
        }
        if let Some(text) = &env.last_text {
            let code = env.last_code.map_or_else(String::new, |code| format!("{code} "));
            out.push_str(&format!("\n         {code}{}", shown(text)));
        }
    }
    out.push('\n');
    out
}

fn named(text: &str) -> Result<Mid, Exit> {
    let stem = text.strip_suffix(".eml").unwrap_or(text);
    Mid::from_stem(stem).ok_or_else(|| {
        complain(&format!("\"{}\" is not the name of a mail", shown(text)));
        Exit::Usage
    })
}

fn none_there(settings: &Settings) -> Exit {
    complain(&format!("there is no mail in {}", settings.mail.folder.display()));
    Exit::Absent
}

fn show(settings: &Settings, mail: &str) -> Result<Exit, Exit> {
    let mid = named(mail)?;
    let outbox = outbox(settings)?.ok_or_else(|| none_there(settings))?;
    let message = outbox.message(&mid).map_err(|error| wrong(&mid, &error))?;
    print(&reading::readable(&message));
    Ok(Exit::Well)
}

fn wrong(mid: &Mid, error: &std::io::Error) -> Exit {
    let (why, exit) = match error.kind() {
        ErrorKind::NotFound => ("there is no such mail".to_owned(), Exit::Absent),
        ErrorKind::WouldBlock => ("it is being sent right now".to_owned(), Exit::Unavailable),
        _ => (error.to_string(), Exit::Unavailable),
    };
    complain(&format!("{mid}: {why}"));
    exit
}

/// Does something to each mail, and goes on when it cannot be done to one.
fn each(mids: &[Mid], mut what: impl FnMut(&Mid) -> std::io::Result<()>) -> Exit {
    let mut exit = Exit::Well;
    for mid in mids {
        match what(mid) {
            Ok(()) => print(&format!("{mid}\n")),
            Err(error) => exit = wrong(mid, &error),
        }
    }
    exit
}

fn retry(settings: &Settings, mails: &[String], all: bool) -> Result<Exit, Exit> {
    let mut mids = mails.iter().map(|mail| named(mail)).collect::<Result<Vec<_>, _>>()?;
    let Some(outbox) = outbox(settings)? else {
        return if all { Ok(Exit::Well) } else { Err(none_there(settings)) };
    };
    if all {
        let items = items(settings, Some(&outbox))?;
        // What a digest stands for goes with it.
        let parts: std::collections::HashSet<&String> = items
            .iter()
            .filter(|item| item.state != State::Sent)
            .flat_map(|item| item.env.iter().flat_map(|env| &env.merged))
            .collect();
        mids = items
            .iter()
            .filter(|item| item.state != State::Sent && !parts.contains(&item.mid))
            .filter_map(|item| Mid::from_stem(&item.mid))
            .collect();
    }
    let exit = each(&mids, |mid| outbox.retry(mid, now()));
    if exit == Exit::Well && !mids.is_empty() {
        say("sent by the daemon within a minute");
    }
    Ok(exit)
}

fn give_up(settings: &Settings, mails: &[String]) -> Result<Exit, Exit> {
    let mids = mails.iter().map(|mail| named(mail)).collect::<Result<Vec<_>, _>>()?;
    let outbox = outbox(settings)?.ok_or_else(|| none_there(settings))?;
    Ok(each(&mids, |mid| outbox.give_up(mid, "dropped by hand", now())))
}

fn test(settings: &Settings, address: Option<&str>) -> Result<Exit, Exit> {
    let to = match address {
        Some(text) => vec![Address::parse(text).map_err(|error| {
            complain(&error.to_string());
            Exit::Usage
        })?],
        None => settings.mail.operators(),
    };
    let mut lent = settings.clone();
    lend_secrets(&mut lent);
    let mail = &lent.mail;
    if let Some(SmtpSettings { user: Some(user), password_file: None, .. }) = &mail.smtp {
        complain(&format!("no password for mail.user \"{}\": {WHERE_IT_IS}", shown(user)));
        return Err(Exit::Configuration);
    }
    let mut exit = Exit::Well;
    for to in &to {
        let letter = notice::test(mail, to, now());
        exit = match &mail.smtp {
            Some(relay) => test_relay(mail, relay, &letter),
            None => test_folder(settings, &letter)?,
        };
    }
    Ok(exit)
}

/// Sends past the outbox, so that the relay's answer can be shown.
fn test_relay(mail: &MailSettings, relay: &SmtpSettings, letter: &Letter) -> Exit {
    let sent = Address::parse(&mail.from).map_err(|error| error.to_string()).and_then(|from| {
        let message = smtp::render(letter).map_err(|error| error.to_string())?;
        let envelope = Envelope { from: from.mailbox(), to: letter.to.mailbox() };
        Ok(smtp::send(&program(), relay, &mail.host, envelope, &message))
    });
    let outcome = match sent {
        Ok(outcome) => outcome,
        Err(error) => {
            complain(&error);
            return Exit::Configuration;
        }
    };
    let code = outcome.code.map_or_else(String::new, |code| format!("{code} "));
    let answer = format!("{code}{}", outcome.text);
    let relay = format!("{}:{}", relay.host, relay.port);
    if outcome.class == Class::Sent {
        print(&format!("{}: {relay} took it: {answer}\n", letter.to.mailbox()));
        return Exit::Well;
    }
    let phase = format!("{:?}", outcome.phase).to_lowercase();
    complain(&format!("{}: {relay} did not take it (at {phase}): {answer}", letter.to.mailbox()));
    Exit::Unavailable
}

/// Without a relay mails are files, and so is this one.
fn test_folder(settings: &Settings, letter: &Letter) -> Result<Exit, Exit> {
    let folder = &settings.mail.folder;
    let failed = |error: std::io::Error| unavailable(folder, &error);
    std::fs::create_dir_all(folder).map_err(failed)?;
    become_owner(folder).map_err(failed)?;
    let outbox = Outbox::attach(settings.mail.clone(), program()).map_err(failed)?;
    outbox.enqueue(letter).map_err(failed)?;
    print(&format!("{}\n", sent_path(folder, &letter.mid).display()));
    say("no [mail] in the configuration: mails are files");
    Ok(Exit::Well)
}
